use q50_engine::units::PeriodsPerYear;

use super::moments::mean;
use super::undefined::{Undefined, finite, positive};

/// The returns of a strategy as a straight line of those of its benchmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarketModel {
    /// Slope: how much the strategy moves with one unit of the benchmark.
    pub beta: f64,
    /// What it earns beside that in a year, as a fraction: the intercept times periods a year, without compounding.
    pub alpha: f64,
    /// Pearson's correlation.
    pub correlation: f64,
}

/// Least squares of returns on those of a benchmark over the same periods, at least three. The risk-free rate is zero.
///
/// Source: M. Jensen, "The Performance of Mutual Funds in the Period 1945-1964", Journal of Finance 23, 1968, eq. 8.
///
/// # Errors
/// [`Undefined::LengthsDiffer`], [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`] where either
/// series does not vary, [`Undefined::OutOfRange`] for periods that are not above zero.
pub fn market_model(returns: &[f64], benchmark: &[f64], periods: PeriodsPerYear) -> Result<MarketModel, Undefined> {
    if returns.len() != benchmark.len() {
        return Err(Undefined::LengthsDiffer { left: returns.len(), right: benchmark.len() });
    }
    let (n, year) = (returns.len(), positive(periods)?);
    if n < 3 {
        return Err(Undefined::TooFew { found: n, needed: 3 });
    }
    let (ours, theirs) = (mean(returns)?, mean(benchmark)?);
    let (mut own, mut market, mut both) = (0.0, 0.0, 0.0);
    for (r, b) in returns.iter().zip(benchmark) {
        own += (r - ours).powi(2);
        market += (b - theirs).powi(2);
        both += (r - ours) * (b - theirs);
    }
    let is_flat = |values: &[f64]| values.windows(2).all(|pair| pair[0] == pair[1]);
    if is_flat(returns) || is_flat(benchmark) || market == 0.0 || own == 0.0 {
        return Err(Undefined::NoVariance { n });
    }
    let beta = finite(both / market)?;
    Ok(MarketModel {
        beta,
        alpha: finite((ours - beta * theirs) * year)?,
        correlation: finite(both / (own * market).sqrt())?.clamp(-1.0, 1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_found_again() {
        let benchmark = [0.01, -0.02, 0.03, 0.005];
        let returns = benchmark.map(|b| 0.001 - 0.5 * b);
        let found = market_model(&returns, &benchmark, PeriodsPerYear::new(365.0)).unwrap();
        assert!((found.beta + 0.5).abs() < 1e-12 && (found.alpha - 0.365).abs() < 1e-12, "{found:?}");
        assert!((found.correlation + 1.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn three_points_give_the_line_worked_by_hand() {
        // Means 0.02 and 0.01; products of distances: -0.02*-0.01 + 0*0 + 0.02*0.01 = 4e-4; squares 8e-4 and 2e-4.
        let found = market_model(&[0.0, 0.02, 0.04], &[0.0, 0.01, 0.02], PeriodsPerYear::new(1.0)).unwrap();
        assert!((found.beta - 2.0).abs() < 1e-12 && found.alpha.abs() < 1e-15 && found.correlation > 1.0 - 1e-12);
        let bent = market_model(&[0.02, 0.0, 0.04], &[0.0, 0.01, 0.02], PeriodsPerYear::new(1.0)).unwrap();
        // -0.01*0 + 0*-0.02 + 0.01*0.02 = 2e-4 over 2e-4, and over sqrt(8e-4 * 2e-4) = 4e-4.
        assert!((bent.beta - 1.0).abs() < 1e-12 && (bent.correlation - 0.5).abs() < 1e-12, "{bent:?}");
        assert!((bent.alpha - 0.01).abs() < 1e-12, "{bent:?}");
    }

    #[test]
    fn without_variance_there_is_no_line() {
        let year = PeriodsPerYear::new(365.0);
        assert_eq!(market_model(&[0.1; 5], &[0.1, 0.2, 0.1, 0.0, 0.3], year), Err(Undefined::NoVariance { n: 5 }));
        assert_eq!(market_model(&[0.1, 0.2, 0.1, 0.0, 0.3], &[0.1; 5], year), Err(Undefined::NoVariance { n: 5 }));
        assert!(matches!(market_model(&[0.1; 5], &[0.1; 4], year), Err(Undefined::LengthsDiffer { .. })));
    }
}
