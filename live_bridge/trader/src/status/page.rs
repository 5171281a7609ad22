//! A session as a page, in the clothes of the reports.

use super::{Decided, Ordered, Status};
use crate::compare::{STAGES, TestReport, unfilled};
use crate::journal::State;
use crate::promotion::Override;
use crate::spec::Mode;
use q50_research::report::{Curves, Sheet, Table, WealthPath};

/// Seconds after which a browser asks again.
const REFRESH: u32 = 5;

impl Status {
    /// As a page that is asked for again and again.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        let (open_time, equity) = self.equity_curve.clone();
        let path = |name, test: &TestReport| WealthPath { name, log_wealth: test.path.clone() };
        let tests = [
            Some(path("fills", &self.monitor.execution)),
            self.monitor.decay.as_ref().map(|test| path("trades", test)),
        ];
        let mode = match self.mode {
            Mode::DryRun => "Dry run",
            Mode::Paper => "On paper",
            Mode::Trade => "Trading",
        };
        let answer = if self.demoted.is_some() { "Demoted: no position is opened any more" } else { mode };
        let orders: Vec<String> = self.orders.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let orders = if orders.is_empty() { "no orders".to_owned() } else { format!("orders: {}", orders.join(", ")) };
        let bar = self.bar.as_deref().map_or_else(|| "no bar yet".to_owned(), |bar| format!("the last at {bar}"));
        Sheet {
            title: "A live session".to_owned(),
            banner: self.overrides.iter().map(Override::banner).collect(),
            sources: vec![
                format!("Session {:.16}, pool {}, coin {}.", self.session, self.pool, self.mint),
                format!("{} decisions, {bar}; {orders}.", self.decisions),
            ],
            is_yes: Some(self.demoted.is_none()),
            answer: answer.to_owned(),
            sentence: format!(
                "{:.6} SOL of {}: {:.6} SOL in cash, {} units of the coin.",
                self.equity, self.capital, self.cash, self.position
            ),
            curves: Some(Curves { open_time, named: vec![("live", equity)] }),
            monitor: tests.into_iter().flatten().collect(),
            surfaces: Vec::new(),
            tables: self.tables(),
            refresh: Some(REFRESH),
        }
    }

    fn tables(&self) -> Vec<Table> {
        let told = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.6}"));
        let whole = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let tests = [("fills", Some(&self.monitor.execution)), ("trades", self.monitor.decay.as_ref())];
        let watched = tests.iter().filter_map(|(of, test)| {
            let test = (*test)?;
            let (wealth, most) = (format!("{:.2}", test.wealth), format!("{:.2}", test.most));
            Some(vec![(*of).to_owned(), test.observed.to_string(), told(test.mean), told(test.expected), wealth, most])
        });
        let alarms = self.monitor.alarms.iter();
        let alarms =
            alarms.map(|alarm| vec![alarm.test.name().to_owned(), alarm.observed.to_string(), alarm.reason.clone()]);
        let stages = STAGES.iter().zip(self.latency.stages()).map(|((name, words), stage)| {
            vec![
                format!("{name}: {words}, ms"),
                whole(stage.p50),
                whole(stage.p95),
                whole(stage.p99),
                stage.n.to_string(),
            ]
        });
        let notes = self.last_notes.iter().map(|(at, kind, text)| vec![at.clone(), kind.clone(), text.clone()]);
        let table = |title, heads: &[&'static str], rows, note| Table { title, heads: heads.to_vec(), rows, note };
        vec![
            table("Alarms", &["test", "after", "why"], alarms.collect(), ""),
            table(
                "Monitor",
                &["test", "observed", "mean", "tested against", "wealth", "most"],
                watched.collect(),
                "Fills by their mean shortfall against the replayed ones, trades by their mean net return, fractions. An alarm is at 40.",
            ),
            table(
                "Not watched",
                &["what no test sees", "count"],
                self.monitor.unwatched.rows(),
                "A fill outside the bound counts as the bound.",
            ),
            table(
                "The last orders",
                &["bar", "reason", "state", "coins, smallest unit", "lamports", "ms"],
                self.last_orders.iter().map(order).collect(),
                "",
            ),
            table(
                "The last decisions",
                &["bar", "reason", "wants", "SOL a unit", "equity, SOL"],
                self.last_decisions.iter().map(decision).collect(),
                "",
            ),
            table("Time", &["stage", "p50", "p95", "p99", "measured"], stages.collect(), ""),
            table("Notes", &["when", "kind", "what"], notes.collect(), ""),
        ]
    }
}

fn order(order: &Ordered) -> Vec<String> {
    let Ordered { bar, reason, state, why, base, quote, ms } = order;
    let state = match why {
        Some(why) if *state != State::Filled => unfilled(*state, Some(why)),
        _ => state.name().to_owned(),
    };
    let ms = ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    vec![bar.clone(), reason.clone(), state, base.clone(), quote.clone(), ms]
}

fn decision(decision: &Decided) -> Vec<String> {
    let Decided { bar, reason, wants, price, equity } = decision;
    let wants = wants.as_deref().unwrap_or("-").to_owned();
    vec![bar.clone(), reason.clone(), wants, format!("{price:.4e}"), format!("{equity:.6}")]
}
