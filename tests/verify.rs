//! `q50 verify` as a user sees it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_datasets::synth::SynthConfig;
use q50_research::lookahead::planted::Recipe;
use q50_testing::real;
use serde_json::Value;
use util::{Workspace, bars_csv};

const FILES: [&str; 5] = ["decisions.parquet", "equity.parquet", "fills.parquet", "report.html", "summary.json"];

const CHECKS: [&str; 10] = [
    "data_sound",
    "causal",
    "reproduced",
    "significant",
    "deflated",
    "long_enough",
    "beats_holding",
    "survives_costs",
    "survives_depth",
    "robust",
];

#[test]
fn without_arguments_it_judges_the_demonstration_and_says_so() {
    let w = Workspace::new();
    let outcome = w.q50("verify");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.starts_with("DEMONSTRATION"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Verdict: confirmed"), "{}", outcome.stdout);
    assert_eq!(w.listing("q50-verify"), FILES);
}

#[test]
fn the_summary_keeps_its_contract() {
    let w = Workspace::new();
    let summary = w.json("verify --out {dir}/out", 0);
    assert_eq!(summary["schema"], "q50.verify/1");
    assert_eq!(summary["data"]["demonstration"], true);
    let names: Vec<&str> = summary["checks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, CHECKS);
    for path in [
        "/data/hash",
        "/data/bars",
        "/data/signals",
        "/data/gaps",
        "/claim/sharpe",
        "/claim/trials",
        "/settings/fill_timing",
        "/settings/periods_per_year",
        "/replay/sharpe",
        "/replay/sharpe_per_period",
        "/replay/total_return",
        "/replay/max_drawdown",
        "/replay/fills",
        "/replay/turnover",
        "/replay/exposure",
        "/replay/bars",
        "/benchmark/sharpe",
        "/inference/psr_zero",
        "/inference/dsr",
        "/inference/trial_variance",
        "/inference/min_track_record_years",
        "/inference/sharpe_ci95/1",
        "/claim_inference/psr_zero",
        "/claim_inference/sharpe_ci95/0",
        "/verdict",
        "/run_id",
        "/elapsed_ms",
    ] {
        assert!(summary.pointer(path).is_some_and(|v| !v.is_null()), "{path} is missing");
    }
    let written: Value = serde_json::from_slice(&std::fs::read(w.path("out/summary.json")).unwrap()).unwrap();
    assert_eq!(written, summary);
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    let w = Workspace::new();
    let run = |threads: usize, out: &str| {
        let mut summary = w.json(&format!("verify --threads {threads} --out {{dir}}/{out}"), 0);
        summary["elapsed_ms"] = Value::Null;
        let bytes = ["decisions.parquet", "equity.parquet", "fills.parquet", "report.html"]
            .map(|name| std::fs::read(w.path(&format!("{out}/{name}"))).unwrap());
        (summary, bytes)
    };
    let first = run(1, "a");
    for (threads, out) in [(1, "b"), (2, "c"), (8, "d")] {
        assert!(run(threads, out) == first, "{threads} threads in {out} differ from one");
    }
}

#[test]
fn an_expectation_that_is_not_met_is_exit_1() {
    let w = Workspace::new();
    assert_eq!(w.q50("verify --expect refuted").code, 1);
    assert_eq!(w.q50("verify --expect confirmed").code, 0);
}

/// Generated bars without any edge, and a `side` from the slope of a mean that reaches twelve bars into the future.
fn with_foresight(w: &Workspace) -> String {
    let bars = SynthConfig { bars: 8_000, ..SynthConfig::default() }.generate().unwrap().bars;
    let mut text = String::from("ts_ms,open,high,low,close,side\n");
    for (row, signal) in Recipe::CentredMean(12).signal(&bars.close).into_iter().enumerate().skip(1) {
        let [open, high, low, close] = [&bars.open, &bars.high, &bars.low, &bars.close].map(|column| column[row]);
        text += &format!("{},{open},{high},{low},{close},{}\n", bars.open_time[row], u8::from(signal > 0.0));
    }
    w.write("b.csv", text);
    let claim = |sharpe: f64| {
        let head = "schema = \"q50.claim/1\"\nname = \"mine\"\nsource = \"test\"\nbars = 7999\nperiods_per_year = 8760";
        w.write("claim.toml", format!("{head}\ntrials = 1\nsharpe = {sharpe}\n"));
    };
    let line = "verify --bars {dir}/b.csv --strategy side --claim {dir}/claim.toml";
    claim(1.0);
    claim(w.json(line, 0)["replay"]["sharpe"].as_f64().unwrap());
    line.to_owned()
}

#[test]
fn signals_of_a_file_make_a_confirmation_conditional_until_it_is_accepted() {
    let w = Workspace::new();
    let line = with_foresight(&w);
    let summary = w.json(&line, 0);
    assert_eq!(summary["verdict"], "confirmed", "{}", summary["checks"]);
    let condition = |summary: &Value| {
        assert_eq!(summary["conditions"].as_array().unwrap().len(), 1);
        assert_eq!(summary["conditions"][0]["name"], "signals_origin");
        summary["conditions"][0]["accepted"].as_bool().unwrap()
    };
    assert!(!condition(&summary));
    let causal = summary["checks"][1]["evidence"].as_str().unwrap();
    assert!(causal.starts_with("of the replay, not of how signals were made"), "{causal}");

    let outcome = w.q50(&format!("{line} --expect confirmed"));
    assert_eq!(outcome.code, 1, "a condition is open");
    assert!(outcome.stdout.contains("Verdict: confirmed, on a condition"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("signals_origin (not accepted)"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("--accept signals_origin"), "{}", outcome.stderr);
    assert_eq!(w.q50(&format!("{line} --expect confirmed --accept signals_origin")).code, 0);
    assert!(condition(&w.json(&format!("{line} --accept signals_origin"), 0)));
    w.refused(&format!("{line} --accept signals"), &["signals", "signals_origin"]);
}

#[test]
fn what_cannot_hold_foresight_has_no_condition() {
    let w = Workspace::new();
    assert_eq!(w.json("verify", 0)["conditions"], serde_json::json!([]), "the market is generated");
    w.write("b.csv", bars_csv(400));
    let threshold = |column: &str| {
        let line = "verify --bars {dir}/b.csv --strategy threshold --set entry=104 --set exit=101";
        w.json(&format!("{line} --signal-column {column}"), 0)["conditions"].as_array().unwrap().len()
    };
    assert_eq!((threshold("close"), threshold("q50")), (0, 1));
    // No order is filled at a high, and a column CLOSE beside close is another one.
    assert_eq!(threshold("high"), 1);
    let twice = |(row, line): (usize, &str)| format!("{line},{}\n", if row == 0 { "CLOSE" } else { "103" });
    w.write("b.csv", bars_csv(400).lines().enumerate().map(twice).collect::<String>());
    assert_eq!((threshold("close"), threshold("CLOSE")), (0, 1));
}

#[test]
fn short_positions_that_are_not_taken_are_a_condition() {
    let w = Workspace::new();
    let position = |(row, line): (usize, &str)| {
        let position = ["1", "0", "-1"][(row / 9) % 3];
        format!("{line},{}\n", if row == 0 { "position" } else { position })
    };
    w.write("b.csv", bars_csv(400).lines().enumerate().map(position).collect::<String>());
    let conditions = |arguments: &str| {
        let summary = w.json(&format!("verify --bars {{dir}}/b.csv --strategy side {arguments}"), 0);
        summary["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(conditions(""), ["signals_origin", "shorts_left_out"]);
    assert_eq!(conditions("--set allow_short=true"), ["signals_origin"]);
}

#[test]
fn the_ledger_counts_what_was_tried() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(400));
    let candidates = |set: &str| {
        w.json(&format!("verify --bars {{dir}}/b.csv --strategy q50 {set}"), 0);
        w.json("trials list", 0)["markets"][0]["candidates"].as_u64().unwrap()
    };
    assert_eq!(candidates("--set gate.min_tier=0"), 1);
    assert_eq!(candidates("--set gate.min_tier=0"), 1, "the same trial again is the same trial");
    assert_eq!(candidates("--set sizing.max_position=0.4"), 2);
    assert_eq!(candidates("--set gate.min_tier=1"), 3);
}

#[test]
fn without_a_claim_the_replay_s_own_figure_is_judged_and_nothing_of_another_s() {
    let w = Workspace::new();
    w.json("data synth --out {dir}/m --sharpe 3 --bars 4000", 0);
    let line = "verify --bars {dir}/m/bars.parquet --signals {dir}/m/signals.parquet";
    let summary = w.json(line, 0);
    assert!(summary["claim"].is_null() && summary["claim_inference"].is_null(), "{summary}");
    assert_eq!(summary["figures"], serde_json::json!([]));
    assert_eq!(
        (&summary["checks"][2]["state"], &summary["checks"][2]["applies"]),
        (&"not_run".into(), &false.into()),
        "there is no figure to reproduce"
    );
    assert_eq!(summary["inference"]["trials"], 1, "nobody's published runs");
    assert_eq!(summary["settings"]["run"]["venue"]["cost"], 0.0005, "the default, not the claim's 15 basis points");
    let text = w.q50(line).stdout;
    assert!(!text.contains("claimed ") && text.contains("The replay's own figure, strategy q50"), "{text}");
    assert!(!std::fs::read_to_string(w.path("q50-verify/report.html")).unwrap().contains(">Claim<"));
}

/// The demonstration's claim with `from` replaced by `to`, and more lines before its `[replay]`.
fn demonstration_claim(w: &Workspace, from: &str, to: &str, more: &str) {
    let text =
        include_str!("../research/claims/demonstration.toml").replacen("\n[replay]", &format!("{more}\n\n[replay]"), 1);
    assert!(text.contains(from), "{from}");
    w.write("claim.toml", text.replacen(from, to, 1));
}

#[test]
fn every_figure_of_a_claim_is_reproduced_or_fails_by_name() {
    let w = Workspace::new();
    let judged = |more: &str| {
        demonstration_claim(&w, "schema", "schema", more);
        let summary = w.json("verify --claim {dir}/claim.toml", 0);
        let failing: Vec<String> = summary["figures"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|figure| figure["state"] != "pass")
            .map(|figure| figure["name"].as_str().unwrap().to_owned())
            .collect();
        (summary["verdict"].as_str().unwrap().to_owned(), failing.join(" "))
    };
    let of = |verdict: &str, failing: &str| (verdict.to_owned(), failing.to_owned());
    assert_eq!(judged("total_return = 4.6\nmax_drawdown = 0.146"), of("confirmed", ""));
    assert_eq!(judged("total_return = 500"), of("undetermined", "total_return"));
    assert_eq!(judged("max_drawdown = 0.001"), of("undetermined", "max_drawdown"));
    assert_eq!(judged("trades = 7"), of("undetermined", "trades"));
    let period = "[period]\nfrom = \"1999-01-01T00:00:00Z\"\nto = \"2001-12-31T23:00:00Z\"";
    assert_eq!(judged(period), of("undetermined", "period"));
}

#[test]
fn figures_of_another_convention_are_brought_to_one_or_refused() {
    let w = Workspace::new();
    // 26,280 hours are 1,095 days.
    demonstration_claim(&w, "periods_per_year = 8760\nbars = 26280", "periods_per_year = 365\nbars = 1095", "");
    let summary = w.json("verify --claim {dir}/claim.toml", 0);
    let figures = summary["figures"].as_array().unwrap();
    assert_eq!((&figures[1]["name"], &figures[1]["replayed"]), (&"bars".into(), &1_095.0.into()));
    assert_eq!(summary["checks"][2]["state"], "pass", "{}", summary["checks"][2]);
    assert_eq!(summary["settings"]["periods_per_year"], 8_760.0, "the replay itself stays hourly");
    for (year, out) in [("525600", "a"), ("252", "b")] {
        demonstration_claim(&w, "periods_per_year = 8760", &format!("periods_per_year = {year}"), "");
        let needles = ["periods_per_year", year, "8760"];
        w.refused(&format!("verify --claim {{dir}}/claim.toml --out {{dir}}/{out}"), &needles);
        w.refused(
            &format!("verify --periods-per-year {year} --out {{dir}}/{out}"),
            &["--periods-per-year", year, "8760"],
        );
        assert!(w.listing(out).is_empty());
    }
    let text = w.q50("verify --periods-per-year 8766").stdout;
    assert!(text.contains("8766 a year"), "{text}");
}

#[test]
fn the_built_in_claims_are_named() {
    let w = Workspace::new();
    let named = w.json("verify --claim demonstration --out {dir}/a", 0);
    let absent = w.json("verify --out {dir}/b", 0);
    assert_eq!(named["run_id"], absent["run_id"], "without data the demonstration is judged by its own claim");
    let help = w.q50("verify --help").stdout;
    assert!(help.contains("q50-1327") && help.contains("demonstration"), "{help}");
    w.refused("verify --claim q50-1328 --out {dir}/c", &["q50-1328", "q50-1327", "demonstration"]);
}

#[test]
fn the_largest_number_of_trials_wins() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(400));
    let claim = std::fs::read_to_string("research/claims/demonstration.toml").unwrap();
    w.write("claim.toml", claim.replace("trials = 1\n", "trials = 1000\n"));
    let trials = |options: &str| {
        let line = format!("verify --bars {{dir}}/b.csv --claim {{dir}}/claim.toml {options}");
        w.json(&line, 0)["inference"]["trials"].as_u64().unwrap()
    };
    assert_eq!(trials(""), 1_000);
    assert_eq!(trials("--trials 1"), 1_000, "nobody can say that there were fewer than the claim admits");
    assert_eq!(trials("--trials 2000"), 2_000);
}

#[test]
fn the_legacy_fill_at_the_same_close_fails_the_causal_check() {
    let w = Workspace::new();
    let summary = w.json("verify --fill-timing same-close", 0);
    assert_eq!(summary["checks"][1]["state"], "fail");
    assert_eq!(summary["verdict"], "undetermined");
}

#[test]
fn bad_input_is_refused_with_place_and_remedy_and_nothing_is_written() {
    let w = Workspace::new();
    let good = bars_csv(60);
    let lines: Vec<&str> = good.lines().collect();
    let with_row = |row: usize, text: &str| {
        let mut changed: Vec<&str> = lines.clone();
        changed[row] = text;
        changed.join("\n") + "\n"
    };
    w.write("no_close.csv", "ts_ms,open,high,low,q10,q50,q90\n0,1,1,1,0,0,0\n");
    w.write("unsorted.csv", with_row(6, "3600000,100,101,99,100,-0.01,0,0.01"));
    w.write("duplicate.csv", with_row(6, lines[5]));
    w.write("nan.csv", with_row(6, "18000000,100,101,99,NaN,-0.01,0,0.01"));
    w.write("crossed.csv", good.replace("-0.006", "0.1").replace("-0.014", "0.1"));
    w.write("good.csv", &good);
    w.write("later.csv", "ts_ms,q10,q50,q90\n99999999999,-0.01,0,0.01\n");
    w.write("claim.toml", "schema = \"q50.claim/1\"\nsharpe_ratio = 2\n");
    std::fs::write(w.path("cut.parquet"), b"PAR1 and then nothing that ends it").unwrap();
    for (arguments, needles) in [
        ("--bars {dir}/no_close.csv", &["no_close.csv", "close"][..]),
        ("--bars {dir}/unsorted.csv", &["unsorted.csv", "row 6"]),
        ("--bars {dir}/duplicate.csv", &["duplicate.csv", "row 6"]),
        ("--bars {dir}/nan.csv", &["nan.csv", "row 6", "close"]),
        ("--bars {dir}/crossed.csv", &["crossed.csv", "cross"]),
        ("--bars {dir}/good.csv --signals {dir}/later.csv", &["later.csv", "1970-01-01T00:00:00Z"]),
        ("--bars {dir}/cut.parquet", &["cut.parquet", "cut off"]),
        ("--bars {dir}/nowhere.parquet", &["nowhere.parquet"]),
        ("--bars {dir}/good.csv --claim {dir}/claim.toml", &["claim.toml", "sharpe_ratio", "line 2"]),
        ("--bars {dir}/good.csv --strategy side", &["good.csv", "'side'", "--strategy q50"]),
        ("--bars {dir}/good.csv --strategy threshold", &["--signal-column"]),
        ("--bars {dir}/good.csv --set gate.min_teir=1", &["min_teir"]),
        ("--bars {dir}/good.csv --from 2030-01-01", &["2030-01-01T00:00:00Z"]),
        ("--threads 0", &["--threads"]),
        ("--out {dir}/good.csv/out", &["good.csv/out", "--out"]),
    ] {
        let out = if arguments.contains("--out") { "" } else { "--out {dir}/out" };
        w.refused(&format!("verify {arguments} {out}"), needles);
        assert!(w.listing("out").is_empty(), "`{arguments}` left {:?}", w.listing("out"));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_claim_of_1_327_on_the_real_record_is_not_confirmed() {
    let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
    let w = Workspace::new();
    let line = format!("verify --claim q50-1327 --bars {} --signals {}", bars.display(), signals.display());
    let summary = w.json(&line, 0);
    assert_ne!(summary["verdict"], "confirmed");
    assert_eq!((&summary["data"]["bars"], &summary["data"]["signals"]), (&6_600.into(), &6_596.into()));
    let number = |path: &str| summary.pointer(path).unwrap().as_f64().unwrap();
    assert!((number("/claim_inference/psr_zero") - 0.875).abs() <= 0.005);
    assert!((number("/claim_inference/sharpe_ci95/0") + 0.93).abs() < 0.05);
    assert!((number("/claim_inference/sharpe_ci95/1") - 3.59).abs() < 0.05);
    assert_eq!(summary["inference"]["trials"], 30);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn long_or_flat_on_the_real_record_earns_the_reference_figures() {
    let bars = real("claim/btcusdt_1h.parquet");
    let w = Workspace::new();
    for (file, absent, sharpe, total) in [
        ("v1_model_2024", "hold", 1.561, 0.5433),
        ("hummingbot_551b272", "long", 1.428, 0.5273),
        ("retrain_oos", "hold", 1.271, 0.4598),
    ] {
        let signals = real(&format!("claim/q50_signals_{file}.parquet"));
        let summary = w.json(
            &format!(
                "verify --bars {} --signals {} --strategy side --absent {absent} --cost-bps 5 --from 2024-01-01 \
                 --to 2024-09-30T23:00:00Z",
                bars.display(),
                signals.display()
            ),
            0,
        );
        let number = |path: &str| summary.pointer(path).unwrap().as_f64().unwrap();
        assert!((number("/replay/sharpe") - sharpe).abs() <= 0.003, "{file}: {}", number("/replay/sharpe"));
        assert!((number("/replay/total_return") - total).abs() <= 0.001, "{file}");
        assert!((number("/benchmark/sharpe") - 1.2746).abs() <= 0.0005, "{}", number("/benchmark/sharpe"));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_threshold_job_gives_the_reference_equity() {
    let bars = real("bench/threshold_70k.parquet");
    let w = Workspace::new();
    let summary = w.json(
        &format!(
            "verify --bars {} --strategy threshold --signal-column signal --set entry=0.75 --set exit=0.25 \
             --set size=1.0 --lot 1 --capital 1e9 --cost-bps 5 --periods-per-year 8766",
            bars.display()
        ),
        0,
    );
    let near = |path: &str, expected: f64| {
        let value = summary.pointer(path).unwrap().as_f64().unwrap();
        assert!((value / expected - 1.0).abs() < 1e-9, "{path} is {value}, expected {expected}");
    };
    near("/replay/final_equity", 964_745_540.320_665_1);
    near("/replay/sharpe", 0.259_661_837_118_320_25);
    near("/replay/max_drawdown", 0.888_477_133_251_733);
    assert_eq!(summary["replay"]["fills"], 1_510);
}

/// The v1 record on a pool, by extra arguments.
fn on_a_pool(w: &Workspace, arguments: &str) -> Value {
    let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
    w.json(&format!("verify --claim q50-1327 --bars {} --signals {} {arguments}", bars.display(), signals.display()), 0)
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn an_infinitely_deep_pool_is_the_next_open_venue() {
    let w = Workspace::new();
    for strategy in ["", "--strategy side"] {
        let pool = format!("{strategy} --venue pumpswap --cost-bps 15 --capital 100 --pool-depth 1e9");
        let pool = on_a_pool(&w, &pool);
        let price = on_a_pool(&w, &format!("{strategy} --cost-bps 15 --capital 100"));
        let sharpe = |summary: &Value| summary["replay"]["sharpe"].as_f64().unwrap();
        assert!((sharpe(&pool) - sharpe(&price)).abs() < 0.001, "{} and {}", sharpe(&pool), sharpe(&price));
        assert_eq!(pool["settings"]["venue"], "pumpswap");
        assert_eq!(pool["settings"]["pool_path"], "rebuilt_from_bars");
        assert_eq!(pool["checks"][8]["state"], "pass", "{}", pool["checks"][8]);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn no_edge_grows_with_capital() {
    let w = Workspace::new();
    for fees in ["", "--cost-bps 5", "--strategy side --cost-bps 5"] {
        let summary = on_a_pool(&w, &format!("{fees} --venue pumpswap --capital 10 --pool-depth 5000"));
        let rows = summary["capacity"].as_array().unwrap();
        assert_eq!(rows.len(), 4);
        for row in rows {
            let sharpes: Vec<f64> =
                row["cells"].as_array().unwrap().iter().filter_map(|cell| cell["sharpe"].as_f64()).collect();
            assert!(!sharpes.is_empty());
            assert!(sharpes.windows(2).all(|pair| pair[1] <= pair[0] + 0.01), "{fees}: {row}");
        }
    }
}

#[test]
fn recorded_reserves_are_used_as_they_are() {
    let w = Workspace::new();
    w.json("data synth --out {dir}/m --sharpe 3 --bars 3000 --pool-depth 1000000", 0);
    let files = "--bars {dir}/m/bars.parquet --signals {dir}/m/signals.parquet";
    let line = format!("verify {files} --strategy side --venue pumpswap --capital 10 --cost-bps 5");
    let recorded = w.json(&format!("{line} --pool {{dir}}/m/pool.parquet"), 0);
    let rebuilt = w.json(&format!("{line} --pool-depth 1000000"), 0);
    assert_eq!(recorded["settings"]["pool_path"], "recorded");
    assert_eq!(recorded["checks"][0]["state"], "pass");
    w.json("data synth --out {dir}/other --seed 2 --sharpe 3 --bars 3000 --pool-depth 1000000", 0);
    let other = w.json(&format!("{line} --pool {{dir}}/other/pool.parquet"), 0);
    assert_eq!(other["checks"][0]["state"], "fail");
    assert!(other["checks"][0]["evidence"].as_str().unwrap().contains("another market"), "{}", other["checks"][0]);
    let sharpe = |summary: &Value| summary["replay"]["sharpe"].as_f64().unwrap();
    assert!((sharpe(&recorded) - sharpe(&rebuilt)).abs() < 0.01, "{} and {}", sharpe(&recorded), sharpe(&rebuilt));
}

#[test]
fn what_a_pool_cannot_do_is_refused_before_the_run() {
    let w = Workspace::new();
    w.write("good.csv", bars_csv(60));
    w.write("pool.csv", "ts_ms,base_reserve,quote_reserve\n0,100,100\n");
    for (arguments, needles) in [
        ("--lot 1", &["--lot", "next-open"][..]),
        ("--set allow_short=true", &["allow_short"]),
        ("--set exits.trigger=intrabar", &["intrabar"]),
        ("--fill-timing same-close", &["same-close"]),
        ("--cost-bps 2.5", &["whole basis points"]),
        ("--pool-depth 1e15", &["--pool-depth", "64 bits"]),
        ("--pool {dir}/pool.csv", &["pool.csv", "1970-01-01T01:00:00Z"]),
    ] {
        w.refused(&format!("verify --bars {{dir}}/good.csv --strategy q50 --venue pumpswap {arguments}"), needles);
    }
}
