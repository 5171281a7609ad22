//! What a GeckoTerminal collector leaves, in each of its shapes, through the command.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::path::Path;

use q50_datasets::frame::{Frame, Wanted};
use q50_datasets::{Bars, pool_trades::read_pool_trades};
use q50_testing::real;
use serde_json::Value;
use util::Workspace;

const BUTTERFLY: &str = "solana_F5vAiFCP82RQetoxK7ax4dNQCwqk2yez6aisAbFPenJ2";
const BARS: &str = "pool_id,timeframe,timestamp,datetime,open_price,high_price,low_price,close_price,volume_usd\n";
const TRADES: &str =
    "id,pool_id,block_number,from_token_amount,to_token_amount,price_usd,volume_usd,side,block_timestamp\n";

/// Ingests a file or folder of the collector's into `{dir}/out`.
fn ingest(w: &Workspace, path: &Path) -> Value {
    w.json(&format!("data ingest geckoterminal {} --out {{dir}}/out", path.display()), 0)
}

fn sample(name: &str) -> std::path::PathBuf {
    real(&format!("ingest/geckoterminal/{name}"))
}

/// What the report says of a file: its shape, its rows, and how many of them were taken.
fn of_file(report: &Value, origin: &str) -> (String, u64, u64) {
    let file = report["files"].as_array().unwrap().iter().find(|file| file["origin"] == origin);
    let file = file.unwrap_or_else(|| panic!("{origin} is not in {report:#}"));
    (file["table"].as_str().unwrap().to_owned(), file["rows"].as_u64().unwrap(), file["taken"].as_u64().unwrap())
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_file_of_the_collector_is_known_and_every_row_is_used() {
    let w = Workspace::new();
    let report = ingest(&w, &sample(""));
    for (origin, table, rows) in [
        ("api_samples/get_dexes_by_network.json", "names", 36),
        ("api_samples/get_networks.json", "names", 100),
        ("api_samples/get_new_pools_all_networks.json", "pools", 20),
        ("api_samples/get_ohlcv.json", "bars", 99),
        ("api_samples/new_pools_with_nan_text.json", "pools", 4),
        ("backup_json/ohlcv_data_data.json.gz", "bars", 200),
        ("backup_json/trades_data.json.gz", "trades", 200),
        ("backup_json/new_pools_history_data.json.gz", "pools", 200),
        ("gecko_data.db:ohlcv_data", "bars", 200),
        ("gecko_data.db:trades", "trades", 200),
        ("gecko_data.db:pools", "pools", 200),
        ("new_pools_history_2025_10_05.csv", "pools", 4720),
        ("ohlcv_data_2025_10_05.csv", "bars", 3659),
        ("trades_2025_10_05.csv", "trades", 371),
        ("qlib_csv/solana_9T8xix8dctFdJgtAcEEKeqJwqxHc7ecLdLGwTqUFCPLC.csv", "bars", 6),
        ("sdk_csv/get_trades.csv", "trades", 60),
        ("sdk_csv/new_pools_by_network.csv", "pools", 20),
        ("table_csv/collection_metadata_2025_10_05.csv", "metadata", 7),
        ("table_csv/ohlcv_data_spreadsheet.csv", "bars", 120),
        ("table_csv/pools_2025_10_05.csv", "pools", 150),
        ("table_csv/watchlist_2025_10_05.csv", "watchlist", 3),
    ] {
        let taken = if ["bars", "trades", "pools"].contains(&table) { rows } else { 0 };
        assert_eq!(of_file(&report, origin), (table.to_owned(), rows, taken), "{origin}");
    }
    // The summary of an export of Qlib files says nothing of a pool.
    let strange: Vec<&Value> =
        report["files"].as_array().unwrap().iter().filter(|file| file["table"] == "unrecognised").collect();
    assert_eq!(strange.len(), 1, "{strange:#?}");
    assert_eq!(strange[0]["origin"], "qlib_csv/export_summary.json");
    let refused: u64 = report["files"].as_array().unwrap().iter().map(|file| file["refused"].as_u64().unwrap()).sum();
    assert_eq!(refused, 0, "{report:#}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn all_371_trades_fall_on_a_bar_and_every_sale_inside_it_once_their_digits_are_read_as_utc() {
    let w = Workspace::new();
    std::fs::create_dir(w.path("exports")).unwrap();
    for name in ["ohlcv_data_2025_10_05.csv", "trades_2025_10_05.csv"] {
        std::os::unix::fs::symlink(sample(name), w.path("exports").join(name)).unwrap();
    }
    let report = ingest(&w, &w.path("exports"));
    let on = &report["trades_on_bars"];
    let exported = report["files"].as_array().unwrap().iter().find(|f| f["origin"] == "trades_2025_10_05.csv").unwrap();
    assert_eq!(
        (exported["times"]["digits_as_utc"].as_u64(), exported["times"]["as_written"].as_u64()),
        (Some(371), Some(0))
    );
    assert_eq!((&on["trades"], &on["on_a_bar"]), (&371.into(), &371.into()), "{on}");
    assert_eq!(on["sales"], on["sales_inside"], "{on}");
    assert!(on["sales"].as_u64().unwrap() > 100, "{on}");
    // 2025-10-03 10:22:16-06 in the export, polled at 10:22:26 UTC.
    let tape = read_pool_trades(&w.path("out/trades.parquet"), Some(BUTTERFLY)).unwrap();
    let trade = tape.trades.iter().find(|trade| trade.block == 370_896_831).unwrap();
    assert_eq!(
        (trade.ts_ms, trade.seq, trade.token, trade.sol),
        (1_759_486_936_000, 41, 4_012_809.957_922, 0.634_610_23)
    );
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn what_is_written_is_what_the_other_commands_read() {
    let w = Workspace::new();
    ingest(&w, &sample(""));
    let bars = format!("{{dir}}/out/{BUTTERFLY}_1h.parquet");
    // Hours without a trade are absent, and are no bars of a price that nobody paid.
    let checked = w.json(&format!("data check {bars}"), 1);
    let defects = checked["tables"][0]["defects"].as_array().unwrap();
    assert!(defects.iter().all(|defect| defect["kind"] == "gap"), "{checked:#}");
    let verified = w.json(
        &format!("verify --bars {bars} --strategy threshold --signal-column close --set entry=1 --set exit=-1"),
        0,
    );
    assert_eq!(verified["data"]["bars"], checked["tables"][0]["rows"], "{verified:#}");
    let inferred = w.q50(&format!("pool infer {{dir}}/out/trades.parquet --pool {BUTTERFLY} --format json"));
    assert!(inferred.code < 2, "{}", inferred.stderr);
    for name in w.listing("out").iter().filter(|name| name.ends_with(".parquet") && name.starts_with("solana_")) {
        assert!(Bars::read(&w.path("out").join(name)).is_ok(), "{name}");
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn an_answer_of_the_api_newest_first_becomes_bars_in_order() {
    let w = Workspace::new();
    let report = ingest(&w, &sample("api_samples/get_ohlcv_15m_compact.json"));
    assert_eq!(report["bars"][0]["file"], "get_ohlcv_15m_compact_15m.parquet");
    let bars = Bars::read(&w.path("out/get_ohlcv_15m_compact_15m.parquet")).unwrap();
    let last = bars.len() - 1;
    assert_eq!((bars.open_time[last], bars.interval_ms), (1_755_756_000_000, 900_000));
    assert_eq!((bars.open[last], bars.close[last]), (1.613691542742065e-05, 1.8111106133282376e-05));
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn what_the_api_does_not_know_is_null_and_never_zero() {
    let w = Workspace::new();
    ingest(&w, &sample("api_samples/new_pools_with_nan_text.json"));
    let wanted = Wanted {
        numbers: vec!["base_price_native", "reserve_usd", "collected_ms", "price_change_h1", "created_ms", "sells_h1"],
        texts: vec!["base_token_id", "network"],
        ..Wanted::default()
    };
    let pools = Frame::read(&w.path("out/pools.parquet"), &wanted).unwrap();
    let at = |name: &str| pools.number(name).unwrap();
    let greg =
        pools.text("base_token_id").unwrap().iter().position(|id| id == "huGbvMBsED85Z2P2S5bkiJkRbL7RSaqzd1iZ39qpump");
    let greg = greg.expect("the network is no part of a token's id");
    assert!(
        at("base_price_native")[greg].is_nan() && at("reserve_usd")[greg].is_nan() && at("collected_ms")[greg].is_nan()
    );
    assert_eq!(
        (at("price_change_h1")[greg], at("sells_h1")[greg]),
        (0.93594, 0.0),
        "a fraction, and a count that is 0"
    );
    assert_eq!(at("created_ms")[greg], 1_757_382_131_000.0, "2025-09-09T01:42:11Z");
    assert_eq!(pools.text("network").unwrap()[greg], "solana");
}

#[test]
fn a_bar_that_two_files_give_differently_keeps_its_first_value_and_is_reported() {
    let w = Workspace::new();
    std::fs::create_dir(w.path("in")).unwrap();
    w.write("in/a.csv", format!("{BARS}p,1h,1759536000,,1,2,0.5,1.5,10\np,1h,1759539600,,1,2,0.5,1.5,10\n"));
    w.write("in/b.csv", format!("{BARS}p,1h,1759539600,,1,2,0.5,1.6,10\np,1h,1759536000,,1,2,0.5,1.5,10\n"));
    let report = ingest(&w, &w.path("in"));
    assert_eq!((&report["repeated"], report["conflicts"].as_array().unwrap().len()), (&1.into(), 1), "{report:#}");
    let conflict = &report["conflicts"][0];
    assert_eq!(conflict["key"], "p 1h 2025-10-04T01:00:00Z");
    for (field, value) in
        [("column", "close"), ("kept", "1.5"), ("kept_from", "a.csv"), ("other", "1.6"), ("other_from", "b.csv")]
    {
        assert_eq!(conflict[field], value);
    }
    assert_eq!(Bars::read(&w.path("out/p_1h.parquet")).unwrap().close, [1.5, 1.5]);
}

#[test]
fn the_price_of_a_purchase_is_that_of_the_token_and_not_that_of_sol() {
    let w = Workspace::new();
    // 2 SOL at 200 USD buy 1,000 tokens: 0.4 USD a token. Then 500 are sold at 0.38.
    let rows = "solana_7_t_41_1759486946,p,7,2,1000,200,400,buy,2025-10-03T10:22:16Z\n\
                solana_8_u_42_1759486947,p,8,500,0.95,0.38,190,sell,2025-10-03T10:22:17Z\n";
    ingest(&w, &w.write("trades.csv", format!("{TRADES}{rows}")));
    let wanted = Wanted { time: true, numbers: vec!["price_usd"], ..Wanted::default() };
    let trades = Frame::read(&w.path("out/trades.parquet"), &wanted).unwrap();
    assert_eq!(trades.number("price_usd").unwrap(), [0.4, 0.38]);
    assert_eq!(trades.time()[0], 1_759_486_936_000);
}

#[test]
fn a_row_without_a_time_or_with_two_is_refused_with_its_reason_and_the_others_stay() {
    let w = Workspace::new();
    let rows = "p,1h,1759536000,2025-10-03 18:00:00-06,1,2,0.5,1.5,10\n\
                p,1h,1759539600,00:00.0,1,2,0.5,1.5,10\n\
                p,1h,1759543200,2025-10-03 20:00:00,1,2,0.5,1.5,10\n\
                p,1h,1759546800,,1,2,0,1.5,10\n\
                p,1h,1.76E+09,,1,2,0.5,1.5,10\n";
    let report = ingest(&w, &w.write("bars.csv", format!("{BARS}{rows}")));
    let file = &report["files"][0];
    assert_eq!((&file["taken"], &file["refused"]), (&2.into(), &3.into()), "{report:#}");
    assert_eq!((&file["times"]["as_written"], &file["times"]["passed_over"]), (&1.into(), &1.into()));
    for (at, (row, reason)) in
        [(3, "is not the moment of"), (4, "low is `0`"), (5, "whole number of seconds")].iter().enumerate()
    {
        let refused = &file["first_refused"][at];
        assert!(refused["row"] == *row && refused["reason"].as_str().unwrap().contains(reason), "{refused}");
    }
    // Through a spreadsheet `datetime` lost its date; where it is the only time, nothing can be taken.
    let lost = w.write("lost.csv", "datetime,symbol,open,high,low,close\n00:00.0,p,1,1,1,1\n");
    w.refused(
        &format!("data ingest geckoterminal {} --out {{dir}}/none", lost.display()),
        &["lost.csv", "00:00.0", "no moment"],
    );
    assert_eq!(w.listing("none"), [""; 0]);
}

#[test]
fn a_second_ingest_replaces_the_first_and_leaves_nothing_of_it() {
    let w = Workspace::new();
    let row = |pool: &str, hour: u32| format!("{pool},1h,{},,1,2,0.5,1.5,10\n", 1_759_536_000 + 3_600 * hour);
    ingest(&w, &w.write("one.csv", format!("{BARS}{}{}", row("a", 0), row("a", 1))));
    w.write("out/mine.txt", "mine");
    ingest(&w, &w.write("two.csv", format!("{BARS}{}{}{}", row("b", 0), row("b", 1), row("../c", 1))));
    assert_eq!(w.listing("out"), ["b_1h.parquet", "ingest.json", "mine.txt"]);
}

#[test]
fn what_is_not_the_collectors_is_refused_and_what_is_damaged_named() {
    let w = Workspace::new();
    let out = "--out {dir}/out";
    let strange = w.write("strange.csv", "a,b\n1,2\n");
    w.refused(
        &format!("data ingest geckoterminal {} {out}", strange.display()),
        &["strange.csv", "none of the collector's shapes"],
    );
    let cut = w.write("cut.json", r#"[{"id": "x", "pool_id": "p", "#);
    w.refused(&format!("data ingest geckoterminal {} {out}", cut.display()), &["cut.json", "damaged JSON"]);
    let database = w.write("cut.db", b"SQLite format 3\0 and no more");
    w.refused(&format!("data ingest geckoterminal {} {out}", database.display()), &["cut.db", "SQLite"]);
    w.refused(&format!("data ingest geckoterminal {{dir}}/absent {out}"), &["absent"]);
    assert_eq!(w.listing("out"), [""; 0]);
}

/// `b.json` breaks off behind a bar that is whole, and `c.csv` is no gzip although it begins as one.
#[test]
fn a_damaged_file_does_not_stop_the_ingest_of_its_folder_and_nothing_of_it_is_taken() {
    let w = Workspace::new();
    std::fs::create_dir(w.path("in")).unwrap();
    w.write("in/a.csv", format!("{BARS}p,1h,1759536000,,1,2,0.5,1.5,10\np,1h,1759539600,,1,2,0.5,1.5,10\n"));
    let bar =
        r#"{"pool_id": "q", "timeframe": "1h", "timestamp": 1759536000, "open": 1, "high": 2, "low": 1, "close": 1}"#;
    w.write("in/b.json", format!("[{bar}, {bar}, {{"));
    w.write("in/c.csv", b"\x1f\x8b\x08 and no more");
    w.write("in/d.csv", format!("{BARS}p,1h,1759543200,,1,2,0.5,1.5,10\n"));
    let report = w.json("data ingest geckoterminal {dir}/in --out {dir}/out", 1);
    let passed_over = report["passed_over"].as_array().unwrap();
    let files: Vec<&str> = passed_over.iter().map(|passed| passed["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["b.json", "c.csv"], "{report:#}");
    assert!(passed_over[0]["reason"].as_str().unwrap().contains("damaged JSON"), "{passed_over:?}");
    assert_eq!(w.listing("out"), ["ingest.json", "p_1h.parquet"]);
    assert_eq!(Bars::read(&w.path("out/p_1h.parquet")).unwrap().len(), 3);
    assert_eq!(report["single_bars"].as_array().unwrap().len(), 0, "{report:#}");
    let told = w.q50("data ingest geckoterminal {dir}/in --out {dir}/out").stderr;
    assert_eq!(told.matches("passed over").count(), 2, "{told}");
    w.refused("data ingest geckoterminal {dir}/in/b.json --out {dir}/none", &["b.json", "damaged JSON"]);
}
