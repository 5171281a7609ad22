//! Honest closing prices of many kinds, and what is done to them by those who have something to hide.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A market whose volatility comes and goes, by the hour of the day too, with the tails of a Student's t of 4 degrees.
pub fn market(seed: u64, bars: usize, volatility: f64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let (mut variance, mut shock, mut price) = (1.0_f64, 0.0_f64, 100.0_f64);
    let mut next = |hour: usize| {
        variance = 0.05 + 0.08 * shock * shock + 0.87 * variance;
        let chi_squared: f64 = (0..4).map(|_| normal().powi(2)).sum();
        // Student's t has a variance of 2 at 4 degrees.
        shock = (variance / 2.0).sqrt() * normal() / (chi_squared / 4.0).sqrt();
        let of_the_day = 1.0 + 0.6 * (std::f64::consts::TAU * hour as f64 / 24.0).sin();
        price *= (volatility * of_the_day * shock).clamp(-0.2, 0.2).exp();
        price
    };
    (0..bars).map(&mut next).collect()
}

pub fn to_tick(close: &[f64], tick: f64) -> Vec<f64> {
    // Divided, not multiplied, so that the price is the nearest float to its decimal, as a file has it.
    let ticks_in_one = 1.0 / tick;
    close.iter().map(|price| (price * ticks_in_one).round().max(1.0) / ticks_in_one).collect()
}

pub fn to_float32(close: &[f64]) -> Vec<f64> {
    close.iter().map(|price| f64::from(*price as f32)).collect()
}

/// A name, and the market of this kind with this seed.
pub type Kind = (&'static str, fn(u64, usize) -> Vec<f64>);

pub const HONEST: [Kind; 10] = [
    ("no tick", |seed, bars| market(seed, bars, 0.005)),
    ("32-bit floats", |seed, bars| to_float32(&market(seed, bars, 0.005))),
    ("tick 1 basis point", |seed, bars| to_tick(&market(seed, bars, 0.005), 0.01)),
    ("tick 25 basis points", |seed, bars| to_tick(&market(seed, bars, 0.005), 0.25)),
    ("tick 100 basis points", |seed, bars| to_tick(&market(seed, bars, 0.005), 1.0)),
    ("a finer tick from half on", |seed, bars| {
        let close = market(seed, bars, 0.005);
        [to_tick(&close[..bars / 2], 0.5), to_tick(&close[bars / 2..], 0.01)].concat()
    }),
    ("minutes, tick 1 basis point", |seed, bars| to_tick(&market(seed, bars, 0.000_5), 0.01)),
    ("minutes, 600 times the price", |seed, bars| {
        to_tick(&market(seed, bars, 0.000_5).iter().map(|price| 600.0 * price).collect::<Vec<_>>(), 0.01)
    }),
    ("a peg within four ticks", |seed, bars| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..bars).map(|_| (10_000.0 + f64::from(rng.random_range(-2..=2))) / 10_000.0).collect()
    }),
    ("bid and ask by turns", |seed, bars| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let middle = market(seed, bars, 0.000_5);
        let quotes: Vec<f64> = middle.iter().map(|m| m + if rng.random_bool(0.5) { 0.02 } else { -0.02 }).collect();
        to_tick(&quotes, 0.01)
    }),
];

/// A sixth of the record, six times over, each time from where the last one ended.
pub fn pasted(close: &[f64]) -> Vec<f64> {
    let part = close.len() / 6;
    (0..close.len()).map(|t| close[t % part] * (close[part - 1] / close[0]).powi((t / part) as i32)).collect()
}

/// A tenth of the bars moved onto straight lines, `run` at a time.
pub fn straightened(close: &[f64], run: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut close = close.to_vec();
    for _ in 0..close.len() / 10 / run {
        let from = rng.random_range(0..close.len() - run - 1);
        let step = (close[from + run + 1] - close[from]) / (run + 1) as f64;
        for i in 1..=run {
            close[from + i] = close[from] + step * i as f64;
        }
    }
    close
}

/// The same in the logarithm.
pub fn straightened_logarithms(close: &[f64], run: usize, seed: u64) -> Vec<f64> {
    let logarithms: Vec<f64> = close.iter().map(|price| price.ln()).collect();
    straightened(&logarithms, run, seed).iter().map(|logarithm| logarithm.exp()).collect()
}

/// A twentieth of the bars with the close before them, `run` at a time.
pub fn stilled(close: &[f64], run: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut close = close.to_vec();
    for _ in 0..close.len() / 20 / run {
        let from = rng.random_range(1..close.len() - run);
        let last = close[from - 1];
        close[from..from + run].fill(last);
    }
    close
}
