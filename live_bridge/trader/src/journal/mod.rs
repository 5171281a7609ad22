//! The journal of a session, in one SQLite file: bars as they closed, decisions before they are acted on, orders and
//! their outcomes. A killed session resumes from it, and reports are made from it; nothing in it is added afterwards.

/// What the monitor took note of.
mod monitor;
/// What a row says.
mod rows;
/// The layout of the file.
mod schema;

pub use monitor::{Alarm, MonitorTest, Observation};
pub use rows::{BarRow, DecisionRow, Done, OrderRow, State};

use crate::spec::SessionSpec;
use q50_datasets::pool_bars::{PoolBar, PoolReserves};
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;
use rows::AccountRow;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::path::Path;
use thiserror::Error;

/// A session's file that cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The database.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// Another program's database.
    #[error("this is a database of another program; expected a session of q50, or no file")]
    Foreign,
    /// Another layout.
    #[error("this session is of version {found}, and this q50 knows version {known}; use the q50 that wrote it")]
    Version {
        /// The version of the file.
        found: i64,
        /// The version known here.
        known: i64,
    },
    /// Another session.
    #[error("this session was begun with {what} {was}, and is now to go on with {is}; name another folder with --out")]
    Other {
        /// Which part of the specification.
        what: String,
        /// Then.
        was: String,
        /// Now.
        is: String,
    },
    /// A row that does not say what it should.
    #[error("the session is damaged: {0}")]
    Damaged(String),
}

/// A session's journal.
#[derive(Debug)]
pub struct Journal {
    database: Connection,
}

impl Journal {
    /// Opens a session's file, or begins one.
    ///
    /// # Errors
    /// [`JournalError`] where the file cannot be read or written, or is something else.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut database = Connection::open(path)?;
        schema::prepare(&mut database)?;
        Ok(Self { database })
    }

    /// The specification that the session was begun with, as JSON, and its hash; none before it is.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn spec(&self) -> Result<Option<(String, String)>, JournalError> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.database.query_row("SELECT id, spec FROM session", [], row).optional()?)
    }

    /// When the session began; none before it did.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn begun_ms(&self) -> Result<Option<i64>, JournalError> {
        let spec = self.spec()?.map(|(_, text)| parsed::<SessionSpec>(&text)).transpose()?;
        Ok(spec.map(|spec| spec.begun_ms))
    }

    /// Whether the session goes on, rather than begins.
    ///
    /// # Errors
    /// [`JournalError::Other`] where the file is of a session that is specified otherwise.
    pub fn goes_on(&self, spec: &SessionSpec) -> Result<bool, JournalError> {
        match self.spec()? {
            Some((known, _)) if known == spec.id() => Ok(true),
            Some((_, text)) => {
                let unknown = || ("something".to_owned(), "another value".to_owned(), "this one".to_owned());
                let (what, was, is) = spec.difference(&text).unwrap_or_else(unknown);
                Err(JournalError::Other { what, was, is })
            }
            None => Ok(false),
        }
    }

    /// Begins the session with what is known already: the coin's supply, by which the pool's rates go, and bars that are
    /// shown to the strategy and not decided on.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is written then.
    pub fn begin(&mut self, id: &str, spec: &str, supply: u64, history: &[BarRow]) -> Result<(), JournalError> {
        let transaction = self.database.transaction()?;
        let insert = "INSERT INTO session (id, spec, supply) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![id, spec, supply.cast_signed()])?;
        for row in history {
            insert_bar(&transaction, row)?;
        }
        Ok(transaction.commit()?)
    }

    /// The coin's supply when the session began, in the smallest unit; none in files of an earlier version.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn supply(&self) -> Result<Option<u64>, JournalError> {
        let found = self.database.query_row("SELECT supply FROM session", [], |row| row.get::<_, Option<i64>>(0));
        Ok(found.optional()?.flatten().map(i64::cast_unsigned))
    }

    /// Keeps a bar, what was decided at its close, and what is to be done about it: all or nothing.
    ///
    /// # Errors
    /// Where the file cannot be written; then nothing may be done about it.
    pub fn decided(
        &mut self,
        bar: &BarRow,
        decision: &DecisionRow,
        order: Option<&OrderRow>,
    ) -> Result<(), JournalError> {
        let transaction = self.database.transaction()?;
        insert_bar(&transaction, bar)?;
        transaction
            .prepare_cached(
                "INSERT INTO decisions (bar_ms, account, reason, wants, explanation, signal_ms, decided_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                decision.bar_ms,
                json(&AccountRow::from(decision.account))?,
                decision.reason,
                decision.wants,
                decision.explanation,
                decision.signal_ms,
                decision.decided_ms
            ])?;
        if let Some(order) = order {
            insert_order(&transaction, order)?;
        }
        Ok(transaction.commit()?)
    }

    /// Keeps an order that comes from no decision.
    ///
    /// # Errors
    /// Where the file cannot be written; then it may not be given.
    pub fn wanted(&mut self, order: &OrderRow) -> Result<(), JournalError> {
        insert_order(&self.database, order)
    }

    /// Gives an order another name, under which it may be given.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn rename(&mut self, key: &str, name: &str) -> Result<(), JournalError> {
        self.database.execute("UPDATE orders SET key = ?2 WHERE key = ?1", [key, name])?;
        Ok(())
    }

    /// Keeps what became of an order.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn done(&mut self, key: &str, done: &Done) -> Result<(), JournalError> {
        let update = "UPDATE orders SET state = ?2, why = ?3, signature = ?4, slot = ?5, time_ms = ?6, is_final = ?7,
                          base = ?8, quote = ?9, network_fee = ?10, rent = ?11, quoted_base = ?12, quoted_quote = ?13,
                          read_slot = ?14, to_send_ms = ?15, to_settle_ms = ?16, to_quote_ms = ?17, to_sign_ms = ?18,
                          pool_base = ?19, pool_quote = ?20
                      WHERE key = ?1";
        self.database.prepare_cached(update)?.execute(params![
            key,
            done.state.name(),
            done.why,
            done.signature,
            done.slot.map(u64::cast_signed),
            done.time_ms,
            done.is_final,
            done.base,
            done.quote,
            done.network_fee.cast_signed(),
            done.rent,
            done.quoted_base.map(u64::cast_signed),
            done.quoted_quote.map(u64::cast_signed),
            done.read_slot.map(u64::cast_signed),
            done.to_send_ms.map(u64::cast_signed),
            done.to_settle_ms.map(u64::cast_signed),
            done.to_quote_ms.map(u64::cast_signed),
            done.to_sign_ms.map(u64::cast_signed),
            done.filled_at.map(|pool| pool.base.0.cast_signed()),
            done.filled_at.map(|pool| pool.quote.0.cast_signed()),
        ])?;
        Ok(())
    }

    /// Notes that something happened which is no order.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn note(&mut self, time_ms: i64, kind: &str, text: &str) -> Result<(), JournalError> {
        let insert = "INSERT INTO notes (time_ms, kind, text) VALUES (?1, ?2, ?3)";
        self.database.execute(insert, params![time_ms, kind, text])?;
        Ok(())
    }

    /// Every bar, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn bars(&self) -> Result<Vec<BarRow>, JournalError> {
        let mut statement = self.database.prepare("SELECT * FROM bars ORDER BY open_ms")?;
        let rows = statement.query_and_then([], bar_row)?;
        rows.collect()
    }

    /// Reserves at the close of the bar that opens then; none where there is no such bar.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn reserves_at(&self, open_ms: i64) -> Result<Option<Reserves>, JournalError> {
        let mut statement = self.database.prepare_cached("SELECT * FROM bars WHERE open_ms = ?1")?;
        let mut rows = statement.query_and_then([open_ms], bar_row)?;
        Ok(rows.next().transpose()?.map(|row| row.reserves()))
    }

    /// Every decision, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn decisions(&self) -> Result<Vec<DecisionRow>, JournalError> {
        let mut statement = self.database.prepare("SELECT * FROM decisions ORDER BY bar_ms")?;
        let rows = statement.query_and_then([], |row| {
            let account: AccountRow = parsed(&row.get::<_, String>("account")?)?;
            Ok(DecisionRow {
                bar_ms: row.get("bar_ms")?,
                account: account.into(),
                reason: row.get("reason")?,
                wants: row.get("wants")?,
                explanation: row.get("explanation")?,
                signal_ms: row.get("signal_ms")?,
                decided_ms: row.get("decided_ms")?,
            })
        })?;
        rows.collect()
    }

    /// Opening of the first bar that was decided on.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn first_decision(&self) -> Result<Option<i64>, JournalError> {
        Ok(self.database.query_row("SELECT min(bar_ms) FROM decisions", [], |row| row.get(0))?)
    }

    /// Every order, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn orders(&self) -> Result<Vec<OrderRow>, JournalError> {
        let mut statement = self.database.prepare("SELECT * FROM orders ORDER BY rowid")?;
        let rows = statement.query_and_then([], order_row)?;
        rows.collect()
    }

    /// The newest decision: its bar, its reason, and the equity that it was made on, SOL.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn last_decision(&self) -> Result<Option<(i64, String, f64)>, JournalError> {
        let select = "SELECT bar_ms, reason, account ->> 'equity' FROM decisions ORDER BY bar_ms DESC LIMIT 1";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        Ok(self.database.query_row(select, [], row).optional()?)
    }

    /// How many decisions there are, and coins held.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn decided_and_held(&self) -> Result<(u64, i64), JournalError> {
        let select = "SELECT (SELECT count(*) FROM decisions),
                             (SELECT coalesce(sum(base), 0) FROM orders WHERE state = 'filled')";
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
        Ok(self.database.query_row(select, [], row)?)
    }

    /// How many orders became what, by name.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn states(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let mut statement = self.database.prepare_cached("SELECT state, count(*) FROM orders GROUP BY state")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest order.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn last_order(&self) -> Result<Option<OrderRow>, JournalError> {
        let mut statement = self.database.prepare_cached("SELECT * FROM orders ORDER BY rowid DESC LIMIT 1")?;
        let mut rows = statement.query_and_then([], order_row)?;
        rows.next().transpose()
    }

    /// What was noted, oldest first: time, kind, text.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn notes(&self) -> Result<Vec<(i64, String, String)>, JournalError> {
        let mut statement = self.database.prepare("SELECT time_ms, kind, text FROM notes ORDER BY rowid")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn insert_bar(database: &Connection, row: &BarRow) -> Result<(), JournalError> {
    let bar = &row.bar;
    database
        .prepare_cached(
            "INSERT INTO bars (open_ms, open, high, low, close, volume, base_reserve, quote_reserve, signals, seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            bar.open_time,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.reserves.base.cast_signed(),
            bar.reserves.quote.cast_signed(),
            json(&rows::named(&row.signals))?,
            row.seen_ms,
        ])?;
    Ok(())
}

fn insert_order(database: &Connection, order: &OrderRow) -> Result<(), JournalError> {
    let insert = "INSERT INTO orders (key, bar_ms, reason, size, wanted_ms, state, why, is_final)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    database.prepare_cached(insert)?.execute(params![
        order.key,
        order.bar_ms,
        order.reason,
        order.size.map(|size| json(&size)).transpose()?,
        order.wanted_ms,
        order.done.state.name(),
        order.done.why,
        order.done.is_final,
    ])?;
    Ok(())
}

fn bar_row(row: &Row<'_>) -> Result<BarRow, JournalError> {
    let text: String = row.get("signals")?;
    let named: BTreeMap<String, f64> = parsed(&text)?;
    let reserves = PoolReserves {
        base: row.get::<_, i64>("base_reserve")?.cast_unsigned(),
        quote: row.get::<_, i64>("quote_reserve")?.cast_unsigned(),
    };
    Ok(BarRow {
        bar: PoolBar {
            open_time: row.get("open_ms")?,
            open: row.get("open")?,
            high: row.get("high")?,
            low: row.get("low")?,
            close: row.get("close")?,
            volume: row.get("volume")?,
            reserves,
        },
        signals: rows::columns(&named).ok_or_else(|| JournalError::Damaged(format!("signals `{text}`")))?,
        seen_ms: row.get("seen_ms")?,
    })
}

fn order_row(row: &Row<'_>) -> Result<OrderRow, JournalError> {
    let unsigned = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned));
    let state: String = row.get("state")?;
    let size: Option<String> = row.get("size")?;
    Ok(OrderRow {
        key: row.get("key")?,
        bar_ms: row.get("bar_ms")?,
        reason: row.get("reason")?,
        size: size.map(|size| parsed(&size)).transpose()?,
        wanted_ms: row.get("wanted_ms")?,
        done: Done {
            state: State::named(&state).ok_or_else(|| JournalError::Damaged(format!("state `{state}`")))?,
            why: row.get("why")?,
            signature: row.get("signature")?,
            slot: unsigned("slot")?,
            time_ms: row.get("time_ms")?,
            is_final: row.get("is_final")?,
            base: row.get("base")?,
            quote: row.get("quote")?,
            network_fee: unsigned("network_fee")?.unwrap_or(0),
            rent: row.get("rent")?,
            quoted_base: unsigned("quoted_base")?,
            quoted_quote: unsigned("quoted_quote")?,
            read_slot: unsigned("read_slot")?,
            filled_at: unsigned("pool_base")?
                .zip(unsigned("pool_quote")?)
                .map(|(base, quote)| Reserves { base: TokenAmount(base), quote: Lamports(quote) }),
            to_quote_ms: unsigned("to_quote_ms")?,
            to_sign_ms: unsigned("to_sign_ms")?,
            to_send_ms: unsigned("to_send_ms")?,
            to_settle_ms: unsigned("to_settle_ms")?,
        },
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::Damaged(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::Damaged(format!("`{text}`: {error}")))
}
