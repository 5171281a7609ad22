//! The venue inside NautilusTrader: takes orders, and asks a [`Venue`] of the engine when one meets the market.
//!
//! NautilusTrader shows each datum to the modules of its exchange before anything else sees it, and this exchange is such a
//! module. A print is the open of a bar: what has landed is filled, and placed orders meet the open. A bar tells the range:
//! placed orders meet it, and the strategy answers with the exits that it hits. An instrument's close is when its strategy
//! decides. At one moment bars come before closes, and closes before prints.
//!
//! NautilusTrader's execution engine is borrowed while an order is submitted, so that what is answered at once (an exit, a
//! refusal, the legacy timing) is answered before the next datum, or by an alert of its clock after the last one.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use nautilus_backtest::modules::{ExchangeContext, SimulationModule};
use nautilus_common::{
    cache::Cache,
    clock::Clock,
    factories::OrderEventFactory,
    timer::{TimeEvent, TimeEventCallback},
};
use nautilus_core::UnixNanos;
use nautilus_model::{
    data::{Data, HasTsInit},
    identifiers::{ClientOrderId, InstrumentId},
    types::Money,
};
use q50_engine::venue::{Arrival, FillTiming, Rejection, Role, Venue};

use crate::{
    books::{CashOf, MirroredLedger},
    feed::NS_PER_MS,
    instrument::{Instrument, Portfolio},
    matching::OrderBook,
    run_log::{Instruction, OrderParams},
};

/// An order that NautilusTrader has handed over, for one arrival at the market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submitted {
    pub(crate) id: ClientOrderId,
    pub(crate) params: OrderParams,
    pub(crate) at: UnixNanos,
    /// Epoch milliseconds.
    pub(crate) lands: i64,
}

/// What has been sent beside the orders of decisions, and is on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flying {
    pub(crate) message: Message,
    /// Epoch milliseconds.
    pub(crate) lands: i64,
    /// How many events of the present bar it goes back to.
    pub(crate) steps: u8,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Message {
    Place(Submitted),
    Cancel(ClientOrderId),
    CancelAll,
}

/// The orders of one instrument.
pub(crate) struct Lane {
    /// What is answered at once.
    due: VecDeque<(Submitted, Option<Rejection>)>,
    /// The order of the last decision, on its way.
    pub(crate) decision: Option<Submitted>,
    pub(crate) flying: VecDeque<Flying>,
    pub(crate) book: OrderBook,
    /// Epoch milliseconds of the last event of the present bar, or of its open: nothing happens before it any more.
    pub(crate) clock: i64,
}

/// The exchange of one engine.
pub(crate) struct SimulatedExchange<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) clock: Rc<RefCell<dyn Clock>>,
    pub(crate) cache: Rc<RefCell<Cache>>,
    pub(crate) events: OrderEventFactory,
    pub(crate) portfolio: Rc<Portfolio<V>>,
    pub(crate) lanes: Vec<RefCell<Lane>>,
    /// The placed order whose event is being told: how many events it goes back to itself, and the event's time.
    pub(crate) telling: Cell<Option<(u8, i64)>>,
    /// Cash that was there before the bars that end at a moment (epoch milliseconds), less what was paid inside them.
    pub(crate) known: Cell<Option<(i64, CashOf<V::Ledger>)>>,
    /// What of the cash is kept from the bar that ends now, quote units.
    pub(crate) withheld: Cell<f64>,
    numbers: Cell<u64>,
    this: Weak<Self>,
}

/// The bar that orders meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    pub(crate) i: usize,
    pub(crate) row: usize,
    /// Epoch milliseconds.
    pub(crate) opens: i64,
    /// Epoch milliseconds.
    pub(crate) ends: i64,
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) fn new(
        clock: Rc<RefCell<dyn Clock>>,
        cache: Rc<RefCell<Cache>>,
        events: OrderEventFactory,
        portfolio: Rc<Portfolio<V>>,
    ) -> Rc<Self> {
        let lane = |instrument: &Instrument<V>| {
            let book = OrderBook::new(&instrument.terms);
            RefCell::new(Lane { due: VecDeque::new(), decision: None, flying: VecDeque::new(), book, clock: 0 })
        };
        Rc::new_cyclic(|this| Self {
            clock,
            cache,
            events,
            lanes: portfolio.instruments.iter().map(lane).collect(),
            portfolio,
            telling: Cell::new(None),
            known: Cell::new(None),
            withheld: Cell::new(0.0),
            numbers: Cell::new(0),
            this: this.clone(),
        })
    }

    pub(crate) fn instrument(&self, i: usize) -> &Instrument<V> {
        &self.portfolio.instruments[i]
    }

    pub(crate) fn now(&self) -> UnixNanos {
        self.clock.borrow().timestamp_ns()
    }

    fn now_ms(&self) -> i64 {
        (self.now().as_u64() / NS_PER_MS) as i64
    }

    /// A number for the next answer or alert.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    fn index_of(&self, instrument: InstrumentId) -> Option<usize> {
        self.portfolio.instruments.iter().position(|known| known.terms.instrument == instrument)
    }

    /// Runs `act` at this moment of NautilusTrader's clock, after its data.
    fn alert(&self, at: UnixNanos, act: impl Fn(&Self) + 'static) {
        let exchange = self.this.clone();
        let callback: Rc<dyn Fn(TimeEvent)> = Rc::new(move |_| {
            if let Some(exchange) = exchange.upgrade() {
                act(&exchange);
            }
        });
        let (name, callback) = (format!("Q50-{}", self.number()), Some(TimeEventCallback::from(callback)));
        let set = self.clock.borrow_mut().set_time_alert_ns(&name, at, callback, Some(true));
        if let Err(error) = set {
            self.fault(0, format!("no alert at {at}: {error:#}"));
        }
    }

    pub(crate) fn fault(&self, i: usize, what: impl Into<String>) {
        self.instrument(i).log.fault(what);
    }

    pub(crate) fn submit(&self, id: ClientOrderId, instrument: InstrumentId) {
        let Some(i) = self.index_of(instrument) else {
            self.fault(0, format!("{id} is for {instrument}, which is not traded here"));
            return;
        };
        let Some(params) = self.instrument(i).log.params(&id) else {
            self.fault(i, format!("{id} reached the venue without its parameters"));
            return;
        };
        let timing = self.instrument(i).terms.timing;
        let mut lane = self.lanes[i].borrow_mut();
        let refused = match params.instruction {
            Instruction::Placed(..) => {
                drop(lane);
                return self.send_off(i, |lands, at| Message::Place(Submitted { id, params, at, lands }));
            }
            Instruction::Exit { .. } => None,
            Instruction::Decision(_) if timing == FillTiming::SameClose => None,
            Instruction::Decision(_) if lane.decision.is_some() => Some(Rejection::InFlight),
            Instruction::Decision(_) => {
                let lands = self.now_ms() + self.latency(i);
                lane.decision = Some(Submitted { id, params, at: self.now(), lands });
                return;
            }
        };
        lane.due.push_back((Submitted { id, params, at: self.now(), lands: self.now_ms() }, refused));
        drop(lane);
        self.alert(self.now(), Self::settle);
    }

    pub(crate) fn cancel(&self, id: ClientOrderId, instrument: InstrumentId) {
        if let Some(i) = self.index_of(instrument) {
            self.send_off(i, |_, _| Message::Cancel(id));
        }
    }

    pub(crate) fn cancel_all(&self, instrument: InstrumentId) {
        if let Some(i) = self.index_of(instrument) {
            self.send_off(i, |_, _| Message::CancelAll);
        }
    }

    fn latency(&self, i: usize) -> i64 {
        self.instrument(i).venue.borrow().latency_ms().max(0)
    }

    /// A message leaves now, or when the event happened that it answers.
    fn send_off(&self, i: usize, message: impl FnOnce(i64, UnixNanos) -> Message) {
        let answers = self.telling.get();
        let sent = answers.map_or_else(|| self.now_ms(), |(_, time)| time);
        let lands = sent + self.latency(i);
        let steps = answers.map_or(0, |(steps, _)| steps.saturating_add(1));
        let message = message(lands, UnixNanos::from(sent.max(0) as u64 * NS_PER_MS));
        self.lanes[i].borrow_mut().flying.push_back(Flying { message, lands, steps });
    }

    /// Answers what is to be answered at once.
    fn settle(&self) {
        for i in 0..self.lanes.len() {
            loop {
                let due = self.lanes[i].borrow_mut().due.pop_front();
                let Some((order, refused)) = due else { break };
                let time =
                    if let Instruction::Exit { time, .. } = order.params.instruction { time } else { order.lands };
                self.telling.set(Some((0, time)));
                match refused {
                    Some(rejection) => self.reject(i, order, rejection, self.now()),
                    None => self.execute_now(i, order),
                }
                self.telling.set(None);
            }
        }
    }

    fn execute_now(&self, i: usize, order: Submitted) {
        let row = order.params.row;
        let (price, time) = match order.params.instruction {
            Instruction::Exit { price, time, .. } => (price, time),
            _ => {
                let instrument = self.instrument(i);
                let close = self.cache.borrow().bar(&instrument.terms.bars).map(|bar| bar.close.raw);
                let Some(raw) = close else { return self.fault(i, "an order landed before the first bar") };
                (instrument.terms.scale.price(raw), order.lands)
            }
        };
        self.execute(
            i,
            order,
            Arrival { row, time, price, decided_row: row, available: f64::INFINITY, role: Role::Taker },
        );
    }

    /// After the last datum: what is still on its way never lands.
    pub(crate) fn ends_at(&self, at: UnixNanos) {
        self.alert(at, |exchange| {
            exchange.settle();
            for i in 0..exchange.lanes.len() {
                let lane = &exchange.lanes[i];
                let decision = lane.borrow_mut().decision.take();
                if let Some(order) = decision {
                    exchange.telling.set(Some((0, order.lands)));
                    exchange.never_lands(i, order);
                    exchange.telling.set(None);
                }
                let flying = std::mem::take(&mut lane.borrow_mut().flying);
                for flying in flying {
                    if let Message::Place(order) = flying.message {
                        exchange.never_lands(i, order);
                    }
                }
            }
        });
    }

    fn never_lands(&self, i: usize, order: Submitted) {
        let lands = UnixNanos::from(order.lands.max(0) as u64 * NS_PER_MS);
        self.reject(i, order, Rejection::NoNextBar, lands);
    }

    /// A bar opens at `price`: what has landed by its end is filled there, and placed orders meet it.
    fn open(&self, present: Present, price: f64) {
        let Present { i, row, ends, .. } = present;
        let instrument = self.instrument(i);
        self.begin_bar(present, instrument.venue.borrow().available(&instrument.columns.market(), row));
        let landed = self.lanes[i].borrow_mut().decision.take_if(|order| order.lands < ends);
        if let Some(order) = landed {
            let (time, decided_row) = (order.lands.max(present.opens), order.params.row);
            self.telling.set(Some((0, time)));
            let clock = self.lanes[i].borrow().clock.max(time);
            self.lanes[i].borrow_mut().clock = clock;
            self.execute(
                i,
                order,
                Arrival { row, time, price, decided_row, available: f64::INFINITY, role: Role::Taker },
            );
            self.telling.set(None);
        }
        self.meet_open(present, price);
    }
}

/// NautilusTrader's exchange shows the module each datum first.
pub(crate) struct ExchangeModule<V: Venue>(pub(crate) Rc<SimulatedExchange<V>>)
where
    V::Ledger: MirroredLedger;

impl<V: Venue + 'static> SimulationModule for ExchangeModule<V>
where
    V::Ledger: MirroredLedger,
{
    fn pre_process(&self, data: &Data) {
        let exchange = &self.0;
        exchange.settle();
        let Some(i) = exchange.index_of(data.instrument_id()) else { return };
        let columns = &exchange.instrument(i).columns;
        let present = |opens: u64| {
            let row = columns.row_of_open(opens)?;
            let opens = (opens / NS_PER_MS) as i64;
            Some(Present { i, row, opens, ends: opens + columns.market().interval_ms })
        };
        let (found, open) = match data {
            Data::Trade(print) => (present(print.ts_event.as_u64()), Some(print.price.raw)),
            Data::Bar(bar) => (present(bar.ts_event.as_u64().saturating_sub(columns.interval_ns())), None),
            _ => return,
        };
        match (found, open) {
            (Some(present), Some(raw)) => exchange.open(present, exchange.instrument(i).terms.scale.price(raw)),
            (Some(present), None) => exchange.with_known_cash(present, || exchange.meet_inside(present)),
            (None, _) => exchange.fault(i, format!("no bar of {} belongs to {}", data.instrument_id(), data.ts_init())),
        }
    }

    fn process(&self, _: UnixNanos, _: &ExchangeContext<'_>) -> Vec<Money> {
        Vec::new()
    }

    fn log_diagnostics(&self) {}

    fn reset(&self) {}
}
