//! Depositing into a pool and withdrawing from it.
//!
//! Both go through the pool's own count of shares `L` and the *real* reserves (un-swept fees belong to nobody's share);
//! there is no fee. A boost, the part of the virtual reserves above the un-swept fees, grows and shrinks with the
//! shares, so that the price of the pool stays. Source: the compiled program; older documentation says that boosted
//! pools refuse both (6064).

use super::error::AmmError;
use super::pool::{AmmConfig, DisabledInstructions, PoolState};

/// An executed deposit or withdrawal. Amounts in the smallest unit of their mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidityChange {
    /// Base that moves.
    pub base: u64,
    /// Quote that moves.
    pub quote: u64,
    /// The pool afterwards.
    pub after: PoolState,
}

impl PoolState {
    /// Deposits for `shares` pool shares: `⌈B·l/L⌉` base and `⌈Q·l/L⌉` quote, at most `max_base_in` and `max_quote_in`.
    ///
    /// # Errors
    /// `DisabledDeposit`; `Overflow` where the reserves are out of range; `DivisionByZero` where the pool has no
    /// shares; `Truncation` where a cost exceeds `u64`; `ExceededSlippage` where one exceeds its limit.
    pub fn deposit(
        &self,
        config: &AmmConfig,
        shares: u64,
        max_base_in: u64,
        max_quote_in: u64,
    ) -> Result<LiquidityChange, AmmError> {
        config.disabled.refuse(DisabledInstructions::DEPOSIT, AmmError::DisabledDeposit)?;
        let reserve = self.real_quote()?;
        // The program holds the base against its limit before it computes the quote.
        let base = part_up(self.base_vault, shares, self.lp_supply)?;
        if base > max_base_in {
            return Err(AmmError::ExceededSlippage);
        }
        let quote = part_up(reserve, shares, self.lp_supply)?;
        if quote > max_quote_in {
            return Err(AmmError::ExceededSlippage);
        }
        let lp_supply = self.lp_supply.checked_add(shares).ok_or(AmmError::Overflow)?;
        let mut after = self.with_shares(lp_supply)?;
        after.base_vault = self.base_vault.checked_add(base).ok_or(AmmError::Overflow)?;
        after.quote_vault = self.quote_vault.checked_add(quote).ok_or(AmmError::Overflow)?;
        Ok(LiquidityChange { base, quote, after })
    }

    /// Withdraws `shares` pool shares: `⌊B·l/L⌋` base and `⌊Q·l/L⌋` quote, at least `min_base_out` and `min_quote_out`.
    ///
    /// # Errors
    /// `DisabledWithdraw`; `SeedLockViolation` where there are not so many shares; `Overflow` where the reserves are
    /// out of range; `DivisionByZero` where the pool has no shares; `ExceededSlippage` where a part is below its limit.
    pub fn withdraw(
        &self,
        config: &AmmConfig,
        shares: u64,
        min_base_out: u64,
        min_quote_out: u64,
    ) -> Result<LiquidityChange, AmmError> {
        config.disabled.refuse(DisabledInstructions::WITHDRAW, AmmError::DisabledWithdraw)?;
        // The program compares with the share mint's supply, of which the holder of so many shares must be a part.
        let lp_supply = self.lp_supply.checked_sub(shares).ok_or(AmmError::SeedLockViolation)?;
        let reserve = self.real_quote()?;
        let base = part_down(self.base_vault, shares, self.lp_supply)?;
        let quote = part_down(reserve, shares, self.lp_supply)?;
        if base < min_base_out || quote < min_quote_out {
            return Err(AmmError::ExceededSlippage);
        }
        let mut after = self.with_shares(lp_supply)?;
        after.base_vault = self.base_vault.checked_sub(base).ok_or(AmmError::Overflow)?;
        after.quote_vault = self.quote_vault.checked_sub(quote).ok_or(AmmError::Overflow)?;
        Ok(LiquidityChange { base, quote, after })
    }

    /// Shares that `base_in` pays for, and the quote that goes with it: `⌊b·L/B⌋` and `⌊b·Q/B⌋`, with `Q` the real
    /// quote reserve. The vendor's clients size a one-sided wish so; the deposit itself may then cost a unit more or
    /// less.
    ///
    /// # Errors
    /// `Overflow` where the reserves are out of range; `DivisionByZero` where there is no base; `Truncation` where an
    /// amount exceeds `u64`.
    pub fn shares_for_base(&self, base_in: u64) -> Result<(u64, u64), AmmError> {
        let reserve = self.real_quote()?;
        Ok((part_down(base_in, self.lp_supply, self.base_vault)?, part_down(base_in, reserve, self.base_vault)?))
    }

    /// Shares that `quote_in` pays for, and the base that goes with it; see [`shares_for_base`](Self::shares_for_base).
    ///
    /// # Errors
    /// `Overflow` where the reserves are out of range; `DivisionByZero` where there is no quote; `Truncation` where an
    /// amount exceeds `u64`.
    pub fn shares_for_quote(&self, quote_in: u64) -> Result<(u64, u64), AmmError> {
        let reserve = self.real_quote()?;
        Ok((part_down(quote_in, self.lp_supply, reserve)?, part_down(quote_in, self.base_vault, reserve)?))
    }

    /// This pool with `lp_supply` shares, and its boost in proportion, rounded down. The boost is the quote that prices
    /// without being in the vault: the virtual reserves and the un-swept fees, which were taken off them.
    fn with_shares(&self, lp_supply: u64) -> Result<Self, AmmError> {
        let unswept = i128::from(self.unswept_fees()?);
        let boost = self.virtual_quote.checked_add(unswept).and_then(|boost| u128::try_from(boost).ok());
        let scaled = boost
            .and_then(|boost| boost.checked_mul(u128::from(lp_supply)))
            .ok_or(AmmError::Overflow)?
            .checked_div(u128::from(self.lp_supply))
            .ok_or(AmmError::DivisionByZero)?;
        let virtual_quote = i128::try_from(scaled).map_err(|_| AmmError::Overflow)? - unswept;
        Ok(Self { lp_supply, virtual_quote, ..*self })
    }
}

/// `⌊amount · part / whole⌋`.
fn part_down(amount: u64, part: u64, whole: u64) -> Result<u64, AmmError> {
    let product = u128::from(amount) * u128::from(part);
    let quotient = product.checked_div(u128::from(whole)).ok_or(AmmError::DivisionByZero)?;
    u64::try_from(quotient).map_err(|_| AmmError::Truncation)
}

/// `⌈amount · part / whole⌉`.
fn part_up(amount: u64, part: u64, whole: u64) -> Result<u64, AmmError> {
    let product = u128::from(amount) * u128::from(part);
    if whole == 0 {
        // The program's ceiling subtracts one from the product before it divides.
        return Err(if product == 0 { AmmError::Overflow } else { AmmError::DivisionByZero });
    }
    u64::try_from(product.div_ceil(u128::from(whole))).map_err(|_| AmmError::Truncation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> PoolState {
        PoolState { lp_supply: 1_000, ..PoolState::new(10_001, 5_000) }
    }

    #[test]
    fn a_deposit_is_rounded_up_and_a_withdrawal_down() {
        let config = AmmConfig::default();
        let deposit = pool().deposit(&config, 100, u64::MAX, u64::MAX).unwrap();
        assert_eq!((deposit.base, deposit.quote, deposit.after.lp_supply), (1_001, 500, 1_100));
        let withdrawal = pool().withdraw(&config, 100, 0, 0).unwrap();
        assert_eq!((withdrawal.base, withdrawal.quote, withdrawal.after.lp_supply), (1_000, 500, 900));
        assert_eq!((withdrawal.after.base_vault, withdrawal.after.quote_vault), (9_001, 4_500));
    }

    #[test]
    fn limits_hold_on_each_side() {
        let config = AmmConfig::default();
        let refused = Err(AmmError::ExceededSlippage);
        assert_eq!(pool().deposit(&config, 100, 1_000, 500), refused);
        assert_eq!(pool().deposit(&config, 100, 1_001, 499), refused);
        assert_eq!(pool().withdraw(&config, 100, 1_001, 500), refused);
        assert_eq!(pool().withdraw(&config, 100, 1_000, 501), refused);
    }

    #[test]
    fn un_swept_fees_are_not_shared_out() {
        // 5,000 in the vault, 1,000 of it fees: 10 % of 4,000. The fees are off the virtual reserves, so no boost.
        let pool = PoolState { protocol_fees: 400, creator_fees: 600, virtual_quote: -1_000, ..pool() };
        let withdrawal = pool.withdraw(&AmmConfig::default(), 100, 0, 0).unwrap();
        assert_eq!((withdrawal.quote, withdrawal.after.virtual_quote), (400, -1_000));
    }

    #[test]
    fn a_boost_moves_with_the_shares() {
        // As the compiled program left it: 17,584,505,288 at 10^9 shares, one share more or less.
        let boosted = PoolState { lp_supply: 1_000_000_000, virtual_quote: 17_584_505_288, ..pool() };
        let config = AmmConfig::default();
        let more = boosted.deposit(&config, 1, u64::MAX, u64::MAX).unwrap();
        assert_eq!(more.after.virtual_quote, 17_584_505_305);
        let less = boosted.withdraw(&config, 1, 0, 0).unwrap();
        assert_eq!(less.after.virtual_quote, 17_584_505_270);
    }

    #[test]
    fn more_shares_than_there_are_cannot_be_withdrawn() {
        let config = AmmConfig::default();
        assert_eq!(pool().withdraw(&config, 1_001, 0, 0), Err(AmmError::SeedLockViolation));
        assert_eq!(pool().withdraw(&config, 1_000, 0, 0).unwrap().after.quote_vault, 0);
    }

    #[test]
    fn a_pool_without_shares_divides_by_zero() {
        let empty = PoolState { lp_supply: 0, ..pool() };
        assert_eq!(empty.deposit(&AmmConfig::default(), 1, u64::MAX, u64::MAX), Err(AmmError::DivisionByZero));
    }
}
