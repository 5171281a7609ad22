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
    /// Grid file (TOML), as for q50 sweep; its table `halving` is ignored: every set is judged on every bar.
    #[arg(long, value_name = "FILE")]
    pub(crate) grid: PathBuf,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Count what was tried on this market since this campaign was registered (q50 trials campaign).
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    #[command(flatten)]
    pub(crate) tests: TestArguments,
    /// Skip this check, which is then never a pass; may be given more than once.
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
    /// Days of a walk-forward window that the choice is made on.
    #[arg(long, value_name = "N", default_value_t = 270, value_parser = days(), help_heading = CHECKS)]
    pub(crate) train_days: u32,
    /// Days after them that judge it.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = days(), help_heading = CHECKS)]
    pub(crate) test_days: u32,
    /// Days from one window to the next.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = days(), help_heading = CHECKS)]
    pub(crate) step_days: u32,
    /// Train from the first bar on, in every window.
    #[arg(long, help_heading = CHECKS)]
    pub(crate) anchored: bool,
    /// Folds of the purged K-fold.
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = CHECKS)]
    pub(crate) folds: usize,
    /// Groups of combinatorial cross-validation.
    #[arg(long, value_name = "N", default_value_t = 6, help_heading = CHECKS)]
    pub(crate) groups: usize,
    /// Groups that it tests at a time.
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = CHECKS)]
    pub(crate) tested: usize,
    /// Bars left out of training on either side of a tested one; default: 50 and the longest holding time of the best set.
    #[arg(long, value_name = "BARS", help_heading = CHECKS)]
    pub(crate) purge: Option<usize>,
    /// Further bars left out after a tested fold.
    #[arg(long, value_name = "BARS", default_value_t = 0, help_heading = CHECKS)]
    pub(crate) embargo: usize,
    /// Blocks of the probability of backtest overfitting, an even number up to 24.
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = CHECKS)]
    pub(crate) blocks: usize,
    /// Resamples of the reality check and SPA.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000), help_heading = CHECKS)]
    pub(crate) resamples: u64,
    /// What the reality check and SPA compare the sets with.
    #[arg(long, value_enum, default_value_t = BenchmarkName::Cash, help_heading = CHECKS)]
    pub(crate) benchmark: BenchmarkName,
    /// Runs with random entries.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = CHECKS)]
    pub(crate) random_runs: u32,
    /// Seed of the resamples and of the random entries.
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = CHECKS)]
    pub(crate) seed: u64,
}

fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(DAYS)
}

/// Benchmarks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchmarkName {
    /// Staying out.
    Cash,
    /// Holding what is traded, without costs.
    Hold,
}

/// The checks by their names in the table.
fn check_names() -> impl TypedValueParser<Value = CheckName> {
    PossibleValuesParser::new(CheckName::ALL.iter().map(|name| name.name()))
        .try_map(|text| CheckName::ALL.iter().copied().find(|name| name.name() == text).ok_or("no check of this name"))
}
