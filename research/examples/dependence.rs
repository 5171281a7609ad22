//! How often noise passes the checks of chance, with returns that depend on each other: the table of `docs/METHODS.md`.
//!
//! `cargo run --release -p q50-research --example dependence -- 1000`; the argument is the number of series of a kind.

use q50_engine::units::{PerPeriodSharpe, PeriodsPerYear};
use q50_research::inference::{
    Moments, SharpeEstimate, StationaryBootstrap, normal, probabilistic_sharpe, share_interval, variance_inflation,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Bars of a series: a year of four-hour bars.
const BARS: usize = 2_190;

/// Noise of one kind: independent draws in, a series of as many returns out.
type Kind = fn(&[f64]) -> Vec<f64>;

fn main() {
    let series: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    let kinds: [(&str, Kind); 5] = [
        ("independent", <[f64]>::to_vec),
        ("AR(1) of 0.5", autoregression),
        ("every 8th price, interpolated", |draws| interpolated(draws, 8)),
        ("every 24th price, interpolated", |draws| interpolated(draws, 24)),
        ("volatility that grows tenfold", trending_volatility),
    ];
    eprintln!("{series} series of {BARS} returns a kind, mean 0; passes in % (95 % interval of Wilson)");
    for (name, kind) in kinds {
        let verdicts: Vec<[bool; 3]> = (0..series).into_par_iter().map(|seed| judge(&kind(&noise(seed)))).collect();
        let passed = |check: usize| {
            let count = verdicts.iter().filter(|passes| passes[check]).count();
            let [low, high] = share_interval(count as u64, series).map(|end| 100.0 * end);
            format!("{:.1} ({low:.1} to {high:.1})", 100.0 * count as f64 / verdicts.len() as f64)
        };
        eprintln!("{name:<31} PSR {:<20} significant {:<20} deflated {}", passed(0), passed(1), passed(2));
    }
}

/// PSR(0) >= 0.95; the 95 % interval above 0; DSR >= 0.95 of a single trial.
fn judge(returns: &[f64]) -> [bool; 3] {
    let zero = PerPeriodSharpe::new(0.0);
    let estimate = SharpeEstimate::from_returns(returns, Moments::Paper).ok();
    let discounted = estimate.zip(variance_inflation(returns).ok()).map(|(e, inflation)| e.discounted(inflation));
    let surely = |e: Option<SharpeEstimate>| {
        e.and_then(|e| probabilistic_sharpe(&e, zero).ok()).is_some_and(|probability| probability >= 0.95)
    };
    let interval = StationaryBootstrap::default().sharpe(returns, PeriodsPerYear::new(BARS as f64));
    [surely(estimate), interval.is_ok_and(|interval| interval.low.get() > 0.0), surely(discounted)]
}

fn noise(seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A warm-up before and a margin behind, so that every kind has a full series.
    (0..BARS + 100).filter_map(|_| normal::quantile(rng.random_range(1e-12..1.0)).ok()).collect()
}

fn autoregression(draws: &[f64]) -> Vec<f64> {
    let mut value = 0.0;
    let all = draws.iter().map(|draw| {
        value = 0.5 * value + draw;
        value
    });
    all.skip(100).collect()
}

/// Returns of prices of which only every `step`th is real: the others lie on the line between.
fn interpolated(draws: &[f64], step: usize) -> Vec<f64> {
    draws.iter().flat_map(|draw| std::iter::repeat_n(*draw, step)).take(BARS).collect()
}

fn trending_volatility(draws: &[f64]) -> Vec<f64> {
    let rows = draws.iter().take(BARS).enumerate();
    rows.map(|(row, draw)| draw * 10.0_f64.powf(row as f64 / BARS as f64)).collect()
}
