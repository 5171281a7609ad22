//! What the monitor of a session saw, and what it would have seen.

use super::Record;
use crate::journal::{Alarm, MonitorTest, State};
use crate::monitor::BPS;
use q50_engine::units::Bps;
use q50_research::monitor::{Execution, both_together, power};
use q50_research::run::VenueSettings;
use serde::Serialize;

/// A change, and how likely it would have been seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Power {
    /// The change.
    pub change: String,
    /// Probability that the test would have alarmed within as many observations as there were, by simulation.
    pub probability: f64,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestReport {
    /// Fills, or trades, or means of several trades that it took note of.
    pub observed: usize,
    /// How many make one observation.
    pub block: usize,
    /// Mean shortfall of the fills, or net return of the trades; a fraction.
    pub mean: Option<f64>,
    /// What it is held against: the shortfall that was modelled and is tolerated, or the backtest's mean return.
    pub expected: Option<f64>,
    /// Wealth of the bet, begun with 1.
    pub wealth: f64,
    /// The most that it ever was.
    pub most: f64,
    /// What would have been seen.
    pub power: Vec<Power>,
    /// What was observed, oldest first.
    #[serde(skip)]
    pub seen: Vec<f64>,
    /// Natural logarithm of the wealth after each observation.
    #[serde(skip)]
    pub path: Vec<f64>,
}

/// The monitor of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorReport {
    /// Wealth at which a test alarms.
    pub alarm_at: f64,
    /// Do fills cost more than was modelled?
    pub execution: TestReport,
    /// Are trades worse than the backtest's? None where the session was begun without one.
    pub decay: Option<TestReport>,
    /// What no test sees.
    pub unwatched: Unwatched,
    /// What was raised.
    pub alarms: Vec<Alarm>,
}

/// What the tests do not see: fills outside the bound count as the bound, and orders that were not filled as nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unwatched {
    /// Fills that were worse than the bound, which an order bounded by its quote cannot be where the price stood still.
    pub beyond: u64,
    /// Fills that were better than the bound on the other side.
    pub windfalls: u64,
    /// Orders that were sent.
    pub sent: u64,
    /// Of those, how many failed or expired: how a market that runs away shows.
    pub unfilled: u64,
}

impl Unwatched {
    /// Of a session with these shortfalls.
    fn of(record: &Record, shortfalls: &[f64]) -> Self {
        let slippage = match &record.spec.settings.venue {
            VenueSettings::PumpSwap(venue) => venue.config.slippage,
            VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_) => Bps(0),
        };
        let rule = record.spec.monitor;
        let mut execution = Execution::alarming_at(both_together());
        for shortfall in shortfalls {
            // What was observed by the session cannot be refused here.
            let _ = execution.observe(*shortfall, rule.mean(), rule.bound(slippage));
        }
        let ended =
            |states: &[State]| record.orders.iter().filter(|order| states.contains(&order.done.state)).count() as u64;
        let unfilled = ended(&[State::Failed, State::Expired]);
        Self {
            beyond: execution.beyond(),
            windfalls: execution.windfalls(),
            sent: unfilled + ended(&[State::Filled]),
            unfilled,
        }
    }

    /// As rows of a table.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let Self { beyond, windfalls, sent, unfilled } = self;
        let rows = [
            ("orders that were sent", sent),
            ("of those, failed or expired", unfilled),
            ("fills that were worse than the bound", beyond),
            ("fills that were as much better", windfalls),
        ];
        rows.map(|(what, count)| vec![what.to_owned(), count.to_string()]).to_vec()
    }

    /// In a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { beyond, windfalls, sent, unfilled } = self;
        format!(
            "not watched: {unfilled} of {sent} orders that were sent failed or expired; {beyond} fills were worse than the bound, \
             and {windfalls} as much better"
        )
    }
}

impl MonitorReport {
    /// Of a session.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let test = |test: MonitorTest, block: usize, expected: Option<f64>| {
            let of_test = record.observations.iter().filter(|seen| seen.test == test);
            let (seen, path): (Vec<f64>, Vec<f64>) = of_test.map(|seen| (seen.value, seen.log_wealth)).unzip();
            TestReport {
                observed: seen.len(),
                block,
                mean: mean(&seen),
                expected,
                wealth: path.last().copied().unwrap_or(0.0).exp(),
                most: path.iter().copied().fold(0.0, f64::max).exp(),
                power: Vec::new(),
                seen,
                path,
            }
        };
        let reference = record.reference.as_ref();
        let execution = test(MonitorTest::Execution, 1, Some(record.spec.monitor.mean()));
        Self {
            alarm_at: both_together().exp(),
            unwatched: Unwatched::of(record, &execution.seen),
            execution,
            decay: reference.map(|reference| test(MonitorTest::Decay, reference.block, mean(&reference.returns))),
            alarms: record.alarms.clone(),
        }
    }

    /// The same with what would have been seen, where orders were bounded by `slippage`.
    #[must_use]
    pub fn with_power(mut self, record: &Record, slippage: Bps) -> Self {
        let rule = record.spec.monitor;
        let fills = &self.execution.seen;
        let dearer = |bps: f64| {
            let (mean, bound) = (rule.mean() + bps * BPS, rule.bound(slippage));
            let found = power::of_execution(both_together(), fills, fills.len(), mean, rule.mean(), bound)?;
            Some(Power { change: format!("fills cost {bps} basis points more than is tolerated"), probability: found })
        };
        self.execution.power = [10.0, 25.0, 50.0].into_iter().filter_map(dearer).collect();
        if let Some((decay, reference)) = self.decay.as_mut().zip(record.reference.as_ref()) {
            let moved = |change: &str, to: f64| {
                let found = power::of_decay(both_together(), &reference.returns, decay.observed, to)?;
                Some(Power { change: change.to_owned(), probability: found })
            };
            // Of a backtest that lost there is no edge that could go.
            let edge = decay.expected.filter(|mean| *mean > 0.0);
            let changes = edge.map(|edge| [moved("the edge were gone", 0.0), moved("the edge were reversed", -edge)]);
            decay.power = changes.into_iter().flatten().flatten().collect();
        }
        self
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
