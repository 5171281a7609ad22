//! Readers: each turns the wanted columns of one format into numbers, times and text.
//!
//! Readers know formats and nothing about tables: a [`Plan`] says what to read, and [`Columns`] holds the result. They
//! are lenient and remember: a cell that does not fit its column becomes a hole (`NaN`, [`NO_TIME`]) and a [`BadCell`].

mod arrow;
pub(crate) mod cells;
pub(crate) mod csv;
pub(crate) mod ipc;
pub(crate) mod json;
pub(crate) mod parquet;
pub(crate) mod pickle;

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::input::Input;
use crate::source::{Content, Format};
use crate::time::TimeForm;

/// Stands in a time column where the file has no readable moment.
pub const NO_TIME: i64 = i64::MIN;

/// A cell that its column cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// Data row, counted from 0.
    pub row: usize,
    /// Column.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: &'static str,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Moments. A date may have its time of day in a column of its own, at this position.
    Time { clock: Option<usize> },
    /// Numbers, under the name that they were wanted by.
    Number(String),
    /// Text, under the name that it was wanted by.
    Text(String),
    /// Numbers or words, whichever the column holds, under the name that they were wanted by.
    Either(String),
}

/// Positions of columns in the file, and their roles.
pub(crate) type Plan = Vec<(usize, Role)>;

/// A filled column.
#[derive(Debug)]
pub(crate) enum Filled {
    Time(Vec<i64>),
    Number(String, Vec<f64>),
    Text(String, Vec<String>),
}

/// What a reader hands over.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) filled: Vec<Filled>,
    pub(crate) bad: Vec<BadCell>,
    /// How the moments were written, where there is a time column with a moment in it.
    pub(crate) time_form: Option<TimeForm>,
    /// Whether the names were not in the file but known from its layout.
    pub(crate) assumed_names: bool,
}

/// Reads the columns that `plan` picks by their names.
pub(crate) fn columns(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    match content.format {
        Format::Parquet => parquet::read(path, content, plan),
        Format::ArrowIpc => ipc::read(path, content, plan),
        Format::Pickle => pickle::read(path, content, plan),
        Format::Csv => csv::read(path, content, plan),
        Format::Json => json::read(path, content, plan),
        other => Err(not_a_table(path, other)),
    }
}

/// The column names of a table, in order.
pub(crate) fn column_names(input: &Input) -> Result<Vec<String>> {
    let (path, content) = (input.path(), Content::of(input)?);
    match content.format {
        Format::Parquet => parquet::column_names(path, content),
        Format::ArrowIpc => ipc::column_names(path, content),
        Format::Pickle => pickle::column_names(path, content),
        Format::Csv => csv::column_names(path, content),
        Format::Json => json::column_names(path, content),
        other => Err(not_a_table(path, other)),
    }
}

fn not_a_table(path: &Path, format: Format) -> Error {
    let found = match format {
        Format::Qlib => "a Qlib provider directory",
        Format::Hummingbot => "a directory with a hummingbot run",
        Format::Parquet | Format::ArrowIpc | Format::Pickle | Format::Csv | Format::Json => "a table",
    };
    Error::new(Kind::Format, path, found)
        .expected("a Parquet, Feather, CSV or JSON file, or a pandas pickle")
        .remedy("convert it with `q50 data ingest`, or name the table inside")
}

/// A float that is an integer, as one; `None` beyond 2^53, where floats skip integers.
fn integral(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be integral and below 2^53")]
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// The file is of a format that it cannot be read as.
fn damaged(path: &Path, name: &str, remedy: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Format, path, format!("a damaged or unsupported {name} file: {cause}"))
        .remedy(remedy)
        .source(cause)
}
