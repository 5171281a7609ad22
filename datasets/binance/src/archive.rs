//! The archive: every row that was ever published, once, as it was when it was first seen. SQLite; no row is ever changed.
//!
//! A row is known by symbol, kind of price, interval and time. Another one for the same key is the same row again, or a
//! conflict, which is listed and changes nothing. Numbers are kept as floats: of the decimals of a price they lose nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use q50_datasets::Bars;
use q50_sqlite::{Layout, LayoutError, open_foreign};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::Error;
use crate::interval::Interval;
use crate::name::{Kind, Market};
use crate::rows::Settlement;
use crate::session::Session;

/// Its file in a folder.
pub(crate) const FILE: &str = "archive.sqlite";

const APPLICATION: i64 = 0x7135_3062;

/// An insert of what is there is passed over before it could replace anything, whatever the statement says.
const SCHEMA: &str = "
CREATE TABLE sessions (
    id      INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    source  TEXT NOT NULL
) STRICT;
CREATE TABLE files (
    session   INTEGER NOT NULL REFERENCES sessions,
    name      TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    checked   INTEGER NOT NULL,
    market    TEXT,
    symbol    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    interval  TEXT NOT NULL,
    from_ms   INTEGER NOT NULL,
    to_ms     INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    inserted  INTEGER NOT NULL,
    conflicts INTEGER NOT NULL
) STRICT;
CREATE TABLE conflicts (
    session  INTEGER NOT NULL REFERENCES sessions,
    file     TEXT NOT NULL,
    symbol   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    interval TEXT NOT NULL,
    time_ms  INTEGER NOT NULL,
    field    TEXT NOT NULL,
    kept     REAL,
    offered  REAL
) STRICT;
CREATE TABLE raw_klines (
    symbol                 TEXT NOT NULL,
    kind                   TEXT NOT NULL,
    interval               TEXT NOT NULL,
    open_time              INTEGER NOT NULL,
    open                   REAL,
    high                   REAL,
    low                    REAL,
    close                  REAL,
    volume                 REAL,
    quote_volume           REAL,
    count                  REAL,
    taker_buy_volume       REAL,
    taker_buy_quote_volume REAL,
    PRIMARY KEY (symbol, kind, interval, open_time)
) STRICT, WITHOUT ROWID;
CREATE TABLE raw_funding_rates (
    symbol         TEXT NOT NULL,
    funding_time   INTEGER NOT NULL,
    calc_time      INTEGER NOT NULL,
    interval_hours INTEGER NOT NULL,
    rate           REAL,
    PRIMARY KEY (symbol, funding_time)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER klines_stay BEFORE UPDATE ON raw_klines BEGIN SELECT RAISE(ABORT, 'rows of the archive are never changed'); END;
CREATE TRIGGER klines_remain BEFORE DELETE ON raw_klines BEGIN SELECT RAISE(ABORT, 'rows of the archive are never removed'); END;
CREATE TRIGGER klines_once BEFORE INSERT ON raw_klines
WHEN EXISTS (SELECT 1 FROM raw_klines WHERE symbol = new.symbol AND kind = new.kind AND interval = new.interval
             AND open_time = new.open_time)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER funding_stays BEFORE UPDATE ON raw_funding_rates
BEGIN SELECT RAISE(ABORT, 'rows of the archive are never changed'); END;
CREATE TRIGGER funding_remains BEFORE DELETE ON raw_funding_rates
BEGIN SELECT RAISE(ABORT, 'rows of the archive are never removed'); END;
CREATE TRIGGER funding_once BEFORE INSERT ON raw_funding_rates
WHEN EXISTS (SELECT 1 FROM raw_funding_rates WHERE symbol = new.symbol AND funding_time = new.funding_time)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER files_stay BEFORE UPDATE ON files BEGIN SELECT RAISE(ABORT, 'sessions are never changed'); END;
CREATE TRIGGER files_remain BEFORE DELETE ON files BEGIN SELECT RAISE(ABORT, 'sessions are never removed'); END;
";

const LAYOUT: Layout =
    Layout { application: APPLICATION, version: 1, schema: SCHEMA, additions: &[], synchronous: "normal" };

/// How long another process that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) symbol: String,
    /// `None` is funding.
    pub(crate) kind: Option<Kind>,
}

/// An open archive.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    connection: Connection,
}

/// Whether a folder holds an archive.
#[must_use]
pub fn is_archive(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

impl Archive {
    /// Opens the archive of a folder, made where it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let opened = || -> Result<Connection, LayoutError> {
            let mut connection = Connection::open(&path)?;
            LAYOUT.prepare(&mut connection, PATIENCE)?;
            Ok(connection)
        };
        match opened() {
            Ok(connection) => Ok(Self { path, connection }),
            Err(source) => Err(Error::Sqlite { path, source }),
        }
    }

    /// Opens an archive that is there, to read it.
    pub(crate) fn open_to_read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        if !is_archive(folder) {
            return Err(Error::NoArchive { path: folder.to_path_buf() });
        }
        let opened = || -> Result<Connection, LayoutError> {
            let connection = open_foreign(&path)?;
            let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            if application == APPLICATION { Ok(connection) } else { Err(LayoutError::Foreign) }
        };
        match opened() {
            Ok(connection) => Ok(Self { path, connection }),
            Err(source) => Err(Error::Sqlite { path, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn refused(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Sqlite { path: self.path.clone(), source: source.into() }
    }

    /// Begins to take files in: all of them, or none.
    pub(crate) fn begin(&mut self, source: &Path, now_ms: i64) -> Result<Session<'_>, Error> {
        Session::begin(&self.path, &mut self.connection, source, now_ms)
    }

    /// The market of the files, where their folders said one.
    pub(crate) fn market(&self) -> Result<Option<Market>, Error> {
        let query = "SELECT market FROM files WHERE market IS NOT NULL LIMIT 1";
        let word: Option<String> =
            self.connection.query_row(query, [], |row| row.get(0)).optional().map_err(self.refused())?;
        Ok(word.and_then(|word| Market::ALL.into_iter().find(|market| market.word() == word)))
    }

    /// What there is of each symbol.
    pub(crate) fn series(&self) -> Result<Vec<Series>, Error> {
        let read = || -> rusqlite::Result<Vec<Series>> {
            let mut query = self.connection.prepare("SELECT DISTINCT symbol, kind FROM files")?;
            let of = |row: &Row<'_>| {
                let word: String = row.get(1)?;
                Ok(Series { symbol: row.get(0)?, kind: Kind::ALL.into_iter().find(|kind| kind.word() == word) })
            };
            let mut series = query.query_map([], of)?.collect::<rusqlite::Result<Vec<_>>>()?;
            series.sort_unstable();
            Ok(series)
        };
        read().map_err(self.refused())
    }

    /// The intervals in which klines were published, with the end of the last period that a file was said to cover.
    pub(crate) fn published(&self, series: &Series) -> Result<Vec<(Interval, i64)>, Error> {
        let read = || -> rusqlite::Result<Vec<(Interval, i64)>> {
            let mut query = self
                .connection
                .prepare("SELECT interval, max(to_ms) FROM files WHERE symbol = ?1 AND kind = ?2 GROUP BY interval")?;
            let of = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
            let rows = query.query_map(params![series.symbol, word(series.kind)], of)?;
            let rows: Vec<(String, i64)> = rows.collect::<rusqlite::Result<_>>()?;
            let mut found: Vec<(Interval, i64)> =
                rows.into_iter().filter_map(|(interval, to)| Some((interval.parse().ok()?, to))).collect();
            found.sort_unstable();
            Ok(found)
        };
        read().map_err(self.refused())
    }

    /// The end of the last period of funding.
    pub(crate) fn funding_to(&self, symbol: &str) -> Result<i64, Error> {
        let query = "SELECT max(to_ms) FROM files WHERE symbol = ?1 AND kind = 'funding'";
        self.connection.query_row(query, [symbol], |row| row.get(0)).map_err(self.refused())
    }

    /// Klines of an interval in order of time, as they were published, sound or not.
    pub(crate) fn bars(&self, symbol: &str, kind: Kind, interval: Interval) -> Result<Bars, Error> {
        let mut columns: [Vec<f64>; 5] = Default::default();
        let mut open_time = Vec::new();
        let mut read = || -> rusqlite::Result<()> {
            let mut query = self.connection.prepare(
                "SELECT open_time, open, high, low, close, volume FROM raw_klines
                 WHERE symbol = ?1 AND kind = ?2 AND interval = ?3 ORDER BY open_time",
            )?;
            let mut rows = query.query(params![symbol, kind.word(), interval.to_string()])?;
            while let Some(row) = rows.next()? {
                open_time.push(row.get(0)?);
                for (at, column) in columns.iter_mut().enumerate() {
                    column.push(row.get::<_, Option<f64>>(at + 1)?.unwrap_or(f64::NAN));
                }
            }
            Ok(())
        };
        read().map_err(self.refused())?;
        let [open, high, low, close, volume] = columns;
        // What is not traded has no volume.
        let volume = (kind == Kind::Klines).then_some(volume);
        Ok(Bars { open_time, open, high, low, close, volume, interval_ms: interval.ms() })
    }

    /// Settlements in order of time.
    pub(crate) fn funding(&self, symbol: &str) -> Result<Vec<Settlement>, Error> {
        let read = || -> rusqlite::Result<Vec<Settlement>> {
            let mut query = self.connection.prepare(
                "SELECT funding_time, calc_time, interval_hours, rate FROM raw_funding_rates WHERE symbol = ?1
                 ORDER BY funding_time",
            )?;
            query.query_map([symbol], settlement)?.collect()
        };
        read().map_err(self.refused())
    }
}

pub(crate) fn settlement(row: &Row<'_>) -> rusqlite::Result<Settlement> {
    let rate: Option<f64> = row.get(3)?;
    Ok(Settlement {
        time: row.get(0)?,
        calc_time: row.get(1)?,
        interval_hours: row.get(2)?,
        rate: rate.unwrap_or(f64::NAN),
    })
}

pub(crate) const fn word(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(kind) => kind.word(),
        None => "funding",
    }
}
