//! The outcome of an order, by its key.

use super::{Journal, JournalError, OrderState};
use rusqlite::OptionalExtension;

/// What is known of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its state.
    pub state: OrderState,
    /// Why, where it was not filled.
    pub reason: Option<String>,
    /// Its transaction, where one was signed.
    pub sent: Option<Sent>,
}

/// A transaction that was signed, and what it did; zero where it did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its signature.
    pub signature: String,
    /// Where it landed.
    pub slot: Option<u64>,
    /// Whether that can no longer be taken back.
    pub is_final: bool,
    /// Change of the coins held.
    pub base: i64,
    /// Lamports that the swap took (negative) or brought, fees of the pool in.
    pub quote: i64,
    /// Fee of the network.
    pub network_fee: u64,
    /// Lamports put into new accounts.
    pub rent: i64,
    /// Coins that were quoted.
    pub quoted_base: u64,
    /// Lamports that were quoted.
    pub quoted_quote: u64,
    /// The slot of the state that it was quoted on.
    pub read_slot: u64,
}

impl Journal {
    /// The orders whose keys begin like this, with what became of them, oldest first.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn orders_of(&self, prefix: &str) -> Result<Vec<(String, OrderState)>, JournalError> {
        let select = "SELECT key, state FROM orders WHERE substr(key, 1, length(?1)) = ?1 ORDER BY id";
        let mut statement = self.database.prepare(select)?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| row.map_err(JournalError::from).and_then(|(key, state)| Ok((key, OrderState::named(&state)?))))
            .collect()
    }

    /// What became of the order of this key; none where none was given.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn outcome(&self, key: &str) -> Result<Option<Outcome>, JournalError> {
        let select =
            "SELECT o.state, o.reason, t.signature, t.slot, t.is_final, t.base, t.quote, t.network_fee, t.rent,
                          t.quoted_base, t.quoted_quote, t.read_slot
                      FROM orders o LEFT JOIN transactions t ON t.order_id = o.id
                      WHERE o.key = ?1 ORDER BY t.rowid DESC LIMIT 1";
        let row = self.database.prepare_cached(select)?.query_row([key], |row| {
            let state: String = row.get(0)?;
            let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0));
            let amount = |column| Ok::<_, rusqlite::Error>(number(column)?.unsigned_abs());
            let sent = match row.get::<_, Option<String>>(2)? {
                None => None,
                Some(signature) => Some(Sent {
                    signature,
                    slot: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
                    is_final: row.get(4)?,
                    base: number(5)?,
                    quote: number(6)?,
                    network_fee: amount(7)?,
                    rent: number(8)?,
                    quoted_base: amount(9)?,
                    quoted_quote: amount(10)?,
                    read_slot: amount(11)?,
                }),
            };
            Ok((state, row.get(1)?, sent))
        });
        let Some((state, reason, sent)) = row.optional()? else { return Ok(None) };
        Ok(Some(Outcome { state: OrderState::named(&state)?, reason, sent }))
    }
}
