use super::sum::sum;
use super::undefined::{Undefined, check, finite, is_constant};

/// What the sum of squares is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ddof {
    /// n: the population moment.
    Zero,
    /// n - 1: the unbiased estimate of a variance.
    One,
}

/// Mean and central moments of a sample, each divided by n.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CentralMoments {
    /// Number of values.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Mean squared deviation; exactly 0 where all values are equal.
    pub second: f64,
    /// Mean cubed deviation.
    pub third: f64,
    /// Mean fourth power of the deviation.
    pub fourth: f64,
}

impl CentralMoments {
    /// Moments of at least one value, in two passes with compensated sums.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for no value, [`Undefined::NotFinite`], [`Undefined::NotRepresentable`].
    pub fn of(values: &[f64]) -> Result<Self, Undefined> {
        check(values, 1)?;
        let n = values.len();
        if is_constant(values) {
            return Ok(Self { n, mean: values[0], second: 0.0, third: 0.0, fourth: 0.0 });
        }
        let divisor = n as f64;
        let mean = sum(values.iter().copied()) / divisor;
        let power_mean = |power: i32| sum(values.iter().map(|value| (value - mean).powi(power))) / divisor;
        Ok(Self {
            n,
            mean: finite(mean)?,
            second: finite(power_mean(2))?,
            third: finite(power_mean(3))?,
            fourth: finite(power_mean(4))?,
        })
    }

    /// Variance with the given divisor, in squared units of the values.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two values.
    pub fn variance(&self, ddof: Ddof) -> Result<f64, Undefined> {
        let n = self.at_least(2)?;
        Ok(match ddof {
            Ddof::Zero => self.second,
            Ddof::One => self.second * n / (n - 1.0),
        })
    }

    /// Skewness m3 / m2^1.5, divided by n throughout (scipy's `bias=True`).
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two values, [`Undefined::NoVariance`].
    pub fn skewness_biased(&self) -> Result<f64, Undefined> {
        self.at_least(2)?;
        finite(self.third / self.positive_second()?.powf(1.5))
    }

    /// Adjusted Fisher-Pearson skewness, sqrt(n(n-1))/(n-2) times the biased one (scipy's `bias=False`).
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than three values, [`Undefined::NoVariance`].
    pub fn skewness_unbiased(&self) -> Result<f64, Undefined> {
        let n = self.at_least(3)?;
        Ok((n * (n - 1.0)).sqrt() / (n - 2.0) * self.skewness_biased()?)
    }

    /// Kurtosis m4 / m2^2, NOT in excess of 3: a normal sample has about 3.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two values, [`Undefined::NoVariance`].
    pub fn kurtosis_biased(&self) -> Result<f64, Undefined> {
        self.at_least(2)?;
        finite(self.fourth / self.positive_second()?.powi(2))
    }

    /// Kurtosis with the usual small-sample correction (scipy's `bias=False`), NOT in excess of 3:
    /// 3 + ((n^2 - 1) m4/m2^2 - 3 (n - 1)^2) / ((n - 2)(n - 3)).
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than four values, [`Undefined::NoVariance`].
    pub fn kurtosis_unbiased(&self) -> Result<f64, Undefined> {
        let n = self.at_least(4)?;
        let biased = self.kurtosis_biased()?;
        Ok(3.0 + ((n * n - 1.0) * biased - 3.0 * (n - 1.0).powi(2)) / ((n - 2.0) * (n - 3.0)))
    }

    fn at_least(&self, needed: usize) -> Result<f64, Undefined> {
        if self.n < needed {
            return Err(Undefined::TooFew { found: self.n, needed });
        }
        Ok(self.n as f64)
    }

    fn positive_second(&self) -> Result<f64, Undefined> {
        if self.second > 0.0 { Ok(self.second) } else { Err(Undefined::NoVariance { n: self.n }) }
    }
}

/// Arithmetic mean of at least one value.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`].
pub fn mean(values: &[f64]) -> Result<f64, Undefined> {
    Ok(CentralMoments::of(values)?.mean)
}

/// Variance of at least two values; exactly 0 where all are equal.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`].
pub fn variance(values: &[f64], ddof: Ddof) -> Result<f64, Undefined> {
    CentralMoments::of_two(values)?.variance(ddof)
}

/// Square root of [`variance`], in units of the values.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`].
pub fn standard_deviation(values: &[f64], ddof: Ddof) -> Result<f64, Undefined> {
    Ok(variance(values, ddof)?.sqrt())
}

/// [`CentralMoments::skewness_biased`] of a slice.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`].
pub fn skewness_biased(values: &[f64]) -> Result<f64, Undefined> {
    CentralMoments::of_two(values)?.skewness_biased()
}

/// [`CentralMoments::skewness_unbiased`] of a slice.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`].
pub fn skewness_unbiased(values: &[f64]) -> Result<f64, Undefined> {
    CentralMoments::of_two(values)?.skewness_unbiased()
}

/// [`CentralMoments::kurtosis_biased`] of a slice, not in excess of 3.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`].
pub fn kurtosis_biased(values: &[f64]) -> Result<f64, Undefined> {
    CentralMoments::of_two(values)?.kurtosis_biased()
}

/// [`CentralMoments::kurtosis_unbiased`] of a slice, not in excess of 3.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`].
pub fn kurtosis_unbiased(values: &[f64]) -> Result<f64, Undefined> {
    CentralMoments::of_two(values)?.kurtosis_unbiased()
}

impl CentralMoments {
    /// As [`CentralMoments::of`], for formulas that need two values: "one value" is then the reason given for an empty
    /// slice as well.
    pub(crate) fn of_two(values: &[f64]) -> Result<Self, Undefined> {
        check(values, 2)?;
        Self::of(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-14 * expected.abs().max(1.0), "got {got}, expected {expected}");
    }

    /// 0, 0, 0, 4: mean 1, deviations -1, -1, -1, 3; m2 = 12/4, m3 = 24/4, m4 = 84/4.
    const WORKED: [f64; 4] = [0.0, 0.0, 0.0, 4.0];

    #[test]
    fn moments_of_four_values_are_those_worked_by_hand() {
        close(mean(&WORKED).unwrap(), 1.0);
        close(variance(&WORKED, Ddof::Zero).unwrap(), 3.0);
        close(variance(&WORKED, Ddof::One).unwrap(), 4.0);
        close(standard_deviation(&WORKED, Ddof::One).unwrap(), 2.0);
        // 6 / 3^1.5 = 2/sqrt(3); corrected by sqrt(12)/2 = sqrt(3).
        close(skewness_biased(&WORKED).unwrap(), 2.0 / 3.0_f64.sqrt());
        close(skewness_unbiased(&WORKED).unwrap(), 2.0);
        // 21 / 9; corrected 3 + (15 * 7/3 - 27) / 2 = 7.
        close(kurtosis_biased(&WORKED).unwrap(), 7.0 / 3.0);
        close(kurtosis_unbiased(&WORKED).unwrap(), 7.0);
    }

    #[test]
    fn equal_values_have_a_variance_of_exactly_zero_and_no_shape() {
        let values = [0.1; 50];
        assert_eq!(variance(&values, Ddof::One), Ok(0.0));
        assert_eq!(skewness_biased(&values), Err(Undefined::NoVariance { n: 50 }));
        assert_eq!(kurtosis_unbiased(&values), Err(Undefined::NoVariance { n: 50 }));
    }

    #[test]
    fn a_correction_needs_more_values_than_the_moment_itself() {
        assert_eq!(variance(&[0.1], Ddof::One), Err(Undefined::TooFew { found: 1, needed: 2 }));
        assert_eq!(skewness_unbiased(&[1.0, 2.0]), Err(Undefined::TooFew { found: 2, needed: 3 }));
        assert_eq!(kurtosis_unbiased(&[1.0, 2.0, 4.0]), Err(Undefined::TooFew { found: 3, needed: 4 }));
        assert_eq!(kurtosis_biased(&[1.0, 2.0]), Ok(1.0));
    }

    #[test]
    fn values_too_small_to_square_have_no_variance_rather_than_a_wrong_shape() {
        assert_eq!(skewness_biased(&[1e-200, 2e-200, 4e-200]), Err(Undefined::NoVariance { n: 3 }));
    }

    #[test]
    fn a_moment_too_large_for_a_double_is_said_to_be_so() {
        assert_eq!(variance(&[1e200, -1e200], Ddof::One), Err(Undefined::NotRepresentable));
    }
}
