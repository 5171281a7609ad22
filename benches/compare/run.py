#!/usr/bin/env python3
"""Runs the threshold job through `q50 sweep`, plain loops and vectorbt side by side and writes down what each took.

Every run is a process of its own, and engines take turns, so that a busy minute hits all of them. Needs cargo and
Python 3.11; the peers live in a virtual environment outside the checkout, which the first run makes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from contenders import CHECKOUT, ENGINES, HERE, Contender, Refused, contenders, peers_python
from page import Report, table, write

BENCH = "bench/threshold_70k"
JOB = (
    "Long or flat in whole units from 1e9 of cash; in when the signal exceeds `entry`, out when it is below `exit`, "
    "decided at the close and filled at the next open at 5 basis points a fill; 10 entries from 0.55 to 0.95, 10 exits "
    "from 0.05 to 0.45, 10 sizes (shares of the cash) from 0.1 to 1; final equity, Sharpe ratio of 8,766 hours a year, "
    "maximum drawdown and fills of each set."
)


def measure(contender: Contender, out: Path) -> Report:
    """One process from start to end, and what it said of its sweep."""
    command = contender.command(out)
    load = os.getloadavg()[0]
    with (out / "stdout").open("wb") as stdout, (out / "stderr").open("wb") as stderr:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=os.environ | contender.environment)
        # Not Popen.wait: the usage has to be this child's alone.
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Refused(f"{contender.label} ended with {child.returncode}:\n{(out / 'stderr').read_text()[-2000:]}")
    answer = json.loads((out / "stdout").read_text())
    return {
        "engine": contender.engine,
        "label": contender.label,
        "load_before": load,
        "process": {
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "wall_s": wall_s,
            "maxrss_mib": usage.ru_maxrss / 1024,
        },
        "sweep": {key: answer[key] for key in ("cpu_s", "wall_s", "peak_rss_mib")},
        "sets": answer["sets"],
        "sum_final_equity": answer["sum_final_equity"],
        "versions": answer.get("versions", {}),
    }


def require_the_same_job(contender: Contender, run: Report, expected: Report) -> None:
    """Refuses a run that did something else than the job."""
    if run["sets"] != expected["sets"]:
        raise Refused(f"{contender.label} ran {run['sets']} sets, expected {expected['sets']}")
    found, wanted = run["sum_final_equity"], expected["sum_of_final_equity"]
    if not abs(found / wanted - 1.0) <= contender.tolerance:
        raise Refused(
            f"{contender.label}: final equities add up to {found!r}, expected {wanted!r} to {contender.tolerance:g}"
        )


def take_turns(taking_part: list[Contender], expected: Report, scratch: Path) -> tuple[list[Report], Report]:
    """Every run, and each engine's largest differences from the reference loop, statistic by statistic."""
    runs: list[Report] = []
    first_results: dict[str, Path] = {}
    for repetition in range(max(contender.repetitions for contender in taking_part)):
        for contender in taking_part:
            if repetition >= contender.repetitions:
                continue
            out = Path(tempfile.mkdtemp(dir=scratch))
            run = measure(contender, out)
            require_the_same_job(contender, run, expected)
            runs.append(run)
            first_results.setdefault(contender.label, out / "results.parquet")
            print(f"{contender.label:24} {run['process']} sweep {run['sweep']}", file=sys.stderr)
    return runs, differences(first_results)


def differences(results: dict[str, Path]) -> Report:
    """Largest relative difference of each statistic from the numba loop's, over all sets."""
    reference = next((label for label in results if label.startswith("numba")), None)
    if reference is None:
        return {}
    found: dict[str, Any] = {}
    for label, path in results.items():
        if label != reference:
            compare = [str(peers_python()), str(HERE / "engines" / "agree.py"), str(path), str(results[reference])]
            found[label] = json.loads(subprocess.run(compare, check=True, stdout=subprocess.PIPE).stdout)
    return {"reference": reference} | found


def machine() -> Report:
    """What a reader needs to weigh the figures; nothing that names the machine."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def commit() -> str:
    git = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(git, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip", action="append", default=[], choices=ENGINES, help="leave an engine out")
    parser.add_argument("--repetitions", type=int, default=3, help="of all but vectorbt (default 3)")
    parser.add_argument("--vectorbt-repetitions", type=int, default=1, help="it takes most of a minute (default 1)")
    parser.add_argument("--q50", type=Path, help="a release binary of this commit; absent: it is built")
    parser.add_argument("--docs", type=Path, default=CHECKOUT / "docs", help="the folder that has COMPARE.md")
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    return parser.parse_args()


def main() -> int:
    options = parse()
    try:
        if "Q50_TEST_DATA" not in os.environ:
            raise Refused(f"set Q50_TEST_DATA to the folder that has {BENCH}.parquet")
        data = Path(os.environ["Q50_TEST_DATA"]).resolve()
        reference = json.loads((data / f"{BENCH}.expected.json").read_text())
        times = dict.fromkeys(ENGINES, options.repetitions) | {"vectorbt": options.vectorbt_repetitions}
        taking_part = contenders(data / f"{BENCH}.parquet", options.skip, times, options.q50)
        if not taking_part:
            raise Refused("every engine is skipped")
        with tempfile.TemporaryDirectory(prefix="q50-compare-") as scratch:
            runs, differing = take_turns(taking_part, reference["sweep"], Path(scratch))
        versions = {"q50": commit(), "Python": platform.python_version()}
        for run in runs:
            versions |= run.pop("versions")
        report = {
            "name": "threshold",
            "job": JOB,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine(),
            "versions": versions,
            "repetitions": runs,
            "largest_relative_difference": differing,
        }
        if not options.dry_run:
            write(report, table(report), options.docs)
    except (Refused, OSError) as why:
        print(f"compare: {why}", file=sys.stderr)
        return 2
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
