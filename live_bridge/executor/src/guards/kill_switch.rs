//! Stops all trading until somebody says otherwise; kept in the journal, so that it survives restarts.

use super::Refusal;
use crate::clock::UnixMillis;
use serde::Serialize;

/// Whether trading is switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
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
