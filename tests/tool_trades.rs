//! Trades that other tools export, judged on their bars as a user does it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "tool_trades/doctored.rs"]
mod doctored;
#[path = "tool_trades/freqtrade.rs"]
mod freqtrade;
#[path = "tool_trades/metatrader.rs"]
mod metatrader;
mod util;

use std::path::PathBuf;

use serde_json::Value;
use util::Workspace;

/// Four hours from 2024-01-01: closes of 100, 105, 110 and 110.
const BARS: &str = "datetime,open,high,low,close\n2024-01-01 00:00:00,100,100,100,100\n2024-01-01 01:00:00,100,106,99,105\n\
                    2024-01-01 02:00:00,105,111,104,110\n2024-01-01 03:00:00,110,110,110,110\n";
const VECTORBT: &str = "Exit Trade Id,Column,Size,Entry Timestamp,Avg Entry Price,Entry Fees,Exit Timestamp,Avg Exit Price,\
                        Exit Fees,PnL,Return,Direction,Status,Position Id\n";

/// A file that a tool made; see tests/results/README.md.
fn export(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "results", name].iter().collect();
    path.display().to_string()
}

fn judged(w: &Workspace, option: &str, file: &str, more: &str) -> Value {
    w.json(&format!("verify {option} {} --bars {} {more}", export(file), export("bars.csv")), 0)
}

fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number, expected {expected}"));
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

/// Text in UTF-16 with its mark.
fn wide(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes_of).collect()
}

fn check<'a>(summary: &'a Value, name: &str) -> &'a Value {
    summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

fn evidence<'a>(summary: &'a Value, name: &str) -> &'a str {
    check(summary, name)["evidence"].as_str().unwrap()
}

/// A long of 10 from 100 to 110 with fees of 1 and 1.1: equity of 1000, 1049, 1097.9, 1097.9.
#[test]
fn trades_are_rebuilt_as_worked_by_hand() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let trade = "0,x,10,2024-01-01 01:00:00,100,1,2024-01-01 02:00:00,110,1.1,97.9,0.0979,Long,Closed,0\n";
    w.write("t.csv", format!("{VECTORBT}{trade}"));
    let summary = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
    let returns = [0.0, 0.049, 1_097.9 / 1_049.0 - 1.0, 0.0];
    let mean = returns.iter().sum::<f64>() / 4.0;
    let deviation = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    let replay = &summary["replay"];
    near(&replay["sharpe"], mean / deviation * 8_760_f64.sqrt());
    near(&replay["total_return"], 0.0979);
    near(&replay["fees"], 2.1);
    near(&replay["exposure"], 1_050.0 / 1_049.0 / 4.0);
    assert_eq!((&replay["fills"], &replay["bars"], &replay["max_drawdown"]), (&2.into(), &4.into(), &0.0.into()));
    near(&summary["benchmark"]["total_return"], 0.1);
    assert_eq!(summary["tool"]["name"], "vectorbt");
    assert_eq!(summary["tool"]["profit_after_fees"], true);
    for (name, state) in [("data_sound", "pass"), ("causal", "not_run"), ("reproduced", "pass"), ("robust", "not_run")]
    {
        assert_eq!(check(&summary, name)["state"], state, "{name}: {}", check(&summary, name));
    }
    // Twice the fees: 1048, then 1095.8.
    let dear = [0.0, 0.048, 1_095.8 / 1_048.0 - 1.0, 0.0];
    let mean = dear.iter().sum::<f64>() / 4.0;
    let deviation = (dear.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    near(&check(&summary, "survives_costs")["value"], mean / deviation * 8_760_f64.sqrt());
}

#[test]
fn a_trade_that_is_open_at_the_end_is_marked_and_not_sold() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let open = "0,x,10,2024-01-01 01:00:00,100,1,2024-01-01 03:00:00,110,0,99,0.099,Long,Open,0\n";
    w.write("t.csv", format!("{VECTORBT}{open}"));
    let summary = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
    near(&summary["replay"]["final_equity"], 1_000.0 - 1.0 + 100.0);
    assert_eq!((&summary["replay"]["fills"], &summary["tool"]["open_trades"]), (&1.into(), &1.into()));
}

#[test]
fn backtesting_py_is_rebuilt_to_its_own_equity_at_every_bar() {
    let w = Workspace::new();
    let trades = judged(&w, "--trades", "backtesting_trades.csv", "--capital 10000");
    let equity = judged(&w, "--equity", "backtesting_equity.csv", "--capital 10000");
    for figure in ["sharpe", "total_return", "max_drawdown", "final_equity"] {
        near(&trades["replay"][figure], equity["replay"][figure].as_f64().unwrap());
    }
    assert!((trades["replay"]["final_equity"].as_f64().unwrap() - 9_678.698_378).abs() < 1e-6);
    assert!((trades["replay"]["max_drawdown"].as_f64().unwrap() - 0.097_927_25).abs() < 1e-8);
    assert_eq!(
        (&trades["tool"]["name"], &equity["tool"]["name"]),
        (&"backtesting.py".into(), &"backtesting.py".into())
    );
    assert_eq!(trades["tool"]["trades"], 23);
    // The file states its drawdown beside its equity.
    assert_eq!(equity["figures"][0]["name"], "max_drawdown");
    for summary in [&trades, &equity] {
        assert_eq!(check(summary, "reproduced")["state"], "pass", "{}", check(summary, "reproduced"));
    }
    // Two exports of one run are known as such by nobody: two trials.
    assert_eq!(equity["inference"]["trials"], 2);
}

#[test]
fn vectorbt_has_its_own_figures_from_trades_orders_and_equity() {
    let w = Workspace::new();
    for (option, file) in
        [("--trades", "vectorbt_trades.csv"), ("--trades", "vectorbt_orders.csv"), ("--equity", "vectorbt_value.csv")]
    {
        let replay = judged(&w, option, file, "--capital 10000")["replay"].clone();
        near(&replay["final_equity"], 9_339.546_403_397_924);
        near(&replay["sharpe"], -4.099_371_311_967_08);
        near(&replay["max_drawdown"], 0.080_437_846_785_860_41);
    }
}

#[test]
fn freqtrade_states_its_capital_and_its_figures_which_are_reproduced() {
    let w = Workspace::new();
    let summary = judged(&w, "--trades", "freqtrade.zip", "");
    near(&summary["replay"]["final_equity"], 968.326_623_59);
    // Its backtest is from 1 March, 21:00 to 17 March, 15:00, and the bars begin at midnight.
    assert_eq!(summary["replay"]["bars"], 16 * 24 - 6 + 1);
    let tool = &summary["tool"];
    assert_eq!(
        (&tool["name"], &tool["instrument"], &tool["trades"]),
        (&"freqtrade".into(), &"BTC/USDT".into(), &11.into())
    );
    near(&tool["sharpe"], -2.180_176_934_316_207_4);
    near(&tool["capital"], 1_000.0);
    let figures = summary["figures"].as_array().unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["final_equity", "total_return", "profit", "max_drawdown", "sharpe"]);
    assert!(figures.iter().all(|figure| figure["state"] == "pass"), "{figures:?}");
    assert_eq!(summary["verdict"], "refuted", "it lost");
}

#[test]
fn slippage_is_possible_and_a_price_that_no_bar_had_is_not() {
    let w = Workspace::new();
    let spread = judged(&w, "--trades", "backtesting_spread_trades.csv", "--capital 10000");
    assert!((spread["replay"]["final_equity"].as_f64().unwrap() - 9_682.972_146).abs() < 1e-6);
    assert_eq!(check(&spread, "data_sound")["state"], "pass", "{}", check(&spread, "data_sound"));
    assert!(evidence(&spread, "data_sound").contains("slippage, which is possible"));
    let text = std::fs::read_to_string(export("vectorbt_trades.csv")).unwrap();
    // The first entry, 5 % below what was paid.
    w.write("t.csv", text.replacen("93.48001665", "88.8", 1));
    let line = format!("verify --trades {{dir}}/t.csv --bars {} --capital 10000", export("bars.csv"));
    let wrong = w.json(&line, 0);
    assert_eq!(check(&wrong, "data_sound")["state"], "fail");
    assert!(
        evidence(&wrong, "data_sound").contains("1 impossible: bought at 88.8"),
        "{}",
        evidence(&wrong, "data_sound")
    );
    assert_eq!(check(&wrong, "reproduced")["state"], "fail", "{}", check(&wrong, "reproduced"));
    assert_eq!(wrong["verdict"], "undetermined");
}

#[test]
fn times_of_another_zone_are_refused_and_read_where_it_is_named() {
    let w = Workspace::new();
    let text = std::fs::read_to_string(export("vectorbt_orders.csv")).unwrap();
    let line = format!("verify --trades {{dir}}/t.csv --bars {} --capital 10000", export("bars.csv"));
    for (zone, half_hours) in [("+05:00", 10), ("-03:00", -6), ("+05:30", 11), ("-09:30", -19)] {
        let local = |line: &str| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            let time = q50_datasets::time::parse_ms(&cells[2]).unwrap() + half_hours * 1_800_000;
            cells[2] = q50_datasets::time::rfc3339(time).replace('T', " ").replace('Z', "");
            cells.join(",")
        };
        let (head, rows) = text.split_once('\n').unwrap();
        w.write("t.csv", format!("{head}\n{}\n", rows.lines().map(local).collect::<Vec<_>>().join("\n")));
        w.refused(&line, &["t.csv", zone, "--time-zone"]);
        near(&w.json(&format!("{line} --time-zone={zone}"), 0)["replay"]["final_equity"], 9_339.546_403_397_924);
    }
}

/// The same table as pandas stores it, with times of their own type, and as Excel saves text.
#[test]
fn trades_are_read_in_every_format_of_a_table() {
    let w = Workspace::new();
    for file in ["vectorbt_orders.parquet", "vectorbt_orders.feather", "vectorbt_orders.pkl"] {
        let summary = judged(&w, "--trades", file, "--capital 10000");
        near(&summary["replay"]["final_equity"], 9_339.546_403_397_924);
        near(&summary["replay"]["sharpe"], -4.099_371_311_967_08);
    }
    let tabs = std::fs::read_to_string(export("vectorbt_orders.csv")).unwrap().replace(',', "\t");
    for bytes_of in [u16::to_le_bytes, u16::to_be_bytes] {
        w.write("t.txt", wide(&tabs, bytes_of));
        let line = format!("verify --trades {{dir}}/t.txt --bars {} --capital 10000", export("bars.csv"));
        near(&w.json(&line, 0)["replay"]["final_equity"], 9_339.546_403_397_924);
    }
}

#[test]
fn a_trade_in_an_hour_that_is_missing_counts_from_the_next() {
    let w = Workspace::new();
    w.write(
        "b.csv",
        BARS.replace("2024-01-01 02:00:00,105,111,104,110\n", "").replace("03:00:00", "04:00:00")
            + "2024-01-01 05:00:00,110,110,110,110\n",
    );
    let trade = "0,x,10,2024-01-01 01:00:00,100,1,2024-01-01 02:30:00,110,1.1,97.9,0.0979,Long,Closed,0\n";
    w.write("t.csv", format!("{VECTORBT}{trade}"));
    let summary = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
    near(&summary["replay"]["final_equity"], 1_097.9);
    assert!(evidence(&summary, "data_sound").contains("1 in no bar"), "{}", evidence(&summary, "data_sound"));
    assert_eq!(check(&summary, "data_sound")["state"], "fail", "one fill of two");
    // The bars on both sides went from 99 to 110.
    w.write("t.csv", format!("{VECTORBT}{}", trade.replace("110,1.1,97.9", "115,1.1,147.9")));
    let summary = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
    let found = "1 impossible: sold at 115 at 2024-01-01T02:30:00Z, where no bar is, and the bars on both sides went from 99 to 110";
    assert!(evidence(&summary, "data_sound").contains(found), "{}", evidence(&summary, "data_sound"));
}

/// Ten sold at 100: at the close of 110 equity is 5, and at the high of 111 it was -5.
#[test]
fn ruin_inside_a_bar_is_ruin() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let trade = "0,x,10,2024-01-01 00:00:00,100,0,2024-01-01 03:00:00,110,0,-100,-0.1,Short,Closed,0\n";
    w.write("t.csv", format!("{VECTORBT}{trade}"));
    let line = "verify --trades {dir}/t.csv --bars {dir}/b.csv --capital";
    w.refused(&format!("{line} 105"), &["used up inside the bar of 2024-01-01T02:00:00Z", "price of 111 equity is -5"]);
    near(&w.json(&format!("{line} 111"), 0)["replay"]["final_equity"], 11.0);
}

/// The trade of the first test, as TradingView's two layouts have it: profit after a commission that has no column.
#[test]
fn tradingview_is_read_in_both_layouts() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let old = "Trade #,Type,Signal,Date/Time,Price USDT,Contracts,Profit USDT,Profit %,Cum. Profit USDT,Cum. Profit %\n\
               1,Exit long,Close,2024-01-01 02:00,110,10,97.9,9.79,97.9,9.79\n\
               1,Entry long,Long,2024-01-01 01:00,100,10,97.9,9.79,97.9,9.79\n";
    let new = "Trade #,Type,Date/Time,Signal,Price USDT,Position size (qty),Position size (value),Net P&L USDT,Net P&L %,\
               Cumulative P&L USDT\n\
               1,Exit long,2024-01-01 02:00,Close,110.00,10,\"1,000\",97.90,9.79,97.90\n\
               1,Entry long,2024-01-01 01:00,Long,100.00,10,\"1,000\",97.90,9.79,97.90\n\
               2,Exit short,2024-01-01 03:00,Open,110.00,1,110,\u{2212}0.20,\u{2212}0.18,97.70\n\
               2,Entry short,2024-01-01 03:00,Short,110.00,1,110,\u{2212}0.20,\u{2212}0.18,97.70\n";
    for (text, fills, open) in [(old, 2, 0), (new, 3, 1)] {
        w.write("t.csv", text);
        let summary = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
        near(&summary["replay"]["final_equity"], 1_097.9);
        near(&summary["replay"]["fees"], 2.1);
        // Marked at the close of 105, after half of the commission; a short of 1 at the last close.
        let exposure = 1_050.0 / 1_048.95 + if open > 0 { 110.0 / 1_097.9 } else { 0.0 };
        near(&summary["replay"]["exposure"], exposure / 4.0);
        assert_eq!((&summary["replay"]["fills"], &summary["tool"]["open_trades"]), (&fills.into(), &open.into()));
        assert_eq!(summary["tool"]["name"], "TradingView");
    }
    // What profits in another currency lack is no commission.
    w.write("t.csv", new.replace("P&L USDT", "P&L EUR").replace("97.90,9.79", "90.00,9.00"));
    w.refused(
        "verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000",
        &["t.csv", "`Net P&L EUR`", "profits in EUR of prices in USDT"],
    );
}

/// The same as QuantConnect has it: profit before its fees, in JSON and in CSV; what is open is in the orders alone.
#[test]
fn quantconnect_profit_is_before_fees() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    w.write(
        "r.json",
        r#"{"charts": {}, "orders": {
            "1": {"id": 1, "symbol": {"value": "X"}, "price": 100, "lastFillTime": "2024-01-01T01:00:00Z", "quantity": 10, "status": 3},
            "2": {"id": 2, "symbol": {"value": "X"}, "price": 110, "lastFillTime": "2024-01-01T02:00:00Z", "quantity": -10, "status": 3},
            "3": {"id": 3, "symbol": {"value": "X"}, "price": 110, "lastFillTime": "2024-01-01T03:00:00Z", "quantity": 2, "status": 3}},
            "statistics": {"Start Equity": "1000", "End Equity": "1097.9", "Net Profit": "9.790%", "Sharpe Ratio": "2.1", "Drawdown": "0%"},
            "totalPerformance": {"closedTrades": [{"symbols": [{"value": "X"}], "entryTime": "2024-01-01T01:00:00Z", "entryPrice": 100,
              "direction": 0, "quantity": 10, "exitTime": "2024-01-01T02:00:00Z", "exitPrice": 110, "profitLoss": 100, "totalFees": 2.1}]}}"#,
    );
    let json = w.json("verify --trades {dir}/r.json --bars {dir}/b.csv", 0);
    assert_eq!((&json["tool"]["profit_after_fees"], &json["tool"]["open_trades"]), (&false.into(), &1.into()));
    near(&json["replay"]["total_return"], 0.0979);
    near(&json["replay"]["final_equity"], 1_097.9);
    assert_eq!(check(&json, "reproduced")["state"], "pass", "{}", check(&json, "reproduced"));
    assert!(evidence(&json, "reproduced").contains("not computed again: sharpe 2.1, max_drawdown 0"));
    w.write(
        "t.csv",
        "Entry Time,Symbol,Exit Time,Direction,Entry Price,Exit Price,Quantity,P&L,Fees\n\
         2024-01-01T01:00:00Z,X,2024-01-01T02:00:00Z,Buy,100,110,10,$100.00,$2.10\n",
    );
    let rows = w.json("verify --trades {dir}/t.csv --bars {dir}/b.csv --capital 1000", 0);
    near(&rows["replay"]["final_equity"], 1_097.9);
    assert_eq!(rows["tool"]["profit_after_fees"], false);
}

/// The same in lots of 100 units: a deposit, a buy with a commission, and a sale that earns 100 before it and a swap.
#[test]
fn metatrader_deals_are_read_from_its_report() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let row = |cells: &[&str]| {
        format!("<tr>{}</tr>", cells.iter().map(|c| format!("<td><b>{c}</b></td>")).collect::<String>())
    };
    let report = [
        "<html><body><table><tr><td>Initial Deposit:</td><td>1 000.00</td></tr>".to_owned(),
        row(&metatrader::HEAD),
        row(&["2024.01.01 00:00:00", "1", "", "balance", "", "", "", "", "0.00", "0.00", "1 000.00", "1 000.00", ""]),
        row(&[
            "2024.01.01 01:00:00",
            "2",
            "X",
            "buy",
            "in",
            "0.10",
            "100.00",
            "2",
            "-1.00",
            "0.00",
            "0.00",
            "999.00",
            "",
        ]),
        row(&[
            "2024.01.01 02:00:00",
            "3",
            "X",
            "sell",
            "out",
            "0.10",
            "110.00",
            "3",
            "-1.00",
            "-0.10",
            "100.00",
            "1 097.90",
            "",
        ]),
        "<tr><td colspan=8></td><td>-2.00</td><td>-0.10</td><td>1 100.00</td></tr></table></body></html>".to_owned(),
    ]
    .concat();
    let written: [(&str, Vec<u8>); 6] = [
        ("wide.html", wide(&report, u16::to_le_bytes)),
        ("wide_be.html", wide(&report, u16::to_be_bytes)),
        ("unmarked.html", wide(&report, u16::to_be_bytes)[2..].to_vec()),
        ("plain.html", report.clone().into_bytes()),
        ("marked.html", format!("\u{feff}{report}").into_bytes()),
        ("blanks.html", format!("\n  {report}").into_bytes()),
    ];
    for (file, bytes) in written {
        w.write(file, bytes);
        let summary = w.json(&format!("verify --trades {{dir}}/{file} --bars {{dir}}/b.csv"), 0);
        assert_eq!((&summary["tool"]["name"], &summary["tool"]["instrument"]), (&"MetaTrader 5".into(), &"X".into()));
        near(&summary["replay"]["final_equity"], 1_097.9);
        near(&summary["replay"]["fees"], 2.1);
        near(&summary["tool"]["final_equity"], 1_097.9);
        assert_eq!(check(&summary, "reproduced")["state"], "pass", "{}", check(&summary, "reproduced"));
    }
    w.write("other.html", "<html><table><tr><td>x</td></tr></table></html>");
    w.refused("verify --trades {dir}/other.html --bars {dir}/b.csv", &["other.html", "MetaTrader 5"]);
}

/// Without what is open at the end, equity is known to the cent, and the statistics are held to the digits that they print.
#[test]
fn figures_of_quantconnect_are_held_to_their_last_digit() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let reproduced = |end: &str, profit: &str| {
        let trade = r#"{"symbols": [{"value": "X"}], "entryTime": "2024-01-01T01:00:00Z", "entryPrice": 100, "direction": 0,
            "quantity": 10, "exitTime": "2024-01-01T02:00:00Z", "exitPrice": 110, "profitLoss": 100, "totalFees": 2.1}"#;
        let statistics = format!(r#"{{"Start Equity": "1000", "End Equity": "{end}", "Net Profit": "{profit}"}}"#);
        w.write(
            "r.json",
            format!(
                r#"{{"totalPerformance": {{"closedTrades": [{trade}]}}, "orders": {{}}, "statistics": {statistics}}}"#
            ),
        );
        let summary = w.json("verify --trades {dir}/r.json --bars {dir}/b.csv", 0);
        check(&summary, "reproduced")["state"].clone()
    };
    for (end, profit, state) in [
        ("1097.90", "9.790%", "pass"),
        ("$1,097.9", "9.8%", "pass"),
        ("1098", "10%", "pass"),
        ("1097.95", "9.790%", "fail"),
        ("1097.90", "9.799%", "fail"),
        ("1105.00", "9.790%", "fail"),
    ] {
        assert_eq!(reproduced(end, profit), state, "{end}, {profit}");
    }
}

#[test]
fn what_cannot_be_rebuilt_is_refused_with_the_reason() {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let trade = "0,x,10,2024-01-01 01:00:00,100,1,2024-01-01 02:00:00,110,1.1,97.9,0.0979,Long,Closed,0\n";
    w.write("t.csv", format!("{VECTORBT}{trade}"));
    w.write("two.csv", format!("{VECTORBT}{trade}{}", trade.replace(",x,", ",y,")));
    w.write("late.csv", format!("{VECTORBT}{}", trade.replace("2024-01-01 02", "2024-01-02 02")));
    w.write("short.csv", format!("{VECTORBT}{}", trade.replace("Long", "Short")));
    w.write("bars_as_trades.csv", BARS);
    w.write("old.json", r#"[["BTC/USDT", 0.01, 1704067200, 1704070800, 1, 60, 100.0, 101.0, false, "roi"]]"#);
    w.write("dates.csv", format!("{VECTORBT}{}", trade.replace("2024-01-01 01:00:00", "01/02/2024 01:00")));
    for (line, needles) in [
        ("--trades {dir}/t.csv --bars {dir}/b.csv", ["t.csv", "--capital"]),
        ("--trades {dir}/t.csv --capital 1000", ["--bars", "required"]),
        ("--trades {dir}/two.csv --bars {dir}/b.csv --capital 1000", ["`x`, `y`", "--run"]),
        ("--trades {dir}/late.csv --bars {dir}/b.csv --capital 1000", ["2024-01-02T02:00:00Z", "outside of the bars"]),
        ("--trades {dir}/bars_as_trades.csv --bars {dir}/b.csv --capital 1000", ["`open`", "freqtrade"]),
        ("--trades {dir}/old.json --bars {dir}/b.csv", ["without amounts", "2020.9"]),
        ("--trades {dir}/dates.csv --bars {dir}/b.csv --capital 1000", ["01/02/2024", "year first"]),
        ("--trades {dir}/short.csv --bars {dir}/b.csv --capital 40", ["used up at 2024-01-01T01:00:00Z", "capital"]),
        ("--trades {dir}/t.csv --bars {dir}/b.csv --capital 1000 --returns {dir}/t.csv", ["--trades", "--returns"]),
    ] {
        w.refused(&format!("verify {line} --out {{dir}}/out"), &needles);
    }
    let own = "verify --trades {dir}/two.csv --run y --bars {dir}/b.csv --capital 1000";
    let own = w.json(own, 0);
    assert_eq!((&own["tool"]["instrument"], &own["inference"]["trials"]), (&"y".into(), &2.into()), "x counts too");
}

#[test]
fn results_of_one_tool_on_the_same_bars_leave_the_ledger_whole() {
    let w = Workspace::new();
    let text = std::fs::read_to_string(export("vectorbt_trades.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // The same rule with fewer of its trades, again and again: each is a hypothesis of its own.
    for trades in 2..8 {
        w.write("t.csv", lines[..=trades].join("\n") + "\n");
        w.json(&format!("verify --trades {{dir}}/t.csv --bars {} --capital 10000", export("bars.csv")), 0);
    }
    assert_eq!(w.json("trials check", 0)["broken"], Value::Null);
}
