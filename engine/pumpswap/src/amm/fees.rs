//! Fee schedules, the tier that applies, and the rounding of one fee.
//!
//! Source: the PumpSwap program and the fees program's `FeeConfig` account. A pool that did not graduate from the bonding
//! curve pays the flat schedule. A graduated one pays the tier of its market capitalisation `⌊E·S/B⌋` where its quote is
//! SOL or USDC, each with a table of its own, and the exotic schedule where it is anything else (the flat one while the
//! exotic one is all zero).

use super::error::AmmError;
use super::pool::{PoolOrigin, QuoteMint};
use super::{BPS, schedule};
use crate::Bps;

/// The three rates of a trade, in basis points of the quote that crosses the curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FeeRates {
    /// Stays in the pool, for its liquidity providers.
    pub lp: Bps,
    /// Goes to the protocol, less the buyback slice.
    pub protocol: Bps,
    /// Goes to the coin's creator, or back to the trader on a cashback coin.
    pub creator: Bps,
}

impl FeeRates {
    /// Rates from basis points, in the order of the account.
    #[must_use]
    pub const fn new(lp: u64, protocol: u64, creator: u64) -> Self {
        Self { lp: Bps(lp), protocol: Bps(protocol), creator: Bps(creator) }
    }

    /// The sum of the three, in basis points; wider than the parts because an account may hold anything.
    #[must_use]
    pub const fn total(self) -> u128 {
        self.lp.0 as u128 + self.protocol.0 as u128 + self.creator.0 as u128
    }

    fn is_zero(self) -> bool {
        self.total() == 0
    }
}

/// The rates from one market capitalisation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTier {
    /// First market capitalisation of the tier, in the smallest unit of the quote.
    pub threshold: u128,
    /// Its rates.
    pub rates: FeeRates,
}

/// A table of tiers, as the account lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeeTiers {
    tiers: Vec<FeeTier>,
    /// The account does not promise an order, but an ascending table can be searched by halves.
    ascending: bool,
}

impl FeeTiers {
    /// A table in the account's order.
    #[must_use]
    pub fn new(tiers: Vec<FeeTier>) -> Self {
        let ascending = tiers.is_sorted_by_key(|tier| tier.threshold);
        Self { tiers, ascending }
    }

    /// The tiers, in the account's order.
    #[must_use]
    pub fn as_slice(&self) -> &[FeeTier] {
        &self.tiers
    }

    /// The last tier whose threshold is at most `cap_product / base`, the first one where none is.
    ///
    /// `⌊p/B⌋ >= t` is `p >= t·B` in integers, which saves the division.
    #[inline]
    fn select(&self, cap_product: u128, base: u64) -> Result<FeeRates, AmmError> {
        let first = self.tiers.first().ok_or(AmmError::FeeTiersEmpty)?;
        let reached = |tier: &FeeTier| reaches(cap_product, base, tier.threshold);
        // Below the first tier of a table in disorder the first one still applies.
        if !reached(first) {
            return Ok(first.rates);
        }
        let last = if self.ascending {
            self.tiers.partition_point(reached).checked_sub(1).and_then(|last| self.tiers.get(last))
        } else {
            self.tiers.iter().rev().find(|tier| reached(tier))
        };
        Ok(last.unwrap_or(first).rates)
    }
}

/// Whether `⌊cap_product / base⌋ >= threshold`.
#[inline]
fn reaches(cap_product: u128, base: u64, threshold: u128) -> bool {
    match u64::try_from(threshold) {
        Ok(threshold) => cap_product >= u128::from(threshold) * u128::from(base),
        // A product beyond u128 is beyond every product of two u64.
        Err(_) => threshold.checked_mul(u128::from(base)).is_some_and(|needed| cap_product >= needed),
    }
}

/// The fees program's schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeConfig {
    /// Pools that did not graduate from the bonding curve.
    pub flat: FeeRates,
    /// Graduated pools quoted in SOL, by market capitalisation in lamports.
    pub sol_tiers: FeeTiers,
    /// Graduated pools quoted in USDC, by market capitalisation in its smallest unit.
    pub stable_tiers: FeeTiers,
    /// Graduated pools quoted in anything else; all zero means that the flat schedule applies.
    pub exotic: FeeRates,
}

impl Default for FeeConfig {
    /// The account as it stood on mainnet on 2026-09-08 (slot 445,186,127). A live host reads the account instead.
    fn default() -> Self {
        Self::new(schedule::FLAT, schedule::sol_tiers(), schedule::stable_tiers(), schedule::EXOTIC)
    }
}

impl FeeConfig {
    /// The schedules of an account.
    ///
    /// An empty `stable_tiers` is taken as the SOL table, as the vendor's clients read accounts from before there was
    /// one. (The compiled program itself refuses a pool whose table is empty.)
    #[must_use]
    pub fn new(flat: FeeRates, sol_tiers: FeeTiers, stable_tiers: FeeTiers, exotic: FeeRates) -> Self {
        let stable_tiers = if stable_tiers.as_slice().is_empty() { sol_tiers.clone() } else { stable_tiers };
        Self { flat, sol_tiers, stable_tiers, exotic }
    }

    /// One schedule for every pool and every market capitalisation.
    #[must_use]
    pub fn uniform(rates: FeeRates) -> Self {
        let tiers = FeeTiers::new(vec![FeeTier { threshold: 0, rates }]);
        Self { flat: rates, sol_tiers: tiers.clone(), stable_tiers: tiers, exotic: rates }
    }

    /// The same schedules with every rate changed by `f`.
    #[must_use]
    pub fn map(&self, f: impl Fn(FeeRates) -> FeeRates) -> Self {
        let tiers = |table: &FeeTiers| {
            FeeTiers::new(table.as_slice().iter().map(|t| FeeTier { rates: f(t.rates), ..*t }).collect())
        };
        Self {
            flat: f(self.flat),
            sol_tiers: tiers(&self.sol_tiers),
            stable_tiers: tiers(&self.stable_tiers),
            exotic: f(self.exotic),
        }
    }

    /// The scheduled rates of a pool, before its own creator rate.
    ///
    /// `cap_product` is `E·S`, effective quote times supply; `base` the base reserve `B`.
    ///
    /// # Errors
    /// `DivisionByZero` where `base` is zero (the program computes the capitalisation on every path);
    /// `FeeTiersEmpty` where the table that applies has no tier.
    #[inline]
    pub fn rates(
        &self,
        origin: PoolOrigin,
        quote: QuoteMint,
        cap_product: u128,
        base: u64,
    ) -> Result<FeeRates, AmmError> {
        if base == 0 {
            return Err(AmmError::DivisionByZero);
        }
        match (origin, quote) {
            (PoolOrigin::ThirdParty, _) => Ok(self.flat),
            (PoolOrigin::Graduated, QuoteMint::Sol) => self.sol_tiers.select(cap_product, base),
            (PoolOrigin::Graduated, QuoteMint::Usdc) => self.stable_tiers.select(cap_product, base),
            (PoolOrigin::Graduated, QuoteMint::Other) if self.exotic.is_zero() => Ok(self.flat),
            (PoolOrigin::Graduated, QuoteMint::Other) => Ok(self.exotic),
        }
    }
}

/// One fee: `⌈amount · rate / 10,000⌉`.
///
/// # Errors
/// `Truncation` where it does not fit `u64`, which takes a rate above 10,000.
#[inline]
pub(super) fn fee(amount: u64, rate: Bps) -> Result<u64, AmmError> {
    // Divided as u64 by a constant the quotient is a multiplication; u128 is a call.
    if let Some(product) = amount.checked_mul(rate.0) {
        return Ok(product.div_ceil(BPS));
    }
    let product = u128::from(amount) * u128::from(rate.0);
    u64::try_from(product.div_ceil(u128::from(BPS))).map_err(|_| AmmError::Truncation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amm::schedule::FLAT;

    fn tier(threshold: u128, lp: u64) -> FeeTier {
        FeeTier { threshold, rates: FeeRates::new(lp, 0, 0) }
    }

    /// Selects at a market capitalisation of `cap` (base 1, so that the product is the capitalisation).
    fn lp_at(tiers: &FeeTiers, cap: u128) -> u64 {
        tiers.select(cap, 1).unwrap().lp.0
    }

    #[test]
    fn a_fee_is_rounded_up() {
        assert_eq!(fee(10_000, Bps(20)), Ok(20));
        assert_eq!(fee(10_001, Bps(20)), Ok(21));
        assert_eq!(fee(1, Bps(1)), Ok(1));
        assert_eq!(fee(0, Bps(95)), Ok(0));
    }

    #[test]
    fn a_fee_on_an_amount_near_u64_is_exact() {
        // ⌈(2^64 − 1) · 20 / 10,000⌉
        assert_eq!(fee(u64::MAX, Bps(20)), Ok(36_893_488_147_419_104));
        assert_eq!(fee(u64::MAX, Bps(10_000)), Ok(u64::MAX));
        assert_eq!(fee(u64::MAX, Bps(10_001)), Err(AmmError::Truncation));
    }

    #[test]
    fn a_threshold_belongs_to_its_own_tier() {
        let tiers = FeeTiers::new(vec![tier(10, 1), tier(20, 2), tier(30, 3)]);
        for (cap, lp) in [(0, 1), (9, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (1000, 3)] {
            assert_eq!(lp_at(&tiers, cap), lp, "market capitalisation {cap}");
        }
    }

    #[test]
    fn a_table_in_disorder_is_read_from_its_end() {
        let tiers = FeeTiers::new(vec![tier(10, 1), tier(30, 3), tier(20, 2)]);
        assert_eq!(lp_at(&tiers, 5), 1);
        assert_eq!(lp_at(&tiers, 25), 2);
        assert_eq!(lp_at(&tiers, 40), 2);
    }

    #[test]
    fn an_empty_table_is_the_programs_error() {
        assert_eq!(FeeTiers::default().select(1, 1), Err(AmmError::FeeTiersEmpty));
    }

    #[test]
    fn an_account_without_a_stable_table_uses_the_sol_table() {
        let config = FeeConfig::new(FLAT, FeeTiers::new(vec![tier(0, 7)]), FeeTiers::default(), FLAT);
        assert_eq!(config.rates(PoolOrigin::Graduated, QuoteMint::Usdc, 1, 1), Ok(FeeRates::new(7, 0, 0)));
    }

    #[test]
    fn a_capitalisation_is_compared_as_its_floor() {
        // 59/3 = 19.67 is below 20; 60/3 is not.
        let tiers = FeeTiers::new(vec![tier(0, 1), tier(20, 2)]);
        assert_eq!(tiers.select(59, 3).unwrap().lp.0, 1);
        assert_eq!(tiers.select(60, 3).unwrap().lp.0, 2);
    }

    #[test]
    fn a_threshold_beyond_u64_is_never_reached_by_wrapping() {
        let tiers = FeeTiers::new(vec![tier(0, 1), tier(u128::MAX, 2)]);
        assert_eq!(tiers.select(u128::MAX, u64::MAX).unwrap().lp.0, 1);
        assert_eq!(tiers.select(u128::MAX, 1).unwrap().lp.0, 2);
    }

    #[test]
    fn an_unset_exotic_schedule_falls_back_to_the_flat_one() {
        let mut config = FeeConfig::default();
        let rates = |config: &FeeConfig| config.rates(PoolOrigin::Graduated, QuoteMint::Other, 0, 1).unwrap();
        assert_eq!(rates(&config), FeeRates::new(25, 5, 0));
        config.exotic = FeeRates::new(30, 15, 5);
        assert_eq!(rates(&config), FeeRates::new(30, 15, 5));
    }

    #[test]
    fn the_default_table_charges_125_bps_at_graduation_and_30_at_the_top() {
        let config = FeeConfig::default();
        let sol = 1_000_000_000_u128;
        let total = |cap: u128| config.rates(PoolOrigin::Graduated, QuoteMint::Sol, cap * sol, 1).unwrap().total();
        assert_eq!([total(410), total(419), total(420), total(98_239), total(98_240)], [125, 125, 120, 33, 30]);
    }

    #[test]
    fn the_stable_table_starts_its_second_tier_at_59_thousand_dollars() {
        let config = FeeConfig::default();
        let rates = |cap: u128| config.rates(PoolOrigin::Graduated, QuoteMint::Usdc, cap * 1_000_000, 1).unwrap();
        assert_eq!(rates(58_999), FeeRates::new(2, 93, 30));
        assert_eq!(rates(59_000), FeeRates::new(20, 5, 95));
        assert_eq!(rates(20_000_000), FeeRates::new(20, 5, 5));
    }
}
