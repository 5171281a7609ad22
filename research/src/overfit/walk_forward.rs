//! Walk-forward optimisation: choose the best set in every training window, judge it on the bars that follow.

use q50_engine::units::{AnnualSharpe, PeriodsPerYear};

use super::{Candidates, Evaluation, OverfitError, Window, choose, judge, judged, sharpe_or_zero};
use crate::metrics::total_return;

/// A mean in-sample Sharpe ratio a year up to this is none: dividing by it says nothing.
pub(super) const LEAST_IN_SAMPLE: f64 = 0.01;

/// Efficiencies above this are cut: they come from a small divisor.
const MOST_EFFICIENCY: f64 = 5.0;

/// One window with its choice.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowResult {
    /// Its rows.
    pub window: Window,
    /// The set with the highest Sharpe ratio in training.
    pub set: usize,
    /// That ratio.
    pub in_sample: AnnualSharpe,
    /// Its ratio on the rows that follow; 0 where it did not trade.
    pub out_of_sample: AnnualSharpe,
    /// Its growth over them, a fraction.
    pub total_return: f64,
}

/// What came of walking forward.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkForward {
    /// A row a window, in order of time.
    pub windows: Vec<WindowResult>,
    /// The first row that has a return out of sample.
    pub first_row: usize,
    /// Returns out of sample, one for every bar from `first_row` on. Where windows overlap, a bar belongs to the last
    /// one that tests it, as if each choice had been traded until the next.
    pub returns: Vec<f64>,
    /// Every set in every training window, and each choice on its test window.
    pub evaluations: Vec<Evaluation>,
    /// Sets that had a Sharpe ratio in any training window; the others failed or never traded.
    pub judged: usize,
}

impl WalkForward {
    /// Mean Sharpe ratio out of sample over the mean in-sample, cut at 5; `None` where the latter is not above 0.01 a
    /// year: two losses do not make an efficiency.
    #[must_use]
    pub fn efficiency(&self) -> Option<f64> {
        let within = self.mean(|window| window.in_sample);
        (within > LEAST_IN_SAMPLE).then(|| (self.mean(|window| window.out_of_sample) / within).min(MOST_EFFICIENCY))
    }

    /// Share of windows that gained out of sample.
    #[must_use]
    pub fn share_profitable(&self) -> f64 {
        self.windows.iter().filter(|window| window.total_return > 0.0).count() as f64 / self.windows.len() as f64
    }

    /// Mean Sharpe ratio a year over the windows.
    pub(super) fn mean(&self, of: fn(&WindowResult) -> AnnualSharpe) -> f64 {
        self.windows.iter().map(|window| of(window).get()).sum::<f64>() / self.windows.len() as f64
    }
}

/// Walks through the windows, in order of time. Sets are evaluated on every core; the result does not depend on it.
///
/// Source: R. Pardo, "The Evaluation and Optimization of Trading Strategies", 2008, chapter 11 (efficiency there is a
/// ratio of annual profits; here of Sharpe ratios).
///
/// # Errors
/// [`OverfitError::NoCandidates`], [`OverfitError::TooFewRows`] for no window, [`OverfitError::NothingToChoose`],
/// [`OverfitError::JudgementFailed`], [`OverfitError::Undefined`] for returns out of sample that have no Sharpe ratio or
/// no growth: a window that cannot be judged is not passed over.
pub fn walk_forward(
    candidates: &impl Candidates,
    windows: &[Window],
    periods: PeriodsPerYear,
) -> Result<WalkForward, OverfitError> {
    let first = windows.first().ok_or(OverfitError::TooFewRows { name: "walk-forward", found: 0, needed: 1 })?;
    let mut walked = WalkForward {
        windows: Vec::with_capacity(windows.len()),
        first_row: first.test.start,
        returns: Vec::new(),
        evaluations: Vec::new(),
        judged: 0,
    };
    for (at, window) in windows.iter().enumerate() {
        let (set, estimate, evaluations) = choose(candidates, std::slice::from_ref(&window.train))?;
        let (evaluation, returns) = judge(candidates, set, &window.test)?;
        walked.evaluations.extend(evaluations);
        walked.evaluations.push(evaluation);
        walked.windows.push(WindowResult {
            window: window.clone(),
            set,
            in_sample: estimate.sharpe.annual(periods),
            out_of_sample: sharpe_or_zero(&returns)?.annual(periods),
            total_return: total_return(&returns)?,
        });
        let until = windows.get(at + 1).map_or(window.test.end, |next| next.test.start.min(window.test.end));
        walked.returns.extend(&returns[..until - window.test.start]);
    }
    walked.judged = judged(&walked.evaluations);
    Ok(walked)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Table, noise, noises};
    use super::super::{Lengths, Purpose, Training, windows};
    use super::*;

    const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);
    const LENGTHS: Lengths = Lengths { train: 60, test: 20, step: 20 };

    #[test]
    fn a_planted_edge_is_chosen_and_lasts() {
        let mut table = noises(20, 400, 1);
        table.0[13].iter_mut().for_each(|value| *value += 0.008);
        let walked = walk_forward(&table, &windows(400, LENGTHS, Training::Rolling).unwrap(), DAILY).unwrap();
        assert!(walked.windows.iter().filter(|window| window.set == 13).count() >= 15);
        assert!(walked.efficiency().unwrap() > 0.5 && walked.share_profitable() > 0.9);
        let trials = walked.evaluations.iter().filter(|evaluation| evaluation.purpose == Purpose::Choice).count();
        assert_eq!((walked.windows.len(), trials, walked.evaluations.len()), (17, 17 * 20, 17 * 21));
    }

    #[test]
    fn the_best_of_noise_does_not_last() {
        let walked =
            walk_forward(&noises(50, 1_000, 2), &windows(1_000, LENGTHS, Training::Rolling).unwrap(), DAILY).unwrap();
        // In-sample the best of fifty looks like a Sharpe ratio of 5 a year.
        assert!(walked.mean(|window| window.in_sample) > 4.0 && walked.efficiency().unwrap() < 0.3);
    }

    #[test]
    fn every_bar_is_counted_once_where_windows_overlap() {
        let own: Vec<f64> = (0..40).map(f64::from).map(|row| row * 1e-4 + 1e-3).collect();
        for step in [1, 3, 5, 7] {
            let all = windows(40, Lengths { train: 10, test: 5, step }, Training::Rolling).unwrap();
            let walked = walk_forward(&Table(vec![own.clone()]), &all, DAILY).unwrap();
            if step <= 5 {
                let end = all.last().unwrap().test.end;
                assert_eq!(walked.returns, own[10..end], "step {step}");
            } else {
                assert_eq!(walked.returns.len(), 5 * all.len(), "gaps are not filled");
            }
        }
    }

    #[test]
    fn losing_in_sample_is_no_efficiency() {
        let losing = Table(vec![noise(400, 4).iter().map(|value| value - 0.01).collect()]);
        let walked = walk_forward(&losing, &windows(400, LENGTHS, Training::Rolling).unwrap(), DAILY).unwrap();
        assert!(walked.mean(|window| window.out_of_sample) < 0.0);
        assert_eq!((walked.efficiency(), walked.share_profitable()), (None, 0.0));
    }

    #[test]
    fn a_choice_that_then_stays_out_counts_as_zero() {
        let own: Vec<f64> =
            noise(100, 5).iter().enumerate().map(|(row, v)| if row < 60 { v + 0.01 } else { 0.0 }).collect();
        let walked = walk_forward(&Table(vec![own]), &[Window { train: 0..60, test: 60..80 }], DAILY).unwrap();
        assert_eq!((walked.windows[0].out_of_sample.get(), walked.share_profitable()), (0.0, 0.0));
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_threads() {
        let (table, all) = (noises(30, 400, 8), windows(400, LENGTHS, Training::Anchored).unwrap());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| walk_forward(&table, &all, DAILY).unwrap())
        };
        assert_eq!(on(1), on(4));
    }

    #[test]
    fn without_sets_or_windows_nothing_is_walked() {
        let all = windows(400, LENGTHS, Training::Rolling).unwrap();
        assert_eq!(walk_forward(&Table(Vec::new()), &all, DAILY), Err(OverfitError::NoCandidates));
        assert!(walk_forward(&noises(2, 400, 6), &[], DAILY).is_err());
    }
}
