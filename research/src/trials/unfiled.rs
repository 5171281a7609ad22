//! A result that has not been filed in the ledger yet.

use super::{LedgerError, Origin, Scope, Trial, TrialLedger};

/// What replays showed, before it is on record: it can be worked on, and is handed out by filing it.
#[derive(Debug)]
#[must_use = "a result that is not filed is not seen"]
pub struct Unfiled<T> {
    result: T,
    trials: Vec<Trial>,
}

impl<T> Unfiled<T> {
    /// The result of these trials.
    pub fn new(result: T, trials: Vec<Trial>) -> Self {
        Self { result, trials }
    }

    /// Another result of the same trials.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Unfiled<U> {
        Unfiled { result: f(self.result), trials: self.trials }
    }

    /// The result, with its trials on record, in one transaction.
    ///
    /// # Errors
    /// The ledger cannot be written; then there is no result.
    pub fn filed(self, ledger: &mut TrialLedger, scope: Scope<'_>, origin: Origin) -> Result<T, LedgerError> {
        ledger.record(scope, origin, &self.trials)?;
        Ok(self.result)
    }

    /// The result on a generated market, of which nobody makes a claim.
    pub(crate) fn of_a_generated_market(self) -> T {
        self.result
    }
}

impl<T> FromIterator<Unfiled<T>> for Unfiled<Vec<T>> {
    fn from_iter<I: IntoIterator<Item = Unfiled<T>>>(each: I) -> Self {
        let (mut results, mut trials) = (Vec::new(), Vec::new());
        for one in each {
            results.push(one.result);
            trials.extend(one.trials);
        }
        Self { result: results, trials }
    }
}
