//! `q50 overfit` as a user sees it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::path::Path;

use q50_datasets::{
    Input,
    frame::{Frame, Wanted},
};
use serde_json::Value;
use util::{Workspace, bars_csv};

const FILES: [&str; 4] =
    ["combinatorial_paths.parquet", "overfit.json", "walk_forward.parquet", "walk_forward_equity.parquet"];

const CHECKS: [&str; 8] =
    ["walk_forward", "purged_k_fold", "combinatorial", "pbo", "reality_check", "spa", "deflated", "random_entry"];

const WALK: [&str; 9] = [
    "window",
    "train_from_ms",
    "train_to_ms",
    "test_from_ms",
    "test_to_ms",
    "set",
    "sharpe_in_sample",
    "sharpe_out_of_sample",
    "profitable",
];

/// Four sets of the q50 strategy.
const Q50_GRID: &str = "[grid]\n\"gate.min_expected_value\" = [0.0, 0.0005]\n\"sizing.max_position\" = [0.5, 1.0]\n";

/// Ten sets of the threshold rule on the median forecast.
const THRESHOLD_GRID: &str = "[grid]\nentry = [0.0, 0.0001, 0.0002, 0.0003, 0.0004]\nexit = [-0.0002, 0.0]\n";

/// A year without an edge, and its overfitting checks on a few windows.
const NOISE: &str = "--strategy threshold --signal-column q50 --bars {dir}/m/bars.parquet --signals \
                     {dir}/m/signals.parquet --train-days 90 --test-days 30 --step-days 30 --resamples 200 \
                     --random-runs 200 --blocks 8";

fn noise_market(w: &Workspace) {
    w.json("data synth --out {dir}/m --information-coefficient 0 --bars 8760 --seed 1", 0);
}

fn states(report: &Value) -> Vec<(&str, &str)> {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["name"].as_str().unwrap(), check["state"].as_str().unwrap())).collect()
}

fn state<'r>(report: &'r Value, name: &str) -> &'r str {
    states(report).into_iter().find(|(other, _)| *other == name).unwrap().1
}

fn column(path: &Path, name: &str) -> Vec<f64> {
    let frame = Frame::read(path, &Wanted { numbers: vec![name], ..Wanted::default() }).unwrap();
    frame.number(name).unwrap().to_vec()
}

#[test]
fn a_planted_edge_is_not_luck() {
    let w = Workspace::new();
    w.write("grid.toml", Q50_GRID);
    // The folds of a strategy that is good by far scatter more than the threshold allows: what chance alone makes is 1.3.
    let outcome = w.q50("overfit --grid {dir}/grid.toml --skip purged_k_fold --resamples 200 --random-runs 200");
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.starts_with("DEMONSTRATION"), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches("\npass ").count(), 7, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("not run  purged_k_fold"), "{}", outcome.stdout);
    assert_eq!(w.listing("q50-overfit"), FILES);
}

#[test]
fn the_best_of_noise_is_told_from_an_edge() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("grid.toml", THRESHOLD_GRID);
    let report = w.json(&format!("overfit --grid {{dir}}/grid.toml {NOISE}"), 1);
    for name in ["pbo", "reality_check", "spa", "deflated", "purged_k_fold"] {
        assert_eq!(state(&report, name), "fail", "{report:#}");
    }
}

#[test]
fn the_report_and_the_tables_keep_their_contract() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("grid.toml", THRESHOLD_GRID);
    let report = w.json(&format!("overfit --grid {{dir}}/grid.toml {NOISE} --embargo 7 --out {{dir}}/o"), 1);
    assert_eq!(report["schema"], "q50.overfit/1");
    assert_eq!(states(&report).iter().map(|(name, _)| *name).collect::<Vec<_>>(), CHECKS);
    for path in [
        "/data/hash",
        "/data/from",
        "/data/to",
        "/settings/strategy/kind",
        "/tests/train",
        "/purge/rows",
        "/walk_forward/efficiency",
        "/pbo/pbo",
        "/pbo/logit_median",
        "/spa/studentised_consistent_p",
        "/spa/reality_check_p",
        "/trials/candidates",
        "/best/index",
        "/best/parameters/entry",
        "/best/sharpe",
        "/elapsed_ms",
    ] {
        assert!(report.pointer(path).is_some_and(|value| !value.is_null()), "{path}");
    }
    assert_eq!((&report["sets"], &report["bars"]), (&10.into(), &8_760.into()));
    assert_eq!((&report["data"]["demonstration"], &report["spa"]["benchmark"]), (&false.into(), &"cash".into()));
    assert_eq!((&report["purge"]["embargo"], &report["spa"]["observations"]), (&7.into(), &365.into()));
    for check in report["checks"].as_array().unwrap() {
        assert!(check["judged"].as_u64() <= check["given"].as_u64(), "{check}");
        assert!(!check["evidence"].as_str().unwrap().is_empty(), "{check}");
    }
    let saved: Value = serde_json::from_slice(&std::fs::read(w.path("o/overfit.json")).unwrap()).unwrap();
    assert_eq!(saved, report);

    let windows = report["walk_forward"]["windows"].as_array().unwrap();
    let walk = w.path("o/walk_forward.parquet");
    assert_eq!(Frame::column_names(&Input::open(&walk).unwrap()).unwrap(), WALK);
    assert_eq!(column(&walk, "window"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    for (row, window) in windows.iter().enumerate() {
        assert_eq!(column(&walk, "set")[row], window["set"].as_f64().unwrap());
        let hour = 3_600_000.0;
        let [train_to, test_from] = ["train_to_ms", "test_from_ms"].map(|name| window[name].as_f64().unwrap());
        assert_eq!(test_from - train_to, hour, "what judges begins on the bar after what was chosen on");
        assert_eq!(window["test_to_ms"].as_f64().unwrap() - test_from, 719.0 * hour);
    }

    let equity = w.path("o/walk_forward_equity.parquet");
    assert_eq!(Frame::column_names(&Input::open(&equity).unwrap()).unwrap(), ["ts_ms", "equity"]);
    let (times, values) = (column(&equity, "ts_ms"), column(&equity, "equity"));
    assert_eq!((values.len(), values[0]), (1 + 9 * 720, 1.0), "the close before the first judged bar, then each");
    assert_eq!(times[0], windows[0]["train_to_ms"].as_f64().unwrap());
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 3_600_000.0));
    let total = report["walk_forward"]["total_return"].as_f64().unwrap();
    assert!((values.last().unwrap() - 1.0 - total).abs() < 1e-12);

    let paths = w.path("o/combinatorial_paths.parquet");
    assert_eq!(Frame::column_names(&Input::open(&paths).unwrap()).unwrap(), ["path", "sharpe"]);
    assert_eq!(column(&paths, "path"), [0.0, 1.0, 2.0, 3.0, 4.0], "C(5, 1) paths");
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("grid.toml", THRESHOLD_GRID);
    let [one, two] = [1, 2].map(|threads| {
        let line = format!(
            "overfit --grid {{dir}}/grid.toml {NOISE} --benchmark hold --threads {threads} --out {{dir}}/o{threads} \
             --ledger {{dir}}/ledger{threads}.sqlite"
        );
        let mut report = w.json(&line, 1);
        assert_eq!(report["spa"]["benchmark"], "hold");
        // Times are in both.
        for differs in ["elapsed_ms", "ledger"] {
            report.as_object_mut().unwrap().remove(differs).unwrap();
        }
        let tables = FILES.iter().filter(|name| name.ends_with(".parquet"));
        let bytes: Vec<Vec<u8>> =
            tables.map(|name| std::fs::read(w.path(&format!("o{threads}/{name}"))).unwrap()).collect();
        (report, bytes)
    });
    assert_eq!(one, two);
}

#[test]
fn every_choice_is_a_trial_once() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("grid.toml", THRESHOLD_GRID);
    let line = format!("overfit --grid {{dir}}/grid.toml {NOISE}");
    let first = w.json(&line, 1);
    // Each set on the record, in 9 windows, 5 folds and 15 splits.
    assert_eq!(first["trials"]["candidates"], 10 * (1 + 9 + 5 + 15));
    assert_eq!(w.json(&line, 1)["trials"], first["trials"], "the same again is no further trial");
    let data = "--strategy threshold --signal-column q50 --bars {dir}/m/bars.parquet --signals {dir}/m/signals.parquet";
    let sweep = w.json(&format!("sweep --grid {{dir}}/grid.toml {data}"), 0);
    assert_eq!(sweep["trials"]["candidates"], first["trials"]["candidates"], "nor is a sweep of the sets");
    let anchored = w.json(&format!("{line} --anchored"), 1);
    // The first window is the same; the eight others are new.
    assert_eq!(anchored["trials"]["candidates"], 10 * (1 + 9 + 5 + 15 + 8));
}

#[test]
fn what_cannot_be_judged_is_not_passed() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("never.toml", "[grid]\nentry = [5.0, 6.0]\n");
    let report = w.json(&format!("overfit --grid {{dir}}/never.toml {NOISE} --out {{dir}}/o"), 1);
    for check in report["checks"].as_array().unwrap() {
        assert_eq!((&check["state"], &check["judged"]), (&"not_run".into(), &0.into()), "{check}");
        assert!(check["evidence"].as_str().unwrap().contains("none of 2 sets"), "{check}");
    }
    assert!(report["best"].is_null() && report["walk_forward"].is_null() && report["pbo"].is_null());
    assert_eq!((&report["sets_traded"], &report["trials"]["candidates"]), (&0.into(), &2.into()));
    assert_eq!(w.listing("o"), FILES);
    assert!(column(&w.path("o/walk_forward.parquet"), "set").is_empty());

    w.write("same.toml", "[grid]\nsize = [1.0]\nentry = [0.0]\n");
    let one = w.json(&format!("overfit --grid {{dir}}/same.toml {NOISE}"), 1);
    assert_eq!(state(&one, "pbo"), "not_run", "one set is no choice");
    w.write("equal.csv", bars_csv(900));
    w.write("equal.toml", "[grid]\nentry = [0.001, 0.002]\n");
    let equal = "overfit --grid {dir}/equal.toml --strategy threshold --signal-column q50 --set exit=0.0 \
                 --bars {dir}/equal.csv --train-days 9 --test-days 3 --step-days 3 --purge 50";
    let report = w.json(equal, 1);
    assert_eq!(state(&report, "pbo"), "not_run", "equal sets are no choice: {report:#}");
}

#[test]
fn checks_that_are_left_out_are_not_run() {
    let w = Workspace::new();
    noise_market(&w);
    w.write("grid.toml", THRESHOLD_GRID);
    let left = ["walk_forward", "purged_k_fold", "combinatorial", "spa", "pbo", "reality_check", "deflated"];
    let skips: String = left.iter().map(|name| format!(" --skip {name}")).collect();
    let outcome = w.q50(&format!("overfit --grid {{dir}}/grid.toml {NOISE}{skips} --format json"));
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    for name in left {
        assert_eq!(state(&report, name), "not_run");
    }
    assert_ne!(state(&report, "random_entry"), "not_run");
    assert_eq!(outcome.code, if state(&report, "random_entry") == "pass" { 0 } else { 1 });
    assert_eq!(report["trials"]["candidates"], 10, "only the sets themselves");
    w.refused(&format!("overfit --grid {{dir}}/grid.toml {NOISE}{skips} --skip random_entry"), &["--skip", "no check"]);
}

#[test]
fn settings_without_meaning_are_refused_before_anything_runs() {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(900));
    w.write("grid.toml", "[grid]\nentry = [0.001, 0.002]\n");
    let data = "--strategy threshold --signal-column q50 --bars {dir}/bars.csv --ledger {dir}/l.sqlite";
    for (options, needles) in [
        ("", &["--train-days", "900 rows", "8640", "--skip walk_forward"] as &[&str]),
        ("--train-days 9 --test-days 3 --folds 1", &["--folds", "number of groups is 1"]),
        ("--train-days 9 --test-days 3 --groups 3 --tested 3", &["--tested", "is 3"]),
        ("--train-days 9 --test-days 3 --purge 450", &["--purge", "450", "three rows"]),
        ("--train-days 9 --test-days 3 --blocks 7", &["--blocks", "7", "even"]),
        ("--train-days 0", &["--train-days", "0"]),
        ("--random-runs 0", &["--random-runs", "0"]),
        ("--skip luck", &["--skip", "luck", "walk_forward"]),
    ] {
        w.refused(&format!("overfit --grid {{dir}}/grid.toml {data} {options}"), needles);
    }
    w.write("large.toml", "[grid]\nentry = { from = 0.0, to = 1.0, steps = 20001 }\n");
    w.refused(&format!("overfit --grid {{dir}}/large.toml {data}"), &["large.toml", "20001 sets", "20,000", "--yes"]);
    w.write("wrong.toml", "[grid]\nentrance = [0.1]\n");
    w.refused(
        &format!("overfit --grid {{dir}}/wrong.toml {data} --train-days 9 --test-days 3"),
        &["wrong.toml", "entrance"],
    );
    assert!(!w.path("l.sqlite").exists() && w.listing("q50-overfit").is_empty(), "nothing was begun");
}
