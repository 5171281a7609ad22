use statrs::function::erf::erfc_inv;

use crate::metrics::Undefined;

/// Where the series hands over to the continued fraction.
const TAIL_FROM: f64 = 1.5;

/// Levels of the continued fraction: enough for the last bit at [`TAIL_FROM`], and more than enough beyond.
const TAIL_LEVELS: u32 = 160;

/// Probability that a standard normal variable is at most `z`, accurate to a few units in the last place, in the lower
/// tail relatively so. NaN for NaN.
///
/// Not from statrs, whose `erfc` is good to ten digits: its constants are cut off there.
///
/// Source: M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.2.11 (series) and 26.2.14 (continued
/// fraction).
#[must_use]
pub fn cdf(z: f64) -> f64 {
    if z > 0.0 { 1.0 - lower_tail(z) } else { lower_tail(-z) }
}

/// Probability density of a standard normal variable at `z`.
#[must_use]
pub fn pdf(z: f64) -> f64 {
    // Below the smallest double from 38.6 on; infinities have no leading bits.
    if z.abs() > 40.0 {
        return 0.0;
    }
    // The square of the leading bits is exact; squared whole, z loses in the exponential what it gained.
    let leading = (z * 16.0).trunc() / 16.0;
    (-0.5 * leading * leading).exp() * (-0.5 * (z - leading) * (z + leading)).exp() / std::f64::consts::TAU.sqrt()
}

/// Probability of a value below `-x`, for x >= 0.
fn lower_tail(x: f64) -> f64 {
    let density = pdf(x);
    if x >= TAIL_FROM {
        let fraction = (1..=TAIL_LEVELS).rev().fold(x, |below, level| x + f64::from(level) / below);
        return density / fraction;
    }
    let (mut term, mut series, mut odd) = (x, x, 1.0);
    while term > series * (0.25 * f64::EPSILON) {
        odd += 2.0;
        term *= x * x / odd;
        series += term;
    }
    0.5 - density * series
}

/// The `z` that a standard normal variable is at most with probability `p`.
///
/// # Errors
/// [`Undefined::OutOfRange`] unless 0 < p < 1.
pub fn quantile(p: f64) -> Result<f64, Undefined> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Undefined::OutOfRange { name: "probability", value: p, wanted: "between 0 and 1, both excluded" });
    }
    // 1 - p is exact from a half on, and the lower tail is where the distribution function is relatively accurate.
    if p > 0.5 {
        return Ok(-lower_quantile(1.0 - p));
    }
    Ok(lower_quantile(p))
}

/// The inverse for p <= 1/2, with one step of Halley's method on statrs' value.
fn lower_quantile(p: f64) -> f64 {
    let start = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    let density = pdf(start);
    // Beyond z = -37.5 densities and probabilities are subnormal, and a step would add noise.
    if density < f64::MIN_POSITIVE / f64::EPSILON {
        return start;
    }
    let newton = (cdf(start) - p) / density;
    start - newton / (1.0 + 0.5 * start * newton)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forty-digit values of mpmath's `erfc`, rounded.
    const CDF: [(f64, f64); 14] = [
        (-8.0, 6.220_960_574_271_784e-16),
        (-6.0, 9.865_876_450_376_98e-10),
        (-5.0, 2.866_515_718_791_939e-7),
        (-3.5, 2.326_290_790_355_250_4e-4),
        (-2.5, 6.209_665_325_776_135e-3),
        (-1.5, 0.066_807_201_268_858_07),
        (-1.0, 0.158_655_253_931_457_05),
        (-0.5, 0.308_537_538_725_986_9),
        (-0.1, 0.460_172_162_722_971),
        (0.0, 0.5),
        (0.3, 0.617_911_422_188_952_6),
        (1.0, 0.841_344_746_068_542_9),
        (2.0, 0.977_249_868_051_820_8),
        (5.0, 0.999_999_713_348_428_1),
    ];

    /// Inverse of the same function by bisection at forty digits.
    const QUANTILE: [(f64, f64); 15] = [
        (1e-300, -37.047_096_299_361_2),
        (1e-16, -8.222_082_216_130_436),
        (1e-10, -6.361_340_902_404_056),
        (1e-6, -4.753_424_308_822_899),
        (0.001, -3.090_232_306_167_813_5),
        (0.01, -2.326_347_874_040_841),
        (0.02425, -1.972_961_051_311_884_8),
        (0.025, -1.959_963_984_540_054_2),
        (0.05, -1.644_853_626_951_472_7),
        (0.1, -1.281_551_565_544_600_4),
        (0.3, -0.524_400_512_708_040_8),
        (0.45, -0.125_661_346_855_074),
        (0.75, 0.674_489_750_196_081_7),
        (0.975, 1.959_963_984_540_053_9),
        (0.999_999, 4.753_424_308_817_088),
    ];

    #[test]
    fn the_distribution_function_is_accurate_to_double_precision() {
        for (z, expected) in CDF {
            let got = cdf(z);
            assert!((got / expected - 1.0).abs() < 2e-15, "cdf({z}) is {got:e}, expected {expected:e}");
        }
    }

    #[test]
    fn far_out_it_is_certain() {
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(-40.0), cdf(40.0), cdf(f64::INFINITY)), (0.0, 0.0, 1.0, 1.0));
        assert!(cdf(f64::NAN).is_nan());
    }

    #[test]
    fn series_and_continued_fraction_meet() {
        let (series, fraction) = (lower_tail(TAIL_FROM.next_down()), lower_tail(TAIL_FROM));
        assert!((series / fraction - 1.0).abs() < 3e-15, "{series:e} {fraction:e}");
    }

    #[test]
    fn the_inverse_is_accurate_to_double_precision() {
        assert_eq!(quantile(0.5), Ok(0.0));
        for (p, expected) in QUANTILE {
            let got = quantile(p).unwrap();
            assert!((got / expected - 1.0).abs() < 2e-15, "quantile({p:e}) is {got}, expected {expected}");
        }
    }

    #[test]
    fn certainty_has_no_quantile() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert!(matches!(quantile(p), Err(Undefined::OutOfRange { .. })), "{p}");
        }
    }
}
