"""The crossing averages with stop and target through vectorbt's Portfolio, 50 columns at a time."""

from __future__ import annotations

import gc
from importlib.metadata import version

import cross
import job
import numpy as np
import pandas as pd
import vectorbt as vbt
from cross import Prices
from job import Statistics, Stopwatch
from vectorbt.portfolio.enums import StopEntryPrice

COLUMNS = 50


def chunk(prices: Prices, index: pd.Index, averages: dict, sets: list[tuple[int, int, float]]) -> pd.DataFrame:
    """The four statistics of some sets, a row a set."""
    crossed = [cross.crossings(averages[fast], averages[slow]) for fast, slow, _ in sets]
    # Decided at the close, filled at the next open.
    entries, exits = (np.vstack([np.zeros(len(sets), bool), np.array(side).T[:-1]]) for side in zip(*crossed))
    portfolio = vbt.Portfolio.from_signals(
        pd.Series(prices.close, index=index),
        entries=pd.DataFrame(entries, index=index),
        exits=pd.DataFrame(exits, index=index),
        price=pd.Series(prices.open, index=index),
        open=pd.Series(prices.open, index=index),
        high=pd.Series(prices.high, index=index),
        low=pd.Series(prices.low, index=index),
        sl_stop=np.array([stop / 100 for _, _, stop in sets]),
        tp_stop=cross.TARGET / 100,
        stop_entry_price=StopEntryPrice.FillPrice,
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
    prices = cross.read_prices(path)
    index = pd.date_range("2018-01-01", periods=len(prices.close), freq="1h")
    head = Prices(*(column[:100] for column in (prices.open, prices.high, prices.low, prices.close)))
    few = {period: cross.ema(head.close, period) for period in (5, 20)}
    chunk(head, index[:100], few, [(5, 20, 0.5)] * 2)  # Whatever is compiled or loaded once.
    parts = []
    with Stopwatch() as stopwatch:
        averages = {period: cross.ema(prices.close, period) for period in (*cross.FAST, *cross.SLOW)}
        sets = cross.sets()
        for start in range(0, len(sets), COLUMNS):
            parts.append(chunk(prices, index, averages, sets[start : start + COLUMNS]))
            gc.collect()
    table = pd.concat(parts, ignore_index=True)
    statistics = Statistics(*(table[name].to_numpy() for name in ("final_equity", "sharpe", "max_drawdown", "fills")))
    job.answer(out, statistics, stopwatch, {name: version(name) for name in ("vectorbt", "vectorbt-rust")})


if __name__ == "__main__":
    main()
