"""The threshold job through vectorbt's Portfolio with its Rust kernels, 50 columns at a time.

The setting `engine = "rust"` raises where a kernel has no Rust version, so that nothing falls back to numba unseen.
"""

from __future__ import annotations

import gc
from importlib.metadata import version

import job
import numpy as np
import pandas as pd
import vectorbt as vbt
from job import Bars, Floats, Statistics, Stopwatch

COLUMNS = 50
"""Sets at a time: a thousand at once would need one matrix of 560 MB for the equity alone, and several more."""


def chunk(bars: Bars, index: pd.Index, entry: Floats, leave: Floats, size: Floats) -> pd.DataFrame:
    """The four statistics of some sets, a row a set."""
    known = np.concatenate(([np.nan], bars.signal[:-1]))[:, None]
    portfolio = vbt.Portfolio.from_signals(
        pd.Series(bars.close, index=index),
        entries=pd.DataFrame(known > entry, index=index),
        exits=pd.DataFrame(known < leave, index=index),
        price=pd.Series(bars.open, index=index),
        size=size,
        size_type="percent",
        size_granularity=1.0,
        fees=job.FEE,
        init_cash=job.CAPITAL,
        direction="longonly",
        freq="1h",
    )
    year = pd.Timedelta(hours=job.PERIODS_PER_YEAR)
    return pd.DataFrame(
        {
            "final_equity": portfolio.final_value(),
            "sharpe": portfolio.sharpe_ratio(year_freq=year),
            "max_drawdown": -portfolio.max_drawdown(),
            "fills": portfolio.orders.count(),
        }
    )


def main() -> None:
    vbt.settings["engine"] = "rust"
    path, out = job.arguments()
    bars = job.read_bars(path)
    index = pd.date_range("2018-01-01", periods=len(bars.close), freq="1h")
    entry, leave, size = job.grid()
    head = Bars(bars.open[:100], bars.close[:100], bars.signal[:100])
    chunk(head, index[:100], entry[:2], leave[:2], size[:2])  # Whatever is compiled or loaded once.
    parts = []
    with Stopwatch() as stopwatch:
        for start in range(0, len(entry), COLUMNS):
            parts.append(chunk(bars, index, *(axis[start : start + COLUMNS] for axis in (entry, leave, size))))
            gc.collect()  # A portfolio and its cached matrices refer to each other; left alone they pile up.
    table = pd.concat(parts, ignore_index=True)
    statistics = Statistics(*(table[name].to_numpy() for name in ("final_equity", "sharpe", "max_drawdown", "fills")))
    versions = {name: version(name) for name in ("vectorbt", "vectorbt-rust", "numpy", "pandas")}
    job.answer(out, statistics, stopwatch, versions)


if __name__ == "__main__":
    main()
