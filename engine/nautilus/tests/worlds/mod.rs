//! Random markets, strategies and venues, and the recorded one.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test uses its part; a panic is a failure"
)]

use q50_datasets::{
    dataset::{Dataset, DatasetOptions},
    signals::CrossingPolicy,
    time::parse_ms,
};
use q50_engine::{
    market::{Column, Market, Signals},
    strategy::risk::RiskConfig,
    strategy::{
        StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        q50::{Q50Config, SellRule, gate::GateConfig},
        side::{Absent, FollowSideConfig},
        threshold::ThresholdConfig,
    },
    units::{Bps, Fraction, Lamports},
    venue::{
        FillTiming, LatencyPreset, NextOpen, PoolPath, PumpSwapConfig,
        pump_swap::{PoolFees, Recovery},
    },
};
use q50_testing::real;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const SOL: u64 = 1_000_000_000;

/// Columns of a market.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) time: Vec<i64>,
    pub(crate) open: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) close: Vec<f64>,
    pub(crate) value: Vec<f64>,
    pub(crate) side: Vec<f64>,
    /// Units of base; unknown where it is not set.
    pub(crate) volume: Vec<f64>,
    pub(crate) quantiles: [Vec<f64>; 3],
    pub(crate) interval_ms: i64,
    pub(crate) first: usize,
}

impl World {
    /// Hourly bars whose opens and closes are these, with this signal.
    pub(crate) fn hourly(bars: &[(f64, f64, f64)]) -> Self {
        let column = |f: fn(&(f64, f64, f64)) -> f64| bars.iter().map(f).collect::<Vec<f64>>();
        Self {
            time: (0..bars.len() as i64).map(|i| 1_700_000_000_000 + i * 3_600_000).collect(),
            open: column(|b| b.0),
            high: column(|b| b.0.max(b.1)),
            low: column(|b| b.0.min(b.1)),
            close: column(|b| b.1),
            value: column(|b| b.2),
            side: column(|b| if b.2 > 0.5 { 1.0 } else { 0.0 }),
            volume: vec![f64::NAN; bars.len()],
            quantiles: [column(|b| b.2 - 0.01), column(|b| b.2), column(|b| b.2 + 0.01)],
            interval_ms: 3_600_000,
            first: 0,
        }
    }

    /// A lot of some millionths of what `capital` buys, so that what is left of rounding is no order.
    pub(crate) fn lot(&self, capital: f64) -> f64 {
        10_f64.powf((capital / self.close[0]).log10().floor() - 5.0)
    }

    pub(crate) fn random(rng: &mut ChaCha8Rng) -> Self {
        let bars = rng.random_range(20..150);
        let interval_ms = [250, 1_000, 60_000, 420_000, 3_600_000][rng.random_range(0..5)];
        let mut price = 10_f64.powf(rng.random_range(-7.0..5.0));
        let step = rng.random_range(0.001..0.04);
        let mut time = if rng.random_bool(0.1) { 0 } else { 1_700_000_000_000 };
        let mut world = Self::hourly(&[]);
        world.interval_ms = interval_ms;
        world.first = rng.random_range(0..10);
        let gaps = rng.random_range(0.0..0.1);
        for i in 0..bars {
            let open = price * (1.0 + step * rng.random_range(-0.3..0.3));
            price = open * (1.0 + step * rng.random_range(-1.0..1.0));
            world.time.push(time);
            world.open.push(open);
            world.close.push(price);
            world.high.push(open.max(price) * (1.0 + step * rng.random_range(0.0..0.5)));
            world.low.push(open.min(price) * (1.0 - step * rng.random_range(0.0..0.5)));
            // The last bar has a signal: signals that end before the bars are refused.
            let missing = i + 1 < bars && rng.random_bool(0.1);
            let or_nan = |value: f64| if missing { f64::NAN } else { value };
            world.value.push(or_nan(rng.random_range(0.0..1.0)));
            world.side.push(or_nan([1.0, 0.0, -1.0][rng.random_range(0..3)]));
            world.volume.push(f64::NAN);
            let median = rng.random_range(-0.02..0.02);
            let half = rng.random_range(0.0005..0.03);
            world.quantiles[0].push(or_nan(median - half));
            world.quantiles[1].push(or_nan(median));
            world.quantiles[2].push(or_nan(median + half));
            time += interval_ms;
            if rng.random_bool(gaps) {
                time += rng.random_range(1..3 * interval_ms);
            }
        }
        world
    }

    pub(crate) fn market(&self) -> Market<'_> {
        let [q10, q50, q90] = &self.quantiles;
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals: Signals::default()
                .with(Column::Q10, q10)
                .with(Column::Q50, q50)
                .with(Column::Q90, q90)
                .with(Column::Value, &self.value)
                .with(Column::Side, &self.side)
                .with(Column::Volume, &self.volume),
            interval_ms: self.interval_ms,
            first: self.first,
        }
    }

    /// Reserves at each close: the price at a depth that liquidity changes at random.
    pub(crate) fn recorded_path(&self, rng: &mut ChaCha8Rng) -> PoolPath {
        let mut depth = 10_f64.powf(rng.random_range(9.0..13.0));
        let tokens = 10_f64.powf(rng.random_range(2.0..6.0));
        let (mut base, mut quote) = (Vec::new(), Vec::new());
        for close in &self.close {
            if rng.random_bool(0.05) {
                depth *= rng.random_range(0.5..2.0);
            }
            let root = (close / self.close[0]).sqrt();
            base.push((depth * tokens / root) as u64);
            quote.push((rng.random_range(0.99..1.01) * depth * root) as u64);
        }
        PoolPath::recorded(&base, &quote, self.time.len()).unwrap()
    }
}

pub(crate) fn threshold() -> StrategyConfig {
    StrategyConfig::new(ThresholdConfig { entry: 0.7, exit: 0.3, size: Fraction::ONE })
}

fn latency(rng: &mut ChaCha8Rng) -> Option<LatencyPreset> {
    let slots = LatencyPreset::SolanaSlots(rng.random_range(0..20));
    match rng.random_range(0..9) {
        0 => None,
        1 => Some(LatencyPreset::CoLocated),
        2 => Some(LatencyPreset::NearExchange),
        3 => Some(LatencyPreset::Domestic),
        4 => Some(LatencyPreset::Cloud),
        5 => Some(LatencyPreset::International),
        6 => Some(LatencyPreset::Retail),
        _ => Some(slots),
    }
}

fn maybe(rng: &mut ChaCha8Rng, most: f64) -> Option<Fraction> {
    rng.random_bool(0.6).then(|| Fraction::new(rng.random_range(0.002..most)))
}

pub(crate) fn strategy(rng: &mut ChaCha8Rng, pool: bool) -> StrategyConfig {
    let share =
        |rng: &mut ChaCha8Rng| Fraction::new(if rng.random_bool(0.5) { 1.0 } else { rng.random_range(0.05..1.0) });
    match rng.random_range(0..4) {
        0 => StrategyConfig::new(ThresholdConfig {
            entry: rng.random_range(0.4..0.8),
            exit: rng.random_range(0.2..0.4),
            size: share(rng),
        }),
        1 => {
            let absent = [Absent::Hold, Absent::Long, Absent::Flat][rng.random_range(0..3)];
            StrategyConfig::new(FollowSideConfig { size: share(rng), absent, ..FollowSideConfig::default() })
        }
        _ => {
            let trigger = if pool || rng.random_bool(0.4) { ExitTrigger::Close } else { ExitTrigger::Intrabar };
            let gate = GateConfig { min_expected_value: Fraction::ZERO, ..GateConfig::default() };
            let exits = ExitConfig {
                stop_loss: maybe(rng, 0.05),
                trailing_stop: maybe(rng, 0.05),
                take_profit: maybe(rng, 0.05).map(Fraction::get),
                max_hours: rng.random_bool(0.4).then(|| rng.random_range(0.1..24.0)),
                trigger,
            };
            let risk = RiskConfig {
                max_drawdown: maybe(rng, 0.2),
                cooldown_hours: rng.random_bool(0.7).then(|| rng.random_range(0.01..10.0)),
                max_daily_loss: maybe(rng, 0.2),
                max_consecutive_losses: rng.random_bool(0.3).then(|| rng.random_range(2..6)),
                ..RiskConfig::default()
            };
            let allow_short = !pool && rng.random_bool(0.5);
            let sell = if rng.random_bool(0.5) { SellRule::Full } else { SellRule::Partial };
            StrategyConfig::new(Q50Config { gate, allow_short, sell, ..Q50Config::default() })
                .with_exits(exits)
                .with_limits(risk)
        }
    }
}

/// The strategy within random limits on what is open.
pub(crate) fn limited(rng: &mut ChaCha8Rng, strategy: StrategyConfig) -> StrategyConfig {
    let mut share = || rng.random_bool(0.5).then(|| Fraction::new(rng.random_range(0.05..0.9)));
    let (total_exposure, instrument_exposure, correlated_exposure, heat) = (share(), share(), share(), share());
    let risk = strategy.guards().risk;
    strategy.with_limits(RiskConfig {
        total_exposure,
        instrument_exposure,
        correlated_exposure,
        correlation_window: Some(rng.random_range(2..20)),
        correlation_threshold: Some(Fraction::new(rng.random_range(0.1..0.9))),
        heat,
        max_positions: rng.random_bool(0.5).then(|| rng.random_range(1..3)),
        ..risk
    })
}

pub(crate) fn next_open(rng: &mut ChaCha8Rng, strategy: &StrategyConfig) -> NextOpen {
    let mut venue = NextOpen::new(Fraction::from_bps(rng.random_range(0.0..30.0)));
    if rng.random_bool(0.5) {
        venue = venue.with_spread(Fraction::new(rng.random_range(0.0..0.005)));
    }
    if rng.random_bool(0.1) {
        venue = venue.with_timing(FillTiming::SameClose);
    } else if let Some(latency) = latency(rng) {
        venue = venue.with_latency(latency);
    }
    if strategy.shorts() { venue.with_free_shorting() } else { venue }
}

pub(crate) fn pump_swap(rng: &mut ChaCha8Rng) -> (PumpSwapConfig, Option<LatencyPreset>) {
    let config = PumpSwapConfig {
        fees: if rng.random_bool(0.7) { PoolFees::Schedule } else { PoolFees::Uniform(rng.random_range(0..200)) },
        slippage: Bps(rng.random_range(0..400)),
        max_impact: Bps(rng.random_range(50..3_000)),
        latency_slots: rng.random_range(0..6),
        failures: Fraction::new(if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.6) }),
        seed: rng.random_range(0..1_000),
        priority_fee: Lamports(rng.random_range(0..2_000_000)),
        rent: if rng.random_bool(0.8) { Lamports(2_039_280) } else { Lamports(0) },
        recovery: if rng.random_bool(0.5) {
            Recovery::Restored
        } else {
            Recovery::HalfLife(rng.random_range(1.0..100_000.0))
        },
        sandwich: Fraction::new(if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..1.0) }),
        ..PumpSwapConfig::default()
    };
    (config, latency(rng))
}

pub(crate) fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The published record of 2024.
pub(crate) fn record() -> Dataset {
    let mut options = DatasetOptions::default();
    options.signals.crossing = CrossingPolicy::Keep;
    let bars = real("claim/btcusdt_1h.parquet");
    let signals = real("claim/q50_signals_v1_model_2024.parquet");
    let data = Dataset::read(&bars, Some(&signals), &options).unwrap();
    data.window(parse_ms("2024-01-01T00:00:00Z"), parse_ms("2024-09-30T23:00:00Z")).unwrap()
}
