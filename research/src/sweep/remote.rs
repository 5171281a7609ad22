//! Sets that are replayed by other processes. What is kept, what is counted and what comes of it stays here, so that a result
//! does not depend on who replayed.
//!
//! Sets are announced to the trial ledger before anybody else hears of them, because a result exists from then on, wherever
//! that is. Who replays one twice, or in vain, changes nothing: a trial is known by its key, a row by its place.

use std::{error::Error, ops::Range, sync::atomic::AtomicBool};

use rayon::prelude::*;

use super::{Row, Sweep, SweepError};
use crate::trials::{Role, Trial, TrialKey};

/// Where the sets of a sweep are replayed.
#[derive(Debug)]
pub enum Replays<'a> {
    /// On every core of this machine.
    Here,
    /// By other processes.
    Remote(&'a mut dyn Remote),
}

/// Why other processes cannot go on.
pub type RemoteError = Box<dyn Error + Send + Sync>;

/// Other processes that replay sets ([`Sweep::rows_of`]).
pub trait Remote: std::fmt::Debug {
    /// Sets to send at once, each on so many bars.
    fn sets_at_once(&mut self, bars: usize) -> u64;

    /// The rows of `sets` in round `rung`, in the same order; `None` where `stop` was set first.
    ///
    /// # Errors
    /// There will be no rows, and why.
    fn rows(&mut self, rung: u32, sets: &[u64], stop: &AtomicBool) -> Result<Option<Vec<Row>>, RemoteError>;
}

impl Sweep<'_> {
    /// Replays sets of round `rung`, one after the other, for the process that keeps the search and has announced them.
    ///
    /// # Errors
    /// The search has no such round or set.
    pub fn rows_of(&self, rung: u32, sets: &[u64]) -> Result<Vec<Row>, String> {
        let count = self.space().count();
        if let Some(set) = sets.iter().find(|set| **set >= count) {
            return Err(format!("there is no set {set}, the search has {count}"));
        }
        let rows = self.rungs().into_iter().nth(rung as usize).ok_or_else(|| format!("there is no round {rung}"))?;
        Ok(sets.iter().map(|set| self.set(*set, rung, &rows).0).collect())
    }

    /// What the trials of sets are known by; `None` for one that will not be replayed.
    pub(super) fn keys(&self, sets: &[u64], rows: &Range<usize>) -> Vec<Option<TrialKey>> {
        let source = self.prepared().source();
        let key = |set: &u64| {
            let settings = self.settings(&self.space().point(*set)).ok()?;
            source.refusal(&settings).is_none().then(|| source.key_on(&settings, std::slice::from_ref(rows)))
        };
        sets.par_iter().map(key).collect()
    }
}

/// The trials behind `rows`, which are those of `sets`, as a replay here would have made them.
pub(super) fn trials(
    rung: u32,
    sets: &[u64],
    keys: &[Option<TrialKey>],
    rows: &[Row],
) -> Result<Vec<Trial>, SweepError> {
    let asked = sets.iter().map(|set| (*set, rung));
    if !asked.eq(rows.iter().map(|row| (row.index, row.rung))) {
        return Err(SweepError::Remote("the rows that came back are not those of the sets that were sent".into()));
    }
    let trial = |(key, row): (&Option<TrialKey>, &Row)| Some(row.statistics?.trial((*key)?, Role::Candidate));
    Ok(keys.iter().zip(rows).filter_map(trial).collect())
}
