//! Opens our own SQLite files, safely even if others open them at the same moment, and reads those of other programs.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use thiserror::Error;

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// What makes a SQLite file one of this kind (`PRAGMA application_id`).
    pub application: i64,
    /// Version of `schema` (`PRAGMA user_version`), from 1.
    pub version: i64,
    /// Statements that make its tables.
    pub schema: &'static str,
    /// What each later version adds to the one before it; a file of `schema`'s version or later gets what it lacks.
    pub additions: &'static [&'static str],
    /// When SQLite waits for the disk (`PRAGMA synchronous`).
    pub synchronous: &'static str,
}

/// A file that is not laid out.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A database of another program.
    #[error("a database of another program")]
    Foreign,
    /// A file of this kind in another version.
    #[error("version {found}, where {known} is known")]
    Version {
        /// The version of the file.
        found: i64,
        /// The version known here.
        known: i64,
    },
}

impl Layout {
    /// Makes a connection ready, in write-ahead mode and with foreign keys: a new file gets the layout; one of another
    /// program or version is refused, and left as it is. Another process that writes is waited for, `patience` at most.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub fn prepare(&self, connection: &mut Connection, patience: Duration) -> Result<(), LayoutError> {
        connection.busy_timeout(patience)?;
        let is_laid_out = self.missing(&connection.transaction()?)?.is_empty();
        write_ahead(connection, patience)?;
        connection.pragma_update(None, "synchronous", self.synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Whoever only reads waits for nobody that writes.
        if is_laid_out {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        let missing = self.missing(&transaction)?;
        if missing.is_empty() {
            return Ok(());
        }
        for statements in missing {
            transaction.execute_batch(statements)?;
        }
        transaction.pragma_update(None, "application_id", self.application)?;
        transaction.pragma_update(None, "user_version", self.newest())?;
        Ok(transaction.commit()?)
    }

    /// The version after all additions.
    fn newest(&self) -> i64 {
        self.version + self.additions.len() as i64
    }

    /// Statements that the file lacks; for an empty one all.
    fn missing(&self, transaction: &Transaction<'_>) -> Result<Vec<&'static str>, LayoutError> {
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let application: i64 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (application, version) {
            (0, 0) if tables == 0 => Ok(std::iter::once(self.schema).chain(self.additions.iter().copied()).collect()),
            (application, _) if application != self.application => Err(LayoutError::Foreign),
            (_, found) if !(self.version..=self.newest()).contains(&found) => {
                Err(LayoutError::Version { found, known: self.newest() })
            }
            (_, found) => Ok(self.additions.iter().copied().skip((found - self.version) as usize).collect()),
        }
    }
}

/// Turns write-ahead mode on, which stays in the file. SQLite does not wait by itself here: two connections that read
/// and both want to change the mode would wait for each other, so one of them is told that the database is locked.
///
/// # Errors
/// The file cannot be written, or is locked for longer than `patience`.
pub fn write_ahead(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Opens the file of another program to read it, and nothing else. Beside one in write-ahead mode SQLite may leave an index of its
/// log (`-shm`), which the next program that opens it uses or replaces.
///
/// # Errors
/// The file is missing or is no database. Of one in write-ahead mode that another process has open, or that a crash left
/// with a log, the log beside it is read, too; where its folder cannot be written, what is in the log cannot be read.
pub fn open_foreign(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Ends what runs on a connection once `limit` is over, with [`ErrorCode::OperationInterrupted`]: a view need not end by itself.
///
/// # Errors
/// As SQLite says.
pub fn end_after(connection: &mut Connection, limit: Duration) -> rusqlite::Result<()> {
    let begun = Instant::now();
    connection.progress_handler(STEPS, Some(move || begun.elapsed() >= limit))
}

/// Steps of SQLite's machine between two looks at the clock: a millisecond or less.
const STEPS: i32 = 100_000;

/// How long another program that is writing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        application: 50,
        version: 2,
        schema: "CREATE TABLE t (n INTEGER) STRICT;",
        additions: &[],
        synchronous: "normal",
    };

    #[test]
    fn an_earlier_file_gets_what_it_lacks_and_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("earlier.sqlite");
        let prepared = |additions| {
            let mut connection = Connection::open(&path).unwrap();
            Layout { additions, ..LAYOUT }.prepare(&mut connection, Duration::ZERO).map(|()| connection)
        };
        prepared(&[]).unwrap().execute("INSERT INTO t VALUES (7)", []).unwrap();
        let both = &["CREATE TABLE u (n INTEGER) STRICT;", "CREATE TABLE v (n INTEGER) STRICT;"];
        for additions in [&both[..1], both, both] {
            let connection = prepared(additions).unwrap();
            assert_eq!(connection.query_row("SELECT n FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        }
        let connection = prepared(both).unwrap();
        connection.execute_batch("INSERT INTO u VALUES (1); INSERT INTO v VALUES (1)").unwrap();
        let refused = prepared(&both[..1]).unwrap_err();
        assert!(matches!(refused, LayoutError::Version { found: 4, known: 3 }), "{refused}");
    }

    #[test]
    fn several_that_begin_a_file_at_once_all_have_it() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = dir.path().join(format!("{round}.sqlite"));
            let start = std::sync::Barrier::new(4);
            std::thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        start.wait();
                        LAYOUT.prepare(&mut Connection::open(&path).unwrap(), Duration::from_secs(10)).unwrap();
                    });
                }
            });
        }
    }

    #[test]
    fn a_file_of_another_kind_or_version_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for made in ["CREATE TABLE other (n INTEGER)", "PRAGMA application_id = 50; PRAGMA user_version = 3"] {
            let path = dir.path().join("other.sqlite");
            Connection::open(&path).unwrap().execute_batch(made).unwrap();
            let before = std::fs::read(&path).unwrap();
            let refused = LAYOUT.prepare(&mut Connection::open(&path).unwrap(), Duration::ZERO).unwrap_err();
            assert!(matches!(refused, LayoutError::Foreign | LayoutError::Version { found: 3, known: 2 }), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), before);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
