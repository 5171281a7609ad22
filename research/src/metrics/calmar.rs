use q50_engine::units::PeriodsPerYear;

use super::cagr::cagr;
use super::drawdown::max_drawdown;
use super::undefined::{Undefined, finite};

/// Calmar ratio: [`cagr`] over the depth of [`max_drawdown`], over the whole record.
///
/// Source: T. Young, "Calmar Ratio: A Smoother Tool", Futures, October 1991, who uses the last 36 months; here it is
/// all of the returns given.
///
/// # Errors
/// Those of [`cagr`], and [`Undefined::NoDrawdown`].
pub fn calmar(returns: &[f64], periods: PeriodsPerYear) -> Result<f64, Undefined> {
    let growth = cagr(returns, periods)?;
    let depth = max_drawdown(returns)?.depth;
    if depth == 0.0 {
        return Err(Undefined::NoDrawdown);
    }
    finite(growth / depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_divided_by_the_deepest_fall() {
        // 2 * 0.75 = 1.5 in two years: sqrt(1.5) - 1 a year, over a fall of a quarter.
        let value = calmar(&[1.0, -0.25], PeriodsPerYear::new(1.0)).unwrap();
        assert!((value - (1.5_f64.sqrt() - 1.0) / 0.25).abs() < 1e-14);
    }

    #[test]
    fn without_a_drawdown_there_is_no_ratio() {
        assert_eq!(calmar(&[0.1, 0.0, 0.1], PeriodsPerYear::new(365.0)), Err(Undefined::NoDrawdown));
    }
}
