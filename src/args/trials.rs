//! What `q50 trials` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, ReplayArguments};

/// What can be done with the trial ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum TrialsCommand {
    /// What was tried, by market.
    List(TrialsListArguments),
    /// Recompute the chain of hashes, and look in it for the head that an earlier report has.
    #[command(
        after_help = "Exit status: 0 nothing was changed; 1 something was, or the head is no entry's; 2 it could not be read.\n\nExamples:\n  q50 trials check\n  q50 trials check --head 3f0c2a9be1d24c7788aa01c9d5e6f7a8"
    )]
    Check(TrialsCheckArguments),
    /// Register a new idea on a market, before anything of it is tried.
    #[command(
        after_help = "q50 verify, sweep and overfit --campaign NAME count what was tried on the market since then. Bars before the\nregistration put the condition earlier_trials on a verdict.\n\nExample:\n  q50 trials campaign carry --idea \"funding above its mean is sold\" --bars btcusdt_1h.parquet"
    )]
    Campaign(TrialsCampaignArguments),
    /// Let an import count no longer; it stays on record, with the reason.
    #[command(
        after_help = "Only what others published can be forgotten, never a run of one's own.\n\nExample:\n  q50 trials forget 12 --reason \"another market's list\""
    )]
    Forget(TrialsForgetArguments),
    /// File what others published as trials on a market.
    Import(Box<TrialsImportArguments>),
    /// Every trial as a Parquet file.
    Export(TrialsExportArguments),
}

/// A ledger and a form of the result.
#[derive(Args, Debug)]
pub(crate) struct TrialsListArguments {
    /// Trial ledger; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsCheckArguments {
    /// Hash that must be an entry's: `ledger.head` of an earlier report, or its first digits, 16 at least.
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
    /// Bars of the market that it will be tried on.
    #[arg(long, value_name = "PATH")]
    pub(crate) bars: PathBuf,
    #[command(flatten)]
    pub(crate) common: TrialsListArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TrialsForgetArguments {
    /// Number of the import's entry (q50 trials list).
    #[arg(value_name = "ENTRY")]
    pub(crate) entry: i64,
    /// Why it counts no longer.
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
    /// Published runs: CSV with the columns id, sharpe (annual), and where known n_bars and validation_only_sharpe
    /// (annual, comparable with each other); or a claim file (TOML) with its list.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Strategy family that they belong to.
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
