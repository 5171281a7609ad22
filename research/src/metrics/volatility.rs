use q50_engine::units::PeriodsPerYear;

use super::moments::{Ddof, standard_deviation};
use super::undefined::{Undefined, finite, positive};

/// Volatility a year: standard deviation (n - 1) of at least two returns times sqrt(periods a year), as a fraction.
///
/// Equal returns have a volatility of exactly 0.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::OutOfRange`] for periods that are not above zero.
pub fn volatility(returns: &[f64], periods: PeriodsPerYear) -> Result<f64, Undefined> {
    finite(standard_deviation(returns, Ddof::One)? * positive(periods)?.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_returns_give_the_deviation_worked_by_hand() {
        // Mean 0.01, squares 3 * 0.01^2 + 0.03^2 = 0.0012, over 3 is 0.0004: 0.02 a period, times sqrt(4).
        let value = volatility(&[0.0, 0.0, 0.0, 0.04], PeriodsPerYear::new(4.0)).unwrap();
        assert!((value - 0.04).abs() < 1e-16);
    }

    #[test]
    fn equal_returns_have_none() {
        assert_eq!(volatility(&[0.1; 30], PeriodsPerYear::new(365.0)), Ok(0.0));
    }

    #[test]
    fn one_return_is_too_few() {
        assert_eq!(volatility(&[0.1], PeriodsPerYear::new(365.0)), Err(Undefined::TooFew { found: 1, needed: 2 }));
    }
}
