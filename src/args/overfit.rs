//! What `q50 overfit` takes.

use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use q50_research::overfit::CheckName;

use super::ReplayArguments;

/// Days that a window can have: a century is more than any record.
const DAYS: std::ops::RangeInclusive<i64> = 1..=36_525;

/// What the overfitting checks take.
#[derive(Args, Debug)]
pub(crate) struct OverfitArguments {
    /// Grid file (TOML), as for q50 sweep, and with the same default. Its table `halving` is ignored: every set is judged on
    /// every bar.
    #[arg(long, value_name = "FILE")]
    pub(crate) grid: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Count what was tried on this market since this campaign was registered (q50 trials campaign).
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    #[command(flatten)]
    pub(crate) tests: TestArguments,
    /// Skip this check, which then never counts as a pass. May be repeated.
    #[arg(long, value_name = "NAME", value_parser = check_names())]
    pub(crate) skip: Vec<CheckName>,
    /// Judge more than 20,000 sets without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Folder for overfit.json and the Parquet files.
    #[arg(long, value_name = "DIR", default_value = "q50-overfit")]
    pub(crate) out: PathBuf,
}

/// Heading of the help.
const CHECKS: &str = "Checks";

/// How the checks are made.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct TestArguments {
    /// Training days of a walk-forward window, on which the choice is made.
    #[arg(long, value_name = "N", default_value_t = 270, value_parser = days(), help_heading = CHECKS)]
    pub(crate) train_days: u32,
    /// Test days after them, which judge the choice.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = days(), help_heading = CHECKS)]
    pub(crate) test_days: u32,
    /// Days between the starts of two windows.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = days(), help_heading = CHECKS)]
    pub(crate) step_days: u32,
    /// Train from the first bar in every window.
    #[arg(long, help_heading = CHECKS)]
    pub(crate) anchored: bool,
    /// Folds of purged K-fold cross-validation.
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = CHECKS)]
    pub(crate) folds: usize,
    /// Groups of combinatorial cross-validation.
    #[arg(long, value_name = "N", default_value_t = 6, help_heading = CHECKS)]
    pub(crate) groups: usize,
    /// Groups tested at a time in combinatorial cross-validation.
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = CHECKS)]
    pub(crate) tested: usize,
    /// Bars purged from training on either side of a tested bar; default: 50 plus the best set's longest holding time.
    #[arg(long, value_name = "BARS", help_heading = CHECKS)]
    pub(crate) purge: Option<usize>,
    /// Additional bars left out after a tested fold.
    #[arg(long, value_name = "BARS", default_value_t = 0, help_heading = CHECKS)]
    pub(crate) embargo: usize,
    /// Blocks for the probability of backtest overfitting, an even number up to 24.
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = CHECKS)]
    pub(crate) blocks: usize,
    /// Resamples of the reality check and SPA.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000), help_heading = CHECKS)]
    pub(crate) resamples: u64,
    /// Benchmark of the reality check and SPA.
    #[arg(long, value_enum, default_value_t = BenchmarkName::Cash, help_heading = CHECKS)]
    pub(crate) benchmark: BenchmarkName,
    /// Runs with random entries.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = CHECKS)]
    pub(crate) random_runs: u32,
    /// Seed of resamples and random entries.
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = CHECKS)]
    pub(crate) seed: u64,
}

fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(DAYS)
}

/// Benchmarks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchmarkName {
    /// Stay out of the market.
    Cash,
    /// Buy and hold, without costs.
    Hold,
}

/// The checks by their names in the table.
fn check_names() -> impl TypedValueParser<Value = CheckName> {
    PossibleValuesParser::new(CheckName::ALL.iter().map(|name| name.name()))
        .try_map(|text| CheckName::ALL.iter().copied().find(|name| name.name() == text).ok_or("no check of this name"))
}
