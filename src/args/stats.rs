//! What `q50 stats` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Format,
    values::{above_zero, not_negative},
};

#[derive(Args, Debug)]
pub(crate) struct StatsArguments {
    /// Compute statistics of many series; default: of one.
    #[command(subcommand)]
    pub(crate) of_many: Option<StatsCommand>,
    /// Returns, dated or not: Parquet, Feather, CSV (also .gz, .zst, .zip), or a JSON array.
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) returns: Option<PathBuf>,
    /// Column, if there are several.
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// Number of returns per year.
    #[arg(long, value_name = "N", value_parser = above_zero, required = true)]
    pub(crate) periods_per_year: Option<f64>,
    /// Benchmark Sharpe ratio PER PERIOD, for PSR and the minimum track record length.
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub(crate) benchmark_sharpe: f64,
    /// Number of variants tried, for DSR.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: Option<u64>,
    /// Variance of their per-period Sharpe ratios; default: that of skill-less trials, 1 / (n - 1).
    #[arg(long, value_name = "V", value_parser = not_negative, requires = "trials")]
    pub(crate) trial_variance: Option<f64>,
    /// Estimators behind PSR and DSR: as printed with the papers (n - 1, biased moments) or unbiased (n, as purgedcv).
    #[arg(long, value_enum, default_value_t = MomentsName::Paper)]
    pub(crate) moments: MomentsName,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StatsCommand {
    /// Probability of backtest overfitting: how often the best set in one half of the record is below the median in the
    /// other.
    #[command(after_help = "Example:\n  q50 stats pbo --matrix returns_of_all_sets.csv --blocks 16 --format json")]
    Pbo(PboArguments),
    /// White's reality check and Hansen's test of superior predictive ability: is the best of many sets better than a
    /// benchmark?
    #[command(
        after_help = "Examples:\n  q50 stats spa --matrix returns_of_all_sets.csv\n  q50 stats spa --matrix m.parquet --benchmark-column holding --resamples 10000 --block 24"
    )]
    Spa(SpaArguments),
}

/// Returns of many sets over the same periods.
#[derive(Args, Debug)]
pub(crate) struct MatrixArguments {
    /// Returns, one column per set: Parquet or CSV (a time column is ignored), or a JSON object of arrays.
    #[arg(long, value_name = "PATH")]
    pub(crate) matrix: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct PboArguments {
    #[command(flatten)]
    pub(crate) input: MatrixArguments,
    /// Number of blocks to cut the rows into, even and at most 24; every half of them is in-sample once.
    #[arg(long, value_name = "S", default_value_t = 16)]
    pub(crate) blocks: usize,
}

#[derive(Args, Debug)]
pub(crate) struct SpaArguments {
    #[command(flatten)]
    pub(crate) input: MatrixArguments,
    /// Column to compare the others with; default: returns of 0.
    #[arg(long, value_name = "NAME")]
    pub(crate) benchmark_column: Option<String>,
    /// Bootstrap resamples.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) resamples: u32,
    /// Seed of the resamples.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) seed: u64,
    /// Mean block length in rows; default: the median over sets of the automatic length (Politis and White).
    #[arg(long, value_name = "L", value_parser = above_zero)]
    pub(crate) block: Option<f64>,
}

/// Estimators by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MomentsName {
    /// n - 1, biased skewness and kurtosis.
    Paper,
    /// n, unbiased skewness and kurtosis.
    Unbiased,
}
