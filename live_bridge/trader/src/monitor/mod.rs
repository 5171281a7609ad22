//! Two tests beside a session that may be looked at after every fill: do fills cost more than was modelled, and are trades
//! worse than the backtest's? Each alarms at 40 to 1, so that both err in at most 5 % of sessions together
//! ([`q50_research::monitor`]).
//!
//! An alarm about fills demotes the session: no position is opened any more, and the way out stays open. One about trades
//! warns, and demotes where that was asked for. What a test took note of is in the journal, in order, and a restart takes
//! note of it again: a test that began anew would be another chance to err.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests;
/// Closed positions.
mod trip;

pub use trip::{ReferenceError, promoted_trades};

use crate::compare::{Amount, Outcome, ReplayVenue};
use crate::journal::{Alarm, JournalError, MonitorTest, Observation, OrderRow, State};
use q50_engine::units::Bps;
use q50_engine::venue::pool_path::Reserves;
use q50_executor::order::Size;
use q50_research::monitor::{Decay, Execution, block, both_together};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use trip::Trip;

/// One hundredth of a per cent.
pub(crate) const BPS: f64 = 1e-4;

/// What a session's fills and trades are held against. It is part of what a session is, because it is fixed before the first
/// order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorRule {
    /// Mean shortfall of a fill that the backtest modelled, basis points of its notional.
    pub modelled_bps: f64,
    /// How much more is tolerated, basis points: fills that depend on each other alarm by themselves without it.
    pub tolerance_bps: f64,
    /// Whether an alarm about trades demotes, too.
    pub demote_on_decay: bool,
}

impl Default for MonitorRule {
    fn default() -> Self {
        Self { modelled_bps: 0.0, tolerance_bps: 25.0, demote_on_decay: false }
    }
}

impl MonitorRule {
    /// The mean shortfall that is tested against, a fraction.
    #[must_use]
    pub fn mean(&self) -> f64 {
        (self.modelled_bps + self.tolerance_bps) * BPS
    }

    /// Where shortfalls are cut, a fraction: the bound of an order is relative to its quote, and the price may have moved by
    /// as much as is tolerated until then.
    #[must_use]
    pub fn bound(&self, slippage: Bps) -> f64 {
        self.mean() + slippage.0.max(1) as f64 * BPS
    }
}

/// The backtest's trades, as the test takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Net returns: of each trade, or means of as many as `block` says.
    pub returns: Vec<f64>,
    /// How many consecutive trades make an observation.
    pub block: usize,
}

impl Reference {
    /// Of the net returns of a backtest's trades, in the order of their entries.
    #[must_use]
    pub fn of(trades: &[f64]) -> Self {
        let block = block(trades);
        let mean = |trades: &[f64]| trades.iter().sum::<f64>() / trades.len() as f64;
        Self { returns: trades.chunks_exact(block).map(mean).collect(), block }
    }
}

/// The tests of a session.
#[derive(Debug)]
pub struct Monitor {
    rule: MonitorRule,
    venue: ReplayVenue,
    bound: f64,
    execution: Execution,
    /// The test, trades an observation, and those that are not enough for one yet.
    decay: Option<(Decay, usize, Vec<f64>)>,
    trip: Trip,
    /// Orders that were looked at.
    taken: usize,
    /// What the journal has from before a restart.
    kept: HashMap<(MonitorTest, u64), Observation>,
    alarms: Vec<Alarm>,
}

impl Monitor {
    /// Before the first order, or after what the journal `kept`.
    #[must_use]
    pub fn new(
        rule: MonitorRule,
        slippage: Bps,
        venue: ReplayVenue,
        reference: Option<&Reference>,
        kept: Vec<Observation>,
        alarms: Vec<Alarm>,
    ) -> Self {
        Self {
            rule,
            venue,
            bound: rule.bound(slippage),
            execution: Execution::alarming_at(both_together()),
            decay: reference.map(|reference| {
                (Decay::alarming_at(both_together(), &reference.returns), reference.block, Vec::new())
            }),
            trip: Trip::default(),
            taken: 0,
            kept: kept.into_iter().map(|seen| ((seen.test, seen.n), seen)).collect(),
            alarms,
        }
    }

    /// Why no position is opened any more; none where that is allowed.
    #[must_use]
    pub fn demoted(&self) -> Option<&str> {
        self.alarms.iter().find(|alarm| alarm.demoted).map(|alarm| alarm.reason.as_str())
    }

    /// Takes note of the orders that are final by now, in order, and says what is new: observations, and alarms. What could
    /// still be taken back is waited for, and so is all that comes after it. `reserves` are those at the close of a bar.
    ///
    /// # Errors
    /// Where reserves cannot be read, or the journal has what does not follow from its orders.
    pub fn take(
        &mut self,
        orders: &[OrderRow],
        reserves: impl Fn(i64) -> Result<Option<Reserves>, JournalError>,
        now_ms: i64,
    ) -> Result<(Vec<Observation>, Vec<Alarm>), JournalError> {
        let (mut seen, mut raised) = (Vec::new(), Vec::new());
        while let Some(order) = orders.get(self.taken).filter(|order| order.done.is_final) {
            self.taken += 1;
            if order.done.state != State::Filled {
                continue;
            }
            let observations = [self.fill(order, &reserves)?, self.trade(order)];
            for observation in observations.into_iter().flatten() {
                match self.kept.remove(&(observation.test, observation.n)) {
                    None => seen.push(observation),
                    Some(kept) if kept == observation => {}
                    Some(kept) => {
                        let Observation { test, n, .. } = kept;
                        let what = format!(
                            "observation {n} of the {} test is not what follows from the orders and from the backtest",
                            test.name()
                        );
                        return Err(JournalError::Damaged(what));
                    }
                }
            }
            raised.extend(self.raise(now_ms));
        }
        Ok((seen, raised))
    }

    /// The shortfall of a fill against what the same order would have done at the close that it was decided on.
    fn fill(
        &mut self,
        order: &OrderRow,
        reserves: &impl Fn(i64) -> Result<Option<Reserves>, JournalError>,
    ) -> Result<Option<Observation>, JournalError> {
        // What is sold between bars has no fill in a replay of bars.
        if order.is_between_bars() {
            return Ok(None);
        }
        let n = self.execution.wealth().observed() + 1;
        // What the journal has was known with the pool of that time.
        let kept = self.kept.get(&(MonitorTest::Execution, n)).filter(|kept| kept.key == order.key);
        let value = match kept {
            Some(kept) => Some(kept.value),
            None => reserves(order.bar_ms)?.and_then(|at| shortfall(&self.venue, order, at)),
        };
        let noted = value.filter(|value| self.execution.observe(*value, self.rule.mean(), self.bound).is_ok());
        let log_wealth = self.execution.wealth().log_jumper();
        let test = MonitorTest::Execution;
        Ok(noted.map(|value| Observation { test, n, key: order.key.clone(), value, log_wealth }))
    }

    /// The trade that a fill closes, with those before it where trades are taken several at a time.
    fn trade(&mut self, order: &OrderRow) -> Option<Observation> {
        let closed = self.trip.book_order(order)?;
        let (decay, block, waiting) = self.decay.as_mut()?;
        waiting.push(closed);
        if waiting.len() < *block {
            return None;
        }
        let value = waiting.drain(..).sum::<f64>() / *block as f64;
        decay.observe(value)?;
        let (n, log_wealth) = (decay.wealth().observed(), decay.wealth().log_jumper());
        Some(Observation { test: MonitorTest::Decay, n, key: order.key.clone(), value, log_wealth })
    }

    /// Alarms that are new.
    fn raise(&mut self, at_ms: i64) -> Vec<Alarm> {
        let decay = self.decay.as_ref().map(|(decay, ..)| decay.wealth());
        let tests = [(MonitorTest::Execution, Some(self.execution.wealth())), (MonitorTest::Decay, decay)];
        let mut raised = Vec::new();
        for (test, wealth) in tests {
            let Some(wealth) = wealth else { continue };
            let Some(observed) = wealth.alarm_at().filter(|_| self.alarms.iter().all(|alarm| alarm.test != test))
            else {
                continue;
            };
            let (demoted, what) = match test {
                MonitorTest::Execution => (true, self.about_fills(observed)),
                MonitorTest::Decay => (self.rule.demote_on_decay, self.about_trades(observed)),
            };
            let then = if demoted { "no position is opened any more" } else { "a warning" };
            let reason = format!("{what} (40 to 1): {then}");
            raised.push(Alarm { test, at_ms, observed, log_wealth: wealth.log_jumper(), demoted, reason });
        }
        self.alarms.extend(raised.iter().cloned());
        raised
    }

    fn about_fills(&self, fills: u64) -> String {
        let MonitorRule { modelled_bps, tolerance_bps, .. } = self.rule;
        format!(
            "after {fills} fills they cost more than the {modelled_bps} basis points that were modelled and the {tolerance_bps} that \
             are tolerated"
        )
    }

    fn about_trades(&self, observed: u64) -> String {
        match self.decay.as_ref().map_or(1, |(_, block, _)| *block) {
            1 => format!("after {observed} trades they are worse than the backtest's"),
            block => format!("after {observed} means of {block} trades they are worse than the backtest's"),
        }
    }
}

/// How much worse a fill was than the same order at these reserves, a fraction of the notional, the pool's fees in; none where
/// the pool would have refused it. The network's fee is bid, and known, before an order is sent: it is no shortfall, and of a
/// small order it would be most of one.
#[must_use]
pub fn shortfall(venue: &ReplayVenue, order: &OrderRow, at: Reserves) -> Option<f64> {
    let amount = match order.size? {
        Size::Spend(lamports) => Amount::Spent(lamports.0),
        Size::Sell(base) => Amount::Sold(base),
        Size::Buy(_) => return None,
    };
    let done = &order.done;
    let live = Outcome { base: i128::from(done.base), lamports: i128::from(done.quote) };
    let replayed = venue.fill(at, amount)?;
    let replayed = Outcome { lamports: replayed.lamports + venue.network(), ..replayed };
    // Lamports for a coin, of a buy and of a sale alike.
    let price = |outcome: Outcome| -(outcome.lamports as f64) / outcome.base as f64;
    let (live, replayed) = (price(live), price(replayed));
    let worse = if done.base > 0 { live / replayed - 1.0 } else { 1.0 - live / replayed };
    worse.is_finite().then_some(worse)
}
