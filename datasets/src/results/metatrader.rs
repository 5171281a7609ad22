//! MetaTrader 5: the report of the strategy tester or of an account, as HTML (or its deals as CSV).
//!
//! Every deal is an order that was filled. `Volume` is in lots; how many units a lot has is not in the report, and follows from
//! the profit of the deals that close: profit = units x (exit - entry). Profit is before commission, swap and fee, which have
//! columns of their own. The first deal is the deposit. Times are the server's, without its zone.

use super::Stated;
use super::content::{Rows, amount};
use super::trades::{Execution, Reader, Run, TradeList, of_orders, rows_of_run};
use crate::error::{Error, Kind, Result};
use crate::trades::TradeSide;

/// Relative distance of a deal's own units of a lot from the median of all: profit is printed in cents.
const SAME_LOT: f64 = 0.02;

const COLUMNS: [&str; 8] = ["Deal", "Type", "Direction", "Volume", "Price", "Commission", "Swap", "Profit"];

/// Whether these are the names of a table of deals.
pub(super) fn are_theirs(names: &[String]) -> bool {
    COLUMNS.iter().all(|wanted| names.iter().any(|name| name == wanted))
}

/// A deal that traded.
struct Deal {
    ts_ms: i64,
    side: TradeSide,
    closes: bool,
    lots: f64,
    price: f64,
    paid: f64,
    profit: f64,
}

pub(super) fn read(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let at = |name: &str| rows.needed(path, &[name]);
    let (time, kind, direction, lots) = (at("Time")?, at("Type")?, at("Direction")?, at("Volume")?);
    let (price, profit, balance) = (at("Price")?, at("Profit")?, at("Balance")?);
    let costs = [rows.column(&["Commission"]), rows.column(&["Fee"]), rows.column(&["Swap"])];
    let value = |row: usize, cells: &[String], column: usize| match cells[column].as_str() {
        "" => Ok(0.0),
        cell => amount(path, row, &rows.names[column], cell),
    };
    let traded = Rows {
        names: rows.names.clone(),
        rows: rows.rows.iter().filter(|cells| matches!(cells[kind].as_str(), "buy" | "sell")).cloned().collect(),
    };
    let Run { name: instrument, rows: own } = rows_of_run(reader, &traded, "instruments", rows.column(&["Symbol"]))?;
    let mut deals = Vec::with_capacity(own.len());
    for (row, cells) in own {
        let value = |column| value(row, cells, column);
        // Costs are printed as what they do to the balance.
        let paid = costs.iter().flatten().copied().map(value).sum::<Result<f64>>()?;
        deals.push(Deal {
            ts_ms: reader.time(row, "Time", &cells[time])?,
            side: if cells[kind] == "buy" { TradeSide::Buy } else { TradeSide::Sell },
            closes: cells[direction] != "in",
            lots: value(lots)?,
            price: value(price)?,
            paid: -paid,
            profit: value(profit)?,
        });
    }
    let lot = units_of_a_lot(reader, &deals)?;
    let balance_of = |row: usize| value(row, &rows.rows[row], balance);
    let deposit = rows.rows.iter().position(|cells| cells[kind] == "balance");
    let last = rows.rows.iter().rposition(|cells| matches!(cells[kind].as_str(), "buy" | "sell"));
    let is_flat = deals.iter().map(signed).sum::<f64>().abs() <= 1e-9;
    let stated = Stated {
        name: "MetaTrader 5",
        layout: "deals",
        instrument,
        capital: deposit.map(balance_of).transpose()?,
        final_equity: last.filter(|_| is_flat).map(balance_of).transpose()?,
        profit: Some(deals.iter().map(|deal| deal.profit).sum()),
        profit_after_fees: Some(false),
        trades: Some(deals.iter().filter(|deal| deal.closes).count()),
        notes: vec![format!("a lot is {lot} units, as the profit of the deals says")],
        ..Stated::default()
    };
    let of = |deal: &Deal| {
        let Deal { ts_ms, side, price, paid, lots, .. } = *deal;
        Execution { ts_ms, side, units: lots * lot, price, fee: paid }
    };
    of_orders(reader, deals.iter().map(of).collect(), stated)
}

fn signed(deal: &Deal) -> f64 {
    if deal.side == TradeSide::Buy { deal.lots } else { -deal.lots }
}

/// Units of a lot: the median over deals that close, of which nearly all have to agree.
fn units_of_a_lot(reader: &Reader<'_>, deals: &[Deal]) -> Result<f64> {
    let (mut held, mut cost) = (0.0_f64, 0.0_f64);
    let mut found = Vec::new();
    for deal in deals {
        let bought = signed(deal);
        if held * bought < 0.0 {
            let closed = bought.abs().min(held.abs()) * held.signum();
            let moved = closed * (deal.price - cost / held);
            if moved != 0.0 && deal.profit != 0.0 {
                found.push(deal.profit / moved);
            }
            let left = held + bought;
            cost = if held * left > 0.0 { cost / held * left } else { left * deal.price };
            held = left;
        } else {
            (held, cost) = (held + bought, cost + bought * deal.price);
        }
        if held.abs() <= 1e-9 {
            (held, cost) = (0.0, 0.0);
        }
    }
    found.sort_by(f64::total_cmp);
    let unclear = |what: String| {
        Error::new(Kind::Value, reader.path, what)
            .expected("profits that are units x (exit - entry), with one number of units a lot")
            .remedy("an account in another currency than the quote's, or one that hedges, cannot be rebuilt")
    };
    let Some(median) = found.get(found.len() / 2).copied().filter(|lot| *lot > 0.0) else {
        return Err(unclear("no deal that closes with a profit or a loss".to_owned()));
    };
    let other = found.iter().filter(|lot| (*lot / median - 1.0).abs() > SAME_LOT).count();
    if 10 * other > found.len() {
        return Err(unclear(format!("{other} of {} closing deals do not have {median:.4} units a lot", found.len())));
    }
    // Lots are round numbers; profits are rounded.
    let round = if median >= 1.0 { median.round() } else { median };
    Ok(if (round / median - 1.0).abs() < SAME_LOT { round } else { median })
}
