//! The trial ledger: one SQLite file that every replay passes through, so that a deflation knows how often was asked.
//!
//! A trial is a (dataset, strategy, settings) triple by content hash; running the same triple again is the same trial.
//! `Candidate`s are results that somebody could have picked; `Probe`s are replays that test a candidate (other costs,
//! neighbouring settings, shifted signals) and are kept but not counted.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use q50_engine::units::PerPeriodSharpe;

/// What a replay was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A test of another result: kept, not counted.
    Probe,
    /// A result that could be reported.
    Candidate,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Candidate => "candidate",
        }
    }
}

/// One replay, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Content hash of bars and signals.
    pub dataset: String,
    /// Strategy family; trials are counted by dataset and family.
    pub family: String,
    /// Hash of strategy, venue and capital.
    pub settings: String,
    /// What the replay was made for.
    pub role: Role,
    /// Per-period Sharpe ratio; `None` where undefined.
    pub sharpe: Option<PerPeriodSharpe>,
    /// Number of returns.
    pub returns: usize,
    /// Skewness of the returns; `None` where undefined.
    pub skew: Option<f64>,
    /// Kurtosis of the returns (3 for the normal distribution); `None` where undefined.
    pub kurtosis: Option<f64>,
}

/// The ledger could not be opened, read or written.
#[derive(Debug, Error)]
#[error("trial ledger {path}: {source}; give another file with --ledger")]
pub struct LedgerError {
    path: String,
    source: rusqlite::Error,
}

/// The trials of all replays ever made against one file.
#[derive(Debug)]
pub struct TrialLedger {
    path: String,
    connection: Connection,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS trials (
    dataset  TEXT NOT NULL,
    family   TEXT NOT NULL,
    settings TEXT NOT NULL,
    role     TEXT NOT NULL CHECK (role IN ('candidate', 'probe')),
    sharpe   REAL,
    returns  INTEGER NOT NULL,
    skew     REAL,
    kurtosis REAL,
    engine   TEXT NOT NULL,
    PRIMARY KEY (dataset, settings)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trials_by_family ON trials (dataset, family, role);
";

impl TrialLedger {
    /// Opens the ledger at `path`, creating it where it is missing.
    ///
    /// # Errors
    /// The file cannot be opened, or is no ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let named = path.display().to_string();
        Connection::open(path).and_then(Self::prepare).map_or_else(
            |source| Err(LedgerError { path: named.clone(), source }),
            |connection| Ok(Self { path: named.clone(), connection }),
        )
    }

    /// A ledger that is gone with the process: for calibrations on generated markets.
    ///
    /// # Errors
    /// SQLite cannot allocate.
    pub fn in_memory() -> Result<Self, LedgerError> {
        let path = String::from("(memory)");
        match Connection::open_in_memory().and_then(Self::prepare) {
            Ok(connection) => Ok(Self { path, connection }),
            Err(source) => Err(LedgerError { path, source }),
        }
    }

    fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(connection)
    }

    fn named(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError { path: self.path.clone(), source }
    }

    /// Writes trials in one transaction. A probe that is run again as a candidate becomes one; never the reverse.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of the trials is.
    pub fn record(&mut self, trials: &[Trial]) -> Result<(), LedgerError> {
        self.insert(trials).map_err(|source| self.named(source))
    }

    fn insert(&mut self, trials: &[Trial]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO trials (dataset, family, settings, role, sharpe, returns, skew, kurtosis, engine)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (dataset, settings) DO UPDATE SET
                     role = CASE WHEN role = 'candidate' THEN role ELSE excluded.role END,
                     sharpe = excluded.sharpe, returns = excluded.returns, skew = excluded.skew,
                     kurtosis = excluded.kurtosis, engine = excluded.engine",
            )?;
            for trial in trials {
                insert.execute(params![
                    trial.dataset,
                    trial.family,
                    trial.settings,
                    trial.role.name(),
                    trial.sharpe.map(PerPeriodSharpe::get),
                    i64::try_from(trial.returns).unwrap_or(i64::MAX),
                    trial.skew,
                    trial.kurtosis,
                    env!("CARGO_PKG_VERSION"),
                ])?;
            }
        }
        transaction.commit()
    }

    /// How many candidates of `family` were tried on `dataset`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn candidates(&self, dataset: &str, family: &str) -> Result<u64, LedgerError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM trials WHERE dataset = ?1 AND family = ?2 AND role = 'candidate'",
                params![dataset, family],
                |row| row.get::<_, i64>(0),
            )
            .map(i64::unsigned_abs)
            .map_err(|source| self.named(source))
    }

    /// The role and Sharpe ratio of one trial, if it was made.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find(&self, dataset: &str, settings: &str) -> Result<Option<(Role, Option<f64>)>, LedgerError> {
        self.connection
            .query_row(
                "SELECT role, sharpe FROM trials WHERE dataset = ?1 AND settings = ?2",
                params![dataset, settings],
                |row| {
                    let role: String = row.get(0)?;
                    Ok((if role == "candidate" { Role::Candidate } else { Role::Probe }, row.get(1)?))
                },
            )
            .optional()
            .map_err(|source| self.named(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(settings: &str, role: Role) -> Trial {
        Trial {
            dataset: "d".into(),
            family: "q50".into(),
            settings: settings.into(),
            role,
            sharpe: Some(PerPeriodSharpe::new(0.01)),
            returns: 100,
            skew: None,
            kurtosis: None,
        }
    }

    #[test]
    fn the_same_trial_counts_once_and_probes_do_not_count() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        ledger.record(&[trial("a", Role::Candidate), trial("b", Role::Candidate), trial("c", Role::Probe)]).unwrap();
        ledger.record(&[trial("a", Role::Candidate)]).unwrap();
        assert_eq!(ledger.candidates("d", "q50").unwrap(), 2);
        assert_eq!(ledger.candidates("other", "q50").unwrap(), 0);
    }

    #[test]
    fn a_candidate_cannot_be_hidden_as_a_probe() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        ledger.record(&[trial("a", Role::Probe)]).unwrap();
        ledger.record(&[trial("a", Role::Candidate)]).unwrap();
        ledger.record(&[trial("a", Role::Probe)]).unwrap();
        assert_eq!(ledger.find("d", "a").unwrap(), Some((Role::Candidate, Some(0.01))));
    }

    #[test]
    fn trials_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.sqlite");
        TrialLedger::open(&path).unwrap().record(&[trial("a", Role::Candidate)]).unwrap();
        assert_eq!(TrialLedger::open(&path).unwrap().candidates("d", "q50").unwrap(), 1);
    }

    #[test]
    fn what_is_no_ledger_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        std::fs::write(&path, "this is not a database, but it is long enough to be looked at as one ...").unwrap();
        let error = TrialLedger::open(&path).unwrap_err().to_string();
        assert!(error.contains("notes.txt") && error.contains("--ledger"), "{error}");
    }
}
