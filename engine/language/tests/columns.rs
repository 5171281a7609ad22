//! A program on columns decides as the stream does, to the bit, and the rows that it passes over change nothing.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod world;

use q50_engine::{
    market::Market,
    record::{Journal, Summary},
    replay::replay,
    strategy::{
        Shared, StrategyConfig,
        exits::ExitConfig,
        risk::RiskConfig,
        sizing::{Method, SizingConfig},
    },
    units::{Fraction, PerPeriodSharpe},
    venue::NextOpen,
};
use q50_language::{Catalog, FileStrategy, Program, TEMPLATES};
use world::World;

/// Every shape of condition, stop and target, on both sides, turning.
const OWN: [&str; 4] = [
    "
name: turning
timeframe: 1h
additional_timeframes: [4h, 1d]
indicators:
  fast: {type: EMA, period: 5}
  slow: {type: EMA, period: 17, timeframe: 4h}
  day: {type: RSI, period: 3, timeframe: 1d, shift: 1}
  atr: {type: ATR, period: 7}
  unused: {type: MACD}
entry_conditions:
  long: [fast crosses_above slow, {any: [day < 70, {all: [volume > 40, signals.q50 > 0]}]}]
  short: [fast crosses_below slow, 30 < day]
exit_conditions:
  long: [signals.side < -0.9]
  short: [signals.side > 0.9]
stop_loss: {type: fixed_pct, percent: 2}
stop_loss_short: {type: atr_fixed, atr_multiplier: 1.5, indicator: atr}
take_profit: {type: risk_reward, risk_reward_ratio: 1.5}
position_management: {reverse: true}
",
    "
name: filtered
timeframe: 1h
indicators: {rsi: {type: RSI, period: 4}, atr: {type: ATR, period: 5}}
entry_conditions: {long: [rsi < 40, close > 1], short: [rsi > 60]}
exit_conditions: {long: [rsi between 55 100], short: [rsi < 45]}
stop_loss: {type: atr_trailing, atr_multiplier: 2, indicator: atr}
take_profit: {type: atr_fixed, atr_multiplier: 3, indicator: atr}
time_filters: {allowed_sessions: [{start: \"22:00\", end: \"07:30\", timezone: Europe/Berlin}], blocked_days: [Sunday]}
",
    "
name: short_only
timeframe: 1h
entry_conditions: {short: [signals.q50 crosses_below signals.side, close < open]}
exit_conditions: {short: [0.5 < signals.q50]}
stop_loss: {type: none}
take_profit: {type: fixed_pct, percent: 3}
",
    "
name: trailing
timeframe: 1h
indicators: {fast: {type: EMA, period: 4}, slow: {type: EMA, period: 19}, atr: {type: ATR, period: 6}}
entry_conditions: {long: [fast crosses_above slow], short: [fast crosses_below slow]}
stop_loss: {type: atr_trailing, atr_multiplier: 6, indicator: atr}
stop_loss_short: {type: atr_trailing, atr_multiplier: 3, indicator: atr}
take_profit: {type: none}
position_management: {reverse: true}
",
];

fn programs() -> impl Iterator<Item = Program> {
    let texts = TEMPLATES.iter().map(|(_, text)| *text).chain(OWN);
    texts.map(|text| Program::read(text, &Catalog::default()).unwrap())
}

/// `config` as it is, and with sizes, exits and limits around it that remember what became of the account.
fn guarded(config: &StrategyConfig) -> Vec<StrategyConfig> {
    let tenth = Some(Fraction::new(0.1));
    let sized = |sizing| config.clone().with_sizing(sizing);
    let atr = SizingConfig {
        method: Method::Atr,
        max_position: Fraction::new(0.4),
        half_at_drawdown: tenth,
        ..SizingConfig::OWN
    };
    let kelly = SizingConfig {
        method: Method::Kelly,
        win_rate: Some(Fraction::new(0.6)),
        payoff: Some(1.2),
        kelly_trades: Some(5),
        ..SizingConfig::OWN
    };
    let stop = SizingConfig { method: Method::FixedFractional, max_heat: tenth, ..SizingConfig::OWN };
    let exits = ExitConfig { stop_loss: tenth, max_hours: Some(30.0), ..ExitConfig::default() };
    let limits = RiskConfig { max_consecutive_losses: Some(4), cooldown_hours: Some(50.0), ..RiskConfig::default() };
    vec![
        config.clone(),
        sized(atr),
        sized(kelly),
        sized(stop).with_exits(exits),
        sized(SizingConfig { method: Method::InverseVariance, ..SizingConfig::OWN }).with_limits(limits),
    ]
}

fn venue() -> NextOpen {
    NextOpen::new(Fraction::from_bps(5.0)).with_free_shorting()
}

#[test]
fn every_decision_and_every_fill_on_columns_is_that_of_the_stream() {
    let mut silent = Vec::new();
    for program in programs() {
        let mut fills = 0;
        let name = program.name.clone();
        let interval = program.timeframe.ms();
        let worlds = [World::new(1, 3_000, interval), World::new(2, 900, interval)];
        let configs = guarded(&StrategyConfig::new(FileStrategy::new(program)));
        for (config, world) in configs.iter().flat_map(|config| worlds.iter().map(move |world| (config, world))) {
            let shared = &Shared::default();
            for first in [0, 321] {
                let market = world.market(first);
                let (mut stream, mut columns) = (Journal::default(), Journal::default());
                replay(&market, &mut config.stream().unwrap(), &mut venue(), 1_000.0, &mut stream);
                replay(&market, &mut config.prepare_with(&market, shared), &mut venue(), 1_000.0, &mut columns);
                assert!(stream == columns, "{name} from row {first}");
                fills += stream.fills.len();
                // What passes over rows sums up to the same.
                let (mut asked, mut passed) = (Summary::default(), Summary::default());
                replay(&market, &mut config.stream().unwrap(), &mut venue(), 1_000.0, &mut asked);
                replay(&market, &mut config.prepare_with(&market, shared), &mut venue(), 1_000.0, &mut passed);
                assert_eq!(asked.fills, passed.fills, "{name} from row {first}");
                assert_eq!(asked.final_equity.to_bits(), passed.final_equity.to_bits(), "{name} from row {first}");
                let [expected, found] = [&asked, &passed].map(|one| one.sharpe_per_period().map(PerPeriodSharpe::get));
                let near = |(expected, found): (f64, f64)| (found / expected - 1.0).abs() < 1e-9;
                assert!(
                    expected == found || expected.zip(found).is_some_and(near),
                    "{name} from row {first}: {found:?} {expected:?}"
                );
            }
        }
        if fills == 0 {
            silent.push(name);
        }
    }
    assert!(silent.len() <= 3, "never filled: {silent:?}");
}

#[test]
fn columns_are_causal() {
    for program in programs() {
        let name = program.name.clone();
        let world = World::new(3, 1_500, program.timeframe.ms());
        let whole = world.market(0);
        let config = StrategyConfig::new(FileStrategy::new(program));
        let run = |market: &Market<'_>| {
            let mut journal = Journal::default();
            replay(market, &mut config.prepare(market), &mut venue(), 1_000.0, &mut journal);
            journal
        };
        let all = run(&whole);
        for end in [1, 2, 57, 400, 1_111] {
            let cut = run(&whole.prefix(end));
            for row in 0..end {
                assert_eq!(cut.decisions.get(row), all.decisions.get(row), "{name}: row {row} of {end}");
            }
        }
    }
}

#[test]
fn two_paths_to_one_number_are_refused() {
    let program = Program::read(TEMPLATES[0].1, &Catalog::default()).unwrap();
    let strategy = StrategyConfig::new(FileStrategy::new(program));
    let refused = strategy.with_numbers(&[("fast.period", 9.0), ("indicators.fast.period", 12.0)]).unwrap_err();
    assert_eq!(refused, "fast.period and indicators.fast.period are one number");
    assert!(strategy.with_numbers(&[("fast.period", 9.0), ("slow.period", 12.0)]).is_ok());
}
