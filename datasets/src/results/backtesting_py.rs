//! backtesting.py: `stats["_trades"].to_csv(...)`.
//!
//! `Size` is negative for a short. Since 0.6 the column `Commission` stands beside `PnL`, which is after it; before, costs
//! were in the entry's price. A spread is in the price of both. A trade that was open at the end is not in the table
//! unless the backtest had `finalize_trades=True`.

use super::Stated;
use super::amount::amount;
use super::content::Rows;
use super::trades::{ListedTrade, Reader, TradeList, of_trades};
use crate::error::Result;

pub(super) fn is_theirs(rows: &Rows) -> bool {
    ["EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "Size"].iter().all(|name| rows.column(&[name]).is_some())
}

pub(super) fn read(reader: &mut Reader<'_>, rows: &Rows) -> Result<TradeList> {
    let path = reader.path;
    let at = |name| rows.needed(path, &[name]);
    let (size, entry, exit) = (at("Size")?, at("EntryPrice")?, at("ExitPrice")?);
    let (opened, closed) = (at("EntryTime")?, at("ExitTime")?);
    let (profit, commission) = (rows.column(&["PnL"]), rows.column(&["Commission"]));
    let mut trades = Vec::with_capacity(rows.rows.len());
    for (row, cells) in rows.rows.iter().enumerate() {
        let number = |column: usize| amount(path, row, &rows.names[column], &cells[column]);
        let units = number(size)?;
        let (entry, exit) = (number(entry)?, number(exit)?);
        let fees = commission.map(number).transpose()?.map(|paid| {
            // One rate on both notionals.
            let share = entry / (entry + exit);
            (paid * share, paid * (1.0 - share))
        });
        trades.push(ListedTrade {
            entry: (reader.time(row, "EntryTime", &cells[opened])?, entry),
            exit: Some((reader.time(row, "ExitTime", &cells[closed])?, exit)),
            is_long: units > 0.0,
            units: units.abs(),
            fees,
            profit: profit.map(number).transpose()?,
        });
    }
    let stated = Stated {
        name: "backtesting.py",
        layout: if commission.is_some() { "trades" } else { "trades before 0.6" },
        notes: vec!["a trade that was open at the end is in the file only with finalize_trades=True".to_owned()],
        ..Stated::default()
    };
    of_trades(reader, &trades, stated)
}
