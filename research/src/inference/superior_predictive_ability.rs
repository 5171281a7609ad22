use rayon::prelude::*;

use super::block_length::optimal_block_length;
use super::bootstrap_variance::bootstrap_variance;
use super::resample::{BlockLengths, BlockPlan, PrefixSums};
use crate::metrics::undefined::{check, is_constant};
use crate::metrics::{Undefined, mean};

/// Fewest observations: below three the iterated logarithm of the consistent p value has no root.
const SHORTEST: usize = 3;

/// How the record is resampled: stationary bootstrap, the same blocks for every set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Mean block length in observations, from 1 to their number.
    pub mean_block: f64,
    /// Number of resamples, at least 2.
    pub draws: usize,
    /// Seed of the ChaCha8 generator; draw i takes its stream i.
    pub seed: u64,
}

/// White's reality check and Hansen's test for superior predictive ability, one set at a time.
///
/// Null hypothesis: no set is better in the mean than the benchmark. The resamples are planned once; of each set only
/// its maxima over the plan are kept ([`Maxima`]), which may be merged in any order. Memory is that of the plan
/// (draws x observations / mean block) and does not grow with the sets.
///
/// Both forms of Hansen's p values are given: of the means themselves, as the Python package arch computes them (its
/// `studentize` reaches only the threshold of the consistent p value), and of the studentised means of the paper, in
/// which a set that moves little counts as much as one that moves a lot. The statistic is not cut at 0, as in arch,
/// which matters only where no set has a mean above 0, and makes those p values larger.
///
/// Sources: H. White, "A Reality Check for Data Snooping", Econometrica 68(5), 2000; P. Hansen, "A Test for Superior
/// Predictive Ability", Journal of Business and Economic Statistics 23(4), 2005.
#[derive(Debug)]
pub struct PredictiveAbilityTest {
    observations: usize,
    resampling: Resampling,
    plan: BlockPlan,
}

/// What is kept of the sets seen so far: their largest statistics, of the record and of each resample.
#[derive(Debug, Clone, PartialEq)]
pub struct Maxima {
    sets: usize,
    /// The largest mean and its set, the lowest of equals.
    best: Option<(f64, usize)>,
    /// The largest studentised mean.
    studentised: f64,
    /// Of each resample, in the order of the plan.
    resampled: Vec<Resampled>,
}

/// Largest statistic over the sets in one resample, means as they are and studentised.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Resampled {
    plain: PValues,
    studentised: PValues,
}

/// One value for each way in which Hansen centres the resamples; as statistics, before they are counted, and as p
/// values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValues {
    /// Sets that did worse than the benchmark count as worse: a lower bound.
    pub lower: f64,
    /// Sets that did significantly worse count as worse: the consistent estimate.
    pub consistent: f64,
    /// Every set counts as good as the benchmark: an upper bound.
    pub upper: f64,
}

impl PValues {
    const LEAST: Self = Self { lower: f64::NEG_INFINITY, consistent: f64::NEG_INFINITY, upper: f64::NEG_INFINITY };

    fn larger(self, other: Self) -> Self {
        Self {
            lower: self.lower.max(other.lower),
            consistent: self.consistent.max(other.consistent),
            upper: self.upper.max(other.upper),
        }
    }

    fn over(self, deviation: f64) -> Self {
        Self { lower: self.lower / deviation, consistent: self.consistent / deviation, upper: self.upper / deviation }
    }
}

/// P values of "no set is better than the benchmark", each (1 + count) / (1 + draws).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictiveAbility {
    /// Hansen's p values of the means. The upper one is White's reality check.
    pub plain: PValues,
    /// Hansen's p values of the studentised means, as in his paper.
    pub studentised: PValues,
    /// The set with the largest mean, counted from 0.
    pub best: usize,
    /// Its mean relative performance a period.
    pub best_mean: f64,
    /// Sets seen.
    pub sets: usize,
    /// Observations of each.
    pub observations: usize,
    /// Resamples.
    pub resamples: usize,
    /// Mean block length.
    pub block: f64,
}

impl PredictiveAbilityTest {
    /// Plans the resamples of a record of `observations` periods.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than three observations, [`Undefined::OutOfRange`] for settings without meaning.
    pub fn new(observations: usize, resampling: Resampling) -> Result<Self, Undefined> {
        if observations < SHORTEST {
            return Err(Undefined::TooFew { found: observations, needed: SHORTEST });
        }
        if resampling.draws < 2 || u32::try_from(observations).is_err() {
            return Err(Undefined::OutOfRange {
                name: "number of draws",
                value: resampling.draws as f64,
                wanted: "2 or more, of at most 4,294,967,295 observations",
            });
        }
        let lengths = BlockLengths::with_mean(resampling.mean_block, observations)?;
        let plan = BlockPlan::new(&lengths, observations, resampling.seed, resampling.draws);
        Ok(Self { observations, resampling, plan })
    }

    /// No set seen yet.
    #[must_use]
    pub fn start(&self) -> Maxima {
        let nothing = Resampled { plain: PValues::LEAST, studentised: PValues::LEAST };
        Maxima { sets: 0, best: None, studentised: f64::NEG_INFINITY, resampled: vec![nothing; self.resampling.draws] }
    }

    /// Adds set number `set`, given by its performance in each period less that of the benchmark.
    ///
    /// # Errors
    /// [`Undefined::LengthsDiffer`], [`Undefined::NotFinite`], and [`Undefined::NoVariance`] where every period is the
    /// same: such a set cannot be studentised and is left out. After an error `maxima` is as it was.
    pub fn push(&self, maxima: &mut Maxima, set: usize, relative: &[f64]) -> Result<(), Undefined> {
        let n = self.observations;
        if relative.len() != n {
            return Err(Undefined::LengthsDiffer { left: n, right: relative.len() });
        }
        check(relative, SHORTEST)?;
        let average = mean(relative)?;
        let deviations: Vec<f64> = relative.iter().map(|value| value - average).collect();
        let variance = bootstrap_variance(&deviations, self.resampling.mean_block);
        if is_constant(relative) || variance <= 0.0 {
            return Err(Undefined::NoVariance { n });
        }
        let deviation = variance.sqrt();
        // Hansen (2005), equation for the consistent estimator: worse than this is significantly worse.
        let threshold = -(variance / n as f64 * 2.0 * (n as f64).ln().ln()).sqrt();
        let consistent = if average >= threshold { 0.0 } else { average };
        let lower = average.min(0.0);

        let prefix = PrefixSums::of(deviations.iter().map(|&value| [value]));
        for (largest, blocks) in maxima.resampled.iter_mut().zip(self.plan.draws()) {
            let moved = prefix.planned(blocks)[0] / n as f64;
            let centred = PValues { lower: moved + lower, consistent: moved + consistent, upper: moved };
            largest.plain = largest.plain.larger(centred);
            largest.studentised = largest.studentised.larger(centred.over(deviation));
        }
        maxima.sets += 1;
        maxima.studentised = maxima.studentised.max(average / deviation);
        maxima.best = better(maxima.best, Some((average, set)));
        Ok(())
    }

    /// All four p values.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] where no set was seen.
    pub fn p_values(&self, maxima: &Maxima) -> Result<PredictiveAbility, Undefined> {
        let (best_mean, best) = maxima.best.ok_or(Undefined::TooFew { found: 0, needed: 1 })?;
        let p = |observed: f64, of: fn(&Resampled) -> f64| {
            let above = maxima.resampled.iter().filter(|largest| of(largest) > observed).count();
            (1 + above) as f64 / (1 + maxima.resampled.len()) as f64
        };
        Ok(PredictiveAbility {
            plain: PValues {
                lower: p(best_mean, |largest| largest.plain.lower),
                consistent: p(best_mean, |largest| largest.plain.consistent),
                upper: p(best_mean, |largest| largest.plain.upper),
            },
            studentised: PValues {
                lower: p(maxima.studentised, |largest| largest.studentised.lower),
                consistent: p(maxima.studentised, |largest| largest.studentised.consistent),
                upper: p(maxima.studentised, |largest| largest.studentised.upper),
            },
            best,
            best_mean,
            sets: maxima.sets,
            observations: self.observations,
            resamples: self.resampling.draws,
            block: self.resampling.mean_block,
        })
    }

    /// The p values of columns of relative performance, on every core. Columns without variance are left out, and not
    /// counted in [`PredictiveAbility::sets`].
    ///
    /// # Errors
    /// Other ones of [`PredictiveAbilityTest::push`] for any column, and those of [`PredictiveAbilityTest::p_values`].
    pub fn of_columns(&self, columns: &[Vec<f64>]) -> Result<PredictiveAbility, Undefined> {
        let maxima = columns
            .par_iter()
            .enumerate()
            .try_fold(
                || self.start(),
                |mut maxima, (set, column)| match self.push(&mut maxima, set, column) {
                    Ok(()) | Err(Undefined::NoVariance { .. }) => Ok(maxima),
                    Err(other) => Err(other),
                },
            )
            .try_reduce(|| self.start(), |one, other| Ok(one.merge(&other)))?;
        self.p_values(&maxima)
    }
}

impl Maxima {
    /// Sets seen.
    #[must_use]
    pub fn sets(&self) -> usize {
        self.sets
    }

    /// Both together, of the same test. A maximum does not depend on order, so that neither does the result.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        self.sets += other.sets;
        self.studentised = self.studentised.max(other.studentised);
        self.best = better(self.best, other.best);
        for (mine, theirs) in self.resampled.iter_mut().zip(&other.resampled) {
            mine.plain = mine.plain.larger(theirs.plain);
            mine.studentised = mine.studentised.larger(theirs.studentised);
        }
        self
    }
}

fn better(one: Option<(f64, usize)>, other: Option<(f64, usize)>) -> Option<(f64, usize)> {
    match (one, other) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a }),
        (one, other) => one.or(other),
    }
}

/// The median over sets of [`optimal_block_length`] for the stationary bootstrap, at least 1: one length for all.
///
/// The longest instead would be that of the oddest of many sets.
///
/// # Errors
/// Those of [`optimal_block_length`], and [`Undefined::TooFew`] for no set.
pub fn median_block(columns: &[Vec<f64>]) -> Result<f64, Undefined> {
    let mut lengths: Vec<f64> = columns
        .par_iter()
        .map(|column| Ok(optimal_block_length(column)?.stationary.max(1.0)))
        .collect::<Result<_, Undefined>>()?;
    lengths.sort_unstable_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).copied().ok_or(Undefined::TooFew { found: 0, needed: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::normal::quantile;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const DAILY: Resampling = Resampling { mean_block: 1.0, draws: 300, seed: 1 };

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| 0.01 * quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    fn noises(sets: u64, n: usize, seed: u64) -> Vec<Vec<f64>> {
        (0..sets).map(|set| noise(n, 1_000 * seed + set)).collect()
    }

    #[test]
    fn an_edge_among_noise_is_found() {
        let mut columns = noises(30, 500, 1);
        columns[17].iter_mut().for_each(|value| *value += 0.003);
        let result = PredictiveAbilityTest::new(500, DAILY).unwrap().of_columns(&columns).unwrap();
        assert_eq!((result.best, result.sets, result.resamples), (17, 30, 300));
        assert!(result.plain.upper < 0.01 && result.studentised.upper < 0.01, "{result:?}");
    }

    #[test]
    fn without_an_edge_small_p_values_are_as_rare_as_they_should_be() {
        let experiments = 200;
        let mut rejected = [0; 2];
        for experiment in 0..experiments {
            let test = PredictiveAbilityTest::new(120, Resampling { seed: experiment, ..DAILY }).unwrap();
            let result = test.of_columns(&noises(20, 120, 10_000 + experiment)).unwrap();
            rejected[0] += usize::from(result.plain.upper <= 0.05);
            rejected[1] += usize::from(result.studentised.upper <= 0.05);
        }
        // Four standard errors of a share of 0.05 over 200 experiments are 0.062.
        assert!(rejected.iter().all(|&count| count as f64 / experiments as f64 <= 0.112), "{rejected:?}");
    }

    #[test]
    fn a_crowd_of_bad_sets_weakens_the_upper_p_value_only() {
        let mut columns = noises(3, 400, 5);
        columns[0].iter_mut().for_each(|value| *value += 0.0013);
        columns.extend(noises(60, 400, 6).into_iter().map(|set| set.iter().map(|value| value - 0.01).collect()));
        let result = PredictiveAbilityTest::new(400, DAILY).unwrap().of_columns(&columns).unwrap();
        for p in [result.plain, result.studentised] {
            assert!(p.lower <= p.consistent && p.consistent < 0.5 * p.upper, "{result:?}");
        }
    }

    #[test]
    fn a_quiet_edge_beside_loud_noise_is_seen_by_the_studentised_means_only() {
        let mut columns: Vec<Vec<f64>> = noises(10, 400, 8)
            .into_iter()
            .map(|set| {
                let centre = mean(&set).unwrap();
                set.iter().map(|value| value - centre).collect()
            })
            .collect();
        columns[4].iter_mut().for_each(|value| *value = 0.01 * *value + 0.00005);
        let result = PredictiveAbilityTest::new(400, DAILY).unwrap().of_columns(&columns).unwrap();
        assert!(result.studentised.upper < 0.01 && result.plain.upper > 0.1, "{result:?}");
    }

    #[test]
    fn sets_may_come_in_any_order_and_be_merged_in_any_way() {
        let columns = noises(9, 80, 7);
        let test = PredictiveAbilityTest::new(80, Resampling { mean_block: 4.0, ..DAILY }).unwrap();
        let mut forward = test.start();
        for (set, column) in columns.iter().enumerate() {
            test.push(&mut forward, set, column).unwrap();
        }
        let (mut odd, mut even) = (test.start(), test.start());
        for (set, column) in columns.iter().enumerate().rev() {
            test.push(if set % 2 == 0 { &mut even } else { &mut odd }, set, column).unwrap();
        }
        assert_eq!(odd.merge(&even), forward);
        assert_eq!(test.of_columns(&columns), test.p_values(&forward));
    }

    #[test]
    fn nothing_is_judged_on_nothing() {
        let test = PredictiveAbilityTest::new(50, DAILY).unwrap();
        assert_eq!(test.p_values(&test.start()), Err(Undefined::TooFew { found: 0, needed: 1 }));
        assert_eq!(test.of_columns(&[vec![0.001; 50]]), Err(Undefined::TooFew { found: 0, needed: 1 }));
        assert_eq!(test.push(&mut test.start(), 0, &[0.001; 50]), Err(Undefined::NoVariance { n: 50 }));
        let beside = test.of_columns(&[vec![0.001; 50], noise(50, 1)]).unwrap();
        assert_eq!((beside.sets, beside.best), (1, 1));
        let short = test.of_columns(&[vec![0.1, 0.2]]);
        assert_eq!(short, Err(Undefined::LengthsDiffer { left: 50, right: 2 }));
        assert!(PredictiveAbilityTest::new(50, Resampling { mean_block: 51.0, ..DAILY }).is_err());
    }
}
