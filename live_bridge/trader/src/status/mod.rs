//! What a session is at this moment, from its folder alone: as a page and as JSON, on this machine only.

/// The same in a line.
mod line;
/// The same as a page.
mod page;
/// Who is asked.
mod server;

pub use line::line;
pub use server::serve;

use crate::compare::{CompareError, Latency, MonitorReport, Record};
use crate::journal::{DecisionRow, OrderRow, State};
use crate::promotion::Override;
use crate::spec::Mode;
use q50_datasets::time::rfc3339;
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows of each list.
const LAST: usize = 20;

/// A decision in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    /// Opening of its bar.
    pub bar: String,
    /// Its reason.
    pub reason: String,
    /// What it wants done.
    pub wants: Option<String>,
    /// SOL for the smallest unit of the coin.
    pub price: f64,
    /// Cash and position, SOL.
    pub equity: f64,
}

/// An order in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ordered {
    /// Opening of its bar.
    pub bar: String,
    /// Why it was given.
    pub reason: String,
    /// What became of it.
    pub state: State,
    /// Why, where it was not filled.
    pub why: Option<String>,
    /// Change of the coins held, in the smallest unit.
    pub base: String,
    /// Lamports that the swap took (negative) or brought.
    pub quote: String,
    /// From the order to its confirmation, milliseconds.
    pub ms: Option<u64>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// `q50.status/1`.
    pub schema: &'static str,
    /// Hash of its specification.
    pub session: String,
    /// What becomes of its orders.
    pub mode: Mode,
    /// The pool.
    pub pool: String,
    /// Its coin.
    pub mint: String,
    /// The newest bar that was decided on; none before the first.
    pub bar: Option<String>,
    /// SOL that it trades with.
    pub capital: f64,
    /// Free SOL at that bar's close.
    pub cash: f64,
    /// Coins held there, in the smallest unit.
    pub position: String,
    /// Cash and position, SOL.
    pub equity: f64,
    /// Decisions so far.
    pub decisions: usize,
    /// Orders so far, by what became of them.
    pub orders: BTreeMap<&'static str, usize>,
    /// Why no position is opened any more; none where that is allowed.
    pub demoted: Option<String>,
    /// Checks that were overridden when it was promoted.
    pub overrides: Vec<Override>,
    /// Its monitor.
    pub monitor: MonitorReport,
    /// Where time went.
    pub latency: Latency,
    /// The last decisions, newest first.
    pub last_decisions: Vec<Decided>,
    /// The last orders, newest first.
    pub last_orders: Vec<Ordered>,
    /// What was noted last, newest first: when, kind, text.
    pub last_notes: Vec<(String, String, String)>,
    /// Equity at each close, a multiple of the capital.
    #[serde(skip)]
    pub equity_curve: (Vec<i64>, Vec<f64>),
}

impl Status {
    /// Of the session in a folder.
    ///
    /// # Errors
    /// Where it has not begun, or its files cannot be read.
    pub fn read(folder: &std::path::Path) -> Result<Self, CompareError> {
        let record = Record::of_journal(folder)?;
        let notes = Record::journal(folder)?.notes()?;
        let Record { spec, decisions, orders, .. } = &record;
        let capital = spec.settings.capital;
        let last = decisions.last();
        let all: Vec<&OrderRow> = orders.iter().collect();
        let mut states = BTreeMap::new();
        for order in orders {
            *states.entry(order.done.state.name()).or_default() += 1;
        }
        let held: i64 =
            orders.iter().filter(|order| order.done.state == State::Filled).map(|order| order.done.base).sum();
        let monitor = MonitorReport::of(&record);
        Ok(Self {
            schema: "q50.status/1",
            session: record.id.clone(),
            mode: spec.mode,
            pool: spec.pool.clone(),
            mint: spec.mint.clone(),
            bar: last.map(|made| rfc3339(made.bar_ms)),
            capital,
            cash: last.map_or(capital, |made| made.account.cash),
            position: held.to_string(),
            equity: last.map_or(capital, |made| made.account.equity),
            decisions: decisions.len(),
            orders: states,
            demoted: monitor.alarms.iter().find(|alarm| alarm.demoted).map(|alarm| alarm.reason.clone()),
            overrides: record.overrides.clone(),
            latency: Latency::of(&record, &all),
            monitor,
            last_decisions: decisions.iter().rev().take(LAST).map(decided).collect(),
            last_orders: orders.iter().rev().take(LAST).map(ordered).collect(),
            last_notes: notes.into_iter().rev().take(LAST).map(|(at, kind, text)| (rfc3339(at), kind, text)).collect(),
            equity_curve: decisions.iter().map(|made| (made.bar_ms, made.account.equity / capital)).unzip(),
        })
    }
}

fn decided(made: &DecisionRow) -> Decided {
    Decided {
        bar: rfc3339(made.bar_ms),
        reason: made.reason.clone(),
        wants: made.wants.clone(),
        price: made.account.price,
        equity: made.account.equity,
    }
}

fn ordered(order: &OrderRow) -> Ordered {
    Ordered {
        bar: rfc3339(order.bar_ms),
        reason: order.reason.clone(),
        state: order.done.state,
        why: order.done.why.clone(),
        base: order.done.base.to_string(),
        quote: order.done.quote.to_string(),
        ms: order.done.to_settle_ms,
    }
}
