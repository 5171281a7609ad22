//! Stops all trading until it is resumed. Each journal has one, and the data directory has one that every trader
//! checks, wherever its journal is; both survive restarts.

use super::Refusal;
use crate::clock::UnixMillis;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Whether trading is switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum KillSwitch {
    /// It is not.
    #[default]
    Resumed,
    /// It is.
    Killed {
        /// Since when.
        since: UnixMillis,
        /// What was said.
        reason: String,
    },
}

impl KillSwitch {
    /// This switch where trading is off by it, else the other one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Resumed { other } else { self }
    }

    /// Whether an order may pass.
    ///
    /// # Errors
    /// [`Refusal::Killed`] where trading is switched off.
    pub fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Resumed => Ok(()),
            Self::Killed { reason, .. } => Err(Refusal::Killed { reason: reason.clone() }),
        }
    }
}

/// A switch that cannot be read or set. One that cannot be read is off: nothing is traded.
#[derive(Debug, Error)]
#[error("{path:?}: {source}; while this file is there and cannot be read, nothing is traded: `q50 resume` removes it")]
pub struct SwitchError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// The switch of a data directory: a file that is there while trading is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchFile(PathBuf);

impl SwitchFile {
    /// That of a data directory.
    #[must_use]
    pub fn of(data_directory: &Path) -> Self {
        Self(data_directory.join("trading-off.json"))
    }

    fn failed(&self, source: std::io::Error) -> SwitchError {
        SwitchError { path: self.0.clone(), source }
    }

    /// Whether trading is switched off here.
    ///
    /// # Errors
    /// [`SwitchError`] where the file cannot be read, or does not say what it should.
    pub fn read(&self) -> Result<KillSwitch, SwitchError> {
        let text = match std::fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(KillSwitch::Resumed),
            text => text.map_err(|error| self.failed(error))?,
        };
        serde_json::from_slice(&text).map_err(|error| self.failed(error.into()))
    }

    /// Switches trading off. The file is there before anything is in it: also one that no disk has room for stops.
    ///
    /// # Errors
    /// [`SwitchError`] where the file cannot be written.
    pub fn kill(&self, reason: &str, now: UnixMillis) -> Result<(), SwitchError> {
        let write = || {
            if let Some(folder) = self.0.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&self.0)?;
            let switch = KillSwitch::Killed { since: now, reason: reason.to_owned() };
            file.write_all(serde_json::to_string(&switch)?.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| self.failed(error))
    }

    /// Switches trading on again, as far as this switch goes.
    ///
    /// # Errors
    /// [`SwitchError`] where the file cannot be removed.
    pub fn resume(&self) -> Result<(), SwitchError> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_switched_off_until_it_is_switched_on_again() {
        let folder = tempfile::tempdir().unwrap();
        let switch = SwitchFile::of(&folder.path().join("not there yet"));
        assert_eq!(switch.read().unwrap(), KillSwitch::Resumed);
        switch.kill("odd prices", UnixMillis(7)).unwrap();
        let killed = KillSwitch::Killed { since: UnixMillis(7), reason: "odd prices".to_owned() };
        assert_eq!(switch.read().unwrap(), killed);
        assert_eq!(killed.check(), Err(Refusal::Killed { reason: "odd prices".to_owned() }));
        switch.resume().unwrap();
        switch.resume().unwrap();
        assert_eq!(switch.read().unwrap(), KillSwitch::Resumed);
    }

    #[test]
    fn a_file_that_says_nothing_is_no_permission() {
        let folder = tempfile::tempdir().unwrap();
        let switch = SwitchFile::of(folder.path());
        for text in ["", "{", r#"{"state": "resumed?"}"#] {
            std::fs::write(&switch.0, text).unwrap();
            let error = switch.read().unwrap_err().to_string();
            assert!(error.contains("trading-off.json") && error.contains("q50 resume"), "{error}");
        }
        switch.resume().unwrap();
        assert_eq!(switch.read().unwrap(), KillSwitch::Resumed);
    }
}
