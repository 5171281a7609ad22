//! The state of a pool and the program's configuration: everything that a trade depends on.

use super::error::AmmError;
use super::fees::{FeeConfig, FeeRates};
use super::{BPS, MAYHEM_SUPPLY};
use crate::Bps;

/// Where a pool came from; it decides the fee schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PoolOrigin {
    /// A coin that graduated from the bonding curve: index 0, created by the curve's pool authority ("canonical").
    #[default]
    Graduated,
    /// Anybody else's pool: flat fees.
    ThirdParty,
}

/// What a pool is quoted in, as far as fees care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuoteMint {
    /// Wrapped SOL, of either token program.
    #[default]
    Sol,
    /// USDC.
    Usdc,
    /// Any other mint.
    Other,
}

/// A pool at one moment.
///
/// Amounts are in the smallest unit of their mint. Source: the program's `Pool` account, its two vaults and the base
/// mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// `B`: what the base vault holds.
    pub base_vault: u64,
    /// `Q`: what the quote vault holds, un-swept fees included.
    pub quote_vault: u64,
    /// `V`: quote that prices but is not there (a boost), less the un-swept fees that are there but do not price.
    pub virtual_quote: i128,
    /// Protocol fees of v2 trades that are still in the quote vault.
    pub protocol_fees: u64,
    /// Creator fees of v2 trades that are still in the quote vault.
    pub creator_fees: u64,
    /// `S`: the base mint's supply.
    pub base_supply: u64,
    /// `L`: pool shares, not reduced by what holders burn.
    pub lp_supply: u64,
    /// Where the pool came from.
    pub origin: PoolOrigin,
    /// What it is quoted in.
    pub quote_mint: QuoteMint,
    /// Whether a coin creator is set; without one no creator fee is charged, whatever the schedule says.
    pub has_coin_creator: bool,
    /// Whether the coin is in mayhem mode: priced at a constant supply, and no buyback.
    pub is_mayhem: bool,
    /// Whether the creator's fee goes back to the trader.
    pub is_cashback: bool,
    /// The pool's own creator rate; zero means the schedule's.
    pub creator_fee: Bps,
}

impl PoolState {
    /// A graduated SOL pool with a coin creator, the usual supply of 10^9 tokens of 6 decimals, and nothing special.
    #[must_use]
    #[inline]
    pub const fn new(base_vault: u64, quote_vault: u64) -> Self {
        Self {
            base_vault,
            quote_vault,
            virtual_quote: 0,
            protocol_fees: 0,
            creator_fees: 0,
            base_supply: MAYHEM_SUPPLY,
            lp_supply: 0,
            origin: PoolOrigin::Graduated,
            quote_mint: QuoteMint::Sol,
            has_coin_creator: true,
            is_mayhem: false,
            is_cashback: false,
            creator_fee: Bps(0),
        }
    }

    /// `E = Q + V`: the quote reserve that prices, in the quote's smallest unit.
    ///
    /// # Errors
    /// `Overflow` where it is negative or beyond `u64`; the program refuses to trade then.
    #[inline]
    pub fn effective_quote(&self) -> Result<u64, AmmError> {
        // The usual pool, and the cheap path: no virtual reserves.
        if self.virtual_quote == 0 {
            return Ok(self.quote_vault);
        }
        i128::from(self.quote_vault)
            .checked_add(self.virtual_quote)
            .and_then(|effective| u64::try_from(effective).ok())
            .ok_or(AmmError::Overflow)
    }

    /// Quote that is there for traders and liquidity providers: the vault less the un-swept fees, in the quote's
    /// smallest unit.
    ///
    /// # Errors
    /// `Overflow` where the vault holds less than the fees it is said to hold.
    #[inline]
    pub fn real_quote(&self) -> Result<u64, AmmError> {
        self.quote_vault.checked_sub(self.unswept_fees()?).ok_or(AmmError::Overflow)
    }

    /// Un-swept protocol and creator fees, in the quote's smallest unit.
    #[inline]
    pub(super) fn unswept_fees(&self) -> Result<u64, AmmError> {
        self.protocol_fees.checked_add(self.creator_fees).ok_or(AmmError::Overflow)
    }

    /// `⌊E·S / B⌋`: the market capitalisation that selects the fee tier, in the quote's smallest unit.
    ///
    /// # Errors
    /// `Overflow` as of [`effective_quote`](Self::effective_quote); `DivisionByZero` where there is no base.
    pub fn market_cap(&self) -> Result<u128, AmmError> {
        self.cap_product(self.effective_quote()?)
            .checked_div(u128::from(self.base_vault))
            .ok_or(AmmError::DivisionByZero)
    }

    /// `E·S`, the market capitalisation before its division.
    #[inline]
    fn cap_product(&self, effective: u64) -> u128 {
        let supply = if self.is_mayhem { MAYHEM_SUPPLY } else { self.base_supply };
        u128::from(effective) * u128::from(supply)
    }

    /// The rates of a trade on this state, as the program prints them in its event: the schedule's, with the pool's own
    /// creator rate where the configuration allows one. They include a creator rate where there is no coin creator to
    /// receive it; [`charged_rates`](Self::charged_rates) do not.
    ///
    /// # Errors
    /// `Overflow` where the effective reserve is out of range, `DivisionByZero` where there is no base, `FeeTiersEmpty`
    /// where the table that applies has no tier.
    #[inline]
    pub fn rates(&self, config: &AmmConfig) -> Result<FeeRates, AmmError> {
        self.rates_at(config, self.effective_quote()?)
    }

    #[inline]
    pub(super) fn rates_at(&self, config: &AmmConfig, effective: u64) -> Result<FeeRates, AmmError> {
        let mut rates =
            config.fees.rates(self.origin, self.quote_mint, self.cap_product(effective), self.base_vault)?;
        if config.creator_fee_configurable && self.creator_fee.0 != 0 {
            rates.creator = self.creator_fee;
        }
        Ok(rates)
    }

    /// The rates that a trade on this state pays: without a coin creator there is no creator fee, nor a cashback.
    ///
    /// # Errors
    /// As of [`rates`](Self::rates).
    #[inline]
    pub fn charged_rates(&self, config: &AmmConfig) -> Result<FeeRates, AmmError> {
        self.rates(config).map(|rates| self.charged(rates))
    }

    #[inline]
    pub(super) fn charged(&self, rates: FeeRates) -> FeeRates {
        if self.has_coin_creator { rates } else { FeeRates { creator: Bps(0), ..rates } }
    }
}

/// Instructions that the program's administrator has switched off; bits as in the `GlobalConfig` account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DisabledInstructions(pub u8);

impl DisabledInstructions {
    pub(super) const DEPOSIT: u8 = 1 << 1;
    pub(super) const WITHDRAW: u8 = 1 << 2;
    pub(super) const BUY: u8 = 1 << 3;
    pub(super) const SELL: u8 = 1 << 4;

    #[inline]
    pub(super) fn refuse(self, bit: u8, error: AmmError) -> Result<(), AmmError> {
        if self.0 & bit == 0 { Ok(()) } else { Err(error) }
    }
}

/// What prices a trade besides the pool: the program's `GlobalConfig` and the fees program's `FeeConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmmConfig {
    /// Fee schedules.
    pub fees: FeeConfig,
    /// The share of the protocol's fee that buys back the platform's token.
    pub buyback: Bps,
    /// Whether pools may have a creator rate of their own.
    pub creator_fee_configurable: bool,
    /// Instructions that are switched off.
    pub disabled: DisabledInstructions,
}

impl Default for AmmConfig {
    /// Mainnet's: the default [`FeeConfig`], half of the protocol's fee for buybacks, no rates of a pool's own.
    fn default() -> Self {
        Self {
            fees: FeeConfig::default(),
            buyback: Bps(5_000),
            creator_fee_configurable: false,
            disabled: DisabledInstructions::default(),
        }
    }
}

impl AmmConfig {
    /// The slice of a protocol fee that goes to buybacks: `⌊fee · buyback / 10,000⌋`, nothing on a mayhem pool.
    ///
    /// The program panics on a slice above the whole, which its setter refuses; here it is the setter's error.
    #[inline]
    pub(super) fn buyback_of(&self, protocol_fee: u64, is_mayhem: bool) -> Result<u64, AmmError> {
        if is_mayhem {
            return Ok(0);
        }
        if self.buyback.0 > BPS {
            return Err(AmmError::BuybackBasisPointsOutOfRange);
        }
        // At most 10,000 of a fee: u64 unless the fee is astronomic, and then exact in u128.
        match protocol_fee.checked_mul(self.buyback.0) {
            Some(product) => Ok(product / BPS),
            None => Ok(super::curve::mul_div_floor(protocol_fee, self.buyback.0, u128::from(BPS)).unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_reserves_price_and_can_be_negative() {
        let mut pool = PoolState::new(1_000, 100);
        pool.virtual_quote = 20;
        assert_eq!(pool.effective_quote(), Ok(120));
        pool.virtual_quote = -100;
        assert_eq!(pool.effective_quote(), Ok(0));
        pool.virtual_quote = -101;
        assert_eq!(pool.effective_quote(), Err(AmmError::Overflow));
        pool.virtual_quote = i128::MAX;
        assert_eq!(pool.effective_quote(), Err(AmmError::Overflow));
    }

    #[test]
    fn un_swept_fees_are_in_the_vault_but_not_for_traders() {
        let pool = PoolState { protocol_fees: 30, creator_fees: 20, ..PoolState::new(1_000, 100) };
        assert_eq!(pool.real_quote(), Ok(50));
        assert_eq!(PoolState { creator_fees: 71, ..pool }.real_quote(), Err(AmmError::Overflow));
        assert_eq!(PoolState { creator_fees: u64::MAX, ..pool }.real_quote(), Err(AmmError::Overflow));
    }

    #[test]
    fn a_mayhem_pool_is_capitalised_at_the_constant_supply() {
        let pool = PoolState { base_supply: 7, ..PoolState::new(1_000_000_000, 100) };
        assert_eq!(pool.market_cap(), Ok(0)); // 100 · 7 / 10^9
        assert_eq!(PoolState { is_mayhem: true, ..pool }.market_cap(), Ok(100_000_000)); // 100 · 10^15 / 10^9
    }

    #[test]
    fn a_pools_own_creator_rate_counts_only_where_it_is_allowed() {
        let pool = PoolState { creator_fee: Bps(250), ..PoolState::new(1_000_000, 100) };
        let mut config = AmmConfig::default();
        assert_eq!(pool.rates(&config), Ok(FeeRates::new(2, 93, 30)));
        config.creator_fee_configurable = true;
        assert_eq!(pool.rates(&config), Ok(FeeRates::new(2, 93, 250)));
        let unclaimed = PoolState { has_coin_creator: false, ..pool };
        assert_eq!(unclaimed.rates(&config), Ok(FeeRates::new(2, 93, 250)));
        assert_eq!(unclaimed.charged_rates(&config), Ok(FeeRates::new(2, 93, 0)));
    }

    #[test]
    fn half_of_the_protocol_fee_buys_back_except_on_a_mayhem_pool() {
        let config = AmmConfig::default();
        assert_eq!(config.buyback_of(5, false), Ok(2));
        assert_eq!(config.buyback_of(5, true), Ok(0));
        assert_eq!(config.buyback_of(u64::MAX, false), Ok(u64::MAX / 2));
    }
}
