//! Trades of freqtrade that are more than one buy and one sale, on the bars of the parent: closes of 100, 105, 110, 110.

use serde_json::{Value, json};

use super::{BARS, check, evidence, near};
use crate::util::Workspace;

const HOUR: i64 = 3_600_000;
/// 2024-01-01 in epoch milliseconds.
const START: i64 = 1_704_067_200_000;

fn order(side: &str, amount: f64, price: f64, hour: Option<i64>) -> Value {
    json!({"amount": amount, "safe_price": price, "ft_order_side": side, "ft_is_entry": null,
           "order_filled_timestamp": hour.map(|hour| START + hour * HOUR)})
}

/// A result of these trades with fees of 0.1 %, judged; every figure that it states is reproduced.
fn judged(trades: &Value, profit: f64) -> Value {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    let outcome = json!({"trades": trades, "starting_balance": 1000.0, "final_balance": 1000.0 + profit,
                         "profit_total": profit / 1000.0, "total_trades": 1, "trading_mode": "futures"});
    w.write("t.json", json!({"strategy": {"S": outcome}}).to_string());
    let summary = w.json("verify --trades {dir}/t.json --bars {dir}/b.csv", 0);
    assert_eq!(check(&summary, "reproduced")["state"], "pass", "{}", evidence(&summary, "reproduced"));
    near(&summary["replay"]["final_equity"], 1_000.0 + profit);
    summary
}

/// Ten sold at 106 and bought back at 104: 20 less fees of 1.06 and 1.04, and at the close of 105 a gain of 10.
#[test]
fn a_short_gains_where_the_price_falls() {
    let short = json!([{"pair": "X/USDT:USDT", "amount": 10.0, "open_timestamp": START + HOUR,
        "close_timestamp": START + 2 * HOUR, "open_rate": 106.0, "close_rate": 104.0, "fee_open": 0.001,
        "fee_close": 0.001, "profit_abs": 17.9, "is_short": true, "funding_fees": 0.0}]);
    let summary = judged(&short, 17.9);
    near(&summary["replay"]["fees"], 2.1);
    near(&summary["replay"]["exposure"], 1_050.0 / (1_000.0 - 1.06 + 10.0) / 4.0);
    assert_eq!(summary["replay"]["fills"], 2);
}

/// Four bought at 100 and at 104, eight sold at 110 in two parts; an order that was never filled is none. Gains of 64 less
/// fees of 0.4, 0.416 and 0.88.
#[test]
fn each_order_of_a_trade_counts_at_its_own_price_and_time() {
    let orders = json!([
        order("buy", 4.0, 100.0, Some(1)),
        order("buy", 4.0, 104.0, Some(2)),
        order("buy", 4.0, 90.0, None),
        order("sell", 3.0, 110.0, Some(2)),
        order("sell", 5.0, 110.0, Some(3)),
    ]);
    let trade = json!([{"pair": "X/USDT:USDT", "amount": 8.0, "open_timestamp": START + HOUR,
        "close_timestamp": START + 3 * HOUR, "open_rate": 102.0, "close_rate": 110.0, "fee_open": 0.001,
        "fee_close": 0.001, "profit_abs": 62.304, "orders": orders}]);
    let summary = judged(&trade, 62.304);
    near(&summary["replay"]["fees"], 1.696);
    assert_eq!((&summary["replay"]["fills"], &summary["tool"]["trades"]), (&4.into(), &1.into()));
    // 420 of 1,019.6 at 105, then 550 of what is there at 110.
    let second = 1_000.0 - 0.4 - 0.416 - 0.33 + 40.0 + 24.0;
    near(&summary["replay"]["exposure"], (420.0 / 1_019.6 + 550.0 / second) / 4.0);
}
