use super::sum::sum;
use super::undefined::{Undefined, check, finite};

/// Mean exposure: the mean over bars of |position value / equity|. 1 is fully invested all the time, long or short.
///
/// `weights` is signed position value over equity, one value a bar.
///
/// # Errors
/// [`Undefined::TooFew`] for no bar, [`Undefined::NotFinite`].
pub fn exposure(weights: &[f64]) -> Result<f64, Undefined> {
    check(weights, 1)?;
    finite(sum(weights.iter().map(|weight| weight.abs())) / weights.len() as f64)
}

/// Share of bars with any position, from 0 to 1.
///
/// # Errors
/// [`Undefined::TooFew`] for no bar, [`Undefined::NotFinite`].
pub fn time_in_market(weights: &[f64]) -> Result<f64, Undefined> {
    check(weights, 1)?;
    Ok(weights.iter().filter(|weight| **weight != 0.0).count() as f64 / weights.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorts_count_as_longs() {
        let weights = [0.5, -0.5, 0.0, 1.0];
        assert_eq!(exposure(&weights), Ok(0.5));
        assert_eq!(time_in_market(&weights), Ok(0.75));
    }

    #[test]
    fn no_bars_have_no_exposure() {
        assert_eq!(exposure(&[]), Err(Undefined::TooFew { found: 0, needed: 1 }));
        assert_eq!(time_in_market(&[]), Err(Undefined::TooFew { found: 0, needed: 1 }));
    }
}
