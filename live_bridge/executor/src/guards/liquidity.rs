//! The minimum liquidity of a pool for buys, and the largest price impact of a buy.

use super::Refusal;
use q50_engine::units::{Bps, Lamports};

/// Whether a pool whose vault holds `found` is deep enough.
///
/// # Errors
/// [`Refusal::Liquidity`] where it holds less than `least`.
pub(super) fn check(least: Lamports, found: Lamports) -> Result<(), Refusal> {
    if found < least { Err(Refusal::Liquidity { found, least }) } else { Ok(()) }
}

/// Whether a buy that pays `impact` more than the pool's price, fees aside, may be made.
///
/// # Errors
/// [`Refusal::Impact`] where it is more than `most`.
pub(super) fn check_impact(most: Bps, impact: Bps) -> Result<(), Refusal> {
    if impact > most { Err(Refusal::Impact { impact, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_of_ten_sol_is_deep_enough_and_of_a_lamport_less_is_not() {
        assert!(check(Lamports(10), Lamports(10)).is_ok());
        let refused = Refusal::Liquidity { found: Lamports(9), least: Lamports(10) };
        assert_eq!(check(Lamports(10), Lamports(9)), Err(refused));
    }

    #[test]
    fn a_tenth_above_the_price_is_paid_and_not_more() {
        assert!(check_impact(Bps(1_000), Bps(1_000)).is_ok());
        let refused = Refusal::Impact { impact: Bps(1_001), most: Bps(1_000) };
        assert_eq!(check_impact(Bps(1_000), Bps(1_001)), Err(refused));
    }
}
