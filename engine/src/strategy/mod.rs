//! Strategies: what to do at the close of a bar, given what is known.

pub mod exits;
pub mod guards;
pub mod hold;
pub mod parameters;
pub mod q50;
pub mod registry;
pub mod risk;
pub mod settings;
pub mod side;
pub mod sizing;
pub mod threshold;

mod config;
mod shared;
mod trades;

pub use config::{ConfigError, Host, StrategyConfig};
pub use guards::Guards;
pub use registry::Registry;
pub use settings::{Lack, Settings};
pub use shared::Shared;
pub use trades::Odds;

use std::ops::Range;

use self::{side::Side, sizing::SizeExplanation};
use crate::{
    decision::Decision,
    ledger::{Account, Balances, Marked},
    limits::Limits,
    market::{History, Market},
    matching::RestingExits,
    orders::{Event, Orders},
};

/// A trading rule. The same object is driven by the replay loop, by the second engine and on chain, one bar at a time.
///
/// It is shown every bar once, history before the first traded one included, and at each traded bar it is asked once
/// what to do, whether or not its answer counts: an exit or a limit may answer in its place, and a venue may reject. What
/// it remembers therefore follows from bars and accounts alone, so that [`restart`] can make it again, unless it places
/// orders: what became of those is known to the venue.
pub trait Strategy {
    /// Takes in a bar that has just closed, the last of `history`. What depends on bars and signals alone is kept here.
    fn observe(&mut self, _history: History<'_>) {}

    /// Decides at the close of the last bar of `history`, after it was observed.
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision;

    /// Whether the strategy places orders of its own and hears what becomes of them: only then are [`Strategy::place`] and
    /// [`Strategy::on_event`] called. Asked once, before the first bar.
    fn places_orders(&self) -> bool {
        false
    }

    /// Places and cancels orders at the close of the last bar of `history`, after [`Strategy::decide`].
    fn place(&mut self, _history: History<'_>, _account: &Account, _orders: &mut Orders) {}

    /// Hears what became of an order, that of its last decision included, when it happens, and may place and cancel.
    fn on_event(&mut self, _event: &Event, _orders: &mut Orders) {}

    /// Whether [`Strategy::resting`] may ever name a price. Asked once, before the first bar; `true` is always right, `false`
    /// spares the question at every bar.
    fn rests_exits(&self) -> bool {
        true
    }

    /// Prices at which the venue is asked to close the position inside the next bar; the account is marked at its open. None
    /// by default. They meet the range after all placed orders, whichever the price came to first: a strategy that places
    /// orders places its stops and targets as well.
    fn resting(&self, _account: &Account) -> RestingExits {
        RestingExits::NONE
    }

    /// How far from the price the stop of an entry on `side` would be that is decided at the close of the last bar of
    /// `history`, a fraction of the price; `None` where there is none. Sizes are measured by it.
    fn stop_distance(&self, _history: History<'_>, _side: Side) -> Option<f64> {
        None
    }

    /// Limits of the account, within which the entries of this strategy are filled. Asked once, before the first bar.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Whether the strategy is certain to hold at the close of the last bar of `history` with the position `marked`, rests
    /// no exit while it is open, places nothing, and would be the same strategy afterwards had it neither been shown the bar nor asked.
    /// `false` is always right; `true` lets the replay pass over the bar.
    fn stays(&self, _history: History<'_>, _marked: Marked) -> bool {
        false
    }

    /// What the decision on `history` and `account` was made from, for the record; asked after it was made.
    fn explain(&self, _history: History<'_>, _account: &Account) -> Explanation {
        Explanation::default()
    }

    /// [`Strategy::observe`] of these rows. Like [`Strategy::quiet_rows`] it is part of the trait so that a strategy
    /// behind a pointer is called once a stretch and not once a bar; only what wraps another strategy overrides it.
    fn observe_rows(&mut self, market: &Market<'_>, rows: Range<usize>) {
        for row in rows {
            self.observe(market.history(row));
        }
    }

    /// How many rows from `from` on answer [`Strategy::stays`], each for itself, with the position in `balances` at `marks`.
    /// Blocks are asked at once, and the row that ends one is found without a branch: a strategy that seldom acts spends
    /// its time here, and where it acts cannot be predicted. A strategy that knows its rows beforehand may count them itself,
    /// exits at rest or not, if no exit is reached in these rows nor in the one after them.
    fn quiet_rows(&self, market: &Market<'_>, marks: &[f64], balances: Balances, from: usize) -> usize {
        const BLOCK: usize = 8;
        let end = market.len();
        // A strategy that watches its position acts, or may, at every bar: then there is nothing to prepare for.
        let price = marks.get(from).copied().unwrap_or(f64::NAN);
        if from < end && !self.stays(market.history(from), Marked { balances, price }) {
            return 0;
        }
        // Columns of one stated length, so that no row of them is checked again.
        let market = &market.prefix(end);
        let marks = &marks[..end];
        let stays = |row: usize| {
            let price = marks.get(row).copied().unwrap_or(f64::NAN);
            self.stays(market.history(row), Marked { balances, price })
        };
        let mut row = from;
        while row + BLOCK <= end {
            let acts = (0..BLOCK).fold(0_u32, |acts, i| acts | (u32::from(!stays(row + i)) << i));
            if acts != 0 {
                return row - from + acts.trailing_zeros() as usize;
            }
            row += BLOCK;
        }
        while row < end && stays(row) {
            row += 1;
        }
        row - from
    }
}

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn observe(&mut self, history: History<'_>) {
        (**self).observe(history);
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        (**self).decide(history, account)
    }

    fn places_orders(&self) -> bool {
        (**self).places_orders()
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        (**self).place(history, account, orders);
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        (**self).on_event(event, orders);
    }

    fn rests_exits(&self) -> bool {
        (**self).rests_exits()
    }

    fn resting(&self, account: &Account) -> RestingExits {
        (**self).resting(account)
    }

    fn stop_distance(&self, history: History<'_>, side: Side) -> Option<f64> {
        (**self).stop_distance(history, side)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        (**self).stays(history, marked)
    }

    fn explain(&self, history: History<'_>, account: &Account) -> Explanation {
        (**self).explain(history, account)
    }

    fn observe_rows(&mut self, market: &Market<'_>, rows: Range<usize>) {
        (**self).observe_rows(market, rows);
    }

    fn quiet_rows(&self, market: &Market<'_>, marks: &[f64], balances: Balances, from: usize) -> usize {
        (**self).quiet_rows(market, marks, balances, from)
    }
}

/// Brings a new `strategy` to where it would be after the bars of `market`: it is shown all of them, and asked at those
/// from `market.first` on with `accounts`, one a bar as they were kept. What it answers was answered then, and is dropped.
///
/// # Panics
/// There are not as many accounts as traded bars, or the strategy places orders.
pub fn restart<S: Strategy + ?Sized>(strategy: &mut S, market: &Market<'_>, accounts: &[Account]) {
    let traded = market.first..market.len();
    assert_eq!(accounts.len(), traded.len(), "one account for each traded bar");
    assert!(!strategy.places_orders(), "orders that were placed are the venue's, and cannot be placed again");
    strategy.observe_rows(market, 0..market.first);
    for (row, account) in traded.zip(accounts) {
        strategy.observe(market.history(row));
        strategy.decide(market.history(row), account);
    }
}

/// What a decision was made from. Unknown is `None`: a strategy reports only what it computes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Side before sizing and caps: 1 long, 0 short, -1 neither (the producers' code).
    pub side: Option<i8>,
    /// Probability of a positive return.
    pub prob_up: Option<f64>,
    /// Expected value of the trade, a fraction.
    pub expected_value: Option<f64>,
    /// Enhanced information ratio.
    pub info_ratio: Option<f64>,
    /// Variance regime.
    pub regime: Option<&'static str>,
    /// Size that the sizer asked for, a share of equity.
    pub raw_size: Option<f64>,
    /// Size that the caps left, a share of equity.
    pub size: Option<f64>,
    /// The cap that decided the size.
    pub binding_cap: Option<&'static str>,
    /// How the size came about, with every cap.
    pub sizing: Option<SizeExplanation>,
}

impl Explanation {
    /// The same with a size.
    #[must_use]
    pub fn with_size(self, sizing: &SizeExplanation) -> Self {
        Self {
            raw_size: Some(sizing.raw),
            size: Some(sizing.size),
            binding_cap: Some(sizing.binding.name()),
            sizing: Some(*sizing),
            ..self
        }
    }
}
