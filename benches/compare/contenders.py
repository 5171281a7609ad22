"""What can run the threshold job, and how: a command for each engine and number of threads."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "q50"
ENGINES = ("q50", "scalar", "numba", "vectorbt")

GRID = """[grid]
entry = { from = 0.55, to = 0.95, steps = 10 }
exit = { from = 0.05, to = 0.45, steps = 10 }
size = { from = 0.1, to = 1.0, steps = 10 }
"""
JOB = "--strategy threshold --signal-column signal --lot 1 --cost-bps 5 --capital 1000000000 --periods-per-year 8766"


class Refused(Exception):
    """Why there is no measurement."""


@dataclass(frozen=True)
class Contender:
    """One engine with one number of threads."""

    engine: str
    label: str
    tolerance: float
    """Largest relative distance of its sum of final equities from the expected one."""
    repetitions: int
    command: Callable[[Path], list[str]]
    """From an empty folder to answer in: `results.parquet`, and one JSON object on standard output."""
    environment: dict[str, str] = field(default_factory=dict)


def contenders(bars: Path, skip: list[str], repetitions: dict[str, int], binary: Path | None) -> list[Contender]:
    """Those that are not skipped, in the order in which they take turns."""
    return [
        contender
        for engine, make in (("q50", _q50), ("scalar", _scalar), ("numba", _numba), ("vectorbt", _vectorbt))
        if engine not in skip
        for contender in make(bars, repetitions[engine], binary)
    ]


def _q50(bars: Path, repetitions: int, binary: Path | None) -> Iterator[Contender]:
    built = str(binary or build("--bin", "q50"))
    for threads, label in _threads():

        def command(out: Path, threads: int = threads) -> list[str]:
            grid = out / "grid.toml"
            grid.write_text(GRID)
            # A ledger of its own each time: no repetition may find that an earlier one has done its work.
            files = ["--grid", grid, "--bars", bars, "--out", out, "--ledger", out / "ledger.sqlite"]
            return [built, "sweep", *JOB.split(), f"--threads={threads}", "--format=json", *map(str, files)]

        yield Contender("q50", f"q50 sweep, {label}", 1e-9, repetitions, command)


def _scalar(bars: Path, repetitions: int, _: Path | None) -> Iterator[Contender]:
    built = str(build("--example", "scalar_loop"))
    yield Contender(
        "scalar", "scalar loop in Rust, 1 thread", 1e-9, repetitions, lambda out: [built, str(bars), str(out)]
    )


def _numba(bars: Path, repetitions: int, _: Path | None) -> Iterator[Contender]:
    for threads, label in _threads():
        settings = {"NUMBA_NUM_THREADS": str(threads)}
        engine = python_engine("numba_loop.py", bars, settings)
        yield Contender("numba", f"numba loop, {label}", 1e-9, repetitions, *engine)


def _vectorbt(bars: Path, repetitions: int, _: Path | None) -> Iterator[Contender]:
    # Its amounts are rounded otherwise, by one unit in some fills.
    engine = python_engine("vectorbt_portfolio.py", bars)
    yield Contender("vectorbt", "vectorbt, Rust kernels", 1e-6, repetitions, *engine)


def _threads() -> list[tuple[int, str]]:
    """One thread, and one for each core."""
    return [(n, f"{n} thread" + "s" * (n > 1)) for n in dict.fromkeys((1, os.cpu_count() or 1))]


def python_engine(
    script: str, bars: Path, settings: dict[str, str] | None = None
) -> tuple[Callable[[Path], list[str]], dict[str, str]]:
    """The command and the environment of an engine of `engines/`."""
    python = str(peers_python())
    compiled = {"NUMBA_CACHE_DIR": str(CACHE / "compare" / "numba"), "PYTHONDONTWRITEBYTECODE": "1"}
    return lambda out: [python, str(HERE / "engines" / script), str(bars), str(out)], compiled | (settings or {})


def peers_python() -> Path:
    """The interpreter of a virtual environment with exactly `requirements.txt`, made where there is none."""
    requirements, home = HERE / "requirements.txt", CACHE / "compare"
    python, stamp = home / "bin" / "python", home / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"making {home}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(requirements)]
        subprocess.run([str(python), *install], check=True)
        stamp.write_text(wanted)
    return python


def build(*target: str) -> Path:
    """A program of this checkout, in release."""
    command = ["cargo", "build", "--release", "--locked", *target, "--message-format=json"]
    lines = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message["executable"] for message in map(json.loads, lines) if message.get("executable")]
    if not built:
        raise Refused(f"cargo built no {target[-1]}; run `{' '.join(command[:-1])}`")
    return Path(built[-1])
