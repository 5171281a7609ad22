//! What is to be read: a table or a SELECT, and how its times are meant.

use std::time::Duration;

use crate::Error;

/// How long the server may work on one statement where nothing else is said.
pub(crate) const WITHIN: Duration = Duration::from_secs(300);

/// What an integer time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// A table or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A table or view, perhaps with its schema: `q50.q50_signals`.
    Table(String),
    /// A SELECT of the user's own.
    Select(String),
}

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The table or SELECT.
    pub what: What,
    /// The value of `pool_id` that is meant.
    pub pool: Option<String>,
    /// The zone of times that have none, by its name.
    pub source_tz: Option<String>,
    /// What integer times count.
    pub time_unit: Option<TimeUnit>,
    /// How long the server may work on it.
    pub timeout: Duration,
}

impl Request {
    /// Everything in a table or SELECT.
    #[must_use]
    pub fn new(what: What) -> Self {
        Self { what, pool: None, source_tz: None, time_unit: None, timeout: WITHIN }
    }

    /// Reads `VARIABLE/TABLE[?pool=..&source_tz=..&time_unit=s|ms&timeout=SECONDS]` or `VARIABLE/SELECT ...`: the environment
    /// variable with the connection string, and what is to be read.
    ///
    /// # Errors
    /// Where it has another form.
    pub fn parse(text: &str) -> Result<(String, Self), Error> {
        let fault = |found: &str| {
            Error::Shape {
            what: "postgres".to_owned(),
            found: found.to_owned(),
            expected: "postgres:VARIABLE/TABLE, or postgres:VARIABLE/SELECT ..., where VARIABLE is the environment variable with \
                       the connection string"
                .to_owned(),
            remedy: "a table takes ?pool=..&source_tz=..&time_unit=s|ms&timeout=SECONDS".to_owned(),
        }
        };
        let (variable, what) = text.split_once('/').ok_or_else(|| fault("no `/`"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if variable.is_empty() || !variable.chars().all(plain) {
            return Err(Error::NotAName);
        }
        let first = what.split_whitespace().next().unwrap_or_default();
        if ["select", "with"].contains(&first.to_ascii_lowercase().as_str()) {
            return Ok((variable.to_owned(), Self::new(What::Select(what.to_owned()))));
        }
        let (table, options) = what.split_once('?').unwrap_or((what, ""));
        let mut request = Self::new(What::Table(table.to_owned()));
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("pool", pool)) => request.pool = Some(pool.to_owned()),
                Some(("source_tz", zone)) => request.source_tz = Some(zone.to_owned()),
                Some(("time_unit", "s")) => request.time_unit = Some(TimeUnit::Seconds),
                Some(("time_unit", "ms")) => request.time_unit = Some(TimeUnit::Milliseconds),
                Some(("timeout", seconds)) => match seconds.parse() {
                    Ok(seconds @ 1..) => request.timeout = Duration::from_secs(seconds),
                    _ => return Err(fault(&format!("the option `{option}`"))),
                },
                _ => return Err(fault(&format!("the option `{option}`"))),
            }
        }
        Ok((variable.to_owned(), request))
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.what {
            What::Table(table) => format!("table {table}"),
            What::Select(_) => "the SELECT".to_owned(),
        }
    }

    /// What stands behind FROM.
    pub(crate) fn relation(&self) -> String {
        match &self.what {
            What::Table(table) => table.split('.').map(quoted).collect::<Vec<_>>().join("."),
            // On a line of its own: the SELECT may end in a comment.
            What::Select(select) => format!("({}\n)", bare(select)),
        }
    }

    /// The statement alone, as the user wrote it.
    pub(crate) fn statement(&self) -> String {
        match &self.what {
            What::Table(_) => format!("SELECT * FROM {}", self.relation()),
            What::Select(select) => bare(select).to_owned(),
        }
    }
}

fn bare(select: &str) -> &str {
    select.trim().trim_end_matches(';').trim_end()
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_options_and_a_select_is_taken_as_it_is() {
        let (variable, request) =
            Request::parse("URL/q50.q50_signals?pool=solana_x&source_tz=UTC&time_unit=ms").unwrap();
        assert_eq!((variable.as_str(), request.relation().as_str()), ("URL", r#""q50"."q50_signals""#));
        assert_eq!((request.pool.as_deref(), request.source_tz.as_deref()), (Some("solana_x"), Some("UTC")));
        assert_eq!((request.time_unit, request.timeout), (Some(TimeUnit::Milliseconds), WITHIN));
        let (_, request) = Request::parse("URL/t?timeout=2").unwrap();
        assert_eq!(request.timeout, Duration::from_secs(2));
        assert!(Request::parse("URL/t?timeout=0").unwrap_err().to_string().contains("timeout=0"));
        let (_, request) = Request::parse("URL/SELECT a ? 'b' FROM t -- all of it;").unwrap();
        assert_eq!(request.relation(), "(SELECT a ? 'b' FROM t -- all of it\n)");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let (_, request) = Request::parse(r#"URL/t"; DROP TABLE t"#).unwrap();
        assert_eq!(request.relation(), r#""t""; DROP TABLE t""#);
    }

    #[test]
    fn a_connection_string_in_the_place_of_the_variable_is_refused_and_not_repeated() {
        for text in ["postgres://me:hunter2@host/db", "host=x password=hunter2/t"] {
            let error = Request::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
