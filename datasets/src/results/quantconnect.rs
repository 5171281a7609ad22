//! QuantConnect and LEAN: the result of a backtest in JSON, and the tables of trades and of orders in CSV.
//!
//! Times are UTC. `ProfitLoss` of a closed trade is before its `TotalFees`. What is open at the end is no closed trade, and is
//! found in the orders. Statistics are text with their unit. Keys begin with a capital in older results.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Stated;
use super::amount::{amount, half_a_unit};
use super::content::Rows;
use super::trades::{Execution, ListedTrade, Reader, Run, TradeList, of_orders, of_trades, rows_of_run};
use crate::error::{Error, Kind, Result};
use crate::trades::TradeSide;

/// Share of the largest order below which a position is the rounding of its trades.
const DUST: f64 = 1e-6;
/// Most characters of the second word of an identifier; a contract's has date, right and strike.
const IDENTIFIER: usize = 13;

/// A member by its name, whatever the case of its first letter.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let lower =
        |text: &str| text.chars().next().map(|first| first.to_lowercase().chain(text.chars().skip(1)).collect());
    let wanted: Option<String> = lower(name);
    value.as_object()?.iter().find(|(key, _)| lower(key) == wanted).map(|(_, value)| value)
}

pub(super) fn is_theirs(value: &Value) -> bool {
    member(value, "totalPerformance").is_some()
        || member(value, "orders").is_some() && member(value, "charts").is_some()
}

pub(super) fn is_theirs_in_rows(rows: &Rows) -> bool {
    is_trades(rows)
        || ["Time", "Symbol", "Price", "Quantity", "Type", "Status"].iter().all(|n| rows.column(&[n]).is_some())
}

fn is_trades(rows: &Rows) -> bool {
    ["Entry Time", "Exit Time", "Direction", "Quantity", "Fees"].iter().all(|name| rows.column(&[name]).is_some())
}

pub(super) fn read_json(reader: &mut Reader<'_>, value: &Value) -> Result<TradeList> {
    let path = reader.path;
    let unreadable = |what: &str| {
        Error::new(Kind::Format, path, format!("no {what}"))
            .expected("the JSON of a finished backtest, with its closed trades and its orders")
            .remedy("download the results again")
    };
    let performance = member(value, "totalPerformance");
    let listed = performance.and_then(|all| member(all, "closedTrades")).and_then(Value::as_array);
    let listed = listed.ok_or_else(|| unreadable("closed trades"))?;
    let symbol = |value: &Value| -> Option<String> {
        let symbols = member(value, "symbols").and_then(|all| all.get(0));
        let symbol = member(value, "symbol").or(symbols)?;
        name_of(symbol)
    };
    let orders = filled_orders(reader, value)?;
    let named: BTreeSet<String> =
        listed.iter().filter_map(symbol).chain(orders.iter().map(|(name, _)| name.clone())).collect();
    let alone = named.len() == 1;
    let instrument = reader.choose("instruments", named)?;
    let mut trades = Vec::new();
    for (row, trade) in listed.iter().enumerate().filter(|(_, trade)| symbol(trade).as_ref() == Some(&instrument)) {
        let number = |name: &str| {
            let found = member(trade, name).and_then(Value::as_f64);
            found.ok_or_else(|| unreadable(&format!("`{name}` of closed trade {}", row + 1)))
        };
        let text = |name: &str| member(trade, name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let fees = number("totalFees")?;
        let direction = member(trade, "direction");
        let is_long = direction.is_some_and(|way| way.as_i64() == Some(0) || way.as_str() == Some("Long"));
        trades.push(ListedTrade {
            entry: (reader.time(row, "entryTime", &text("entryTime"))?, number("entryPrice")?),
            exit: Some((reader.time(row, "exitTime", &text("exitTime"))?, number("exitPrice")?)),
            is_long,
            units: number("quantity")?.abs(),
            fees: Some((fees / 2.0, fees / 2.0)),
            profit: Some(number("profitLoss")?),
        });
    }
    let own: Vec<Execution> = orders.into_iter().filter(|(name, _)| *name == instrument).map(|(_, one)| one).collect();
    trades.extend(still_open(&own));
    refuse_dropped(reader, &own, &trades)?;
    let mut stated = statistics(value);
    if !alone {
        (stated.final_equity, stated.total_return, stated.sharpe, stated.max_drawdown) = (None, None, None, None);
        stated.notes.push(format!("only the trades of {instrument}: what the file states of all is not compared"));
    }
    stated.instrument = Some(instrument);
    of_trades(reader, &trades, stated)
}

/// The name of a symbol: its value, or the ticker of its identifier, as in `BTCUSD 18N`. A contract has blanks in its own name.
fn name_of(symbol: &Value) -> Option<String> {
    let Some(text) = symbol.as_str() else {
        let words: Vec<&str> = member(symbol, "value")?.as_str()?.split_whitespace().collect();
        return Some(words.join(" "));
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_ticker = matches!(words[..], [_, hash] if hash.len() <= IDENTIFIER && !hash.contains('|'));
    Some(if is_ticker { words[0].to_owned() } else { words.join(" ") })
}

/// Refuses closed trades of which some are missing: the orders of the same file move more units than they.
fn refuse_dropped(reader: &Reader<'_>, orders: &[Execution], trades: &[ListedTrade]) -> Result<()> {
    let ordered: f64 = orders.iter().map(|one| one.units).sum();
    let legs = |trade: &ListedTrade| if trade.exit.is_some() { 2.0 } else { 1.0 };
    let traded: f64 = trades.iter().map(|trade| legs(trade) * trade.units).sum();
    if ordered <= traded * (1.0 + DUST) {
        return Ok(());
    }
    Err(Error::new(Kind::Value, reader.path, format!("closed trades of {traded} units, bought and sold"))
        .expected(format!("{ordered}, as the orders of the same file have: trades are missing"))
        .remedy("download the results again"))
}

/// Orders that were filled, by instrument.
fn filled_orders(reader: &mut Reader<'_>, value: &Value) -> Result<Vec<(String, Execution)>> {
    let all: Vec<Value> = match member(value, "orders") {
        Some(Value::Object(map)) => map.values().cloned().collect(),
        Some(Value::Array(list)) => list.clone(),
        _ => Vec::new(),
    };
    let mut filled = Vec::new();
    for (row, order) in all.iter().enumerate() {
        let number = |name: &str| member(order, name).and_then(Value::as_f64).unwrap_or(0.0);
        let is_filled = member(order, "status").is_some_and(|status| {
            status.as_i64() == Some(3) || status.as_str() == Some("filled") || status.as_str() == Some("Filled")
        });
        let (Some(symbol), true, true) = (member(order, "symbol"), is_filled, number("quantity") != 0.0) else {
            continue;
        };
        let name = name_of(symbol).unwrap_or_default();
        let time = member(order, "lastFillTime").or_else(|| member(order, "time")).and_then(Value::as_str);
        let ts_ms = reader.time(row, "lastFillTime", time.unwrap_or_default())?;
        let quantity = number("quantity");
        let side = if quantity > 0.0 { TradeSide::Buy } else { TradeSide::Sell };
        let (units, price) = (quantity.abs(), number("price"));
        filled.push((name, Execution { ts_ms, side, units, price, fee: 0.0, financing: 0.0 }));
    }
    filled.sort_by_key(|(_, one)| one.ts_ms);
    Ok(filled)
}

/// What the last orders left open: of each as much as is needed to make up the position.
fn still_open(orders: &[Execution]) -> Vec<ListedTrade> {
    let signed = |one: &Execution| if one.side == TradeSide::Buy { one.units } else { -one.units };
    let position: f64 = orders.iter().map(signed).sum();
    let largest = orders.iter().map(|one| one.units).fold(0.0, f64::max);
    let mut left = position.abs();
    let mut open = Vec::new();
    for one in orders.iter().rev().filter(|one| signed(one) * position > 0.0) {
        if left <= DUST * largest {
            break;
        }
        let units = one.units.min(left);
        left -= units;
        let is_long = position > 0.0;
        open.push(ListedTrade {
            entry: (one.ts_ms, one.price),
            exit: None,
            is_long,
            units,
            fees: Some((0.0, 0.0)),
            profit: None,
        });
    }
    open
}

fn statistics(value: &Value) -> Stated {
    let all = member(value, "statistics");
    let text = |name: &str| all?.get(name)?.as_str();
    let number = |name: &str| amount(std::path::Path::new("statistics"), 0, "", text(name)?).ok();
    let share = |name: &str| number(name).map(|per_cent| per_cent / 100.0);
    let rounding = |name: &str| text(name).map_or(0.0, half_a_unit);
    Stated {
        name: "QuantConnect",
        layout: "result in JSON",
        capital: number("Start Equity"),
        final_equity: number("End Equity"),
        total_return: share("Net Profit"),
        rounding: [rounding("End Equity"), rounding("Net Profit") / 100.0],
        sharpe: number("Sharpe Ratio"),
        max_drawdown: share("Drawdown"),
        notes: vec!["its Sharpe ratio and drawdown are shown as stated: they were not computed again".to_owned()],
        ..Stated::default()
    }
}

pub(super) fn read_rows(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let at = |names: &[&str]| rows.needed(path, names);
    let symbols = rows.column(&["Symbol", "Symbols"]);
    let Run { name: instrument, rows: own } = rows_of_run(reader, rows, "instruments", symbols)?;
    let stated = |layout| Stated { name: "QuantConnect", layout, instrument: instrument.clone(), ..Stated::default() };
    if is_trades(rows) {
        let (opened, closed, way) = (at(&["Entry Time"])?, at(&["Exit Time"])?, at(&["Direction"])?);
        let (entry, exit, quantity) = (at(&["Entry Price"])?, at(&["Exit Price"])?, at(&["Quantity"])?);
        let (profit, fees) = (at(&["P&L", "Profit", "ProfitLoss"])?, at(&["Fees"])?);
        let mut trades = Vec::with_capacity(own.len());
        for (row, cells) in own {
            let number = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
            let half = number(fees)? / 2.0;
            trades.push(ListedTrade {
                entry: (reader.time(row, "Entry Time", &cells[opened])?, number(entry)?),
                exit: Some((reader.time(row, "Exit Time", &cells[closed])?, number(exit)?)),
                is_long: matches!(cells[way].to_lowercase().as_str(), "buy" | "long" | "0"),
                units: number(quantity)?.abs(),
                fees: Some((half, half)),
                profit: Some(number(profit)?),
            });
        }
        return of_trades(reader, &trades, stated("trades"));
    }
    let (time, price, quantity, status) = (at(&["Time"])?, at(&["Price"])?, at(&["Quantity"])?, at(&["Status"])?);
    if let Some((row, _)) = own.iter().find(|(_, cells)| cells[status].eq_ignore_ascii_case("partially filled")) {
        return Err(Error::new(Kind::Value, path, "an order that was partly filled")
            .at_row(*row)
            .expected("orders whose quantity is what was filled")
            .remedy("give the result in JSON, or the table of trades"));
    }
    let mut executions = Vec::new();
    for (row, cells) in own.into_iter().filter(|(_, cells)| cells[status].eq_ignore_ascii_case("filled")) {
        let number = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
        let signed = number(quantity)?;
        executions.push(Execution {
            ts_ms: reader.time(row, "Time", &cells[time])?,
            side: if signed > 0.0 { TradeSide::Buy } else { TradeSide::Sell },
            units: signed.abs(),
            price: number(price)?,
            fee: 0.0,
            financing: 0.0,
        });
    }
    let mut stated = stated("orders");
    stated.notes.push("the file has no fees: what was paid beside the price is not in the result".to_owned());
    of_orders(reader, executions, stated)
}
