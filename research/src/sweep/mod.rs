//! Searches: every set of a grid through the one replay loop, on every core, in memory that does not grow with the search.
//!
//! * [`Space`]: the sets, by index. [`Sweep`]: the search over one [`Prepared`]. [`Store`]: its state on disk. [`publish`]:
//!   the results of a finished search. [`Front`] and [`finalists()`]: what is worth a second look. [`Remote`]: who replays
//!   elsewhere.
//!
//! Every set is filed in the trial ledger before its row is kept, so every known result has been counted. Results
//! depend only on the data, the strategy and the grid: not on threads, on chunks, or on when a search was interrupted.

mod axis;
mod finalists;
mod outcome;
mod remote;
mod results;
mod space;
mod store;
mod surface;

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use q50_engine::record::{Combine, Summary};
use rayon::prelude::*;
use thiserror::Error;
use toml::Value;

pub use crate::parameters::number;
pub use axis::{Axis, Values};
pub use finalists::{Filters, Front};
pub use outcome::{Row, Statistics};
pub use remote::{Remote, RemoteError, Replays};
pub use results::{Finalist, RESULTS_FILE, Results, Robustness, finalists, publish};
pub use space::{Halving, Sequence, Space, SpaceError};
pub use store::{Identity, Store, StoreError};
pub use surface::{Side, Surface};

use crate::{
    parameters::{ParameterError, Template},
    run::{Prepared, RunSettings, trial_of},
    trials::{LedgerError, Origin, Role, Trial, TrialLedger},
};

/// Bars times sets between two commits: some hundredths of a second of work.
const CHUNK: u64 = 10_000_000;
/// Least sets of a chunk, so that every core has some.
const LEAST_SETS: u64 = 32;
/// Most sets of a chunk, which bounds memory.
const MOST_SETS: u64 = 4_096;

/// A search could not go on. What is done is kept.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The state or the results cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The trial ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The results cannot be written.
    #[error(transparent)]
    Results(#[from] q50_datasets::error::Error),
    /// Who was to replay sets did not.
    #[error("{0}")]
    Remote(RemoteError),
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every set is done.
    Complete,
    /// It was asked to stop; so many sets are done.
    Interrupted(u64),
}

/// A search over one market, venue and strategy.
#[derive(Debug)]
pub struct Sweep<'a> {
    prepared: &'a Prepared<'a>,
    base: RunSettings,
    space: &'a Space,
    template: Template,
}

impl<'a> Sweep<'a> {
    /// The search of `space` around `base`.
    ///
    /// # Errors
    /// The first set cannot be made: a path of the grid is no option of the strategy. Or no set can, because of the rules
    /// between its numbers.
    pub fn new(prepared: &'a Prepared<'a>, base: RunSettings, space: &'a Space) -> Result<Self, ParameterError> {
        let template = Template::new(&base.strategy);
        let sweep = Self { prepared, base, space, template };
        sweep.first()?;
        Ok(sweep)
    }

    /// The first set that can be made: one whose numbers break a rule is left out.
    ///
    /// # Errors
    /// As [`Sweep::new`].
    pub fn first(&self) -> Result<RunSettings, ParameterError> {
        let sets = (0..self.space.count()).map(|index| self.settings(&self.space.point(index)));
        let mut rule = None;
        for set in sets {
            match set {
                Err(ParameterError::Rule(broken)) => rule = Some(broken),
                other => return other,
            }
        }
        Err(ParameterError::Rule(rule.unwrap_or_default()))
    }

    /// What this search is, for its state on disk.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let source = self.prepared.source();
        Identity {
            dataset: source.data.hash().to_hex().to_string(),
            strategy: self.base.hash().to_hex().to_string(),
            grid: self.space.hash().to_hex().to_string(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The space that is searched.
    #[must_use]
    pub fn space(&self) -> &Space {
        self.space
    }

    /// The run that sets are changes of.
    #[must_use]
    pub fn base(&self) -> &RunSettings {
        &self.base
    }

    /// Where it runs.
    #[must_use]
    pub fn prepared(&self) -> &Prepared<'a> {
        self.prepared
    }

    /// The run of one point.
    ///
    /// # Errors
    /// A value that its option cannot have.
    pub fn settings(&self, point: &[Value]) -> Result<RunSettings, ParameterError> {
        let options: Vec<(&str, Value)> =
            self.space.axes().iter().map(|axis| axis.path.as_str()).zip(point.iter().cloned()).collect();
        Ok(self.base.with_strategy(self.template.with(&options)?))
    }

    /// Replays `rows` of the market under `settings`, from flat. The caller owes the ledger the trial.
    ///
    /// # Errors
    /// Why there is no result: a column that is missing, or a panic in the replay.
    pub fn replay<R: Combine>(&self, settings: &RunSettings, rows: Range<usize>) -> Result<R, String> {
        if let Some(reason) = self.prepared.source().refusal(settings) {
            return Err(reason);
        }
        let mut recorder = R::default();
        guarded(|| self.prepared.run_rows(settings, rows, &mut recorder)).map(|()| recorder)
    }

    /// Rows of the market that each round sees; the last sees all.
    #[must_use]
    pub fn rungs(&self) -> Vec<Range<usize>> {
        let market = &self.prepared.source().market;
        let rows = market.first..market.len();
        let Some(Halving { eta, rungs }) = self.space.halving() else { return vec![rows] };
        let share = |rung: u32| f64::from(eta).powi(-i32::try_from(rungs - 1 - rung).unwrap_or(0));
        (0..rungs).map(|rung| rows.start..rows.start + (rows.len() as f64 * share(rung)).ceil() as usize).collect()
    }

    /// Number of sets of all rounds.
    #[must_use]
    pub fn total(&self) -> u64 {
        (0..self.rounds()).map(|rung| self.size(rung)).sum()
    }

    /// Rounds: one, or those of a halving search.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.space.halving().map_or(1, |halving| halving.rungs)
    }

    fn size(&self, rung: u32) -> u64 {
        let eta = self.space.halving().map_or(1, |h| u64::from(h.eta));
        (0..rung).fold(self.space.count(), |sets, _| sets.div_ceil(eta))
    }

    /// Runs what is not done yet. Stops between two chunks once `stop` is set; `progress` is told the sets done.
    ///
    /// # Errors
    /// The ledger or the state cannot be written, or those who replay elsewhere cannot go on.
    pub fn run(
        &self,
        mut replays: Replays<'_>,
        store: &mut Store,
        ledger: &mut TrialLedger,
        stop: &AtomicBool,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Ended, SweepError> {
        let scope = self.prepared.source().scope(&self.base.strategy);
        let mut before = 0;
        for (rung, rows) in (0_u32..).zip(self.rungs()) {
            // The first round has every set; a later one those that the round before was best with.
            let chosen = match rung {
                0 => None,
                _ => Some(store.best(rung - 1, self.size(rung))?),
            };
            let sets = chosen.as_ref().map_or(self.space.count(), |chosen| chosen.len() as u64);
            let mut place = store.done(rung)?;
            while place < sets {
                progress(before + place);
                if stop.load(Ordering::Relaxed) {
                    return Ok(Ended::Interrupted(before + place));
                }
                let chunk = match &mut replays {
                    Replays::Here => (CHUNK / rows.len().max(1) as u64).clamp(LEAST_SETS, MOST_SETS),
                    Replays::Remote(remote) => remote.sets_at_once(rows.len()).max(1),
                };
                let end = sets.min(place + chunk);
                let chosen = (place..end).map(|place| chosen.as_ref().map_or(place, |chosen| chosen[place as usize]));
                let chosen: Vec<u64> = chosen.collect();
                let (kept, trials) = match &mut replays {
                    Replays::Here => {
                        let outcomes = chosen.par_iter().map(|index| self.set(*index, rung, &rows));
                        let (kept, trials): (Vec<Row>, Vec<Option<Trial>>) = outcomes.unzip();
                        (kept, trials.into_iter().flatten().collect())
                    }
                    Replays::Remote(remote) => {
                        let keys = self.keys(&chosen, &rows);
                        ledger.announce(scope, keys.iter().flatten().copied())?;
                        let Some(kept) = remote.rows(rung, &chosen, stop).map_err(SweepError::Remote)? else {
                            return Ok(Ended::Interrupted(before + place));
                        };
                        let trials = remote::trials(rung, &chosen, &keys, &kept)?;
                        (kept, trials)
                    }
                };
                ledger.record(scope, Origin::Sweep, &trials)?;
                store.append(place, &kept)?;
                place = end;
            }
            before += sets;
        }
        progress(before);
        Ok(Ended::Complete)
    }

    /// One set on `rows`. Whatever goes wrong in it is its own failure.
    fn set(&self, index: u64, rung: u32, rows: &Range<usize>) -> (Row, Option<Trial>) {
        let failed = |reason: String| (Row { index, rung, failure: Some(reason), statistics: None }, None);
        let settings = match self.settings(&self.space.point(index)) {
            Ok(settings) => settings,
            Err(ParameterError::Rule(rule)) => return failed(format!("left out: {rule}")),
            Err(error) => return failed(error.to_string()),
        };
        let source = self.prepared.source();
        let summary: Summary = match self.replay(&settings, rows.clone()) {
            Ok(summary) => summary,
            Err(reason) => return failed(reason),
        };
        let key = source.key_on(&settings, std::slice::from_ref(rows));
        let trial = trial_of(&summary, key, Role::Candidate);
        let failure = (summary.fills == 0).then(|| "no trade".to_owned());
        (Row { index, rung, failure, statistics: Some(Statistics::of(&summary)) }, Some(trial))
    }
}

/// Runs `f`; a panic in it is an error with its message.
fn guarded(f: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("panicked: {}", text.unwrap_or_else(|| "without a message".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_failure_of_its_own_set() {
        let outcomes: Vec<Result<(), String>> =
            (0..4).into_par_iter().map(|set| guarded(|| assert!(set != 2, "set {set} went wrong"))).collect();
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 3);
        assert_eq!(outcomes[2], Err("panicked: set 2 went wrong".to_owned()));
    }
}
