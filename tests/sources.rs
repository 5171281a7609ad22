//! Signals that are in no file of their own: SQLite, Qlib, and lists of sources of which the first that answers is taken.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use rusqlite::Connection;
use serde_json::Value;
use util::{Workspace, bars_csv};

const HOUR: i64 = 3_600_000;

/// Hourly bars, and signals of the first twenty hours whose median is `q50`.
fn prepare(w: &Workspace) {
    w.write("bars.csv", bars_csv(60));
}

fn signals(q50: f64) -> String {
    let rows = (0..20).map(|hour| format!("{},-1,{q50},1\n", hour * HOUR));
    format!("ts_ms,q10,q50,q90\n{}", rows.collect::<String>())
}

/// `verify` on a source: what it says, and the hash of the data that it saw.
fn verified(w: &Workspace, signals: &str) -> (String, String) {
    let line =
        format!("verify --bars {{dir}}/bars.csv --signals {signals} --strategy side --strategy q50 --format json");
    let outcome = w.q50(&line.replace("--strategy side ", ""));
    assert_eq!(outcome.code, 0, "{signals}\n{}", outcome.stderr);
    let value: Value = serde_json::from_str(&outcome.stdout).unwrap();
    (outcome.stderr, value["data"]["hash"].as_str().unwrap().to_owned())
}

fn sqlite(w: &Workspace) {
    let database = Connection::open(w.path("s.db")).unwrap();
    database.execute_batch("CREATE TABLE t (ts_ms INTEGER, q10 REAL, q50 REAL, q90 REAL, drawdown_risk REAL)").unwrap();
    // Not in order of time.
    for hour in (0..20).rev() {
        database.execute("INSERT INTO t VALUES (?1, -1, 0.1, 1, 9)", [hour * HOUR]).unwrap();
    }
}

/// A Qlib provider whose fields are signals, as float32.
fn qlib(w: &Workspace) {
    let field = |value: f32| {
        let values = std::iter::once(0.0).chain(std::iter::repeat_n(value, 20));
        values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()
    };
    for folder in ["p/calendars", "p/instruments", "p/features/coin"] {
        std::fs::create_dir_all(w.path(folder)).unwrap();
    }
    let calendar: String = (0..20).map(|hour| format!("1970-01-01 {hour:02}:00:00\n")).collect();
    w.write("p/calendars/60min.txt", calendar);
    w.write("p/instruments/all.txt", "COIN\t1970-01-01 00:00:00\t1970-01-01 19:00:00\n");
    for (name, value) in [("q10", -1.0), ("q50", 0.5), ("q90", 1.0), ("close", 7.0)] {
        w.write(&format!("p/features/coin/{name}.60min.bin"), field(value));
    }
}

#[test]
fn the_same_signals_are_the_same_data_wherever_they_are() {
    let w = Workspace::new();
    prepare(&w);
    sqlite(&w);
    qlib(&w);
    w.write("s.csv", signals(0.1));
    w.write("half.csv", signals(0.5));
    let file = verified(&w, "{dir}/s.csv").1;
    assert_eq!(verified(&w, "sqlite:{dir}/s.db:t").1, file);
    let half = verified(&w, "{dir}/half.csv").1;
    assert_ne!(half, file);
    assert_eq!(verified(&w, "qlib:{dir}/p?symbol=COIN").1, half, "0.5 is a float32 exactly");
}

#[test]
fn a_select_chooses_what_is_read_of_a_database() {
    let w = Workspace::new();
    prepare(&w);
    sqlite(&w);
    let place =
        format!("sqlite:{}:SELECT ts_ms, q10, q50 * 5 AS q50, q90 FROM t -- five times", w.path("s.db").display());
    let bars = w.path("bars.csv").display().to_string();
    let outcome = w.words(&["verify", "--bars", &bars, "--signals", &place, "--format", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    w.write("half.csv", signals(0.5));
    let value: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(value["data"]["hash"].as_str().unwrap(), verified(&w, "{dir}/half.csv").1);
    for (sql, said) in [
        ("SELECT ts_ms, drawdown_risk AS q50 FROM t", "looks forward"),
        ("SELECT 1; DROP TABLE t", "ultiple"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "syntax"),
    ] {
        let place = format!("sqlite:{}:{sql}", w.path("s.db").display());
        let refused = w.words(&["verify", "--bars", &bars, "--signals", &place]);
        assert!(refused.code == 2 && refused.stderr.contains(said), "{sql}\n{}", refused.stderr);
    }
}

/// The same hours in seconds, and as clocks in New York show them, of two pools.
#[test]
fn a_database_says_how_its_times_are_meant_and_whose_rows_they_are() {
    let w = Workspace::new();
    prepare(&w);
    let database = Connection::open(w.path("s.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE seconds (time INTEGER, pool_id TEXT, q10 REAL, q50 REAL, q90 REAL);
             CREATE TABLE local (datetime TEXT, q10 REAL, q50 REAL, q90 REAL);",
        )
        .unwrap();
    for hour in 0..20 {
        for (pool, q50) in [("a", 0.1), ("b", 0.5)] {
            let row = (hour * 3_600, pool, q50);
            database.execute("INSERT INTO seconds VALUES (?1, ?2, -1, ?3, 1)", row).unwrap();
        }
        let local = q50_datasets::time::rfc3339((hour - 5) * HOUR).replace(['T', 'Z'], " ");
        database.execute("INSERT INTO local VALUES (?1, -1, 0.1, 1)", [local.trim()]).unwrap();
    }
    w.write("s.csv", signals(0.1));
    let file = verified(&w, "{dir}/s.csv").1;
    assert_eq!(verified(&w, "sqlite:{dir}/s.db:seconds?pool=a&time_unit=s").1, file);
    assert_eq!(verified(&w, "sqlite:{dir}/s.db:local?source_tz=America/New_York").1, file);
    for (place, needles) in [
        ("seconds?time_unit=s", ["rows of `", "?pool="]),
        ("seconds?pool=a&time_unit=h", ["time_unit=h", "time_unit=s|ms"]),
        ("seconds?pool=a&source_tz=UTC", ["row 1", "source_tz is for times in words"]),
        ("local?time_unit=s", ["row 1", "time_unit is for integers"]),
        ("local?pool=a", ["no column `pool_id`", "leave the pool out"]),
        ("local?source_tz=Moon", ["source_tz=Moon", "Europe/Berlin"]),
    ] {
        w.refused(&format!("verify --bars {{dir}}/bars.csv --signals sqlite:{{dir}}/s.db:{place}"), &needles);
    }
}

#[test]
fn a_view_without_an_end_is_not_waited_for() {
    let w = Workspace::new();
    prepare(&w);
    let database = Connection::open(w.path("s.db")).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)";
    database
        .execute_batch(&format!("CREATE VIEW endless AS {endless} SELECT count(*) AS ts_ms, 1 AS q50 FROM n"))
        .unwrap();
    w.refused(
        "verify --bars {dir}/bars.csv --signals sqlite:{dir}/s.db:endless?timeout=1",
        &["s.db: nothing after 1 s", "?timeout=SECONDS"],
    );
}

#[test]
fn the_first_source_that_answers_is_taken_and_named() {
    let w = Workspace::new();
    prepare(&w);
    sqlite(&w);
    let first = w.write("first.csv", signals(0.5));
    let list = format!("sources = ['{}', 'sqlite:{}:t']\n", first.display(), w.path("s.db").display());
    w.write("list.toml", list);
    let half = verified(&w, "{dir}/first.csv").1;
    let (said, hash) = verified(&w, "sources:{dir}/list.toml");
    assert!(hash == half && said.contains("signals of") && !said.contains("passed over"), "{said}");
    let summary = w.json("verify --bars {dir}/bars.csv --signals sources:{dir}/list.toml --out {dir}/out", 0);
    let name = first.display().to_string();
    assert_eq!(summary["data"]["files"][1]["source"], name.as_str());
    let page = std::fs::read_to_string(w.path("out/report.html")).unwrap();
    assert!(page.contains(&format!("list.toml: CSV of {name}")), "the report names it");
    assert!(w.q50("verify --bars {dir}/bars.csv --signals sources:{dir}/list.toml").stdout.contains(&name));

    // Gone, then broken: the second answers, and both its name and the reason are said.
    std::fs::remove_file(&first).unwrap();
    w.write("s.csv", signals(0.1));
    let second = verified(&w, "{dir}/s.csv").1;
    let (said, hash) = verified(&w, "sources:{dir}/list.toml");
    assert_eq!(hash, second);
    assert!(said.contains("s.db:t instead"), "{said}");
    // The file and the reason, each once.
    let line = said.lines().find(|line| line.contains("passed over")).unwrap();
    assert_eq!((line.matches("first.csv").count(), line.matches("No such file").count()), (1, 1), "{line}");
    assert_eq!(said.matches("passed over").count(), 1, "{said}");
    w.write("first.csv", "ts_ms,q50\n1,oops\n");
    let (said, hash) = verified(&w, "sources:{dir}/list.toml");
    assert!(hash == second && said.contains("oops"), "{said}");

    std::fs::remove_file(w.path("s.db")).unwrap();
    w.refused(
        "verify --bars {dir}/bars.csv --signals sources:{dir}/list.toml",
        &["none of the sources answers", "oops", "s.db"],
    );
    w.write("empty.toml", "sources = []");
    w.refused("verify --bars {dir}/bars.csv --signals sources:{dir}/empty.toml", &["no source"]);
    w.write("nested.toml", "sources = ['sources:list.toml']");
    w.refused("verify --bars {dir}/bars.csv --signals sources:{dir}/nested.toml", &["a list itself"]);
}

/// Sixty hours of bars, and twenty of signals.
#[test]
fn a_source_that_ends_before_the_bars_is_not_stale_in_silence() {
    let w = Workspace::new();
    prepare(&w);
    w.write("s.csv", signals(0.1));
    w.write("list.toml", format!("sources = ['{}']\n", w.path("s.csv").display()));
    let stale = "s.csv end at 1970-01-01T19:00:00Z; the 40 bars after it are not judged";
    let line = "verify --bars {dir}/bars.csv --signals sources:{dir}/list.toml";
    let told = w.q50(&format!("{line} --out {{dir}}/out"));
    assert!(told.stdout.contains(stale) && told.stderr.contains(stale), "{}{}", told.stdout, told.stderr);
    let read = |name: &str| std::fs::read_to_string(w.path("out").join(name)).unwrap();
    assert!(read("summary.json").contains(stale) && read("report.html").contains(stale));
    let until = |to: &str| w.q50(&format!("{line} --to {to}")).stderr;
    assert!(until("1970-01-02T05:00:00Z").contains("the 10 bars after it have none"));
    assert!(!until("1970-01-01T18:00:00Z").contains("bars after it"));
}

#[test]
fn a_lookup_goes_back_as_far_as_the_tolerance_and_never_forward() {
    let w = Workspace::new();
    // 05:00:00 and 06:00:00 of the first day; the second value is not known before its time.
    w.write("s.csv", format!("ts_ms,q50\n{},0.1\n{},0.2\n", 5 * HOUR, 6 * HOUR));
    let at = |time: &str, code: i32| {
        w.json(&format!("data signal {{dir}}/s.csv --at 1970-01-01T{time}Z --tolerance 5m"), code)
    };
    for (time, q50, age) in
        [("05:00:00", 0.1, 0.0), ("05:05:00", 0.1, 300.0), ("06:00:00", 0.2, 0.0), ("06:04:59.999", 0.2, 299.999)]
    {
        let known = at(time, 0);
        assert_eq!((&known["values"]["q50"], &known["age_s"]), (&q50.into(), &age.into()), "{time}");
    }
    for time in ["04:59:59.999", "05:05:00.001", "05:59:59.999", "06:05:00.001"] {
        let known = at(time, 1);
        assert!(known["source"].is_null() && known["values"].as_object().unwrap().is_empty(), "{time}: {known}");
    }
}

#[test]
fn a_lookup_falls_back_where_a_source_is_stale_and_says_so() {
    let w = Workspace::new();
    sqlite(&w);
    let stale = w.write("stale.csv", format!("ts_ms,q50\n{HOUR},0.7\n"));
    w.write("list.toml", format!("sources = ['{}', 'sqlite:{}:t']\n", stale.display(), w.path("s.db").display()));
    let known = w.json("data signal sources:{dir}/list.toml --at 1970-01-01T09:01:00Z --tolerance 2m", 0);
    assert_eq!((&known["values"]["q50"], &known["ts"]), (&0.1.into(), &"1970-01-01T09:00:00Z".into()));
    assert!(known["source"].as_str().unwrap().ends_with("s.db:t"), "{known}");
    assert_eq!(known["passed_over"][0]["reason"], "no signal within the tolerance");
    w.refused("data signal {dir}/absent.csv --at 1970-01-01T01:01:00Z", &["absent.csv", "No such file"]);
    let fresh = w.json("data signal sources:{dir}/list.toml --at 1970-01-01T01:01:00Z --tolerance 2m", 0);
    assert!(fresh["source"].as_str().unwrap().ends_with("stale.csv") && fresh["values"]["q50"] == 0.7, "{fresh}");
}
