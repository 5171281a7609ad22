"""The crossing averages with stop and target through backtesting.py, the first sets of the grid."""

from __future__ import annotations

from importlib.metadata import version

import cross
import job
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from job import Statistics, Stopwatch

SETS = 5
"""Each takes seconds."""


class Cross(Strategy):
    """Its averages and its stop are set from outside, a set at a time."""

    above = below = np.zeros(0, bool)
    stop = 0.0

    def init(self) -> None:
        pass

    def next(self) -> None:
        row = len(self.data) - 1
        if self.position:
            if self.below[row]:
                self.position.close()
        elif self.above[row]:
            # From the close: the fill is not known before it happens.
            close = self.data.Close[-1]
            self.buy(size=0.9999, sl=close * (1 - self.stop / 100), tp=close * (1 + cross.TARGET / 100))


def main() -> None:
    path, out = job.arguments()
    prices = cross.read_prices(path)
    frame = pd.DataFrame(
        {"Open": prices.open, "High": prices.high, "Low": prices.low, "Close": prices.close},
        index=pd.date_range("2018-01-01", periods=len(prices.close), freq="1h"),
    )
    found = []
    with Stopwatch() as stopwatch:
        for fast, slow, stop in cross.sets()[:SETS]:
            Cross.above, Cross.below = cross.crossings(cross.ema(prices.close, fast), cross.ema(prices.close, slow))
            Cross.stop = stop
            stats = Backtest(frame, Cross, cash=job.CAPITAL, commission=job.FEE, finalize_trades=True).run()
            drawdown = -stats["Max. Drawdown [%]"] / 100
            found.append((stats["Equity Final [$]"], stats["Sharpe Ratio"], drawdown, 2 * stats["# Trades"]))
    statistics = Statistics(*(np.array(column) for column in zip(*found)))
    job.answer(out, statistics, stopwatch, {"backtesting.py": version("backtesting")})


if __name__ == "__main__":
    main()
