//! What `q50 data watch` takes.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Format, values::length};

#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// GeckoTerminal's API: snapshots, bars and trades of pools, recorded as they come (built with --features watch).
    #[command(
        after_help = "Records in DIR/watch.sqlite until Ctrl-C; the same command goes on where it ended, however that was. Bars are recorded\nwhen they have closed. What the API gives differently later is recorded beside what was there, and is a conflict.\nMakes at most 30 requests a minute; a failed one is repeated after 1, 2, 4, 8 seconds, then every five minutes.\n\nExamples:\n  q50 data watch geckoterminal 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --out watch\n  q50 data ingest geckoterminal watch/watch.sqlite --out pools"
    )]
    Geckoterminal(WatchArguments),
}

#[derive(Args, Debug)]
#[cfg_attr(not(feature = "watch"), allow(dead_code, reason = "read where an HTTP client is built in"))]
pub(crate) struct WatchArguments {
    /// Addresses of the pools.
    #[arg(value_name = "POOL", required = true)]
    pub(crate) pools: Vec<String>,
    /// Folder of the collection.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Network, by the name that the API has for it.
    #[arg(long, value_name = "NAME", default_value = "solana")]
    pub(crate) network: String,
    /// Lengths of bars.
    #[arg(long = "timeframe", value_name = "TIME", value_delimiter = ',', default_value = "1m,1h",
        value_parser = ["1m", "5m", "15m", "1h", "4h", "12h", "1d"])]
    pub(crate) timeframes: Vec<String>,
    /// First bar, a day or RFC 3339, where none is recorded yet; the API has about six months. Default: the newest 1,000 bars.
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// From the start of a round to the start of the next.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = length)]
    pub(crate) every: Duration,
    /// End after one round, or when five requests in a row have failed.
    #[arg(long)]
    pub(crate) once: bool,
    /// Requests a minute.
    #[arg(long, value_name = "N", default_value = "30")]
    pub(crate) per_minute: NonZeroU32,
    /// Address of the API, if it is another than the public one.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
