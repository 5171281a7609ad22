//! Portfolios on bars small enough to be worked by hand.

#![allow(dead_code, reason = "each test uses its own part")]

use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{History, Market, Signals},
    orders::{Amount, OrderKind, OrderRequest, Orders},
    portfolio::{Instrument, replay_portfolio},
    record::Journal,
    strategy::Strategy,
    units::Fraction,
    venue::{FillSide, Venue},
};

pub(crate) const HOUR: i64 = 3_600_000;

/// Bars that open and close at stated prices.
pub(crate) struct Bars {
    pub(crate) time: Vec<i64>,
    pub(crate) open: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) close: Vec<f64>,
    pub(crate) interval: i64,
}

impl Bars {
    pub(crate) fn new(interval: i64, bars: &[(f64, f64)]) -> Self {
        let (open, close): (Vec<f64>, Vec<f64>) = bars.iter().copied().unzip();
        let time = (0..bars.len() as i64).map(|row| row * interval).collect();
        Self { time, high: open.clone(), low: open.clone(), open, close, interval }
    }

    /// Bars of an hour that all open and close at 100; the last but one has this range.
    pub(crate) fn reaching(low: f64, high: f64) -> Self {
        let mut bars = Self::new(HOUR, &[(100.0, 100.0); 5]);
        (bars.low[3], bars.high[3]) = (low, high);
        bars
    }

    pub(crate) fn market(&self) -> Market<'_> {
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals: Signals::default(),
            interval_ms: self.interval,
            first: 0,
        }
    }
}

/// Orders by row, and the accounts that it was shown.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) orders: Vec<(usize, Order)>,
    pub(crate) seen: Vec<Account>,
}

impl Scripted {
    pub(crate) fn new(orders: &[(usize, Order)]) -> Self {
        Self { orders: orders.to_vec(), seen: Vec::new() }
    }
}

impl Strategy for Scripted {
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.seen.push(*account);
        let order = self.orders.iter().find(|(row, _)| *row == history.row());
        order.map_or(Decision::Hold(Reason::Neutral), |&(_, order)| {
            Decision::Act(Intent { order, reason: Reason::EnterLong })
        })
    }
}

/// Replays `parts` with `capital` at `venue`, and returns the journal of the whole and of each.
pub(crate) fn run<S: Strategy, V: Venue + Clone>(
    parts: &mut [(Market<'_>, S)],
    venue: &V,
    capital: f64,
) -> (Journal, Vec<Journal>) {
    let (mut total, mut journals) = (Journal::default(), vec![Journal::default(); parts.len()]);
    let mut venues = vec![venue.clone(); parts.len()];
    let each = parts.iter_mut().zip(&mut venues).zip(&mut journals);
    let mut instruments: Vec<_> = each
        .map(|(((market, strategy), venue), recorder)| Instrument { market: *market, strategy, venue, recorder })
        .collect();
    replay_portfolio(&mut instruments, capital, &mut total);
    (total, journals)
}

pub(crate) fn buy(share: f64) -> Order {
    Order::Buy(Budget::Cash(Fraction::new(share)))
}

pub(crate) fn fills(journal: &Journal) -> Vec<(usize, f64, f64)> {
    journal.fills.iter().map(|row| (row.fill.row, row.fill.units, row.fill.price)).collect()
}

/// Places requests, each at the close of its row.
pub(crate) struct Placing(pub(crate) Vec<(usize, OrderRequest)>);

impl Strategy for Placing {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        for (_, request) in self.0.iter().filter(|(row, _)| *row == history.row()) {
            orders.place(*request);
        }
    }
}

pub(crate) fn request(side: FillSide, kind: OrderKind, amount: Amount) -> OrderRequest {
    OrderRequest::new(side, kind, amount, Reason::EnterLong)
}
