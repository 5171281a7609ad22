#!/usr/bin/env python3
"""Whether the cost of a sweep grows in proportion to sets and to bars, and its memory not at all with sets.

Runs the threshold job of `run.py` at four numbers of sets and at four of bars, the sizes taking turns, and prints
processor seconds, nanoseconds a bar and set (the least of the repetitions: what is not least is somebody else's work)
and peak memory as a table for docs/COMPARE.md. Needs Q50_TEST_DATA and a release binary.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST_DAY = datetime.date(2018, 1, 1)
DAYS = 728
SIZES = [1, 2, 3, 4]


def sweep(q50: str, steps: int, days: int | None) -> dict[str, float]:
    """One sweep of 100 x `steps` sets on the first `days` days, or on all of the record."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        (out / "grid.toml").write_text(
            "[grid]\nentry = { from = 0.55, to = 0.95, steps = 10 }\nexit = { from = 0.05, to = 0.45, steps = 10 }\n"
            f"size = {{ from = 0.1, to = 1.0, steps = {steps} }}\n"
        )
        bars = Path(os.environ["Q50_TEST_DATA"]) / "bench" / "threshold_70k.parquet"
        command = [q50, "sweep", "--quiet", "--strategy", "threshold", "--grid", str(out / "grid.toml")]
        command += ["--bars", str(bars), "--signal-column", "signal", "--lot", "1", "--cost-bps", "5"]
        command += ["--capital", "1e9", "--periods-per-year", "8766", "--threads", "1", "--format", "json"]
        command += ["--out", str(out / "out"), "--ledger", str(out / "trials.sqlite")]
        if days is not None:
            last = FIRST_DAY + datetime.timedelta(days=days - 1)
            command += ["--from", str(FIRST_DAY), "--to", str(last)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer


def rows(q50: str, sizes: list[tuple[int, int | None]], repetitions: int) -> list[str]:
    """A line of the table for each size, `(steps, days)`, against the first."""
    runs: list[list[dict[str, float]]] = [[] for _ in sizes]
    for _ in range(repetitions):
        for run, (steps, days) in zip(runs, sizes, strict=True):
            run.append(sweep(q50, steps, days))
    best = [min(run, key=lambda answer: answer["cpu_s"]) for run in runs]
    work = [answer["sets"] * answer["bars"] for answer in best]
    each = [answer["cpu_s"] / w for answer, w in zip(best, work, strict=True)]
    return [
        f"| {answer['sets']:,} | {answer['bars']:,} | {answer['cpu_s']:.3f} | {1e9 * cost:.2f} | "
        f"{cost / each[-1]:.2f} | {max(a['peak_rss_mib'] for a in run):.0f} |"
        for answer, run, cost in zip(best, runs, each, strict=True)
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target"))
    parser.add_argument("--q50", default=str(target / "release" / "q50"))
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    print("| sets | bars | CPU s | ns a bar and set | against the largest | peak MiB |")
    print("|---:|---:|---:|---:|---:|---:|")
    by_sets: list[tuple[int, int | None]] = [(10 * 4**doubling, None) for doubling in range(4)]
    by_bars: list[tuple[int, int | None]] = [(20, DAYS * size) for size in SIZES]
    for line in rows(arguments.q50, by_sets, arguments.repetitions) + rows(
        arguments.q50, by_bars, arguments.repetitions
    ):
        print(line)


if __name__ == "__main__":
    main()
