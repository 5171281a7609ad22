//! What `q50 discover` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use q50_language::{Timeframe, genome::Direction};

use super::{ReplayArguments, values::share};

/// Heading of the help.
const SEARCH: &str = "Search";

/// What a discovery takes.
#[derive(Args, Debug)]
pub(crate) struct DiscoverArguments {
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Length of the bars, as strategy files name it; default: that of the record.
    #[arg(long, value_name = "LENGTH", value_parser = timeframe, help_heading = SEARCH)]
    pub(crate) timeframe: Option<Timeframe>,
    /// Candidates that live at a time.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=10_000), help_heading = SEARCH)]
    pub(crate) population: u32,
    /// Generations, the first one at random.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = SEARCH)]
    pub(crate) generations: u32,
    /// Generations in a row without a fitter candidate, after which a search stops; default: it makes all generations.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = SEARCH)]
    pub(crate) patience: Option<u32>,
    /// Strategies that every search starts from, beside strangers: files of the shape of a genome (q50 strategy genome),
    /// such as candidates of an earlier discovery; at most half of the population.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = SEARCH)]
    pub(crate) start: Vec<PathBuf>,
    /// Seed of the first search; further ones have the next seeds.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = SEARCH)]
    pub(crate) seed: u64,
    /// Searches, each with a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000), help_heading = SEARCH)]
    pub(crate) seeds: u32,
    /// Sides that strategies may enter; default: any, but long alone with --shorting none.
    #[arg(long, value_enum, help_heading = SEARCH)]
    pub(crate) direction: Option<DirectionName>,
    /// Share of the record, its last part, that no search sees.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share, help_heading = SEARCH)]
    pub(crate) holdout: f64,
    /// Candidates that are judged: the fittest of those that differ.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = SEARCH)]
    pub(crate) judged: u32,
    /// Days of a walk-forward window in which the search is repeated, days after it that judge what it found, and days
    /// between the starts of two windows.
    #[arg(long, value_name = "DAYS", num_args = 3, value_delimiter = ',', default_values_t = [270, 90, 30], value_parser = clap::value_parser!(u32).range(1..=36_525), help_heading = SEARCH)]
    pub(crate) walk_forward: Vec<u32>,
    /// Count what was tried on this market since this campaign was registered (q50 trials campaign).
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    /// Resume the unfinished discovery in the output folder, if there is one.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Exit 1 unless there is a finding.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) expect: Option<ExpectedFinding>,
    /// Folder for discover.json, report.html, candidates.parquet and the strategy files.
    #[arg(long, value_name = "DIR", default_value = "q50-discover")]
    pub(crate) out: PathBuf,
}

/// What can be expected of a discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExpectedFinding {
    /// A candidate that passes every guard.
    Finding,
}

/// Sides by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DirectionName {
    /// Long alone.
    Long,
    /// Short alone.
    Short,
    /// Each strategy both sides, short by the mirror of long.
    Both,
    /// Any of these.
    Any,
}

impl DirectionName {
    /// The directions of this name.
    pub(crate) fn directions(self) -> Vec<Direction> {
        match self {
            Self::Long => vec![Direction::Long],
            Self::Short => vec![Direction::Short],
            Self::Both => vec![Direction::Both],
            Self::Any => vec![Direction::Long, Direction::Short, Direction::Both],
        }
    }
}

fn timeframe(text: &str) -> Result<Timeframe, String> {
    let known = || Timeframe::WORDS.map(|(word, _)| word).join(", ");
    let found = Timeframe::WORDS.into_iter().find(|(word, _)| *word == text);
    found.map(|(_, timeframe)| timeframe).ok_or_else(|| format!("expected one of {}", known()))
}
