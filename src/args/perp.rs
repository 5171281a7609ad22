//! What `q50 perp` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

/// The cash of perpetual futures.
#[derive(Debug, Subcommand)]
pub(crate) enum PerpCommand {
    /// Compute the account after every event of a scenario: fills, funding, marks, liquidation.
    #[command(
        after_help = "The file (JSON) has `tiers` and any of `scenarios`, `bar_order` and `slippage`; docs/GUIDE.md shows one. With --format\njson the same document is printed, and every `expect` and `after` is what the rules give.\n\nExamples:\n  q50 perp scenario scenarios.json\n  q50 perp scenario scenarios.json --format json"
    )]
    Scenario(PerpScenarioArguments),
}

#[derive(Args, Debug)]
pub(crate) struct PerpScenarioArguments {
    /// Scenarios (JSON).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
