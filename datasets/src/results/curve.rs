//! Returns or equity over time, from any table with a time column.

use std::path::Path;

use super::Stated;
use crate::bars::{ascending, interval};
use crate::error::{Error, Kind, Result, list, quoted};
use crate::frame::{Frame, Reading, Wanted};
use crate::input::Input;
use crate::names::find;
use crate::read::{cells::number, csv};
use crate::returns::{candidates, choose, is_dated_row};
use crate::source::{Content, Format};
use crate::time::{TimeForm, Zone, parse, rfc3339};

/// Names of a column of equity, best first, where a table has several columns.
const EQUITY_NAMES: [&str; 8] =
    ["equity", "portfolio_value", "total_equity", "account_value", "value", "balance", "close", "0"];
/// Names of a column of returns, best first.
const RETURN_NAMES: [&str; 8] =
    ["returns", "return", "strategy", "daily_returns", "daily_return", "ret", "pct_change", "0"];

/// A year of 365 days, milliseconds.
const YEAR_MS: f64 = 365.0 * 86_400_000.0;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveKind {
    /// Simple returns, fractions: 0.01 is 1 %.
    Returns,
    /// Worth of the account, above zero.
    Equity,
}

/// A column of returns or of equity with its times.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Opening of each period, epoch milliseconds UTC, ascending; a value belongs to its period's end.
    pub time: Vec<i64>,
    /// The most common distance between two rows, milliseconds.
    pub interval_ms: i64,
    /// One value a period, finite.
    pub values: Vec<f64>,
    /// Rows without a value, which were left out.
    pub dropped: usize,
    /// The column that was taken.
    pub column: String,
    /// How the file was read.
    pub reading: Reading,
    /// What the file states about itself.
    pub stated: Stated,
}

impl Curve {
    /// Leaves the rows from `from` to `to`, both included, epoch milliseconds.
    ///
    /// # Errors
    /// Fewer than two are left.
    pub fn between(&mut self, from: i64, to: i64) -> Result<()> {
        let first = self.time.partition_point(|time| *time < from);
        let end = self.time.partition_point(|time| *time <= to);
        if end < first + 2 {
            let found = format!("{} rows from {} to {}", end.saturating_sub(first), rfc3339(from), rfc3339(to));
            let has = format!("at least two; the rows are from {}", rfc3339(self.time[0]));
            return Err(Error::new(Kind::Overlap, &self.reading.file, found).expected(has).remedy("widen the period"));
        }
        if (first, end) != (0, self.time.len()) {
            // What a file states is said of all of it.
            self.stated.max_drawdown = None;
        }
        (self.time, self.values) = (self.time[first..end].to_vec(), self.values[first..end].to_vec());
        Ok(())
    }
}

/// Reads a column of returns or of equity with its times: Parquet, Feather, CSV (with or without a header), JSON or a pickle.
///
/// Rows without a value are left out and counted. Times without a zone are those of `zone`, else UTC.
///
/// # Errors
/// Where the file cannot be read, has no times or fewer than two rows, its times are out of order, the column is not there or
/// not the only one (the choices are listed), or a value cannot be what the column is said to hold: a return of -1 or
/// below, equity at or below zero, or the one taken for the other.
pub fn read_curve(path: &Path, kind: CurveKind, column: Option<&str>, zone: Option<&Zone>) -> Result<Curve> {
    let input = Input::open(path)?;
    let Columns { mut time, mut values, column, mut reading, alternatives } = match headless(&input)? {
        Some(read) => read,
        None => named(&input, kind, column)?,
    };
    if let (Some(zone), Some(TimeForm::WithoutZone)) = (zone, reading.time_form) {
        let mut previous = None;
        for time in &mut time {
            *time = zone.after(previous, *time).ok_or_else(|| zone.refuses(path, *time))?;
            previous = Some(*time);
        }
        reading.time_form = Some(TimeForm::WithZone);
    }
    ascending(path, &time)?;
    let rows = values.len();
    let known: Vec<bool> = values.iter().map(|value| !value.is_nan()).collect();
    let mut keep = known.iter();
    time.retain(|_| keep.next().is_none_or(|known| *known));
    values.retain(|value| !value.is_nan());
    sound(path, kind, &column, &values)?;
    let Some(interval_ms) = interval(&time) else {
        return Err(Error::new(Kind::Empty, path, format!("{} rows with a value", values.len()))
            .column(&column)
            .expected("at least two")
            .remedy("give a longer file"));
    };
    let dropped = rows - values.len();
    let fall = stated_drawdown(&input, kind)?;
    let stated = Stated {
        name: if fall.is_some() { "backtesting.py" } else { "table" },
        max_drawdown: fall,
        layout: match kind {
            CurveKind::Returns => "returns",
            CurveKind::Equity => "equity",
        },
        file: reading.file.clone(),
        alternatives: Some(alternatives).filter(|count| *count > 1),
        notes: notes(&column, dropped, reading.time_form)
            .into_iter()
            .chain(per_cent(kind, &values, interval_ms))
            .collect(),
        ..Stated::default()
    };
    Ok(Curve { time, interval_ms, values, dropped, column, reading, stated })
}

/// The largest drawdown that backtesting.py writes beside its equity.
fn stated_drawdown(input: &Input, kind: CurveKind) -> Result<Option<f64>> {
    const FALL: &str = "DrawdownPct";
    let names = Frame::column_names(input)?;
    let is_theirs = ["Equity", FALL, "DrawdownDuration"].iter().all(|name| names.iter().any(|own| own == name));
    if kind == CurveKind::Returns || !is_theirs {
        return Ok(None);
    }
    let frame = Frame::read_input(input, &Wanted { numbers: vec![FALL], ..Wanted::default() })?;
    let falls = frame.number(FALL).unwrap_or_default();
    Ok(falls.iter().copied().filter(|fall| fall.is_finite()).reduce(f64::max))
}

struct Columns {
    time: Vec<i64>,
    values: Vec<f64>,
    column: String,
    reading: Reading,
    /// Columns that this one was chosen from, itself included.
    alternatives: u64,
}

/// The columns of a table with names.
fn named(input: &Input, kind: CurveKind, column: Option<&str>) -> Result<Columns> {
    let path = input.path();
    let names = Frame::column_names(input)?;
    let usual = match kind {
        CurveKind::Returns => &RETURN_NAMES,
        CurveKind::Equity => &EQUITY_NAMES,
    };
    let preferred = || usual.iter().find_map(|name| find(&names, name)).map(|at| names[at].clone());
    let name = match choose(path, &names, column) {
        Err(error) if error.is_choice() => preferred().ok_or(error)?,
        chosen => chosen?,
    };
    let wanted = Wanted { time: true, numbers: vec![&name], ..Wanted::default() };
    let mut frame = Frame::read_input(input, &wanted)?.strict()?.not_empty()?;
    let values = frame.take_number(&name).unwrap_or_default();
    let alternatives = alternatives(&names, usual, &name);
    Ok(Columns { time: frame.take_time(), values, column: name, reading: frame.reading().clone(), alternatives })
}

/// A column by its usual name is what the table is about, and what stands beside it are other figures of one run. Among
/// columns of any names, or of numbers as pandas gives them, each is a run.
fn alternatives(names: &[String], usual: &[&str], chosen: &str) -> u64 {
    let is_numbered = |name: &str| name.parse::<u64>().is_ok();
    let is_usual = |name: &str| !is_numbered(name) && usual.iter().any(|one| one.eq_ignore_ascii_case(name));
    if is_usual(chosen) {
        return 1;
    }
    candidates(names).iter().filter(|name| !is_usual(name)).count().max(1) as u64
}

/// A date and a number a line, without a header; `None` for any other file.
fn headless(input: &Input) -> Result<Option<Columns>> {
    let path = input.path();
    let content = Content::of(input)?;
    if content.format != Format::Csv {
        return Ok(None);
    }
    let mut reading = Reading::new(input, content.format, content.compression);
    let table = csv::Table::open(path, content)?;
    if table.headless() && table.width() == 1 {
        return Err(Error::new(Kind::MissingColumn, path, "numbers without times")
            .expected("a time beside each value")
            .remedy("export the index too; q50 stats --returns takes numbers alone"));
    }
    if !is_dated_row(&table.first()) {
        return Ok(None);
    }
    let (mut times, mut values, mut zoned) = (Vec::new(), Vec::new(), true);
    let mut wrong = None;
    table.rows(path, true, |row, record| {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        match (parse(cell(0)), number(cell(1))) {
            (Some((time, with_zone)), Some(value)) => {
                times.push(time);
                values.push(value);
                zoned &= with_zone;
            }
            _ => wrong = wrong.take().or_else(|| Some((row, format!("{} {}", quoted(cell(0)), quoted(cell(1)))))),
        }
    })?;
    if let Some((row, found)) = wrong {
        return Err(Error::new(Kind::Value, path, format!("found {found}"))
            .at_row(row)
            .expected("a date and a number"));
    }
    reading.time_form = Some(if zoned { TimeForm::WithZone } else { TimeForm::WithoutZone });
    Ok(Some(Columns { time: times, values, column: "value".to_owned(), reading, alternatives: 1 }))
}

fn sound(path: &Path, kind: CurveKind, column: &str, values: &[f64]) -> Result<()> {
    let fault = |row: usize, expected: &str, remedy: &str| {
        Err(Error::new(Kind::Value, path, format!("found {}", values[row]))
            .at_row(row)
            .column(column)
            .expected(expected)
            .remedy(remedy))
    };
    match kind {
        CurveKind::Returns => {
            if values.len() > 1 && values.iter().all(|value| *value > 1.0) {
                return fault(0, "returns, fractions: 0.01 is 1 %", "this looks like equity: give it with --equity");
            }
            match values.iter().position(|value| !(value.is_finite() && *value > -1.0)) {
                Some(row) => fault(
                    row,
                    "a return above -1, where everything is lost",
                    "returns are fractions: divide per cent by 100",
                ),
                None => Ok(()),
            }
        }
        CurveKind::Equity => match values.iter().position(|value| !(value.is_finite() && *value > 0.0)) {
            Some(row) => fault(
                row,
                "equity above zero",
                "give returns with --returns, and of gains the starting capital added to each",
            ),
            None => Ok(()),
        },
    }
}

fn notes(column: &str, dropped: usize, form: Option<TimeForm>) -> Vec<String> {
    let mut notes = vec![format!("column {}", list(&[column.to_owned()]))];
    if dropped > 0 {
        notes.push(format!("{dropped} rows without a value were left out"));
    }
    if form == Some(TimeForm::WithoutZone) {
        notes.push("times without a zone, taken as UTC (--time-zone)".to_owned());
    }
    notes
}

/// A word on returns that move more than 100 % a year, as those of few markets do and those in per cent do.
fn per_cent(kind: CurveKind, values: &[f64], interval_ms: i64) -> Option<String> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
    let volatility = (variance * YEAR_MS / interval_ms as f64).sqrt();
    (kind == CurveKind::Returns && volatility > 1.0).then(|| {
        format!(
            "the returns have a volatility of {:.0} % a year: if they are per cent, divide them by 100",
            100.0 * volatility
        )
    })
}

impl Zone {
    /// The error for a time of day that the zone left out when its clocks went forward.
    fn refuses(&self, path: &Path, time: i64) -> Error {
        let found = format!("{} is no time of {self}", rfc3339(time).trim_end_matches('Z'));
        Error::new(Kind::Value, path, found)
            .expected("local times of that zone")
            .remedy("check --time-zone; clocks that go forward leave an hour out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn read(text: &str, kind: CurveKind, zone: Option<&str>) -> Result<Curve> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("result.csv");
        std::fs::write(&path, text).unwrap();
        let zone = zone.map(|zone| zone.parse::<Zone>().unwrap());
        read_curve(&path, kind, None, zone.as_ref())
    }

    #[test]
    fn a_series_is_read_as_pandas_writes_it() {
        for text in [
            ",0\n1970-01-02,100\n1970-01-03,101\n",
            ",Equity,DrawdownPct\n1970-01-02 00:00:00,100,0\n1970-01-03 00:00:00,101,\n",
            "Date,group\n1970-01-02,100\n1970-01-03,101\n",
            "1970-01-02,100\n1970-01-03,101\n",
        ] {
            let curve = read(text, CurveKind::Equity, None).unwrap();
            assert_eq!((curve.time, curve.values), (vec![DAY, 2 * DAY], vec![100.0, 101.0]), "{text}");
            assert_eq!(curve.interval_ms, DAY);
        }
    }

    #[test]
    fn the_first_return_of_pandas_is_missing_and_left_out() {
        let curve = read("date,strategy\n1970-01-02,\n1970-01-03,0.01\n1970-01-04,-0.02\n", CurveKind::Returns, None);
        let curve = curve.unwrap();
        assert_eq!((curve.time, curve.dropped), (vec![2 * DAY, 3 * DAY], 1));
    }

    #[test]
    fn times_of_a_zone_are_brought_to_utc_and_an_hour_that_never_was_is_refused() {
        let hours = "time,equity\n2024-03-31 01:00:00,1\n2024-03-31 03:00:00,2\n2024-03-31 04:00:00,3\n";
        let curve = read(hours, CurveKind::Equity, Some("Europe/Berlin")).unwrap();
        assert_eq!(rfc3339(curve.time[0]), "2024-03-31T00:00:00Z");
        assert_eq!(rfc3339(curve.time[1]), "2024-03-31T01:00:00Z");
        let gone = "time,equity\n2024-03-31 01:00:00,1\n2024-03-31 02:30:00,2\n";
        let error = read(gone, CurveKind::Equity, Some("Europe/Berlin")).unwrap_err().to_string();
        assert!(error.contains("2024-03-31T02:30:00") && error.contains("Europe/Berlin"), "{error}");
        let curve = read(gone, CurveKind::Equity, Some("+02:00")).unwrap();
        assert_eq!(rfc3339(curve.time[1]), "2024-03-31T00:30:00Z");
    }

    /// Clocks in Berlin went from 03:00 back to 02:00 at 01:00 UTC.
    #[test]
    fn the_hour_that_comes_twice_in_autumn_is_two_hours_of_rows_in_order() {
        let rows =
            ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"].map(|time| format!("2024-10-27 {time}:00,1\n"));
        let curve = read(&format!("time,equity\n{}", rows.concat()), CurveKind::Equity, Some("Europe/Berlin")).unwrap();
        let first = parse("2024-10-26T23:30:00Z").unwrap().0;
        let half_hours: Vec<i64> = curve.time.iter().map(|time| (time - first) / 1_800_000).collect();
        assert_eq!(half_hours, [0, 1, 2, 3, 4, 5]);
        let twice = "time,equity\n2024-10-27 02:00:00,1\n2024-10-27 02:00:00,2\n2024-10-27 02:00:00,3\n";
        assert!(read(twice, CurveKind::Equity, Some("Europe/Berlin")).unwrap_err().is_order());
    }

    #[test]
    fn returns_and_equity_are_not_taken_for_each_other() {
        let equity = "date,x\n1970-01-02,100\n1970-01-03,101\n";
        assert!(read(equity, CurveKind::Returns, None).unwrap_err().to_string().contains("--equity"));
        let returns = "date,x\n1970-01-02,0.01\n1970-01-03,-0.01\n";
        let error = read(returns, CurveKind::Equity, None).unwrap_err();
        assert!(error.row() == Some(2) && error.to_string().contains("--returns"), "{error}");
        let per_cent = "date,x\n1970-01-02,1.5\n1970-01-03,-1.2\n";
        assert!(read(per_cent, CurveKind::Returns, None).unwrap_err().to_string().contains("divide per cent by 100"));
    }

    /// A deviation of 0.071 a day is 135 % a year of 365 days; a hundredth of it is 1.35 %.
    #[test]
    fn returns_that_may_be_per_cent_have_a_word_on_it() {
        let told = |scale: f64| {
            let text = format!("date,x\n1970-01-02,{}\n1970-01-03,{}\n", 0.05 * scale, -0.05 * scale);
            read(&text, CurveKind::Returns, None).unwrap().stated.notes.join("; ")
        };
        assert!(told(1.0).contains("volatility of 135 % a year: if they are per cent"), "{}", told(1.0));
        assert!(!told(0.01).contains("per cent"), "{}", told(0.01));
    }

    #[test]
    fn a_column_is_chosen_by_its_usual_name_or_has_to_be_named() {
        let text = "date,Equity,cash\n1970-01-02,100,5\n1970-01-03,101,6\n";
        assert_eq!(read(text, CurveKind::Equity, None).unwrap().column, "Equity");
        let error = read(text, CurveKind::Returns, None).unwrap_err();
        assert!(error.is_choice(), "{error}");
    }
}
