"""Compares two `results.parquet` set by set and prints the largest relative difference of each statistic."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.parquet as pq
from job import Floats

NAMES = ("final_equity", "sharpe", "max_drawdown", "fills")


def read(path: str) -> dict[str, Floats]:
    table = pq.read_table(path, columns=list(NAMES))
    return {name: table.column(name).to_numpy().astype(np.float64) for name in NAMES}


def main() -> None:
    ours, theirs = (read(path) for path in sys.argv[1:3])
    difference = {
        # Relative to the statistic's typical size, because a Sharpe ratio may be as near to 0 as it likes.
        name: float(np.max(np.abs(ours[name] - theirs[name])) / np.mean(np.abs(theirs[name])))
        for name in NAMES
    }
    print(json.dumps(difference))


if __name__ == "__main__":
    main()
