//! The crate on real records.

use q50_datasets::check::{DefectKind, Gaps, check_bars, check_signals};
use q50_datasets::hummingbot::Run;
use q50_datasets::qlib::{Provider, Selection};
use q50_datasets::time::parse_ms;
use q50_datasets::trades::{TradeSide, read_trades};
use q50_datasets::{
    Bars, CrossingPolicy, Dataset, DatasetOptions, Input, RunFolder, SignalOptions, SignalTable, ingest,
};
use q50_engine::market::Column;
use q50_testing::real;

fn keep() -> SignalOptions {
    SignalOptions { crossing: CrossingPolicy::Keep, ..SignalOptions::default() }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_hourly_bars_have_the_gaps_and_the_odd_stamps_that_were_counted_by_hand() {
    let path = real("claim/btcusdt_1h.parquet");
    let report = check_bars(&Input::open(&path).unwrap(), &Selection::default()).unwrap();
    assert_eq!((report.rows, report.interval_ms), (70_784, Some(3_600_000)));
    assert_eq!(report.from.as_deref(), Some("2017-08-17T04:00:00Z"));
    assert_eq!(report.to.as_deref(), Some("2025-10-04T23:00:00Z"));
    assert_eq!(report.gaps, Gaps { count: 178, missing: 558, longest: 145 });
    // A second series, 28 minutes past the hour, runs through 43 hours of February 2018.
    let off = report.defect(DefectKind::OffGrid).unwrap();
    assert_eq!((off.count, off.row, off.first.as_deref()), (43, Some(4_191), Some("2018-02-09T09:28:00Z")));
    assert_eq!(report.defect(DefectKind::MissingVolume).map(|d| d.count), Some(3_472));
    // The young exchange of August 2017 had hours without a change.
    let stale = report.defect(DefectKind::Stale).unwrap();
    assert_eq!((stale.count, stale.first.as_deref()), (28, Some("2017-08-26T07:00:00Z")));
    assert_eq!(report.defects.len(), 4, "{:#?}", report.defects);
    assert!(report.is_sound());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn other_real_bars_are_read_without_a_fault() {
    for (name, rows, interval) in [
        ("claim/btcusdt_1d_with_dominance_feargreed.parquet", 2_971, 86_400_000),
        ("bench/threshold_70k.parquet", 70_000, 3_600_000),
    ] {
        let path = real(name);
        let bars = Bars::read(&path).unwrap();
        assert_eq!((bars.len(), bars.interval_ms), (rows, interval), "{name}");
        assert!(check_bars(&Input::open(&path).unwrap(), &Selection::default()).unwrap().defects.is_empty(), "{name}");
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_file_of_many_pools_is_reported_and_refused() {
    let path = real("pools/pools_ohlcv_1h.parquet");
    assert!(Bars::read(&path).unwrap_err().is_order());
    let report = check_bars(&Input::open(&path).unwrap(), &Selection::default()).unwrap();
    assert!(report.defect(DefectKind::Unsorted).is_some() && !report.is_sound());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_published_signals_cross_in_a_few_rows() {
    for (name, rows, crossing) in
        [("v1_model_2024", 6_596, 6), ("hummingbot_551b272", 9_715, 4), ("retrain_oos", 10_968, 3)]
    {
        let path = real(&format!("claim/q50_signals_{name}.parquet"));
        let table = SignalTable::read(&path, &SignalOptions::default()).unwrap();
        assert_eq!((table.len(), table.crossings.rows, table.crossings.of), (rows, crossing, rows), "{name}");
        let held = table.columns.q50.as_ref().unwrap().iter().filter(|v| v.is_nan()).count();
        assert_eq!(held, crossing);
        assert_eq!(table.columns.vol_raw.is_some(), name == "retrain_oos", "recomputed columns are not taken");
        let report = check_signals(&Input::open(&path).unwrap(), &SignalOptions::default()).unwrap();
        assert!(report.is_sound());
        assert_eq!(report.defect(DefectKind::CrossingQuantiles).map(|d| d.count), Some(crossing));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_claims_window_has_6600_bars_and_6596_signals() {
    let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
    let data = Dataset::read(&bars, Some(&signals), &DatasetOptions::default()).unwrap();
    assert_eq!((data.rows().len(), data.signal_count(), data.gaps()), (6_600, 6_596, Gaps::default()));
    assert_eq!(data.period(), (parse_ms("2023-12-31").unwrap(), parse_ms("2024-09-30 23:00:00").unwrap()));
    assert!(data.report().bars.is_sound() && data.market().first > 50_000);

    // Every joined row is the forecast stamped with the very same bar.
    let table = SignalTable::read(&signals, &SignalOptions::default()).unwrap();
    let (market, q50) = (data.market(), table.columns.q50.unwrap());
    for (stamp, value) in table.ts.iter().zip(&q50) {
        let row = market.open_time.binary_search(stamp).unwrap();
        assert_eq!(market.signals.get(Column::Q50).unwrap()[row].to_bits(), value.to_bits());
    }

    let data = data.window(parse_ms("2024-01-01"), parse_ms("2024-09-30 23:00:00")).unwrap();
    assert_eq!(data.rows().len(), 6_576);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_benchmark_file_holds_bars_and_its_own_signal() {
    let path = real("bench/threshold_70k.parquet");
    let mut options = DatasetOptions::default();
    options.signals.value = Some("signal".to_owned());
    let data = Dataset::read(&path, None, &options).unwrap();
    assert_eq!((data.rows(), data.signal_count()), (0..70_000, 70_000));
    assert_eq!(data.market().signals.get(Column::Value).unwrap()[0], 0.035_701_367_579_208_72);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_qlib_provider_equals_the_parquet_file_bit_for_bit() {
    let (dir, parquet) = (real("ingest/qlib/btcusdt_60min"), real("claim/btcusdt_1h.parquet"));
    let qlib = Bars::read(&dir).unwrap();
    assert_eq!((qlib.len(), qlib.interval_ms, qlib.volume.is_none()), (70_597, 3_600_000, true));
    let other = Bars::read(&parquet).unwrap();
    let mut common = 0;
    for (row, time) in qlib.open_time.iter().enumerate() {
        let Ok(at) = other.open_time.binary_search(time) else { continue };
        common += usize::from(
            qlib.open[row] == other.open[at]
                && qlib.high[row] == other.high[at]
                && qlib.low[row] == other.low[at]
                && qlib.close[row] == other.close[at],
        );
    }
    assert_eq!(common, 70_597, "the Parquet file adds 187 hours and changes none");
    let instruments = Provider::open(&dir).unwrap().instruments().unwrap();
    assert_eq!((instruments.len(), instruments[0].start), (1, qlib.open_time[0]));
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_misindexed_provider_is_refused_with_its_numbers() {
    let dir = real("ingest/qlib/misindexed_60min");
    for e in
        [Bars::read(&dir).unwrap_err(), check_bars(&Input::open(&dir).unwrap(), &Selection::default()).unwrap_err()]
    {
        assert!(e.is_qlib_index());
        assert!(e.to_string().contains("start 0 + 70597 values exceeds the calendar of 66577"), "{e}");
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_recorded_run_tells_the_published_signals_exactly() {
    let (dir, published) = (real("ingest/hummingbot/v1_moderate"), real("claim/q50_signals_v1_model_2024.parquet"));
    let run = Run::read(&dir).unwrap();
    // 6,600 hours, of which 379 only close a position and carry no forecast. The published table fills 375 of those
    // hours from sibling runs of the same model, so it has 6,596 rows and this run 6,221.
    assert_eq!((run.ts.len(), run.rows_without_forecast, run.trades.len()), (6_221, 379, 1_503));
    let ours = run.signals(&keep()).unwrap();
    let table = SignalTable::read(&published, &keep()).unwrap();
    assert_eq!(table.len(), 6_596);
    for (row, ts) in ours.ts.iter().enumerate() {
        let at = table.ts.binary_search(ts).unwrap();
        for (name, column) in ours.columns.present() {
            let (_, other) = table.columns.present().find(|(n, _)| *n == name).unwrap();
            assert!((column[row] - other[at]).abs() <= 1e-12, "{name} at {ts}: {} and {}", column[row], other[at]);
        }
    }
    assert_eq!(SignalTable::read(&dir, &keep()).unwrap().columns, ours.columns, "a directory is a signal source too");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_recorded_trades_equal_the_published_ledger() {
    let (dir, ledger) = (real("ingest/hummingbot/v1_moderate"), real("claim/published_trades_ledger.parquet"));
    let mine = read_trades(&dir, None).unwrap();
    let published = read_trades(&ledger, Some("v1_moderate")).unwrap();
    assert_eq!((mine.len(), published.len()), (1_503, 1_503));
    for (a, b) in mine.iter().zip(&published) {
        assert_eq!((a.ts_ms, a.side, &a.original_signal), (b.ts_ms, b.side, &b.original_signal));
        assert!((a.balance_after - b.balance_after).abs() <= 1e-9 && a.quantity == b.quantity && a.price == b.price);
    }
    assert_eq!(mine[0].side, TradeSide::Buy);
    let e = read_trades(&ledger, None).unwrap_err();
    assert!(e.is_choice() && e.to_string().contains("`551b272`, `b497f13`, `v1_aggressive`, `v1_moderate`"), "{e}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn ingesting_twice_gives_the_same_bytes() {
    let dir = real("ingest/hummingbot/v1_moderate");
    let out = tempfile::tempdir().unwrap();
    let bytes = || {
        let folder = RunFolder::open(out.path(), ingest::HUMMINGBOT_FILES).unwrap();
        let run = ingest::ingest_hummingbot(&dir, "v1_moderate", &keep(), &folder).unwrap();
        assert_eq!((run.signals, run.trades), (6_221, 1_503));
        (std::fs::read(run.signals_path).unwrap(), std::fs::read(run.trades_path).unwrap())
    };
    assert_eq!(bytes(), bytes());
    let again = SignalTable::read(&out.path().join("signals.parquet"), &keep()).unwrap();
    assert_eq!(again.columns, SignalTable::read(&dir, &keep()).unwrap().columns);
    let trades = read_trades(&out.path().join("trades.parquet"), Some("v1_moderate")).unwrap();
    assert_eq!(trades.len(), 1_503);
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 2, "no temporary file is left");
}
