//! Inverse questions, in closed form: the largest trade within an impact, the size for a share of the reserve.
//!
//! **Impact** is one definition for every order: input over reserve plus input, `x/(r+x)`. On the curve it is exactly
//! the share of the trade's value at the spot price that the curve keeps (output `y·x/(r+x)` against `y·x/r` at spot).
//! The input is quote before fees for a buy (`E` is its reserve) and base for a sell (`B` is its reserve); fees are a cost
//! of their own and not part of it.
//!
//! Each function returns the largest size that the bound admits: one unit more breaks it. The property tests prove that
//! against the forward quotes. Zero means that nothing fits.

use super::BPS;
use super::curve::mul_div_floor;
use super::error::AmmError;
use super::fees::FeeRates;
use super::order::Side;
use super::pool::{AmmConfig, PoolState};
use super::swap::Swap;
use crate::Bps;

/// How far a trade moves along the curve: `input / (reserve + input)`, an exact ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// What crosses the curve, in the smallest unit of its mint, fees not counted.
    pub input: u64,
    /// What the pool held of the same mint before, as it prices.
    pub reserve: u64,
}

impl Impact {
    /// Whether it is at most `bound`, exactly.
    #[must_use]
    pub fn is_within(self, bound: Bps) -> bool {
        if bound.0 >= BPS {
            return true;
        }
        u128::from(self.input) * u128::from(BPS) <= u128::from(bound.0) * self.whole()
    }

    /// In basis points, rounded up; zero where nothing comes in.
    #[must_use]
    pub fn bps(self) -> Bps {
        let parts = u128::from(self.input) * u128::from(BPS);
        let whole = self.whole().max(1);
        // The ratio is at most one, so the quotient is at most 10,000.
        Bps(u64::try_from(parts.div_ceil(whole)).unwrap_or(BPS))
    }

    fn whole(self) -> u128 {
        u128::from(self.reserve) + u128::from(self.input)
    }
}

/// A sell that aims at proceeds; see [`PoolState::sell_for_quote_out`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SellForQuote {
    /// Base to sell, in its smallest unit.
    pub base_in: u64,
    /// Quote that has to cross the curve so that the proceeds remain after fees, in its smallest unit.
    pub raw_quote: u64,
}

impl PoolState {
    /// The impact of a trade that was quoted on this state.
    ///
    /// # Errors
    /// `Overflow` where the effective reserve is out of range.
    pub fn impact(&self, swap: &Swap) -> Result<Impact, AmmError> {
        Ok(match swap.side {
            Side::Buy => Impact { input: swap.raw_quote, reserve: self.effective_quote()? },
            Side::Sell => Impact { input: swap.base, reserve: self.base_vault },
        })
    }

    /// The most base that a buy of an exact amount can take within `bound`, in its smallest unit.
    ///
    /// With `n = ⌊E·i/(1−i)⌋` quote admitted, `⌈E·b/(B−b)⌉ <= n` is `b <= n·B/(E+n)`.
    ///
    /// # Errors
    /// `Overflow` where the effective reserve is out of range.
    pub fn largest_buy_within_impact(&self, bound: Bps) -> Result<u64, AmmError> {
        let effective = self.effective_quote()?;
        let admitted = input_within(effective, bound);
        // A pool without quote has no price; what it would give away is not a size.
        if effective == 0 {
            return Ok(0);
        }
        Ok(mul_div_floor(admitted, self.base_vault, u128::from(effective) + u128::from(admitted)).unwrap_or(0))
    }

    /// The most quote, fees included, that an exact spend can use within `bound`, in its smallest unit.
    ///
    /// # Errors
    /// As of [`PoolState::rates`].
    #[inline]
    pub fn largest_spend_within_impact(&self, config: &AmmConfig, bound: Bps) -> Result<u64, AmmError> {
        let admitted = input_within(self.effective_quote()?, bound);
        Ok(largest_spend(admitted, self.charged_rates(config)?))
    }

    /// The most base that a sell can give within `bound`, in its smallest unit: `⌊B·i/(1−i)⌋`, and no more than the
    /// vault can hold.
    #[must_use]
    pub fn largest_sell_within_impact(&self, bound: Bps) -> u64 {
        input_within(self.base_vault, bound).min(u64::MAX - self.base_vault)
    }

    /// The most base that the vault can pay for, in its smallest unit: on a boosted pool the curve promises quote that
    /// is not there (error 6063).
    ///
    /// # Errors
    /// As of [`PoolState::rates`], and `Overflow` where the vault holds less than its un-swept fees.
    pub fn largest_payable_sell(&self, config: &AmmConfig) -> Result<u64, AmmError> {
        let real = self.real_quote()?;
        let lp = self.charged_rates(config)?.lp.0;
        // raw − ⌈raw·l/K⌉ = ⌊raw·(K−l)/K⌋ <= real  <=>  raw·(K−l) < (real+1)·K
        let raw = match BPS.checked_sub(lp) {
            None | Some(0) => u64::MAX,
            Some(rest) => {
                let product = (u128::from(real) + 1) * u128::from(BPS);
                u64::try_from(product.div_ceil(u128::from(rest)) - 1).unwrap_or(u64::MAX)
            }
        };
        self.largest_sell_paying(raw)
    }

    /// The most quote, fees included, that an exact spend can use so that what enters the curve is at most `share` of
    /// the real quote reserve; in the quote's smallest unit.
    ///
    /// The real reserve, not the effective one: a boost prices, but it cannot be withdrawn.
    ///
    /// # Errors
    /// As of [`PoolState::rates`], and `Overflow` where the vault holds less than its un-swept fees.
    pub fn spend_for_reserve_share(&self, config: &AmmConfig, share: Bps) -> Result<u64, AmmError> {
        let admitted = share_of(self.real_quote()?, share);
        Ok(largest_spend(admitted, self.charged_rates(config)?))
    }

    /// The most base that a sell can give so that what leaves the curve, before fees, is at most `share` of the real
    /// quote reserve; in the base's smallest unit.
    ///
    /// # Errors
    /// `Overflow` where a reserve is out of range.
    pub fn sell_for_reserve_share(&self, share: Bps) -> Result<u64, AmmError> {
        self.largest_sell_paying(share_of(self.real_quote()?, share))
    }

    /// The sell that leaves about `quote_out` after fees, as the vendor's clients size it:
    /// `raw = ⌈q·10,000/(10,000−rates)⌉`, `b = ⌈B·raw/(E−raw)⌉`. Three fees are rounded up on `raw`, so that the
    /// proceeds can fall short by 2 units of the quote.
    ///
    /// # Errors
    /// As of [`PoolState::rates`]; `InsufficientRealQuoteReserves` where the curve does not hold so much; `Overflow`
    /// where the fees take everything; `Truncation` where the size exceeds `u64`.
    pub fn sell_for_quote_out(&self, config: &AmmConfig, quote_out: u64) -> Result<SellForQuote, AmmError> {
        let effective = self.effective_quote()?;
        let rest = u128::from(BPS).checked_sub(self.charged_rates(config)?.total()).filter(|rest| *rest > 0);
        let rest = rest.ok_or(AmmError::Overflow)?;
        let raw = (u128::from(quote_out) * u128::from(BPS)).div_ceil(rest);
        let raw = u64::try_from(raw).map_err(|_| AmmError::InsufficientRealQuoteReserves)?;
        let left = effective.checked_sub(raw).filter(|left| *left > 0);
        let left = left.ok_or(AmmError::InsufficientRealQuoteReserves)?;
        let base_in = (u128::from(self.base_vault) * u128::from(raw)).div_ceil(u128::from(left));
        Ok(SellForQuote { base_in: u64::try_from(base_in).map_err(|_| AmmError::Truncation)?, raw_quote: raw })
    }

    /// The most base whose raw proceeds `⌊E·b/(B+b)⌋` are at most `raw`: `b·(E−raw−1) < (raw+1)·B`.
    fn largest_sell_paying(&self, raw: u64) -> Result<u64, AmmError> {
        let room = u64::MAX - self.base_vault;
        let effective = u128::from(self.effective_quote()?);
        let first_above = u128::from(raw) + 1;
        Ok(match effective.checked_sub(first_above) {
            // The curve never pays its last unit, so that no size reaches what is above `raw`.
            None | Some(0) => room,
            Some(rest) => {
                let above = (first_above * u128::from(self.base_vault)).div_ceil(rest);
                u64::try_from(above.saturating_sub(1)).unwrap_or(room).min(room)
            }
        })
    }
}

/// The most input within `bound` of a reserve: `x/(r+x) <= i` is `x <= r·i/(1−i)`.
fn input_within(reserve: u64, bound: Bps) -> u64 {
    match BPS.checked_sub(bound.0) {
        None | Some(0) => u64::MAX,
        Some(rest) => mul_div_floor(reserve, bound.0, u128::from(rest)).unwrap_or(u64::MAX),
    }
}

/// `⌊reserve · share / 10,000⌋`, at most the reserve.
fn share_of(reserve: u64, share: Bps) -> u64 {
    mul_div_floor(reserve, share.0.min(BPS), u128::from(BPS)).unwrap_or(0)
}

/// The most that can be spent so that at most `admitted` enters the curve.
///
/// A spend `s` swaps `min(m, s − F(m))`, where `m = ⌊s·K/(K+Σ)⌋` and `F(m)`, the three fees rounded up, is below
/// `m·Σ/K + 3`. So `m` can exceed what is admitted by at most two, if the roundings take the excess away again; beyond
/// `m = admitted + 2` nothing fits. Each `m` is reached by the spends from `⌈m·(K+Σ)/K⌉` on.
fn largest_spend(admitted: u64, rates: FeeRates) -> u64 {
    if admitted == 0 {
        return 0;
    }
    let admitted = u128::from(admitted);
    let whole = u128::from(BPS) + rates.total();
    let first_spend = |m: u128| m.checked_mul(whole).map(|product| product.div_ceil(u128::from(BPS)));
    let limit = u128::from(u64::MAX);
    for m in [admitted + 2, admitted + 1] {
        let Some(first) = first_spend(m).filter(|first| *first <= limit) else { continue };
        let last = first_spend(m + 1).map_or(limit, |next| next - 1);
        let spend = last.min(admitted + fees_on(m, rates)).min(limit);
        if spend >= first {
            return u64::try_from(spend).unwrap_or(u64::MAX);
        }
    }
    let last = first_spend(admitted + 1).map_or(limit, |next| next - 1);
    u64::try_from(last).unwrap_or(u64::MAX)
}

/// The three fees on `amount` (below 2^65), each rounded up; saturated, because a rate may be anything.
fn fees_on(amount: u128, rates: FeeRates) -> u128 {
    [rates.lp, rates.protocol, rates.creator]
        .into_iter()
        .map(|rate| amount.saturating_mul(u128::from(rate.0)).div_ceil(u128::from(BPS)))
        .fold(0, u128::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> PoolState {
        PoolState::new(1_000_000, 100_000)
    }

    #[test]
    fn a_quarter_of_the_reserve_in_is_a_fifth_of_impact() {
        let impact = Impact { input: 25, reserve: 100 };
        assert_eq!(impact.bps(), Bps(2_000));
        assert!(impact.is_within(Bps(2_000)) && !impact.is_within(Bps(1_999)));
    }

    #[test]
    fn a_fifth_of_impact_admits_a_quarter_of_the_reserve() {
        assert_eq!(pool().largest_sell_within_impact(Bps(2_000)), 250_000);
        // 25,000 quote take 1,000,000 · 25,000 / 125,000 base.
        assert_eq!(pool().largest_buy_within_impact(Bps(2_000)), Ok(200_000));
    }

    #[test]
    fn the_largest_spend_adds_the_fees_to_what_the_curve_admits() {
        // A spend of 25,077 nets 25,001; its fees are 51 + 13 + 13 and cost one unit too much, so that 25,000 enter.
        let config =
            AmmConfig { fees: crate::amm::FeeConfig::uniform(FeeRates::new(20, 5, 5)), ..AmmConfig::default() };
        assert_eq!(pool().largest_spend_within_impact(&config, Bps(2_000)), Ok(25_077));
    }

    #[test]
    fn no_bound_admits_all_that_fits() {
        let pool = pool();
        assert_eq!(pool.largest_sell_within_impact(Bps(10_000)), u64::MAX - 1_000_000);
        assert_eq!(pool.largest_buy_within_impact(Bps(u64::MAX)), Ok(999_999));
        assert_eq!(pool.largest_spend_within_impact(&AmmConfig::default(), Bps(10_000)), Ok(u64::MAX));
    }

    #[test]
    fn a_bound_of_nothing_admits_nothing() {
        let pool = pool();
        assert_eq!(pool.largest_sell_within_impact(Bps(0)), 0);
        assert_eq!(pool.largest_buy_within_impact(Bps(0)), Ok(0));
        assert_eq!(pool.largest_spend_within_impact(&AmmConfig::default(), Bps(0)), Ok(0));
    }

    #[test]
    fn a_boosted_pool_pays_no_more_than_its_vault() {
        // E = 100,000, of which 10,000 are there; no fees: b·(100,000 − 10,001) < 10,001 · 10^6, b < 111,123.4.
        let boosted = PoolState { quote_vault: 10_000, virtual_quote: 90_000, ..pool() };
        let free = AmmConfig { fees: crate::amm::FeeConfig::uniform(FeeRates::default()), ..AmmConfig::default() };
        assert_eq!(boosted.largest_payable_sell(&free), Ok(111_123));
        assert_eq!(boosted.sell_for_reserve_share(Bps(10_000)), Ok(111_123));
        assert_eq!(boosted.spend_for_reserve_share(&free, Bps(2_500)), Ok(2_500));
    }

    #[test]
    fn a_pool_out_of_range_is_an_error_not_a_size() {
        let broken = PoolState { virtual_quote: -100_001, ..pool() };
        assert_eq!(broken.largest_buy_within_impact(Bps(100)), Err(AmmError::Overflow));
        assert_eq!(broken.sell_for_reserve_share(Bps(100)), Err(AmmError::Overflow));
    }
}
