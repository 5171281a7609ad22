"""The installed wheel, beside the command: `Q50_COMMAND` names the binary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import polars as pl
import pytest
import q50

GRID = {"entry": [0.55, 0.6, 0.65], "exit": [0.4, 0.5]}
TIMES = {"elapsed_ms", "ledger", "cpu_s", "wall_s", "ns_per_bar_set", "process_cpu_s", "peak_rss_mib", "engine"}


@pytest.fixture(autouse=True)
def own_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q50_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    command("data", "synth", "--bars", "4000", "--sharpe", "3", "--out", str(folder))
    return folder


def command(*words: str) -> str:
    done = subprocess.run([os.environ["Q50_COMMAND"], *words], stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def frames(market: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_parquet(market / "bars.parquet"), pl.read_parquet(market / "signals.parquet")


def test_a_verdict_has_the_digits_of_the_command(market: Path, tmp_path: Path) -> None:
    bars, signals = frames(market)
    ours = q50.verify(bars=bars, signals=signals, capital=5_000, cost_bps=3)
    files = ["--bars", str(market / "bars.parquet"), "--signals", str(market / "signals.parquet")]
    ledger = ["--ledger", str(tmp_path / "other.sqlite"), "--out", str(tmp_path / "out")]
    typed = json.loads(command("verify", *files, *ledger, "--capital=5000", "--cost-bps=3", "--format=json"))
    assert ours["replay"] == typed["replay"]
    assert ours["inference"] == typed["inference"]
    assert ours["run_id"] == typed["run_id"]
    assert ours.verdict == typed["verdict"]
    assert ours.checks == {check["name"]: check["state"] for check in typed["checks"]}


def test_tables_are_those_of_the_run(market: Path) -> None:
    bars, signals = frames(market)
    verdict = q50.verify(bars=bars, signals=signals)
    assert verdict.tables == ["decisions", "equity", "fills"]
    equity = pl.DataFrame(verdict.table("equity"))
    assert len(equity) == verdict["replay"]["bars"] == len(verdict.table("equity"))
    assert len(pl.DataFrame(verdict.table("fills"))) == verdict["replay"]["fills"]
    with pytest.raises(KeyError, match="there are decisions, equity, fills"):
        verdict.table("equtiy")


def test_paths_frames_and_pandas_say_the_same(market: Path) -> None:
    bars, signals = frames(market)
    by_path = q50.verify(bars=market / "bars.parquet", signals=market / "signals.parquet")
    by_frame = q50.verify(bars=bars, signals=signals)
    indexed = bars.to_pandas().set_index("ts_ms")
    by_pandas = q50.verify(bars=indexed, signals=signals.to_pandas())
    times = indexed.set_index(pd.to_datetime(indexed.index, unit="ms", utc=True).rename(None))
    by_times = q50.verify(bars=times, signals=signals)
    assert by_path["replay"] == by_frame["replay"] == by_pandas["replay"] == by_times["replay"]


def test_a_sweep_counts_every_set_in_the_ledger(market: Path) -> None:
    bars, _ = frames(market)
    market_of_closes = {"bars": bars, "strategy": "threshold", "signal_column": "close"}
    grid = {"entry": [0.5, 1.0, 1.5], "exit": [0.1, 0.2]}
    found = q50.sweep(grid=grid, **market_of_closes)
    assert (found["sets"], found["completed"], found["trials_counted"]) == (6, 6, 6)
    again = q50.sweep(grid=grid, **market_of_closes)
    assert again["trials_counted"] == 6
    assert found["results_hash"] == again["results_hash"]
    results = pl.DataFrame(found.table("results"))
    assert results.select("entry", "exit").rows() == [(e, x) for e in grid["entry"] for x in grid["exit"]]


def test_threads_change_nothing(market: Path) -> None:
    bars, _ = frames(market)
    options: dict[str, Any] = {"bars": bars, "strategy": "threshold", "signal_column": "close"}
    one, two = (q50.sweep(grid={"entry": [0.5, 1.0]}, threads=n, **options) for n in (1, 2))
    assert one["results_hash"] == two["results_hash"]


def test_an_error_names_file_place_and_remedy(market: Path, tmp_path: Path) -> None:
    bars, signals = frames(market)
    broken = bars.with_columns(high=pl.when(pl.int_range(pl.len()) == 6).then(-1.0).otherwise("high"))
    with pytest.raises(q50.Error) as caught:
        q50.verify(bars=broken, signals=signals)
    assert caught.value.file == "frame:bars"
    assert caught.value.place is not None and caught.value.place.startswith("row 7")
    with pytest.raises(q50.Error) as caught:
        q50.verify(bars=tmp_path / "nothing.parquet")
    assert caught.value.file == str(tmp_path / "nothing.parquet")
    assert caught.value.hint == "check the path"
    strategy = tmp_path / "s.yaml"
    strategy.write_text("name: s\ntimeframe: 1h\nentry_conditions: {long: [close > opne]}\n")
    with pytest.raises(q50.Error) as caught:
        q50.verify(bars=bars, strategy=strategy)
    assert caught.value.place is not None and caught.value.place.startswith("line 3")
    with pytest.raises(q50.Error, match="unexpected argument '--capitl'"):
        q50.verify(bars=bars, capitl=5)


def test_signals_from_a_function_are_cut_and_compared(market: Path) -> None:
    bars, _ = frames(market)

    def momentum(bars: pl.DataFrame) -> pl.DataFrame:
        return bars.select("ts_ms", value=pl.col("close").pct_change(24).fill_null(0.0))

    def tomorrow(bars: pl.DataFrame) -> pl.DataFrame:
        return bars.select("ts_ms", value=pl.col("close").pct_change().shift(-1).fill_null(0.0))

    options: dict[str, Any] = {"strategy": "threshold", "signal_column": "value", "cuts": 8}
    options["set"] = {"entry": 0.001, "exit": -0.001}
    honest = q50.verify(bars, momentum, **options)
    assert not [condition for condition in honest["conditions"] if condition["name"] == "signals_origin"]
    assert honest.checks["lookahead"] == "pass"
    assert q50.verify(bars, tomorrow, **options).checks["lookahead"] == "fail"


def test_a_function_gets_frames_as_its_caller_has_them(market: Path) -> None:
    bars, _ = frames(market)
    indexed = bars.to_pandas()
    indexed = indexed.set_index(pd.to_datetime(indexed.pop("ts_ms"), unit="ms", utc=True).rename(None))
    seen: list[pd.DataFrame] = []

    def momentum(bars: pd.DataFrame) -> pd.Series:
        seen.append(bars)
        return bars["close"].pct_change(24).fillna(0.0).rename("value")

    found = q50.verify(indexed, momentum, strategy="threshold", signal_column="value", cuts=3)
    assert found.checks["lookahead"] == "pass"
    assert len(seen) > 3
    # The prices of later runs may be others: that is how a function that knows its market by heart is found.
    for frame in seen:
        pd.testing.assert_index_equal(frame.index, indexed.index[: len(frame)])
        pd.testing.assert_series_equal(frame.dtypes, indexed.dtypes)
    assert sum(frame.equals(indexed.iloc[: len(frame)]) for frame in seen) > 3


def test_what_a_function_raises_is_the_error(market: Path) -> None:
    bars, _ = frames(market)
    calls = []

    def fails_later(bars: pl.DataFrame) -> pl.DataFrame:
        calls.append(len(bars))
        if len(calls) > 1:
            raise ValueError("no such column: clsoe")
        return bars.select("ts_ms", value=pl.lit(0.0))

    with pytest.raises(q50.Error, match="no such column: clsoe"):
        q50.verify(bars, fails_later, strategy="threshold", signal_column="value")


def test_statistics_of_a_list_a_series_and_a_file(tmp_path: Path) -> None:
    returns = [0.01, -0.02, 0.015, 0.003, -0.001, 0.02]
    of_list = q50.stats(returns, periods_per_year=365)
    assert dict(of_list) == dict(q50.stats(pl.Series("r", returns), periods_per_year=365))
    (tmp_path / "r.json").write_text(json.dumps(returns))
    typed = command("stats", "--returns", str(tmp_path / "r.json"), "--periods-per-year=365", "--format=json")
    assert dict(of_list) == json.loads(typed)


def test_a_result_shows_its_report(market: Path, tmp_path: Path) -> None:
    bars, signals = frames(market)
    verdict = q50.verify(bars=bars, signals=signals)
    assert verdict._repr_html_().startswith('<iframe title="q50 report"')
    page = verdict.report(tmp_path / "r.html").read_text()
    assert len(verdict.pictures) == page.count("<figure") > 5
    drawing = ElementTree.fromstring(verdict.pictures["Equity"]._repr_svg_())
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "Equity over time" in drawing.attrib["aria-label"]


def test_a_search_shows_how_the_ratio_goes_with_two_parameters(market: Path, tmp_path: Path) -> None:
    bars, _ = frames(market)
    grid = {"entry": [0.5, 1.0, 1.5], "exit": [0.1, 0.2]}
    found = q50.sweep(bars=bars, strategy="threshold", signal_column="close", grid=grid, out=tmp_path / "s")
    assert list(found.pictures) == ["Sharpe ratio by entry and exit"]
    drawing = ElementTree.fromstring(found.pictures["Sharpe ratio by entry and exit"]._repr_svg_())
    results = pl.DataFrame(found.table("results"))
    ends = [f"{x:.2f}".replace("-", "\u2212") for x in (results["sharpe"].min(), results["sharpe"].max())]
    assert drawing.attrib["aria-label"] == f"Mean Sharpe ratio by entry and exit: {ends[0]} to {ends[1]}."
    assert found._repr_html_().startswith('<iframe title="q50 report"')


def test_what_the_command_left_is_read(market: Path, tmp_path: Path) -> None:
    files = [f"--bars={market}/bars.parquet", f"--signals={market}/signals.parquet"]
    typed = json.loads(command("verify", *files, f"--out={tmp_path}/v", "--format=json"))
    verdict = q50.read(tmp_path / "v")
    assert isinstance(verdict, q50.Verification)
    assert (verdict.verdict, verdict["run_id"], verdict.yes) == (typed["verdict"], typed["run_id"], None)
    assert len(pl.DataFrame(verdict.table("equity"))) == typed["replay"]["bars"]
    assert "Equity" in verdict.pictures
    compared = tmp_path / "compared"
    compared.mkdir()
    (compared / "compare.json").write_text(json.dumps({"parity": True, "fills": {"matched": 3}}))
    assert repr(q50.read(compared)) == "q50.Comparison(parity, 3 fills in both)"
    with pytest.raises(q50.Error, match="there is no result in it") as caught:
        q50.read(tmp_path)
    assert caught.value.hint == "name the folder that --out named"


def test_ctrl_c_ends_a_sweep_within_a_second_and_it_goes_on_later(market: Path, tmp_path: Path) -> None:
    bars, signals = frames(market)
    grid = {
        "gate.min_expected_value": [i / 100_000 for i in range(100)],
        "sizing.max_position": [0.1 + i / 1_000 for i in range(400)],
    }
    options: dict[str, Any] = {"bars": bars, "signals": signals, "strategy": "q50", "grid": grid, "out": tmp_path / "s"}
    pressed: list[float] = []

    def press() -> None:
        while not (tmp_path / "s").is_dir():
            time.sleep(0.01)
        time.sleep(0.3)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        q50.sweep(**options)
    assert time.monotonic() - pressed[0] < 1.0
    resumed = q50.sweep(**options, resume=True)
    assert resumed["completed"] == 40_000
    assert resumed["resumed_sets"] > 0
    assert resumed["trials_counted"] == 40_000
