//! The chain that makes a ledger evidence: every change is an entry, and every entry has the hash of the one before.
//!
//! hash = BLAKE3(previous hash, number, time, kind, payload, digest), and digest = BLAKE3 of the rows that came with
//! the entry, in the order of their keys. So removing or changing a row or an entry changes all later hashes, and
//! anyone who has seen a later one in a report notices that it is gone.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::Type};
use serde::{Deserialize, Serialize};

/// What an entry records. Its fields are the payload that is hashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Event {
    /// A dataset was seen for the first time; its row has the fingerprint.
    Dataset { bars: String },
    /// Two datasets are of one market.
    Merge { datasets: [i64; 2], reason: String },
    /// A dataset is the basket of a portfolio, and another one an instrument of it.
    Instrument { portfolio: i64, dataset: i64 },
    /// Replays of one dataset.
    Trials { dataset: i64, family: String, origin: String, engine: String },
    /// What others published on a market.
    Import { dataset: i64, family: String, source: String },
    /// The effective number of independent trials, from the clusters of one search.
    Effective { dataset: i64, effective: u64 },
    /// A new idea, registered before it is tried.
    Campaign { dataset: i64, name: String, idea: String },
    /// An import that counts no longer, and why.
    Forget { entry: i64, reason: String },
    /// A verdict, with the BLAKE3 (hex) of each file of its run.
    Verdict { run: String, verdict: String, files: BTreeMap<String, String> },
    /// Trials of an earlier layout, of one dataset and family.
    Migrate { dataset: i64, family: String, layout: i64 },
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) time_ms: i64,
    pub(super) event: Event,
}

/// The end of a chain: what the next entry is linked to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct End {
    pub(super) seq: i64,
    pub(super) time_ms: i64,
    pub(super) hash: [u8; 32],
}

impl End {
    pub(super) const NOTHING: Self = Self { seq: 0, time_ms: i64::MIN, hash: [0; 32] };

    /// The last entry, or what the first one is linked to.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Self::found(connection, "SELECT seq, time_ms, hash FROM entries ORDER BY seq DESC LIMIT 1")
    }

    /// The last entry that is no verdict.
    pub(super) fn of_trials(connection: &Connection) -> rusqlite::Result<Self> {
        let last = "SELECT seq, time_ms, hash FROM entries WHERE kind <> 'verdict' ORDER BY seq DESC LIMIT 1";
        Self::found(connection, last)
    }

    fn found(connection: &Connection, select: &str) -> rusqlite::Result<Self> {
        let row = |row: &Row<'_>| Ok(Self { seq: row.get(0)?, time_ms: row.get(1)?, hash: row.get(2)? });
        let last = connection.prepare_cached(select)?.query_row([], row).optional()?;
        Ok(last.unwrap_or(Self::NOTHING))
    }

    /// The end after one more entry, by its columns as they are stored.
    pub(super) fn then(&self, time_ms: i64, payload: &str, digest: &[u8]) -> Self {
        let seq = self.seq + 1;
        let mut hasher = blake3::Hasher::new_derive_key("q50 trial ledger 2026 entry");
        hasher.update(&self.hash).update(&seq.to_le_bytes()).update(&time_ms.to_le_bytes());
        hasher.update(&(payload.len() as u64).to_le_bytes()).update(payload.as_bytes()).update(digest);
        Self { seq, time_ms, hash: hasher.finalize().into() }
    }
}

/// Appends an entry. The transaction must have begun IMMEDIATE, so that nobody else is linked to the same end.
pub(super) fn append(transaction: &Transaction<'_>, event: &Event, rows: &Rows) -> rusqlite::Result<i64> {
    let end = End::of(transaction)?;
    // A clock that was set back moves no entry before another.
    let time_ms = now_ms().max(end.time_ms);
    let payload =
        serde_json::to_string(event).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let digest = rows.digest();
    let next = end.then(time_ms, &payload, digest.as_bytes());
    transaction
        .prepare_cached("INSERT INTO entries (seq, time_ms, payload, digest, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![next.seq, time_ms, payload, digest.as_bytes(), next.hash])?;
    Ok(next.seq)
}

/// This machine's clock, epoch milliseconds.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Every entry, in order.
pub(super) fn entries(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let mut query = connection.prepare_cached("SELECT seq, time_ms, payload FROM entries ORDER BY seq")?;
    query.query_map([], entry)?.collect()
}

/// The entries of one kind, in order.
pub(super) fn entries_of(connection: &Connection, kind: &str) -> rusqlite::Result<Vec<Entry>> {
    let mut query =
        connection.prepare_cached("SELECT seq, time_ms, payload FROM entries WHERE kind = ?1 ORDER BY seq")?;
    query.query_map([kind], entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let payload: String = row.get(2)?;
    let event = serde_json::from_str(&payload)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, error.into()))?;
    Ok(Entry { seq: row.get(0)?, time_ms: row.get(1)?, event })
}

/// The rows of an entry on their way to a digest.
#[derive(Debug)]
pub(super) struct Rows(blake3::Hasher);

impl Rows {
    pub(super) fn new() -> Self {
        Self(blake3::Hasher::new_derive_key("q50 trial ledger 2026 rows"))
    }

    /// Adds a row: its table's letter and its fields, of which each knows its own length.
    pub(super) fn add(&mut self, table: u8, fields: &[Field<'_>]) {
        let mut bytes = Vec::with_capacity(96);
        bytes.push(table);
        for field in fields {
            match field {
                Field::Integer(value) => bytes.extend(value.to_le_bytes()),
                Field::Real(value) => {
                    bytes.push(u8::from(value.is_some()));
                    bytes.extend(value.unwrap_or(0.0).to_bits().to_le_bytes());
                }
                Field::Bytes(value) => {
                    bytes.extend((value.len() as u64).to_le_bytes());
                    bytes.extend(*value);
                }
            }
        }
        self.0.update(&bytes);
    }

    pub(super) fn digest(&self) -> blake3::Hash {
        self.0.finalize()
    }
}

/// A field of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    Integer(i64),
    Real(Option<f64>),
    Bytes(&'a [u8]),
}
