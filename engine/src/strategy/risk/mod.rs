//! Limits on the account that no strategy can trade around.
//!
//! Limits on losses stop trading. [`Limited`] stands between a strategy and the venue: while one is broken it answers in
//! the strategy's place, first with the sale of the position, then with holds. So a caller cannot forget to check a result.
//! Limits on what is open are kept where orders are filled ([`crate::limits`]), because several are decided at once.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Decision, Intent, Order, Reason},
    ledger::{Account, Balances, Held, Marked},
    limits::{Correlated, Limits},
    market::{History, Market},
    matching::RestingExits,
    orders::{Event, Orders},
    strategy::{
        Explanation, Strategy,
        side::Side,
        trades::{Outcome, Trades},
    },
    units::Fraction,
};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: f64 = 3_600_000.0;

/// Losses at which trading stops, and what may be open at once. Absent limits do not apply; with several instruments all
/// are those of the whole account, but for `max_consecutive_losses`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskConfig {
    /// Fall from the highest equity, a fraction of it, at or above which trading stops.
    pub max_drawdown: Option<Fraction>,
    /// Hours after which trading resumes, from a new peak; absent: never.
    pub cooldown_hours: Option<f64>,
    /// Loss since midnight UTC, a fraction of the equity then, at or above which trading stops until midnight.
    pub max_daily_loss: Option<Fraction>,
    /// Trades lost one after the other at which trading stops, for `cooldown_hours` as well.
    // Written only where they are set, because trials on record were filed without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_consecutive_losses: Option<u32>,
    /// Positions open at once; an entry that would open one more is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_positions: Option<u32>,
    /// Value of all positions, a share of equity; of an entry no more is filled than is left of it, nor of the limits below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_exposure: Option<Fraction>,
    /// Value of the position in one instrument, a share of equity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument_exposure: Option<Fraction>,
    /// Value of the positions that move together with the one that is entered, it included, a share of equity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlated_exposure: Option<Fraction>,
    /// Returns from which it is told what moves together; absent: [`DEFAULT_CORRELATION_WINDOW`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_window: Option<u32>,
    /// Correlation at or above which two instruments move together; absent: [`DEFAULT_CORRELATION_THRESHOLD`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_threshold: Option<Fraction>,
    /// What is lost where every stop is hit, a share of equity; of a position without a stop that is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat: Option<Fraction>,
}

/// Returns from which it is told what moves together, where nothing is said.
pub const DEFAULT_CORRELATION_WINDOW: u32 = 100;
/// Correlation at or above which two instruments move together, where nothing is said: about half of the variance of one is
/// then explained by the other.
pub const DEFAULT_CORRELATION_THRESHOLD: Fraction = Fraction::new(0.7);

impl RiskConfig {
    /// Whether a loss can stop trading.
    fn stops_trading(&self) -> bool {
        self.max_drawdown.is_some() || self.max_daily_loss.is_some() || self.max_consecutive_losses.is_some()
    }

    /// The limits on what is open.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let correlated = self.correlated_exposure.map(|exposure| Correlated {
            exposure,
            window: self.correlation_window.unwrap_or(DEFAULT_CORRELATION_WINDOW) as usize,
            threshold: self.correlation_threshold.unwrap_or(DEFAULT_CORRELATION_THRESHOLD),
        });
        Limits {
            max_positions: self.max_positions,
            total_exposure: self.total_exposure,
            instrument_exposure: self.instrument_exposure,
            correlated,
            heat: self.heat,
        }
    }
}

/// A strategy under limits.
#[derive(Clone, Debug)]
pub struct Limited<S> {
    inner: S,
    config: RiskConfig,
    unlimited: bool,
    peak: f64,
    day: i64,
    day_open_equity: f64,
    /// Equity at the last close; none before the first.
    last_equity: Option<f64>,
    trades: Trades,
    /// Trades lost since the last one that was won, or since the last halt.
    lost: u32,
    halted_until: Option<i64>,
}

impl<S> Limited<S> {
    /// Puts `inner` under `config`.
    #[must_use]
    pub fn new(inner: S, config: RiskConfig) -> Self {
        Self {
            inner,
            config,
            unlimited: !config.stops_trading(),
            peak: 0.0,
            day: i64::MIN,
            day_open_equity: 0.0,
            last_equity: None,
            trades: Trades::default(),
            lost: 0,
            halted_until: None,
        }
    }

    /// Counts the trades that are lost in a row.
    fn count(&mut self, account: &Account) {
        match self.trades.next(account) {
            Some(Outcome::Won(_)) => self.lost = 0,
            Some(Outcome::Lost(_)) => self.lost += 1,
            Some(Outcome::Even) | None => {}
        }
    }

    #[inline]
    fn halted(&mut self, now: i64, equity: f64) -> bool {
        if self.halted_until.is_some_and(|until| now >= until) {
            self.halted_until = None;
            self.peak = equity;
            self.lost = 0;
        }
        self.peak = self.peak.max(equity);
        let (day, before) = (now.div_euclid(DAY_MS), self.last_equity.replace(equity));
        if day != self.day {
            self.day = day;
            // What stood at midnight: what a bar that closes then says, or the last one before it.
            self.day_open_equity = before.filter(|_| now.rem_euclid(DAY_MS) != 0).unwrap_or(equity);
        }
        if self.halted_until.is_some() {
            return true;
        }
        let fell = self.config.max_drawdown.is_some_and(|max| equity <= self.peak * (1.0 - max.get()));
        if equity <= 0.0 {
            self.halted_until = Some(i64::MAX);
        } else if fell || self.config.max_consecutive_losses.is_some_and(|most| self.lost >= most) {
            let cooldown =
                self.config.cooldown_hours.map_or(i64::MAX, |hours| now.saturating_add((hours * HOUR_MS) as i64));
            self.halted_until = Some(cooldown);
        } else if self.config.max_daily_loss.is_some_and(|max| equity <= self.day_open_equity * (1.0 - max.get())) {
            self.halted_until = Some((day + 1) * DAY_MS);
        }
        self.halted_until.is_some()
    }
}

impl<S: Strategy> Strategy for Limited<S> {
    #[inline]
    fn observe(&mut self, history: History<'_>) {
        self.inner.observe(history);
    }

    #[inline]
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        // Asked at every bar, whoever answers: what it remembers of the account has no gaps.
        let answer = self.inner.decide(history, account);
        if !self.unlimited {
            self.count(account);
        }
        if !self.halted(history.now(), account.equity) {
            return answer;
        }
        let close = |order| Decision::Act(Intent { order, reason: Reason::RiskExit });
        if account.position > 0.0 {
            close(Order::Sell(Fraction::ONE))
        } else if account.position < 0.0 {
            close(Order::Cover(Fraction::ONE))
        } else {
            Decision::Hold(Reason::Halted)
        }
    }

    fn places_orders(&self) -> bool {
        self.inner.places_orders()
    }

    /// While a limit is broken nothing works: what is placed is dropped, and the rest cancelled.
    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        self.inner.place(history, account, orders);
        if self.halted_until.is_some() {
            orders.cancel_all();
        }
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        self.inner.on_event(event, orders);
        if self.halted_until.is_some() {
            orders.cancel_all();
        }
    }

    fn rests_exits(&self) -> bool {
        self.inner.rests_exits()
    }

    #[inline]
    fn resting(&self, account: &Account) -> RestingExits {
        self.inner.resting(account)
    }

    fn stop_distance(&self, history: History<'_>, side: Side) -> Option<f64> {
        self.inner.stop_distance(history, side)
    }

    fn limits(&self) -> Limits {
        self.config.limits()
    }

    /// Without limits on losses only ruin halts, which a long account cannot reach. With such limits every bar is looked at.
    #[inline]
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        self.halted_until.is_none()
            && marked.held() != Held::Short
            && self.unlimited
            && self.inner.stays(history, marked)
    }

    fn quiet_rows(&self, market: &Market<'_>, marks: &[f64], balances: Balances, from: usize) -> usize {
        let free = self.halted_until.is_none() && Held::of(balances.units) != Held::Short && self.unlimited;
        if free { self.inner.quiet_rows(market, marks, balances, from) } else { 0 }
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

    /// Opening times of so many hours, and a price of 1 at each.
    fn hours(bars: usize) -> (Vec<i64>, Vec<f64>) {
        ((0..bars as i64).map(|hour| hour * 3_600_000).collect(), vec![1.0; bars])
    }

    /// A market that stands still.
    fn still<'a>(open_time: &'a [i64], prices: &'a [f64]) -> Market<'a> {
        Market {
            open_time,
            open: prices,
            high: prices,
            low: prices,
            close: prices,
            signals: Signals::default(),
            interval_ms: 3_600_000,
            first: 0,
        }
    }

    /// Reasons of a holder whose equity takes these values at hourly closes.
    fn reasons(config: RiskConfig, equities: &[f64], position: f64) -> Vec<Reason> {
        let (open_time, prices) = hours(equities.len());
        let market = still(&open_time, &prices);
        let mut strategy = Limited::new(BuyAndHold, config);
        let account = |equity| Account {
            position,
            cash: 0.0,
            equity,
            price: 1.0,
            quote_reserve: None,
            average_price: None,
            opened_at: None,
            realised: 0.0,
        };
        equities.iter().enumerate().map(|(t, &e)| strategy.decide(market.history(t), &account(e)).reason()).collect()
    }

    #[test]
    fn a_drawdown_at_the_limit_sells_and_stays_out() {
        let config = RiskConfig { max_drawdown: Some(Fraction::new(0.25)), ..RiskConfig::default() };
        assert_eq!(
            reasons(config, &[100.0, 80.0, 75.0, 100.0], 1.0)[1..],
            [Reason::AlreadyLong, Reason::RiskExit, Reason::RiskExit]
        );
        assert_eq!(reasons(config, &[100.0, 75.0, 75.0], 0.0)[1..], [Reason::Halted; 2]);
    }

    #[test]
    fn after_the_cooldown_the_peak_starts_anew() {
        let config =
            RiskConfig { max_drawdown: Some(Fraction::new(0.25)), cooldown_hours: Some(2.0), ..RiskConfig::default() };
        let reasons = reasons(config, &[100.0, 70.0, 70.0, 70.0, 60.0], 1.0);
        assert_eq!(reasons[1..], [Reason::RiskExit, Reason::RiskExit, Reason::AlreadyLong, Reason::AlreadyLong]);
    }

    #[test]
    fn a_daily_loss_halts_until_midnight() {
        let config = RiskConfig { max_daily_loss: Some(Fraction::new(0.1)), ..RiskConfig::default() };
        let mut equities = vec![100.0; 30];
        equities[20..].fill(90.0);
        let reasons = reasons(config, &equities, 1.0);
        assert_eq!(reasons[19], Reason::AlreadyLong);
        assert_eq!(reasons[20..23], [Reason::RiskExit; 3]);
        assert_eq!(reasons[23], Reason::AlreadyLong, "the bar that closes at midnight belongs to the new day");
    }

    #[test]
    fn what_is_lost_over_a_gap_at_midnight_is_a_loss_of_the_new_day() {
        let config = RiskConfig { max_daily_loss: Some(Fraction::new(0.1)), ..RiskConfig::default() };
        let open_time = [20, 21, 33, 34].map(|hour| hour * 3_600_000);
        let prices = vec![1.0; 4];
        let market = still(&open_time, &prices);
        let mut strategy = Limited::new(BuyAndHold, config);
        let held = crate::ledger::PriceLedger::restored(0.0, 1.0, 1.0, 0).account(1.0);
        let mut decided =
            |(t, equity): (usize, f64)| strategy.decide(market.history(t), &Account { equity, ..held }).reason();
        let reasons = [110.0, 100.0, 90.0, 95.0].into_iter().enumerate().map(&mut decided).collect::<Vec<_>>();
        // The last close before midnight had 100, whatever the day had begun with.
        assert_eq!(reasons, [Reason::AlreadyLong, Reason::AlreadyLong, Reason::RiskExit, Reason::RiskExit]);
    }

    #[test]
    fn trades_lost_in_a_row_stop_trading_until_the_cooldown_is_over_and_a_won_one_counts_anew() {
        let config = RiskConfig { max_consecutive_losses: Some(2), cooldown_hours: Some(2.0), ..RiskConfig::default() };
        // Realised at hourly closes of a flat account: lost, won, lost, lost, then held off for two hours, lost again.
        let realised = [0.0, -1.0, 4.0, 3.0, 2.0, 2.0, 2.0, 1.0, 0.0];
        let (open_time, prices) = hours(realised.len());
        let market = still(&open_time, &prices);
        let mut strategy = Limited::new(BuyAndHold, config);
        let flat = crate::ledger::PriceLedger::new(100.0).account(1.0);
        let mut decided = |(t, realised): (usize, &f64)| {
            let account = Account { realised: *realised, ..flat };
            strategy.decide(market.history(t), &account).reason() == Reason::Halted
        };
        let halted: Vec<bool> = realised.iter().enumerate().map(&mut decided).collect();
        assert_eq!(halted, [false, false, false, false, true, true, false, false, true]);
    }

    #[test]
    fn ruin_ends_trading_without_any_limit() {
        assert_eq!(reasons(RiskConfig::default(), &[100.0, -1.0, 50.0], 0.0)[1..], [Reason::Halted; 2]);
    }
}
