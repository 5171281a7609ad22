use q50_engine::units::PeriodsPerYear;

use super::sum::sum;
use super::undefined::{Undefined, check, finite, positive};

/// Sortino ratio a year, target zero: mean(r) / sqrt(mean(min(r, 0)^2)) * sqrt(periods a year).
///
/// The downside deviation divides by ALL n returns, not by the number of losses, which would reward a strategy for
/// losing seldom and the same strategy again for not losing at all.
///
/// Source: F. Sortino and L. Price, "Performance Measurement in a Downside Risk Framework", Journal of Investing 3(3),
/// 1994.
///
/// # Errors
/// [`Undefined::TooFew`] for fewer than two returns, [`Undefined::NotFinite`], [`Undefined::NoLosses`],
/// [`Undefined::OutOfRange`] for periods that are not above zero.
pub fn sortino(returns: &[f64], periods: PeriodsPerYear) -> Result<f64, Undefined> {
    let periods = positive(periods)?;
    check(returns, 2)?;
    if returns.iter().all(|&value| value >= 0.0) {
        return Err(Undefined::NoLosses);
    }
    let n = returns.len() as f64;
    let mean = sum(returns.iter().copied()) / n;
    let downside = (sum(returns.iter().map(|value| value.min(0.0).powi(2))) / n).sqrt();
    finite(mean / downside * periods.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_downside_is_averaged_over_all_returns() {
        // Mean 0.01; downside sqrt((0.02^2) / 4) = 0.01; sqrt(9) = 3.
        let value = sortino(&[0.03, 0.03, -0.02, 0.0], PeriodsPerYear::new(9.0)).unwrap();
        assert!((value - 3.0).abs() < 1e-14);
    }

    #[test]
    fn without_a_loss_there_is_no_ratio() {
        assert_eq!(sortino(&[0.01, 0.0, 0.02], PeriodsPerYear::new(365.0)), Err(Undefined::NoLosses));
    }

    #[test]
    fn one_return_is_too_few() {
        assert_eq!(sortino(&[-0.01], PeriodsPerYear::new(365.0)), Err(Undefined::TooFew { found: 1, needed: 2 }));
    }
}
