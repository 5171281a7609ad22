//! Signals from a file that grows while it is read. Rows already read must not change: a file that changes them is not
//! a record of what was known when.

use crate::host::BarSignals;
use q50_datasets::error::Error as DataError;
use q50_datasets::join::{JoinRule, as_of};
use q50_datasets::signals::{SignalOptions, SignalTable};
use q50_datasets::time::rfc3339;
use q50_engine::market::{Column, Signals};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use thiserror::Error;

/// How long a file may be unreadable before that is an error: whoever writes it may be in the middle of a line.
const PATIENCE: Duration = Duration::from_secs(3);

/// A signal file that cannot be used.
#[derive(Debug, Error)]
pub enum SignalFileError {
    /// It cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// It lost rows.
    #[error(
        "{path:?} goes backwards: it ended at {was} and now ends at {is}; rows are only added, never removed. Nothing was \
         decided on it"
    )]
    Backwards {
        /// The file.
        path: PathBuf,
        /// Its last stamp before.
        was: String,
        /// Its last stamp now.
        is: String,
    },
    /// A row is another one.
    #[error("{path:?} changed what it said: row {row} {change}; rows are only added. Nothing was decided on it")]
    Rewritten {
        /// The file.
        path: PathBuf,
        /// The data row, from 1.
        row: usize,
        /// Its stamp, what it has now, and what it had.
        change: String,
    },
    /// What a bar was decided on is not in it any more.
    #[error(
        "{path:?} changed what it said: it has no row with {said}, which the bar of {bar} was decided on; rows are only added. Put \
         the file back; nothing was decided on it"
    )]
    Unsaid {
        /// The file.
        path: PathBuf,
        /// The bar.
        bar: String,
        /// What it said.
        said: String,
    },
    /// A column came or went.
    #[error("{path:?} has other columns than before: `{column}` came or went")]
    Columns {
        /// The file.
        path: PathBuf,
        /// Which.
        column: String,
    },
}

/// A file of signals.
#[derive(Debug)]
pub struct SignalFile {
    path: PathBuf,
    options: SignalOptions,
    rule: JoinRule,
    table: SignalTable,
    seen: Option<(u64, SystemTime)>,
    unreadable_since: Option<Instant>,
}

impl SignalFile {
    /// Reads a file that has one row at least.
    ///
    /// # Errors
    /// As [`SignalTable::read`].
    pub fn open(path: &Path, options: SignalOptions, rule: JoinRule) -> Result<Self, SignalFileError> {
        let seen = state(path);
        let table = SignalTable::read(path, &options)?;
        Ok(Self { path: path.to_owned(), options, rule, table, seen, unreadable_since: None })
    }

    /// The columns that it has, as a strategy sees them.
    #[must_use]
    pub fn signals(&self) -> Signals<'_> {
        let columns = &self.table.columns;
        let there = |&column: &Column| Some((column, columns.present().find(|(name, _)| *name == column.name())?.1));
        let all = Column::ALL.iter().filter_map(there);
        all.fold(Signals::default(), |all, (column, values)| all.with(column, values))
    }

    /// Reads it again where it changed.
    ///
    /// # Errors
    /// [`SignalFileError`] where it is unreadable for longer than a line is written, or changed what it had said.
    pub fn refresh(&mut self) -> Result<(), SignalFileError> {
        let now = state(&self.path);
        if now.is_some() && now == self.seen {
            return Ok(());
        }
        let table = match SignalTable::read(&self.path, &self.options) {
            Ok(table) => table,
            Err(error) => {
                let since = *self.unreadable_since.get_or_insert_with(Instant::now);
                return if since.elapsed() < PATIENCE { Ok(()) } else { Err(error.into()) };
            }
        };
        self.follows(&table)?;
        // What was added while it was read is read the next time.
        self.seen = now.filter(|now| state(&self.path) == Some(*now));
        (self.table, self.unreadable_since) = (table, None);
        Ok(())
    }

    fn follows(&self, now: &SignalTable) -> Result<(), SignalFileError> {
        let (was, path) = (&self.table, || self.path.clone());
        let last = |table: &SignalTable| table.ts.last().map_or_else(|| "nothing".to_owned(), |&ms| rfc3339(ms));
        if now.len() < was.len() {
            return Err(SignalFileError::Backwards { path: path(), was: last(was), is: last(now) });
        }
        if let Some(row) = (0..was.len()).find(|&row| was.ts[row] != now.ts[row]) {
            let [was, is] = [was, now].map(|table| rfc3339(table.ts[row]));
            let change = format!("is stamped {is}, where it was {was}");
            return Err(SignalFileError::Rewritten { path: path(), row: row + 1, change });
        }
        for ((name, was_column), (_, column)) in was.columns.all().into_iter().zip(now.columns.all()) {
            let (was_column, column) = match (was_column, column) {
                (Some(was), Some(now)) => (was, now),
                (None, None) => continue,
                _ => return Err(SignalFileError::Columns { path: path(), column: name.to_owned() }),
            };
            let differs = |row: &usize| {
                let (was, is) = (was_column[*row], column[*row]);
                was != is && !(was.is_nan() && is.is_nan())
            };
            if let Some(row) = (0..was.len()).find(differs) {
                let told = |value: f64| if value.is_nan() { "empty".to_owned() } else { value.to_string() };
                let (was_value, is) = (told(was_column[row]), told(column[row]));
                let change = format!("({}) has {name} {is}, where it was {was_value}", rfc3339(was.ts[row]));
                return Err(SignalFileError::Rewritten { path: path(), row: row + 1, change });
            }
        }
        Ok(())
    }

    /// Whether the file has said all that it will say of the bar that opens then: it has a signal that is available at
    /// the bar's close and would not be at the close before.
    #[must_use]
    pub fn has_for(&self, open_ms: i64, interval_ms: i64) -> bool {
        let close = open_ms.saturating_add(interval_ms);
        let available = |stamp: &i64| stamp.saturating_add(self.rule.delay_ms);
        let until = self.table.ts.partition_point(|stamp| available(stamp) <= close);
        until > 0 && available(&self.table.ts[until - 1]) > open_ms
    }

    /// Refuses a file that no longer has what the bar which opens then was decided on. A row that came late may stand before it.
    ///
    /// # Errors
    /// [`SignalFileError::Unsaid`].
    pub fn still_says(&self, open_ms: i64, interval_ms: i64, said: &BarSignals) -> Result<(), SignalFileError> {
        let JoinRule { delay_ms, max_age_ms } = self.rule;
        let close = open_ms.saturating_add(interval_ms);
        let available = |stamp: &i64| stamp.saturating_add(delay_ms);
        let until = self.table.ts.partition_point(|stamp| available(stamp) <= close);
        let from = self.table.ts.partition_point(|stamp| close.saturating_sub(available(stamp)) >= max_age_ms);
        let signals = self.signals();
        let says = |row: usize| {
            said.iter().all(|(column, value)| signals.get(*column).is_some_and(|values| values[row] == *value))
        };
        if said.is_empty() || (from..until).any(says) {
            return Ok(());
        }
        let said: Vec<String> = said.iter().map(|(column, value)| format!("{} {value}", column.name())).collect();
        let (path, bar, said) = (self.path.clone(), rfc3339(open_ms), said.join(", "));
        Err(SignalFileError::Unsaid { path, bar, said })
    }

    /// The signals that the bar which opens then decides on, by the datasets' rule; of `columns` those that have a value.
    #[must_use]
    pub fn at(&self, open_ms: i64, interval_ms: i64, columns: &[Column]) -> BarSignals {
        // The rule asks for the newest that is available; earlier ones need not be looked at.
        let close = open_ms.saturating_add(interval_ms);
        let available = self.table.ts.partition_point(|stamp| stamp.saturating_add(self.rule.delay_ms) <= close);
        let newest = available.saturating_sub(1);
        let found = as_of(&[open_ms], interval_ms, &self.table.ts[newest..available], self.rule)[0];
        let Some(row) = found.map(|found| newest + found) else { return Vec::new() };
        let signals = self.signals();
        let value = |&column: &Column| Some((column, signals.get(column)?[row])).filter(|(_, value)| !value.is_nan());
        columns.iter().filter_map(value).collect()
    }
}

/// Length and time of the last change; none where there is no such file.
fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let found = path.metadata().ok()?;
    Some((found.len(), found.modified().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn file(rows: &str) -> (tempfile::TempDir, PathBuf, SignalFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signals.csv");
        std::fs::write(&path, format!("ts_ms,q50\n{rows}")).unwrap();
        let signals = SignalFile::open(&path, SignalOptions::default(), JoinRule::one_bar(MINUTE)).unwrap();
        (folder, path, signals)
    }

    fn q50(signals: &SignalFile, open_ms: i64) -> Option<f64> {
        signals.at(open_ms, MINUTE, &[Column::Q50]).first().map(|(_, value)| *value)
    }

    #[test]
    fn a_row_that_is_added_is_there_for_its_own_bar_and_for_no_earlier_one() {
        let (_folder, path, mut signals) = file("0,0.1\n");
        assert_eq!((q50(&signals, 0), q50(&signals, MINUTE)), (Some(0.1), None));
        assert!(signals.has_for(0, MINUTE) && !signals.has_for(MINUTE, MINUTE));
        std::fs::write(&path, "ts_ms,q50\n0,0.1\n60000,0.2\n120000,0.3\n").unwrap();
        signals.refresh().unwrap();
        assert_eq!((q50(&signals, 0), q50(&signals, MINUTE)), (Some(0.1), Some(0.2)));
        assert!(signals.has_for(MINUTE, MINUTE));
    }

    #[test]
    fn a_file_that_goes_backwards_or_changes_what_it_said_is_refused_with_what_changed() {
        for (text, words) in [
            ("ts_ms,q50\n0,0.1\n", "goes backwards"),
            ("ts_ms,q50\n0,0.1\n60000,0.25\n", "row 2 (1970-01-01T00:01:00Z) has q50 0.25, where it was 0.2"),
            (
                "ts_ms,q50\n0,0.1\n61000,0.2\n",
                "row 2 is stamped 1970-01-01T00:01:01Z, where it was 1970-01-01T00:01:00Z",
            ),
            ("ts_ms,q50,q10\n0,0.1,0\n60000,0.2,0\n", "`q10` came or went"),
        ] {
            let (_folder, path, mut signals) = file("0,0.1\n60000,0.2\n");
            std::fs::write(&path, text).unwrap();
            let error = signals.refresh().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(q50(&signals, MINUTE), Some(0.2), "nothing of it was taken");
        }
    }

    #[test]
    fn what_a_bar_was_decided_on_has_to_be_there_still() {
        let (_folder, _, signals) = file("0,0.1\n60000,0.2\n");
        let says = |open_ms, value| signals.still_says(open_ms, MINUTE, &vec![(Column::Q50, value)]);
        says(0, 0.1).unwrap();
        says(MINUTE, 0.2).unwrap();
        signals.still_says(5 * MINUTE, MINUTE, &Vec::new()).unwrap();
        let error = says(MINUTE, 0.1).unwrap_err().to_string();
        assert!(error.contains("no row with q50 0.1, which the bar of 1970-01-01T00:01:00Z was decided on"), "{error}");
        // Of two that could be used the newer one may have come late.
        let rule = JoinRule { max_age_ms: 2 * MINUTE, ..JoinRule::one_bar(MINUTE) };
        let long = SignalFile { rule, ..signals };
        long.still_says(MINUTE, MINUTE, &vec![(Column::Q50, 0.1)]).unwrap();
    }

    #[test]
    fn half_a_line_is_waited_for() {
        let (_folder, path, mut signals) = file("0,0.1\n");
        std::fs::write(&path, "ts_ms,q50\n0,0.1\n600").unwrap();
        signals.refresh().unwrap();
        std::fs::write(&path, "ts_ms,q50\n0,0.1\n60000,0.2\n").unwrap();
        signals.refresh().unwrap();
        assert_eq!(q50(&signals, MINUTE), Some(0.2));
    }
}
