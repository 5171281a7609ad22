//! The verdict's error rates, at a scale that a test can afford; `docs/METHODS.md` has the large one.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_engine::units::{PerPeriodSharpe, PeriodsPerYear};
use q50_research::{
    calibration::{Claimant, calibrate},
    inference::{Moments, SharpeEstimate, StationaryBootstrap, normal, probabilistic_sharpe},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
fn looking_at_ten_costs_takes_nothing_from_an_honest_claim() {
    let [once, often] = [Claimant::HonestWithEdge(2.0), Claimant::HonestAtTenCosts(2.0)]
        .map(|who| calibrate(who, 5, 1, BOOTSTRAP).unwrap());
    assert!(once == often && often.confirmed >= 3, "{once:?} and {often:?}");
}

#[test]
fn the_best_of_many_is_not_confirmed_when_a_ledger_was_there() {
    let tally = calibrate(Claimant::SearchesOnRecord(50), 2, 1, BOOTSTRAP).unwrap();
    assert_eq!(tally.confirmed, 0, "{tally:?}");
}

#[test]
fn the_best_of_many_is_not_confirmed_when_the_search_is_admitted() {
    let tally = calibrate(Claimant::AdmitsSearch(100), 10, 1, BOOTSTRAP).unwrap();
    assert!(tally.confirmed <= 1, "{tally:?}");
}

#[test]
fn noise_that_depends_on_itself_is_seldom_significant() {
    let year = PeriodsPerYear::new(500.0);
    let (mut naive, mut significant) = (0, 0);
    for seed in 0..200 {
        let returns = autoregression(0.5, 500, seed);
        let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper).unwrap();
        naive += usize::from(probabilistic_sharpe(&estimate, PerPeriodSharpe::new(0.0)).unwrap() >= 0.95);
        let interval = StationaryBootstrap { draws: 500, seed, ..Default::default() }.sharpe(&returns, year).unwrap();
        significant += usize::from(interval.low.get() > 0.0);
    }
    assert!(naive >= 22, "with returns taken as independent one in six passes: {naive} of 200");
    assert!(significant <= 13, "one in forty should, 14 or more of 200 have a probability below 0.1 %: {significant}");
}

/// x = a x + e with normal e, after a warm-up.
fn autoregression(a: f64, n: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut value = 0.0;
    let all = (0..n + 50).map(|_| {
        value = a * value + normal::quantile(rng.random_range(1e-12..1.0)).unwrap();
        value
    });
    all.skip(50).collect()
}
