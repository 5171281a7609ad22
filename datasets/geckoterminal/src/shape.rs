//! What a table holds, by the names of its columns.

use std::borrow::Cow;

use crate::bars::BarColumns;
use crate::pools::PoolColumns;
use crate::report::Table;
use crate::trades::TradeColumns;

/// A row of text; a cell that is null or not there is empty.
pub trait Cells {
    /// The cell at a position.
    fn cell(&self, at: usize) -> &str;

    /// The cell of a column that may not be there.
    fn optional(&self, at: Option<usize>) -> &str {
        at.map_or("", |at| self.cell(at))
    }
}

impl Cells for csv::StringRecord {
    fn cell(&self, at: usize) -> &str {
        self.get(at).unwrap_or_default()
    }
}

impl Cells for Vec<Cow<'_, str>> {
    fn cell(&self, at: usize) -> &str {
        self.get(at).map_or("", AsRef::as_ref)
    }
}

/// A kind of table, with the places of its columns.
#[derive(Debug)]
pub(crate) enum Shape {
    Bars(BarColumns),
    Trades(TradeColumns),
    Pools(Box<PoolColumns>),
    /// A table of which nothing is taken.
    Other(Table),
}

impl Shape {
    pub(crate) fn of(names: &[String], unnamed: &str) -> Self {
        let has = |name: &str| find(names, &[name]).is_some();
        if let Some(columns) = BarColumns::of(names, unnamed) {
            Self::Bars(columns)
        } else if let Some(columns) = TradeColumns::of(names, unnamed) {
            Self::Trades(columns)
        } else if let Some(columns) = PoolColumns::of(names) {
            Self::Pools(Box::new(columns))
        } else if has("symbol") && has("decimals") {
            Self::Other(Table::Tokens)
        } else if has("token_symbol") && has("is_active") {
            Self::Other(Table::Watchlist)
        } else if has("collector_type") {
            Self::Other(Table::Metadata)
        } else if has("id") && has("name") && (has("network") || has("type")) {
            Self::Other(Table::Names)
        } else {
            Self::Other(Table::Unrecognised)
        }
    }

    pub(crate) fn table(&self) -> Table {
        match self {
            Self::Bars(_) => Table::Bars,
            Self::Trades(_) => Table::Trades,
            Self::Pools(_) => Table::Pools,
            Self::Other(table) => *table,
        }
    }
}

/// The place of the first of `wanted` that is there.
pub(crate) fn find(names: &[String], wanted: &[&str]) -> Option<usize> {
    wanted.iter().find_map(|wanted| names.iter().position(|name| name == wanted))
}
