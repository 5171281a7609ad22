//! The charges of one trade, and what a spend leaves to swap.

use super::BPS;
use super::curve::mul_div_floor;
use super::error::AmmError;
use super::fees::{FeeRates, fee};
use super::pool::{AmmConfig, PoolState};

/// The fees of one trade, in the quote's smallest unit; each is rounded up on the quote that crosses the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The rates in force, as the program prints them; see [`PoolState::rates`].
    pub rates: FeeRates,
    /// Stays in the pool.
    pub lp: u64,
    /// Goes to the protocol, buyback slice included.
    pub protocol: u64,
    /// Goes to the coin's creator; zero on a cashback coin.
    pub creator: u64,
    /// Goes back to the trader, on a cashback coin in place of the creator's fee.
    pub cashback: u64,
    /// The slice of `protocol` that goes to buybacks.
    pub buyback: u64,
}

impl Fees {
    /// Charges `rates` on `amount`; the creator's part goes where the pool says.
    ///
    /// # Errors
    /// `Truncation` where a fee exceeds `u64`, `BuybackBasisPointsOutOfRange` where the slice exceeds the whole.
    #[inline(always)]
    pub(super) fn charge(pool: &PoolState, config: &AmmConfig, rates: FeeRates, amount: u64) -> Result<Self, AmmError> {
        let charged = pool.charged(rates);
        let protocol = fee(amount, charged.protocol)?;
        let last = fee(amount, charged.creator)?;
        let (creator, cashback) = if pool.is_cashback { (0, last) } else { (last, 0) };
        Ok(Self {
            rates,
            lp: fee(amount, charged.lp)?,
            protocol,
            creator,
            cashback,
            buyback: config.buyback_of(protocol, pool.is_mayhem)?,
        })
    }

    /// What the user is charged in all, in the quote's smallest unit. `None` where it exceeds `u64`.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.lp.checked_add(self.protocol)?.checked_add(self.creator)?.checked_add(self.cashback)
    }

    /// Whether the program wants the `pool-v2` address among the accounts of a v1 trade: it does exactly where it
    /// charges a creator fee or a cashback (6062 where it is missing, 6053 where it is passed in vain).
    #[must_use]
    pub fn needs_pool_v2_account(&self) -> bool {
        self.creator != 0 || self.cashback != 0
    }
}

/// `⌊quote_in · 10,000 / (10,000 + rates)⌋`: what is left to swap, before the fees' roundings.
///
/// # Errors
/// `Truncation` where a fee on the whole would not fit `u64`, which takes a rate above 10,000;
/// `BuyNotEnoughQuoteTokensToCoverFees` where nothing is left.
#[inline(always)]
pub(super) fn net_of_fees(quote_in: u64, rates: FeeRates) -> Result<u64, AmmError> {
    let total = rates.total();
    if total > u128::from(BPS) {
        for rate in [rates.lp, rates.protocol, rates.creator] {
            fee(quote_in, rate)?;
        }
    }
    let whole = u128::from(BPS) + total;
    let net = match (quote_in.checked_mul(BPS), u64::try_from(whole)) {
        (Some(product), Ok(whole)) => product / whole,
        _ => mul_div_floor(quote_in, BPS, whole).unwrap_or(0),
    };
    if net == 0 { Err(AmmError::BuyNotEnoughQuoteTokensToCoverFees) } else { Ok(net) }
}
