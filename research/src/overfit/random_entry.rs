//! Whether the entry times matter: the same positions, held as long, entered at random.

use q50_engine::units::Fraction;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::OverfitError;
use crate::metrics::{Ddof, Undefined, per_period_sharpe, total_return};

/// Prices of the bars that positions are entered on.
#[derive(Clone, Copy, Debug)]
pub struct Prices<'a> {
    /// Opens: entries and exits are filled here.
    pub open: &'a [f64],
    /// Closes: equity is marked here.
    pub close: &'a [f64],
    /// Cost of a fill, a fraction of its notional.
    pub cost: Fraction,
}

/// One long position of the whole equity, bought at the open of `entry` and sold at the open `bars` later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Row of the entry; from 1 on, because the decision is made on the bar before.
    pub entry: usize,
    /// Bars until the exit, at least 1.
    pub bars: usize,
}

/// What a run is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Sharpe ratio a bar, n - 1; 0 without variance.
    #[default]
    Sharpe,
    /// Growth, a fraction.
    TotalReturn,
}

/// The random runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomEntry {
    /// Number of runs.
    pub runs: usize,
    /// Seed of the ChaCha8 generator; run i takes its stream i.
    pub seed: u64,
    /// What the runs are measured by.
    pub measure: Measure,
}

/// A run among random ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The run's own figure.
    pub observed: f64,
    /// Share of random runs below it.
    pub percentile: f64,
    /// Chance that random entries do at least as well, (1 + count) / (1 + runs).
    pub p_value: f64,
    /// Figures of the random runs, ascending.
    pub random: Vec<f64>,
    /// Entries of each run.
    pub entries: usize,
}

impl Default for RandomEntry {
    fn default() -> Self {
        Self { runs: 1_000, seed: 50, measure: Measure::Sharpe }
    }
}

impl RandomEntry {
    /// A run of these holdings, valued as the random ones are: full size, same costs.
    ///
    /// # Errors
    /// As [`RandomEntry::compare`]; and where holdings overlap or are not in order of time.
    pub fn test(&self, prices: &Prices<'_>, holdings: &[Holding]) -> Result<Baseline, OverfitError> {
        let lengths: Vec<usize> = holdings.iter().map(|holding| holding.bars).collect();
        let observed = prices.value(holdings, self.measure)?;
        self.compare(prices, &lengths, observed)
    }

    /// `observed` among random runs of as many holdings of the same lengths, in random order, at random rows, never
    /// two at once. Every arrangement is equally likely, so that under entries without skill the p value is uniform.
    ///
    /// # Errors
    /// [`OverfitError::NoCandidates`] for no holding, [`OverfitError::TooFewRows`] where they do not fit,
    /// [`OverfitError::Setting`] for a length of 0 or no run, [`OverfitError::Undefined`] for prices without a return.
    pub fn compare(&self, prices: &Prices<'_>, lengths: &[usize], observed: f64) -> Result<Baseline, OverfitError> {
        if lengths.is_empty() {
            return Err(OverfitError::NoCandidates);
        }
        if self.runs == 0 {
            return Err(OverfitError::Setting { name: "number of random runs", found: 0, wanted: "1 or more" });
        }
        let free = prices.free(lengths)?;
        let generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut random = (0..self.runs)
            .into_par_iter()
            .map(|run| {
                let mut rng = generator.clone();
                rng.set_stream(run as u64);
                prices.value(&arrange(lengths, free, &mut rng), self.measure)
            })
            .collect::<Result<Vec<f64>, OverfitError>>()?;
        random.sort_unstable_by(f64::total_cmp);
        let below = random.partition_point(|value| *value < observed);
        Ok(Baseline {
            observed,
            percentile: below as f64 / self.runs as f64,
            p_value: (1 + self.runs - below) as f64 / (1 + self.runs) as f64,
            random,
            entries: lengths.len(),
        })
    }
}

/// Holdings in random order with random gaps: every set of gaps that adds up to `free` is equally likely.
fn arrange(lengths: &[usize], free: usize, rng: &mut ChaCha8Rng) -> Vec<Holding> {
    let mut order = lengths.to_vec();
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    // Of free + m places, m hold an entry: drawn without replacement (Floyd), and sorted.
    let places = free + order.len();
    let mut taken = std::collections::BTreeSet::new();
    for top in free..places {
        let place = rng.random_range(0..=top);
        if !taken.insert(place) {
            taken.insert(top);
        }
    }
    let mut held = 0;
    taken
        .iter()
        .zip(&order)
        .enumerate()
        .map(|(before, (place, &bars))| {
            let entry = 1 + place - before + held;
            held += bars;
            Holding { entry, bars }
        })
        .collect()
}

impl Prices<'_> {
    /// Bars that no holding takes, of those between the open of row 1 and the last open.
    fn free(&self, lengths: &[usize]) -> Result<usize, OverfitError> {
        if self.open.len() != self.close.len() {
            return Err(Undefined::LengthsDiffer { left: self.open.len(), right: self.close.len() }.into());
        }
        if lengths.contains(&0) {
            return Err(OverfitError::Setting { name: "bars of a holding", found: 0, wanted: "1 or more" });
        }
        let held: usize = lengths.iter().sum();
        (self.open.len()).checked_sub(held + 2).ok_or(OverfitError::TooFewRows {
            name: "entering at random",
            found: self.open.len(),
            needed: held + 2,
        })
    }

    /// The figure of a run that is in the market for these holdings and in cash otherwise.
    ///
    /// # Errors
    /// [`OverfitError::Setting`] for holdings that overlap, are not in order, or end after the record;
    /// [`OverfitError::Undefined`].
    pub fn value(&self, holdings: &[Holding], measure: Measure) -> Result<f64, OverfitError> {
        let returns = self.returns(holdings)?;
        match measure {
            Measure::TotalReturn => Ok(total_return(&returns)?),
            Measure::Sharpe => match per_period_sharpe(&returns, Ddof::One) {
                Err(Undefined::NoVariance { .. }) => Ok(0.0),
                other => Ok(other?.get()),
            },
        }
    }

    /// Returns from close to close, of bar 1 to the last.
    fn returns(&self, holdings: &[Holding]) -> Result<Vec<f64>, OverfitError> {
        let rows = self.open.len().min(self.close.len());
        let mut growth = vec![1.0; rows];
        let mut earliest = 1;
        let keep = 1.0 - self.cost.get();
        for &Holding { entry, bars } in holdings {
            let exit = entry + bars;
            if entry < earliest || exit >= rows || bars == 0 {
                return Err(OverfitError::Setting {
                    name: "entry of a holding",
                    found: entry,
                    wanted: "a row from 1 on, after the last exit, whose exit is in the record",
                });
            }
            growth[entry] *= keep * self.close[entry] / self.open[entry];
            for (factor, pair) in growth[entry + 1..exit].iter_mut().zip(self.close[entry..exit].windows(2)) {
                *factor = pair[1] / pair[0];
            }
            growth[exit] *= keep * self.open[exit] / self.close[exit - 1];
            earliest = exit;
        }
        Ok(growth.iter().skip(1).map(|factor| factor - 1.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::noise;
    use super::*;

    /// Opens and closes of a random walk: the open is the last close.
    fn walk(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
        let steps = noise(n, seed);
        let close: Vec<f64> = steps
            .iter()
            .scan(100.0, |price, step| {
                *price *= 1.0 + step;
                Some(*price)
            })
            .collect();
        let open = std::iter::once(100.0).chain(close[..n - 1].iter().copied()).collect();
        (open, close)
    }

    #[test]
    fn a_holding_earns_from_open_to_open_less_two_fills() {
        let prices =
            Prices { open: &[10.0, 10.0, 12.0, 9.0], close: &[10.0, 11.0, 12.5, 9.0], cost: Fraction::new(0.01) };
        let held = [Holding { entry: 1, bars: 1 }, Holding { entry: 2, bars: 1 }];
        let total = prices.value(&held, Measure::TotalReturn).unwrap();
        // 12/10 and 9/12, each bought and sold.
        assert!((total - (1.2 * 0.75 * 0.99_f64.powi(4) - 1.0)).abs() < 1e-15, "{total}");
        let returns = prices.returns(&held).unwrap();
        assert!((returns[0] - (1.1 * 0.99 - 1.0)).abs() < 1e-15);
        assert!((returns[1] - (12.0 / 11.0 * 0.99 * 0.99 * 12.5 / 12.0 - 1.0)).abs() < 1e-15);
    }

    #[test]
    fn arrangements_fit_do_not_overlap_and_keep_the_lengths() {
        let lengths = [3, 1, 7, 2];
        let mut first_rows = [0_u32; 8];
        for seed in 0..2_000 {
            let held = arrange(&lengths, 4, &mut ChaCha8Rng::seed_from_u64(seed));
            let mut own: Vec<usize> = held.iter().map(|holding| holding.bars).collect();
            own.sort_unstable();
            assert_eq!(own, [1, 2, 3, 7]);
            assert!(held.windows(2).all(|pair| pair[0].entry + pair[0].bars <= pair[1].entry));
            assert!(held[0].entry >= 1 && held[3].entry + held[3].bars <= 1 + 13 + 4);
            first_rows[held[0].entry] += 1;
        }
        // The first gap is 0 in C(7, 3) = 35 of C(8, 4) = 70 arrangements: half, to five standard errors.
        assert!((f64::from(first_rows[1]) - 1_000.0).abs() < 5.0 * 500.0_f64.sqrt(), "{first_rows:?}");
    }

    #[test]
    fn on_noise_p_values_are_uniform() {
        let experiments = 300;
        let mut p_values: Vec<f64> = (0..experiments)
            .map(|experiment| {
                let (open, close) = walk(120, experiment);
                let prices = Prices { open: &open, close: &close, cost: Fraction::new(0.0005) };
                let lengths = [5, 9, 2, 14, 3];
                let free = prices.free(&lengths).unwrap();
                let own = arrange(&lengths, free, &mut ChaCha8Rng::seed_from_u64(90_000 + experiment));
                RandomEntry { runs: 199, ..RandomEntry::default() }.test(&prices, &own).unwrap().p_value
            })
            .collect();
        p_values.sort_unstable_by(f64::total_cmp);
        // Kolmogorov-Smirnov at 0.1 %: 1.95 / sqrt(n), and half a step of the p values.
        let distance = p_values
            .iter()
            .enumerate()
            .map(|(rank, p)| (p - (rank as f64 + 0.5) / experiments as f64).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / (experiments as f64).sqrt() + 0.005, "{distance}");
    }

    #[test]
    fn entries_that_foresee_the_market_beat_random_ones() {
        let (open, close) = walk(400, 7);
        let prices = Prices { open: &open, close: &close, cost: Fraction::ZERO };
        let held: Vec<Holding> =
            (1..398).filter(|&row| open[row + 1] > open[row] * 1.012).map(|entry| Holding { entry, bars: 1 }).collect();
        for measure in [Measure::Sharpe, Measure::TotalReturn] {
            let baseline = RandomEntry { measure, ..RandomEntry::default() }.test(&prices, &held).unwrap();
            assert_eq!((baseline.p_value, baseline.percentile), (1.0 / 1_001.0, 1.0));
        }
    }

    #[test]
    fn what_cannot_be_entered_is_refused() {
        let (open, close) = walk(20, 1);
        let prices = Prices { open: &open, close: &close, cost: Fraction::ZERO };
        let random = RandomEntry::default();
        assert_eq!(random.compare(&prices, &[], 0.0), Err(OverfitError::NoCandidates));
        assert!(matches!(random.compare(&prices, &[19], 0.0), Err(OverfitError::TooFewRows { needed: 21, .. })));
        assert!(matches!(random.compare(&prices, &[0], 0.0), Err(OverfitError::Setting { .. })));
        let overlapping = [Holding { entry: 1, bars: 3 }, Holding { entry: 3, bars: 2 }];
        assert!(matches!(random.test(&prices, &overlapping), Err(OverfitError::Setting { found: 3, .. })));
        // The longest that fits has one place only, so that every run is the same.
        let only = random.test(&prices, &[Holding { entry: 1, bars: 18 }]).unwrap();
        assert_eq!(only.p_value, 1.0);
    }
}
