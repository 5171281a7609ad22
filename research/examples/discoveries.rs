//! Prints how often discovery errs, which `docs/METHODS.md` quotes.
//!
//! `cargo run --release -p q50-research --example discoveries`; the argument is the number of markets of a row (200).

use std::time::Instant;

use q50_research::{
    discovery::{Evolution, Markets, Outcome, Settings},
    inference::share_interval,
    overfit::Lengths,
};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200_u64);
    let settings = Settings {
        evolution: Evolution { population: 20, generations: 15, patience: 15 },
        seed: 1,
        seeds: 1,
        holdout: 0.2,
        judged: 3,
        walk_forward: Lengths { train: 270 * 24, test: 90 * 24, step: 30 * 24 },
    };
    eprintln!("{count} markets a row of 20,000 hourly bars, 20 candidates by 15 generations, seeds from 1");
    for (name, planted) in [("without an edge", false), ("a planted rule", true)] {
        let markets = Markets { bars: 20_000, planted, settings };
        let clock = Instant::now();
        let all = (1..=count).into_par_iter().map(|seed| markets.search(seed)).collect::<Result<Vec<_>, _>>()?;
        let seconds = clock.elapsed().as_secs_f64();
        let candidates: usize = all.iter().map(|outcome| outcome.evaluated).sum();
        eprintln!(
            "{name}: {} promoted something, {} found the rule or an equal; {candidates} candidates in {seconds:.0} s",
            share(&all, |outcome| outcome.findings > 0),
            share(&all, Outcome::is_found)
        );
    }
    Ok(())
}

/// A share with its 95 % interval.
fn share(all: &[Outcome], of: impl Fn(&Outcome) -> bool) -> String {
    let count = all.iter().filter(|outcome| of(outcome)).count() as u64;
    let [low, high] = share_interval(count, all.len() as u64).map(|end| 100.0 * end);
    format!("{count} of {} ({low:.1} to {high:.1} %)", all.len())
}
