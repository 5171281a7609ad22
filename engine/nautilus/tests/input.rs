//! What is refused before anything runs, and in which words.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod worlds;

use q50_engine::{
    market::Signals,
    strategy::{
        StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        q50::Q50Config,
    },
    units::{Fraction, Lamports},
    venue::{NextOpen, PoolPath, PumpSwapConfig},
};
use q50_nautilus::{InputError, Names, Run, RunError, run, validate, validate_all};

use worlds::{SOL, World, threshold};

fn world() -> World {
    World::hourly(&[(10.0, 10.0, 0.9), (10.0, 12.0, 0.5), (12.0, 11.0, 0.1), (11.0, 20.0, 0.5)])
}

fn venue() -> NextOpen {
    NextOpen::new(Fraction::from_bps(5.0))
}

fn at_price(world: &World) -> Run<'_> {
    Run::at_next_open(world.market(), threshold(), venue(), 1_000.0)
}

fn path(world: &World) -> PoolPath {
    PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(100 * SOL)).unwrap()
}

/// The refusal, which both entrances give.
fn refused(refused: &Run<'_>) -> InputError {
    let (Err(RunError::Input(one)), Err(RunError::Input(other))) = (validate(refused), run(refused)) else {
        panic!("not refused: {refused:?}");
    };
    assert_eq!(one, other);
    one
}

#[test]
fn a_short_seller_on_a_spot_pool() {
    let world = world();
    let path = path(&world);
    let strategy = StrategyConfig::new(Q50Config { allow_short: true, ..Q50Config::default() });
    let error = refused(&Run::on_pool(world.market(), strategy.clone(), PumpSwapConfig::default(), &path, 1.0));
    assert!(matches!(error, InputError::Short { .. }));
    assert!(error.to_string().contains("a spot pool has no short side; set allow_short = false"), "{error}");
    let error = refused(&Run::at_next_open(world.market(), strategy, venue(), 1.0));
    assert!(error.to_string().contains("free shorting"), "{error}");
}

#[test]
fn a_resting_order_on_a_pool() {
    let world = world();
    let path = path(&world);
    let exits = ExitConfig { trigger: ExitTrigger::Intrabar, ..ExitConfig::default() };
    let strategy = StrategyConfig::new(Q50Config::default()).with_exits(exits);
    let error = refused(&Run::on_pool(world.market(), strategy, PumpSwapConfig::default(), &path, 1.0));
    assert_eq!(error, InputError::Resting);
}

#[test]
fn signals_that_end_before_the_bars() {
    let mut short = world();
    short.value.truncate(3);
    let error = refused(&at_price(&short));
    assert_eq!(error, InputError::Column { column: "value", rows: 3, bars: 4 });
    let mut silent = world();
    silent.value[2..].fill(f64::NAN);
    let error = refused(&at_price(&silent));
    assert_eq!(error, InputError::SignalsEnd { column: "value", last: 1, end: 3 });
    assert!(error.to_string().contains("cut the bars to 2 rows"), "{error}");
    // A record that knows of a forecast on the last bar has not ended, though none of its last values can be used.
    assert!(validate(&Run { last_signal: Some(3), ..at_price(&silent) }).unwrap().agrees());
    let error = refused(&Run { last_signal: Some(2), ..at_price(&silent) });
    assert_eq!(error, InputError::SignalsEnd { column: "value", last: 2, end: 3 });
    // Cut as the message says, it runs.
    let cut = Run { market: silent.market().prefix(2), ..at_price(&silent) };
    assert!(validate(&cut).unwrap().agrees());
}

#[test]
fn signals_of_another_period_and_signals_that_are_not_there() {
    let mut world = world();
    world.value[1..].fill(f64::NAN);
    world.first = 1;
    assert_eq!(refused(&at_price(&world)), InputError::NoSignals { column: "value", first: 1 });
    let mut run = at_price(&world);
    run.market.signals = Signals::default();
    assert!(refused(&run).to_string().contains("named signal column"));
}

#[test]
fn the_version_that_is_named_is_the_one_that_is_compiled() {
    let lock = include_str!("../../../Cargo.lock");
    let after = lock.split_once("name = \"nautilus-backtest\"\nversion = \"").unwrap().1;
    assert_eq!(after.split('"').next().unwrap(), q50_nautilus::NAUTILUS_VERSION);
}

#[test]
fn a_pool_path_with_a_gap() {
    let world = world();
    let path = PoolPath::rebuilt(&world.open[..3], &world.close[..3], 0, Lamports(100 * SOL)).unwrap();
    let error = refused(&Run::on_pool(world.market(), threshold(), PumpSwapConfig::default(), &path, 1.0));
    assert_eq!(error, InputError::Path { rows: 3, bars: 4 });
    assert!(error.to_string().contains("gap"), "{error}");
}

#[test]
fn a_currency_that_the_engine_does_not_know() {
    let world = world();
    let mut run = at_price(&world);
    run.names = Names::new("SOMEWHERE", "BASE", "NOSUCH");
    let error = refused(&run);
    assert!(error.to_string().contains("'NOSUCH' is unknown to NautilusTrader"), "{error}");
    let path = path(&world);
    let mut run = Run::on_pool(world.market(), threshold(), PumpSwapConfig::default(), &path, 1.0);
    run.names.quote = "SOL".to_owned();
    assert!(refused(&run).to_string().contains("a pool is quoted in 'WSOL'"));
    let mut run = at_price(&world);
    run.names.base = "USDT".to_owned();
    assert_eq!(refused(&run), InputError::OneCurrency("USDT".to_owned()));
}

#[test]
fn two_venues_of_one_name() {
    let world = world();
    let runs = [at_price(&world), at_price(&world)];
    let error = validate_all(&runs).unwrap_err();
    assert!(matches!(error, RunError::Input(InputError::TwoVenues(_))), "{error}");
    let [one, mut other] = runs;
    other.names.venue = "OTHER".to_owned();
    assert_eq!(validate_all(&[one, other]).unwrap().len(), 2);
}

#[test]
fn a_name_that_an_account_cannot_have() {
    let world = world();
    let mut run = at_price(&world);
    run.names.venue = "NEXT-OPEN".to_owned();
    assert!(matches!(refused(&run), InputError::Name { what: "the venue's name", .. }));
}

#[test]
fn bars_out_of_order_prices_that_are_none_and_capital_that_is_none() {
    let mut disordered = world();
    disordered.time.swap(1, 2);
    assert!(matches!(refused(&at_price(&disordered)), InputError::Time { row: 2, .. }));
    let mut priceless = world();
    priceless.low[2] = f64::NAN;
    assert!(matches!(refused(&at_price(&priceless)), InputError::Price { row: 2, column: "low", .. }));
    let mut short = world();
    short.high.pop();
    assert_eq!(refused(&at_price(&short)), InputError::Column { column: "high", rows: 3, bars: 4 });
    let world = world();
    for capital in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(refused(&Run { capital, ..at_price(&world) }), InputError::Capital { .. }));
    }
    let mut run = at_price(&world);
    run.market.first = 4;
    assert_eq!(refused(&run), InputError::Empty { bars: 4, first: 4 });
    let mut run = at_price(&world);
    run.market.interval_ms = 0;
    assert_eq!(refused(&run), InputError::Interval(0));
}
