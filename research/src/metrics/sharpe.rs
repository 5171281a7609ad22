use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};

use super::moments::{CentralMoments, Ddof};
use super::undefined::{Undefined, finite, positive};

/// Sharpe ratio of one period: mean over standard deviation of at least two returns.
///
/// Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21(1), 1994, with a benchmark of zero.
/// Packages divide by n or n - 1, so that the divisor is an argument.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`] where all returns are equal.
pub fn per_period_sharpe(returns: &[f64], ddof: Ddof) -> Result<PerPeriodSharpe, Undefined> {
    sharpe_of(&CentralMoments::of_two(returns)?, ddof)
}

/// Sharpe ratio a year: mean / deviation (n - 1) * sqrt(periods a year).
///
/// The square root holds for returns without autocorrelation; A. Lo, "The Statistics of Sharpe Ratios", Financial
/// Analysts Journal 58(4), 2002, says what changes with it.
///
/// # Errors
/// As [`per_period_sharpe`], and [`Undefined::OutOfRange`] for periods that are not above zero.
pub fn sharpe(returns: &[f64], periods: PeriodsPerYear) -> Result<AnnualSharpe, Undefined> {
    positive(periods)?;
    Ok(per_period_sharpe(returns, Ddof::One)?.annual(periods))
}

/// The ratio from moments that are already known.
pub(crate) fn sharpe_of(moments: &CentralMoments, ddof: Ddof) -> Result<PerPeriodSharpe, Undefined> {
    let variance = moments.variance(ddof)?;
    if variance <= 0.0 {
        return Err(Undefined::NoVariance { n: moments.n });
    }
    finite(moments.mean / variance.sqrt()).map(PerPeriodSharpe::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_returns_give_the_ratio_worked_by_hand() {
        // Mean 0.0025; deviation 0.0075 (n) or 0.0075 sqrt(2) (n - 1).
        let returns = [0.01, -0.005];
        let population = per_period_sharpe(&returns, Ddof::Zero).unwrap().get();
        assert!((population - 1.0 / 3.0).abs() < 1e-15);
        let annual = sharpe(&returns, PeriodsPerYear::new(8.0)).unwrap().get();
        assert!((annual - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn equal_returns_have_no_sharpe_whatever_their_rounding() {
        // Fifty times 0.001: the computed deviation is noise, and packages report 3e16 or an infinity.
        assert_eq!(per_period_sharpe(&[0.001; 50], Ddof::One), Err(Undefined::NoVariance { n: 50 }));
        assert_eq!(per_period_sharpe(&[0.0; 3], Ddof::One), Err(Undefined::NoVariance { n: 3 }));
    }

    #[test]
    fn fewer_than_two_returns_have_no_sharpe() {
        assert_eq!(per_period_sharpe(&[0.1], Ddof::One), Err(Undefined::TooFew { found: 1, needed: 2 }));
        assert_eq!(per_period_sharpe(&[], Ddof::Zero), Err(Undefined::TooFew { found: 0, needed: 2 }));
    }

    proptest! {
        #[test]
        fn leverage_does_not_change_it(
            returns in prop::collection::vec(-0.5_f64..0.5, 3..60),
            leverage in 1e-9_f64..1e3,
        ) {
            prop_assume!(!super::super::undefined::is_constant(&returns));
            let levered: Vec<f64> = returns.iter().map(|value| value * leverage).collect();
            let (plain, scaled) = (
                per_period_sharpe(&returns, Ddof::One).unwrap().get(),
                per_period_sharpe(&levered, Ddof::One).unwrap().get(),
            );
            prop_assert!((plain - scaled).abs() <= 1e-9 * (1.0 + plain.abs()), "{plain} {scaled}");
        }
    }
}
