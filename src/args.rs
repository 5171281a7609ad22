//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Judges trading claims: replays the record with honest fills and says what the evidence supports.
#[derive(Debug, Parser)]
#[command(
    name = "q50",
    version,
    after_help = "Examples:\n  q50 verify                                         a verdict on the built-in demonstration market\n  q50 verify --bars bars.parquet --signals q50.parquet   the 1.327 claim on a record\n  q50 stats --returns r.csv --periods-per-year 365   statistics of any return series\n\nExit status: 0 done; 1 done, and the answer is no; 2 could not be done."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogArguments,
}

/// How much is said on stderr.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LogArguments {
    /// Say more on stderr: -v what is done, -vv every step.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Say nothing but errors on stderr, and show no progress.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Form of log lines.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
    pub(crate) log_format: LogFormat,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Form of the result on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a claim: replay it honestly and say what the evidence supports.
    #[command(
        after_help = "Examples:\n  q50 verify\n  q50 verify --bars btcusdt_1h.parquet --signals signals.parquet --out report\n  q50 verify --bars b.parquet --signals s.parquet --strategy side --cost-bps 5 --from 2024-01-01 --to 2024-09-30\n  q50 verify --bars b.parquet --strategy threshold --signal-column alpha --set entry=0.8 --lot 1\n  q50 verify --bars b.parquet --signals s.parquet --venue pumpswap --capital 100 --pool-depth 5000"
    )]
    Verify(Box<VerifyArguments>),
    /// Check what others recorded.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Exact quotes and accounts of PumpSwap pools.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Statistics of a return series.
    #[command(
        after_help = "Examples:\n  q50 stats --returns returns.csv --periods-per-year 8760 --format json\n  q50 stats --returns r.parquet --column strategy --periods-per-year 365 --trials 100 --trial-variance 0.0004"
    )]
    Stats(StatsArguments),
    /// Read, check and generate data.
    #[command(subcommand)]
    Data(DataCommand),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// What every command that replays takes.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// q50, threshold, side, or a strategy file (TOML); absent: the claim's own.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) strategy: Option<String>,
    /// Bars: Parquet, CSV or a Qlib provider directory; absent: the demonstration market.
    #[arg(long, value_name = "PATH")]
    pub(crate) bars: Option<PathBuf>,
    /// Signals: Parquet, CSV or a hummingbot run; absent: columns of the bars' own file.
    #[arg(long, value_name = "PATH", requires = "bars")]
    pub(crate) signals: Option<PathBuf>,
    /// Column of a single-signal strategy.
    #[arg(long, value_name = "NAME")]
    pub(crate) signal_column: Option<String>,
    /// First bar, RFC 3339 or a date (its midnight UTC); absent: the first bar with a signal.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Last bar, included; a date means the whole day; absent: the last bar with a signal.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Starting capital in quote units.
    #[arg(long, value_name = "X", value_parser = above_zero)]
    pub(crate) capital: Option<f64>,
    /// Cost of each fill in basis points of its notional; on a pool, in place of the program's fee schedule.
    #[arg(long, value_name = "X", value_parser = not_negative)]
    pub(crate) cost_bps: Option<f64>,
    /// Spread around the mid price in basis points; half of it is paid on each side.
    #[arg(long, value_name = "X", value_parser = not_negative)]
    pub(crate) spread_bps: Option<f64>,
    /// Smallest unit that is bought; absent: fractional.
    #[arg(long, value_name = "X", value_parser = above_zero)]
    pub(crate) lot: Option<f64>,
    /// Bars that make a year; absent: by the bars' interval in 365 days.
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub(crate) periods_per_year: Option<f64>,
    /// Where orders are filled.
    #[arg(long, value_enum, default_value_t = VenueName::NextOpen)]
    pub(crate) venue: VenueName,
    /// When orders are filled.
    #[arg(long, value_enum, default_value_t = TimingName::NextOpen)]
    pub(crate) fill_timing: TimingName,
    #[command(flatten)]
    pub(crate) pool: PoolArguments,
    /// What to do on bars without a signal; absent: as the strategy says.
    #[arg(long, value_enum)]
    pub(crate) absent: Option<AbsentName>,
    /// Seconds from a signal's stamp until it is available; absent: one bar.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) signal_delay: Option<u32>,
    /// Seconds for which an available signal may be used; absent: one bar.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) signal_max_age: Option<u32>,
    /// What to do with forecasts whose quantiles cross.
    #[arg(long, value_enum, default_value_t = CrossingName::Hold)]
    pub(crate) crossing: CrossingName,
    /// Share of forecasts that may cross before the file is refused.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) max_crossing_share: Option<f64>,
    /// Any option of the strategy file, by dotted path.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Trial ledger; absent: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Worker threads; absent: one a core. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// How a pool venue behaves.
#[derive(Args, Debug)]
#[command(next_help_heading = "Pool venue (--venue pumpswap)")]
pub(crate) struct PoolArguments {
    /// Quote reserve at the first bar in SOL, from which reserves are rebuilt along the bars.
    #[arg(long, value_name = "SOL", value_parser = above_zero, default_value_t = 1_000.0)]
    pub(crate) pool_depth: f64,
    /// Recorded reserves in place of rebuilt ones: Parquet or CSV with a time column, base_reserve and quote_reserve.
    #[arg(long, value_name = "PATH")]
    pub(crate) pool: Option<PathBuf>,
    /// The output may fall this many basis points below the quote at the decision.
    #[arg(long, value_name = "BPS", default_value_t = 100)]
    pub(crate) slippage_bps: u64,
    /// Largest impact of a buy in basis points; what is over is not bought.
    #[arg(long, value_name = "BPS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=9_999))]
    pub(crate) max_impact_bps: u64,
    /// Slots from a decision until its order lands.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) latency_slots: u32,
    /// Share of transactions that fail.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) failure_rate: f64,
    /// Priority fee of a transaction in lamports.
    #[arg(long, value_name = "LAMPORTS", default_value_t = 0)]
    pub(crate) priority_fee: u64,
    /// Half of our own impact is left after this many seconds; absent: arbitrage restores the price by the next bar.
    #[arg(long, value_name = "SECONDS", value_parser = above_zero)]
    pub(crate) impact_half_life: Option<f64>,
    /// Share of the slippage allowance that a sandwich takes from every trade.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) sandwich: f64,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// Claim file (TOML); absent: the 1.327 claim, or the demonstration's own.
    #[arg(long, value_name = "FILE")]
    pub(crate) claim: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Variants that were tried; absent: as the claim admits. The trial ledger's own count is the least.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: Option<u64>,
    /// Folder for report.html, summary.json and the Parquet files.
    #[arg(long, value_name = "DIR", default_value = "q50-verify")]
    pub(crate) out: PathBuf,
    /// Exit with 1 unless this is the verdict.
    #[arg(long, value_enum)]
    pub(crate) expect: Option<VerdictName>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Rebuild equity from recorded trades and bars, and list what could not have happened.
    #[command(
        after_help = "Example:\n  q50 audit ledger --trades trades.parquet --bars btcusdt_1h.parquet --run 551b272 --cash 100000 --price-shift 2"
    )]
    Ledger(AuditLedgerArguments),
    /// Compare recorded PumpSwap swaps with the exact arithmetic, field by field.
    #[command(
        after_help = "Records, one JSON object a line, or an array of them, or under `rows` or `swaps` of an object; shapes may be mixed:\n  a request of `q50 pool quote` with its answer: the answer's fields beside it, or under `expected`, or both\n    apart as `request` and `expected`; a refusal as `error`, by number or name\n  an execution of the program: `ix`, the state as in a request, and `event`, `delta`, `after`, or `error`\n  an event of mainnet: `event` with the fields of BuyEvent or SellEvent, or those fields alone\n  a quote of the vendor's client: `op` buyBaseInput, buyQuoteInput, sellBaseInput or sellQuoteInput, and `out`\n\nAn unknown value (absent or null) is not compared. Exit 1 where a field differs or a line cannot be read.\n\nExamples:\n  q50 audit swaps swaps.jsonl\n  q50 audit swaps recorded_swaps.json --format json"
    )]
    Swaps(AuditSwapsArguments),
}

#[derive(Args, Debug)]
pub(crate) struct AuditSwapsArguments {
    /// Recorded swaps; - for stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// Answer each line of a file of requests with every amount of the trade, or the program's error.
    #[command(
        after_help = "A request is one JSON object a line, integers as strings:\n  op              buy, buy_exact_quote_in, sell, buy_v2, buy_exact_quote_in_v2 or sell_v2\n  amount          base (buy, sell) or quote (buy_exact_quote_in)\n  base_reserve, quote_vault, supply   the pool and its base mint; supply may be absent where no tier depends on it\n  virtual_quote   the pool's virtual quote reserves, signed; absent: 0. Graduated pools of 2026 have some\n  limit           max_quote_in, min_base_out or min_quote_out; absent: any price\n  canonical, quote_mint (wsol, usdc, other), has_coin_creator, mayhem, cashback, pool_creator_fee_bps,\n  creator_fee_configurable, buyback_bps, protocol_fees_bucket, creator_fees_bucket, fee_config\n    absent: a graduated SOL pool with a coin creator, nothing special, mainnet's fee table of 2026-09-08\n\nAnswers come in the order of the requests. `creator_bps` is what is charged: 0 without a coin creator. A line that is no\nrequest is answered {\"error\": null, \"line\": N, \"message\": ..}, named on stderr, and makes the exit status 1.\n\nExample:\n  echo '{\"op\":\"buy\",\"amount\":\"1000000\",\"base_reserve\":\"206900000000000\",\"quote_vault\":\"84990359078\",\"supply\":\"1000000000000000\"}' | q50 pool quote --batch -"
    )]
    Quote(PoolQuoteArguments),
    /// Decode an account dump: a pool, the global configuration or the fee schedules.
    #[command(
        after_help = "Read are {\"base64\": ..}, an array of such or {\"accounts\": [..]}, a node's answer to getAccountInfo, and the output of\n`solana account --output json`. Exit 1 where a pool was found at an address that its own fields do not derive.\n\nExamples:\n  solana account ADDRESS --output json > pool.json && q50 pool show pool.json\n  q50 pool show accounts.json --name 7vEpDRUy5PSiBJNdBiiuMxN7KbM7HA3fxhFvgrjRrEnV --format json"
    )]
    Show(PoolShowArguments),
}

#[derive(Args, Debug)]
pub(crate) struct PoolQuoteArguments {
    /// Requests, one JSON object a line; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) batch: PathBuf,
    /// File for the answers, written whole or not at all; absent: stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct PoolShowArguments {
    /// Account dump (JSON).
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Which account of several: its address, base mint, type, or number from 1.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct AuditLedgerArguments {
    /// Recorded trades: Parquet, or a hummingbot trades.csv.
    #[arg(long, value_name = "PATH")]
    pub(crate) trades: PathBuf,
    /// Bars that the trades were made on.
    #[arg(long, value_name = "PATH")]
    pub(crate) bars: PathBuf,
    /// Which run of the file.
    #[arg(long, value_name = "NAME")]
    pub(crate) run: String,
    /// Starting cash in quote units.
    #[arg(long, value_name = "X", value_parser = above_zero)]
    pub(crate) cash: f64,
    /// The ledger's price at t is the close of bar t + N, rescaled to 100 at the first bar.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) price_shift: usize,
    /// Cap on the position as a share of equity; absent: the largest single order's share.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) cap: Option<f64>,
    /// First bar, RFC 3339 or a date; absent: inferred from the trades.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Last bar, included; a date means the whole day; absent: inferred from the trades.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Claim file to compare with; its period is the window where --from and --to are absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) claim: Option<PathBuf>,
    /// Bars that make a year; absent: by the bars' interval in 365 days.
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub(crate) periods_per_year: Option<f64>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct StatsArguments {
    /// Returns: Parquet, CSV, or a JSON array.
    #[arg(long, value_name = "PATH")]
    pub(crate) returns: PathBuf,
    /// Column, where there are several.
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// How many returns make a year.
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub(crate) periods_per_year: f64,
    /// Sharpe ratio PER PERIOD that PSR and the track record are measured against.
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) benchmark_sharpe: f64,
    /// Variants that were tried, for DSR.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: Option<u64>,
    /// Variance of their per-period Sharpe ratios; absent: that of skill-less trials, 1 / (n - 1).
    #[arg(long, value_name = "V", value_parser = not_negative, requires = "trials")]
    pub(crate) trial_variance: Option<f64>,
    /// Estimators behind PSR and DSR: as printed with the papers (n - 1, biased moments) or unbiased (n, as purgedcv).
    #[arg(long, value_enum, default_value_t = MomentsName::Paper)]
    pub(crate) moments: MomentsName,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the defects of bars or signals.
    Check {
        /// Bars or signals: Parquet, CSV, a Qlib provider directory or a hummingbot run.
        path: PathBuf,
        /// Form of the result.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Turn somebody else's files into Parquet.
    #[command(subcommand)]
    Ingest(IngestCommand),
    /// Answer SQL over Parquet files; a file name in single quotes is a table.
    #[cfg(feature = "query")]
    #[command(
        after_help = "Example:\n  q50 data query \"SELECT reason, count(*) AS bars FROM 'q50-verify/decisions.parquet' GROUP BY reason ORDER BY bars DESC\""
    )]
    Query {
        /// The query.
        sql: String,
        /// Form of the result.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Generate a market with a planted edge: bars.parquet, signals.parquet and pool.parquet.
    #[command(
        after_help = "Example:\n  q50 data synth --sharpe 3 --bars 26280 --out market && q50 verify --bars market/bars.parquet --signals market/signals.parquet"
    )]
    Synth(SynthArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IngestCommand {
    /// A Qlib provider directory: calendars, instruments, features.
    Qlib {
        /// The directory.
        path: PathBuf,
        /// Symbol, where there are several.
        #[arg(long)]
        symbol: Option<String>,
        /// Frequency, where there are several.
        #[arg(long)]
        freq: Option<String>,
        /// Parquet file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// A hummingbot run: trades.csv and holds_analysis.csv.
    Hummingbot {
        /// The directory.
        path: PathBuf,
        /// Parquet file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct SynthArguments {
    /// Folder to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of bars.
    #[arg(long, default_value_t = 26_280)]
    pub(crate) bars: usize,
    /// Distance of two bars in seconds.
    #[arg(long, default_value_t = 3_600)]
    pub(crate) interval: u32,
    /// Plant this net annual Sharpe ratio of the long/flat rule.
    #[arg(long, value_name = "X", conflicts_with = "information_coefficient", allow_negative_numbers = true)]
    pub(crate) sharpe: Option<f64>,
    /// Plant this correlation of forecast and next return.
    #[arg(long, value_name = "RHO", allow_negative_numbers = true)]
    pub(crate) information_coefficient: Option<f64>,
    /// Cost of each fill in basis points, for the planted Sharpe ratio.
    #[arg(long, default_value_t = 5.0, value_parser = not_negative)]
    pub(crate) cost_bps: f64,
    /// Standard deviation of a bar's return, a fraction.
    #[arg(long, default_value_t = 0.005, value_parser = above_zero)]
    pub(crate) volatility: f64,
    /// Mean of a bar's return, a fraction.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) drift: f64,
    /// Autocorrelation of the forecast.
    #[arg(long, default_value_t = 0.98)]
    pub(crate) persistence: f64,
    /// Quote reserve of the pool path at the first bar, in SOL.
    #[arg(long, default_value_t = 1_000.0, value_parser = above_zero)]
    pub(crate) pool_depth: f64,
    /// Seed.
    #[arg(long, default_value_t = 50)]
    pub(crate) seed: u64,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Venues by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VenueName {
    /// The next bar's open plus costs.
    NextOpen,
    /// A constant-product pool with PumpSwap's own arithmetic; capital is SOL.
    #[value(name = "pumpswap")]
    PumpSwap,
}

/// Fill timings by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimingName {
    /// The next bar's open.
    NextOpen,
    /// The close that the order was decided from (legacy; fails the causal check).
    SameClose,
}

/// Policies for bars without a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AbsentName {
    /// Keep the position.
    Hold,
    /// Treat the bar as a long signal.
    Long,
    /// Close the position.
    Flat,
}

/// Policies for crossing quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CrossingName {
    /// No forecast on that bar.
    Hold,
    /// Put the quantiles in order.
    Sort,
    /// Use them as they are.
    Keep,
}

/// Verdicts by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictName {
    /// Every check that applies passes.
    Confirmed,
    /// The record contradicts the figure.
    Refuted,
    /// Neither.
    Undetermined,
}

/// Estimators by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MomentsName {
    /// n - 1, biased skewness and kurtosis.
    Paper,
    /// n, unbiased skewness and kurtosis.
    Unbiased,
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected a finite number".to_owned()),
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 { Ok(v) } else { Err("expected a number above 0".to_owned()) })
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 0.0 { Ok(v) } else { Err("expected 0 or more".to_owned()) })
}

fn share(text: &str) -> Result<f64, String> {
    let range = |v| if (0.0..=1.0).contains(&v) { Ok(v) } else { Err("expected a fraction in [0, 1]".to_owned()) };
    number(text).and_then(range)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn percentages_are_refused_where_fractions_belong() {
        assert!(share("25").is_err());
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(above_zero("nan").is_err());
    }
}
