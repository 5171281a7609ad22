//! Buying and selling: one order on one state, with every amount that moves and the state it leaves.
//!
//! | order | crosses the curve (`raw`) | the user |
//! |---|---|---|
//! | buy `b` base | `⌈E·b/(B−b)⌉` | pays `raw + fees` |
//! | spend `s` quote | `net = ⌊s·10,000/(10,000+rates)⌋`, less what `net + fees` exceeds `s` by; gets `⌊B·(net−1)/(E+net−1)⌋` | pays `net + fees` |
//! | sell `b` base | `⌊E·b/(B+b)⌋` | gets `raw − fees` |
//!
//! The LP fee stays in the pool. With the first version of the instructions the other two leave at once; with the
//! second they stay in the vault until swept, booked in the pool's buckets and subtracted from its virtual reserves, so
//! both versions leave the same price behind. Only the buyback slice leaves at once in both.

use super::charges::{Fees, net_of_fees};
use super::curve::{base_out_for_quote_in, quote_in_for_base_out, quote_out_for_base_in};
use super::error::AmmError;
use super::order::{Order, Side, Version};
use super::pool::{AmmConfig, DisabledInstructions, PoolState};

/// An executed order: every amount, and the pool it leaves. Amounts in the smallest unit of their mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Direction.
    pub side: Side,
    /// Base that the user gets (buys) or gives (sells).
    pub base: u64,
    /// Quote that crosses the curve, before fees.
    pub raw_quote: u64,
    /// Quote that the user pays (buys) or gets (sells), fees in.
    pub user_quote: u64,
    /// The fees.
    pub fees: Fees,
    /// The pool after the trade.
    pub after: PoolState,
}

impl PoolState {
    /// Executes an order, exactly as the program would on this state.
    ///
    /// # Errors
    /// The program's, the first that applies in its own order: instructions switched off, cashback coins in v2, zero
    /// amounts (6001, 6002), reserves out of range (6023), the curve (6016, 6024, 6025), fees (6023, 6024, 6039, 6082),
    /// the vault (6063), and last the order's own limit (6004, 6040).
    #[inline]
    pub fn swap(&self, config: &AmmConfig, version: Version, order: Order) -> Result<Swap, AmmError> {
        match order {
            Order::Buy { base_out, max_quote_in } => self.buy(config, version, base_out, max_quote_in),
            Order::BuyExactQuoteIn { quote_in, min_base_out } => {
                self.buy_exact_quote_in(config, version, quote_in, min_base_out)
            }
            Order::Sell { base_in, min_quote_out } => self.sell(config, version, base_in, min_quote_out),
        }
    }

    // Always inlined, as is what they call: a `Swap` is 200 bytes, and each step out of line copies it once more, which
    // doubles the time of a quote.
    #[inline(always)]
    fn buy(&self, config: &AmmConfig, version: Version, base_out: u64, max_quote_in: u64) -> Result<Swap, AmmError> {
        config.disabled.refuse(DisabledInstructions::BUY, AmmError::DisabledBuy)?;
        self.refuse_cashback(version)?;
        refuse_zero(base_out, AmmError::ZeroBaseAmount)?;
        refuse_zero(max_quote_in, AmmError::ZeroQuoteAmount)?;
        let effective = self.effective_quote()?;
        self.real_quote()?;
        let raw = quote_in_for_base_out(effective, self.base_vault, base_out)?;
        let fees = Fees::charge(self, config, self.rates_at(config, effective)?, raw)?;
        let paid = fees.total().and_then(|fees| raw.checked_add(fees)).ok_or(AmmError::Overflow)?;
        if paid > max_quote_in {
            return Err(AmmError::ExceededSlippage);
        }
        self.bought(version, base_out, raw, paid, fees)
    }

    #[inline(always)]
    fn buy_exact_quote_in(
        &self,
        config: &AmmConfig,
        version: Version,
        quote_in: u64,
        min_base_out: u64,
    ) -> Result<Swap, AmmError> {
        config.disabled.refuse(DisabledInstructions::BUY, AmmError::DisabledBuy)?;
        self.refuse_cashback(version)?;
        refuse_zero(min_base_out, AmmError::ZeroBaseAmount)?;
        refuse_zero(quote_in, AmmError::ZeroQuoteAmount)?;
        let effective = self.effective_quote()?;
        self.real_quote()?;
        let rates = self.rates_at(config, effective)?;
        let gross = net_of_fees(quote_in, self.charged(rates))?;
        let fees = Fees::charge(self, config, rates, gross)?;
        let charged = fees.total().ok_or(AmmError::Overflow)?;
        let cost = gross.checked_add(charged).ok_or(AmmError::Overflow)?;
        // Three roundings up can cost more than there is to spend; the swap gets less then, the fees stay as they are.
        let net =
            gross.checked_sub(cost.saturating_sub(quote_in)).ok_or(AmmError::BuyNotEnoughQuoteTokensToCoverFees)?;
        // The program gives one unit of the quote away before it swaps.
        let swapped = net.checked_sub(1).ok_or(AmmError::BuySlippageBelowMinBaseAmountOut)?;
        let base_out = base_out_for_quote_in(effective, self.base_vault, swapped)?;
        if base_out < min_base_out {
            return Err(AmmError::BuySlippageBelowMinBaseAmountOut);
        }
        let paid = net.checked_add(charged).ok_or(AmmError::Overflow)?;
        self.bought(version, base_out, net, paid, fees)
    }

    #[inline(always)]
    fn sell(&self, config: &AmmConfig, version: Version, base_in: u64, min_quote_out: u64) -> Result<Swap, AmmError> {
        config.disabled.refuse(DisabledInstructions::SELL, AmmError::DisabledSell)?;
        self.refuse_cashback(version)?;
        refuse_zero(base_in, AmmError::ZeroBaseAmount)?;
        let effective = self.effective_quote()?;
        let real = self.real_quote()?;
        let rates = self.rates_at(config, effective)?;
        let raw = quote_out_for_base_in(effective, self.base_vault, base_in)?;
        let fees = Fees::charge(self, config, rates, raw)?;
        let leaves = raw.checked_sub(fees.lp).ok_or(AmmError::Overflow)?;
        if real < leaves {
            return Err(AmmError::InsufficientRealQuoteReserves);
        }
        let received = fees.total().and_then(|fees| raw.checked_sub(fees)).ok_or(AmmError::Overflow)?;
        if received < min_quote_out {
            return Err(AmmError::ExceededSlippage);
        }
        let mut after = *self;
        after.base_vault = self.base_vault.checked_add(base_in).ok_or(AmmError::Overflow)?;
        // v1: everything but the LP fee leaves. v2: only the user's part and the buyback do.
        let leaves = match version {
            Version::V1 => leaves,
            Version::V2 => {
                after.book(&fees)?;
                received.checked_add(fees.buyback).ok_or(AmmError::Overflow)?
            }
        };
        after.quote_vault = self.quote_vault.checked_sub(leaves).ok_or(AmmError::Overflow)?;
        Ok(Swap { side: Side::Sell, base: base_in, raw_quote: raw, user_quote: received, fees, after })
    }

    /// The state that a buy leaves.
    #[inline(always)]
    fn bought(&self, version: Version, base_out: u64, raw: u64, paid: u64, fees: Fees) -> Result<Swap, AmmError> {
        let mut after = *self;
        after.base_vault = self.base_vault.checked_sub(base_out).ok_or(AmmError::Overflow)?;
        let enters = match version {
            Version::V1 => raw.checked_add(fees.lp),
            Version::V2 => {
                after.book(&fees)?;
                paid.checked_sub(fees.buyback)
            }
        };
        after.quote_vault = enters.and_then(|enters| self.quote_vault.checked_add(enters)).ok_or(AmmError::Overflow)?;
        Ok(Swap { side: Side::Buy, base: base_out, raw_quote: raw, user_quote: paid, fees, after })
    }

    /// Books the fees that a v2 trade leaves in the vault, and takes them off the virtual reserves: they do not price.
    #[inline(always)]
    fn book(&mut self, fees: &Fees) -> Result<(), AmmError> {
        let protocol = fees.protocol.checked_sub(fees.buyback).ok_or(AmmError::Overflow)?;
        self.protocol_fees = self.protocol_fees.checked_add(protocol).ok_or(AmmError::Overflow)?;
        self.creator_fees = self.creator_fees.checked_add(fees.creator).ok_or(AmmError::Overflow)?;
        self.virtual_quote = self
            .virtual_quote
            .checked_sub(i128::from(protocol) + i128::from(fees.creator))
            .ok_or(AmmError::Overflow)?;
        Ok(())
    }

    #[inline(always)]
    fn refuse_cashback(&self, version: Version) -> Result<(), AmmError> {
        if self.is_cashback && version == Version::V2 { Err(AmmError::CashbackCoinNotSupported) } else { Ok(()) }
    }
}

#[inline(always)]
fn refuse_zero(amount: u64, error: AmmError) -> Result<(), AmmError> {
    if amount == 0 { Err(error) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bps;
    use crate::amm::{FeeConfig, FeeRates};

    /// 10,000 base against 10,000 quote: a price of one.
    fn pool() -> PoolState {
        PoolState::new(10_000, 10_000)
    }

    /// One, two and three per cent, half of the protocol's for buybacks.
    fn config() -> AmmConfig {
        AmmConfig { fees: FeeConfig::uniform(FeeRates::new(100, 200, 300)), ..AmmConfig::default() }
    }

    fn run(pool: PoolState, version: Version, order: Order) -> Result<Swap, AmmError> {
        pool.swap(&config(), version, order)
    }

    #[test]
    fn a_buy_pays_the_curve_and_three_fees_each_rounded_up() {
        // ⌈10,000 · 1,000 / 9,000⌉ = 1,112, of which 11.12, 22.24 and 33.36 are fees.
        let swap = run(pool(), Version::V1, Order::buy(1_000)).unwrap();
        assert_eq!((swap.raw_quote, swap.fees.lp, swap.fees.protocol, swap.fees.creator), (1_112, 12, 23, 34));
        assert_eq!((swap.user_quote, swap.fees.buyback), (1_181, 11));
        assert_eq!((swap.after.base_vault, swap.after.quote_vault), (9_000, 11_124));
    }

    #[test]
    fn a_sell_receives_the_curve_less_three_fees() {
        // ⌊10,000 · 1,000 / 11,000⌋ = 909, of which 9.09, 18.18 and 27.27 are fees.
        let swap = run(pool(), Version::V1, Order::sell(1_000)).unwrap();
        assert_eq!((swap.raw_quote, swap.user_quote), (909, 852));
        assert_eq!((swap.after.base_vault, swap.after.quote_vault), (11_000, 9_101));
    }

    #[test]
    fn a_spend_takes_the_excess_of_the_roundings_from_what_it_swaps() {
        // ⌊1,000 · 10,000 / 10,600⌋ = 943; fees 10 + 19 + 29 make 1,001, so that 942 remain, and 941 swap:
        // ⌊10,000 · 941 / 10,941⌋ = 860.
        let swap = run(pool(), Version::V1, Order::spend(1_000)).unwrap();
        assert_eq!((swap.raw_quote, swap.fees.total(), swap.user_quote, swap.base), (942, Some(58), 1_000, 860));
        assert_eq!(swap.after.quote_vault, 10_952);
    }

    #[test]
    fn v2_leaves_the_same_price_and_books_what_stays() {
        let first = run(pool(), Version::V1, Order::buy(1_000)).unwrap();
        let second = run(pool(), Version::V2, Order::buy(1_000)).unwrap();
        assert_eq!(second.user_quote, first.user_quote);
        assert_eq!(second.after.effective_quote(), first.after.effective_quote());
        // All but the buyback of 11 enters; 12 and 34 of it are not for traders.
        assert_eq!((second.after.quote_vault, second.after.virtual_quote), (11_170, -46));
        assert_eq!((second.after.protocol_fees, second.after.creator_fees), (12, 34));
        assert_eq!(second.after.real_quote(), Ok(first.after.quote_vault));
    }

    #[test]
    fn a_v2_sell_pays_the_user_and_the_buyback_only() {
        let swap = run(pool(), Version::V2, Order::sell(1_000)).unwrap();
        // 852 and ⌊19/2⌋ leave; 10 and 28 are booked.
        assert_eq!((swap.after.quote_vault, swap.after.virtual_quote), (10_000 - 852 - 9, -38));
    }

    #[test]
    fn a_cashback_coin_returns_the_creators_fee_and_refuses_v2() {
        let coin = PoolState { is_cashback: true, ..pool() };
        let swap = run(coin, Version::V1, Order::buy(1_000)).unwrap();
        assert_eq!((swap.fees.creator, swap.fees.cashback, swap.user_quote), (0, 34, 1_181));
        assert_eq!(run(coin, Version::V2, Order::buy(1_000)), Err(AmmError::CashbackCoinNotSupported));
    }

    #[test]
    fn without_a_coin_creator_his_rate_is_printed_and_not_charged() {
        let orphan = PoolState { has_coin_creator: false, ..pool() };
        let swap = run(orphan, Version::V1, Order::buy(1_000)).unwrap();
        assert_eq!((swap.fees.rates.creator, swap.fees.creator, swap.user_quote), (Bps(300), 0, 1_147));
        assert!(!swap.fees.needs_pool_v2_account());
        assert!(run(pool(), Version::V1, Order::buy(1_000)).unwrap().fees.needs_pool_v2_account());
    }

    #[test]
    fn a_mayhem_pool_buys_nothing_back() {
        let mayhem = PoolState { is_mayhem: true, ..pool() };
        assert_eq!(run(mayhem, Version::V2, Order::buy(1_000)).unwrap().fees.buyback, 0);
    }

    #[test]
    fn an_orders_limit_is_inclusive() {
        let buy = |max_quote_in| run(pool(), Version::V1, Order::Buy { base_out: 1_000, max_quote_in });
        assert!(buy(1_181).is_ok());
        assert_eq!(buy(1_180), Err(AmmError::ExceededSlippage));
        let spend = |min_base_out| run(pool(), Version::V1, Order::BuyExactQuoteIn { quote_in: 1_000, min_base_out });
        assert!(spend(860).is_ok());
        assert_eq!(spend(861), Err(AmmError::BuySlippageBelowMinBaseAmountOut));
        let sell = |min_quote_out| run(pool(), Version::V1, Order::Sell { base_in: 1_000, min_quote_out });
        assert!(sell(852).is_ok());
        assert_eq!(sell(853), Err(AmmError::ExceededSlippage));
    }

    #[test]
    fn a_boosted_pool_cannot_pay_what_is_not_there() {
        // 909 cross the curve, 10 stay: the vault must hold 899.
        let boosted = |vault| PoolState { quote_vault: vault, virtual_quote: 10_000 - i128::from(vault), ..pool() };
        assert_eq!(run(boosted(899), Version::V1, Order::sell(1_000)).unwrap().after.quote_vault, 0);
        assert_eq!(run(boosted(898), Version::V1, Order::sell(1_000)), Err(AmmError::InsufficientRealQuoteReserves));
    }

    #[test]
    fn errors_come_in_the_programs_order() {
        let off = AmmConfig { disabled: crate::amm::DisabledInstructions(0b1_1000), ..config() };
        let zero = Order::Buy { base_out: 0, max_quote_in: 0 };
        let broken = PoolState { virtual_quote: -10_001, is_cashback: true, ..pool() };
        assert_eq!(broken.swap(&off, Version::V2, zero), Err(AmmError::DisabledBuy));
        assert_eq!(broken.swap(&off, Version::V2, Order::sell(0)), Err(AmmError::DisabledSell));
        assert_eq!(run(broken, Version::V2, zero), Err(AmmError::CashbackCoinNotSupported));
        assert_eq!(run(broken, Version::V1, zero), Err(AmmError::ZeroBaseAmount));
        assert_eq!(
            run(broken, Version::V1, Order::Buy { base_out: 1, max_quote_in: 0 }),
            Err(AmmError::ZeroQuoteAmount)
        );
        assert_eq!(run(broken, Version::V1, Order::buy(10_001)), Err(AmmError::Overflow));
        assert_eq!(run(pool(), Version::V1, Order::buy(10_001)), Err(AmmError::BuyMoreBaseAmountThanPoolReserves));
        assert_eq!(run(pool(), Version::V1, Order::buy(10_000)), Err(AmmError::DivisionByZero));
        assert_eq!(
            run(pool(), Version::V1, Order::BuyExactQuoteIn { quote_in: 0, min_base_out: 0 }),
            Err(AmmError::ZeroBaseAmount)
        );
    }

    #[test]
    fn dust_is_refused_as_the_program_refuses_it() {
        // One unit nets nothing; two net one, and its three fees of one cost two too many.
        assert_eq!(run(pool(), Version::V1, Order::spend(1)), Err(AmmError::BuyNotEnoughQuoteTokensToCoverFees));
        assert_eq!(run(pool(), Version::V1, Order::spend(2)), Err(AmmError::BuyNotEnoughQuoteTokensToCoverFees));
        // Three net two, and shaved by two nothing is left to swap.
        assert_eq!(run(pool(), Version::V1, Order::spend(3)), Err(AmmError::BuySlippageBelowMinBaseAmountOut));
        // Two units of proceeds do not pay three fees of one.
        assert_eq!(run(pool(), Version::V1, Order::sell(3)), Err(AmmError::Overflow));
    }

    #[test]
    fn the_fees_roundings_make_a_sell_fall_by_two_at_a_full_ten_thousand() {
        // At 10,000 crossing the curve the fees are exact; at 10,001 each of the three is one more.
        let deep = PoolState::new(1 << 62, 1 << 62);
        let at = |raw: u64| run(deep, Version::V1, Order::sell(raw + 1)).unwrap();
        assert_eq!((at(10_000).raw_quote, at(10_000).user_quote), (10_000, 9_400));
        assert_eq!((at(10_001).raw_quote, at(10_001).user_quote), (10_001, 9_398));
    }
}
