//! Several instruments under one account in both engines: worked by hand, and at random.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod scripted;
mod worlds;

use q50_engine::{
    decision::{Budget, Order, Reason},
    orders::{Amount, OrderKind, OrderRequest, Orders},
    strategy::StrategyConfig,
    units::{Fraction, Lamports},
    venue::{FillSide, FillTiming, NextOpen, PoolPath, Rejection},
};
use q50_nautilus::{
    InputError, Names, PortfolioValidation, Run, RunError, VenueSetup, compare_portfolio, validate, validate_portfolio,
};
use rand::RngExt;

use scripted::{Random, Script};
use worlds::{SOL, World, threshold};

const BASES: [&str; 3] = ["FIRST", "SECOND", "THIRD"];

fn agree(runs: &[Run<'_>], name: &str) -> PortfolioValidation {
    let validation = validate_portfolio(runs).unwrap_or_else(|error| panic!("{name}: {error}\n{runs:?}"));
    let told: Vec<_> = validation.each.iter().map(|one| (&one.table, &one.differences)).collect();
    assert!(validation.agrees(), "{name}: {} of {:?}: {told:#?}", validation.differing, validation.moments);
    validation
}

fn named(mut run: Run<'_>, i: usize) -> Run<'_> {
    let quote = run.names.quote.clone();
    run.names = Names::new("VENUE", BASES[i], &quote);
    run
}

fn at_prices<'a>(worlds: &'a [World], scripts: &[Script], venue: NextOpen, capital: f64) -> Vec<Run<'a>> {
    let run = |(i, (world, script)): (usize, (&'a World, &Script))| {
        let strategy = StrategyConfig::new(script.clone());
        named(Run::at_next_open(world.market(), strategy, venue, capital), i)
    };
    worlds.iter().zip(scripts).enumerate().map(run).collect()
}

/// Hour, units and price of each fill of instrument `i`, as NautilusTrader reported them.
fn fills(validation: &PortfolioValidation, i: usize) -> Vec<(usize, f64, f64)> {
    let hour = |ns: u64| (ns / 1_000_000 - 1_700_000_000_000) as usize / 3_600_000;
    let reports = &validation.each[i].second.fill_reports;
    reports.iter().map(|fill| (hour(fill.ts_event), fill.last_qty, fill.last_px)).collect()
}

fn free() -> NextOpen {
    NextOpen::new(Fraction::ZERO)
}

fn most_of_the_cash(row: usize) -> Option<Order> {
    (row == 0).then_some(Order::Buy(Budget::Cash(Fraction::new(0.6))))
}

#[test]
fn what_is_decided_together_competes_for_the_cash_in_the_order_of_the_instruments() {
    let worlds = [
        World::hourly(&[(100.0, 100.0, 0.0), (100.0, 110.0, 0.0), (120.0, 120.0, 0.0)]),
        World::hourly(&[(50.0, 50.0, 0.0), (50.0, 55.0, 0.0), (60.0, 60.0, 0.0)]),
        World::hourly(&[(1.0, 1.0, 0.0); 3]),
    ];
    let script = Script { decide: Some(most_of_the_cash), ..Script::default() };
    let runs = at_prices(&worlds, &[script.clone(), script.clone(), script], free(), 1_000.0);
    let validation = agree(&runs, "three");
    // 600 of 1,000 each: the first has 600, the second what is left, the third nothing.
    assert_eq!(fills(&validation, 0), [(1, 6.0, 100.0)]);
    assert_eq!(fills(&validation, 1), [(1, 8.0, 50.0)]);
    assert_eq!(validation.each[2].second.rejections, [(0, Rejection::NoCash)]);
    // 6 x 120 + 8 x 60, of which the first has gained 120 and the second 80.
    assert_eq!((validation.moments, validation.final_equity), ([3; 2], [1_200.0; 2]));
    let own: Vec<f64> = validation.each.iter().map(|one| one.final_equity[1]).collect();
    assert_eq!(own, [1_120.0, 1_080.0, 1_000.0]);
}

#[test]
fn a_limit_of_one_and_a_stop_of_the_other_compete_inside_a_bar() {
    let bar = (100.0, 100.0, 0.0);
    let mut worlds = [World::hourly(&[bar, bar, bar]), World::hourly(&[bar, bar, bar])];
    worlds[0].low[1] = 90.0;
    worlds[1].high[1] = 120.0;
    let limit = |row: usize, orders: &mut Orders| {
        if row == 0 {
            let (kind, amount) = (OrderKind::Limit(95.0), Amount::Quote(950.0));
            orders.place(OrderRequest::new(FillSide::Buy, kind, amount, Reason::EnterLong));
        }
    };
    let stop = |row: usize, orders: &mut Orders| {
        if row == 0 {
            let (kind, amount) = (OrderKind::Stop(110.0), Amount::Quote(500.0));
            orders.place(OrderRequest::new(FillSide::Buy, kind, amount, Reason::EnterLong));
        }
    };
    let scripts =
        [limit as fn(usize, &mut Orders), stop].map(|place| Script { place: Some(place), ..Script::default() });
    let validation = agree(&at_prices(&worlds, &scripts, free(), 1_000.0), "two");
    // 950 buy 10 at 95; the 50 that are left buy 50 / 110 at 110.
    assert_eq!(fills(&validation, 0), [(1, 10.0, 95.0)]);
    let [(1, units, 110.0)] = fills(&validation, 1)[..] else { panic!("one fill at 110 in hour 1") };
    assert!((units - 50.0 / 110.0).abs() < 1e-12, "{units}");
    // Marked at 100: 1,000 and 45.45.
    assert!((validation.final_equity[1] - (1_000.0 + 5_000.0 / 110.0)).abs() < 1e-9, "{:?}", validation.final_equity);
}

#[test]
fn cash_that_comes_in_inside_a_bar_pays_for_nothing_inside_it() {
    let bar = (100.0, 100.0, 0.0);
    let mut worlds = [World::hourly(&[bar; 4]), World::hourly(&[bar; 4])];
    worlds[0].high[2] = 110.0;
    worlds[1].low[2] = 90.0;
    fn request(side: FillSide, kind: OrderKind, amount: Amount) -> OrderRequest {
        OrderRequest::new(side, kind, amount, Reason::EnterLong)
    }
    let sells = |row: usize, orders: &mut Orders| {
        let placed = match row {
            0 => request(FillSide::Buy, OrderKind::Market, Amount::Quote(900.0)),
            1 => request(FillSide::Sell, OrderKind::Limit(110.0), Amount::Position),
            _ => return,
        };
        orders.place(placed);
    };
    let buys = |row: usize, orders: &mut Orders| {
        if row == 1 {
            orders.place(request(FillSide::Buy, OrderKind::Limit(90.0), Amount::Units(1.0)));
            orders.place(request(FillSide::Buy, OrderKind::Limit(90.0), Amount::Units(2.0)));
        }
    };
    let scripts =
        [sells as fn(usize, &mut Orders), buys].map(|place| Script { place: Some(place), ..Script::default() });
    let validation = agree(&at_prices(&worlds, &scripts, free(), 1_000.0), "two");
    // 100 are left beside the first position: one unit at 90, and two no more, whatever the sale of that bar brings.
    assert_eq!(fills(&validation, 0), [(1, 9.0, 100.0), (2, 9.0, 110.0)]);
    assert_eq!(fills(&validation, 1), [(2, 1.0, 90.0)]);
    assert_eq!(validation.each[1].second.rejections, [(1, Rejection::NoCash)]);
}

#[test]
fn one_instrument_is_validated_as_alone() {
    let mut rng = worlds::seeded(7);
    let world = World::random(&mut rng);
    let run = named(Run::at_next_open(world.market(), threshold(), free(), 1_000.0), 0);
    let (alone, one) = (validate(&run).unwrap(), agree(std::slice::from_ref(&run), "one"));
    assert_eq!(one.each[0].second.equity, alone.second.equity);
    assert_eq!(one.final_equity, alone.final_equity);
}

#[test]
fn another_cost_of_one_instrument_is_found() {
    let worlds = [World::hourly(&[(100.0, 100.0, 0.0); 3]), World::hourly(&[(50.0, 50.0, 0.0); 3])];
    let script = Script { decide: Some(most_of_the_cash), ..Script::default() };
    let runs = at_prices(&worlds, &[script.clone(), script], free(), 1_000.0);
    let dear = NextOpen::new(Fraction::from_bps(1.0));
    let validation = compare_portfolio(&runs, vec![free(), free()], vec![dear, free()]).unwrap();
    // The whole loses 0.06 less the share that the first buys less of, from the fill on; what is left for the second is the same.
    assert!(!validation.agrees());
    assert_eq!(validation.differing, 2, "{validation:?}");
    assert!(!validation.each[0].agrees());
}

#[test]
fn instruments_that_do_not_share_an_account_are_refused() {
    let world = World::hourly(&[(100.0, 100.0, 0.0); 3]);
    let run = |i: usize| named(Run::at_next_open(world.market(), threshold(), free(), 1_000.0), i);
    let refused = |runs: &[Run<'_>]| match validate_portfolio(runs) {
        Err(RunError::Input(error)) => error,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(&[]), InputError::NoInstrument);
    assert_eq!(refused(&[run(0), run(0)]), InputError::TwoBases("FIRST".to_owned()));
    let rich = Run { capital: 2_000.0, ..run(1) };
    assert_eq!(refused(&[run(0), rich]), InputError::OneAccount { what: "the capital", base: "SECOND".to_owned() });
}

fn markets() -> u64 {
    std::env::var("Q50_PARITY_MARKETS").map_or(100, |count| count.parse().unwrap())
}

/// The same hours of another market, some of them missing.
fn beside(first: &World, rng: &mut rand_chacha::ChaCha8Rng) -> World {
    let mut world = World::random(rng);
    if rng.random_bool(0.7) {
        world.interval_ms = first.interval_ms;
        let bars = world.time.len().min(first.time.len());
        let [q10, q50, q90] = &mut world.quantiles;
        let prices = [&mut world.open, &mut world.high, &mut world.low, &mut world.close];
        for column in prices.into_iter().chain([&mut world.value, &mut world.side, &mut world.volume, q10, q50, q90]) {
            column.truncate(bars);
        }
        world.time = first.time[..bars].to_vec();
        world.first = world.first.min(bars - 1);
        // The last row of what was cut may have had no signal.
        let [q10, q50, q90] = &mut world.quantiles;
        for column in [&mut world.value, &mut world.side, q10, q50, q90] {
            column[bars - 1] = 0.5;
        }
    }
    world
}

/// What many portfolios came to.
#[derive(Debug, Default)]
struct Counts {
    fills: usize,
    no_cash: usize,
    limited: usize,
    failed: usize,
    events: usize,
}

impl Counts {
    fn add(&mut self, validation: &PortfolioValidation) {
        let second = validation.each.iter().map(|one| &one.second);
        for one in second {
            self.fills += one.fills.len();
            self.events += one.events.len();
            for (_, rejection) in &one.rejections {
                match rejection {
                    Rejection::NoCash => self.no_cash += 1,
                    Rejection::Limit(_) => self.limited += 1,
                    Rejection::TransactionFailed => self.failed += 1,
                    _ => {}
                }
            }
        }
    }
}

/// A strategy as it is, or within limits.
type Change = fn(&mut rand_chacha::ChaCha8Rng, StrategyConfig) -> StrategyConfig;

fn at_price_venues(stream: u64, change: Change) -> Counts {
    let (mut counts, mut worst) = (Counts::default(), 0.0_f64);
    for seed in 0..markets() {
        let mut rng = worlds::seeded((stream << 32) + seed);
        let first = World::random(&mut rng);
        let mut all = vec![first];
        for _ in 0..rng.random_range(1..3) {
            let next = beside(&all[0], &mut rng);
            all.push(next);
        }
        let capital = 10_f64.powf(rng.random_range(2.0..7.0));
        let runs: Vec<Run<'_>> = (all.iter().enumerate())
            .map(|(i, world)| {
                let strategy = match rng.random_bool(0.5) {
                    true => StrategyConfig::new(Random { seed: seed * 3 + i as u64, shorts: false, pool: false }),
                    false => worlds::strategy(&mut rng, false),
                };
                let strategy = change(&mut rng, strategy);
                let venue = worlds::next_open(&mut rng, &strategy).with_lot(world.lot(capital));
                named(Run::at_next_open(world.market(), strategy, venue, capital), i)
            })
            .collect();
        let validation = agree(&runs, &format!("portfolio {seed}"));
        counts.add(&validation);
        worst = worst.max(validation.max_equity_difference / capital);
    }
    println!("{counts:?}, equity within {worst:e}");
    counts
}

#[test]
fn random_markets_at_a_price_venue() {
    let counts = at_price_venues(4, |_, strategy| strategy);
    assert!(counts.fills > 3_000 && counts.no_cash > 100 && counts.events > 3_000, "{counts:?}");
}

#[test]
fn random_markets_at_a_price_venue_within_limits() {
    let counts = at_price_venues(6, worlds::limited);
    assert!(counts.fills > 2_000 && counts.limited > 500, "{counts:?}");
}

fn on_two_pools(stream: u64, change: Change) -> Counts {
    let mut counts = Counts::default();
    for seed in 0..markets() {
        let mut rng = worlds::seeded((stream << 32) + seed);
        let first = World::random(&mut rng);
        let all = [beside(&first, &mut rng), first];
        let paths: Vec<PoolPath> = all
            .iter()
            .map(|world| match rng.random_bool(0.5) {
                true => world.recorded_path(&mut rng),
                false => {
                    let depth = Lamports(rng.random_range(1..5_000) * SOL);
                    PoolPath::rebuilt(&world.open, &world.close, world.first, depth).unwrap()
                }
            })
            .collect();
        let capital = rng.random_range(0.1..200.0);
        let runs: Vec<Run<'_>> = (all.iter().zip(&paths).enumerate())
            .map(|(i, (world, path))| {
                let strategy = match rng.random_bool(0.3) {
                    true => StrategyConfig::new(Random { seed: seed * 3 + i as u64, shorts: false, pool: true }),
                    false => worlds::strategy(&mut rng, true),
                };
                let strategy = change(&mut rng, strategy);
                let (config, latency) = worlds::pump_swap(&mut rng);
                let run = Run::on_pool(world.market(), strategy, config, path, capital);
                named(Run { venue: VenueSetup::PumpSwap { config, path, latency }, ..run }, i)
            })
            .collect();
        let validation = agree(&runs, &format!("pools {seed}"));
        counts.add(&validation);
    }
    println!("{counts:?}");
    counts
}

#[test]
fn random_markets_on_two_pools() {
    let counts = on_two_pools(5, |_, strategy| strategy);
    assert!(counts.fills > 1_000 && counts.failed > 100, "{counts:?}");
}

#[test]
fn random_markets_on_two_pools_within_limits() {
    let counts = on_two_pools(7, worlds::limited);
    assert!(counts.fills > 700 && counts.limited > 200, "{counts:?}");
}

#[test]
fn the_legacy_timing_is_filled_before_the_next_instrument_decides() {
    let worlds = [World::hourly(&[(100.0, 100.0, 0.0); 3]), World::hourly(&[(50.0, 50.0, 0.0); 3])];
    let script = Script { decide: Some(most_of_the_cash), ..Script::default() };
    let venue = free().with_timing(FillTiming::SameClose);
    let validation = agree(&at_prices(&worlds, &[script.clone(), script], venue, 1_000.0), "legacy");
    // 600 of 1,000, then 0.6 of the 400 that are left: at the close of the first hour.
    assert_eq!((fills(&validation, 0), fills(&validation, 1)), (vec![(1, 6.0, 100.0)], vec![(1, 4.8, 50.0)]));
}
