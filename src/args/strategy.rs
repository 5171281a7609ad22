//! What `q50 strategy` takes.

use clap::{Args, Subcommand};

use super::Format;

/// The strategies that can be named.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// List the strategies, what they read and their parameters.
    #[command(after_help = "Examples:\n  q50 strategy list\n  q50 strategy list --format json")]
    List(StrategyListArguments),
}

#[derive(Args, Debug)]
pub(crate) struct StrategyListArguments {
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
