//! What `q50 lookahead` takes, and what of it `q50 verify` shares.

use std::path::PathBuf;

use clap::Args;
use q50_research::lookahead::{CUTS, SEED};

use super::Format;

/// What `q50 lookahead` takes.
#[derive(Args, Debug)]
pub(crate) struct LookaheadArguments {
    /// Program that makes the signals, run without a shell. {bars} is a Parquet file with the bars up to a cut, {out}
    /// the file that the program must write.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) producer: String,
    /// Bars that the signals were made from.
    #[arg(long, value_name = "PATH")]
    pub(crate) bars: PathBuf,
    /// Signals that the program claims to have made; default: columns of the bars' file.
    #[arg(long, value_name = "PATH")]
    pub(crate) signals: Option<PathBuf>,
    /// Column of a single-signal strategy.
    #[arg(long, value_name = "NAME")]
    pub(crate) signal_column: Option<String>,
    /// Seconds from a signal's timestamp until it is available; default: one bar.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) signal_delay: Option<u32>,
    #[command(flatten)]
    pub(crate) runs: ProducerRuns,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Heading of the help.
const RUNS: &str = "Runs of the producer";

/// How a producer is run.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ProducerRuns {
    /// Number of cuts, each a run of the program; three more runs see all bars.
    #[arg(long, value_name = "N", default_value_t = CUTS, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000), help_heading = RUNS)]
    pub(crate) cuts: usize,
    /// Seed of the cuts.
    #[arg(long, value_name = "N", default_value_t = SEED, help_heading = RUNS)]
    pub(crate) seed: u64,
    /// Time limit of a run, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..), help_heading = RUNS)]
    pub(crate) timeout: u64,
}
