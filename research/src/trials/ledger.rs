//! The ledger's file: SQLite in write-ahead mode, in which a crash leaves whole transactions and nothing else.
//!
//! Nothing in it is ever changed or removed. Every addition comes with an entry of the chain (`chain.rs`), in one
//! transaction that excludes every other writer.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thiserror::Error;

use q50_engine::units::PerPeriodSharpe;

use super::{
    Origin, Published, Record, Role, Scope, Trial, TrialRow,
    chain::{self, Entry, Event, Rows},
    markets,
    schema::{self, KEY, PublishedColumns, TrialColumns},
};

/// The ledger could not be opened, read or written.
#[derive(Debug, Error)]
#[error("trial ledger {path}: {problem}")]
pub struct LedgerError {
    path: String,
    problem: Problem,
}

/// What went wrong.
#[derive(Debug, Error)]
pub(super) enum Problem {
    #[error("{0}; give another file with --ledger")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "its layout is version {found}, and this q50 knows those up to {}; use the q50 that wrote it, or give another \
         file with --ledger",
        schema::VERSION
    )]
    Newer { found: i64 },
    #[error("a database of something else; give another file with --ledger")]
    Foreign,
    #[error(
        "its tables, indexes or triggers are not those of a ledger: somebody changed them; restore it from a copy, or give \
         another file with --ledger"
    )]
    Altered,
    #[error("{0}")]
    Refused(String),
}

/// The trials of all replays ever made against one file.
#[derive(Debug)]
pub struct TrialLedger {
    path: String,
    pub(super) connection: Connection,
    /// Rows of the datasets that this process has named, by their bars and their whole content.
    datasets: HashMap<(String, String), i64>,
    /// The campaign that trials are counted from.
    pub(super) campaign: Option<Entry>,
}

impl TrialLedger {
    /// Opens the ledger at `path`, creating it where it is missing.
    ///
    /// # Errors
    /// The file cannot be opened, is no ledger, or has a newer layout.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::prepared(path.display().to_string(), Connection::open(path))
    }

    /// A ledger that is gone with the process: for calibrations on generated markets.
    ///
    /// # Errors
    /// SQLite cannot allocate.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Self::prepared(String::from("(memory)"), Connection::open_in_memory())
    }

    fn prepared(path: String, opened: rusqlite::Result<Connection>) -> Result<Self, LedgerError> {
        match opened.map_err(Problem::from).and_then(schema::prepare) {
            Ok(connection) => Ok(Self { path, connection, datasets: HashMap::new(), campaign: None }),
            Err(problem) => Err(LedgerError { path, problem }),
        }
    }

    pub(super) fn named(&self, problem: impl Into<Problem>) -> LedgerError {
        LedgerError { path: self.path.clone(), problem: problem.into() }
    }

    pub(super) fn refused<T>(&self, problem: String) -> Result<T, LedgerError> {
        Err(self.named(Problem::Refused(problem)))
    }

    /// Reads the ledger as it is at one moment, whoever writes to it meanwhile.
    pub(super) fn read<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        self.connection.unchecked_transaction().and_then(|moment| f(&moment)).map_err(|error| self.named(error))
    }

    /// Does `f` to the ledger with every other writer kept out, all of it or nothing. `f` is given the record's row.
    fn write<T>(
        &mut self,
        record: &Record,
        f: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let key = (record.bars.clone(), record.dataset.clone());
        let known = self.datasets.get(&key).copied();
        let written = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let dataset = match known {
                Some(dataset) => dataset,
                None => markets::register(&transaction, record)?,
            };
            let done = f(&transaction, dataset)?;
            transaction.commit()?;
            Ok((dataset, done))
        })();
        match written {
            Ok((dataset, done)) => {
                self.datasets.insert(key, dataset);
                Ok(done)
            }
            Err(error) => Err(self.named(Problem::Sqlite(error))),
        }
    }

    /// Files replays in one transaction, as one entry of the chain. What the ledger has already, under the same
    /// assumptions and in the same role, is not written again: the figures of a first run stand.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of the trials is.
    pub fn record(&mut self, scope: Scope<'_>, origin: Origin, trials: &[Trial]) -> Result<(), LedgerError> {
        if trials.is_empty() {
            return Ok(());
        }
        self.write(scope.record, |transaction, dataset| {
            let seq = chain::End::of(transaction)?.seq + 1;
            let mut filed = Vec::new();
            for trial in trials {
                let hypothesis = first_of_its_result(transaction, dataset, trial)?;
                if columns(dataset, &hypothesis, trial).insert(transaction, seq)? {
                    filed.push((hypothesis, trial));
                }
            }
            // In the order of the keys that they have now, in which a check reads them again.
            filed.sort_by_key(|(hypothesis, trial)| (*hypothesis, trial.key.assumptions, trial.role));
            let mut rows = Rows::new();
            filed.iter().for_each(|(hypothesis, trial)| columns(dataset, hypothesis, trial).add_to(&mut rows));
            if !filed.is_empty() {
                let (family, origin) = (scope.family.to_owned(), origin.name().to_owned());
                let engine = env!("CARGO_PKG_VERSION").to_owned();
                chain::append(transaction, &Event::Trials { dataset, family, origin, engine }, &rows)?;
            }
            Ok(())
        })
    }

    /// Files what others published on a record's market; `source` names the file or the claim. Runs that the market has
    /// already are not filed again. The number of the entry, where there was anything new.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of the runs is.
    pub fn import(
        &mut self,
        scope: Scope<'_>,
        source: &str,
        published: &[Published],
    ) -> Result<Option<i64>, LedgerError> {
        let mut runs: Vec<([u8; KEY], &Published)> = published.iter().map(|run| (short(&run.key), run)).collect();
        runs.sort_by_key(|(key, _)| *key);
        runs.dedup_by_key(|(key, _)| *key);
        self.write(scope.record, |transaction, dataset| {
            let market = markets::of(transaction, dataset)?;
            let there = markets::published(transaction, &market, 0)?;
            runs.retain(|(key, _)| !there.iter().any(|run| run.key == *key));
            if runs.is_empty() {
                return Ok(None);
            }
            let seq = chain::End::of(transaction)?.seq + 1;
            let mut rows = Rows::new();
            for (key, run) in &runs {
                let sharpe = run.sharpe.map(|sharpe| sharpe.get() + 0.0).filter(|sharpe| sharpe.is_finite());
                let columns = PublishedColumns { key, dataset, name: &run.name, sharpe, returns: run.returns as i64 };
                columns.insert(transaction, seq)?;
                columns.add_to(&mut rows);
            }
            let event = Event::Import { dataset, family: scope.family.to_owned(), source: source.to_owned() };
            chain::append(transaction, &event, &rows).map(Some)
        })
    }

    /// Notes the effective number of independent trials that a clustering of return series on the record found.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_effective(&mut self, scope: Scope<'_>, effective: u64) -> Result<(), LedgerError> {
        self.write(scope.record, |transaction, dataset| {
            let market = markets::of(transaction, dataset)?;
            if markets::effective(transaction, &market)? != Some(effective) {
                chain::append(transaction, &Event::Effective { dataset, effective }, &Rows::new())?;
            }
            Ok(())
        })
    }

    /// Registers a new idea on the record's market, before it is tried. The number of its entry.
    ///
    /// # Errors
    /// The market has a campaign of this name, or the ledger cannot be written.
    pub fn register_campaign(&mut self, record: &Record, name: &str, idea: &str) -> Result<i64, LedgerError> {
        let seq = self.write(record, |transaction, dataset| {
            let market = markets::alike(transaction, dataset)?;
            if markets::campaign(transaction, &market, name)?.is_some() {
                return Ok(None);
            }
            let event = Event::Campaign { dataset, name: name.to_owned(), idea: idea.to_owned() };
            chain::append(transaction, &event, &Rows::new()).map(Some)
        })?;
        seq.map_or_else(
            || self.refused(format!("this market has a campaign '{name}'; give the new idea another name")),
            Ok,
        )
    }

    /// From here on counts what was filed on the record's market since the campaign was registered.
    ///
    /// # Errors
    /// The market has no such campaign, or the ledger cannot be read.
    pub fn join_campaign(&mut self, record: &Record, name: &str) -> Result<(), LedgerError> {
        let found = self.write(record, |transaction, dataset| {
            let market = markets::alike(transaction, dataset)?;
            markets::campaign(transaction, &market, name)
        })?;
        self.campaign = found;
        if self.campaign.is_none() {
            let remedy = "register it with q50 trials campaign before anything of it is tried";
            return self.refused(format!("this market has no campaign '{name}'; {remedy}"));
        }
        Ok(())
    }

    /// Lets the runs of an import count no longer. They stay on record, with the reason.
    ///
    /// # Errors
    /// The entry is no import, or forgotten already: one's own runs are never forgotten. The ledger cannot be written.
    pub fn forget(&mut self, seq: i64, reason: &str) -> Result<(), LedgerError> {
        let entries = self.read(chain::entries)?;
        match entries.iter().find(|entry| entry.seq == seq).map(|entry| &entry.event) {
            Some(Event::Import { .. }) => {}
            Some(Event::Trials { .. } | Event::Migrate { .. }) => {
                return self.refused(format!(
                    "entry {seq} is of runs of your own, and those are never forgotten; only imports are (q50 trials list)"
                ));
            }
            Some(_) => return self.refused(format!("entry {seq} is no import; q50 trials list has their numbers")),
            None => return self.refused(format!("has no entry {seq}; q50 trials list has the numbers of its imports")),
        }
        if entries.iter().any(|entry| matches!(entry.event, Event::Forget { entry, .. } if entry == seq)) {
            return self.refused(format!("entry {seq} is forgotten already"));
        }
        let event = Event::Forget { entry: seq, reason: reason.to_owned() };
        let append = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            chain::append(&transaction, &event, &Rows::new())?;
            transaction.commit()
        };
        append(&mut self.connection).map_err(|error| self.named(error))
    }

    /// Files a verdict with the BLAKE3 (hex) of each file of its run, so that whoever reads the files later knows whether
    /// they are those. The same again is not filed again.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn file_verdict(
        &mut self,
        run: &str,
        verdict: &str,
        files: &BTreeMap<String, String>,
    ) -> Result<(), LedgerError> {
        let event = Event::Verdict { run: run.to_owned(), verdict: verdict.to_owned(), files: files.clone() };
        let append = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if chain::entries_of(&transaction, "verdict")?.iter().all(|entry| entry.event != event) {
                chain::append(&transaction, &event, &Rows::new())?;
            }
            transaction.commit()
        };
        append(&mut self.connection).map_err(|error| self.named(error))
    }

    /// The files of a run, each with its BLAKE3 (hex), as they were filed with its verdicts, oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn files_of(&self, run: &str) -> Result<Vec<BTreeMap<String, String>>, LedgerError> {
        let entries = self.read(|ledger| chain::entries_of(ledger, "verdict"))?;
        let files = entries.into_iter().filter_map(|entry| match entry.event {
            Event::Verdict { run: of, files, .. } if of == run => Some(files),
            _ => None,
        });
        Ok(files.collect())
    }

    /// Refuses a ledger that is not what it was: no verdict can rest on its count.
    ///
    /// # Errors
    /// An entry is broken, or the ledger cannot be read.
    pub fn refuse_broken(&self) -> Result<(), LedgerError> {
        match self.check(None)?.broken {
            None => Ok(()),
            Some(broken) => self.refused(format!(
                "broken at entry {}: {}; restore it from a copy, or give another file with --ledger",
                broken.entry, broken.problem
            )),
        }
    }

    /// Calls `f` with every trial: own replays by dataset and hypothesis, then what others published.
    ///
    /// # Errors
    /// The ledger cannot be read, or `f` fails.
    pub fn for_each<E: From<LedgerError>>(&self, mut f: impl FnMut(TrialRow) -> Result<(), E>) -> Result<(), E> {
        let named = |error: rusqlite::Error| E::from(self.named(error));
        let moment = self.connection.unchecked_transaction().map_err(named)?;
        let batches = markets::batches(&moment).map_err(named)?;
        let of = |entry: i64| batches.get(&entry).cloned().unwrap_or_default();
        let mut query = moment
            .prepare(
                "SELECT d.bars, t.entry, lower(hex(t.hypothesis)), t.assumptions, t.role, t.sharpe, t.returns, t.skew,
                        t.kurtosis
                 FROM trials t JOIN datasets d ON d.id = t.dataset
                 ORDER BY d.bars, t.hypothesis, t.assumptions, t.role",
            )
            .map_err(named)?;
        let mut rows = query.query([]).map_err(named)?;
        while let Some(row) = rows.next().map_err(named)? {
            let read = || -> rusqlite::Result<TrialRow> {
                let entry = row.get(1)?;
                let (family, origin) = of(entry);
                let role = if row.get(4)? { Role::Candidate } else { Role::Probe };
                Ok(TrialRow {
                    dataset: row.get(0)?,
                    family,
                    hypothesis: row.get(2)?,
                    assumptions: format!("{:016x}", row.get::<_, i64>(3)?),
                    role: role.name().to_owned(),
                    origin,
                    entry,
                    sharpe: row.get(5)?,
                    returns: row.get(6)?,
                    skew: row.get(7)?,
                    kurtosis: row.get(8)?,
                })
            };
            f(read().map_err(named)?)?;
        }
        let mut query = moment
            .prepare(
                "SELECT d.bars, p.entry, lower(hex(p.key)), p.sharpe, p.returns
                 FROM published p JOIN datasets d ON d.id = p.dataset ORDER BY p.entry, p.key",
            )
            .map_err(named)?;
        let mut rows = query.query([]).map_err(named)?;
        while let Some(row) = rows.next().map_err(named)? {
            let read = || -> rusqlite::Result<TrialRow> {
                let entry = row.get(1)?;
                let (family, _) = of(entry);
                Ok(TrialRow {
                    dataset: row.get(0)?,
                    family,
                    hypothesis: row.get(2)?,
                    assumptions: String::new(),
                    role: Role::Candidate.name().to_owned(),
                    origin: Origin::PUBLISHED.to_owned(),
                    entry,
                    sharpe: row.get(3)?,
                    returns: row.get(4)?,
                    skew: None,
                    kurtosis: None,
                })
            };
            f(read().map_err(named)?)?;
        }
        Ok(())
    }

    /// The role and Sharpe ratio of a hypothesis' first run on these bars, if it was made.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find(&self, record: &Record, hypothesis: &blake3::Hash) -> Result<Option<(Role, Option<f64>)>, LedgerError> {
        self.read(|ledger| {
            ledger
                .prepare_cached(
                    "SELECT t.role, t.sharpe FROM trials t JOIN datasets d ON d.id = t.dataset
                     WHERE d.bars = ?1 AND t.hypothesis = ?2 ORDER BY t.role DESC, t.entry LIMIT 1",
                )?
                .query_row(params![record.bars, short(hypothesis)], |row| {
                    Ok((if row.get(0)? { Role::Candidate } else { Role::Probe }, row.get(1)?))
                })
                .optional()
        })
    }
}

/// The part of a hash that is kept.
pub(super) fn short(hash: &blake3::Hash) -> [u8; KEY] {
    let mut key = [0; KEY];
    key.copy_from_slice(&hash.as_bytes()[..KEY]);
    key
}

/// A trial as a row.
fn columns<'a>(dataset: i64, hypothesis: &'a [u8; KEY], trial: &Trial) -> TrialColumns<'a> {
    // A database has one zero, and no number that is none.
    let real = |value: Option<f64>| value.filter(|v| v.is_finite()).map(|v| v + 0.0);
    TrialColumns {
        dataset,
        hypothesis,
        assumptions: trial.key.assumptions,
        role: trial.role == Role::Candidate,
        sharpe: real(trial.sharpe.map(PerPeriodSharpe::get)),
        returns: trial.returns as i64,
        skew: real(trial.skew),
        kurtosis: real(trial.kurtosis),
    }
}

/// The hypothesis that a trial is filed under: its own, and one that names its result as well where the ledger has another
/// result of it. Settings and signals decide a replay of q50's strategies; somebody's own rule can have been changed.
fn first_of_its_result(transaction: &Transaction<'_>, dataset: i64, trial: &Trial) -> rusqlite::Result<[u8; KEY]> {
    /// Sums that were added up in another order differ by less.
    const ROUNDING: f64 = 1e-9;
    let own = short(&trial.key.hypothesis);
    let mut query = transaction.prepare_cached(
        "SELECT sharpe, returns FROM trials WHERE dataset = ?1 AND hypothesis = ?2 AND assumptions = ?3 AND role = ?4",
    )?;
    let role = trial.role == Role::Candidate;
    let known = query.query_row(params![dataset, own, trial.key.assumptions, role], |row| {
        Ok((row.get::<_, Option<f64>>(0)?, row.get::<_, i64>(1)?))
    });
    let Some((sharpe, returns)) = known.optional()? else { return Ok(own) };
    let now = trial.sharpe.map(PerPeriodSharpe::get).filter(|sharpe| sharpe.is_finite());
    let same = match (sharpe, now) {
        (Some(a), Some(b)) => (a - b).abs() <= ROUNDING * a.abs().max(1.0),
        (a, b) => a.is_none() && b.is_none(),
    };
    if same && returns == trial.returns as i64 {
        return Ok(own);
    }
    // Nine digits, so that it is one more hypothesis however its sums were added up.
    let result = format!("{:.9} {}", now.unwrap_or(f64::NAN), trial.returns);
    let hash = blake3::Hasher::new().update(&own).update(result.as_bytes()).finalize();
    Ok(short(&hash))
}
