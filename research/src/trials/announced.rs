//! Trials that others are asked to make: on record before anybody can have seen one.

use super::{LedgerError, Origin, Role, Scope, Trial, TrialKey, TrialLedger};

impl TrialLedger {
    /// Files candidates that other processes are about to replay. They count from here on, once each, whether or not a result
    /// comes back: an announcement is a trial of the same hypothesis under an assumption of its own, without figures. So the
    /// figures that come later are filed as those of any other run, and only they are compared.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of them is.
    pub fn announce(&mut self, scope: Scope<'_>, keys: impl IntoIterator<Item = TrialKey>) -> Result<(), LedgerError> {
        let mut trials = Vec::new();
        for key in keys {
            // What is on record counts already, and from when it was tried.
            if !matches!(self.find(scope.record, &key.hypothesis)?, Some((Role::Candidate, _))) {
                trials.push(announced(key));
            }
        }
        self.record(scope, Origin::Announced, &trials)
    }
}

fn announced(key: TrialKey) -> Trial {
    Trial {
        key: key.assuming("announced"),
        role: Role::Candidate,
        sharpe: None,
        returns: 0,
        skew: None,
        kurtosis: None,
    }
}
