//! A light typed table: the wanted columns of a Parquet, Feather, CSV or JSON file, as numbers, times and text.
//!
//! Reading is lenient and remembers: a cell that does not fit its column becomes a hole (`NaN`, or [`NO_TIME`] among
//! times) and a [`BadCell`]. Callers that need sound data use [`Frame::strict`], which turns the first bad cell into an
//! error; `check` counts them instead. Only the wanted columns are decoded.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result, list};
use crate::input::Input;
use crate::names::{TIME_NAMES, find, time_column};
use crate::read::{self, Filled, Plan, Role};
pub use crate::read::{BadCell, NO_TIME};
pub use crate::reading::Reading;
use crate::source::Content;
use crate::time::{MOMENT, TimeForm};

/// Which columns to read. A name matches exactly or, where that fails, without regard to case, to angle brackets around
/// it, and to whether its words are joined by blanks, hyphens or underscores.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Whether a time column (see [`TIME_NAMES`]) is needed.
    pub time: bool,
    /// Numeric columns that must be there.
    pub numbers: Vec<&'a str>,
    /// Numeric columns to take where they are there.
    pub optional: Vec<&'a str>,
    /// Text columns that must be there.
    pub texts: Vec<&'a str>,
    /// Columns to take where they are there, as text where they hold a word and as numbers otherwise.
    pub either: Vec<&'a str>,
}

/// The wanted columns of a table, all of the same length.
#[derive(Clone, Debug)]
pub struct Frame {
    origin: PathBuf,
    rows: usize,
    time: Vec<i64>,
    numbers: Vec<(String, Vec<f64>)>,
    texts: Vec<(String, Vec<String>)>,
    bad: Vec<BadCell>,
    reading: Reading,
}

impl Frame {
    /// Reads the wanted columns of a Parquet, Feather (Arrow IPC) or CSV file; a CSV file may be compressed.
    ///
    /// Numbers become `f64` (floats, integers, booleans as 0 and 1, decimals; null and an empty cell are `NaN`),
    /// moments epoch milliseconds UTC, null text the empty string. A time column is an Arrow timestamp, an integer
    /// (`ts_ms`: milliseconds; otherwise seconds to nanoseconds by its size), or text as [`crate::time::parse_ms`]
    /// reads it.
    ///
    /// # Errors
    /// Where the file cannot be read or is no table, where columns are missing (all of them are named), and where a
    /// column has a type that can never be read as wanted.
    pub fn read(path: &Path, wanted: &Wanted<'_>) -> Result<Self> {
        Self::read_input(&Input::open(path)?, wanted)
    }

    /// As [`Frame::read`], of what is opened already.
    ///
    /// # Errors
    /// As [`Frame::read`].
    pub fn read_input(input: &Input, wanted: &Wanted<'_>) -> Result<Self> {
        let path = input.path();
        let plan = |names: &[String]| plan(path, names, wanted);
        let content = Content::of(input)?;
        let mut reading = Reading::new(input, content.format, content.compression);
        let columns = read::columns(path, content, plan)?;
        reading.time_form = columns.time_form;
        reading.assumed_names = columns.assumed_names;
        let mut frame = Self {
            origin: path.to_path_buf(),
            rows: 0,
            time: Vec::new(),
            numbers: Vec::new(),
            texts: Vec::new(),
            bad: columns.bad,
            reading,
        };
        for column in columns.filled {
            frame.rows = match column {
                Filled::Time(values) => {
                    frame.time = values;
                    frame.time.len()
                }
                Filled::Number(name, values) => {
                    frame.numbers.push((name, values));
                    frame.numbers.last().map_or(0, |(_, v)| v.len())
                }
                Filled::Text(name, values) => {
                    frame.texts.push((name, values));
                    frame.texts.last().map_or(0, |(_, v)| v.len())
                }
            };
        }
        frame.bad.sort_by_key(|cell| cell.row);
        Ok(frame)
    }

    /// The column names of a table, in order; those of klines without a header are known.
    ///
    /// # Errors
    /// Where the file cannot be read or is no table.
    pub fn column_names(input: &Input) -> Result<Vec<String>> {
        read::column_names(input)
    }

    /// The same frame, once no cell of it is bad.
    ///
    /// # Errors
    /// Names the first bad cell, and how many there are.
    pub fn strict(self) -> Result<Self> {
        let Some(cell) = self.bad.first() else { return Ok(self) };
        let more = match self.bad.len() - 1 {
            0 => String::new(),
            n => format!(", and {n} more such cells"),
        };
        let all = self.bad.iter().filter(|other| other.column == cell.column).count() == self.rows;
        let remedy = if all { of_column(cell) } else { "repair or remove the row" };
        Err(Error::new(Kind::Value, &self.origin, format!("found {}{more}", cell.found))
            .at_row(cell.row)
            .column(&cell.column)
            .expected(cell.expected)
            .remedy(remedy))
    }

    /// Refuses a table without a row.
    ///
    /// # Errors
    /// Where there is none.
    pub fn not_empty(self) -> Result<Self> {
        if self.rows == 0 {
            return Err(Error::new(Kind::Empty, &self.origin, "the table has columns but no row")
                .expected("at least one row")
                .remedy("check how the file was written"));
        }
        Ok(self)
    }

    /// The file it was read from.
    #[must_use]
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// How the file was read.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// How the moments of the time column were written, where there are any.
    #[must_use]
    pub fn time_form(&self) -> Option<TimeForm> {
        self.reading.time_form
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The time column, epoch milliseconds UTC; empty where none was wanted.
    #[must_use]
    pub fn time(&self) -> &[i64] {
        &self.time
    }

    /// A numeric column by the name it was wanted under.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<&[f64]> {
        self.numbers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// A text column by the name it was wanted under.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&[String]> {
        self.texts.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// Cells that their columns cannot hold, by row.
    #[must_use]
    pub fn bad_cells(&self) -> &[BadCell] {
        &self.bad
    }

    /// Moves the time column out.
    pub(crate) fn take_time(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.time)
    }

    /// Moves a text column out; `None` where it was not there, or held no word.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<Vec<String>> {
        let at = self.texts.iter().position(|(n, _)| n == name)?;
        Some(self.texts.swap_remove(at).1)
    }

    /// Moves a numeric column out; `None` where it was optional and not there.
    pub(crate) fn take_number(&mut self, name: &str) -> Option<Vec<f64>> {
        let at = self.numbers.iter().position(|(n, _)| n == name)?;
        Some(self.numbers.swap_remove(at).1)
    }
}

fn plan(path: &Path, names: &[String], wanted: &Wanted<'_>) -> Result<Plan> {
    let mut plan = Plan::new();
    let mut missing = Vec::new();
    if wanted.time {
        match time_column(names) {
            Some((at, clock)) => plan.push((at, Role::Time { clock })),
            None => missing.push(format!("a time column ({})", list(&TIME_NAMES[..9]))),
        }
    }
    let mut need = |wanted: &[&str], role: fn(String) -> Role| {
        for name in wanted {
            match find(names, name) {
                Some(at) => plan.push((at, role((*name).to_owned()))),
                None => missing.push(format!("`{name}`")),
            }
        }
    };
    need(&wanted.numbers, Role::Number);
    need(&wanted.texts, Role::Text);
    if !missing.is_empty() {
        return Err(missing_columns(path, &missing.join(", "), names));
    }
    let mut take = |wanted: &[&str], role: fn(String) -> Role| {
        plan.extend(wanted.iter().filter_map(|name| Some((find(names, name)?, role((*name).to_owned())))));
    };
    take(&wanted.optional, Role::Number);
    take(&wanted.either, Role::Either);
    Ok(plan)
}

/// What to do about a column of which no cell is as it has to be.
fn of_column(cell: &BadCell) -> &'static str {
    match cell.found.trim_end_matches('`') {
        _ if cell.expected == MOMENT => "export dates with the year first",
        found if found.ends_with('%') => "remove the % and divide by 100",
        found if found.contains(',') => "export numbers with a decimal point",
        _ => "export the column again",
    }
}

pub(crate) fn missing_columns(path: &Path, missing: &str, names: &[String]) -> Error {
    Error::new(Kind::MissingColumn, path, format!("missing {missing}"))
        .expected(format!("it among the file's columns {}", list(names)))
        .remedy("rename the columns, or name another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn all_missing_columns_are_named_at_once() {
        let (_dir, path) = csv("open,high\n1,2\n");
        let wanted = Wanted { time: true, numbers: vec!["open", "low", "close"], ..Wanted::default() };
        let e = Frame::read(&path, &wanted).unwrap_err();
        assert!(e.is_missing_column());
        for name in ["`ts_ms`", "`low`", "`close`", "`open`, `high`"] {
            assert!(e.to_string().contains(name), "{name} is not in: {e}");
        }
    }

    #[test]
    fn the_best_time_name_wins_and_case_is_forgiven() {
        let (_dir, path) = csv("timestamp,ts_ms,Close\n2024-01-01,5,7\n");
        let wanted = Wanted { time: true, numbers: vec!["close"], ..Wanted::default() };
        let frame = Frame::read(&path, &wanted).unwrap().strict().unwrap();
        assert_eq!(frame.time(), [5]);
        assert_eq!(frame.number("close"), Some([7.0].as_slice()));
    }

    #[test]
    fn a_bad_cell_is_a_hole_for_check_and_an_error_for_the_rest() {
        let (_dir, path) = csv("ts_ms,close\n1,2\n2,oops\nx,3\n");
        let wanted = Wanted { time: true, numbers: vec!["close"], ..Wanted::default() };
        let frame = Frame::read(&path, &wanted).unwrap();
        assert_eq!(frame.time(), [1, 2, NO_TIME]);
        assert!(frame.number("close").unwrap()[1].is_nan());
        assert_eq!(frame.bad_cells().len(), 2);
        let e = frame.strict().unwrap_err();
        assert_eq!((e.row(), e.column_name()), (Some(2), Some("close")));
        assert!(e.to_string().contains("`oops`, and 1 more"), "{e}");
    }

    #[test]
    fn a_column_that_is_written_otherwise_has_the_remedy_for_it() {
        for (text, remedy) in [
            ("ts_ms,close\n1,2%\n2,-3%\n", "remove the % and divide by 100"),
            ("ts_ms,close\n1,\"1,5\"\n2,\"2,5\"\n", "export numbers with a decimal point"),
            ("ts_ms,close\n31/01/2024,1\n01/02/2024,2\n", "export dates with the year first"),
        ] {
            let (_dir, path) = csv(text);
            let wanted = Wanted { time: true, numbers: vec!["close"], ..Wanted::default() };
            let e = Frame::read(&path, &wanted).unwrap().strict().unwrap_err();
            assert_eq!((e.row(), e.remedy_text()), (Some(1), Some(remedy)), "{e}");
        }
    }

    #[test]
    fn a_header_without_rows_is_empty() {
        let (_dir, path) = csv("ts_ms,close\n");
        let wanted = Wanted { time: true, ..Wanted::default() };
        assert!(Frame::read(&path, &wanted).unwrap().not_empty().unwrap_err().is_empty());
    }
}
