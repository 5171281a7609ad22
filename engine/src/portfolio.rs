//! Several instruments under one account: bars merged in time order, one cash balance, one equity.
//!
//! At each moment at which a bar of any instrument ends or opens, in this order:
//!
//! 1. Bars that **end**: their orders and exits meet the range, and positions are marked at the close. Cash from a fill
//!    inside a bar is available from the bar's end on, because a bar does not say when it came.
//! 2. The strategies of these bars **decide**, in the order of the instruments. Each sees its own position, the cash of
//!    all, and the equity of the whole: shares of cash and equity, and loss limits, are those of the whole account.
//! 3. The whole account is **marked**.
//! 4. Bars that **open**: orders that have landed are filled, in the order of the instruments. Each has the cash that
//!    the previous ones have left, so orders decided together compete for it.
//!
//! An instrument without a bar at a moment counts with its last close. For the limits of the account
//! ([`crate::limits`]) that is the last one before the bar in which an order is filled.

use std::collections::BTreeSet;

use crate::{
    ledger::Books, limits::Holding, market::Market, parties::Parties, record::Recorder, session::Session,
    strategy::Strategy, venue::Venue,
};

/// One instrument of a portfolio, and who trades it. All are quoted in the same currency.
#[derive(Debug)]
pub struct Instrument<'a, S: ?Sized, V, R> {
    /// Its bars and signals.
    pub market: Market<'a>,
    /// Decides on it.
    pub strategy: &'a mut S,
    /// Fills its orders.
    pub venue: &'a mut V,
    /// Is told its decisions and events, and at each of its closes the starting capital plus what this instrument has
    /// gained, with its value as a share of the equity of the whole.
    pub recorder: &'a mut R,
}

/// The moments at which a portfolio of `markets` is marked: every close of a traded bar, epoch milliseconds, ascending.
#[must_use]
pub fn moments(markets: &[Market<'_>]) -> Vec<i64> {
    let closes = markets.iter().flat_map(|market| (market.first..market.len()).map(|t| end_of(market, t)));
    closes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Replays `instruments` under one account of `capital` quote units. `total` is told the equity of the whole, and the value
/// of all positions as a share of it, at each of [`moments`]; its rows count them.
pub fn replay_portfolio<S: Strategy + ?Sized, V: Venue, R: Recorder, T: Recorder>(
    instruments: &mut [Instrument<'_, S, V, R>],
    capital: f64,
    total: &mut T,
) {
    total.begin(capital, instruments.iter().map(|i| i.market.len().saturating_sub(i.market.first)).max().unwrap_or(0));
    let Some(first) = instruments.first() else { return };
    let cash = first.venue.open_account(capital).free();
    let mut ledgers: Vec<V::Ledger> = instruments.iter().map(|i| i.venue.open_account(capital)).collect();
    let markets: Vec<Market<'_>> = instruments.iter().map(|i| i.market.prefix(i.market.len())).collect();
    let parts = instruments.iter_mut().zip(&mut ledgers).zip(&markets);
    let lanes = parts.map(|((instrument, ledger), market)| {
        let Instrument { strategy, venue, recorder, .. } = instrument;
        recorder.begin(capital, market.len() - market.first);
        Lane::new(market, Parties::new(market, &mut **strategy, &mut **venue, ledger, &mut **recorder))
    });
    Account { lanes: lanes.collect(), cash, capital }.run(total);
}

/// The end of bar `t`: no later than the next one opens.
fn end_of(market: &Market<'_>, t: usize) -> i64 {
    let end = market.open_time[t] + market.interval_ms;
    market.open_time.get(t + 1).map_or(end, |next| end.min(*next))
}

/// What an instrument waits for.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Open(usize),
    Close(usize),
    Nothing,
}

struct Lane<'a, S: ?Sized, V: Venue, R> {
    session: Session<'a, true, S, V, R>,
    next: Next,
    /// Worth of what is held, quote units, at the last close, and of that what is exposed to the price.
    worth: f64,
    exposed: f64,
    /// Cash that the instrument has brought, quote units; negative where it has cost.
    brought: f64,
}

impl<'a, S: Strategy + ?Sized, V: Venue, R: Recorder> Lane<'a, S, V, R> {
    fn new(market: &'a Market<'a>, parties: Parties<'a, S, V, R>) -> Self {
        let next = if market.first < market.len() { Next::Open(market.first) } else { Next::Nothing };
        Self { session: Session::new(market, parties), next, worth: 0.0, exposed: 0.0, brought: 0.0 }
    }

    fn when(&self) -> Option<i64> {
        match self.next {
            Next::Open(t) => Some(self.session.market.open_time[t]),
            Next::Close(t) => Some(end_of(self.session.market, t)),
            Next::Nothing => None,
        }
    }

    /// Marks what is held by the close of bar `t`.
    fn value(&mut self, t: usize) {
        let mut held = self.session.parties.ledger.clone();
        held.set_free(<V::Ledger as Books>::Cash::default());
        let account = self.session.parties.venue.account(&self.session.market.bar(t), t, &held);
        (self.worth, self.exposed) = (account.equity, account.position * account.price);
    }

    /// Marks what is held by the last close before bar `t`. There is one wherever something is held: the first order is
    /// decided at the close of the first bar.
    fn value_before(&mut self, t: usize) {
        if t > self.session.market.first {
            self.value(t - 1);
        }
    }

    fn holding(&self) -> Holding<'a> {
        let stop = self.session.parties.gate.as_ref().map_or(1.0, |gate| gate.stop);
        Holding { market: self.session.market, value: self.exposed, stop }
    }
}

type CashOf<V> = <<V as Venue>::Ledger as Books>::Cash;

struct Account<'a, S: ?Sized, V: Venue, R> {
    lanes: Vec<Lane<'a, S, V, R>>,
    cash: CashOf<V>,
    capital: f64,
}

impl<'a, S: Strategy + ?Sized, V: Venue, R: Recorder> Account<'a, S, V, R> {
    fn run<T: Recorder>(mut self, total: &mut T) {
        let mut moment = 0;
        while let Some(now) = self.lanes.iter().filter_map(Lane::when).min() {
            let closing: Vec<(usize, usize)> = (self.lanes.iter().enumerate())
                .filter(|(_, lane)| lane.when() == Some(now))
                .filter_map(|(i, lane)| if let Next::Close(t) = lane.next { Some((i, t)) } else { None })
                .collect();
            // What comes in inside these bars may come after what is paid inside them.
            let mut known = self.cash;
            for &(i, t) in &closing {
                // An exit needs no cash: only orders that were placed do.
                let lent = if self.lanes[i].session.book.is_idle() || self.cash < known { self.cash } else { known };
                self.lend(i, lent, |session| session.inside(t));
                let left = self.lanes[i].session.parties.ledger.free();
                if left < lent {
                    known = V::Ledger::moved(known, lent, left);
                }
                // Its close came later than what happens inside the others' bars.
                self.lanes[i].value_before(t);
            }
            for &(i, t) in &closing {
                self.lanes[i].value(t);
            }
            let mut equity = None;
            for &(i, t) in &closing {
                let decided = self.with_cash(i, |session| {
                    let account = session.account(&session.market.bar(t), t);
                    session.close(t, account)
                });
                self.lanes[i].value(t);
                equity = Some(decided.equity);
                let next = t + 1;
                self.lanes[i].next =
                    if next < self.lanes[i].session.market.len() { Next::Open(next) } else { Next::Nothing };
            }
            if let Some(equity) = equity {
                let share = |value: f64| if equity > 0.0 { value / equity } else { 0.0 };
                for &(i, t) in &closing {
                    let Lane { worth, exposed, brought, session, .. } = &mut self.lanes[i];
                    session.parties.recorder.mark(t, self.capital + *brought + *worth, share(*exposed));
                }
                total.mark(moment, equity, share(self.lanes.iter().map(|lane| lane.exposed).sum()));
                moment += 1;
            }
            for i in 0..self.lanes.len() {
                let Next::Open(t) = self.lanes[i].next else { continue };
                if self.lanes[i].when() != Some(now) {
                    continue;
                }
                self.with_cash(i, |session| session.open(t));
                self.lanes[i].value_before(t);
                self.lanes[i].next = Next::Close(t);
            }
        }
        for lane in self.lanes {
            lane.session.end();
        }
    }

    /// Lets instrument `i` act with the cash of all.
    fn with_cash<U>(&mut self, i: usize, act: impl FnOnce(&mut Session<'a, true, S, V, R>) -> U) -> U {
        self.lend(i, self.cash, act)
    }

    /// Lets instrument `i` act with `lent` of the cash of all.
    fn lend<U>(&mut self, i: usize, lent: CashOf<V>, act: impl FnOnce(&mut Session<'a, true, S, V, R>) -> U) -> U {
        let others: f64 = (self.lanes.iter().enumerate()).filter(|(j, _)| *j != i).map(|(_, lane)| lane.worth).sum();
        let beside: Vec<Holding<'a>> = match self.lanes[i].session.parties.gate {
            Some(_) => {
                (self.lanes.iter().enumerate()).filter(|(j, _)| *j != i).map(|(_, lane)| lane.holding()).collect()
            }
            None => Vec::new(),
        };
        let lane = &mut self.lanes[i];
        if let Some(gate) = &mut lane.session.parties.gate {
            gate.others = beside;
        }
        lane.session.parties.elsewhere = others + V::Ledger::flow(lent, self.cash);
        lane.session.parties.ledger.set_free(lent);
        let result = act(&mut lane.session);
        let left = lane.session.parties.ledger.free();
        lane.brought += V::Ledger::flow(lent, left);
        self.cash = if lent < self.cash { V::Ledger::moved(self.cash, lent, left) } else { left };
        result
    }
}
