//! Strategies that place orders: by a script, by the text of a case, and at random.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses its part; a panic is a failure")]

use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::History,
    orders::{Amount, Event, OrderId, OrderKind, OrderRequest, Orders, Outcome},
    strategy::{Guards, Settings, Strategy},
    units::Fraction,
    venue::FillSide,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::worlds::seeded;

/// Does what it is told at a row and on hearing of an event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Script {
    #[serde(skip)]
    pub(crate) place: Option<fn(usize, &mut Orders)>,
    #[serde(skip)]
    pub(crate) hear: Option<fn(&Event, &mut Orders)>,
    /// The order of a decision, by row.
    #[serde(skip)]
    pub(crate) decide: Option<fn(usize) -> Option<Order>>,
}

impl PartialEq for Script {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Settings for Script {
    const NAME: &'static str = "script";
    const WORDS: &'static str = "does what it is told";
    type Strategy = Self;

    fn strategy(&self, _: &Guards) -> Self {
        self.clone()
    }
}

impl Strategy for Script {
    fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
        match self.decide.and_then(|decide| decide(history.row())) {
            Some(order) => Decision::Act(Intent { order, reason: Reason::EnterLong }),
            None => Decision::Hold(Reason::Neutral),
        }
    }

    fn places_orders(&self) -> bool {
        self.place.is_some() || self.hear.is_some()
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        if let Some(place) = self.place {
            place(history.row(), orders);
        }
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        if let Some(hear) = self.hear {
            hear(event, orders);
        }
    }
}

/// Decides, places, answers and cancels at random: what it does follows from the seed and from what it hears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Random {
    pub(crate) seed: u64,
    pub(crate) shorts: bool,
    /// Whether it keeps to what a pool takes, and now and then asks for what it refuses.
    pub(crate) pool: bool,
}

impl Settings for Random {
    const NAME: &'static str = "random_orders";
    const WORDS: &'static str = "orders at random";
    type Strategy = RandomOrders;

    fn strategy(&self, _: &Guards) -> RandomOrders {
        RandomOrders { rng: seeded(self.seed), settings: self.clone(), placed: Vec::new(), close: 0.0, size: 0.0 }
    }

    fn shorts(&self) -> bool {
        self.shorts
    }
}

/// See [`Random`].
pub(crate) struct RandomOrders {
    rng: ChaCha8Rng,
    settings: Random,
    placed: Vec<OrderId>,
    close: f64,
    /// Equity, quote units.
    size: f64,
}

impl RandomOrders {
    fn request(&mut self, now: i64, interval: i64) -> OrderRequest {
        let rng = &mut self.rng;
        let side = if rng.random_bool(0.5) { FillSide::Buy } else { FillSide::Sell };
        let level = self.close * rng.random_range(0.96..1.04);
        let waits = if self.settings.pool { 0.05 } else { 0.75 };
        let kind = match rng.random_bool(waits) {
            false => OrderKind::Market,
            true if rng.random_bool(0.5) => OrderKind::Limit(level),
            true => OrderKind::Stop(level),
        };
        let share = self.size.abs() * rng.random_range(0.02..0.7);
        let amount = match rng.random_range(0..10) {
            0..4 => Amount::Quote(share),
            4..8 if !self.settings.pool => Amount::Units(share / self.close),
            _ => Amount::Position,
        };
        let reason = if side == FillSide::Buy { Reason::EnterLong } else { Reason::ExitLong };
        let request = OrderRequest::new(side, kind, amount, reason);
        let request = if rng.random_bool(0.3) { request.reduce_only() } else { request };
        if rng.random_bool(0.3) { request.until(now + interval * rng.random_range(0..6)) } else { request }
    }
}

impl Strategy for RandomOrders {
    fn decide(&mut self, _: History<'_>, account: &Account) -> Decision {
        let act = |order| Decision::Act(Intent { order, reason: Reason::EnterLong });
        let share = Fraction::new(self.rng.random_range(0.05..1.0));
        match self.rng.random_range(0..20) {
            0 => act(Order::Buy(Budget::Cash(share))),
            1 if account.position > 0.0 => act(Order::Sell(share)),
            2 if account.position < 0.0 => act(Order::Cover(share)),
            3 if self.settings.shorts => act(Order::Short(share)),
            _ => Decision::Hold(Reason::Neutral),
        }
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        (self.close, self.size) = (account.price, account.equity);
        let (now, interval) = (history.now(), history.now() - history.bar().open_time);
        match self.rng.random_range(0..20) {
            0 => orders.cancel_all(),
            1..3 if !self.placed.is_empty() => {
                orders.cancel(self.placed[self.rng.random_range(0..self.placed.len())]);
            }
            3..5 => {
                let pair = [self.request(now, interval), self.request(now, interval)];
                self.placed.extend(orders.place_pair(pair));
            }
            5..12 => {
                for _ in 0..self.rng.random_range(1..4) {
                    let request = self.request(now, interval);
                    self.placed.push(orders.place(request));
                }
            }
            _ => {}
        }
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        match event.outcome {
            Outcome::Filled(fill) if self.rng.random_bool(0.5) => {
                let (side, sign) = match fill.side {
                    FillSide::Buy => (FillSide::Sell, 1.0),
                    FillSide::Sell => (FillSide::Buy, -1.0),
                };
                let near = self.rng.random_range(0.001..0.03);
                let close = |kind, reason| OrderRequest::new(side, kind, Amount::Position, reason);
                let stop = OrderKind::Stop(fill.price * (1.0 - sign * near));
                let target = OrderKind::Limit(fill.price * (1.0 + sign * near));
                let pair = [close(stop, Reason::StopLoss), close(target, Reason::TakeProfit)];
                self.placed.extend(orders.place_pair(pair));
            }
            Outcome::Cut(_) | Outcome::Charged(_) | Outcome::Funding(_) | Outcome::Filled(_) => {}
            _ if self.rng.random_bool(0.1) && self.close > 0.0 => {
                let request = self.request(event.time, 60_000);
                self.placed.push(orders.place(request));
            }
            _ if self.rng.random_bool(0.05) && !self.placed.is_empty() => {
                orders.cancel(self.placed[self.rng.random_range(0..self.placed.len())]);
            }
            _ => {}
        }
    }
}
