//! What `q50 pool` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// Answer each request of a file with every amount of the trade, or with the program's error.
    #[command(
        after_help = "A request is one JSON object per line, with integers as strings:\n  op              buy, buy_exact_quote_in, sell, buy_v2, buy_exact_quote_in_v2 or sell_v2\n  amount          base (buy, sell) or quote (buy_exact_quote_in)\n  base_reserve, quote_vault, supply   the pool and its base mint; supply may be absent if no tier depends on it\n  virtual_quote   the pool's virtual quote reserves, signed; absent: 0. Graduated pools of 2026 have some\n  limit           max_quote_in, min_base_out or min_quote_out; absent: any price\n  canonical, quote_mint (wsol, usdc, other), has_coin_creator, mayhem, cashback, pool_creator_fee_bps,\n  creator_fee_configurable, buyback_bps, protocol_fees_bucket, creator_fees_bucket, fee_config\n    absent: a graduated SOL pool with a coin creator, nothing special, mainnet's fee table of 2026-09-08\n\nAnswers come in the order of the requests. `creator_bps` is the rate charged: 0 without a coin creator. A line that is not\na request is answered {\"error\": null, \"line\": N, \"message\": ..}, named on stderr, and makes the exit status 1.\n\nExample:\n  echo '{\"op\":\"buy\",\"amount\":\"1000000\",\"base_reserve\":\"206900000000000\",\"quote_vault\":\"84990359078\",\"supply\":\"1000000000000000\"}' | q50 pool quote --batch -"
    )]
    Quote(PoolQuoteArguments),
    /// Decode an account dump: a pool, the global configuration or the fee schedules.
    #[command(
        after_help = "Reads {\"base64\": ..}, an array of these, {\"accounts\": [..]}, a node's answer to getAccountInfo, and the output of\n`solana account --output json`. Exits 1 if a pool's own fields do not derive the address it was found at.\n\nExamples:\n  solana account ADDRESS --output json > pool.json && q50 pool show pool.json\n  q50 pool show accounts.json --name 7vEpDRUy5PSiBJNdBiiuMxN7KbM7HA3fxhFvgrjRrEnV --format json"
    )]
    Show(PoolShowArguments),
    /// Infer a pool's reserves and fee from its consecutive trades, or refuse with the reason.
    #[command(
        after_help = "The file (Parquet or CSV) has the trades of one or more pools: pool, block, seq, kind, SOL and token amounts.\nExits 1 if trades are missing or do not fit a constant product.\n\nExample:\n  q50 pool infer pool_trades.parquet --pool FcgExnc1"
    )]
    Infer(PoolInferArguments),
}

#[derive(Args, Debug)]
pub(crate) struct PoolInferArguments {
    /// The trades.
    pub(crate) trades: PathBuf,
    /// A unique part of the pool's name, if the file has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) pool: Option<String>,
    /// Trades per window.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) window: usize,
    /// Fee in basis points of the input; default: the one that fits the windows best.
    #[arg(long, value_name = "BPS")]
    pub(crate) fee_bps: Option<f64>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct PoolQuoteArguments {
    /// Requests, one JSON object per line; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) batch: PathBuf,
    /// File for the answers, written whole or not at all; default: stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct PoolShowArguments {
    /// Account dump (JSON).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Account to show, if there are several: its address, base mint, type, or number from 1.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
