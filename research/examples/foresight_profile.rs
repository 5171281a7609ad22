//! Prints how often the foresight profile warns of honest positions and of foresight, as `docs/METHODS.md` quotes it.
//!
//! `cargo run --release -p q50-research --example foresight_profile -- 1000 200`: honest markets in all, markets for each
//! kind and strength of foresight.

use q50_datasets::synth::SynthError;
use q50_research::{
    foresight_calibration::{Honest, Warned, planted},
    lookahead::planted::Recipe,
};

fn main() -> Result<(), SynthError> {
    let argument = |at: usize, default: u64| std::env::args().nth(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (honest, leaking) = (argument(1, 1_000), argument(2, 200));
    let kinds = Honest::ALL.len() as u64;
    let mut all = Warned::default();
    for (i, (name, kind)) in (0..).zip(Honest::ALL) {
        // As equal parts as there can be.
        let markets = honest / kinds + u64::from(i < honest % kinds);
        let warned = kind.warned(markets, 1 + i * 1_000_000);
        all = Warned { of: all.of + warned.of, warnings: all.warnings + warned.warnings };
        eprintln!("{name:<30} {:>5} of {:>5}", warned.warnings, warned.of);
    }
    let [low, high] = all.interval();
    eprintln!(
        "honest, all of them            {:>5} of {:>5}  {:.2} %, 95 % interval {:.2} % to {:.2} %",
        all.warnings,
        all.of,
        100.0 * all.share(),
        100.0 * low,
        100.0 * high
    );
    for bars in [26_280, 3_000] {
        for (name, recipe) in Recipe::ALL {
            let shares = [1.0, 0.5, 0.25, 0.1].map(|strength| Ok(planted(recipe, strength, bars, leaking, 1)?.share()));
            let shares = shares.into_iter().collect::<Result<Vec<f64>, SynthError>>()?;
            let cells: Vec<String> = shares.iter().map(|share| format!("{:>6.1}", 100.0 * share)).collect();
            eprintln!("{bars:>6} bars  {name:<27} {}", cells.join(" "));
        }
    }
    Ok(())
}
