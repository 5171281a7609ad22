//! Discovery: strategies that nobody wrote, bred on one part of a record and judged on all of it.
//!
//! * [`Breed`]: genomes at random, crossed and mutated. [`distance`]: how different two are. [`Fitness`]: how fit one is.
//! * [`Discovery`]: searches on a record, resumable ([`State`]), each candidate filed in the trial ledger before it bears on
//!   anything. [`Discovery::judge`]: the [`Guard`]s that stand before a candidate is called a finding.
//!
//! The holdout, the last part of the record, is cut off before the search begins: no candidate of it is replayed there.
//! What is searched and found depends on the data and the settings alone: not on threads, nor on interruptions.

mod bench;
mod calibration;
mod distance;
mod evolution;
mod fitness;
mod guards;
mod operators;
mod page;
mod ranking;
mod reads;
mod replayed;
mod report;
mod start;
mod state;
mod walk;

use std::{collections::HashSet, ops::Range, sync::atomic::AtomicBool};

use q50_datasets::dataset::Dataset;
use q50_engine::{
    market::{Column, Market},
    venue::{Contract, pool_path::PathError},
};
use q50_language::{Error as LanguageError, Program, genome::Genome};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use calibration::{CalibrationError, Markets, Outcome};
pub use distance::distance;
pub use evolution::Evolution;
pub use fitness::{Fitness, LEAST_TRADES, Penalties, Whole, Window};
pub use guards::{Guard, GuardName, Judged};
pub use operators::Breed;
pub use page::page;
pub use reads::example;
pub use report::{Figures, Finding, Report, SearchSummary, Stretch, candidates_table, file_name};
pub use start::Start;
pub use state::State;

use crate::{
    overfit::Lengths,
    run::{Prepared, RunSettings, Source},
    spec::{ContractSpec, DataSpec},
    sweep::Statistics,
    trials::{LedgerError, Record, Scope, TrialKey, TrialLedger, Tried},
};
use bench::Bench;
use evolution::generator;
use reads::{READS_NOTHING, READS_VOLUME, strategy};
use replayed::Replayed;

/// Windows that a candidate's fitness is the mean of.
const WINDOWS: usize = 3;
/// Fewest bars of the part that is searched, and of the holdout.
const LEAST_BARS: usize = 100;

/// A search could not go on. What is done is kept.
#[derive(Debug, Error)]
pub enum DiscoveryError {
    /// The state is not usable, or not that of this search.
    #[error("{path}: {problem}")]
    State {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A genome that is no strategy.
    #[error("a genome that is no strategy: {0}")]
    Genome(#[from] LanguageError),
    /// The venue cannot be prepared.
    #[error(transparent)]
    Path(#[from] PathError),
    /// No strategy of this kind runs so.
    #[error("{0}")]
    Refused(String),
    /// It was asked to stop; so many candidates are done.
    #[error("interrupted after {0} candidates; go on with --resume")]
    Interrupted(usize),
}

/// How strategies are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// How long a search is.
    #[serde(flatten)]
    pub evolution: Evolution,
    /// Seed of the first search; the others have the next ones.
    pub seed: u64,
    /// Searches.
    pub seeds: u32,
    /// Share of the record, its last part, that no search sees.
    pub holdout: f64,
    /// Candidates that are judged, the fittest of those that are different.
    pub judged: usize,
    /// Windows of the walk-forward guard.
    pub walk_forward: Lengths,
}

/// What a candidate showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// On all bars that are searched.
    pub statistics: Statistics,
    /// On each third of them.
    pub windows: Vec<Window>,
    /// How fit that is.
    pub fitness: Fitness,
}

/// A genome with what it showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The genome.
    pub genome: Genome,
    /// The generation that it is of, from 0.
    pub generation: usize,
    /// What it showed.
    pub measured: Measured,
}

/// What all searches found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The candidates of each search, in the order in which they were evaluated.
    pub searches: Vec<Vec<Candidate>>,
    /// Places of those that are judged, search and candidate: the best by their median over the searches first.
    pub best: Vec<(usize, usize)>,
}

impl Found {
    /// Every candidate with the number of its search.
    pub fn candidates(&self) -> impl Iterator<Item = (usize, &Candidate)> {
        self.searches.iter().enumerate().flat_map(|(search, all)| all.iter().map(move |one| (search, one)))
    }

    /// How many different programs they are.
    #[must_use]
    pub fn programs(&self) -> u64 {
        let programs = self.candidates().filter_map(|(_, one)| Some(one.genome.program().ok()?.canonical()));
        programs.collect::<HashSet<String>>().len() as u64
    }
}

/// Told the candidates that are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// The searches on one record.
#[derive(Debug)]
pub struct Discovery<'a> {
    market: Market<'a>,
    /// What is recorded of a perpetual future.
    contract: Option<&'a Contract>,
    /// The record as strategies see it that read no column, and as those that read the volume do.
    specs: [DataSpec; 2],
    base: RunSettings,
    breed: Breed,
    /// What every search of a seed starts from, beside strangers.
    start: Vec<Start>,
    settings: Settings,
    /// Row at which the holdout begins.
    cut: usize,
}

impl<'a> Discovery<'a> {
    /// Searches of `breed` on `data` under the venue, the capital and the year of `base`; a perpetual future has a
    /// `contract`.
    ///
    /// # Errors
    /// The record is too short, or no such strategy runs there.
    pub fn new(
        data: &'a Dataset,
        contract: Option<(&'a Contract, ContractSpec)>,
        base: &RunSettings,
        breed: Breed,
        settings: Settings,
    ) -> Result<Self, DiscoveryError> {
        let market = data.market();
        let rows = market.len() - market.first;
        let held = (rows as f64 * settings.holdout).round() as usize;
        if held < LEAST_BARS || rows - held < LEAST_BARS {
            return Err(DiscoveryError::Refused(format!(
                "{rows} bars, of which the last {held} are held out: expected at least {LEAST_BARS} in either part; give a \
                 longer record, or another --holdout"
            )));
        }
        let base = base.with_strategy(strategy(breed.random(&mut generator(settings.seed, 0, 0)).program()?));
        let (contract, recorded) = contract.unzip();
        let spec = |text| {
            let spec = DataSpec::of(data, &strategy(Genome::read(text)?.program()?));
            Ok::<_, LanguageError>(spec.with_contract(recorded.clone()))
        };
        let specs = [spec(READS_NOTHING)?, spec(READS_VOLUME)?];
        let source = Source { market, pool: None, contract, data: &specs[0], instruments: &[] };
        if let Some(refusal) = source.refusal(&base) {
            return Err(DiscoveryError::Refused(refusal));
        }
        Ok(Self { market, contract, specs, base, breed, start: Vec::new(), settings, cut: market.len() - held })
    }

    /// Everything that decides what is searched and found, for the state on disk.
    #[must_use]
    pub fn identity(&self) -> String {
        let hashes = [self.specs[0].hash(), self.specs[1].hash()];
        let start: Vec<&Genome> = self.start.iter().map(|start| &start.genome).collect();
        let what = (hashes, self.market.len(), &self.base, &self.breed, start, &self.settings);
        format!("q50 {}: {}", env!("CARGO_PKG_VERSION"), blake3::hash(format!("{what:?}").as_bytes()).to_hex())
    }

    /// How it searches.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Venue, capital and year.
    #[must_use]
    pub fn base(&self) -> &RunSettings {
        &self.base
    }

    /// Rows that are searched.
    #[must_use]
    pub fn searched(&self) -> Range<usize> {
        self.market.first..self.cut
    }

    /// Rows that no search sees.
    #[must_use]
    pub fn held_out(&self) -> Range<usize> {
        self.cut..self.market.len()
    }

    /// The record.
    #[must_use]
    pub fn market(&self) -> &Market<'a> {
        &self.market
    }

    /// About how many candidates the searches evaluate.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::from(self.settings.seeds) * self.settings.evolution.candidates() as u64
    }

    /// What trials are filed under.
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { record: self.record(), family: self.base.strategy.family() }
    }

    /// What candidates of this record with so many returns are deflated for. A campaign does not count what was filed before
    /// it; those that were found are tried in it all the same.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tried(&self, found: &Found, returns: usize, ledger: &TrialLedger) -> Result<Tried, LedgerError> {
        let tried = ledger.tried(self.scope(), returns)?;
        Ok(match ledger.campaign()? {
            Some(_) => Tried { trials: tried.trials.max(found.programs()), ..tried },
            None => tried,
        })
    }

    /// The id of the run, by everything that decides its results.
    #[must_use]
    pub fn run_id(&self) -> String {
        blake3::hash(self.identity().as_bytes()).to_hex().to_string()
    }

    /// The record of prices.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.specs[0].record
    }

    /// The run of a program.
    #[must_use]
    pub fn run(&self, program: Program) -> RunSettings {
        self.base.with_strategy(strategy(program))
    }

    fn key(&self, settings: &RunSettings, rows: &Range<usize>) -> TrialKey {
        let reads_volume = settings.strategy.reads(&self.market.signals).contains(&Column::Volume);
        self.specs[usize::from(reads_volume)].key(&self.market, settings, std::slice::from_ref(rows))
    }

    /// The record up to `end`, ready for any number of replays: nothing later is there.
    fn prepared(&self, end: usize) -> Result<Prepared<'_>, PathError> {
        let source = Source {
            market: self.market.prefix(end),
            pool: None,
            contract: self.contract,
            data: &self.specs[0],
            instruments: &[],
        };
        Prepared::new(source, &self.base.venue)
    }

    /// Makes the searches, or what is missing of them in `state`. Stops between two generations once `stop` is set.
    ///
    /// # Errors
    /// The ledger or the state cannot be written, or it was asked to stop.
    pub fn search(
        &self,
        state: &mut State,
        ledger: &mut TrialLedger,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<Found, DiscoveryError> {
        let (prepared, rows) = (self.prepared(self.cut)?, self.searched());
        let start: Vec<Genome> = self.start.iter().map(|start| start.genome.clone()).collect();
        let mut searches = Vec::new();
        let mut done = 0;
        for search in 0..self.settings.seeds {
            let seed = self.settings.seed.wrapping_add(search.into());
            let told = |now: usize| progress((done + now) as u64);
            let (state, ledger) = (&mut *state, &mut *ledger);
            let (prepared, rows, start) = (&prepared, &rows, &start[..]);
            let mut bench = Bench { discovery: self, prepared, rows, start, state, ledger, stop, search };
            let all = bench.evolve(|generation| generator(seed, 0, generation), &told)?;
            done += all.len();
            searches.push(all);
        }
        let best = ranking::best(&searches, self.settings.judged);
        Ok(Found { searches, best })
    }

    /// Replays `rows` of what is prepared, from flat. The caller owes the ledger the trial.
    fn replay(prepared: &Prepared<'_>, settings: &RunSettings, rows: &Range<usize>) -> Replayed {
        let mut replayed = Replayed::default();
        prepared.run_rows(settings, rows.clone(), &mut replayed);
        replayed
    }

    fn measure(&self, genome: &Genome, replayed: &Replayed) -> Measured {
        let statistics = Statistics::of(&replayed.summary);
        let year = self.base.periods_per_year;
        let windows = thirds(&replayed.curve.returns(), |returns| Window::of(returns, year));
        let whole = Whole {
            profit_factor: statistics.comparable_profit_factor(),
            round_trips: statistics.round_trips,
            total_return: statistics.total_return,
        };
        Measured { fitness: Fitness::of(genome, &windows, &whole), windows, statistics }
    }
}

/// `of` each third of the returns.
fn thirds<T>(returns: &[f64], of: impl Fn(&[f64]) -> T) -> Vec<T> {
    let end = |window: usize| returns.len() * window / WINDOWS;
    (0..WINDOWS).map(|window| of(&returns[end(window)..end(window + 1)])).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Of enough trades.
    pub(crate) fn measured(fitness: f64) -> Measured {
        let statistics = Statistics {
            final_equity: 1.0,
            total_return: 0.1,
            sharpe_per_period: None,
            max_drawdown: 0.0,
            profit_factor: None,
            fills: 0,
            round_trips: 60,
            winners: 0,
            turnover: 0.0,
            fees: 0.0,
            exposure: 0.0,
            skew: None,
            kurtosis: None,
            returns: 0,
        };
        let fitness = Fitness { value: fitness, score: fitness, penalties: Penalties::default() };
        Measured { statistics, windows: Vec::new(), fitness }
    }

    #[test]
    fn every_return_is_in_one_third() {
        let returns: Vec<f64> = (0..10).map(f64::from).collect();
        let cut: Vec<Vec<f64>> = thirds(&returns, <[f64]>::to_vec);
        assert_eq!(cut, [vec![0.0, 1.0, 2.0], vec![3.0, 4.0, 5.0], vec![6.0, 7.0, 8.0, 9.0]]);
    }
}
