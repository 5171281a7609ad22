//! Money and coins of a session: its fills folded over its capital, in the same books as a backtest.

use crate::journal::{OrderRow, State};
use q50_engine::ledger::{Account, PoolLedger};
use q50_engine::units::{LAMPORTS_PER_SOL, Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;
use q50_executor::clock::UnixMillis;
use q50_executor::journal::Position;
use q50_pumpswap::chain::Address;

/// The books of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Books {
    ledger: PoolLedger,
    /// Lamports that the coins cost, fees of pool and network in.
    cost: u64,
    /// When they were bought, by our clock.
    since: UnixMillis,
}

impl Books {
    /// Books with SOL only.
    #[must_use]
    pub fn new(capital: Lamports) -> Self {
        Self { ledger: PoolLedger::new(capital), cost: 0, since: UnixMillis::default() }
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
        let (base, quote) = (done.base.unsigned_abs(), done.quote.unsigned_abs());
        let held = self.ledger.tokens().0;
        match done.state {
            State::Filled if done.base > 0 => {
                let rent = Lamports(u64::try_from(done.rent).unwrap_or(0));
                let time_ms = done.time_ms.unwrap_or(order.wanted_ms);
                self.ledger.buy(TokenAmount(base), Lamports(quote), rent, time_ms);
                if held == 0 {
                    self.since = UnixMillis(order.wanted_ms);
                }
                self.cost = self.cost.saturating_add(quote).saturating_add(done.network_fee);
            }
            State::Filled => {
                self.ledger.sell(TokenAmount(base), Lamports(quote));
                let left = u128::from(self.cost) * u128::from(held.saturating_sub(base)) / u128::from(held.max(1));
                self.cost = u64::try_from(left).unwrap_or(self.cost);
            }
            _ => {}
        }
        if matches!(done.state, State::Filled | State::Failed) {
            self.ledger.pay(Lamports(done.network_fee));
        }
    }

    /// What is held, as the executor has positions; none where nothing is.
    #[must_use]
    pub fn position(&self, mint: Address) -> Option<Position> {
        let base = i64::try_from(self.ledger.tokens().0).ok().filter(|base| *base > 0)?;
        let cost = i64::try_from(self.cost).ok()?;
        Some(Position { mint, base, cost, realized: 0, elsewhere: 0, since: self.since, fills: 0 })
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
