//! The trial ledger as somebody with something to hide meets it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use serde_json::Value;
use util::Workspace;

const HOUR: i64 = 3_600_000;
/// The first hour of 2022.
const START: i64 = 1_640_995_200_000;

/// A generator of numbers in [-0.5, 0.5), the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }
}

/// Bars with one column of signals, and the side that follows it.
#[derive(Clone)]
struct Record {
    interval: i64,
    rows: Vec<(i64, f64, f64)>,
}

impl Record {
    /// A random walk of hours, and a slow forecast of nothing.
    fn new(hours: usize) -> Self {
        let (mut price, mut signal, mut noise) = (100.0, 0.0, Noise(7));
        let rows = (0..hours as i64).map(|hour| {
            price *= 1.0 + 0.01 * noise.next();
            signal = 0.95 * signal + noise.next();
            (START + hour * HOUR, price, signal)
        });
        Self { interval: HOUR, rows: rows.collect() }
    }

    fn map(&self, change: impl Fn(usize, f64, f64) -> (f64, f64)) -> Self {
        let changed = |(row, &(time, price, signal)): (usize, &(i64, f64, f64))| {
            let (price, signal) = change(row, price, signal);
            (time, price, signal)
        };
        Self { rows: self.rows.iter().enumerate().map(changed).collect(), ..*self }
    }

    /// Bars of so many hours.
    fn resampled(&self, width: usize) -> Self {
        let bar = |hours: &[(i64, f64, f64)]| (hours[0].0, hours[width - 1].1, hours[width - 1].2);
        Self { interval: self.interval * width as i64, rows: self.rows.chunks_exact(width).map(bar).collect() }
    }

    fn csv(&self, column: &str) -> String {
        let mut text = format!("ts_ms,open,high,low,close,{column},side\n");
        for (time, price, signal) in &self.rows {
            text += &format!("{time},{price},{price},{price},{price},{signal},{}\n", i32::from(*signal > 0.0));
        }
        text
    }
}

/// Number of trials that a verdict on `file` is deflated for.
fn trials(w: &Workspace, file: &str, options: &str) -> u64 {
    let summary = w.json(&format!("verify --bars {{dir}}/{file} {options}"), 0);
    summary["inference"]["trials"].as_u64().unwrap()
}

const ALPHA: &str = "--strategy threshold --signal-column alpha --set entry=0.2 --set exit=-0.2";

#[test]
fn a_hundred_forecasts_of_one_file_are_a_hundred_trials() {
    let w = Workspace::new();
    let mut noise = Noise(1);
    let names: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    let mut text = format!("ts_ms,open,high,low,close,{}\n", names.join(","));
    for (time, price, _) in Record::new(150).rows {
        let cells: Vec<String> = (0..100).map(|_| noise.next().to_string()).collect();
        text += &format!("{time},{price},{price},{price},{price},{}\n", cells.join(","));
    }
    w.write("b.csv", text);
    for (number, name) in (1..).zip(&names) {
        let options = format!("--strategy threshold --signal-column {name} --set entry=0.1 --set exit=-0.1");
        let found = trials(&w, "b.csv", &options);
        if name == "n99" {
            assert_eq!(found, number);
        }
    }
    let listing = w.json("trials list", 0);
    assert_eq!((listing["markets"].as_array().unwrap().len(), &listing["markets"][0]["candidates"]), (1, &100.into()));
}

#[test]
fn no_disguise_of_a_market_begins_its_count_anew() {
    let w = Workspace::new();
    let long = Record::new(24 * 90);
    let own = Record { rows: long.rows[..24 * 60].to_vec(), ..long };
    let noise = |row: usize| Noise(row as u64 ^ 0x9e37_79b9).next();
    let mut dropped = own.clone();
    dropped.rows.remove(700);
    let half = Record { rows: own.rows[..720].to_vec(), ..own };
    let runs: [(&str, &Record, &str, u64); 14] = [
        ("the market", &own, "alpha", 1),
        (
            "a price moved by a hair",
            &own.map(|row, p, s| (if row == 99 { p * (1.0 + 1e-12) } else { p }, s)),
            "alpha",
            1,
        ),
        ("prices in thousands", &own.map(|_, p, s| (p / 1_000.0, s)), "alpha", 1),
        ("noise in prices", &own.map(|row, p, s| (p * (1.0 + 0.0004 * noise(row)), s)), "alpha", 1),
        ("quotes the other way round", &own.map(|_, p, s| (1.0 / p, s)), "alpha", 1),
        ("the column renamed", &own, "beta", 1),
        ("signals times 1.0000001", &own.map(|_, p, s| (p, s * 1.000_000_1)), "alpha", 2),
        ("signals inverted", &own.map(|_, p, s| (p, -s)), "alpha", 3),
        ("one bar dropped", &dropped, "alpha", 4),
        ("a month appended", &long, "alpha", 5),
        ("half the record", &half, "alpha", 6),
        ("bars of four hours", &own.resampled(4), "alpha", 7),
        ("bars of a day", &own.resampled(24), "alpha", 8),
        ("the market again", &own, "alpha", 8),
    ];
    for (name, record, column, expected) in runs {
        w.write("b.csv", record.csv(column));
        assert_eq!(trials(&w, "b.csv", &ALPHA.replace("alpha", column)), expected, "{name}");
    }
    assert_eq!(trials(&w, "b.csv", "--strategy side"), 9, "another family");
    let mut other = Noise(12);
    w.write("c.csv", own.map(|_, p, s| (p, s)).csv("alpha"));
    let elsewhere = own.rows.iter().map(|(time, _, signal)| (*time, 50.0 + 10.0 * other.next(), *signal)).collect();
    w.write("c.csv", Record { rows: elsewhere, ..own }.csv("alpha"));
    assert_eq!(trials(&w, "c.csv", ALPHA), 1, "another market has a count of its own");
}

#[test]
fn assumptions_and_spelling_are_no_trials() {
    let w = Workspace::new();
    w.write("b.csv", Record::new(300).csv("alpha"));
    for options in [
        "",
        "--cost-bps 0.5",
        "--cost-bps 2",
        "--cost-bps 10",
        "--cost-bps 50",
        "--cost-bps 500",
        "--capital 7",
        "--lot 0.5",
        "--spread-bps 3",
        "--fill-timing same-close",
        "--periods-per-year 8760",
        "--venue pumpswap --capital 10 --pool-depth 5000",
        "--signal-delay 3600",
        "--signal-max-age 3600",
        "--crossing sort",
        "--from 2022-01-01",
        "--to 2022-01-13T11:00:00Z",
    ] {
        assert_eq!(trials(&w, "b.csv", &format!("{ALPHA} {options}")), 1, "{options}");
    }
    assert_eq!(trials(&w, "b.csv", &format!("{ALPHA} --signal-delay 7200")), 2, "a later signal is another idea");
    assert_eq!(trials(&w, "b.csv", &format!("{ALPHA} --to 2022-01-12")), 3, "so is another window");
    assert_eq!(trials(&w, "b.csv", "--strategy side"), 4);
    assert_eq!(trials(&w, "b.csv", "--strategy side --absent hold"), 4, "the default said aloud");
    assert_eq!(trials(&w, "b.csv", "--strategy side --absent flat"), 5);
}

#[test]
fn costs_do_not_move_the_deflated_sharpe_ratio_of_the_demonstration() {
    let w = Workspace::new();
    let dsr = || w.json("verify", 0)["inference"]["dsr"].as_f64().unwrap();
    let before = dsr();
    for bps in [1, 8, 500] {
        w.json(&format!("verify --cost-bps {bps}"), 0);
    }
    assert_eq!(dsr(), before);
}

#[test]
fn every_report_has_the_head_that_a_check_looks_for() {
    let w = Workspace::new();
    w.write("b.csv", Record::new(200).csv("alpha"));
    let summary = w.json(&format!("verify --bars {{dir}}/b.csv {ALPHA} --out {{dir}}/v"), 0);
    let head = summary["ledger"]["head"].as_str().unwrap().to_owned();
    assert!(std::fs::read_to_string(w.path("v/report.html")).unwrap().contains(&head));
    let again = w.json(&format!("verify --bars {{dir}}/b.csv {ALPHA}"), 0);
    assert_eq!(again["ledger"], summary["ledger"], "nothing new was tried");
    w.write("g.toml", "[grid]\nentry = [0.1, 0.3]\n");
    let sweep = w.json(&format!("sweep --grid {{dir}}/g.toml --bars {{dir}}/b.csv {ALPHA} --out {{dir}}/s"), 0);
    assert_ne!(sweep["ledger"]["head"], summary["ledger"]["head"]);
    for head in [head.as_str(), &head[..16], sweep["ledger"]["head"].as_str().unwrap()] {
        let found = w.json(&format!("trials check --head {head}"), 0);
        assert_eq!((&found["has_head"], &found["broken"]), (&true.into(), &Value::Null));
    }
    let outcome = w.q50(&format!("trials check --head {}", "0".repeat(64)));
    assert!(outcome.code == 1 && outcome.stdout.contains("MISSING"), "{}", outcome.stdout);
    w.json(&format!("verify --bars {{dir}}/b.csv {ALPHA} --ledger {{dir}}/anew.sqlite"), 0);
    assert_eq!(w.q50(&format!("trials check --head {head} --ledger {{dir}}/anew.sqlite")).code, 1, "begun anew");
    w.refused("trials check --head 12", &["--head", "16 to 64"]);
    for command in ["check", "list", "export --out {dir}/e.parquet"] {
        w.refused(&format!("trials {command} --ledger {{dir}}/none.sqlite"), &["none.sqlite", "not there"]);
    }
}

#[test]
fn a_ledger_is_not_replaced_and_not_written_to_once_it_was_changed() {
    let w = Workspace::new();
    w.json("verify --ledger {dir}/l.sqlite", 0);
    w.refused("trials export --ledger {dir}/l.sqlite --out {dir}/l.sqlite", &["l.sqlite", "a database is there"]);
    let ledger = || rusqlite::Connection::open(w.path("l.sqlite")).unwrap();
    ledger().execute("DELETE FROM trials WHERE role = 1", []).unwrap();
    w.refused("verify --ledger {dir}/l.sqlite", &["broken at entry", "restore it"]);
    w.json("verify --ledger {dir}/m.sqlite", 0);
    let ignore = "CREATE TRIGGER t BEFORE INSERT ON trials BEGIN SELECT RAISE(IGNORE); END";
    rusqlite::Connection::open(w.path("m.sqlite")).unwrap().execute_batch(ignore).unwrap();
    w.refused("verify --ledger {dir}/m.sqlite", &["triggers"]);
}

#[test]
fn a_ledger_is_a_file() {
    let w = Workspace::new();
    for path in [":memory:", "file:x?mode=memory", "/dev/null", "{dir}"] {
        w.refused(&format!("verify --ledger {path}"), &["--ledger"]);
    }
    assert!(w.listing("").iter().all(|name| name == "q50-verify"), "{:?}", w.listing(""));
}

#[test]
fn a_campaign_counts_from_its_registration() {
    let w = Workspace::new();
    w.write("b.csv", Record::new(300).csv("alpha"));
    let set = |entry: f64| format!("--strategy threshold --signal-column alpha --set entry={entry} --set exit=-0.2");
    for entry in [0.1, 0.2, 0.3] {
        trials(&w, "b.csv", &set(entry));
    }
    w.refused(
        &format!("verify --bars {{dir}}/b.csv {} --campaign carry", set(0.4)),
        &["'carry'", "q50 trials campaign"],
    );
    let registered = w.json("trials campaign carry --idea more --bars {dir}/b.csv", 0);
    assert_eq!(registered["markets"][0]["campaigns"][0]["earlier"], 3);
    assert_eq!(trials(&w, "b.csv", &format!("{} --campaign carry", set(0.5))), 1);
    assert_eq!(trials(&w, "b.csv", &set(0.6)), 5, "who names no campaign counts all");
    let summary = w.json(&format!("verify --bars {{dir}}/b.csv {} --campaign carry", set(0.7)), 0);
    assert_eq!((&summary["inference"]["trials"], &summary["campaign"]["idea"]), (&3.into(), &"more".into()));
    let conditions = summary["conditions"].as_array().unwrap();
    let earlier = conditions.iter().find(|condition| condition["name"] == "earlier_trials").unwrap();
    assert!(earlier["text"].as_str().unwrap().starts_with("3 hypotheses were tried"), "{earlier}");
    w.refused("trials campaign carry --idea again --bars {dir}/b.csv", &["'carry'", "another name"]);
    w.write("g.toml", "[grid]\nentry = [0.71, 0.72]\n");
    let sweep = w.json(
        &format!("sweep --campaign carry --grid {{dir}}/g.toml --bars {{dir}}/b.csv {} --out {{dir}}/s", set(0.1)),
        0,
    );
    assert_eq!((&sweep["trials_counted"], &sweep["trials"]["candidates"]), (&5.into(), &8.into()));
}

#[test]
fn published_runs_are_as_many_as_the_list_has_and_can_be_forgotten_with_a_reason() {
    let w = Workspace::new();
    w.write("b.csv", Record::new(300).csv("alpha"));
    w.write("runs.csv", format!("id,sharpe\n{}", "A,1.0\n".repeat(50)));
    let imported = w.json("trials import {dir}/runs.csv --bars {dir}/b.csv --signal-column alpha", 0);
    let import = &imported["markets"][0]["imports"][0];
    assert_eq!((&imported["markets"][0]["published"], &import["source"]), (&50.into(), &"runs.csv".into()));
    assert_eq!(trials(&w, "b.csv", ALPHA), 51);
    let entry = import["entry"].as_i64().unwrap();
    w.refused(&format!("trials forget {} --reason mine", entry + 1), &["never forgotten"]);
    let forgotten = w.json(&format!("trials forget {entry} --reason mistake"), 0);
    assert_eq!(forgotten["markets"][0]["imports"][0]["forgotten"], "mistake");
    assert_eq!(trials(&w, "b.csv", ALPHA), 1);
    assert!(w.q50("trials list").stdout.contains("forgotten: mistake"));
    assert_eq!(w.json("trials check", 0)["broken"], Value::Null);
}
