//! Division as indicators mean it.

/// `numerator / denominator`, undefined where the denominator is zero: 0 would be a value that somebody acts on.
pub(crate) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { f64::NAN } else { numerator / denominator }
}
