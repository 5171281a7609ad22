//! What stands at the edge: no money, a stop, the end of the data, many engines.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod worlds;

use q50_engine::{
    strategy::{
        StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        q50::Q50Config,
        threshold::ThresholdConfig,
    },
    units::{Fraction, Lamports},
    venue::{LatencyPreset, NextOpen, PoolPath, PumpSwapConfig, Rejection},
};
use q50_nautilus::{Run, Validation, VenueSetup, validate};
use rand::RngExt;

use worlds::{SOL, World, threshold};

fn agree(run: &Run<'_>) -> Validation {
    let validation = validate(run).unwrap();
    assert!(validation.agrees(), "{:#?}", validation.differences);
    validation
}

/// Buys at the open of bar 1 at 10, sells at the open of bar 3 at 11.
fn round_trip() -> World {
    World::hourly(&[(10.0, 10.0, 0.9), (10.0, 12.0, 0.5), (12.0, 11.0, 0.1), (11.0, 20.0, 0.5)])
}

#[test]
fn an_order_of_the_whole_balance_pays_its_costs_out_of_it() {
    let world = round_trip();
    let all = StrategyConfig::new(ThresholdConfig { size: Fraction::ONE, ..Default::default() });
    let venue = NextOpen::new(Fraction::new(0.25));
    let validation = agree(&Run::at_next_open(world.market(), all.clone(), venue, 1_000.0));
    // 1000 buys 80 at 10 x 1.25; 80 x 11 x 0.75 is left.
    assert_eq!(validation.second.equity, [1_000.0, 960.0, 880.0, 660.0]);
    assert_eq!(validation.second.fill_reports[0].last_qty, 80.0);

    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(1_000 * SOL)).unwrap();
    let config = PumpSwapConfig { slippage: q50_engine::units::Bps(10_000), ..PumpSwapConfig::default() };
    let validation = agree(&Run::on_pool(world.market(), all, config, &path, 10.0));
    assert_eq!(validation.second.fills.len(), 2);
}

#[test]
fn an_account_that_cannot_pay_the_deposit_buys_nothing() {
    let world = round_trip();
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(1_000 * SOL)).unwrap();
    let validation = agree(&Run::on_pool(world.market(), threshold(), PumpSwapConfig::default(), &path, 0.002));
    assert_eq!(validation.second.rejections, [(0, Rejection::NoCash)]);
    assert_eq!(validation.final_equity, [0.002; 2]);
}

#[test]
fn a_stop_is_filled_inside_the_bar_that_hits_it() {
    // The forecast of row 3 enters at 10; row 5 falls through the stop at 8 and ends above it.
    let flat = (10.0, 10.0, 0.0);
    let mut world = World::hourly(&[flat, (10.0, 10.1, 0.0), flat, (10.0, 10.0, 0.02), flat, (10.0, 9.0, 0.0), flat]);
    world.low[5] = 5.0;
    let exits =
        ExitConfig { stop_loss: Some(Fraction::new(0.2)), trigger: ExitTrigger::Intrabar, ..ExitConfig::default() };
    let strategy = StrategyConfig::new(Q50Config::default()).with_exits(exits);
    let venue = NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::Retail);
    let validation = agree(&Run::at_next_open(world.market(), strategy, venue, 1_000.0));
    let [entered, stopped] = validation.second.fill_reports.as_slice() else { panic!("{:?}", validation.second) };
    assert_eq!((entered.last_px, entered.ts_event), (10.0, (world.time[4] as u64 + 200) * 1_000_000));
    let (opens, closes) = (world.time[5] as u64 * 1_000_000, world.time[6] as u64 * 1_000_000);
    assert_eq!((stopped.last_px, stopped.ts_init), (8.0, closes), "heard of at the close");
    assert_eq!(stopped.ts_event, opens, "a bar tells no better than that it happened inside");
    let closed = &validation.second.position_reports[0];
    assert_eq!((closed.side.as_str(), closed.avg_px_close), ("FLAT", Some(8.0)));
}

#[test]
fn a_latency_beyond_the_last_bar_is_a_rejection_and_not_a_lost_order() {
    let world = World::hourly(&[(10.0, 10.0, 0.5), (10.0, 10.0, 0.9), (10.0, 10.0, 0.5)]);
    // 9,100 slots are 3,640 s: what is sent at the close of bar 1 lands after that of bar 2.
    let late = NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::SolanaSlots(9_100));
    let validation = agree(&Run::at_next_open(world.market(), threshold(), late, 1_000.0));
    assert_eq!(validation.second.rejections, [(1, Rejection::NoNextBar)]);
    let in_time = NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::SolanaSlots(8_999));
    let validation = agree(&Run::at_next_open(world.market(), threshold(), in_time, 1_000.0));
    assert_eq!(validation.second.fills.len(), 1);
}

#[test]
fn a_market_of_one_bar_at_the_beginning_of_time() {
    let mut world = World::hourly(&[(10.0, 10.0, 0.9)]);
    world.time[0] = 0;
    let validation = agree(&Run::at_next_open(world.market(), threshold(), NextOpen::new(Fraction::ZERO), 1_000.0));
    assert_eq!(validation.second.rejections, [(0, Rejection::NoNextBar)]);
    assert_eq!((validation.second.equity.as_slice(), validation.sharpe), ([1_000.0].as_slice(), [None; 2]));
}

#[test]
fn a_latency_lands_between_two_bars_at_its_own_nanosecond() {
    let world = round_trip();
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(1_000 * SOL)).unwrap();
    let config = PumpSwapConfig { slippage: q50_engine::units::Bps(10_000), ..PumpSwapConfig::default() };
    for (latency, ms) in [
        (LatencyPreset::CoLocated, 1),
        (LatencyPreset::NearExchange, 10),
        (LatencyPreset::Domestic, 20),
        (LatencyPreset::Cloud, 60),
        (LatencyPreset::International, 100),
        (LatencyPreset::Retail, 200),
        (LatencyPreset::SolanaSlots(2), 800),
    ] {
        let mut run = Run::on_pool(world.market(), threshold(), config, &path, 10.0);
        run.venue = VenueSetup::PumpSwap { config, path: &path, latency: Some(latency) };
        let validation = agree(&run);
        let at: Vec<u64> = validation.second.fill_reports.iter().map(|fill| fill.ts_event).collect();
        assert_eq!(at, [1, 3].map(|row| (world.time[row] as u64 + ms) * 1_000_000), "{latency:?}");
    }
}

#[test]
fn the_reports_of_a_round_trip_add_up() {
    let world = round_trip();
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(1_000 * SOL)).unwrap();
    let config = PumpSwapConfig { slippage: q50_engine::units::Bps(10_000), ..PumpSwapConfig::default() };
    let validation = agree(&Run::on_pool(world.market(), threshold(), config, &path, 10.0));
    let [bought, sold] = validation.second.fill_reports.as_slice() else { panic!("{:?}", validation.second) };
    assert_eq!((bought.order_side.as_str(), sold.order_side.as_str()), ("BUY", "SELL"));
    assert_eq!((bought.last_qty, bought.last_qty.fract()), (sold.last_qty, 0.0), "smallest units, all of them sold");
    // 10 SOL less the deposit of 0.00203928 and the network's 0.000005 buy tokens, of which fees are a part.
    let (paid, unit) = bought.commission.split_once(' ').unwrap();
    let spent = bought.last_qty * bought.last_px + paid.parse::<f64>().unwrap();
    assert!((spent - (10.0 - 0.002_039_28)).abs() < 2e-9 && unit == "WSOL", "{spent} {unit}");
    let [position] = validation.second.position_reports.as_slice() else { panic!("{:?}", validation.second) };
    assert_eq!((position.entry.as_str(), position.side.as_str(), position.quantity), ("BUY", "FLAT", 0.0));
    assert_eq!((position.peak_qty, position.duration_ns), (bought.last_qty, 2 * 3_600_000_000_000));
    let gained = validation.final_equity[1] - 10.0;
    assert!((position.realized_pnl.unwrap() - gained).abs() < 1e-9, "{position:?} {gained}");
}

/// Equity curves of random runs.
fn curves(seeds: std::ops::Range<u64>) -> Vec<Vec<f64>> {
    seeds
        .map(|seed| {
            let mut rng = worlds::seeded(seed);
            let world = World::random(&mut rng);
            let strategy = worlds::strategy(&mut rng, false);
            let venue = worlds::next_open(&mut rng, &strategy);
            agree(&Run::at_next_open(world.market(), strategy, venue, rng.random_range(1e3..1e5))).second.equity
        })
        .collect()
}

#[test]
fn two_threads_of_engines_at_once_do_what_one_does() {
    let alone = curves(0..24);
    let [first, second] = std::thread::scope(|scope| {
        let threads = [scope.spawn(|| curves(0..12)), scope.spawn(|| curves(12..24))];
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!([first, second].concat(), alone);
}

#[test]
fn three_hundred_engines_one_after_the_other() {
    let world = round_trip();
    let run = Run::at_next_open(world.market(), threshold(), NextOpen::new(Fraction::ZERO), 1_000.0);
    for _ in 0..300 {
        assert_eq!(agree(&run).second.equity, [1_000.0, 1_200.0, 1_100.0, 1_100.0]);
    }
}
