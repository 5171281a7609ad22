//! Reserves from published trades of real pools: the dense one is fitted, the others are refused with their reasons.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use q50_datasets::pool_trades::{PoolTape, read_pool_trades};
use q50_research::reserves::{Reason, Settings, infer};
use q50_testing::real;

fn tape(pool: &str) -> PoolTape {
    read_pool_trades(&real("pools/pool_trades.parquet"), Some(pool)).unwrap()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_dense_pool_is_fitted() {
    let tape = tape("FcgExnc1");
    assert_eq!(tape.trades.len(), 124);
    let found = infer(&tape.trades, &Settings::default()).unwrap();
    println!(
        "{}: {:.1} SOL (quartiles {:.1} to {:.1}), {:.4e} tokens, fee {:.1} bps, median residual {:.2} bps over {} \
         windows, {:.2} bps along the path to {:.1} SOL",
        tape.pool,
        found.sol,
        found.sol_quartiles.0,
        found.sol_quartiles.1,
        found.token,
        found.fee_bps,
        found.median_residual_bps,
        found.windows.len(),
        found.path_residual_bps,
        found.path.last().unwrap().sol,
    );
    let worst = found.windows.iter().max_by(|a, b| a.median_residual_bps.total_cmp(&b.median_residual_bps)).unwrap();
    let mut depths: Vec<f64> = found.windows.iter().map(|window| (window.sol * window.token).sqrt()).collect();
    depths.sort_by(f64::total_cmp);
    println!(
        "worst window from trade {}: {:.1} bps; upper over lower quartile of depth {:.3}",
        worst.first + 1,
        worst.median_residual_bps,
        depths[84] / depths[28],
    );
    for point in found.fee_profile.iter().take(12) {
        println!(
            "fee {:>3} bps: loss {:.1}, median residual {:.2} bps",
            point.fee_bps, point.loss, point.median_residual_bps
        );
    }
    // The pool's snapshot, of an unknown hour of the same day, has 255.9.
    assert!((240.0..=260.0).contains(&found.sol), "{}", found.sol);
    assert!((20.0..=35.0).contains(&found.fee_bps), "{}", found.fee_bps);
    assert!(found.median_residual_bps < 10.0, "{}", found.median_residual_bps);
    assert_eq!(found.windows.len(), 124 - 12 + 1);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_pool_in_disorder_is_refused_with_its_reasons() {
    // CR7 / SOL.
    let tape = tape("2Ausg8Sc");
    let refusal = infer(&tape.trades, &Settings::default()).unwrap_err();
    println!("{refusal}");
    assert!(refusal.is_gap() && refusal.is_not_constant_product(), "{refusal}");
    let has = |is: fn(&Reason) -> bool| refusal.reasons().iter().any(is);
    assert!(has(|r| matches!(r, Reason::Hole { holes: 3, longest: 771, .. })), "{refusal}");
    assert!(has(|r| matches!(r, Reason::UnknownOrder { tied: 27, steps: 45, .. })), "{refusal}");
    assert!(has(|r| matches!(r, Reason::Residual { found, .. } if *found > 500.0)), "{refusal}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn polled_and_sparse_pools_are_refused_for_their_holes() {
    for pool in ["Cnd9CKtG", "7bqJG2Zd", "F5vAiFCP", "5LKHMd2r", "9T8xix8d"] {
        let tape = tape(pool);
        let refusal = infer(&tape.trades, &Settings::default()).unwrap_err();
        println!("{pool}: {} trades: {refusal}", tape.trades.len());
        assert!(refusal.is_gap() || refusal.is_too_few(), "{refusal}");
    }
}
