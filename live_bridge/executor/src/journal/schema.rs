//! The layout of a journal's file.

use super::JournalError;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::time::{Duration, Instant};

/// Version of the layout.
const VERSION: i64 = 1;
/// "q50j": what makes a SQLite file a journal of ours.
const APPLICATION: i64 = 0x7135_306a;

/// An order is what was wanted; a transaction is one signed attempt at it. Amounts are integers in the smallest unit; a
/// column that is not known is null.
const SCHEMA: &str = "
CREATE TABLE identity (
    wallet  TEXT NOT NULL,
    genesis TEXT NOT NULL
) STRICT;
CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    time_ms      INTEGER NOT NULL,
    mint         TEXT NOT NULL,
    size         TEXT NOT NULL,
    slippage_bps INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'refused', 'rejected', 'filled', 'failed', 'expired')),
    reason       TEXT
) STRICT;
CREATE TABLE transactions (
    signature    TEXT PRIMARY KEY,
    order_id     INTEGER NOT NULL REFERENCES orders (id),
    time_ms      INTEGER NOT NULL,
    bytes        BLOB NOT NULL,
    pool         TEXT NOT NULL,
    base_account TEXT NOT NULL,
    limits       TEXT NOT NULL,
    quoted_base  INTEGER NOT NULL,
    quoted_quote INTEGER NOT NULL,
    untracked    INTEGER NOT NULL,
    read_slot    INTEGER NOT NULL,
    last_height  INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'filled', 'failed', 'expired')),
    is_final     INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    slot         INTEGER,
    error        TEXT,
    network_fee  INTEGER,
    rent         INTEGER,
    lamports     INTEGER,
    base         INTEGER,
    quote        INTEGER,
    settled_ms   INTEGER
) STRICT;
CREATE INDEX transactions_by_state ON transactions (state, is_final);
CREATE TABLE switch (
    time_ms INTEGER NOT NULL,
    killed  INTEGER NOT NULL CHECK (killed IN (0, 1)),
    reason  TEXT NOT NULL
) STRICT;
CREATE TABLE memory (
    guards TEXT NOT NULL
) STRICT;
";

/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a connection ready: a new file gets the layout; one of another program or of a later version is refused, and left
/// as it is.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), JournalError> {
    connection.busy_timeout(PATIENCE)?;
    is_journal(&connection.transaction()?)?;
    // What is committed is on the disk: the signature has to be there before the transaction leaves.
    write_ahead(connection)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_journal(&transaction)? {
        return Ok(());
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Whether the file is a journal; an empty one is not yet.
fn is_journal(transaction: &Transaction<'_>) -> Result<bool, JournalError> {
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION, VERSION) => Ok(true),
        (0, 0) if tables == 0 => Ok(false),
        (APPLICATION, found) => Err(JournalError::Version { found, known: VERSION }),
        _ => Err(JournalError::Foreign),
    }
}

/// Turns write-ahead mode on, for which SQLite does not wait by itself: of two that begin a journal at once, one is told
/// that it is locked.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}
