//! THE fill rule: what happens to one instrument when a bar opens, inside it, and at its close.
//!
//! - **Open.** What the venue does to a position without an order comes first: funding that is due, then liquidation. An
//!   order that has landed by the bar's end fills at its open, the last price that is known then (without
//!   latency that is the order of the last bar), stamped with its landing. One that lands between two bars waits for the
//!   next to open. Then placed orders meet the open.
//! - **Inside.** Placed orders meet the range, and so do resting exits, at a moment that a bar does not tell: they are
//!   stamped with its open, or with the opening of the position where that came later. [`crate::matching`] says at which
//!   price.
//! - **Close.** The strategy is shown the bar and decides, and the account is marked. One order of a decision is on its way
//!   at a time; another is rejected, and so is one that finds no next open. With the legacy timing `SameClose` the order is
//!   filled at the very close that it was decided from.

use crate::{
    book::Book,
    decision::{Budget, Decision, Order, Reason},
    ledger::Account,
    market::{Bar, Market},
    orders::{Event, Outcome},
    parties::Parties,
    record::Recorder,
    strategy::Strategy,
    venue::{Arrival, FillTiming, Forced, MarketOrder, Rejection, Role, Venue},
};

/// One instrument in a replay. For each bar [`Session::open`], [`Session::inside`] and [`Session::close`] are called, in this
/// order.
pub(crate) struct Session<'a, const PLACES: bool, S: ?Sized, V: Venue, R> {
    pub(crate) market: &'a Market<'a>,
    pub(crate) parties: Parties<'a, S, V, R>,
    /// The order of the last decision, on its way.
    pub(crate) pending: Option<Pending>,
    /// The orders that the strategy has placed.
    pub(crate) book: Book,
    timing: FillTiming,
    latency: i64,
    /// Whether the strategy may rest exits.
    rests: bool,
}

/// An order that has been sent and has not landed.
pub(crate) struct Pending {
    order: MarketOrder,
    reason: Reason,
    row: usize,
    lands: i64,
}

impl<'a, const PLACES: bool, S: Strategy + ?Sized, V: Venue, R: Recorder> Session<'a, PLACES, S, V, R> {
    /// A session at the first traded row; the strategy has been shown the rows before.
    #[inline(always)]
    pub(crate) fn new(market: &'a Market<'a>, parties: Parties<'a, S, V, R>) -> Self {
        let (timing, latency) = (parties.venue.timing(), parties.venue.latency_ms());
        let rests = parties.strategy.rests_exits();
        parties.strategy.observe_rows(market, 0..market.first);
        Self { market, parties, pending: None, book: Book::default(), timing, latency, rests }
    }

    /// The bar opens: what has landed is filled at its open.
    #[inline(always)]
    pub(crate) fn open(&mut self, t: usize) {
        let bar = self.market.bar(t);
        if V::FORCES {
            let Parties { venue, ledger, .. } = &mut self.parties;
            for forced in venue.at_open(&bar, t, ledger) {
                self.befall(forced, t);
            }
        }
        if PLACES {
            self.book.open(self.market, t, &mut self.parties);
        }
        let end = bar.open_time + self.market.interval_ms;
        if let Some(sent) = self.pending.take_if(|sent| sent.lands < end) {
            let time = sent.lands.max(bar.open_time);
            let arrival = self.arrival(t, time, bar.open, sent.row);
            self.execute(sent.order, arrival, sent.reason);
        }
        if PLACES {
            self.book.meet_open(self.market, t, &mut self.parties);
        }
    }

    /// The bar goes on: orders meet its range, and resting exits do. Returns the account at its close.
    #[inline(always)]
    pub(crate) fn inside(&mut self, t: usize) -> Account {
        let bar = self.market.bar(t);
        if PLACES {
            self.book.meet_inside(self.market, t, &mut self.parties);
        }
        let account = self.account(&bar, t);
        if account.position == 0.0 {
            return account;
        }
        // Asked before the bar goes on: its close is not known.
        let hit =
            if self.rests { self.parties.strategy.resting(&self.account_at_open(&bar, t)).hit(&bar) } else { None };
        if V::FORCES {
            let Parties { venue, ledger, .. } = &mut self.parties;
            if let Some(forced) = venue.inside(&bar, t, hit, ledger) {
                self.befall(forced, t);
                return self.account(&bar, t);
            }
        }
        let Some((price, reason)) = hit else { return account };
        let order = if account.position > 0.0 { MarketOrder::SellShare(1.0) } else { MarketOrder::CoverShare(1.0) };
        let time = account.opened_at.map_or(bar.open_time, |opened| opened.max(bar.open_time));
        let role = if reason == Reason::TakeProfit { Role::Maker } else { Role::Taker };
        self.execute(order, Arrival { role, ..self.arrival(t, time, price, t) }, reason);
        self.account(&bar, t)
    }

    /// The bar has closed: the strategy decides. Returns the account after it, which only the legacy timing changes.
    #[inline(always)]
    pub(crate) fn close(&mut self, t: usize, account: Account) -> Account {
        let bar = self.market.bar(t);
        let history = self.market.history(t);
        let Parties { strategy, recorder, gate, .. } = &mut self.parties;
        strategy.observe(history);
        let decision = strategy.decide(history, &account);
        if let Some(gate) = gate {
            gate.follow(&**strategy, history);
        }
        recorder.decision(t, &decision, R::EVERY_BAR.then(|| strategy.explain(history, &account)));
        if PLACES {
            self.book.decided(self.parties.strategy, history, &account, self.latency);
        }
        let Decision::Act(intent) = decision else { return account };
        let order = resolve(intent.order, &account);
        let now = bar.open_time + self.market.interval_ms;
        match self.timing {
            FillTiming::NextOpen if self.pending.is_some() => {
                self.reject(intent.reason, t, t, now, Rejection::InFlight);
            }
            FillTiming::NextOpen => {
                self.pending = Some(Pending { order, reason: intent.reason, row: t, lands: now + self.latency });
            }
            FillTiming::SameClose => {
                let arrival = self.arrival(t, now, bar.close, t);
                self.execute(order, arrival, intent.reason);
                return self.account(&bar, t);
            }
        }
        account
    }

    /// There is no further bar: what is on its way never lands.
    #[inline(always)]
    pub(crate) fn end(mut self) {
        let last = self.market.len().saturating_sub(1);
        if let Some(order) = self.pending.take() {
            self.reject(order.reason, order.row, last, order.lands, Rejection::NoNextBar);
        }
        if PLACES {
            self.book.end(self.market, self.parties.recorder);
        }
    }

    /// The account as marked at the close of `bar`, which is row `t`; its equity is that of all instruments.
    #[inline(always)]
    pub(crate) fn account(&self, bar: &Bar, t: usize) -> Account {
        let account = self.parties.venue.account(bar, t, self.parties.ledger);
        Account { equity: account.equity + self.parties.elsewhere, ..account }
    }

    #[inline(always)]
    fn account_at_open(&self, bar: &Bar, t: usize) -> Account {
        let account = self.parties.venue.account_at_open(bar, t, self.parties.ledger);
        Account { equity: account.equity + self.parties.elsewhere, ..account }
    }

    /// An order at the market that can have all it asks for.
    #[inline(always)]
    fn arrival(&self, row: usize, time: i64, price: f64, decided_row: usize) -> Arrival {
        Arrival { row, time, price, decided_row, available: f64::INFINITY, role: Role::Taker }
    }

    fn befall(&mut self, forced: Forced, row: usize) {
        let Forced { time, reason, outcome } = forced;
        self.tell(Event { order: None, reason, decided_row: row, row, time, outcome });
    }

    #[inline(always)]
    fn execute(&mut self, order: MarketOrder, arrival: Arrival, reason: Reason) {
        let Arrival { row, time, decided_row, .. } = arrival;
        let outcome = Outcome::Accepted;
        let event = Event { order: None, reason, decided_row, row, time, outcome };
        let outcome = match self.parties.execute(order, arrival, event) {
            Ok(fill) => Outcome::Filled(fill),
            Err(rejection) => Outcome::Rejected(rejection),
        };
        self.tell(Event { outcome, ..event });
    }

    #[inline(always)]
    fn reject(&mut self, reason: Reason, decided_row: usize, row: usize, time: i64, rejection: Rejection) {
        let outcome = Outcome::Rejected(rejection);
        self.tell(Event { order: None, reason, decided_row, row, time, outcome });
    }

    /// Records what became of an order, and lets a strategy that places some hear of it.
    #[inline(always)]
    fn tell(&mut self, event: Event) {
        self.parties.recorder.event(&event);
        if PLACES {
            self.book.hear(event, &mut self.parties);
        }
    }
}

/// Turns shares of the account into amounts, at the moment of the decision.
#[inline]
fn resolve(order: Order, account: &Account) -> MarketOrder {
    match order {
        Order::Buy(Budget::Cash(share)) => MarketOrder::BuyFor(share.get() * account.cash),
        Order::Buy(Budget::Equity(share)) => MarketOrder::BuyFor(share.get() * account.equity),
        Order::Short(share) => MarketOrder::ShortFor(share.get() * account.equity),
        Order::Sell(share) => MarketOrder::SellShare(share.get()),
        Order::Cover(share) => MarketOrder::CoverShare(share.get()),
    }
}
