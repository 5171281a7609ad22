//! The state of a sweep on disk: every finished set, in one SQLite file that survives the process at any moment.
//!
//! Rows are appended in index order and in transactions, so the file is always a prefix of the search, and a sweep
//! resumes from its length. The file is removed when the results are in place.

use std::path::{Path, PathBuf};

use q50_datasets::{hash::text_hash, run_folder::RunFolder, staged::replaceable};
use rusqlite::{Connection, Row as SqlRow, params};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::outcome::{Row, Statistics};

/// What a sweep is: nothing of it may change under a state that is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Content hash of the data, and how it is seen.
    pub dataset: String,
    /// Hash of strategy, venue and capital.
    pub strategy: String,
    /// Hash of the grid.
    pub grid: String,
    /// Version of the engine.
    pub engine: String,
}

/// The state cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file of the state is somebody else's.
    #[error("{path}: {found}; nothing was changed: move it away, or give another folder with --out")]
    Foreign {
        /// The file.
        path: String,
        /// What is there.
        found: String,
    },
    /// There is a state, and nobody asked to resume it.
    #[error(
        "{folder}: holds a sweep that was interrupted after {done} sets; go on with --resume, or give another folder with --out"
    )]
    Unfinished {
        /// The folder.
        folder: String,
        /// Sets that are done.
        done: u64,
    },
    /// The state is that of another sweep.
    #[error(
        "{folder}: cannot resume, because {what} has changed since the sweep began (was {was}, is {is}); start anew with another --out"
    )]
    Changed {
        /// The folder.
        folder: String,
        /// What has changed.
        what: &'static str,
        /// What it was.
        was: String,
        /// What it is.
        is: String,
    },
    /// The disk or the database refuses.
    #[error("{path}: {problem}; what is done so far is kept, go on with --resume when there is room")]
    Disk {
        /// The file.
        path: String,
        /// What it says.
        problem: String,
    },
}

/// The state of one sweep.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
}

const FILE: &str = "sweep.sqlite";

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS identity (what TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sets (
    rung INTEGER NOT NULL, place INTEGER NOT NULL, set_index INTEGER NOT NULL, failure TEXT,
    final_equity REAL, total_return REAL, sharpe REAL, max_drawdown REAL, profit_factor REAL,
    fills INTEGER, round_trips INTEGER, winners INTEGER, turnover REAL, fees REAL, exposure REAL,
    skew REAL, kurtosis REAL, returns INTEGER,
    PRIMARY KEY (rung, place)
) STRICT, WITHOUT ROWID;
";

const COLUMNS: &str = "set_index, rung, failure, final_equity, total_return, sharpe, max_drawdown, profit_factor, fills, round_trips, winners, turnover, fees, exposure, skew, kurtosis, returns";

impl Store {
    /// Whether `folder` holds the state of a sweep that has not ended.
    #[must_use]
    pub fn is_there(folder: &RunFolder) -> bool {
        folder.file(FILE).exists()
    }

    /// Opens the state in `folder`: a new one, or with `resume` the one that is there, if there is one.
    ///
    /// # Errors
    /// The folder holds a state that was not asked for or of another sweep, or cannot be written.
    pub fn open(folder: &RunFolder, identity: &Identity, resume: bool) -> Result<Self, StoreError> {
        let named = || folder.path().display().to_string();
        let path = folder.file(FILE);
        let at = || path.display().to_string();
        let disk = |problem: String| StoreError::Disk { path: at(), problem };
        replaceable(&path).map_err(|_| StoreError::Foreign { path: at(), found: "this is no file".to_owned() })?;
        let connection = Self::prepare(&path).map_err(|e| disk(e.to_string()))?;
        let connection = connection.ok_or_else(|| {
            let found = "this database is not the state of a sweep".to_owned();
            StoreError::Foreign { path: at(), found }
        })?;
        let store = Self { path, connection };
        let done = store.count()?;
        match store.identity()? {
            Some(was) if resume => was.same(identity, &named())?,
            Some(_) if done > 0 => return Err(StoreError::Unfinished { folder: named(), done }),
            _ => store.name(identity)?,
        }
        Ok(store)
    }

    /// The database with its tables; `None` where it has others.
    fn prepare(path: &Path) -> rusqlite::Result<Option<Connection>> {
        let connection = Connection::open(path)?;
        let foreign = "SELECT count(*) FROM sqlite_master WHERE tbl_name NOT IN ('identity', 'sets')";
        if connection.query_row(foreign, [], |row| row.get::<_, i64>(0))? > 0 {
            return Ok(None);
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Some(connection))
    }

    fn disk(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Disk { path: self.path.display().to_string(), problem: error.to_string() }
    }

    fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let get = |what: &str| {
            self.connection.query_row("SELECT value FROM identity WHERE what = ?1", [what], |row| row.get(0))
        };
        let read = || {
            Ok(Identity {
                dataset: get("dataset")?,
                strategy: get("strategy")?,
                grid: get("grid")?,
                engine: get("engine")?,
            })
        };
        match read() {
            Ok(identity) => Ok(Some(identity)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(self.disk(&error)),
        }
    }

    fn name(&self, identity: &Identity) -> Result<(), StoreError> {
        let write = || -> rusqlite::Result<()> {
            self.connection.execute("DELETE FROM identity", [])?;
            for (what, value) in identity.parts() {
                self.connection.execute("INSERT INTO identity VALUES (?1, ?2)", [what, value])?;
            }
            Ok(())
        };
        write().map_err(|e| self.disk(&e))
    }

    /// Sets that are done, over all rounds.
    fn count(&self) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT count(*) FROM sets", [], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|e| self.disk(&e))
    }

    /// Sets of round `rung` that are done.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn done(&self, rung: u32) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT coalesce(max(place) + 1, 0) FROM sets WHERE rung = ?1", [rung], |row| {
                row.get::<_, i64>(0)
            })
            .map(i64::unsigned_abs)
            .map_err(|e| self.disk(&e))
    }

    /// Adds rows of one round, the first of them at `place`, in one transaction.
    ///
    /// # Errors
    /// The disk refuses; then none of the rows is there.
    pub fn append(&mut self, place: u64, rows: &[Row]) -> Result<(), StoreError> {
        Self::insert(&mut self.connection, place, rows).map_err(|e| self.disk(&e))
    }

    fn insert(connection: &mut Connection, place: u64, rows: &[Row]) -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(&format!(
                "INSERT INTO sets (place, {COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
            ))?;
            for (place, row) in (place..).zip(rows) {
                let s = row.statistics.as_ref();
                insert.execute(params![
                    place as i64,
                    row.index as i64,
                    row.rung,
                    row.failure,
                    s.map(|s| s.final_equity),
                    s.map(|s| s.total_return),
                    s.and_then(|s| s.sharpe_per_period),
                    s.map(|s| s.max_drawdown),
                    s.and_then(|s| s.profit_factor),
                    s.map(|s| s.fills as i64),
                    s.map(|s| s.round_trips as i64),
                    s.map(|s| s.winners as i64),
                    s.map(|s| s.turnover),
                    s.map(|s| s.fees),
                    s.map(|s| s.exposure),
                    s.and_then(|s| s.skew),
                    s.and_then(|s| s.kurtosis),
                    s.map(|s| s.returns as i64),
                ])?;
            }
        }
        transaction.commit()
    }

    /// The best `keep` sets of round `rung` by Sharpe ratio, the first of equals, in index order.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn best(&self, rung: u32, keep: u64) -> Result<Vec<u64>, StoreError> {
        let read = || -> rusqlite::Result<Vec<u64>> {
            let mut query = self.connection.prepare(
                "SELECT set_index FROM sets WHERE rung = ?1 AND failure IS NULL AND sharpe IS NOT NULL
                 ORDER BY sharpe DESC, set_index LIMIT ?2",
            )?;
            let rows = query.query_map(params![rung, keep as i64], |row| row.get::<_, i64>(0))?;
            rows.map(|index| index.map(i64::unsigned_abs)).collect()
        };
        let mut best = read().map_err(|e| self.disk(&e))?;
        best.sort_unstable();
        Ok(best)
    }

    /// Calls `f` with every set after its last round, in index order.
    ///
    /// # Errors
    /// The state cannot be read, or `f` fails.
    pub fn for_each<E: From<StoreError>>(&self, mut f: impl FnMut(Row) -> Result<(), E>) -> Result<(), E> {
        let disk = |e: &rusqlite::Error| E::from(self.disk(e));
        let rungs: i64 = self
            .connection
            .query_row("SELECT coalesce(max(rung), 0) FROM sets", [], |row| row.get(0))
            .map_err(|e| disk(&e))?;
        // One round is in index order by its key; with several the last of each set has to be found.
        let text = if rungs == 0 {
            format!("SELECT {COLUMNS} FROM sets ORDER BY place")
        } else {
            format!("SELECT {COLUMNS}, max(rung) FROM sets GROUP BY set_index ORDER BY set_index")
        };
        let mut query = self.connection.prepare(&text).map_err(|e| disk(&e))?;
        let mut rows = query.query([]).map_err(|e| disk(&e))?;
        while let Some(row) = rows.next().map_err(|e| disk(&e))? {
            f(read_row(row).map_err(|e| disk(&e))?)?;
        }
        Ok(())
    }

    /// Removes the state: the results are in place.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn remove(self) -> Result<(), StoreError> {
        let path = self.path.clone();
        // Closing moves the write-ahead log into the file and removes it.
        self.connection
            .close()
            .map_err(|(_, e)| StoreError::Disk { path: path.display().to_string(), problem: e.to_string() })?;
        std::fs::remove_file(&path)
            .map_err(|e| StoreError::Disk { path: path.display().to_string(), problem: e.to_string() })
    }
}

fn read_row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let count = |i: usize| row.get::<_, i64>(i).map(i64::unsigned_abs);
    let statistics = match row.get::<_, Option<f64>>(3)? {
        None => None,
        Some(final_equity) => Some(Statistics {
            final_equity,
            total_return: row.get(4)?,
            sharpe_per_period: row.get(5)?,
            max_drawdown: row.get(6)?,
            profit_factor: row.get(7)?,
            fills: count(8)?,
            round_trips: count(9)?,
            winners: count(10)?,
            turnover: row.get(11)?,
            fees: row.get(12)?,
            exposure: row.get(13)?,
            skew: row.get(14)?,
            kurtosis: row.get(15)?,
            returns: count(16)?,
        }),
    };
    Ok(Row { index: count(0)?, rung: row.get(1)?, failure: row.get(2)?, statistics })
}

impl Identity {
    fn parts(&self) -> [(&'static str, &str); 4] {
        let Self { dataset, strategy, grid, engine } = self;
        [("dataset", dataset), ("strategy", strategy), ("grid", grid), ("engine", engine)]
    }

    /// The id of the run that this search is, when `asked` of it.
    #[must_use]
    pub fn run_id(&self, asked: &impl std::fmt::Debug) -> String {
        text_hash(&format!("{self:?} {asked:?}"))
    }

    /// Whether a search that is to be resumed is still the same as `self` was, in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Changed`].
    pub fn same(&self, now: &Self, folder: &str) -> Result<(), StoreError> {
        match self.parts().into_iter().zip(now.parts()).find(|(was, is)| was != is) {
            None => Ok(()),
            Some(((what, was), (_, is))) => Err(StoreError::Changed {
                folder: folder.to_owned(),
                what: match what {
                    "dataset" => "the dataset, or the window of it,",
                    "strategy" => "the strategy, its venue or the capital",
                    "grid" => "the grid",
                    _ => "the engine's version",
                },
                was: was.to_owned(),
                is: is.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let text = |s: &str| s.to_owned();
        Identity { dataset: text("d"), strategy: text("s"), grid: text("g"), engine: text("1") }
    }

    fn row(index: u64, rung: u32, sharpe: Option<f64>) -> Row {
        let statistics = Statistics {
            final_equity: 1.5,
            total_return: 0.5,
            sharpe_per_period: sharpe,
            max_drawdown: 0.1,
            profit_factor: None,
            fills: 4,
            round_trips: 2,
            winners: 1,
            turnover: 3.0,
            fees: 0.01,
            exposure: 0.25,
            skew: Some(-0.5),
            kurtosis: None,
            returns: 9,
        };
        Row { index, rung, failure: None, statistics: Some(statistics) }
    }

    fn folder(dir: &tempfile::TempDir) -> RunFolder {
        RunFolder::open(dir.path(), &["results.parquet"]).unwrap()
    }

    fn rows(store: &Store) -> Vec<Row> {
        let mut all = Vec::new();
        let read: Result<(), StoreError> = store.for_each(|row| {
            all.push(row);
            Ok(())
        });
        read.unwrap();
        all
    }

    #[test]
    fn what_is_appended_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        let failed = Row { index: 1, rung: 0, failure: Some("no".into()), statistics: None };
        let mut store = Store::open(&folder, &identity(), false).unwrap();
        store.append(0, &[row(0, 0, Some(0.01)), failed.clone()]).unwrap();
        drop(store);
        let store = Store::open(&folder, &identity(), true).unwrap();
        assert_eq!(store.done(0).unwrap(), 2);
        assert_eq!(rows(&store), [row(0, 0, Some(0.01)), failed]);
        store.remove().unwrap();
        assert_eq!(Store::open(&folder, &identity(), true).unwrap().done(0).unwrap(), 0, "it begins anew");
    }

    #[test]
    fn another_sweep_is_not_resumed_and_says_what_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        Store::open(&folder, &identity(), false).unwrap().append(0, &[row(0, 0, None)]).unwrap();
        for (changed, what) in [
            (Identity { dataset: "x".into(), ..identity() }, "dataset"),
            (Identity { strategy: "x".into(), ..identity() }, "strategy"),
            (Identity { grid: "x".into(), ..identity() }, "grid"),
            (Identity { engine: "x".into(), ..identity() }, "engine"),
        ] {
            let error = Store::open(&folder, &changed, true).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        let error = Store::open(&folder, &identity(), false).unwrap_err().to_string();
        assert!(error.contains("--resume") && error.contains("1 sets"), "{error}");
    }

    #[test]
    fn a_database_of_somebody_else_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Store::open(&folder(&dir), &identity(), false).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("not the state of a sweep"), "{error}");
        assert!(std::fs::read(&path).unwrap() == before);
    }

    #[test]
    fn the_last_round_of_a_set_is_its_row() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder(&dir), &identity(), false).unwrap();
        store.append(0, &[row(0, 0, Some(0.1)), row(1, 0, Some(0.3)), row(2, 0, Some(0.3)), row(3, 0, None)]).unwrap();
        assert_eq!(store.best(0, 2).unwrap(), [1, 2]);
        assert_eq!(store.best(0, 1).unwrap(), [1], "the first of equals");
        let idle = Row { failure: Some("no trade".into()), ..row(4, 0, Some(9.0)) };
        store.append(4, &[idle]).unwrap();
        assert_eq!(store.best(0, 2).unwrap(), [1, 2], "a failed set does not go on");
        store.append(0, &[row(1, 1, Some(0.2)), row(2, 1, Some(0.25))]).unwrap();
        let rungs: Vec<(u64, u32)> = rows(&store).iter().map(|r| (r.index, r.rung)).collect();
        assert_eq!(rungs, [(0, 0), (1, 1), (2, 1), (3, 0), (4, 0)]);
    }
}
