"""Tables of other libraries: what q50 takes of them, and how it hands one back."""

from __future__ import annotations

from typing import Any


def streamed(value: Any) -> Any:
    """`value` as a table with an Arrow stream, if it can be one: a series is a column, and so is a pandas index that has
    times or a name, which a stream of pandas leaves out.
    """
    if hasattr(value, "to_frame"):
        value = value.to_frame()
    name = index_name(value)
    return value if name is None else value.rename_axis(name).reset_index()


def index_name(frame: Any) -> str | None:
    """The column that a pandas index is, if it is one."""
    if not hasattr(frame, "reset_index"):
        return None
    if frame.index.name is not None:
        return str(frame.index.name)
    return "timestamp" if hasattr(frame.index, "asi8") else None


def as_kind_of(like: Any, table: Any) -> Any:
    """The table as a frame of the library that `like` is of; as it is where that is neither polars nor pandas."""
    library = type(like).__module__.partition(".")[0]
    if library == "polars":
        import polars

        return polars.DataFrame(table)
    if library == "pandas":
        import pyarrow  # type: ignore[import-untyped]

        frame = pyarrow.table(table).to_pandas()
        name = index_name(like)
        return frame if name is None else frame.set_index(name).rename_axis(like.index.name)
    return table
