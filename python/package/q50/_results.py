"""What commands answer: figures by name, tables as Arrow, pages and pictures for a notebook."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q50 import _q50

if TYPE_CHECKING:
    from q50._commands import Folder


class Table:
    """A table as an Arrow stream: `polars.DataFrame(table)`, `pyarrow.table(table)`, DuckDB and others take it without a copy."""

    def __init__(self, path: Path) -> None:
        self._table = _q50.table(path)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._table.__arrow_c_schema__()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    def __repr__(self) -> str:
        return f"q50.Table({len(self)} rows: {', '.join(self.columns)})"


class Picture:
    """A picture of a report, with the report's style: `picture.svg` stands alone."""

    # As the report has it where it is 640 units wide or more.
    _TEXT = "svg { background: var(--ground); font-family: system-ui, sans-serif } svg text { font-size: 19px }"

    def __init__(self, title: str, drawing: str, style: str) -> None:
        self.title = title
        style = f"<style>{html.escape(style + self._TEXT, quote=False)}</style>"
        begin, end = drawing.split(">", maxsplit=1)
        self.svg = f'{begin} xmlns="http://www.w3.org/2000/svg">{style}{end}'

    def save(self, path: str | Path) -> Path:
        """Writes the drawing as an SVG file."""
        path = Path(path)
        path.write_text(self.svg)
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"q50.Picture({self.title})"


def pictures(page: str) -> dict[str, Picture]:
    """The pictures of a report by their titles."""
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    drawn = re.findall(r"<figure[^>]*><h3>(.*?)</h3>(?:(?!</figure>).)*?(<svg viewBox.*?</svg>)", page, re.DOTALL)
    named = [(html.unescape(title), drawing) for title, drawing in drawn]
    return {title: Picture(title, drawing, style[1] if style else "") for title, drawing in named}


class Result(Mapping[str, Any]):
    """The figures that the command prints as JSON, by their names there."""

    def __init__(self, figures: dict[str, Any], yes: bool | None, folder: Folder | None) -> None:
        self._figures = figures
        self._folder = folder
        self.yes = yes
        """Whether the command would have ended with 0; `None` of a result that was read from its folder."""

    def __getitem__(self, name: str) -> Any:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    @property
    def tables(self) -> list[str]:
        """Names of its tables."""
        return sorted(path.stem for path in self._folder.path.glob("*.parquet")) if self._folder else []

    def table(self, name: str) -> Table:
        """One of its tables."""
        if name not in self.tables:
            raise KeyError(f"there is no table {name!r}; there are {', '.join(self.tables) or 'none'}")
        assert self._folder
        return Table(self._folder.path / f"{name}.parquet")

    @property
    def folder(self) -> Path | None:
        """Where its files lie; a folder that nobody named goes with the result."""
        return self._folder.path if self._folder else None


class Reported(Result):
    """A result with a page: in a notebook it shows itself."""

    _PAGE = "report.html"

    def _page(self) -> Path:
        assert self.folder
        return self.folder / self._PAGE

    def report(self, path: str | Path) -> Path:
        """Copies the page, which needs no other file."""
        return Path(shutil.copyfile(self._page(), path))

    @property
    def pictures(self) -> dict[str, Picture]:
        """The pictures of the page by their titles: `verdict.pictures["Equity"]`."""
        return pictures(self._page().read_text())

    def _repr_html_(self) -> str:
        # In a frame of its own: the page's style is not the notebook's.
        style = "width: 100%; height: 80vh; border: 0"
        return f'<iframe title="q50 report" style="{style}" srcdoc="{html.escape(self._page().read_text())}"></iframe>'


class Verification(Reported):
    """A verdict and its evidence."""

    @property
    def verdict(self) -> str:
        """`confirmed`, `refuted` or `undetermined`."""
        return str(self["verdict"])

    @property
    def checks(self) -> dict[str, str]:
        """The state of each check: `pass`, `fail` or `not_run`."""
        return {check["name"]: check["state"] for check in self["checks"]}

    def __repr__(self) -> str:
        return f"q50.Verification({self.verdict}, Sharpe ratio {self['replay']['sharpe']})"


class Sweep(Reported):
    """A search: figures of the best sets, and every set in the table `results`."""

    _PAGE = "sweep.html"

    def __repr__(self) -> str:
        return f"q50.Sweep({self['completed']} of {self['sets']} sets, {len(self['pareto'])} finalists)"


class Comparison(Reported):
    """A live session beside its backtest, with the tests of its monitor."""

    _PAGE = "compare.html"

    def __repr__(self) -> str:
        fills = self["fills"]
        return f"q50.Comparison({'parity' if self['parity'] else 'no parity'}, {fills['matched']} fills in both)"


class Overfit(Result):
    """What speaks against the best set."""

    @property
    def checks(self) -> dict[str, str]:
        """The state of each check: `pass`, `fail` or `not_run`."""
        return {check["name"]: check["state"] for check in self["checks"]}

    def __repr__(self) -> str:
        failed = [name for name, state in self.checks.items() if state == "fail"]
        return f"q50.Overfit({', '.join(failed) or 'no check'} failed)"


class Statistics(Result):
    """Statistics of a series; what is undefined is `None`, with a reason under `undefined`."""

    def __repr__(self) -> str:
        return f"q50.Statistics(n {self['n']}, Sharpe ratio {self['sharpe']})"
