//! The schema of a session's file.

use super::JournalError;
use q50_sqlite::{Layout, LayoutError};
use rusqlite::Connection;
use std::time::Duration;

/// A bar is as it closed, with the signals that were known then; a decision is what was made of it; an order is what was to
/// be done about it, and what became of that. Times are epoch milliseconds, amounts integers in the smallest unit, JSON has
/// numbers in their shortest form that reads back as the same; a column that is not known is null.
const SCHEMA: &str = "
CREATE TABLE session (
    id   TEXT NOT NULL,
    spec TEXT NOT NULL
) STRICT;
CREATE TABLE bars (
    open_ms       INTEGER PRIMARY KEY,
    open          REAL NOT NULL,
    high          REAL NOT NULL,
    low           REAL NOT NULL,
    close         REAL NOT NULL,
    volume        REAL NOT NULL,
    base_reserve  INTEGER NOT NULL,
    quote_reserve INTEGER NOT NULL,
    signals       TEXT NOT NULL,
    seen_ms       INTEGER NOT NULL
) STRICT;
CREATE TABLE decisions (
    bar_ms      INTEGER PRIMARY KEY REFERENCES bars (open_ms),
    account     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    wants       TEXT,
    explanation TEXT NOT NULL,
    decided_ms  INTEGER NOT NULL
) STRICT;
CREATE TABLE orders (
    key          TEXT PRIMARY KEY,
    bar_ms       INTEGER NOT NULL REFERENCES bars (open_ms),
    reason       TEXT NOT NULL,
    size         TEXT,
    wanted_ms    INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN
        ('wanted', 'simulated', 'filled', 'failed', 'expired', 'refused', 'rejected', 'missed')),
    why          TEXT,
    signature    TEXT,
    slot         INTEGER,
    time_ms      INTEGER,
    is_final     INTEGER NOT NULL DEFAULT 0 CHECK (is_final IN (0, 1)),
    base         INTEGER NOT NULL DEFAULT 0,
    quote        INTEGER NOT NULL DEFAULT 0,
    network_fee  INTEGER NOT NULL DEFAULT 0,
    rent         INTEGER NOT NULL DEFAULT 0,
    quoted_base  INTEGER,
    quoted_quote INTEGER,
    read_slot    INTEGER,
    to_send_ms   INTEGER,
    to_settle_ms INTEGER
) STRICT;
CREATE TABLE notes (
    time_ms INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL
) STRICT;
";

/// What the monitor took note of, in order, with the logarithm of its wealth after it, and what it raised.
const MONITOR: &str = "
CREATE TABLE monitor (
    test       TEXT NOT NULL CHECK (test IN ('execution', 'decay')),
    n          INTEGER NOT NULL,
    key        TEXT NOT NULL REFERENCES orders (key),
    value      REAL NOT NULL,
    log_wealth REAL NOT NULL,
    PRIMARY KEY (test, n)
) STRICT;
CREATE TABLE alarms (
    test       TEXT PRIMARY KEY CHECK (test IN ('execution', 'decay')),
    at_ms      INTEGER NOT NULL,
    observed   INTEGER NOT NULL,
    log_wealth REAL NOT NULL,
    demoted    INTEGER NOT NULL CHECK (demoted IN (0, 1)),
    reason     TEXT NOT NULL
) STRICT;
";

/// Where the time of a decision and of an order went, milliseconds.
const STAGES: &str = "
ALTER TABLE decisions ADD COLUMN signal_ms INTEGER;
ALTER TABLE orders ADD COLUMN to_quote_ms INTEGER;
ALTER TABLE orders ADD COLUMN to_sign_ms INTEGER;
";

/// What a replay of the session needs, and the pool of a fill on paper: no event says it.
const REPLAY: &str = "
ALTER TABLE session ADD COLUMN supply INTEGER;
ALTER TABLE orders ADD COLUMN pool_base INTEGER;
ALTER TABLE orders ADD COLUMN pool_quote INTEGER;
";

/// "q50l": what makes a SQLite file a session of ours.
const APPLICATION: i64 = 0x7135_306c;

const LAYOUT: Layout = Layout {
    application: APPLICATION,
    version: 1,
    schema: SCHEMA,
    additions: &[MONITOR, STAGES, REPLAY],
    // A decision is on the disk before it is acted on.
    synchronous: "full",
};

/// Makes a connection ready: a new file gets the layout; one of another program or version is refused, and left as it is.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), JournalError> {
    LAYOUT.prepare(connection, Duration::from_secs(10)).map_err(|error| match error {
        LayoutError::Sqlite(error) => JournalError::Database(error),
        LayoutError::Foreign => JournalError::Foreign,
        LayoutError::Version { found, known } => JournalError::Version { found, known },
    })
}
