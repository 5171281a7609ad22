//! Inference on generated tapes, where the truth is known.

use super::*;
use proptest::prelude::*;
use q50_datasets::trades::TradeSide;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// A pool, and how people trade in it.
#[derive(Clone, Copy, Debug)]
struct Pool {
    sol: f64,
    token: f64,
    fee_bps: f64,
    /// Largest trade as a share of the reserves.
    share: f64,
}

const POOL: Pool = Pool { sol: 250.0, token: 1e9, fee_bps: 28.0, share: 0.006 };

/// `n` trades two blocks apart; `event` multiplies both reserves before its trade, which moves no price.
fn tape(pool: Pool, n: usize, seed: u64, event: Option<(usize, f64)>) -> Vec<PoolTrade> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut x, mut y, kept) = (pool.sol, pool.token, 1.0 - pool.fee_bps / BPS);
    let mut trades = Vec::new();
    for i in 0..n {
        if let Some((_, factor)) = event.filter(|(at, _)| *at == i) {
            (x, y) = (x * factor, y * factor);
        }
        let size = pool.share * rng.random_range(0.3..1.0);
        let (block, ts_ms) = (1_000 + 2 * i as u64, 800 * i as i64);
        let (side, sol, token) = if rng.random_bool(0.55) {
            let sol = size * x;
            (TradeSide::Buy, sol, y * sol * kept / (x + sol * kept))
        } else {
            let token = size * y;
            (TradeSide::Sell, x * token * kept / (y + token * kept), token)
        };
        let sign = if side == TradeSide::Buy { 1.0 } else { -1.0 };
        (x, y) = (x + sign * sol, y - sign * token);
        trades.push(PoolTrade { block, seq: 0, ts_ms, side, sol, token });
    }
    trades
}

fn refusal(trades: &[PoolTrade]) -> Refusal {
    infer(trades, &Settings::default()).unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Reserves to 0.1 %, the fee to 0.1 bps.
    #[test]
    fn reserves_and_fee_of_a_generated_tape_are_recovered(
        ln_sol in 2.0..10.0_f64, ln_token in 5.0..25.0_f64, fee_bps in 0.0..130.0_f64,
        share in 0.001..0.02_f64, seed: u64,
    ) {
        let pool = Pool { sol: ln_sol.exp(), token: ln_token.exp(), fee_bps, share };
        let found = infer(&tape(pool, 80, seed, None), &Settings::default()).unwrap();
        prop_assert!((found.sol / pool.sol - 1.0).abs() < 1e-3, "{} SOL for {pool:?}", found.sol);
        prop_assert!((found.token / pool.token - 1.0).abs() < 1e-3, "{} tokens for {pool:?}", found.token);
        prop_assert!((found.fee_bps - pool.fee_bps).abs() < 0.1, "{} bps for {pool:?}", found.fee_bps);
        prop_assert_eq!(found.windows.len(), 80 - 12 + 1);
    }

    #[test]
    fn a_shuffled_tape_is_refused(seed: u64) {
        let mut trades = tape(POOL, 120, seed, None);
        // The places in the chain stay where they are, so that order alone does not give it away.
        let places: Vec<_> = trades.iter().map(|trade| (trade.block, trade.ts_ms)).collect();
        trades.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        for (trade, (block, ts_ms)) in trades.iter_mut().zip(places) {
            (trade.block, trade.ts_ms) = (block, ts_ms);
        }
        let refusal = refusal(&trades);
        prop_assert!(refusal.is_not_constant_product(), "{refusal}");
    }

    #[test]
    fn liquidity_that_comes_or_goes_is_refused(seed: u64, at in 24..96_usize, doubles: bool) {
        let refusal = refusal(&tape(POOL, 120, seed, Some((at, if doubles { 2.0 } else { 0.5 }))));
        prop_assert!(refusal.is_liquidity_event(), "{refusal}");
    }

    #[test]
    fn a_hole_in_the_blocks_is_refused(seed: u64, at in 1..100_usize, length in 13..19_usize) {
        let mut trades = tape(POOL, 120, seed, None);
        trades.drain(at..at + length);
        let refusal = refusal(&trades);
        prop_assert!(refusal.is_gap(), "{refusal}");
        prop_assert!(matches!(refusal.reasons()[0], Reason::Hole { holes: 1, trade, .. } if trade == at), "{refusal}");
    }
}

#[test]
fn a_hole_that_the_blocks_do_not_show_is_seen_in_the_residual() {
    let mut trades = tape(POOL, 120, 7, None);
    // Buys of 3 % of the pool go missing; the blocks are closed up behind them.
    let missing: Vec<usize> = (50..100).filter(|&i| trades[i].side == TradeSide::Buy).take(8).collect();
    for (gone, i) in missing.iter().enumerate() {
        trades.remove(i - gone);
    }
    for (i, trade) in trades.iter_mut().enumerate() {
        trade.block = 1_000 + 2 * i as u64;
    }
    let refusal = refusal(&trades);
    assert!(refusal.is_gap() && !matches!(refusal.reasons()[0], Reason::Hole { .. }), "{refusal}");
}

#[test]
fn noise_in_the_amounts_widens_the_windows_but_hardly_moves_their_median() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut trades = tape(POOL, 160, 3, None);
    for trade in &mut trades {
        let noise = 1.0 + 5.0 / BPS * rng.random_range(-1.0..1.0);
        match trade.side {
            TradeSide::Buy => trade.token *= noise,
            TradeSide::Sell => trade.sol *= noise,
        }
    }
    let found = infer(&trades, &Settings::default()).unwrap();
    assert!((found.sol / 250.0 - 1.0).abs() < 0.03 && (found.fee_bps - 28.0).abs() < 1.0, "{found:?}");
    assert!(found.sol_quartiles.0 < found.sol && found.sol < found.sol_quartiles.1);
    assert!(found.median_residual_bps < 5.0);
}

#[test]
fn a_given_fee_is_used_and_not_profiled() {
    let settings = Settings { fee: Fee::Given(28.0), ..Settings::default() };
    let trades = tape(POOL, 60, 5, None);
    let found = infer(&trades, &settings).unwrap();
    assert!(found.fee_profile.is_empty() && found.fee_bps == 28.0 && (found.sol - 250.0).abs() < 1e-3);
    assert!(found.path_residual_bps < 1e-3, "{}", found.path_residual_bps);
    let (last, net) = (found.path[59], tape::flows(&trades).iter().map(|flow| flow.sol).sum::<f64>());
    assert!((last.sol - found.sol - net).abs() < 1e-9 && last.block == trades[59].block);
}

#[test]
fn the_profile_is_lowest_next_to_the_fee() {
    let found = infer(&tape(POOL, 60, 5, None), &Settings::default()).unwrap();
    let lowest = found.fee_profile.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
    assert_eq!((lowest.fee_bps, found.fee_profile.len()), (30.0, 41));
}

#[test]
fn trades_of_one_price_have_no_constant_product() {
    // A pool that sells at a fixed price: whatever goes in, the price stays.
    let mut trades = tape(POOL, 60, 5, None);
    for trade in &mut trades {
        trade.token = trade.sol * if trade.side == TradeSide::Buy { 4e6 } else { 4.02e6 };
    }
    let refusal = refusal(&trades);
    assert!(refusal.reasons().iter().any(|r| matches!(r, Reason::Unidentified { .. })), "{refusal}");
}

#[test]
fn too_few_trades_and_settings_without_sense_are_refused() {
    assert!(refusal(&tape(POOL, 45, 1, None)).is_too_few());
    assert!(refusal(&[]).is_too_few());
    let bad = Settings { window: 3, fee: Fee::Given(10_000.0), ..Settings::default() };
    let refusal = infer(&tape(POOL, 60, 1, None), &bad).unwrap_err();
    assert!(refusal.is_bad_input());
    assert_eq!(
        refusal.to_string(),
        "no reserves from these trades: `window` is 3, where 6 or more is needed; `fee` is 10000, where 0 to below \
         10000 bps is needed"
    );
}
