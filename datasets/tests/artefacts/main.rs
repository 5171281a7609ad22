//! Bars that nobody could have traded are found in every disguise, and not in honest markets. The rates are those of
//! `cargo run -p q50-datasets --example artefacts`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

#[expect(unreachable_pub, reason = "an example has these markets too")]
mod markets;

use std::collections::BTreeMap;

use markets::{HONEST, market, pasted, stilled, straightened, straightened_logarithms, to_float32, to_tick};
use q50_datasets::{
    Bars,
    artefacts::{Artefact, ArtefactKind, artefacts},
    frame::{Frame, Wanted},
};
use q50_testing::real;

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
fn a_stretch_that_was_pasted_is_repeated_where_prices_hardly_ever_move() {
    for seed in 0..5 {
        // At a tick of 5 few closes move, and a bar says less than half a bit.
        let ticks = to_tick(&market(seed, BARS / 6, 0.005), 5.0);
        let found = found(&ticks.repeat(6));
        let bars = found.iter().find(|artefact| artefact.kind == ArtefactKind::Repeated).map_or(0, |found| found.bars);
        assert!(bars > BARS / 2, "{seed}: {found:?}");
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
    let found = found(&close);
    let [stale] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((stale.kind, stale.row, stale.longest), (ArtefactKind::Stale, 1_000, 40));
    // One more or less stood still by itself.
    assert!((39..=41).contains(&stale.bars), "{stale:?}");
    let text = Artefact { bars: 40, ..*stale }.text();
    assert_eq!(text, "40 bars stand still where a market would have moved, 40 at a time at most");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn real_records_have_next_to_no_artefact() {
    let sound = |name: &str, bars: &Bars| {
        let found = bars.artefacts(0..bars.len());
        let worst = found.iter().map(|artefact| artefact.bars).max().unwrap_or(0);
        assert!(worst as f64 <= 0.01 * bars.len() as f64, "{name}, {} bars: {found:?}", bars.len());
    };
    for name in ["btcusdt_1h.parquet", "btcusdt_1d_with_dominance_feargreed.parquet"] {
        sound(name, &Bars::read(&real("claim").join(name)).unwrap());
    }
    let wanted = Wanted {
        time: true,
        numbers: vec!["open", "high", "low", "close"],
        texts: vec!["pool_id", "src"],
        ..Wanted::default()
    };
    let frame = Frame::read(&real("pools/pools_ohlcv_1h.parquet"), &wanted).unwrap();
    let (pools, sources) = (frame.text("pool_id").unwrap(), frame.text("src").unwrap());
    let mut rows: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for row in 0..frame.rows() {
        rows.entry((&pools[row], &sources[row])).or_default().push(row);
    }
    assert!(rows.len() >= 71);
    for ((pool, _), mut rows) in rows {
        rows.sort_by_key(|row| frame.time()[*row]);
        rows.dedup_by_key(|row| frame.time()[*row]);
        let column = |name: &str| -> Vec<f64> { rows.iter().map(|row| frame.number(name).unwrap()[*row]).collect() };
        let time = rows.iter().map(|row| frame.time()[*row]).collect();
        let bars = Bars::new(time, column("open"), column("high"), column("low"), column("close"), None);
        // A pool with a single bar is none.
        if let Ok(bars) = bars {
            sound(pool, &bars);
        }
    }
}

#[test]
fn a_few_bars_and_a_constant_price_say_nothing() {
    assert_eq!(found(&stilled(&market(1, 99, 0.005), 3, 1)), []);
    assert_eq!(found(&vec![1.0; 20_000]), [], "nothing moves: there is no scale to judge by");
}
