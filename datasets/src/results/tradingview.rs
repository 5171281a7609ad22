//! TradingView: the list of trades of the strategy report, exported as CSV.
//!
//! A trade is two rows, its exit and its entry. Times are those of the chart, without its zone. Profit is after commission,
//! and commission has no column: it is what profit lacks. An open trade's exit has the signal `Open`, or no price. Since
//! 2025 the columns are `Position size (qty)` and `Net P&L`; before, `Contracts` or `Quantity` and `Profit`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Stated;
use super::amount::amount;
use super::content::Rows;
use super::trades::{ListedTrade, Reader, TradeList, of_trades, refuse_gaps};
use crate::error::{Error, Kind, Result};

const NUMBER: [&str; 3] = ["Trade #", "Trade number", "Trade"];
const TIME: [&str; 3] = ["Date/Time", "Date and time", "Date"];
const SIZE: [&str; 6] = ["Position size (qty)", "Size (qty)", "Contracts", "Quantity", "Qty", "Position size"];

/// The column that begins so and is no percentage; a currency may follow.
fn begins(rows: &Rows, names: &[&str]) -> Option<usize> {
    let is = |column: &String, name: &str| {
        let plain = column.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        plain && !column.contains('%')
    };
    names.iter().find_map(|name| rows.names.iter().position(|column| is(column, name)))
}

pub(super) fn is_theirs(rows: &Rows) -> bool {
    rows.column(&NUMBER).is_some() && rows.column(&["Type"]).is_some() && rows.column(&TIME).is_some()
}

/// Entry or exit of a trade.
type Leg = (i64, f64);

#[derive(Default)]
struct Legs {
    entry: Option<(Leg, bool, f64)>,
    exit: Option<Leg>,
    profit: Option<f64>,
}

/// Refuses profits in another currency than prices: what they lack would be taken for commission.
fn one_currency(path: &Path, price: &str, profit: &str) -> Result<()> {
    let currency = |column: &str| {
        let code = column.rsplit_once(' ')?.1;
        let is_code = code.len() >= 3 && code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        is_code.then(|| code.to_owned())
    };
    match (currency(price), currency(profit)) {
        (Some(of_prices), Some(of_profits)) if of_prices != of_profits => {
            Err(Error::new(Kind::Value, path, format!("profits in {of_profits} of prices in {of_prices}"))
                .column(profit)
                .expected("one currency")
                .remedy("set the base currency of the strategy to that of the chart, and export again"))
        }
        _ => Ok(()),
    }
}

pub(super) fn read(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let missing = |what: &str| {
        Error::new(Kind::MissingColumn, path, format!("no column of the {what}"))
            .remedy("export the list of trades again")
    };
    let (number, kind, time) = (rows.needed(path, &NUMBER)?, rows.needed(path, &["Type"])?, rows.needed(path, &TIME)?);
    let price = begins(rows, &["Price"]).ok_or_else(|| missing("price"))?;
    let size = begins(rows, &SIZE).ok_or_else(|| missing("size"))?;
    let profit = begins(rows, &["Net P&L", "Profit", "P&L"]).ok_or_else(|| missing("profit"))?;
    one_currency(path, &rows.names[price], &rows.names[profit])?;
    let signal = rows.column(&["Signal"]);
    let mut legs: BTreeMap<u64, Legs> = BTreeMap::new();
    for (row, cells) in rows.rows.iter().enumerate() {
        let value = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
        let trade = legs.entry(value(number)? as u64).or_default();
        let kind = cells[kind].to_lowercase();
        let twice = if kind.starts_with("entry") { trade.entry.is_some() } else { trade.exit.is_some() };
        if twice {
            return Err(Error::new(Kind::Value, path, format!("the {kind} of trade {} again", cells[number]))
                .at_row(row)
                .expected("two rows a trade, its entry and its exit")
                .remedy("export one run, once"));
        }
        let is_open = signal.is_some_and(|at| cells[at].eq_ignore_ascii_case("open")) || cells[price].is_empty();
        if kind.starts_with("entry") {
            let leg = (reader.time(row, &rows.names[time], &cells[time])?, value(price)?);
            trade.entry = Some((leg, kind.ends_with("long"), value(size)?));
        } else if !is_open {
            trade.exit = Some((reader.time(row, &rows.names[time], &cells[time])?, value(price)?));
            trade.profit = Some(value(profit)?);
        }
    }
    refuse_gaps(reader, &rows.names[number], legs.keys().copied().enumerate())?;
    let of = |(number, legs): (u64, Legs)| {
        let Some((entry, is_long, units)) = legs.entry else {
            return Err(Error::new(Kind::Value, path, format!("trade {number} has no entry"))
                .expected("two rows a trade, its entry and its exit"));
        };
        Ok(ListedTrade { entry, exit: legs.exit, is_long, units, fees: None, profit: legs.profit })
    };
    let trades = legs.into_iter().map(of).collect::<Result<Vec<_>>>()?;
    let recent = rows.names.iter().any(|name| name.starts_with("Net P&L"));
    let stated = Stated {
        name: "TradingView",
        layout: if recent { "list of trades" } else { "list of trades before 2025" },
        notes: vec!["commission is what the profit of each trade lacks: the file has no column of it".to_owned()],
        ..Stated::default()
    };
    of_trades(reader, &trades, stated)
}
