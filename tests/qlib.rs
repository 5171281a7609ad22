//! Qlib providers that q50 writes, as a user does it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_datasets::Bars;
use q50_datasets::qlib::Selection;
use q50_testing::real;
use util::Workspace;

/// Two hours of a coin.
fn bars(first: f64) -> String {
    format!(
        "datetime,open,high,low,close,volume\n2024-01-01 00:00:00,{first},9,0.5,2,7\n2024-01-01 01:00:00,2,9,0.5,{first},\n"
    )
}

#[test]
fn addresses_that_differ_in_case_alone_survive_a_round_trip() {
    let w = Workspace::new();
    w.write("a.csv", bars(1.25));
    w.write("b.csv", bars(1.5));
    let written = w.json("data export-qlib abC={dir}/a.csv aBc={dir}/b.csv CON={dir}/a.csv --out {dir}/p", 0);
    assert_eq!((&written["freq"], &written["values"], &written["rounded"]), (&"60min".into(), &27.into(), &0.into()));
    // On a disk that does not tell cases apart each folder is there once.
    let mut folders = w.listing("p/features");
    folders.iter_mut().for_each(|name| *name = name.to_lowercase());
    folders.dedup();
    assert_eq!(folders.len(), 3, "{folders:?}");
    for (symbol, open) in [("abC", 1.25), ("aBc", 1.5), ("con", 1.25)] {
        w.q50(&format!("data ingest qlib {{dir}}/p --symbol {symbol} --out {{dir}}/{symbol}.parquet"));
        let read = Bars::read(&w.path(&format!("{symbol}.parquet"))).unwrap();
        assert_eq!((read.open[0], read.close[1]), (open, open), "{symbol}");
        let volume = read.volume.unwrap();
        assert!(volume[0] == 7.0 && volume[1].is_nan(), "what is unknown stays unknown: {volume:?}");
    }
    w.refused("data ingest qlib {dir}/p --symbol ABC --out {dir}/x.parquet", &["several spellings", "`aBc`, `abC`"]);
}

#[test]
fn a_provider_is_never_written_over_another_and_a_refusal_leaves_nothing() {
    let w = Workspace::new();
    w.write("a.csv", bars(1.0));
    w.write("tiny.csv", bars(1e-60));
    w.write("none.csv", "datetime,colour\n2024-01-01,1\n");
    let before = w.listing("");
    w.refused("data export-qlib X={dir}/tiny.csv --out {dir}/p", &["1e-60", "32-bit"]);
    w.refused("data export-qlib X={dir}/none.csv --out {dir}/p", &["none.csv", "colour"]);
    w.refused("data export-qlib {dir}/a.csv --out {dir}/p", &["SYMBOL=FILE"]);
    assert_eq!(w.listing(""), before);
    assert_eq!(w.q50("data export-qlib X={dir}/a.csv --out {dir}/p").code, 0);
    w.refused("data export-qlib X={dir}/a.csv --out {dir}/p", &["something is there"]);
}

#[test]
fn signals_of_a_provider_are_judged_as_those_of_its_file() {
    let w = Workspace::new();
    let rows = (0..60).map(|hour| format!("{},-1,{},1\n", hour * 3_600_000, if hour % 9 < 4 { 0.25 } else { -0.5 }));
    w.write("s.csv", format!("ts_ms,q10,q50,q90\n{}", rows.collect::<String>()));
    w.write("b.csv", util::bars_csv(60));
    assert_eq!(w.q50("data export-qlib Coin={dir}/s.csv --out {dir}/p").code, 0);
    let judged = |signals: &str| w.json(&format!("verify --bars {{dir}}/b.csv --signals {signals}"), 0);
    let (file, provider) = (judged("{dir}/s.csv"), judged("qlib:{dir}/p"));
    assert_eq!(file["replay"], provider["replay"]);
    assert_eq!(file["data"]["hash"], provider["data"]["hash"]);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_record_of_eight_years_is_what_it_was() {
    let w = Workspace::new();
    let record = real("claim/btcusdt_1h.parquet");
    let written = w.json(&format!("data export-qlib BTCUSDT={} --out {{dir}}/p", record.display()), 0);
    assert_eq!(written["calendar"], 70_784);
    let (given, read) =
        (Bars::read(&record).unwrap(), Bars::read_selected(&w.path("p"), &Selection::default()).unwrap());
    assert_eq!((given.open_time, given.interval_ms), (read.open_time, read.interval_ms));
    // The record's prices are 32-bit floats.
    for (given, read) in
        [(given.open, read.open), (given.high, read.high), (given.low, read.low), (given.close, read.close)]
    {
        assert!(given.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
