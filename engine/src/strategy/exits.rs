//! Stops, targets and time limits around any strategy.
//!
//! By default they are checked at the close and sell at the next open, because a pool has no resting orders. With
//! `trigger = "intrabar"` they rest at the venue and meet the bar as [`crate::matching`] describes: at its open if that
//! is beyond one of them; if stop and target lie inside one bar, the stop is hit first.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Decision, Intent, Order, Reason},
    ledger::{Account, Balances, Held, Marked},
    market::{Bar, History, Market},
    matching::RestingExits,
    orders::{Event, Orders},
    strategy::{Explanation, Strategy, side::Side},
    units::Fraction,
};

/// Where and when exits are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitTrigger {
    /// At the close of each bar; the order is filled like any other.
    #[default]
    Close,
    /// Inside the bar, at the venue's resting orders.
    Intrabar,
}

/// When a position is closed whatever the signal says. Distances are fractions of the average entry price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExitConfig {
    /// Close after the price has moved this far against the position.
    pub stop_loss: Option<Fraction>,
    /// Close after the price has come back this far from its best since entry, a fraction of that best price.
    pub trailing_stop: Option<Fraction>,
    /// Close after the price has moved this far in favour of the position; 2 is three times the entry price.
    pub take_profit: Option<f64>,
    /// Close after this many hours.
    pub max_hours: Option<f64>,
    /// Where the distances are checked.
    pub trigger: ExitTrigger,
}

impl ExitConfig {
    /// Whether no exit is configured.
    #[must_use]
    #[inline]
    pub fn is_none(&self) -> bool {
        let Self { stop_loss, trailing_stop, take_profit, max_hours, trigger: _ } = self;
        stop_loss.is_none() && trailing_stop.is_none() && take_profit.is_none() && max_hours.is_none()
    }

    /// The distance of the nearest stop of an entry, a fraction of the price.
    #[must_use]
    pub fn stop_distance(&self) -> Option<f64> {
        [self.stop_loss, self.trailing_stop].into_iter().flatten().map(Fraction::get).reduce(f64::min)
    }
}

/// A strategy whose positions are closed by [`ExitConfig`], whatever it answers.
#[derive(Clone, Debug)]
pub struct WithExits<S> {
    inner: S,
    config: ExitConfig,
    none: bool,
    best: Option<(i64, f64)>,
}

impl<S> WithExits<S> {
    /// Puts `config` around `inner`.
    #[must_use]
    pub fn new(inner: S, config: ExitConfig) -> Self {
        Self { inner, config, none: config.is_none(), best: None }
    }

    /// The best close since the open position was opened: the highest of a long one, the lowest of a short one.
    #[inline]
    fn follow(&mut self, account: &Account) {
        self.best = account.opened_at.map(|opened| {
            let best = match self.best {
                Some((since, best)) if since == opened => best,
                _ => account.average_price.unwrap_or(account.price),
            };
            let better = if account.position > 0.0 { best.max(account.price) } else { best.min(account.price) };
            (opened, better)
        });
    }

    fn levels(&self, account: &Account) -> RestingExits {
        let Some(entry) = account.average_price else {
            return RestingExits::NONE;
        };
        let long = account.position > 0.0;
        let against = if long { -1.0 } else { 1.0 };
        let fixed = self.config.stop_loss.map(|d| (entry * (1.0 + against * d.get()), Reason::StopLoss));
        let trailing = match (self.config.trailing_stop, self.best) {
            (Some(d), Some((since, best))) if account.opened_at == Some(since) => {
                Some((best * (1.0 + against * d.get()), Reason::TrailingStop))
            }
            _ => None,
        };
        let target = self.config.take_profit.map(|d| entry * (1.0 - against * d));
        RestingExits { stop: fixed, target, long }.beside(RestingExits { stop: trailing, target: None, long })
    }

    #[inline]
    fn exit(&self, history: &History<'_>, account: &Account) -> Option<Reason> {
        let opened = account.opened_at?;
        if self.config.trigger == ExitTrigger::Close {
            let mark = account.price;
            let at_close = Bar { open: mark, high: mark, low: mark, ..history.bar() };
            if let Some((_, reason)) = self.levels(account).hit(&at_close) {
                return Some(reason);
            }
        }
        let held_hours = (history.now() - opened) as f64 / 3_600_000.0;
        self.config.max_hours.filter(|&max| held_hours >= max).map(|_| Reason::Timeout)
    }
}

impl<S: Strategy> Strategy for WithExits<S> {
    #[inline]
    fn observe(&mut self, history: History<'_>) {
        self.inner.observe(history);
    }

    #[inline]
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        // Asked at every bar, whoever answers: what it remembers of the account has no gaps.
        let answer = self.inner.decide(history, account);
        if self.none {
            return answer;
        }
        self.follow(account);
        match self.exit(&history, account) {
            Some(reason) => {
                let order =
                    if account.position > 0.0 { Order::Sell(Fraction::ONE) } else { Order::Cover(Fraction::ONE) };
                Decision::Act(Intent { order, reason })
            }
            None => answer,
        }
    }

    #[inline]
    fn places_orders(&self) -> bool {
        self.inner.places_orders()
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        self.inner.place(history, account, orders);
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        self.inner.on_event(event, orders);
    }

    fn rests_exits(&self) -> bool {
        self.config.trigger == ExitTrigger::Intrabar || self.inner.rests_exits()
    }

    #[inline]
    fn resting(&self, account: &Account) -> RestingExits {
        let inner = self.inner.resting(account);
        match self.config.trigger {
            ExitTrigger::Close => inner,
            ExitTrigger::Intrabar => self.levels(account).beside(inner),
        }
    }

    /// Exits look at the price at every bar while there is a position. A flat account forgets the best close.
    #[inline]
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        (self.none || marked.held() == Held::Flat) && self.inner.stays(history, marked)
    }

    fn quiet_rows(&self, market: &Market<'_>, marks: &[f64], balances: Balances, from: usize) -> usize {
        let unguarded = self.none || Held::of(balances.units) == Held::Flat;
        if unguarded { self.inner.quiet_rows(market, marks, balances, from) } else { 0 }
    }

    /// That of the nearest stop.
    fn stop_distance(&self, history: History<'_>, side: Side) -> Option<f64> {
        self.config.stop_distance().into_iter().chain(self.inner.stop_distance(history, side)).reduce(f64::min)
    }

    fn observe_rows(&mut self, market: &Market<'_>, rows: Range<usize>) {
        self.inner.observe_rows(market, rows);
    }

    fn explain(&self, history: History<'_>, account: &Account) -> Explanation {
        self.inner.explain(history, account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{market::Signals, strategy::hold::BuyAndHold};

    fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
        Bar { open_time: 0, open, high, low, close }
    }

    fn long(entry: f64) -> Account {
        Account {
            position: 1.0,
            cash: 0.0,
            equity: entry,
            price: entry,
            quote_reserve: None,
            average_price: Some(entry),
            opened_at: Some(0),
            realised: 0.0,
        }
    }

    fn exits(config: ExitConfig) -> WithExits<BuyAndHold> {
        WithExits::new(BuyAndHold, config)
    }

    const BRACKET: ExitConfig = ExitConfig {
        stop_loss: Some(Fraction::new(0.1)),
        trailing_stop: None,
        take_profit: Some(0.2),
        max_hours: None,
        trigger: ExitTrigger::Intrabar,
    };

    #[test]
    fn a_stop_fills_at_its_price_and_a_gap_through_it_at_the_open() {
        let resting = exits(BRACKET).resting(&long(100.0));
        assert_eq!(resting.hit(&bar(95.0, 96.0, 89.0, 92.0)), Some((90.0, Reason::StopLoss)));
        assert_eq!(resting.hit(&bar(80.0, 85.0, 79.0, 84.0)), Some((80.0, Reason::StopLoss)));
    }

    #[test]
    fn where_both_lie_in_one_bar_the_stop_is_hit_first() {
        let resting = exits(BRACKET).resting(&long(100.0));
        assert_eq!(resting.hit(&bar(100.0, 130.0, 85.0, 125.0)), Some((90.0, Reason::StopLoss)));
        assert_eq!(resting.hit(&bar(100.0, 130.0, 95.0, 125.0)), Some((120.0, Reason::TakeProfit)));
        assert_eq!(resting.hit(&bar(100.0, 101.0, 99.0, 100.0)), None);
    }

    #[test]
    fn an_open_beyond_the_target_is_filled_there_although_the_range_reaches_the_stop() {
        let resting = exits(BRACKET).resting(&long(100.0));
        assert_eq!(resting.hit(&bar(125.0, 130.0, 85.0, 90.0)), Some((125.0, Reason::TakeProfit)));
        let short = exits(BRACKET).resting(&Account { position: -1.0, ..long(100.0) });
        assert_eq!(short.hit(&bar(75.0, 115.0, 70.0, 110.0)), Some((75.0, Reason::TakeProfit)));
    }

    #[test]
    fn a_short_position_is_the_mirror() {
        let account = Account { position: -1.0, ..long(100.0) };
        let resting = exits(BRACKET).resting(&account);
        let (stop, reason) = resting.hit(&bar(100.0, 111.0, 99.0, 105.0)).unwrap();
        assert!((stop - 110.0).abs() < 1e-9 && reason == Reason::StopLoss);
        assert_eq!(resting.hit(&bar(100.0, 101.0, 79.0, 81.0)), Some((80.0, Reason::TakeProfit)));
    }

    fn closes(prices: &[f64], config: ExitConfig) -> Vec<Decision> {
        let open_time: Vec<i64> = (0..prices.len() as i64).map(|i| i * 3_600_000).collect();
        let market = Market {
            open_time: &open_time,
            open: prices,
            high: prices,
            low: prices,
            close: prices,
            signals: Signals::default(),
            interval_ms: 3_600_000,
            first: 0,
        };
        let mut strategy = exits(config);
        let marked = |price| Account { price, ..long(100.0) };
        (0..prices.len()).map(|t| strategy.decide(market.history(t), &marked(prices[t]))).collect()
    }

    #[test]
    fn a_trailing_stop_follows_the_best_close_and_never_moves_back() {
        let config = ExitConfig { trailing_stop: Some(Fraction::new(0.1)), ..ExitConfig::default() };
        let reasons: Vec<Reason> =
            closes(&[100.0, 200.0, 185.0, 181.0, 179.0], config).iter().map(Decision::reason).collect();
        assert_eq!(reasons[..4], [Reason::AlreadyLong; 4], "10 % below 200 is 180");
        assert_eq!(reasons[4], Reason::TrailingStop);
    }

    #[test]
    fn a_position_is_closed_at_its_longest_time_and_not_before() {
        let config = ExitConfig { max_hours: Some(24.0), ..ExitConfig::default() };
        let decisions = closes(&[100.0; 25], config);
        assert_eq!(decisions[22].reason(), Reason::AlreadyLong, "23 hours after the open");
        assert_eq!(decisions[23].reason(), Reason::Timeout);
    }

    #[test]
    fn each_position_has_a_best_price_of_its_own() {
        let config = ExitConfig { trailing_stop: Some(Fraction::new(0.1)), ..ExitConfig::default() };
        let open_time: Vec<i64> = (0..4).map(|i| i * 3_600_000).collect();
        let prices = [200.0, 100.0, 95.0, 89.0];
        let market = Market {
            open_time: &open_time,
            open: &prices,
            high: &prices,
            low: &prices,
            close: &prices,
            signals: Signals::default(),
            interval_ms: 3_600_000,
            first: 0,
        };
        let mut strategy = exits(config);
        let reasons: Vec<Reason> = [0, 1, 1, 1]
            .into_iter()
            .enumerate()
            .map(|(t, opened)| {
                let account = Account { price: prices[t], opened_at: Some(opened), ..long(prices[opened as usize]) };
                strategy.decide(market.history(t), &account).reason()
            })
            .collect();
        assert_eq!(reasons[..3], [Reason::AlreadyLong; 3], "the 200 belong to the position before");
        assert_eq!(reasons[3], Reason::TrailingStop, "10 % below 100 is 90");
    }

    #[test]
    fn of_two_stops_the_nearer_one_closes() {
        let with = |stop, trail| ExitConfig {
            stop_loss: Some(Fraction::new(stop)),
            trailing_stop: Some(Fraction::new(trail)),
            ..ExitConfig::default()
        };
        let last = |prices: &[f64], config| closes(prices, config).last().map(Decision::reason);
        // From 100 to 110: a stop 20 % below the entry is 80, one 10 % below the best is 99.
        assert_eq!(last(&[110.0, 98.0], with(0.2, 0.1)), Some(Reason::TrailingStop));
        // 5 % below the entry is 95, 20 % below the best 88.
        assert_eq!(last(&[110.0, 94.0], with(0.05, 0.2)), Some(Reason::StopLoss));
    }

    #[test]
    fn of_two_stops_of_a_short_position_the_nearer_one_closes() {
        let config = ExitConfig {
            stop_loss: Some(Fraction::new(0.25)),
            trailing_stop: Some(Fraction::new(0.125)),
            ..ExitConfig::default()
        };
        let mut strategy = exits(config);
        let account = Account { position: -1.0, price: 80.0, ..long(100.0) };
        strategy.follow(&account);
        assert_eq!(
            strategy.levels(&account).stop,
            Some((90.0, Reason::TrailingStop)),
            "125 from the entry, 80 x 1.125"
        );
    }
}
