//! Numbers out of their range and options that mean nothing where they stand are refused, wherever they are written.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use util::{Workspace, bars_csv};

const VERIFY: &str = "verify -q --bars {dir}/bars.csv --strategy q50 --out {dir}/out";

fn workspace() -> Workspace {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(300));
    w
}

/// Exit 2, the words in the message, and nothing written.
fn refused(w: &Workspace, options: &str, words: &[&str]) {
    w.refused(&format!("{VERIFY} {options}"), words);
    assert!(w.listing("out").is_empty(), "{options}");
}

#[test]
fn a_number_of_the_strategy_out_of_its_range_is_refused_by_name_value_and_range() {
    let w = workspace();
    for (option, expected) in [
        ("exits.stop_loss=5", "exits.stop_loss = 5: expected a finite number above 0 and at most 1"),
        ("exits.trailing_stop=0", "exits.trailing_stop = 0: expected a finite number above 0 and at most 1"),
        ("sizing.max_position=-1", "sizing.max_position = -1: expected a finite number from 0 to 1"),
        ("sizing.max_position=nan", "sizing.max_position = nan: expected a finite number from 0 to 1"),
        ("sizing.kelly_fraction=inf", "sizing.kelly_fraction = inf: expected a finite number from 0 to 1"),
        ("sizing.fee_reserve=-1", "sizing.fee_reserve = -1: expected a finite number, 0 or more"),
        ("exits.max_hours=0", "exits.max_hours = 0: expected a finite number above 0"),
        ("risk.max_drawdown=1.5", "risk.max_drawdown = 1.5: expected a finite number above 0 and at most 1"),
        ("gate.min_tier=4", "gate.min_tier = 4: expected a whole number from 0 to 3"),
    ] {
        refused(&w, &format!("--set {option}"), &["--set", expected]);
    }
    w.write("s.toml", "kind = 'q50'\n[exits]\nstop_loss = 5\n");
    w.refused(
        "verify -q --bars {dir}/bars.csv --strategy {dir}/s.toml --out {dir}/out",
        &["s.toml", "exits.stop_loss = 5: expected a finite number above 0 and at most 1"],
    );
    w.write("t.toml", "kind = 'threshold'\nentry = nan\n");
    w.refused("verify -q --bars {dir}/bars.csv --strategy {dir}/t.toml", &["t.toml", "entry = nan: expected a finite"]);
}

#[test]
fn an_option_out_of_its_range_is_refused() {
    let w = workspace();
    for (option, words) in [
        ("--cost-bps 20000", "below 10000"),
        ("--spread-bps 10000", "below 10000"),
        ("--capital 1e308", "at most 1e15"),
        ("--capital nan", "finite"),
        ("--venue pumpswap --slippage-bps 20000", "10000"),
        ("--venue pumpswap --priority-fee 18446744073709551615", "1000000000000"),
        ("--venue pumpswap --pool-depth 1e11", "64 bits"),
        ("--venue pumpswap --capital 1e11", "64 bits"),
    ] {
        let option_name = option.split_whitespace().rev().nth(1).unwrap().trim_start_matches("--");
        refused(&w, option, &[option_name, words]);
    }
}

#[test]
fn an_option_of_another_venue_or_strategy_is_refused() {
    let w = workspace();
    for option in [
        "--pool-depth 5",
        "--pool x.csv",
        "--slippage-bps 100",
        "--max-impact-bps 100",
        "--latency-slots 1",
        "--failure-rate 0",
        "--priority-fee 0",
        "--impact-half-life 60",
        "--sandwich 0",
    ] {
        let name = option.split(' ').next().unwrap();
        refused(&w, option, &[name, "has no meaning on --venue next-open", "--venue pumpswap"]);
    }
    for option in ["--lot 1", "--spread-bps 1"] {
        refused(&w, &format!("--venue pumpswap {option}"), &["has no meaning on --venue pumpswap", "next-open"]);
    }
    refused(&w, "--signal-column q50", &["--signal-column has no meaning", "--strategy threshold"]);
    let threshold = "verify -q --bars {dir}/bars.csv --strategy threshold --signal-column q50";
    w.refused(&format!("{threshold} --absent flat"), &["--absent has no meaning"]);
}

#[test]
fn nothing_stated_is_the_stated_default() {
    let w = workspace();
    let settings =
        |options: &str| w.json(&format!("{VERIFY} --venue pumpswap --capital 10 {options}"), 0)["settings"].take();
    let stated = "--pool-depth 1000 --slippage-bps 100 --max-impact-bps 1000 --latency-slots 1 --failure-rate 0 \
                  --priority-fee 0 --sandwich 0";
    assert_eq!(settings(""), settings(stated));
}

#[test]
fn costs_just_below_the_whole_leave_equity_above_nothing() {
    let w = workspace();
    let summary = w.json(&format!("{VERIFY} --cost-bps 9999 --spread-bps 9999"), 0);
    let lost = summary["replay"]["max_drawdown"].as_f64().unwrap();
    assert!(lost > 0.5 && lost <= 1.0, "{lost}");
}

#[test]
fn a_record_without_stated_costs_is_tested_at_the_least_that_is_believed() {
    let w = workspace();
    let evidence = |options: &str| {
        let summary = w.json(&format!("{VERIFY} {options}"), 0);
        let checks = summary["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "survives_costs").unwrap();
        check["evidence"].as_str().unwrap().to_owned()
    };
    assert!(evidence("--cost-bps 0").ends_with("at 5.0 basis points a fill, the least that is tested"));
    assert!(evidence("--cost-bps 5").ends_with("at 10.0 basis points a fill"));
    assert!(evidence("--venue pumpswap --capital 10 --cost-bps 0").ends_with("at 30 basis points to the pool"));
}
