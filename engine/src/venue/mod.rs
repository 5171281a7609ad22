//! Where orders are filled: a [`Venue`] turns an order into a fill or into a rejection with a reason.

pub mod next_open;

pub use next_open::{FillTiming, NextOpen};

use serde::{Deserialize, Serialize};

use crate::{ledger::Account, market::Bar};

/// An order as it reaches the venue: shares of equity have become amounts of quote currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trade {
    /// Spend this much quote currency, costs included; closes a short position first.
    BuyFor(f64),
    /// Sell this share (0 to 1) of the base that is held.
    SellShare(f64),
    /// Sell short for this much quote currency; closes a long position first.
    ShortFor(f64),
    /// Buy back this share (0 to 1) of the base that is owed.
    CoverShare(f64),
}

/// Direction of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillSide {
    /// Base came in.
    Buy,
    /// Base went out.
    Sell,
}

/// An executed order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Row of the bar in which it happened.
    pub row: usize,
    /// Epoch milliseconds of the moment at which it happened.
    pub time: i64,
    /// Direction.
    pub side: FillSide,
    /// Units of base, positive.
    pub units: f64,
    /// Price per unit, half the spread included.
    pub price: f64,
    /// Units times price, in quote currency.
    pub notional: f64,
    /// Fee in quote currency, beside the notional.
    pub cost: f64,
    /// Quote currency lost to the spread; already inside `price`.
    pub spread_cost: f64,
}

/// Why an order was not filled. The ledger is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The budget buys less than one lot.
    BelowLot,
    /// There is no cash.
    NoCash,
    /// There is no position to close.
    NoPosition,
    /// This venue has no short side.
    NoShorting,
    /// The last bar has been reached before the order could land.
    NoNextBar,
}

/// At which price and time an order meets the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    /// Row of the bar.
    pub row: usize,
    /// Epoch milliseconds.
    pub time: i64,
    /// Mid price.
    pub price: f64,
}

/// A place that fills orders and keeps the books of them.
pub trait Venue {
    /// The books: exact integers on a pool, `f64` on a price venue.
    type Ledger: Clone;

    /// Books with `capital` quote units and no position.
    fn open_account(&self, capital: f64) -> Self::Ledger;

    /// When an order of the present bar is filled.
    fn timing(&self) -> FillTiming;

    /// Fills `trade` at `touch` and updates the books, or says why not and leaves them alone.
    ///
    /// # Errors
    /// A [`Rejection`] when the order cannot be filled.
    fn execute(&mut self, trade: Trade, touch: Touch, ledger: &mut Self::Ledger) -> Result<Fill, Rejection>;

    /// The account as marked at the close of `bar`.
    fn account(&self, bar: &Bar, ledger: &Self::Ledger) -> Account;
}
