//! The ledger's file: SQLite in write-ahead mode, in which a crash leaves whole transactions and nothing else.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use q50_engine::units::PerPeriodSharpe;

use super::{Role, Scope, ScopeSummary, Trial, TrialRow, Tried};

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

/// Datasets and families are named once; a trial costs some sixty bytes, because a sweep files millions.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS scopes (
    id        INTEGER PRIMARY KEY,
    dataset   TEXT NOT NULL,
    family    TEXT NOT NULL,
    effective INTEGER,
    UNIQUE (dataset, family)
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    scope    INTEGER NOT NULL REFERENCES scopes (id),
    settings BLOB NOT NULL CHECK (length(settings) = 16),
    role     TEXT NOT NULL CHECK (role IN ('candidate', 'probe')),
    origin   TEXT NOT NULL,
    sharpe   REAL,
    returns  INTEGER NOT NULL,
    skew     REAL,
    kurtosis REAL,
    engine   TEXT NOT NULL,
    PRIMARY KEY (scope, settings)
) STRICT, WITHOUT ROWID;
";

/// Trials of the first schema, which had a row of text for each.
const MIGRATION: &str = "
INSERT OR IGNORE INTO scopes (dataset, family) SELECT DISTINCT dataset, family FROM trials;
INSERT OR IGNORE INTO runs
    SELECT s.id, unhex(substr(t.settings, 1, 32)), t.role, 'verify', t.sharpe, t.returns, t.skew, t.kurtosis, t.engine
    FROM trials t JOIN scopes s ON s.dataset = t.dataset AND s.family = t.family;
DROP TABLE trials;
";

/// Bytes of a settings hash that are kept.
const KEY: usize = 16;

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
        let first_schema = connection.table_exists(None, "trials")?;
        if first_schema {
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {MIGRATION} COMMIT;"))?;
        }
        Ok(connection)
    }

    fn named(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError { path: self.path.clone(), source }
    }

    /// Writes trials of `scope` in one transaction. A probe that is run again as a candidate becomes one; never the
    /// reverse.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of the trials is.
    pub fn record(&mut self, scope: Scope<'_>, trials: &[Trial]) -> Result<(), LedgerError> {
        self.insert(scope, trials).map_err(|source| self.named(source))
    }

    fn insert(&mut self, scope: Scope<'_>, trials: &[Trial]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let id = scope_id(&transaction, scope)?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO runs (scope, settings, role, origin, sharpe, returns, skew, kurtosis, engine)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (scope, settings) DO UPDATE SET
                     role = CASE WHEN role = 'candidate' THEN role ELSE excluded.role END,
                     sharpe = excluded.sharpe, returns = excluded.returns, skew = excluded.skew,
                     kurtosis = excluded.kurtosis, engine = excluded.engine",
            )?;
            for trial in trials {
                insert.execute(params![
                    id,
                    &trial.settings.as_bytes()[..KEY],
                    trial.role.name(),
                    trial.origin.name(),
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

    /// Notes the effective number of independent trials that a clustering of the scope's return series found.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_effective(&mut self, scope: Scope<'_>, effective: u64) -> Result<(), LedgerError> {
        let note = |connection: &Connection| {
            let id = scope_id(connection, scope)?;
            let effective = i64::try_from(effective).unwrap_or(i64::MAX);
            connection.execute("UPDATE scopes SET effective = ?2 WHERE id = ?1", params![id, effective])
        };
        note(&self.connection).map(|_| ()).map_err(|source| self.named(source))
    }

    /// What the ledger holds on `scope`; a scope that it has never seen is empty.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn summary(&self, scope: Scope<'_>) -> Result<ScopeSummary, LedgerError> {
        let of = |row: &ScopeSummary| row.dataset == scope.dataset && row.family == scope.family;
        Ok(self.summaries()?.into_iter().find(of).unwrap_or_else(|| ScopeSummary {
            dataset: scope.dataset.to_owned(),
            family: scope.family.to_owned(),
            candidates: 0,
            published: 0,
            probes: 0,
            with_sharpe: 0,
            best_sharpe: None,
            variance: None,
            effective: None,
        }))
    }

    /// What a candidate with so many returns is deflated for.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tried(&self, scope: Scope<'_>, returns: usize) -> Result<Tried, LedgerError> {
        let trials = self.summary(scope)?.candidates;
        let variance = self.variance(scope, returns).map_err(|source| self.named(source))?;
        Ok(Tried { trials, variance })
    }

    fn variance(&self, scope: Scope<'_>, returns: usize) -> rusqlite::Result<Option<f64>> {
        let mut query = self.connection.prepare_cached(
            "WITH ratios AS (
                 SELECT r.sharpe FROM runs r JOIN scopes s ON s.id = r.scope
                 WHERE s.dataset = ?1 AND s.family = ?2 AND r.role = 'candidate'
                       AND (r.returns = ?3 OR r.origin = 'published') AND r.sharpe IS NOT NULL)
             SELECT count(*), sum((sharpe - mean) * (sharpe - mean))
             FROM ratios, (SELECT avg(sharpe) AS mean FROM ratios)",
        )?;
        let returns = i64::try_from(returns).unwrap_or(i64::MAX);
        query.query_row(params![scope.dataset, scope.family, returns], |row| {
            let (count, squares): (i64, Option<f64>) = (row.get(0)?, row.get(1)?);
            Ok(squares.filter(|_| count >= 2).map(|squares| squares / (count - 1) as f64))
        })
    }

    /// What the ledger holds, by dataset and family.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn summaries(&self) -> Result<Vec<ScopeSummary>, LedgerError> {
        self.query_summaries().map_err(|source| self.named(source))
    }

    fn query_summaries(&self) -> rusqlite::Result<Vec<ScopeSummary>> {
        // The variance is taken about the mean, in a second look at the rows, so that no digits cancel.
        let mut query = self.connection.prepare(
            "SELECT s.dataset, s.family, s.effective,
                    count(*) FILTER (WHERE r.role = 'candidate'),
                    count(*) FILTER (WHERE r.role = 'candidate' AND r.origin = 'published'),
                    count(*) FILTER (WHERE r.role = 'probe'),
                    count(r.sharpe) FILTER (WHERE r.role = 'candidate'),
                    max(r.sharpe) FILTER (WHERE r.role = 'candidate'),
                    sum((r.sharpe - m.mean) * (r.sharpe - m.mean)) FILTER (WHERE r.role = 'candidate')
             FROM scopes s JOIN runs r ON r.scope = s.id
             JOIN (SELECT scope, avg(sharpe) FILTER (WHERE role = 'candidate') AS mean FROM runs GROUP BY scope) m
                  ON m.scope = s.id
             GROUP BY s.id ORDER BY s.dataset, s.family",
        )?;
        let rows = query.query_map([], |row| {
            let count = |i: usize| row.get::<_, i64>(i).map(i64::unsigned_abs);
            let with_sharpe = count(6)?;
            let squares: Option<f64> = row.get(8)?;
            Ok(ScopeSummary {
                dataset: row.get(0)?,
                family: row.get(1)?,
                effective: row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs),
                candidates: count(3)?,
                published: count(4)?,
                probes: count(5)?,
                with_sharpe,
                best_sharpe: row.get(7)?,
                variance: squares.filter(|_| with_sharpe >= 2).map(|s| s / (with_sharpe - 1) as f64),
            })
        })?;
        rows.collect()
    }

    /// Calls `f` with every trial, ordered by dataset, family and settings.
    ///
    /// # Errors
    /// The ledger cannot be read, or `f` fails.
    pub fn for_each<E: From<LedgerError>>(&self, mut f: impl FnMut(TrialRow) -> Result<(), E>) -> Result<(), E> {
        let named = |source| E::from(self.named(source));
        let mut query = self
            .connection
            .prepare(
                "SELECT s.dataset, s.family, lower(hex(r.settings)), r.role, r.origin, r.sharpe, r.returns, r.skew,
                        r.kurtosis
                 FROM runs r JOIN scopes s ON s.id = r.scope ORDER BY s.dataset, s.family, r.settings",
            )
            .map_err(named)?;
        let mut rows = query.query([]).map_err(named)?;
        while let Some(row) = rows.next().map_err(named)? {
            let read = || -> rusqlite::Result<TrialRow> {
                Ok(TrialRow {
                    dataset: row.get(0)?,
                    family: row.get(1)?,
                    settings: row.get(2)?,
                    role: row.get(3)?,
                    origin: row.get(4)?,
                    sharpe: row.get(5)?,
                    returns: row.get(6)?,
                    skew: row.get(7)?,
                    kurtosis: row.get(8)?,
                })
            };
            f(read().map_err(named)?)?;
        }
        Ok(())
    }

    /// The role and Sharpe ratio of one trial, if it was made.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find(&self, scope: Scope<'_>, settings: &blake3::Hash) -> Result<Option<(Role, Option<f64>)>, LedgerError> {
        self.connection
            .query_row(
                "SELECT r.role, r.sharpe FROM runs r JOIN scopes s ON s.id = r.scope
                 WHERE s.dataset = ?1 AND s.family = ?2 AND r.settings = ?3",
                params![scope.dataset, scope.family, &settings.as_bytes()[..KEY]],
                |row| {
                    let role: String = row.get(0)?;
                    Ok((if role == "candidate" { Role::Candidate } else { Role::Probe }, row.get(1)?))
                },
            )
            .optional()
            .map_err(|source| self.named(source))
    }
}

fn scope_id(connection: &Connection, scope: Scope<'_>) -> rusqlite::Result<i64> {
    let key = params![scope.dataset, scope.family];
    connection.execute("INSERT OR IGNORE INTO scopes (dataset, family) VALUES (?1, ?2)", key)?;
    connection.query_row("SELECT id FROM scopes WHERE dataset = ?1 AND family = ?2", key, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::{super::Origin, *};
    use crate::inference::SharpeEstimate;

    const SCOPE: Scope<'_> = Scope { dataset: "d", family: "q50" };

    fn trial(settings: &str, role: Role) -> Trial {
        Trial {
            settings: blake3::hash(settings.as_bytes()),
            role,
            origin: Origin::Verify,
            sharpe: Some(PerPeriodSharpe::new(0.01)),
            returns: 100,
            skew: None,
            kurtosis: None,
        }
    }

    fn with_sharpe(settings: &str, sharpe: Option<f64>) -> Trial {
        Trial { sharpe: sharpe.map(PerPeriodSharpe::new), ..trial(settings, Role::Candidate) }
    }

    #[test]
    fn a_candidate_is_deflated_for_all_trials_at_the_variance_of_those_as_long() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        let scope = Scope { dataset: "data", family: "q50" };
        let trial = |key: &str, sharpe: f64, returns| Trial {
            settings: blake3::hash(key.as_bytes()),
            role: Role::Candidate,
            origin: Origin::Overfit,
            sharpe: Some(PerPeriodSharpe::new(sharpe)),
            returns,
            skew: None,
            kurtosis: None,
        };
        let probe = Trial { role: Role::Probe, ..trial("probe", 9.0, 100) };
        let all = [trial("a", 0.1, 100), trial("b", 0.5, 100), trial("c", 3.0, 10), trial("d", -3.0, 10), probe];
        ledger.record(scope, &all).unwrap();
        let tried = ledger.tried(scope, 100).unwrap();
        assert_eq!(tried.trials, 4);
        assert!((tried.variance.unwrap() - 0.08).abs() < 1e-12, "{tried:?}");
        let published = Trial { origin: Origin::Published, ..trial("e", 0.3, 0) };
        ledger.record(Scope { dataset: "other", ..scope }, &[all[0], all[1], all[2], published]).unwrap();
        let other = ledger.tried(Scope { dataset: "other", ..scope }, 100).unwrap();
        assert!((other.variance.unwrap() - 0.04).abs() < 1e-12 && other.trials == 4, "{other:?}");
        let none = ledger.tried(scope, 7).unwrap();
        assert_eq!((none.trials, none.variance), (4, None));
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.5), 100);
        let deflated = tried.deflate(&estimate).unwrap();
        assert!((deflated.variance.value() - 0.08).abs() < 1e-12 && deflated.trials == 4);
        assert!(none.deflate(&estimate).unwrap().probability > deflated.probability);
    }

    #[test]
    fn the_same_trial_counts_once_and_probes_do_not_count() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        let trials = [trial("a", Role::Candidate), trial("b", Role::Candidate), trial("c", Role::Probe)];
        ledger.record(SCOPE, &trials).unwrap();
        ledger.record(SCOPE, &trials[..1]).unwrap();
        let summary = ledger.summary(SCOPE).unwrap();
        assert_eq!((summary.candidates, summary.probes), (2, 1));
        assert_eq!(ledger.summary(Scope { dataset: "other", ..SCOPE }).unwrap().candidates, 0);
    }

    #[test]
    fn a_candidate_cannot_be_hidden_as_a_probe() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        for role in [Role::Probe, Role::Candidate, Role::Probe] {
            ledger.record(SCOPE, &[trial("a", role)]).unwrap();
        }
        let found = ledger.find(SCOPE, &blake3::hash(b"a")).unwrap();
        assert_eq!(found, Some((Role::Candidate, Some(0.01))));
    }

    #[test]
    fn the_variance_is_that_of_the_candidates_with_a_sharpe_ratio() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        let probe = Trial { sharpe: Some(PerPeriodSharpe::new(9.0)), ..trial("p", Role::Probe) };
        let trials = [with_sharpe("a", Some(0.1)), with_sharpe("b", Some(0.3)), with_sharpe("c", None), probe];
        ledger.record(SCOPE, &trials).unwrap();
        let summary = ledger.summary(SCOPE).unwrap();
        assert_eq!((summary.candidates, summary.with_sharpe, summary.best_sharpe), (3, 2, Some(0.3)));
        assert!((summary.variance.unwrap() - 0.02).abs() < 1e-15);
        ledger.note_effective(SCOPE, 2).unwrap();
        assert_eq!(ledger.summary(SCOPE).unwrap().effective, Some(2));
    }

    #[test]
    fn trials_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.sqlite");
        TrialLedger::open(&path).unwrap().record(SCOPE, &[trial("a", Role::Candidate)]).unwrap();
        assert_eq!(TrialLedger::open(&path).unwrap().summary(SCOPE).unwrap().candidates, 1);
    }

    #[test]
    fn a_ledger_of_the_first_schema_keeps_its_trials() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trials.sqlite");
        let settings = blake3::hash(b"a");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(&format!(
            "CREATE TABLE trials (dataset TEXT, family TEXT, settings TEXT, role TEXT, sharpe REAL, returns INTEGER,
                                  skew REAL, kurtosis REAL, engine TEXT);
             INSERT INTO trials VALUES ('d', 'q50', '{}', 'candidate', 0.02, 10, NULL, NULL, '0.1.0');",
            settings.to_hex()
        ))
        .unwrap();
        drop(old);
        for _ in 0..2 {
            let ledger = TrialLedger::open(&path).unwrap();
            assert_eq!(ledger.find(SCOPE, &settings).unwrap(), Some((Role::Candidate, Some(0.02))));
        }
    }

    #[test]
    fn an_export_has_every_trial_in_one_order() {
        let mut ledger = TrialLedger::in_memory().unwrap();
        ledger.record(SCOPE, &[trial("b", Role::Probe), trial("a", Role::Candidate)]).unwrap();
        let mut keys = Vec::new();
        let read: Result<(), LedgerError> = ledger.for_each(|row| {
            keys.push((row.role, row.settings));
            Ok(())
        });
        read.unwrap();
        assert_eq!(keys.len(), 2);
        assert!(keys[0].1 < keys[1].1 && keys[0].1.len() == 32);
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
