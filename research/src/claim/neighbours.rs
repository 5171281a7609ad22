//! Settings near those of a run: every number that the strategy depends on, a fifth down and a fifth up.
//!
//! An edge that is there survives such a step; a lucky setting does not (White 2000 calls its search data snooping).

use q50_engine::{
    strategy::{
        StrategyConfig,
        q50::{
            Q50Config,
            gate::{Significance, ThresholdSource},
        },
    },
    units::Fraction,
};

const STEP: f64 = 0.2;
/// Where a fifth of nothing is nothing: one basis point.
const FROM_ZERO: f64 = 0.0001;

/// A neighbouring strategy and what was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The parameter and its new value.
    pub change: String,
    /// The strategy.
    pub strategy: StrategyConfig,
}

/// The neighbours of `strategy`; none where it has no number that changes its decisions.
#[must_use]
pub fn neighbours(strategy: &StrategyConfig) -> Vec<Neighbour> {
    match strategy {
        StrategyConfig::Q50(config) => of_q50(config),
        StrategyConfig::Threshold(config) => {
            let mut all = Vec::new();
            for value in steps(config.entry) {
                let changed = q50_engine::strategy::threshold::ThresholdConfig { entry: value, ..*config };
                all.push(neighbour("entry", value, StrategyConfig::Threshold(changed)));
            }
            for value in steps(config.exit) {
                let changed = q50_engine::strategy::threshold::ThresholdConfig { exit: value, ..*config };
                all.push(neighbour("exit", value, StrategyConfig::Threshold(changed)));
            }
            all
        }
        StrategyConfig::Side(_) => Vec::new(),
    }
}

fn neighbour(name: &str, value: f64, strategy: StrategyConfig) -> Neighbour {
    Neighbour { change: format!("{name} = {}", trimmed(value)), strategy }
}

/// Six decimals at most, and no zeros behind them.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn steps(value: f64) -> Vec<f64> {
    if value == 0.0 { vec![FROM_ZERO] } else { vec![value * (1.0 - STEP), value * (1.0 + STEP)] }
}

fn of_q50(config: &Q50Config) -> Vec<Neighbour> {
    let mut all = Vec::new();
    let mut vary = |name: &str, value: f64, set: &dyn Fn(&mut Q50Config, f64)| {
        for step in steps(value) {
            let mut changed = *config;
            set(&mut changed, step);
            if changed != *config {
                all.push(neighbour(name, step, StrategyConfig::Q50(changed)));
            }
        }
    };
    let gate = &config.gate;
    if gate.significance == Significance::ExpectedValue {
        vary("gate.min_expected_value", gate.min_expected_value.get(), &|c, v| {
            c.gate.min_expected_value = Fraction::new(v);
        });
    } else if gate.threshold == ThresholdSource::Adaptive {
        vary("gate.base_threshold", gate.base_threshold.get(), &|c, v| c.gate.base_threshold = Fraction::new(v));
    }
    vary("sizing.max_position", config.sizing.max_position.get(), &|c, v| {
        c.sizing.max_position = Fraction::new(v.min(1.0));
    });
    if let Some(stop) = config.exits.stop_loss {
        vary("exits.stop_loss", stop.get(), &|c, v| c.exits.stop_loss = Some(Fraction::new(v)));
    }
    if let Some(target) = config.exits.take_profit {
        vary("exits.take_profit", target.get(), &|c, v| c.exits.take_profit = Some(Fraction::new(v)));
    }
    if let Some(hours) = config.exits.max_hours {
        vary("exits.max_hours", hours, &|c, v| c.exits.max_hours = Some(v));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use q50_engine::strategy::{side::FollowSideConfig, threshold::ThresholdConfig};

    #[test]
    fn each_number_moves_a_fifth_both_ways() {
        let changes: Vec<String> =
            neighbours(&StrategyConfig::Threshold(ThresholdConfig::default())).into_iter().map(|n| n.change).collect();
        assert_eq!(changes, ["entry = 0.6", "entry = 0.9", "exit = 0.2", "exit = 0.3"]);
    }

    #[test]
    fn only_numbers_that_matter_are_moved() {
        let names = |config: Q50Config| -> Vec<String> {
            neighbours(&StrategyConfig::Q50(config)).into_iter().map(|n| n.change).collect()
        };
        let mut config = Q50Config::default();
        assert!(names(config).iter().any(|n| n.starts_with("gate.min_expected_value")));
        config.gate.significance = Significance::Threshold;
        assert!(names(config).iter().any(|n| n.starts_with("gate.base_threshold")));
        config.gate.threshold = ThresholdSource::Published;
        assert!(names(config).iter().all(|n| n.starts_with("sizing.max_position")));
    }

    #[test]
    fn a_step_from_nothing_is_one_basis_point_and_a_whole_position_does_not_grow() {
        let mut config = Q50Config::default();
        config.gate.min_expected_value = Fraction::ZERO;
        config.sizing.max_position = Fraction::ONE;
        let changes: Vec<String> = neighbours(&StrategyConfig::Q50(config)).into_iter().map(|n| n.change).collect();
        assert_eq!(changes, ["gate.min_expected_value = 0.0001", "sizing.max_position = 0.8"]);
    }

    #[test]
    fn the_recorded_side_has_no_neighbours() {
        assert!(neighbours(&StrategyConfig::Side(FollowSideConfig::default())).is_empty());
    }
}
