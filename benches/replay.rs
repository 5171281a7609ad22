//! Time of a replay, of sweeps and of the statistics that judge them. Every iteration asserts the value it computed.
//!
//! `cargo bench --bench replay`. Throughput is in bars (times sets): criterion prints elements per second.

#![allow(clippy::unwrap_used, missing_docs, reason = "a panic is how a benchmark fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use q50_datasets::{dataset::Dataset, synth::SynthConfig};
use q50_engine::{
    decision::{Decision, Reason},
    ledger::Account,
    market::{Column, History, Market},
    orders::{Amount, Event, OrderKind, OrderRequest, Orders},
    record::{Combine, Journal, Summary},
    replay::replay,
    strategy::{Strategy, StrategyConfig, q50::Q50Config, threshold::ThresholdConfig},
    units::{Fraction, Lamports, PeriodsPerYear},
    venue::{FillSide, FillTiming, PumpSwapConfig},
};
use q50_research::{
    inference::{BlockSums, Cscv, StationaryBootstrap},
    run::{PoolVenue, Prepared, PriceVenue, RunSettings, Source, VenueSettings},
    spec::DataSpec,
    sweep::{Space, Sweep},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bars of the real hourly record.
const BARS: usize = 70_784;
const YEAR: PeriodsPerYear = PeriodsPerYear::new(8_760.0);

/// A generated market of the real record's length, with a forecast on every bar.
struct World {
    data: Dataset,
    value: Vec<f64>,
}

impl World {
    fn new() -> Self {
        let market = SynthConfig { bars: BARS, ..SynthConfig::default() }.generate().unwrap();
        let data = Dataset::new(market.bars, &market.signals, None).unwrap();
        // A slow wave between 0 and 1 that crosses its thresholds every few dozen bars.
        let value = (0..data.market().len()).map(|t| 0.5 + 0.5 * (t as f64 / 11.0).sin()).collect();
        Self { data, value }
    }

    fn market(&self) -> Market<'_> {
        let market = self.data.market();
        Market { signals: market.signals.with(Column::Value, &self.value), ..market }
    }

    fn spec(&self, strategy: &StrategyConfig) -> DataSpec {
        DataSpec::of(&self.data, strategy)
    }
}

fn settings(strategy: StrategyConfig, pool: bool) -> RunSettings {
    let venue = if pool {
        VenueSettings::PumpSwap(PoolVenue { depth: Lamports(5_000_000_000_000), config: PumpSwapConfig::default() })
    } else {
        VenueSettings::NextOpen(PriceVenue {
            cost: Fraction::from_bps(5.0),
            spread: None,
            lot: None,
            fill_timing: FillTiming::NextOpen,
        })
    };
    RunSettings { strategy, venue, capital: 100.0, periods_per_year: YEAR }
}

fn threshold() -> StrategyConfig {
    StrategyConfig::new(ThresholdConfig { entry: 0.75, exit: 0.25, size: Fraction::ONE })
}

const THRESHOLD_GRID: &str = "[grid]\nentry = { from = 0.55, to = 0.95, steps = 5 }\n\
                              exit = { from = 0.05, to = 0.45, steps = 5 }\nsize = { from = 0.1, to = 1.0, steps = 4 }\n";
const Q50_GRID: &str = "[grid]\n\"gate.min_expected_value\" = { from = 0.0002, to = 0.002, steps = 10 }\n\
                        \"sizing.max_position\" = { from = 0.2, to = 1.0, steps = 10 }\n";

fn replays(c: &mut Criterion) {
    let world = World::new();
    let mut group = c.benchmark_group("replay/one set");
    group.throughput(Throughput::Elements(BARS as u64));
    for (name, strategy) in [("threshold", threshold()), ("q50", StrategyConfig::new(Q50Config::default()))] {
        let data = world.spec(&strategy);
        let settings = settings(strategy, false);
        let source = Source { market: world.market(), pool: None, contract: None, data: &data, instruments: &[] };
        let prepared = Prepared::new(source, &settings.venue).unwrap();
        let expected = run::<Summary>(&prepared, &settings);
        group.bench_function(format!("{name}/summary"), |b| {
            b.iter(|| assert_eq!(run::<Summary>(black_box(&prepared), &settings).final_equity, expected.final_equity));
        });
        group.bench_function(format!("{name}/journal"), |b| {
            b.iter(|| {
                assert_eq!(run::<Journal>(black_box(&prepared), &settings).equity.last(), Some(&expected.final_equity));
            });
        });
    }
    group.finish();
}

/// As a live host drives a strategy: chosen at run time, fed one bar after the other, every decision recorded.
fn streaming(c: &mut Criterion) {
    let world = World::new();
    let market = world.market();
    let mut group = c.benchmark_group("streaming/one set");
    group.throughput(Throughput::Elements(BARS as u64));
    for (name, strategy) in [("threshold", threshold()), ("q50", StrategyConfig::new(Q50Config::default()))] {
        let settings = settings(strategy.clone(), false);
        let data = world.spec(&strategy);
        let source = Source { market, pool: None, contract: None, data: &data, instruments: &[] };
        let expected = run::<Journal>(&Prepared::new(source, &settings.venue).unwrap(), &settings);
        group.bench_function(format!("{name}/journal"), |b| {
            b.iter(|| {
                let (mut strategy, mut journal) = (strategy.stream().unwrap(), Journal::default());
                let mut venue = settings.price_venue().unwrap();
                replay(black_box(&market), &mut strategy, &mut venue, settings.capital, &mut journal);
                assert_eq!(journal.equity.last(), expected.equity.last());
            });
        });
    }
    group.finish();
}

/// Buys a unit below the close and puts a stop and a target around it; ten bars without a fill, and it asks again.
struct Brackets;

impl Strategy for Brackets {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        if account.position == 0.0 && history.row().is_multiple_of(10) {
            let limit = OrderKind::Limit(0.998 * history.bar().close);
            let request = OrderRequest::new(FillSide::Buy, limit, Amount::Quote(50.0), Reason::EnterLong);
            orders.place(request.until(history.now() + 10 * 3_600_000));
        }
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        if let Some(fill) = event.fill()
            && fill.side == FillSide::Buy
        {
            let close = |kind, reason| OrderRequest::new(FillSide::Sell, kind, Amount::Position, reason);
            orders.place_pair([
                close(OrderKind::Stop(0.98 * fill.price), Reason::StopLoss),
                close(OrderKind::Limit(1.02 * fill.price), Reason::TakeProfit),
            ]);
        }
    }
}

/// Limits, stops and targets that wait, and the events of each.
fn orders(c: &mut Criterion) {
    let world = World::new();
    let market = world.market();
    let settings = settings(threshold(), false);
    let mut group = c.benchmark_group("orders/one set");
    group.throughput(Throughput::Elements(BARS as u64));
    let once = || {
        let mut journal = Journal::default();
        let mut venue = settings.price_venue().unwrap();
        replay(black_box(&market), &mut Brackets, &mut venue, settings.capital, &mut journal);
        journal
    };
    let expected = once();
    assert!(expected.fills.len() > 1_000, "{} fills", expected.fills.len());
    group.bench_function("brackets/journal", |b| {
        b.iter(|| assert_eq!(once().equity.last(), expected.equity.last()));
    });
    group.finish();
}

fn run<R: Combine>(prepared: &Prepared<'_>, settings: &RunSettings) -> R {
    let mut recorder = R::default();
    prepared.run(settings, &mut recorder);
    recorder
}

fn sweeps(c: &mut Criterion) {
    let world = World::new();
    let mut group = c.benchmark_group("sweep/100 sets, one thread");
    group.sample_size(20).throughput(Throughput::Elements(100 * BARS as u64));
    let q50 = StrategyConfig::new(Q50Config::default());
    for (name, grid, strategy, pool) in [
        ("threshold/next-open", THRESHOLD_GRID, threshold(), false),
        ("q50/next-open", Q50_GRID, q50.clone(), false),
        ("q50/pumpswap", Q50_GRID, q50, true),
    ] {
        let data = world.spec(&strategy);
        let base = settings(strategy, pool);
        let space = Space::parse(grid).unwrap();
        assert_eq!(space.count(), 100);
        let source = Source { market: world.market(), pool: None, contract: None, data: &data, instruments: &[] };
        let prepared = Prepared::new(source, &base.venue).unwrap();
        let sweep = Sweep::new(&prepared, base, &space).unwrap();
        let total = |sweep: &Sweep<'_>| -> f64 {
            (0..100)
                .map(|set| {
                    let settings = sweep.settings(&space.point(set)).unwrap();
                    run::<Summary>(&prepared, &settings).final_equity
                })
                .sum()
        };
        let expected = total(&sweep);
        group.bench_function(name, |b| b.iter(|| assert_eq!(total(black_box(&sweep)), expected)));
    }
    group.finish();
}

fn statistics(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(50);
    let returns: Vec<f64> = (0..6_600).map(|_| rng.random_range(-0.01..0.0101)).collect();
    let bootstrap = StationaryBootstrap::default();
    let interval = bootstrap.sharpe(&returns, YEAR).unwrap();
    let mut group = c.benchmark_group("statistics");
    group.sample_size(10);
    group.bench_function("bootstrap of a Sharpe ratio, 6,600 returns", |b| {
        b.iter(|| assert_eq!(bootstrap.sharpe(black_box(&returns), YEAR).unwrap().low, interval.low));
    });
    let cscv = Cscv::new(16).unwrap();
    let sets: Vec<Vec<BlockSums>> = (0..1_000)
        .map(|_| {
            let series: Vec<f64> = (0..1_600).map(|_| rng.random_range(-0.01..0.01)).collect();
            cscv.cut(&series).unwrap()
        })
        .collect();
    let expected = cscv.pbo(&sets).unwrap().pbo;
    group.bench_function("PBO of 1,000 sets in 16 blocks", |b| {
        b.iter(|| assert_eq!(cscv.pbo(black_box(&sets)).unwrap().pbo, expected));
    });
    group.finish();
}

criterion_group!(benches, replays, streaming, orders, sweeps, statistics);
criterion_main!(benches);
