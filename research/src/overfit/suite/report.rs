//! The outcome for a reader, and as Parquet files.

use std::collections::BTreeMap;

use q50_datasets::{error::Result, run_folder::NewRun, write::Column};
use q50_engine::market::Market;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Outcome, Settings};
use crate::{
    overfit::{Check, Evaluation, Purge, Purpose, Window},
    run::RunSettings,
    sweep::Sweep,
    trials::MarketCounts,
};

/// What `overfit.json` has beside the data and the times.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Sets that were given.
    pub sets: usize,
    /// Those of them that traded on the full sample.
    pub sets_traded: usize,
    /// Bars of the full sample.
    pub bars: usize,
    /// The run that sets are changes of.
    pub settings: RunSettings,
    /// How the checks were made.
    pub tests: Settings,
    /// Rows that cross-validation left out around a fold.
    pub purge: Option<Purge>,
    /// A line a check.
    pub checks: Vec<Check>,
    /// Windows and efficiency.
    pub walk_forward: Option<WalkForwardReport>,
    /// Probability of backtest overfitting, with the names that `q50 stats pbo` has.
    pub pbo: Option<Value>,
    /// Reality check and SPA, with the names that `q50 stats spa` has.
    pub spa: Option<Value>,
    /// What the ledger holds on the data after all this.
    pub trials: MarketCounts,
    /// The set with the highest Sharpe ratio on the full sample.
    pub best: Option<Best>,
}

/// Walk-forward optimisation.
#[derive(Clone, Debug, Serialize)]
pub struct WalkForwardReport {
    /// A row a window, in order of time.
    pub windows: Vec<WindowRow>,
    /// Mean Sharpe ratio out of sample over the mean in-sample; null where the latter is not above 0.01 a year.
    pub efficiency: Option<f64>,
    /// Share of windows that gained.
    pub share_profitable: f64,
    /// Growth of the joined returns out of sample, a fraction.
    pub total_return: f64,
}

/// One window. Times are the opens of its first and its last bar, epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WindowRow {
    /// Number, from 0.
    pub window: usize,
    /// First bar of training.
    pub train_from_ms: i64,
    /// Its last.
    pub train_to_ms: i64,
    /// First bar of judgement.
    pub test_from_ms: i64,
    /// Its last.
    pub test_to_ms: i64,
    /// The set that was chosen.
    pub set: usize,
    /// Its annual Sharpe ratio in training.
    pub sharpe_in_sample: f64,
    /// On the bars that follow; null where it did not trade.
    pub sharpe_out_of_sample: Option<f64>,
    /// Its growth over them, a fraction.
    pub total_return: f64,
    /// Whether that is above 0.
    pub profitable: bool,
}

/// The best set.
#[derive(Clone, Debug, Serialize)]
pub struct Best {
    /// Index in the grid.
    pub index: usize,
    /// Its values, by path.
    pub parameters: BTreeMap<String, toml::Value>,
    /// Annual Sharpe ratio on the full sample.
    pub sharpe: f64,
}

impl Report {
    /// The report of an outcome.
    #[must_use]
    pub fn new(sweep: &Sweep<'_>, settings: &Settings, outcome: &Outcome) -> Self {
        let year = sweep.base().periods_per_year;
        let axes = || sweep.space().axes().iter().map(|axis| axis.path.clone());
        Self {
            sets: outcome.sets,
            sets_traded: outcome.traded,
            bars: outcome.bars,
            settings: sweep.base().clone(),
            tests: settings.clone(),
            purge: outcome.purge,
            checks: outcome.checks.clone(),
            walk_forward: outcome.walked.as_ref().map(|walked| WalkForwardReport {
                windows: window_rows(sweep, outcome),
                efficiency: walked.efficiency(),
                share_profitable: walked.share_profitable(),
                total_return: walked.returns.iter().map(|r| 1.0 + r).product::<f64>() - 1.0,
            }),
            pbo: outcome.overfitting.as_ref().map(|found| {
                json!({
                    "pbo": found.pbo,
                    "sets": found.sets,
                    "observations": found.observations,
                    "blocks": found.blocks,
                    "combinations": found.logits.len(),
                    "logit_median": found.logit_median,
                    "probability_of_loss": found.probability_of_loss,
                    "degradation_slope": found.degradation_slope,
                })
            }),
            spa: outcome.ability.map(|found| {
                json!({
                    "benchmark": settings.benchmark,
                    "reality_check_p": found.plain.upper,
                    "spa_lower_p": found.plain.lower,
                    "spa_consistent_p": found.plain.consistent,
                    "spa_upper_p": found.plain.upper,
                    "studentised_lower_p": found.studentised.lower,
                    "studentised_consistent_p": found.studentised.consistent,
                    "studentised_upper_p": found.studentised.upper,
                    "best": found.best,
                    "best_mean": found.best_mean,
                    "sets": found.sets,
                    "observations": found.observations,
                    "resamples": found.resamples,
                    "block": found.block,
                })
            }),
            trials: outcome.trials.clone(),
            best: outcome.best.map(|(index, estimate)| Best {
                index,
                parameters: axes().zip(sweep.space().point(index as u64)).collect(),
                sharpe: estimate.sharpe.annual(year).get(),
            }),
        }
    }
}

fn window_rows(sweep: &Sweep<'_>, outcome: &Outcome) -> Vec<WindowRow> {
    let Some(walked) = &outcome.walked else { return Vec::new() };
    let (market, year) = (&sweep.prepared().source().market, sweep.base().periods_per_year);
    let time = |row: usize| market.open_time[market.first + row];
    let judgements = walked.evaluations.iter().filter(|evaluation| evaluation.purpose == Purpose::Judgement);
    let sharpe = |evaluation: &Evaluation| evaluation.estimate.as_ref().ok().map(|e| e.sharpe.annual(year).get());
    let row = |(window, (found, judgement)): (usize, (&crate::overfit::WindowResult, &Evaluation))| {
        let Window { train, test } = &found.window;
        WindowRow {
            window,
            train_from_ms: time(train.start),
            train_to_ms: time(train.end - 1),
            test_from_ms: time(test.start),
            test_to_ms: time(test.end - 1),
            set: found.set,
            sharpe_in_sample: found.in_sample.get(),
            sharpe_out_of_sample: sharpe(judgement),
            total_return: found.total_return,
            profitable: found.total_return > 0.0,
        }
    };
    walked.windows.iter().zip(judgements).enumerate().map(row).collect()
}

/// Adds `walk_forward.parquet`, `walk_forward_equity.parquet` and `combinatorial_paths.parquet` to the files of `run`.
/// What was not run is a table without rows.
///
/// # Errors
/// The folder or the disk refuses.
pub fn publish(sweep: &Sweep<'_>, outcome: &Outcome, run: &mut NewRun<'_>) -> Result<()> {
    let windows = window_rows(sweep, outcome);
    let numbers = |of: fn(&WindowRow) -> usize| windows.iter().map(|row| of(row) as u32).collect::<Vec<u32>>();
    let times = |of: fn(&WindowRow) -> i64| windows.iter().map(of).collect::<Vec<i64>>();
    let (number, set) = (numbers(|row| row.window), numbers(|row| row.set));
    let (train_from, train_to) = (times(|row| row.train_from_ms), times(|row| row.train_to_ms));
    let (test_from, test_to) = (times(|row| row.test_from_ms), times(|row| row.test_to_ms));
    let within: Vec<Option<f64>> = windows.iter().map(|row| Some(row.sharpe_in_sample)).collect();
    let without: Vec<Option<f64>> = windows.iter().map(|row| row.sharpe_out_of_sample).collect();
    let profitable: Vec<bool> = windows.iter().map(|row| row.profitable).collect();
    let walk: &[(&str, Column<'_>)] = &[
        ("window", Column::U32(&number)),
        ("train_from_ms", Column::I64(&train_from)),
        ("train_to_ms", Column::I64(&train_to)),
        ("test_from_ms", Column::I64(&test_from)),
        ("test_to_ms", Column::I64(&test_to)),
        ("set", Column::U32(&set)),
        ("sharpe_in_sample", Column::OptionF64(&within)),
        ("sharpe_out_of_sample", Column::OptionF64(&without)),
        ("profitable", Column::Bool(&profitable)),
    ];

    let (closes, equity) = joined_equity(&sweep.prepared().source().market, outcome);
    let curve: &[(&str, Column<'_>)] = &[("ts_ms", Column::I64(&closes)), ("equity", Column::F64(&equity))];

    let sharpes = outcome.paths.iter().flat_map(|paths| &paths.sharpes).map(|s| s.get()).collect::<Vec<f64>>();
    let path: Vec<u32> = (0..sharpes.len() as u32).collect();
    let paths: &[(&str, Column<'_>)] = &[("path", Column::U32(&path)), ("sharpe", Column::F64(&sharpes))];

    run.table("walk_forward.parquet", walk)?;
    run.table("walk_forward_equity.parquet", curve)?;
    run.table("combinatorial_paths.parquet", paths)
}

/// Opens of the bars that were judged, and the equity at their closes: 1 at that of the bar before the first.
fn joined_equity(market: &Market<'_>, outcome: &Outcome) -> (Vec<i64>, Vec<f64>) {
    let Some(walked) = &outcome.walked else { return (Vec::new(), Vec::new()) };
    let mut rows = vec![walked.first_row - 1];
    for (at, window) in walked.windows.iter().enumerate() {
        let test = &window.window.test;
        rows.extend(
            test.start..walked.windows.get(at + 1).map_or(test.end, |next| next.window.test.start.min(test.end)),
        );
    }
    let grown = walked.returns.iter().scan(1.0, |equity, r| {
        *equity *= 1.0 + r;
        Some(*equity)
    });
    let equity: Vec<f64> = std::iter::once(1.0).chain(grown).collect();
    (rows.into_iter().map(|row| market.open_time[market.first + row]).collect(), equity)
}
