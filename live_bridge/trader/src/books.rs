//! Money and coins of a session: the fold of its fills over its capital, in the books that a backtest keeps.

use crate::journal::{OrderRow, State};
use q50_engine::ledger::{Account, PoolLedger};
use q50_engine::units::{LAMPORTS_PER_SOL, Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;

/// The books of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Books {
    ledger: PoolLedger,
}

impl Books {
    /// Books with SOL only.
    #[must_use]
    pub fn new(capital: Lamports) -> Self {
        Self { ledger: PoolLedger::new(capital) }
    }

    /// The books after these orders, in the order in which they were given.
    #[must_use]
    pub fn after<'a>(capital: Lamports, orders: impl IntoIterator<Item = &'a OrderRow>) -> Self {
        let mut books = Self::new(capital);
        orders.into_iter().for_each(|order| books.book(order));
        books
    }

    /// Books what became of an order; what moved nothing books nothing.
    pub fn book(&mut self, order: &OrderRow) {
        let done = &order.done;
        if done.state == State::Filled {
            let (base, quote) = (TokenAmount(done.base.unsigned_abs()), Lamports(done.quote.unsigned_abs()));
            if done.base > 0 {
                let rent = Lamports(u64::try_from(done.rent).unwrap_or(0));
                self.ledger.buy(base, quote, rent, done.time_ms.unwrap_or(order.wanted_ms));
            } else {
                self.ledger.sell(base, quote);
            }
        }
        if matches!(done.state, State::Filled | State::Failed) {
            self.ledger.pay(Lamports(done.network_fee));
        }
    }

    /// The engine's books.
    #[must_use]
    pub fn ledger(&self) -> &PoolLedger {
        &self.ledger
    }

    /// What a strategy may know, marked at the close of a bar with these reserves.
    #[must_use]
    pub fn account(&self, reserves: Reserves) -> Account {
        self.ledger.account(reserves.price() / LAMPORTS_PER_SOL, reserves.quote)
    }
}
