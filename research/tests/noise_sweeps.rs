//! How often searches err, at a scale that a test can afford; `docs/METHODS.md` has the large one.
//!
//! Bounds are binomial: 20 markets, seeds fixed, each bound missed with a probability below 0.5 % where the statistics do
//! what `docs/METHODS.md` says of them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_engine::units::{AnnualSharpe, Fraction};
use q50_research::{
    sweep::Space,
    sweep_calibration::{Searched, SearchedMarkets, unrelated},
};

const MARKETS: u64 = 20;
/// 200 sets, the best long/flat rule among them.
const GRID: &str = "[grid]
entry = { from = 0.6, to = 2.4, steps = 10 }
exit = { from = 0.6, to = -1.2, steps = 10 }
size = [1.0, 0.5]";

fn searched(planted: f64) -> Vec<Searched> {
    let space = Space::parse(GRID).unwrap();
    let planted = AnnualSharpe::new(planted);
    let markets = SearchedMarkets { space: &space, bars: 26_280, planted, cost: Fraction::ZERO };
    let folder = tempfile::tempdir().unwrap();
    markets.searches(MARKETS, 1, folder.path()).unwrap()
}

fn count(all: &[Searched], of: impl Fn(&Searched) -> bool) -> usize {
    all.iter().filter(|s| of(s)).count()
}

#[test]
fn the_best_set_of_a_search_through_noise_is_rarely_significant() {
    let all = searched(0.0);
    assert!(all.iter().all(|s| s.trials == 200), "every set is a trial");
    let deflated = count(&all, |s| s.deflated >= 0.95);
    assert!(deflated <= 4, "at 5 % five or more of 20 have a probability of 0.3 %: {deflated}");
    // Symmetry: without an edge the chosen set is as often above the median as below it.
    let overfit = count(&all, |s| s.pbo[0] > 0.5);
    assert!((4..=16).contains(&overfit), "outside 4 to 16 of 20 tosses: 0.3 %: {overfit}");
}

#[test]
fn the_best_of_unrelated_sets_without_skill_passes_without_deflation_and_not_with_it() {
    let all: Vec<Searched> = (1..=MARKETS).map(|seed| unrelated(200, AnnualSharpe::new(0.0), seed).unwrap()).collect();
    let undeflated = count(&all, |s| s.undeflated >= 0.95);
    assert_eq!(undeflated, 20, "the best of 200 is below the 95 % quantile once in 28,000 searches");
    let deflated = count(&all, |s| s.deflated >= 0.95);
    assert!(deflated <= 4, "at 5 % five or more of 20 have a probability of 0.3 %: {deflated}");
}

#[test]
fn a_planted_edge_of_four_is_found() {
    let all = searched(4.0);
    let deflated = count(&all, |s| s.deflated >= 0.95);
    assert!(deflated >= 11, "at 80 % ten or fewer of 20 have a probability of 0.3 %: {deflated}");
    let chosen_well = count(&all, |s| s.pbo[0] < 0.5);
    assert!(chosen_well >= 16, "at 95 % fifteen or fewer of 20 have a probability of 0.3 %: {chosen_well}");
}
