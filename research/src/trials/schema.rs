//! The schema of a ledger's file, and the migration of earlier ones.

use std::{collections::BTreeMap, io::ErrorKind, path::Path, time::Duration};

use q50_sqlite::write_ahead;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tempfile::NamedTempFile;

use super::{
    chain::{self, Event, Field, Rows},
    ledger::Problem,
};

/// Version of the layout. The first two had none.
pub(super) const VERSION: i64 = 3;

/// Bytes of a hypothesis that are kept.
pub(super) const KEY: usize = 16;

/// Datasets are named once, and what a batch has in common stands in its entry: a trial costs some sixty bytes, because a
/// sweep files millions. Nothing is ever updated or deleted. What belongs together is held together by the chain, whose check
/// sees more than a foreign key would.
const SCHEMA: &str = "
CREATE TABLE entries (
    seq     INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    payload TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    kind    TEXT GENERATED ALWAYS AS (payload ->> 'kind') VIRTUAL
) STRICT;
CREATE INDEX entries_by_kind ON entries (kind);
CREATE TABLE datasets (
    id         INTEGER PRIMARY KEY,
    entry      INTEGER NOT NULL,
    bars       TEXT NOT NULL UNIQUE,
    grid_ms    INTEGER,
    first_cell INTEGER,
    cells      BLOB
) STRICT;
CREATE TABLE trials (
    dataset     INTEGER NOT NULL,
    hypothesis  BLOB NOT NULL CHECK (length(hypothesis) = 16),
    assumptions INTEGER NOT NULL,
    role        INTEGER NOT NULL CHECK (role IN (0, 1)),
    entry       INTEGER NOT NULL,
    sharpe      REAL,
    returns     INTEGER NOT NULL,
    skew        REAL,
    kurtosis    REAL,
    PRIMARY KEY (dataset, hypothesis, assumptions, role)
) STRICT, WITHOUT ROWID;
CREATE TABLE published (
    entry   INTEGER NOT NULL,
    key     BLOB NOT NULL CHECK (length(key) = 16),
    dataset INTEGER NOT NULL,
    name    TEXT NOT NULL,
    sharpe  REAL,
    returns INTEGER NOT NULL,
    PRIMARY KEY (entry, key)
) STRICT, WITHOUT ROWID;
";

/// The first layout, a row of text for each trial, becomes the second.
const FIRST_TO_SECOND: &str = "
CREATE TABLE IF NOT EXISTS scopes (
    id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, family TEXT NOT NULL, effective INTEGER, UNIQUE (dataset, family));
CREATE TABLE IF NOT EXISTS runs (
    scope INTEGER NOT NULL, settings BLOB NOT NULL, role TEXT NOT NULL, origin TEXT NOT NULL, sharpe REAL,
    returns INTEGER NOT NULL, skew REAL, kurtosis REAL, engine TEXT NOT NULL, PRIMARY KEY (scope, settings)) WITHOUT ROWID;
INSERT OR IGNORE INTO scopes (dataset, family) SELECT DISTINCT dataset, family FROM trials;
INSERT OR IGNORE INTO runs
    SELECT s.id, unhex(substr(t.settings, 1, 32)), t.role, 'verify', t.sharpe, t.returns, t.skew, t.kurtosis, t.engine
    FROM trials t JOIN scopes s ON s.dataset = t.dataset AND s.family = t.family;
DROP TABLE trials;
";

/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a connection ready: a new file gets the layout, an earlier one is taken over, a later one is refused.
pub(super) fn prepare(mut connection: Connection) -> Result<Connection, Problem> {
    connection.busy_timeout(PATIENCE)?;
    let found = accepted(&mut connection)?;
    write_ahead(&connection, PATIENCE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    if found != Found::Ledger {
        if found == Found::Earlier {
            keep_copy(&connection)?;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < VERSION {
            migrate(&transaction)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    }
    Ok(connection)
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    Earlier,
    Ledger,
}

/// What a file holds at one moment: another process may be laying it out.
fn accepted(connection: &mut Connection) -> Result<Found, Problem> {
    let read = connection.transaction()?;
    let version: i64 = read.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = read.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    match version {
        VERSION if layout(&read)? == own_layout()? => Ok(Found::Ledger),
        VERSION => Err(Problem::Altered),
        found if found > VERSION => Err(Problem::Newer { found }),
        _ if tables == 0 => Ok(Found::Nothing),
        _ if is_earlier(&read) => Ok(Found::Earlier),
        _ => Err(Problem::Foreign),
    }
}

/// Whether the tables are those of a layout before this one, and not somebody else's `trials`.
fn is_earlier(connection: &Connection) -> bool {
    ["SELECT dataset, family, settings, role, returns FROM trials", "SELECT scope, settings, role, origin FROM runs"]
        .into_iter()
        .any(|query| connection.prepare(query).is_ok())
}

/// Everything that the file defines: tables, indexes, and what else somebody may have put there, triggers above all.
fn layout(connection: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut query = connection.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")?;
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn own_layout() -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let empty = Connection::open_in_memory()?;
    empty.execute_batch(SCHEMA)?;
    layout(&empty)
}

/// Keeps a ledger of an earlier layout beside the file, whole: what takes it over may be at fault. A copy that is there is
/// the older one, and stays.
fn keep_copy(connection: &Connection) -> Result<(), Problem> {
    let Some(path) = connection.path().filter(|path| !path.is_empty()).map(Path::new) else { return Ok(()) };
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".before-layout-{VERSION}"));
    let io = |error: std::io::Error| Problem::Refused(format!("cannot keep a copy of its earlier layout: {error}"));
    let staged = NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(io)?;
    connection.execute("VACUUM INTO ?1", [staged.path().to_str()])?;
    match staged.persist_noclobber(&copy) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(io(refused.error)),
        _ => Ok(()),
    }
}

fn migrate(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let first = transaction.table_exists(None, "trials")?;
    if first {
        transaction.execute_batch(FIRST_TO_SECOND)?;
    }
    transaction.execute_batch(SCHEMA)?;
    if !transaction.table_exists(None, "runs")? {
        return Ok(());
    }
    let layout = if first { 1 } else { 2 };
    let mut scopes = transaction.prepare("SELECT id, dataset, family, effective FROM scopes ORDER BY id")?;
    let scopes: Vec<(i64, String, String, Option<i64>)> = scopes
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut datasets = BTreeMap::new();
    for (scope, bars, family, effective) in scopes {
        let dataset = match datasets.get(&bars) {
            Some(known) => *known,
            None => insert_dataset(transaction, &bars, None)?,
        };
        datasets.insert(bars, dataset);
        migrate_scope(transaction, scope, &Event::Migrate { dataset, family: family.clone(), layout })?;
        migrate_published(transaction, scope, dataset, family)?;
        if let Some(effective) = effective {
            chain::append(
                transaction,
                &Event::Effective { dataset, effective: effective.unsigned_abs() },
                &Rows::new(),
            )?;
        }
    }
    transaction.execute_batch("DROP TABLE runs; DROP TABLE scopes;")
}

/// Replays of an earlier layout. What they assumed is not known apart from what they tried.
fn migrate_scope(transaction: &Transaction<'_>, scope: i64, event: &Event) -> rusqlite::Result<()> {
    let Event::Migrate { dataset, .. } = event else { return Ok(()) };
    let mut query = transaction.prepare_cached(
        "SELECT settings, role = 'candidate', sharpe, returns, skew, kurtosis FROM runs
         WHERE scope = ?1 AND origin <> 'published' ORDER BY settings",
    )?;
    let mut found = query.query([scope])?;
    let seq = chain::End::of(transaction)?.seq + 1;
    let mut rows = Rows::new();
    let mut any = false;
    while let Some(row) = found.next()? {
        let key: Vec<u8> = row.get(0)?;
        let columns = TrialColumns {
            dataset: *dataset,
            hypothesis: &key,
            assumptions: 0,
            role: row.get(1)?,
            sharpe: row.get(2)?,
            returns: row.get(3)?,
            skew: row.get(4)?,
            kurtosis: row.get(5)?,
        };
        columns.insert(transaction, seq)?;
        columns.add_to(&mut rows);
        any = true;
    }
    if any { chain::append(transaction, event, &rows).map(|_| ()) } else { Ok(()) }
}

fn migrate_published(transaction: &Transaction<'_>, scope: i64, dataset: i64, family: String) -> rusqlite::Result<()> {
    let mut query = transaction.prepare_cached(
        "SELECT settings, sharpe, returns FROM runs WHERE scope = ?1 AND origin = 'published' ORDER BY settings",
    )?;
    let mut found = query.query([scope])?;
    let seq = chain::End::of(transaction)?.seq + 1;
    let mut rows = Rows::new();
    let mut any = false;
    while let Some(row) = found.next()? {
        let key: Vec<u8> = row.get(0)?;
        let columns = PublishedColumns { key: &key, dataset, name: "", sharpe: row.get(1)?, returns: row.get(2)? };
        columns.insert(transaction, seq)?;
        columns.add_to(&mut rows);
        any = true;
    }
    let event = Event::Import { dataset, family, source: "a ledger of an earlier layout".to_owned() };
    if any { chain::append(transaction, &event, &rows).map(|_| ()) } else { Ok(()) }
}

/// Names a dataset, with the entry that says so.
pub(super) fn insert_dataset(
    transaction: &Transaction<'_>,
    bars: &str,
    print: Option<&super::Fingerprint>,
) -> rusqlite::Result<i64> {
    let seq = chain::End::of(transaction)?.seq + 1;
    let id: i64 = transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM datasets", [], |row| row.get(0))?;
    let cells: Option<Vec<u8>> = print.map(|print| print.cells.iter().map(|cell| cell.cast_unsigned()).collect());
    let columns = DatasetColumns {
        id,
        bars,
        grid_ms: print.map(|print| print.grid_ms),
        first_cell: print.map(|print| print.first),
        cells: cells.as_deref(),
    };
    transaction.execute(
        "INSERT INTO datasets (id, entry, bars, grid_ms, first_cell, cells) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, seq, bars, columns.grid_ms, columns.first_cell, columns.cells],
    )?;
    let mut rows = Rows::new();
    columns.add_to(&mut rows);
    chain::append(transaction, &Event::Dataset { bars: bars.to_owned() }, &rows)?;
    Ok(id)
}

/// A row of `datasets`.
pub(super) struct DatasetColumns<'a> {
    pub(super) id: i64,
    pub(super) bars: &'a str,
    pub(super) grid_ms: Option<i64>,
    pub(super) first_cell: Option<i64>,
    pub(super) cells: Option<&'a [u8]>,
}

impl DatasetColumns<'_> {
    pub(super) fn add_to(&self, rows: &mut Rows) {
        rows.add(
            b'd',
            &[
                Field::Integer(self.id),
                Field::Bytes(self.bars.as_bytes()),
                Field::Integer(self.grid_ms.unwrap_or(0)),
                Field::Integer(self.first_cell.unwrap_or(0)),
                Field::Bytes(self.cells.unwrap_or_default()),
            ],
        );
    }
}

/// A row of `trials`.
pub(super) struct TrialColumns<'a> {
    pub(super) dataset: i64,
    pub(super) hypothesis: &'a [u8],
    pub(super) assumptions: i64,
    pub(super) role: bool,
    pub(super) sharpe: Option<f64>,
    pub(super) returns: i64,
    pub(super) skew: Option<f64>,
    pub(super) kurtosis: Option<f64>,
}

impl TrialColumns<'_> {
    /// Writes the row, unless the ledger has it; says whether it was written.
    pub(super) fn insert(&self, transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<bool> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO trials (dataset, hypothesis, assumptions, role, entry, sharpe, returns, skew, kurtosis)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?;
        let Self { dataset, hypothesis, assumptions, role, sharpe, returns, skew, kurtosis } = *self;
        let new =
            insert.execute(params![dataset, hypothesis, assumptions, role, seq, sharpe, returns, skew, kurtosis])?;
        Ok(new > 0)
    }

    pub(super) fn add_to(&self, rows: &mut Rows) {
        rows.add(
            b't',
            &[
                Field::Integer(self.dataset),
                Field::Bytes(self.hypothesis),
                Field::Integer(self.assumptions),
                Field::Integer(self.role.into()),
                Field::Real(self.sharpe),
                Field::Integer(self.returns),
                Field::Real(self.skew),
                Field::Real(self.kurtosis),
            ],
        );
    }
}

/// A row of `published`.
pub(super) struct PublishedColumns<'a> {
    pub(super) key: &'a [u8],
    pub(super) dataset: i64,
    pub(super) name: &'a str,
    pub(super) sharpe: Option<f64>,
    pub(super) returns: i64,
}

impl PublishedColumns<'_> {
    pub(super) fn insert(&self, transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO published (entry, key, dataset, name, sharpe, returns) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        insert.execute(params![seq, self.key, self.dataset, self.name, self.sharpe, self.returns]).map(|_| ())
    }

    pub(super) fn add_to(&self, rows: &mut Rows) {
        rows.add(
            b'p',
            &[
                Field::Bytes(self.key),
                Field::Integer(self.dataset),
                Field::Bytes(self.name.as_bytes()),
                Field::Real(self.sharpe),
                Field::Integer(self.returns),
            ],
        );
    }
}
