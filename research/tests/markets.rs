//! Which real records are of one market.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use q50_datasets::{
    Bars,
    frame::{Frame, Wanted},
};
use q50_research::trials::Fingerprint;
use q50_testing::real;

const HOUR: i64 = 3_600_000;

/// A pool's source and name, and its bars by time.
type Pools = BTreeMap<(String, String), (Vec<i64>, Vec<f64>)>;

fn pools() -> Pools {
    let wanted = Wanted { time: true, numbers: vec!["close"], texts: vec!["src", "pool_id"], ..Wanted::default() };
    let frame = Frame::read(&real("pools/pools_ohlcv_1h.parquet"), &wanted).unwrap();
    let (source, pool) = (frame.text("src").unwrap(), frame.text("pool_id").unwrap());
    let mut rows: BTreeMap<(String, String), BTreeMap<i64, f64>> = BTreeMap::new();
    for (row, (&time, &close)) in frame.time().iter().zip(frame.number("close").unwrap()).enumerate() {
        rows.entry((source[row].clone(), pool[row].clone())).or_default().insert(time, close);
    }
    rows.into_iter().map(|(name, bars)| (name, bars.into_iter().unzip())).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn pools_of_other_tokens_are_markets_of_their_own() {
    let pools = pools();
    let prints: Vec<_> = pools
        .iter()
        .filter_map(|(name, (times, closes))| Some((name, Fingerprint::of(times, closes, HOUR)?)))
        .collect();
    assert!(prints.len() > 60, "{}", prints.len());
    let (mut compared, mut joined) = (0, Vec::new());
    for (at, (a, print)) in prints.iter().enumerate() {
        for (b, other) in &prints[..at] {
            compared += 1;
            if let Some(found) = print.agreement(other) {
                joined.push((a.1 == b.1, format!("{} {} and {} {}: {found}", a.0, a.1, b.0, b.1)));
            }
        }
    }
    println!("{compared} pairs");
    joined.iter().for_each(|(_, pair)| println!("{pair}"));
    let (same, others): (Vec<_>, Vec<_>) = joined.iter().partition(|(same, _)| *same);
    println!("{} pairs of one pool, {} of two", same.len(), others.len());
    assert!(others.is_empty(), "{others:?}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn bitcoin_is_one_market_by_the_hour_and_by_the_day_and_no_pool() {
    let hours = Bars::read(&real("claim/btcusdt_1h.parquet")).unwrap();
    let days = Bars::read(&real("claim/btcusdt_1d_with_dominance_feargreed.parquet")).unwrap();
    let print = |bars: &Bars| Fingerprint::of(&bars.open_time, &bars.close, bars.interval_ms).unwrap();
    let (hourly, daily) = (print(&hours), print(&days));
    println!("hours and days: {}", hourly.agreement(&daily).unwrap());
    let part =
        |from: usize, to: usize| Fingerprint::of(&hours.open_time[from..to], &hours.close[from..to], HOUR).unwrap();
    println!("a month of it: {}", part(60_000, 60_720).agreement(&hourly).unwrap());
    assert!(part(0, 30_000).agreement(&part(30_000, 60_000)).is_none(), "two halves share no bar");
    for (name, (times, closes)) in &pools() {
        let Some(pool) = Fingerprint::of(times, closes, HOUR) else { continue };
        assert!(hourly.agreement(&pool).is_none(), "{name:?}");
    }
}
