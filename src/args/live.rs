//! What `q50 live` and `q50 compare` take.

#![cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where trading is built in"))]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use q50_engine::units::{Bps, Lamports};

use super::{
    Format, ManifestArguments,
    replay::{AbsentName, CrossingName, MinusOneName, strategies},
    values::{basis_points, capital, gain_bps, lamports, length, not_negative, share_bps},
};

const STRATEGY: &str = "Strategy";
const SIGNALS: &str = "Signals";
const ORDERS: &str = "Orders";
const CHAIN: &str = "Chain";
const MONITOR: &str = "Monitor";

pub(super) const LIVE_HELP: &str = "Ends within 5 seconds of Ctrl-C or SIGTERM; the same command resumes. The folder of --out has session.sqlite (bars,\ndecisions, orders), collection.sqlite and, at the end, the pool's datasets, for q50 verify. Trading on any chain other\nthan a localnet requires a manifest (q50 promote); --dry-run and --paper run anywhere. Exits 2 if it cannot continue;\nit then stops trading.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 live --pool MINT --signals signals.csv --strategy side --capital 10 --out session --cluster localnet --keypair wallet.json\n  q50 live --pool MINT --signals signals.csv --capital 10 --out rehearsal --paper --cluster mainnet-beta";

/// What a live session takes.
#[derive(Args, Debug)]
pub(crate) struct LiveArguments {
    /// Folder of the session; an existing session resumes.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Address of the pool, or mint of a coin (its canonical SOL pool); default: the manifest's.
    #[arg(long, value_name = "MINT|POOL", required_unless_present = "manifest", help_heading = CHAIN)]
    pub(crate) pool: Option<String>,
    /// Chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without real money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet", help_heading = CHAIN)]
    pub(crate) cluster: String,
    /// Node to use instead of the chain's public one. May be repeated: if one fails, the next is tried.
    #[arg(long, value_name = "URL", help_heading = CHAIN)]
    pub(crate) rpc: Vec<String>,
    /// WebSocket address; default: the port after JSON-RPC's, or the same address if it names no port.
    #[arg(long, value_name = "URL", help_heading = CHAIN)]
    pub(crate) ws: Option<String>,
    /// Interval for polling the chain, in milliseconds; every trade in the pool also triggers a poll.
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=60_000), help_heading = CHAIN)]
    pub(crate) poll_ms: u64,
    /// Length of a bar: a number and s, m, h or d; default: that of the manifest or of the strategy file, else 1m.
    #[arg(long, value_name = "TIME", value_parser = length, help_heading = STRATEGY)]
    pub(crate) interval: Option<Duration>,
    #[arg(long, value_name = "NAME|FILE", help_heading = STRATEGY, help = strategies("the manifest's, or q50"))]
    pub(crate) strategy: Option<String>,
    /// Any option of the strategy file, by dotted path.
    #[arg(long = "set", value_name = "PATH=VALUE", help_heading = STRATEGY)]
    pub(crate) set: Vec<String>,
    /// SOL that the session trades with; default: the promoted amount.
    #[arg(long, value_name = "SOL", value_parser = capital, required_unless_present = "manifest", help_heading = STRATEGY)]
    pub(crate) capital: Option<f64>,
    /// Folder of a collection of this pool (--out of q50 collect): what a node has forgotten, to warm up from.
    #[arg(long, value_name = "DIR", help_heading = STRATEGY)]
    pub(crate) history: Option<PathBuf>,
    /// Signals: a file that grows (CSV, Parquet, Feather); rows are added, and none that was read may change.
    #[arg(long, value_name = "FILE", help_heading = SIGNALS)]
    pub(crate) signals: Option<PathBuf>,
    /// Column that the strategy threshold trades on.
    #[arg(long, value_name = "NAME", help_heading = SIGNALS)]
    pub(crate) signal_column: Option<String>,
    /// Seconds from a signal's timestamp until it is available; default: one bar.
    #[arg(long, value_name = "SECONDS", help_heading = SIGNALS)]
    pub(crate) signal_delay: Option<u32>,
    /// Seconds for which an available signal may be used; default: one bar.
    #[arg(long, value_name = "SECONDS", help_heading = SIGNALS)]
    pub(crate) signal_max_age: Option<u32>,
    /// Seconds that a closed bar waits for its signal, at most one bar.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = not_negative, help_heading = SIGNALS)]
    pub(crate) signal_wait: f64,
    /// What to do with forecasts whose quantiles cross.
    #[arg(long, value_enum, default_value_t = CrossingName::Hold, help_heading = SIGNALS)]
    pub(crate) crossing: CrossingName,
    /// Meaning of -1 in the column side; default: keep the position, but refuse a column of only 1 and -1.
    #[arg(long, value_enum, help_heading = SIGNALS)]
    pub(crate) side_minus_one: Option<MinusOneName>,
    /// What to do on bars without a signal; default: as the strategy says.
    #[arg(long, value_enum, help_heading = SIGNALS)]
    pub(crate) absent: Option<AbsentName>,
    /// Quote each order, check the limits and simulate it, but send nothing.
    #[arg(long, help_heading = ORDERS)]
    pub(crate) dry_run: bool,
    /// Fill each order with the exact arithmetic on the live state, but send nothing.
    #[arg(long, conflicts_with = "dry_run", help_heading = ORDERS)]
    pub(crate) paper: bool,
    /// Largest slippage from the quote, in basis points; default: the manifest's, or 100. The limit is part of the
    /// transaction.
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u64).range(..10_000), help_heading = ORDERS)]
    pub(crate) slippage_bps: Option<u64>,
    /// Largest price impact of a buy in basis points; larger buys are cut; default: the manifest's, or 1000.
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u64).range(1..=9_999), help_heading = ORDERS)]
    pub(crate) max_impact_bps: Option<u64>,
    /// Sell between bars when the sale would lose this fraction of the cost, fees included, such as 0.1.
    #[arg(long, value_name = "X", value_parser = share_bps, help_heading = ORDERS)]
    pub(crate) stop_loss: Option<Bps>,
    /// Sell between bars when the sale would gain this fraction of the cost, fees included, such as 0.3.
    #[arg(long, value_name = "X", value_parser = gain_bps, help_heading = ORDERS)]
    pub(crate) take_profit: Option<Bps>,
    /// Sell between bars when the position has been held this long: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = length, help_heading = ORDERS)]
    pub(crate) after: Option<Duration>,
    /// Maximum priority fee per order, in SOL.
    #[arg(long, value_name = "SOL", default_value = "0.001", value_parser = lamports, help_heading = ORDERS)]
    pub(crate) priority_cap: Lamports,
    /// Limits (TOML); docs/GUIDE.md lists the defaults.
    #[arg(long, value_name = "FILE", help_heading = ORDERS)]
    pub(crate) limits: Option<PathBuf>,
    /// Keypair file; default: $ANCHOR_WALLET, then the Solana CLI's configured keypair.
    #[arg(long, value_name = "FILE", help_heading = ORDERS)]
    pub(crate) keypair: Option<PathBuf>,
    /// Journal of orders; default: the one of this wallet and chain in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE", help_heading = ORDERS)]
    pub(crate) journal: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) promotion: ManifestArguments,
    /// Folder of the backtest that is traded (--out of q50 verify --venue pumpswap): live trades are compared with its trades.
    #[arg(long, value_name = "DIR", conflicts_with = "manifest", help_heading = MONITOR)]
    pub(crate) backtest: Option<PathBuf>,
    /// Mean shortfall of a fill against the replayed one that the backtest modelled, in basis points; default: the
    /// manifest's, or 0.
    #[arg(long, value_name = "BPS", value_parser = basis_points, help_heading = MONITOR)]
    pub(crate) modelled_bps: Option<f64>,
    /// How much more is tolerated; fills that cost more for long enough end the opening of positions. At most 25 with a
    /// manifest.
    #[arg(long, value_name = "BPS", default_value_t = 25.0, value_parser = basis_points, help_heading = MONITOR)]
    pub(crate) tolerance_bps: f64,
    /// Stop opening positions when trades turn out worse than the backtest's; default: warn.
    #[arg(long, help_heading = MONITOR)]
    pub(crate) demote_on_decay: bool,
    /// File (TOML) naming the receivers of alarms, failed orders and session ends: [telegram] and [webhook].
    #[arg(long, value_name = "FILE", help_heading = MONITOR)]
    pub(crate) alerts: Option<PathBuf>,
    /// Serve a page about the session on this port of 127.0.0.1; 0: any that is free.
    #[arg(long, value_name = "PORT", help_heading = MONITOR)]
    pub(crate) status: Option<u16>,
    /// End after so many decisions; default: run until stopped.
    #[arg(long, value_name = "N")]
    pub(crate) bars: Option<usize>,
    /// Output format: lines for people, or one JSON object per line.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(super) const COMPARE_HELP: &str = "Compares each live fill with the backtest's and splits the difference into parts that add up to the lamport.\nExits 1 if a decision differs, a fill is missing, or something is not explained.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 compare session\n  q50 verify --venue pumpswap --bars session --pool session --signals signals.csv --strategy side --capital 10 --latency-slots 0 --from 2026-09-08T12:00:00Z --out backtest\n  q50 compare backtest session";

/// What a comparison takes.
#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Folder of a session (--out of q50 live), optionally preceded by that of a backtest (--out of q50 verify --venue
    /// pumpswap). Without a backtest, the session is compared with the replay of its own record, without latency.
    #[arg(value_name = "[BACKTEST] SESSION", num_args = 1..=2, required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Folder for compare.html, compare.json and the tables (Parquet); default: none are written.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
