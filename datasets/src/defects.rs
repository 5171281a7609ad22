//! The defects of a table of bars or signals that were read, sound or not.

use std::collections::HashMap;
use std::ops::Range;

use crate::bars::{Bars, interval};
use crate::columns::{SignalColumns, allowed, expectation};
use crate::frame::{BadCell, NO_TIME};
use crate::report::{DataReport, Defect, DefectKind, Gaps, STUCK_ROWS, Severity};
use crate::side_codes::CodeCounts;
use crate::time::rfc3339;

/// The gaps of ascending `times` against `interval_ms`; disorder is passed over.
#[must_use]
pub fn gaps(times: &[i64], interval_ms: i64) -> Gaps {
    let mut gaps = Gaps::default();
    for distance in times.windows(2).filter_map(|w| w[1].checked_sub(w[0])) {
        if interval_ms > 0 && distance > interval_ms {
            let missing = usize::try_from(distance / interval_ms - 1).unwrap_or(0);
            gaps.count += 1;
            gaps.missing += missing;
            gaps.longest = gaps.longest.max(missing);
        }
    }
    gaps
}

/// Reports on the bars in `rows`; row numbers are those of the whole table.
pub(crate) fn report_bars(bars: &Bars, rows: Range<usize>, bad: &[BadCell]) -> DataReport {
    let (open, high) = (&bars.open[rows.clone()], &bars.high[rows.clone()]);
    let (low, close) = (&bars.low[rows.clone()], &bars.close[rows.clone()]);
    let mut found = Found::new("bars", &bars.open_time[rows.clone()], rows.start, bad);
    let any = |test: fn(f64) -> bool| {
        let columns = [open, high, low, close];
        move |i: usize| columns.iter().any(|c| test(c[i]))
    };
    let bad_price = any(|v| !v.is_finite());
    found.rows(DefectKind::MissingPrice, bad_price, "have a price that is absent or infinite");
    found.rows(DefectKind::ZeroPrice, any(|v| v == 0.0), "have a price of zero");
    found.rows(DefectKind::NegativePrice, any(|v| v < 0.0), "have a price below zero");
    let inconsistent =
        |i: usize| !bad_price(i) && (high[i] < open[i].max(close[i]).max(low[i]) || low[i] > open[i].min(close[i]));
    found.rows(DefectKind::InconsistentBar, inconsistent, "have a high below or a low above another of their prices");
    if let Some(volume) = &bars.volume {
        let volume = &volume[rows];
        found.rows(DefectKind::MissingVolume, |i| volume[i].is_nan(), "have no volume");
    }
    found.stuck("close", close);
    found.finish()
}

/// Reports on a table of signals.
pub(crate) fn report_signals(ts: &[i64], columns: &SignalColumns, bad: &[BadCell]) -> DataReport {
    let mut found = Found::new("signals", ts, 0, bad);
    let (crossing, of) = columns.crossing_rows();
    found.add(DefectKind::CrossingQuantiles, crossing.len(), crossing.first().copied(), || {
        let share = 100.0 * crossing.len() as f64 / of.max(1) as f64;
        format!("in {} of {of} rows ({share:.2} %) the quantiles are not in order", crossing.len())
    });
    for (name, column) in columns.present() {
        let expected = expectation(name).unwrap_or_default();
        found.rows(
            DefectKind::OutOfRange,
            |i| !allowed(name, column[i]),
            &format!("have in `{name}` something else than {expected}"),
        );
        found.rows(DefectKind::MissingValue, |i| column[i].is_nan(), &format!("have no value in `{name}`"));
    }
    if let Some(q50) = &columns.q50 {
        found.stuck("q50", q50);
    }
    found.report.codes = CodeCounts::of_followed(columns.side.as_deref(), columns.position.as_deref());
    found.finish()
}

/// Collects defects of one table.
struct Found<'a> {
    report: DataReport,
    times: &'a [i64],
    /// Rows of the file before the first one looked at.
    offset: usize,
}

impl<'a> Found<'a> {
    fn new(table: &'static str, times: &'a [i64], offset: usize, bad: &[BadCell]) -> Self {
        let known: Vec<(usize, i64)> = times.iter().copied().enumerate().filter(|(_, t)| *t != NO_TIME).collect();
        let plain: Vec<i64> = known.iter().map(|(_, t)| *t).collect();
        let interval_ms = interval(&plain);
        let report = DataReport {
            table,
            rows: times.len(),
            from: plain.iter().min().map(|t| rfc3339(*t)),
            to: plain.iter().max().map(|t| rfc3339(*t)),
            interval_ms,
            gaps: gaps(&plain, interval_ms.unwrap_or(0)),
            reading: None,
            codes: Vec::new(),
            defects: Vec::new(),
        };
        let mut found = Self { report, times, offset };
        if times.is_empty() {
            found.add(DefectKind::Empty, 1, None, || "the table has no row".to_owned());
        }
        found.add(DefectKind::UnreadableCell, bad.len(), bad.first().map(|c| c.row), || {
            let cell = &bad[0];
            format!(
                "{} cells cannot be read; the first holds {} in `{}`, not {}",
                bad.len(),
                cell.found,
                cell.column,
                cell.expected
            )
        });
        found.order(&known);
        if let Some(interval_ms) = interval_ms {
            found.grid(&known, interval_ms);
        }
        found
    }

    fn order(&mut self, known: &[(usize, i64)]) {
        let unsorted: Vec<usize> = known.windows(2).filter(|w| w[1].1 < w[0].1).map(|w| w[1].0).collect();
        self.add(DefectKind::Unsorted, unsorted.len(), unsorted.first().copied(), || {
            format!("{} rows are earlier than the row before them", unsorted.len())
        });
        let mut sorted = known.to_vec();
        sorted.sort_by_key(|(row, time)| (*time, *row));
        let mut again: Vec<usize> = sorted.windows(2).filter(|w| w[0].1 == w[1].1).map(|w| w[1].0).collect();
        again.sort_unstable();
        self.add(DefectKind::DuplicateTimestamp, again.len(), again.first().copied(), || {
            format!("{} rows repeat the timestamp of an earlier row", again.len())
        });
    }

    fn grid(&mut self, known: &[(usize, i64)], interval_ms: i64) {
        let gaps = self.report.gaps;
        let first = known.windows(2).find(|w| w[1].1.saturating_sub(w[0].1) > interval_ms).map(|w| w[0].0);
        self.add(DefectKind::Gap, gaps.count, first, || {
            format!(
                "{} gaps with {} missing rows, the longest of {}; the first follows this row",
                gaps.count, gaps.missing, gaps.longest
            )
        });
        let mut phases: HashMap<i64, usize> = HashMap::new();
        for (_, time) in known {
            *phases.entry(time.rem_euclid(interval_ms)).or_default() += 1;
        }
        let common = phases.into_iter().max_by_key(|(phase, count)| (*count, std::cmp::Reverse(*phase)));
        let Some((phase, _)) = common else { return };
        let off: Vec<usize> =
            known.iter().filter(|(_, t)| t.rem_euclid(interval_ms) != phase).map(|(r, _)| *r).collect();
        self.add(DefectKind::OffGrid, off.len(), off.first().copied(), || {
            format!("{} rows lie off the grid of {interval_ms} ms that the others share", off.len())
        });
    }

    /// Adds the rows for which `test` holds.
    fn rows(&mut self, kind: DefectKind, test: impl Fn(usize) -> bool, what: &str) {
        let hits: Vec<usize> = (0..self.times.len()).filter(|i| test(*i)).collect();
        self.add(kind, hits.len(), hits.first().copied(), || format!("{} rows {what}", hits.len()));
    }

    fn stuck(&mut self, name: &str, column: &[f64]) {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut start = 0;
        for i in 1..=column.len() {
            if i == column.len() || column[i] != column[start] {
                if i - start >= STUCK_ROWS {
                    runs.push((start, i - start));
                }
                start = i;
            }
        }
        let rows = runs.iter().map(|(_, len)| len).sum();
        let longest = runs.iter().map(|(_, len)| *len).max().unwrap_or(0);
        self.add(DefectKind::Stuck, rows, runs.first().map(|(start, _)| *start), || {
            format!(
                "`{name}` does not move in {} runs of at least {STUCK_ROWS} rows, the longest of {longest}",
                runs.len()
            )
        });
    }

    fn add(&mut self, kind: DefectKind, count: usize, row: Option<usize>, detail: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        let time = row.and_then(|r| self.times.get(r)).filter(|t| **t != NO_TIME);
        self.report.defects.push(Defect {
            kind,
            severity: kind.severity(),
            count,
            first: time.map(|t| rfc3339(*t)),
            row: row.map(|r| self.offset + r + 1),
            detail: detail(),
        });
    }

    fn finish(mut self) -> DataReport {
        self.report.defects.sort_by_key(|d| d.severity == Severity::Warning);
        self.report
    }
}
