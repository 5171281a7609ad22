use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};

use super::block_length::optimal_block_length;
use super::dependence::{influence, widening};
use super::resample::{BlockLengths, MOST_CELLS, PrefixSums};
use crate::metrics::undefined::positive;
use crate::metrics::{Ddof, Undefined, mean, per_period_sharpe};

/// Share of draws that may be without variance before the whole bootstrap has no value.
const DEGENERATE_SHARE: f64 = 0.05;

/// Mean length of a block, in observations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum MeanBlock {
    /// [`optimal_block_length`] for the stationary bootstrap, at least 1; the longer one of a pair of series.
    #[default]
    Automatic,
    /// As given, from 1 (independent observations) to the length of the series. A series of more than 131,072 observations
    /// is resampled in as many cells, and its blocks are not shorter than one.
    Given(f64),
}

/// Stationary bootstrap of Sharpe ratios: blocks of geometric length from uniform starts, wrapping around the end.
///
/// Same seed, same draws, same result, on any number of threads.
///
/// Source: D. Politis and J. Romano, "The Stationary Bootstrap", JASA 89(428), 1994.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StationaryBootstrap {
    /// Mean block length.
    pub mean_block: MeanBlock,
    /// Number of resamples.
    pub draws: usize,
    /// Seed of the ChaCha8 generator; draw i takes its stream i.
    pub seed: u64,
    /// Coverage of intervals, between 0 and 1.
    pub coverage: f64,
}

impl Default for StationaryBootstrap {
    fn default() -> Self {
        Self { mean_block: MeanBlock::Automatic, draws: 2_000, seed: 50, coverage: 0.95 }
    }
}

/// Percentile interval for a Sharpe ratio, widened to the long-run variance where the block length is automatic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpeInterval {
    /// The ratio of the series itself (n - 1).
    pub estimate: AnnualSharpe,
    /// Lower end.
    pub low: AnnualSharpe,
    /// Upper end.
    pub high: AnnualSharpe,
    /// Mean block length used, in observations.
    pub mean_block: f64,
    /// Draws made.
    pub draws: usize,
    /// Draws that had no variance and were left out; above 5 % the interval is undefined.
    pub undefined_draws: usize,
}

impl StationaryBootstrap {
    /// Percentile interval for the annual Sharpe ratio of at least two returns.
    ///
    /// With [`MeanBlock::Automatic`] its ends are moved away from the estimate by the factor by which the draws scatter too
    /// little for the long-run variance of the ratio (see [`variance_inflation`](super::variance_inflation)), at least 1:
    /// percentiles alone leave out zero for one in twenty noise series with strong dependence, where it should be one in
    /// forty.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] (fewer than eight returns with [`MeanBlock::Automatic`]), [`Undefined::NotFinite`],
    /// [`Undefined::NoVariance`], [`Undefined::OutOfRange`] for settings without meaning,
    /// [`Undefined::DegenerateDraws`].
    pub fn sharpe(&self, returns: &[f64], periods: PeriodsPerYear) -> Result<SharpeInterval, Undefined> {
        self.sharpe_in_cells(returns, periods, MOST_CELLS)
    }

    fn sharpe_in_cells(
        &self,
        returns: &[f64],
        periods: PeriodsPerYear,
        most_cells: usize,
    ) -> Result<SharpeInterval, Undefined> {
        positive(periods)?;
        let estimate = per_period_sharpe(returns, Ddof::One)?.annual(periods);
        let rows = returns.len().div_ceil(most_cells);
        let (lengths, mean_block) = BlockLengths::in_cells(self.mean_block_of(&[returns])?, returns.len(), rows)?;

        // Around the mean, the squares lose no digits when the squared sum is taken off.
        let centre = mean(returns)?;
        let deviations = returns.iter().map(|value| value - centre);
        let prefix = PrefixSums::in_cells(deviations.map(|deviation| [deviation, deviation * deviation]), rows);
        let ratio = ResampledSharpe::new(returns.len(), centre, prefix.total()[1]);
        let drawn = prefix.draws(&lengths, self.seed, self.draws, |[sum, squares]| ratio.of(sum, squares));

        let sorted = self.sorted(&drawn)?;
        let widening = self.widening(|| influence(returns), mean_block)?;
        let own = estimate.per_period(periods).get();
        let [low, high] = self.interval(&sorted)?.map(|end| own + (end - own) * widening);
        let annual = |value| PerPeriodSharpe::new(value).annual(periods);
        Ok(SharpeInterval {
            estimate,
            low: annual(low),
            high: annual(high),
            mean_block,
            draws: self.draws,
            undefined_draws: self.draws - sorted.len(),
        })
    }

    /// The mean block length for series that are resampled together.
    pub(super) fn mean_block_of(&self, series: &[&[f64]]) -> Result<f64, Undefined> {
        match self.mean_block {
            MeanBlock::Given(length) => Ok(length),
            MeanBlock::Automatic => series
                .iter()
                .try_fold(1.0, |longest: f64, values| Ok(longest.max(optimal_block_length(values)?.stationary))),
        }
    }

    /// How much wider than their draws intervals are; 1 where the user stands in for the block length.
    pub(super) fn widening(
        &self,
        influence: impl FnOnce() -> Result<Vec<f64>, Undefined>,
        mean_block: f64,
    ) -> Result<f64, Undefined> {
        match self.mean_block {
            MeanBlock::Given(_) => Ok(1.0),
            MeanBlock::Automatic => Ok(widening(&influence()?, mean_block)),
        }
    }

    /// The draws that have a value, in ascending order.
    pub(super) fn sorted(&self, drawn: &[Option<f64>]) -> Result<Vec<f64>, Undefined> {
        if drawn.len() < 2 {
            return Err(Undefined::OutOfRange {
                name: "number of draws",
                value: drawn.len() as f64,
                wanted: "2 or more",
            });
        }
        let mut values: Vec<f64> = drawn.iter().copied().flatten().collect();
        let undefined = drawn.len() - values.len();
        if undefined as f64 > DEGENERATE_SHARE * drawn.len() as f64 {
            return Err(Undefined::DegenerateDraws { undefined, draws: drawn.len() });
        }
        values.sort_unstable_by(f64::total_cmp);
        Ok(values)
    }

    /// The two ends of the percentile interval over sorted draws.
    pub(super) fn interval(&self, sorted: &[f64]) -> Result<[f64; 2], Undefined> {
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return Err(Undefined::OutOfRange { name: "coverage", value: self.coverage, wanted: "between 0 and 1" });
        }
        let tail = (1.0 - self.coverage) / 2.0;
        Ok([percentile(sorted, tail), percentile(sorted, 1.0 - tail)])
    }
}

/// The Sharpe ratio of a resample, from sums of deviations around the series' own mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResampledSharpe {
    n: f64,
    centre: f64,
    noise: f64,
}

impl ResampledSharpe {
    pub(super) fn new(n: usize, centre: f64, total_squares: f64) -> Self {
        let n = n as f64;
        // Differences of prefix sums carry rounding of the whole; below it a resample's variance is noise.
        Self { n, centre, noise: 8.0 * n * f64::EPSILON * total_squares }
    }

    /// Ratio of one period (n - 1), unless all rows of the resample were equal.
    pub(super) fn of(&self, sum: f64, squares: f64) -> Option<f64> {
        let shift = sum / self.n;
        let about_mean = squares - sum * shift;
        (about_mean > self.noise).then(|| (self.centre + shift) / (about_mean / (self.n - 1.0)).sqrt())
    }
}

/// Percentile of sorted values with linear interpolation (type 7 of Hyndman and Fan, numpy's default).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor();
    let low = sorted[below as usize];
    let high = sorted[(below as usize + 1).min(sorted.len() - 1)];
    low + (high - low) * (position - below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::normal::quantile;
    use crate::inference::resample::BlockPlan;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);

    fn normal_returns(n: usize, mean: f64, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| mean + 0.01 * quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    #[test]
    fn the_interval_is_the_same_on_any_number_of_threads() {
        let returns = normal_returns(300, 0.001, 1);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| StationaryBootstrap::default().sharpe(&returns, DAILY).unwrap())
        };
        assert_eq!(on(1), on(4));
    }

    #[test]
    fn another_seed_gives_another_interval() {
        let returns = normal_returns(300, 0.001, 1);
        let with = |seed| StationaryBootstrap { seed, ..StationaryBootstrap::default() }.sharpe(&returns, DAILY);
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn ninety_five_per_cent_intervals_cover_the_truth_about_that_often() {
        let experiments = 400;
        let truth = 0.1;
        let covered = (0..experiments)
            .filter(|&experiment| {
                let returns = normal_returns(120, 0.01 * truth, 1000 + experiment);
                let bootstrap = StationaryBootstrap {
                    mean_block: MeanBlock::Given(1.0),
                    draws: 500,
                    seed: experiment,
                    coverage: 0.95,
                };
                let interval = bootstrap.sharpe(&returns, PeriodsPerYear::new(1.0)).unwrap();
                interval.low.get() <= truth && truth <= interval.high.get()
            })
            .count();
        // Four standard errors of a share of 0.95 over 400 experiments are 0.044.
        let share = covered as f64 / experiments as f64;
        assert!((0.906..=0.994).contains(&share), "covered {share}");
    }

    #[test]
    fn the_ends_are_those_of_rows_that_are_gathered_one_by_one() {
        // A mean of a thousand deviations: plain sums of squares would lose six digits.
        let returns = normal_returns(3_000, 10.0, 11);
        let n = returns.len();
        for mean_block in [1.0, 30.0] {
            let bootstrap =
                StationaryBootstrap { mean_block: MeanBlock::Given(mean_block), draws: 200, ..Default::default() };
            let interval = bootstrap.sharpe(&returns, PeriodsPerYear::new(1.0)).unwrap();
            let plan = BlockPlan::new(&BlockLengths::with_mean(mean_block, n).unwrap(), n, bootstrap.seed, 200);
            let gathered = |blocks: &Vec<(u32, u32)>| {
                let rows = blocks.iter().flat_map(|&(start, length)| start as usize..(start + length) as usize);
                let resample: Vec<f64> = rows.map(|row| returns[row % n]).collect();
                per_period_sharpe(&resample, Ddof::One).unwrap().get()
            };
            let mut ratios: Vec<f64> = plan.draws().iter().map(gathered).collect();
            ratios.sort_by(f64::total_cmp);
            for (end, share) in [(interval.low, 0.025), (interval.high, 0.975)] {
                assert!((end.get() / percentile(&ratios, share) - 1.0).abs() < 1e-9, "{mean_block}: {end:?}");
            }
        }
    }

    #[test]
    fn the_ends_are_those_of_ninety_five_per_cent() {
        // Of independent normal returns with a ratio near 0 they are 1.96 / sqrt(n) away; of 90 % it would be 1.645.
        let returns = normal_returns(2_000, 0.0, 5);
        let bootstrap = StationaryBootstrap { mean_block: MeanBlock::Given(1.0), draws: 20_000, ..Default::default() };
        let interval = bootstrap.sharpe(&returns, PeriodsPerYear::new(1.0)).unwrap();
        for end in [interval.low, interval.high] {
            let distance = (end.get() - interval.estimate.get()).abs() * 2_000.0_f64.sqrt();
            assert!((distance / 1.96 - 1.0).abs() < 0.04, "{distance} standard errors");
        }
    }

    #[test]
    fn the_ends_of_stale_returns_are_those_of_the_fewer_that_they_are() {
        // 250 returns that repeat 8 times are worth 250.
        let stale: Vec<f64> =
            normal_returns(250, 0.0, 7).into_iter().flat_map(|value| std::iter::repeat_n(value, 8)).collect();
        let interval = StationaryBootstrap::default().sharpe(&stale, PeriodsPerYear::new(1.0)).unwrap();
        for end in [interval.low, interval.high] {
            let distance = (end.get() - interval.estimate.get()).abs() * 250.0_f64.sqrt();
            assert!((1.6..2.6).contains(&distance), "{distance} standard errors of 250 returns");
        }
    }

    #[test]
    fn dependence_widens_the_interval() {
        let mut returns = normal_returns(1000, 0.0, 3);
        for row in 1..returns.len() {
            returns[row] += 0.7 * returns[row - 1];
        }
        let width = |mean_block| {
            let bootstrap = StationaryBootstrap { mean_block, ..StationaryBootstrap::default() };
            let interval = bootstrap.sharpe(&returns, DAILY).unwrap();
            interval.high.get() - interval.low.get()
        };
        assert!(width(MeanBlock::Automatic) > 1.5 * width(MeanBlock::Given(1.0)));
    }

    #[test]
    fn a_series_in_cells_has_the_interval_of_its_rows() {
        let independent = normal_returns(8_000, 0.0002, 5);
        let mut dependent = independent.clone();
        for row in 1..dependent.len() {
            dependent[row] += 0.5 * dependent[row - 1];
        }
        for returns in [independent, dependent] {
            let bootstrap = StationaryBootstrap { draws: 4_000, ..StationaryBootstrap::default() };
            let width = |cells| {
                let interval = bootstrap.sharpe_in_cells(&returns, DAILY, cells).unwrap();
                interval.high.get() - interval.low.get()
            };
            // The width of a 95 % interval of 4,000 draws has a standard error of about 1.6 %; blocks of eight rows where
            // some ten are best, or one is, add noise of their own.
            let (rows, cells) = (width(8_000), width(1_000));
            assert!((cells / rows - 1.0).abs() < 0.08, "{rows} and {cells}");
        }
    }

    #[test]
    fn two_returns_are_too_few_to_resample() {
        let bootstrap = StationaryBootstrap { mean_block: MeanBlock::Given(1.0), ..StationaryBootstrap::default() };
        assert!(matches!(bootstrap.sharpe(&[0.01, -0.005], DAILY), Err(Undefined::DegenerateDraws { .. })));
        assert_eq!(
            StationaryBootstrap::default().sharpe(&[0.01, -0.005], DAILY),
            Err(Undefined::TooFew { found: 2, needed: 8 })
        );
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        let returns = normal_returns(50, 0.0, 1);
        let base = StationaryBootstrap { draws: 100, ..StationaryBootstrap::default() };
        for wrong in [
            StationaryBootstrap { coverage: 1.0, ..base },
            StationaryBootstrap { draws: 1, ..base },
            StationaryBootstrap { mean_block: MeanBlock::Given(51.0), ..base },
        ] {
            assert!(matches!(wrong.sharpe(&returns, DAILY), Err(Undefined::OutOfRange { .. })), "{wrong:?}");
        }
    }

    #[test]
    fn percentiles_interpolate() {
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 5.0], 0.5), 2.5);
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 5.0], 1.0), 5.0);
    }
}
