//! What `q50 strategy` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use q50_language::TEMPLATES;

use super::Format;

/// Strategies that can be named, and strategies in files.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// List the strategies, the signals they read and their parameters.
    #[command(after_help = "Examples:\n  q50 strategy list\n  q50 strategy list --format json")]
    List(StrategyListArguments),
    /// Check strategy files: every fault has a code, a line and a path. No bar is read.
    #[command(
        after_help = "Exit 1 where a file is refused.\n\nExamples:\n  q50 strategy check mine.yaml\n  q50 strategy check *.yaml --format json"
    )]
    Check(StrategyCheckArguments),
    /// Show a strategy file as it was understood.
    #[command(after_help = "Example:\n  q50 strategy show mine.yaml")]
    Show(StrategyShowArguments),
    /// Print a strategy file to begin with.
    #[command(
        after_help = "Examples:\n  q50 strategy new ema_cross\n  q50 strategy new donchian_breakout | tee breakout.yaml"
    )]
    New(StrategyNewArguments),
    /// Turn a genome (JSON) into the strategy file that it is (YAML), or such a file into its genome.
    #[command(
        after_help = "A genome is the shape of strategies that q50 discover searches: comparisons of indicators with thresholds, a stop and\na target. A file that says anything else is refused with the line.\n\nExamples:\n  q50 strategy genome found.yaml\n  q50 strategy genome genome.json | tee dip.yaml"
    )]
    Genome(StrategyGenomeArguments),
    /// Print the JSON Schema of strategy files, for editors.
    #[command(
        after_help = "An editor with the YAML language server completes and checks a file that begins with\n  # yaml-language-server: $schema=strategy.schema.json\n\nExample:\n  q50 strategy schema | tee strategy.schema.json"
    )]
    Schema,
    /// Compute indicators of bars: a request a line, an answer a line.
    #[command(
        after_help = "A request is {\"type\": \"EMA\", \"params\": {\"period\": 9, \"source\": \"hl2\"}}, an answer {\"first\": row, \"outputs\": {\"value\":\n[null, .., 1.5]}}: a value a bar, null where it is undefined. A line that is no request is answered {\"error\": \"..\"} and makes\nthe exit status 1.\n\nExample:\n  echo '{\"type\":\"RSI\",\"params\":{}}' | q50 strategy indicators --bars btcusdt_1h.parquet --batch -"
    )]
    Indicators(StrategyIndicatorsArguments),
}

#[derive(Args, Debug)]
pub(crate) struct StrategyCheckArguments {
    /// Strategy files (YAML).
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct StrategyShowArguments {
    /// Strategy file (YAML).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct StrategyGenomeArguments {
    /// Genome (JSON) or strategy file (YAML).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct StrategyNewArguments {
    /// The template.
    #[arg(value_name = "TEMPLATE", value_parser = PossibleValuesParser::new(TEMPLATES.iter().map(|(name, _)| *name)))]
    pub(crate) template: String,
}

#[derive(Args, Debug)]
pub(crate) struct StrategyIndicatorsArguments {
    /// Bars: CSV, Parquet or JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) bars: PathBuf,
    /// Requests, one JSON object a line; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) batch: PathBuf,
    /// File for the answers, written whole or not at all; default: stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Feed the bars one by one, as a live run does; the values are the same.
    #[arg(long)]
    pub(crate) stream: bool,
}

#[derive(Args, Debug)]
pub(crate) struct StrategyListArguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
