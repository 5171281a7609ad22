//! How much remains of the best of many parameter sets once it must be chosen without seeing the data that judge it.
//!
//! Pure except for the suite: candidates come through a trait, rows are bars by index, nothing reads a file. Every
//! evaluation on which a choice was based is returned ([`Evaluation`]), so that the caller can file each of them in the
//! trial ledger.
//!
//! * [`windows`](crate::overfit::windows()) and [`walk_forward`](crate::overfit::walk_forward()): choose on the past,
//!   judge on what follows, again and again.
//! * [`k_fold`] and [`combinatorial`]: purged index sets; [`cross_validate`] and [`combinatorial_paths`]: choose on the
//!   rest, judge on each fold.
//! * [`RandomEntry`]: whether the times of the entries matter at all.
//! * [`Check`]: each of these, and the tests of [`crate::inference`], against its threshold.
//! * [`suite`]: all of them on the sets of a sweep, every choice filed in the trial ledger.
//!
//! **Rows and returns.** The return of bar t is that from the close of t - 1 to the close of t. A replay of rows a..b
//! starts flat at the close of a and has b - a - 1 returns, of bars a + 1 to b - 1. A stretch that is judged is
//! therefore replayed from the bar before it: the decision at that close is made with what was known then, and each of
//! its bars has a return.

use std::{collections::BTreeSet, ops::Range};

use q50_engine::units::PerPeriodSharpe;
use rayon::prelude::*;
use thiserror::Error;

use crate::{
    inference::{Moments, SharpeEstimate},
    metrics::Undefined,
};

mod check_name;
mod checks;
#[cfg(test)]
mod checks_tests;
mod cross_validation;
mod purged;
mod random_entry;
pub mod suite;
mod walk_forward;
mod windows;

pub use check_name::CheckName;
pub use checks::{Check, Thresholds};
pub use cross_validation::{CrossValidation, FoldResult, Paths, combinatorial_paths, cross_validate};
pub use purged::{Purge, Split, combinatorial, k_fold, path_count};
pub use random_entry::{Baseline, Holding, Measure, Prices, RandomEntry};
pub use walk_forward::{WalkForward, WindowResult, walk_forward};
pub use windows::{Lengths, Training, Window, windows};

/// Sets of parameters that can be replayed on any stretch of the record.
pub trait Candidates: Sync {
    /// Number of sets.
    fn count(&self) -> usize;

    /// Returns of set `set` in a fresh replay that starts flat at the first row of `rows` and ends with its last: one
    /// fewer than rows, fractions.
    ///
    /// # Errors
    /// Why the replay failed.
    fn returns(&self, set: usize, rows: Range<usize>) -> Result<Vec<f64>, String>;
}

/// What a set was evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A choice was made from it: a trial that counts.
    Choice,
    /// The chosen set was judged by it.
    Judgement,
}

/// One set on one stretch of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The set.
    pub set: usize,
    /// The rows that were replayed, each range from flat.
    pub rows: Vec<Range<usize>>,
    /// What for.
    pub purpose: Purpose,
    /// Number of returns.
    pub returns: usize,
    /// The ratio of one period with n, skewness and kurtosis; or why there is none: the replay failed, or it never
    /// traded.
    pub estimate: Result<SharpeEstimate, Missing>,
}

/// Why an evaluation has no Sharpe ratio.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Missing {
    /// The replay failed.
    #[error("{0}")]
    Failed(String),
    /// The returns have no Sharpe ratio.
    #[error(transparent)]
    Undefined(#[from] Undefined),
}

/// Why a test could not be made. Never a pass.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OverfitError {
    /// There is nothing to judge.
    #[error("no set to judge; the sweep that came before has no result")]
    NoCandidates,
    /// A setting has no meaning.
    #[error("{name} is {found}, expected {wanted}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        found: usize,
        /// What is accepted.
        wanted: &'static str,
    },
    /// The record is too short.
    #[error("{found} rows, where {name} needs at least {needed}")]
    TooFewRows {
        /// What needs them.
        name: &'static str,
        /// Rows that there are.
        found: usize,
        /// Rows that it takes.
        needed: usize,
    },
    /// No set can be chosen.
    #[error("rows {}..{}: none of {sets} sets has a Sharpe ratio in-sample; the first: {reason}", rows.start, rows.end)]
    NothingToChoose {
        /// From the first in-sample row to the last.
        rows: Range<usize>,
        /// Number of sets.
        sets: usize,
        /// Why the first has none.
        reason: Missing,
    },
    /// The chosen set could not be replayed on the rows that judge it.
    #[error("rows {}..{}: set {set} failed: {reason}", rows.start, rows.end)]
    JudgementFailed {
        /// The set.
        set: usize,
        /// The rows.
        rows: Range<usize>,
        /// Why.
        reason: String,
    },
    /// A statistic of the test has no value.
    #[error(transparent)]
    Undefined(#[from] Undefined),
}

/// The set with the highest Sharpe ratio over the rows, the first of equals, and the evaluations of all.
///
/// The rows are replayed range by range, each from flat, and their returns are taken together: a position is not
/// carried over what lies between.
fn choose(
    candidates: &impl Candidates,
    rows: &[Range<usize>],
) -> Result<(usize, SharpeEstimate, Vec<Evaluation>), OverfitError> {
    let evaluations: Vec<Evaluation> =
        (0..candidates.count()).into_par_iter().map(|set| evaluate(candidates, set, rows, Purpose::Choice).0).collect();
    let mut best: Option<(usize, SharpeEstimate)> = None;
    for evaluation in &evaluations {
        if let Ok(estimate) = evaluation.estimate
            && best.is_none_or(|(_, highest)| estimate.sharpe > highest.sharpe)
        {
            best = Some((evaluation.set, estimate));
        }
    }
    match (best, evaluations.first()) {
        (Some((set, estimate)), _) => Ok((set, estimate, evaluations)),
        (None, Some(Evaluation { estimate: Err(reason), .. })) => Err(OverfitError::NothingToChoose {
            rows: rows.first().map_or(0, |r| r.start)..rows.last().map_or(0, |r| r.end),
            sets: evaluations.len(),
            reason: reason.clone(),
        }),
        (None, _) => Err(OverfitError::NoCandidates),
    }
}

/// The returns of every bar of `rows` under `set`, and their evaluation.
fn judge(
    candidates: &impl Candidates,
    set: usize,
    rows: &Range<usize>,
) -> Result<(Evaluation, Vec<f64>), OverfitError> {
    let from_the_bar_before = rows.start.saturating_sub(1)..rows.end;
    let (evaluation, returns) = evaluate(candidates, set, &[from_the_bar_before], Purpose::Judgement);
    match &evaluation.estimate {
        Err(Missing::Failed(reason)) => {
            Err(OverfitError::JudgementFailed { set, rows: rows.clone(), reason: reason.clone() })
        }
        _ => Ok((evaluation, returns)),
    }
}

fn evaluate(
    candidates: &impl Candidates,
    set: usize,
    rows: &[Range<usize>],
    purpose: Purpose,
) -> (Evaluation, Vec<f64>) {
    let mut returns = Vec::new();
    let mut failure = None;
    for range in rows {
        match candidates.returns(set, range.clone()) {
            Ok(some) if some.len() + 1 == range.len() => returns.extend(some),
            Ok(some) => failure = Some(format!("{} returns for {} rows, expected one fewer", some.len(), range.len())),
            Err(reason) => failure = Some(reason),
        }
    }
    let estimate = match failure {
        Some(reason) => Err(Missing::Failed(reason)),
        None => SharpeEstimate::from_returns(&returns, Moments::Paper).map_err(Missing::Undefined),
    };
    (Evaluation { set, rows: rows.to_vec(), purpose, returns: returns.len(), estimate }, returns)
}

/// Number of sets that had a Sharpe ratio on any of the rows that choices were made from.
fn judged(evaluations: &[Evaluation]) -> usize {
    let choosable = |evaluation: &&Evaluation| evaluation.purpose == Purpose::Choice && evaluation.estimate.is_ok();
    evaluations.iter().filter(choosable).map(|evaluation| evaluation.set).collect::<BTreeSet<usize>>().len()
}

/// Sharpe ratio of returns out of sample. Without variance, as where there was no trade, it is 0: staying out is
/// neither gain nor loss, and must not drop out of a mean.
fn sharpe_or_zero(returns: &[f64]) -> Result<PerPeriodSharpe, Undefined> {
    match crate::metrics::per_period_sharpe(returns, crate::metrics::Ddof::One) {
        Err(Undefined::NoVariance { .. }) => Ok(PerPeriodSharpe::new(0.0)),
        other => other,
    }
}

#[cfg(test)]
mod fixtures {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::inference::normal::quantile;

    /// Returns of each set for each bar; a replay is a slice of them.
    pub(super) struct Table(pub(super) Vec<Vec<f64>>);

    impl Candidates for Table {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn returns(&self, set: usize, rows: Range<usize>) -> Result<Vec<f64>, String> {
            Ok(self.0[set][rows.start + 1..rows.end].to_vec())
        }
    }

    pub(super) fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| 0.01 * quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    pub(super) fn noises(sets: u64, n: usize, seed: u64) -> Table {
        Table((0..sets).map(|set| noise(n, 1_000 * seed + set)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::Table;
    use super::*;

    struct Failing;

    impl Candidates for Failing {
        fn count(&self) -> usize {
            2
        }

        fn returns(&self, set: usize, rows: Range<usize>) -> Result<Vec<f64>, String> {
            if set == 0 { Err("no signal".to_owned()) } else { Ok(vec![0.01; rows.len()]) }
        }
    }

    #[test]
    fn of_equals_the_first_is_chosen_and_every_evaluation_is_reported() {
        let set = vec![9.0, 0.02, -0.01, 0.03];
        let flat = vec![0.0; 4];
        let (best, estimate, evaluations) = choose(&Table(vec![flat, set.clone(), set]), &[0..2, 1..4]).unwrap();
        assert_eq!((best, estimate.n, evaluations.len()), (1, 3, 3));
        assert!(matches!(evaluations[0].estimate, Err(Missing::Undefined(Undefined::NoVariance { n: 3 }))));
    }

    #[test]
    fn nothing_is_judged_on_nothing() {
        let rows = std::slice::from_ref(&(0..4));
        assert_eq!(choose(&Table(Vec::new()), rows).unwrap_err(), OverfitError::NoCandidates);
        let error = choose(&Failing, rows).unwrap_err().to_string();
        assert!(error.contains("rows 0..4") && error.contains("2 sets") && error.contains("no signal"), "{error}");
    }

    #[test]
    fn returns_of_another_number_are_a_failure() {
        let error = judge(&Failing, 1, &(1..4)).unwrap_err().to_string();
        assert!(error.contains("4 returns for 4 rows"), "{error}");
    }
}
