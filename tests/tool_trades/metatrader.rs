//! Reports of MetaTrader 5: whole, cut, with money beside the deals, and of two instruments.

use serde_json::Value;

use super::{BARS, check, evidence, near};
use crate::util::Workspace;

pub(super) const HEAD: [&str; 13] = [
    "Time",
    "Deal",
    "Symbol",
    "Type",
    "Direction",
    "Volume",
    "Price",
    "Order",
    "Commission",
    "Swap",
    "Profit",
    "Balance",
    "Comment",
];

fn row(cells: &[&str]) -> String {
    format!("<tr>{}</tr>\n", cells.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>())
}

/// A deal: hour, number, symbol and what it does, volume and price, then commission, swap, profit and balance.
fn deal(hour: u8, number: &str, what: [&str; 3], at: [&str; 2], money: [&str; 4]) -> String {
    let time = format!("2024.01.01 0{hour}:00:00");
    row(&[&time, number, what[0], what[1], what[2], at[0], at[1], number, money[0], money[1], money[2], money[3], ""])
}

fn sums(commission: &str, swap: &str, profit: &str) -> String {
    format!("<tr><td colspan=8></td><td>{commission}</td><td>{swap}</td><td>{profit}</td><td></td><td></td></tr>\n")
}

fn report(rows: &[String]) -> String {
    format!("<html><body><table>{}{}</table></body></html>", row(&HEAD), rows.concat())
}

fn deposit() -> String {
    deal(0, "1", ["", "balance", ""], ["", ""], ["0.00", "0.00", "1 000.00", "1 000.00"])
}

/// 10 lots of a unit from 100 to 110, then a short of 10 from 110 to 105: gains of 100 and 50, commissions of 1 a deal.
fn deals() -> Vec<String> {
    vec![
        deposit(),
        deal(1, "2", ["X", "buy", "in"], ["10.00", "100.00"], ["-1.00", "0.00", "0.00", "999.00"]),
        deal(2, "3", ["X", "sell", "out"], ["10.00", "110.00"], ["-1.00", "0.00", "100.00", "1 098.00"]),
        deal(2, "4", ["X", "sell", "in"], ["10.00", "110.00"], ["-1.00", "0.00", "0.00", "1 097.00"]),
        deal(2, "5", ["X", "buy", "out"], ["10.00", "105.00"], ["-1.00", "0.00", "50.00", "1 146.00"]),
    ]
}

fn workspace() -> Workspace {
    let w = Workspace::new();
    w.write("b.csv", BARS);
    w
}

fn judged(w: &Workspace, rows: &[String], more: &str) -> Value {
    w.write("r.html", report(rows));
    w.json(&format!("verify --trades {{dir}}/r.html --bars {{dir}}/b.csv {more}"), 0)
}

fn refused(w: &Workspace, html: &str, needles: &[&str]) {
    w.write("r.html", html);
    w.refused("verify --trades {dir}/r.html --bars {dir}/b.csv --out {dir}/out", &[&["r.html"][..], needles].concat());
    assert!(w.listing("out").is_empty());
}

#[test]
fn a_report_is_read_to_its_sums_whichever_way_it_runs() {
    let w = workspace();
    let total = sums("-4.00", "0.00", "1 150.00");
    let newest_first = || deals().into_iter().rev();
    for rows in [deals(), newest_first().collect()] {
        let summary = judged(&w, &[rows, vec![total.clone()]].concat(), "");
        near(&summary["replay"]["final_equity"], 1_146.0);
        near(&summary["replay"]["fees"], 4.0);
        assert_eq!(summary["replay"]["fills"], 4);
        assert_eq!(check(&summary, "reproduced")["state"], "pass", "{}", evidence(&summary, "reproduced"));
    }
    // Sums of profits leave the deposit out as well.
    near(
        &judged(&w, &[deals(), vec![sums("-4.00", "0.00", "150.00")]].concat(), "")["replay"]["final_equity"],
        1_146.0,
    );
}

#[test]
fn a_report_that_was_cut_or_of_which_a_deal_is_missing_is_refused() {
    let w = workspace();
    let total = sums("-4.00", "0.00", "1 150.00");
    let whole = report(&[deals(), vec![total.clone()]].concat());
    // After the first round trip, where the position is flat.
    let cut = whole.find("<td>4</td>").unwrap();
    refused(&w, &whole[..whole[..cut].rfind("<tr>").unwrap()], &["cut off", "row of sums"]);
    let mut odd = deals();
    odd.insert(3, "<tr><td colspan=13>weekend</td></tr>".to_owned());
    odd.push(total.clone());
    refused(&w, &report(&odd), &["row 4", "a row of 1 cells among the deals", "13"]);
    let mut dropped = deals();
    dropped.drain(1..3);
    dropped.push(sums("-2.00", "0.00", "1 050.00"));
    refused(&w, &report(&dropped), &["row 2", "`Balance`", "1097.00", "999.00", "deals are missing"]);
    let mut twice = deals();
    twice[4] = twice[4].replace("<td>5</td>", "<td>4</td>");
    twice.push(total);
    refused(&w, &report(&twice), &["row 5", "found 4 again"]);
    refused(
        &w,
        &report(&[deals(), vec![sums("-4.00", "0.00", "2 150.00")]].concat()),
        &["`Profit`", "1150.00", "2150.00"],
    );
}

/// A withdrawal of 200 between the round trips is no loss.
#[test]
fn money_that_was_paid_in_or_out_is_named_and_not_compared() {
    let w = workspace();
    let mut rows = deals();
    rows.insert(3, deal(2, "9", ["", "balance", ""], ["", ""], ["0.00", "0.00", "-200.00", "898.00"]));
    rows[4] = rows[4].replace("1 097.00", "897.00");
    rows[5] = rows[5].replace("1 146.00", "946.00");
    rows.push(sums("-4.00", "0.00", "950.00"));
    let summary = judged(&w, &rows, "");
    near(&summary["replay"]["final_equity"], 1_146.0);
    near(&summary["tool"]["final_equity"], 1_146.0);
    assert_eq!(check(&summary, "reproduced")["state"], "pass", "{}", evidence(&summary, "reproduced"));
    assert!(summary["tool"]["notes"].to_string().contains("balance -200.00"), "{}", summary["tool"]);
}

/// A gain of 100 in X and of 50 in Y, of which X is judged alone.
#[test]
fn one_instrument_is_not_held_to_the_balance_of_all() {
    let w = workspace();
    let mut rows: Vec<String> = deals();
    for at in [3, 4] {
        rows[at] = rows[at].replace("<td>X</td>", "<td>Y</td>");
    }
    rows.push(sums("-4.00", "0.00", "1 150.00"));
    let summary = judged(&w, &rows, "--run X");
    near(&summary["replay"]["final_equity"], 1_098.0);
    assert_eq!((&summary["tool"]["final_equity"], &summary["tool"]["instrument"]), (&Value::Null, &"X".into()));
    assert_ne!(check(&summary, "reproduced")["state"], "fail", "{}", evidence(&summary, "reproduced"));
    refused(&w, &report(&rows), &["2 instruments: `X`, `Y`", "--run"]);
}

/// Swaps of 200 in a profit of 346: more than half. A commission that is received is refused.
#[test]
fn swap_that_is_received_is_named_and_a_commission_is_not() {
    let w = workspace();
    let mut rows = deals();
    rows[2] =
        rows[2].replace("<td>0.00</td><td>100.00</td>", "<td>200.00</td><td>100.00</td>").replace("1 098", "1 298");
    rows[3] = rows[3].replace("1 097.00", "1 297.00");
    rows[4] = rows[4].replace("1 146.00", "1 346.00");
    rows.push(sums("-4.00", "200.00", "1 150.00"));
    let summary = judged(&w, &rows, "");
    near(&summary["replay"]["final_equity"], 1_346.0);
    near(&summary["tool"]["financing"], 200.0);
    near(&summary["tool"]["fees"], 4.0);
    assert_eq!(check(&summary, "reproduced")["state"], "fail", "{}", evidence(&summary, "reproduced"));
    assert!(evidence(&summary, "reproduced").contains("profit_of_prices"), "{}", evidence(&summary, "reproduced"));
    let mut paid = deals();
    paid[1] = paid[1].replace("-1.00", "1.00").replace("999.00", "1 001.00");
    for (at, before, after) in [(2, "1 098", "1 100"), (3, "1 097", "1 099"), (4, "1 146", "1 148")] {
        paid[at] = paid[at].replace(before, after);
    }
    paid.push(sums("-2.00", "0.00", "1 150.00"));
    refused(&w, &report(&paid), &["a fee of -1"]);
}

/// Profits of 9.99 on moves of 10: 0.999 units are one, and not the quotient.
#[test]
fn a_lot_just_below_one_unit_is_one() {
    let w = workspace();
    let rows = [
        deposit(),
        deal(1, "2", ["X", "buy", "in"], ["1.00", "100.00"], ["0.00", "0.00", "0.00", "1 000.00"]),
        deal(2, "3", ["X", "sell", "out"], ["1.00", "110.00"], ["0.00", "0.00", "9.99", "1 009.99"]),
        sums("0.00", "0.00", "1 009.99"),
    ];
    near(&judged(&w, &rows, "")["replay"]["final_equity"], 1_010.0);
}

/// A tenth of a lot of 100 units from 100: 4 units sold at 105, a gain of 20, and 6 at 110, a gain of 60.
fn in_parts(last: [&str; 2]) -> Vec<String> {
    vec![
        deposit(),
        deal(1, "2", ["X", "buy", "in"], ["0.10", "100.00"], ["0.00", "0.00", "0.00", "1 000.00"]),
        deal(1, "3", ["X", "sell", "out"], ["0.04", "105.00"], ["0.00", "0.00", "20.00", "1 020.00"]),
        deal(2, "4", ["X", "sell", "out"], ["0.06", "110.00"], ["0.00", "0.00", last[0], last[1]]),
    ]
}

#[test]
fn a_position_that_is_closed_in_parts_has_one_number_of_units_a_lot() {
    let w = workspace();
    let summary = judged(&w, &[in_parts(["60.00", "1 080.00"]), vec![sums("0.00", "0.00", "1 080.00")]].concat(), "");
    near(&summary["replay"]["final_equity"], 1_080.0);
    // 6 units at 105 of 1,000 + 20 + 6 * 5.
    near(&summary["replay"]["exposure"], 630.0 / 1_050.0 / 4.0);
    assert!(summary["tool"]["notes"].to_string().contains("a lot is 100 units"), "{}", summary["tool"]["notes"]);
    let other = [in_parts(["90.00", "1 110.00"]), vec![sums("0.00", "0.00", "1 110.00")]].concat();
    refused(&w, &report(&other), &["1 of 2 closing deals", "units a lot"]);
}

/// A long and a short at once, each closed by its own ticket: gains of 100 and of 20.
#[test]
fn an_account_that_hedges_is_refused() {
    let w = workspace();
    let rows = [
        deposit(),
        deal(1, "2", ["X", "buy", "in"], ["10.00", "100.00"], ["0.00", "0.00", "0.00", "1 000.00"]),
        deal(1, "3", ["X", "sell", "in"], ["10.00", "106.00"], ["0.00", "0.00", "0.00", "1 000.00"]),
        deal(2, "4", ["X", "sell", "out"], ["10.00", "110.00"], ["0.00", "0.00", "100.00", "1 100.00"]),
        deal(2, "5", ["X", "buy", "out"], ["10.00", "104.00"], ["0.00", "0.00", "20.00", "1 120.00"]),
        sums("0.00", "0.00", "1 120.00"),
    ];
    refused(&w, &report(&rows), &["2024-01-01T01:00:00Z", "opens a position", "hedges"]);
}
