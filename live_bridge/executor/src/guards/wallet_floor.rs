//! The minimum balance of the wallet, so that fees and rent for selling can be paid.

use super::Refusal;
use q50_engine::units::Lamports;

/// Whether `floor` is left of the `wallet` after `cost`.
///
/// # Errors
/// [`Refusal::WalletFloor`] where less would be left.
pub(super) fn check(floor: Lamports, wallet: Lamports, cost: Lamports) -> Result<(), Refusal> {
    match wallet.0.checked_sub(cost.0) {
        Some(left) if left >= floor.0 => Ok(()),
        _ => Err(Refusal::WalletFloor { wallet, cost, floor }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_left_to_the_lamport() {
        let check = |wallet, cost| check(Lamports(100), Lamports(wallet), Lamports(cost));
        assert!(check(150, 50).is_ok());
        let refused = Refusal::WalletFloor { wallet: Lamports(150), cost: Lamports(51), floor: Lamports(100) };
        assert_eq!(check(150, 51), Err(refused));
        assert!(check(10, 20).is_err());
    }
}
