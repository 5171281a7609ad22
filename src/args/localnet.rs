//! What `q50 localnet` takes.

use std::path::PathBuf;

use clap::Args;

use super::values::above_zero;

/// What a local chain takes.
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where the local chain is built in"))]
pub(crate) struct LocalnetArguments {
    /// Port of JSON-RPC on 127.0.0.1; subscriptions are on the next one. 0 takes two that are free.
    #[arg(long, value_name = "PORT", default_value_t = 8899)]
    pub(crate) port: u16,
    /// Milliseconds from slot to slot; below 255 web3.js can meet expired blockhashes. 0: only when told to (/control).
    #[arg(long, value_name = "MS", default_value_t = 400)]
    pub(crate) slot_ms: u64,
    /// Pools to begin with (TOML); absent: two of SOL, with 85 and 400 SOL.
    #[arg(long, value_name = "FILE")]
    pub(crate) pools: Option<PathBuf>,
    /// A pool with the recorded reserves of this file's first row (columns base_reserve and quote_reserve).
    #[arg(long, value_name = "FILE", conflicts_with = "pools")]
    pub(crate) reserves: Option<PathBuf>,
    /// An arbitrageur moves that pool along the file's rows, so many recorded seconds in one; absent: nobody does.
    #[arg(long, value_name = "SPEED", requires = "reserves", value_parser = above_zero)]
    pub(crate) follow: Option<f64>,
    /// Show everything: a generated market with a planted edge is written into this folder up to now (bars.parquet,
    /// pool.parquet; signals.parquet also for the hours to come, and wallet.json), and a pool follows it from now on.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["pools", "reserves", "state", "keypair_out"])]
    pub(crate) demonstration: Option<PathBuf>,
    /// Where the key of the funded wallet is, or is written to; absent: the folder of --state, or a temporary file.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair_out: Option<PathBuf>,
    /// Folder to keep the chain in: saved at the end, taken up again at the next start with its own seed and pools.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Faults in force from the start (TOML); absent: none.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Keys, hashes and faults are drawn from this.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}
