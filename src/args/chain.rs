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
    /// Show the canonical pool of a coin: reserves, price, rates, and what its mint allows.
    #[command(
        after_help = "Example:\n  q50 chain pool 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster mainnet-beta"
    )]
    Pool(ChainPoolArguments),
    /// Quote a trade on the pool as it is, exactly.
    #[command(
        after_help = "Examples:\n  q50 chain quote 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --cluster mainnet-beta\n  q50 chain quote 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --sell --amount 1000000 --cluster mainnet-beta"
    )]
    Quote(ChainQuoteArguments),
    /// Buy a coin for SOL; or only see what would be sent (--dry-run).
    #[command(
        after_help = "Exit 1 where it was refused, failed or expired; 2 where what became of it is not known: the next command settles it.\n\nExamples:\n  q50 chain buy 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --dry-run --cluster mainnet-beta\n  q50 chain buy 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 0.5 --slippage-bps 50 --cluster devnet"
    )]
    Buy(ChainTradeArguments),
    /// Sell coins for SOL; or only see what would be sent (--dry-run).
    #[command(
        after_help = "Exit 1 where it was refused, failed or expired; 2 where what became of it is not known: the next command settles it.\n\nExample:\n  q50 chain sell 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --amount 1000000 --cluster devnet"
    )]
    Sell(ChainTradeArguments),
}

/// Which chain, and who asks.
#[derive(Args, Debug)]
pub(crate) struct ChainArguments {
    /// The chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// A node of that chain instead of its public one; several, and the next is asked where one fails.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// File of the keypair; default: $ANCHOR_WALLET, then what Solana's command line is configured with.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Form of the result.
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
    /// Do everything up to the signature, simulation included, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How much, and how much worse than quoted.
#[derive(Args, Debug)]
pub(crate) struct SizeArguments {
    /// SOL to spend; with --tokens, and in sales, coins. Decimals as the mint has them.
    #[arg(long, value_name = "X", value_parser = amount)]
    pub(crate) amount: String,
    /// The amount is in coins.
    #[arg(long)]
    pub(crate) tokens: bool,
    /// How much worse than quoted it may be filled, in basis points. The bound is part of the transaction.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..10_000))]
    pub(crate) slippage_bps: u64,
}

/// What sending takes.
#[derive(Args, Debug)]
pub(crate) struct SendingArguments {
    /// Most SOL for priority, an order.
    #[arg(long, value_name = "SOL", default_value = "0.001", value_parser = lamports)]
    pub(crate) priority_cap: Lamports,
    /// Limits in TOML; what it leaves out, and all without it, is as docs/GUIDE.md says.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
    /// Journal; default: one for each wallet and chain in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Where confirmations are listened for, besides asking; default: the port after JSON-RPC's, or the same address where
    /// it names no port.
    #[arg(long, value_name = "URL")]
    pub(crate) ws: Option<String>,
    /// A name of the order: given twice, it is carried out once.
    #[arg(long, value_name = "TEXT")]
    pub(crate) key: Option<String>,
    /// On mainnet-beta: trade real money.
    #[arg(long)]
    pub(crate) real_money: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PositionsArguments {
    /// Journal; default: all in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct SwitchArguments {
    /// Why; it is kept.
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub(crate) reason: String,
    /// Switch this journal alone, wherever it is.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct CloseArguments {
    /// Mints; none: every position of the journal.
    pub(crate) mints: Vec<String>,
    /// Stay, look once a second, and sell each position when a level of it is met. Levels are kept in the journal until
    /// then: after an interruption --watch alone goes on with them.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Sell when selling would lose this fraction of the cost, fees in, such as 0.1.
    #[arg(long, value_name = "X", requires = "watch", value_parser = share_bps)]
    pub(crate) stop_loss: Option<Bps>,
    /// Sell when selling would gain this fraction of the cost, fees in, such as 0.3.
    #[arg(long, value_name = "X", requires = "watch", value_parser = gain_bps)]
    pub(crate) take_profit: Option<Bps>,
    /// Sell when it has been held this long since it was bought: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = length)]
    pub(crate) after: Option<Duration>,
    /// How much worse than quoted it may be filled, in basis points.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..10_000))]
    pub(crate) slippage_bps: u64,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
}
