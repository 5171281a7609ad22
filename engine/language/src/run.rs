//! A program as a strategy of the engine: fed one bar after the other, asked at each close.
//!
//! Stops and targets rest at the venue (`Strategy::resting`) from the fill on, so that they meet the bar of the entry, too,
//! and by the one rule that all resting exits have. Their distances are those of the decision, from the fill's price.

use std::sync::Arc;

use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Balances, Held},
    market::{History, Market},
    matching::RestingExits,
    strategy::{self, Strategy},
    units::Fraction,
};

use crate::{
    columns::{Known, Reach, Rows},
    filters::Filtered,
    levels::{Stop, Target},
    moment::Moment,
    program::{Program, Side},
};

/// What a program knows at the close of a bar: the bar before at most, or everything computed beforehand. Both say the same.
#[derive(Debug)]
enum Sight {
    /// One bar after the other.
    Stream(Box<Moment>),
    /// On columns.
    Rows(Rows),
}

impl Sight {
    fn observe(&mut self, history: History<'_>) {
        match self {
            Self::Stream(moment) => moment.observe(history),
            Self::Rows(rows) => rows.observe(history.row()),
        }
    }

    /// Whether every indicator has had all of its outputs once.
    fn is_warm(&self) -> bool {
        match self {
            Self::Stream(moment) => moment.is_warm(),
            Self::Rows(rows) => rows.is_warm(),
        }
    }

    /// Whether all entry conditions of `side` hold.
    fn enters(&self, program: &Program, side: Side) -> bool {
        match self {
            Self::Stream(moment) => moment.all(program.entries.of(side)),
            Self::Rows(rows) => rows.enters(side),
        }
    }

    /// Whether all exit conditions of `side` hold.
    fn exits(&self, program: &Program, side: Side) -> bool {
        match self {
            Self::Stream(moment) => moment.all(program.exits.of(side)),
            Self::Rows(rows) => rows.exits(side),
        }
    }

    /// The first output of the indicator at `place`.
    fn output(&self, place: usize) -> f64 {
        match self {
            Self::Stream(moment) => moment.output(place),
            Self::Rows(rows) => rows.column(place)[rows.row()],
        }
    }
}

/// A program on its way through the bars.
#[derive(Debug)]
pub struct Run {
    program: Arc<Program>,
    /// Share of equity that an entry is for.
    size: Fraction,
    sight: Sight,
    /// The entry that was decided last.
    entry: Option<Entry>,
    /// Levels of the open position, since its first close.
    position: Option<Position>,
}

/// What an entry needs to know when it is filled: distances as they stood at the decision.
#[derive(Clone, Copy, Debug)]
struct Entry {
    side: Side,
    /// Average true range of the stop.
    stop_range: f64,
    /// Average true range of the target.
    target_range: f64,
}

/// An open position.
#[derive(Clone, Copy, Debug)]
struct Position {
    opened_at: i64,
    side: Side,
    stop: Option<f64>,
    /// Whether the stop has moved.
    moved: bool,
    target: Option<f64>,
    /// The row whose close a trailing stop has followed last.
    followed: Option<usize>,
}

impl Position {
    /// A trailing stop follows to `level`, and never back.
    fn follow(&mut self, level: f64) {
        let sign = self.side.sign();
        if level.is_finite() && self.stop.is_none_or(|stop| sign * level > sign * stop) {
            (self.stop, self.moved) = (Some(level), true);
        }
    }

    /// The prices of its exits.
    fn reach(&self) -> Reach {
        let (below, above) = match self.side {
            Side::Long => (self.stop, self.target),
            Side::Short => (self.target, self.stop),
        };
        Reach { below: below.unwrap_or(f64::NEG_INFINITY), above: above.unwrap_or(f64::INFINITY) }
    }
}

/// How a stop follows the price.
#[derive(Clone, Copy, Debug)]
struct Trail {
    /// How many ranges below the close, above it for a short position.
    distance: f64,
    /// Place of the average true range.
    indicator: usize,
}

impl Trail {
    fn level(&self, close: f64, range: f64) -> f64 {
        close - self.distance * range
    }
}

impl Run {
    /// `program` before its first bar; its entries are for `size` of the equity.
    #[must_use]
    pub fn new(program: Arc<Program>, size: Fraction) -> Self {
        let sight = Sight::Stream(Box::new(Moment::new(&program)));
        Self { program, size, sight, entry: None, position: None }
    }

    /// The same on columns of `market`, with the indicators that are `known` of it.
    pub(crate) fn on_columns(program: Arc<Program>, size: Fraction, market: &Market<'_>, known: &Known) -> Self {
        let sight = Sight::Rows(Rows::new(&program, market, known));
        Self { program, size, sight, entry: None, position: None }
    }

    /// The open position of `account`, with its first levels where it was just opened.
    fn position(&self, account: &Account) -> Option<Position> {
        let (opened_at, price) = (account.opened_at?, account.average_price?);
        if let Some(known) = self.position.filter(|known| known.opened_at == opened_at) {
            return Some(known);
        }
        let side = if account.position > 0.0 { Side::Long } else { Side::Short };
        let entry = self.entry.filter(|entry| entry.side == side);
        let range = |range: fn(&Entry) -> f64| entry.as_ref().map_or(f64::NAN, range);
        let sign = side.sign();
        let stop = match *self.program.stops.of(side) {
            Stop::None => None,
            Stop::Percent(percent) => Some(price * (1.0 - sign * percent / 100.0)),
            Stop::Atr { multiplier, .. } => Some(price - sign * multiplier * range(|entry| entry.stop_range)),
        };
        // Unknown where it was not this strategy that entered.
        let stop = stop.filter(|level| level.is_finite());
        let target = match *self.program.targets.of(side) {
            Target::None => None,
            Target::Percent(percent) => Some(price * (1.0 + sign * percent / 100.0)),
            Target::Atr { multiplier, .. } => Some(price + sign * multiplier * range(|entry| entry.target_range)),
            Target::RiskReward(ratio) => stop.map(|stop| price + sign * ratio * (price - stop).abs()),
        };
        Some(Position { opened_at, side, stop, moved: false, target, followed: None })
    }

    /// A trailing stop follows the close of every bar in the position, those included that were passed over.
    fn trail(&self, position: &mut Position, history: &History<'_>) {
        let Some(trail) = self.trailing(position.side) else { return };
        match &self.sight {
            Sight::Stream(moment) => position.follow(trail.level(history.bar().close, moment.output(trail.indicator))),
            Sight::Rows(rows) => {
                let present = rows.row();
                for row in position.followed.map_or(present, |followed| followed + 1)..=present {
                    position.follow(trail.level(history.closes()[row], rows.column(trail.indicator)[row]));
                }
                position.followed = Some(present);
            }
        }
    }

    fn trailing(&self, side: Side) -> Option<Trail> {
        match *self.program.stops.of(side) {
            Stop::Atr { multiplier, indicator, trailing: true } => {
                Some(Trail { distance: side.sign() * multiplier, indicator })
            }
            _ => None,
        }
    }

    /// What an entry of `side` needs to know; `None` where a range that it is measured in is unknown.
    fn entry(&self, side: Side) -> Option<Entry> {
        let range = |indicator: Option<usize>| indicator.map_or(0.0, |place| self.sight.output(place));
        let stop_range = range(self.program.stops.of(side).indicator());
        let target_range = range(self.program.targets.of(side).indicator());
        (!stop_range.is_nan() && !target_range.is_nan()).then_some(Entry { side, stop_range, target_range })
    }

    fn enters(&self, side: Side) -> bool {
        self.sight.enters(&self.program, side) && self.entry(side).is_some()
    }

    fn enter(&mut self, side: Side) -> Decision {
        self.entry = self.entry(side);
        let (order, reason) = match side {
            Side::Long => (Order::Buy(Budget::Equity(self.size)), Reason::EnterLong),
            Side::Short => (Order::Short(self.size), Reason::EnterShort),
        };
        Decision::Act(Intent { order, reason })
    }

    fn decide_in(&mut self, position: Position, now: i64) -> Decision {
        let side = position.side;
        let turn = side.opposite();
        if self.program.reverse
            && self.enters(turn)
            && !self.sight.enters(&self.program, side)
            && self.program.filters.at(now).is_none()
        {
            return self.enter(turn);
        }
        if self.sight.exits(&self.program, side) {
            let (order, reason) = match side {
                Side::Long => (Order::Sell(Fraction::ONE), Reason::ExitLong),
                Side::Short => (Order::Cover(Fraction::ONE), Reason::ExitShort),
            };
            return Decision::Act(Intent { order, reason });
        }
        Decision::Hold(Reason::InPosition)
    }

    fn decide_flat(&mut self, now: i64) -> Decision {
        let side = match Side::BOTH.map(|side| self.sight.enters(&self.program, side)) {
            [true, true] => return Decision::Hold(Reason::ConflictingEntries),
            [true, false] => Side::Long,
            [false, true] => Side::Short,
            [false, false] => return Decision::Hold(Reason::NoEntry),
        };
        match self.program.filters.at(now) {
            Some(Filtered::Session) => Decision::Hold(Reason::FilteredSession),
            Some(Filtered::Day) => Decision::Hold(Reason::FilteredDay),
            Some(Filtered::Funding) => Decision::Hold(Reason::FilteredFunding),
            None if self.entry(side).is_none() => Decision::Hold(Reason::NoEntry),
            None => self.enter(side),
        }
    }
}

impl Strategy for Run {
    fn observe(&mut self, history: History<'_>) {
        self.sight.observe(history);
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.position = self.position(account);
        if let Some(mut position) = self.position {
            self.trail(&mut position, &history);
            self.position = Some(position);
        }
        match self.position {
            _ if !self.sight.is_warm() => Decision::Hold(Reason::WarmUp),
            Some(position) => self.decide_in(position, history.now()),
            None => self.decide_flat(history.now()),
        }
    }

    fn resting(&self, account: &Account) -> RestingExits {
        let Some(position) = self.position(account) else { return RestingExits::NONE };
        // A level that no price can reach is no order.
        let above_zero = |level: &f64| *level > 0.0;
        let reason = if position.moved { Reason::TrailingStop } else { Reason::StopLoss };
        RestingExits {
            stop: position.stop.filter(above_zero).map(|level| (level, reason)),
            target: position.target.filter(above_zero),
            long: position.side == Side::Long,
        }
    }

    fn stop_distance(&self, history: History<'_>, side: strategy::side::Side) -> Option<f64> {
        let side = match side {
            strategy::side::Side::Long => Side::Long,
            strategy::side::Side::Short => Side::Short,
        };
        let distance = match *self.program.stops.of(side) {
            Stop::None => return None,
            Stop::Percent(percent) => percent / 100.0,
            Stop::Atr { multiplier, indicator, .. } => multiplier * self.sight.output(indicator) / history.bar().close,
        };
        Some(distance).filter(|distance| !distance.is_nan())
    }

    /// Flat, rows without an entry; with a position, rows that neither close nor turn it and reach none of its exits.
    fn quiet_rows(&self, market: &Market<'_>, _: &[f64], balances: Balances, from: usize) -> usize {
        let Sight::Rows(rows) = &self.sight else { return 0 };
        let mut position = match (Held::of(balances.units), self.position) {
            (Held::Flat, None) => return rows.without_entry(from, market.len()),
            (Held::Long | Held::Short, Some(position)) => position,
            _ => return 0,
        };
        let (side, turns) = (position.side, self.program.reverse);
        let Some(trail) = self.trailing(side) else {
            let reach = position.reach();
            return rows.without_exit(market, from, side, turns, |_| reach);
        };
        // What a bar can reach is where the stop was when it opened.
        let (close, range) = (market.close, rows.column(trail.indicator));
        rows.without_exit(market, from, side, turns, |row| {
            if row > from {
                position.follow(trail.level(close[row - 1], range[row - 1]));
            }
            position.reach()
        })
    }
}
