//! The largest share of equity in positions.

use super::{Refusal, share};
use q50_engine::units::{Bps, Lamports};

/// Whether positions, worth `held` now, may grow by `cost` and stay within `most`, a share of the equity.
///
/// # Errors
/// [`Refusal::Exposure`] where they would be more.
pub(super) fn check(most: Bps, held: Lamports, cost: Lamports, equity: Lamports) -> Result<(), Refusal> {
    let wanted = held.0.saturating_add(cost.0);
    if wanted > share(equity.0, most) {
        return Err(Refusal::Exposure { wanted: Lamports(wanted), equity, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_of_the_equity_may_be_in_positions_and_not_a_lamport_more() {
        let check = |held, cost| check(Bps(8_000), Lamports(held), Lamports(cost), Lamports(1_000));
        assert!(check(300, 500).is_ok());
        let refused = Refusal::Exposure { wanted: Lamports(801), equity: Lamports(1_000), most: Bps(8_000) };
        assert_eq!(check(300, 501), Err(refused));
        assert!(check(u64::MAX, u64::MAX).is_err());
    }
}
