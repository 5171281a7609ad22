//! The log of a collection: one SQLite file that survives a kill at any instruction.
//!
//! It holds what the chain reported and nothing derived from it: checks and datasets are rebuilt from it.

/// Ranges that are not listed yet.
mod holes;
/// The layout of the file.
mod schema;
/// What is listed and what is fetched.
mod transactions;

pub use holes::Hole;
pub use transactions::{Did, Place, Stored};

use q50_executor::rpc::ChainTime;
use q50_pumpswap::chain::Address;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;
use thiserror::Error;

/// A log that cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// Another program's database.
    #[error("this is a database of another program; expected a collection of q50, or no file")]
    Foreign,
    /// A later layout.
    #[error("this collection is of version {found}, and this q50 knows version {known}; use the q50 that wrote it")]
    Version {
        /// The version of the file.
        found: i64,
        /// The version known here.
        known: i64,
    },
    /// Another pool's or chain's.
    #[error("this collection is of {what} {found}, not of {expected}; name another folder with --out")]
    Identity {
        /// Pool or chain.
        what: &'static str,
        /// That of the file.
        found: String,
        /// The one asked for.
        expected: String,
    },
    /// A row that does not say what it should.
    #[error("the collection is damaged: {0}; move it away and collect again")]
    Damaged(String),
}

/// A collection's log.
#[derive(Debug)]
pub struct Store {
    database: Connection,
}

impl Store {
    /// Opens the log of a pool on a chain, or begins one.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read or written, or is of something else.
    pub fn open(path: &Path, pool: &Address, genesis: &str) -> Result<Self, StoreError> {
        let mut database = Connection::open(path)?;
        schema::prepare(&mut database)?;
        let store = Self { database };
        store.belongs_to(&pool.to_string(), genesis)?;
        // Gaps that stayed are looked into once more by each run: another node may know better.
        store.database.execute("UPDATE transactions SET is_searched = 0 WHERE is_searched", [])?;
        Ok(store)
    }

    fn belongs_to(&self, pool: &str, genesis: &str) -> Result<(), StoreError> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found: Option<(String, String)> =
            self.database.query_row("SELECT pool, genesis FROM identity", [], row).optional()?;
        let Some((its_pool, its_genesis)) = found else {
            self.database.execute("INSERT INTO identity (pool, genesis) VALUES (?1, ?2)", [pool, genesis])?;
            return Ok(());
        };
        for (what, found, expected) in [("the pool", its_pool, pool), ("the chain with genesis", its_genesis, genesis)]
        {
            if found != expected {
                return Err(StoreError::Identity { what, found, expected: expected.to_owned() });
            }
        }
        Ok(())
    }

    /// Up to where everything is in the log; none before the first time.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn known(&self) -> Result<Option<ChainTime>, StoreError> {
        let row = |row: &Row<'_>| Ok(ChainTime { slot: amount(row, 0)?, unix_seconds: row.get(1)? });
        Ok(self.database.query_row("SELECT slot, unix_seconds FROM known", [], row).optional()?)
    }

    /// Everything up to `time` is in the log.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn set_known(&mut self, time: ChainTime) -> Result<(), StoreError> {
        let transaction = self.database.transaction()?;
        transaction.execute("DELETE FROM known", [])?;
        let insert = "INSERT INTO known (slot, unix_seconds) VALUES (?1, ?2)";
        transaction.execute(insert, params![time.slot.cast_signed(), time.unix_seconds])?;
        Ok(transaction.commit()?)
    }

    /// Gaps that were looked into, and how many of them turned out to be missing transactions.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn refills(&self) -> Result<(u64, u64), StoreError> {
        let query = "SELECT count(*), coalesce(sum(found > 0), 0) FROM refills";
        Ok(self.database.query_row(query, [], |row| Ok((amount(row, 0)?, amount(row, 1)?)))?)
    }
}

/// An unsigned number with the bits of the signed one.
fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A key in base58.
fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("`{text}` is no key")))
}
