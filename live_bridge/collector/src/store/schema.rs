//! The schema of the log's file.

use super::StoreError;
use q50_sqlite::{Layout, LayoutError};
use rusqlite::Connection;
use std::time::Duration;

/// A transaction is a row once its signature is listed; what it did is added when it is fetched. The order of the chain
/// is (slot, place); places are those of the last walk through the slot. Amounts are unsigned 64-bit integers with the
/// bits of the signed ones that SQLite has. `known` says up to where everything is in the log.
const SCHEMA: &str = "
CREATE TABLE identity (
    genesis TEXT NOT NULL,
    pool    TEXT NOT NULL
) STRICT;
CREATE TABLE holes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    TEXT NOT NULL,
    is_tail    INTEGER NOT NULL CHECK (is_tail IN (0, 1)),
    before     TEXT,
    until      TEXT,
    floor      INTEGER NOT NULL,
    last_slot  INTEGER,
    last_place INTEGER
) STRICT;
CREATE TABLE transactions (
    signature    TEXT PRIMARY KEY,
    slot         INTEGER NOT NULL,
    place        INTEGER NOT NULL,
    walk         INTEGER NOT NULL,
    is_of_pool   INTEGER NOT NULL CHECK (is_of_pool IN (0, 1)),
    has_failed   INTEGER NOT NULL CHECK (has_failed IN (0, 1)),
    is_final     INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    is_fetched   INTEGER NOT NULL CHECK (is_fetched IN (0, 1)),
    is_searched  INTEGER NOT NULL DEFAULT 0 CHECK (is_searched IN (0, 1)),
    calls_amm    INTEGER,
    unix_seconds INTEGER,
    base_before  INTEGER,
    base_after   INTEGER,
    quote_before INTEGER,
    quote_after  INTEGER
) STRICT;
CREATE INDEX transactions_in_order ON transactions (slot, place);
CREATE INDEX transactions_to_fetch ON transactions (slot, place) WHERE is_fetched = 0;
CREATE TABLE events (
    signature TEXT NOT NULL REFERENCES transactions (signature) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    PRIMARY KEY (signature, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE known (
    slot         INTEGER NOT NULL,
    unix_seconds INTEGER NOT NULL
) STRICT;
CREATE TABLE refills (
    signature TEXT PRIMARY KEY,
    found     INTEGER NOT NULL
) STRICT;
";

/// "q50c": what makes a SQLite file a collection of ours.
const APPLICATION: i64 = 0x7135_3063;

const LAYOUT: Layout = Layout {
    application: APPLICATION,
    version: 1,
    schema: SCHEMA,
    additions: &[],
    // What a power failure takes from the end is read from the chain again.
    synchronous: "normal",
};

/// Makes a connection ready: a new file gets the layout; one of another program or of a later version is refused, and left
/// as it is.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    LAYOUT.prepare(connection, Duration::from_secs(10)).map_err(|error| match error {
        LayoutError::Sqlite(error) => StoreError::Database(error),
        LayoutError::Foreign => StoreError::Foreign,
        LayoutError::Version { found, known } => StoreError::Version { found, known },
    })
}
