use q50_engine::units::PeriodsPerYear;
use thiserror::Error;

/// Why a statistic has no value.
///
/// One enum for every metric and every test of [`crate::inference`], so that a report can print the reason beside the
/// dash. A caller that must tell reasons apart matches on the variants; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum Undefined {
    /// Fewer values than the formula needs.
    #[error("{found} values, where at least {needed} are needed")]
    TooFew {
        /// Values that there were.
        found: usize,
        /// Values that the formula needs.
        needed: usize,
    },
    /// A value is NaN or infinite. Missing rows are dropped by [`Sample`](super::Sample), not by the metrics.
    #[error("value {index} (counted from 0) is not a finite number; drop missing rows first")]
    NotFinite {
        /// Position of the first such value.
        index: usize,
    },
    /// Every value is the same (largest equals smallest), so that there is nothing to divide by.
    #[error("all {n} values are equal: no variance")]
    NoVariance {
        /// Number of values.
        n: usize,
    },
    /// No value is below zero.
    #[error("no value is below zero: there is no loss to divide by")]
    NoLosses,
    /// Equity never fell below an earlier peak.
    #[error("equity never fell below an earlier peak: there is no drawdown to divide by")]
    NoDrawdown,
    /// Every outcome is exactly zero: neither gain nor loss.
    #[error("every outcome is zero: neither a gain nor a loss")]
    NoOutcome,
    /// A return below -1: more than everything was lost, after which growth has no meaning.
    #[error("return {index} (counted from 0) is {value}, below -1: more than everything was lost")]
    BelowRuin {
        /// Position of the return.
        index: usize,
        /// The return.
        value: f64,
    },
    /// Two series that must be paired are not of one length.
    #[error("paired series have {left} and {right} values; both must have the same")]
    LengthsDiffer {
        /// Length of the first series.
        left: usize,
        /// Length of the second series.
        right: usize,
    },
    /// An argument lies where the formula is not defined.
    #[error("{name} is {value}, expected {wanted}")]
    OutOfRange {
        /// Name of the argument.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is accepted.
        wanted: &'static str,
    },
    /// The observed Sharpe ratio is not above the benchmark, so that no record is long enough.
    #[error("a Sharpe of {sharpe} a period is not above the benchmark of {benchmark}: no record is long enough")]
    NeverLongEnough {
        /// Observed Sharpe ratio a period.
        sharpe: f64,
        /// Benchmark Sharpe ratio a period.
        benchmark: f64,
    },
    /// Skewness and kurtosis that no distribution has together with this Sharpe ratio.
    #[error("the variance factor of the Sharpe estimate, 1 - g3 SR + (g4 - 1)/4 SR^2, is {factor}, not above zero")]
    NoSamplingVariance {
        /// The factor.
        factor: f64,
    },
    /// Too many bootstrap draws had no variance to divide by.
    #[error("{undefined} of {draws} bootstrap draws have no variance: the sample is too small to resample")]
    DegenerateDraws {
        /// Draws without a value.
        undefined: usize,
        /// Draws made.
        draws: usize,
    },
    /// The value exists but a double cannot hold it.
    #[error("the value is too large or too small for a double")]
    NotRepresentable,
}

/// `value` if a double holds it.
pub(crate) fn finite(value: f64) -> Result<f64, Undefined> {
    if value.is_finite() { Ok(value) } else { Err(Undefined::NotRepresentable) }
}

/// The periods a year, if they are a number above zero.
pub(crate) fn positive(periods: PeriodsPerYear) -> Result<f64, Undefined> {
    let value = periods.get();
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Undefined::OutOfRange { name: "periods per year", value, wanted: "a finite number above zero" })
}

/// Checks that there are at least `needed` values, all of them finite.
pub(crate) fn check(values: &[f64], needed: usize) -> Result<(), Undefined> {
    if values.len() < needed {
        return Err(Undefined::TooFew { found: values.len(), needed });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Undefined::NotFinite { index }),
        None => Ok(()),
    }
}

/// Checks that there are at least `needed` finite values, none below -1.
pub(crate) fn check_growth(returns: &[f64], needed: usize) -> Result<(), Undefined> {
    check(returns, needed)?;
    match returns.iter().enumerate().find(|(_, value)| **value < -1.0) {
        Some((index, &value)) => Err(Undefined::BelowRuin { index, value }),
        None => Ok(()),
    }
}

/// Whether all values are the same.
///
/// Largest against smallest, because a deviation computed from equal values is rounding noise rather than zero: fifty
/// returns of 0.001 give a Sharpe ratio of 3e16 in packages that test the deviation.
pub(crate) fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_a_sentence() {
        assert_eq!(Undefined::TooFew { found: 1, needed: 2 }.to_string(), "1 values, where at least 2 are needed");
        assert_eq!(
            Undefined::OutOfRange { name: "confidence", value: 1.5, wanted: "between 0 and 1" }.to_string(),
            "confidence is 1.5, expected between 0 and 1"
        );
    }

    #[test]
    fn a_year_has_a_positive_number_of_periods() {
        assert_eq!(positive(PeriodsPerYear::new(365.0)), Ok(365.0));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(positive(PeriodsPerYear::new(wrong)), Err(Undefined::OutOfRange { .. })));
        }
    }

    #[test]
    fn the_first_offending_value_is_named() {
        assert_eq!(check(&[0.1, f64::NAN, f64::NAN], 2), Err(Undefined::NotFinite { index: 1 }));
        assert_eq!(check_growth(&[0.1, -1.0, -1.5], 1), Err(Undefined::BelowRuin { index: 2, value: -1.5 }));
    }
}
