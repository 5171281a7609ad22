//! Venues: a [`Venue`] turns an order into a fill, or into a rejection with a reason.

pub mod latency;
pub mod next_open;
pub mod perpetual;
pub mod pool_path;
pub mod pump_swap;

pub use latency::LatencyPreset;
pub use next_open::{FillTiming, NextOpen};
pub use perpetual::{Contract, Perpetual, PerpetualConfig, Role};
pub use pool_path::PoolPath;
pub use pump_swap::{PumpSwap, PumpSwapConfig};

pub use crate::fill::{Fill, FillSide, PoolCosts, Rejection};

use crate::{
    decision::Reason,
    ledger::{Account, Balances, Books},
    market::{Bar, Market},
    orders::Outcome,
};

/// An order as it reaches the venue: shares of equity have become amounts of quote currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MarketOrder {
    /// Spend this much quote currency, costs included; closes a short position first.
    BuyFor(f64),
    /// Sell this share (0 to 1) of the base that is held.
    SellShare(f64),
    /// Sell short for this much quote currency; closes a long position first.
    ShortFor(f64),
    /// Buy back this share (0 to 1) of the base that is owed.
    CoverShare(f64),
    /// Buy these units; closes a short position first.
    Buy(f64),
    /// Sell these units; closes a long position first.
    Sell(f64),
}

/// At which price and time an order meets the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Row of the bar.
    pub row: usize,
    /// Epoch milliseconds at which the order lands.
    pub time: i64,
    /// Mid price.
    pub price: f64,
    /// Row of the bar at whose close the order was decided; of an order placed in response to an event, the event's.
    pub decided_row: usize,
    /// Units that can be had; what is over is not filled.
    pub available: f64,
    /// Whether the order takes or is taken.
    pub role: Role,
}

/// What befalls a position without an order: a settlement of funding, a liquidation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forced {
    /// Epoch milliseconds.
    pub time: i64,
    /// Why.
    pub reason: Reason,
    /// What it did.
    pub outcome: Outcome,
}

/// A place that fills orders and keeps the books of them.
pub trait Venue {
    /// The books: exact integers on a pool, `f64` on a price venue.
    type Ledger: Books;

    /// Whether anything befalls a position here without an order: only then are [`Venue::at_open`] and [`Venue::inside`]
    /// called.
    const FORCES: bool = false;

    /// Books with `capital` quote units and no position.
    fn open_account(&self, capital: f64) -> Self::Ledger;

    /// When an order of the present bar is filled.
    fn timing(&self) -> FillTiming;

    /// Milliseconds from a decision until its order lands. It is filled in the bar that is open then.
    fn latency_ms(&self) -> i64 {
        0
    }

    /// Whether orders can wait here for a price.
    fn rests_orders(&self) -> bool {
        true
    }

    /// Whether units can be owed here.
    fn permits_shorting(&self) -> bool {
        false
    }

    /// A placed order at the mid price `price`, cut to the quote currency that the account can carry.
    fn bounded(&self, order: MarketOrder, _price: f64, _ledger: &Self::Ledger) -> MarketOrder {
        order
    }

    /// What opening a position takes of the equity at once, a share of its value at the mid price; 0, where the amount of an
    /// order has that in it.
    fn opening_cost(&self, _side: FillSide) -> f64 {
        0.0
    }

    /// The mid price at which an order of this side is filled at `price`.
    fn mid(&self, _side: FillSide, price: f64) -> f64 {
        price
    }

    /// The mid price of one unit of the books where the bar of `row` has `price`: a pool's unit is not that of its bars.
    fn price_of_unit(&self, _row: usize, price: f64) -> f64 {
        price
    }

    /// Units that the placed orders of a bar can have; without end, where the venue is deep enough.
    fn available(&self, _market: &Market<'_>, _row: usize) -> f64 {
        f64::INFINITY
    }

    /// Fills `order` at `arrival` and updates the books, or says why not and books no more than what the network was paid.
    ///
    /// # Errors
    /// A [`Rejection`] when the order cannot be filled.
    fn execute(&mut self, order: MarketOrder, arrival: Arrival, ledger: &mut Self::Ledger) -> Result<Fill, Rejection>;

    /// The account as marked at the close of `bar`, which is `row` of the market.
    fn account(&self, bar: &Bar, row: usize, ledger: &Self::Ledger) -> Account;

    /// The account as marked when `bar` opens, before anything else of it is known.
    fn account_at_open(&self, bar: &Bar, row: usize, ledger: &Self::Ledger) -> Account {
        self.account(&Bar { close: bar.open, ..*bar }, row, ledger)
    }

    /// What befalls the position when `bar` opens, before any order is filled; the books are updated.
    fn at_open(&mut self, _bar: &Bar, _row: usize, _ledger: &mut Self::Ledger) -> Vec<Forced> {
        Vec::new()
    }

    /// What befalls the position inside `bar` before its resting exits come to `exit`, the price and the reason, if they do;
    /// the books are updated.
    fn inside(
        &mut self,
        _bar: &Bar,
        _row: usize,
        _exit: Option<(f64, Reason)>,
        _ledger: &mut Self::Ledger,
    ) -> Option<Forced> {
        None
    }

    /// The equity by the prices of [`Venue::marks`], until the next fill; `None`, which is always right, where it is no
    /// straight line in the price: then every bar is looked at.
    fn balances(&self, _ledger: &Self::Ledger) -> Option<Balances> {
        None
    }

    /// The price that positions are marked at, a row a bar.
    fn marks<'s>(&'s self, market: &'s Market<'_>) -> &'s [f64] {
        market.close
    }
}
