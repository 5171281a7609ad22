//! The file of a collection: tables with the collector's columns, in which rows are added and never changed.

use std::path::Path;
use std::time::Duration;

use q50_sqlite::{Layout, LayoutError};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::WatchError;

/// Amounts and prices of pools and trades are the API's text. A key has several rows where the API gave several values for it:
/// the first one counts.
const SCHEMA: &str = "
CREATE TABLE ohlcv_data (
    pool_id      TEXT NOT NULL,
    timeframe    TEXT NOT NULL,
    timestamp    INTEGER NOT NULL,
    open_price   REAL NOT NULL,
    high_price   REAL NOT NULL,
    low_price    REAL NOT NULL,
    close_price  REAL NOT NULL,
    volume_usd   REAL,
    collected_at TEXT NOT NULL
) STRICT;
CREATE INDEX bars_by_key ON ohlcv_data (pool_id, timeframe, timestamp);
CREATE TABLE trades (
    pool_id            TEXT NOT NULL,
    id                 TEXT NOT NULL,
    block_number       TEXT,
    tx_hash            TEXT,
    tx_from_address    TEXT,
    from_token_amount  TEXT,
    to_token_amount    TEXT,
    price_from_in_usd  TEXT,
    price_to_in_usd    TEXT,
    from_token_address TEXT,
    to_token_address   TEXT,
    block_timestamp    TEXT,
    side               TEXT,
    volume_usd         TEXT,
    collected_at       TEXT NOT NULL
) STRICT;
CREATE INDEX trades_by_key ON trades (pool_id, id);
CREATE TABLE new_pools_history (
    pool_id                          TEXT NOT NULL,
    collected_at                     TEXT NOT NULL,
    address                          TEXT,
    name                             TEXT,
    dex_id                           TEXT,
    base_token_id                    TEXT,
    quote_token_id                   TEXT,
    pool_created_at                  TEXT,
    reserve_in_usd                   TEXT,
    base_token_price_usd             TEXT,
    base_token_price_native_currency TEXT,
    quote_token_price_usd            TEXT,
    quote_token_price_native_currency TEXT,
    fdv_usd                          TEXT,
    market_cap_usd                   TEXT,
    volume_usd_h24                   TEXT,
    price_change_percentage_h1       TEXT,
    price_change_percentage_h24      TEXT,
    transactions_h1_buys             TEXT,
    transactions_h1_sells            TEXT,
    transactions_h24_buys            TEXT,
    transactions_h24_sells           TEXT
) STRICT;
CREATE INDEX snapshots_by_key ON new_pools_history (pool_id, collected_at);
CREATE TABLE collection_metadata (
    collector_type TEXT NOT NULL,
    pool_id        TEXT NOT NULL,
    reached        INTEGER NOT NULL,
    asked          INTEGER NOT NULL,
    PRIMARY KEY (collector_type, pool_id)
) STRICT;
CREATE TABLE collection_gaps (
    collector_type TEXT NOT NULL,
    pool_id        TEXT NOT NULL,
    last_before    INTEGER NOT NULL,
    first_after    INTEGER NOT NULL
) STRICT;
";

const LAYOUT: Layout = Layout {
    // "q50w"
    application: 0x7135_3077,
    version: 1,
    schema: SCHEMA,
    additions: &[],
    // What is said to be recorded is on the disk.
    synchronous: "full",
};

/// How long a reader is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table of records.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Bars,
    Trades,
    Snapshots,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Bars => "ohlcv_data",
            Self::Trades => "trades",
            Self::Snapshots => "new_pools_history",
        }
    }

    /// Columns of the key, then of values; `collected_at` is of the key or comes last.
    const fn parts(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Bars => (
                &["pool_id", "timeframe", "timestamp"],
                &["open_price", "high_price", "low_price", "close_price", "volume_usd"],
            ),
            Self::Trades => (
                &["pool_id", "id"],
                &[
                    "block_number",
                    "tx_hash",
                    "tx_from_address",
                    "from_token_amount",
                    "to_token_amount",
                    "price_from_in_usd",
                    "price_to_in_usd",
                    "from_token_address",
                    "to_token_address",
                    "block_timestamp",
                    "side",
                    "volume_usd",
                ],
            ),
            Self::Snapshots => (
                &["pool_id", "collected_at"],
                &[
                    "address",
                    "name",
                    "dex_id",
                    "base_token_id",
                    "quote_token_id",
                    "pool_created_at",
                    "reserve_in_usd",
                    "base_token_price_usd",
                    "base_token_price_native_currency",
                    "quote_token_price_usd",
                    "quote_token_price_native_currency",
                    "fdv_usd",
                    "market_cap_usd",
                    "volume_usd_h24",
                    "price_change_percentage_h1",
                    "price_change_percentage_h24",
                    "transactions_h1_buys",
                    "transactions_h1_sells",
                    "transactions_h24_buys",
                    "transactions_h24_sells",
                ],
            ),
        }
    }

    /// All columns, in the order of a row.
    pub(super) fn columns(self) -> impl Iterator<Item = &'static str> {
        let (key, values) = self.parts();
        let last = (!key.contains(&"collected_at")).then_some("collected_at");
        key.iter().chain(values).copied().chain(last)
    }

    /// Values that a key has.
    fn known(self) -> String {
        let (key, values) = self.parts();
        let places = key.iter().enumerate().map(|(at, column)| format!("{column} = ?{}", at + 1));
        let key = places.collect::<Vec<_>>().join(" AND ");
        format!("SELECT {} FROM {} WHERE {key} ORDER BY rowid", values.join(", "), self.name())
    }

    fn addition(self) -> String {
        let columns: Vec<&str> = self.columns().collect();
        let places = vec!["?"; columns.len()].join(", ");
        format!("INSERT INTO {} ({}) VALUES ({places})", self.name(), columns.join(", "))
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    New,
    /// Its key has these values already.
    Known,
    /// Its key has others; what differs.
    Conflict(String),
}

/// How far an answer reaches: epoch seconds of what is recorded, and of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress<'a> {
    pub(super) pool: &'a str,
    pub(super) what: &'a str,
    pub(super) reached: i64,
    pub(super) asked: i64,
}

#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, WatchError> {
        let foreign = |reason: String| WatchError::Foreign { path: path.display().to_string(), reason };
        let mut connection = Connection::open(path).map_err(|error| foreign(error.to_string()))?;
        LAYOUT.prepare(&mut connection, PATIENCE).map_err(|error| match error {
            LayoutError::Sqlite(error) => foreign(error.to_string()),
            other => foreign(other.to_string()),
        })?;
        Ok(Self { connection })
    }

    /// Until when something of a pool is recorded, and when that was asked for, epoch seconds.
    pub(super) fn reached(&self, pool: &str, what: &str) -> Result<Option<(i64, i64)>, WatchError> {
        let sql = "SELECT reached, asked FROM collection_metadata WHERE pool_id = ?1 AND collector_type = ?2";
        let row = self.connection.query_row(sql, [pool, what], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?)
    }

    /// Records rows and how far they reach, all or nothing.
    pub(super) fn put(
        &mut self,
        table: Table,
        rows: &[Vec<Cell>],
        progress: Option<Progress<'_>>,
    ) -> Result<Vec<Put>, WatchError> {
        let (key, values) = table.parts();
        let transaction = self.connection.transaction()?;
        let mut puts = Vec::with_capacity(rows.len());
        {
            let mut known = transaction.prepare_cached(&table.known())?;
            let mut addition = transaction.prepare_cached(&table.addition())?;
            for row in rows {
                let (of_key, of_values) = (&row[..key.len()], &row[key.len()..key.len() + values.len()]);
                let found = known.query_map(params_from_iter(of_key), |row| {
                    (0..values.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Cell>>>()
                })?;
                let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
                let put = match found.first() {
                    None => Put::New,
                    Some(_) if found.iter().any(|cells| cells == of_values) => Put::Known,
                    Some(first) => Put::Conflict(difference(of_key, values, first, of_values)),
                };
                if put != Put::Known {
                    addition.execute(params_from_iter(row))?;
                }
                puts.push(put);
            }
        }
        if let Some(Progress { pool, what, reached, asked }) = progress {
            let sql = "INSERT INTO collection_metadata VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT DO UPDATE SET reached = max(reached, excluded.reached), asked = excluded.asked";
            transaction.execute(sql, params![what, pool, reached, asked])?;
        }
        transaction.commit()?;
        Ok(puts)
    }

    /// Records that trades are missing between two that are not.
    pub(super) fn put_gap(&self, pool: &str, last: i64, first: i64) -> Result<(), WatchError> {
        let sql = "INSERT INTO collection_gaps VALUES ('trades', ?1, ?2, ?3)";
        self.connection.execute(sql, params![pool, last, first])?;
        Ok(())
    }
}

/// The first value that differs: whose it is, which, and both.
fn difference(key: &[Cell], names: &[&str], kept: &[Cell], other: &[Cell]) -> String {
    let key: Vec<String> = key.iter().map(shown).collect();
    let differs = names.iter().zip(kept.iter().zip(other)).find(|(_, (kept, other))| kept != other);
    differs.map_or_else(String::new, |(name, (kept, other))| {
        format!("{} of {} was {} and is {}", name, key.join(" "), shown(kept), shown(other))
    })
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null | Cell::Blob(_) => "unknown".to_owned(),
        Cell::Integer(value) => value.to_string(),
        Cell::Real(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
    }
}
