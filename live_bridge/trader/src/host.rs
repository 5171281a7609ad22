//! The strategy, one bar at a time: the same object as in a backtest, shown only bars that have arrived.

use q50_engine::bar_buffer::BarBuffer;
use q50_engine::decision::Decision;
use q50_engine::ledger::Account;
use q50_engine::market::{Bar, Column};
use q50_engine::strategy::{ConfigError, Explanation, Strategy, StrategyConfig};

/// Signals of one bar, those that there are.
pub type BarSignals = Vec<(Column, f64)>;

/// A strategy and the bars that it was shown.
pub struct StrategyHost {
    strategy: Box<dyn Strategy + Send>,
    bars: BarBuffer,
}

impl std::fmt::Debug for StrategyHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategyHost").field("bars", &self.bars.market().len()).finish_non_exhaustive()
    }
}

impl StrategyHost {
    /// Before the first bar. The first `history` bars are shown and not decided on.
    ///
    /// # Errors
    /// Where the strategy reads the future.
    pub fn new(
        config: &StrategyConfig,
        interval_ms: i64,
        columns: &[Column],
        history: usize,
    ) -> Result<Self, ConfigError> {
        Ok(Self { strategy: config.stream()?, bars: BarBuffer::new(interval_ms, columns, history) })
    }

    /// Whether the strategy places orders of its own, beside its decisions: a pool has none that wait.
    #[must_use]
    pub fn places_orders(&self) -> bool {
        self.strategy.places_orders()
    }

    /// Shows a bar that has closed, with its signals.
    pub fn observe(&mut self, bar: &Bar, signals: &BarSignals) {
        let value = |column| signals.iter().find(|(there, _)| *there == column).map_or(f64::NAN, |(_, value)| *value);
        self.bars.push(bar, value);
        let market = self.bars.market();
        self.strategy.observe(market.history(market.len() - 1));
    }

    /// Decides at the close of the bar that was shown last; and what the decision was made from.
    pub fn decide(&mut self, account: &Account) -> (Decision, Explanation) {
        let market = self.bars.market();
        let history = market.history(market.len() - 1);
        let decision = self.strategy.decide(history, account);
        (decision, self.strategy.explain(history, account))
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::decision::Reason;
    use q50_engine::market::{History, Signals};
    use q50_engine::strategy::parameters::Parameter;
    use q50_engine::strategy::threshold::ThresholdConfig;
    use q50_engine::strategy::{Guards, Settings};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Resting {}

    impl Strategy for Resting {
        fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
            Decision::Hold(Reason::Neutral)
        }

        fn places_orders(&self) -> bool {
            true
        }
    }

    impl Settings for Resting {
        const NAME: &'static str = "resting";
        const WORDS: &'static str = "places orders";

        type Strategy = Self;

        fn strategy(&self, _: &Guards) -> Self {
            Self {}
        }

        fn parameters(&self) -> Vec<Parameter> {
            Vec::new()
        }

        fn reads(&self, _: &Signals<'_>) -> Vec<Column> {
            Vec::new()
        }
    }

    #[test]
    fn a_strategy_that_places_orders_is_known_before_its_first_bar() {
        let places = |config: &StrategyConfig| StrategyHost::new(config, 1_000, &[], 0).unwrap().places_orders();
        assert!(places(&StrategyConfig::new(Resting {})));
        assert!(!places(&StrategyConfig::new(ThresholdConfig::default())));
    }
}
