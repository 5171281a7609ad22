//! The crate's one error: which file, which place in it, what was found, what was expected, what to do.
//!
//! The parts are kept apart, so that a command can print them as text or as JSON, and a caller can ask for the kind of
//! fault (`is_missing_column`, `is_order`, ...) without matching on variants that would become a promise.

use std::fmt;
use std::path::{Path, PathBuf};

/// What every function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why data could not be read, joined or written.
#[derive(Debug)]
pub struct Error {
    // Boxed: an error is rare, and a `Result` that is as wide as one would be moved about on every good row.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: Kind,
    path: PathBuf,
    row: Option<usize>,
    column: Option<String>,
    found: String,
    expected: Option<String>,
    remedy: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of fault it is; asked through the predicates of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Io,
    Format,
    MissingColumn,
    Type,
    Value,
    Order,
    Crossing,
    Overlap,
    Empty,
    QlibIndex,
    Choice,
}

impl Error {
    pub(crate) fn new(kind: Kind, path: impl AsRef<Path>, found: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                path: path.as_ref().to_path_buf(),
                row: None,
                column: None,
                found: found.into(),
                expected: None,
                remedy: None,
                source: None,
            }),
        }
    }

    /// An operating system error at `path`; `doing` is a verb phrase such as "cannot open it".
    pub(crate) fn io(path: impl AsRef<Path>, doing: &str, source: std::io::Error) -> Self {
        let remedy = match source.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::InvalidInput => "name another file",
            std::io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
            _ => "check the path and the disk",
        };
        Self::new(Kind::Io, path, format!("{doing}: {source}")).remedy(remedy).source(source)
    }

    /// `index` counts from 0 as code does; a user counts data rows from 1.
    pub(crate) fn at_row(mut self, index: usize) -> Self {
        self.inner.row = Some(index + 1);
        self
    }

    pub(crate) fn column(mut self, name: impl Into<String>) -> Self {
        self.inner.column = Some(name.into());
        self
    }

    pub(crate) fn expected(mut self, what: impl Into<String>) -> Self {
        self.inner.expected = Some(what.into());
        self
    }

    pub(crate) fn remedy(mut self, what: impl Into<String>) -> Self {
        self.inner.remedy = Some(what.into());
        self
    }

    pub(crate) fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// The file or directory at fault; for data made in memory a name in brackets.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The data row at fault, counted from 1 without the header, where a row is at fault.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.inner.row
    }

    /// The column at fault, where a column is.
    #[must_use]
    pub fn column_name(&self) -> Option<&str> {
        self.inner.column.as_deref()
    }

    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn remedy_text(&self) -> Option<&str> {
        self.inner.remedy.as_deref()
    }

    /// The file could not be opened, read or written.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.inner.kind == Kind::Io
    }

    /// The content is not of a known format, or is damaged.
    #[must_use]
    pub fn is_format(&self) -> bool {
        self.inner.kind == Kind::Format
    }

    /// Columns that are needed are not there.
    #[must_use]
    pub fn is_missing_column(&self) -> bool {
        self.inner.kind == Kind::MissingColumn
    }

    /// A column holds another type than it must.
    #[must_use]
    pub fn is_type(&self) -> bool {
        self.inner.kind == Kind::Type
    }

    /// A value is outside what its column allows: a price of zero, a probability of 1.2, text among numbers.
    #[must_use]
    pub fn is_value(&self) -> bool {
        self.inner.kind == Kind::Value
    }

    /// Timestamps are not strictly ascending.
    #[must_use]
    pub fn is_order(&self) -> bool {
        self.inner.kind == Kind::Order
    }

    /// More quantiles cross than the policy allows.
    #[must_use]
    pub fn is_crossing(&self) -> bool {
        self.inner.kind == Kind::Crossing
    }

    /// Bars and signals, or bars and the asked period, have no row in common.
    #[must_use]
    pub fn is_overlap(&self) -> bool {
        self.inner.kind == Kind::Overlap
    }

    /// There is no data row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.kind == Kind::Empty
    }

    /// A Qlib series that does not fit its calendar.
    #[must_use]
    pub fn is_qlib_index(&self) -> bool {
        self.inner.kind == Kind::QlibIndex
    }

    /// The input holds several things of which the caller must name one (symbol, frequency, run, column).
    #[must_use]
    pub fn is_choice(&self) -> bool {
        self.inner.kind == Kind::Choice
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.inner;
        write!(f, "{}: ", e.path.display())?;
        match (e.row, &e.column) {
            (Some(row), Some(column)) => write!(f, "row {row}, column `{column}`: ")?,
            (Some(row), None) => write!(f, "row {row}: ")?,
            (None, Some(column)) => write!(f, "column `{column}`: ")?,
            (None, None) => {}
        }
        f.write_str(&e.found)?;
        if let Some(expected) = &e.expected {
            write!(f, " (expected {expected})")?;
        }
        if let Some(remedy) = &e.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

/// Characters that are shown of what stands in a file.
const SHOWN: usize = 60;

/// What stands in a file, in backquotes; of a long text the beginning, and how long it is.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}...` ({} characters)", &text[..end], text.chars().count()),
    }
}

/// The names in backquotes, separated by commas; "none" where there is no name.
pub(crate) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| quoted(n.as_ref())).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_row_column_finding_expectation_and_remedy() {
        let e = Error::new(Kind::Value, "bars.csv", "found 0")
            .at_row(16)
            .column("close")
            .expected("a price above zero")
            .remedy("remove the row");
        assert_eq!(
            e.to_string(),
            "bars.csv: row 17, column `close`: found 0 (expected a price above zero); remove the row"
        );
        assert!(e.is_value() && !e.is_order());
        assert_eq!((e.row(), e.column_name(), e.remedy_text()), (Some(17), Some("close"), Some("remove the row")));
    }

    #[test]
    fn a_long_text_is_shown_by_its_beginning_and_its_length() {
        assert_eq!(quoted("oops"), "`oops`");
        assert_eq!(quoted(&"\u{e9}".repeat(60)), format!("`{}`", "\u{e9}".repeat(60)));
        assert_eq!(quoted(&"x".repeat(20_000_000)), format!("`{}...` (20000000 characters)", "x".repeat(60)));
    }

    #[test]
    fn an_operating_system_error_keeps_its_cause() {
        let cause = std::io::Error::from(std::io::ErrorKind::NotFound);
        let e = Error::io("x.parquet", "cannot open it", cause);
        assert!(e.is_io() && e.to_string().ends_with("; check the path"));
        assert!(std::error::Error::source(&e).is_some());
    }
}
