"""The commands as functions: keyword arguments become the command's arguments, and its JSON a result."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from q50 import _q50
from q50._frames import streamed
from q50._producer import Producer
from q50._results import Comparison, Overfit, Result, Statistics, Sweep, Verification

Option = Any
"""What an option may be: text, a number, a path, `True` for a flag, a list for one that is given several times, a mapping for
`NAME=VALUE`, and a table where the command reads a file."""


def verify(
    bars: Option = None,
    signals: Option = None,
    *,
    strategy: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Option,
) -> Verification:
    """Judges a claim, or a record's own figure (`q50 verify`). Without bars: the built-in demonstration market.

    `signals` may be a function of the bars: it is given the bars' table and returns that of the signals, and is called again
    on bars that end earlier (`cuts` times, 24 unless said) to see whether it knows the future.
    """
    call = Call("verify", out, options | {"bars": bars, "signals": signals, "strategy": strategy})
    return Verification(*call.run(), call.folder)


def sweep(
    bars: Option = None,
    signals: Option = None,
    *,
    grid: Mapping[str, Sequence[Any]] | str | os.PathLike[str] | None = None,
    strategy: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Option,
) -> Sweep:
    """Searches parameters on every core (`q50 sweep`). `grid` is a file, or values by path, the outermost loop first.

    Ctrl-C ends it after the sets at hand; with the same `out` and `resume=True` it goes on.
    """
    call = Call("sweep", out, options | {"bars": bars, "signals": signals, "strategy": strategy, "grid": grid})
    return Sweep(*call.run(), call.folder)


def overfit(
    bars: Option = None,
    signals: Option = None,
    *,
    grid: Mapping[str, Sequence[Any]] | str | os.PathLike[str] | None = None,
    strategy: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Option,
) -> Overfit:
    """Whether the best set of a grid is luck (`q50 overfit`)."""
    call = Call("overfit", out, options | {"bars": bars, "signals": signals, "strategy": strategy, "grid": grid})
    return Overfit(*call.run(), call.folder)


def stats(returns: Option, periods_per_year: float, **options: Option) -> Statistics:
    """Statistics of a return series (`q50 stats`): a file, a column of a frame, or a list of numbers."""
    call = Call("stats", None, options | {"returns": returns, "periods_per_year": periods_per_year})
    return Statistics(*call.run(), None)


def data(*words: str, **options: Option) -> dict[str, Any]:
    """`q50 data WORDS..`, such as `q50.data("check", bars=frame)`."""
    return Call(("data", *words), None, options).run()[0]


def read(folder: str | os.PathLike[str]) -> Result:
    """The result that a command, here or elsewhere, left in a folder: of `verify`, `sweep`, `overfit` or `compare`."""
    kept = Folder(folder)
    for name, kind in _RUNS.items():
        if (kept.path / name).is_file():
            return kind(json.loads((kept.path / name).read_text()), None, kept)
    hint = "name the folder that --out named"
    error = _q50.Error(f"{kept.path}: there is no result in it, expected one of {', '.join(_RUNS)}; {hint}")
    error.file, error.place, error.hint = str(kept.path), None, hint
    raise error


# The file that stands for a run in its folder.
_RUNS: dict[str, type[Result]] = {
    "summary.json": Verification,
    "sweep.json": Sweep,
    "overfit.json": Overfit,
    "compare.json": Comparison,
}


class Call:
    """One command on its way: its arguments, the tables that they name, and the folder of its files."""

    def __init__(
        self, command: str | tuple[str, ...], out: str | os.PathLike[str] | None, options: Mapping[str, Option]
    ) -> None:
        words = (command,) if isinstance(command, str) else command
        self.arguments = [*words, "--quiet", "--format=json"]
        self.frames: dict[str, Any] = {}
        self.threads: int | None = None
        self.scratch = tempfile.TemporaryDirectory(prefix="q50-")
        self.folder: Folder | None = None
        self.producer: AbstractContextManager[Any] = nullcontext()
        if command in ("verify", "sweep", "overfit"):
            self.folder = Folder(out)
            self.arguments.append(f"--out={self.folder.path}")
        for name, value in options.items():
            if name == "signals" and callable(value):
                self._signals_of(value, options["bars"])
            elif name == "threads":
                self.threads = value
            elif value is not None and value is not False:
                self._option(name, value)

    def run(self) -> tuple[dict[str, Any], bool]:
        """What the command answers, and whether the answer is yes."""
        try:
            with self.producer:
                answer, yes = _q50.run(self.arguments, self.threads, self.frames)
        finally:
            self.scratch.cleanup()
        return json.loads(answer), yes

    def _option(self, name: str, value: Option) -> None:
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            self.arguments.append(flag)
        elif name == "grid" and isinstance(value, Mapping):
            self.arguments.append(f"{flag}={self._grid(value)}")
        elif isinstance(value, Mapping):
            self.arguments += [f"{flag}={key}={self._value(f'{name}-{key}', one)}" for key, one in value.items()]
        elif isinstance(value, (list, tuple)) and name == "returns":
            self.arguments.append(f"{flag}={self._numbers(name, value)}")
        elif isinstance(value, (list, tuple)):
            self.arguments += [f"{flag}={self._value(f'{name}-{place}', one)}" for place, one in enumerate(value)]
        else:
            self.arguments.append(f"{flag}={self._value(name, value)}")

    def _value(self, name: str, value: Option) -> str:
        """A word of the command line; a table is given a name there."""
        if isinstance(value, (str, int, float)):
            return str(value)
        if isinstance(value, os.PathLike):
            return str(os.fspath(value))
        value = streamed(value)
        if not hasattr(value, "__arrow_c_stream__"):
            expected = "text, a number, a path, or a table with an Arrow stream"
            raise TypeError(f"{name} is a {type(value).__name__}, expected {expected}")
        self.frames[name] = value
        return f"frame:{name}"

    def _grid(self, axes: Mapping[str, Sequence[Any]]) -> Path:
        path = Path(self.scratch.name) / "grid.toml"
        # JSON's numbers, booleans and texts are TOML's as well.
        lines = [f"{json.dumps(axis)} = {json.dumps(list(values))}" for axis, values in axes.items()]
        path.write_text("\n".join(["[grid]", *lines, ""]))
        return path

    def _numbers(self, name: str, values: Sequence[float]) -> Path:
        path = Path(self.scratch.name) / f"{name}.json"
        path.write_text(json.dumps([float(value) for value in values]))
        return path

    def _signals_of(self, function: Callable[[Any], Any], bars: Option) -> None:
        """Signals from a function: made once on all bars, and again, as a producer's are, on bars that end earlier."""
        if isinstance(bars, Mapping) or not hasattr(bars, "__arrow_c_stream__"):
            raise TypeError("signals is a function, so bars has to be one table that it can be given")
        producer = Producer(function, bars, Path(self.scratch.name))
        self.producer = producer
        self.arguments.append(f"--producer={producer.command}")
        self._option("signals", function(bars))


class Folder:
    """Where a run's files lie: the folder that was named, or one that lasts as long as its result."""

    def __init__(self, named: str | os.PathLike[str] | None) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="q50-run-") if named is None else None
        self.path = Path(self._own.name) if self._own else Path(os.fspath(named or "."))
