use super::sum::sum;
use super::undefined::{Undefined, check, finite};

/// Turnover of a record: the sum over bars of |value traded| / equity, so that 2 is the whole equity bought once and
/// sold once. Both sides count.
///
/// `traded` is the value of all fills of a bar and `equity` the equity at the start of that bar, one value a bar, in
/// one unit of account.
///
/// # Errors
/// [`Undefined::LengthsDiffer`], [`Undefined::TooFew`] for no bar, [`Undefined::NotFinite`], [`Undefined::OutOfRange`]
/// for a trade on equity that is not above zero.
pub fn turnover(traded: &[f64], equity: &[f64]) -> Result<f64, Undefined> {
    if traded.len() != equity.len() {
        return Err(Undefined::LengthsDiffer { left: traded.len(), right: equity.len() });
    }
    check(traded, 1)?;
    check(equity, 1)?;
    let pairs = || traded.iter().zip(equity).filter(|(value, _)| **value != 0.0);
    if let Some((_, &value)) = pairs().find(|(_, equity)| **equity <= 0.0) {
        return Err(Undefined::OutOfRange { name: "equity at a trade", value, wanted: "above zero" });
    }
    finite(sum(pairs().map(|(value, equity)| value.abs() / equity)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_of_everything_is_two() {
        assert_eq!(turnover(&[100.0, 0.0, -110.0], &[100.0, 105.0, 110.0]), Ok(2.0));
    }

    #[test]
    fn no_trade_is_no_turnover_even_without_equity() {
        assert_eq!(turnover(&[0.0, 0.0], &[100.0, 0.0]), Ok(0.0));
    }

    #[test]
    fn a_trade_without_equity_is_refused() {
        assert!(matches!(turnover(&[5.0], &[0.0]), Err(Undefined::OutOfRange { .. })));
        assert_eq!(turnover(&[5.0], &[]), Err(Undefined::LengthsDiffer { left: 1, right: 0 }));
    }
}
