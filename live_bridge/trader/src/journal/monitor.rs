//! What the monitor took note of, and what it raised.

use super::{Journal, JournalError};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

/// A test of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorTest {
    /// Whether fills cost more than was modelled.
    Execution,
    /// Whether trades are worse than the backtest's.
    Decay,
}

impl MonitorTest {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Decay => "decay",
        }
    }

    fn named(name: &str) -> Result<Self, JournalError> {
        let all = [Self::Execution, Self::Decay];
        let found = all.into_iter().find(|test| test.name() == name);
        found.ok_or_else(|| JournalError::Damaged(format!("test `{name}`")))
    }
}

/// A fill, or a trade, that a test took note of.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Which test.
    pub test: MonitorTest,
    /// Its number in that test, from 1.
    pub n: u64,
    /// The order of the fill, or of the fill that closed the trade.
    pub key: String,
    /// Shortfall of the fill, or net return of the trade; a fraction.
    pub value: f64,
    /// Natural logarithm of the test's wealth after it.
    pub log_wealth: f64,
}

/// An alarm. It stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alarm {
    /// Which test.
    pub test: MonitorTest,
    /// When, by our clock, epoch milliseconds.
    pub at_ms: i64,
    /// After how many fills, or trades.
    pub observed: u64,
    /// Natural logarithm of the test's wealth then.
    pub log_wealth: f64,
    /// Whether no position is opened any more.
    pub demoted: bool,
    /// What was found, in a sentence.
    pub reason: String,
}

impl Journal {
    /// Keeps what the monitor took note of, and what it raised: all or nothing.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn observed(&mut self, observations: &[Observation], alarms: &[Alarm]) -> Result<(), JournalError> {
        let transaction = self.database.transaction()?;
        for Observation { test, n, key, value, log_wealth } in observations {
            transaction
                .prepare_cached("INSERT INTO monitor (test, n, key, value, log_wealth) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![test.name(), n.cast_signed(), key, value, log_wealth])?;
        }
        for Alarm { test, at_ms, observed, log_wealth, demoted, reason } in alarms {
            let insert = "INSERT INTO alarms (test, at_ms, observed, log_wealth, demoted, reason)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let observed = observed.cast_signed();
            transaction.execute(insert, params![test.name(), at_ms, observed, log_wealth, demoted, reason])?;
        }
        Ok(transaction.commit()?)
    }

    /// What the monitor took note of, test by test, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn observations(&self) -> Result<Vec<Observation>, JournalError> {
        let select = "SELECT test, n, key, value, log_wealth FROM monitor ORDER BY test DESC, n";
        let mut statement = self.database.prepare(select)?;
        let rows = statement.query_and_then([], |row| {
            let n: i64 = row.get("n")?;
            Ok(Observation {
                test: test(row)?,
                n: n.cast_unsigned(),
                key: row.get("key")?,
                value: row.get("value")?,
                log_wealth: row.get("log_wealth")?,
            })
        })?;
        rows.collect()
    }

    /// What the monitor raised, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn alarms(&self) -> Result<Vec<Alarm>, JournalError> {
        let mut statement = self.database.prepare("SELECT * FROM alarms ORDER BY at_ms, test")?;
        let rows = statement.query_and_then([], |row| {
            let observed: i64 = row.get("observed")?;
            Ok(Alarm {
                test: test(row)?,
                at_ms: row.get("at_ms")?,
                observed: observed.cast_unsigned(),
                log_wealth: row.get("log_wealth")?,
                demoted: row.get("demoted")?,
                reason: row.get("reason")?,
            })
        })?;
        rows.collect()
    }
}

fn test(row: &Row<'_>) -> Result<MonitorTest, JournalError> {
    let name: String = row.get("test")?;
    MonitorTest::named(&name)
}
