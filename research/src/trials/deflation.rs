//! How far trials spread, and what is left of a Sharpe ratio after all of them: the one rule by which every report
//! deflates.

use std::fmt;

use crate::{
    inference::{DeflatedSharpe, SharpeEstimate, TrialVariance, deflated_sharpe},
    metrics::Undefined,
};

/// Least comparable trials that a spread is measured on.
const LEAST: usize = 10;

/// What makes a median absolute deviation the standard deviation of a normal distribution, 1 / Z(3/4).
const NORMAL: f64 = 1.482_602_218_505_602;

/// What stands against one candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// Different hypotheses on the market, or since the campaign that was joined, whatever they saw of the data.
    pub trials: u64,
    /// Variance of the per-period Sharpe ratios of the market's candidates with as many returns, and of published ones,
    /// which have a ratio only where it is comparable; see [`robust_variance`]. One on fewer returns scatters more,
    /// whatever was tried: it counts, but is not comparable.
    pub variance: Option<f64>,
    /// Effective number of independent trials, where a sweep has clustered its sets.
    pub effective: Option<u64>,
    /// Published runs of the market that were forgotten, on record, and count no longer.
    pub forgotten: u64,
}

/// The variance that a result is deflated by, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// In squared per-period units.
    pub variance: TrialVariance,
    /// Which of the two it is.
    pub source: SpreadSource,
}

/// Where a variance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpreadSource {
    /// 1 / (T - 1): that of trials without skill.
    WithoutSkill,
    /// Comparable trials, which spread more than that.
    Trials,
}

impl SpreadSource {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WithoutSkill => "without_skill",
            Self::Trials => "comparable_trials",
        }
    }
}

impl Spread {
    /// The larger of that of trials without skill on `returns` returns and of a measured one: a list of near-identical or
    /// selected trials must not make deflation weaker than pure noise would.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two returns.
    pub fn of(returns: usize, measured: Option<f64>) -> Result<Self, Undefined> {
        let null = TrialVariance::under_null(returns)?;
        let measured = measured.map(TrialVariance::given).transpose()?.filter(|v| v.value() > null.value());
        Ok(match measured {
            Some(variance) => Self { variance, source: SpreadSource::Trials },
            None => Self { variance: null, source: SpreadSource::WithoutSkill },
        })
    }
}

impl Tried {
    /// The deflated Sharpe ratio of the candidate.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two observations, [`Undefined::NoSamplingVariance`].
    pub fn deflate(&self, estimate: &SharpeEstimate) -> Result<DeflatedSharpe, Undefined> {
        let spread = Spread::of(estimate.n, self.variance)?;
        deflated_sharpe(estimate, self.trials.max(1), spread.variance)
    }
}

/// (1.4826 MAD)^2, with MAD the median distance from the median (Hampel, "The Influence Curve and its Role in Robust
/// Estimation", JASA 69, 1974): the variance of a normal distribution, which no minority of absurd trials can move. `None`
/// for fewer than ten ratios.
#[must_use]
pub fn robust_variance(ratios: &[f64]) -> Option<f64> {
    if ratios.len() < LEAST {
        return None;
    }
    let centre = median(ratios.to_vec());
    let scale = NORMAL * median(ratios.iter().map(|ratio| (ratio - centre).abs()).collect());
    Some(scale * scale)
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { *upper };
    f64::midpoint(lower, *upper)
}

impl fmt::Display for SpreadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::units::PerPeriodSharpe;

    use super::*;

    #[test]
    fn the_variance_of_ten_is_that_of_the_middle_half() {
        let ratios = [-0.9, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 9.0];
        // Median 0; distances 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4 0.9 9; their median 0.3.
        let expected = (1.482_602_218_505_602_f64 * 0.3).powi(2);
        assert!((robust_variance(&ratios).unwrap() - expected).abs() < 1e-15);
        assert_eq!(robust_variance(&ratios[1..]), None, "nine are too few");
        let odd = [[5.0].as_slice(), &ratios].concat();
        // Median 0.1; distances 0 0.1 0.2 0.2 0.3 0.3 0.4 0.5 1 4.9 8.9; their median 0.3.
        assert!((robust_variance(&odd).unwrap() - expected).abs() < 1e-15);
    }

    #[test]
    fn one_absurd_trial_moves_nothing_and_equal_ones_deflate_as_noise_does() {
        let usual: Vec<f64> = (0..40).map(|i| 0.001 * f64::from(i % 7)).collect();
        let absurd = [usual.as_slice(), &[-40.0]].concat();
        let (before, after) = (robust_variance(&usual).unwrap(), robust_variance(&absurd).unwrap());
        assert!((before - after).abs() <= 0.35 * before, "{before} and {after}");
        let same = Tried { trials: 41, variance: robust_variance(&[0.02; 41]), effective: None, forgotten: 0 };
        let none = Tried { variance: None, ..same };
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.1), 1_000);
        assert_eq!(same.deflate(&estimate).unwrap(), none.deflate(&estimate).unwrap());
        let spread = Spread::of(1_000, Some(0.5)).unwrap();
        assert_eq!((spread.variance.value(), spread.source.name()), (0.5, "comparable_trials"));
    }
}
