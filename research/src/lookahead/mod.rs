//! Does the program that makes the signals use later bars? It is run on records that end early, and its signals there
//! are compared with those on the whole record.
//!
//! A signal belongs to the last bar that had closed when the signal became available, and nothing after that bar may
//! change it. The record is cut after bars at which signals change, which catches a program that carries its last value
//! into the part that it cannot see. Runs go from the earliest cut to the whole record, so a program that remembers its
//! last run remembers no later bar.
//!
//! Three more runs show whether the cuts can prove anything: the whole record (is it the file being judged?), the whole
//! record again (does the program repeat itself?), and the record in reverse order (does it read the bars at all?).
//!
//! No run can show a model that was fitted on the whole record before it was handed over, values that are hard-coded in
//! the program or that it fetches from elsewhere and mixes with bars, or foresight in a column of the bars.

mod command;
mod compare;
mod cuts;
pub mod planted;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use q50_datasets::{
    CrossingPolicy, Error as DataError, SignalOptions, SignalTable, excerpt::Table, frame::Frame, input::Input,
    signals::SIGNAL_NAMES, time::rfc3339,
};
use serde::Serialize;
use thiserror::Error;

pub use command::{Producer, ProducerError};
use compare::{Difference, difference, follows};

/// Cuts made where the caller does not say otherwise.
pub const CUTS: usize = 20;
/// Seed of the cuts where the caller does not say otherwise.
pub const SEED: u64 = 50;

/// Runs besides those on cut records: the whole record, the whole record again, and the record in reverse order.
pub const OTHER_RUNS: u64 = 3;

/// What is compared with what.
#[derive(Clone, Debug)]
pub struct Examination<'a> {
    /// File of the bars.
    pub bars: &'a Path,
    /// File of the signals that are judged; may be the bars' own.
    pub signals: &'a Path,
    /// Column of a single-signal strategy; where absent, the file's only column if it has none that q50 knows.
    pub column: Option<&'a str>,
    /// Milliseconds from a signal's stamp until it is available; one bar where absent.
    pub delay_ms: Option<i64>,
    /// Opening times (epoch milliseconds, both included) of the bars that are cut after; all where absent.
    pub window: Option<(i64, i64)>,
    /// Cuts to make.
    pub cuts: usize,
    /// Seed of the cuts.
    pub seed: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lookahead {
    /// The command that made the signals.
    pub producer: String,
    /// Cuts made; fewer than asked for where the record has fewer bars to cut after.
    pub cuts: usize,
    /// Cuts after which the producer says something else about what came before.
    pub changed: usize,
    /// Stamp of the earliest signal that changed, RFC 3339.
    pub first: Option<String>,
    /// Most bars between a signal that changed and the cut, the bar of the signal included: at least so far ahead the
    /// producer looks.
    pub reach_bars: Option<usize>,
    /// Whether two runs on the same bars agree.
    pub repeats: bool,
    /// Whether other bars make other signals: on the record in reverse order, some column goes with what it is on the record
    /// at a correlation below 0.9.
    pub reads_bars: bool,
    /// Whether it fails on the record in reverse order, so that it may know the bars and have its signals from elsewhere.
    pub refuses_other_bars: bool,
    /// The file that is judged against the producer's run on all bars.
    pub file: FileComparison,
    /// Columns that were compared.
    pub columns: Vec<String>,
    /// Columns besides time and prices that the producer was given; whether they know the future is not examined.
    pub also_given: Vec<String>,
    /// Those of them that q50 reads as signals, which the producer may have copied.
    pub signals_given: Vec<String>,
    /// Seed of the cuts.
    pub seed: u64,
}

/// The file of signals against what its producer says on the whole record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileComparison {
    /// Signals of the file.
    pub signals: usize,
    /// Stamps, within the time that the file covers, at which the producer says something else.
    pub differing: usize,
    /// The first of them, RFC 3339.
    pub first: Option<String>,
}

impl Lookahead {
    /// Whether nothing speaks against the producer or the file.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.cuts > 0 && self.changed == 0 && self.repeats && self.reads_bars && self.file.differing == 0
    }

    /// Whether nothing was found because nothing could be: the signals do not come from the bars that were cut.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        !self.reads_bars && self.changed == 0 && self.repeats && self.file.differing == 0
    }

    /// Everything that was found, for people: one sentence each, the gravest first.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if !self.repeats {
            findings.push(
                "two runs of the producer on the same bars differ, so that no cut can be judged: fix its random seed"
                    .to_owned(),
            );
        }
        if self.refuses_other_bars {
            findings.push(
                "the producer fails on bars in reverse order, so that nothing shows that its signals come from the bars"
                    .to_owned(),
            );
        } else if !self.reads_bars {
            findings.push(
                "the producer says the same on bars in reverse order: its signals do not come from them, so that cuts show \
                 nothing"
                    .to_owned(),
            );
        }
        if let (Some(first), Some(reach)) = (&self.first, self.reach_bars) {
            findings.push(format!(
                "{} of {} cuts changed what the producer had said before them, first the signal of {first}; it knows at \
                 least {reach} {} ahead",
                self.changed,
                self.cuts,
                if reach == 1 { "bar" } else { "bars" }
            ));
        } else {
            findings.push(format!("none of {} cuts changed what the producer had said before it", self.cuts));
        }
        findings.push(match &self.file {
            FileComparison { signals, differing: 0, .. } => {
                format!("the producer's run on all bars gives the file's {signals} signals")
            }
            FileComparison { signals, differing, first } => format!(
                "the file is not what the producer makes: {differing} signals differ from the file's {signals}, first that \
                 of {}",
                first.as_deref().unwrap_or("an unknown time")
            ),
        });
        if !self.signals_given.is_empty() {
            findings.push(format!(
                "the bars hold signals themselves, which the producer may have copied: {}",
                self.signals_given.join(", ")
            ));
        }
        if !self.also_given.is_empty() {
            findings.push(format!("taken as recorded, besides prices: {}", self.also_given.join(", ")));
        }
        findings
    }
}

/// The producer could not be examined.
#[derive(Debug, Error)]
pub enum LookaheadError {
    /// The bars, the file of signals, or what the producer wrote cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The producer did not do its work.
    #[error("{run}: {source}")]
    Producer {
        /// Which of the runs.
        run: String,
        /// What it did.
        source: ProducerError,
    },
    /// The producer wrote something that is no table of these signals.
    #[error("{run}: the producer's output cannot be used: {source}")]
    Output {
        /// Which of the runs.
        run: String,
        /// What is wrong with it.
        source: DataError,
    },
    /// There is no place to work in.
    #[error("a temporary folder cannot be made: {0}")]
    Folder(#[from] std::io::Error),
}

/// Runs `producer` on cut records and on the whole one, and compares. `on_run` is told before each run.
///
/// # Errors
/// The bars or the signals cannot be read; or the producer cannot be started, fails, takes too long, or writes no table
/// with a time column and the columns of the file.
pub fn examine(
    setup: &Examination<'_>,
    producer: &Producer,
    on_run: &mut dyn FnMut(&str),
) -> Result<Lookahead, LookaheadError> {
    let column = setup.column.map(str::to_owned).or_else(|| sole_column(setup.signals));
    let column = column.as_deref();
    let record = record(setup, column)?;
    let bars = record.bars();
    let options = SignalOptions {
        value: column.map(str::to_owned),
        crossing: CrossingPolicy::Keep,
        max_crossing_share: 1.0,
        ..SignalOptions::default()
    };
    let file = SignalTable::read(setup.signals, &options)?;
    let columns: Vec<String> = file.columns.present().map(|(name, _)| name.to_owned()).collect();
    let required = columns.iter().filter(|name| *name != "value").cloned().collect();
    let mut runs = Runs {
        producer,
        record: &record,
        folder: tempfile::Builder::new().prefix("q50-lookahead-").tempdir()?,
        options: SignalOptions { require: required, ..options },
        count: 0,
    };

    let delay_ms = setup.delay_ms.unwrap_or(bars.interval_ms);
    let clock = Clock { open_time: &bars.open_time, interval_ms: bars.interval_ms, delay_ms };
    let rows = clock.rows_between(&file.ts, setup.window);
    let changes: Vec<usize> = compare::changes(&file).into_iter().filter_map(|stamp| clock.row_of(stamp)).collect();
    let cuts = cuts::choose(&changes, &bars.close, rows, setup.cuts, setup.seed);
    // From the earliest on: whoever remembers an earlier run remembers nothing that comes later.
    let mut said = Vec::with_capacity(cuts.len());
    for (i, &cut) in cuts.iter().enumerate() {
        let at = rfc3339(bars.open_time[cut]);
        said.push(runs.run(&format!("cut {} of {} after the bar of {at}", i + 1, cuts.len()), cut + 1, on_run)?);
    }
    let whole = runs.whole("the run on all bars", on_run)?;
    let again = runs.whole("the second run on all bars", on_run)?;
    let reacts = runs.reacts(&whole, on_run)?;

    let mut found = Vec::new();
    for (&cut, path) in cuts.iter().zip(&said) {
        let last = clock.last_stamp(cut);
        if let Some(change) = difference(&whole, &runs.output("a cut", path)?, i64::MIN..=last) {
            let reach = clock.row_of(change.first).map_or(1, |row| cut + 1 - row.min(cut));
            found.push((change, reach));
        }
    }
    let against_file = match (file.ts.first(), file.ts.last()) {
        // Nobody can make signals of bars that are not there.
        (Some(&from), Some(&to)) => {
            difference(&whole, &file, from.max(clock.last_stamp(0))..=to.min(clock.last_stamp(bars.len() - 1)))
        }
        _ => None,
    };
    let also_given: Vec<String> = record.names().into_iter().filter(|name| !is_plain(name)).collect();
    let stamp = |difference: &Difference| rfc3339(difference.first);
    Ok(Lookahead {
        producer: producer.command().to_owned(),
        cuts: cuts.len(),
        changed: found.len(),
        first: found.iter().map(|(change, _)| change.first).min().map(rfc3339),
        reach_bars: found.iter().map(|(_, reach)| *reach).max(),
        repeats: difference(&whole, &again, i64::MIN..=i64::MAX).is_none(),
        reads_bars: reacts == Some(true),
        refuses_other_bars: reacts.is_none(),
        file: FileComparison {
            signals: file.len(),
            differing: against_file.as_ref().map_or(0, |d| d.stamps),
            first: against_file.as_ref().map(stamp),
        },
        signals_given: also_given.iter().filter(|name| is_signal(name, column)).cloned().collect(),
        also_given,
        columns,
        seed: setup.seed,
    })
}

/// The only column of a file that has none which q50 knows: there is nothing else that it could be about.
fn sole_column(signals: &Path) -> Option<String> {
    let names = Frame::column_names(&Input::open(signals).ok()?).ok()?;
    let mut others = names.iter().filter(|name| !is_plain(name));
    match (names.iter().any(|name| is_signal(name, None)), others.next(), others.next()) {
        (false, Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// The record as the producer is given it. Where it holds the signals that are judged, they are left out.
fn record(setup: &Examination<'_>, column: Option<&str>) -> Result<Table, DataError> {
    let table = Table::read(setup.bars)?;
    if setup.signals.canonicalize().ok() != setup.bars.canonicalize().ok() {
        return Ok(table);
    }
    table.without(|name| is_signal(name, column) && !is_plain(name))
}

/// Whether q50 reads a column of this name as a signal.
fn is_signal(name: &str, column: Option<&str>) -> bool {
    let named = |other: &str| name.eq_ignore_ascii_case(other);
    column.is_some_and(named) || SIGNAL_NAMES.iter().any(|signal| named(signal))
}

/// Whether a column is one that bars consist of.
fn is_plain(name: &str) -> bool {
    let plain = ["open", "high", "low", "close"];
    plain.iter().chain(&q50_datasets::names::TIME_NAMES).any(|known| name.eq_ignore_ascii_case(known))
}

/// Which bar a signal belongs to.
struct Clock<'a> {
    open_time: &'a [i64],
    interval_ms: i64,
    delay_ms: i64,
}

impl Clock<'_> {
    /// Row of the last bar that had closed when the signal of `stamp` became available.
    fn row_of(&self, stamp: i64) -> Option<usize> {
        let closed = stamp.saturating_add(self.delay_ms).saturating_sub(self.interval_ms);
        self.open_time.partition_point(|open| *open <= closed).checked_sub(1)
    }

    /// The latest stamp of a signal that was available when the bar of `row` closed.
    fn last_stamp(&self, row: usize) -> i64 {
        self.open_time[row].saturating_add(self.interval_ms).saturating_sub(self.delay_ms)
    }

    /// Rows from the first signal to the last, within the window, that are followed by another bar.
    fn rows_between(&self, stamps: &[i64], window: Option<(i64, i64)>) -> Range<usize> {
        let (from, to) = window.unwrap_or((i64::MIN, i64::MAX));
        let bound = |stamp: Option<&i64>| stamp.and_then(|stamp| self.row_of(*stamp));
        let first = bound(stamps.first()).unwrap_or(0).max(self.open_time.partition_point(|open| *open < from));
        let end = bound(stamps.last()).map_or(0, |row| row + 1).min(self.open_time.partition_point(|open| *open <= to));
        first..end.min(self.open_time.len().saturating_sub(1))
    }
}

/// Runs of the producer in a folder that is removed with them.
struct Runs<'a> {
    producer: &'a Producer,
    record: &'a Table,
    folder: tempfile::TempDir,
    options: SignalOptions,
    count: usize,
}

impl Runs<'_> {
    /// Runs the producer on the first `rows` bars. Returns where its answer is: kept on the disk until it is needed.
    fn run(&mut self, name: &str, rows: usize, on_run: &mut dyn FnMut(&str)) -> Result<PathBuf, LookaheadError> {
        let bars = self.next();
        self.record.write_first(rows, &bars)?;
        self.start(name, &bars, on_run)
    }

    fn whole(&mut self, name: &str, on_run: &mut dyn FnMut(&str)) -> Result<SignalTable, LookaheadError> {
        let out = self.run(name, self.record.bars().len(), on_run)?;
        self.output(name, &out)
    }

    /// Whether the producer says something else on other bars; `None` where it fails on them.
    fn reacts(&mut self, whole: &SignalTable, on_run: &mut dyn FnMut(&str)) -> Result<Option<bool>, LookaheadError> {
        let bars = self.next();
        self.record.write_reversed(&bars)?;
        match self.start("the run on bars in reverse order", &bars, on_run) {
            Ok(out) => Ok(Some(self.output("", &out).map_or(true, |other| !follows(whole, &other)))),
            Err(LookaheadError::Producer { source, .. }) if source.is_failure() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn next(&mut self) -> PathBuf {
        self.count += 1;
        self.folder.path().join(format!("{}-bars.parquet", self.count))
    }

    fn start(&self, name: &str, bars: &Path, on_run: &mut dyn FnMut(&str)) -> Result<PathBuf, LookaheadError> {
        on_run(name);
        let out = self.folder.path().join(format!("{}-signals.parquet", self.count));
        let ran = self.producer.run(bars, &out, &self.folder.path().join("said.txt"));
        ran.map_err(|source| LookaheadError::Producer { run: name.to_owned(), source })?;
        std::fs::remove_file(bars)?;
        Ok(out)
    }

    /// What the producer wrote. A table without a row says nothing, which is an answer.
    fn output(&self, name: &str, path: &Path) -> Result<SignalTable, LookaheadError> {
        match SignalTable::read(path, &self.options) {
            Ok(table) => Ok(table),
            Err(error) if error.is_empty() => {
                Ok(SignalTable::new(Vec::new(), q50_datasets::SignalColumns::default(), &SignalOptions::default())?)
            }
            Err(source) => Err(LookaheadError::Output { run: name.to_owned(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_signal_belongs_to_the_last_bar_that_had_closed_when_it_became_available() {
        let open_time = [0, HOUR, 2 * HOUR, 3 * HOUR];
        let clock = |delay_ms| Clock { open_time: &open_time, interval_ms: HOUR, delay_ms };
        // Stamped with the bar it was computed from, and known at its close.
        assert_eq!(clock(HOUR).row_of(HOUR), Some(1));
        assert_eq!(clock(HOUR).last_stamp(1), HOUR);
        // Stamped with the moment at which it was known: the close of the bar before.
        assert_eq!(clock(0).row_of(2 * HOUR), Some(1));
        assert_eq!(clock(0).last_stamp(1), 2 * HOUR);
        assert_eq!(clock(0).row_of(HOUR - 1), None, "no bar had closed");
    }

    #[test]
    fn a_pass_needs_a_cut_and_nothing_that_was_found() {
        let nothing = Lookahead {
            producer: String::new(),
            cuts: 1,
            changed: 0,
            first: None,
            reach_bars: None,
            repeats: true,
            reads_bars: true,
            refuses_other_bars: false,
            file: FileComparison { signals: 9, differing: 0, first: None },
            columns: Vec::new(),
            also_given: Vec::new(),
            signals_given: Vec::new(),
            seed: SEED,
        };
        assert!(nothing.passes() && !nothing.is_blind());
        let other_file = FileComparison { differing: 1, ..nothing.file.clone() };
        for found in [
            Lookahead { cuts: 0, ..nothing.clone() },
            Lookahead { changed: 1, ..nothing.clone() },
            Lookahead { repeats: false, ..nothing.clone() },
            Lookahead { reads_bars: false, ..nothing.clone() },
            Lookahead { file: other_file, ..nothing.clone() },
        ] {
            assert!(!found.passes(), "{found:?}");
            assert_eq!(found.is_blind(), !found.reads_bars, "{found:?}");
        }
    }

    #[test]
    fn cuts_stay_between_the_first_signal_and_the_last_within_the_window() {
        let open_time: Vec<i64> = (0..10).map(|i| i * HOUR).collect();
        let clock = Clock { open_time: &open_time, interval_ms: HOUR, delay_ms: HOUR };
        assert_eq!(clock.rows_between(&[2 * HOUR, 6 * HOUR], None), 2..7);
        assert_eq!(clock.rows_between(&[0, 9 * HOUR], None), 0..9, "a bar has to follow");
        assert_eq!(clock.rows_between(&[0, 9 * HOUR], Some((3 * HOUR, 5 * HOUR))), 3..6);
    }
}
