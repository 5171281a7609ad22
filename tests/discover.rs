//! `q50 discover` as a user meets it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::{process::Command, time::Duration};

use serde_json::{Value, json};
use util::{Workspace, bars_csv};

const SMALL: &str = "discover -q --bars {dir}/b.csv --population 8 --generations 4 --seeds 2 --judged 3";

/// What two runs have in common: everything but times and the hashes of the ledger.
fn timeless(mut report: Value) -> Value {
    for key in ["elapsed_ms", "candidates_per_second", "ledger"] {
        assert!(report.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    report
}

/// The files of a run, but for the one that has times.
fn files(w: &Workspace, folder: &str) -> Vec<(String, Vec<u8>)> {
    let names = w.listing(folder).into_iter().filter(|name| name != "discover.json");
    names.map(|name| (name.clone(), std::fs::read(w.path(folder).join(name)).unwrap())).collect()
}

#[test]
fn what_is_found_is_a_strategy_file_with_the_figures_that_it_was_found_with() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let report = w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    assert_eq!(report["searched"]["bars"], 2_400);
    assert_eq!(report["held_out"]["bars"], 600);
    assert_eq!(report["held_out"]["from"], "1970-04-11T00:00:00Z");
    let evaluated = report["evaluated"].as_u64().unwrap();
    assert!(evaluated >= 2 * (8 + 3 * 6), "{evaluated}");
    // Every candidate is a trial, and a replay on the holdout is not.
    assert_eq!(report["trials_counted"], report["trials"]["candidates"]);
    assert!(report["trials_counted"].as_u64().unwrap() <= evaluated);
    assert_eq!(report["candidates"].as_array().unwrap().len(), 3);
    let expected = [
        "candidate_1.yaml",
        "candidate_2.yaml",
        "candidate_3.yaml",
        "candidates.parquet",
        "discover.json",
        "report.html",
    ];
    assert_eq!(w.listing("o"), expected);
    for candidate in report["candidates"].as_array().unwrap() {
        let file = candidate["file"].as_str().unwrap();
        let check = w.json(&format!("strategy check {{dir}}/o/{file}"), 0);
        assert_eq!(check["files"][0]["unused_indicators"], json!([]));
        assert_eq!(w.q50(&format!("strategy genome {{dir}}/o/{file}")).code, 0);
        let line =
            format!("verify -q --bars {{dir}}/b.csv --strategy {{dir}}/o/{file} --to 1970-04-10 --out {{dir}}/v");
        let replay = &w.json(&line, 0)["replay"];
        for figure in ["total_return", "max_drawdown", "sharpe"] {
            let (found, verified) = (candidate[figure].as_f64(), replay[figure].as_f64());
            let same = found.zip(verified).map_or(found == verified, |(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0));
            assert!(same, "{file} {figure}: {found:?} {verified:?}");
        }
    }
}

#[test]
fn the_same_search_again_is_no_further_trial() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let first = w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    let again = w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    assert_eq!(again["trials"]["candidates"], first["trials"]["candidates"]);
    let more = w.json(&format!("{SMALL} --seed 9 --out {{dir}}/o"), 0);
    assert!(more["trials"]["candidates"].as_u64() > first["trials"]["candidates"].as_u64());
}

#[test]
fn a_campaign_counts_the_candidates_of_a_search_that_was_made_before_it() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let first = w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    assert_eq!(w.q50("trials campaign fresh --idea anew --bars {dir}/b.csv").code, 0);
    let line = format!("{SMALL} --campaign fresh --out {{dir}}/p");
    let again = w.json(&line, 0);
    assert!(again["trials_counted"].as_u64() >= first["trials_counted"].as_u64(), "{}", again["trials_counted"]);
    let told = w.q50(&line).stdout;
    let earlier =
        format!("since the campaign fresh was registered, and not for the {} before", first["trials_counted"]);
    assert!(told.contains(&earlier), "{told}");
}

#[test]
fn a_search_of_another_volume_is_another_search() {
    let w = Workspace::new();
    let bars = |volume: usize| {
        let text = bars_csv(3_000);
        let rows = text.lines().enumerate().map(|(row, line)| match row {
            0 => "ts_ms,open,high,low,close,volume\n".to_owned(),
            _ => {
                let prices: Vec<&str> = line.split(',').take(5).collect();
                format!("{},{}\n", prices.join(","), 100 + row * volume % 97)
            }
        });
        rows.collect::<String>()
    };
    w.write("b.csv", bars(7));
    w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    w.write("b.csv", bars(11));
    w.refused(&format!("{SMALL} --resume --out {{dir}}/o"), &["another discovery"]);
}

#[test]
fn a_folder_has_the_strategies_of_one_run_and_those_of_the_user() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    w.write("o/candidate_4.yaml", "name: my_own\n");
    let fewer = SMALL.replace("--judged 3", "--judged 2");
    w.json(&format!("{fewer} --out {{dir}}/o"), 0);
    let strategies: Vec<String> = w.listing("o").into_iter().filter(|name| name.ends_with(".yaml")).collect();
    assert_eq!(strategies, ["candidate_1.yaml", "candidate_2.yaml", "candidate_4.yaml"]);
    w.refused(&format!("{} --out {{dir}}/o", SMALL.replace("--judged 3", "--judged 4")), &["candidate_4.yaml"]);
}

#[test]
fn a_search_without_progress_stops_when_its_patience_is_at_an_end() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let search = |patience: u32| {
        let line = format!("{SMALL} --generations 40 --patience {patience} --out {{dir}}/{patience}");
        let report = w.json(&line.replacen("--generations 4 ", "", 1), 0);
        report["searches"].as_array().unwrap().clone()
    };
    let (patient, hasty) = (search(40), search(2));
    for (whole, stopped) in patient.iter().zip(&hasty) {
        let best = |search: &Value| -> Vec<f64> {
            search["best"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let (whole, stopped) = (best(whole), best(stopped));
        assert_eq!(whole.len(), 40);
        // The same generations, up to the first two in a row that brought nothing.
        assert_eq!(whole[..stopped.len()], stopped);
        assert!(stopped.len() < 40, "{stopped:?}");
        let last = stopped.len() - 1;
        assert_eq!(stopped[last], stopped[last - 2]);
    }
}

#[test]
fn a_search_starts_from_the_strategies_that_it_is_given() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let fitness = |report: &Value, place: usize| report["candidates"][place]["fitness"].as_f64().unwrap();
    let first = w.json(&format!("{SMALL} --generations 12 --out {{dir}}/o").replacen("--generations 4 ", "", 1), 0);
    let start = "--start {dir}/o/candidate_1.yaml {dir}/o/candidate_2.yaml";
    let line = format!("{SMALL} --seed 70 --out {{dir}}/p");
    let [cold, warm] = [&line, &format!("{line} {start}")].map(|line| w.json(line, 0));
    for (cold, warm) in cold["searches"].as_array().unwrap().iter().zip(warm["searches"].as_array().unwrap()) {
        let [cold, warm] = [cold, warm].map(|search| search["best"][0].as_f64().unwrap());
        assert!(warm >= fitness(&first, 0) && cold < warm, "{cold} {warm}");
    }
    assert_eq!((warm["start"].as_array().unwrap().len(), &cold["start"]), (2, &json!([])));
    assert!(fitness(&warm, 0) >= fitness(&first, 0));
    // Both searches have it, so both found it.
    assert_eq!(warm["candidates"][0]["found_by"], 2);
    let told = w.q50(&format!("{line} {start}")).stdout;
    assert!(told.contains("knew of the bars that are held out") && told.contains("found by 2 of 2 searches"), "{told}");

    let genome = w.q50("strategy genome {dir}/o/candidate_1.yaml").stdout;
    w.write("same.json", &genome);
    let rsi = r#"{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": "<", "threshold": 30}"#;
    let long = format!(
        r#"{{"name": "long", "timeframe": "1h", "direction": "long", "entry": [{rsi}], "exit": [{rsi}], "stop_pct": 2,
            "target_pct": 4}}"#
    );
    w.write("long.json", long);
    w.write("4h.json", genome.replace("\"1h\"", "\"4h\""));
    w.write(
        "no.yaml",
        "name: no\ntimeframe: 1h\nentry_conditions: {long: [close > open]}\nexit_conditions: {long: [close < open]}\n\
         stop_loss: {type: fixed_pct, percent: 1}\ntake_profit: {type: fixed_pct, percent: 1}\n",
    );
    for (files, needles) in [
        ("o/candidate_1.yaml {dir}/same.json", ["same.json", "the same strategy as"]),
        ("4h.json", ["4h.json", "bars of 4h"]),
        ("no.yaml", ["no.yaml:1", "`indicators` is missing"]),
        ("none.yaml", ["none.yaml", "--start"]),
        ("long.json --direction short", ["its direction is long", "--direction"]),
    ] {
        w.refused(&format!("{line} --start {{dir}}/{files}"), &needles);
    }
    for copy in 1..=5 {
        w.write(&format!("{copy}.json"), &genome);
    }
    let five = "{dir}/1.json {dir}/2.json {dir}/3.json {dir}/4.json {dir}/5.json";
    w.refused(&format!("{line} --start {five}"), &["--start names 5 files, expected at most 4", "--population 8"]);
}

#[test]
fn a_discovery_is_listed_and_its_trials_are_rows_of_a_query() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let report = w.json(&format!("{SMALL} --out {{dir}}/o"), 0);
    let listed = w.json("data list", 0)["runs"][0].clone();
    let (kind, id, there) = (&listed["kind"], &listed["run_id"], &listed["there"]);
    assert_eq!((kind, id, there), (&json!("discover"), &report["run_id"], &json!(true)));
    if cfg!(feature = "query") {
        let sql = "SELECT count(*) AS n FROM trials WHERE origin = 'discover' AND role = 'candidate'";
        let rows: Value = serde_json::from_str(&w.words(&["data", "query", sql, "--format", "json"]).stdout).unwrap();
        assert_eq!(rows["rows"][0]["n"], report["trials"]["candidates"]);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let run = |threads: usize| {
        let w = Workspace::new();
        w.write("b.csv", bars_csv(3_000));
        let report = w.json(&format!("{SMALL} --threads {threads} --out {{dir}}/o"), 0);
        (timeless(report), files(&w, "o"))
    };
    let (one, four) = (run(1), run(4));
    assert_eq!(one.0, four.0);
    assert!(one.1 == four.1, "the files differ");
}

#[test]
fn a_search_that_was_killed_goes_on_to_the_same_bytes() {
    let line = "discover -q --bars {dir}/b.csv --population 20 --generations 300 --judged 3 --threads 1 --out {dir}/o";
    let whole = Workspace::new();
    whole.write("b.csv", bars_csv(6_000));
    let expected = timeless(whole.json(line, 0));

    let w = Workspace::new();
    w.write("b.csv", bars_csv(6_000));
    let dir = w.path("").display().to_string();
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace("{dir}", &dir)).collect();
    let mut killed = 0;
    for wait in [40, 80, 120] {
        let mut q50 = Command::new(env!("CARGO_BIN_EXE_q50"))
            .args(&words)
            .arg("--resume")
            .env("Q50_DATA_DIR", w.path("ledger"))
            .spawn()
            .unwrap();
        // Killed once there is something to go on with.
        let state = w.path("o").join("discovery.sqlite");
        while !state.exists() && q50.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(wait));
        q50.kill().unwrap();
        q50.wait().unwrap();
        killed += usize::from(state.exists());
    }
    assert!(killed > 0, "it was never killed before its end");
    assert!(w.q50(line).stderr.contains("--resume"), "what is unfinished is not started anew");
    let other = w.q50(&line.replace("--generations 300", "--generations 41 --resume"));
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("other data, settings"), "{}", other.stderr);
    // What is known is filed in whatever ledger the search goes on with.
    assert_eq!(timeless(w.json(&format!("{line} --resume --ledger {{dir}}/other.sqlite"), 0)), expected);
    assert!(files(&w, "o") == files(&whole, "o"), "the files differ");
    assert!(!w.path("o").join("discovery.sqlite").exists());
    // What is complete is told again, and nothing else takes its place.
    assert_eq!(timeless(w.json(&format!("{line} --resume"), 0)), expected);
    w.refused(&format!("{line} --resume --seed 2"), &["another discovery", "without --resume"]);
}

#[test]
fn the_holdout_is_never_seen_by_a_search() {
    // The same past, and another future.
    let search = |change: bool| {
        let w = Workspace::new();
        let text = bars_csv(3_000);
        let changed = text.lines().enumerate().map(|(row, line)| {
            if row <= 2_400 || !change {
                return format!("{line}\n");
            }
            let fields: Vec<&str> = line.split(',').collect();
            let half = |field: &str| field.parse::<f64>().unwrap() / 2.0;
            format!(
                "{},{},{},{},{},,,\n",
                fields[0],
                half(fields[1]),
                half(fields[2]),
                half(fields[3]),
                half(fields[4])
            )
        });
        w.write("b.csv", changed.collect::<String>());
        w.json(&format!("{SMALL} --out {{dir}}/o"), 0)
    };
    let (same, other) = (search(false), search(true));
    for key in ["searches", "pareto"] {
        assert_eq!(same[key], other[key], "{key}");
    }
    assert_ne!(same["candidates"], other["candidates"], "the holdout judges");
}

#[test]
fn nothing_found_is_an_answer_and_a_failure_only_where_something_was_expected() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    let line = format!("{SMALL} --out {{dir}}/o");
    let report = w.json(&line, 0);
    // Fewer than eight windows of a year fit: what is not run does not pass, and that is said before the search.
    assert_eq!((&report["findings"], &report["schema"]), (&json!(0), &json!("q50.discover/1")));
    let told = w.q50(&line.replace("-q ", ""));
    assert!(told.stderr.contains("nothing can be a finding here"), "{}", told.stderr);
    let guards = report["candidates"][0]["guards"].as_array().unwrap();
    let walk = guards.iter().find(|guard| guard["name"] == "walk_forward").unwrap();
    assert!(!walk["evidence"].as_str().unwrap().contains("another guard"), "{walk}");
    assert!(told.stdout.contains("Nothing found: no candidate passes every guard."), "{}", told.stdout);
    assert_eq!(w.q50(&format!("{line} --expect finding")).code, 1);
}

#[test]
fn what_cannot_be_searched_is_refused_with_what_to_do() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(3_000));
    w.write("short.csv", bars_csv(300));
    for (line, needles) in [
        ("discover --bars {dir}/b.csv --timeframe 4h", ["--timeframe is 4h", "1h"]),
        ("discover --bars {dir}/b.csv --strategy q50", ["--strategy", "leave it out"]),
        ("discover --bars {dir}/short.csv", ["60 are held out", "--holdout"]),
        ("discover --bars {dir}/b.csv --shorting none --direction both", ["--shorting none", "--direction long"]),
        ("discover --bars {dir}/b.csv --judged 30", ["--judged is 30", "--population"]),
        ("discover --bars {dir}/b.csv --venue pumpswap", ["pumpswap", "next-open"]),
        ("discover --bars {dir}/b.csv --population 2", ["4..=10000", "--population"]),
        ("discover --bars {dir}/b.csv --sizing kelly", ["--sizing", "all of the equity"]),
        ("discover --bars {dir}/b.csv --fill-timing same-close", ["--fill-timing same-close", "leave it out"]),
        // What is refused late leaves nothing behind that would have to be resumed.
        ("discover --bars {dir}/b.csv --campaign nope", ["nope", "campaign"]),
    ] {
        w.refused(&format!("{line} --out {{dir}}/o"), &needles);
    }
    assert_eq!(w.listing("o"), Vec::<String>::new());
}
