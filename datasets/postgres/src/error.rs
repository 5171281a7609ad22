//! Why PostgreSQL could not be read or written.

use thiserror::Error;

/// What went wrong. None of it holds the connection string.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no connection string.
    #[error(
        "the environment variable {0} is not set; set it to a connection string (postgres://user:password@host/database)"
    )]
    Unset(String),
    /// The variable holds something else. What it holds is not shown, because a password may be in it.
    #[error(
        "the environment variable {0} holds no connection string (expected postgres://user:password@host/database, or \
         `host=.. user=.. dbname=..`)"
    )]
    Malformed(String),
    /// Something else stands where the name of the variable belongs. It is not shown, because a password may be in it.
    #[error("expected the name of the environment variable that holds the connection string, and found something else")]
    NotAName,
    /// Encryption is asked for.
    #[error(
        "the connection string in {0} asks for sslmode=require, and this q50-postgres speaks no TLS; build it with \
         --features tls, or connect through a tunnel or a socket, and remove sslmode"
    )]
    Tls(String),
    /// Nobody could vouch for a server.
    #[error(
        "this system has no certificate authorities; install its package ca-certificates, or name a file of them in SSL_CERT_FILE"
    )]
    Authorities,
    /// Nobody answers, or not to us.
    #[error("cannot connect to the server of {name}: {said}; check the connection string in {name}")]
    Connect {
        /// The variable.
        name: String,
        /// What the server or the system said.
        said: String,
    },
    /// The connection was lost and could not be made again.
    #[error(
        "the server of {name} went away and did not come back within {seconds} s: {said}; start it and run this again"
    )]
    Lost {
        /// The variable.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// What was said last.
        said: String,
    },
    /// The server refused a statement.
    #[error("{doing}: the server says: {said}")]
    Refused {
        /// What was attempted.
        doing: String,
        /// Its words.
        said: String,
    },
    /// What was asked for cannot be read as signals.
    #[error("{what}: {found} (expected {expected}); {remedy}")]
    Shape {
        /// The table or SELECT.
        what: String,
        /// What there is.
        found: String,
        /// What is needed.
        expected: String,
        /// What to do.
        remedy: String,
    },
    /// A value that is no moment.
    #[error("{what}: row {row}, column `{column}`: found {found} (expected a moment); leave the row out in a SELECT")]
    Moment {
        /// The table or SELECT.
        what: String,
        /// Row in order of time, counted from 1.
        row: usize,
        /// The time column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A table in CSV that cannot be read or written.
    #[error("a table in CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A file that cannot be written.
    #[error("a table in CSV: {0}")]
    Io(#[from] std::io::Error),
    /// The connection; becomes one of the others before anybody sees it.
    #[error("{}", said(.0))]
    Statement(#[from] postgres::Error),
}

/// A server's or a system's own words, and the code of an error of SQL.
pub(crate) fn said(error: &postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", server.message(), server.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
