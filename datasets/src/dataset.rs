//! Bars joined with the signals known at each close; checked, hashed and cut to a period.

use std::path::{Path, PathBuf};

use q50_engine::market::{Column, Market, Signals};
use serde::Serialize;

use crate::artefacts::Artefact;
use crate::bars::Bars;
use crate::defects::{gaps, report_bars};
use crate::error::{Error, Kind, Result};
use crate::hash::{HashColumn, content_hash};
use crate::input::Input;
use crate::join::{JoinRule, as_of};
use crate::qlib::Selection;
use crate::reading::Reading;
use crate::report::{DataReport, Gaps};
use crate::signals::{Crossings, SignalColumns, SignalOptions, SignalTable};
use crate::time::rfc3339;

/// How a dataset is read and joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetOptions {
    /// How signals are read.
    pub signals: SignalOptions,
    /// Which symbol and frequency of a Qlib provider is meant.
    pub selection: Selection,
    /// See [`JoinRule::delay_ms`]; one bar where absent.
    pub delay_ms: Option<i64>,
    /// See [`JoinRule::max_age_ms`]; one bar where absent.
    pub max_age_ms: Option<i64>,
}

/// What was found in the data of a [`Dataset`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetReport {
    /// The bars up to the end of the window, history included.
    pub bars: DataReport,
    /// The whole signal table; `None` for bars alone.
    pub signals: Option<DataReport>,
    /// Crossing quantiles of the whole signal table.
    pub crossings: Crossings,
}

/// Bars and joined signals, row-aligned, with a window that is traded.
#[derive(Clone, Debug)]
pub struct Dataset {
    bars: Bars,
    signals: SignalColumns,
    /// Whether a bar got a row of the signal table.
    joined: Vec<bool>,
    report: DatasetReport,
    /// How the bars were read, where a file holds them.
    reading: Option<Reading>,
    rule: Option<JoinRule>,
    bars_hash: String,
    hash: String,
    origin: PathBuf,
    /// First row that is traded, and the first one after the last.
    first: usize,
    end: usize,
}

impl Dataset {
    /// Reads bars and signals and joins them; without a path the signals are columns of the bars' own file.
    ///
    /// The window is the default one of [`Dataset::window`].
    ///
    /// # Errors
    /// As [`Bars::read`] and [`SignalTable::read`]; where the join rule would look ahead; and where no bar gets a
    /// signal (both ranges are in the message).
    pub fn read(bars: &Path, signals: Option<&Path>, options: &DatasetOptions) -> Result<Self> {
        let origin = bars;
        let bars = Input::open(origin)?;
        let table = match signals {
            Some(signals) => SignalTable::read(signals, &options.signals)?,
            None => SignalTable::read_input(&bars, &options.signals)?,
        };
        let (bars, reading) = Bars::read_input(&bars, &options.selection)?;
        let mut dataset = Self::checked(origin, bars)?;
        dataset.reading = reading;
        let rule = JoinRule::one_bar(dataset.bars.interval_ms);
        dataset.join(
            table,
            JoinRule {
                delay_ms: options.delay_ms.unwrap_or(rule.delay_ms),
                max_age_ms: options.max_age_ms.unwrap_or(rule.max_age_ms),
            },
        )?;
        Ok(dataset)
    }

    /// Reads bars alone; the default window is all of them.
    ///
    /// # Errors
    /// As [`Bars::read`].
    pub fn read_bars(bars: &Path, options: &DatasetOptions) -> Result<Self> {
        let (read, reading) = Bars::read_input(&Input::open(bars)?, &options.selection)?;
        let mut dataset = Self::checked(bars, read)?;
        dataset.reading = reading;
        Ok(dataset)
    }

    /// Joins bars and signals made in memory. `rule` defaults to [`JoinRule::one_bar`].
    ///
    /// # Errors
    /// Where the bars are not sound, the rule would look ahead, or no bar gets a signal.
    pub fn new(bars: Bars, table: &SignalTable, rule: Option<JoinRule>) -> Result<Self> {
        let mut dataset = Self::without_signals(bars)?;
        let rule = rule.unwrap_or_else(|| JoinRule::one_bar(dataset.bars.interval_ms));
        dataset.join(table.clone(), rule)?;
        Ok(dataset)
    }

    /// Bars alone; the default window is all of them.
    ///
    /// # Errors
    /// Where the bars are not sound.
    pub fn without_signals(bars: Bars) -> Result<Self> {
        Self::checked(Path::new("(bars in memory)"), bars)
    }

    fn checked(origin: &Path, bars: Bars) -> Result<Self> {
        bars.validate(origin)?;
        let end = bars.len();
        let mut dataset = Self {
            report: DatasetReport {
                bars: report_bars(&bars, 0..end, &[]),
                signals: None,
                crossings: Crossings::default(),
            },
            reading: None,
            signals: SignalColumns::default(),
            joined: vec![false; end],
            rule: None,
            bars_hash: String::new(),
            hash: String::new(),
            origin: origin.to_path_buf(),
            first: 0,
            end,
            bars,
        };
        dataset.bars_hash = dataset.content_hash();
        dataset.hash.clone_from(&dataset.bars_hash);
        Ok(dataset)
    }

    fn join(&mut self, table: SignalTable, rule: JoinRule) -> Result<()> {
        if rule.delay_ms < 0 || rule.max_age_ms <= 0 {
            let found = format!("a delay of {} ms and an age limit of {} ms", rule.delay_ms, rule.max_age_ms);
            return Err(Error::new(Kind::Value, &table.origin, found)
                .expected("a delay of at least 0 and an age limit above 0")
                .remedy("a negative delay would use signals before they exist"));
        }
        let rows = as_of(&self.bars.open_time, self.bars.interval_ms, &table.ts, rule);
        if rows.iter().all(Option::is_none) {
            return Err(Error::new(
                Kind::Overlap,
                &table.origin,
                format!(
                    "no bar has a signal: bars of {} open {}, signals are stamped {}",
                    self.origin.display(),
                    range(&self.bars.open_time),
                    range(&table.ts)
                ),
            )
            .remedy("give bars and signals of the same period, or allow a greater age"));
        }
        self.signals = table.columns.gather(&rows);
        self.joined = rows.iter().map(Option::is_some).collect();
        self.rule = Some(rule);
        self.report.signals = Some(table.report);
        self.report.crossings = table.crossings;
        self.hash = self.content_hash();
        self.set_window(None, None)
    }

    /// The same data with the window set: only bars that open in `[from_ms, to_ms]` (epoch milliseconds, both
    /// inclusive) are traded. What is absent defaults to the first and the last bar with a signal.
    ///
    /// Earlier bars stay as history from which percentiles and volatilities warm up; later bars are cut off from
    /// [`Dataset::market`], and a wider window brings them back. The hash does not depend on the window.
    ///
    /// # Errors
    /// Where no bar, or no bar with a signal, opens in the window; the ranges are in the message.
    pub fn window(mut self, from_ms: Option<i64>, to_ms: Option<i64>) -> Result<Self> {
        self.set_window(from_ms, to_ms)?;
        Ok(self)
    }

    fn set_window(&mut self, from_ms: Option<i64>, to_ms: Option<i64>) -> Result<()> {
        let times = &self.bars.open_time;
        let alone = self.report.signals.is_none();
        let covered = |row: &usize| alone || self.joined[*row];
        let earliest = (0..times.len()).find(covered).unwrap_or(0);
        let latest = (0..times.len()).rev().find(covered).unwrap_or(0);
        let first = from_ms.map_or(earliest, |from| times.partition_point(|t| *t < from));
        let end = to_ms.map_or(latest + 1, |to| times.partition_point(|t| *t <= to));
        if first >= end || !(first..end).any(|row| covered(&row)) {
            let bound = |ms: Option<i64>, open: &str| ms.map_or_else(|| open.to_owned(), rfc3339);
            let with = if alone { "bar" } else { "bar with a signal" };
            let mut found = format!(
                "no {with} opens from {} to {}: bars open {}",
                bound(from_ms, "the first signal"),
                bound(to_ms, "the last signal"),
                range(times)
            );
            if !alone {
                found += &format!(", bars with a signal {}", range(&[times[earliest], times[latest]]));
            }
            return Err(Error::new(Kind::Overlap, &self.origin, found).remedy("widen the period"));
        }
        (self.first, self.end) = (first, end);
        self.report.bars = report_bars(&self.bars, 0..end, &[]);
        Ok(())
    }

    /// The columns as the engine reads them: everything up to the end of the window, with `first` at its start.
    #[must_use]
    pub fn market(&self) -> Market<'_> {
        Market {
            open_time: &self.bars.open_time[..self.end],
            open: &self.bars.open[..self.end],
            high: &self.bars.high[..self.end],
            low: &self.bars.low[..self.end],
            close: &self.bars.close[..self.end],
            signals: self.known(),
            interval_ms: self.bars.interval_ms,
            first: self.first,
        }
    }

    /// The signals up to the end of the window, and the volume of the bars where there is one.
    fn known(&self) -> Signals<'_> {
        let signals = self.signals.as_signals(self.end);
        match &self.bars.volume {
            Some(volume) => signals.with(Column::Volume, &volume[..self.end]),
            None => signals,
        }
    }

    /// All bars, those outside the window included.
    #[must_use]
    pub fn bars(&self) -> &Bars {
        &self.bars
    }

    /// The joined columns, one row a bar of [`Dataset::bars`]; `NaN` where no signal was available.
    #[must_use]
    pub fn signals(&self) -> &SignalColumns {
        &self.signals
    }

    /// Rows of [`Dataset::bars`] in the window.
    #[must_use]
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.first..self.end
    }

    /// Bars in the window that have a signal.
    #[must_use]
    pub fn signal_count(&self) -> usize {
        self.joined[self.first..self.end].iter().filter(|has| **has).count()
    }

    /// Row of the last bar that has a signal; `None` without signals. Its forecast may be unusable, as one with crossed
    /// quantiles.
    #[must_use]
    pub fn last_signal(&self) -> Option<usize> {
        self.joined.iter().rposition(|has| *has)
    }

    /// One sentence where the signals are those of a list of sources, and end before the window or, where that ends with them, the
    /// bars do.
    #[must_use]
    pub fn stale(&self) -> Option<String> {
        let source = self.readings().into_iter().find_map(|reading| reading.source.clone())?;
        let last = self.last_signal()?;
        let (after, lack) = match self.end.checked_sub(last + 1)? {
            0 => (self.bars.len() - self.end, "are not judged"),
            after => (after, "have none"),
        };
        let until = rfc3339(self.bars.open_time[last]);
        (after > 0).then(|| format!("the signals of {source} end at {until}; the {after} bars after it {lack}"))
    }

    /// Missing bars inside the window.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        gaps(&self.bars.open_time[self.first..self.end], self.bars.interval_ms)
    }

    /// Opening times of the first and last bar of the window, epoch milliseconds.
    #[must_use]
    pub fn period(&self) -> (i64, i64) {
        (self.bars.open_time[self.first], self.bars.open_time[self.end - 1])
    }

    /// What was found in the data.
    #[must_use]
    pub fn report(&self) -> &DatasetReport {
        &self.report
    }

    /// How the files of the bars and of the signals were read; one entry where they are one file.
    #[must_use]
    pub fn readings(&self) -> Vec<&Reading> {
        let signals = self.report.signals.as_ref().and_then(|report| report.reading.as_ref());
        let both = self.reading.iter().chain(signals.filter(|signals| Some(*signals) != self.reading.as_ref()));
        both.collect()
    }

    /// What nobody could have traded among the bars of the window; rows are those of [`Dataset::bars`].
    #[must_use]
    pub fn artefacts(&self) -> Vec<Artefact> {
        self.bars.artefacts(self.rows())
    }

    /// Lets go of the traded volume, which of minutes takes megabytes: [`Dataset::artefacts`] asks for it, and few
    /// strategies do.
    pub fn drop_volume(&mut self) {
        self.bars.volume = None;
    }

    /// BLAKE3 (hex) of interval, bars and joined signals, all rows; the same for the same data in any format.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The same of interval and bars alone.
    #[must_use]
    pub fn bars_hash(&self) -> &str {
        &self.bars_hash
    }

    /// How the signals were joined, whether that was stated or the default; `None` for bars alone.
    #[must_use]
    pub fn rule(&self) -> Option<JoinRule> {
        self.rule
    }

    fn content_hash(&self) -> String {
        let bars = &self.bars;
        let interval = [bars.interval_ms];
        let mut columns =
            vec![("interval_ms", HashColumn::I64(&interval)), ("open_time", HashColumn::I64(&bars.open_time))];
        // Volume is left out: few strategies read it, and the specification of a run has it where one does.
        columns.extend(bars.prices().map(|(name, column)| (name, HashColumn::F64(column))));
        columns.extend(self.signals.present().map(|(name, column)| (name, HashColumn::F64(column))));
        content_hash(columns)
    }
}

/// The first and last of ascending times as text.
fn range(times: &[i64]) -> String {
    match (times.first(), times.last()) {
        (Some(first), Some(last)) => format!("from {} to {}", rfc3339(*first), rfc3339(*last)),
        _ => "never".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn bars(n: i64) -> Bars {
        let close: Vec<f64> = (0..n).map(|i| 100.0 + i as f64).collect();
        Bars::new((0..n).map(|i| i * HOUR).collect(), close.clone(), close.clone(), close.clone(), close, None).unwrap()
    }

    fn values(stamps: &[i64]) -> SignalTable {
        let value = Some(stamps.iter().map(|s| *s as f64).collect());
        let columns = SignalColumns { value, ..SignalColumns::default() };
        SignalTable::new(stamps.iter().map(|s| s * HOUR).collect(), columns, &SignalOptions::default()).unwrap()
    }

    #[test]
    fn the_market_runs_from_the_first_to_the_last_bar_with_a_signal_and_keeps_history() {
        let data = Dataset::new(bars(10), &values(&[3, 4, 6]), None).unwrap();
        let market = data.market();
        assert_eq!((market.first, market.len(), market.interval_ms), (3, 7, HOUR));
        let value = market.signals.get(Column::Value).unwrap();
        assert_eq!((value[3], value[4], value[6]), (3.0, 4.0, 6.0));
        assert!(value[2].is_nan() && value[5].is_nan(), "a missing hour is a missing hour");
        assert_eq!((data.signal_count(), data.rows(), data.period()), (3, 3..7, (3 * HOUR, 6 * HOUR)));
        assert!(!market.signals.has(Column::VolRaw), "a column the source lacks is absent, not NaN");
    }

    #[test]
    fn a_window_is_inclusive_at_both_ends_and_can_be_widened_again() {
        let data = Dataset::new(bars(10), &values(&[3, 4, 6]), None).unwrap();
        let narrow = data.window(Some(4 * HOUR), Some(5 * HOUR)).unwrap();
        assert_eq!((narrow.market().first, narrow.market().len()), (4, 6));
        let wide = narrow.window(Some(0), Some(i64::MAX)).unwrap();
        assert_eq!((wide.market().first, wide.market().len()), (0, 10));
    }

    #[test]
    fn signals_and_bars_that_do_not_overlap_are_an_error_with_both_ranges() {
        let e = Dataset::new(bars(4), &values(&[100, 101]), None).unwrap_err();
        assert!(e.is_overlap());
        for part in ["1970-01-01T00:00:00Z to 1970-01-01T03:00:00Z", "1970-01-05T04:00:00Z to 1970-01-05T05:00:00Z"] {
            assert!(e.to_string().contains(part), "{part} is not in: {e}");
        }
    }

    #[test]
    fn a_window_without_bars_or_without_signals_is_an_error_with_both_ranges() {
        let data = || Dataset::new(bars(10), &values(&[3, 4]), None).unwrap();
        for (from, to) in [(Some(50 * HOUR), None), (Some(6 * HOUR), Some(8 * HOUR)), (Some(4 * HOUR), Some(3 * HOUR))]
        {
            let e = data().window(from, to).unwrap_err();
            assert!(
                e.is_overlap() && e.to_string().contains("T09:00:00Z") && e.to_string().contains("T03:00:00Z"),
                "{e}"
            );
        }
    }

    #[test]
    fn a_delay_that_looks_ahead_is_refused() {
        let rule = Some(JoinRule { delay_ms: -1, max_age_ms: HOUR });
        assert!(Dataset::new(bars(4), &values(&[1]), rule).unwrap_err().is_value());
    }

    #[test]
    fn a_longer_delay_moves_signals_to_later_bars() {
        let rule = Some(JoinRule { delay_ms: 2 * HOUR, max_age_ms: HOUR });
        let data = Dataset::new(bars(4), &values(&[0]), rule).unwrap();
        assert_eq!(data.rows(), 1..2);
    }

    #[test]
    fn the_hash_changes_with_any_value_and_not_with_the_window() {
        let data = Dataset::new(bars(10), &values(&[3, 4]), None).unwrap();
        let hash = data.hash().to_owned();
        assert_eq!(data.window(Some(4 * HOUR), None).unwrap().hash(), hash);
        assert_ne!(Dataset::new(bars(10), &values(&[3, 5]), None).unwrap().hash(), hash);
        let mut other = bars(10);
        other.low[0] = 99.0;
        assert_ne!(Dataset::new(other, &values(&[3, 4]), None).unwrap().hash(), hash);
    }

    #[test]
    fn bars_alone_are_a_market_without_signals() {
        let data = Dataset::without_signals(bars(5)).unwrap();
        assert_eq!((data.market().first, data.market().len(), data.signal_count()), (0, 5, 0));
        assert!(data.report().signals.is_none());
        assert_eq!(data.window(Some(HOUR), Some(2 * HOUR)).unwrap().rows(), 1..3);
    }

    #[test]
    fn bars_changed_after_reading_are_checked_again() {
        let mut broken = bars(4);
        broken.close[2] = f64::NAN;
        assert_eq!(Dataset::without_signals(broken).unwrap_err().row(), Some(3));
    }

    #[test]
    fn bars_and_signals_may_be_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("both.csv");
        std::fs::write(&path, "ts_ms,open,high,low,close,alpha\n0,1,1,1,1,\n10,1,1,1,1,5\n20,1,1,1,1,6\n").unwrap();
        let mut options = DatasetOptions::default();
        options.signals.value = Some("alpha".to_owned());
        let data = Dataset::read(&path, None, &options).unwrap();
        assert_eq!(data.signals().value.as_deref().map(|v| v[2]), Some(6.0));
        assert_eq!(data.rows(), 0..3, "a row whose value is absent is a row all the same");
    }
}
