//! How often the sequential tests of a live session alarm, and after how many fills or trades: the table of
//! `docs/METHODS.md`.
//!
//! `cargo run --release -p q50-research --example monitor_rates -- 1000`; the argument is the number of sessions of a kind.
//! Alarms are at 20 to 1, each test alone. Fills: mean shortfall 10 basis points, standard deviation 30, bound 100, modelled
//! 10. Trades: mean 0.2 %, standard deviation 2 %, 500 in the backtest.

use q50_research::{
    inference::{normal, share_interval},
    monitor::{Decay, Execution, alone},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Observations within which an alarm of a quiet session is counted.
const WITHIN: usize = 500;
/// Observations after which nobody waits any more.
const PATIENCE: usize = 3_000;
/// Trades of a backtest.
const BACKTEST: usize = 500;
/// Trades of a day, where a day has a shock of its own.
const DAY: usize = 10;
/// Trades whose mean is one observation, where trades depend on each other.
const BLOCK: usize = 10;

const BPS: f64 = 1e-4;
const MODELLED: f64 = 10.0 * BPS;
const BOUND: f64 = 100.0 * BPS;

/// Noise of mean 0 and variance 1.
type Noise = fn(&mut ChaCha8Rng, usize) -> Vec<f64>;

fn main() {
    let sessions: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    eprintln!(
        "{sessions} sessions a kind; alarms within {WITHIN} in % (95 % interval of Wilson), median until the alarm"
    );
    let kinds: [(&str, Noise, usize); 8] = [
        ("independent, normal", independent, 1),
        ("Student t, 3 degrees of freedom", student, 1),
        ("skewed (lognormal)", lognormal, 1),
        ("GARCH(0.10, 0.88)", garch, 1),
        ("AR(0.5)", autoregression, 1),
        ("common shock a day", shocks, 1),
        ("AR(0.5), means of ten", autoregression, BLOCK),
        ("common shock a day, means of ten", shocks, BLOCK),
    ];
    eprintln!("nothing changed");
    for (name, noise, block) in kinds {
        print(&format!("execution: {name}"), WITHIN / block, sessions, |rng| {
            execution(rng, noise, 10.0, 30.0, MODELLED, block)
        });
        print(&format!("decay: {name}"), WITHIN / block, sessions, |rng| decay(rng, noise, 1, 0.002, block));
    }
    for (name, noise) in [("AR(0.5)", autoregression as Noise), ("common shock a day", shocks)] {
        let tolerant = |rng: &mut ChaCha8Rng| execution(rng, noise, 10.0, 30.0, 15.0 * BPS, 1);
        print(&format!("execution: {name}, tested against 15 basis points"), WITHIN, sessions, tolerant);
    }
    print("decay: the best of 100 backtests", WITHIN, sessions, |rng| decay(rng, independent, 100, 0.002, 1));
    eprintln!("changed from the first");
    for (mean, sd) in [(20.0, 15.0), (20.0, 30.0), (20.0, 50.0), (15.0, 30.0), (30.0, 30.0)] {
        let name = format!("execution: {mean} basis points, standard deviation {sd}");
        print(&name, WITHIN, sessions, |rng| execution(rng, independent, mean, sd, MODELLED, 1));
    }
    for (name, mean) in [("gone", 0.0), ("reversed", -0.002), ("-1 % a trade", -0.01)] {
        print(&format!("decay: the edge is {name}"), WITHIN, sessions, |rng| decay(rng, independent, 1, mean, 1));
    }
    print("decay: the edge is reversed, Student t", WITHIN, sessions, |rng| decay(rng, student, 1, -0.002, 1));
}

/// Prints the share of sessions that alarm within so many observations, and the median of the observations until then.
fn print(name: &str, within: usize, sessions: u64, session: impl Fn(&mut ChaCha8Rng) -> Option<u64> + Sync) {
    let mut alarms: Vec<Option<u64>> =
        (0..sessions).into_par_iter().map(|seed| session(&mut ChaCha8Rng::seed_from_u64(seed))).collect();
    let early = alarms.iter().flatten().filter(|at| **at <= within as u64).count();
    let [low, high] = share_interval(early as u64, sessions).map(|end| 100.0 * end);
    alarms.sort_by_key(|at| at.unwrap_or(u64::MAX));
    let median = alarms[alarms.len() / 2].map_or_else(|| "-".to_owned(), |at| at.to_string());
    eprintln!("{name:<58} {:>5.1} ({low:.1} to {high:.1})  {median}", 100.0 * early as f64 / sessions as f64);
}

/// When a session alarms whose shortfalls have this mean and standard deviation, basis points.
fn execution(rng: &mut ChaCha8Rng, noise: Noise, mean: f64, sd: f64, modelled: f64, block: usize) -> Option<u64> {
    let mut test = Execution::alarming_at(alone());
    let fills: Vec<f64> = noise(rng, PATIENCE).into_iter().map(|e| (mean + sd * e) * BPS).collect();
    for shortfall in means(&fills, block) {
        test.observe(shortfall, modelled, BOUND).ok()?;
    }
    test.wealth().alarm_at()
}

/// When a session alarms whose trades have this mean, after a backtest that was the best of so many.
fn decay(rng: &mut ChaCha8Rng, noise: Noise, tried: usize, mean: f64, block: usize) -> Option<u64> {
    let trade = |mean: f64, e: &f64| mean + 0.02 * e;
    // Backtest and session are one stretch of time, so that what depends on the past does so across them.
    let all = noise(rng, BACKTEST + PATIENCE);
    let mut backtest: Vec<f64> = all[..BACKTEST].iter().map(|e| trade(0.002, e)).collect();
    for _ in 1..tried {
        let other: Vec<f64> = noise(rng, BACKTEST).iter().map(|e| trade(0.002, e)).collect();
        if other.iter().sum::<f64>() > backtest.iter().sum::<f64>() {
            backtest = other;
        }
    }
    let live: Vec<f64> = all[BACKTEST..].iter().map(|e| trade(mean, e)).collect();
    let mut test = Decay::alarming_at(alone(), &means(&backtest, block));
    for net_return in means(&live, block) {
        test.observe(net_return);
    }
    test.wealth().alarm_at()
}

fn means(values: &[f64], block: usize) -> Vec<f64> {
    values.chunks_exact(block).map(|chunk| chunk.iter().sum::<f64>() / block as f64).collect()
}

fn draw(rng: &mut ChaCha8Rng) -> f64 {
    normal::quantile(rng.random_range(1e-12..1.0)).unwrap_or(0.0)
}

fn independent(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| draw(rng)).collect()
}

fn student(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let one = |rng: &mut ChaCha8Rng| {
        let chi: f64 = (0..3).map(|_| draw(rng).powi(2)).sum();
        // Its variance is 3.
        draw(rng) / (chi / 3.0).sqrt() / 3.0_f64.sqrt()
    };
    (0..n).map(|_| one(rng)).collect()
}

fn lognormal(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let (mean, variance) = (0.5_f64.exp(), (1.0_f64.exp() - 1.0) * 1.0_f64.exp());
    (0..n).map(|_| (draw(rng).exp() - mean) / variance.sqrt()).collect()
}

fn garch(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let mut variance = 1.0;
    let mut next = |rng: &mut ChaCha8Rng| {
        let value = f64::sqrt(variance) * draw(rng);
        variance = 0.02 + 0.10 * value * value + 0.88 * variance;
        value
    };
    (0..n).map(|_| next(rng)).collect()
}

fn autoregression(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let mut value = draw(rng);
    let mut next = |rng: &mut ChaCha8Rng| {
        value = 0.5 * value + 0.75_f64.sqrt() * draw(rng);
        value
    };
    (0..n).map(|_| next(rng)).collect()
}

/// Trades of one day have 0.3 of their variance in common.
fn shocks(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let mut day = 0.0;
    let mut next = |rng: &mut ChaCha8Rng, at: usize| {
        if at.is_multiple_of(DAY) {
            day = draw(rng);
        }
        0.3_f64.sqrt() * day + 0.7_f64.sqrt() * draw(rng)
    };
    (0..n).map(|at| next(rng, at)).collect()
}
