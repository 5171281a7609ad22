//! Every set on all bars: the series of a set is reduced at once, so that memory does not grow with bars times sets.

use q50_engine::market::Market;
use rayon::prelude::*;

use super::{Benchmark, searched::Searched};
use crate::{
    inference::{
        BlockSums, Cscv, Maxima, Moments, PredictiveAbility, PredictiveAbilityTest, Resampling, SharpeEstimate,
        optimal_block_length,
    },
    metrics::Undefined,
    overfit::{Candidates, Missing},
    trials::{LedgerError, Origin, Trial, TrialLedger},
};

const DAY_MS: i64 = 86_400_000;

/// Sets between two commits to the ledger.
const BATCH: usize = 512;

/// What is kept of one set.
pub(super) struct Kept {
    pub(super) estimate: SharpeEstimate,
    /// For the probability of backtest overfitting, where it was asked for and the record has so many rows.
    pub(super) blocks: Option<Vec<BlockSums>>,
    /// Automatic block length of its daily returns less the benchmark's, at least 1.
    block_length: Option<f64>,
}

/// The first pass: files every set in the ledger and keeps its sums, or why it has none.
pub(super) fn first_pass(
    searched: &Searched<'_>,
    cscv: Option<&Cscv>,
    days: Option<&Days>,
    ledger: &mut TrialLedger,
) -> Result<Vec<Result<Kept, Missing>>, LedgerError> {
    let scope = searched.sweep().prepared().source().scope(&searched.sweep().base().strategy);
    let sets = searched.count();
    let mut all = Vec::with_capacity(sets);
    for start in (0..sets).step_by(BATCH) {
        let batch: Vec<Result<Kept, Missing>> =
            (start..sets.min(start + BATCH)).into_par_iter().map(|set| kept(searched, set, cscv, days)).collect();
        let trials: Vec<Trial> = (start..)
            .zip(&batch)
            .filter_map(|(set, kept)| match kept {
                Ok(kept) => searched.sweep_trial(set, Some(kept.estimate)),
                Err(Missing::Undefined(_)) => searched.sweep_trial(set, None),
                Err(Missing::Failed(_)) => None,
            })
            .collect();
        ledger.record(scope, Origin::Sweep, &trials)?;
        all.extend(batch);
    }
    Ok(all)
}

fn kept(searched: &Searched<'_>, set: usize, cscv: Option<&Cscv>, days: Option<&Days>) -> Result<Kept, Missing> {
    let curve = searched.curve(set, &(0..searched.rows())).map_err(Missing::Failed)?;
    let returns = curve.returns();
    let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper)?;
    let blocks = cscv.map(|cscv| cscv.cut(&returns)).transpose()?;
    let length = |days: &Days| optimal_block_length(&days.relative(&curve.equity)).ok();
    Ok(Kept { estimate, blocks, block_length: days.and_then(length).map(|length| length.stationary.max(1.0)) })
}

/// The second pass: each set's daily returns through the same resamples, of which only the maxima are kept.
pub(super) fn predictive_ability(
    searched: &Searched<'_>,
    kept: &[Result<Kept, Missing>],
    days: &Days,
    [draws, seed]: [u64; 2],
) -> Result<PredictiveAbility, Undefined> {
    let mut lengths: Vec<f64> = kept.iter().flatten().filter_map(|kept| kept.block_length).collect();
    lengths.sort_unstable_by(f64::total_cmp);
    let mean_block = *lengths.get(lengths.len() / 2).ok_or(Undefined::TooFew { found: 0, needed: 1 })?;
    let test = PredictiveAbilityTest::new(days.len(), Resampling { mean_block, draws: draws as usize, seed })?;
    let maxima = (0..kept.len())
        .into_par_iter()
        .filter(|&set| kept[set].is_ok())
        .fold(
            || test.start(),
            |mut maxima: Maxima, set| {
                // A set that cannot be replayed or compared is left out, and not counted among those judged.
                if let Ok(curve) = searched.curve(set, &(0..searched.rows())) {
                    let _ = test.push(&mut maxima, set, &days.relative(&curve.equity));
                }
                maxima
            },
        )
        .reduce(|| test.start(), |one, other| one.merge(&other));
    test.p_values(&maxima)
}

/// The days (UTC) of a record, and what the benchmark returned on each. The first and the last may be parts of days.
pub(super) struct Days {
    /// The last row of each.
    ends: Vec<usize>,
    benchmark: Vec<f64>,
}

impl Days {
    pub(super) fn of(market: &Market<'_>, benchmark: Benchmark) -> Self {
        let (times, closes) = (&market.open_time[market.first..], &market.close[market.first..]);
        let day = |row: usize| times[row].div_euclid(DAY_MS);
        let ends: Vec<usize> =
            (1..times.len()).filter(|&row| row + 1 == times.len() || day(row + 1) != day(row)).collect();
        let mut days = Self { benchmark: vec![0.0; ends.len()], ends };
        if benchmark == Benchmark::Hold {
            days.benchmark = days.relative(closes);
        }
        days
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns of each day less the benchmark's, of values at each close.
    pub(super) fn relative(&self, values: &[f64]) -> Vec<f64> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let returns = starts.zip(&self.ends).map(|(start, &end)| values[end] / values[start] - 1.0);
        returns.zip(&self.benchmark).map(|(own, benchmark)| own - benchmark).collect()
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::market::Signals;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn days(times: &[i64], closes: &[f64], benchmark: Benchmark) -> Days {
        let market = Market {
            open_time: times,
            open: closes,
            high: closes,
            low: closes,
            close: closes,
            signals: Signals::default(),
            interval_ms: HOUR,
            first: 0,
        };
        Days::of(&market, benchmark)
    }

    #[test]
    fn a_day_runs_from_its_predecessors_last_close_to_its_own() {
        let times = [22 * HOUR, 23 * HOUR, 24 * HOUR, 47 * HOUR, 49 * HOUR];
        let values = [100.0, 110.0, 220.0, 121.0, 242.0];
        let of = days(&times, &values, Benchmark::Cash);
        assert_eq!(of.ends, [1, 3, 4]);
        for (found, expected) in of.relative(&values).into_iter().zip([0.1, 0.1, 1.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_first_bar_that_ends_its_day_is_only_where_the_next_day_starts() {
        let of = days(&[23 * HOUR, 24 * HOUR, 25 * HOUR], &[1.0, 2.0, 3.0], Benchmark::Cash);
        assert_eq!((of.ends.as_slice(), of.relative(&[1.0, 2.0, 3.0])), ([2].as_slice(), vec![2.0]));
    }

    #[test]
    fn holding_is_no_better_than_holding() {
        let times: Vec<i64> = (0..100).map(|row| row * HOUR).collect();
        let closes: Vec<f64> = (0..100).map(|row| 100.0 + f64::from(row % 7)).collect();
        let of = days(&times, &closes, Benchmark::Hold);
        assert_eq!(of.relative(&closes), vec![0.0; of.len()]);
    }
}
