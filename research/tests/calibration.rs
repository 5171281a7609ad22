//! The verdict's error rates, at a scale that a test can afford; `docs/METHODS.md` has the large one.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_research::{
    calibration::{Claimant, calibrate},
    inference::StationaryBootstrap,
};

const BOOTSTRAP: StationaryBootstrap = StationaryBootstrap {
    mean_block: q50_research::inference::MeanBlock::Given(24.0),
    draws: 400,
    seed: 50,
    coverage: 0.95,
};

#[test]
fn an_honest_claim_without_edge_is_rarely_confirmed() {
    let tally = calibrate(Claimant::HonestWithoutEdge, 40, 1, BOOTSTRAP).unwrap();
    assert!(tally.confirmed <= 4, "5 % of 40 are 2, 5 or more have a probability below 5 %: {tally:?}");
}

#[test]
fn an_honest_claim_of_three_over_three_years_is_confirmed() {
    let tally = calibrate(Claimant::HonestWithEdge(3.0), 40, 1, BOOTSTRAP).unwrap();
    assert!(tally.confirmed >= 34, "90 % of 40 are 36: {tally:?}");
}

#[test]
fn the_best_of_many_is_not_confirmed_when_the_search_is_admitted() {
    let tally = calibrate(Claimant::AdmitsSearch(100), 10, 1, BOOTSTRAP).unwrap();
    assert!(tally.confirmed <= 1, "{tally:?}");
}
