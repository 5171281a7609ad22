//! Cash and position as a fold over fills.
//!
//! A price venue keeps its books in `f64`: prices there are decimal quotes of another exchange, and amounts are
//! rounded down to the venue's lot before the fill, never after. The books of a pool are integers.

use crate::venue::{Fill, FillSide};

/// What a strategy may know of its own account. Position is signed: negative means owed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Units of base held; negative where they are owed.
    pub position: f64,
    /// Quote currency that is free.
    pub cash: f64,
    /// Cash plus position at the close of the present bar.
    pub equity: f64,
    /// Average price paid for the open position, costs excluded.
    pub average_price: Option<f64>,
    /// Epoch milliseconds at which the open position was opened.
    pub opened_at: Option<i64>,
}

impl Account {
    /// Value of the position as a share of equity at `price`; negative when short, 0 where there is no equity.
    #[must_use]
    pub fn exposure(&self, price: f64) -> f64 {
        if self.equity > 0.0 { self.position * price / self.equity } else { 0.0 }
    }
}

/// Books of a price venue: the fold of its fills over the starting capital.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceLedger {
    cash: f64,
    position: f64,
    /// Meaningless while nothing is held, like `opened_at`.
    average_price: f64,
    opened_at: i64,
}

impl PriceLedger {
    /// Books with cash only.
    #[must_use]
    pub fn new(capital: f64) -> Self {
        Self { cash: capital, position: 0.0, average_price: 0.0, opened_at: 0 }
    }

    /// Free quote currency.
    #[must_use]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// Units of base, negative where owed.
    #[must_use]
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Value at `price`, costs of closing not deducted.
    #[must_use]
    pub fn equity(&self, price: f64) -> f64 {
        self.cash + self.position * price
    }

    /// What a strategy may know, marked at `price`.
    #[must_use]
    pub fn account(&self, price: f64) -> Account {
        let open = self.position != 0.0;
        Account {
            position: self.position,
            cash: self.cash,
            equity: self.equity(price),
            average_price: open.then_some(self.average_price),
            opened_at: open.then_some(self.opened_at),
        }
    }

    /// Books after `fill`.
    ///
    /// A sale of the whole position leaves exactly zero, because the venue passes the position itself as the amount.
    pub fn apply(&mut self, fill: &Fill) {
        let before = self.position;
        let (signed, cash) = match fill.side {
            FillSide::Buy => (fill.units, -(fill.notional + fill.cost)),
            FillSide::Sell => (-fill.units, fill.notional - fill.cost),
        };
        self.position += signed;
        self.cash += cash;
        let crossed = before != 0.0 && before.signum() != self.position.signum();
        if before == 0.0 || crossed {
            self.average_price = fill.price;
            self.opened_at = fill.time;
        } else if before.signum() == signed.signum() {
            self.average_price = (self.average_price * before + fill.price * signed) / self.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(side: FillSide, units: f64, price: f64, cost: f64) -> Fill {
        Fill { row: 0, time: 7, side, units, price, notional: units * price, cost, spread_cost: 0.0 }
    }

    #[test]
    fn a_round_trip_costs_its_fees_and_earns_its_move() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 2.0, 100.0, 0.1));
        assert_eq!(books.cash(), 799.9);
        assert_eq!(books.account(110.0).equity, 1_019.9);
        books.apply(&fill(FillSide::Sell, 2.0, 110.0, 0.2));
        assert_eq!(books.position(), 0.0);
        assert!((books.cash() - 1_019.7).abs() < 1e-12);
        assert_eq!(books.account(1.0).average_price, None);
    }

    #[test]
    fn adding_averages_the_price_and_keeps_the_opening_time() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 1.0, 100.0, 0.0));
        books.apply(&Fill { time: 9, ..fill(FillSide::Buy, 3.0, 120.0, 0.0) });
        let account = books.account(120.0);
        assert_eq!(account.average_price, Some(115.0));
        assert_eq!(account.opened_at, Some(7));
    }

    #[test]
    fn selling_part_keeps_the_average() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 4.0, 100.0, 0.0));
        books.apply(&fill(FillSide::Sell, 1.0, 130.0, 0.0));
        assert_eq!(books.account(130.0).average_price, Some(100.0));
    }

    #[test]
    fn crossing_zero_starts_a_new_position() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 1.0, 100.0, 0.0));
        books.apply(&Fill { time: 11, ..fill(FillSide::Sell, 3.0, 90.0, 0.0) });
        let account = books.account(90.0);
        assert_eq!((account.position, account.average_price, account.opened_at), (-2.0, Some(90.0), Some(11)));
    }
}
