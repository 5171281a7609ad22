use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};

use super::dependence::influence;
use super::resample::{BlockLengths, MOST_CELLS, PrefixSums};
use super::stationary_bootstrap::{ResampledSharpe, StationaryBootstrap};
use crate::metrics::undefined::positive;
use crate::metrics::{Ddof, Undefined, mean, per_period_sharpe};

/// Whether one series has the higher Sharpe ratio than another over the same bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpeDifference {
    /// First ratio less second, a year, on the series themselves (n - 1).
    pub estimate: AnnualSharpe,
    /// Lower end of the percentile interval.
    pub low: AnnualSharpe,
    /// Upper end of the percentile interval.
    pub high: AnnualSharpe,
    /// One-sided p value of "the first is not better": how often resampling moves the difference up by at least the
    /// estimate, (1 + count) / (1 + draws with a value).
    pub p_value: f64,
    /// Mean block length used, in observations.
    pub mean_block: f64,
    /// Draws made.
    pub draws: usize,
    /// Draws in which either series had no variance and that were left out; above 5 % the test is undefined.
    pub undefined_draws: usize,
}

impl StationaryBootstrap {
    /// Resamples two series in PAIRS, bar by bar, and compares their Sharpe ratios.
    ///
    /// Both series see the same blocks, so that what moves both (the market) cancels: the interval is far narrower than
    /// the one from two independent intervals. Row t of each must be the same bar.
    ///
    /// Source: O. Ledoit and M. Wolf, "Robust Performance Hypothesis Testing with the Sharpe Ratio", Journal of
    /// Empirical Finance 15(5), 2008: their centred bootstrap p value, here one-sided and not studentised. With an
    /// automatic block the draws are widened as in [`StationaryBootstrap::sharpe`].
    ///
    /// # Errors
    /// [`Undefined::LengthsDiffer`], and those of [`StationaryBootstrap::sharpe`] for either series.
    pub fn sharpe_difference(
        &self,
        first: &[f64],
        second: &[f64],
        periods: PeriodsPerYear,
    ) -> Result<SharpeDifference, Undefined> {
        positive(periods)?;
        if first.len() != second.len() {
            return Err(Undefined::LengthsDiffer { left: first.len(), right: second.len() });
        }
        let n = first.len();
        let estimate = per_period_sharpe(first, Ddof::One)?.get() - per_period_sharpe(second, Ddof::One)?.get();
        let rows = n.div_ceil(MOST_CELLS);
        let (lengths, mean_block) = BlockLengths::in_cells(self.mean_block_of(&[first, second])?, n, rows)?;

        let (centre_1, centre_2) = (mean(first)?, mean(second)?);
        let deviations = first.iter().zip(second).map(|(one, two)| (one - centre_1, two - centre_2));
        let prefix = PrefixSums::in_cells(deviations.map(|(one, two)| [one, one * one, two, two * two]), rows);
        let [_, squares_1, _, squares_2] = prefix.total();
        let ratio_1 = ResampledSharpe::new(n, centre_1, squares_1);
        let ratio_2 = ResampledSharpe::new(n, centre_2, squares_2);
        let drawn = prefix.draws(&lengths, self.seed, self.draws, |[sum_1, squares_1, sum_2, squares_2]| {
            Some(ratio_1.of(sum_1, squares_1)? - ratio_2.of(sum_2, squares_2)?)
        });

        let sorted = self.sorted(&drawn)?;
        let difference = || Ok(influence(first)?.iter().zip(influence(second)?).map(|(one, two)| one - two).collect());
        let widening = self.widening(difference, mean_block)?;
        let [low, high] = self.interval(&sorted)?.map(|end| estimate + (end - estimate) * widening);
        let further = sorted.len() - sorted.partition_point(|value| (value - estimate) * widening < estimate);
        let annual = |value| PerPeriodSharpe::new(value).annual(periods);
        Ok(SharpeDifference {
            estimate: annual(estimate),
            low: annual(low),
            high: annual(high),
            p_value: (1 + further) as f64 / (1 + sorted.len()) as f64,
            mean_block,
            draws: self.draws,
            undefined_draws: self.draws - sorted.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::MeanBlock;
    use crate::inference::normal::quantile;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| 0.01 * quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    #[test]
    fn a_small_edge_over_the_same_market_is_seen_only_in_pairs() {
        let market = noise(500, 1);
        let edge: Vec<f64> = market.iter().zip(noise(500, 2)).map(|(bar, own)| bar + 0.0005 + 0.1 * own).collect();
        let bootstrap = StationaryBootstrap::default();
        let paired = bootstrap.sharpe_difference(&edge, &market, DAILY).unwrap();
        assert!(paired.low.get() > 0.0 && paired.p_value < 0.001, "{paired:?}");
        // Each alone is far too uncertain to tell them apart.
        let (ours, theirs) = (bootstrap.sharpe(&edge, DAILY).unwrap(), bootstrap.sharpe(&market, DAILY).unwrap());
        assert!(ours.low < theirs.high);
    }

    #[test]
    fn dependence_widens_the_interval_of_the_difference() {
        let mut edge = noise(500, 6);
        for row in 1..edge.len() {
            edge[row] += 0.9 * edge[row - 1];
        }
        let market = noise(500, 7);
        let difference = |mean_block| {
            let bootstrap = StationaryBootstrap { mean_block, ..StationaryBootstrap::default() };
            bootstrap.sharpe_difference(&edge, &market, DAILY).unwrap()
        };
        let automatic = difference(MeanBlock::Automatic);
        // The same draws, as they are.
        let drawn = difference(MeanBlock::Given(automatic.mean_block));
        let wider = |end: fn(&SharpeDifference) -> AnnualSharpe| {
            (end(&automatic).get() - automatic.estimate.get()) / (end(&drawn).get() - drawn.estimate.get())
        };
        let (low, high) = (wider(|found| found.low), wider(|found| found.high));
        assert!(low > 1.05 && (low / high - 1.0).abs() < 1e-9, "{low} and {high}");
    }

    #[test]
    fn a_series_is_not_better_than_itself() {
        let market = noise(200, 3);
        let same = StationaryBootstrap::default().sharpe_difference(&market, &market, DAILY).unwrap();
        assert_eq!((same.estimate.get(), same.low.get(), same.high.get(), same.p_value), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn exchanging_the_series_mirrors_the_interval() {
        let (one, two) = (noise(200, 4), noise(200, 5));
        let bootstrap = StationaryBootstrap::default();
        let forth = bootstrap.sharpe_difference(&one, &two, DAILY).unwrap();
        let back = bootstrap.sharpe_difference(&two, &one, DAILY).unwrap();
        assert!((forth.low.get() + back.high.get()).abs() < 1e-12);
        assert!((forth.p_value + back.p_value - 1.0).abs() < 0.1);
    }

    #[test]
    fn without_an_edge_small_p_values_are_as_rare_as_they_should_be() {
        let experiments = 300;
        let rejected = (0..experiments)
            .filter(|&experiment| {
                let bootstrap = StationaryBootstrap {
                    mean_block: MeanBlock::Given(1.0),
                    draws: 300,
                    seed: experiment,
                    ..StationaryBootstrap::default()
                };
                let (one, two) = (noise(100, 2 * experiment + 10_000), noise(100, 2 * experiment + 10_001));
                bootstrap.sharpe_difference(&one, &two, DAILY).unwrap().p_value <= 0.05
            })
            .count();
        // Four standard errors of a share of 0.05 over 300 experiments are 0.05.
        assert!(rejected as f64 / experiments as f64 <= 0.10, "{rejected} of {experiments}");
    }

    #[test]
    fn series_of_different_lengths_are_not_pairs() {
        assert_eq!(
            StationaryBootstrap::default().sharpe_difference(&[0.1, 0.2], &[0.1], DAILY),
            Err(Undefined::LengthsDiffer { left: 2, right: 1 })
        );
    }
}
