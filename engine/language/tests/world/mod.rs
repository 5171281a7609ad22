//! A market that is made up, for tests that run programs.

use q50_engine::market::{Column, Market, Signals};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bars that wander and jump, with gaps in time, volumes and signals of which some are missing.
pub(crate) struct World {
    interval: i64,
    time: Vec<i64>,
    prices: [Vec<f64>; 4],
    volume: Vec<f64>,
    signal: Vec<f64>,
}

impl World {
    /// `bars` bars, `interval` milliseconds apart, but for gaps.
    pub(crate) fn new(seed: u64, bars: usize, interval: i64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut time, mut price) = (1_700_000_000_000 / interval * interval, 100.0_f64);
        let mut world =
            Self { interval, time: Vec::new(), prices: Default::default(), volume: Vec::new(), signal: Vec::new() };
        for _ in 0..bars {
            time += interval * if rng.random_bool(0.02) { rng.random_range(2..9) } else { 1 };
            let open = if rng.random_bool(0.05) { price * rng.random_range(0.95..1.05) } else { price };
            price = if rng.random_bool(0.1) { open } else { open * rng.random_range(0.985..1.0153) };
            let (high, low) = (open.max(price), open.min(price));
            let stretch = rng.random_range(0.0..0.01);
            let bar = [open, high * (1.0 + stretch), low * (1.0 - stretch), price];
            world.prices.iter_mut().zip(bar).for_each(|(column, value)| column.push(value));
            world.time.push(time);
            world.volume.push(if rng.random_bool(0.05) { f64::NAN } else { rng.random_range(0.0..50.0) });
            world.signal.push(if rng.random_bool(0.1) { f64::NAN } else { rng.random_range(-1.0..1.0) });
        }
        world
    }

    /// The market, traded from row `first` on.
    pub(crate) fn market(&self, first: usize) -> Market<'_> {
        let [open, high, low, close] = &self.prices;
        let signals = Signals::default()
            .with(Column::Volume, &self.volume)
            .with(Column::Q50, &self.signal)
            .with(Column::Side, &self.signal);
        Market { open_time: &self.time, open, high, low, close, signals, interval_ms: self.interval, first }
    }
}
