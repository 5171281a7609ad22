//! What `q50 chain`, `q50 positions`, `q50 kill`, `q50 resume` and `q50 close` take.

#![cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where trading is built in"))]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use q50_engine::units::{Bps, Lamports};

use super::Format;
use super::values::{amount, gain_bps, lamports, length, share_bps};

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Show a coin's canonical pool: reserves, price, rates, and what its mint allows.
    #[command(
        after_help = "Example:\n  q50 chain pool 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta"
    )]
    Pool(ChainPoolArguments),
    /// Quote a trade exactly, on the pool's current state.
    #[command(
        after_help = "Examples:\n  q50 chain quote 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --cluster mainnet-beta\n  q50 chain quote 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --sell --amount 1000000 --cluster mainnet-beta"
    )]
    Quote(ChainQuoteArguments),
    /// Buy a coin for SOL, or show what would be sent (--dry-run).
    #[command(
        after_help = "Exits 1 if the order was refused, failed or expired; 2 if its outcome is unknown: the next command settles it.\n\nExamples:\n  q50 chain buy 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --dry-run --cluster mainnet-beta\n  q50 chain buy 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --slippage-bps 50 --cluster devnet"
    )]
    Buy(ChainTradeArguments),
    /// Sell coins for SOL, or show what would be sent (--dry-run).
    #[command(
        after_help = "Exits 1 if the order was refused, failed or expired; 2 if its outcome is unknown: the next command settles it.\n\nExample:\n  q50 chain sell 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 1000000 --cluster devnet"
    )]
    Sell(ChainTradeArguments),
}

/// Which chain, and who asks.
#[derive(Args, Debug)]
pub(crate) struct ChainArguments {
    /// Chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without real money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// Node to use instead of the chain's public one. May be repeated: if one fails, the next is tried.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// Keypair file; default: $ANCHOR_WALLET, then the Solana CLI's configured keypair.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct ChainPoolArguments {
    /// Mint of the coin.
    pub(crate) mint: String,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ChainQuoteArguments {
    /// Mint of the coin.
    pub(crate) mint: String,
    /// Quote a sale.
    #[arg(long)]
    pub(crate) sell: bool,
    #[command(flatten)]
    pub(crate) size: SizeArguments,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ChainTradeArguments {
    /// Mint of the coin.
    pub(crate) mint: String,
    #[command(flatten)]
    pub(crate) size: SizeArguments,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
    /// Do everything up to the signature, including simulation, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How much, and how much worse than quoted.
#[derive(Args, Debug)]
pub(crate) struct SizeArguments {
    /// SOL to spend; in sales and with --tokens, coins. At most as many decimals as the mint has.
    #[arg(long, value_name = "X", value_parser = amount)]
    pub(crate) amount: String,
    /// The amount is in coins.
    #[arg(long)]
    pub(crate) tokens: bool,
    /// Largest slippage from the quote, in basis points. The limit is part of the transaction.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..10_000))]
    pub(crate) slippage_bps: u64,
}

/// What sending takes.
#[derive(Args, Debug)]
pub(crate) struct SendingArguments {
    /// Maximum priority fee per order, in SOL.
    #[arg(long, value_name = "SOL", default_value = "0.001", value_parser = lamports)]
    pub(crate) priority_cap: Lamports,
    /// Limits (TOML); docs/GUIDE.md lists the defaults.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
    /// Journal; default: one per wallet and chain in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// WebSocket address for confirmations, in addition to polling; default: the port after JSON-RPC's, or the same
    /// address if it names no port.
    #[arg(long, value_name = "URL")]
    pub(crate) ws: Option<String>,
    /// Name of the order: given twice, it is executed once.
    #[arg(long, value_name = "TEXT")]
    pub(crate) key: Option<String>,
    /// Trade real money on mainnet-beta.
    #[arg(long)]
    pub(crate) real_money: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PositionsArguments {
    /// Journal; default: all in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct SwitchArguments {
    /// Reason, kept on record.
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub(crate) reason: String,
    /// Switch this journal alone, wherever it is.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct CloseArguments {
    /// Mints of the coins; default: every position of the journal.
    pub(crate) mints: Vec<String>,
    /// Keep running, check once a second, and sell each position when it reaches a level. The journal keeps the levels
    /// until then: after an interruption, --watch alone resumes with them.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Sell when the sale would lose this fraction of the cost, fees included, such as 0.1.
    #[arg(long, value_name = "X", requires = "watch", value_parser = share_bps)]
    pub(crate) stop_loss: Option<Bps>,
    /// Sell when the sale would gain this fraction of the cost, fees included, such as 0.3.
    #[arg(long, value_name = "X", requires = "watch", value_parser = gain_bps)]
    pub(crate) take_profit: Option<Bps>,
    /// Sell when the position has been held this long: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = length)]
    pub(crate) after: Option<Duration>,
    /// Largest slippage from the quote, in basis points.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..10_000))]
    pub(crate) slippage_bps: u64,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
}
