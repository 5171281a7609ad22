//! The listed transactions, and what each did once it is fetched.

use super::{Store, StoreError, amount, parsed};
use rusqlite::{OptionalExtension, Row, params};
use solana_signature::Signature;

/// A place in the chain: slot, and order within it.
pub type Place = (u64, i64);

/// What a transaction did to the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Did {
    /// The chain's clock, in seconds since 1970.
    pub unix_seconds: Option<i64>,
    /// Whether PumpSwap was called.
    pub calls_amm: bool,
    /// What the base vault held before and after; none where the transaction does not name it.
    pub base: Option<[u64; 2]>,
    /// What the quote vault held before and after.
    pub quote: Option<[u64; 2]>,
    /// What PumpSwap said of the pool, in order.
    pub events: Vec<Vec<u8>>,
}

/// A transaction of the log that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its signature.
    pub signature: Signature,
    /// Where.
    pub place: Place,
    /// Whether it can no longer be taken back.
    pub is_final: bool,
    /// Whether the gap before it was looked into.
    pub is_searched: bool,
    /// What it did.
    pub did: Did,
}

impl Store {
    /// Transactions that are to be fetched, in order, at most `limit`.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn unfetched(&self, limit: usize) -> Result<Vec<Signature>, StoreError> {
        let query = "SELECT signature FROM transactions WHERE is_fetched = 0 ORDER BY slot, place LIMIT ?1";
        let mut statement = self.database.prepare_cached(query)?;
        let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get::<_, String>(0))?;
        rows.map(|text| parsed(&text?)).collect()
    }

    /// How many are listed, how many of them failed, and how many are to be fetched.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn counts(&self) -> Result<(u64, u64, u64), StoreError> {
        let query = "SELECT count(*), coalesce(sum(has_failed), 0), coalesce(sum(NOT is_fetched), 0) FROM transactions";
        let row = |row: &Row<'_>| Ok((amount(row, 0)?, amount(row, 1)?, amount(row, 2)?));
        Ok(self.database.query_row(query, [], row)?)
    }

    /// Adds what transactions did, all or none.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn put(&mut self, fetched: &[(Signature, Did)]) -> Result<(), StoreError> {
        let transaction = self.database.transaction()?;
        for (signature, did) in fetched {
            let signature = signature.to_string();
            let [base_before, base_after] = sides(did.base);
            let [quote_before, quote_after] = sides(did.quote);
            let update = "UPDATE transactions SET is_fetched = 1, calls_amm = ?2, unix_seconds = ?3, base_before = ?4,
                          base_after = ?5, quote_before = ?6, quote_after = ?7 WHERE signature = ?1";
            transaction.prepare_cached(update)?.execute(params![
                signature,
                did.calls_amm,
                did.unix_seconds,
                base_before,
                base_after,
                quote_before,
                quote_after
            ])?;
            transaction.prepare_cached("DELETE FROM events WHERE signature = ?1")?.execute([&signature])?;
            for (number, bytes) in (0_i64..).zip(&did.events) {
                let insert = "INSERT INTO events (signature, number, bytes) VALUES (?1, ?2, ?3)";
                transaction.prepare_cached(insert)?.execute(params![signature, number, bytes])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Transactions behind a place (absent: from the first one on) that did not fail, in order, up to the first that is
    /// not fetched; at most `limit`.
    ///
    /// # Errors
    /// Where the log cannot be read, or is damaged.
    pub fn behind(&self, place: Option<Place>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let first = "SELECT slot, place FROM transactions WHERE is_fetched = 0 ORDER BY slot, place LIMIT 1";
        let end: Option<(i64, i64)> =
            self.database.query_row(first, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (end_slot, end_place) = end.unwrap_or((i64::MAX, i64::MAX));
        let (slot, within) = place.map_or((-1, 0), |(slot, within)| (slot.cast_signed(), within));
        let query = "SELECT signature, slot, place, is_final, is_searched, unix_seconds, calls_amm, base_before,
                     base_after, quote_before, quote_after FROM transactions
                     WHERE NOT has_failed AND (slot, place) > (?1, ?2) AND (slot, place) < (?3, ?4)
                     ORDER BY slot, place LIMIT ?5";
        let mut statement = self.database.prepare_cached(query)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![slot, within, end_slot, end_place, limit], |row| {
            let text: String = row.get(0)?;
            let did = Did {
                unix_seconds: row.get(5)?,
                calls_amm: row.get(6)?,
                base: both(row, 7)?,
                quote: both(row, 9)?,
                events: Vec::new(),
            };
            Ok((text, (amount(row, 1)?, row.get(2)?), row.get(3)?, row.get(4)?, did))
        })?;
        let mut events =
            self.database.prepare_cached("SELECT bytes FROM events WHERE signature = ?1 ORDER BY number")?;
        rows.map(|row| {
            let (text, place, is_final, is_searched, mut did) = row?;
            did.events = events.query_map([&text], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Stored { signature: parsed(&text)?, place, is_final, is_searched, did })
        })
        .collect()
    }
}

fn sides(balance: Option<[u64; 2]>) -> [Option<i64>; 2] {
    balance.map_or([None, None], |sides| sides.map(|side| Some(side.cast_signed())))
}

fn both(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<[u64; 2]>> {
    let sides: [Option<i64>; 2] = [row.get(first)?, row.get(first + 1)?];
    Ok(sides[0].zip(sides[1]).map(|(before, after)| [before.cast_unsigned(), after.cast_unsigned()]))
}
