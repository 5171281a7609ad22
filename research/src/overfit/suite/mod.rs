//! Every overfitting check on the sets of a sweep. Each choice is filed in the trial ledger before it is shown.
//!
//! * [`Settings`]: windows, folds, blocks, resamples. [`judge_search`]: the checks, in the order of [`CheckName::ALL`].
//! * [`Outcome`]: what came of them; [`Report`] and [`publish`]: the same for a reader and as Parquet files.
//!
//! Memory: a few sums a set, and of one check at a time an [`Evaluation`](super::Evaluation) for each set and stretch;
//! no series of returns outlives its set. Results do not depend on threads.

mod full_sample;
mod report;
mod run;
mod searched;
mod trips;

use serde::Serialize;

pub use self::{
    report::{Best, Report, WindowRow, publish},
    run::judge_search,
};
use super::{
    Check, CheckName, Lengths, OverfitError, Paths, Purge, Split, Training, WalkForward, Window, combinatorial, k_fold,
    windows,
};
use crate::{
    inference::{BacktestOverfitting, PredictiveAbility, SharpeEstimate},
    trials::MarketCounts,
};

/// What the reality check and SPA compare the sets with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Benchmark {
    /// Staying out: a return of 0.
    #[default]
    Cash,
    /// Holding what is traded, from close to close, without costs.
    Hold,
}

/// How the checks are made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Walk-forward windows.
    #[serde(flatten)]
    pub lengths: Lengths,
    /// Where their training begins.
    pub training: Training,
    /// Folds of the purged K-fold.
    pub folds: usize,
    /// Groups of combinatorial cross-validation.
    pub groups: usize,
    /// Groups that it tests at a time.
    pub tested: usize,
    /// Rows left out on either side of a tested row; `None`: 50 and the longest holding time of the best set.
    pub purge: Option<usize>,
    /// Further rows left out after a tested fold.
    pub embargo: usize,
    /// Blocks of the probability of backtest overfitting.
    pub blocks: usize,
    /// Resamples of the reality check and SPA.
    pub resamples: u64,
    /// What these compare with.
    pub benchmark: Benchmark,
    /// Runs with random entries.
    pub random_runs: usize,
    /// Seed of the resamples and of the random runs.
    pub seed: u64,
    /// Checks that are not made: they are not run, never passed.
    pub skip: Vec<CheckName>,
}

impl Settings {
    /// Whether a check is to be made.
    #[must_use]
    pub fn asks(&self, name: CheckName) -> bool {
        !self.skip.contains(&name)
    }

    /// The walk-forward windows of `rows` rows.
    ///
    /// # Errors
    /// As [`windows`].
    pub fn windows(&self, rows: usize) -> Result<Vec<Window>, OverfitError> {
        windows(rows, self.lengths, self.training)
    }

    /// The folds of `rows` rows.
    ///
    /// # Errors
    /// As [`k_fold`].
    pub fn k_fold(&self, rows: usize, purge: Purge) -> Result<Vec<Split>, OverfitError> {
        k_fold(rows, self.folds, purge)
    }

    /// The splits of combinatorial cross-validation of `rows` rows.
    ///
    /// # Errors
    /// As [`combinatorial`].
    pub fn combinatorial(&self, rows: usize, purge: Purge) -> Result<Vec<Split>, OverfitError> {
        combinatorial(rows, self.groups, self.tested, purge)
    }

    /// The purge that was given, or the least that there can be.
    #[must_use]
    pub fn least_purge(&self) -> Purge {
        self.purge.map_or(Purge::of(0, 0, self.embargo), |rows| Purge { rows, embargo: self.embargo })
    }
}

/// What came of the checks.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Sets that there were.
    pub sets: usize,
    /// Sets that traded on the full sample.
    pub traded: usize,
    /// Bars of the full sample.
    pub bars: usize,
    /// The set with the highest Sharpe ratio on it, the first of equals.
    pub best: Option<(usize, SharpeEstimate)>,
    /// What cross-validation left out around a fold.
    pub purge: Option<Purge>,
    /// A line a check, in the order of [`CheckName::ALL`].
    pub checks: Vec<Check>,
    /// Walk-forward optimisation, where it could be made.
    pub walked: Option<WalkForward>,
    /// Combinatorial paths.
    pub paths: Option<Paths>,
    /// Probability of backtest overfitting.
    pub overfitting: Option<BacktestOverfitting>,
    /// Reality check and SPA.
    pub ability: Option<PredictiveAbility>,
    /// What the ledger holds on the data after all this.
    pub trials: MarketCounts,
}
