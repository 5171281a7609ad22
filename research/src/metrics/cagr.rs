use q50_engine::units::PeriodsPerYear;

use super::total_return::total_return;
use super::undefined::{Undefined, finite, positive};

/// Compound annual growth rate of at least one period: W^(periods a year / n) - 1, as a fraction.
///
/// n counts the returns given, so that rows dropped as missing shorten the record rather than dilute the growth.
///
/// # Errors
/// Those of [`total_return`], and [`Undefined::NotRepresentable`] where a short record annualises beyond a double,
/// and [`Undefined::OutOfRange`] for periods that are not above zero.
pub fn cagr(returns: &[f64], periods: PeriodsPerYear) -> Result<f64, Undefined> {
    let total = total_return(returns)?;
    // Through the logarithm of 1 + x, which keeps the digits of a small return.
    finite((total.ln_1p() * positive(periods)? / returns.len() as f64).exp_m1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_years_of_doubling_twice_double_each_year() {
        assert!((cagr(&[1.0, 1.0], PeriodsPerYear::new(1.0)).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn half_a_year_is_compounded_to_a_year() {
        // 1.1 in six months of twelve: 1.21 a year.
        let returns = [0.1, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!((cagr(&returns, PeriodsPerYear::new(12.0)).unwrap() - 0.21).abs() < 1e-14);
    }

    #[test]
    fn ruin_is_minus_one_a_year() {
        assert_eq!(cagr(&[0.1, -1.0], PeriodsPerYear::new(365.0)), Ok(-1.0));
    }

    #[test]
    fn a_growth_that_no_double_holds_is_undefined() {
        assert_eq!(cagr(&[1.0], PeriodsPerYear::new(8766.0)), Err(Undefined::NotRepresentable));
    }
}
