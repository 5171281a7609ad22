//! vectorbt: `pf.orders` or `pf.trades`, each `.records_readable.to_csv(...)`.
//!
//! A trade after several entries, and each position, has the averages of its prices at the time of the first: only orders say
//! what was paid when.
//!
//! An open trade has the status `Open` and the last bar's close as its exit, which is no order. Slippage is in the prices.
//! Older versions write `Entry Date` and `Avg. Entry Price`, vectorbt PRO `Entry Index`.

use super::Stated;
use super::amount::amount;
use super::content::Rows;
use super::trades::{Execution, ListedTrade, Reader, Run, TradeList, of_orders, of_trades, refuse_gaps, rows_of_run};
use crate::error::Result;
use crate::trades::TradeSide;

const ENTRY: [&str; 3] = ["Avg Entry Price", "Avg. Entry Price", "Entry Price"];
const EXIT: [&str; 3] = ["Avg Exit Price", "Avg. Exit Price", "Exit Price"];

pub(super) fn is_theirs(rows: &Rows) -> bool {
    let trades = rows.column(&["Entry Fees"]).is_some() && rows.column(&["Direction"]).is_some();
    trades || is_orders(rows)
}

fn is_orders(rows: &Rows) -> bool {
    ["Order Id", "Size", "Price", "Fees", "Side"].iter().all(|name| rows.column(&[name]).is_some())
}

pub(super) fn read(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    if is_orders(rows) { orders(reader, rows) } else { trades(reader, rows) }
}

fn trades(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let at = |names: &[&str]| rows.needed(path, names);
    let (size, entry, exit) = (at(&["Size"])?, at(&ENTRY)?, at(&EXIT)?);
    let opened = at(&["Entry Timestamp", "Entry Date", "Entry Index"])?;
    let closed = at(&["Exit Timestamp", "Exit Date", "Exit Index"])?;
    let (entry_fees, exit_fees) = (at(&["Entry Fees"])?, at(&["Exit Fees"])?);
    let (direction, status, profit) = (at(&["Direction"])?, at(&["Status"])?, rows.column(&["PnL"]));
    let Run { name: instrument, rows: own } = rows_of_run(reader, rows, "columns", rows.column(&["Column"]))?;
    refuse_missing(reader, rows, &own, &["Exit Trade Id", "Entry Trade Id", "Trade Id", "Position Id"])?;
    let mut trades = Vec::with_capacity(own.len());
    for (row, cells) in own {
        let number = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
        let is_open = cells[status] == "Open";
        let exit =
            if is_open { None } else { Some((reader.time(row, &rows.names[closed], &cells[closed])?, number(exit)?)) };
        trades.push(ListedTrade {
            entry: (reader.time(row, &rows.names[opened], &cells[opened])?, number(entry)?),
            exit,
            is_long: cells[direction] == "Long",
            units: number(size)?,
            fees: Some((number(entry_fees)?, if is_open { 0.0 } else { number(exit_fees)? })),
            profit: profit.filter(|_| !is_open).map(number).transpose()?,
        });
    }
    let layout = if rows.column(&["Entry Timestamp"]).is_some() { "trades" } else { "trades, other names" };
    of_trades(reader, &trades, Stated { name: "vectorbt", layout, instrument, ..Stated::default() })
}

fn orders(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let at = |names: &[&str]| rows.needed(path, names);
    let (time, size, price) = (at(&["Timestamp", "Date", "Index", "Fill Index"])?, at(&["Size"])?, at(&["Price"])?);
    let (fees, side) = (at(&["Fees"])?, at(&["Side"])?);
    let Run { name: instrument, rows: own } = rows_of_run(reader, rows, "columns", rows.column(&["Column"]))?;
    refuse_missing(reader, rows, &own, &["Order Id"])?;
    let mut executions = Vec::with_capacity(own.len());
    for (row, cells) in own {
        let number = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
        executions.push(Execution {
            ts_ms: reader.time(row, &rows.names[time], &cells[time])?,
            side: if cells[side] == "Buy" { TradeSide::Buy } else { TradeSide::Sell },
            units: number(size)?,
            price: number(price)?,
            fee: number(fees)?,
            financing: 0.0,
        });
    }
    of_orders(reader, executions, Stated { name: "vectorbt", layout: "orders", instrument, ..Stated::default() })
}

/// Refuses rows that come twice or are left out. Numbers run by column, or over all columns that share their cash.
fn refuse_missing(reader: &Reader<'_>, rows: &Rows, own: &[(usize, &[String])], names: &[&str]) -> Result<()> {
    let Some(column) = rows.column(names) else { return Ok(()) };
    let name = &rows.names[column];
    let number = |(row, cells): (usize, &[String])| {
        amount(reader.path, row, name, &cells[column]).map(|number| (row, number as u64))
    };
    let all = || rows.rows.iter().map(Vec::as_slice).enumerate().map(number).collect::<Result<Vec<_>>>();
    let own = own.iter().copied().map(number).collect::<Result<Vec<_>>>()?;
    refuse_gaps(reader, name, own).or_else(|why| refuse_gaps(reader, name, all()?).map_err(|_| why))
}
