//! Strategies in files inside NautilusTrader's engine: the reference replays of `data/dsl`, and random programs with every
//! kind of stop and target on random markets.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod worlds;

use q50_engine::{
    decision::Reason,
    market::{Column, Market, Signals},
    strategy::{
        StrategyConfig,
        risk::RiskConfig,
        sizing::{Method, SizingConfig},
    },
    units::Fraction,
    venue::{NextOpen, PoolPath, PumpSwapConfig},
};
use q50_language::{Catalog, FileStrategy, Program};
use q50_nautilus::{InputError, Run, RunError, Validation, validate};
use q50_testing::{real, real_json};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use worlds::{SOL, World};

fn file(text: &str) -> (StrategyConfig, i64) {
    let program = Program::read(text, &Catalog::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let interval = program.timeframe.ms();
    (StrategyConfig::new(FileStrategy::new(program)), interval)
}

fn agree(run: &Run<'_>, name: &str) -> Validation {
    let validation = validate(run).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(validation.agrees(), "{name}: {:#?}\n{:#?}", validation.table, validation.differences);
    validation
}

struct Bars {
    time: Vec<i64>,
    prices: [Vec<f64>; 4],
    volume: Vec<f64>,
}

impl Bars {
    /// Both engines on these bars, and what NautilusTrader filled against what the case states.
    fn compare(&self, name: &str, text: &str, case: &Value, settings: &Value) {
        let [open, high, low, close] = &self.prices;
        let (strategy, interval_ms) = file(text);
        let market = Market {
            open_time: &self.time,
            open,
            high,
            low,
            close,
            signals: Signals::default().with(Column::Volume, &self.volume),
            interval_ms,
            first: 0,
        };
        let cost = settings["cost_bps_per_fill"].as_f64().unwrap();
        let venue = NextOpen::new(Fraction::from_bps(cost)).with_free_shorting();
        let run = Run::at_next_open(market, strategy, venue, settings["capital"].as_f64().unwrap());
        let second = agree(&run, name).second;
        let expected = case["fills"].as_array().unwrap();
        assert_eq!(second.fills.len(), expected.len(), "{name}");
        for ((fill, report), expected) in second.fills.iter().zip(&second.fill_reports).zip(expected) {
            let opened = i64::try_from(report.ts_event / 1_000_000).unwrap();
            let row = self.time.partition_point(|time| *time <= opened) - 1;
            let said = (row as u64, report.order_side.to_lowercase(), fill.reason.name());
            let text = |key: &str| expected[key].as_str().unwrap();
            assert_eq!(said, (expected["row"].as_u64().unwrap(), text("side").to_owned(), text("reason")), "{name}");
            for (key, found) in [("price", report.last_px), ("units", report.last_qty)] {
                let same = |expected: f64| (found / expected - 1.0).abs() < 1e-9;
                assert!(expected[key].as_f64().is_none_or(same), "{name} row {row}: {key} {found}");
            }
        }
        let equity = second.equity.last().unwrap() / case["final_equity"].as_f64().unwrap() - 1.0;
        assert!(equity.abs() < 1e-9, "{name}: {:?}", second.equity.last());
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn thirteen_cases_worked_by_hand_are_filled_so_by_the_second_engine() {
    let file = real_json("dsl/replay/hand_worked.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let bars = Bars {
            time: case["bars"]["ts_ms"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap()).collect(),
            prices: ["open", "high", "low", "close"].map(|name| numbers(&case["bars"][name])),
            volume: numbers(&case["bars"]["volume"]),
        };
        bars.compare(case["name"].as_str().unwrap(), case["strategy"].as_str().unwrap(), case, case);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn three_replays_of_real_bars_are_filled_by_the_second_engine_as_by_the_reference() {
    for name in ["ema_cross", "rsi_reversion", "multi_timeframe"] {
        let case = real_json(&format!("dsl/replay/golden_{name}.json"));
        let from = q50_datasets::time::parse_ms(case["bars"]["from"].as_str().unwrap()).unwrap();
        let rows = usize::try_from(case["bars"]["rows"].as_u64().unwrap()).unwrap();
        let all = q50_datasets::bars::Bars::read(&real(case["bars"]["file"].as_str().unwrap())).unwrap();
        let first = all.open_time.partition_point(|time| *time < from);
        let cut = |column: &[f64]| column[first..first + rows].to_vec();
        let bars = Bars {
            time: all.open_time[first..first + rows].to_vec(),
            prices: [cut(&all.open), cut(&all.high), cut(&all.low), cut(&all.close)],
            // The reference has none, and a column that ends before the bars is refused.
            volume: vec![0.0; rows],
        };
        let text = std::fs::read_to_string(real(&format!("dsl/replay/golden_{name}.yaml"))).unwrap();
        bars.compare(name, &text, &case, &case["settings"]);
    }
}

/// A level of one of the kinds, `none` among them.
fn level(rng: &mut ChaCha8Rng, kinds: &[&str]) -> String {
    let multiple = rng.random_range(0.5..3.0);
    match kinds[rng.random_range(0..kinds.len())] {
        "none" => "{type: none}".to_owned(),
        "fixed_pct" => format!("{{type: fixed_pct, percent: {}}}", rng.random_range(0.1..4.0)),
        "risk_reward" => format!("{{type: risk_reward, risk_reward_ratio: {multiple}}}"),
        atr => format!("{{type: {atr}, atr_multiplier: {multiple}, indicator: atr}}"),
    }
}

/// A program that enters often, on both sides, with levels of every kind.
fn program(rng: &mut ChaCha8Rng) -> String {
    let stops = ["fixed_pct", "atr_fixed", "atr_trailing", "none"];
    let stop = level(rng, &stops);
    let targets = ["fixed_pct", "atr_fixed", "none", "risk_reward"];
    let targets = if stop.contains("none") { &targets[..3] } else { &targets };
    let target = level(rng, targets);
    let short = if rng.random_bool(0.7) { ", short: [close < average]" } else { "" };
    let short_stop = if short.is_empty() || !rng.random_bool(0.4) {
        String::new()
    } else {
        format!("stop_loss_short: {}\n", level(rng, &stops[..3]))
    };
    let exit = if rng.random_bool(0.5) { "exit_conditions: {long: [close < open]}\n" } else { "" };
    let (period, reverse) = (rng.random_range(2..8), rng.random_bool(0.5));
    format!(
        "name: random\ntimeframe: 1h\nindicators:\n  average: {{type: EMA, period: {period}}}\n  atr: {{type: ATR, period: \
         3}}\nentry_conditions: {{long: [close > average]{short}}}\n{exit}stop_loss: {stop}\n{short_stop}take_profit: \
         {target}\nposition_management: {{reverse: {reverse}}}\n"
    )
}

/// Sizes and limits that go by what became of earlier trades, by the stop, or by the range.
fn sized(rng: &mut ChaCha8Rng, config: StrategyConfig) -> StrategyConfig {
    let share = |rng: &mut ChaCha8Rng| Fraction::new(rng.random_range(0.01..1.0));
    let method = match rng.random_range(0..5) {
        0 => return config,
        1 => Method::Kelly,
        2 if config.rests_orders() => Method::FixedFractional,
        3 => Method::Atr,
        _ => Method::Own,
    };
    let sizing = SizingConfig {
        method,
        max_position: share(rng),
        half_at_drawdown: rng.random_bool(0.5).then(|| share(rng)),
        max_heat: rng.random_bool(0.3).then(|| share(rng)),
        win_rate: Some(Fraction::new(0.6)),
        payoff: Some(1.5),
        kelly_trades: rng.random_bool(0.7).then(|| rng.random_range(2..6)),
        ..SizingConfig::OWN
    };
    let max_consecutive_losses = rng.random_bool(0.3).then(|| rng.random_range(2..6));
    let cooldown_hours = Some(rng.random_range(1.0..20.0));
    config.with_sizing(sizing).with_limits(RiskConfig {
        max_consecutive_losses,
        cooldown_hours,
        ..RiskConfig::default()
    })
}

/// A random market of hourly bars.
fn hourly(rng: &mut ChaCha8Rng) -> World {
    let mut world = World::random(rng);
    world.interval_ms = 3_600_000;
    let mut time = 1_700_000_000_000 / world.interval_ms * world.interval_ms;
    for open in &mut world.time {
        *open = time;
        time += world.interval_ms * if rng.random_bool(0.03) { rng.random_range(2..5) } else { 1 };
    }
    world
}

#[test]
fn random_programs_with_stops_and_targets_do_the_same_in_both_engines() {
    let markets: u64 = std::env::var("Q50_PARITY_MARKETS").map_or(100, |count| count.parse().unwrap());
    let mut reasons = std::collections::BTreeMap::<Reason, usize>::new();
    for seed in 0..markets {
        let mut rng = worlds::seeded((2 << 32) + seed);
        let world = hourly(&mut rng);
        let text = program(&mut rng);
        let strategy = sized(&mut rng, file(&text).0);
        let venue = worlds::next_open(&mut rng, &strategy);
        let run = Run::at_next_open(world.market(), strategy, venue, 10_f64.powf(rng.random_range(2.0..7.0)));
        for fill in agree(&run, &format!("{seed}:\n{text}{:?}", run.strategy.guards())).second.fills {
            *reasons.entry(fill.reason).or_default() += 1;
        }
    }
    println!("{reasons:?}");
    use Reason::{EnterLong, EnterShort, ExitLong, StopLoss, TakeProfit, TrailingStop};
    for reason in [EnterLong, EnterShort, ExitLong, StopLoss, TakeProfit, TrailingStop] {
        assert!(reasons.get(&reason).is_some_and(|fills| *fills > 50), "{reason:?}: {reasons:?}");
    }
}

#[test]
fn a_file_that_a_pool_cannot_fill_is_refused_with_what_to_do() {
    let mut rng = worlds::seeded(7);
    let world = hourly(&mut rng);
    let path =
        PoolPath::rebuilt(&world.open, &world.close, world.first, q50_engine::units::Lamports(50 * SOL)).unwrap();
    let rule = "name: a\ntimeframe: 1h\nentry_conditions: {long: [close > 1]}\ntake_profit: {type: none}\n";
    let refused = |text: String| {
        let run = Run::on_pool(world.market(), file(&text).0, PumpSwapConfig::default(), &path, 1.0);
        validate(&run).unwrap_err()
    };
    let stopped = refused(format!("{rule}stop_loss: {{type: fixed_pct, percent: 5}}\n"));
    assert!(matches!(stopped, RunError::Input(InputError::Resting)), "{stopped}");
    let short = rule.replace("long: [close > 1]", "short: [close > 1]");
    let short = refused(format!("{short}stop_loss: {{type: none}}\n"));
    assert!(matches!(short, RunError::Input(InputError::Short { .. })), "{short}");
}
