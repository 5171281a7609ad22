//! The strategy, one bar at a time: the same object as in a backtest, shown only bars that have arrived.

use q50_engine::bar_buffer::BarBuffer;
use q50_engine::decision::Decision;
use q50_engine::ledger::Account;
use q50_engine::limits::{Holding, Limit, Standing, distance};
use q50_engine::market::{Bar, Column};
use q50_engine::strategy::side::Side;
use q50_engine::strategy::{ConfigError, Explanation, Strategy, StrategyConfig};
use q50_engine::venue::MarketOrder;

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

    /// What the limits of the account leave of a `budget` that an entry would spend at the close of the bar that was shown
    /// last, quote units. The account holds this pool alone, and each part of its position has the stop of the entry.
    ///
    /// # Errors
    /// The limit that leaves nothing.
    pub fn within_limits(&self, budget: f64, account: &Account) -> Result<f64, Limit> {
        let market = self.bars.market();
        let history = market.history(market.len() - 1);
        let stop = self.strategy.stop_distance(history, Side::Long);
        let at = Standing {
            equity: account.equity,
            own: Holding { market: &market, value: account.position * account.price, stop: distance(stop) },
            position: account.position,
            price: account.price,
            stops: [stop, None],
            costs: [0.0; 2],
            others: &[],
            known: history.now(),
        };
        match self.strategy.limits().admit(MarketOrder::BuyFor(budget), &at)? {
            (MarketOrder::BuyFor(left), _) => Ok(left),
            _ => Ok(budget),
        }
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::decision::Reason;
    use q50_engine::ledger::PoolLedger;
    use q50_engine::market::{History, Signals};
    use q50_engine::strategy::exits::ExitConfig;
    use q50_engine::strategy::parameters::Parameter;
    use q50_engine::strategy::risk::RiskConfig;
    use q50_engine::strategy::threshold::ThresholdConfig;
    use q50_engine::strategy::{Guards, Settings};
    use q50_engine::units::{Fraction, Lamports, TokenAmount};
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
    fn an_entry_spends_what_the_limits_of_the_account_leave() {
        let share = |value| Some(Fraction::new(value));
        let exits = ExitConfig { stop_loss: share(0.2), ..ExitConfig::default() };
        let left = |risk: RiskConfig, tokens: u64| {
            let config = StrategyConfig::new(ThresholdConfig::default()).with_exits(exits).with_limits(risk);
            let mut host = StrategyHost::new(&config, 1_000, &[], 0).unwrap();
            host.observe(&Bar { open_time: 0, open: 1.0, high: 1.0, low: 1.0, close: 1.0 }, &Vec::new());
            let price = 1e-3;
            let cash = Lamports(((10.0 - tokens as f64 * price) * 1e9) as u64);
            let ledger = PoolLedger::restored(cash, TokenAmount(tokens), Lamports(0), 0.0, 0);
            host.within_limits(5.0, &ledger.account(price, Lamports(1)))
        };
        let near = |found: Result<f64, Limit>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
        let total = RiskConfig { total_exposure: share(0.4), ..RiskConfig::default() };
        assert!(near(left(RiskConfig::default(), 1_000), 5.0));
        assert!(near(left(total, 0), 4.0) && near(left(total, 1_000), 3.0), "of 10 SOL, less the one that is held");
        assert_eq!(left(total, 4_000), Err(Limit::TotalExposure));
        let heat = RiskConfig { heat: share(0.06), ..RiskConfig::default() };
        assert!(near(left(heat, 1_000), 2.0), "0.6 SOL at a stop of a fifth, less the 0.2 of what is held");
    }

    #[test]
    fn a_strategy_that_places_orders_is_known_before_its_first_bar() {
        let places = |config: &StrategyConfig| StrategyHost::new(config, 1_000, &[], 0).unwrap().places_orders();
        assert!(places(&StrategyConfig::new(Resting {})));
        assert!(!places(&StrategyConfig::new(ThresholdConfig::default())));
    }
}
