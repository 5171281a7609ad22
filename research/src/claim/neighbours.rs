//! Settings near those of a run: every number that affects its decisions, a fifth down and a fifth up.
//!
//! Numbers of alternatives, of which one is enough, move together as well: of many that each are met once, any one could be
//! moved, and the others would earn the same.
//!
//! A real edge survives such a step; a lucky setting does not (White 2000 calls its search data snooping). The strategy
//! declares which numbers affect decisions.

use q50_engine::strategy::{
    StrategyConfig,
    parameters::{Bearing, Parameter},
};
use toml::Value;

use crate::{
    parameters::Template,
    run::{RunSettings, VenueSettings},
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

/// The strategies one step away from that of `settings`, within the ranges of their numbers.
#[must_use]
pub fn neighbours(settings: &RunSettings) -> Vec<Neighbour> {
    let base = &settings.strategy;
    let pool = matches!(settings.venue, VenueSettings::PumpSwap(_));
    let mut moved = base.parameters();
    moved.retain(|parameter| match parameter.bearing {
        Bearing::None => false,
        Bearing::Everywhere => true,
        Bearing::Pools => pool,
    });
    let template = Template::new(base);
    let mut all = Vec::new();
    let one_list =
        |one: &Parameter, next: &Parameter| alternatives(one).is_some() && alternatives(one) == alternatives(next);
    let lists = moved.chunk_by(one_list).filter(|list| list.len() > 1);
    for together in moved.chunks(1).chain(lists) {
        let steps: Vec<[f64; 2]> = together.iter().map(|parameter| steps(parameter, &moved)).collect();
        for way in 0..2 {
            let value = |(parameter, steps): (&'_ Parameter, &[f64; 2])| match parameter.range.is_whole() {
                true => Value::Integer(steps[way] as i64),
                false => Value::Float(steps[way]),
            };
            let paths = together.iter().map(|parameter| parameter.path.as_ref());
            let options: Vec<(&str, Value)> = paths.zip(together.iter().zip(&steps).map(value)).collect();
            if let Ok(strategy) = template.with(&options)
                && strategy != *base
            {
                let change = match together {
                    [one] => format!("{} = {}", one.path, trimmed(steps[0][way])),
                    several => {
                        let list = several.first().and_then(alternatives).unwrap_or_default();
                        format!("all numbers of {list} a fifth {}", ["down", "up"][way])
                    }
                };
                all.push(Neighbour { change, strategy });
            }
        }
    }
    all
}

/// The group of alternatives that a number of a strategy file is of, as its path names it.
fn alternatives(parameter: &Parameter) -> Option<&str> {
    let end = parameter.path.find(".any[")? + ".any".len();
    Some(&parameter.path[..end])
}

/// A fifth down and a fifth up, no further than the ends of the range. A whole number moves by one at least; from 0 a
/// number moves by a basis point, or where it has a unit of its own by a fifth of the largest number in that unit.
fn steps(parameter: &Parameter, others: &[Parameter]) -> [f64; 2] {
    let Parameter { range, value, .. } = parameter;
    let value = value.unwrap_or_default();
    let step = if range.is_whole() {
        (value * STEP).round().max(1.0)
    } else if value != 0.0 {
        value.abs() * STEP
    } else if range.is_open() {
        let same_unit = others.iter().filter(|other| other.range.is_open()).filter_map(|other| other.value);
        (same_unit.fold(0.0, |largest: f64, value| largest.max(value.abs())) * STEP).max(FROM_ZERO)
    } else {
        FROM_ZERO
    };
    [value - step, value + step].map(|value| range.nearest(value))
}

/// Six decimals at most, and no zeros behind them.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        strategy::{
            exits::ExitConfig,
            q50::{
                Q50Config,
                gate::{Significance, ThresholdSource},
            },
            side::FollowSideConfig,
            sizing::Method,
            threshold::ThresholdConfig,
        },
        units::{Fraction, Lamports, PeriodsPerYear},
        venue::{FillTiming, PumpSwapConfig},
    };
    use q50_language::{Catalog, FileStrategy, Program};

    use super::*;
    use crate::run::{DEFAULT_COST, PoolVenue, PriceVenue};

    fn changes_at(venue: VenueSettings, strategy: StrategyConfig) -> Vec<String> {
        let settings = RunSettings { strategy, venue, capital: 1.0, periods_per_year: PeriodsPerYear::new(1.0) };
        neighbours(&settings).into_iter().map(|neighbour| neighbour.change).collect()
    }

    fn changes(strategy: StrategyConfig) -> Vec<String> {
        let price = PriceVenue { cost: DEFAULT_COST, spread: None, lot: None, fill_timing: FillTiming::NextOpen };
        changes_at(VenueSettings::NextOpen(price), strategy)
    }

    /// The paths that move, each once.
    fn moved(strategy: StrategyConfig) -> Vec<String> {
        let mut paths: Vec<String> =
            changes(strategy).iter().map(|change| change.split(' ').next().unwrap().to_owned()).collect();
        paths.dedup();
        paths
    }

    #[test]
    fn each_number_moves_a_fifth_both_ways_and_a_whole_does_not_grow() {
        assert_eq!(
            changes(StrategyConfig::new(ThresholdConfig::default())),
            ["entry = 0.6", "entry = 0.9", "exit = 0.2", "exit = 0.3", "size = 0.8"]
        );
        assert_eq!(changes(StrategyConfig::new(FollowSideConfig::default())), ["size = 0.8"]);
    }

    #[test]
    fn from_nothing_a_fraction_moves_by_a_basis_point_and_a_signal_by_a_fifth_of_the_other_threshold() {
        let centred = ThresholdConfig { entry: 0.0, exit: -0.5, ..ThresholdConfig::default() };
        assert_eq!(changes(StrategyConfig::new(centred))[..2], ["entry = -0.1", "entry = 0.1"]);
        let mut config = Q50Config::default();
        config.gate.min_expected_value = Fraction::ZERO;
        assert_eq!(changes(StrategyConfig::new(config))[0], "gate.min_expected_value = 0.0001");
    }

    #[test]
    fn whole_numbers_stay_whole_and_in_their_range() {
        let mut config = Q50Config::default();
        config.gate.min_tier = 3;
        let changes = changes(StrategyConfig::new(config));
        assert!(changes.contains(&"gate.min_tier = 2".to_owned()), "{changes:?}");
        assert!(!changes.iter().any(|change| change == "gate.min_tier = 4"), "{changes:?}");
        assert!(changes.contains(&"regime.window = 8000".to_owned()), "{changes:?}");
    }

    #[test]
    fn only_numbers_that_bear_on_decisions_are_moved() {
        let always = ["sizing.max_position", "sizing.min_size", "sizing.cash_share"];
        let with = |first: &[&'static str]| [first, &always].concat();
        assert_eq!(moved(StrategyConfig::new(Q50Config::default())), with(&["gate.min_expected_value"]));

        let mut config = Q50Config::default();
        config.gate.significance = Significance::Threshold;
        config.gate.threshold = ThresholdSource::Published;
        assert_eq!(moved(StrategyConfig::new(config)), always);

        config.sizing.method = Method::Kelly;
        config.sizing.win_rate = Some(Fraction::new(0.6));
        config.sizing.payoff = Some(1.5);
        let target = ExitConfig { take_profit: Some(0.5), ..ExitConfig::default() };
        let kelly = ["sizing.win_rate", "sizing.payoff", "sizing.kelly_fraction", "exits.take_profit"];
        assert_eq!(moved(StrategyConfig::new(config).with_exits(target)), [&always[..], &kelly].concat());
    }

    #[test]
    fn the_numbers_of_alternatives_move_together_as_well() {
        let text = "
name: alternatives
timeframe: 1h
entry_conditions: {long: [{any: [close < 100, close between 200 210]}, close > 10]}
stop_loss: {type: none}
take_profit: {type: none}
";
        let program = Program::read(text, &Catalog::default()).unwrap();
        let settings = changes(StrategyConfig::new(FileStrategy::new(program)));
        let list = "entry_conditions.long[0].any";
        assert!(settings.contains(&format!("{list}[0].value = 120")), "{settings:?}");
        let together: Vec<&String> = settings.iter().filter(|change| change.starts_with("all")).collect();
        assert_eq!(
            together,
            [&format!("all numbers of {list} a fifth down"), &format!("all numbers of {list} a fifth up")]
        );
        let venue = VenueSettings::NextOpen(PriceVenue {
            cost: DEFAULT_COST,
            spread: None,
            lot: None,
            fill_timing: FillTiming::NextOpen,
        });
        let strategy = StrategyConfig::new(FileStrategy::new(Program::read(text, &Catalog::default()).unwrap()));
        let run = RunSettings { strategy, venue, capital: 1.0, periods_per_year: PeriodsPerYear::new(1.0) };
        let all = neighbours(&run);
        let up = all.iter().find(|neighbour| neighbour.change.ends_with("a fifth up")).unwrap();
        let value = |path: &str| up.strategy.parameters().into_iter().find(|known| known.path == path).unwrap().value;
        assert_eq!(value(&format!("{list}[0].value")), Some(120.0));
        assert_eq!((value(&format!("{list}[1].low")), value(&format!("{list}[1].high"))), (Some(240.0), Some(252.0)));
        assert_eq!(value("entry_conditions.long[1].value"), Some(10.0), "it is no alternative");
    }

    #[test]
    fn the_share_of_a_pool_is_moved_in_a_pool_only() {
        let strategy = StrategyConfig::new(Q50Config::default());
        let pool = PoolVenue { depth: Lamports(1), config: PumpSwapConfig::default() };
        let in_pool = changes_at(VenueSettings::PumpSwap(pool), strategy.clone());
        assert!(in_pool.contains(&"sizing.pool_share = 0.2".to_owned()), "{in_pool:?}");
        assert!(!changes(strategy).iter().any(|change| change.starts_with("sizing.pool_share")));
    }
}
