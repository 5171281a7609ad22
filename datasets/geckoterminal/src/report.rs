//! What was found, and what was done with it.

use serde::Serialize;

use crate::times::Times;

/// Refused rows of a file that are named; the others are counted.
const NAMED: usize = 20;

/// What a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Bars of pools.
    Bars,
    /// Trades in pools.
    Trades,
    /// Pools, or snapshots of them.
    Pools,
    /// Names and addresses of tokens, of which nothing is taken.
    Tokens,
    /// Names of exchanges or networks, of which nothing is taken.
    Names,
    /// Pools that the collector watches, of which nothing is taken.
    Watchlist,
    /// The collector's own records, of which nothing is taken.
    Metadata,
    /// None of the collector's shapes.
    Unrecognised,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Data row, counted from 1.
    pub row: usize,
    /// Why.
    pub reason: String,
}

/// What became of a file, or of a table in it.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path, and the table in it.
    pub origin: String,
    /// What it holds.
    pub table: Table,
    /// Rows.
    pub rows: usize,
    /// Rows that can be used.
    pub taken: usize,
    /// Rows that cannot.
    pub refused: usize,
    /// The first of these.
    pub first_refused: Vec<Refused>,
    /// How its times were read.
    pub times: Times,
}

impl FileReport {
    pub(crate) fn new(origin: &str, table: Table) -> Self {
        let (first_refused, times) = (Vec::new(), Times::default());
        Self { origin: origin.to_owned(), table, rows: 0, taken: 0, refused: 0, first_refused, times }
    }

    pub(crate) fn refuse(&mut self, reason: String) {
        self.refused += 1;
        if self.first_refused.len() < NAMED {
            self.first_refused.push(Refused { row: self.rows, reason });
        }
    }
}

/// A file of which nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Its path in the folder.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// One value that two files give differently. The first one is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// Whose value it is: pool, timeframe and time of a bar; id of a trade; pool and time of a snapshot.
    pub key: String,
    /// Which value.
    pub column: &'static str,
    /// The value that is kept.
    pub kept: String,
    /// The file that it stands in.
    pub kept_from: String,
    /// The other value.
    pub other: String,
    /// The file that it stands in.
    pub other_from: String,
}

/// A conflict before files have their names.
#[derive(Clone, Debug)]
pub(crate) struct Contradiction {
    pub(crate) key: String,
    pub(crate) column: &'static str,
    pub(crate) kept: (String, usize),
    pub(crate) other: (String, usize),
}

/// What does not agree, and how much does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conflicts {
    pub(crate) found: Vec<Contradiction>,
    /// Rows that stood somewhere before with the same values.
    pub(crate) repeated: usize,
}

/// How trades lie on bars of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TradesOnBars {
    /// Trades in pools that have bars of one minute.
    pub trades: usize,
    /// Those in whose minute there is a bar.
    pub on_a_bar: usize,
    /// Sales among these. The recorded price of a purchase is that of SOL.
    pub sales: usize,
    /// Sales at a price between their bar's low and high.
    pub sales_inside: usize,
}

/// A file of bars.
#[derive(Clone, Debug, Serialize)]
pub struct BarFile {
    /// Its name.
    pub file: String,
    /// Pool.
    pub pool: String,
    /// Timeframe, such as `1h`.
    pub timeframe: String,
    /// Bars.
    pub rows: usize,
    /// Opening of the first and of the last, RFC 3339.
    pub from: String,
    /// See `from`.
    pub to: String,
}

/// Everything that was read and written: the content of `ingest.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `q50.geckoterminal/1`.
    pub schema: &'static str,
    /// Hash of what was written.
    pub run_id: String,
    /// Files that were written beside this report.
    pub written: Vec<String>,
    /// Files that were read.
    pub files: Vec<FileReport>,
    /// Files that cannot be read or are damaged, of which nothing was taken.
    pub passed_over: Vec<PassedOver>,
    /// Files of bars that were written.
    pub bars: Vec<BarFile>,
    /// Series without a file: a single bar has no interval, and none of the readers takes it.
    pub single_bars: Vec<String>,
    /// Rows of `trades.parquet`.
    pub trades: usize,
    /// Rows of `pools.parquet`, and how many pools they are of.
    pub pool_rows: usize,
    /// See `pool_rows`.
    pub pools: usize,
    /// How trades lie on bars of one minute.
    pub trades_on_bars: TradesOnBars,
    /// Rows that stood somewhere before with the same values.
    pub repeated: usize,
    /// Values that two files give differently.
    pub conflicts: Vec<Conflict>,
}
