use q50_engine::units::PerPeriodSharpe;

use super::normal;
use crate::metrics::sharpe::sharpe_of;
use crate::metrics::undefined::finite;
use crate::metrics::{CentralMoments, Ddof, Undefined};

/// Which estimators stand behind the formula.
///
/// The papers do not say, packages differ, and at ten observations the probability moves by 0.01.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Moments {
    /// Sharpe ratio with n - 1, biased skewness and kurtosis: the snippets printed with the papers. The default.
    #[default]
    Paper,
    /// Sharpe ratio with n, unbiased skewness and kurtosis, as the Python package purgedcv. Below three values
    /// (skewness) or four (kurtosis) the correction does not exist and the biased value stands, as in scipy.
    Unbiased,
}

/// A Sharpe ratio with what its sampling error depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpeEstimate {
    /// Observed ratio of one period.
    pub sharpe: PerPeriodSharpe,
    /// Number of those periods.
    pub n: usize,
    /// Skewness of the returns.
    pub skewness: f64,
    /// Kurtosis of the returns, NOT in excess of 3.
    pub kurtosis: f64,
}

impl SharpeEstimate {
    /// The estimate from returns, in one of the two conventions.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two returns, [`Undefined::NotFinite`], [`Undefined::NoVariance`].
    pub fn from_returns(returns: &[f64], convention: Moments) -> Result<Self, Undefined> {
        let moments = CentralMoments::of_two(returns)?;
        let (ddof, skewness, kurtosis) = match convention {
            Moments::Paper => (Ddof::One, moments.skewness_biased()?, moments.kurtosis_biased()?),
            Moments::Unbiased => (
                Ddof::Zero,
                if moments.n < 3 { moments.skewness_biased()? } else { moments.skewness_unbiased()? },
                if moments.n < 4 { moments.kurtosis_biased()? } else { moments.kurtosis_unbiased()? },
            ),
        };
        Ok(Self { sharpe: sharpe_of(&moments, ddof)?, n: moments.n, skewness, kurtosis })
    }

    /// A ratio whose returns are taken as normal: skewness 0, kurtosis 3.
    #[must_use]
    pub fn normal(sharpe: PerPeriodSharpe, n: usize) -> Self {
        Self { sharpe, n, skewness: 0.0, kurtosis: 3.0 }
    }

    /// n - 1 times the variance of the ratio: 1 - g3 SR + (g4 - 1)/4 SR^2.
    ///
    /// Source: Bailey and Lopez de Prado (2012), after E. Mertens (2002); Lo (2002) is the normal case.
    ///
    /// # Errors
    /// [`Undefined::NoSamplingVariance`] where it is not above zero.
    pub fn variance_factor(&self) -> Result<f64, Undefined> {
        let sharpe = self.sharpe.get();
        let factor = finite(1.0 - self.skewness * sharpe + (self.kurtosis - 1.0) / 4.0 * sharpe * sharpe)?;
        if factor > 0.0 { Ok(factor) } else { Err(Undefined::NoSamplingVariance { factor }) }
    }
}

/// Probabilistic Sharpe ratio: the probability that the true ratio is above `benchmark`,
/// Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)).
///
/// Source: D. Bailey and M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012,
/// definition of PSR.
/// Both ratios are per period; feeding annual ones makes everything significant. Autocorrelation is assumed away.
///
/// # Errors
/// [`Undefined::TooFew`] for fewer than two observations, [`Undefined::NoSamplingVariance`],
/// [`Undefined::NotRepresentable`] for an infinite or NaN argument.
pub fn probabilistic_sharpe(estimate: &SharpeEstimate, benchmark: PerPeriodSharpe) -> Result<f64, Undefined> {
    if estimate.n < 2 {
        return Err(Undefined::TooFew { found: estimate.n, needed: 2 });
    }
    let above = finite(estimate.sharpe.get() - benchmark.get())?;
    let z = above * ((estimate.n - 1) as f64).sqrt() / estimate.variance_factor()?.sqrt();
    Ok(normal::cdf(z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ratio_at_the_benchmark_is_a_coin_toss() {
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.1), 500);
        assert_eq!(probabilistic_sharpe(&estimate, PerPeriodSharpe::new(0.1)), Ok(0.5));
    }

    #[test]
    fn the_paper_s_hedge_fund_is_significant_only_if_returns_were_normal() {
        let fund = SharpeEstimate::normal(PerPeriodSharpe::new(0.458), 24);
        let normal = probabilistic_sharpe(&fund, PerPeriodSharpe::new(0.0)).unwrap();
        assert!((normal - 0.982).abs() < 5e-4);
        let skewed = SharpeEstimate { skewness: -2.448, kurtosis: 10.164, ..fund };
        let honest = probabilistic_sharpe(&skewed, PerPeriodSharpe::new(0.0)).unwrap();
        assert!((honest - 0.913).abs() < 5e-4);
    }

    #[test]
    fn the_convention_decides_the_estimators() {
        // 0, 0, 0, 4 (see the moments): mean 1, deviation 2 (n - 1) or sqrt(3) (n).
        let returns = [0.0, 0.0, 0.0, 4.0];
        let paper = SharpeEstimate::from_returns(&returns, Moments::Paper).unwrap();
        assert!((paper.sharpe.get() - 0.5).abs() < 1e-15 && (paper.kurtosis - 7.0 / 3.0).abs() < 1e-14);
        let unbiased = SharpeEstimate::from_returns(&returns, Moments::Unbiased).unwrap();
        assert!((unbiased.sharpe.get() - 1.0 / 3.0_f64.sqrt()).abs() < 1e-15);
        assert!((unbiased.skewness - 2.0).abs() < 1e-14 && (unbiased.kurtosis - 7.0).abs() < 1e-13);
    }

    #[test]
    fn impossible_moments_are_refused() {
        let estimate = SharpeEstimate { sharpe: PerPeriodSharpe::new(1.0), n: 50, skewness: 5.0, kurtosis: 1.0 };
        assert_eq!(
            probabilistic_sharpe(&estimate, PerPeriodSharpe::new(0.0)),
            Err(Undefined::NoSamplingVariance { factor: -4.0 })
        );
    }

    #[test]
    fn one_observation_supports_nothing() {
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(1.0), 1);
        assert_eq!(
            probabilistic_sharpe(&estimate, PerPeriodSharpe::new(0.0)),
            Err(Undefined::TooFew { found: 1, needed: 2 })
        );
    }

    proptest! {
        #[test]
        fn a_higher_benchmark_is_never_easier(
            returns in prop::collection::vec(-0.1_f64..0.1, 5..80),
            low in -0.5_f64..0.5,
            step in 0.0_f64..0.5,
        ) {
            for convention in [Moments::Paper, Moments::Unbiased] {
                let Ok(estimate) = SharpeEstimate::from_returns(&returns, convention) else { continue };
                let Ok(easy) = probabilistic_sharpe(&estimate, PerPeriodSharpe::new(low)) else { continue };
                let hard = probabilistic_sharpe(&estimate, PerPeriodSharpe::new(low + step)).unwrap();
                prop_assert!(hard <= easy && (0.0..=1.0).contains(&hard));
            }
        }
    }
}
