//! Strategies in files, as a user meets them: `q50 strategy check`, `show`, `new`, `schema` and `indicators`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_testing::{real, real_json};
use serde_json::{Value, json};
use util::Workspace;

#[test]
fn a_template_is_a_file_that_passes_the_check_and_is_shown_as_understood() {
    let w = Workspace::new();
    let template = w.q50("strategy new ema_cross");
    assert_eq!(template.code, 0, "{}", template.stderr);
    w.write("mine.yaml", &template.stdout);
    let check = w.json("strategy check {dir}/mine.yaml", 0);
    let file = &check["files"][0];
    assert_eq!((&file["ok"], &file["name"], &file["error"]), (&json!(true), &json!("ema_cross"), &Value::Null));
    assert_eq!(file["combinations"], 9);
    assert_eq!(file["first_combination"], json!({"fast.period": 8, "slow.period": 26}));
    assert_eq!(file["first_decision_row"], 25);
    let shown = w.q50("strategy show {dir}/mine.yaml");
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.contains("slow: {type: EMA, timeframe: 1h, period: 26, seeding: sma, source: close, shift: 0}"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("a sweep of 9 sets"), "{}", shown.stdout);
    let unknown = w.q50("strategy new martingale");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("donchian_breakout"), "{}", unknown.stderr);
}

#[test]
fn a_refused_file_is_told_with_its_line_and_makes_the_answer_no() {
    let w = Workspace::new();
    let good = w.q50("strategy new stochastic").stdout;
    w.write("good.yaml", &good);
    w.write("bad.yaml", good.replace("stoch.d < 25", "stoch.j < 25"));
    let told = w.q50("strategy check {dir}/good.yaml {dir}/bad.yaml");
    assert_eq!(told.code, 1);
    let (first, second) = told.stdout.split_once('\n').unwrap();
    assert!(first.contains("good.yaml: stochastic"), "{first}");
    let expected = "bad.yaml:8: line 8, entry_conditions.long[1]: `stoch` is STOCH and has no output `j`; it has k, d";
    assert!(second.contains(expected), "{second}");
    let error = &w.json("strategy check {dir}/bad.yaml", 1)["files"][0]["error"];
    assert_eq!((&error["code"], &error["line"]), (&json!("unknown_output"), &json!(8)));
    // What cannot be read is no answer.
    assert_eq!(w.q50("strategy check {dir}/missing.yaml").code, 2);
}

#[test]
fn a_genome_becomes_its_file_and_the_file_its_genome() {
    let w = Workspace::new();
    let genome = r#"{"name": "dip", "timeframe": "1h", "direction": "long",
        "entry": [{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": "<", "threshold": 30.5}],
        "exit": [{"indicator": "ROC", "params": {"period": 10}, "output": "value", "op": ">", "threshold": 0}],
        "ma_entry": [], "ma_exit": [], "stop_pct": 2.05, "target_pct": 6}"#;
    w.write("dip.json", genome);
    let file = w.q50("strategy genome {dir}/dip.json");
    assert_eq!(file.code, 0, "{}", file.stderr);
    assert!(file.stdout.contains("    - rsi_entry_0.value < 30.5\n"), "{}", file.stdout);
    w.write("dip.yaml", &file.stdout);
    assert_eq!(w.json("strategy check {dir}/dip.yaml", 0)["files"][0]["first_decision_row"], 14);
    let back: Value = serde_json::from_str(&w.q50("strategy genome {dir}/dip.yaml").stdout).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(genome).unwrap());

    w.write("other.yaml", file.stdout.replace("- rsi_entry_0.value < 30.5", "- close < 30.5"));
    let refused = w.q50("strategy genome {dir}/other.yaml");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("other.yaml:8: line 8, entry_conditions.long[0]: a gene is"), "{}", refused.stderr);
}

#[test]
fn the_schema_is_printed_as_json() {
    let schema: Value = serde_json::from_str(&Workspace::new().q50("strategy schema").stdout).unwrap();
    assert_eq!(schema["required"], json!(["name", "timeframe", "entry_conditions", "stop_loss", "take_profit"]));
}

#[test]
fn indicators_are_answered_a_line_each_streaming_or_not() {
    let w = Workspace::new();
    w.write("bars.csv", "ts_ms,open,high,low,close,volume\n0,1,1,1,1,1\n3600000,1,3,1,3,1\n7200000,3,5,3,5,1\n");
    w.write("in.jsonl", "{\"type\":\"sma\",\"params\":{\"period\":2}}\n{\"type\":\"EMA\",\"params\":{\"period\":0}}\n");
    for stream in ["", " --stream"] {
        let answers = w.q50(&format!("strategy indicators --bars {{dir}}/bars.csv --batch {{dir}}/in.jsonl{stream}"));
        assert_eq!(answers.code, 1, "{}", answers.stderr);
        let lines: Vec<Value> = answers.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({"first": 1, "outputs": {"value": [null, 2.0, 4.0]}}));
        assert!(lines[1]["error"].as_str().unwrap().contains("from 1 to 2000"), "{}", lines[1]);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_corpus_is_accepted_and_refused_as_marked() {
    let w = Workspace::new();
    for (folder, code) in [("accept", 0), ("reject", 1)] {
        let expected = &real_json("dsl/expected.json")[folder];
        let mut words = vec!["strategy".to_owned(), "check".to_owned()];
        words.extend(
            expected
                .as_object()
                .unwrap()
                .keys()
                .map(|file| real(&format!("dsl/{folder}/{file}")).display().to_string()),
        );
        words.extend(["--format".to_owned(), "json".to_owned()]);
        let outcome = w.words(&words);
        assert_eq!(outcome.code, code, "{}", outcome.stderr);
        let checks: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let files = checks["files"].as_array().unwrap();
        assert_eq!(files.len(), 20);
        for (check, (file, expected)) in files.iter().zip(expected.as_object().unwrap()) {
            assert_eq!(check["ok"], folder == "accept", "{file}");
            let found = if folder == "accept" { check } else { &check["error"] };
            for key in ["name", "combinations", "unused_indicators", "first_decision_row", "code", "line"] {
                if expected.get(key).is_some() {
                    assert_eq!(found[key], expected[key], "{file} {key}");
                }
            }
        }
    }
}
