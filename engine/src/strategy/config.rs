//! Strategy files: which rule, with which settings, checked against the data before a run.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Explanation, Strategy,
    exits::{ExitConfig, ExitTrigger, RestingExits, WithExits},
    hold::BuyAndHold,
    parameters::Parameter,
    q50::{
        Q50, Q50Config,
        features::{Columns, Features},
        regime::Percentiles,
        stream::Stream,
    },
    side::{Absent, FollowSide, FollowSideConfig},
    threshold::{Threshold, ThresholdConfig},
};
use crate::{
    decision::Decision,
    ledger::{Account, Marked},
    market::{Column, History, Market, Signals},
    risk::Limited,
};

/// A strategy by name and settings; what a strategy file holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one value a run; boxing it would cost `Copy`")]
pub enum StrategyConfig {
    /// The Q50 quantile strategy.
    Q50(Q50Config),
    /// Two lines of rule on one signal.
    Threshold(ThresholdConfig),
    /// Follows the recorded side.
    Side(FollowSideConfig),
}

/// Columns of one market that no setting changes, shared by the strategies that run on it.
#[derive(Debug, Default)]
pub struct Prepared {
    q50: OnceLock<Arc<Features>>,
}

/// Why a strategy cannot run on a market.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The signals have not what the strategy reads.
    #[error("strategy '{strategy}' needs {needs}, and the signals have no such column: {remedy}")]
    Column {
        /// Name of the strategy.
        strategy: &'static str,
        /// What it reads.
        needs: &'static str,
        /// What does without it.
        remedy: &'static str,
    },
    /// The settings need bars that have not come.
    #[error("{option} reads bars that come later, so that it cannot be run one bar at a time: set {remedy}")]
    ReadsTheFuture {
        /// The option.
        option: &'static str,
        /// What does without.
        remedy: &'static str,
    },
    /// A number of the settings makes no sense.
    #[error("{path} is {found}, expected {expected}")]
    OutOfRange {
        /// Dotted path of the number.
        path: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
}

impl StrategyConfig {
    /// The family that its trials belong to.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Q50(_) => "q50",
            Self::Threshold(_) => "threshold",
            Self::Side(_) => "side",
        }
    }

    /// The same strategy with another policy for bars without a signal; the threshold rule has none and always holds.
    #[must_use]
    pub fn with_absent(mut self, absent: Absent) -> Self {
        match &mut self {
            Self::Q50(config) => config.absent = absent,
            Self::Side(config) => config.absent = absent,
            Self::Threshold(_) => {}
        }
        self
    }

    /// Whether the strategy may send short sales.
    #[must_use]
    pub const fn shorts(&self) -> bool {
        matches!(
            self,
            Self::Q50(Q50Config { allow_short: true, .. }) | Self::Side(FollowSideConfig { allow_short: true, .. })
        )
    }

    /// The same strategy with or without permission to send short sales; the threshold rule never does.
    #[must_use]
    pub fn with_shorting(mut self, allowed: bool) -> Self {
        match &mut self {
            Self::Q50(config) => config.allow_short = allowed,
            Self::Side(config) => config.allow_short = allowed,
            Self::Threshold(_) => {}
        }
        self
    }

    /// Whether the strategy asks the venue to close positions inside a bar.
    #[must_use]
    pub const fn rests_orders(&self) -> bool {
        matches!(self, Self::Q50(Q50Config { exits: ExitConfig { trigger: ExitTrigger::Intrabar, .. }, .. }))
    }

    /// The numbers of the settings, in the order of the strategy file.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Q50(config) => config.parameters(),
            Self::Threshold(config) => config.parameters(),
            Self::Side(config) => config.parameters(),
        }
    }

    /// Refuses a number out of its range, and a strategy whose columns are not there: it would hold on every bar and look
    /// like a result.
    ///
    /// # Errors
    /// Names the number, or the missing column and the setting that does without it.
    pub fn check(&self, signals: &Signals<'_>) -> Result<(), ConfigError> {
        let fail = |needs, remedy| Err(ConfigError::Column { strategy: self.family(), needs, remedy });
        for Parameter { path, range, value, .. } in self.parameters() {
            if let Some(found) = value.filter(|&value| !range.contains(value)) {
                let (found, expected) = (format!("{found:?}"), range.to_string());
                return Err(ConfigError::OutOfRange { path, found, expected });
            }
        }
        match self {
            Self::Side(_) if !signals.has(Column::Side) && !signals.has(Column::Position) => {
                fail("the column 'side' or 'position'", "use --strategy q50, which derives the side from the quantiles")
            }
            Self::Threshold(_) if !signals.has(Column::Value) => {
                fail("a named signal column", "name it with --signal-column")
            }
            Self::Q50(_) if !signals.has(Column::Q10) || !signals.has(Column::Q50) || !signals.has(Column::Q90) => {
                fail("the columns 'q10', 'q50' and 'q90'", "give a file of quantile forecasts with --signals")
            }
            Self::Q50(config) if config.gate.needs_published_threshold() && !signals.has(Column::SignalThresh) => {
                fail("the column 'signal_thresh'", "set gate.threshold = \"adaptive\"")
            }
            _ => Ok(()),
        }
    }

    /// The strategy before its first bar, to be fed one bar after the other.
    ///
    /// # Errors
    /// The settings read the future.
    pub fn stream(&self) -> Result<AnyStrategy, ConfigError> {
        Ok(match *self {
            Self::Q50(config) if config.regime.percentiles == Percentiles::FullSample => {
                return Err(ConfigError::ReadsTheFuture {
                    option: "regime.percentiles = \"full_sample\"",
                    remedy: "regime.percentiles = \"causal\"",
                });
            }
            Self::Q50(config) => {
                let exits = WithExits::new(Q50::streaming(config), config.exits);
                AnyStrategy::Stream(Box::new(Limited::new(exits, config.risk)))
            }
            Self::Threshold(config) => AnyStrategy::Threshold(Threshold::new(config)),
            Self::Side(config) => AnyStrategy::Side(FollowSide::new(config)),
        })
    }

    /// The strategy on `market`, with the columns that depend on the data alone computed.
    #[must_use]
    pub fn prepare(&self, market: &Market<'_>) -> AnyStrategy {
        self.prepare_with(market, &Prepared::default())
    }

    /// The strategy on `market`, with the columns that depend on the data alone taken from `prepared`, which computes
    /// them the first time they are asked for. They must be of this market.
    #[must_use]
    pub fn prepare_with(&self, market: &Market<'_>, prepared: &Prepared) -> AnyStrategy {
        match *self {
            Self::Q50(config) => {
                let features = prepared.q50.get_or_init(|| Arc::new(Features::new(market)));
                let columns = Columns::new(&config, Arc::clone(features), market);
                let exits = WithExits::new(Q50::new(config, columns), config.exits);
                AnyStrategy::Q50(Box::new(Limited::new(exits, config.risk)))
            }
            Self::Threshold(config) => AnyStrategy::Threshold(Threshold::new(config)),
            Self::Side(config) => AnyStrategy::Side(FollowSide::new(config)),
        }
    }
}

/// A strategy chosen at run time.
#[derive(Clone, Debug)]
pub enum AnyStrategy {
    /// The Q50 quantile strategy, with exits, under limits.
    Q50(Box<Limited<WithExits<Q50>>>),
    /// The Q50 quantile strategy bar by bar, with exits, under limits.
    Stream(Box<Limited<WithExits<Q50<Stream>>>>),
    /// The threshold rule.
    Threshold(Threshold),
    /// The recorded side.
    Side(FollowSide),
    /// The benchmark.
    Hold(BuyAndHold),
}

impl Strategy for AnyStrategy {
    fn observe(&mut self, history: History<'_>) {
        match self {
            Self::Q50(s) => s.observe(history),
            Self::Stream(s) => s.observe(history),
            Self::Threshold(s) => s.observe(history),
            Self::Side(s) => s.observe(history),
            Self::Hold(s) => s.observe(history),
        }
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        match self {
            Self::Q50(s) => s.decide(history, account),
            Self::Stream(s) => s.decide(history, account),
            Self::Threshold(s) => s.decide(history, account),
            Self::Side(s) => s.decide(history, account),
            Self::Hold(s) => s.decide(history, account),
        }
    }

    fn resting(&self, account: &Account) -> RestingExits {
        match self {
            Self::Q50(s) => s.resting(account),
            Self::Stream(s) => s.resting(account),
            Self::Threshold(s) => s.resting(account),
            Self::Side(s) => s.resting(account),
            Self::Hold(s) => s.resting(account),
        }
    }

    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        match self {
            Self::Q50(s) => s.stays(history, marked),
            Self::Stream(s) => s.stays(history, marked),
            Self::Threshold(s) => s.stays(history, marked),
            Self::Side(s) => s.stays(history, marked),
            Self::Hold(s) => s.stays(history, marked),
        }
    }

    fn explain(&self, history: History<'_>, account: &Account) -> Explanation {
        match self {
            Self::Q50(s) => s.explain(history, account),
            Self::Stream(s) => s.explain(history, account),
            Self::Threshold(s) => s.explain(history, account),
            Self::Side(s) => s.explain(history, account),
            Self::Hold(s) => s.explain(history, account),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_without_its_columns_is_refused_with_a_remedy() {
        let error = StrategyConfig::Side(FollowSideConfig::default()).check(&Signals::default()).unwrap_err();
        assert!(error.to_string().contains("'side'") && error.to_string().contains("--strategy q50"), "{error}");
    }
}
