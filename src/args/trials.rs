//! What `q50 trials` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    Format, ReplayArguments,
    values::{InstrumentPath, instrument_path},
};

/// What can be done with the trial ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum TrialsCommand {
    /// List what was tried, by market.
    List(TrialsListArguments),
    /// Recompute the chain of hashes and look for the head of an earlier report.
    #[command(
        after_help = "Exit status: 0 unchanged; 1 something was changed, or the head is not in the ledger; 2 the ledger could not be read.\n\nExamples:\n  q50 trials check\n  q50 trials check --head 3f0c2a9be1d24c7788aa01c9d5e6f7a8"
    )]
    Check(TrialsCheckArguments),
    /// Register a new idea on a market before trying it.
    #[command(
        after_help = "With --campaign NAME, q50 verify, sweep and overfit count what was tried on the market since then. Bars before the\nregistration put the condition earlier_trials on a verdict.\n\nExample:\n  q50 trials campaign carry --idea \"funding above its mean is sold\" --bars btcusdt_1h.parquet"
    )]
    Campaign(TrialsCampaignArguments),
    /// Stop counting an import; it stays on record, with the reason.
    #[command(
        after_help = "Only imports can be forgotten, never your own runs.\n\nExample:\n  q50 trials forget 12 --reason \"another market's list\""
    )]
    Forget(TrialsForgetArguments),
    /// File what others published as trials on a market.
    Import(Box<TrialsImportArguments>),
    /// Write every trial to a Parquet file.
    Export(TrialsExportArguments),
}

/// A ledger and a form of the result.
#[derive(Args, Debug)]
pub(crate) struct TrialsListArguments {
    /// Trial ledger; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsCheckArguments {
    /// Hash that an entry must have: `ledger.head` of an earlier report, or at least its first 16 digits.
    #[arg(long, value_name = "HASH", value_parser = head)]
    pub(crate) head: Option<String>,
    #[command(flatten)]
    pub(crate) common: TrialsListArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsCampaignArguments {
    /// Name of the campaign, for --campaign.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The idea, in words.
    #[arg(long, value_name = "WORDS")]
    pub(crate) idea: String,
    /// Bars of the market on which it will be tried; repeated, or a folder of records, as q50 verify takes a portfolio.
    #[arg(long, value_name = "[NAME=]PATH", value_parser = instrument_path, required = true)]
    pub(crate) bars: Vec<InstrumentPath>,
    #[command(flatten)]
    pub(crate) common: TrialsListArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsForgetArguments {
    /// Entry number of the import (q50 trials list).
    #[arg(value_name = "ENTRY")]
    pub(crate) entry: i64,
    /// Why it no longer counts.
    #[arg(long, value_name = "WORDS")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) common: TrialsListArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsExportArguments {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Trial ledger; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsImportArguments {
    /// Published runs: CSV with the columns id, sharpe (annual), and, where known, n_bars and validation_only_sharpe
    /// (annual, comparable between runs); or a claim file (TOML) with its list.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Strategy family of the runs.
    #[arg(long, value_name = "NAME", default_value = "q50")]
    pub(crate) family: String,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
}

/// A hash, or enough of its digits to be one entry's.
fn head(text: &str) -> Result<String, String> {
    let digits = text.chars().all(|c| c.is_ascii_hexdigit());
    if digits && (16..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("expected 16 to 64 hexadecimal digits, as in `ledger.head` of a report".to_owned())
}
