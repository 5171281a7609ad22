//! Reads the files of a GeckoTerminal collector, in any shape: API responses, frames of its client, exports and backups
//! of its tables, its SQLite file.
//!
//! Shapes are detected from a header or from the keys of an object, never from names (`shape.rs`). Every shape is read
//! as rows of text (`files.rs`), which [`Collection`] splits into bars, trades and pools. A duplicate bar, trade or
//! snapshot is kept once. If its values differ it is a conflict, which is listed, and the first one stays.
//! [`Collection::write`] writes a folder whose files the rest of q50 reads.
//!
//! A time is trusted if it can be checked or states its offset. Unknown values stay unknown.

mod bars;
mod error;
mod files;
mod numbers;
mod pools;
mod report;
mod shape;
mod times;
mod trades;
/// Collects from the API.
#[cfg(feature = "watch")]
pub mod watch;
mod write;

pub use bars::BarSeries;
pub use error::Error;
pub use report::{Conflict, FileReport, PassedOver, Refused, Report, Table, TradesOnBars};
pub use shape::Cells;

use std::path::Path;

use bars::BarTable;
use pools::PoolTable;
use report::Conflicts;
use shape::Shape;
use trades::TradeTable;

/// Bars, trades and pools of any number of files.
#[derive(Debug, Default)]
pub struct Collection {
    bars: BarTable,
    trades: TradeTable,
    pools: PoolTable,
    files: Vec<FileReport>,
    passed_over: Vec<PassedOver>,
    conflicts: Conflicts,
}

/// A table that is being taken in: whose columns are known.
#[derive(Debug)]
pub struct OpenTable {
    shape: Shape,
    file: usize,
}

impl Collection {
    /// Reads a file, or all files of a folder and the folders in it.
    ///
    /// Nothing is taken of a file in a folder that cannot be read or is damaged: the report lists it.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a file named by itself cannot, is damaged or has none of the shapes.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut collection = Self::default();
        files::read(path, &mut collection)?;
        collection.complete();
        Ok(collection)
    }

    /// Begins a table with these columns. `origin` names it in the report; `unnamed` is what a pool is called that the table
    /// itself does not name.
    pub fn open(&mut self, origin: &str, unnamed: &str, names: &[String]) -> OpenTable {
        let shape = Shape::of(names, unnamed);
        self.files.push(FileReport::new(origin, shape.table()));
        OpenTable { shape, file: self.files.len() - 1 }
    }

    /// Takes a row of a table in.
    pub fn row(&mut self, table: &OpenTable, cells: &dyn Cells) {
        let file = &mut self.files[table.file];
        file.rows += 1;
        let taken = match &table.shape {
            Shape::Bars(columns) => self.bars.take(columns, cells, table.file, &mut file.times),
            Shape::Trades(columns) => self.trades.take(columns, cells, table.file, &mut file.times),
            Shape::Pools(columns) => {
                self.pools.take(columns, cells, table.file, &mut file.times);
                Ok(())
            }
            Shape::Other(_) => return,
        };
        match taken {
            Ok(()) => file.taken += 1,
            Err(reason) => file.refuse(reason),
        }
    }

    /// Leaves a damaged file out, with the rows before the damage: those of the tables from the `known`-th on.
    fn pass_over(&mut self, known: usize, file: String, why: &Error) {
        self.bars.forget(known);
        self.trades.forget(known);
        self.pools.forget(known);
        self.files.truncate(known);
        self.passed_over.push(PassedOver { file, reason: why.to_string() });
    }

    /// Puts everything in order, once all tables are in: what stands twice is kept once, and conflicts are listed.
    pub fn complete(&mut self) {
        self.bars.complete(&mut self.conflicts);
        self.trades.complete(&mut self.conflicts);
        self.pools.complete(&mut self.conflicts);
    }

    /// Bars of each pool and timeframe, in order of both.
    #[must_use]
    pub fn bars(&self) -> &[BarSeries] {
        self.bars.series()
    }

    /// How the trades lie on the bars of one minute of their pools: a trade belongs to one, and a sale's price into its range.
    #[must_use]
    pub fn trades_on_bars(&self) -> TradesOnBars {
        self.trades.on_bars(&self.bars)
    }
}
