//! What travels beside an order, because NautilusTrader's order has no field for it, and what came back.

use std::{
    cell::{Ref, RefCell},
    collections::HashMap,
    rc::Rc,
};

use nautilus_model::{events::OrderFilled, identifiers::ClientOrderId, position::Position};
use q50_engine::{
    decision::{Decision, Reason},
    venue::{MarketOrder, Rejection},
};

/// When and at which price an order meets the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meeting {
    /// After the venue's latency, at what holds then.
    AfterLatency,
    /// It rested at the venue and was hit inside the bar that has just closed.
    Resting {
        /// Price at which it was hit.
        price: f64,
        /// Epoch milliseconds.
        time: i64,
    },
}

/// An order as the venue needs it: a budget is an amount of quote, which no market order of NautilusTrader's carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OrderParams {
    pub(crate) trade: MarketOrder,
    pub(crate) meeting: Meeting,
    pub(crate) reason: Reason,
    /// Row at whose close it was sent.
    pub(crate) row: usize,
}

/// A fill as NautilusTrader reported it.
#[derive(Clone, Copy, Debug)]
pub struct ReportedFill {
    /// The event.
    pub event: OrderFilled,
    /// Why the order was sent.
    pub reason: Reason,
    /// Row at whose close it was sent.
    pub decided_row: usize,
}

/// What the second engine did.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) decisions: Vec<(usize, Decision)>,
    pub(crate) fills: Vec<ReportedFill>,
    pub(crate) rejections: Vec<(usize, Rejection)>,
    /// Equity and exposure at each close.
    pub(crate) marks: Vec<(f64, f64)>,
    pub(crate) closed: Vec<Position>,
}

/// Shared between the strategy actor and the execution client of one engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunLog {
    params: Rc<RefCell<HashMap<ClientOrderId, OrderParams>>>,
    results: Rc<RefCell<Results>>,
    fault: Rc<RefCell<Option<String>>>,
}

impl RunLog {
    pub(crate) fn send(&self, id: ClientOrderId, params: OrderParams) {
        self.params.borrow_mut().insert(id, params);
    }

    pub(crate) fn params(&self, id: &ClientOrderId) -> Option<OrderParams> {
        self.params.borrow().get(id).copied()
    }

    pub(crate) fn write(&self, f: impl FnOnce(&mut Results)) {
        f(&mut self.results.borrow_mut());
    }

    pub(crate) fn results(&self) -> Ref<'_, Results> {
        self.results.borrow()
    }

    /// Remembers the first thing that cannot be right. Handlers cannot stop NautilusTrader's run; the result is refused.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.fault.borrow_mut().get_or_insert_with(|| what.into());
    }

    pub(crate) fn first_fault(&self) -> Option<String> {
        self.fault.borrow().clone()
    }
}

/// A rejection as the reason of an order event.
pub(crate) fn reason_of(rejection: Rejection) -> String {
    match rejection {
        Rejection::BelowLot => "below_lot".to_owned(),
        Rejection::NoCash => "no_cash".to_owned(),
        Rejection::NoPosition => "no_position".to_owned(),
        Rejection::NoShorting => "no_shorting".to_owned(),
        Rejection::NoNextBar => "no_next_bar".to_owned(),
        Rejection::InFlight => "in_flight".to_owned(),
        Rejection::TransactionFailed => "transaction_failed".to_owned(),
        Rejection::Unsupported => "unsupported".to_owned(),
        Rejection::Program(code) => format!("program:{code}"),
    }
}

/// The rejection that a reported reason means.
pub(crate) fn rejection_of(reason: &str) -> Option<Rejection> {
    let plain = [
        Rejection::BelowLot,
        Rejection::NoCash,
        Rejection::NoPosition,
        Rejection::NoShorting,
        Rejection::NoNextBar,
        Rejection::InFlight,
        Rejection::TransactionFailed,
        Rejection::Unsupported,
    ];
    match reason.strip_prefix("program:") {
        Some(code) => code.parse().ok().map(Rejection::Program),
        None => plain.into_iter().find(|rejection| reason_of(*rejection) == reason),
    }
}
