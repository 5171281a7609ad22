//! The venue inside NautilusTrader: an execution client that fills through a [`Venue`] of the engine when its clock says
//! that an order has landed.
//!
//! It replaces the venue's default client. NautilusTrader's execution engine is borrowed while an order is submitted, so
//! that every answer goes through an alert of its clock, and at one moment data comes before alerts. Each alert does the
//! one most urgent thing that is due: an exit that was hit inside the bar that has closed, then a refusal, then the order
//! that lands. Whatever the strategy sends on hearing of it is submitted before the next alert.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use nautilus_common::{
    cache::Cache,
    clients::ExecutionClient,
    clock::Clock,
    factories::OrderEventFactory,
    messages::execution::SubmitOrder,
    msgbus::{self, MessagingSwitchboard},
    timer::{TimeEvent, TimeEventCallback},
};
use nautilus_core::UnixNanos;
use nautilus_model::{
    accounts::{Account, AccountAny},
    enums::{LiquiditySide, OmsType},
    events::OrderEventAny,
    identifiers::{AccountId, ClientId, ClientOrderId, TradeId, Venue as VenueId, VenueOrderId},
    orders::{Order, OrderAny},
    types::{AccountBalance, MarginBalance, Money, Price},
};
use q50_engine::venue::{Fill, FillTiming, Rejection, Touch, Venue};

use crate::{
    books::{Amounts, Books, Kept},
    feed::{Columns, NS_PER_MS},
    terms::Terms,
    wire::{Instruction, Meeting, Wire, reason_of},
};

/// An order that NautilusTrader has handed over.
#[derive(Clone, Copy, Debug)]
struct Submitted {
    id: ClientOrderId,
    instruction: Instruction,
    at: UnixNanos,
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
pub(crate) struct Desk<V: Venue>
where
    V::Ledger: Kept,
{
    pub(crate) clock: Rc<RefCell<dyn Clock>>,
    pub(crate) cache: Rc<RefCell<Cache>>,
    pub(crate) events: OrderEventFactory,
    pub(crate) venue: Rc<RefCell<V>>,
    pub(crate) books: Rc<RefCell<<V::Ledger as Kept>::Books>>,
    pub(crate) columns: Rc<Columns>,
    pub(crate) terms: Rc<Terms>,
    pub(crate) wire: Wire,
    queue: RefCell<Queue>,
    this: Weak<Self>,
}

/// The parts of a desk that the run has made.
pub(crate) struct Parts<V: Venue>
where
    V::Ledger: Kept,
{
    pub(crate) clock: Rc<RefCell<dyn Clock>>,
    pub(crate) cache: Rc<RefCell<Cache>>,
    pub(crate) events: OrderEventFactory,
    pub(crate) venue: Rc<RefCell<V>>,
    pub(crate) books: Rc<RefCell<<V::Ledger as Kept>::Books>>,
    pub(crate) columns: Rc<Columns>,
    pub(crate) terms: Rc<Terms>,
    pub(crate) wire: Wire,
}

impl<V: Venue + 'static> Desk<V>
where
    V::Ledger: Kept,
{
    pub(crate) fn new(parts: Parts<V>) -> Rc<Self> {
        let Parts { clock, cache, events, venue, books, columns, terms, wire } = parts;
        Rc::new_cyclic(|this| Self {
            clock,
            cache,
            events,
            venue,
            books,
            columns,
            terms,
            wire,
            queue: RefCell::default(),
            this: this.clone(),
        })
    }

    fn now(&self) -> UnixNanos {
        self.clock.borrow().timestamp_ns()
    }

    fn alert(&self, at: UnixNanos) {
        let number = {
            let mut queue = self.queue.borrow_mut();
            queue.alerts += 1;
            queue.alerts
        };
        let desk = self.this.clone();
        let callback: Rc<dyn Fn(TimeEvent)> = Rc::new(move |_| {
            if let Some(desk) = desk.upgrade() {
                desk.alerted();
            }
        });
        let callback = Some(TimeEventCallback::from(callback));
        let set = self.clock.borrow_mut().set_time_alert_ns(&format!("Q50-{number}"), at, callback, Some(true));
        if let Err(error) = set {
            self.wire.fault(format!("no alert at {at}: {error:#}"));
        }
    }

    fn submit(&self, id: ClientOrderId) {
        let Some(instruction) = self.wire.instruction(&id) else {
            self.wire.fault(format!("{id} reached the venue without an instruction"));
            return;
        };
        let at = self.now();
        let latency = match self.terms.timing {
            FillTiming::NextOpen => self.venue.borrow().latency_ms().max(0) as u64 * NS_PER_MS,
            FillTiming::SameClose => 0,
        };
        let lands = at + latency;
        let submitted = Submitted { id, instruction, at, lands };
        let due = {
            let mut queue = self.queue.borrow_mut();
            match instruction.meeting {
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
        if let Meeting::Resting { price, time } = order.instruction.meeting {
            let row = order.instruction.row;
            self.execute(order, Touch { row, time, price, decided_row: row });
        }
    }

    /// The order meets the last print if its bar is still open. Between two bars it waits for the next print, and after
    /// the last one there is none.
    fn land(&self, order: Submitted, now: UnixNanos) {
        let decided_row = order.instruction.row;
        let time = (now.as_u64() / NS_PER_MS) as i64;
        if self.terms.timing == FillTiming::SameClose {
            let close = self.cache.borrow().bar(&self.terms.bars).map(|bar| bar.close.raw);
            match close {
                Some(raw) => {
                    let price = self.terms.scale.price(raw);
                    self.execute(order, Touch { row: decided_row, time, price, decided_row });
                }
                None => self.wire.fault("an order landed before the first bar"),
            }
            return;
        }
        let print = self.cache.borrow().trade(&self.terms.instrument).copied();
        let row = print.and_then(|print| self.columns.row_of_open(print.ts_event.as_u64()));
        let Some((print, row)) = print.zip(row) else {
            self.wire.fault(format!("an order landed at {now} and no bar had opened"));
            return;
        };
        if now < print.ts_event + self.columns.interval_ns() {
            let price = self.terms.scale.price(print.price.raw);
            self.execute(order, Touch { row, time, price, decided_row });
        } else if let Some(opens) = self.columns.opens(row + 1) {
            let waiting = Submitted { lands: UnixNanos::from(opens), ..order };
            self.queue.borrow_mut().flying = Some(waiting);
            self.alert(waiting.lands);
        } else {
            self.reject(order, Rejection::NoNextBar, now);
        }
    }

    fn execute(&self, order: Submitted, touch: Touch) {
        let trade = order.instruction.trade;
        let mut ledger = self.books.borrow().ledger();
        let before = ledger.clone();
        let result = self.venue.borrow_mut().execute(trade, touch, &mut ledger);
        let at = UnixNanos::from(touch.time as u64 * NS_PER_MS);
        match result {
            Ok(fill) => {
                // The books are written while NautilusTrader reports the fill: they must not be borrowed then.
                let amounts = self.books.borrow().report(&fill, trade, self.open(), &self.terms);
                match amounts {
                    Ok(amounts) => self.fill(order, &fill, amounts, at),
                    Err(what) => self.wire.fault(what),
                }
            }
            Err(rejection) => {
                let paid = <V::Ledger as Kept>::Books::paid(&before, &ledger);
                if paid > 0 {
                    self.charge(paid, at);
                }
                self.reject(order, rejection, at);
            }
        }
    }

    /// Takes what a failed transaction cost out of NautilusTrader's account.
    fn charge(&self, paid: i128, at: UnixNanos) {
        let held = self.cash();
        let Some(held) = held else {
            self.wire.fault("NautilusTrader has no account to charge");
            return;
        };
        let left = Money::from_raw(held.raw - paid, self.terms.quote);
        let none = Money::from_raw(0, self.terms.quote);
        let state = self.events.generate_account_state(
            vec![AccountBalance::new(left, none, left)],
            vec![],
            true,
            at,
            self.now(),
        );
        msgbus::send_account_state(MessagingSwitchboard::portfolio_update_account(), &state);
        match self.cash() {
            Some(balance) if balance.raw == left.raw => self.books.borrow_mut().charged(balance),
            found => self.wire.fault(format!("a charge left {found:?} in NautilusTrader's account, expected {left}")),
        }
    }

    fn cash(&self) -> Option<Money> {
        let cache = self.cache.borrow();
        cache.account_for_venue(&self.terms.venue).and_then(|account| account.balance_total(Some(self.terms.quote)))
    }

    /// Size of NautilusTrader's open position, raw.
    fn open(&self) -> Option<u128> {
        let cache = self.cache.borrow();
        let open = cache.positions_open(None, Some(&self.terms.instrument), None, None, None);
        open.first().map(|position| position.quantity.raw)
    }

    fn order(&self, order: Submitted) -> Option<OrderAny> {
        let found = self.cache.borrow().order(&order.id).map(|order| order.clone());
        if found.is_none() {
            self.wire.fault(format!("{} is not in NautilusTrader's cache", order.id));
        }
        found
    }

    fn send(&self, event: OrderEventAny) {
        msgbus::send_order_event(MessagingSwitchboard::exec_engine_process(), event);
    }

    fn reject(&self, order: Submitted, rejection: Rejection, at: UnixNanos) {
        if let Some(cached) = self.order(order) {
            self.send(self.events.generate_order_submitted(&cached, order.at));
            let reason = reason_of(rejection);
            self.send(self.events.generate_order_rejected(&cached, &reason, at, self.now(), false));
        }
    }

    fn fill(&self, order: Submitted, fill: &Fill, amounts: Amounts, at: UnixNanos) {
        let Some(cached) = self.order(order) else {
            return;
        };
        let Amounts { quantity, price, commission } = amounts;
        if quantity == 0 || Price::from_raw_checked(price, 16).is_err() {
            self.wire.fault(format!("{fill:?} is no fill in NautilusTrader's integers"));
            return;
        }
        let (quantity, price) = (self.terms.quantity(quantity), Price::from_raw(price, 16));
        let number = {
            let mut queue = self.queue.borrow_mut();
            queue.answers += 1;
            queue.answers
        };
        let (now, name) = (self.now(), VenueOrderId::new(format!("V-{number}")));
        let events = &self.events;
        self.send(events.generate_order_submitted(&cached, order.at));
        self.send(events.generate_order_accepted(&cached, name, at, now));
        // A budget becomes a quantity only here.
        if cached.quantity() != quantity {
            self.send(events.generate_order_updated(&cached, name, quantity, None, None, None, at, now));
        }
        self.send(events.generate_order_filled(
            &cached,
            name,
            None,
            TradeId::new(format!("T-{number}")),
            quantity,
            price,
            self.terms.quote,
            Some(Money::from_raw(commission, self.terms.quote)),
            LiquiditySide::Taker,
            at,
            now,
        ));
    }
}

/// The client that NautilusTrader's execution engine knows.
pub(crate) struct Client<V: Venue>
where
    V::Ledger: Kept,
{
    desk: Rc<Desk<V>>,
    connected: bool,
}

impl<V: Venue> Client<V>
where
    V::Ledger: Kept,
{
    pub(crate) fn new(desk: Rc<Desk<V>>) -> Self {
        Self { desk, connected: false }
    }
}

impl<V: Venue + 'static> ExecutionClient for Client<V>
where
    V::Ledger: Kept,
{
    fn is_connected(&self) -> bool {
        self.connected
    }

    fn client_id(&self) -> ClientId {
        self.desk.terms.client
    }

    fn account_id(&self) -> AccountId {
        self.desk.terms.account
    }

    fn venue(&self) -> VenueId {
        self.desk.terms.venue
    }

    fn oms_type(&self) -> OmsType {
        OmsType::Netting
    }

    fn get_account(&self) -> Option<AccountAny> {
        self.desk.cache.borrow().account_owned(&self.desk.terms.account)
    }

    fn generate_account_state(
        &self,
        balances: Vec<AccountBalance>,
        margins: Vec<MarginBalance>,
        reported: bool,
        ts_event: UnixNanos,
    ) -> anyhow::Result<()> {
        let state = self.desk.events.generate_account_state(balances, margins, reported, ts_event, self.desk.now());
        msgbus::send_account_state(MessagingSwitchboard::portfolio_update_account(), &state);
        Ok(())
    }

    fn start(&mut self) -> anyhow::Result<()> {
        self.connected = true;
        Ok(())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.connected = false;
        Ok(())
    }

    fn submit_order(&self, cmd: SubmitOrder) -> anyhow::Result<()> {
        self.desk.submit(cmd.client_order_id);
        Ok(())
    }
}
