//! The other commands as a user sees them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_testing::{real, real_json};
use util::{Workspace, bars_csv};

#[test]
fn statistics_of_a_series_by_hand() {
    let w = Workspace::new();
    w.write("r.csv", "r\n0.01\n-0.005\n\n0.02\nNaN\n");
    let stats = w.json("stats --returns {dir}/r.csv --periods-per-year 365", 0);
    assert_eq!((&stats["n"], &stats["dropped"]), (&3.into(), &2.into()), "an empty line and NaN are missing");
    let total = stats["total_return"].as_f64().unwrap();
    assert!((total - (1.01 * 0.995 * 1.02 - 1.0)).abs() < 1e-15);
    assert!((stats["max_drawdown"].as_f64().unwrap() - 0.005).abs() < 1e-15, "a positive fraction");
}

#[test]
fn what_is_undefined_is_null_with_a_reason() {
    let w = Workspace::new();
    w.write("c.json", "[0.001, 0.001, 0.001]");
    let stats = w.json("stats --returns {dir}/c.json --periods-per-year 365", 0);
    for key in ["sharpe", "psr", "dsr", "min_track_record", "sharpe_ci95"] {
        assert!(stats[key].is_null(), "{key}");
        assert!(stats["undefined"][key].is_string(), "{key}");
    }
}

#[test]
fn deflation_lowers_the_probability() {
    let w = Workspace::new();
    let rows: Vec<String> = (0..300).map(|i| format!("{}", 0.001 + 0.01 * f64::from(i % 7 - 3))).collect();
    w.write("r.csv", rows.join("\n"));
    let one = w.json("stats --returns {dir}/r.csv --periods-per-year 365", 0);
    let many = w.json("stats --returns {dir}/r.csv --periods-per-year 365 --trials 100 --trial-variance 0.0004", 0);
    assert_eq!(one["psr"], one["dsr"]);
    assert!(many["dsr"].as_f64().unwrap() < one["dsr"].as_f64().unwrap());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_reference_series_has_its_reference_values() {
    let reference = real_json("stats/reference_values.json");
    let w = Workspace::new();
    let mut compared = 0;
    for (name, series) in reference["series"].as_object().unwrap() {
        w.write("r.json", series["returns"].to_string());
        let year = &series["periods_per_year"];
        if series["returns"].as_array().unwrap().is_empty() {
            continue;
        }
        let stats = w.json(&format!("stats --returns {{dir}}/r.json --periods-per-year {year}"), 0);
        for (ours, theirs, sign) in [
            ("sharpe", "def_sharpe", 1.0),
            ("sortino", "def_sortino", 1.0),
            ("calmar", "def_calmar", 1.0),
            ("cagr", "def_cagr", 1.0),
            ("total_return", "def_total_return", 1.0),
            ("max_drawdown", "def_max_drawdown", -1.0),
            ("volatility", "def_ann_vol", 1.0),
            ("skew", "skew_biased", 1.0),
            ("kurtosis", "kurt_biased", 1.0),
            ("psr", "psr_paper_b1_0.0", 1.0),
        ] {
            let Some(expected) = series["expected"].get(theirs) else { continue };
            match expected.as_f64() {
                Some(expected) => {
                    let value = stats[ours].as_f64().unwrap_or(f64::NAN) * sign;
                    assert!(
                        (value - expected).abs() <= 1e-10 * expected.abs().max(1.0),
                        "{name} {ours}: {value} is not {expected}"
                    );
                }
                None => assert!(stats[ours].is_null() && stats["undefined"][ours].is_string(), "{name} {ours}"),
            }
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

/// Six sets over 60 rows, the third with an edge; a repeatable wobble stands for noise.
fn matrix_csv(cell: impl Fn(usize, usize) -> Option<f64>) -> String {
    let mut text = String::from("timestamp,a,b,c,d,e,f\n");
    for row in 0..60 {
        let cells = (0..6).map(|set| cell(row, set).map_or(String::new(), |value| format!("{value:.6}")));
        text += &format!("{},{}\n", row * 86_400_000, cells.collect::<Vec<_>>().join(","));
    }
    text
}

fn wobble(row: usize, set: usize) -> f64 {
    let edge = if set == 2 { 0.01 } else { 0.0 };
    edge + 0.01 * (((row * 7 + set * 13) * (row + 3 * set + 5)) % 101) as f64 / 50.0 - 0.01
}

#[test]
fn a_lasting_edge_is_told_from_overfitting() {
    let w = Workspace::new();
    w.write("m.csv", matrix_csv(|row, set| Some(wobble(row, set))));
    let pbo = w.json("stats pbo --matrix {dir}/m.csv --blocks 6", 0);
    assert_eq!((&pbo["pbo"], &pbo["probability_of_loss"]), (&0.0.into(), &0.0.into()));
    assert_eq!((&pbo["sets"], &pbo["observations"], &pbo["combinations"]), (&6.into(), &60.into(), &20.into()));
    assert!((pbo["logit_median"].as_f64().unwrap() - 6.0_f64.ln()).abs() < 1e-12, "always the best of six");

    let spa = w.json("stats spa --matrix {dir}/m.csv --resamples 500 --seed 3 --block 2", 0);
    assert_eq!((&spa["best"], &spa["sets"], &spa["resamples"]), (&"c".into(), &6.into(), &500.into()));
    assert!(spa["spa_consistent_p"].as_f64().unwrap() < 0.01 && spa["reality_check_p"].as_f64().unwrap() < 0.01);
    let against_it = w.json("stats spa --matrix {dir}/m.csv --benchmark-column c", 0);
    assert_eq!(&against_it["sets"], 5);
    assert!(against_it["spa_consistent_p"].as_f64().unwrap() > 0.5, "{against_it}");
    let again = w.json("stats spa --matrix {dir}/m.csv --benchmark-column c", 0);
    assert_eq!(against_it, again);
}

#[test]
fn a_matrix_that_cannot_be_compared_is_refused() {
    let w = Workspace::new();
    w.write("m.csv", matrix_csv(|row, set| Some(wobble(row, set))));
    w.refused("stats pbo --matrix {dir}/m.csv --blocks 5", &["--blocks", "5", "even"]);
    w.refused("stats spa --matrix {dir}/m.csv --benchmark-column z", &["`z`", "`a`, `b`"]);
    w.refused("stats spa --matrix {dir}/m.csv --block 61", &["mean block length", "61"]);
    w.write("short.json", r#"{"a": [0.1, 0.2, 0.1], "b": [0.2, 0.1, 0.1]}"#);
    w.refused("stats pbo --matrix {dir}/short.json --blocks 4", &["short.json", "3 values", "4"]);
    w.write("one.json", r#"{"a": [0.1, 0.2, 0.1, 0.3]}"#);
    w.write("constant.csv", matrix_csv(|row, set| Some(if set == 1 { 0.001 } else { wobble(row, set) })));
    w.write("nan.csv", matrix_csv(|row, set| (row != 4 || set != 3).then(|| wobble(row, set))));
    for command in ["stats pbo --blocks 2", "stats spa"] {
        w.refused(&format!("{command} --matrix {{dir}}/one.json"), &["one.json", "1 column", "at least 2"]);
        w.refused(&format!("{command} --matrix {{dir}}/constant.csv"), &["`b`", "0.001", "remove the column"]);
        w.refused(&format!("{command} --matrix {{dir}}/nan.csv"), &["`d`", "row 5"]);
    }
    w.refused("stats --periods-per-year 365", &["--returns"]);
}

/// A matrix of the reference as a JSON object of columns.
fn object_of(matrix: &serde_json::Value) -> String {
    let columns = matrix.as_array().unwrap().iter().enumerate();
    let object: serde_json::Map<_, _> = columns.map(|(set, column)| (format!("{set:02}"), column.clone())).collect();
    serde_json::Value::from(object).to_string()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_reference_matrices_have_their_reference_probabilities() {
    let reference = real_json("stats/reference_values.json");
    let w = Workspace::new();
    for (name, case) in reference["pbo_cases"].as_object().unwrap() {
        w.write("m.json", object_of(&case["matrix_configs_by_obs"]));
        for (key, expected) in case["pbo"].as_object().unwrap() {
            let pbo = w.json(&format!("stats pbo --matrix {{dir}}/m.json --blocks {}", &key[1..]), 0);
            assert_eq!((&pbo["pbo"], &pbo["combinations"]), (&expected["pbo"], &expected["n_combos"]), "{name} {key}");
        }
    }
    for (name, case) in reference["spa_cases"].as_object().unwrap() {
        w.write("m.json", object_of(&case["matrix_models_by_obs"]));
        let (block, reps) = (&case["block_size"], case["reps"].as_f64().unwrap());
        let spa = w.json(&format!("stats spa --matrix {{dir}}/m.json --block {block} --resamples {reps}"), 0);
        for key in ["lower", "consistent", "upper"] {
            let (p, mean) = (spa[format!("spa_{key}_p")].as_f64().unwrap(), case["pvalue_mean"][key].as_f64().unwrap());
            let tolerance = 4.0 * (mean * (1.0 - mean) / reps).sqrt() + 0.01;
            assert!((p - mean).abs() <= tolerance, "{name} {key}: {p} is not {mean} +- {tolerance}");
        }
    }
}

#[test]
fn a_generated_market_is_judged_like_any_other() {
    let w = Workspace::new();
    let planted = w.json("data synth --out {dir}/m --sharpe 3 --bars 5000 --seed 7", 0);
    assert!((planted["net_sharpe"].as_f64().unwrap() - 3.0).abs() < 1e-9);
    assert_eq!(w.listing("m"), ["bars.parquet", "pool.parquet", "signals.parquet"]);
    let summary = w.json("verify --bars {dir}/m/bars.parquet --signals {dir}/m/signals.parquet --strategy side", 0);
    assert_eq!((&summary["data"]["bars"], &summary["data"]["demonstration"]), (&5_000.into(), &false.into()));
}

#[test]
fn defects_are_listed_and_are_exit_1() {
    let w = Workspace::new();
    w.write("good.csv", bars_csv(50));
    assert_eq!(w.json("data check {dir}/good.csv", 0)["sound"], true);
    let without: Vec<String> =
        bars_csv(50).lines().enumerate().filter(|(i, _)| *i != 20 && *i != 21).map(|(_, l)| l.to_owned()).collect();
    w.write("gap.csv", without.join("\n") + "\n");
    let report = w.json("data check {dir}/gap.csv", 1);
    assert_eq!(report["tables"][0]["gaps"]["missing"], 2);
    let gap = report["tables"][0]["defects"].as_array().unwrap().iter().find(|d| d["kind"] == "gap").unwrap();
    assert_eq!(gap["count"], 1);
}

#[test]
fn the_answer_is_the_same_where_nobody_reads_it() {
    let w = Workspace::new();
    let rows: Vec<String> =
        bars_csv(50).lines().enumerate().filter(|(i, _)| *i != 20).map(|(_, l)| l.to_owned()).collect();
    let file = w.write("gap.csv", rows.join("\n") + "\n");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_q50"));
    assert_eq!(check.args(["data", "check"]).arg(file).stdout(writer).status().unwrap().code(), Some(1));
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_misindexed_provider_is_refused_with_its_numbers() {
    let (bad, good) = (real("ingest/qlib/misindexed_60min"), real("ingest/qlib/btcusdt_60min"));
    let w = Workspace::new();
    w.refused(&format!("data ingest qlib {} --out {{dir}}/b.parquet", bad.display()), &["70597", "66577"]);
    assert!(w.listing("").iter().all(|name| name == "ledger"), "nothing is left behind");
    let outcome = w.q50(&format!("data ingest qlib {} --out {{dir}}/b.parquet", good.display()));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("70597 bars"), "{}", outcome.stdout);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_hummingbot_run_becomes_signals_and_trades() {
    let run = real("ingest/hummingbot/v1_moderate");
    let w = Workspace::new();
    let outcome = w.q50(&format!("data ingest hummingbot {} --out {{dir}}/h", run.display()));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(w.listing("h"), ["signals.parquet", "trades.parquet"]);
    assert!(outcome.stdout.contains("1503 trades"), "{}", outcome.stdout);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_published_ledgers_are_rebuilt_and_their_violations_named() {
    let (trades, bars) = (real("claim/published_trades_ledger.parquet"), real("claim/btcusdt_1h.parquet"));
    let w = Workspace::new();
    for (run, cash, shift, total, sharpe, drawdown) in [
        ("b497f13", 100_000, 2, 0.27553, 1.37318, 0.14739),
        ("551b272", 100_000, 2, 0.16399, 0.89174, 0.13956),
        ("v1_moderate", 10_000, 0, 0.03477, 0.67434, 0.07643),
        ("v1_aggressive", 10_000, 0, 0.18779, 1.33332, 0.08291),
    ] {
        let audit = w.json(
            &format!(
                "audit ledger --trades {} --bars {} --run {run} --cash {cash} --price-shift {shift}",
                trades.display(),
                bars.display()
            ),
            1,
        );
        let near = |key: &str, expected: f64, tolerance: f64| {
            let value = audit[key].as_f64().unwrap();
            assert!((value - expected).abs() <= tolerance, "{run} {key}: {value} is not {expected}");
        };
        near("total_return", total, 1e-5);
        near("sharpe", sharpe, 1e-3);
        near("max_drawdown", drawdown, 1e-4);
        let kinds: Vec<&str> =
            audit["violations"].as_array().unwrap().iter().map(|v| v["kind"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"exposure_over_cap"), "{run}: {kinds:?}");
        assert_eq!(kinds.contains(&"fill_after_move"), shift > 0, "{run}: {kinds:?}");
    }
}

#[cfg(feature = "query")]
#[test]
fn results_answer_sql() {
    let w = Workspace::new();
    w.q50("verify");
    let sql = "SELECT count(*) AS bars FROM 'q50-verify/decisions.parquet'";
    let outcome = w.words(&["data", "query", sql, "--format", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["rows"][0]["bars"], 26_280);
}

#[cfg(not(feature = "nautilus"))]
#[test]
fn a_build_without_the_second_engine_says_how_to_get_one() {
    let w = Workspace::new();
    for line in ["validate", "validate --latency retail --venue pumpswap", "verify --second-engine --out {dir}/out"] {
        w.refused(line, &["NautilusTrader", "cargo build --release --features nautilus"]);
    }
    assert!(w.listing("out").is_empty());
    w.refused("validate --latency mars", &["slots:N"]);
}

#[test]
fn bars_of_a_collection_with_a_step_that_nothing_explains_are_not_sound() {
    let w = Workspace::new();
    w.json("data synth --bars 2000 --out {dir}/m", 0);
    for (unexplained, state) in [(0, "pass"), (1, "fail")] {
        w.write("m/collection.json", format!(r#"{{"schema": "q50.collection/1", "unexplained": {unexplained}}}"#));
        for bars in ["m", "m/bars.parquet"] {
            let verdict = w.json(&format!("verify --bars {bars} --signals m/signals.parquet --out {{dir}}/v"), 0);
            let sound = verdict["checks"].as_array().unwrap().iter().find(|check| check["name"] == "data_sound");
            let sound = sound.unwrap();
            assert_eq!(sound["state"], state, "{sound}");
            let said = format!("{unexplained} steps of the recorded pool without explanation");
            assert!(sound["evidence"].as_str().unwrap().contains(&said), "{sound}");
        }
    }
    assert_ne!(w.q50("data check m").code, 2, "the folder stands for its bars");
    w.write("m/collection.json", "{}");
    w.refused("verify --bars m --signals m/signals.parquet --out {dir}/v", &["collection.json", "unexplained"]);
}
