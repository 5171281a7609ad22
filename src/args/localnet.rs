//! What `q50 localnet` takes.

use std::path::PathBuf;

use clap::Args;

use super::values::above_zero;

/// What a local chain takes.
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where the local chain is built in"))]
pub(crate) struct LocalnetArguments {
    /// JSON-RPC port on 127.0.0.1; WebSocket uses the next one. 0 picks two free ports.
    #[arg(long, value_name = "PORT", default_value_t = 8899)]
    pub(crate) port: u16,
    /// Slot length in milliseconds; below 255 web3.js can hit expired blockhashes. 0: advances on request (/control).
    #[arg(long, value_name = "MS", default_value_t = 400)]
    pub(crate) slot_ms: u64,
    /// Initial pools (TOML); default: two SOL pools, with 85 and 400 SOL.
    #[arg(long, value_name = "FILE")]
    pub(crate) pools: Option<PathBuf>,
    /// Start with a pool that has the reserves of this file's first row (columns base_reserve and quote_reserve).
    #[arg(long, value_name = "FILE", conflicts_with = "pools")]
    pub(crate) reserves: Option<PathBuf>,
    /// Let an arbitrageur move that pool along the file's rows, at this many recorded seconds per second; default: off.
    #[arg(long, value_name = "SPEED", requires = "reserves", value_parser = above_zero)]
    pub(crate) follow: Option<f64>,
    /// Run a demonstration: write a generated market with a planted edge up to now into this folder (bars.parquet,
    /// pool.parquet; signals.parquet also for the hours to come, and wallet.json), and let a pool follow it from now on.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["pools", "reserves", "state", "keypair_out"])]
    pub(crate) demonstration: Option<PathBuf>,
    /// Key of the funded wallet, written if absent; default: in the folder of --state, or a temporary file.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair_out: Option<PathBuf>,
    /// Folder that keeps the chain: saved at the end, resumed at the next start with its own seed and pools.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Faults active from the start (TOML); default: none.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Seed of keys, hashes and faults.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}
