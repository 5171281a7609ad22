//! A connection that is made again when it is lost.

use std::fmt;
use std::time::{Duration, Instant};

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};
#[cfg(feature = "tls")]
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::error::said;

/// How long a lost server is waited for: a restart with recovery takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// A server, by a connection string that nobody sees.
pub struct Server {
    config: Config,
    name: String,
    patience: Duration,
    client: Option<Client>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Server {
    /// The server whose connection string is in an environment variable. Nothing is connected yet.
    ///
    /// # Errors
    /// The variable is not set or holds no connection string, or one that asks for TLS in a build without it.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        if variable.is_empty() || !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(Error::NotAName);
        }
        let text = std::env::var(variable).map_err(|_| Error::Unset(variable.to_owned()))?;
        Self::new(&text, variable)
    }

    /// The server of a connection string, which messages call `name`.
    ///
    /// # Errors
    /// As [`Server::from_env`].
    pub fn new(text: &str, name: &str) -> Result<Self, Error> {
        // The parser's own error may quote the string.
        let mut config: Config = text.parse().map_err(|_| Error::Malformed(name.to_owned()))?;
        if config.get_ssl_mode() == SslMode::Require && !cfg!(feature = "tls") {
            return Err(Error::Tls(name.to_owned()));
        }
        config.application_name("q50");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WITHIN);
        }
        Ok(Self { config, name: name.to_owned(), patience: PATIENCE, client: None })
    }

    /// How long it is waited for when it goes away.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Does `work` on a connection. Where the connection is lost on the way, all of it is done again on a new one, so that
    /// `work` must be repeatable: it reads, or it writes what stays as it is when it is there already.
    ///
    /// # Errors
    /// What `work` says; nobody answers at first; or the server does not come back in time.
    pub fn attempt<T>(
        &mut self,
        doing: &str,
        mut work: impl FnMut(&mut Client) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut lost_since: Option<Instant> = None;
        loop {
            let outcome = self.client().and_then(&mut work);
            let error = match outcome {
                Err(Error::Statement(error)) => error,
                other => return other,
            };
            let connected = self.client.is_some();
            if !is_loss(&error) {
                return Err(match connected {
                    true => Error::Refused { doing: doing.to_owned(), said: said(&error) },
                    false => Error::Connect { name: self.name.clone(), said: said(&error) },
                });
            }
            if !connected && lost_since.is_none() {
                return Err(Error::Connect { name: self.name.clone(), said: said(&error) });
            }
            self.client = None;
            let since = *lost_since.get_or_insert_with(|| {
                eprintln!("q50-postgres: the server of {} went away; waiting for it", self.name);
                Instant::now()
            });
            if since.elapsed() >= self.patience {
                let seconds = self.patience.as_secs();
                return Err(Error::Lost { name: self.name.clone(), seconds, said: said(&error) });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn client(&mut self) -> Result<&mut Client, Error> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => connect(&self.config)?,
        };
        Ok(self.client.insert(client))
    }
}

/// Connects as `sslmode` says. Wherever TLS is spoken, the server's certificate must be one that the system's authorities,
/// or those of `SSL_CERT_FILE`, vouch for.
#[cfg(feature = "tls")]
fn connect(config: &Config) -> Result<Client, Error> {
    match (config.get_ssl_mode(), MakeRustlsConnect::with_native_certs()) {
        (SslMode::Disable, _) => Ok(config.connect(NoTls)?),
        (_, Ok((tls, _))) => Ok(config.connect(tls)?),
        (SslMode::Require, Err(_)) => Err(Error::Authorities),
        (_, Err(_)) => Ok(config.connect(NoTls)?),
    }
}

#[cfg(not(feature = "tls"))]
fn connect(config: &Config) -> Result<Client, Error> {
    Ok(config.connect(NoTls)?)
}

/// Whether the server went away, or is on its way up or down, and may be asked again.
fn is_loss(error: &postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            let going = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
            going.contains(code) || code.code().starts_with("08")
        }
        None => {
            let cause = std::error::Error::source(error);
            error.is_closed() || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_shown_nowhere() {
        for text in ["hunter2 is no connection string", "host=x hunter2=y"] {
            let error = Server::new(text, "SIGNALS").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            assert!(error.to_string().contains("SIGNALS"), "{error}");
        }
        let server = Server::new("postgres://me:hunter2@localhost/db", "SIGNALS").unwrap();
        assert!(!format!("{server:?}").contains("hunter2"));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn a_build_without_tls_does_not_connect_in_plain_where_tls_is_asked_for() {
        let error = Server::new("postgres://me:hunter2@/db?sslmode=require", "SIGNALS").unwrap_err().to_string();
        assert!(error.contains("SIGNALS") && error.contains("--features tls") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_connection_string_in_the_place_of_the_variable_is_not_repeated() {
        let error = Server::from_env("postgres://me:hunter2@host/db").unwrap_err();
        assert!(matches!(error, Error::NotAName) && !error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_server_that_was_never_there_is_not_waited_for() {
        let mut server = Server::new("host=/nonexistent user=nobody", "SIGNALS").unwrap();
        let begun = Instant::now();
        let error = server.attempt("asking", |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::Connect { .. }) && begun.elapsed() < CONNECT_WITHIN, "{error}");
    }
}
