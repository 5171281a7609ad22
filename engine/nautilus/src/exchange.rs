//! The venue inside NautilusTrader: takes orders, and asks a [`Venue`] of the engine when its clock says that one
//! has landed.
//!
//! NautilusTrader's execution engine is borrowed while an order is submitted, so that every answer goes through an alert
//! of its clock, and at one moment data comes before alerts. Each alert does the one most urgent thing that is due: an
//! exit that was hit inside the bar that has closed, then a refusal, then the order that lands. Whatever the strategy
//! sends on hearing of it is submitted before the next alert.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use nautilus_common::{
    cache::Cache,
    clock::Clock,
    factories::OrderEventFactory,
    timer::{TimeEvent, TimeEventCallback},
};
use nautilus_core::UnixNanos;
use nautilus_model::identifiers::ClientOrderId;
use q50_engine::venue::{Arrival, FillTiming, Rejection, Venue};

use crate::{
    books::MirroredLedger,
    feed::{Columns, NS_PER_MS},
    run_log::{Meeting, OrderParams, RunLog},
    terms::Terms,
};

/// An order that NautilusTrader has handed over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submitted {
    pub(crate) id: ClientOrderId,
    pub(crate) params: OrderParams,
    pub(crate) at: UnixNanos,
    lands: UnixNanos,
}

#[derive(Debug, Default)]
struct Queue {
    exits: VecDeque<Submitted>,
    refused: VecDeque<Submitted>,
    flying: Option<Submitted>,
    alerts: u64,
    answers: u64,
}

/// What the clock's callbacks need.
pub(crate) struct SimulatedExchange<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) parts: Parts<V>,
    queue: RefCell<Queue>,
    this: Weak<Self>,
}

/// The parts of a exchange that the run has made.
pub(crate) struct Parts<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) clock: Rc<RefCell<dyn Clock>>,
    pub(crate) cache: Rc<RefCell<Cache>>,
    pub(crate) events: OrderEventFactory,
    pub(crate) venue: Rc<RefCell<V>>,
    pub(crate) books: Rc<RefCell<<V::Ledger as MirroredLedger>::Books>>,
    pub(crate) columns: Rc<Columns>,
    pub(crate) terms: Rc<Terms>,
    pub(crate) log: RunLog,
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) fn new(parts: Parts<V>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self { parts, queue: RefCell::default(), this: this.clone() })
    }

    pub(crate) fn now(&self) -> UnixNanos {
        self.parts.clock.borrow().timestamp_ns()
    }

    fn alert(&self, at: UnixNanos) {
        let number = {
            let mut queue = self.queue.borrow_mut();
            queue.alerts += 1;
            queue.alerts
        };
        let exchange = self.this.clone();
        let callback: Rc<dyn Fn(TimeEvent)> = Rc::new(move |_| {
            if let Some(exchange) = exchange.upgrade() {
                exchange.alerted();
            }
        });
        let callback = Some(TimeEventCallback::from(callback));
        let set = self.parts.clock.borrow_mut().set_time_alert_ns(&format!("Q50-{number}"), at, callback, Some(true));
        if let Err(error) = set {
            self.parts.log.fault(format!("no alert at {at}: {error:#}"));
        }
    }

    pub(crate) fn submit(&self, id: ClientOrderId) {
        let Some(params) = self.parts.log.params(&id) else {
            self.parts.log.fault(format!("{id} reached the venue without its parameters"));
            return;
        };
        let at = self.now();
        let latency = match self.parts.terms.timing {
            FillTiming::NextOpen => self.parts.venue.borrow().latency_ms().max(0) as u64 * NS_PER_MS,
            FillTiming::SameClose => 0,
        };
        let lands = at + latency;
        let submitted = Submitted { id, params, at, lands };
        let due = {
            let mut queue = self.queue.borrow_mut();
            match params.meeting {
                Meeting::Resting { .. } => {
                    queue.exits.push_back(submitted);
                    at
                }
                Meeting::AfterLatency if queue.flying.is_some() => {
                    queue.refused.push_back(submitted);
                    at
                }
                Meeting::AfterLatency => {
                    queue.flying = Some(submitted);
                    lands
                }
            }
        };
        self.alert(due);
    }

    /// A number for the next answer.
    pub(crate) fn number(&self) -> u64 {
        let mut queue = self.queue.borrow_mut();
        queue.answers += 1;
        queue.answers
    }

    fn alerted(&self) {
        let now = self.now();
        let mut queue = self.queue.borrow_mut();
        if let Some(exit) = queue.exits.pop_front() {
            drop(queue);
            self.exit(exit);
        } else if let Some(refused) = queue.refused.pop_front() {
            drop(queue);
            self.reject(refused, Rejection::InFlight, now);
        } else if let Some(landed) = queue.flying.take_if(|order| order.lands <= now) {
            drop(queue);
            self.land(landed, now);
        }
    }

    /// A resting order was hit inside the bar that has just closed; NautilusTrader hears of it now.
    fn exit(&self, order: Submitted) {
        if let Meeting::Resting { price, time } = order.params.meeting {
            let row = order.params.row;
            self.execute(order, arrival(row, time, price, row));
        }
    }

    /// The order meets the last print if its bar is still open. Between two bars it waits for the next print, and after
    /// the last one there is none.
    fn land(&self, order: Submitted, now: UnixNanos) {
        let decided_row = order.params.row;
        let time = (now.as_u64() / NS_PER_MS) as i64;
        if self.parts.terms.timing == FillTiming::SameClose {
            let close = self.parts.cache.borrow().bar(&self.parts.terms.bars).map(|bar| bar.close.raw);
            match close {
                Some(raw) => {
                    let price = self.parts.terms.scale.price(raw);
                    self.execute(order, arrival(decided_row, time, price, decided_row));
                }
                None => self.parts.log.fault("an order landed before the first bar"),
            }
            return;
        }
        let print = self.parts.cache.borrow().trade(&self.parts.terms.instrument).copied();
        let row = print.and_then(|print| self.parts.columns.row_of_open(print.ts_event.as_u64()));
        let Some((print, row)) = print.zip(row) else {
            self.parts.log.fault(format!("an order landed at {now} and no bar had opened"));
            return;
        };
        if now < print.ts_event + self.parts.columns.interval_ns() {
            let price = self.parts.terms.scale.price(print.price.raw);
            self.execute(order, arrival(row, time, price, decided_row));
        } else if let Some(opens) = self.parts.columns.opens(row + 1) {
            let waiting = Submitted { lands: UnixNanos::from(opens), ..order };
            self.queue.borrow_mut().flying = Some(waiting);
            self.alert(waiting.lands);
        } else {
            self.reject(order, Rejection::NoNextBar, now);
        }
    }
}

/// Where an order meets the market; the simple orders of decisions are filled whole.
fn arrival(row: usize, time: i64, price: f64, decided_row: usize) -> Arrival {
    Arrival { row, time, price, decided_row, available: f64::INFINITY }
}
