//! The schema of a journal's file.

use super::JournalError;
use super::exits::TABLE;
use q50_sqlite::{Layout, LayoutError};
use rusqlite::Connection;
use std::time::Duration;

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

/// What every order asks: the fills of a coin, and the newest slot.
const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS orders_by_mint ON orders (mint);
CREATE INDEX IF NOT EXISTS transactions_by_order ON transactions (order_id);
CREATE INDEX IF NOT EXISTS transactions_by_slot ON transactions (slot);
";

/// "q50j": what makes a SQLite file a journal of ours.
const APPLICATION: i64 = 0x7135_306a;

const LAYOUT: Layout = Layout {
    application: APPLICATION,
    version: 1,
    schema: SCHEMA,
    additions: &[],
    // What is committed is on the disk: the signature has to be there before the transaction leaves.
    synchronous: "full",
};

/// Makes a connection ready: a new file gets the layout; one of another program or of a later version is refused, and left
/// as it is.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), JournalError> {
    LAYOUT.prepare(connection, Duration::from_secs(10)).map_err(|error| match error {
        LayoutError::Sqlite(error) => JournalError::Database(error),
        LayoutError::Foreign => JournalError::Foreign,
        LayoutError::Version { found, known } => JournalError::Version { found, known },
    })?;
    // Beside the layout: earlier journals have neither, and lose nothing by getting them.
    Ok(connection.execute_batch(&format!("{TABLE}{INDEXES}"))?)
}
