//! Ranges of the chain whose signatures are not listed yet.

use super::{Store, StoreError, amount, parsed};
use q50_executor::rpc::Listed;
use q50_pumpswap::chain::Address;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use solana_signature::Signature;

/// A range that is not listed yet, from its newer end down. Slots are walked whole: its bounds are of other slots than
/// those between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Its number, which is also that of the walk through it.
    pub id: i64,
    /// Whose signatures are listed.
    pub account: Address,
    /// Listed down to here; absent: from the newest on.
    pub before: Option<Signature>,
    /// Known from here down; absent: to the beginning.
    pub until: Option<Signature>,
    /// Whether it reaches the newest: what is above `floor` and not met on the walk was taken back.
    is_tail: bool,
    /// The slot of `until`.
    floor: i64,
    /// Slot and place of what was listed last.
    last: Option<(i64, i64)>,
}

impl Store {
    /// The oldest hole that is open.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn hole(&self) -> Result<Option<Hole>, StoreError> {
        let query =
            "SELECT id, account, before, until, is_tail, floor, last_slot, last_place FROM holes ORDER BY id LIMIT 1";
        let text = |row: &Row<'_>| -> rusqlite::Result<_> {
            let last = row.get::<_, Option<i64>>(6)?.zip(row.get::<_, Option<i64>>(7)?);
            let bounds: (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, row.get::<_, String>(1)?, bounds, row.get(4)?, row.get(5)?, last))
        };
        let Some((id, account, (before, until), is_tail, floor, last)) =
            self.database.query_row(query, [], text).optional()?
        else {
            return Ok(None);
        };
        let key = |text: Option<String>| text.as_deref().map(parsed).transpose();
        Ok(Some(Hole {
            id,
            account: parsed(&account)?,
            before: key(before)?,
            until: key(until)?,
            is_tail,
            floor,
            last,
        }))
    }

    /// Opens the hole between the newest finalized transaction and now: what is not final is listed again.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn open_tail(&mut self, pool: &Address) -> Result<(), StoreError> {
        let newest = "SELECT signature, slot FROM transactions WHERE is_final AND is_of_pool
                      ORDER BY slot DESC, place DESC LIMIT 1";
        let until: Option<(String, i64)> =
            self.database.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (until, floor) = until.map_or((None, -1), |(signature, slot)| (Some(signature), slot));
        let insert = "INSERT INTO holes (account, is_tail, until, floor) VALUES (?1, 1, ?2, ?3)";
        self.database.execute(insert, params![pool.to_string(), until, floor])?;
        Ok(())
    }

    /// Opens a hole in the list of each account about a step that does not follow from the one before it, which was in
    /// slot `before_it`; a step that is final is not looked into again.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn open_refill(
        &mut self,
        step: &Signature,
        slot: u64,
        before_it: u64,
        accounts: &[Address],
    ) -> Result<(), StoreError> {
        let transaction = self.database.transaction()?;
        let bound = |query: &str, slot: u64| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            transaction.query_row(query, [slot.cast_signed()], row).optional()
        };
        let above = "SELECT signature, slot FROM transactions WHERE slot > ?1 ORDER BY slot, place LIMIT 1";
        let below = "SELECT signature, slot FROM transactions WHERE slot < ?1 ORDER BY slot DESC, place DESC LIMIT 1";
        let before: Option<(String, i64)> = bound(above, slot)?;
        let until: Option<(String, i64)> = bound(below, before_it)?;
        let (until, floor) = until.map_or((None, -1), |(signature, slot)| (Some(signature), slot));
        for account in accounts {
            let insert = "INSERT INTO holes (account, is_tail, before, until, floor) VALUES (?1, 0, ?2, ?3, ?4)";
            let before = before.as_ref().map(|(signature, _)| signature);
            transaction.execute(insert, params![account.to_string(), before, until, floor])?;
        }
        let searched = "UPDATE transactions SET is_searched = is_final WHERE signature = ?1";
        transaction.execute(searched, [step.to_string()])?;
        Ok(transaction.commit()?)
    }

    /// How many transactions a look into a gap found.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn note_refill(&mut self, step: &Signature, found: u64) -> Result<(), StoreError> {
        let insert = "INSERT INTO refills (signature, found) VALUES (?1, ?2)
                      ON CONFLICT (signature) DO UPDATE SET found = found + excluded.found";
        self.database.execute(insert, params![step.to_string(), found.cast_signed()])?;
        Ok(())
    }

    /// Takes a page of a hole's list, newest first; `is_last` closes the hole. Returns how many of it are new.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn take(&mut self, hole: &Hole, page: &[Listed], is_last: bool, pool: &Address) -> Result<u64, StoreError> {
        let is_of_pool = hole.account == *pool;
        let transaction = self.database.transaction()?;
        let count = |transaction: &Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM transactions", [], |row| amount(row, 0))
        };
        let already = count(&transaction)?;
        let mut last = hole.last;
        for listed in page {
            let slot = listed.slot.cast_signed();
            // From the top of a slot down, so that a slot which two pages share is in order, too.
            let place = last.filter(|(last_slot, _)| *last_slot == slot).map_or(0, |(_, place)| place - 1);
            list(&transaction, hole.id, listed, place, is_of_pool)?;
            last = Some((slot, place));
        }
        let new = count(&transaction)? - already;
        if is_last {
            if hole.is_tail {
                take_back(&transaction, hole)?;
            }
            transaction.execute("DELETE FROM holes WHERE id = ?1", [hole.id])?;
        } else {
            let (slot, place) = last.unzip();
            let before = page.last().map(|listed| listed.signature.to_string());
            let update = "UPDATE holes SET before = ?2, last_slot = ?3, last_place = ?4 WHERE id = ?1";
            transaction.execute(update, params![hole.id, before, slot, place])?;
        }
        transaction.commit()?;
        Ok(new)
    }

    /// Walks a hole anew from its newer end: where it had got to is no longer on the chain.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn restart(&mut self, hole: &Hole) -> Result<(), StoreError> {
        let update = "UPDATE holes SET before = NULL, last_slot = NULL, last_place = NULL WHERE id = ?1";
        self.database.execute(update, [hole.id])?;
        Ok(())
    }
}

fn list(
    transaction: &Transaction<'_>,
    walk: i64,
    listed: &Listed,
    place: i64,
    is_of_pool: bool,
) -> Result<(), StoreError> {
    // One that landed again elsewhere after a fork is fetched again. What failed did nothing: there is nothing to fetch.
    let insert = "
        INSERT INTO transactions (signature, slot, place, walk, is_of_pool, has_failed, is_final, is_fetched)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)
        ON CONFLICT (signature) DO UPDATE SET
            is_fetched = CASE WHEN slot = excluded.slot AND has_failed = excluded.has_failed
                              THEN is_fetched ELSE excluded.is_fetched END,
            slot = excluded.slot, place = excluded.place, walk = excluded.walk, has_failed = excluded.has_failed,
            is_of_pool = max(is_of_pool, excluded.is_of_pool), is_final = excluded.is_final";
    let signature = listed.signature.to_string();
    let slot = listed.slot.cast_signed();
    transaction.prepare_cached(insert)?.execute(params![
        signature,
        slot,
        place,
        walk,
        is_of_pool,
        listed.has_failed,
        listed.is_final
    ])?;
    Ok(())
}

/// What is above the floor and was not met on the walk is gone; gaps there may be other ones now.
fn take_back(transaction: &Transaction<'_>, hole: &Hole) -> Result<(), StoreError> {
    let gone = "DELETE FROM transactions WHERE slot > ?1 AND walk <> ?2 AND is_of_pool AND NOT is_final";
    let gone = transaction.execute(gone, params![hole.floor, hole.id])?;
    if gone > 0 {
        tracing::info!("{gone} transactions were taken back by a fork");
        // Those of a vault alone were met on no walk of the pool: they are found again where they are needed.
        transaction.execute("DELETE FROM transactions WHERE slot > ?1 AND NOT is_of_pool", [hole.floor])?;
        transaction.execute("UPDATE transactions SET is_searched = 0 WHERE slot > ?1", [hole.floor])?;
    }
    Ok(())
}
