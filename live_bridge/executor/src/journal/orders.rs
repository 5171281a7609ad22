//! Orders and their transactions: begun, prepared, settled.

use super::{Journal, JournalError, stored};
use crate::clock::UnixMillis;
use crate::order::Order;
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::Order as AmmOrder;
use q50_pumpswap::chain::Address;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use solana_signature::Signature;

/// An order's number in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrderId(i64);

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Not known yet.
    Open,
    /// A guard did not let it through.
    Refused,
    /// It could not be done, and nothing was sent.
    Rejected,
    /// It was filled.
    Filled,
    /// Its transaction landed and failed.
    Failed,
    /// Its transaction never landed, and never will.
    Expired,
}

impl OrderState {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Open, "open"),
        (Self::Refused, "refused"),
        (Self::Rejected, "rejected"),
        (Self::Filled, "filled"),
        (Self::Failed, "failed"),
        (Self::Expired, "expired"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("open", |(_, name)| name)
    }

    pub(super) fn named(name: &str) -> Result<Self, JournalError> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(state, _)| *state).ok_or_else(|| JournalError::Damaged(format!("state `{name}`")))
    }
}

/// Whether an order is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is.
    New(OrderId),
    /// An order of this key was begun before.
    Known(OrderId, OrderState),
}

/// A signed transaction, as it is kept before it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its signature.
    pub signature: Signature,
    /// All of it.
    pub bytes: Vec<u8>,
    /// The pool.
    pub pool: Address,
    /// The user's account for the coin.
    pub base_account: Address,
    /// What the instruction says, with its bound.
    pub limits: AmmOrder,
    /// Coins that were quoted.
    pub quoted_base: u64,
    /// Lamports that were quoted.
    pub quoted_quote: u64,
    /// Coins in that account which no trade of this journal brought there; negative where coins were moved away.
    pub untracked: i64,
    /// The slot of the state that it was quoted on.
    pub read_slot: u64,
    /// The last block height at which it can land.
    pub last_height: u64,
}

/// A transaction that is not settled for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its order.
    pub order: OrderId,
    /// The coin.
    pub mint: Address,
    /// What was signed.
    pub prepared: Prepared,
    /// What is known of it: open, or landed in a slot that a fork could still take back.
    pub state: OrderState,
    /// That slot.
    pub slot: Option<u64>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It landed and did what it should.
    Filled {
        /// Where.
        slot: u64,
        /// Whether that slot can no longer be taken back.
        is_final: bool,
        /// Fee of the network.
        network_fee: Lamports,
        /// Lamports put into new accounts.
        rent: i64,
        /// Change of the wallet's lamports, all in.
        lamports: i64,
        /// Change of the coins held.
        base: i64,
        /// Lamports that the swap took (negative) or brought, fees of the pool in.
        quote: i64,
    },
    /// It landed and failed.
    Failed {
        /// Where.
        slot: u64,
        /// Whether that slot can no longer be taken back.
        is_final: bool,
        /// Fee of the network.
        network_fee: Lamports,
        /// Change of the wallet's lamports.
        lamports: i64,
        /// The chain's error.
        error: String,
    },
    /// It never landed, and never will.
    Expired,
    /// What was known is no longer so: its slot was taken back, and it may land again.
    Reopened,
}

impl Journal {
    /// Begins an order. A key stands for one order for ever: who asks twice gets the first one's state.
    ///
    /// # Errors
    /// [`JournalError::Key`] where it stands for another order, and where the journal cannot be written.
    pub fn begin(&mut self, key: &str, order: &Order, now: UnixMillis) -> Result<Begun, JournalError> {
        let known = self.database.query_row("SELECT id, state FROM orders WHERE key = ?1", [key], |row| {
            Ok((OrderId(row.get(0)?), row.get::<_, String>(1)?))
        });
        if let Some((id, state)) = known.optional()? {
            let known = self.wanted(id)?;
            if known != *order {
                let (known, asked) = (known.to_string(), order.to_string());
                return Err(JournalError::Key { key: key.to_owned(), known, asked });
            }
            return Ok(Begun::Known(id, OrderState::named(&state)?));
        }
        let size = json(&order.size)?;
        let slippage = stored(order.slippage.0)?;
        self.at_ease(|database| {
            database.execute(
                "INSERT INTO orders (key, time_ms, mint, size, slippage_bps, state) VALUES (?1, ?2, ?3, ?4, ?5, 'open')",
                params![key, now.0, order.mint.to_string(), size, slippage],
            )?;
            Ok(Begun::New(OrderId(database.last_insert_rowid())))
        })
    }

    /// Ends an order of which nothing was sent.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn end(&mut self, order: OrderId, state: OrderState, reason: &str) -> Result<(), JournalError> {
        let update = "UPDATE orders SET state = ?2, reason = ?3 WHERE id = ?1 AND state = 'open'";
        match self.database.execute(update, params![order.0, state.name(), reason])? {
            1 => Ok(()),
            _ => Err(JournalError::Damaged(format!("order {} is to end, and is not open", order.0))),
        }
    }

    /// Keeps a signed transaction. Only afterwards it may be sent.
    ///
    /// # Errors
    /// Where the journal cannot be written; then it must not be sent.
    pub fn prepare(&mut self, order: OrderId, it: &Prepared, now: UnixMillis) -> Result<(), JournalError> {
        self.database.execute(
            "INSERT INTO transactions (signature, order_id, time_ms, bytes, pool, base_account, limits, quoted_base,
                 quoted_quote, untracked, read_slot, last_height, state, is_final)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'open', 0)",
            params![
                it.signature.to_string(),
                order.0,
                now.0,
                it.bytes,
                it.pool.to_string(),
                it.base_account.to_string(),
                json(&limits_row(it.limits))?,
                stored(it.quoted_base)?,
                stored(it.quoted_quote)?,
                it.untracked,
                stored(it.read_slot)?,
                stored(it.last_height)?,
            ],
        )?;
        Ok(())
    }

    /// Keeps what became of a transaction, and of its order with it.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn settle(&mut self, signature: &Signature, what: &Settlement, now: UnixMillis) -> Result<(), JournalError> {
        let (state, is_final, slot, error, fee, rent, lamports, base, quote) = match what {
            Settlement::Filled { slot, is_final, network_fee, rent, lamports, base, quote } => (
                OrderState::Filled,
                *is_final,
                Some(stored(*slot)?),
                None,
                Some(stored(network_fee.0)?),
                Some(*rent),
                Some(*lamports),
                Some(*base),
                Some(*quote),
            ),
            Settlement::Failed { slot, is_final, network_fee, lamports, error } => (
                OrderState::Failed,
                *is_final,
                Some(stored(*slot)?),
                Some(error.as_str()),
                Some(stored(network_fee.0)?),
                None,
                Some(*lamports),
                None,
                None,
            ),
            Settlement::Expired => (OrderState::Expired, true, None, None, None, None, None, None, None),
            Settlement::Reopened => (OrderState::Open, false, None, None, None, None, None, None, None),
        };
        let signature = signature.to_string();
        let write = |database: &mut Connection| {
            let transaction = database.transaction()?;
            transaction.execute(
                "UPDATE transactions SET state = ?2, is_final = ?3, slot = ?4, error = ?5, network_fee = ?6, rent = ?7,
                     lamports = ?8, base = ?9, quote = ?10,
                     settled_ms = CASE WHEN state = 'open' THEN ?11 ELSE settled_ms END
                 WHERE signature = ?1",
                params![signature, state.name(), is_final, slot, error, fee, rent, lamports, base, quote, now.0],
            )?;
            transaction.execute(
                "UPDATE orders SET state = ?2, reason = ?3
                 WHERE id = (SELECT order_id FROM transactions WHERE signature = ?1)",
                params![signature, state.name(), error],
            )?;
            Ok(transaction.commit()?)
        };
        // What is final the chain will tell again.
        if is_final { self.at_ease(write) } else { write(&mut self.database) }
    }

    /// Whether one of the last thousand transactions is of this message.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn has_message(&self, message: &[u8]) -> Result<bool, JournalError> {
        // Behind a byte that counts the signatures, and the user's one. A block is not referred to for longer than a minute.
        let known = "SELECT EXISTS (SELECT 1 FROM (SELECT bytes FROM transactions ORDER BY rowid DESC LIMIT 1000)
            WHERE substr(bytes, 66) = ?1)";
        Ok(self.database.query_row(known, [message], |row| row.get(0))?)
    }

    /// Transactions that are not settled for good, oldest first.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn pending(&self) -> Result<Vec<Pending>, JournalError> {
        let mut statement = self.database.prepare_cached(
            "SELECT t.*, o.mint FROM transactions t JOIN orders o ON o.id = t.order_id
             WHERE t.is_final = 0 ORDER BY t.rowid",
        )?;
        let rows = statement.query_and_then([], pending_row)?;
        rows.collect()
    }

    /// State of every order and its reason, oldest first.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn orders(&self) -> Result<Vec<(String, OrderState, Option<String>)>, JournalError> {
        let mut statement = self.database.prepare_cached("SELECT key, state, reason FROM orders ORDER BY id")?;
        let rows = statement
            .query_and_then([], |row| Ok((row.get(0)?, OrderState::named(&row.get::<_, String>(1)?)?, row.get(2)?)))?;
        rows.collect()
    }

    /// The newest transaction that landed for good, and its slot.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn newest_final(&self) -> Result<Option<(Signature, u64)>, JournalError> {
        let newest = "SELECT signature, slot FROM transactions WHERE is_final = 1 AND slot IS NOT NULL
                      ORDER BY slot DESC LIMIT 1";
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
        let Some((signature, slot)) = self.database.query_row(newest, [], row).optional()? else { return Ok(None) };
        let damaged = || JournalError::Damaged(format!("slot {slot} of transaction `{signature}`"));
        let slot = u64::try_from(slot).map_err(|_| damaged())?;
        Ok(Some((signature.parse().map_err(|_| damaged())?, slot)))
    }

    /// The newest slot in which a transaction of this journal landed: a state older than it is not the present one.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn newest_slot(&self) -> Result<u64, JournalError> {
        let slot: Option<i64> = self.database.query_row("SELECT max(slot) FROM transactions", [], |row| row.get(0))?;
        Ok(slot.and_then(|slot| u64::try_from(slot).ok()).unwrap_or(0))
    }
}

fn json(value: &impl Serialize) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::Damaged(error.to_string()))
}

fn limits_row(order: AmmOrder) -> (&'static str, u64, u64) {
    match order {
        AmmOrder::Buy { base_out, max_quote_in } => ("buy", base_out, max_quote_in),
        AmmOrder::BuyExactQuoteIn { quote_in, min_base_out } => ("buy_exact_quote_in", quote_in, min_base_out),
        AmmOrder::Sell { base_in, min_quote_out } => ("sell", base_in, min_quote_out),
    }
}

fn limits(text: &str) -> Result<AmmOrder, JournalError> {
    let damaged = || JournalError::Damaged(format!("limits `{text}`"));
    let (name, amount, limit): (String, u64, u64) = serde_json::from_str(text).map_err(|_| damaged())?;
    Ok(match name.as_str() {
        "buy" => AmmOrder::Buy { base_out: amount, max_quote_in: limit },
        "buy_exact_quote_in" => AmmOrder::BuyExactQuoteIn { quote_in: amount, min_base_out: limit },
        "sell" => AmmOrder::Sell { base_in: amount, min_quote_out: limit },
        _ => return Err(damaged()),
    })
}

fn pending_row(row: &Row<'_>) -> Result<Pending, JournalError> {
    let text = |column: &str| row.get::<_, String>(column);
    let damaged = |column: &str| JournalError::Damaged(format!("column {column} of a transaction"));
    let address = |column: &str| text(column)?.parse::<Address>().map_err(|_| damaged(column));
    let amount = |column: &str| u64::try_from(row.get::<_, i64>(column)?).map_err(|_| damaged(column));
    Ok(Pending {
        order: OrderId(row.get("order_id")?),
        mint: address("mint")?,
        state: OrderState::named(&text("state")?)?,
        slot: row.get::<_, Option<i64>>("slot")?.and_then(|slot| u64::try_from(slot).ok()),
        prepared: Prepared {
            signature: text("signature")?.parse().map_err(|_| damaged("signature"))?,
            bytes: row.get("bytes")?,
            pool: address("pool")?,
            base_account: address("base_account")?,
            limits: limits(&text("limits")?)?,
            quoted_base: amount("quoted_base")?,
            quoted_quote: amount("quoted_quote")?,
            untracked: row.get("untracked")?,
            read_slot: amount("read_slot")?,
            last_height: amount("last_height")?,
        },
    })
}

impl Journal {
    /// Orders of which nothing was signed, although they are open: what a crash before signing leaves. They are ended.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn end_unsigned(&mut self) -> Result<usize, JournalError> {
        let update = "UPDATE orders SET state = 'rejected', reason = 'interrupted before anything was signed'
                      WHERE state = 'open' AND id NOT IN (SELECT order_id FROM transactions)";
        Ok(self.database.execute(update, [])?)
    }

    /// What was wanted by an order.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn wanted(&self, order: OrderId) -> Result<Order, JournalError> {
        let select = "SELECT mint, size, slippage_bps FROM orders WHERE id = ?1";
        let (mint, size, slippage): (String, String, i64) =
            self.database.query_row(select, [order.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let damaged = |what: &str| JournalError::Damaged(format!("{what} of order {}", order.0));
        Ok(Order {
            mint: mint.parse().map_err(|_| damaged("mint"))?,
            size: serde_json::from_str(&size).map_err(|_| damaged("size"))?,
            slippage: Bps(u64::try_from(slippage).map_err(|_| damaged("slippage"))?),
        })
    }
}
