"""The extension module: arguments in, JSON and Arrow out."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

class Error(Exception):
    """Why something could not be done."""

    file: str | None
    """The file at fault."""
    place: str | None
    """The place in it: a row and column, or a line and path."""
    hint: str | None
    """What to do about it."""

def run(arguments: Sequence[str], threads: int | None, frames: Mapping[str, Any]) -> tuple[str, bool]: ...
def table(path: str | PathLike[str]) -> Any: ...
def write(table: Any, path: str | PathLike[str]) -> None: ...
