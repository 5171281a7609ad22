//! Positions: the fold of all fills, at average cost.

use super::{Journal, JournalError};
use crate::clock::UnixMillis;
use q50_pumpswap::chain::Address;
use std::collections::BTreeMap;

/// One fill, as positions are folded from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The coin.
    pub mint: Address,
    /// When it was known to be filled.
    pub time: UnixMillis,
    /// Change of the coins held.
    pub base: i64,
    /// Lamports that the swap took (negative) or brought.
    pub quote: i64,
    /// Fee of the network, in lamports.
    pub network_fee: i64,
    /// Lamports put into new accounts.
    pub rent: i64,
}

/// What is held of a coin, and what came of trading it. Lamports put into new accounts are no part of the cost: they are
/// the user's as long as the accounts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The coin.
    pub mint: Address,
    /// Coins held that were bought here, in the smallest unit; never below zero.
    pub base: i64,
    /// What they cost, fees of pool and network in, in lamports.
    pub cost: i64,
    /// What sales brought above the cost of what was sold, fees taken, in lamports.
    pub realized: i64,
    /// What sales brought of coins that were not bought here, in lamports; what those cost is not known.
    pub elsewhere: i64,
    /// Since when something is held without a break.
    pub since: UnixMillis,
    /// Number of fills.
    pub fills: u32,
}

impl Position {
    fn empty(mint: Address) -> Self {
        Self { mint, base: 0, cost: 0, realized: 0, elsewhere: 0, since: UnixMillis::default(), fills: 0 }
    }

    /// After one more fill.
    #[must_use]
    pub fn after(mut self, trade: &Trade) -> Self {
        self.fills += 1;
        if trade.base > 0 {
            if self.base == 0 {
                self.since = trade.time;
            }
            self.base += trade.base;
            self.cost += trade.network_fee - trade.quote;
        } else {
            // Coins that were not bought here are sold last, so that the next buy is not charged for them.
            let (all, sold) = (-trade.base, self.base.min(-trade.base));
            let share = if sold == self.base { self.cost } else { proportion(self.cost, sold, self.base) };
            let brought = trade.quote - trade.network_fee;
            let brought_here = if sold == all { brought } else { proportion(brought, sold, all) };
            self.base -= sold;
            self.cost -= share;
            self.realized += brought_here - share;
            self.elsewhere += brought - brought_here;
        }
        self
    }
}

/// `amount · part / whole`, rounded down; the whole is positive.
fn proportion(amount: i64, part: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(part) / i128::from(whole)).unwrap_or(i64::MAX)
}

impl Journal {
    /// Every fill, oldest first.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn trades(&self) -> Result<Vec<Trade>, JournalError> {
        let mut statement = self.database.prepare_cached(
            "SELECT o.mint, t.settled_ms, t.base, t.quote, t.network_fee, t.rent
             FROM transactions t JOIN orders o ON o.id = t.order_id WHERE t.state = 'filled' ORDER BY t.rowid",
        )?;
        let rows = statement.query_and_then([], |row| {
            let mint: String = row.get(0)?;
            Ok(Trade {
                mint: mint.parse().map_err(|_| JournalError::Damaged(format!("mint `{mint}`")))?,
                time: UnixMillis(row.get(1)?),
                base: row.get(2)?,
                quote: row.get(3)?,
                network_fee: row.get(4)?,
                rent: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// What is held of every coin that was ever traded, by mint.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn positions(&self) -> Result<Vec<Position>, JournalError> {
        let mut positions: BTreeMap<Address, Position> = BTreeMap::new();
        for trade in self.trades()? {
            let position = positions.entry(trade.mint).or_insert_with(|| Position::empty(trade.mint));
            *position = position.after(&trade);
        }
        Ok(positions.into_values().collect())
    }

    /// Coins of one mint that this journal's fills brought.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn held(&self, mint: &Address) -> Result<i64, JournalError> {
        let sum = "SELECT coalesce(sum(t.base), 0) FROM transactions t JOIN orders o ON o.id = t.order_id
                   WHERE t.state = 'filled' AND o.mint = ?1";
        Ok(self.database.query_row(sum, [mint.to_string()], |row| row.get(0))?)
    }

    /// Slot and change of the coins held of every fill of one mint.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn fills_of(&self, mint: &Address) -> Result<Vec<(u64, i64)>, JournalError> {
        let mut statement = self.database.prepare_cached(
            "SELECT t.slot, t.base FROM transactions t JOIN orders o ON o.id = t.order_id
             WHERE t.state = 'filled' AND o.mint = ?1",
        )?;
        let rows = statement.query_and_then([mint.to_string()], |row| {
            let slot: i64 = row.get(0)?;
            Ok((u64::try_from(slot).map_err(|_| JournalError::Damaged(format!("slot {slot}")))?, row.get(1)?))
        })?;
        rows.collect()
    }

    /// Change of the wallet's lamports by everything of this journal that landed, fees and rent in.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn lamports(&self) -> Result<i64, JournalError> {
        let sum = "SELECT coalesce(sum(lamports), 0) FROM transactions WHERE state IN ('filled', 'failed')";
        Ok(self.database.query_row(sum, [], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINT: Address = Address([1; 32]);

    fn trade(time: i64, base: i64, quote: i64) -> Trade {
        Trade { mint: MINT, time: UnixMillis(time), base, quote, network_fee: 5, rent: 2_039_280 }
    }

    fn fold(trades: &[Trade]) -> Position {
        trades.iter().fold(Position::empty(MINT), Position::after)
    }

    #[test]
    fn a_sale_realizes_what_it_brought_above_the_average_cost_and_the_fees() {
        // 100 for 1,005 and 300 for 5,005: 6,010 for 400. A quarter cost 1,502 and brings 2,000 less 5.
        let position = fold(&[trade(1, 100, -1_000), trade(2, 300, -5_000), trade(3, -100, 2_000)]);
        assert_eq!((position.base, position.cost, position.realized), (300, 4_508, 493));
        // The rest brings 3,000 less 5 and cost 4,508.
        let position = position.after(&trade(4, -300, 3_000));
        assert_eq!((position.base, position.cost, position.realized), (0, 0, 493 - 1_513));
        assert_eq!(position.since, UnixMillis(1));
        assert_eq!(position.after(&trade(9, 5, -10)).since, UnixMillis(9));
    }

    #[test]
    fn coins_that_were_not_bought_here_are_no_debt_of_the_next_buy() {
        // Of 2,995 for 150 two thirds are for the 100 that were bought here.
        let position = fold(&[trade(1, 100, -1_000), trade(2, -150, 3_000)]);
        assert_eq!((position.base, position.cost, position.realized), (0, 0, 1_996 - 1_005));
        assert_eq!(position.elsewhere, 999);
        let position = position.after(&trade(3, 40, -500));
        assert_eq!((position.base, position.cost, position.since), (40, 505, UnixMillis(3)));
        assert_eq!(fold(&[trade(1, -7, 300)]).elsewhere, 295);
    }

    proptest! {
        /// What came in less what went out is what was realized, here and elsewhere, less what is still bound; and what is
        /// held is what no sale has taken.
        #[test]
        fn no_lamport_is_lost_between_cost_and_realized(trades in prop::collection::vec((-1_000_i64..1_000, 1..1_000_000_i64), 0..200)) {
            let trades: Vec<Trade> = trades
                .into_iter()
                .filter(|(base, _)| *base != 0)
                .map(|(base, quote)| trade(0, base, if base > 0 { -quote } else { quote }))
                .collect();
            let position = fold(&trades);
            prop_assert_eq!(position.base, trades.iter().fold(0, |held, trade| (held + trade.base).max(0)));
            let flow: i64 = trades.iter().map(|trade| trade.quote - trade.network_fee).sum();
            prop_assert_eq!(position.realized + position.elsewhere - position.cost, flow);
            prop_assert!(position.base > 0 || position.cost == 0);
        }
    }
}
