//! `q50 sweep` and `q50 trials` as a user sees them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod util;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use q50_datasets::{
    RunFolder,
    frame::{Frame, Wanted},
};
use q50_testing::{program, real};
use serde_json::Value;
use util::{Workspace, bars_csv};

const GRID: &str = "[grid]\n\"gate.min_expected_value\" = { from = 0.0002, to = 0.002, steps = 4 }\n\
                    \"sizing.max_position\" = { from = 0.2, to = 1.0, steps = 3 }\n";

/// A workspace with a market of 600 bars and a grid of 12 sets.
fn small() -> Workspace {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(600));
    w.write("grid.toml", GRID);
    w
}

const SMALL: &str = "sweep -q --grid {dir}/grid.toml --bars {dir}/bars.csv --capital 1000";

fn bytes(w: &Workspace, name: &str) -> Vec<u8> {
    std::fs::read(w.path(name)).unwrap()
}

fn numbers(path: &Path, column: &str) -> Vec<f64> {
    let wanted = Wanted { numbers: vec![column], ..Wanted::default() };
    Frame::read(path, &wanted).unwrap().number(column).unwrap().to_vec()
}

#[test]
fn a_sweep_keeps_its_contract_and_its_table_is_in_index_order() {
    let w = small();
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_eq!(sweep["schema"], "q50.sweep/1");
    for (key, value) in [("sets", 12), ("bars", 600), ("completed", 12), ("failed", 0)] {
        assert_eq!(sweep[key], value, "{key}");
    }
    for key in ["cpu_s", "wall_s", "ns_per_bar_set", "peak_rss_mib", "sum_final_equity"] {
        assert!(sweep[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert!(sweep["results_hash"].as_str().unwrap().len() == 64 && !sweep["pareto"].as_array().unwrap().is_empty());
    assert_eq!(w.listing("out"), ["results.parquet", "sweep.html", "sweep.json"]);
    let table = w.path("out/results.parquet");
    assert_eq!(numbers(&table, "index"), (0..12).map(f64::from).collect::<Vec<_>>());
    let sizes: Vec<i64> = numbers(&table, "sizing.max_position").iter().map(|x| (x * 100.0).round() as i64).collect();
    assert_eq!(sizes[..4], [20, 60, 100, 20], "the last line changes fastest");
    let sum: f64 = numbers(&table, "final_equity").iter().sum();
    assert_eq!(sweep["sum_final_equity"].as_f64().unwrap(), sum);
}

#[test]
fn a_set_of_a_sweep_is_the_run_that_verify_makes_of_it() {
    let w = small();
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    let set = &sweep["pareto"][0];
    let value = |path: &str| set["parameters"][path].as_f64().unwrap();
    let verified = w.json(
        &format!(
            "verify -q --strategy q50 --bars {{dir}}/bars.csv --capital 1000 --cost-bps 5 --out {{dir}}/v \
             --set gate.min_expected_value={} --set sizing.max_position={}",
            value("gate.min_expected_value"),
            value("sizing.max_position")
        ),
        0,
    );
    for key in ["total_return", "max_drawdown"] {
        let (a, b) = (set[key].as_f64().unwrap(), verified["replay"][key].as_f64().unwrap());
        assert!((a - b).abs() < 1e-12, "{key}: {a} and {b}");
    }
    // It is the same trial: 12 sets, and nothing for the verification.
    let listing = w.json("trials list", 0);
    assert_eq!(listing["markets"][0]["candidates"], 12);
    assert_eq!(verified["inference"]["trials"], 12);
}

#[test]
fn the_table_does_not_depend_on_threads() {
    let w = small();
    for threads in [1, 2, 7] {
        w.json(&format!("{SMALL} --threads {threads} --out {{dir}}/out{threads}"), 0);
    }
    let first = bytes(&w, "out1/results.parquet");
    assert!(first == bytes(&w, "out2/results.parquet") && first == bytes(&w, "out7/results.parquet"));
}

#[test]
fn random_and_halving_searches_count_every_set() {
    let w = small();
    w.write(
        "grid.toml",
        "[grid]\n\"gate.min_expected_value\" = { from = 0.0002, to = 0.002 }\n[search]\nkind = \"random\"\nsets = 27\nseed = 5\n\
         sequence = \"sobol\"\n[halving]\neta = 3\nrungs = 3\n",
    );
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_eq!(sweep["sets"], 27);
    let rungs = numbers(&w.path("out/results.parquet"), "rung");
    let reached = |rung: f64| rungs.iter().filter(|&&r| r == rung).count();
    assert_eq!((reached(0.0), reached(1.0), reached(2.0)), (18, 6, 3));
    assert_eq!(sweep["trials"]["candidates"], 27 + 9 + 3, "a set on another stretch of the record is another trial");
}

#[test]
fn only_the_sets_that_saw_every_bar_are_ranked() {
    let w = small();
    w.write("grid.toml", format!("{GRID}[halving]\neta = 3\nrungs = 2\n"));
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_eq!((sweep["sets"].as_u64(), sweep["ranked"].as_u64()), (Some(12), Some(4)));
    let table = w.path("out/results.parquet");
    let (index, rung) = (numbers(&table, "index"), numbers(&table, "rung"));
    let last: Vec<f64> = index.iter().zip(&rung).filter(|(_, r)| **r == 1.0).map(|(i, _)| *i).collect();
    assert_eq!((index.len(), last.len()), (12, 4), "earlier rounds stay in the table");
    let pareto = sweep["pareto"].as_array().unwrap();
    assert!(
        !pareto.is_empty() && pareto.iter().all(|set| last.contains(&set["index"].as_f64().unwrap())),
        "{pareto:?}"
    );
    // What is printed of a finalist is what the same set has on the full record.
    w.write("grid.toml", GRID);
    let whole = w.json(&format!("{SMALL} --out {{dir}}/whole"), 0);
    assert_eq!(whole["ranked"], 12);
    let sharpe = numbers(&w.path("whole/results.parquet"), "sharpe");
    for set in pareto {
        assert_eq!(set["sharpe"].as_f64().unwrap(), sharpe[set["index"].as_u64().unwrap() as usize]);
    }
}

#[test]
fn a_random_search_never_runs_a_set_twice() {
    let w = small();
    w.write("grid.toml", format!("{GRID}[search]\nkind = \"random\"\nsets = 9\n"));
    let nine = w.json(&format!("{SMALL} --out {{dir}}/nine"), 0);
    assert_eq!((nine["sets"].as_u64(), nine["trials"]["candidates"].as_u64()), (Some(9), Some(9)));
    w.write("grid.toml", format!("{GRID}[search]\nkind = \"random\"\nsets = 1000\n"));
    let all = w.q50(&format!("{SMALL} --out {{dir}}/all"));
    assert!(all.stdout.starts_with("12 sets on") && all.stdout.contains("1000 were asked for"), "{}", all.stdout);
}

#[test]
fn a_finished_search_is_not_replaced_by_resuming_another() {
    let w = small();
    let finished = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    let before = (bytes(&w, "out/results.parquet"), bytes(&w, "out/sweep.json"));
    let again = w.json(&format!("{SMALL} --resume --out {{dir}}/out"), 0);
    assert_eq!(again, finished, "the same search is complete");
    let told = w.q50(&format!("{SMALL} --resume --out {{dir}}/out"));
    assert!(told.code == 0 && told.stdout.contains("complete"), "{}", told.stdout);
    w.refused(&format!("{SMALL} --resume --min-trades 3 --out {{dir}}/out"), &["complete", "filters"]);
    w.write("grid.toml", GRID.replace("0.002,", "0.003,"));
    w.refused(&format!("{SMALL} --resume --out {{dir}}/out"), &["cannot resume", "the grid"]);
    assert!(before == (bytes(&w, "out/results.parquet"), bytes(&w, "out/sweep.json")), "nothing has changed");
    // Without --resume a finished search is replaced, as a whole.
    let other = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_ne!(other["run_id"], finished["run_id"]);
}

#[test]
fn a_failed_set_is_a_row_with_its_reason() {
    let w = small();
    w.write("grid.toml", "[grid]\n\"gate.min_tier\" = [0, 300]\n\"gate.threshold\" = ['adaptive', 'published']\n\"gate.min_expected_value\" = [0.001, 1.0]\n");
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_eq!((sweep["sets"].as_u64(), sweep["completed"].as_u64()), (Some(8), Some(2)));
    let failures: Vec<(&String, &Value)> = sweep["failures"].as_object().unwrap().iter().collect();
    assert_eq!(failures.iter().map(|(_, n)| n.as_u64().unwrap()).sum::<u64>(), 6);
    assert!(failures.iter().any(|(reason, n)| *reason == "no trade" && **n == 2), "{failures:?}");
    assert!(failures.iter().any(|(reason, n)| reason.starts_with("gate.min_tier = 300") && **n == 4), "{failures:?}");
}

#[test]
fn a_set_out_of_range_is_a_failed_row_that_says_what_was_expected() {
    let w = small();
    w.write("grid.toml", "[grid]\n\"exits.stop_loss\" = [0.1, 5.0]\n\"sizing.max_position\" = [0.5, -1.0, nan]\n");
    let sweep = w.json(&format!("{SMALL} --out {{dir}}/out"), 0);
    assert_eq!((sweep["sets"].as_u64(), sweep["completed"].as_u64()), (Some(6), Some(1)));
    let failures: Vec<&String> = sweep["failures"].as_object().unwrap().keys().collect();
    let told = |words: &str| failures.iter().any(|reason| reason.starts_with(words));
    assert!(told("exits.stop_loss = 5.0: expected a finite number above 0 and at most 1"), "{failures:?}");
    assert!(told("sizing.max_position = -1.0: expected a finite number from 0 to 1"), "{failures:?}");
    assert!(told("sizing.max_position = nan"), "{failures:?}");
}

#[test]
fn several_machines_need_another_program_and_the_command_says_which() {
    let w = small();
    w.refused(&format!("{SMALL} --cluster 10.0.0.1 --out {{dir}}/out"), &["q50-cluster", "cargo build"]);
    w.refused("worker --scheduler 10.0.0.1", &["q50-cluster", "cargo build"]);
    w.refused("scheduler", &["q50-cluster", "cargo build"]);
    assert!(!w.path("out").exists());
}

#[test]
fn finalists_pass_the_filters() {
    let w = small();
    let all = w.json(&format!("{SMALL} --out {{dir}}/a"), 0);
    let few = w.json(&format!("{SMALL} --out {{dir}}/b --min-trades 1000000"), 0);
    assert!(!all["pareto"].as_array().unwrap().is_empty());
    assert_eq!((few["passed_filters"].as_u64(), few["pareto"].as_array().unwrap().len()), (Some(0), 0));
}

#[test]
fn bad_input_is_refused_before_anything_runs() {
    let w = small();
    let refused = |grid: &str, more: &str, needles: &[&str]| {
        w.write("grid.toml", grid);
        w.refused(&format!("{SMALL} --out {{dir}}/out {more}"), needles);
        assert!(w.listing("out").is_empty(), "{grid}");
    };
    refused("[grid]\n", "", &["grid.toml", "no parameter"]);
    refused("[grid]\n\"gate.min_tier\" = []\n", "", &["grid.toml", "gate.min_tier", "no value"]);
    refused("[grid]\n\"gate.min_teir\" = [1]\n", "", &["grid.toml", "gate.min_teir"]);
    refused("[grid]\nentry = [1]\n", "", &["entry"]);
    refused("grid = 3", "", &["grid.toml"]);
    let huge = "[grid]\n\"gate.min_expected_value\" = { from = 0.0, to = 1.0, steps = 10000 }\n\
                \"sizing.max_position\" = { from = 0.1, to = 1.0, steps = 1001 }\n";
    refused(huge, "", &["10010000 sets", "--yes"]);
    refused("[grid]\nentry = [0.6]\n", "--strategy threshold", &["--signal-column"]);
    refused(GRID, "--venue pumpswap --set allow_short=true", &["allow_short", "next-open"]);
    w.refused("sweep --grid {dir}/none.toml --bars {dir}/bars.csv", &["none.toml", "cannot be read"]);
}

#[test]
fn a_folder_holds_one_sweep_and_only_its_own_is_resumed() {
    let w = small();
    let folder = RunFolder::open(&w.path("out"), &["results.parquet"]).unwrap();
    w.refused(&format!("{SMALL} --out {{dir}}/out"), &["/out", "another process is at work"]);
    drop(folder);

    let process = Killed::start(&w, "out");
    process.kill_when_it_has_rows(&w.path("out/sweep.sqlite"));
    w.write("grid.toml", long_grid());
    w.refused("sweep -q --grid {dir}/grid.toml --out {dir}/out", &["interrupted after", "--resume"]);
    w.refused("sweep -q --resume --grid {dir}/grid.toml --capital 7 --out {dir}/out", &["cannot resume", "capital"]);
    w.write("grid.toml", long_grid().replace("0.002", "0.003"));
    w.refused("sweep -q --resume --grid {dir}/grid.toml --out {dir}/out", &["cannot resume", "the grid"]);
}

/// A sweep of the demonstration market that takes a second or more.
fn long_grid() -> String {
    "[grid]\n\"gate.min_expected_value\" = { from = 0.0002, to = 0.002, steps = 40 }\n\
     \"sizing.max_position\" = { from = 0.1, to = 1.0, steps = 40 }\n"
        .to_owned()
}

struct Killed(std::process::Child);

impl Killed {
    fn start(w: &Workspace, out: &str) -> Self {
        w.write("grid.toml", long_grid());
        let child = Command::new(env!("CARGO_BIN_EXE_q50"))
            .args(["sweep", "-q", "--threads", "1", "--resume", "--grid"])
            .arg(w.path("grid.toml"))
            .arg("--out")
            .arg(w.path(out))
            .arg("--ledger")
            .arg(w.path(&format!("{out}.trials")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Kills the process unless it has ended by itself; whether it was killed.
    fn kill(mut self) -> bool {
        let ended = self.0.try_wait().unwrap().is_some();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        !ended
    }

    fn kill_when_it_has_rows(self, state: &Path) {
        for _ in 0..2_000 {
            // The write-ahead log grows with every chunk that is done.
            let log = state.with_extension("sqlite-wal");
            if std::fs::metadata(log).is_ok_and(|m| m.len() > 100_000) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(self.kill(), "the sweep ended too soon");
    }
}

#[test]
fn twenty_kills_and_resumptions_leave_the_bytes_of_an_undisturbed_sweep() {
    let w = Workspace::new();
    w.write("grid.toml", long_grid());
    w.json("sweep -q --grid {dir}/grid.toml --out {dir}/whole --ledger {dir}/whole.trials", 0);
    let whole = bytes(&w, "whole/results.parquet");
    let (mut kills, mut folder, mut moment) = (0, 0, 7_u64);
    while kills < 20 {
        // A linear congruential step is random enough for a moment between 0 and 1 s.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let process = Killed::start(&w, &format!("out{folder}"));
        std::thread::sleep(Duration::from_millis((moment >> 33) % 1_000));
        if process.kill() {
            kills += 1;
        } else {
            folder += 1;
        }
    }
    for i in 0..=folder {
        w.write("grid.toml", long_grid());
        let line =
            format!("sweep -q --resume --grid {{dir}}/grid.toml --out {{dir}}/out{i} --ledger {{dir}}/out{i}.trials");
        let resumed = w.json(&line, 0);
        assert!(bytes(&w, &format!("out{i}/results.parquet")) == whole, "folder {i}");
        assert_eq!(resumed["trials"]["candidates"], 1_600, "every set was counted, and once");
    }
}

#[test]
fn an_interrupted_sweep_says_how_to_go_on_and_does() {
    let w = Workspace::new();
    w.write("grid.toml", long_grid());
    let mut child = Command::new(env!("CARGO_BIN_EXE_q50"))
        .current_dir(w.path(""))
        .args(["sweep", "-q", "--threads", "1", "--grid", "grid.toml", "--out", "out", "--ledger", "trials.sqlite"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..2_000 {
        if w.path("out/sweep.sqlite-wal").exists() || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = child.wait_with_output().unwrap();
    let message = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{message}");
    assert!(
        message.contains("interrupted after") && message.contains("of 1600 sets; go on with --resume"),
        "{message}"
    );
    assert!(!w.path("out/results.parquet").exists());
    let resumed = w.json("sweep -q --resume --grid {dir}/grid.toml --out {dir}/out --ledger {dir}/trials.sqlite", 0);
    assert_eq!((resumed["sets"].as_u64(), resumed["trials"]["candidates"].as_u64()), (Some(1_600), Some(1_600)));
}

#[test]
#[ignore = "mounts a small disk, which needs Linux and its namespaces"]
fn a_full_disk_is_an_error_that_keeps_what_is_done() {
    let w = Workspace::new();
    w.write("grid.toml", long_grid());
    let out = w.path("out");
    std::fs::create_dir(&out).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=128k tmpfs {out} || exit; {q50} sweep -q --grid {grid} --out {out} --ledger {ledger}; \
         code=$?; ls -A {out}; exit $code",
        out = out.display(),
        q50 = env!("CARGO_BIN_EXE_q50"),
        grid = w.path("grid.toml").display(),
        ledger = w.path("trials.sqlite").display(),
    );
    let output = Command::new(program(&["unshare"])).args(["-rm", "sh", "-c", &script]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("sweep.sqlite") && stderr.contains("full") && stderr.contains("--resume"), "{stderr}");
    assert!(!stdout.contains("results.parquet") && !stdout.contains(".tmp"), "nothing half-written: {stdout}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_threshold_job_gives_the_reference_sum() {
    let bars = real("bench/threshold_70k.parquet");
    let w = Workspace::new();
    w.write(
        "grid.toml",
        "[grid]\nentry = { from = 0.55, to = 0.95, steps = 10 }\nexit = { from = 0.05, to = 0.45, steps = 10 }\n\
         size = { from = 0.1, to = 1.0, steps = 10 }\n",
    );
    let mut tables = Vec::new();
    for threads in [1, 2] {
        let sweep = w.json(
            &format!(
                "sweep -q --strategy threshold --grid {{dir}}/grid.toml --bars {} --signal-column signal --lot 1 \
                 --cost-bps 5 --capital 1e9 --periods-per-year 8766 --threads {threads} --out {{dir}}/out{threads}",
                bars.display()
            ),
            0,
        );
        let sum = sweep["sum_final_equity"].as_f64().unwrap();
        assert!((sum / 801_756_136_472.210_7 - 1.0).abs() < 1e-9, "{sum}");
        assert_eq!((sweep["sets"].as_u64(), sweep["bars"].as_u64()), (Some(1_000), Some(70_000)));
        assert!(sweep["peak_rss_mib"].as_f64().unwrap() <= 150.0);
        tables.push(bytes(&w, &format!("out{threads}/results.parquet")));
    }
    assert!(tables[0] == tables[1]);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn published_runs_become_trials_and_deflate_the_claim() {
    let (bars, signals, runs) = (
        real("claim/btcusdt_1h.parquet"),
        real("claim/q50_signals_v1_model_2024.parquet"),
        real("claim/published_runs.csv"),
    );
    let w = Workspace::new();
    let data = format!("--bars {} --signals {}", bars.display(), signals.display());
    let imported = w.json(&format!("trials import {} {data}", runs.display()), 0);
    assert_eq!(imported["markets"][0]["published"], 27);
    let verified = w.json(&format!("verify -q --claim q50-1327 {data} --out {{dir}}/v"), 0);
    assert_eq!(
        w.json("trials list", 0)["markets"][0]["candidates"],
        27 + 1,
        "the claim's 26 are in the list, in the same words; and the replay"
    );
    for key in ["dsr_null_variance", "dsr_published_variance"] {
        let dsr = verified["claim_inference"][key].as_f64().unwrap();
        assert!((0.15..=0.50).contains(&dsr), "{key} is {dsr}");
    }
    let exported = w.q50("trials export --out {dir}/trials.parquet");
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(numbers(&w.path("trials.parquet"), "returns").len() as u64, listed(&w));
}

/// Trials of every role in the ledger.
fn listed(w: &Workspace) -> u64 {
    let listing = w.json("trials list", 0);
    let count = |scope: &Value, key: &str| scope[key].as_u64().unwrap();
    listing["markets"].as_array().unwrap().iter().map(|s| count(s, "candidates") + count(s, "probes")).sum()
}

#[test]
fn bad_lists_of_published_runs_are_refused_by_row() {
    let w = small();
    let import = "trials import {dir}/runs.csv --bars {dir}/bars.csv";
    w.write("runs.csv", "id,sharpe\nA,high\n");
    w.refused(import, &["runs.csv", "row 2", "id and sharpe"]);
    w.write("runs.csv", "id,sharpe\n");
    w.refused(import, &["runs.csv", "no run"]);
    w.refused("trials import {dir}/runs.csv", &["--bars"]);
}
