//! What `q50 collect` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Format;

pub(super) const HELP: &str = "Writes trades.parquet, bars.parquet, reserves.parquet and collection.json into the folder of --out, and keeps there\ncollection.sqlite, from which an interrupted run goes on. It follows the pool until Ctrl-C; with --once it ends when it\nhas caught up. Exit 1 where a step of the pool is not explained by the exact arithmetic.\nNeeds a q50 that was built with `cargo build --release --features live`.\n\nExamples:\n  q50 collect 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta --out pool\n  q50 collect 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta --out pool --once --interval 1h";

/// What a collection takes.
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where a Solana client is built in"))]
pub(crate) struct CollectArguments {
    /// The pool: its address, or the mint of a coin, whose canonical SOL pool is meant.
    #[arg(value_name = "MINT|POOL")]
    pub(crate) target: String,
    /// Folder of the datasets, and of what an interrupted run goes on from.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// A node of that chain instead of its public one; several, and the next is asked where one fails.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// Where subscriptions are served; default: the port after JSON-RPC's, or the same address where it names no port.
    #[arg(long, value_name = "URL", conflicts_with = "once")]
    pub(crate) ws: Option<String>,
    /// Length of a bar: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = super::values::length)]
    pub(crate) interval: Duration,
    /// End when everything that is confirmed by now is recorded.
    #[arg(long)]
    pub(crate) once: bool,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
