"""The threshold job as a loop written by hand for numba: one pass a set, sets in parallel.

It is a floor, not a product: it knows this rule, this venue and these four statistics, and nothing else.
"""

from __future__ import annotations

import math

import job
import numba
import numpy as np
from job import Floats, Integers, Statistics, Stopwatch


@numba.njit(cache=True)
def replay(
    open_: Floats, close: Floats, signal: Floats, entry: float, leave: float, size: float
) -> tuple[float, float, float, int]:
    """Final equity, annual Sharpe ratio, maximum drawdown and number of fills of one set."""
    cash, units, fills = job.CAPITAL, 0.0, 0
    before, peak, drawdown = job.CAPITAL, job.CAPITAL, 0.0
    total, squares = 0.0, 0.0
    for t in range(1, len(close)):
        known, price = signal[t - 1], open_[t]
        if units == 0.0 and known > entry:
            units = math.floor(size * cash / (price * (1.0 + job.FEE)))
            if units > 0.0:
                cash -= units * price * (1.0 + job.FEE)
                fills += 1
        elif units > 0.0 and known < leave:
            cash += units * price * (1.0 - job.FEE)
            units = 0.0
            fills += 1
        equity = cash + units * close[t]
        change = equity / before - 1.0
        total += change
        squares += change * change
        peak = max(peak, equity)
        drawdown = max(drawdown, 1.0 - equity / peak)
        before = equity
    returns = len(close) - 1
    mean = total / returns
    deviation = math.sqrt((squares - returns * mean * mean) / (returns - 1))
    return before, mean / deviation * math.sqrt(job.PERIODS_PER_YEAR), drawdown, fills


@numba.njit(parallel=True, cache=True)
def sweep(
    open_: Floats, close: Floats, signal: Floats, entry: Floats, leave: Floats, size: Floats
) -> tuple[Floats, Floats, Floats, Integers]:
    sets = len(entry)
    final_equity, sharpe, drawdown = np.empty(sets), np.empty(sets), np.empty(sets)
    fills = np.empty(sets, dtype=np.int64)
    for i in numba.prange(sets):
        final_equity[i], sharpe[i], drawdown[i], fills[i] = replay(open_, close, signal, entry[i], leave[i], size[i])
    return final_equity, sharpe, drawdown, fills


def main() -> None:
    path, out = job.arguments()
    bars = job.read_bars(path)
    columns = bars.open, bars.close, bars.signal
    sets = job.grid()
    # Compiles, or loads what an earlier run compiled, and starts the threads.
    sweep(*(column[:100] for column in columns), *(axis[:2] for axis in sets))
    with Stopwatch() as stopwatch:
        statistics = Statistics(*sweep(*columns, *sets))
    job.answer(out, statistics, stopwatch, {"numba": numba.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
