//! The four published ledgers against what their publisher printed and what another implementation rebuilt.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, not only test functions")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use q50_datasets::{
    Bars,
    frame::{Frame, Wanted},
    trades::{RecordedTrade, read_trades},
};
use q50_engine::units::PeriodsPerYear;
use q50_research::audit::{AuditRequest, LedgerAudit, ViolationKind, WindowSource, audit};
use q50_testing::real;

/// A published run and its conventions.
struct Published {
    run: &'static str,
    /// Its row in `published_runs.csv`.
    id: &'static str,
    cash: f64,
    shift: usize,
    bars: usize,
    from: &'static str,
}

const RUNS: [Published; 4] = [
    Published { run: "b497f13", id: "H1", cash: 1e5, shift: 2, bars: 10_000, from: "2023-08-11T08:00:00Z" },
    Published { run: "551b272", id: "H2", cash: 1e5, shift: 2, bars: 10_000, from: "2023-08-11T08:00:00Z" },
    Published { run: "v1_moderate", id: "V2", cash: 1e4, shift: 0, bars: 6_600, from: "2023-12-31T00:00:00Z" },
    Published { run: "v1_aggressive", id: "V3", cash: 1e4, shift: 0, bars: 6_600, from: "2023-12-31T00:00:00Z" },
];
const TO: &str = "2024-09-30T23:00:00Z";

fn folder() -> PathBuf {
    real("claim")
}

fn trades_of(folder: &std::path::Path, run: &str) -> Vec<RecordedTrade> {
    read_trades(&folder.join("published_trades_ledger.parquet"), Some(run)).unwrap()
}

fn request<'a>(published: &Published, trades: &'a [RecordedTrade], bars: &'a Bars) -> AuditRequest<'a> {
    AuditRequest {
        run: published.run,
        trades,
        bars,
        cash: published.cash,
        price_shift: published.shift,
        cap: None,
        from: None,
        to: None,
        periods_per_year: PeriodsPerYear::new(8_760.0),
    }
}

/// Every run with its audit, the period inferred.
fn audits() -> (PathBuf, Vec<(Published, LedgerAudit)>) {
    let folder = folder();
    let bars = Bars::read(&folder.join("btcusdt_1h.parquet")).unwrap();
    let all = RUNS.into_iter().map(|published| {
        let trades = trades_of(&folder, published.run);
        let audit = audit(&request(&published, &trades, &bars)).unwrap();
        (published, audit)
    });
    let all = all.collect();
    (folder, all)
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn statistics_are_the_published_ones() {
    let (folder, audits) = audits();
    let wanted =
        Wanted { numbers: vec!["total_return", "sharpe", "mdd", "trades"], texts: vec!["id"], ..Wanted::default() };
    let printed = Frame::read(&folder.join("published_runs.csv"), &wanted).unwrap();
    for (published, audit) in audits {
        let row = printed.text("id").unwrap().iter().position(|id| id == published.id).unwrap();
        let figure = |name: &str| printed.number(name).unwrap()[row];
        let off = |got: Option<f64>, name: &str, sign: f64| (got.unwrap() - sign * figure(name)).abs();
        println!(
            "{}: return {:?}, Sharpe {:?}, drawdown {:?}, {} fills",
            audit.run, audit.total_return, audit.sharpe, audit.max_drawdown, audit.fills
        );
        assert!(off(audit.total_return, "total_return", 1.0) <= 1e-5, "{}", audit.run);
        assert!(off(audit.sharpe, "sharpe", 1.0) <= 1e-3, "{}", audit.run);
        assert!(off(audit.max_drawdown, "mdd", -1.0) <= 1e-4, "{}", audit.run);
        assert_eq!(audit.fills as f64, figure("trades"), "{}", audit.run);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_period_is_found_from_the_ledger_alone() {
    let (_, audits) = audits();
    for (published, audit) in audits {
        assert_eq!((audit.from.as_str(), audit.to.as_str()), (published.from, TO), "{}", audit.run);
        assert_eq!(audit.bars, published.bars, "{}", audit.run);
        let source = if published.shift > 0 { WindowSource::Prices } else { WindowSource::Calendar };
        assert_eq!(audit.window_source, source, "{}", audit.run);
        assert!(audit.equity.windows(2).all(|pair| pair[1].time - pair[0].time == 3_600_000), "{}", audit.run);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn equity_is_the_rebuilt_curve_at_every_bar() {
    let (folder, audits) = audits();
    let wanted = Wanted { time: true, numbers: vec!["equity"], texts: vec!["run"], ..Wanted::default() };
    let rebuilt = Frame::read(&folder.join("equity_curves_rebuilt.parquet"), &wanted).unwrap();
    let mut curves: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
    for (row, run) in rebuilt.text("run").unwrap().iter().enumerate() {
        curves.entry(run).or_default().push((rebuilt.time()[row], rebuilt.number("equity").unwrap()[row]));
    }
    for (_, audit) in audits {
        let curve = &curves[audit.run.as_str()];
        assert_eq!(curve.len(), audit.equity.len(), "{}", audit.run);
        let worst = audit.equity.iter().zip(curve).map(|(point, (time, equity))| {
            assert_eq!(point.time, *time, "{}", audit.run);
            (point.equity / equity - 1.0).abs()
        });
        let worst = worst.fold(0.0, f64::max);
        println!("{}: largest relative distance {worst:e}", audit.run);
        assert!(worst < 1e-12, "{}: {worst}", audit.run);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_run_passes_its_cap_and_the_simulated_ones_fill_after_the_move() {
    let (_, audits) = audits();
    for (published, audit) in audits {
        for violation in &audit.violations {
            println!("{}: {} {} {}", audit.run, violation.kind.name(), violation.count, violation.detail);
        }
        assert!(audit.violation(ViolationKind::ExposureOverCap).is_some(), "{}", audit.run);
        let after_move = audit.violation(ViolationKind::FillAfterMove).map_or(0, |violation| violation.count);
        assert_eq!(after_move, if published.shift > 0 { audit.fills } else { 0 }, "{}", audit.run);
        for never in [
            ViolationKind::UnknownBar,
            ViolationKind::PriceOutsideBar,
            ViolationKind::Overspent,
            ViolationKind::BalanceMismatch,
        ] {
            assert_eq!(audit.violation(never), None, "{}", audit.run);
        }
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_start_is_found_when_the_first_trades_are_gone() {
    // What a run looks like that waits for days: its ledger without the first trades, from the cash it then had.
    let folder = folder();
    let bars = Bars::read(&folder.join("btcusdt_1h.parquet")).unwrap();
    for published in RUNS.iter().filter(|published| published.shift > 0) {
        let trades = trades_of(&folder, published.run);
        for gone in (0..300).step_by(10) {
            let rest = &trades[gone..];
            let first = &rest[0];
            let spent = if first.position_after > first.position_before { first.quantity } else { -first.quantity };
            let cash = first.balance_after + spent * first.price + first.fee_cost + first.slippage_cost;
            let audit = audit(&AuditRequest { cash, ..request(published, rest, &bars) }).unwrap();
            assert_eq!(audit.from, published.from, "{} without {gone} trades", published.run);
        }
    }
}
