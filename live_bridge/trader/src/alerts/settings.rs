//! The file that says who is told.

use super::{Pace, Receiver};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use zeroize::Zeroizing;

/// Where Telegram's interface is.
const TELEGRAM: &str = "https://api.telegram.org";
/// Environment variables of the secrets.
const TOKEN: &str = "Q50_TELEGRAM_TOKEN";
const WEBHOOK: &str = "Q50_WEBHOOK_URL";

/// A file that cannot be used. Says no secret.
#[derive(Debug, Error)]
pub enum AlertError {
    /// It cannot be read.
    #[error("{path:?}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something else.
    #[error("{path:?}, line {line}: {problem}")]
    NotAlerts {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong, without what stands there.
        problem: String,
    },
    /// It names nobody.
    #[error("nobody is told: expected [telegram], [webhook] or both")]
    Nobody,
    /// A secret is nowhere.
    #[error("no {what}: name a file that has nothing else in it with {field}, or set {variable}")]
    NoSecret {
        /// Which.
        what: &'static str,
        /// The field of the file.
        field: &'static str,
        /// The environment variable.
        variable: &'static str,
    },
    /// Others may read a secret.
    #[error("{path:?}: others than its owner may read it (mode {mode:04o}); chmod 600 it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A secret is none.
    #[error("{what}: {problem}")]
    BadSecret {
        /// Which.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
}

/// Who is told, and how often.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Seconds from a message about a kind of alert to the next one.
    #[serde(default = "a_minute")]
    every_s: u64,
    telegram: Option<Telegram>,
    webhook: Option<Webhook>,
}

fn a_minute() -> u64 {
    60
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Telegram {
    /// The chat: its number, or @channel.
    chat: String,
    token_file: Option<PathBuf>,
    /// Where the interface is, for those who run their own.
    api: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    url_file: Option<PathBuf>,
}

impl AlertSettings {
    /// Reads a file (TOML). The files that it names are looked for in its own folder.
    ///
    /// # Errors
    /// [`AlertError`].
    pub fn read(path: &Path) -> Result<Self, AlertError> {
        let text = read(path)?;
        let mut settings: Self = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let (line, problem) = (before.matches('\n').count() + 1, error.message().to_owned());
            AlertError::NotAlerts { path: path.to_owned(), line, problem }
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let token = settings.telegram.as_mut().and_then(|telegram| telegram.token_file.as_mut());
        let url = settings.webhook.as_mut().and_then(|webhook| webhook.url_file.as_mut());
        for file in token.into_iter().chain(url) {
            *file = folder.join(&*file);
        }
        Ok(settings)
    }

    /// How often is told.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace { every: Duration::from_secs(self.every_s), ..Pace::default() }
    }

    /// Who is told.
    ///
    /// # Errors
    /// [`AlertError`] where a secret is nowhere, or is none.
    pub fn receivers(&self) -> Result<Vec<Receiver>, AlertError> {
        let mut receivers = Vec::new();
        if let Some(Telegram { chat, token_file, api }) = &self.telegram {
            let (what, field) = ("token of a Telegram bot", "token_file");
            let token = secret(token_file.as_deref(), what, field, TOKEN)?;
            let receiver = Receiver::telegram(api.as_deref().unwrap_or(TELEGRAM), &token, chat.clone());
            receivers.push(receiver.map_err(|problem| AlertError::BadSecret { what, problem })?);
        }
        if let Some(Webhook { url_file }) = &self.webhook {
            let (what, field) = ("address of a webhook", "url_file");
            let url = secret(url_file.as_deref(), what, field, WEBHOOK)?;
            receivers.push(Receiver::webhook(&url).map_err(|problem| AlertError::BadSecret { what, problem })?);
        }
        if receivers.is_empty() { Err(AlertError::Nobody) } else { Ok(receivers) }
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, AlertError> {
    let unreadable = |source| AlertError::Unreadable { path: path.to_owned(), source };
    Ok(Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?))
}

/// Reads a file that only its owner may be able to read, like a wallet.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, AlertError> {
    let unreadable = |source| AlertError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(AlertError::Mode { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn secret(
    file: Option<&Path>,
    what: &'static str,
    field: &'static str,
    variable: &'static str,
) -> Result<Zeroizing<String>, AlertError> {
    let found = match file {
        Some(file) => read_secret(file)?,
        None => Zeroizing::new(std::env::var(variable).map_err(|_| AlertError::NoSecret { what, field, variable })?),
    };
    Ok(Zeroizing::new(found.trim().to_owned()))
}
