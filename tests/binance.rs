//! `q50 data ingest binance`, `rebuild` and `verify`, on files laid out as data.binance.vision publishes them.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use q50_datasets::Bars;
use q50_datasets::frame::{Frame, Wanted};
use q50_datasets::write::write_parquet;
use serde_json::Value;
use sha2::{Digest, Sha256};
use util::Workspace;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 86_400_000;
/// 2024-01-01.
const FIRST: i64 = 1_704_067_200_000;
const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n";
const FUNDING_HEADER: &str = "calc_time,funding_interval_hours,last_funding_rate\n";

/// Minute `n` since 2024-01-01 as the archive writes it.
fn minute(n: i64) -> String {
    let (open, price) = (FIRST + n * MINUTE, 42_000.0 + 50.0 * (n as f64 / 97.0).sin());
    let (high, low, close) = (price + 7.25, price - 6.5, price + 1.5);
    let volume = 0.5 + (n % 7) as f64;
    format!(
        "{open},{price:.2},{high:.2},{low:.2},{close:.2},{volume},{},{:.4},{},{},{:.4},0\n",
        open + MINUTE - 1,
        volume * price,
        n % 11 + 1,
        volume / 2.0,
        volume * price / 2.0
    )
}

fn day(n: i64) -> String {
    (n * 1_440..(n + 1) * 1_440).map(minute).collect()
}

/// Three settlements of each of these days, some milliseconds late, as they are published.
fn funding(days: i64) -> String {
    let rows = (0..3 * days).map(|n| format!("{},8,{:.8}\n", FIRST + 8 * n * HOUR + n % 5, 1e-4 + n as f64 * 1e-6));
    rows.collect()
}

fn zipped(name: &str, text: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Writes a file below `in`, and the folders above it.
fn put(w: &Workspace, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = w.path("in").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn put_checksum(path: &Path) {
    let hash: String = Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = path.file_name().unwrap().to_string_lossy();
    fs::write(path.with_file_name(format!("{name}.CHECKSUM")), format!("{hash}  {name}\n")).unwrap();
}

/// The first days of 2024, a file a day.
fn put_days(w: &Workspace, days: std::ops::Range<i64>) {
    for n in days {
        put(w, &format!("BTCUSDT-1m-2024-01-{:02}.csv", n + 1), day(n));
    }
}

fn ingest(w: &Workspace, code: i32) -> Value {
    w.json("data ingest binance {dir}/in --out {dir}/out", code)
}

fn bars(w: &Workspace, name: &str) -> Bars {
    Bars::read(&w.path("out").join(name)).unwrap()
}

/// The bytes of the tables in a folder.
fn tables(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let tables = paths.filter(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    tables.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

#[test]
fn published_files_become_bars_mark_prices_and_funding() {
    let w = Workspace::new();
    let um = "data/futures/um";
    let first = put(
        &w,
        &format!("{um}/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip"),
        zipped("BTCUSDT-1m-2024-01-01.csv", &format!("{HEADER}{}", day(0))),
    );
    put_checksum(&first);
    put(&w, &format!("{um}/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-02.csv"), day(1));
    let flat: String = (0..48).map(|n| mark(FIRST + n * HOUR)).collect();
    put(&w, &format!("{um}/daily/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2024-01-02.csv"), format!("{HEADER}{flat}"));
    put(
        &w,
        &format!("{um}/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01.zip"),
        zipped("BTCUSDT-fundingRate-2024-01.csv", &format!("{FUNDING_HEADER}{}", funding(31))),
    );
    put(&w, &format!("{um}/daily/premiumIndexKlines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.csv"), day(0));
    let report = ingest(&w, 0);
    assert_eq!((&report["market"], &report["inserted"], &report["repeated"]), (&"um".into(), &3_021.into(), &0.into()));
    assert_eq!(report["passed_over"].as_array().unwrap().len(), 1, "{report:#}");
    let verified = |file: &Value| file["checksum_verified"] == true;
    assert_eq!(report["files"].as_array().unwrap().iter().filter(|file| verified(file)).count(), 1);

    let one = bars(&w, "BTCUSDT_1m.parquet");
    assert_eq!((one.len(), one.open_time[0], one.open[0], one.high[0]), (2_880, FIRST, 42_000.0, 42_007.25));
    for (name, ms) in [("5m", 5 * MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR), ("4h", 4 * HOUR), ("1d", DAY)] {
        let folded = bars(&w, &format!("BTCUSDT_{name}.parquet"));
        assert_eq!((folded.len() as i64, folded.interval_ms), (2 * DAY / ms, ms), "{name}");
        for (at, open_time) in folded.open_time.iter().enumerate() {
            let parts = at * (ms / MINUTE) as usize..(at + 1) * (ms / MINUTE) as usize;
            let most = |values: &[f64], f: fn(f64, f64) -> f64| values.iter().copied().reduce(f).unwrap();
            assert_eq!(*open_time, one.open_time[parts.start]);
            assert_eq!((folded.open[at], folded.close[at]), (one.open[parts.start], one.close[parts.end - 1]));
            assert_eq!(folded.high[at], most(&one.high[parts.clone()], f64::max));
            assert_eq!(folded.low[at], most(&one.low[parts.clone()], f64::min));
            // Halves: their sums are exact.
            let volume: f64 = one.volume.as_ref().unwrap()[parts].iter().sum();
            assert_eq!(folded.volume.as_ref().unwrap()[at], volume);
        }
    }
    let mark = bars(&w, "BTCUSDT_mark_4h.parquet");
    assert_eq!((mark.len(), mark.volume), (12, None));
    let wanted = Wanted { time: true, numbers: vec!["rate", "interval_hours"], ..Wanted::default() };
    let rates = Frame::read(&w.path("out/BTCUSDT_funding.parquet"), &wanted).unwrap();
    assert_eq!((rates.rows(), rates.time()[1], rates.number("rate").unwrap()[1]), (93, FIRST + 8 * HOUR, 0.000_101));
    assert_eq!(rates.number("interval_hours").unwrap()[0], 8.0);
    assert_eq!(w.json("data verify {dir}/out", 0)["defects"], Value::Array(Vec::new()));
}

/// An hour of mark prices: samples, and no volume.
fn mark(open: i64) -> String {
    format!("{open},42000,42010,41990,42001,0,{},0,3600,0,0,0\n", open + HOUR - 1)
}

#[test]
fn without_folders_what_has_no_volume_is_a_mark_price_and_microseconds_are_told_by_their_size() {
    let w = Workspace::new();
    let flat: String = (0..24).map(|n| mark(FIRST + n * HOUR)).collect();
    put(&w, "ETHUSDT-1h-2024-01-01.csv", flat);
    let text = day(0);
    let micro = text.lines().map(|line| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells[0] += "000";
        cells[6] += "999";
        cells.join(",") + "\n"
    });
    put(&w, "BTCUSDT-1m-2024-01-01.csv", micro.collect::<String>());
    let report = ingest(&w, 0);
    let file = |at: usize| &report["files"][at];
    assert_eq!((&file(0)["time_unit"], &file(0)["kind"]), (&"microseconds".into(), &"klines".into()));
    assert_eq!((&file(1)["kind"], &file(1)["kind_from_rows"]), (&"mark".into(), &true.into()));
    assert_eq!(bars(&w, "BTCUSDT_1m.parquet").open_time[..2], [FIRST, FIRST + MINUTE]);
    assert_eq!(bars(&w, "ETHUSDT_mark_1h.parquet").len(), 24);
    let text = w.q50("data ingest binance {dir}/in --out {dir}/out").stdout;
    assert!(text.contains("microseconds") && text.contains("taken for mark prices"), "{text}");
}

#[test]
fn a_second_ingest_inserts_nothing_and_changes_nothing_and_order_makes_no_difference() {
    let w = Workspace::new();
    put_days(&w, 0..2);
    assert_eq!(ingest(&w, 0)["inserted"], 2_880);
    let before = tables(&w.path("out"));
    let again = ingest(&w, 0);
    assert_eq!((&again["inserted"], &again["repeated"]), (&0.into(), &2_880.into()));
    assert!(again["catalog"]["files"].as_array().unwrap().iter().all(|file| file["changed"] == false));
    assert_eq!(tables(&w.path("out")), before);
    // The same rows, the last first, some of them twice, in a file of a month.
    let mut rows: Vec<String> = (0..2_880).chain(5..9).map(minute).collect();
    rows.reverse();
    w.write("BTCUSDT-1m-2024-01.csv", rows.concat());
    let other = w.json("data ingest binance {dir}/BTCUSDT-1m-2024-01.csv --out {dir}/other", 0);
    assert_eq!((&other["inserted"], &other["repeated"]), (&2_880.into(), &4.into()));
    assert_eq!(tables(&w.path("other")), before);
}

#[test]
fn a_row_that_contradicts_an_archived_one_is_listed_and_changes_nothing() {
    let w = Workspace::new();
    put_days(&w, 0..1);
    ingest(&w, 0);
    let before = tables(&w.path("out"));
    let changed = day(0).replacen("42001.50", "42002.50", 1);
    put(&w, "BTCUSDT-1m-2024-01-01.csv", changed);
    let report = ingest(&w, 1);
    assert_eq!((&report["inserted"], &report["repeated"]), (&0.into(), &1_439.into()));
    let conflict = &report["conflicts"][0];
    for (field, value) in [("column", "close"), ("time", "2024-01-01T00:00:00Z"), ("file", "BTCUSDT-1m-2024-01-01.csv")]
    {
        assert_eq!(conflict[field], value);
    }
    assert_eq!((&conflict["kept"], &conflict["offered"]), (&42_001.5.into(), &42_002.5.into()));
    assert_eq!(tables(&w.path("out")), before);
}

#[test]
fn what_is_damaged_is_refused_and_leaves_nothing() {
    let w = Workspace::new();
    let refused = |needles: &[&str]| {
        w.refused("data ingest binance {dir}/in --out {dir}/out", needles);
        assert!(!w.path("out").exists());
    };
    put_days(&w, 0..1);
    let second = put(&w, "BTCUSDT-1m-2024-01-02.csv", &day(1)[..60_000]);
    refused(&["BTCUSDT-1m-2024-01-02.csv", "columns", "fetch the file again"]);
    fs::write(&second, zipped("a.csv", &day(1))).unwrap();
    let whole = fs::read(&second).unwrap();
    fs::write(&second, &whole[..whole.len() / 2]).unwrap();
    refused(&["BTCUSDT-1m-2024-01-02.csv", "zip"]);
    fs::write(&second, day(1)).unwrap();
    put_checksum(&second);
    fs::write(&second, day(2)).unwrap();
    refused(&["BTCUSDT-1m-2024-01-02.csv", "SHA-256", "CHECKSUM says", "fetch both again"]);
    fs::remove_dir_all(w.path("in")).unwrap();
    put(&w, "notes.txt", "hello");
    refused(&["no file of Binance's archive", "BTCUSDT-1m-2024-01.zip"]);
    w.refused("data ingest binance {dir}/in/notes.txt --out {dir}/out", &["notes.txt", "SYMBOL-INTERVAL"]);
    w.refused("data ingest binance {dir}/none --out {dir}/out", &["none", "cannot read it"]);
}

#[test]
fn a_folder_holds_one_market_and_no_file_of_somebody_else() {
    let w = Workspace::new();
    put(&w, "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.csv", day(0));
    ingest(&w, 0);
    let before = tables(&w.path("out"));
    put(&w, "data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-02.csv", day(1));
    w.refused("data ingest binance {dir}/in --out {dir}/out", &["futures/um", "spot", "a folder of its own"]);
    assert_eq!(tables(&w.path("out")), before);
    fs::create_dir(w.path("mine")).unwrap();
    w.write("mine/BTCUSDT_1m.parquet", "mine");
    w.refused(
        "data ingest binance {dir}/in/data/spot --out {dir}/mine",
        &["BTCUSDT_1m.parquet", "nothing was replaced"],
    );
    assert_eq!(w.listing("mine"), ["BTCUSDT_1m.parquet"]);
    // A folder in which another process is at work.
    let lock = fs::File::open(w.path("out")).unwrap();
    lock.lock().unwrap();
    w.refused("data rebuild {dir}/out", &["another process is at work"]);
}

#[test]
fn the_catalog_is_made_again_from_the_archive_bit_for_bit() {
    let w = Workspace::new();
    put_days(&w, 0..2);
    put(&w, "BTCUSDT-fundingRate-2024-01.csv", funding(31));
    ingest(&w, 0);
    let before = tables(&w.path("out"));
    assert_eq!(before.len(), 7);
    fs::remove_file(w.path("out/BTCUSDT_4h.parquet")).unwrap();
    w.write("out/BTCUSDT_1h.parquet", "damaged");
    write_parquet(&w.path("out/BTCUSDT_1d.parquet"), &bars(&w, "BTCUSDT_5m.parquet").to_columns()).unwrap();
    let rebuilt = w.json("data rebuild {dir}/out", 0);
    let files = rebuilt["files"].as_array().unwrap();
    let changed: Vec<&Value> = files.iter().filter(|file| file["changed"] == true).map(|file| &file["file"]).collect();
    assert_eq!(changed, ["BTCUSDT_1h.parquet", "BTCUSDT_4h.parquet", "BTCUSDT_1d.parquet"]);
    assert_eq!(tables(&w.path("out")), before);
    w.refused("data rebuild {dir}/in", &["no archive.sqlite there"]);
}

#[test]
fn a_rebuild_that_is_killed_leaves_each_file_old_or_new() {
    let w = Workspace::new();
    put_days(&w, 0..2);
    ingest(&w, 0);
    let old = tables(&w.path("out"));
    put_days(&w, 2..8);
    ingest(&w, 0);
    let new = tables(&w.path("out"));
    assert!(old.iter().all(|(name, bytes)| new[name] != *bytes));
    for ms in (0..200).step_by(10) {
        old.iter().for_each(|(name, bytes)| fs::write(w.path("out").join(name), bytes).unwrap());
        let mut child = Command::new(env!("CARGO_BIN_EXE_q50"))
            .args(["data", "rebuild"])
            .arg(w.path("out"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, bytes) in tables(&w.path("out")) {
            assert!(bytes == old[&name] || bytes == new[&name], "{name} after {ms} ms");
        }
    }
    w.json("data rebuild {dir}/out", 0);
    assert_eq!(tables(&w.path("out")), new);
    assert!(w.listing("out").iter().all(|name| !name.ends_with("q50-tmp")), "{:?}", w.listing("out"));
}

/// Kind, file and first time of every defect.
fn defects(w: &Workspace, options: &str) -> Vec<(String, String, String)> {
    let verified = w.json(&format!("data verify {{dir}}/out {options}"), 1);
    assert_eq!(verified["sound"], false);
    let defects = verified["defects"].as_array().unwrap().iter();
    defects
        .map(|defect| {
            assert!(!defect["remedy"].as_str().unwrap().is_empty());
            let text = |field: &str| defect[field].as_str().unwrap_or_default().to_owned();
            (text("kind"), text("file"), text("time"))
        })
        .collect()
}

#[test]
fn every_defect_of_published_rows_is_found_with_its_file_and_time() {
    let at = |n: i64| FIRST + n * MINUTE;
    let row = |n: i64, cells: &str| format!("{},{cells},5,{},9,3,2,4,0\n", at(n), at(n) + MINUTE - 1);
    let with = |n: i64, cells: &str| day(0).replace(&minute(n), &row(n, cells));
    let time = |n: i64| q50_datasets::time::rfc3339(at(n));
    for (kind, text, first) in [
        ("gap", day(0).replace(&minute(600), ""), time(600)),
        ("row_count", (0..1_400).map(minute).collect(), time(1_400)),
        ("inconsistent_bar", with(7, "100,101,99,102"), time(7)),
        ("zero_price", with(7, "0,101,0,99"), time(7)),
        ("negative_price", with(7, "100,101,-1,99"), time(7)),
        ("missing_price", with(7, "100,101,99,NaN"), time(7)),
        ("missing_price", with(7, "100,101,99,"), time(7)),
        (
            "off_grid",
            day(0).replace(&minute(7), &minute(7).replace(&at(7).to_string(), &(at(7) + 1).to_string())),
            q50_datasets::time::rfc3339(at(7) + 1),
        ),
    ] {
        let w = Workspace::new();
        put(&w, "BTCUSDT-1m-2024-01-01.csv", text);
        ingest(&w, 0);
        let found = defects(&w, "");
        assert!(found.contains(&(kind.to_owned(), "BTCUSDT_1m.parquet".to_owned(), first)), "{kind}: {found:?}");
    }
    for (kind, text, first) in [
        ("missing_settlement", funding(31).replace(&format!("{},8,", FIRST + 8 * HOUR + 1), "#"), time(8 * 60)),
        ("rate", funding(31).replacen("0.00010000", "NaN", 1), time(0)),
    ] {
        let w = Workspace::new();
        put(
            &w,
            "BTCUSDT-fundingRate-2024-01.csv",
            text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect::<String>(),
        );
        ingest(&w, 0);
        let found = defects(&w, "");
        assert_eq!(found, [(kind.to_owned(), "BTCUSDT_funding.parquet".to_owned(), first)]);
    }
}

#[test]
fn every_defect_of_the_catalog_is_found_and_a_rebuild_repairs_it() {
    let w = Workspace::new();
    put_days(&w, 0..2);
    put(&w, "BTCUSDT-fundingRate-2024-01.csv", funding(31));
    ingest(&w, 0);
    assert_eq!(w.json("data verify {dir}/out", 0)["sound"], true);
    let good = bars(&w, "BTCUSDT_1h.parquet");
    let path = w.path("out/BTCUSDT_1h.parquet");
    let edited = |edit: fn(&mut Bars)| {
        let mut bars = good.clone();
        edit(&mut bars);
        write_parquet(&path, &bars.to_columns()).unwrap();
    };
    let seeds: [(&[&str], &dyn Fn()); 8] = [
        (&["missing_file"], &|| fs::remove_file(&path).unwrap()),
        (&["unreadable"], &|| fs::write(&path, "damaged").unwrap()),
        (&["differs"], &|| edited(|bars| bars.close[20] += 0.01)),
        (&["differs", "duplicate_timestamp"], &|| edited(|bars| bars.open_time[20] = bars.open_time[19])),
        (&["differs", "unsorted"], &|| edited(|bars| bars.open_time.swap(20, 21))),
        (&["differs", "negative_price"], &|| edited(|bars| bars.low[20] = -1.0)),
        (&["differs", "zero_price"], &|| edited(|bars| bars.low[20] = 0.0)),
        (&["differs", "inconsistent_bar"], &|| edited(|bars| bars.high[20] = 1.0)),
    ];
    for (kinds, seed) in seeds {
        seed();
        let found = defects(&w, "");
        for kind in kinds {
            assert!(
                found.iter().any(|(found, file, _)| found == kind && file == "BTCUSDT_1h.parquet"),
                "{kind}: {found:?}"
            );
        }
        w.json("data rebuild {dir}/out", 0);
        assert_eq!(w.json("data verify {dir}/out", 0)["sound"], true, "{kinds:?}");
    }
    // A table of a symbol that was never archived, and a symbol that is asked for and is not there, are no success.
    w.write("out/ETHUSDT_1h.parquet", fs::read(&path).unwrap());
    assert_eq!(defects(&w, ""), [("unknown_symbol".to_owned(), "ETHUSDT_1h.parquet".to_owned(), String::new())]);
    fs::remove_file(w.path("out/ETHUSDT_1h.parquet")).unwrap();
    assert_eq!(defects(&w, "--symbol BTCUSD")[0].0, "unknown_symbol");
    assert_eq!(w.json("data verify {dir}/out --symbol BTCUSDT", 0)["files"], 7);
    w.refused("data verify {dir}/in", &["in"]);
}
