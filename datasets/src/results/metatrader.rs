//! MetaTrader 5: the report of the strategy tester or of an account, as HTML (or its deals as CSV).
//!
//! Every deal is an order that was filled. `Volume` is in lots; how many units a lot has is not in the report, and follows from
//! the profit of the deals that close: profit = units x (exit - entry). Profit is before commission, swap and fee, which have
//! columns of their own; each row has the balance after it, and a last row their sums. The first deal is the deposit. Times are
//! the server's, without its zone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Stated;
use super::amount::amount;
use super::content::{Cell, Rows};
use super::trades::{Execution, Reader, TradeList, of_orders};
use crate::error::{Error, Kind, Result};
use crate::time::rfc3339;
use crate::trades::TradeSide;

/// Relative distance of a deal's own units of a lot from the median of all: profit is printed in cents.
const SAME_LOT: f64 = 0.02;

/// Money is printed in cents.
const CENT: f64 = 0.01;
/// Most that half a cent in each of two balances and four changes makes.
const PRINTED: f64 = 0.03;
/// Columns that change the balance.
const MONEY: [&str; 4] = ["Commission", "Fee", "Swap", "Profit"];

const COLUMNS: [&str; 8] = ["Deal", "Type", "Direction", "Volume", "Price", "Commission", "Swap", "Profit"];

/// Whether these are the names of a table of deals.
pub(super) fn are_theirs(names: &[String]) -> bool {
    COLUMNS.iter().all(|wanted| names.iter().any(|name| name == wanted))
}

/// The table of deals of a report; `None` where there is none.
///
/// # Errors
/// A row is no deal, or the row of sums is missing (a page that was cut off) or is not the sum of the deals.
pub(super) fn deals(path: &Path, table: &[Vec<Cell>]) -> Result<Option<Rows>> {
    let texts = |row: &[Cell]| row.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>();
    let mut table = table.iter().skip_while(|row| !are_theirs(&texts(row)));
    let Some(head) = table.next() else { return Ok(None) };
    let mut rows = Rows { names: texts(head), rows: Vec::new() };
    for row in table.filter(|row| row.iter().any(|cell| !cell.text.is_empty())) {
        if row.len() == head.len() {
            rows.rows.push(texts(row));
        } else if row[0].text.is_empty() {
            check_sums(path, head, row, &rows)?;
            return Ok(Some(rows));
        } else {
            return Err(Error::new(Kind::Format, path, format!("a row of {} cells among the deals", row.len()))
                .at_row(rows.rows.len())
                .expected(format!("{}, as the header has", head.len()))
                .remedy("save the report again"));
        }
    }
    Err(Error::new(Kind::Format, path, "deals without their row of sums: the report was cut off")
        .at_row(rows.rows.len())
        .expected("the sums below the last deal")
        .remedy("save the report again"))
}

/// Holds the sums below the deals against them. That of profits has deposits or not.
fn check_sums(path: &Path, head: &[Cell], sums: &[Cell], rows: &Rows) -> Result<()> {
    let starts = |cells: &[Cell]| {
        let mut next = 0;
        let start = |cell: &Cell| {
            next += cell.span;
            next - cell.span
        };
        cells.iter().map(start).collect::<Vec<_>>()
    };
    let (columns, own) = (starts(head), starts(sums));
    for (column, name) in rows.names.iter().enumerate().filter(|(_, name)| MONEY.contains(&name.as_str())) {
        let Some(at) = own.iter().position(|start| *start == columns[column]) else { continue };
        if sums[at].text.is_empty() {
            continue;
        }
        let stated = amount(path, rows.rows.len(), name, &sums[at].text)?;
        let (mut all, mut traded) = (0.0, 0.0);
        for (row, cells) in rows.rows.iter().enumerate() {
            let value = money(path, rows, row, column)?;
            all += value;
            traded += if is_trade(rows, cells) { value } else { 0.0 };
        }
        let within = CENT * (1 + rows.rows.len()) as f64;
        if (stated - all).abs() > within && (stated - traded).abs() > within {
            return Err(Error::new(Kind::Value, path, format!("deals that add up to {all:.2}"))
                .column(name)
                .expected(format!("{stated:.2}, as the row of sums has"))
                .remedy("save the report again, with all deals"));
        }
    }
    Ok(())
}

/// A cell with money, 0 where it is empty.
fn money(path: &Path, rows: &Rows, row: usize, column: usize) -> Result<f64> {
    match rows.rows[row][column].as_str() {
        "" => Ok(0.0),
        cell => amount(path, row, &rows.names[column], cell),
    }
}

/// Whether a row is a deal that traded: others are deposits, credits and charges.
fn is_trade(rows: &Rows, cells: &[String]) -> bool {
    rows.column(&["Type"]).is_some_and(|kind| matches!(cells[kind].as_str(), "buy" | "sell"))
}

/// A deal that traded.
struct Deal {
    ts_ms: i64,
    side: TradeSide,
    closes: bool,
    lots: f64,
    price: f64,
    fee: f64,
    swap: f64,
    profit: f64,
}

pub(super) fn read(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let rows = &oldest_first(reader, rows)?;
    let at = |name: &str| rows.needed(path, &[name]);
    let (time, kind, direction, lots) = (at("Time")?, at("Type")?, at("Direction")?, at("Volume")?);
    let (symbol, price, profit, balance) = (at("Symbol")?, at("Price")?, at("Profit")?, at("Balance")?);
    let (commission, fee, swap) = (at("Commission")?, rows.column(&["Fee"]), at("Swap")?);
    let number = at("Deal")?;
    refuse_missing(reader, rows, balance)?;
    let mut numbers = BTreeSet::new();
    let traded: Vec<usize> = (0..rows.rows.len()).filter(|row| is_trade(rows, &rows.rows[*row])).collect();
    let instruments: BTreeSet<String> = traded.iter().map(|row| rows.rows[*row][symbol].clone()).collect();
    let alone = instruments.len() == 1;
    let instrument = reader.choose("instruments", instruments)?;
    let mut deals = Vec::new();
    for row in traded.into_iter().filter(|row| rows.rows[*row][symbol] == instrument) {
        let cells = &rows.rows[row];
        if !numbers.insert(&cells[number]) {
            return Err(Error::new(Kind::Value, path, format!("found {} again", cells[number]))
                .at_row(row)
                .column("Deal")
                .expected("each deal once"));
        }
        let value = |column| money(path, rows, row, column);
        // Costs are printed as what they do to the balance.
        let paid = -(value(commission)? + fee.map_or(Ok(0.0), value)?);
        deals.push(Deal {
            ts_ms: reader.time(row, "Time", &cells[time])?,
            side: if cells[kind] == "buy" { TradeSide::Buy } else { TradeSide::Sell },
            closes: cells[direction] != "in",
            lots: value(lots)?,
            price: value(price)?,
            fee: paid,
            swap: value(swap)?,
            profit: value(profit)?,
        });
    }
    let lot = units_of_a_lot(reader, &deals)?;
    let deposit = rows.rows.iter().position(|cells| cells[kind] == "balance");
    let mut notes = vec![format!("a lot is {lot} units, as the profit of the deals says")];
    // What came and went beside deals is no result of them.
    let mut flows: BTreeMap<&str, f64> = BTreeMap::new();
    for (row, cells) in
        rows.rows.iter().enumerate().filter(|(row, cells)| Some(*row) != deposit && !is_trade(rows, cells))
    {
        *flows.entry(&cells[kind]).or_default() += change(path, rows, row)?;
    }
    if !flows.is_empty() {
        let named: Vec<String> = flows.iter().map(|(kind, sum)| format!("{kind} {sum:.2}")).collect();
        notes.push(format!("left out, as no deal made it: {}", named.join(", ")));
    }
    if !alone {
        notes.push(format!("only the deals of {instrument}: the balance of the account is not compared"));
    }
    let is_flat = deals.iter().map(signed).sum::<f64>().abs() <= 1e-9;
    let last = rows.rows.len() - 1;
    let end = (alone && is_flat).then(|| money(path, rows, last, balance)).transpose()?;
    let stated = Stated {
        name: "MetaTrader 5",
        layout: "deals",
        instrument: Some(instrument),
        capital: deposit.map(|row| money(path, rows, row, balance)).transpose()?,
        final_equity: end.map(|end| end - flows.values().sum::<f64>()),
        trades: Some(deals.iter().filter(|deal| deal.closes).count()),
        notes,
        ..Stated::default()
    };
    let of = |deal: &Deal| {
        let Deal { ts_ms, side, price, fee, swap, lots, .. } = *deal;
        Execution { ts_ms, side, units: lots * lot, price, fee, financing: swap }
    };
    of_orders(reader, deals.iter().map(of).collect(), stated)
}

/// The rows in order of time: a history may have the newest on top.
fn oldest_first(reader: &mut Reader<'_>, rows: &Rows) -> Result<Rows> {
    let time = rows.needed(reader.path, &["Time"])?;
    let at = |row: usize, reader: &mut Reader<'_>| reader.time(row, "Time", &rows.rows[row][time]);
    let mut ordered = Rows { names: rows.names.clone(), rows: rows.rows.clone() };
    if rows.rows.len() > 1 && at(0, reader)? > at(rows.rows.len() - 1, reader)? {
        ordered.rows.reverse();
    }
    Ok(ordered)
}

/// What a row does to the balance.
fn change(path: &Path, rows: &Rows, row: usize) -> Result<f64> {
    MONEY.iter().filter_map(|name| rows.column(&[name])).map(|column| money(path, rows, row, column)).sum()
}

/// Refuses a balance that is not the one before and what its row did to it: rows are missing in between.
fn refuse_missing(reader: &Reader<'_>, rows: &Rows, balance: usize) -> Result<()> {
    let path = reader.path;
    let mut before: Option<f64> = None;
    for row in 0..rows.rows.len() {
        let after = match rows.rows[row][balance].as_str() {
            "" => None,
            _ => Some(money(path, rows, row, balance)?),
        };
        let expected = before.map(|before| change(path, rows, row).map(|change| before + change)).transpose()?;
        if let Some((found, expected)) =
            after.zip(expected).filter(|(found, expected)| (found - expected).abs() > PRINTED)
        {
            return Err(Error::new(Kind::Value, path, format!("a balance of {found:.2}"))
                .at_row(row)
                .column("Balance")
                .expected(format!("{expected:.2}, that of the row before and what this one did: deals are missing"))
                .remedy("save the report again, with all deals"));
        }
        before = after.or(expected);
    }
    Ok(())
}

fn signed(deal: &Deal) -> f64 {
    if deal.side == TradeSide::Buy { deal.lots } else { -deal.lots }
}

fn hedged(reader: &Reader<'_>, deal: &Deal) -> Error {
    let (what, against) =
        if deal.closes { ("closes", "nothing to close") } else { ("opens", "an open position against it") };
    let found = format!("the deal of {} {what} a position where there is {against}", rfc3339(deal.ts_ms));
    Error::new(Kind::Value, reader.path, found)
        .expected("a netting account, and all of its deals from the first one on")
        .remedy("an account that hedges cannot be rebuilt; run the tester on a netting account")
}

/// Units of a lot: the median over deals that close, of which nearly all have to agree.
fn units_of_a_lot(reader: &Reader<'_>, deals: &[Deal]) -> Result<f64> {
    let (mut held, mut cost) = (0.0_f64, 0.0_f64);
    let mut found = Vec::new();
    for deal in deals {
        let bought = signed(deal);
        // One account holds what is bought less what is sold; a hedging one closes positions by their tickets.
        if deal.closes != (held * bought < 0.0) {
            return Err(hedged(reader, deal));
        }
        if deal.closes {
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
            .remedy("an account in another currency than the quote's cannot be rebuilt")
    };
    let Some(median) = found.get(found.len() / 2).copied().filter(|lot| *lot > 0.0) else {
        return Err(unclear("no deal that closes with a profit or a loss".to_owned()));
    };
    let other = found.iter().filter(|lot| (*lot / median - 1.0).abs() > SAME_LOT).count();
    if 10 * other > found.len() {
        return Err(unclear(format!("{other} of {} closing deals do not have {median:.4} units a lot", found.len())));
    }
    // Lots are round numbers; profits are rounded.
    let round = if median >= 0.5 { median.round() } else { median };
    Ok(if (round / median - 1.0).abs() < SAME_LOT { round } else { median })
}
