//! The state of a search on disk: what each candidate showed, in one SQLite file that survives the process at any moment.
//!
//! A search is a function of its seeds and of what candidates showed, so that this is all that has to be kept: resumed, it
//! is bred again from the beginning, and what is known is not replayed.

use std::path::PathBuf;

use q50_datasets::{run_folder::RunFolder, staged::replaceable};
use rusqlite::{Connection, params};

use super::{Candidate, DiscoveryError, Measured};

const FILE: &str = "discovery.sqlite";

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS identity (identity TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS candidates (
    search INTEGER NOT NULL, place INTEGER NOT NULL, genome TEXT NOT NULL, measured TEXT NOT NULL,
    PRIMARY KEY (search, place)
) STRICT, WITHOUT ROWID;
";

/// The state of a search.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    connection: Connection,
}

impl State {
    /// Whether `folder` holds the state of a search that has not ended.
    #[must_use]
    pub fn is_there(folder: &RunFolder) -> bool {
        folder.file(FILE).exists()
    }

    /// Opens the state in `folder`: a new one, or with `resume` the one that is there, if there is one. `identity` says
    /// everything that decides what the search does.
    ///
    /// # Errors
    /// The folder holds a state that was not asked for or of another search, or cannot be written.
    pub fn open(folder: &RunFolder, identity: &str, resume: bool) -> Result<Self, DiscoveryError> {
        let path = folder.file(FILE);
        let refused =
            |problem: &str| DiscoveryError::State { path: path.display().to_string(), problem: problem.into() };
        replaceable(&path).map_err(|_| refused("this is no file; nothing was changed"))?;
        let disk = |error: rusqlite::Error| DiscoveryError::State {
            path: path.display().to_string(),
            problem: error.to_string(),
        };
        let connection = Connection::open(&path).map_err(disk)?;
        let foreign = "SELECT count(*) FROM sqlite_master WHERE tbl_name NOT IN ('identity', 'candidates')";
        if connection.query_row(foreign, [], |row| row.get::<_, i64>(0)).map_err(disk)? > 0 {
            return Err(refused("this database is not the state of a search; nothing was changed: move it away"));
        }
        connection.pragma_update(None, "journal_mode", "WAL").map_err(disk)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(disk)?;
        connection.execute_batch(SCHEMA).map_err(disk)?;
        let was: Option<String> =
            connection.query_row("SELECT max(identity) FROM identity", [], |row| row.get(0)).map_err(disk)?;
        match was {
            Some(was) if resume && was != identity => {
                return Err(refused(
                    "the search that was interrupted here is of other data, settings or another version of q50; give those, \
                     or another folder with --out",
                ));
            }
            Some(_) if !resume => {
                return Err(refused(
                    "a search was interrupted here; go on with --resume, or give another folder with --out",
                ));
            }
            Some(_) => {}
            None => _ = connection.execute("INSERT INTO identity VALUES (?1)", [identity]).map_err(disk)?,
        }
        Ok(Self { path, connection })
    }

    /// The state of a search that nobody resumes.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory() -> Result<Self, DiscoveryError> {
        let path = PathBuf::from("(memory)");
        let made = Connection::open_in_memory().and_then(|connection| {
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        });
        match made {
            Ok(connection) => Ok(Self { path, connection }),
            Err(error) => Err(DiscoveryError::State { path: "(memory)".to_owned(), problem: error.to_string() }),
        }
    }

    fn disk(&self, error: &rusqlite::Error) -> DiscoveryError {
        DiscoveryError::State { path: self.path.display().to_string(), problem: error.to_string() }
    }

    /// What the candidate at `place` of `search` showed, if it is known; `genome` (JSON) is what it must be.
    pub(super) fn known(&self, search: u32, place: usize, genome: &str) -> Result<Option<Measured>, DiscoveryError> {
        let row = self.connection.query_row(
            "SELECT genome, measured FROM candidates WHERE search = ?1 AND place = ?2",
            params![search, place as i64],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
        );
        let other = |problem: String| DiscoveryError::State { path: self.path.display().to_string(), problem };
        match row {
            Ok((known, _)) if known != genome => Err(self.changed(search, place)),
            Ok((_, measured)) => serde_json::from_str(&measured).map(Some).map_err(|error| other(error.to_string())),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(self.disk(&error)),
        }
    }

    /// What is known of a candidate is not so.
    pub(super) fn changed(&self, search: u32, place: usize) -> DiscoveryError {
        let problem = format!("candidate {place} of search {search} is another one: the file was changed");
        DiscoveryError::State { path: self.path.display().to_string(), problem }
    }

    /// Keeps candidates of `search`, the first of them at `place`, all of them or none.
    pub(super) fn append(&mut self, search: u32, place: usize, candidates: &[Candidate]) -> Result<(), DiscoveryError> {
        let mut insert = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            for (place, candidate) in (place as i64..).zip(candidates) {
                let measured = serde_json::to_string(&candidate.measured)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                transaction.execute(
                    "INSERT INTO candidates VALUES (?1, ?2, ?3, ?4)",
                    params![search, place, candidate.genome.json(), measured],
                )?;
            }
            transaction.commit()
        };
        insert().map_err(|error| self.disk(&error))
    }

    /// Removes the file, once the results are in place.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(self) -> Result<(), DiscoveryError> {
        let Self { path, connection } = self;
        let problem = |problem: String| DiscoveryError::State { path: path.display().to_string(), problem };
        connection.close().map_err(|(_, error)| problem(error.to_string()))?;
        std::fs::remove_file(&path).map_err(|error| problem(error.to_string()))
    }
}
