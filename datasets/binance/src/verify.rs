//! Holds an archive and its catalog against what they should be, and lists every defect.
//!
//! Of the rows: gaps against the interval, bars that contradict themselves, prices that are none, settlements of funding that
//! are missing, and as many rows as the periods of the files have, give or take 1 %. A record begins with its first row (a
//! symbol was listed then) and ends with the last period that a file was said to cover. Of the catalog: that each file is,
//! byte for byte, what the archive gives; where it is not, what is wrong inside.

use std::collections::BTreeSet;
use std::path::Path;

use q50_datasets::check::{self, Severity, check_bars, check_table, gaps};
use q50_datasets::frame::{Frame, Wanted};
use q50_datasets::hash::file_hash;
use q50_datasets::qlib::Selection;
use q50_datasets::time::rfc3339;
use q50_datasets::{Bars, Input};
use serde::Serialize;

use crate::Error;
use crate::archive::{Archive, Series};
use crate::catalog::{Content, Planned, file_name, planned};
use crate::ingest::files;
use crate::rows::Settlement;

/// A number of rows may differ by this share from what is expected.
const TOLERANCE: f64 = 0.01;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// There is nothing.
    Empty,
    /// A symbol that the archive does not hold.
    UnknownSymbol,
    /// More time between two rows than the interval.
    Gap,
    /// A time that is no multiple of the interval.
    OffGrid,
    /// More or fewer rows than the period has.
    RowCount,
    /// A settlement of funding that is missing.
    MissingSettlement,
    /// A funding rate that is absent, or 100 % or more.
    Rate,
    /// A price that is absent or infinite.
    MissingPrice,
    /// A price of zero.
    ZeroPrice,
    /// A price below zero.
    NegativePrice,
    /// A high below, or a low above, another price of its bar.
    InconsistentBar,
    /// A row that is earlier than the one before it.
    Unsorted,
    /// A time that an earlier row has.
    DuplicateTimestamp,
    /// A file of the catalog that is not there.
    MissingFile,
    /// A file of the catalog that cannot be read.
    Unreadable,
    /// A file of the catalog that is not what the archive gives.
    Differs,
}

impl DefectKind {
    /// What to do about it.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Empty => "ingest files first",
            Self::UnknownSymbol => "check the spelling, or ingest its files; remove a file that is of no symbol here",
            Self::Gap | Self::RowCount | Self::MissingSettlement => {
                "fetch the files of that time and ingest them; where none were published, use the record before or after it"
            }
            Self::OffGrid
            | Self::Rate
            | Self::MissingPrice
            | Self::ZeroPrice
            | Self::NegativePrice
            | Self::InconsistentBar => {
                "fetch the file again and ingest it into a new folder; where it was published so, use the record before or after it"
            }
            Self::Unsorted | Self::DuplicateTimestamp | Self::MissingFile | Self::Unreadable | Self::Differs => {
                "make the catalog again: q50 data rebuild DIR"
            }
        }
    }

    fn of(kind: check::DefectKind) -> Option<Self> {
        Some(match kind {
            check::DefectKind::Empty => Self::Empty,
            check::DefectKind::MissingPrice => Self::MissingPrice,
            check::DefectKind::ZeroPrice => Self::ZeroPrice,
            check::DefectKind::NegativePrice => Self::NegativePrice,
            check::DefectKind::InconsistentBar => Self::InconsistentBar,
            check::DefectKind::Unsorted => Self::Unsorted,
            check::DefectKind::DuplicateTimestamp => Self::DuplicateTimestamp,
            _ => return None,
        })
    }
}

/// One kind of defect in one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Defect {
    /// The file of the catalog, or the folder where it is at fault as a whole.
    pub file: String,
    /// What it is.
    pub kind: DefectKind,
    /// How many rows have it.
    pub count: usize,
    /// The first of them, RFC 3339; `None` where no time is at fault.
    pub time: Option<String>,
    /// One sentence with the figures.
    pub detail: String,
    /// What to do.
    pub remedy: &'static str,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// `q50.data-verify/1`.
    pub schema: &'static str,
    /// The folder.
    pub folder: String,
    /// The symbols that were looked at.
    pub symbols: Vec<String>,
    /// Files of the catalog that were made again and compared.
    pub files: usize,
    /// Rows in them.
    pub rows: usize,
    /// Whether nothing was found.
    pub sound: bool,
    /// What was.
    pub defects: Vec<Defect>,
}

/// Looks at everything in a folder, or at one symbol.
///
/// # Errors
/// Where there is no archive, or it cannot be read.
pub fn verify(folder: &Path, symbol: Option<&str>) -> Result<Verified, Error> {
    let archive = Archive::open_to_read(folder)?;
    let all = archive.series()?;
    let known: BTreeSet<&str> = all.iter().map(|series| series.symbol.as_str()).collect();
    let mut found = Found { place: folder.display().to_string(), defects: Vec::new() };
    if all.is_empty() {
        found.add(DefectKind::Empty, 1, None, "the archive holds no row".to_owned());
    }
    if let Some(symbol) = symbol.filter(|symbol| !known.contains(symbol)) {
        let known: Vec<&str> = known.iter().copied().collect();
        let detail = format!("no symbol `{symbol}` there; it holds {}", known.join(", "));
        found.add(DefectKind::UnknownSymbol, 1, None, detail);
    }
    let looked_at: Vec<&Series> = all.iter().filter(|one| symbol.is_none_or(|symbol| symbol == one.symbol)).collect();
    let (mut names, mut rows) = (BTreeSet::new(), 0);
    let again = tempfile::tempdir().map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
    for series in &looked_at {
        found.published(&archive, series)?;
        for planned in planned(&archive, series)? {
            let made = again.path().join("again.parquet");
            planned.write(&made)?;
            found.file(folder, &planned, &made)?;
            rows += planned.times().len();
            names.insert(planned.name);
        }
    }
    found.strangers(folder, symbol, &names)?;
    let symbols: BTreeSet<String> = looked_at.iter().map(|series| series.symbol.clone()).collect();
    Ok(Verified {
        schema: "q50.data-verify/1",
        folder: folder.display().to_string(),
        symbols: symbols.into_iter().collect(),
        files: names.len(),
        rows,
        sound: found.defects.is_empty(),
        defects: found.defects,
    })
}

struct Found {
    /// The file that is being looked at.
    place: String,
    defects: Vec<Defect>,
}

impl Found {
    fn add(&mut self, kind: DefectKind, count: usize, time_ms: Option<i64>, detail: String) {
        if count > 0 {
            let (file, time) = (self.place.clone(), time_ms.map(rfc3339));
            self.defects.push(Defect { file, kind, count, time, detail, remedy: kind.remedy() });
        }
    }

    /// The rows as they were published.
    fn published(&mut self, archive: &Archive, series: &Series) -> Result<(), Error> {
        let Some(kind) = series.kind else {
            self.place = format!("{}_funding.parquet", series.symbol);
            self.settlements(&archive.funding(&series.symbol)?, archive.funding_to(&series.symbol)?);
            return Ok(());
        };
        for (interval, to_ms) in archive.published(series)? {
            self.place = file_name(&series.symbol, kind, interval);
            self.klines(&archive.bars(&series.symbol, kind, interval)?, to_ms);
        }
        Ok(())
    }

    fn klines(&mut self, bars: &Bars, to_ms: i64) {
        self.faults(&check_table(bars));
        let (times, interval_ms) = (&bars.open_time, bars.interval_ms);
        let gaps = gaps(times, interval_ms);
        let first = times.windows(2).find(|pair| pair[1] - pair[0] > interval_ms).map(|pair| pair[0] + interval_ms);
        let detail = format!("{} gaps with {} missing rows, the longest of {}", gaps.count, gaps.missing, gaps.longest);
        self.add(DefectKind::Gap, gaps.count, first, detail);
        let off: Vec<i64> = times.iter().copied().filter(|time| time % interval_ms != 0).collect();
        let detail = format!("{} rows open at no multiple of {interval_ms} ms", off.len());
        self.add(DefectKind::OffGrid, off.len(), off.first().copied(), detail);
        if let (Some(first), Some(last)) = (times.first(), times.last()) {
            let expected = usize::try_from((to_ms - first) / interval_ms).unwrap_or(0);
            self.row_count(times.len(), expected, last + interval_ms);
        }
    }

    fn row_count(&mut self, rows: usize, expected: usize, time_ms: i64) {
        if (rows as f64 - expected as f64).abs() > TOLERANCE * expected as f64 {
            let detail = format!("{rows} rows, expected {expected} give or take 1 %");
            self.add(DefectKind::RowCount, rows.abs_diff(expected), Some(time_ms), detail);
        }
    }

    fn settlements(&mut self, rows: &[Settlement], to_ms: i64) {
        const HOUR: i64 = 3_600_000;
        let (mut missing, mut first) = (0, None);
        for pair in rows.windows(2) {
            // Where the interval changes, either may be the one that lies between.
            let interval = HOUR * pair[0].interval_hours.max(pair[1].interval_hours);
            let lacking = (pair[1].time - pair[0].time) / interval - 1;
            if lacking > 0 {
                missing += lacking;
                first = first.or(Some(pair[0].time + interval));
            }
        }
        if let Some(last) = rows.last() {
            let interval = HOUR * last.interval_hours;
            let lacking = (to_ms - 1 - last.time) / interval;
            if lacking > 0 {
                missing += lacking;
                first = first.or(Some(last.time + interval));
            }
        }
        let detail = format!("{missing} settlements of {} are missing", missing + rows.len() as i64);
        self.add(DefectKind::MissingSettlement, missing as usize, first, detail);
        let bad: Vec<i64> =
            rows.iter().filter(|row| row.rate.is_nan() || row.rate.abs() >= 1.0).map(|row| row.time).collect();
        let detail = format!("{} rates are absent, or 100 % or more", bad.len());
        self.add(DefectKind::Rate, bad.len(), bad.first().copied(), detail);
    }

    /// What makes a table unfit.
    fn faults(&mut self, report: &check::DataReport) {
        for defect in report.defects.iter().filter(|defect| defect.severity == Severity::Fault) {
            let Some(kind) = DefectKind::of(defect.kind) else { continue };
            let time = defect.first.as_deref().and_then(q50_datasets::time::parse_ms);
            self.add(kind, defect.count, time, defect.detail.clone());
        }
    }

    /// A file of the catalog beside the one that the archive gives.
    fn file(&mut self, folder: &Path, planned: &Planned, made: &Path) -> Result<(), Error> {
        let path = folder.join(&planned.name);
        self.place.clone_from(&planned.name);
        if !path.is_file() {
            self.add(DefectKind::MissingFile, 1, None, "it is not there".to_owned());
        } else if file_hash(&path)? != file_hash(made)? {
            self.differs(&path, planned);
        }
        Ok(())
    }

    fn differs(&mut self, path: &Path, planned: &Planned) {
        let read = |time| -> q50_datasets::Result<Vec<i64>> {
            let frame = Frame::read(path, &Wanted { time, ..Wanted::default() })?;
            Ok(frame.time().to_vec())
        };
        let times = match read(true) {
            Ok(times) => times,
            Err(error) => return self.add(DefectKind::Unreadable, 1, None, format!("it cannot be read: {error}")),
        };
        let expected = planned.times();
        let other = times.iter().zip(&expected).position(|(found, expected)| found != expected);
        let at = other.unwrap_or(times.len().min(expected.len()));
        let detail = match other.is_some() || times.len() != expected.len() {
            true => format!("{} rows, where the archive gives {}", times.len(), expected.len()),
            false => "other values than the archive gives".to_owned(),
        };
        self.add(DefectKind::Differs, 1, expected.get(at).or(times.get(at)).copied(), detail);
        if let Some(last) = times.last() {
            self.row_count(times.len(), expected.len(), *last);
        }
        match &planned.content {
            Content::Bars(_) => match Input::open(path).and_then(|input| check_bars(&input, &Selection::default())) {
                Ok(report) => self.faults(&report),
                Err(error) => self.add(DefectKind::Unreadable, 1, None, format!("it holds no bars: {error}")),
            },
            Content::Funding(_) => self.order(&times),
        }
    }

    fn order(&mut self, times: &[i64]) {
        let later = |equal: bool| times.windows(2).filter(move |p| if equal { p[1] == p[0] } else { p[1] < p[0] });
        let (unsorted, twice) = (later(false).count(), later(true).count());
        let detail = format!("{unsorted} rows are earlier than the row before them");
        self.add(DefectKind::Unsorted, unsorted, later(false).next().map(|pair| pair[1]), detail);
        let detail = format!("{twice} rows repeat the time of the row before them");
        self.add(DefectKind::DuplicateTimestamp, twice, later(true).next().map(|pair| pair[1]), detail);
    }

    /// Tables in the folder that the archive does not give.
    fn strangers(&mut self, folder: &Path, symbol: Option<&str>, names: &BTreeSet<String>) -> Result<(), Error> {
        for path in files(folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_looked_at =
                symbol.is_none_or(|symbol| name.strip_prefix(symbol).is_some_and(|r| r.starts_with('_')));
            if name.ends_with(".parquet") && !name.starts_with('.') && is_looked_at && !names.contains(&name) {
                self.place = name;
                self.add(
                    DefectKind::UnknownSymbol,
                    1,
                    None,
                    "the archive holds no such symbol or timeframe".to_owned(),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn found() -> Found {
        Found { place: "x".to_owned(), defects: Vec::new() }
    }

    #[test]
    fn an_archive_without_a_row_is_a_defect() {
        let dir = tempfile::tempdir().unwrap();
        Archive::open(dir.path()).unwrap();
        let verified = verify(dir.path(), None).unwrap();
        assert_eq!((verified.sound, verified.defects[0].kind), (false, DefectKind::Empty));
    }

    /// Settlements at these hours, each with the hours since the one before it.
    fn settlements(rows: &[(i64, i64)], to_hour: i64) -> Vec<(DefectKind, usize, Option<String>)> {
        let rows: Vec<Settlement> = rows
            .iter()
            .map(|(hour, interval_hours)| {
                let time = hour * HOUR;
                Settlement { time, calc_time: time + 3, interval_hours: *interval_hours, rate: 0.000_1 }
            })
            .collect();
        let mut found = found();
        found.settlements(&rows, to_hour * HOUR);
        found.defects.into_iter().map(|defect| (defect.kind, defect.count, defect.time)).collect()
    }

    #[test]
    fn settlements_are_counted_by_the_interval_that_each_states() {
        assert_eq!(settlements(&[(0, 8), (8, 8), (16, 8)], 24), []);
        // From eight hours to four and back.
        assert_eq!(settlements(&[(0, 8), (8, 8), (12, 4), (16, 4), (24, 8)], 32), []);
        let at = |hour: i64| Some(rfc3339(hour * HOUR));
        assert_eq!(settlements(&[(0, 8), (16, 8)], 24), [(DefectKind::MissingSettlement, 1, at(8))]);
        assert_eq!(settlements(&[(0, 8), (8, 8)], 32), [(DefectKind::MissingSettlement, 2, at(16))]);
    }

    #[test]
    fn rows_may_differ_from_their_period_by_one_per_cent() {
        for (rows, defects) in [(990, 0), (989, 1), (1_010, 0), (1_011, 1)] {
            let mut found = found();
            found.row_count(rows, 1_000, 0);
            assert_eq!(found.defects.len(), defects, "{rows}");
        }
    }
}
