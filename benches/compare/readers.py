#!/usr/bin/env python3
"""How fast every reader reads bars, and what a row costs in memory, beside polars where it reads the format.

    benches/compare/readers.py --q50 target/release/q50 --rows 1000000

Makes bars with a fixed seed, writes them in every format, and reads each in a process of its own: q50 by the command that
does least with the format, polars into a frame whose closes are added up. Prints a table for docs/COMPARE.md: rows a
second (the best of the repetitions, the time of a small file taken off) and bytes of peak memory a row (beyond that of
the small file). q50 checks every bar while it reads, and `ingest` writes Parquet as well; polars does neither. Needs numpy,
pandas, polars and pyarrow; PostgreSQL is measured where Debian's package `postgresql` is installed and `q50-postgres`
lies beside `q50`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

SMALL = 1_000
HOUR_MS = 3_600_000
POOL = "solana_7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump"


def bars(rows: int) -> pl.DataFrame:
    """Hourly bars from 1970 on: a random walk whose highs and lows enclose it."""
    step = np.random.default_rng(50).normal(0, 0.002, rows)
    close = 100 * np.exp(np.cumsum(step))
    opens = np.r_[100.0, close[:-1]]
    high, low = np.maximum(opens, close) * 1.001, np.minimum(opens, close) * 0.999
    times = np.arange(rows, dtype=np.int64) * HOUR_MS
    return pl.DataFrame({"ts_ms": times, "open": opens, "high": high, "low": low, "close": close, "volume": step**2})


def make(folder: Path, rows: int) -> None:
    """The same bars in every format."""
    table = bars(rows)
    signals = table.select("ts_ms", (pl.col("close") / pl.col("open") - 1).alias("q50"))
    table.write_parquet(folder / "bars.parquet")
    table.write_csv(folder / "bars.csv")
    table.write_ndjson(folder / "bars.json")
    table.write_ipc(folder / "bars.feather")
    frame = pd.DataFrame({name: table[name].to_numpy() for name in table.columns})
    frame.index = pd.to_datetime(frame.pop("ts_ms"), unit="ms")
    frame.to_pickle(folder / "bars.pkl")
    with contextlib.closing(sqlite3.connect(folder / "signals.sqlite")) as database:
        database.execute("CREATE TABLE s (ts_ms INTEGER, q50 REAL)")
        database.executemany("INSERT INTO s VALUES (?, ?)", signals.iter_rows())
        database.commit()
    signals.write_csv(folder / "signals.csv")
    names = {"open": "open_price", "high": "high_price", "low": "low_price", "close": "close_price"}
    gecko = table.rename({**names, "volume": "volume_usd"}).with_columns(
        pl.lit(POOL).alias("pool_id"), pl.lit("1h").alias("timeframe"), (pl.col("ts_ms") // 1_000).alias("timestamp")
    )
    gecko.drop("ts_ms").write_csv(folder / "gecko.csv")


# Runs the rest of its words from a process that is small itself: what is started inherits the peak of what starts it.
LAUNCHER = """
import os, sys, time
begun = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
print(time.perf_counter() - begun, used.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))
"""


def measured(command: list[str]) -> tuple[float, int]:
    """Wall seconds and peak bytes of a process that must succeed; `q50 data check` exits 1 where a bar has a defect."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], check=True, capture_output=True, text=True)
    seconds, peak, code = done.stdout.split()
    if code not in ("0", "1"):
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return float(seconds), int(peak)


def cost(commands: dict[str, list[str]], rows: int, repetitions: int) -> str:
    """Rows a second and bytes a row: the large file less the small one."""
    runs = {size: [measured(command) for _ in range(repetitions)] for size, command in commands.items()}
    seconds = {size: min(run[0] for run in done) for size, done in runs.items()}
    peak = {size: min(run[1] for run in done) for size, done in runs.items()}
    more = rows - SMALL
    taken = seconds["large"] - seconds["small"]
    # A file that is mapped and not looked at takes no time that could be told from none.
    speed = f"{more / taken:,.0f}" if taken > 0.001 else "mapped"
    return f"{speed} | {max(0, peak['large'] - peak['small']) / more:,.0f}"


def by_polars(expression: str) -> list[str]:
    """A process that reads with polars."""
    return [sys.executable, "-c", f"import polars as pl; print(({expression})['close'].sum())"]


@contextlib.contextmanager
def postgres() -> Iterator[tuple[str, str] | None]:
    """The connection string of a server of our own and its psql; none where the package is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not versions:
        yield None
        return
    folder = tempfile.mkdtemp(prefix="q50-readers", dir="/tmp")
    rights = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        rights = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*rights, str(versions[-1] / program), "-D", f"{folder}/data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)

    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    try:
        run("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        run("pg_ctl", "-w", "-o", options, "-l", f"{folder}/log", "start")
        yield f"host={folder} user=postgres dbname=postgres", str(versions[-1] / "psql")
        run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--q50", default="target/release/q50")
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--repetitions", type=int, default=3)
    options = arguments.parse_args()
    q50 = str(Path(options.q50).resolve())
    os.environ["TMPDIR"] = tempfile.gettempdir()
    with tempfile.TemporaryDirectory() as scratch, postgres() as server:
        os.environ["Q50_DATA_DIR"] = scratch
        folders = {"small": Path(scratch) / "small", "large": Path(scratch) / "large"}
        for size, folder in folders.items():
            folder.mkdir()
            make(folder, SMALL if size == "small" else options.rows)
            export = [q50, "data", "export-qlib", f"X={folder / 'bars.parquet'}", "--out", str(folder / "qlib")]
            subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
        check = {name: ["data", "check", f"{{}}/{name}"] for name in ["bars.parquet", "bars.feather", "bars.csv", "bars.json"]}
        readers = {
            "Parquet": (check["bars.parquet"], "pl.read_parquet('{}/bars.parquet')"),
            "Arrow IPC": (check["bars.feather"], "pl.read_ipc('{}/bars.feather', memory_map=False)"),
            "CSV": (check["bars.csv"], "pl.read_csv('{}/bars.csv')"),
            "JSON, a record a line": (check["bars.json"], "pl.read_ndjson('{}/bars.json')"),
            "pickle": (["data", "check", "{}/bars.pkl"], None),
            "Qlib": (["data", "check", "{}/qlib"], None),
            "SQLite, one column": (["data", "signal", "sqlite:{}/signals.sqlite:s", "--at", "1970-01-02T00:00:00Z"], None),
            "collector's CSV": (["data", "ingest", "geckoterminal", "{}/gecko.csv", "--out", "{}/gecko"], None),
        }
        if server and (Path(q50).parent / "q50-postgres").exists():
            url, psql = server
            os.environ["READERS_URL"] = url
            for size, folder in folders.items():
                table = f"CREATE TABLE {size} (ts_ms bigint, q50 float8)"
                copy = f"\\copy {size} FROM '{folder}/signals.csv' CSV HEADER"
                subprocess.run([psql, "-qX", "-d", url, "-c", table, "-c", copy], check=True)
                (folder / "table").write_text(size)
            readers["PostgreSQL, one column"] = (
                ["data", "ingest", "postgres", "--url-env", "READERS_URL", "--table", "[table]", "--out", "{}/pg.parquet"],
                None,
            )
        print(f"{options.rows:,} rows, the best of {options.repetitions}; load {os.getloadavg()[0]:.1f}\n")
        print("| reader | q50, rows/s | bytes/row | polars, rows/s | bytes/row |\n|---|---:|---:|---:|---:|")
        for name, (words, polars) in readers.items():
            ours = {
                size: [q50, *(word.replace("{}", str(folder)).replace("[table]", size) for word in words)]
                for size, folder in folders.items()
            }
            line = f"| {name} | {cost(ours, options.rows, options.repetitions)} | "
            if polars is None:
                print(line + "- | - |", flush=True)
                continue
            theirs = {size: by_polars(polars.format(folder)) for size, folder in folders.items()}
            print(line + cost(theirs, options.rows, options.repetitions) + " |", flush=True)


if __name__ == "__main__":
    main()
