//! Levels at which a position is sold, kept until the sale.

use super::{Journal, JournalError, stored};
use crate::clock::UnixMillis;
use crate::guards::ExitRules;
use q50_engine::units::Bps;
use q50_pumpswap::chain::Address;
use rusqlite::params;
use std::collections::BTreeMap;
use std::time::Duration;

/// Levels of a coin; a column that is not asked for is null.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS exits (
    mint            TEXT PRIMARY KEY,
    armed_ms        INTEGER NOT NULL,
    stop_loss_bps   INTEGER,
    take_profit_bps INTEGER,
    timeout_ms      INTEGER
) STRICT;
";

impl Journal {
    /// Keeps the levels of a coin, in the place of earlier ones.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn arm(&self, mint: &Address, rules: &ExitRules, now: UnixMillis) -> Result<(), JournalError> {
        let timeout = rules.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let levels = [rules.stop_loss.map(|bps| bps.0), rules.take_profit.map(|bps| bps.0), timeout];
        let [stop_loss, take_profit, timeout] = levels.map(|level| level.map(stored).transpose());
        self.database.execute(
            "INSERT OR REPLACE INTO exits (mint, armed_ms, stop_loss_bps, take_profit_bps, timeout_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![mint.to_string(), now.0, stop_loss?, take_profit?, timeout?],
        )?;
        Ok(())
    }

    /// Forgets the levels of a coin.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn disarm(&self, mint: &Address) -> Result<(), JournalError> {
        self.database.execute("DELETE FROM exits WHERE mint = ?1", [mint.to_string()])?;
        Ok(())
    }

    /// The levels of every coin that has some.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn armed(&self) -> Result<BTreeMap<Address, ExitRules>, JournalError> {
        let mut statement =
            self.database.prepare_cached("SELECT mint, stop_loss_bps, take_profit_bps, timeout_ms FROM exits")?;
        let rows = statement.query_and_then([], |row| {
            let mint: String = row.get(0)?;
            let damaged = || JournalError::Damaged(format!("levels of `{mint}`"));
            let level = |column| match row.get::<_, Option<i64>>(column)? {
                Some(level) => u64::try_from(level).map(Some).map_err(|_| damaged()),
                None => Ok(None),
            };
            let rules = ExitRules {
                stop_loss: level(1)?.map(Bps),
                take_profit: level(2)?.map(Bps),
                timeout: level(3)?.map(Duration::from_millis),
            };
            Ok((mint.parse().map_err(|_| damaged())?, rules))
        })?;
        rows.collect()
    }
}
