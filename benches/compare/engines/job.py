"""The threshold job, as every engine of this folder gets it: bars, grid, fee, and the file that it answers with."""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FEE = 0.0005
"""Fraction of the notional, each side."""
CAPITAL = 1e9
PERIODS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class Bars:
    """Hourly columns of equal length: prices, and the signal known at the bar's close."""

    open: Floats
    close: Floats
    signal: Floats


def read_bars(path: Path) -> Bars:
    table = pq.read_table(path, columns=["open", "close", "signal"])
    return Bars(*(table.column(name).to_numpy() for name in ("open", "close", "signal")))


def grid() -> tuple[Floats, Floats, Floats]:
    """Entry, exit and size of the 1,000 sets; entry is the outermost loop."""
    axes = np.linspace(0.55, 0.95, 10), np.linspace(0.05, 0.45, 10), np.linspace(0.1, 1.0, 10)
    entry, leave, size = np.array(list(itertools.product(*axes))).T
    return np.ascontiguousarray(entry), np.ascontiguousarray(leave), np.ascontiguousarray(size)


@dataclass
class Statistics:
    """One value a set, in the grid's order."""

    final_equity: Floats
    sharpe: Floats
    max_drawdown: Floats
    fills: Integers


class Stopwatch:
    """Wall time and CPU time (user and system, all threads) of a `with` block, in seconds."""

    wall_s: float
    cpu_s: float

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.perf_counter(), _cpu_s()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, _cpu_s() - self._cpu


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_rss_mib() -> float:
    """Of this program: `ru_maxrss` would also remember the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def answer(out: Path, statistics: Statistics, sweep: Stopwatch, versions: dict[str, str]) -> None:
    """Writes `results.parquet` into `out` and one JSON object to standard output."""
    pq.write_table(pa.table(vars(statistics)), out / "results.parquet")
    print(
        json.dumps(
            {
                "sets": len(statistics.final_equity),
                "sum_final_equity": float(statistics.final_equity.sum()),
                "cpu_s": sweep.cpu_s,
                "wall_s": sweep.wall_s,
                "peak_rss_mib": _peak_rss_mib(),
                "versions": versions,
            }
        ),
        flush=True,
    )


def arguments() -> tuple[Path, Path]:
    """The bars' file and the folder to answer in."""
    return Path(sys.argv[1]), Path(sys.argv[2])
