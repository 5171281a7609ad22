//! What `q50 sweep` takes.

use std::path::PathBuf;

use clap::Args;

use super::{ReplayArguments, cluster::SweepOnCluster, values::not_negative, values::share};

/// What a search takes.
#[derive(Args, Debug)]
pub(crate) struct SweepArguments {
    /// Grid file (TOML), one parameter per line; see the examples. Default: the section sweep of a strategy file in YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) grid: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Count what was tried on this market since this campaign was registered (q50 trials campaign).
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    /// Resume the unfinished sweep in the output folder, if there is one.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Search more than 10 million sets without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) on: SweepOnCluster,
    #[command(flatten)]
    pub(crate) filters: FilterArguments,
    /// Maximum number of sets of the Pareto front whose neighbours are also replayed.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) finalists: usize,
    /// Folder for results.parquet, sweep.html and sweep.json.
    #[arg(long, value_name = "DIR", default_value = "q50-sweep")]
    pub(crate) out: PathBuf,
}

/// Heading of the help.
const FILTERS: &str = "Filters (none by default)";

/// What a finalist must have.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct FilterArguments {
    /// Minimum number of closed round trips.
    #[arg(long, value_name = "N", help_heading = FILTERS)]
    pub(crate) min_trades: Option<u64>,
    /// A finalist's drawdown must be below this fraction.
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = FILTERS)]
    pub(crate) max_drawdown: Option<f64>,
    /// A finalist's profit factor (gains over losses) must exceed this.
    #[arg(long, value_name = "X", value_parser = not_negative, help_heading = FILTERS)]
    pub(crate) min_profit_factor: Option<f64>,
    /// A finalist's total return must exceed this fraction.
    #[arg(long, value_name = "X", help_heading = FILTERS)]
    pub(crate) min_return: Option<f64>,
}
