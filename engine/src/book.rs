//! The orders that a strategy has placed: in flight and working. [`crate::matching`] decides where they meet a bar.

use std::collections::VecDeque;

use crate::{
    ledger::Account,
    market::{Bar, History, Market},
    matching::{Began, Meeting, Met, first, meeting},
    orders::{Amount, Event, Message, OrderId, OrderKind, OrderRequest, Orders, Outcome, ROUNDING},
    parties::Parties,
    record::Recorder,
    strategy::Strategy,
    venue::{Arrival, Fill, FillSide, MarketOrder, Rejection, Role, Venue},
};

/// The orders of one strategy: on their way, and working.
#[derive(Debug, Default)]
pub(crate) struct Book {
    orders: Orders,
    flying: VecDeque<Flying>,
    working: Vec<Working>,
    /// Units that can still be had in the present bar.
    left: f64,
    /// Epoch milliseconds of the last event of the present bar, or of its open: nothing happens before it any more.
    clock: i64,
}

#[derive(Debug)]
struct Flying {
    message: Message,
    lands: i64,
    decided_row: usize,
    /// How many events of the present bar it goes back to.
    steps: u8,
}

#[derive(Clone, Copy, Debug)]
struct Working {
    id: OrderId,
    request: OrderRequest,
    other: Option<OrderId>,
    landed: i64,
    decided_row: usize,
    steps: u8,
    began: Began,
}

/// The bar that orders meet.
#[derive(Clone, Copy)]
struct Present {
    row: usize,
    bar: Bar,
    end: i64,
}

impl Present {
    fn of(market: &Market<'_>, row: usize) -> Self {
        let bar = market.bar(row);
        Self { row, bar, end: bar.open_time + market.interval_ms }
    }
}

impl Working {
    /// Units of `position` that are open against the order.
    fn against(&self, position: f64) -> f64 {
        if self.request.side == FillSide::Sell { position } else { -position }
    }

    /// Whether the order may only reduce, and there is nothing.
    fn finds_nothing<V: Venue>(&self, position: f64, venue: &V) -> bool {
        let OrderRequest { side, reduce_only, .. } = self.request;
        let reduces = reduce_only || side == FillSide::Sell && !venue.permits_shorting();
        reduces && self.against(position) <= 0.0
    }

    /// The order as the venue takes it, where `open` units are open against it; `None` where it may only reduce, and there
    /// is nothing.
    fn at_market(&self, open: f64, price: f64) -> Option<MarketOrder> {
        let OrderRequest { side, amount, reduce_only, .. } = self.request;
        let units = match amount {
            Amount::Position => f64::INFINITY,
            Amount::Units(units) => units,
            Amount::Quote(quote) if reduce_only => quote / price,
            Amount::Quote(quote) => {
                return Some(if side == FillSide::Buy {
                    MarketOrder::BuyFor(quote)
                } else {
                    MarketOrder::ShortFor(quote)
                });
            }
        };
        match side {
            _ if reduce_only && open <= 0.0 => None,
            FillSide::Buy if reduce_only && units >= open => Some(MarketOrder::CoverShare(1.0)),
            FillSide::Sell if reduce_only && units >= open => Some(MarketOrder::SellShare(1.0)),
            FillSide::Buy => Some(MarketOrder::Buy(units)),
            FillSide::Sell => Some(MarketOrder::Sell(units)),
        }
    }

    /// What becomes of it when the book's clock shows `clock`.
    fn event(&self, outcome: Outcome, present: Present, clock: i64) -> Event {
        Event {
            order: Some(self.id),
            reason: self.request.reason,
            decided_row: self.decided_row,
            row: present.row,
            time: self.landed.max(clock),
            outcome,
        }
    }

    /// What is left to fill after `fill`.
    fn rest(&self, fill: &Fill) -> Amount {
        match self.request.amount {
            Amount::Position => Amount::Position,
            Amount::Units(units) => Amount::Units(units - fill.units),
            Amount::Quote(quote) => match fill.side {
                FillSide::Buy => Amount::Quote(quote - fill.notional - fill.cost),
                FillSide::Sell => Amount::Quote(quote - fill.notional),
            },
        }
    }
}

impl Book {
    /// Whether nothing is on its way and nothing works.
    pub(crate) fn is_idle(&self) -> bool {
        self.flying.is_empty() && self.working.is_empty()
    }

    /// The strategy places and cancels at the close of the last bar of `history`.
    #[cold]
    pub(crate) fn decided<S: Strategy + ?Sized>(
        &mut self,
        strategy: &mut S,
        history: History<'_>,
        account: &Account,
        latency: i64,
    ) {
        strategy.place(history, account, &mut self.orders);
        self.post(history.now() + latency, history.row(), 0);
    }

    /// A bar opens: what is over ends, and what has landed works.
    #[cold]
    pub(crate) fn open<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        market: &Market<'_>,
        row: usize,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let present = Present::of(market, row);
        (self.left, self.clock) = (parties.venue.available(market, row), present.bar.open_time);
        for flying in &mut self.flying {
            flying.steps = 0;
        }
        for working in &mut self.working {
            (working.steps, working.began) = (0, Began::Earlier);
        }
        let over = |order: &Working| order.request.expires.is_some_and(|expires| expires <= present.bar.open_time);
        while let Some(index) = self.working.iter().position(over) {
            self.finish(index, Outcome::Expired, present, parties);
        }
        self.land(present, Began::Earlier, parties);
    }

    /// Something became of the order of the last decision, at the price that the bar opened with.
    #[cold]
    pub(crate) fn hear<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        event: Event,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        self.clock = self.clock.max(event.time);
        self.pass_on(event, 0, parties);
    }

    /// Every order that the bar opens at or beyond is filled there.
    #[cold]
    pub(crate) fn meet_open<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        market: &Market<'_>,
        row: usize,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let present = Present::of(market, row);
        self.land(present, Began::AtOpen, parties);
        while let Some(met) = self.next(present, parties).filter(|met| matches!(met.meeting, Meeting::AtOpen(_))) {
            self.fill(met, present, Began::AtOpen, parties);
        }
    }

    /// Every other order meets the range of the bar; what met it and found nothing to reduce in all of it ends.
    #[cold]
    pub(crate) fn meet_inside<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        market: &Market<'_>,
        row: usize,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let present = Present::of(market, row);
        while let Some(met) = self.next(present, parties) {
            self.fill(met, present, Began::Inside(met.price), parties);
        }
        loop {
            let Some(met) = self.met(&present.bar, parties.venue).next() else { break };
            let reduce_only = self.working[met.index].request.reduce_only;
            let outcome = if reduce_only { Outcome::Cancelled } else { Outcome::Rejected(Rejection::NoPosition) };
            self.finish(met.index, outcome, present, parties);
        }
    }

    /// The record ends: what works is cancelled, and what has not landed never will.
    #[cold]
    pub(crate) fn end<R: Recorder>(&mut self, market: &Market<'_>, recorder: &mut R) {
        let last = market.len().saturating_sub(1);
        for order in self.working.drain(..) {
            let present = Present::of(market, last);
            recorder.event(&order.event(Outcome::Cancelled, present, present.end));
        }
        for Flying { message, lands, decided_row, .. } in self.flying.drain(..) {
            if let Message::Place { id, request, .. } = message {
                let (reason, outcome) = (request.reason, Outcome::Rejected(Rejection::NoNextBar));
                recorder.event(&Event { order: Some(id), reason, decided_row, row: last, time: lands, outcome });
            }
        }
    }

    /// The orders that meet the bar; none where nothing can be had.
    fn met<V: Venue>(&self, bar: &Bar, venue: &V) -> impl Iterator<Item = Met> {
        (0..self.working.len()).filter(|_| self.left > 0.0).filter_map(|index| self.meets(index, bar, venue))
    }

    fn meets<V: Venue>(&self, index: usize, bar: &Bar, venue: &V) -> Option<Met> {
        let order = &self.working[index];
        meeting(index, &order.request, order.began, bar, |side, price| venue.mid(side, price))
    }

    /// The order that meets the bar next; one that may only reduce waits inside the bar until there is something.
    fn next<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &self,
        present: Present,
        parties: &Parties<'_, S, V, R>,
    ) -> Option<Met> {
        let position = parties.venue.account(&present.bar, present.row, parties.ledger).position;
        let waits = |met: &Met| {
            matches!(met.meeting, Meeting::Inside(..)) && self.working[met.index].finds_nothing(position, parties.venue)
        };
        first(self.met(&present.bar, parties.venue).filter(|met| !waits(met)), position)
    }

    fn fill<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        met: Met,
        present: Present,
        began: Began,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let Met { index, price, .. } = met;
        let order = self.working[index];
        let position = parties.venue.account(&present.bar, present.row, parties.ledger).position;
        let open = order.against(position);
        let Some(market_order) = order.at_market(open, parties.venue.price_of_unit(present.row, price)) else {
            return self.finish(index, Outcome::Cancelled, present, parties);
        };
        let market_order = parties.venue.bounded(market_order, price, parties.ledger);
        let (time, clock) = (order.landed.max(self.clock), self.clock);
        let (row, decided_row) = (present.row, order.decided_row);
        let arrival = Arrival { row, time, price, decided_row, available: self.left, role: Role::Taker };
        match parties.execute(market_order, arrival, order.event(Outcome::Accepted, present, clock)) {
            Err(rejection) => self.finish(index, Outcome::Rejected(rejection), present, parties),
            Ok(fill) => {
                if let Began::Inside(_) = began {
                    self.begin_late(met, position, present, began, parties);
                }
                // Up to rounding, all that could be had.
                let exhausted = fill.units >= self.left * (1.0 - ROUNDING);
                self.left = if exhausted { 0.0 } else { self.left - fill.units };
                let rest = order.rest(&fill);
                let whole = match rest {
                    Amount::Position => fill.units >= open,
                    Amount::Units(rest) => rest <= fill.units * ROUNDING,
                    Amount::Quote(rest) => rest <= fill.notional * ROUNDING,
                };
                if exhausted && !whole {
                    self.working[index].request.amount = rest;
                    self.tell(order.event(Outcome::PartiallyFilled(fill), present, clock), order.steps, parties);
                } else {
                    self.finish(index, Outcome::Filled(fill), present, parties);
                }
            }
        }
        self.land(present, began, parties);
    }

    /// What found nothing in `position` and does now, after the fill of `filled`, begins there.
    fn begin_late<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        filled: Met,
        position: f64,
        present: Present,
        began: Began,
        parties: &Parties<'_, S, V, R>,
    ) {
        let now = parties.venue.account(&present.bar, present.row, parties.ledger).position;
        for index in 0..self.working.len() {
            let finds_nothing = |position: f64| self.working[index].finds_nothing(position, parties.venue);
            let behind = self.meets(index, &present.bar, parties.venue).is_some_and(|met| met.lies_behind(&filled));
            if finds_nothing(position) && !finds_nothing(now) && !behind {
                self.working[index].began = began;
            }
        }
    }

    /// An order ends, and with it, where it was filled, the other one of its pair.
    fn finish<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        index: usize,
        outcome: Outcome,
        present: Present,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let order = self.working.remove(index);
        self.tell(order.event(outcome, present, self.clock), order.steps, parties);
        if matches!(outcome, Outcome::Filled(_))
            && let Some(other) = self.working.iter().position(|working| Some(working.id) == order.other)
        {
            self.finish(other, Outcome::Cancelled, present, parties);
        }
    }

    /// Whatever has reached the venue before the bar is over works from now on.
    fn land<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        present: Present,
        began: Began,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        let mut later = VecDeque::new();
        while let Some(flying) = self.flying.pop_front() {
            let Flying { message, lands, decided_row, steps } = flying;
            if lands >= present.end || steps > 1 {
                later.push_back(flying);
                continue;
            }
            match message {
                Message::Place { id, request, other } => {
                    let landed = lands.max(present.bar.open_time);
                    self.working.push(Working { id, request, other, landed, decided_row, steps, began });
                    let index = self.working.len() - 1;
                    if !request.amount.is_valid() {
                        self.finish(index, Outcome::Rejected(Rejection::BelowLot), present, parties);
                    } else if request.kind != OrderKind::Market && !parties.venue.rests_orders() {
                        self.finish(index, Outcome::Rejected(Rejection::Unsupported), present, parties);
                    } else {
                        let event = self.working[index].event(Outcome::Accepted, present, self.clock);
                        self.tell(event, steps, parties);
                        if request.expires.is_some_and(|expires| expires <= landed) {
                            self.finish(index, Outcome::Expired, present, parties);
                        }
                    }
                }
                Message::Cancel(id) => {
                    if let Some(index) = self.working.iter().position(|order| order.id == id) {
                        self.finish(index, Outcome::Cancelled, present, parties);
                    }
                }
                Message::CancelAll => {
                    while !self.working.is_empty() {
                        self.finish(0, Outcome::Cancelled, present, parties);
                    }
                }
            }
        }
        self.flying = later;
    }

    fn tell<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        event: Event,
        steps: u8,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        self.clock = event.time;
        parties.recorder.event(&event);
        self.pass_on(event, steps, parties);
    }

    fn pass_on<S: Strategy + ?Sized, V: Venue, R: Recorder>(
        &mut self,
        event: Event,
        steps: u8,
        parties: &mut Parties<'_, S, V, R>,
    ) {
        parties.strategy.on_event(&event, &mut self.orders);
        self.post(event.time + parties.venue.latency_ms(), event.row, steps.saturating_add(1));
    }

    fn post(&mut self, lands: i64, decided_row: usize, steps: u8) {
        let messages = self.orders.take();
        self.flying.extend(messages.map(|message| Flying { message, lands, decided_row, steps }));
    }
}
