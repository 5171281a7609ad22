//! Whether a ledger is unaltered: every hash is recomputed, starting from the rows.

use std::collections::BTreeMap;

use q50_datasets::time::rfc3339;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::{
    LedgerError, TrialLedger,
    chain::{End, Rows},
    schema::{DatasetColumns, PublishedColumns, TrialColumns},
};

/// The state of a ledger's chain, which reports carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Hash of the last entry, hex; zeros where there is none.
    pub head: String,
    /// Number of entries.
    pub entries: u64,
    /// Time of the first entry, RFC 3339; null where there is none.
    pub since: Option<String>,
}

/// What a check of a ledger found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Soundness {
    /// The state of the chain, as it is stored.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Trials on record.
    pub trials: u64,
    /// The first entry that is not what it was; null where all are.
    pub broken: Option<Broken>,
    /// Whether the head that was asked for is an entry's; null where none was.
    pub has_head: Option<bool>,
}

/// An entry that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its number.
    pub entry: i64,
    /// What is wrong.
    pub problem: String,
}

impl Soundness {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.broken.is_none() && self.has_head != Some(false)
    }
}

impl TrialLedger {
    /// Recomputes the chain, and looks in it for `head`, a hash (hex) that an earlier report has, or its first digits.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn check(&self, head: Option<&str>) -> Result<Soundness, LedgerError> {
        self.read(|ledger| {
            let (broken, has_head) = walk(ledger, head)?;
            let trials: i64 = ledger.query_row("SELECT count(*) FROM trials", [], |row| row.get(0))?;
            Ok(Soundness { stamp: stamp(ledger, End::of(ledger)?)?, trials: trials.unsigned_abs(), broken, has_head })
        })
    }

    /// The state of the chain.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn stamp(&self) -> Result<Stamp, LedgerError> {
        self.read(|ledger| stamp(ledger, End::of(ledger)?))
    }

    /// The same up to the last entry that is no verdict, for a report: a verdict changes nothing that is counted, and the
    /// same run made again says the same.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn stamp_of_trials(&self) -> Result<Stamp, LedgerError> {
        self.read(|ledger| stamp(ledger, End::of_trials(ledger)?))
    }
}

fn stamp(connection: &Connection, end: End) -> rusqlite::Result<Stamp> {
    let first = "SELECT time_ms FROM entries WHERE seq = 1";
    let since: Option<i64> = connection.query_row(first, [], |row| row.get(0)).optional()?;
    let head = blake3::Hash::from_bytes(end.hash).to_hex().to_string();
    Ok(Stamp { head, entries: end.seq.unsigned_abs(), since: since.map(rfc3339) })
}

fn walk(connection: &Connection, head: Option<&str>) -> rusqlite::Result<(Option<Broken>, Option<bool>)> {
    let head = head.map(str::to_ascii_lowercase);
    let mut has_head = head.as_ref().map(|_| false);
    let mut rows = digests(connection)?;
    let (mut end, mut broken) = (End::NOTHING, None);
    let mut query = connection.prepare("SELECT seq, time_ms, payload, digest, hash FROM entries ORDER BY seq")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let (seq, time_ms, payload): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (digest, hash): ([u8; 32], [u8; 32]) = (row.get(3)?, row.get(4)?);
        let mut fault = |problem: String| {
            broken.get_or_insert(Broken { entry: seq, problem });
        };
        if seq != end.seq + 1 {
            fault(format!("the entry before it is {}: one or more are missing", end.seq));
        }
        if time_ms < end.time_ms {
            fault(format!("its time, {}, is before that of the entry before", rfc3339(time_ms)));
        }
        // Rows of entries that are not there stand before the first that is.
        while let Some(entry) = rows.first_entry().filter(|entry| *entry.key() < seq) {
            let (entry, _) = entry.remove_entry();
            fault(format!("rows belong to entry {entry}, which is not there"));
        }
        let own = rows.remove(&seq).unwrap_or_else(Rows::new).digest();
        if own.as_bytes() != &digest {
            fault("its rows are not those that were filed: some were changed, added or taken out".to_owned());
        }
        let before = End { seq: seq - 1, ..end };
        if before.then(time_ms, &payload, &digest).hash != hash {
            fault("its hash does not follow from the entry before and what it says".to_owned());
        }
        let hex = blake3::Hash::from_bytes(hash).to_hex();
        if head.as_ref().is_some_and(|head| hex.starts_with(head.as_str())) {
            has_head = Some(true);
        }
        end = End { seq, time_ms, hash };
    }
    if let Some(entry) = rows.into_keys().next().filter(|_| broken.is_none()) {
        broken = Some(Broken { entry, problem: "rows belong to it, and it is not there".to_owned() });
    }
    Ok((broken, has_head))
}

/// The rows of every entry, in the order of their keys, table by table.
fn digests(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Rows>> {
    let mut digests = BTreeMap::new();
    each(connection, "SELECT entry, id, bars, grid_ms, first_cell, cells FROM datasets ORDER BY entry, id", |row| {
        let (bars, cells): (String, Option<Vec<u8>>) = (row.get(2)?, row.get(5)?);
        let columns = DatasetColumns {
            id: row.get(1)?,
            bars: &bars,
            grid_ms: row.get(3)?,
            first_cell: row.get(4)?,
            cells: cells.as_deref(),
        };
        columns.add_to(digests.entry(row.get(0)?).or_insert_with(Rows::new));
        Ok(())
    })?;
    each(connection, "SELECT entry, key, dataset, name, sharpe, returns FROM published ORDER BY entry, key", |row| {
        let (key, name): (Vec<u8>, String) = (row.get(1)?, row.get(3)?);
        let columns = PublishedColumns {
            key: &key,
            dataset: row.get(2)?,
            name: &name,
            sharpe: row.get(4)?,
            returns: row.get(5)?,
        };
        columns.add_to(digests.entry(row.get(0)?).or_insert_with(Rows::new));
        Ok(())
    })?;
    let trials = "SELECT entry, dataset, hypothesis, assumptions, role, sharpe, returns, skew, kurtosis FROM trials
                  ORDER BY entry, dataset, hypothesis, assumptions, role";
    each(connection, trials, |row| {
        let hypothesis: Vec<u8> = row.get(2)?;
        let columns = TrialColumns {
            dataset: row.get(1)?,
            hypothesis: &hypothesis,
            assumptions: row.get(3)?,
            role: row.get(4)?,
            sharpe: row.get(5)?,
            returns: row.get(6)?,
            skew: row.get(7)?,
            kurtosis: row.get(8)?,
        };
        columns.add_to(digests.entry(row.get(0)?).or_insert_with(Rows::new));
        Ok(())
    })?;
    Ok(digests)
}

fn each(
    connection: &Connection,
    sql: &str,
    mut f: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        f(row)?;
    }
    Ok(())
}
