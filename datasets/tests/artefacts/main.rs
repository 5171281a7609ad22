//! Bars that nobody could have traded are found in every disguise, and not in honest markets. The rates are those of
//! `cargo run -p q50-datasets --example artefacts`.

#[expect(unreachable_pub, reason = "an example has these markets too")]
mod markets;

use markets::{HONEST, market, pasted, stilled, straightened, straightened_logarithms, to_float32, to_tick};
use q50_datasets::artefacts::{Artefact, ArtefactKind, artefacts};

const BARS: usize = 3_000;

fn found(close: &[f64]) -> Vec<Artefact> {
    artefacts(close, close, close, close, None)
}

fn kinds(close: &[f64]) -> Vec<ArtefactKind> {
    found(close).iter().map(|artefact| artefact.kind).collect()
}

#[test]
fn honest_markets_have_no_artefact_whatever_their_tick() {
    for (name, honest) in HONEST {
        for seed in 0..8 {
            assert_eq!(found(&honest(seed, BARS)), [], "{name}, {seed}");
        }
    }
}

#[test]
fn a_stretch_that_was_pasted_is_repeated_in_every_disguise() {
    for seed in 0..5 {
        let pasted = pasted(&market(seed, BARS, 0.005));
        let noisy: Vec<f64> = pasted.iter().enumerate().map(|(t, p)| p * (1.0 + 1e-5 * (t as f64).sin())).collect();
        let cheaper: Vec<f64> = pasted.iter().map(|price| price / 1_000.0).collect();
        for close in [to_tick(&pasted, 0.01), noisy, cheaper, pasted] {
            let found = found(&close);
            assert!(found[0].kind == ArtefactKind::Repeated && found[0].bars > BARS / 2, "{seed}: {found:?}");
        }
    }
}

#[test]
fn straight_lines_are_interpolated_however_long() {
    for seed in 0..5 {
        let close = market(seed, BARS, 0.005);
        for run in [1, 3, 24] {
            let straight = straightened(&close, run, seed);
            let geometric = straightened_logarithms(&close, run, seed);
            for close in [to_tick(&straight, 0.01), to_float32(&straight), straight, geometric] {
                assert_eq!(kinds(&close), [ArtefactKind::Interpolated], "{seed}: {run} at a time");
            }
        }
    }
}

#[test]
fn closes_that_stand_still_are_stale_beyond_what_the_tick_explains() {
    for seed in 0..5 {
        let close = market(seed, BARS, 0.005);
        for run in [1, 6, 60] {
            let still = stilled(&close, run, seed);
            for close in [to_tick(&still, 0.01), to_float32(&still), still] {
                assert_eq!(kinds(&close), [ArtefactKind::Stale], "{seed}: {run} at a time");
            }
        }
    }
}

#[test]
fn bars_without_a_trade_are_stale_whatever_the_tick() {
    // At a tick of 5 most closes of an honest market stand still.
    let close = to_tick(&market(1, BARS, 0.005), 5.0);
    let still = |t: usize| t > 0 && close[t] == close[t - 1];
    let volume: Vec<f64> = (0..BARS).map(|t| if still(t) { 0.0 } else { 1.0 }).collect();
    let count = (0..BARS).filter(|t| still(*t)).count();
    assert!(found(&close).is_empty());
    let found = artefacts(&close, &close, &close, &close, Some(&volume));
    assert_eq!(found.iter().map(|a| (a.kind, a.bars)).collect::<Vec<_>>(), [(ArtefactKind::Stale, count)]);
}

#[test]
fn the_longest_run_is_named() {
    let mut close = market(3, BARS, 0.005);
    let last = close[999];
    close[1_000..1_040].fill(last);
    let stale = Artefact { kind: ArtefactKind::Stale, bars: 40, row: 1_000, longest: 40 };
    assert_eq!(found(&close), [stale]);
    assert_eq!(stale.text(), "40 bars stand still where a market would have moved, 40 at a time at most");
}

#[test]
fn a_few_bars_and_a_constant_price_say_nothing() {
    assert_eq!(found(&stilled(&market(1, 99, 0.005), 3, 1)), []);
    assert_eq!(found(&vec![1.0; 20_000]), [], "nothing moves: there is no scale to judge by");
}
