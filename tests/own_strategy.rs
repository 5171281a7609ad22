//! A strategy that q50 does not know, added by a program of somebody's own, in every command that replays.
//!
//! This program is the tests and that program: started with the variable below it is `examples/moving_average.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

#[path = "../examples/moving_average.rs"]
mod moving_average;
mod util;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use util::{Outcome, Workspace};

const AS_THE_PROGRAM: &str = "Q50_TEST_OWN_STRATEGY";

fn main() -> ExitCode {
    if std::env::var_os(AS_THE_PROGRAM).is_some() {
        return moving_average::main();
    }
    let mut tests: Vec<(&str, fn())> = vec![
        ("verify_judges_it_on_bars_alone", verify_judges_it),
        ("sweep_and_overfit_search_its_parameters", searches),
        ("exits_and_limits_go_around_it", exits_and_limits),
        ("it_is_listed_and_its_numbers_are_checked", listed_and_checked),
    ];
    if cfg!(feature = "nautilus") {
        tests.push(("both_engines_agree_on_it", both_engines));
    }
    let run = |test: fn()| {
        move || {
            test();
            Ok(())
        }
    };
    let trials = tests.into_iter().map(|(name, test)| Trial::test(name, run(test))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A record of prices alone, which swing and so cross their average.
fn record() -> Workspace {
    let w = Workspace::new();
    let price = |i: i64| 100.0 + 8.0 * (i as f64 / 31.0).sin() + 2.0 * (i as f64 / 5.0).sin();
    let line = |i: i64| {
        let (open, close) = (price(i), price(i + 1));
        let (high, low) = (open.max(close) + 0.1, open.min(close) - 0.1);
        format!("{},{open},{high},{low},{close}\n", i * 3_600_000)
    };
    w.write("b.csv", (0..2_000).map(line).fold("ts_ms,open,high,low,close\n".to_owned(), |text, line| text + &line));
    w.write("grid.toml", "[grid]\nbars = [10, 20, 40]\n\"exits.max_hours\" = [12, 100]\n");
    w
}

/// Runs that program with these words.
fn program(w: &Workspace, line: &str) -> Outcome {
    Command::new(std::env::current_exe().unwrap())
        .args(line.split_whitespace())
        .current_dir(w.path(""))
        .env(AS_THE_PROGRAM, "1")
        .env("Q50_DATA_DIR", w.path("ledger"))
        .output()
        .unwrap()
        .into()
}

fn json(w: &Workspace, line: &str) -> Value {
    let outcome = program(w, &format!("{line} --quiet --format json"));
    assert!(matches!(outcome.code, 0 | 1), "{line}\n{}\n{}", outcome.stdout, outcome.stderr);
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn verify_judges_it() {
    let w = record();
    let verdict = json(&w, "verify --strategy moving_average --set bars=20 --bars b.csv");
    assert!(verdict["replay"]["fills"].as_u64().unwrap() > 10, "{verdict}");
    let check = |name: &str| {
        let checks = verdict["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };
    assert_eq!(check("causal")["state"], "pass", "{}", check("causal"));
    let evidence = check("causal")["evidence"].as_str().unwrap().to_owned();
    assert!(evidence.contains("reads no signals"), "{evidence}");
    // Neighbours are 16 and 24 bars: the check reads what the strategy declares.
    assert!(check("robust")["evidence"].as_str().unwrap().contains("2 neighbouring settings"), "{}", check("robust"));
}

fn searches() {
    let w = record();
    let sweep = json(&w, "sweep --strategy moving_average --bars b.csv --grid grid.toml --out search");
    assert_eq!((&sweep["sets"], &sweep["failed"]), (&6.into(), &0.into()), "{sweep}");
    let days = "--train-days 20 --test-days 10 --step-days 10";
    let overfit = json(&w, &format!("overfit --strategy moving_average --bars b.csv --grid grid.toml {days}"));
    let judged = overfit["checks"].as_array().unwrap().iter().filter(|check| check["state"] != "not_run").count();
    assert!(judged >= 5, "{overfit}");
}

fn exits_and_limits() {
    let w = record();
    let plain = json(&w, "verify --strategy moving_average --bars b.csv");
    let guarded =
        json(&w, "verify --strategy moving_average --bars b.csv --set exits.max_hours=5 --set risk.max_drawdown=0.5");
    let reasons = |verdict: &Value, name: &str| verdict["decisions"][name].as_u64().unwrap_or(0);
    assert_eq!(reasons(&plain, "timeout"), 0, "{plain}");
    assert!(reasons(&guarded, "timeout") > 5, "{guarded}");
}

fn listed_and_checked() {
    let w = record();
    let listing = json(&w, "strategy list");
    let own = listing["strategies"].as_array().unwrap().iter().find(|s| s["name"] == "moving_average").unwrap();
    assert_eq!(own["parameters"][0]["path"], "bars");
    assert_eq!(own["parameters"][0]["default"], 50.0);
    assert_eq!(own["reads"].as_array().unwrap().len(), 0);
    let help = program(&w, "sweep --help");
    assert!(help.stdout.contains("q50, threshold, side, moving_average, or a strategy file"), "{}", help.stdout);
    for (line, needle) in [
        ("--set bars=0", "bars = 0: expected a whole number from 1 to 100000"),
        ("--set bar=3", "unknown field `bar`"),
        ("--absent flat", "--absent has no meaning with the strategy moving_average"),
        ("--signal-column close", "--signal-column has no meaning with the strategy moving_average"),
    ] {
        let refused = program(&w, &format!("verify --strategy moving_average --bars b.csv {line}"));
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{line}");
        assert!(refused.stderr.contains(needle), "{line}\n{}", refused.stderr);
    }
}

fn both_engines() {
    let w = record();
    let comparison = json(&w, "validate --strategy moving_average --bars b.csv --set exits.stop_loss=0.02");
    assert_eq!(comparison["agrees"], true, "{comparison}");
}
