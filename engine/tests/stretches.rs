//! Bars that are passed over in one go give the bits of bars that are looked at one by one.

use proptest::prelude::*;
use q50_engine::{
    decision::{Decision, Reason},
    market::{Market, Signals},
    record::{Recorder, Summary},
    replay::replay,
    risk::RiskConfig,
    strategy::{
        Explanation, StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        q50::{Q50Config, SellRule, gate::Significance, sizing::CapScope},
        side::{Absent, FollowSideConfig},
        threshold::ThresholdConfig,
    },
    units::{Fraction, Lamports},
    venue::{Fill, FillTiming, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Rejection, Venue, pump_swap::Recovery},
};

/// A summary that asks for every bar.
#[derive(Debug, Default)]
struct BarByBar(Summary);

impl Recorder for BarByBar {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, capital: f64) {
        self.0.begin(capital);
    }

    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>) {
        self.0.decision(row, decision, explanation);
    }

    fn fill(&mut self, fill: &Fill, reason: Reason) {
        self.0.fill(fill, reason);
    }

    fn rejection(&mut self, row: usize, rejection: Rejection) {
        self.0.rejection(row, rejection);
    }

    fn mark(&mut self, row: usize, equity: f64, exposure: f64) {
        self.0.mark(row, equity, exposure);
    }
}

struct World {
    time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    columns: [Vec<f64>; 5],
}

impl World {
    /// Prices and signals from `rows` of (return, signal, width), signals of one in ten bars missing.
    fn new(rows: &[(f64, f64, f64)]) -> Self {
        let (mut open, mut close, mut price) = (Vec::new(), Vec::new(), 100.0);
        for (change, ..) in rows {
            open.push(price);
            price *= 1.0 + change;
            close.push(price);
        }
        let signal = |f: fn(&(f64, f64, f64)) -> f64| -> Vec<f64> {
            rows.iter().enumerate().map(|(t, row)| if t % 10 == 7 { f64::NAN } else { f(row) }).collect()
        };
        Self {
            time: (0..rows.len() as i64).map(|t| t * 3_600_000).collect(),
            high: open.iter().zip(&close).map(|(o, c): (&f64, &f64)| o.max(*c) * 1.002).collect(),
            low: open.iter().zip(&close).map(|(o, c): (&f64, &f64)| o.min(*c) * 0.998).collect(),
            open,
            close,
            columns: [
                signal(|r| r.1 - r.2),
                signal(|r| r.1),
                signal(|r| r.1 + r.2),
                signal(|r| 0.5 + 50.0 * r.1),
                signal(|r| {
                    if r.1 > 0.002 {
                        1.0
                    } else if r.1 < -0.002 {
                        0.0
                    } else {
                        -1.0
                    }
                }),
            ],
        }
    }

    fn market(&self) -> Market<'_> {
        let [q10, q50, q90, value, side] = &self.columns;
        let signals = Signals {
            q10: Some(q10),
            q50: Some(q50),
            q90: Some(q90),
            value: Some(value),
            side: Some(side),
            ..Signals::default()
        };
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals,
            interval_ms: 3_600_000,
            first: 3,
        }
    }
}

fn both<V: Venue + Clone>(market: &Market<'_>, config: StrategyConfig, venue: &V) -> (Summary, Summary) {
    let (mut apart, mut together) = (BarByBar::default(), Summary::default());
    replay(market, &mut config.prepare(market), &mut venue.clone(), 100.0, &mut apart);
    replay(market, &mut config.prepare(market), &mut venue.clone(), 100.0, &mut together);
    (apart.0, together)
}

fn q50(change: impl FnOnce(&mut Q50Config)) -> StrategyConfig {
    let mut config = Q50Config::default();
    config.regime.min_observations = 10;
    change(&mut config);
    StrategyConfig::Q50(config)
}

fn strategies() -> Vec<StrategyConfig> {
    vec![
        StrategyConfig::Threshold(ThresholdConfig { entry: 0.6, exit: 0.4, size: Fraction::new(0.7) }),
        StrategyConfig::Side(FollowSideConfig::default()),
        StrategyConfig::Side(FollowSideConfig { absent: Absent::Flat, ..FollowSideConfig::default() }),
        q50(|_| {}),
        q50(|c| c.absent = Absent::Long),
        q50(|c| c.gate.significance = Significance::Threshold),
        q50(|c| c.sell = SellRule::Partial),
        q50(|c| c.allow_short = true),
        q50(|c| c.sizing.cap_scope = CapScope::PerOrder),
        q50(|c| c.sizing.half_at_drawdown = Some(Fraction::new(0.02))),
        q50(|c| c.exits = ExitConfig { stop_loss: Some(Fraction::new(0.01)), ..ExitConfig::default() }),
        q50(|c| {
            let trailing_stop = Some(Fraction::new(0.01));
            c.exits = ExitConfig { trailing_stop, trigger: ExitTrigger::Intrabar, ..ExitConfig::default() };
        }),
        q50(|c| c.risk = RiskConfig { max_drawdown: Some(Fraction::new(0.02)), ..RiskConfig::default() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_strategy_and_venue_gives_the_same_bits(
        rows in prop::collection::vec((-0.03_f64..0.03, -0.006_f64..0.006, 0.0005_f64..0.01), 4..220),
        slots in 0_u32..12_000,
    ) {
        let world = World::new(&rows);
        let market = world.market();
        let price = NextOpen::new(Fraction::from_bps(5.0));
        let path = PoolPath::rebuilt(&world.open, &world.close, 3, Lamports(500_000_000_000)).unwrap();
        let pool = |recovery| {
            PumpSwap::new(PumpSwapConfig { recovery, latency_slots: slots, ..PumpSwapConfig::default() }, &path, 3)
        };
        for config in strategies() {
            let venue = if config.shorts() { price.with_free_shorting() } else { price };
            for timing in [FillTiming::NextOpen, FillTiming::SameClose] {
                let (apart, together) = both(&market, config, &venue.with_timing(timing));
                prop_assert_eq!(apart, together, "{:?}", config);
            }
            for recovery in [Recovery::Restored, Recovery::HalfLife(7_200.0)] {
                let (apart, together) = both(&market, config, &pool(recovery));
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
            both(&world.market(), config, &if config.shorts() { venue.with_free_shorting() } else { venue });
        assert!(summary.fills >= 2, "{config:?} fills {}", summary.fills);
    }
}
