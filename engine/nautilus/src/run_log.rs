//! Data that travels beside an order, because NautilusTrader's order has no field for it, and its answers.

use std::{
    cell::{Ref, RefCell},
    collections::HashMap,
    rc::Rc,
};

use nautilus_model::{events::OrderFilled, identifiers::ClientOrderId, position::Position};
use q50_engine::{
    decision::{Decision, Reason},
    orders::{Event, OrderId, OrderRequest},
    venue::{Fill, MarketOrder, Rejection},
};

/// What the venue is asked for. No market order of NautilusTrader's carries a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instruction {
    /// The order of a decision, after the venue's latency.
    Decision(MarketOrder),
    /// An exit that the bar which has just closed has hit.
    Exit {
        /// What closes the position.
        order: MarketOrder,
        /// Price at which it was hit.
        price: f64,
        /// Epoch milliseconds.
        time: i64,
    },
    /// An order that the strategy has placed.
    Placed(OrderId, OrderRequest),
}

/// An order as the venue needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OrderParams {
    pub(crate) instruction: Instruction,
    pub(crate) reason: Reason,
    /// Row at whose close it was sent, or in which was heard what it answers.
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
    /// What became of the orders that the strategy has placed.
    pub(crate) events: Vec<Event>,
    /// Equity and exposure at each close.
    pub(crate) marks: Vec<(f64, f64)>,
    pub(crate) closed: Vec<Position>,
}

/// Shared between the strategy actor and the execution client of one engine, one for each instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunLog {
    params: Rc<RefCell<HashMap<ClientOrderId, OrderParams>>>,
    results: Rc<RefCell<Results>>,
    fault: Rc<RefCell<Option<String>>>,
    /// The venue's own record of the fill that is being reported.
    fill: Rc<RefCell<Option<Fill>>>,
    /// Why the rest of an order that was filled in part was refused: NautilusTrader knows no such event.
    refused: Rc<RefCell<HashMap<ClientOrderId, Rejection>>>,
}

impl RunLog {
    pub(crate) fn send(&self, id: ClientOrderId, params: OrderParams) {
        self.params.borrow_mut().insert(id, params);
    }

    pub(crate) fn params(&self, id: &ClientOrderId) -> Option<OrderParams> {
        self.params.borrow().get(id).copied()
    }

    pub(crate) fn report(&self, fill: Fill) {
        *self.fill.borrow_mut() = Some(fill);
    }

    pub(crate) fn reported(&self) -> Option<Fill> {
        *self.fill.borrow()
    }

    pub(crate) fn refuse_rest(&self, id: ClientOrderId, rejection: Rejection) {
        self.refused.borrow_mut().insert(id, rejection);
    }

    pub(crate) fn refused(&self, id: &ClientOrderId) -> Option<Rejection> {
        self.refused.borrow().get(id).copied()
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
