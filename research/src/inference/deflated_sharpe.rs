use q50_engine::units::PerPeriodSharpe;

use super::normal;
use super::probabilistic_sharpe::{SharpeEstimate, probabilistic_sharpe};
use crate::metrics::{Ddof, Undefined, variance};

/// Euler-Mascheroni constant.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Where the variance across trials came from; a report names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarianceSource {
    /// Measured on the Sharpe ratios of the trials themselves.
    Measured,
    /// That of a ratio estimated on normal returns without skill: 1 / (T - 1). For when only the number of trials is
    /// known; too small where trials differ in more than luck.
    UnderNull,
    /// Taken over from elsewhere.
    Given,
}

/// Variance of the PER-PERIOD Sharpe ratios of all trials, with its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialVariance {
    value: f64,
    source: VarianceSource,
}

impl TrialVariance {
    /// Sample variance (n - 1) of the trials' ratios.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two trials, [`Undefined::NotFinite`].
    pub fn measured(trials: &[PerPeriodSharpe]) -> Result<Self, Undefined> {
        let ratios: Vec<f64> = trials.iter().map(|trial| trial.get()).collect();
        Ok(Self { value: variance(&ratios, Ddof::One)?, source: VarianceSource::Measured })
    }

    /// 1 / (n - 1) for ratios estimated on `n` observations: the sampling variance of a ratio whose true value is zero.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two observations.
    pub fn under_null(n: usize) -> Result<Self, Undefined> {
        if n < 2 {
            return Err(Undefined::TooFew { found: n, needed: 2 });
        }
        Ok(Self { value: 1.0 / (n - 1) as f64, source: VarianceSource::UnderNull })
    }

    /// A variance in squared per-period units. An annual one is divided by the periods a year first.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] unless it is finite and not negative.
    pub fn given(value: f64) -> Result<Self, Undefined> {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Undefined::OutOfRange {
                name: "trial variance",
                value,
                wanted: "a finite number, zero or above",
            });
        }
        Ok(Self { value, source: VarianceSource::Given })
    }

    /// The variance, in squared per-period units.
    #[must_use]
    pub fn value(self) -> f64 {
        self.value
    }

    /// Where it came from.
    #[must_use]
    pub fn source(self) -> VarianceSource {
        self.source
    }
}

/// Expected maximum of `trials` independent standard normal variables,
/// (1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e)), with Z the normal quantile and g the Euler-Mascheroni constant; 0 for one.
///
/// Source: Bailey and Lopez de Prado (2014), expected maximum, from extreme value theory; exact for large N.
///
/// # Errors
/// [`Undefined::OutOfRange`] for no trial.
pub fn expected_maximum_z(trials: u64) -> Result<f64, Undefined> {
    match trials {
        0 => Err(Undefined::OutOfRange { name: "number of trials", value: 0.0, wanted: "1 or more" }),
        1 => Ok(0.0),
        _ => {
            // Z(1 - p) = -Z(p): the small probability keeps its digits where 1 - p would lose them.
            let n = trials as f64;
            let (first, second) = (normal::quantile(1.0 / n)?, normal::quantile(1.0 / (n * std::f64::consts::E))?);
            Ok(-((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second))
        }
    }
}

/// The Sharpe ratio that the best of `trials` strategies without skill is expected to show.
///
/// Source: Bailey and Lopez de Prado (2014), with a mean of zero: sqrt(V) times [`expected_maximum_z`].
///
/// # Errors
/// [`Undefined::OutOfRange`] for no trial.
pub fn expected_maximum_sharpe(trials: u64, variance: TrialVariance) -> Result<PerPeriodSharpe, Undefined> {
    Ok(PerPeriodSharpe::new(variance.value.sqrt() * expected_maximum_z(trials)?))
}

/// A Sharpe ratio judged against the best of all that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeflatedSharpe {
    /// Probability that the true ratio is above the benchmark; 0.95 is the usual bar.
    pub probability: f64,
    /// The benchmark: [`expected_maximum_sharpe`].
    pub benchmark: PerPeriodSharpe,
    /// Number of trials that it stands for.
    pub trials: u64,
    /// Variance across the trials.
    pub variance: TrialVariance,
}

/// Deflated Sharpe ratio: [`probabilistic_sharpe`] against [`expected_maximum_sharpe`].
///
/// Source: D. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5), 2014,
/// definition of DSR. `trials` counts every variant ever run for the hypothesis, not only those that were kept.
///
/// # Errors
/// Those of [`probabilistic_sharpe`], and [`Undefined::OutOfRange`] for no trial.
pub fn deflated_sharpe(
    estimate: &SharpeEstimate,
    trials: u64,
    variance: TrialVariance,
) -> Result<DeflatedSharpe, Undefined> {
    let benchmark = expected_maximum_sharpe(trials, variance)?;
    let probability = probabilistic_sharpe(estimate, benchmark)?;
    Ok(DeflatedSharpe { probability, benchmark, trials, variance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use q50_engine::units::{AnnualSharpe, PeriodsPerYear};

    #[test]
    fn the_paper_s_example_is_reproduced() {
        let daily = AnnualSharpe::new(2.5).per_period(PeriodsPerYear::new(250.0));
        let estimate = SharpeEstimate { sharpe: daily, n: 1250, skewness: -3.0, kurtosis: 10.0 };
        let variance = TrialVariance::given(0.5 / 250.0).unwrap();
        let hundred = deflated_sharpe(&estimate, 100, variance).unwrap();
        assert!((hundred.benchmark.get() - 0.1132).abs() < 5e-5);
        assert!((hundred.probability - 0.9004).abs() < 5e-5);
        let fewer = deflated_sharpe(&estimate, 46, variance).unwrap();
        assert!((fewer.probability - 0.9505).abs() < 5e-5);
    }

    #[test]
    fn a_single_trial_is_not_deflated() {
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.05), 400);
        let single = deflated_sharpe(&estimate, 1, TrialVariance::given(0.01).unwrap()).unwrap();
        assert_eq!(single.benchmark.get(), 0.0);
        assert_eq!(Ok(single.probability), probabilistic_sharpe(&estimate, PerPeriodSharpe::new(0.0)));
    }

    #[test]
    fn more_trials_raise_the_bar() {
        let bars: Vec<f64> = [1, 2, 3, 10, 1_000, 1_000_000, u64::MAX]
            .iter()
            .map(|&trials| expected_maximum_z(trials).unwrap())
            .collect();
        assert!(bars.windows(2).all(|pair| pair[0] < pair[1]), "{bars:?}");
    }

    #[test]
    fn variance_says_where_it_came_from() {
        let trials = [0.1, 0.3].map(PerPeriodSharpe::new);
        let measured = TrialVariance::measured(&trials).unwrap();
        assert!((measured.value() - 0.02).abs() < 1e-16 && measured.source() == VarianceSource::Measured);
        let null = TrialVariance::under_null(101).unwrap();
        assert_eq!((null.value(), null.source()), (0.01, VarianceSource::UnderNull));
    }

    #[test]
    fn what_cannot_be_deflated_is_refused() {
        assert!(matches!(expected_maximum_z(0), Err(Undefined::OutOfRange { .. })));
        assert!(matches!(TrialVariance::given(-0.1), Err(Undefined::OutOfRange { .. })));
        assert_eq!(
            TrialVariance::measured(&[PerPeriodSharpe::new(0.1)]),
            Err(Undefined::TooFew { found: 1, needed: 2 })
        );
    }
}
