//! Bars that are passed over in one go give the bits of bars that are looked at one by one.

mod worlds;

use proptest::prelude::*;
use q50_engine::{
    decision::Decision,
    market::Market,
    orders::Event,
    record::{Recorder, Summary},
    replay::replay,
    strategy::{Explanation, StrategyConfig},
    units::{Fraction, Lamports},
    venue::{FillTiming, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Venue, pump_swap::Recovery},
};
use worlds::{World, strategies};

/// A summary that asks for every bar.
#[derive(Debug, Default)]
struct BarByBar(Summary);

impl Recorder for BarByBar {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, capital: f64, bars: usize) {
        self.0.begin(capital, bars);
    }

    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>) {
        self.0.decision(row, decision, explanation);
    }

    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }

    fn mark(&mut self, row: usize, equity: f64, exposure: f64) {
        self.0.mark(row, equity, exposure);
    }
}

fn both<V: Venue + Clone>(market: &Market<'_>, config: &StrategyConfig, venue: &V) -> (Summary, Summary) {
    let (mut apart, mut together) = (BarByBar::default(), Summary::default());
    replay(market, &mut config.prepare(market), &mut venue.clone(), 100.0, &mut apart);
    replay(market, &mut config.prepare(market), &mut venue.clone(), 100.0, &mut together);
    (apart.0, together)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_strategy_and_venue_gives_the_same_bits(
        rows in worlds::any_rows(),
        slots in 0_u32..12_000,
    ) {
        let world = World::new(&rows);
        let market = world.market();
        let price = NextOpen::new(Fraction::from_bps(5.0));
        let path = PoolPath::rebuilt(market.open, market.close, 3, Lamports(500_000_000_000)).unwrap();
        let pool = |recovery| {
            PumpSwap::new(PumpSwapConfig { recovery, latency_slots: slots, ..PumpSwapConfig::default() }, &path, 3)
        };
        for config in strategies() {
            let venue = if config.shorts() { price.with_free_shorting() } else { price };
            for timing in [FillTiming::NextOpen, FillTiming::SameClose] {
                let (apart, together) = both(&market, &config, &venue.with_timing(timing));
                prop_assert_eq!(apart, together, "{:?}", config);
            }
            for recovery in [Recovery::Restored, Recovery::HalfLife(7_200.0)] {
                let (apart, together) = both(&market, &config, &pool(recovery));
                prop_assert_eq!(apart, together, "{:?}", config);
            }
        }
    }
}

#[test]
fn the_worlds_of_this_test_are_traded_in() {
    let rows: Vec<(f64, f64, f64)> =
        (0..200).map(|t| (0.01 * (t as f64).sin(), 0.006 * (t as f64 * 0.3).sin(), 0.004)).collect();
    let world = World::new(&rows);
    for config in strategies() {
        let venue = NextOpen::new(Fraction::ZERO);
        let (_, summary) =
            both(&world.market(), &config, &if config.shorts() { venue.with_free_shorting() } else { venue });
        assert!(summary.fills >= 2, "{config:?} fills {}", summary.fills);
    }
}
