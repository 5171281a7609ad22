//! Prints how often searches err, which `docs/METHODS.md` quotes.
//!
//! `cargo run --release -p q50-research --example noise_sweeps`; the arguments are the markets of a row (200) and a part of
//! the names of the rows that are wanted. A row of 200 takes about a minute of processor time.
//!
//! best: mean annual Sharpe ratio of the best set. PSR, DSR: share of markets in which it passes 0.95 without and with
//! deflation; DSR e: with the effective number of trials, whose mean is N e. V/V0: measured variance of the sets' ratios
//! over that of trials without skill. PBO: mean over markets with its standard error, 16 and 8 blocks.

use q50_engine::units::{AnnualSharpe, Fraction};
use q50_research::{
    sweep::Space,
    sweep_calibration::{GRID, Searched, SearchedMarkets, unrelated},
};

/// Annual Sharpe ratios that are planted.
const STRENGTHS: [f64; 8] = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let markets = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let space = Space::parse(GRID)?;
    let folder = tempfile::tempdir()?;
    eprintln!(
        "{} sets a market, three years of hours (unrelated: days), {markets} markets a row, seeds from 1",
        space.count()
    );
    eprintln!(
        "{:<24}{:>6}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}{:>7}",
        "market",
        "best",
        "gain %",
        "PSR %",
        "DSR %",
        "DSR e %",
        "N e",
        "V/V0",
        "V>V0 %",
        "PBO 16",
        "s.e.",
        "PBO 8",
        "s.e."
    );
    let planted = STRENGTHS.map(|sharpe| (format!("planted {sharpe}"), sharpe, 0.0));
    let noise = [0.0, 5.0, 20.0].map(|cost| (format!("noise, costs {cost} bp"), 0.0, cost));
    for (name, sharpe, cost) in noise.into_iter().chain(planted).filter(|(name, ..)| name.contains(&wanted)) {
        let kind = SearchedMarkets {
            space: &space,
            bars: 26_280,
            planted: AnnualSharpe::new(sharpe),
            cost: Fraction::from_bps(cost),
        };
        print(&name, &kind.searches(markets, 1, folder.path())?);
    }
    // Of days, not hours: only the length in years matters, and a series is drawn for each set.
    for sharpe in [0.0, 2.0, 3.0, 4.0] {
        let name = format!("unrelated, one at {sharpe}");
        if name.contains(&wanted) {
            let search = |seed| unrelated(1_000, AnnualSharpe::new(sharpe), seed);
            print(&name, &(1..=markets).map(search).collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(())
}

fn print(name: &str, all: &[Searched]) {
    let mean = |of: &dyn Fn(&Searched) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let share = |of: &dyn Fn(&Searched) -> bool| 100.0 * mean(&|s| f64::from(u8::from(of(s))));
    let error = |of: &dyn Fn(&Searched) -> f64| {
        let centre = mean(of);
        (mean(&|s| (of(s) - centre).powi(2)) / (all.len() as f64 - 1.0)).sqrt()
    };
    eprintln!(
        "{name:<24}{:>6.2}{:>9.1}{:>8.1}{:>8.1}{:>8.1}{:>8.1}{:>8.2}{:>8.1}{:>8.3}{:>8.3}{:>7.3}{:>7.3}",
        mean(&|s| s.best.get()),
        share(&|s| s.best.get() > 0.0),
        share(&|s| s.undeflated >= 0.95),
        share(&|s| s.deflated >= 0.95),
        share(&|s| s.deflated_effective >= 0.95),
        mean(&|s| s.effective as f64),
        mean(&|s| s.variance_ratio),
        share(&|s| s.variance_ratio > 1.0),
        mean(&|s| s.pbo[0]),
        error(&|s| s.pbo[0]),
        mean(&|s| s.pbo[1]),
        error(&|s| s.pbo[1]),
    );
}
