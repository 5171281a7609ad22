//! The limit that an order carries, from a quote and a tolerance in basis points.
//!
//! Integer basis points, as the vendor's Rust client has them: `⌊x·(10,000 ± s)/10,000⌋`. Its JavaScript client goes
//! through a double and is off by one in a thousand million at some percentages; both only bound the price.

use super::BPS;
use super::curve::mul_div_floor;
use crate::Bps;

/// The most that may be paid where `quoted` was the price: `⌊quoted·(10,000 + tolerance)/10,000⌋`, at most `u64::MAX`.
#[must_use]
pub fn max_in(quoted: u64, tolerance: Bps) -> u64 {
    // A tolerance near u64 would wrap the sum; saturated it still bounds nothing.
    mul_div_floor(quoted, BPS.saturating_add(tolerance.0), u128::from(BPS)).unwrap_or(u64::MAX)
}

/// The least that must be received where `quoted` was promised: `⌊quoted·(10,000 − tolerance)/10,000⌋`, zero from
/// 10,000 on.
#[must_use]
#[inline]
pub fn min_out(quoted: u64, tolerance: Bps) -> u64 {
    mul_div_floor(quoted, BPS.saturating_sub(tolerance.0), u128::from(BPS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_per_cent_is_exact() {
        assert_eq!(max_in(1_000_000_000, Bps(50)), 1_005_000_000);
        assert_eq!(min_out(1_000_000_000, Bps(50)), 995_000_000);
    }

    #[test]
    fn both_bounds_are_rounded_down() {
        assert_eq!(max_in(199, Bps(50)), 199);
        assert_eq!(min_out(199, Bps(50)), 198);
    }

    #[test]
    fn a_tolerance_of_everything_bounds_nothing() {
        assert_eq!(min_out(u64::MAX, Bps(10_000)), 0);
        assert_eq!(min_out(u64::MAX, Bps(u64::MAX)), 0);
        assert_eq!(max_in(u64::MAX, Bps(1)), u64::MAX);
        assert_eq!(max_in(u64::MAX, Bps(u64::MAX)), u64::MAX);
    }
}
