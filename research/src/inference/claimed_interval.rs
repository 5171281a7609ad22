use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};

use super::normal;
use super::probabilistic_sharpe::{SharpeEstimate, probabilistic_sharpe};
use crate::metrics::Undefined;
use crate::metrics::undefined::{finite, positive};

/// What a Sharpe ratio supports that comes without its returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaimedInterval {
    /// Lower end of the 95 % interval.
    pub low: AnnualSharpe,
    /// Upper end of the 95 % interval.
    pub high: AnnualSharpe,
    /// Standard error, a year.
    pub standard_error: AnnualSharpe,
    /// Probability that the true ratio is above zero.
    pub psr_zero: f64,
}

/// 95 % interval for a Sharpe ratio known only as a figure over `n` periods, with returns taken as independent and
/// normal: SR +- 1.96 sqrt((1 + SR^2/2) / n) per period, and the probability (PSR) that it is above zero.
///
/// It flatters: fat tails, negative skewness and autocorrelation widen the truth, and none of them can be seen in a
/// figure.
///
/// Source: A. Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58(4), 2002, the IID case.
///
/// # Errors
/// [`Undefined::TooFew`] for fewer than two periods, [`Undefined::OutOfRange`] for periods a year that are not above
/// zero, [`Undefined::NotRepresentable`] for a ratio that is not finite.
pub fn claimed_interval(sharpe: AnnualSharpe, n: usize, periods: PeriodsPerYear) -> Result<ClaimedInterval, Undefined> {
    positive(periods)?;
    let claimed = sharpe.per_period(periods);
    let ratio = finite(claimed.get())?;
    let psr_zero = probabilistic_sharpe(&SharpeEstimate::normal(claimed, n), PerPeriodSharpe::new(0.0))?;
    let error = finite(((1.0 + 0.5 * ratio * ratio) / n as f64).sqrt())?;
    let half = normal::quantile(0.975)? * error;
    let annual = |value| PerPeriodSharpe::new(value).annual(periods);
    Ok(ClaimedInterval {
        low: annual(ratio - half),
        high: annual(ratio + half),
        standard_error: annual(error),
        psr_zero,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_hours_leaves_a_claim_of_one_undecided() {
        // Hourly the ratio is 0.0107 and its square negligible: the error is one a year, whatever the sampling.
        let year = PeriodsPerYear::new(8760.0);
        let interval = claimed_interval(AnnualSharpe::new(1.0), 8760, year).unwrap();
        assert!((interval.standard_error.get() - 1.0).abs() < 1e-4);
        assert!((interval.low.get() + 0.96).abs() < 1e-2 && (interval.high.get() - 2.96).abs() < 1e-2);
        assert!((interval.psr_zero - 0.8413).abs() < 1e-3);
    }

    #[test]
    fn the_square_of_the_ratio_widens_it() {
        // SR 2 a period over 3 periods: sqrt((1 + 2) / 3) = 1.
        let interval = claimed_interval(AnnualSharpe::new(2.0), 3, PeriodsPerYear::new(1.0)).unwrap();
        assert!((interval.standard_error.get() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_figure_without_a_record_supports_nothing() {
        assert_eq!(
            claimed_interval(AnnualSharpe::new(2.0), 1, PeriodsPerYear::new(365.0)),
            Err(Undefined::TooFew { found: 1, needed: 2 })
        );
        assert_eq!(
            claimed_interval(AnnualSharpe::new(f64::NAN), 100, PeriodsPerYear::new(365.0)),
            Err(Undefined::NotRepresentable)
        );
    }
}
