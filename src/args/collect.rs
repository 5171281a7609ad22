//! What `q50 collect` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Format;

pub(super) const HELP: &str = "Writes trades.parquet, bars.parquet, reserves.parquet and collection.json to the folder of --out, and keeps\ncollection.sqlite there, from which an interrupted run resumes. Follows the pool until Ctrl-C; with --once, ends when it\nhas caught up. Exits 1 if the exact arithmetic does not explain a step of the pool.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 collect 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta --out pool\n  q50 collect 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta --out pool --once --interval 1h";

/// What a collection takes.
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where a Solana client is built in"))]
pub(crate) struct CollectArguments {
    /// Address of the pool, or mint of a coin (its canonical SOL pool).
    #[arg(value_name = "MINT|POOL")]
    pub(crate) target: String,
    /// Folder for the datasets, and for the log from which an interrupted run resumes.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without real money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// Node to use instead of the chain's public one. May be repeated: if one fails, the next is tried.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// WebSocket address; default: the port after JSON-RPC's, or the same address if it names no port.
    #[arg(long, value_name = "URL", conflicts_with = "once")]
    pub(crate) ws: Option<String>,
    /// Length of a bar: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = super::values::length)]
    pub(crate) interval: Duration,
    /// End when everything confirmed so far is recorded.
    #[arg(long)]
    pub(crate) once: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
