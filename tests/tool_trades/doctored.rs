//! Results that were cut, doctored, or paid for beside the market, on the bars of the parent: closes of 100, 105, 110, 110.

use serde_json::{Value, json};

use super::{BARS, VECTORBT, check, evidence, near};
use crate::util::Workspace;

const HOUR: i64 = 3_600_000;
/// 2024-01-01 in epoch milliseconds.
const START: i64 = 1_704_067_200_000;

fn workspace() -> Workspace {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    w
}

fn judged(w: &Workspace, file: &str, more: &str) -> Value {
    w.json(&format!("verify --trades {{dir}}/{file} --bars {{dir}}/b.csv {more}"), 0)
}

fn refused(w: &Workspace, file: &str, needles: &[&str]) {
    let line = format!("verify --trades {{dir}}/{file} --bars {{dir}}/b.csv --capital 1000 --out {{dir}}/out");
    w.refused(&line, &[&[file][..], needles].concat());
    assert!(w.listing("out").is_empty());
}

/// A long of 10 from 100 at 01:00 to 110 at 02:00, without fees: a profit of 100.
fn trade() -> Value {
    json!({"pair": "X/USDT", "amount": 10.0, "open_timestamp": START + HOUR, "close_timestamp": START + 2 * HOUR,
           "open_rate": 100.0, "close_rate": 110.0, "fee_open": 0.0, "fee_close": 0.0, "profit_abs": 100.0})
}

fn freqtrade(trades: &[Value], mode: &str, profit: f64) -> String {
    let outcome = json!({"trades": trades, "starting_balance": 1000.0, "final_balance": 1000.0 + profit,
                         "profit_total": profit / 1000.0, "total_trades": trades.len(), "trading_mode": mode});
    json!({"strategy": {"S": outcome}}).to_string()
}

fn with(mut trade: Value, key: &str, value: Value) -> Value {
    trade[key] = value;
    trade
}

#[test]
fn freqtrade_is_refused_where_a_trade_is_none() {
    let w = workspace();
    let order = |side: &str, price: f64, hour: i64| json!({"amount": 10.0, "safe_price": price, "ft_order_side": side, "order_filled_timestamp": START + hour * HOUR});
    for (key, value, needle) in [
        ("orders", json!([order("buy", -0.4, 1), order("sell", 110.0, 2)]), "-0.4"),
        ("open_rate", json!(-5.0), "at -5 "),
        ("open_rate", json!(0.0), "at 0 "),
        ("amount", json!(-5.0), "-5 units"),
        ("fee_open", json!(-0.01), "fee of -10"),
        ("close_timestamp", json!(START), "an exit before its entry"),
    ] {
        w.write("t.json", freqtrade(&[with(trade(), key, value)], "spot", 100.0));
        refused(&w, "t.json", &["row 1", needle]);
    }
}

#[test]
fn trades_that_freqtrade_counts_and_the_file_lacks_are_missed() {
    let w = workspace();
    let whole = freqtrade(&[trade()], "spot", 100.0);
    w.write("t.json", &whole);
    assert_eq!(check(&judged(&w, "t.json", ""), "reproduced")["state"], "pass");
    w.write("t.json", whole.replace(r#""total_trades":1"#, r#""total_trades":3"#));
    refused(&w, "t.json", &["1 trades of `S`", "expected 3"]);
}

/// Funding of 30 in a profit of 130 is named; 150 of 250 is more than the prices gave.
#[test]
fn a_profit_that_is_mostly_funding_is_not_reproduced_by_prices() {
    let w = workspace();
    for (funding, state) in [(30.0, "pass"), (150.0, "fail")] {
        let paid = with(with(trade(), "funding_fees", json!(funding)), "profit_abs", json!(100.0 + funding));
        w.write("t.json", freqtrade(std::slice::from_ref(&paid), "futures", 100.0 + funding));
        let summary = judged(&w, "t.json", "");
        near(&summary["replay"]["final_equity"], 1_100.0 + funding);
        near(&summary["tool"]["financing"], funding);
        near(&summary["tool"]["fees"], 0.0);
        let figure = summary["figures"].as_array().unwrap().last().unwrap();
        assert_eq!(figure["name"], "profit_of_prices");
        near(&figure["claimed"], 100.0 + funding);
        near(&figure["replayed"], 100.0);
        assert_eq!(check(&summary, "reproduced")["state"], state, "{}", evidence(&summary, "reproduced"));
        assert!(summary["tool"]["notes"].to_string().contains(&format!("{funding:.2} was received as funding")));
        w.write("spot.json", freqtrade(&[paid], "spot", 100.0 + funding));
        refused(&w, "spot.json", &["funding_fees", "spot"]);
    }
}

#[test]
fn a_run_of_several_strategies_and_pairs_is_named_by_both_and_a_wrong_name_is_refused() {
    let w = workspace();
    let other = with(with(trade(), "pair", json!("Y/USDT")), "amount", json!(20.0));
    let one: Value = serde_json::from_str(&freqtrade(&[trade(), other], "spot", 300.0)).unwrap();
    let outcome = &one["strategy"]["S"];
    w.write("t.json", json!({"strategy": {"S": outcome, "T": outcome}}).to_string());
    let summary = judged(&w, "t.json", "--run T:Y/USDT");
    near(&summary["replay"]["final_equity"], 1_200.0);
    assert_eq!(summary["tool"]["instrument"], "Y/USDT");
    refused(&w, "t.json", &["`S:X/USDT`, `S:Y/USDT`, `T:X/USDT`, `T:Y/USDT`", "--run"]);
    w.write("one.json", freqtrade(&[trade()], "spot", 100.0));
    assert_eq!(judged(&w, "one.json", "--run S")["tool"]["instrument"], "X/USDT");
    w.write(
        "v.csv",
        format!("{VECTORBT}0,x,10,2024-01-01 01:00:00,100,1,2024-01-01 02:00:00,110,1,98,0,Long,Closed,0\n"),
    );
    for file in ["t.json", "one.json", "v.csv"] {
        w.refused(
            &format!("verify --trades {{dir}}/{file} --bars {{dir}}/b.csv --capital 1000 --run Z/USDT"),
            &["no `Z/USDT` among", "--run"],
        );
    }
}

/// A trade of vectorbt by its number and the cells from its size to the position's number.
fn numbered(ids: &[u32]) -> String {
    let row =
        |id: &u32| format!("{id},x,1,2024-01-01 01:00:00,100,0,2024-01-01 02:00:00,110,0,10,0.1,Long,Closed,{id}\n");
    ids.iter().map(row).collect()
}

#[test]
fn trades_of_vectorbt_that_were_taken_out_or_come_twice_are_missed() {
    let w = workspace();
    for (ids, needles) in [
        (&[0, 1, 3][..], &["`Exit Trade Id`", "found 3 after 1", "rows are missing"][..]),
        (&[0, 1, 1][..], &["row 3", "`Exit Trade Id`", "found 1 again"][..]),
    ] {
        w.write("t.csv", format!("{VECTORBT}{}", numbered(ids)));
        refused(&w, "t.csv", needles);
    }
    // Numbers that run over all columns have gaps in each.
    let shared = numbered(&[0, 1, 2]).replacen("1,x", "1,y", 1);
    w.write("t.csv", format!("{VECTORBT}{shared}"));
    near(&judged(&w, "t.csv", "--capital 1000 --run x")["replay"]["final_equity"], 1_020.0);
}

/// Entries at averages of 97, below the low of 99, and exits at a price that was there.
#[test]
fn average_entries_of_vectorbt_are_no_fraud_and_its_orders_are_asked_for() {
    let w = workspace();
    w.write(
        "t.csv",
        format!("{VECTORBT}{}", numbered(&[0, 1, 2]).replace(",100,0", ",97,0").replace(",0,10,", ",0,13,")),
    );
    refused(&w, "t.csv", &["3 of 3 entries", "average price", "pf.orders"]);
}

#[test]
fn fees_below_zero_and_profits_above_the_prices_are_refused() {
    let w = workspace();
    let bought = "0,x,10,2024-01-01 01:00:00,100,-1,2024-01-01 02:00:00,110,1.1,99.9,0.0979,Long,Closed,0\n";
    w.write("vectorbt.csv", format!("{VECTORBT}{bought}"));
    refused(&w, "vectorbt.csv", &["row 1", "a fee of -1"]);
    let head = "Size,EntryBar,ExitBar,EntryPrice,ExitPrice,PnL,Commission,EntryTime,ExitTime\n";
    let times = "2024-01-01 01:00:00,2024-01-01 02:00:00\n";
    w.write("py.csv", format!("{head}10,1,2,100,110,120,-20,{times}"));
    refused(&w, "py.csv", &["row 1", "a fee of -"]);
    w.write("old.csv", format!("{head}10,1,2,100,110,125,{times}").replace(",Commission", ""));
    refused(&w, "old.csv", &["row 1", "a profit of 125, of which prices give 100"]);
    // A profit in cents may be rounded up.
    w.write("old.csv", format!("{head}10,1,2,100,110,100.005,{times}").replace(",Commission", ""));
    near(&judged(&w, "old.csv", "--capital 1000")["replay"]["final_equity"], 1_100.0);
    let records = r#"[{"Size":10,"EntryBar":1,"ExitBar":2,"EntryPrice":100,"ExitPrice":110,"PnL":98,"EntryTime":"2024-01-01 01:00:00","ExitTime":"2024-01-01 02:00:00"},
                      {"Size":10,"EntryBar":1,"ExitBar":2,"EntryPrice":100,"ExitPrice":110,"PnL":98,"Commission":2,"EntryTime":"2024-01-01 01:00:00","ExitTime":"2024-01-01 02:00:00"}]"#;
    w.write("records.json", records);
    refused(&w, "records.json", &["row 1", "`Commission`"]);
}

const TRADINGVIEW: &str = "Trade #,Type,Date/Time,Signal,Price USDT,Position size (qty),Net P&L USDT\n";

fn tradingview(number: u32, profit: &str) -> String {
    format!(
        "{number},Exit long,2024-01-01 02:00,Close,110,10,{profit}\n{number},Entry long,2024-01-01 01:00,Long,100,10,{profit}\n"
    )
}

/// Prices give 100, so that a profit of -12.30, in brackets as spreadsheets print a loss, has fees of 112.30.
#[test]
fn tradingview_is_held_to_its_numbers() {
    let w = workspace();
    w.write("t.csv", format!("{TRADINGVIEW}{}", tradingview(1, "(12.30)")));
    let summary = judged(&w, "t.csv", "--capital 2000");
    near(&summary["replay"]["final_equity"], 1_987.7);
    near(&summary["tool"]["profit"], -12.3);
    for (text, needles) in [
        (tradingview(1, "125"), &["row 1", "a profit of 125, of which prices give 100"][..]),
        (tradingview(1, "\"0,5\""), &["row 1", "found `0,5`", "decimal point"][..]),
        (tradingview(1, "1.5K"), &["row 1", "found `1.5K`", "multiples"][..]),
        (tradingview(1, "98") + &tradingview(1, "97"), &["row 3", "exit long of trade 1 again"][..]),
        (tradingview(1, "98") + &tradingview(3, "97"), &["`Trade #`", "found 3 after 1", "rows are missing"][..]),
    ] {
        w.write("t.csv", format!("{TRADINGVIEW}{text}"));
        refused(&w, "t.csv", needles);
    }
}

/// Two instruments, each bought and sold: 10 of X for a gain of 100, 20 of Y for 200.
fn quantconnect() -> Value {
    let order = |symbol: &str, quantity: i64, hour: u8, price: u8| {
        json!({"symbol": {"value": symbol}, "price": price, "quantity": quantity, "status": 3,
               "lastFillTime": format!("2024-01-01T0{hour}:00:00Z")})
    };
    let trade = |symbol: &str, quantity: i64| {
        json!({"symbols": [{"value": symbol}], "entryTime": "2024-01-01T01:00:00Z", "entryPrice": 100, "direction": 0,
               "quantity": quantity, "exitTime": "2024-01-01T02:00:00Z", "exitPrice": 110,
               "profitLoss": 10 * quantity, "totalFees": 0})
    };
    let [x, y] = ["X", "X 240621C00500000"];
    json!({"charts": {}, "totalPerformance": {"closedTrades": [trade(x, 10), trade(y, 20)]},
           "orders": [order(x, 10, 1, 100), order(x, -10, 2, 110), order(y, 20, 1, 100), order(y, -20, 2, 110)],
           "statistics": {"Start Equity": "1000", "End Equity": "1300", "Net Profit": "30.000%"}})
}

#[test]
fn one_instrument_of_quantconnect_is_not_held_to_the_whole_account() {
    let w = workspace();
    w.write("r.json", quantconnect().to_string());
    refused(&w, "r.json", &["2 instruments: `X`, `X 240621C00500000`", "--run"]);
    let summary = judged(&w, "r.json", "--run X");
    near(&summary["replay"]["final_equity"], 1_100.0);
    assert_eq!(summary["tool"]["final_equity"], Value::Null);
    let figures = summary["figures"].as_array().unwrap();
    assert!(figures.iter().all(|figure| figure["state"] == "pass"), "{figures:?}");
    assert!(summary["tool"]["notes"].to_string().contains("only the trades of X"));
}

#[test]
fn orders_of_quantconnect_show_which_trades_were_taken_out() {
    let w = workspace();
    let mut result = quantconnect();
    let again = result["totalPerformance"]["closedTrades"][0].clone();
    let orders = result["orders"].as_array_mut().unwrap();
    let twice = [orders[0].clone(), orders[1].clone()];
    orders.extend(twice);
    w.write("r.json", result.to_string());
    w.refused(
        "verify --trades {dir}/r.json --bars {dir}/b.csv --run X",
        &["closed trades of 20 units", "expected 40", "trades are missing"],
    );
    result["totalPerformance"]["closedTrades"].as_array_mut().unwrap().push(again);
    w.write("r.json", result.to_string());
    near(&judged(&w, "r.json", "--run X")["replay"]["final_equity"], 1_200.0);
    w.write(
        "o.csv",
        "Time,Symbol,Price,Quantity,Type,Status\n2024-01-01T01:00:00Z,X,100,10,Limit,Partially Filled\n\
         2024-01-01T02:00:00Z,X,110,-10,Market,Filled\n",
    );
    refused(&w, "o.csv", &["row 1", "partly filled", "table of trades"]);
}
