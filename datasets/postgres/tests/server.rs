//! Against a real server: what is read is what is there, what is written is there once, and a crash in the middle changes
//! neither.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "server/mod.rs"]
mod server;

use std::time::{Duration, Instant};

use q50_postgres::{
    Error, Generation, LATEST, Lookup, Request, Server, Signals, TimeUnit, What, dump_collector, export, migrate,
    read_signals,
};
use server::Postgres;

fn connect(postgres: &Postgres) -> Server {
    Server::new(&postgres.url(), "TEST_URL").unwrap()
}

fn table(name: &str) -> Request {
    Request::new(What::Table(name.to_owned()))
}

fn select(sql: &str) -> Request {
    Request::new(What::Select(sql.to_owned()))
}

fn csv(signals: &Signals) -> String {
    let mut text = Vec::new();
    signals.write_csv(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
#[ignore = "needs PostgreSQL"]
fn every_type_is_read_as_the_value_that_it_holds() {
    let postgres = Postgres::start();
    postgres.sql(
        "CREATE TABLE s (ts timestamptz, q10 numeric(30,18), q50 float8, q90 real, side text, tradeable boolean, n bigint, \
         note jsonb);
         INSERT INTO s VALUES
           ('2024-01-01 02:00:00.000001+02', -0.000000000000000001, 0.1, 0.5, 'long', true, 7, '{}'),
           ('2024-01-01 01:00:00+00', 'NaN', 'Infinity', NULL, NULL, false, NULL, NULL)",
    );
    let read = read_signals(&mut connect(&postgres), &table("s")).unwrap();
    // A fraction of a millisecond counts as the next one: nothing is known before its time.
    assert_eq!(
        csv(&read),
        "ts_ms,q10,q50,q90,tradeable,n,side\n\
         1704067200001,-0.000000000000000001,0.1,0.5,1,7,long\n\
         1704070800000,,inf,,0,,\n"
    );
    assert_eq!(read.left_out, ["note (jsonb)"]);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_statement_ends_when_its_time_is_over() {
    let postgres = Postgres::start();
    postgres.sql("CREATE VIEW slow AS SELECT now() AS ts, 1.0 AS q50, pg_sleep(60)::text AS side");
    let begun = Instant::now();
    let request = Request { timeout: Duration::from_secs(1), ..table("slow") };
    let error = read_signals(&mut connect(&postgres), &request).unwrap_err().to_string();
    assert!(error.contains("statement timeout") && begun.elapsed() < Duration::from_secs(30), "{error}");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_time_without_a_zone_or_a_unit_is_refused_until_both_are_said() {
    let postgres = Postgres::start();
    let at = "2024-07-01 12:00:00";
    postgres.sql(&format!(
        "CREATE TABLE naive (datetime timestamp, q50 float8); INSERT INTO naive VALUES ('{at}', 1);
         CREATE TABLE epoch (timestamp bigint, q50 float8); INSERT INTO epoch VALUES (1719835200, 1);
         CREATE TABLE ms (ts_ms bigint, q50 float8); INSERT INTO ms VALUES (1719835200000, 1);
         CREATE TABLE never (ts timestamptz, q50 float8); INSERT INTO never VALUES ('infinity', 1)"
    ));
    let mut server = connect(&postgres);
    let mut read = |request: &Request| read_signals(&mut server, request).map(|signals| signals.ts_ms);
    let zoned = |zone: &str| Request { source_tz: Some(zone.to_owned()), ..table("naive") };
    assert!(read(&table("naive")).unwrap_err().to_string().contains("source_tz"));
    assert_eq!(read(&zoned("UTC")).unwrap(), [1_719_835_200_000]);
    assert_eq!(read(&zoned("America/Denver")).unwrap(), [1_719_835_200_000 + 6 * 3_600_000]);
    assert!(read(&table("epoch")).unwrap_err().to_string().contains("time_unit"));
    assert_eq!(read(&Request { time_unit: Some(TimeUnit::Seconds), ..table("epoch") }).unwrap(), [1_719_835_200_000]);
    assert_eq!(read(&table("ms")).unwrap(), [1_719_835_200_000]);
    assert!(read(&table("never")).unwrap_err().to_string().contains("infinity"));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_select_can_only_read_and_is_one_statement() {
    let postgres = Postgres::start();
    postgres.sql("CREATE TABLE t (ts timestamptz, q50 float8); INSERT INTO t VALUES ('2024-01-01Z', 1)");
    postgres.sql("CREATE FUNCTION wipe() RETURNS float8 LANGUAGE sql AS 'DELETE FROM t RETURNING 1.0::float8'");
    let mut server = connect(&postgres);
    for (sql, said) in [
        ("SELECT ts, q50 FROM t; DROP TABLE t", "multiple commands"),
        ("SELECT ts, q50 FROM t) AS s; DROP TABLE t; --", "syntax error"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "top level"),
        ("SELECT ts, wipe() AS q50 FROM t", "read-only transaction"),
        ("SELECT ts, q50 FROM absent", "absent"),
        ("SELECT ts, 1e400::numeric AS q50 FROM t", "out of range"),
        ("SELECT q50 FROM t", "time column"),
        ("SELECT ts, '{}'::jsonb AS q50 FROM t", "numbers beside"),
    ] {
        let error = read_signals(&mut server, &select(sql)).unwrap_err().to_string();
        assert!(error.contains(said), "{sql}\n{error}");
    }
    assert_eq!(read_signals(&mut server, &select("SELECT ts, q50 FROM t -- all of it;")).unwrap().len(), 1);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_label_that_looks_forward_is_never_a_signal() {
    let postgres = Postgres::start();
    postgres.sql(
        "CREATE TABLE pool_feature_vectors (pool_id text, timestamp bigint, rsi_14 float8, price_return_1h float8);
         INSERT INTO pool_feature_vectors VALUES ('p', 1719835200, 55, 0.2)",
    );
    let mut server = connect(&postgres);
    for sql in [
        "SELECT timestamp * 1000 AS ts_ms, price_return_1h AS q50 FROM pool_feature_vectors",
        "SELECT timestamp * 1000 AS ts_ms, * FROM pool_feature_vectors",
    ] {
        let error = read_signals(&mut server, &select(sql)).unwrap_err().to_string();
        assert!(error.contains("price_return_1h") && error.contains("sees the future"), "{error}");
    }
    let request = Request { time_unit: Some(TimeUnit::Seconds), ..table("pool_feature_vectors") };
    let read = read_signals(&mut server, &request).unwrap();
    assert_eq!(
        (csv(&read), read.left_out),
        (
            "ts_ms,rsi_14,pool_id\n1719835200000,55,p\n".to_owned(),
            vec!["price_return_1h (it looks forward)".to_owned()]
        )
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn rows_of_two_pools_are_no_signal_until_one_is_named() {
    let postgres = Postgres::start();
    postgres.sql(
        "CREATE TABLE s (pool_id text, ts timestamptz, q50 float8);
         INSERT INTO s VALUES ('a', '2024-01-01Z', 1), ('b', '2024-01-01Z', 2)",
    );
    let mut server = connect(&postgres);
    let error = read_signals(&mut server, &table("s")).unwrap_err().to_string();
    assert!(error.contains("`a`") && error.contains("`b`"), "{error}");
    let one = Request { pool: Some("b".to_owned()), ..table("s") };
    assert_eq!(csv(&read_signals(&mut server, &one).unwrap()), "ts_ms,q50,pool_id\n1704067200000,2,b\n");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_lookup_in_a_million_rows_is_the_newest_that_was_known_and_takes_less_than_100_ms() {
    let postgres = Postgres::start();
    let mut server = connect(&postgres);
    migrate(&mut server, LATEST).unwrap();
    // A row a minute in each of ten pools; the value is the minute.
    postgres.sql(
        "INSERT INTO q50.q50_signals (pool_id, ts, q50)
         SELECT 'pool' || p, 'epoch'::timestamptz + m * interval '1 minute', m
         FROM generate_series(0, 9) p, generate_series(0, 99999) m; ANALYZE q50.q50_signals",
    );
    const MINUTE: i64 = 60_000;
    let of = |pool: &str| Request { pool: Some(pool.to_owned()), ..table("q50.q50_signals") };
    let any = Lookup::new(table("q50.q50_signals"), 5 * MINUTE).at(&mut server, MINUTE).unwrap_err().to_string();
    assert!(any.contains("no pool that is meant") && any.contains("?pool="), "{any}");
    let mut lookup = Lookup::new(of("pool3"), 5 * MINUTE);
    let mut times = Vec::new();
    for n in 0..500 {
        let minute = (n * 7_919) % 100_000;
        let begun = Instant::now();
        let found = lookup.at(&mut server, minute * MINUTE + 59_999).unwrap().unwrap();
        times.push(begun.elapsed());
        assert_eq!((found.ts_ms, found.age_ms), (minute * MINUTE, 59_999));
        assert!(found.values.contains(&("q50".to_owned(), Some(minute as f64))), "{found:?}");
    }
    times.sort();
    println!("lookup in 1,000,000 rows: p50 {:?}, p95 {:?}", times[250], times[475]);
    assert!(times[475] < Duration::from_millis(100), "{:?}", times[475]);
    // Five minutes behind the last one is the edge; before the first there is nothing.
    let last = 99_999 * MINUTE;
    assert!(lookup.at(&mut server, last + 5 * MINUTE).unwrap().is_some());
    assert_eq!(lookup.at(&mut server, last + 5 * MINUTE + 1).unwrap(), None);
    assert_eq!(lookup.at(&mut server, -1).unwrap(), None);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_that_is_killed_in_the_middle_loses_and_doubles_nothing() {
    const ROWS: usize = 200_000;
    let postgres = Postgres::start();
    let mut text = String::from("decision_id,execution_status,session_id,pool_id,ts,at,base_amount\n");
    for n in 0..ROWS {
        text += &format!("d{n},pending,s,p,{},,18446744073709551615\n", n * 1_000);
    }
    let mut server = connect(&postgres);
    migrate(&mut server, LATEST).unwrap();
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| export(&mut server, "q50_trading_history", text.as_bytes()).unwrap());
        let count = || postgres.sql("SELECT count(*) FROM q50.q50_trading_history").trim().parse::<usize>().unwrap();
        let begun = Instant::now();
        while count() == 0 && begun.elapsed() < Duration::from_secs(30) {
            std::thread::yield_now();
        }
        postgres.kill();
        std::thread::sleep(Duration::from_millis(300));
        postgres.restart();
        assert!(!writing.is_finished(), "it was over before the server was killed");
        writing.join().unwrap()
    });
    let sql = "SELECT count(*), count(DISTINCT decision_id), min(base_amount) FROM q50.q50_trading_history";
    assert_eq!(postgres.sql(sql).trim(), format!("{ROWS}|{ROWS}|18446744073709551615"));
    // A part that was committed as the server died was written once more, and counted as being there.
    assert!(written <= ROWS as u64 && written + 5_000 >= ROWS as u64, "{written}");
    assert_eq!(
        export(&mut server, "q50_trading_history", text.as_bytes()).unwrap(),
        0,
        "a second time changes nothing"
    );

    let request = select(
        "SELECT ts, 1.5 AS q50, pg_sleep(CASE WHEN extract(epoch FROM ts) = 100000 THEN 1 END)::text AS side \
                          FROM q50.q50_trading_history",
    );
    let read = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_signals(&mut server, &request).unwrap());
        std::thread::sleep(Duration::from_millis(500));
        postgres.kill();
        postgres.restart();
        reading.join().unwrap()
    });
    assert!(read.ts_ms.iter().copied().eq((0..ROWS as i64).map(|n| n * 1_000)), "{} rows", read.len());
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_that_stays_away_is_said_to() {
    let postgres = Postgres::start();
    let mut server = connect(&postgres).with_patience(Duration::from_millis(300));
    migrate(&mut server, LATEST).unwrap();
    postgres.kill();
    // A session of the killed server may answer once more before it notices.
    let asked = (0..50).find_map(|_| {
        let answer = migrate(&mut server, LATEST);
        std::thread::sleep(Duration::from_millis(if answer.is_ok() { 100 } else { 0 }));
        answer.err()
    });
    let error = asked.unwrap();
    assert!(matches!(error, Error::Lost { .. }) && error.to_string().contains("TEST_URL"), "{error}");
    postgres.restart();
}

#[test]
#[ignore = "needs PostgreSQL"]
fn the_schema_goes_up_and_down_and_leaves_the_collectors_tables_alone() {
    let postgres = Postgres::start();
    postgres.sql("CREATE TABLE pools (id text); INSERT INTO pools VALUES ('theirs'); CREATE TABLE alembic_version (version_num text)");
    let mut server = connect(&postgres);
    let tables =
        || postgres.sql("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'q50'");
    assert_eq!(migrate(&mut server, 1).unwrap(), 0);
    assert_eq!(tables().trim(), "migrations q50_signals");
    postgres.sql("INSERT INTO q50.q50_signals (pool_id, ts) VALUES ('p', now())");
    assert_eq!(migrate(&mut server, LATEST).unwrap(), 1);
    assert_eq!(tables().trim(), "decisions fills migrations q50_signals q50_trading_history runs");
    assert_eq!(migrate(&mut server, LATEST).unwrap(), LATEST, "again: nothing to do");
    assert_eq!(migrate(&mut server, 1).unwrap(), LATEST);
    assert_eq!(postgres.sql("SELECT count(*) FROM q50.q50_signals").trim(), "1", "what stays keeps its rows");
    migrate(&mut server, 0).unwrap();
    assert_eq!((tables().trim(), postgres.sql("SELECT id FROM pools").trim()), ("", "theirs"));
    assert!(migrate(&mut server, LATEST + 1).unwrap_err().to_string().contains("from 0 to 3"));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn several_that_migrate_at_once_all_succeed() {
    let postgres = Postgres::start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| migrate(&mut connect(&postgres), LATEST).unwrap());
        }
    });
    assert_eq!(postgres.sql("SELECT count(*) FROM q50.migrations").trim(), LATEST.to_string());
}

/// Columns of the collector's tables of trades and bars, with the types of a generation.
fn collectors(postgres: &Postgres, time: &str, price: &str) {
    postgres.sql(&format!(
        "CREATE TABLE ohlcv_data (id serial, pool_id text, timeframe text, timestamp bigint, open_price {price}, \
             high_price {price}, low_price {price}, close_price {price}, volume_usd {price}, datetime {time});
         CREATE TABLE trades (id text, pool_id text, block_number bigint, from_token_amount numeric(30,10), \
             to_token_amount numeric(30,10), price_usd {price}, volume_usd {price}, side text, block_timestamp {time});
         SET timezone = 'America/Denver';
         INSERT INTO ohlcv_data (pool_id, timeframe, timestamp, open_price, high_price, low_price, close_price, volume_usd, datetime)
             VALUES ('p', '1m', 1759486920, 0.0000291234, 1, 0.00001, 0.5, 9, '2025-10-03 10:22:00');
         INSERT INTO trades VALUES ('solana_7_t_41_1759486946', 'p', 7, 4, 2, 0.5, 2, 'sell', '2025-10-03 10:22:16')"
    ));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn the_collectors_tables_are_read_in_both_generations_as_their_exports_are() {
    let out = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    for (time, price, generation, zone, stamp, open) in [
        ("timestamp", "numeric(30,18)", Generation::Migrations, None, "2025-10-03 10:22:16", "0.000029123400000000"),
        (
            "timestamptz",
            "numeric(20,8)",
            Generation::Models,
            Some("America/Denver"),
            "2025-10-03 10:22:16-06",
            "0.00002912",
        ),
    ] {
        let postgres = Postgres::start();
        collectors(&postgres, time, price);
        if generation == Generation::Migrations {
            postgres.sql("CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('005')");
        }
        let found = dump_collector(&mut connect(&postgres), zone, out.path()).unwrap();
        let version = (generation == Generation::Migrations).then(|| "005".to_owned());
        assert_eq!(found, (generation, version));
        assert!(file("trades.csv").contains(&format!(",sell,{stamp}\n")), "{}", file("trades.csv"));
        assert!(file("ohlcv_data.csv").contains(&format!(",1759486920,{open},")), "{}", file("ohlcv_data.csv"));
    }
    let empty = Postgres::start();
    assert!(
        dump_collector(&mut connect(&empty), None, out.path())
            .unwrap_err()
            .to_string()
            .contains("none of the collector's")
    );
}
