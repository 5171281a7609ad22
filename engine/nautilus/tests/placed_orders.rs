//! Orders with a life of their own in both engines: worked by hand, and at random.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod scripted;
#[path = "../../tests/volume_script/mod.rs"]
mod volume_script;
mod worlds;

use q50_engine::{
    decision::Reason,
    orders::{Amount, Event, OrderKind, OrderRequest, Orders, Outcome},
    strategy::{Guards, Settings, StrategyConfig},
    units::{Fraction, Lamports},
    venue::{FillSide, LatencyPreset, NextOpen, PoolPath, Rejection},
};
use q50_nautilus::{Check, Run, Validation, VenueSetup, compare, validate};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use scripted::{Random, Script};
use worlds::{SOL, World};

fn agree(run: &Run<'_>, name: &str) -> Validation {
    let validation = validate(run).unwrap_or_else(|error| panic!("{name}: {error}\n{run:?}"));
    assert!(validation.agrees(), "{name}: {:#?}\n{:#?}\n{run:?}", validation.table, validation.differences);
    validation
}

/// Bars of an hour: open, high, low, close.
fn bars(bars: &[[f64; 4]]) -> World {
    let ends: Vec<(f64, f64, f64)> = bars.iter().map(|bar| (bar[0], bar[3], 0.0)).collect();
    let mut world = World::hourly(&ends);
    (world.high, world.low) = bars.iter().map(|bar| (bar[1], bar[2])).unzip();
    world
}

const QUIET: [f64; 4] = [100.0, 101.0, 99.0, 100.0];

fn free() -> NextOpen {
    NextOpen::new(Fraction::ZERO)
}

fn buy(kind: OrderKind, units: f64) -> OrderRequest {
    OrderRequest::new(FillSide::Buy, kind, Amount::Units(units), Reason::EnterLong)
}

fn sell(kind: OrderKind, units: f64) -> OrderRequest {
    OrderRequest::new(FillSide::Sell, kind, Amount::Units(units), Reason::ExitLong)
}

fn run(world: &World, venue: NextOpen, script: Script) -> Validation {
    agree(&Run::at_next_open(world.market(), StrategyConfig::new(script), venue, 10_000.0), "script")
}

/// Hour, units with their sign, and price of each fill, as NautilusTrader reported them.
fn fills(validation: &Validation) -> Vec<(usize, f64, f64)> {
    let hour = |ns: u64| (ns / 1_000_000 - 1_700_000_000_000) as usize / 3_600_000;
    let signed = |side: &str, units: f64| if side == "BUY" { units } else { -units };
    let reports = &validation.second.fill_reports;
    reports.iter().map(|fill| (hour(fill.ts_event), signed(&fill.order_side, fill.last_qty), fill.last_px)).collect()
}

fn outcomes(validation: &Validation) -> Vec<(usize, &'static str)> {
    let name = |outcome: &Outcome| match outcome {
        Outcome::Accepted => "accepted",
        Outcome::PartiallyFilled(_) => "part",
        Outcome::Filled(_) => "filled",
        Outcome::Rejected(_) => "rejected",
        Outcome::Cut(_) => "cut",
        Outcome::Charged(_) => "charged",
        Outcome::Funding(_) => "funding",
        Outcome::Cancelled => "cancelled",
        Outcome::Expired => "expired",
    };
    validation.second.events.iter().map(|event| (event.row, name(&event.outcome))).collect()
}

/// A bracket around each entry: a stop 5 below it and a target 10 above.
fn bracket(event: &Event, orders: &mut Orders) {
    if let (Outcome::Filled(fill), Reason::EnterLong) = (event.outcome, event.reason) {
        let close = |kind, reason| OrderRequest::new(FillSide::Sell, kind, Amount::Position, reason);
        let stop = close(OrderKind::Stop(fill.price - 5.0), Reason::StopLoss);
        orders.place_pair([stop, close(OrderKind::Limit(fill.price + 10.0), Reason::TakeProfit)]);
    }
}

#[test]
fn of_a_stop_and_a_target_one_cancels_the_other() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let script = Script { place: Some(place), hear: Some(bracket), ..Script::default() };
    let target = bars(&[QUIET, QUIET, [100.0, 112.0, 98.0, 111.0], [100.0, 101.0, 80.0, 81.0]]);
    let validation = run(&target, free(), script.clone());
    assert_eq!(fills(&validation), [(1, 1.0, 100.0), (2, -1.0, 110.0)]);
    let life = [(1, "accepted"), (1, "filled"), (1, "accepted"), (1, "accepted"), (2, "filled"), (2, "cancelled")];
    assert_eq!(outcomes(&validation), life);
    assert_eq!(validation.second.fill_reports[1].order_type, "LIMIT");

    let both = bars(&[QUIET, QUIET, [100.0, 112.0, 94.0, 111.0]]);
    assert_eq!(fills(&run(&both, free(), script.clone()))[1], (2, -1.0, 95.0), "the stop was first");
    let gap = bars(&[QUIET, QUIET, [90.0, 112.0, 89.0, 111.0]]);
    assert_eq!(fills(&run(&gap, free(), script.clone()))[1], (2, -1.0, 90.0), "a gap fills at the open");
    let beyond = bars(&[QUIET, QUIET, [115.0, 116.0, 89.0, 111.0]]);
    assert_eq!(fills(&run(&beyond, free(), script))[1], (2, -1.0, 115.0), "beyond a target, too");
}

#[test]
fn after_a_fill_inside_a_bar_a_target_counts_only_if_the_close_reaches_it_and_a_stop_always() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
    };
    let script = || Script { place: Some(place), hear: Some(bracket), ..Script::default() };
    let unknown = bars(&[QUIET, [100.0, 106.0, 94.0, 96.0], QUIET]);
    assert_eq!(fills(&run(&unknown, free(), script())), [(1, 1.0, 95.0)]);
    let certain = bars(&[QUIET, [100.0, 106.0, 94.0, 105.5], QUIET]);
    assert_eq!(fills(&run(&certain, free(), script())), [(1, 1.0, 95.0), (1, -1.0, 105.0)]);
    let through = bars(&[QUIET, [100.0, 106.0, 89.0, 105.5], QUIET]);
    assert_eq!(fills(&run(&through, free(), script())), [(1, 1.0, 95.0), (1, -1.0, 90.0)]);
}

#[test]
fn a_limit_includes_half_the_spread_and_takes_a_better_open() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
    };
    let script = || Script { place: Some(place), ..Script::default() };
    let wide = free().with_spread(Fraction::new(0.02));
    // The ask is 95.95 where the mid is 95, and 95 where it is 94.06.
    assert_eq!(fills(&run(&bars(&[QUIET, [100.0, 100.0, 95.0, 96.0]]), wide, script())), []);
    let [(1, 1.0, price)] = fills(&run(&bars(&[QUIET, [100.0, 100.0, 94.0, 96.0]]), wide, script()))[..] else {
        panic!("one fill of one unit in hour 1")
    };
    assert!((price - 95.0).abs() < 1e-12, "{price}");
    let better = bars(&[QUIET, QUIET, [93.0, 99.0, 92.0, 96.0]]);
    assert_eq!(fills(&run(&better, free(), script())), [(2, 1.0, 93.0)]);
}

#[test]
fn orders_share_the_volume_of_a_bar_and_work_on_with_the_rest() {
    let mut world = bars(&[QUIET; 5]);
    world.volume = vec![1_000.0, 40.0, f64::NAN, 30.0, 50.0];
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 6.0));
            orders.place(buy(OrderKind::Limit(100.0), 3.0));
        }
    };
    // A tenth of 40, unknown, 30 and 50: 4; nothing; 2 and 1; 2.
    let venue = free().with_participation(Fraction::new(0.1));
    let validation = run(&world, venue, Script { place: Some(place), ..Script::default() });
    assert_eq!(fills(&validation), [(1, 4.0, 100.0), (3, 2.0, 100.0), (3, 1.0, 100.0), (4, 2.0, 100.0)]);
    let life = [(1, "accepted"), (1, "accepted"), (1, "part"), (3, "filled"), (3, "part"), (4, "filled")];
    assert_eq!(outcomes(&validation), life);
}

#[test]
fn orders_are_cut_to_the_position_cancelled_and_expire() {
    let world = bars(&[QUIET, QUIET, QUIET, [100.0, 101.0, 90.0, 91.0], [91.0, 92.0, 80.0, 81.0]]);
    let place = |row: usize, orders: &mut Orders| match row {
        0 => {
            orders.place(buy(OrderKind::Market, 2.0));
            orders.place(buy(OrderKind::Limit(85.0), 1.0).until(1_700_000_000_000 + 4 * 3_600_000));
        }
        1 => {
            orders.place(sell(OrderKind::Market, 5.0).reduce_only());
            orders.place(sell(OrderKind::Market, 5.0).reduce_only());
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
        2 => orders.cancel_all(),
        3 => {
            orders.place(buy(OrderKind::Limit(85.0), 1.0).until(1_700_000_000_000 + 4 * 3_600_000));
        }
        _ => {}
    };
    let venue = free().with_free_shorting();
    let validation = run(&world, venue, Script { place: Some(place), ..Script::default() });
    assert_eq!(fills(&validation), [(1, 2.0, 100.0), (2, -2.0, 100.0)]);
    let life = outcomes(&validation);
    let row = |row: usize| life.iter().filter(|(at, _)| *at == row).map(|(_, what)| *what).collect::<Vec<_>>();
    assert_eq!(row(2), ["accepted", "accepted", "accepted", "filled", "cancelled"]);
    assert_eq!(row(3), ["cancelled", "cancelled"]);
    assert_eq!(row(4), ["accepted", "expired"], "it is over when it lands");
}

#[test]
fn a_partly_filled_order_that_can_no_longer_be_paid_is_refused() {
    let mut world = bars(&[QUIET, QUIET, [900.0; 4], [900.0; 4]]);
    world.volume = vec![20.0; 4];
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 50.0));
        }
    };
    let venue = free().with_participation(Fraction::ONE);
    // 20 at 100 leave 8,000, which do not buy 20 at 900.
    let validation = run(&world, venue, Script { place: Some(place), ..Script::default() });
    assert_eq!(fills(&validation), [(1, 20.0, 100.0)]);
    assert_eq!(outcomes(&validation), [(1, "accepted"), (1, "part"), (2, "rejected")]);
    assert_eq!(validation.second.rejections, [(0, Rejection::NoCash)]);
}

#[test]
fn an_order_lands_after_its_latency_and_one_that_lands_after_the_last_bar_is_rejected() {
    let world = bars(&[QUIET, [101.0, 102.0, 100.0, 101.0], [103.0, 104.0, 102.0, 103.0]]);
    let place = |row: usize, orders: &mut Orders| {
        if row != 1 {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let venue = free().with_latency(LatencyPreset::Milliseconds(3_600_000 + 1));
    let validation = run(&world, venue, Script { place: Some(place), ..Script::default() });
    assert_eq!(fills(&validation), [(2, 1.0, 103.0)]);
    assert_eq!(validation.second.fill_reports[0].ts_event, (world.time[2] as u64 + 1) * 1_000_000);
    assert_eq!(validation.second.rejections, [(2, Rejection::NoNextBar)]);
}

#[test]
fn a_pool_takes_no_order_that_waits() {
    let world = bars(&[QUIET; 3]);
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(1_000 * SOL)).unwrap();
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
            let (kind, amount) = (OrderKind::Market, Amount::Quote(5.0));
            orders.place(OrderRequest::new(FillSide::Buy, kind, amount, Reason::EnterLong));
        }
    };
    let strategy = StrategyConfig::new(Script { place: Some(place), ..Script::default() });
    let validation = agree(&Run::on_pool(world.market(), strategy, Default::default(), &path, 10.0), "pool");
    assert_eq!(validation.second.rejections, [(0, Rejection::Unsupported)]);
    assert_eq!(validation.second.fills.len(), 1);
}

#[test]
fn a_price_that_is_no_number_is_named() {
    let world = bars(&[QUIET; 3]);
    let place = |_: usize, orders: &mut Orders| {
        orders.place(buy(OrderKind::Limit(f64::NAN), 1.0));
    };
    let strategy = StrategyConfig::new(Script { place: Some(place), ..Script::default() });
    let error = validate(&Run::at_next_open(world.market(), strategy, free(), 100.0)).unwrap_err().to_string();
    assert!(error.contains("its price is no number"), "{error}");
}

/// The strategy of a case, as settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Text(String);

impl Settings for Text {
    const NAME: &'static str = "case";
    const WORDS: &'static str = "a case worked by hand";
    type Strategy = volume_script::Case;

    fn strategy(&self, _: &Guards) -> volume_script::Case {
        volume_script::Case::read(&self.0)
    }

    fn shorts(&self) -> bool {
        true
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_case_that_is_scripted_by_volume_is_in_nautilus_trader_as_it_was_worked_by_hand() {
    let mut compared = 0;
    for case in volume_script::worked() {
        let name = case.name.as_str();
        let strategy = StrategyConfig::new(Text(case.text.clone()));
        let validation = agree(&Run::at_next_open(case.market(), strategy, case.venue(), case.capital), name);
        let found = &validation.second.fills;
        assert_eq!(found.len(), case.fills.len(), "{name}");
        for ((fill, report), expected) in found.iter().zip(&validation.second.fill_reports).zip(&case.fills) {
            let side = report.order_side.to_lowercase();
            assert_eq!((side, fill.reason.name()), (expected.side.clone(), expected.reason.as_str()), "{name}");
            let opens = case.market().open_time[expected.row] as u64 * 1_000_000;
            assert_eq!(report.ts_event, opens, "{name}");
            assert!((report.last_px / expected.price - 1.0).abs() < 1e-12, "{name}: {report:?}");
            compared += 1;
        }
        assert!((validation.final_equity[1] / case.final_equity - 1.0).abs() < 1e-9, "{name}");
    }
    println!("{compared} fills as they were worked by hand");
}

/// What the random runs must have contained, or they have shown nothing.
#[derive(Debug, Default)]
struct Seen {
    fills: usize,
    limits: usize,
    stops: usize,
    parts: usize,
    inside: usize,
    cancelled: usize,
    expired: usize,
    rejected: usize,
    events: usize,
    worst: f64,
}

impl Seen {
    fn add(&mut self, run: &Run<'_>, validation: &Validation) {
        let second = &validation.second;
        self.fills += second.fills.len();
        let typed = |name: &str| second.fill_reports.iter().filter(|fill| fill.order_type == name).count();
        self.limits += typed("LIMIT");
        self.stops += typed("STOP_MARKET");
        self.inside += second.fills.iter().filter(|fill| fill.event.ts_init > fill.event.ts_event).count();
        let count = |wanted: &str| outcomes(validation).iter().filter(|(_, what)| *what == wanted).count();
        self.parts += count("part");
        self.cancelled += count("cancelled");
        self.expired += count("expired");
        self.rejected += count("rejected");
        self.events += second.events.len();
        self.worst = self.worst.max(validation.max_equity_difference / run.capital);
    }
}

fn markets() -> u64 {
    std::env::var("Q50_PARITY_MARKETS").map_or(100, |count| count.parse().unwrap())
}

#[test]
fn random_orders_on_random_markets_at_a_price_venue() {
    let mut seen = Seen::default();
    for seed in 0..markets() {
        let mut rng = worlds::seeded((2 << 32) + seed);
        let mut world = World::random(&mut rng);
        let capital = 10_f64.powf(rng.random_range(2.0..7.0));
        let settings = Random { seed, shorts: rng.random_bool(0.5), pool: false };
        let strategy = StrategyConfig::new(settings);
        let mut venue = worlds::next_open(&mut rng, &strategy).with_lot(world.lot(capital));
        if rng.random_bool(0.3) {
            for (volume, close) in world.volume.iter_mut().zip(&world.close) {
                *volume = capital / close * rng.random_range(0.0..2.0);
            }
            venue = venue.with_participation(Fraction::new(rng.random_range(0.05..0.8)));
        }
        let run = Run::at_next_open(world.market(), strategy, venue, capital);
        let validation = agree(&run, &format!("orders {seed}"));
        seen.add(&run, &validation);
    }
    println!("{seen:?}");
    assert!(seen.fills > 2_000 && seen.limits > 300 && seen.stops > 300 && seen.inside > 300, "{seen:?}");
    assert!(seen.parts > 100 && seen.cancelled > 500 && seen.expired > 50 && seen.rejected > 100, "{seen:?}");
}

#[test]
fn random_orders_on_random_markets_on_a_pool() {
    let mut seen = Seen::default();
    for seed in 0..markets() {
        let mut rng = worlds::seeded((3 << 32) + seed);
        let world = World::random(&mut rng);
        let strategy = StrategyConfig::new(Random { seed, shorts: false, pool: true });
        let (config, latency) = worlds::pump_swap(&mut rng);
        let path = world.recorded_path(&mut rng);
        let mut run = Run::on_pool(world.market(), strategy, config, &path, rng.random_range(0.1..200.0));
        run.venue = VenueSetup::PumpSwap { config, path: &path, latency };
        let validation = agree(&run, &format!("orders on a pool {seed}"));
        seen.add(&run, &validation);
    }
    println!("{seen:?}");
    assert!(seen.fills > 1_000 && seen.cancelled > 100 && seen.rejected > 300 && seen.events > 5_000, "{seen:?}");
}

/// A stop that is matched wrongly in one engine is found.
#[test]
fn an_order_that_meets_another_price_in_one_engine_is_found() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
    };
    let world = bars(&[QUIET, [100.0, 100.0, 94.9, 96.0], QUIET]);
    let strategy = StrategyConfig::new(Script { place: Some(place), ..Script::default() });
    let run = Run::at_next_open(world.market(), strategy, free(), 1_000.0);
    // With a spread the ask does not come down to 95.
    let validation = compare(&run, free(), free().with_spread(Fraction::new(0.02))).unwrap();
    assert!(!validation.agrees());
    let differing = |check: Check| validation.table[check as usize].differing;
    assert_eq!((differing(Check::Fill), differing(Check::Order)), (1, 1));
}
