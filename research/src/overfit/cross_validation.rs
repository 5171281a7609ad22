//! Cross-validation of a choice: the best set of the training rows, judged on each fold, and on whole paths.
//!
//! A replay covers one stretch, so training rows on both sides of a fold are replayed stretch by stretch, each starting
//! flat, and the Sharpe ratio is that of all their returns together. Unlike walk-forward, this trains on later data: it
//! asks whether the choice generalises, not whether it could have been made.

use q50_engine::units::{AnnualSharpe, PeriodsPerYear};

use super::{Candidates, Evaluation, OverfitError, Split, choose, judge, judged, sharpe_or_zero};
use crate::metrics::{Ddof, mean, standard_deviation};

/// One split with its choice.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldResult {
    /// The split, counted from 0.
    pub split: usize,
    /// The set with the highest Sharpe ratio on the training rows.
    pub set: usize,
    /// That ratio.
    pub in_sample: AnnualSharpe,
    /// Its ratio on the tested rows; 0 where it did not trade.
    pub out_of_sample: AnnualSharpe,
}

/// What came of cross-validation.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    /// A row a split.
    pub folds: Vec<FoldResult>,
    /// Every set on the training rows of every split, and each choice on each tested group.
    pub evaluations: Vec<Evaluation>,
    /// Sets that had a Sharpe ratio on any training rows; the others failed or never traded.
    pub judged: usize,
    /// Standard deviation of the ratio over folds of this length that sampling error alone leaves, whatever the skill:
    /// the root of the mean over folds of bars a year / bars of the fold (Lo 2002, for small ratios).
    pub chance_deviation: f64,
    /// Returns of each tested group of each split, in the order of [`Split::groups`].
    tested: Vec<Vec<Vec<f64>>>,
}

impl CrossValidation {
    /// Mean Sharpe ratio out of sample over the folds.
    ///
    /// # Errors
    /// [`OverfitError::Undefined`] for no fold.
    pub fn mean(&self) -> Result<AnnualSharpe, OverfitError> {
        Ok(AnnualSharpe::new(mean(&self.ratios())?))
    }

    /// Its standard deviation (n - 1) over the folds.
    ///
    /// # Errors
    /// [`OverfitError::Undefined`] for fewer than two folds.
    pub fn deviation(&self) -> Result<f64, OverfitError> {
        Ok(standard_deviation(&self.ratios(), Ddof::One)?)
    }

    fn ratios(&self) -> Vec<f64> {
        self.folds.iter().map(|fold| fold.out_of_sample.get()).collect()
    }
}

/// Chooses on the training rows of each split and judges the choice on its tested groups.
///
/// # Errors
/// [`OverfitError::NoCandidates`], [`OverfitError::NothingToChoose`], [`OverfitError::JudgementFailed`]: a split that
/// cannot be judged is not passed over.
pub fn cross_validate(
    candidates: &impl Candidates,
    splits: &[Split],
    periods: PeriodsPerYear,
) -> Result<CrossValidation, OverfitError> {
    let mut validated = CrossValidation {
        folds: Vec::with_capacity(splits.len()),
        evaluations: Vec::new(),
        judged: 0,
        chance_deviation: 0.0,
        tested: Vec::with_capacity(splits.len()),
    };
    let mut variance = 0.0;
    for (at, split) in splits.iter().enumerate() {
        let (set, estimate, evaluations) = choose(candidates, &split.train)?;
        validated.evaluations.extend(evaluations);
        let mut tested = Vec::with_capacity(split.test.len());
        for rows in &split.test {
            let (evaluation, returns) = judge(candidates, set, rows)?;
            validated.evaluations.push(evaluation);
            tested.push(returns);
        }
        let tested_returns = tested.concat();
        variance += periods.get() / tested_returns.len() as f64;
        validated.folds.push(FoldResult {
            split: at,
            set,
            in_sample: estimate.sharpe.annual(periods),
            out_of_sample: sharpe_or_zero(&tested_returns)?.annual(periods),
        });
        validated.tested.push(tested);
    }
    validated.chance_deviation = (variance / splits.len().max(1) as f64).sqrt();
    validated.judged = judged(&validated.evaluations);
    Ok(validated)
}

/// Sharpe ratios of the backtest paths of combinatorial purged cross-validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// The ratio a year of each path. A path goes once over all groups, each judged by a choice that did not see it.
    pub sharpes: Vec<AnnualSharpe>,
    /// Their mean.
    pub mean: AnnualSharpe,
    /// Their standard deviation (n - 1); `None` for one path.
    pub deviation: Option<f64>,
    /// Share of paths whose ratio is not above 0.
    pub share_of_losses: f64,
    /// As in [`CrossValidation::judged`].
    pub judged: usize,
}

/// The paths that splits make up: path j takes each group from the j-th split that tests it. Positions are closed
/// between groups. Neighbouring paths share choices, so that they are not independent.
///
/// Source: Lopez de Prado (2018), section 12.4.
///
/// # Errors
/// [`OverfitError::Undefined`] where a path has fewer than two returns, or there is no split.
pub fn combinatorial_paths(
    splits: &[Split],
    validated: &CrossValidation,
    periods: PeriodsPerYear,
) -> Result<Paths, OverfitError> {
    let groups = splits.iter().flat_map(|split| &split.groups).max().map_or(0, |last| last + 1);
    let mut of_group: Vec<Vec<&[f64]>> = vec![Vec::new(); groups];
    for (split, tested) in splits.iter().zip(&validated.tested) {
        for (&group, returns) in split.groups.iter().zip(tested) {
            of_group[group].push(returns);
        }
    }
    let paths = of_group.iter().map(Vec::len).min().unwrap_or(0);
    let sharpes = (0..paths)
        .map(|path| {
            let returns: Vec<f64> = of_group.iter().flat_map(|group| group[path]).copied().collect();
            Ok(sharpe_or_zero(&returns)?.annual(periods))
        })
        .collect::<Result<Vec<AnnualSharpe>, OverfitError>>()?;
    let values: Vec<f64> = sharpes.iter().map(|sharpe| sharpe.get()).collect();
    Ok(Paths {
        mean: AnnualSharpe::new(mean(&values)?),
        deviation: standard_deviation(&values, Ddof::One).ok(),
        judged: validated.judged,
        share_of_losses: values.iter().filter(|value| **value <= 0.0).count() as f64 / values.len() as f64,
        sharpes,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Table, noise, noises};
    use super::super::{Purge, Purpose, combinatorial, k_fold};
    use super::*;

    const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);
    const PURGE: Purge = Purge { rows: 5, embargo: 5 };

    #[test]
    fn a_planted_edge_is_chosen_in_every_fold() {
        let mut table = noises(20, 500, 1);
        table.0[7].iter_mut().for_each(|value| *value += 0.003);
        let validated = cross_validate(&table, &k_fold(500, 5, PURGE).unwrap(), DAILY).unwrap();
        assert!(validated.folds.iter().all(|fold| fold.set == 7), "{:?}", validated.folds);
        assert!(validated.mean().unwrap().get() > 3.0);
        // Folds of 100 days, the first of 99 returns.
        assert!((validated.chance_deviation - 3.65_f64.sqrt()).abs() < 0.01);
        let choices = validated.evaluations.iter().filter(|evaluation| evaluation.purpose == Purpose::Choice);
        assert_eq!((choices.count(), validated.evaluations.len()), (100, 105));
    }

    #[test]
    fn the_best_of_noise_is_nothing_on_average() {
        let means: Vec<f64> = (0..20)
            .map(|market| {
                let splits = k_fold(500, 5, PURGE).unwrap();
                cross_validate(&noises(10, 500, 100 + market), &splits, DAILY).unwrap().mean().unwrap().get()
            })
            .collect();
        // A mean over 5 folds of 100 days has a standard error of 19.1 / sqrt(500), and one over 20 of them 0.19.
        let mean = means.iter().sum::<f64>() / 20.0;
        assert!(mean.abs() < 0.8, "{mean}");
    }

    #[test]
    fn a_fold_is_judged_on_each_of_its_bars_and_trained_on_none() {
        // Set 0 gains in the fold alone, set 1 everywhere else.
        let inside: Vec<f64> =
            (0..100).map(|row| if (40..60).contains(&row) { 0.01 + 1e-4 * f64::from(row) } else { 0.0 }).collect();
        let outside: Vec<f64> =
            (0..100).map(|row| if (40..60).contains(&row) { -0.01 } else { 0.01 + 1e-4 * f64::from(row) }).collect();
        let splits = k_fold(100, 5, Purge { rows: 1, embargo: 0 }).unwrap();
        let validated = cross_validate(&Table(vec![inside, outside]), &splits[2..3], DAILY).unwrap();
        assert_eq!((validated.folds[0].set, validated.tested[0][0].as_slice()), (1, [-0.01; 20].as_slice()));
    }

    #[test]
    fn every_path_goes_once_over_all_rows() {
        // One set: each path is the record itself, whatever the splits.
        let own = noise(120, 3);
        let splits = combinatorial(120, 6, 2, PURGE).unwrap();
        let validated = cross_validate(&Table(vec![own.clone()]), &splits, DAILY).unwrap();
        let paths = combinatorial_paths(&splits, &validated, DAILY).unwrap();
        let whole = sharpe_or_zero(&own[1..]).unwrap().annual(DAILY).get();
        assert_eq!(paths.sharpes.len(), 5);
        assert!(paths.sharpes.iter().all(|sharpe| (sharpe.get() - whole).abs() < 1e-12), "{paths:?}, {whole}");
        assert!(paths.deviation.unwrap() < 1e-12);
    }

    #[test]
    fn without_sets_nothing_is_validated() {
        let splits = k_fold(500, 5, PURGE).unwrap();
        assert_eq!(cross_validate(&Table(Vec::new()), &splits, DAILY), Err(OverfitError::NoCandidates));
        let nothing = cross_validate(&noises(2, 500, 4), &[], DAILY).unwrap();
        assert!(nothing.mean().is_err() && combinatorial_paths(&[], &nothing, DAILY).is_err());
    }
}
