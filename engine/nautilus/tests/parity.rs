//! Both engines do the same: on 100 random markets for each kind of venue, or as many as `Q50_PARITY_MARKETS` says, and
//! on the published record.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod worlds;

use q50_engine::{
    strategy::{
        StrategyConfig,
        q50::Q50Config,
        side::{Absent, FollowSideConfig},
    },
    units::{Fraction, Lamports, PerPeriodSharpe},
    venue::{LatencyPreset, NextOpen, PoolPath, PumpSwapConfig, Rejection},
};
use q50_nautilus::{Run, Validation, VenueSetup, validate};
use rand::RngExt;

use worlds::{SOL, World};

/// Panics with the first differences where there are any.
fn agree(run: &Run<'_>, name: &str) -> Validation {
    let validation = validate(run).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(validation.agrees(), "{name}: {:#?}\n{:#?}\n{run:?}", validation.table, validation.differences);
    validation
}

/// What a set of random runs must have contained, or it has shown nothing.
#[derive(Debug, Default)]
struct Seen {
    fills: usize,
    rejections: usize,
    in_flight: usize,
    inside_a_bar: usize,
    resting: usize,
    failed: usize,
    program: usize,
    worst: f64,
}

impl Seen {
    fn add(&mut self, run: &Run<'_>, validation: &Validation) {
        let second = &validation.second;
        self.fills += second.fills.len();
        self.rejections += second.rejections.len();
        self.worst = self.worst.max(validation.max_equity_difference / run.capital);
        let count = |wanted: fn(&Rejection) -> bool| second.rejections.iter().filter(|r| wanted(&r.1)).count();
        self.in_flight += count(|r| *r == Rejection::InFlight);
        self.failed += count(|r| *r == Rejection::TransactionFailed);
        self.program += count(|r| matches!(r, Rejection::Program(_)));
        for fill in &second.fills {
            let time = fill.event.ts_event.as_u64() as i64 / 1_000_000;
            self.inside_a_bar += usize::from(run.market.open_time.binary_search(&time).is_err());
            self.resting += usize::from(fill.event.ts_init > fill.event.ts_event);
        }
    }
}

fn markets() -> u64 {
    std::env::var("Q50_PARITY_MARKETS").map_or(100, |count| count.parse().unwrap())
}

#[test]
fn random_markets_at_a_price_venue() {
    let mut seen = Seen::default();
    for seed in 0..markets() {
        let mut rng = worlds::seeded(seed);
        let world = World::random(&mut rng);
        let strategy = worlds::strategy(&mut rng, false);
        let venue = worlds::next_open(&mut rng, &strategy);
        let run = Run::at_next_open(world.market(), strategy, venue, 10_f64.powf(rng.random_range(2.0..7.0)));
        let validation = agree(&run, &format!("price venue {seed}"));
        seen.add(&run, &validation);
    }
    println!("{seen:?}");
    assert!(seen.fills > 1_000 && seen.in_flight > 30 && seen.inside_a_bar > 300 && seen.resting > 50, "{seen:?}");
}

#[test]
fn random_markets_on_a_pool() {
    let mut seen = Seen::default();
    for seed in 0..markets() {
        let mut rng = worlds::seeded((1 << 32) + seed);
        let world = World::random(&mut rng);
        let strategy = worlds::strategy(&mut rng, true);
        let (config, latency) = worlds::pump_swap(&mut rng);
        let path = if rng.random_bool(0.5) {
            let depth = Lamports(rng.random_range(1..5_000) * SOL);
            PoolPath::rebuilt(&world.open, &world.close, world.first, depth).unwrap()
        } else {
            world.recorded_path(&mut rng)
        };
        let mut run = Run::on_pool(world.market(), strategy, config, &path, rng.random_range(0.1..200.0));
        run.venue = VenueSetup::PumpSwap { config, path: &path, latency };
        let validation = agree(&run, &format!("pool {seed}"));
        seen.add(&run, &validation);
    }
    println!("{seen:?}");
    assert!(seen.fills > 1_000 && seen.in_flight > 30 && seen.inside_a_bar > 300, "{seen:?}");
    assert!(seen.failed > 100 && seen.program > 20, "{seen:?}");
}

fn side() -> StrategyConfig {
    StrategyConfig::new(FollowSideConfig { absent: Absent::Hold, ..FollowSideConfig::default() })
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_published_record_at_a_price_venue() {
    let data = worlds::record();
    let market = data.market();
    for (strategy, latency) in [
        (side(), LatencyPreset::SolanaSlots(0)),
        (side(), LatencyPreset::Retail),
        (StrategyConfig::new(Q50Config::default()), LatencyPreset::Cloud),
    ] {
        let venue = NextOpen::new(Fraction::from_bps(5.0)).with_latency(latency);
        let run = Run::at_next_open(market, strategy, venue, 10_000.0);
        let validation = agree(&run, run.strategy.family());
        report(run.strategy.family(), &validation);
        assert_eq!(validation.second.equity.len(), 6_576);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_published_record_on_a_rebuilt_pool() {
    let data = worlds::record();
    let market = data.market();
    let path = PoolPath::rebuilt(market.open, market.close, market.first, Lamports(1_000 * SOL)).unwrap();
    let config = PumpSwapConfig { failures: Fraction::new(0.05), ..PumpSwapConfig::default() };
    for strategy in [side(), StrategyConfig::new(Q50Config::default())] {
        let run = Run::on_pool(market, strategy, config, &path, 10.0);
        let validation = agree(&run, run.strategy.family());
        report(run.strategy.family(), &validation);
    }
}

fn report(name: &str, validation: &Validation) {
    let [first, second] = validation.sharpe.map(|sharpe| sharpe.map_or(f64::NAN, PerPeriodSharpe::get));
    println!(
        "{name}: {} fills, {} rejections, equity {:?} within {:e}, Sharpe per period {first} and {second}, gap {:e}",
        validation.second.fills.len(),
        validation.second.rejections.len(),
        validation.final_equity,
        validation.max_equity_difference,
        validation.second.account_gap,
    );
    assert!((first - second).abs() <= 1e-12);
}
