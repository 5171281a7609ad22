"""The rule of the strategy-file job, as every engine of it gets it: bars, averages, grid."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from job import Floats
from numba import njit

FAST, SLOW = range(5, 15), range(20, 70, 5)
STOPS = [round(0.5 + 0.5 * step, 1) for step in range(10)]
"""Percent below the fill; the target is TARGET percent above it."""
TARGET = 4.0


@dataclass(frozen=True)
class Prices:
    """Hourly columns of equal length."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


def read_prices(path: Path) -> Prices:
    names = ("open", "high", "low", "close")
    table = pq.read_table(path, columns=list(names))
    return Prices(*(table.column(name).to_numpy() for name in names))


def sets() -> list[tuple[int, int, float]]:
    """Fast period, slow period and stop of the 1,000 sets; the fast period is the outermost loop."""
    return list(itertools.product(FAST, SLOW, STOPS))


@njit(cache=True)
def ema(close: Floats, period: int) -> Floats:
    """Seeded with the mean of the first `period` values, as the strategy language and TA-Lib have it."""
    out = np.full(close.shape, np.nan)
    value = close[:period].mean()
    out[period - 1] = value
    for row in range(period, len(close)):
        value += 2.0 / (period + 1.0) * (close[row] - value)
        out[row] = value
    return out


def crossings(fast: Floats, slow: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Closes at which `fast` has come above, and below, `slow`."""
    above, below = np.zeros(len(fast), bool), np.zeros(len(fast), bool)
    above[1:] = (fast[:-1] <= slow[:-1]) & (fast[1:] > slow[1:])
    below[1:] = (fast[:-1] >= slow[:-1]) & (fast[1:] < slow[1:])
    return above, below
