//! The journal of orders, signed transactions and outcomes: one SQLite file.
//!
//! A transaction is committed here before it leaves, so a crash at any instruction can be settled by asking the chain:
//! an `open` transaction may have landed, failed or expired, and one that is not here was never sent.

/// Levels at which a position is sold.
mod exits;
/// Orders and their transactions.
mod orders;
/// What became of an order.
mod outcome;
/// What is held.
mod positions;
/// The layout of the file.
mod schema;

pub use orders::{Begun, OrderId, OrderState, Pending, Prepared, Settlement};
pub use outcome::{Outcome, Sent};
pub use positions::{Position, Trade};

use crate::clock::UnixMillis;
use crate::guards::{KillSwitch, Memory};
use q50_pumpswap::chain::Address;
use rusqlite::{Connection, OptionalExtension, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A journal that cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The database.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// Another program's database.
    #[error("this is a database of another program; expected a journal of q50, or no file")]
    Foreign,
    /// A later layout.
    #[error("this journal is of version {found}, and this q50 knows version {known}; use the q50 that wrote it")]
    Version {
        /// The version of the file.
        found: i64,
        /// The version known here.
        known: i64,
    },
    /// Another wallet's or cluster's.
    #[error("this journal is of {what} {found}, not of {expected}; name another file with --journal")]
    Identity {
        /// Wallet or cluster.
        what: &'static str,
        /// That of the file.
        found: String,
        /// The one in use.
        expected: String,
    },
    /// A key that stands for another order.
    #[error("the key `{key}` stands for another order, {known}; this one is {asked}: give it a key of its own")]
    Key {
        /// The key.
        key: String,
        /// What was wanted under it.
        known: String,
        /// What is wanted now.
        asked: String,
    },
    /// Another process trades with it.
    #[error("another process trades with this journal; end it first")]
    Locked,
    /// A file beside the database.
    #[error("{path:?}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An amount that a row cannot hold.
    #[error("amount {0} is beyond what a journal can hold (2^63 - 1)")]
    Amount(u64),
    /// A row that does not say what it should.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
}

/// A journal.
#[derive(Debug)]
pub struct Journal {
    database: Connection,
    path: PathBuf,
    /// Held by whoever trades.
    _locks: Vec<File>,
}

impl Journal {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// [`JournalError`] where the file cannot be read or written, or is no journal.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut database = Connection::open(path)?;
        schema::prepare(&mut database)?;
        Ok(Self { database, path: path.to_owned(), _locks: Vec::new() })
    }

    /// Opens a journal to trade with: it belongs to one wallet on one chain, and to one process at a time.
    ///
    /// # Errors
    /// As of [`open`](Self::open); and where it belongs to another wallet, chain or process.
    pub fn open_to_trade(path: &Path, wallet: &Address, genesis: &str) -> Result<Self, JournalError> {
        let locks = vec![lock(&real_path(path))?];
        let journal = Self { _locks: locks, ..Self::open(path)? };
        journal.is_of(wallet, genesis)?;
        if journal.identity()?.is_none() {
            let insert = "INSERT INTO identity (wallet, genesis) VALUES (?1, ?2)";
            journal.database.execute(insert, [wallet.to_string().as_str(), genesis])?;
        }
        Ok(journal)
    }

    /// Trades instead of the journal at `usual`: as long as this one is open, nobody trades with that. Limits are kept in a
    /// journal, and a wallet has them once.
    ///
    /// # Errors
    /// [`JournalError::Locked`] where somebody does.
    pub fn instead_of(mut self, usual: &Path) -> Result<Self, JournalError> {
        let usual = real_path(usual);
        if real_path(&self.path) != usual {
            self._locks.push(lock(&usual)?);
        }
        Ok(self)
    }

    /// Whether it is of this wallet on this chain; one that was never traded with is of anybody.
    ///
    /// # Errors
    /// [`JournalError::Identity`] where it is another's, and where it cannot be read.
    pub fn is_of(&self, wallet: &Address, genesis: &str) -> Result<(), JournalError> {
        let Some((its_wallet, its_genesis)) = self.identity()? else { return Ok(()) };
        let wallet = wallet.to_string();
        for (what, found, expected) in
            [("wallet", its_wallet, wallet.as_str()), ("the chain with genesis", its_genesis, genesis)]
        {
            if found != expected {
                return Err(JournalError::Identity { what, found, expected: expected.to_owned() });
            }
        }
        Ok(())
    }

    fn identity(&self) -> Result<Option<(String, String)>, JournalError> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.database.query_row("SELECT wallet, genesis FROM identity", [], row).optional()?)
    }

    /// Address of the wallet that it belongs to, once it has been traded with.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn wallet(&self) -> Result<Option<String>, JournalError> {
        Ok(self.identity()?.map(|(wallet, _)| wallet))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether trading is switched off.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn switch(&self) -> Result<KillSwitch, JournalError> {
        let row = |row: &rusqlite::Row<'_>| {
            let (since, killed, reason) = (UnixMillis(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok(if killed { KillSwitch::Killed { since, reason } } else { KillSwitch::Resumed })
        };
        let last = "SELECT time_ms, killed, reason FROM switch ORDER BY rowid DESC LIMIT 1";
        Ok(self.database.query_row(last, [], row).optional()?.unwrap_or_default())
    }

    /// Switches trading off. Every change is kept.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn kill(&self, reason: &str, now: UnixMillis) -> Result<(), JournalError> {
        self.set_switch(true, reason, now)
    }

    /// Switches trading on again.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn resume(&self, reason: &str, now: UnixMillis) -> Result<(), JournalError> {
        self.set_switch(false, reason, now)
    }

    fn set_switch(&self, killed: bool, reason: &str, now: UnixMillis) -> Result<(), JournalError> {
        let insert = "INSERT INTO switch (time_ms, killed, reason) VALUES (?1, ?2, ?3)";
        self.database.execute(insert, params![now.0, killed, reason])?;
        Ok(())
    }

    /// What the guards remember.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn memory(&self) -> Result<Memory, JournalError> {
        let text: Option<String> =
            self.database.query_row("SELECT guards FROM memory", [], |row| row.get(0)).optional()?;
        let Some(text) = text else { return Ok(Memory::default()) };
        serde_json::from_str(&text).map_err(|error| JournalError::Damaged(format!("table memory: {error}")))
    }

    /// Keeps what the guards remember.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn remember(&mut self, memory: &Memory) -> Result<(), JournalError> {
        let text = serde_json::to_string(memory).map_err(|error| JournalError::Damaged(error.to_string()))?;
        self.at_ease(|database| {
            let transaction = database.transaction()?;
            transaction.execute("DELETE FROM memory", [])?;
            transaction.execute("INSERT INTO memory (guards) VALUES (?1)", [text])?;
            Ok(transaction.commit()?)
        })
    }

    /// Writes what need not be on the disk before the next write is: a loss of power can take the two together, a crash
    /// of the process none. An order waits for the disk once, where its signature is kept, and not three times.
    fn at_ease<T>(
        &mut self,
        write: impl FnOnce(&mut Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.database.pragma_update(None, "synchronous", "normal")?;
        let written = write(&mut self.database);
        self.database.pragma_update(None, "synchronous", "full")?;
        written
    }
}

/// An amount as a row holds it.
fn stored(amount: u64) -> Result<i64, JournalError> {
    i64::try_from(amount).map_err(|_| JournalError::Amount(amount))
}

#[cfg(test)]
mod tests;

/// Whatever link leads there, one file is one journal.
fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Keeps everybody else off the journal at `path`, which need not be there.
fn lock(path: &Path) -> Result<File, JournalError> {
    let path = path.with_added_extension("lock");
    let failed = |source| JournalError::File { path: path.clone(), source };
    // Opened as it is: a file of this name may be somebody else's.
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::Locked),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}
