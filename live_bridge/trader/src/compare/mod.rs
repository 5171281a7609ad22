//! Compares a live session with its backtest: decisions, orders, fills, time, money.

/// A backtest.
mod backtest;
/// Fills side by side.
mod fills;
/// Money of both.
mod money;
/// What its monitor saw.
mod monitor;
/// Why a fill differs.
mod parts;
/// What it was promoted from.
mod promoted;
/// A session.
mod record;
/// The replay of a session's own record.
mod replayed;
/// Middle and tail of a series.
mod stages;

pub use backtest::{Backtest, ReplayedDecision, ReplayedFill};
pub use fills::{Fills, Pair};
pub use money::Money;
pub use monitor::{MonitorReport, Power, TestReport, Unwatched};
pub use parts::{Amount, Outcome, Parts, ReplayVenue};
pub use promoted::Promoted;
pub use record::Record;
pub use stages::{Latency, OrderStages, STAGES, Slippage, Stage};

use crate::journal::{DecisionRow, Done, JournalError, OrderRow, State};
use crate::promotion::Override;
use crate::promotion::gate::{difference, value};
use crate::spec::{Mode, SessionSpec};
use q50_datasets::time::rfc3339;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

/// Differences that are named one by one.
const NAMED: usize = 20;

/// Two that cannot be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// No backtest.
    #[error("{path:?} is no backtest that q50 verify wrote: {problem}")]
    NoBacktest {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// No session.
    #[error("{path:?} is no session that q50 live kept: {problem}")]
    NoSession {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Its record cannot be replayed.
    #[error("the session's record cannot be replayed: {problem}")]
    NoReplay {
        /// Why not.
        problem: String,
    },
    /// They have no bar in common.
    #[error("backtest and session have no bar in common: the backtest begins at {backtest}, the session at {session}")]
    Apart {
        /// First bar of the backtest.
        backtest: String,
        /// First bar of the session.
        session: String,
    },
    /// The session's file.
    #[error("session.sqlite: {0}")]
    Journal(#[from] JournalError),
    /// The log of the pool.
    #[error("collection.sqlite: {0}")]
    Store(#[from] q50_collector::store::StoreError),
    /// A table.
    #[error(transparent)]
    Data(#[from] q50_datasets::Error),
    /// Tables of what was promoted.
    #[error(transparent)]
    Reference(#[from] crate::monitor::ReferenceError),
}

/// A decision that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Opening of its bar.
    pub bar: String,
    /// Reason in the backtest.
    pub backtest: String,
    /// Reason in the session.
    pub live: String,
}

/// Decisions side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// Bars that both decided on.
    pub compared: usize,
    /// Those that they decided differently on.
    pub differing: usize,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// An order that was not filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfilled {
    /// Opening of the bar that it was decided on.
    pub bar: String,
    /// What became of it.
    pub state: State,
    /// Why.
    pub why: Option<String>,
}

/// Orders of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// All that were decided on before the last bar.
    pub attempted: usize,
    /// Those of the last bar, which land in one that the backtest does not have.
    pub of_last_bar: usize,
    /// Lamports that the network took for those that were not filled.
    pub cost_of_unfilled: u64,
    /// Those that were filled.
    pub filled: usize,
    /// How many became what.
    pub states: BTreeMap<&'static str, usize>,
    /// Of those that were not filled, how many for which reason: numbers in it are left out.
    pub reasons: BTreeMap<String, usize>,
    /// The first of those that were not filled.
    pub unfilled: Vec<Unfilled>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `q50.compare/1`.
    pub schema: &'static str,
    /// Whether they did the same, as far as they can: asked to do the same, every decision, every fill that the backtest
    /// had, no fill that differs for no known reason, nothing unexplained, money that follows from the orders.
    pub parity: bool,
    /// Run of the backtest.
    pub backtest: String,
    /// Hash of the session's specification.
    pub session: String,
    /// What became of the session's orders.
    pub mode: Mode,
    /// Opening of the first bar that both decided on.
    pub from: String,
    /// Of the last.
    pub to: String,
    /// Openings of the bars at which the session's account is not what its orders make of its capital.
    pub unbooked: Vec<String>,
    /// What the two were asked to do that differs, in words: the strategy, the capital, the length of a bar.
    pub asked: Vec<String>,
    /// Decisions.
    pub decisions: Decisions,
    /// Orders.
    pub orders: Orders,
    /// Fills.
    pub fills: Fills,
    /// Time.
    pub latency: Latency,
    /// How much worse than quoted.
    pub slippage: Slippage,
    /// Money.
    pub money: Money,
    /// What the session's monitor saw.
    pub monitor: MonitorReport,
    /// Checks that were overridden when the session was promoted.
    pub overrides: Vec<Override>,
    /// Equity at the close of each bar that both have: the bar's opening, the backtest's, the session's, SOL.
    #[serde(skip)]
    pub equity: Vec<(i64, [f64; 2])>,
    /// Equity of the promoted backtest beside them.
    #[serde(skip)]
    pub promoted: Promoted,
    /// Where the time of each order went.
    #[serde(skip)]
    pub stages: Vec<OrderStages>,
    /// Capital of the session, SOL.
    pub capital: f64,
    /// Of the backtest.
    pub backtest_capital: f64,
}

impl Comparison {
    /// Lays the two beside each other, on the bars that both decided on.
    ///
    /// # Errors
    /// [`CompareError::Apart`] where there is none.
    pub fn of(backtest: &Backtest, record: &Record) -> Result<Self, CompareError> {
        let replayed: BTreeMap<i64, &str> =
            backtest.decisions.iter().map(|made| (made.bar_ms, made.reason.as_str())).collect();
        let both: Vec<(&DecisionRow, &str)> =
            record.decisions.iter().filter_map(|live| Some((live, *replayed.get(&live.bar_ms)?))).collect();
        let (Some((first, _)), Some((last, _))) = (both.first(), both.last()) else {
            let session = record.decisions.first().map_or_else(|| "no bar".to_owned(), |live| rfc3339(live.bar_ms));
            return Err(CompareError::Apart { backtest: rfc3339(backtest.from_ms), session });
        };
        let window = first.bar_ms..=last.bar_ms;
        let mut decisions = Decisions { compared: both.len(), ..Decisions::default() };
        for (live, reason) in both.iter().filter(|(live, reason)| live.reason != *reason) {
            decisions.differing += 1;
            if decisions.differences.len() < NAMED {
                let (bar, backtest, live) = (rfc3339(live.bar_ms), (*reason).to_owned(), live.reason.clone());
                decisions.differences.push(Difference { bar, backtest, live });
            }
        }
        // What was decided at the last bar lands in a bar that the backtest does not have.
        let orders: Vec<&OrderRow> =
            record.orders.iter().filter(|order| window.contains(&order.bar_ms) && order.bar_ms < last.bar_ms).collect();
        let fills = Fills::of(backtest, record, &orders, window.clone());
        let equity = money::equity(backtest, &both);
        let alone = fills.backtest_only + fills.live_only;
        let explained = fills.not_split == 0 && fills.unexplained() == 0;
        let asked = asked(backtest, &record.spec);
        let unbooked: Vec<String> =
            record.unbooked().into_iter().filter(|bar_ms| window.contains(bar_ms)).map(rfc3339).collect();
        let parity = asked.is_empty() && decisions.differing == 0 && alone == 0 && explained && unbooked.is_empty();
        Ok(Self {
            schema: "q50.compare/1",
            parity,
            backtest: backtest.run_id.clone(),
            session: record.id.clone(),
            mode: record.spec.mode,
            from: rfc3339(first.bar_ms),
            to: rfc3339(last.bar_ms),
            unbooked,
            asked,
            decisions,
            orders: told(&orders, record.orders.iter().filter(|order| order.bar_ms == last.bar_ms).count()),
            fills,
            latency: Latency::of(record, &orders),
            slippage: Slippage::of(&orders),
            money: Money::of(backtest, &equity),
            monitor: MonitorReport::of(record).with_power(record, backtest.venue.slippage),
            overrides: record.overrides.clone(),
            promoted: promoted::beside(&record.promoted, &equity.iter().map(|(time, _)| *time).collect::<Vec<_>>()),
            stages: orders.iter().map(|order| OrderStages::of(record, order)).collect(),
            equity,
            capital: record.spec.settings.capital,
            backtest_capital: backtest.settings.capital,
        })
    }
}

/// What the two were asked to do that differs.
fn asked(backtest: &Backtest, spec: &SessionSpec) -> Vec<String> {
    let settings = &backtest.settings;
    let parts = [
        ("strategy", value(&settings.strategy), value(&spec.settings.strategy)),
        ("capital", value(&settings.capital), value(&spec.settings.capital)),
        ("length of a bar, ms", value(&backtest.interval_ms), value(&spec.interval_ms)),
    ];
    let differs = |(what, backtest, live): &(&str, Value, Value)| {
        let (path, backtest, live) = difference(backtest, live)?;
        let path = if path.is_empty() { path } else { format!(" ({path})") };
        Some(format!("{what}{path}: {backtest} in the backtest, {live} live"))
    };
    parts.iter().filter_map(differs).collect()
}

fn told(orders: &[&OrderRow], of_last_bar: usize) -> Orders {
    let mut told = Orders { attempted: orders.len(), of_last_bar, ..Orders::default() };
    for order in orders {
        *told.states.entry(order.done.state.name()).or_default() += 1;
        if order.done.state == State::Filled {
            told.filled += 1;
            continue;
        }
        told.cost_of_unfilled += order.done.network_fee;
        *told.reasons.entry(kind(&order.done)).or_default() += 1;
        if told.unfilled.len() < NAMED {
            let (bar, state, why) = (rfc3339(order.bar_ms), order.done.state, order.done.why.clone());
            told.unfilled.push(Unfilled { bar, state, why });
        }
    }
    told
}

/// What became of an order that was not filled, and why; its state is said once.
#[must_use]
pub fn unfilled(state: State, why: Option<&str>) -> String {
    let (name, why) = (state.name(), why.unwrap_or("no reason is known"));
    if why.starts_with(name) { why.to_owned() } else { format!("{name}: {why}") }
}

/// The same without what differs from one to the next: amounts, times, addresses. The program's errors are no amounts.
fn kind(done: &Done) -> String {
    /// No word is as long, and most addresses are.
    const ADDRESS: usize = 32;
    let differs = |word: &&str| {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let is_amount = bare.starts_with(|letter: char| letter.is_ascii_digit()) && !bare.starts_with("0x");
        is_amount || bare.len() >= ADDRESS
    };
    let why = unfilled(done.state, done.why.as_deref());
    why.split_whitespace().filter(|word| !differs(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_alike_but_for_their_amounts_and_keep_the_programs_error() {
        let told = |state, why: &str| kind(&Done::only(state, Some(why.to_owned())));
        assert_eq!(
            told(
                State::Refused,
                "refused: trading is switched off since 2026-11-22T09:55:10Z (attack); `q50 resume` on"
            ),
            "refused: trading is switched off since (attack); `q50 resume` on"
        );
        assert_eq!(
            told(State::Failed, "Error processing Instruction 5: custom program error: 0x1774"),
            "failed: Error processing Instruction custom program error: 0x1774"
        );
        assert_eq!(
            told(State::Rejected, "the wallet 7zbGEJsdqHnEAhYqjMEeRTdUkBaSyxb8UZDqoS1dSrPC holds 12 lamports"),
            "rejected: the wallet holds lamports"
        );
        assert_eq!(kind(&Done::only(State::Missed, None)), "missed: no reason is known");
    }
}
