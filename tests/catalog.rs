//! Datasets by name, runs as they are made, and SQL over all of them.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

use util::{Workspace, bars_csv};

fn added() -> Workspace {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(400));
    w.json("data add btc {dir}/b.csv", 0);
    w
}

#[test]
fn a_dataset_is_known_by_its_name_and_a_change_of_its_file_is_said() {
    let w = added();
    let shown = w.json("data show btc", 0);
    assert_eq!((&shown["state"], &shown["tables"][0]["rows"]), (&"as_added".into(), &400.into()));
    // The same again changes nothing; another file needs to be meant.
    assert_eq!(w.json("data add btc {dir}/b.csv", 0)["hash"], shown["hash"]);
    w.write("b.csv", bars_csv(300));
    assert_eq!(w.json("data list", 0)["datasets"][0]["state"], "changed");
    let verified = w.json("data verify btc", 1);
    assert_eq!((&verified["sound"], &verified["datasets"][0]["state"]), (&false.into(), &"changed".into()));
    w.refused("data add btc {dir}/b.csv", &["btc is", "b.csv", "--replace"]);
    assert_ne!(w.json("data add btc {dir}/b.csv --replace", 0)["hash"], shown["hash"]);
    assert_eq!(w.json("data verify", 0)["sound"], true);
    std::fs::remove_file(w.path("b.csv")).unwrap();
    assert_eq!(w.json("data list", 0)["datasets"][0]["state"], "gone");
    w.json("data verify btc", 1);
}

#[test]
fn what_is_no_name_and_what_is_no_dataset_is_refused() {
    let w = added();
    for name in ["bars", "fills", "1st", "a/b", "a=b", "."] {
        let outcome = w.q50(&format!("data add {name} {{dir}}/b.csv"));
        assert_eq!(outcome.code, 2, "{name}");
    }
    w.refused("data add none {dir}/none.csv", &["none.csv"]);
    w.refused("data show eth", &["`eth`", "q50 data add eth PATH"]);
    w.refused("data verify eth", &["`eth`", "q50 data list"]);
    // Of nothing it cannot be said that it is sound.
    assert_eq!(Workspace::new().json("data verify", 1)["sound"], false);
}

#[test]
fn a_dataset_is_an_input_as_long_as_it_is_what_was_added() {
    let w = added();
    let line = "verify -q --strategy threshold --signal-column q50 --set entry=0.001 --set exit=-0.001";
    let by_path = w.json(&format!("{line} --bars {{dir}}/b.csv --out {{dir}}/a"), 0);
    let by_name = w.json(&format!("{line} --bars dataset:btc --out {{dir}}/b"), 0);
    assert_eq!(by_path["replay"], by_name["replay"]);
    w.write("b.csv", bars_csv(300));
    w.refused(&format!("{line} --bars dataset:btc --out {{dir}}/c"), &["has changed since it was added", "--replace"]);
}

#[test]
fn runs_are_listed_as_they_are_made() {
    let w = added();
    let line = "--bars {dir}/b.csv --strategy threshold --signal-column q50";
    w.write("g.toml", "[grid]\nentry = [0.001, 0.002]\nexit = [-0.001]\n");
    let verdict = w.json(&format!("verify -q {line} --set entry=0.001 --set exit=-0.001 --out {{dir}}/v"), 0);
    w.json(&format!("sweep -q {line} --grid {{dir}}/g.toml --out {{dir}}/s"), 0);
    let listed = w.json("data list", 0);
    let runs = listed["runs"].as_array().unwrap();
    let kinds: Vec<&str> = runs.iter().map(|run| run["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["verify", "sweep"]);
    assert_eq!((&runs[0]["run_id"], &runs[0]["there"]), (&verdict["run_id"], &true.into()));
    std::fs::remove_dir_all(w.path("v")).unwrap();
    assert_eq!(w.json("data list", 0)["runs"][0]["there"], false);
}

#[cfg(feature = "query")]
#[test]
fn everything_is_a_table_of_a_query() {
    let w = added();
    let ask = |sql: &str| {
        let outcome = w.words(&["data", "query", sql, "--format", "json"]);
        assert_eq!(outcome.code, 0, "{sql}: {}", outcome.stderr);
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()["rows"].clone()
    };
    let line = "--bars {dir}/b.csv --strategy threshold --signal-column q50 --set entry=0.001 --set exit=-0.001";
    let verdict = w.json(&format!("verify -q {line} --out {{dir}}/v"), 0);
    assert_eq!(ask("SELECT dataset, count(*) AS n FROM bars GROUP BY dataset")[0]["n"], 400);
    assert_eq!(ask("SELECT count(q50) AS n FROM signals WHERE dataset = 'btc'")[0]["n"], 400);
    assert_eq!(ask("SELECT max(close) AS top FROM btc"), ask("SELECT max(close) AS top FROM bars"));
    let run = &ask("SELECT run_id, verdict, sharpe FROM runs")[0];
    assert_eq!((&run["run_id"], &run["verdict"]), (&verdict["run_id"], &verdict["verdict"]));
    assert_eq!(run["sharpe"], verdict["replay"]["sharpe"]);
    let fills = &ask("SELECT count(*) AS n, count(DISTINCT run_id) AS runs FROM fills")[0];
    assert_eq!((&fills["n"], &fills["runs"]), (&verdict["replay"]["fills"], &1.into()));
    let trials = &ask("SELECT count(*) AS n FROM trials WHERE role = 'candidate'")[0]["n"];
    assert!(trials.as_u64().unwrap() >= 1, "{trials}");
    // Without any of it the tables are there, and empty.
    let empty = Workspace::new();
    let outcome =
        empty.words(&["data", "query", "SELECT count(*) AS n FROM bars JOIN fills ON true JOIN runs ON true"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}
