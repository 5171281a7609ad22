//! The life of an order that the strategy has placed: it lands, meets bars, is filled, cancelled or expires.

use nautilus_core::UnixNanos;
use nautilus_model::{
    identifiers::{ClientOrderId, VenueOrderId},
    orders::{Order, OrderAny},
};
use q50_engine::{
    ledger::Books as _,
    orders::{Amount, OrderKind},
    venue::{Arrival, Fill, FillSide, Rejection, Role, Venue},
};

use crate::{
    books::{Books, MirroredLedger},
    exchange::{Flying, Message, Present, SimulatedExchange, Submitted},
    feed::NS_PER_MS,
    limits::Moment,
    matching::{Began, Met, Working},
    order_events::Filled,
    run_log::Instruction,
};

/// Amounts that differ by less, as a share of themselves, are the same.
const ROUNDING: f64 = 1e-9;

/// How an order ends.
#[derive(Clone, Copy)]
enum End {
    Filled(Filled),
    Cancelled,
    Expired,
    Rejected(Rejection),
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    /// A bar opens, of whose volume `available` units can be had: what is over ends, and what has landed works.
    pub(crate) fn begin_bar(&self, present: Present, available: f64) {
        {
            let mut lane = self.lanes[present.i].borrow_mut();
            (lane.book.left, lane.clock) = (available, present.opens);
            lane.flying.iter_mut().for_each(|flying| flying.steps = 0);
            lane.book.working.iter_mut().for_each(|order| (order.steps, order.began) = (0, Began::Earlier));
        }
        let over = |order: &&Working| order.request.expires.is_some_and(|expires| expires <= present.opens);
        loop {
            let expired = self.lanes[present.i].borrow().book.working.iter().find(over).map(|order| order.id);
            let Some(id) = expired else { break };
            self.finish(id, End::Expired, present);
        }
        self.land(present, Began::Earlier);
    }

    /// Every order that the bar opens at or beyond is filled there.
    pub(crate) fn meet_open(&self, present: Present, open: f64) {
        self.land(present, Began::AtOpen);
        let terms = &self.instrument(present.i).terms;
        loop {
            let met = self.lanes[present.i].borrow_mut().book.at_open(open, terms);
            let Some(id) = met else { break };
            self.fill(id, open, present, Began::AtOpen, None);
        }
    }

    /// Lets orders meet a bar without the cash that came in inside another one that ends with it, which may have come later.
    pub(crate) fn with_known_cash(&self, present: Present, act: impl FnOnce()) {
        let books = &self.instrument(present.i).books;
        let cash = books.borrow().free();
        let known = self.known.get().filter(|(ends, _)| *ends == present.ends).map_or(cash, |(_, known)| known);
        let lent = if cash < known { cash } else { known };
        books.borrow().set_free(lent);
        self.withheld.set(V::Ledger::flow(lent, cash));
        act();
        self.withheld.set(0.0);
        let left = books.borrow().free();
        if lent < cash {
            books.borrow().set_free(V::Ledger::moved(cash, lent, left));
        }
        self.known.set(Some((present.ends, if left < lent { V::Ledger::moved(known, lent, left) } else { known })));
    }

    /// Every other order meets the range of the bar; what met it and found nothing to reduce in all of it ends.
    pub(crate) fn meet_inside(&self, present: Present) {
        let instrument = self.instrument(present.i);
        let bar = instrument.columns.market().bar(present.row);
        let shorts = instrument.venue.borrow().permits_shorting();
        loop {
            let position = self.position(present.i, present.row);
            let met = self.lanes[present.i].borrow_mut().book.inside(&bar, position, shorts, &instrument.terms);
            let Some(met) = met else { break };
            self.fill(met.id, met.price, present, Began::Inside(met.price), Some(met));
        }
        loop {
            let met = {
                let mut lane = self.lanes[present.i].borrow_mut();
                lane.book
                    .met(&bar, &instrument.terms)
                    .into_iter()
                    .min_by_key(|met| met.place)
                    .and_then(|met| lane.book.get_mut(met.id).copied())
            };
            let Some(order) = met else { break };
            let reduce_only = order.request.reduce_only;
            let end = if reduce_only { End::Cancelled } else { End::Rejected(Rejection::NoPosition) };
            self.finish(order.id, end, present);
        }
    }

    /// Whatever has reached the venue before the bar is over works from now on.
    fn land(&self, present: Present, began: Began) {
        let mut later = Vec::new();
        loop {
            let next = self.lanes[present.i].borrow_mut().flying.pop_front();
            let Some(flying) = next else { break };
            if flying.lands >= present.ends || flying.steps > 1 {
                later.push(flying);
                continue;
            }
            match flying.message {
                Message::Place(order) => self.begin(order, flying, present, began),
                Message::Cancel(id) => self.finish(id, End::Cancelled, present),
                Message::CancelAll => loop {
                    let first = self.lanes[present.i].borrow().book.working.first().map(|order| order.id);
                    let Some(id) = first else { break };
                    self.finish(id, End::Cancelled, present);
                },
            }
        }
        self.lanes[present.i].borrow_mut().flying.extend(later);
    }

    fn begin(&self, order: Submitted, flying: Flying, present: Present, began: Began) {
        let (Some(cached), Instruction::Placed(_, request)) =
            (self.order(present.i, order.id), order.params.instruction)
        else {
            return;
        };
        let instrument = self.instrument(present.i);
        // The level is the one of NautilusTrader's order; limits include half the spread.
        let level =
            cached.trigger_price().or_else(|| cached.price()).map(|price| instrument.terms.scale.price(price.raw));
        let level = match (request.kind, level) {
            (OrderKind::Limit(_), Some(level)) => instrument.venue.borrow().mid(request.side, level),
            (_, level) => level.unwrap_or(0.0),
        };
        let landed = flying.lands.max(present.opens);
        let working =
            Working { id: order.id, request, level, landed, decided_row: order.params.row, steps: flying.steps, began };
        self.lanes[present.i].borrow_mut().book.add(working, &instrument.terms);
        self.send(self.events.generate_order_submitted(&cached, order.at));
        let valid = match request.amount {
            Amount::Units(amount) | Amount::Quote(amount) => amount.is_finite() && amount > 0.0,
            Amount::Position => true,
        };
        if !valid {
            self.finish(order.id, End::Rejected(Rejection::BelowLot), present);
        } else if request.kind != OrderKind::Market && !instrument.venue.borrow().rests_orders() {
            self.finish(order.id, End::Rejected(Rejection::Unsupported), present);
        } else {
            let (name, at) = (venue_order(order.id), self.time(&working, present));
            let event = self.events.generate_order_accepted(&cached, name, at, self.now());
            self.tell(&working, present, event);
            if request.expires.is_some_and(|expires| expires <= landed) {
                self.finish(order.id, End::Expired, present);
            }
        }
    }

    fn fill(&self, id: ClientOrderId, price: f64, present: Present, began: Began, met: Option<Met>) {
        let Present { i, row, .. } = present;
        let (order, left) = {
            let mut lane = self.lanes[i].borrow_mut();
            let left = lane.book.left;
            let Some(order) = lane.book.get_mut(id).copied() else { return };
            (order, left)
        };
        let position = self.position(i, row);
        let open = order.against(position);
        let instrument = self.instrument(i);
        let quoted = if let Began::Inside(price) = began { price } else { instrument.columns.market().open[row] };
        let unit = instrument.venue.borrow().price_of_unit(row, quoted);
        let Some(asked) = order.order(open, unit) else {
            return self.finish(id, End::Cancelled, present);
        };
        let asked = instrument.venue.borrow().bounded(asked, price, &instrument.books.borrow().ledger());
        let (time, decided_row) = (order.landed.max(self.lanes[i].borrow().clock), order.decided_row);
        let arrival = Arrival { row, time, price, decided_row, available: left, role: Role::Taker };
        let moment = if let Began::Inside(_) = began { Moment::Inside { ends: present.ends } } else { Moment::Open };
        match self.ask(i, asked, arrival, moment) {
            Err(rejection) => self.finish(id, End::Rejected(rejection), present),
            Ok(filled) => {
                let fill = filled.fill;
                if let Some(met) = met {
                    let change = if fill.side == FillSide::Buy { fill.units } else { -fill.units };
                    self.begin_late(&met, [position, position + change], present, began);
                }
                let exhausted = fill.units >= left * (1.0 - ROUNDING);
                self.lanes[i].borrow_mut().book.left = if exhausted { 0.0 } else { left - fill.units };
                let (rest, whole) = rest_of(order.request.amount, &fill, open);
                if exhausted && !whole {
                    if let Some(working) = self.lanes[i].borrow_mut().book.get_mut(id) {
                        working.request.amount = rest;
                    }
                    self.tell_fill(&order, present, filled, false);
                } else {
                    self.finish(id, End::Filled(filled), present);
                }
            }
        }
        self.land(present, began);
    }

    /// What found nothing in the position before the fill of `filled`, and does in the one after it, begins there.
    fn begin_late(&self, filled: &Met, [before, after]: [f64; 2], present: Present, began: Began) {
        let instrument = self.instrument(present.i);
        let shorts = instrument.venue.borrow().permits_shorting();
        let bar = instrument.columns.market().bar(present.row);
        let mut lane = self.lanes[present.i].borrow_mut();
        let met = lane.book.met(&bar, &instrument.terms);
        for order in &mut lane.book.working {
            let behind = met.iter().any(|met| met.id == order.id && met.lies_behind(filled));
            if order.finds_nothing(before, shorts) && !order.finds_nothing(after, shorts) && !behind {
                order.began = began;
            }
        }
    }

    /// An order ends, and with it, where it was filled, the other one of its pair.
    fn finish(&self, id: ClientOrderId, end: End, present: Present) {
        let ended = self.lanes[present.i].borrow_mut().book.remove(id);
        let Some((order, cached)) = ended.zip(self.order(present.i, id)) else { return };
        let (name, at, now) = (venue_order(id), self.time(&order, present), self.now());
        match end {
            End::Filled(filled) => {
                self.tell_fill(&order, present, filled, true);
                if let Some(&[other]) = cached.linked_order_ids() {
                    self.finish(other, End::Cancelled, present);
                }
            }
            End::Cancelled => {
                self.tell(&order, present, self.events.generate_order_canceled(&cached, Some(name), at, now));
            }
            End::Expired => {
                self.tell(&order, present, self.events.generate_order_expired(&cached, Some(name), at, now));
            }
            // NautilusTrader rejects nothing of which a part was filled.
            End::Rejected(rejection) if !cached.filled_qty().is_zero() => {
                self.instrument(present.i).log.refuse_rest(id, rejection);
                self.tell(&order, present, self.events.generate_order_canceled(&cached, Some(name), at, now));
            }
            End::Rejected(rejection) => {
                let event = self.events.generate_order_rejected(&cached, &rejection.to_string(), at, now, false);
                self.tell(&order, present, event);
            }
        }
    }

    /// Sends a fill as NautilusTrader's events; a budget becomes a quantity only now, and what is left of one is a guess.
    fn tell_fill(&self, order: &Working, present: Present, filled: Filled, whole: bool) {
        let Some(cached) = self.order(present.i, order.id) else { return };
        let terms = &self.instrument(present.i).terms;
        let rest = if whole { 0 } else { terms.step() };
        let quantity = terms.quantity(cached.filled_qty().raw + filled.amounts.quantity + rest);
        let (name, at, now) = (venue_order(order.id), nanoseconds(filled.fill.time), self.now());
        if cached.quantity() != quantity {
            self.send(self.events.generate_order_updated(&cached, name, quantity, None, None, None, at, now));
        }
        let event = self.filled_event(present.i, &cached, name, filled, at);
        self.tell(order, present, event);
    }

    /// Sends an event, and takes what the strategy answers as an answer to it.
    fn tell(&self, order: &Working, present: Present, event: nautilus_model::events::OrderEventAny) {
        let time = {
            let mut lane = self.lanes[present.i].borrow_mut();
            lane.clock = order.landed.max(lane.clock);
            lane.clock
        };
        let before = self.telling.replace(Some((order.steps, time)));
        self.send(event);
        self.telling.set(before);
    }

    /// When something becomes of the order now.
    fn time(&self, order: &Working, present: Present) -> UnixNanos {
        nanoseconds(order.landed.max(self.lanes[present.i].borrow().clock))
    }

    fn position(&self, i: usize, row: usize) -> f64 {
        self.portfolio.account(i, row).position
    }
}

/// What is left to fill after `fill`, and whether that is nothing; `open` units were open against the order.
fn rest_of(amount: Amount, fill: &Fill, open: f64) -> (Amount, bool) {
    match amount {
        Amount::Position => (amount, fill.units >= open),
        Amount::Units(units) => {
            let rest = units - fill.units;
            (Amount::Units(rest), rest <= fill.units * ROUNDING)
        }
        Amount::Quote(quote) => {
            let spent = if fill.side == FillSide::Buy { fill.notional + fill.cost } else { fill.notional };
            (Amount::Quote(quote - spent), quote - spent <= fill.notional * ROUNDING)
        }
    }
}

fn nanoseconds(ms: i64) -> UnixNanos {
    UnixNanos::from(ms.max(0) as u64 * NS_PER_MS)
}

/// The venue's name of an order that it works.
fn venue_order(id: ClientOrderId) -> VenueOrderId {
    VenueOrderId::new(format!("V-{id}"))
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    /// The order as NautilusTrader's cache has it.
    pub(crate) fn order(&self, i: usize, id: ClientOrderId) -> Option<OrderAny> {
        let found = self.cache.borrow().order(&id).map(|order| order.clone());
        if found.is_none() {
            self.fault(i, format!("{id} is not in NautilusTrader's cache"));
        }
        found
    }
}
