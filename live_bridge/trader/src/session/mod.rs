//! The loop: a bar closes, the strategy decides, the decision is stored, and only then acted on.

/// Why a session ends.
mod error;
/// What a session says of itself.
mod event;
/// Between bars.
mod levels;
/// From nothing, or from its journal.
mod start;

pub use error::SessionError;
pub use event::Event;
pub use start::Parts;

use crate::books::Books;
use crate::clock_watch::ClockWatch;
use crate::execution::Execution;
use crate::feed::Feed;
use crate::host::StrategyHost;
use crate::journal::{BarRow, DecisionRow, Done, Journal, OrderRow, State};
use crate::monitor::Monitor;
use crate::signal_file::SignalFile;
use crate::sizing::{PoolTerms, size};
use crate::spec::SessionSpec;
use q50_collector::tape::Closed;
use q50_collector::unless_stopped;
use q50_datasets::pool_bars::PoolBar;
use q50_datasets::time::rfc3339;
use q50_engine::decision::{Budget, Decision, Intent, Order};
use q50_engine::market::Column;
use q50_engine::strategy::Explanation;
use q50_engine::venue::PumpSwapConfig;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::order::{Order as LiveOrder, Size};
use q50_pumpswap::chain::Address;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long an order is waited for once the session was asked to stop; what is open then is settled at the next start.
const GRACE: Duration = Duration::from_secs(3);
/// How often a signal is looked for that has not come.
const SIGNAL_LOOK: Duration = Duration::from_millis(50);
/// Why an order was not given.
const TOO_LATE: &str = "the bar after it had closed before it could be given";

/// A session.
#[derive(Debug)]
pub struct Session {
    spec: SessionSpec,
    id: String,
    mint: Address,
    venue: PumpSwapConfig,
    terms: PoolTerms,
    journal: Journal,
    feed: Feed,
    signals: Option<SignalFile>,
    columns: Vec<Column>,
    host: StrategyHost,
    execution: Execution,
    books: Books,
    orders: Vec<OrderRow>,
    last: Option<BarRow>,
    decisions: usize,
    signal_wait: Duration,
    monitor: Monitor,
    /// When a level was last met.
    sold_at: Option<Instant>,
}

/// Where events go.
pub type Tell<'a> = &'a mut dyn FnMut(&Event);

impl Session {
    /// Trades until it is asked to stop, or for so many more decisions; `poll` is how often the chain is looked at.
    ///
    /// # Errors
    /// [`SessionError`]; what is known is kept.
    pub async fn run(
        &mut self,
        stop: &mut watch::Receiver<bool>,
        poll: Duration,
        most: Option<usize>,
        tell: Tell<'_>,
    ) -> Result<(), SessionError> {
        let end = most.map(|most| self.decisions.saturating_add(most));
        let mut clock = ClockWatch::default();
        while end.is_none_or(|end| self.decisions < end) {
            clock.look()?;
            if unless_stopped(stop, self.feed.wait(poll)).await.is_none() {
                break;
            }
            let Some(closed) = unless_stopped(stop, self.feed.look()).await else { break };
            let closed = closed?;
            if let Some(signals) = &mut self.signals {
                signals.refresh()?;
            }
            let mut asked = stop.clone();
            let grace = async {
                // Whoever could ask is gone: nobody will.
                if asked.wait_for(|stop| *stop).await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(GRACE).await;
            };
            let work = async {
                self.take(closed, tell).await?;
                self.watch(tell).await
            };
            tokio::select! {
                () = grace => break,
                done = work => done?,
            }
        }
        let from = self.journal.first_decision()?.map(rfc3339);
        let holds = self.books.ledger().tokens().0.to_string();
        tell(&Event::Stopped { decisions: self.decisions, orders: self.orders.len(), from, holds });
        Ok(())
    }

    /// Hash of the chain's first block.
    #[must_use]
    pub fn genesis(&self) -> &str {
        &self.spec.genesis
    }

    /// The feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Decides on every bar that closed, in order; what is decided on the newest one is acted on.
    async fn take(&mut self, closed: Closed, tell: Tell<'_>) -> Result<(), SessionError> {
        for open_ms in &closed.changed {
            let text =
                format!("the bar of {} is another one by now: a fork, or a node that told late", rfc3339(*open_ms));
            self.note("bar_changed", text, tell)?;
        }
        let mut bars = closed.bars.into_iter().peekable();
        while let Some(bar) = bars.next() {
            match self.last.as_ref().map(|last| last.bar.open_time) {
                Some(last) if bar.open_time <= last => {}
                _ => self.close(bar, bars.peek().is_none(), tell).await?,
            }
        }
        Ok(())
    }

    async fn close(&mut self, bar: PoolBar, is_newest: bool, tell: Tell<'_>) -> Result<(), SessionError> {
        let seen_ms = SystemClock.now().0;
        self.await_signal(bar.open_time, is_newest, tell).await?;
        let signal_ms = Some(SystemClock.now().0);
        self.settle().await?;
        self.supervise(tell)?;
        let row = BarRow { bar, signals: self.signals_at(bar.open_time), seen_ms };
        self.host.observe(&row.engine_bar(), &row.signals);
        let account = self.books.account(row.reserves());
        let (decision, explanation) = self.host.decide(&account);
        let decided_ms = SystemClock.now().0;
        let decision_row = DecisionRow {
            bar_ms: bar.open_time,
            account,
            reason: decision.reason().name().to_owned(),
            wants: wants(&decision),
            explanation: told(&explanation),
            signal_ms,
            decided_ms,
        };
        let order = match &decision {
            Decision::Act(intent) => Some(self.order(intent, &row, is_newest, decided_ms, &decision_row)),
            Decision::Hold(_) => None,
        };
        self.journal.decided(&row, &decision_row, order.as_ref())?;
        self.decisions += 1;
        self.last = Some(row.clone());
        tell(&Event::Decided {
            bar: rfc3339(bar.open_time),
            close: bar.close,
            signals: row.signals,
            reason: decision.reason().name(),
            wants: decision_row.wants,
            cash: account.cash,
            position: self.books.ledger().tokens().0.to_string(),
            equity: account.equity,
        });
        let Some(order) = order else { return Ok(()) };
        self.orders.push(order);
        self.act(self.orders.len() - 1, tell).await
    }

    /// The order that a decision asks for, before it is given.
    fn order(&self, intent: &Intent, row: &BarRow, is_newest: bool, wanted_ms: i64, decided: &DecisionRow) -> OrderRow {
        let pool = self.terms.at(row.reserves());
        let account = &decided.account;
        let within_limits = |budget: f64| self.host.within_limits(budget, account);
        let size =
            size(intent.order, account, self.books.ledger(), &pool, &self.terms.config, &self.venue, within_limits);
        let done = match &size {
            Err(problem) => Done::only(State::Rejected, Some(problem.to_string())),
            Ok(_) if !is_newest => Done::only(State::Missed, Some(TOO_LATE.to_owned())),
            Ok(_) => Done { is_final: false, ..Done::only(State::Wanted, None) },
        };
        OrderRow {
            key: format!("{} {}", &self.id[..16], rfc3339(row.bar.open_time)),
            bar_ms: row.bar.open_time,
            reason: decided.reason.clone(),
            size: size.ok(),
            wanted_ms,
            done,
        }
    }

    /// Gives an order that is in the journal, where it is still to be given, and keeps what becomes of it.
    async fn act(&mut self, index: usize, tell: Tell<'_>) -> Result<(), SessionError> {
        let OrderRow { key, size, done, .. } = self.orders[index].clone();
        tell(&Event::Wanted { key: key.clone(), size });
        if let Some(size) = size.filter(|_| done.state == State::Wanted) {
            let done = match self.monitor.demoted() {
                Some(why) if !matches!(size, Size::Sell(_)) => {
                    Done::only(State::Refused, Some(format!("the session is demoted: {why}")))
                }
                _ => {
                    let order = LiveOrder { mint: self.mint, size, slippage: self.venue.slippage };
                    let done = self.execution.submit(&key, order, &self.books).await?;
                    Done { time_ms: self.feed.time_ms(), ..done }
                }
            };
            self.keep(index, done)?;
        }
        let done = Box::new(self.orders[index].done.clone());
        tell(&Event::Done { key, done });
        Ok(())
    }

    fn keep(&mut self, index: usize, done: Done) -> Result<(), SessionError> {
        self.journal.done(&self.orders[index].key, &done)?;
        self.orders[index].done = done;
        self.books = Books::after(self.capital(), &self.orders);
        Ok(())
    }

    /// Has the monitor take note of what is final by now; what that raises is kept before it is told.
    fn supervise(&mut self, tell: Tell<'_>) -> Result<(), SessionError> {
        let reserves = |bar_ms| self.journal.reserves_at(bar_ms);
        let (observations, alarms) = self.monitor.take(&self.orders, reserves, SystemClock.now().0)?;
        if observations.is_empty() && alarms.is_empty() {
            return Ok(());
        }
        self.journal.observed(&observations, &alarms)?;
        for alarm in alarms {
            tracing::warn!("{}", alarm.reason);
            tell(&Event::Alarm(alarm));
        }
        Ok(())
    }

    /// Looks again at what could still be taken back.
    async fn settle(&mut self) -> Result<(), SessionError> {
        let open: Vec<usize> = (0..self.orders.len()).filter(|&index| !self.orders[index].done.is_final).collect();
        if open.is_empty() {
            return Ok(());
        }
        self.execution.settle().await?;
        for index in open {
            let earlier = &self.orders[index].done;
            let Some(now) = self.execution.outcome(&self.orders[index].key)? else { continue };
            let Done { time_ms, to_quote_ms, to_sign_ms, to_send_ms, to_settle_ms, .. } = *earlier;
            let now = Done { time_ms, to_quote_ms, to_sign_ms, to_send_ms, to_settle_ms, ..now };
            if now != *earlier {
                self.keep(index, now)?;
            }
        }
        Ok(())
    }

    /// Waits for the signal of a bar, where there is still time for it.
    async fn await_signal(&mut self, open_ms: i64, is_newest: bool, tell: Tell<'_>) -> Result<(), SessionError> {
        let Some(signals) = &mut self.signals else { return Ok(()) };
        let begun = Instant::now();
        loop {
            signals.refresh()?;
            let has_come = signals.has_for(open_ms, self.spec.interval_ms);
            if has_come || !is_newest || begun.elapsed() >= self.signal_wait {
                break;
            }
            tokio::time::sleep(SIGNAL_LOOK).await;
        }
        if let Some(last) = &self.last {
            let last_ms = last.bar.open_time;
            if signals.at(last_ms, self.spec.interval_ms, &self.columns) != last.signals {
                let text = format!("the signal of {} came after its bar was decided on", rfc3339(last_ms));
                self.note("late_signal", text, tell)?;
            }
        }
        Ok(())
    }

    fn signals_at(&self, open_ms: i64) -> crate::host::BarSignals {
        self.signals.as_ref().map_or_else(Vec::new, |file| file.at(open_ms, self.spec.interval_ms, &self.columns))
    }

    fn note(&mut self, kind: &'static str, text: String, tell: Tell<'_>) -> Result<(), SessionError> {
        tracing::warn!("{text}");
        self.journal.note(SystemClock.now().0, kind, &text)?;
        tell(&Event::Note { kind, text });
        Ok(())
    }
}

/// What a decision wants done, in words that tell any two apart: numbers are in their shortest form that reads back.
fn wants(decision: &Decision) -> Option<String> {
    let Decision::Act(intent) = decision else { return None };
    Some(match intent.order {
        Order::Buy(Budget::Cash(share)) => format!("buy for {} of the cash", share.get()),
        Order::Buy(Budget::Equity(share)) => format!("buy for {} of the equity", share.get()),
        Order::Sell(share) => format!("sell {} of the position", share.get()),
        Order::Short(share) => format!("short {} of the equity", share.get()),
        Order::Cover(share) => format!("cover {} of the position", share.get()),
    })
}

/// What a decision was made from, as JSON.
fn told(explanation: &Explanation) -> String {
    let Explanation { side, prob_up, expected_value, info_ratio, regime, raw_size, size, binding_cap, sizing } =
        explanation;
    json!({
        "side": side, "prob_up": prob_up, "expected_value": expected_value, "info_ratio": info_ratio, "regime": regime,
        "raw_size": raw_size, "size": size, "binding_cap": binding_cap,
        "caps": sizing.map(|sizing| json!({
            "max_position": sizing.caps.max_position, "cash": sizing.caps.cash, "pool_share": sizing.caps.pool_share,
            "max_heat": sizing.caps.heat,
        })),
    })
    .to_string()
}
