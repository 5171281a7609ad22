//! Re-executes a swap from its own event: the order that it prints, on the reserves and at the rates that it prints.
//!
//! The schedule in force at the time is no longer on chain, but its result is in the event. Source: the fields of
//! `BuyEvent` and `SellEvent`, and what they mean for each instruction, checked against the compiled program.

use super::events::SwapEvent;
use crate::Bps;
use crate::amm::{AmmConfig, AmmError, FeeConfig, FeeRates, Order, PoolState, Side, Swap, Version};
use thiserror::Error;

/// A swap that our arithmetic does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// The order is refused on the state that the event prints.
    #[error("our arithmetic refuses the order: {} {}", .0.code(), .0.name())]
    Refused(AmmError),
    /// An amount is another.
    #[error("{field} is {printed}, our arithmetic gives {computed}")]
    Differs {
        /// The event's field.
        field: &'static str,
        /// What it prints.
        printed: u64,
        /// What our arithmetic gives.
        computed: u64,
    },
}

impl SwapEvent {
    /// Executes the swap again and compares every amount. `is_mayhem` is the pool's flag, which no event prints.
    ///
    /// # Errors
    /// [`ReplayError`], the first field that differs.
    pub fn replay(&self, is_mayhem: bool) -> Result<Swap, ReplayError> {
        let (before, config) = self.before(is_mayhem);
        let order = self.order();
        let swap = before.swap(&config, self.version(), order).map_err(ReplayError::Refused)?;
        for (field, printed, computed) in self.amounts(&order, &swap).into_iter().flatten() {
            if printed != computed {
                return Err(ReplayError::Differs { field, printed, computed });
            }
        }
        Ok(swap)
    }

    /// Which generation of the instructions: the second prints nobody whom the protocol's fee went to, because it stays.
    #[must_use]
    pub fn version(&self) -> Version {
        if self.protocol_fee_recipient.is_zero() { Version::V2 } else { Version::V1 }
    }

    /// The order, with the limit that it carried.
    #[must_use]
    pub fn order(&self) -> Order {
        match self.side {
            Side::Sell => Order::Sell { base_in: self.base, min_quote_out: self.quote_limit },
            Side::Buy if self.is_exact_spend() => {
                // Printed since late 2025; the program wants one at least.
                Order::BuyExactQuoteIn { quote_in: self.quote, min_base_out: self.min_base_out.unwrap_or(1) }
            }
            Side::Buy => Order::Buy { base_out: self.base, max_quote_in: self.quote_limit },
        }
    }

    /// Quote that the user paid or got, fees in: an exact spend prints the amount before them.
    #[must_use]
    pub fn user_quote_in_all(&self) -> u64 {
        if !self.is_exact_spend() {
            return self.user_quote;
        }
        let (creator, cashback) = (self.creator.map_or(0, |part| part.fee), self.cashback.unwrap_or(0));
        [self.lp_fee, self.protocol_fee, creator, cashback].into_iter().fold(self.user_quote, u64::saturating_add)
    }

    fn is_exact_spend(&self) -> bool {
        self.instruction.as_deref().is_some_and(|name| name.starts_with("buy_exact_quote_in"))
    }

    /// The pool before the swap, and the rates in force.
    fn before(&self, is_mayhem: bool) -> (PoolState, AmmConfig) {
        let cashback = self.cashback_rate.unwrap_or(Bps(0));
        let creator = self.creator.map_or(0, |part| part.rate.0).saturating_add(cashback.0);
        let pool = PoolState {
            // Events of before the boost had none, and no pool had any.
            virtual_quote: self.virtual_quote_before.unwrap_or(0),
            has_coin_creator: self.creator.is_some_and(|part| !part.creator.is_zero()),
            is_mayhem,
            is_cashback: cashback.0 != 0,
            ..PoolState::new(self.pool_base_before, self.pool_quote_before)
        };
        let rates = FeeRates::new(self.lp_rate.0, self.protocol_rate.0, creator);
        let buyback = self.buyback_rate.unwrap_or(Bps(0));
        (pool, AmmConfig { fees: FeeConfig::uniform(rates), buyback, ..AmmConfig::default() })
    }

    /// Fields of the event beside what the swap gives; a field that an old event has not is left out.
    fn amounts(&self, order: &Order, swap: &Swap) -> [Option<(&'static str, u64, u64)>; 9] {
        let fees = &swap.fees;
        let (quote, beside, user) = match order {
            Order::Sell { .. } => (swap.raw_quote, swap.raw_quote.saturating_sub(fees.lp), swap.user_quote),
            Order::Buy { .. } => (swap.raw_quote, swap.raw_quote.saturating_add(fees.lp), swap.user_quote),
            Order::BuyExactQuoteIn { quote_in, .. } => {
                (*quote_in, swap.raw_quote.saturating_add(fees.lp), swap.raw_quote)
            }
        };
        [
            Some(("base amount", self.base, swap.base)),
            Some(("quote amount", self.quote, quote)),
            Some(("quote amount beside the LP fee", self.quote_beside_lp_fee, beside)),
            Some(("user's quote amount", self.user_quote, user)),
            Some(("LP fee", self.lp_fee, fees.lp)),
            Some(("protocol fee", self.protocol_fee, fees.protocol)),
            self.creator.map(|part| ("creator fee", part.fee, fees.creator)),
            self.cashback.map(|printed| ("cashback", printed, fees.cashback)),
            self.buyback_fee.map(|printed| ("buyback fee", printed, fees.buyback)),
        ]
    }
}
