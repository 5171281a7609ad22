//! The overfitting checks: each compares numbers with thresholds and explains the result. A check that was not run
//! never passes.

use serde::Serialize;

use super::{Baseline, CheckName, CrossValidation, OverfitError, Paths, WalkForward, walk_forward::LEAST_IN_SAMPLE};
use crate::{
    claim::checks::State,
    inference::{BacktestOverfitting, DeflatedSharpe, PredictiveAbility},
};

/// What separates a pass from a fail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Fewest walk-forward windows; with fewer the check is not run.
    pub windows: usize,
    /// Walk-forward efficiency, to be exceeded.
    pub efficiency: f64,
    /// Share of walk-forward windows that gain, to be exceeded.
    pub profitable: f64,
    /// Mean Sharpe ratio a year over the folds, to be exceeded.
    pub fold_mean: f64,
    /// Its standard deviation, not to be reached.
    pub fold_deviation: f64,
    /// Share of combinatorial paths that do not gain, not to be exceeded.
    pub losing_paths: f64,
    /// Probability of backtest overfitting, not to be exceeded: 0.05 is the customary bound named by Bailey, Borwein,
    /// Lopez de Prado and Zhu (2017).
    pub pbo: f64,
    /// P values (reality check, SPA, random entry), not to be reached.
    pub p_value: f64,
    /// Deflated Sharpe ratio, a probability, to be reached.
    pub deflated: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            windows: 8,
            efficiency: 0.5,
            profitable: 0.5,
            fold_mean: 0.5,
            fold_deviation: 1.0,
            losing_paths: 0.05,
            pbo: 0.05,
            p_value: 0.05,
            deflated: 0.95,
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Which check.
    pub name: CheckName,
    /// What came of it.
    pub state: State,
    /// The number that was compared.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// Sets that the check was given.
    pub given: usize,
    /// Sets that it judged. Where these are fewer, the others failed or had no value.
    pub judged: usize,
    /// What was seen, for people.
    pub evidence: String,
}

impl Check {
    /// A check that could not be made, of `given` sets.
    #[must_use]
    pub fn not_run(name: CheckName, given: usize, why: String) -> Self {
        Self { name, state: State::NotRun, value: None, threshold: None, given, judged: 0, evidence: why }
    }

    /// Decides, unless there was no set to decide on.
    fn decided(
        name: CheckName,
        passes: bool,
        [value, threshold]: [f64; 2],
        [given, judged]: [usize; 2],
        evidence: String,
    ) -> Self {
        if judged == 0 {
            return Self::not_run(name, given, format!("no set was judged; {evidence}"));
        }
        if !value.is_finite() {
            return Self::not_run(name, given, format!("the value is {value}; {evidence}"));
        }
        let state = if passes { State::Pass } else { State::Fail };
        Self { name, state, value: Some(value), threshold: Some(threshold), given, judged, evidence }
    }

    /// Whether the check stands in the way.
    #[must_use]
    pub fn objects(&self) -> bool {
        self.state != State::Pass
    }

    /// Efficiency and share of gaining windows.
    #[must_use]
    pub fn walk_forward(given: usize, walked: &Result<WalkForward, OverfitError>, limits: &Thresholds) -> Self {
        let name = CheckName::WalkForward;
        let walked = match walked {
            Ok(walked) => walked,
            Err(error) => return Self::not_run(name, given, error.to_string()),
        };
        let count = walked.windows.len();
        if count < limits.windows {
            return Self::not_run(name, given, format!("{count} windows, expected at least {}", limits.windows));
        }
        let (within, without) = (walked.mean(|w| w.in_sample), walked.mean(|w| w.out_of_sample));
        let profitable = walked.share_profitable();
        let figures = format!(
            "{count} windows: mean Sharpe ratio {within:.2} in-sample, {without:.2} out of sample; {:.0} % of windows \
             gained (to pass: > {:.0} %)",
            100.0 * profitable,
            100.0 * limits.profitable
        );
        match walked.efficiency() {
            None => Self {
                name,
                state: State::Fail,
                value: None,
                threshold: Some(limits.efficiency),
                given,
                judged: walked.judged,
                evidence: format!(
                    "{figures}; in-sample it is not above {LEAST_IN_SAMPLE}, so that there is no efficiency"
                ),
            },
            Some(efficiency) => Self::decided(
                name,
                efficiency > limits.efficiency && profitable > limits.profitable,
                [efficiency, limits.efficiency],
                [given, walked.judged],
                figures,
            ),
        }
    }

    /// Mean and deviation of the Sharpe ratio over folds.
    #[must_use]
    pub fn purged_k_fold(given: usize, validated: &Result<CrossValidation, OverfitError>, limits: &Thresholds) -> Self {
        let name = CheckName::PurgedKFold;
        let figures = validated
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|validated| Ok((validated, validated.mean()?.get(), validated.deviation()?)));
        match figures {
            Err(error) => Self::not_run(name, given, error.to_string()),
            Ok((validated, mean, deviation)) => Self::decided(
                name,
                mean > limits.fold_mean && deviation < limits.fold_deviation,
                [mean, limits.fold_mean],
                [given, validated.judged],
                format!(
                    "{} folds: Sharpe ratio {mean:.2}, standard deviation {deviation:.2} (to pass: < {:.2}), of which \
                     chance alone makes about {:.2}",
                    validated.folds.len(),
                    limits.fold_deviation,
                    validated.chance_deviation
                ),
            ),
        }
    }

    /// Share of combinatorial paths that do not gain.
    #[must_use]
    pub fn combinatorial(given: usize, paths: &Result<Paths, OverfitError>, limits: &Thresholds) -> Self {
        let name = CheckName::Combinatorial;
        match paths {
            Err(error) => Self::not_run(name, given, error.to_string()),
            Ok(paths) => Self::decided(
                name,
                paths.share_of_losses <= limits.losing_paths,
                [paths.share_of_losses, limits.losing_paths],
                [given, paths.judged],
                format!("{} paths: mean Sharpe ratio {:.2}", paths.sharpes.len(), paths.mean.get()),
            ),
        }
    }

    /// Probability of backtest overfitting.
    #[must_use]
    pub fn pbo<E: ToString>(given: usize, result: &Result<BacktestOverfitting, E>, limits: &Thresholds) -> Self {
        let name = CheckName::Pbo;
        match result {
            Err(error) => Self::not_run(name, given, error.to_string()),
            Ok(result) => Self::decided(
                name,
                result.pbo <= limits.pbo,
                [result.pbo, limits.pbo],
                [given, result.sets],
                format!(
                    "{} combinations of {} blocks: median logit {:.2}, loss in {:.0} %",
                    result.logits.len(),
                    result.blocks,
                    result.logit_median,
                    100.0 * result.probability_of_loss
                ),
            ),
        }
    }

    /// White's reality check.
    #[must_use]
    pub fn reality_check<E: ToString>(
        given: usize,
        result: &Result<PredictiveAbility, E>,
        limits: &Thresholds,
    ) -> Self {
        Self::ability(CheckName::RealityCheck, given, result, |result| result.plain.upper, limits)
    }

    /// Hansen's test: the consistent p value of studentised means.
    #[must_use]
    pub fn spa<E: ToString>(given: usize, result: &Result<PredictiveAbility, E>, limits: &Thresholds) -> Self {
        Self::ability(CheckName::Spa, given, result, |result| result.studentised.consistent, limits)
    }

    fn ability<E: ToString>(
        name: CheckName,
        given: usize,
        result: &Result<PredictiveAbility, E>,
        p: fn(&PredictiveAbility) -> f64,
        limits: &Thresholds,
    ) -> Self {
        match result {
            Err(error) => Self::not_run(name, given, error.to_string()),
            Ok(result) => Self::decided(
                name,
                p(result) < limits.p_value,
                [p(result), limits.p_value],
                [given, result.sets],
                format!("{} resamples; the best mean is that of set {}", result.resamples, result.best),
            ),
        }
    }

    /// One run among random entries.
    #[must_use]
    pub fn random_entry(result: &Result<Baseline, OverfitError>, limits: &Thresholds) -> Self {
        let name = CheckName::RandomEntry;
        match result {
            Err(error) => Self::not_run(name, 1, error.to_string()),
            Ok(result) => Self::decided(
                name,
                result.p_value < limits.p_value,
                [result.p_value, limits.p_value],
                [1, 1],
                format!(
                    "{} entries: better than {:.1} % of {} random runs",
                    result.entries,
                    100.0 * result.percentile,
                    result.random.len()
                ),
            ),
        }
    }

    /// Deflated Sharpe ratio of the set that was picked among `given`.
    #[must_use]
    pub fn deflated<E: ToString>(given: usize, result: &Result<DeflatedSharpe, E>, limits: &Thresholds) -> Self {
        let name = CheckName::Deflated;
        match result {
            Err(error) => Self::not_run(name, given, error.to_string()),
            Ok(result) => Self::decided(
                name,
                result.probability >= limits.deflated,
                [result.probability, limits.deflated],
                [given, given],
                format!("{} trials: benchmark {:.4} a bar", result.trials, result.benchmark.get()),
            ),
        }
    }
}
