#!/usr/bin/env python3
"""Runs strategies from files through `q50 sweep`, and the same rule through vectorbt and backtesting.py, in turns.

Needs what `run.py` needs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import page
from contenders import CHECKOUT, GRID, HERE, JOB, Contender, Refused, build, python_engine
from page import Report, figure, spread
from run import BENCH, commit, machine, measure

CROSS = """name: cross
timeframe: 1h
indicators:
  fast: {type: EMA, period: 5}
  slow: {type: EMA, period: 20}
entry_conditions:
  long: [fast crosses_above slow]
exit_conditions:
  long: [fast crosses_below slow]
stop_loss: {type: fixed_pct, percent: 0.5}
take_profit: {type: fixed_pct, percent: 4.0}
sweep:
  fast.period: [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
  slow.period: [20, 25, 30, 35, 40, 45, 50, 55, 60, 65]
  stop_loss.percent: [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
"""
FIVE = """name: five
timeframe: 5m
indicators:
  fast: {type: EMA, period: 12}
  slow: {type: EMA, period: 48}
  rsi: {type: RSI, period: 14}
  bands: {type: BBANDS, period: 20}
  range: {type: ATR, period: 14}
entry_conditions:
  long: [fast > slow, rsi < 45, close < bands.middle]
exit_conditions:
  long: [rsi > 65]
stop_loss: {type: atr_fixed, atr_multiplier: 2, indicator: range}
take_profit: {type: risk_reward, risk_reward_ratio: 2}
sweep:
  rsi.period: [8, 10, 12, 14, 16, 18, 20, 22, 24, 26]
  stop_loss.atr_multiplier: [1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25]
"""
MONEY = "--cost-bps 5 --capital 1000000000 --threads 1 --format json --quiet"


def sweep(q50: Path, bars: Path, arguments: str, files: dict[str, str]) -> Callable[[Path], list[str]]:
    """A sweep on one thread with a ledger of its own; `files` are written beside its results."""

    def command(out: Path) -> list[str]:
        for name, text in files.items():
            (out / name).write_text(text)
        there = [str(out / word) if word in files else word for word in arguments.split()]
        place = ["--bars", str(bars), "--out", str(out), "--ledger", str(out / "ledger.sqlite")]
        return [str(q50), "sweep", *there, *MONEY.split(), *place]

    return command


def contenders(q50: Path, bars: Path, minutes: Path, repetitions: int) -> list[Contender]:
    """In the order in which they take turns."""
    threshold = JOB.replace("--cost-bps 5 --capital 1000000000", "")
    cross = "--strategy cross.yaml --sizing full --periods-per-year 8766"
    five = "--strategy five.yaml --sizing full"
    vectorbt, settings = python_engine("vectorbt_cross.py", bars)
    events, others = python_engine("backtesting_cross.py", bars)
    return [
        Contender("q50", "threshold rule, q50", 0.0, repetitions, sweep(q50, bars, f"{threshold} --grid grid.toml", {"grid.toml": GRID})),
        Contender("q50", "crossing averages, q50", 0.0, repetitions, sweep(q50, bars, cross, {"cross.yaml": CROSS})),
        Contender("vectorbt", "crossing averages, vectorbt", 0.0, 1, vectorbt, settings),
        Contender("backtesting.py", "crossing averages, backtesting.py", 0.0, 1, events, others),
        Contender("q50", "five indicators, q50", 0.0, repetitions, sweep(q50, minutes, five, {"five.yaml": FIVE})),
    ]


def take_turns(taking_part: list[Contender], scratch: Path) -> list[Report]:
    runs = []
    for repetition in range(max(contender.repetitions for contender in taking_part)):
        for contender in taking_part:
            if repetition < contender.repetitions:
                run = measure(contender, Path(tempfile.mkdtemp(dir=scratch)))
                runs.append(run)
                print(f"{contender.label:34} {run['process']} sweep {run['sweep']}", file=sys.stderr)
    return runs


def table(report: Report) -> str:
    """A row a job: medians, and the CPU time of a set and bar against that of the threshold rule."""
    rows: dict[str, list[Report]] = {}
    for run in report["repetitions"]:
        rows.setdefault(run["label"], []).append(run)
    bars = {label: report["bars"]["five" if label.startswith("five") else "cross"] for label in rows}
    each = {
        label: [1e3 * run["sweep"]["cpu_s"] / run["sets"] for run in measured] for label, measured in rows.items()
    }
    unit = median(each["threshold rule, q50"]) / bars["threshold rule, q50"]
    lines = [
        "| job | bars | sets | runs | sweep: CPU s | CPU ms a set | process: CPU s | peak MiB | a bar and set |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for label, measured in rows.items():
        cells = [label, f"{bars[label]:,}", f"{measured[0]['sets']:,}", str(len(measured))]
        cells += [spread([run["sweep"]["cpu_s"] for run in measured]), spread(each[label])]
        cells += [spread([run["process"]["cpu_s"] for run in measured])]
        cells += [f"{median(run['sweep']['peak_rss_mib'] for run in measured):.0f}"]
        cells += [figure(median(each[label]) / bars[label] / unit)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", page.conditions(report)])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3, help="of q50 (default 3)")
    parser.add_argument("--q50", type=Path, help="a release binary of this commit; absent: it is built")
    parser.add_argument("--docs", type=Path, default=CHECKOUT / "docs", help="the folder that has COMPARE.md")
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    return parser.parse_args()


def main() -> int:
    options = parse()
    try:
        if "Q50_TEST_DATA" not in os.environ:
            raise Refused(f"set Q50_TEST_DATA to the folder that has {BENCH}.parquet")
        bars = Path(os.environ["Q50_TEST_DATA"]).resolve() / f"{BENCH}.parquet"
        q50 = (options.q50 or build("--bin", "q50")).resolve()
        with tempfile.TemporaryDirectory(prefix="q50-compare-") as scratch:
            minutes = Path(scratch) / "minutes"
            synth = ["data", "synth", "--bars", "210000", "--interval", "300", "--quiet", "--out", str(minutes)]
            subprocess.run([str(q50), *synth], check=True, stdout=subprocess.DEVNULL)
            runs = take_turns(contenders(q50, bars, minutes / "bars.parquet", options.repetitions), Path(scratch))
        versions = {"q50": commit()}
        for run in runs:
            versions |= run.pop("versions")
        report = {
            "name": "files",
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine(),
            "versions": versions,
            "bars": {"cross": 70_000, "five": 210_000},
            "strategies": {"cross": CROSS, "five": FIVE},
            "repetitions": runs,
        }
        if not options.dry_run:
            page.write(report, table(report), options.docs)
    except (Refused, OSError, subprocess.CalledProcessError) as why:
        print(f"files: {why}", file=sys.stderr)
        return 2
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
