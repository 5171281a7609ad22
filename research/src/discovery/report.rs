//! What was found, for a reader: figures, and the table of all candidates.

use q50_datasets::{error::Result, run_folder::NewRun, time::rfc3339, write::Column};
use q50_engine::units::{AnnualSharpe, PeriodsPerYear};
use q50_language::genome::Genome;
use serde::Serialize;

use super::{Candidate, Discovery, Found, Guard, Judged, LEAST_TRADES, Settings, ranking::across};
use crate::{
    run::VenueSettings,
    sweep::{Filters, Front, Row},
    trials::{MarketCounts, median},
};

/// What `discover.json` has beside the data and the times.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How it was searched.
    pub search: Settings,
    /// Where it trades.
    pub venue: VenueSettings,
    /// Starting capital, quote units.
    pub capital: f64,
    /// How many bars make a year.
    pub periods_per_year: PeriodsPerYear,
    /// Files that the searches started from, beside strangers.
    pub start: Vec<String>,
    /// Bars that were searched.
    pub searched: Stretch,
    /// Bars that no search has seen.
    pub held_out: Stretch,
    /// A line a search.
    pub searches: Vec<SearchSummary>,
    /// Candidates that were evaluated, over all searches.
    pub evaluated: usize,
    /// Candidates that no other beats in Sharpe ratio, drawdown and profit factor, of those that trade enough and gain.
    pub pareto: Vec<Figures>,
    /// Those that were judged, the best by their median over the searches first.
    pub candidates: Vec<Finding>,
    /// How many of them are findings.
    pub findings: usize,
    /// What the ledger holds on the data after all this.
    pub trials: MarketCounts,
}

/// Consecutive bars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Open of the first bar.
    pub from: String,
    /// Open of the last bar.
    pub to: String,
    /// How many.
    pub bars: usize,
}

/// One search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchSummary {
    /// Its seed.
    pub seed: u64,
    /// Candidates that it evaluated.
    pub evaluated: usize,
    /// Those of them with any fitness.
    pub fit: usize,
    /// The best fitness after each generation; fewer than were asked for where its patience was at an end.
    pub best: Vec<f64>,
}

/// A candidate in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Seed of its search.
    pub seed: u64,
    /// Its place among the candidates of the search, from 0.
    pub place: usize,
    /// Its generation, from 0.
    pub generation: usize,
    /// Its fitness.
    pub fitness: f64,
    /// Annual Sharpe ratio on the bars that were searched.
    pub sharpe: Option<f64>,
    /// Growth there, a fraction.
    pub total_return: f64,
    /// Largest fall from a peak there, a positive fraction.
    pub max_drawdown: f64,
    /// Gains over losses there; null without a loss.
    pub profit_factor: Option<f64>,
    /// Round trips there.
    pub round_trips: u64,
    /// Conditions.
    pub genes: usize,
}

/// A candidate that was judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its file in the folder.
    pub file: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Searches that found it, or a strategy that differs from it by less than 0.15.
    pub found_by: usize,
    /// Median over the searches of the fitness of what they found so; 0 for a search that did not.
    pub median_fitness: f64,
    /// Annual Sharpe ratio on the holdout.
    pub holdout_sharpe: Option<f64>,
    /// Growth there, a fraction.
    pub holdout_return: f64,
    /// Whether every guard passes.
    pub finding: bool,
    /// A line a guard.
    pub guards: Vec<Guard>,
}

/// The file of candidate number `rank`, from 0.
#[must_use]
pub fn file_name(rank: usize) -> String {
    format!("candidate_{}.yaml", rank + 1)
}

/// What makes a strategy file one of ours, so that a later run may replace it.
const MARK: &str = q50_datasets::run_folder::YAML_MARK;

impl Report {
    /// The report of what was found and judged, and the strategy files of those that were judged.
    #[must_use]
    pub fn new(
        discovery: &Discovery<'_>,
        found: &Found,
        judged: &[Judged],
        trials: MarketCounts,
    ) -> (Self, Vec<String>) {
        let seed = |search: usize| discovery.settings().seed.wrapping_add(search as u64);
        let figures =
            |search: usize, place: usize| Figures::of(discovery, seed(search), place, &found.searches[search][place]);
        let searches = found.searches.iter().enumerate().map(|(search, all)| SearchSummary::of(seed(search), all));
        let candidates: Vec<Finding> = judged
            .iter()
            .enumerate()
            .map(|(rank, one)| {
                let across = across(&found.searches, one.search, &found.searches[one.search][one.place]);
                Finding {
                    file: file_name(rank),
                    figures: figures(one.search, one.place),
                    found_by: across.iter().filter(|fitness| **fitness > 0.0).count(),
                    median_fitness: median(across),
                    holdout_sharpe: one.holdout_sharpe,
                    holdout_return: one.holdout_return,
                    finding: one.is_finding(),
                    guards: one.guards.clone(),
                }
            })
            .collect();
        let file = |(rank, one): (usize, &Judged)| {
            let name = format!("candidate_{}", rank + 1);
            let genome = Genome { name, ..found.searches[one.search][one.place].genome.clone() };
            let evaluated = found.candidates().count();
            format!("{MARK}\n# One of {evaluated} candidates of a search, of which it was chosen.\n{}", genome.file())
        };
        let files = judged.iter().enumerate().map(file).collect();
        let report = Self {
            search: *discovery.settings(),
            venue: discovery.base().venue,
            capital: discovery.base().capital,
            periods_per_year: discovery.base().periods_per_year,
            start: discovery.start().iter().map(|start| start.file.clone()).collect(),
            searched: Stretch::of(discovery, discovery.searched()),
            held_out: Stretch::of(discovery, discovery.held_out()),
            searches: searches.collect(),
            evaluated: found.candidates().count(),
            pareto: front(found).into_iter().map(|(search, place)| figures(search, place)).collect(),
            findings: candidates.iter().filter(|one| one.finding).count(),
            candidates,
            trials,
        };
        (report, files)
    }
}

impl Stretch {
    fn of(discovery: &Discovery<'_>, rows: std::ops::Range<usize>) -> Self {
        let time = |row: usize| rfc3339(discovery.market().open_time[row]);
        Self { from: time(rows.start), to: time(rows.end - 1), bars: rows.len() }
    }
}

impl SearchSummary {
    fn of(seed: u64, all: &[Candidate]) -> Self {
        let mut best: Vec<f64> = Vec::new();
        for candidate in all {
            let before = best.last().copied().unwrap_or(0.0);
            best.resize((candidate.generation + 1).max(best.len()), before);
            if let Some(last) = best.last_mut() {
                *last = last.max(candidate.measured.fitness.value);
            }
        }
        let fit = all.iter().filter(|candidate| candidate.measured.fitness.value > 0.0).count();
        Self { seed, evaluated: all.len(), fit, best }
    }
}

impl Figures {
    fn of(discovery: &Discovery<'_>, seed: u64, place: usize, candidate: &Candidate) -> Self {
        let statistics = &candidate.measured.statistics;
        Self {
            seed,
            place,
            generation: candidate.generation,
            fitness: candidate.measured.fitness.value,
            sharpe: statistics.sharpe(discovery.base().periods_per_year).map(AnnualSharpe::get),
            total_return: statistics.total_return,
            max_drawdown: statistics.max_drawdown,
            profit_factor: statistics.profit_factor,
            round_trips: statistics.round_trips,
            genes: candidate.genome.genes(),
        }
    }
}

/// Places of the candidates on the Pareto front.
fn front(found: &Found) -> Vec<(usize, usize)> {
    let filters = Filters { min_trades: Some(LEAST_TRADES), min_return: Some(0.0), ..Filters::default() };
    let mut front = Front::default();
    let mut places = Vec::new();
    for (search, all) in found.searches.iter().enumerate() {
        for (place, candidate) in all.iter().enumerate() {
            let index = places.len() as u64;
            places.push((search, place));
            let statistics = Some(candidate.measured.statistics);
            front.add(&filters, &Row { index, rung: 0, failure: None, statistics });
        }
    }
    front.into_rows().iter().map(|row| places[row.index as usize]).collect()
}

/// Adds `candidates.parquet`, a row a candidate in the order of evaluation, to the files of `run`.
///
/// # Errors
/// The folder or the disk refuses.
pub fn candidates_table(discovery: &Discovery<'_>, found: &Found, run: &mut NewRun<'_>) -> Result<()> {
    let all: Vec<(Figures, &Candidate)> = found
        .searches
        .iter()
        .enumerate()
        .flat_map(|(search, all)| all.iter().enumerate().map(move |(place, one)| (search, place, one)))
        .map(|(search, place, one)| {
            (Figures::of(discovery, discovery.settings().seed.wrapping_add(search as u64), place, one), one)
        })
        .collect();
    let whole = |of: &dyn Fn(&Figures) -> u64| all.iter().map(|(one, _)| of(one)).collect::<Vec<u64>>();
    let number = |of: &dyn Fn(&Figures) -> Option<f64>| all.iter().map(|(one, _)| of(one)).collect::<Vec<_>>();
    let (seed, place) = (whole(&|one| one.seed), whole(&|one| one.place as u64));
    let (generation, genes) = (whole(&|one| one.generation as u64), whole(&|one| one.genes as u64));
    let (trips, fitness) = (whole(&|one| one.round_trips), number(&|one| Some(one.fitness)));
    let (sharpe, gained) = (number(&|one| one.sharpe), number(&|one| Some(one.total_return)));
    let (fall, factor) = (number(&|one| Some(one.max_drawdown)), number(&|one| one.profit_factor));
    let strategies: Vec<String> = all.iter().map(|(_, one)| one.genome.file()).collect();
    let strategies: Vec<&str> = strategies.iter().map(String::as_str).collect();
    run.table(
        "candidates.parquet",
        &[
            ("seed", Column::U64(&seed)),
            ("place", Column::U64(&place)),
            ("generation", Column::U64(&generation)),
            ("fitness", Column::OptionF64(&fitness)),
            ("sharpe", Column::OptionF64(&sharpe)),
            ("total_return", Column::OptionF64(&gained)),
            ("max_drawdown", Column::OptionF64(&fall)),
            ("profit_factor", Column::OptionF64(&factor)),
            ("round_trips", Column::U64(&trips)),
            ("genes", Column::U64(&genes)),
            ("strategy", Column::Text(&strategies)),
        ],
    )
}

impl Report {
    /// What a start from files means for the holdout.
    #[must_use]
    pub fn start_sentence(&self) -> Option<String> {
        let files = self.start.join(", ");
        (!self.start.is_empty()).then(|| {
            format!(
                "Started from {files}: what whoever made them knew of the bars that are held out, no guard can see."
            )
        })
    }

    /// The answer in a few words.
    #[must_use]
    pub fn answer(&self) -> String {
        match self.findings {
            0 => "nothing found".to_owned(),
            1 => "1 finding".to_owned(),
            many => format!("{many} findings"),
        }
    }
}
