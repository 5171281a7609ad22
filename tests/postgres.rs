//! PostgreSQL through the command, against a real server. Needs Debian's package `postgresql`, and the program
//! q50-postgres beside q50, which `scripts/test` builds.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../datasets/postgres/tests/server/mod.rs"]
mod server;
mod util;

use assert_cmd::Command;
use q50_datasets::frame::{Frame, Wanted};
use server::Postgres;
use util::{Outcome, Workspace, bars_csv};

/// Runs `q50` with the connection string in the environment.
fn q50(w: &Workspace, url: &str, words: &[&str]) -> Outcome {
    let mut command = Command::cargo_bin("q50").unwrap();
    let command = command.env("SIGNALS_URL", url).env("Q50_DATA_DIR", w.path("ledger")).current_dir(w.path(""));
    command.args(words).output().unwrap().into()
}

fn done(outcome: Outcome) -> String {
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

/// Signals in a table `s`, and the same in a file: numbers of every size, some of them missing.
fn loaded(w: &Workspace, postgres: &Postgres, rows: i64) {
    postgres.sql(
        "CREATE TABLE s (ts timestamptz PRIMARY KEY, q10 numeric, q50 float8, q90 float8, prob_up float8, side text)",
    );
    let mut text = String::from("ts_ms,q10,q50,q90,prob_up,side\n");
    for row in 0..rows {
        let q50 = ((row as f64) * 0.618).sin() * 10_f64.powi((row % 7) as i32 - 6);
        let prob_up = if row % 11 == 0 { String::new() } else { ((row % 101) as f64 / 101.0).to_string() };
        let side = ["long", "flat"][(row % 2) as usize];
        text += &format!("{},{},{q50},{},{prob_up},{side}\n", row * 3_600_000, q50 - 0.125, q50 + 0.125);
    }
    let file = w.write("s.csv", text);
    postgres.sql("CREATE TABLE raw (ms bigint, q10 numeric, q50 float8, q90 float8, prob_up float8, side text)");
    postgres.copy("raw", &file);
    postgres
        .sql("INSERT INTO s SELECT 'epoch'::timestamptz + ms * interval '1 ms', q10, q50, q90, prob_up, side FROM raw");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_hundred_thousand_rows_of_a_table_equal_those_of_the_file_bit_by_bit() {
    let (w, postgres) = (Workspace::new(), Postgres::start());
    loaded(&w, &postgres, 100_000);
    let arguments =
        ["data", "ingest", "postgres", "--url-env", "SIGNALS_URL", "--table", "s", "--out", "table.parquet"];
    assert!(done(q50(&w, &postgres.url(), &arguments)).starts_with("100000 rows"));
    let select = "SELECT * FROM s WHERE ts >= '1970-01-01Z'";
    let arguments =
        ["data", "ingest", "postgres", "--url-env", "SIGNALS_URL", "--select", select, "--out", "select.parquet"];
    done(q50(&w, &postgres.url(), &arguments));
    let wanted =
        Wanted { time: true, numbers: vec!["q10", "q50", "q90", "prob_up"], texts: vec!["side"], ..Wanted::default() };
    let file = Frame::read(&w.path("s.csv"), &wanted).unwrap();
    for name in ["table.parquet", "select.parquet"] {
        let read = Frame::read(&w.path(name), &wanted).unwrap();
        assert_eq!((read.rows(), read.time(), read.text("side")), (100_000, file.time(), file.text("side")));
        for column in &wanted.numbers {
            let bits = |frame: &Frame| -> Vec<u64> {
                frame.number(column).unwrap().iter().map(|value| value.to_bits()).collect()
            };
            assert!(bits(&read) == bits(&file), "{name} {column}");
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn signals_of_a_database_are_those_of_the_file_to_a_verdict() {
    let (w, postgres) = (Workspace::new(), Postgres::start());
    loaded(&w, &postgres, 60);
    w.write("bars.csv", bars_csv(60));
    let hash = |signals: &str| {
        let words = ["verify", "--bars", "bars.csv", "--signals", signals, "--strategy", "side", "--format", "json"];
        let report: serde_json::Value = serde_json::from_str(&done(q50(&w, &postgres.url(), &words))).unwrap();
        (report["data"]["hash"].clone(), report["replay"].clone())
    };
    let file = hash("s.csv");
    assert_eq!(hash("postgres:SIGNALS_URL/s"), file);
    assert_eq!(hash("postgres:SIGNALS_URL/SELECT * FROM s"), file);
    w.write("list.toml", "sources = ['postgres:SIGNALS_URL/absent', 'postgres:SIGNALS_URL/s']");
    assert_eq!(hash("sources:list.toml"), file);
    let known = q50(&w, &postgres.url(), &["data", "signal", "postgres:SIGNALS_URL/s", "--at", "1970-01-01T05:04:00Z"]);
    assert!(done(known).contains("1970-01-01T05:00:00Z, 240 s old"));
    let stale = q50(&w, &postgres.url(), &["data", "signal", "postgres:SIGNALS_URL/s", "--at", "1970-01-01T05:06:00Z"]);
    assert_eq!(stale.code, 1, "{}", stale.stderr);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_run_is_written_once_however_often_it_is_exported() {
    let (w, postgres) = (Workspace::new(), Postgres::start());
    for venue in [
        &["verify", "--out", "run"] as &[&str],
        &["verify", "--venue", "pumpswap", "--pool-depth", "1000", "--capital", "10", "--out", "pool"],
    ] {
        assert!(q50(&w, "", venue).code < 2);
    }
    let rows = |folder: &str, table: &str| {
        let texts = vec!["reason"];
        Frame::read(&w.path(folder).join(table), &Wanted { time: true, texts, ..Wanted::default() }).unwrap().rows()
    };
    for folder in ["run", "pool"] {
        let export = || done(q50(&w, &postgres.url(), &["data", "export", folder, "--url-env", "SIGNALS_URL"]));
        let (decisions, fills) = (rows(folder, "decisions.parquet"), rows(folder, "fills.parquet"));
        let said = export();
        assert!(
            said.contains(&format!("q50.decisions: {decisions} new rows"))
                && said.contains(&format!("q50.fills: {fills} new")),
            "{said}"
        );
        assert!(export().contains("q50.decisions: 0 new rows"), "again");
    }
    let exact = postgres.sql("SELECT count(*) FROM q50.fills WHERE base_amount = units::numeric AND quote_amount > 0");
    assert_eq!(exact.trim(), rows("pool", "fills.parquet").to_string());
    let counted = postgres.sql("SELECT count(*) FROM q50.decisions");
    let decisions = rows("run", "decisions.parquet") + rows("pool", "decisions.parquet");
    assert_eq!(counted.trim(), decisions.to_string());
    assert!(
        done(q50(&w, &postgres.url(), &["data", "migrate", "--url-env", "SIGNALS_URL", "--to", "0"]))
            .contains("version 0, was 3")
    );
    assert_eq!(postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'q50'").trim(), "0");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn an_order_of_a_session_is_pending_then_sent_then_final_and_each_once() {
    let (w, postgres) = (Workspace::new(), Postgres::start());
    std::fs::create_dir(w.path("session")).unwrap();
    let journal = rusqlite::Connection::open(w.path("session/session.sqlite")).unwrap();
    // Of a session's tables what an export reads; one order has settled, one is on its way, one was refused.
    let tables = "
        CREATE TABLE session (id TEXT, spec TEXT);
        CREATE TABLE bars (open_ms INTEGER PRIMARY KEY, signals TEXT);
        CREATE TABLE orders (key TEXT PRIMARY KEY, bar_ms INTEGER, reason TEXT, wanted_ms INTEGER, state TEXT,
            signature TEXT, slot INTEGER, time_ms INTEGER, is_final INTEGER, base INTEGER, quote INTEGER, network_fee INTEGER);
        INSERT INTO session VALUES ('s1', '{\"pool\": \"POOL\"}');
        INSERT INTO bars VALUES (60000, '{\"q50\": 0.25}');
        INSERT INTO orders VALUES ('a', 60000, 'enter_long', 120001, 'filled', 'SIG', 7, 120500, 1, 9007199254740993, 6, 5000);
        INSERT INTO orders VALUES ('b', 60000, 'enter_long', 120002, 'filled', 'SIG2', 8, 120600, 0, 1, 1, 5000);
        INSERT INTO orders VALUES ('c', 60000, 'enter_long', 120003, 'refused', NULL, NULL, 120700, 0, 0, 0, 0);";
    journal.execute_batch(tables).unwrap();
    let export = || done(q50(&w, &postgres.url(), &["data", "export", "session", "--url-env", "SIGNALS_URL"]));
    assert!(export().contains("q50.q50_trading_history: 7 new rows"));
    assert!(export().contains("0 new rows"), "again");
    journal.execute("UPDATE orders SET is_final = 1 WHERE key = 'b'", []).unwrap();
    assert!(export().contains("1 new rows"), "what became final since");
    let sql = "SELECT decision_id, execution_status, pool_id, extract(epoch FROM ts), q50_signal, outcome, base_amount
               FROM q50.q50_trading_history WHERE decision_id IN ('s1/a', 's1/c')
               ORDER BY decision_id, array_position(ARRAY['pending', 'sent', 'final'], execution_status)";
    let rows: Vec<String> = postgres.sql(sql).lines().map(str::to_owned).collect();
    assert_eq!(
        rows,
        [
            "s1/a|pending|POOL|60.000000|0.25||",
            "s1/a|sent|POOL|60.000000|0.25||",
            "s1/a|final|POOL|60.000000|0.25|filled|9007199254740993",
            "s1/c|pending|POOL|60.000000|0.25||",
            "s1/c|final|POOL|60.000000|0.25|refused|0",
        ]
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn the_collectors_database_becomes_what_its_exports_become() {
    let (w, postgres) = (Workspace::new(), Postgres::start());
    postgres.sql(
        "CREATE TABLE trades (id text, pool_id text, block_number bigint, from_token_amount numeric(30,10), to_token_amount \
             numeric(30,10), price_usd numeric(20,8), volume_usd numeric(20,8), side text, block_timestamp timestamptz);
         SET timezone = 'America/Denver';
         INSERT INTO trades VALUES ('solana_7_t_41_1759486946', 'p', 7, 4, 2, 0.5, 2, 'sell', '2025-10-03 10:22:16')",
    );
    let ingest = |zone: &[&str]| {
        let mut words = vec!["data", "ingest", "geckoterminal", "--url-env", "SIGNALS_URL", "--out", "out"];
        words.extend(zone);
        q50(&w, &postgres.url(), &words)
    };
    // The digits are UTC in the zone of the session that wrote them, and nowhere else.
    let lost = ingest(&[]);
    assert!(lost.code == 2 && lost.stderr.contains("120 s"), "{}", lost.stderr);
    done(ingest(&["--source-tz", "America/Denver"]));
    let trades = Frame::read(&w.path("out/trades.parquet"), &Wanted { time: true, ..Wanted::default() }).unwrap();
    assert_eq!(trades.time(), [1_759_486_936_000]);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_password_is_in_no_message() {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(20));
    for url in ["postgres://me:hunter2@127.0.0.1:1/db", "hunter2", "postgres://me:hunter2@localhost/db?sslmode=require"]
    {
        for words in [
            &["verify", "-vv", "--bars", "bars.csv", "--signals", "postgres:SIGNALS_URL/s"] as &[&str],
            &["data", "ingest", "postgres", "--url-env", "SIGNALS_URL", "--table", "s", "--out", "x.parquet"],
            &["data", "migrate", "--url-env", "SIGNALS_URL"],
        ] {
            let outcome = q50(&w, url, words);
            assert!(outcome.code == 2 && outcome.stderr.contains("SIGNALS_URL"), "{}", outcome.stderr);
            assert!(!(outcome.stderr + &outcome.stdout).contains("hunter2"), "{words:?}");
        }
    }
    assert!(!w.path("x.parquet").exists());
    // Typed where the name of the variable belongs.
    w.write("list.toml", "sources = ['postgres://me:hunter2@host/db']");
    for words in [
        &["verify", "--bars", "bars.csv", "--signals", "postgres://me:hunter2@host/db"] as &[&str],
        &["verify", "--bars", "bars.csv", "--signals", "postgres:host=h password=hunter2/t"],
        &["verify", "--bars", "bars.csv", "--signals", "sources:list.toml"],
        &["data", "signal", "sources:list.toml", "--at", "2024-01-01"],
        &["data", "migrate", "--url-env", "postgres://me:hunter2@host/db"],
    ] {
        let typed = q50(&w, "", words);
        assert!(typed.code == 2 && typed.stderr.contains("environment variable"), "{words:?}\n{}", typed.stderr);
        assert!(!typed.stderr.contains("hunter2"), "{words:?}\n{}", typed.stderr);
    }
}
