//! The constant product and its two roundings: what comes in is rounded up, what goes out is rounded down.
//!
//! `E` is the effective quote reserve, `B` the base reserve. Products of two `u64` fit `u128`, so nothing here can wrap.

use super::error::AmmError;

/// Quote that must come in for `base_out` to go out: `⌈E·b / (B − b)⌉`.
///
/// # Errors
/// `BuyMoreBaseAmountThanPoolReserves` where `base_out > B`; `DivisionByZero` where it empties the pool (`Overflow`
/// where the pool has no effective quote either, because the program's ceiling then subtracts one from zero);
/// `Truncation` where the cost exceeds `u64`.
#[inline]
pub(super) fn quote_in_for_base_out(effective: u64, base: u64, base_out: u64) -> Result<u64, AmmError> {
    let left = base.checked_sub(base_out).ok_or(AmmError::BuyMoreBaseAmountThanPoolReserves)?;
    if left == 0 {
        let nothing = effective == 0 || base_out == 0;
        return Err(if nothing { AmmError::Overflow } else { AmmError::DivisionByZero });
    }
    let cost = (u128::from(effective) * u128::from(base_out)).div_ceil(u128::from(left));
    u64::try_from(cost).map_err(|_| AmmError::Truncation)
}

/// Base that goes out for `quote_in` that comes in: `⌊B·x / (E + x)⌋`, never more than `B`.
///
/// # Errors
/// `DivisionByZero` where nothing comes in to nothing.
#[inline]
pub(super) fn base_out_for_quote_in(effective: u64, base: u64, quote_in: u64) -> Result<u64, AmmError> {
    ratio(base, quote_in, u128::from(effective) + u128::from(quote_in))
}

/// Quote that goes out for `base_in` that comes in: `⌊E·b / (B + b)⌋`, never more than `E`.
///
/// # Errors
/// `DivisionByZero` where nothing comes in to nothing.
#[inline]
pub(super) fn quote_out_for_base_in(effective: u64, base: u64, base_in: u64) -> Result<u64, AmmError> {
    ratio(effective, base_in, u128::from(base) + u128::from(base_in))
}

/// `⌊reserve · part / whole⌋` where `part <= whole`, so that the quotient fits `u64`.
#[inline]
fn ratio(reserve: u64, part: u64, whole: u128) -> Result<u64, AmmError> {
    let product = u128::from(reserve) * u128::from(part);
    let quotient = match u64::try_from(whole) {
        // A divisor that fits one register takes the short path of 128-bit division.
        Ok(0) => return Err(AmmError::DivisionByZero),
        Ok(short) => product / u128::from(short),
        Err(_) => product / whole,
    };
    u64::try_from(quotient).map_err(|_| AmmError::Truncation)
}

/// `⌊a·b / c⌋`, `None` where `c` is zero; saturates at `u64::MAX`.
#[inline]
pub(super) fn mul_div_floor(a: u64, b: u64, c: u128) -> Option<u64> {
    let quotient = (u128::from(a) * u128::from(b)).checked_div(c)?;
    Some(u64::try_from(quotient).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_rounded_up_and_a_proceed_down() {
        // 100 · 10 / 90 = 11.1; 10 · 100 / 110 = 9.09 in both directions.
        assert_eq!(quote_in_for_base_out(100, 100, 10), Ok(12));
        assert_eq!(base_out_for_quote_in(100, 100, 10), Ok(9));
        assert_eq!(quote_out_for_base_in(100, 100, 10), Ok(9));
    }

    #[test]
    fn an_exact_quotient_is_not_rounded() {
        assert_eq!(quote_in_for_base_out(90, 100, 10), Ok(10));
        assert_eq!(base_out_for_quote_in(90, 100, 10), Ok(10));
        assert_eq!(quote_out_for_base_in(110, 100, 10), Ok(10));
    }

    #[test]
    fn a_pool_can_not_be_emptied() {
        assert_eq!(quote_in_for_base_out(100, 100, 100), Err(AmmError::DivisionByZero));
        assert_eq!(quote_in_for_base_out(0, 100, 100), Err(AmmError::Overflow));
        assert_eq!(quote_in_for_base_out(100, 100, 101), Err(AmmError::BuyMoreBaseAmountThanPoolReserves));
    }

    #[test]
    fn a_cost_above_u64_is_a_truncation() {
        assert_eq!(quote_in_for_base_out(u64::MAX, 10, 9), Err(AmmError::Truncation));
        assert_eq!(quote_in_for_base_out(u64::MAX, 10, 5), Ok(u64::MAX));
    }

    #[test]
    fn the_largest_amounts_divide_without_wrapping() {
        assert_eq!(base_out_for_quote_in(u64::MAX, u64::MAX, u64::MAX), Ok(u64::MAX / 2));
        assert_eq!(quote_out_for_base_in(0, 0, 0), Err(AmmError::DivisionByZero));
        assert_eq!(quote_out_for_base_in(u64::MAX, 0, u64::MAX), Ok(u64::MAX));
    }
}
