//! What can be typed.

mod chain;
mod cluster;
mod collect;
mod data;
mod discover;
mod live;
mod localnet;
mod lookahead;
mod overfit;
mod perp;
mod pool;
mod promote;
mod replay;
mod result;
mod stats;
mod strategy;
mod sweep;
mod trials;
mod validate;
mod values;
mod watch;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use q50_engine::strategy::sizing::Method;
use q50_research::claim::ConditionName;

#[cfg(feature = "live")]
pub(crate) use self::chain::{
    ChainArguments, ChainPoolArguments, ChainQuoteArguments, ChainTradeArguments, SendingArguments, SizeArguments,
};
pub use self::cluster::{NetworkArguments, SchedulerArguments, SweepOnCluster, WorkerArguments};
#[cfg(feature = "nautilus")]
pub(crate) use self::replay::PoolArguments;
#[cfg(feature = "live")]
pub(crate) use self::values::smallest_units;
use self::values::{above_zero, share};
#[cfg(feature = "watch")]
pub(crate) use self::watch::{WatchArguments, WatchCommand};
pub(crate) use self::{
    chain::{ChainCommand, CloseArguments, PositionsArguments, SwitchArguments},
    collect::CollectArguments,
    data::{DataCommand, IngestCommand, SynthArguments},
    discover::{DirectionName, DiscoverArguments},
    live::{CompareArguments, LiveArguments},
    localnet::LocalnetArguments,
    lookahead::{LookaheadArguments, ProducerRuns},
    overfit::{BenchmarkName, OverfitArguments},
    perp::{PerpCommand, PerpScenarioArguments},
    pool::{PoolCommand, PoolInferArguments, PoolQuoteArguments, PoolShowArguments},
    promote::{DoctorArguments, ManifestArguments, PromoteArguments},
    replay::{
        AbsentName, CrossingName, MOST_THREADS, MaintenanceName, MinusOneName, PerpetualArguments, ReplayArguments,
        ShortingName, TimingName, VenueName,
    },
    result::ResultArguments,
    stats::{MatrixArguments, MomentsName, PboArguments, SpaArguments, StatsArguments, StatsCommand},
    strategy::{
        StrategyCheckArguments, StrategyCommand, StrategyGenomeArguments, StrategyIndicatorsArguments,
        StrategyListArguments, StrategyNewArguments, StrategyShowArguments,
    },
    sweep::{FilterArguments, SweepArguments},
    trials::{
        TrialsCampaignArguments, TrialsCheckArguments, TrialsCommand, TrialsExportArguments, TrialsForgetArguments,
        TrialsImportArguments, TrialsListArguments,
    },
    validate::ValidateArguments,
    values::InstrumentPath,
};

/// Judges trading claims: replays the record with honest fills and reports what the evidence supports.
#[derive(Debug, Parser)]
#[command(
    name = "q50",
    version,
    after_help = "Examples:\n  q50 verify                                         a verdict on the built-in demonstration market\n  q50 verify --bars bars.parquet --signals q50.parquet   the record's own figure\n  q50 verify --claim q50-1327 --bars b.parquet --signals s.parquet   a claim on its record\n  q50 stats --returns r.csv --periods-per-year 365   statistics of any return series\n\nExit status: 0 success; 1 success, but the answer is no; 2 error."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogArguments,
}

impl Arguments {
    /// What was typed; ends the process on what cannot be understood, or where help was asked for.
    pub(crate) fn read() -> Self {
        Self::from_arg_matches(&Self::grammar().get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// What `typed` says, the name of the program first.
    pub(crate) fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::grammar().try_get_matches_from(typed)?)
    }

    /// Everything that can be typed.
    pub(crate) fn grammar() -> clap::Command {
        takes_negative_numbers(Self::command())
    }
}

/// A number behind an option that takes a value is that value and no option of its own, so that `-5` is refused, if it
/// has to be, with the range that was expected.
fn takes_negative_numbers(command: clap::Command) -> clap::Command {
    let takes = |arg: clap::Arg| {
        let value = arg.get_action().takes_values();
        arg.allow_negative_numbers(value)
    };
    command.mut_args(takes).mut_subcommands(takes_negative_numbers)
}

/// Heading of the options that every command has.
const LOGGING: &str = "Logging";

/// How much goes to stderr.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LogArguments {
    /// Log progress to stderr.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = LOGGING)]
    pub(crate) verbose: u8,
    /// Print only errors on stderr, without a progress bar.
    #[arg(short, long, global = true, help_heading = LOGGING, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Format of log lines.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true, help_heading = LOGGING)]
    pub(crate) log_format: LogFormat,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Output format on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

const VERIFY_EXAMPLES: &str = "Examples:\n  q50 verify\n  q50 verify --bars btcusdt_1h.parquet --signals signals.parquet --out report\n  q50 verify --bars btcusdt_1h.parquet --signals signals.parquet --claim q50-1327\n  q50 verify --bars b.parquet --signals s.parquet --strategy side --cost-bps 5 --from 2024-01-01 --to 2024-09-30\n  q50 verify --bars b.parquet --strategy threshold --signal-column alpha --set entry=0.8 --lot 1\n  q50 verify --bars b.parquet --strategy mine.yaml --shorting none\n  q50 verify --bars b.parquet --signals s.parquet --venue pumpswap --capital 100 --pool-depth 5000\n  q50 verify --bars perp.parquet --strategy mine.yaml --venue perpetual --leverage 20 --funding funding.csv --tiers tiers.json\n  q50 verify --trades trades.csv --capital 10000 --bars b.parquet\n  q50 verify --returns daily.csv --bars btcusdt_1h.parquet";

/// The sizing methods, one per line, for `--help`.
fn sizing_methods() -> String {
    let line = |method: &Method| format!("  {:<26} {}\n", method.name(), method.words());
    let lines: String = Method::ALL.iter().map(line).collect();
    format!(
        "Sizing methods of q50 (--set sizing.method=NAME); those up to atr size any strategy (--sizing NAME):\n{lines}\n"
    )
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a claim: replay it honestly and report what the evidence supports.
    #[command(after_help = VERIFY_EXAMPLES, after_long_help = sizing_methods() + VERIFY_EXAMPLES)]
    Verify(Box<VerifyArguments>),
    /// Check whether the program that makes the signals uses later bars.
    #[command(
        after_help = "Runs the program on records that end at random bars and compares its signals with those it makes from all bars. The program may be written in any language; the command is split into words as a shell would, but runs without a shell. {bars} is a Parquet file with the columns of --bars, {out} a path that ends in .parquet. Exits 1 if a cut changed signals before it, or if the program does not reproduce the file of --signals.\n\nExamples:\n  q50 lookahead --producer 'python3 signals.py {bars} {out}' --bars btcusdt_1h.parquet --signals signals.parquet\n  q50 lookahead --producer './signals --in {bars} --out {out}' --bars b.parquet --signals s.parquet --cuts 50 --format json"
    )]
    Lookahead(LookaheadArguments),
    /// Check what others recorded.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Quote PumpSwap pools exactly, decode their accounts, infer their reserves.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Compute the cash of perpetual futures: margin, funding, liquidation.
    #[command(subcommand)]
    Perp(PerpCommand),
    /// Compute statistics of a return series, or of the best of many.
    #[command(
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        after_help = "Examples:\n  q50 stats --returns returns.csv --periods-per-year 8760 --format json\n  q50 stats --returns r.parquet --column strategy --periods-per-year 365 --trials 100 --trial-variance 0.0004\n  q50 stats pbo --matrix returns_of_all_sets.parquet --blocks 16\n  q50 stats spa --matrix returns_of_all_sets.parquet --benchmark-column holding"
    )]
    Stats(StatsArguments),
    /// Search a strategy's parameters on every core, and count every set as a trial.
    #[command(
        after_help = "A grid file:\n  [grid]\n  entry = { from = 0.55, to = 0.95, steps = 10 }   # the first line is the outermost loop\n  exit = [0.2, 0.3, 0.4]\n  \"gate.min_tier\" = { from = 0, to = 3, steps = 4 }\n  [search]                                          # absent: every combination\n  kind = \"random\"\n  sets = 1000\n  seed = 1\n  sequence = \"sobol\"                                # or \"latin_hypercube\", \"uniform\"\n  [halving]                                         # absent: every set sees every bar; only those that do are ranked\n  eta = 3\n  rungs = 3\n\nExamples:\n  q50 sweep --strategy q50 --grid grid.toml --bars btcusdt_1h.parquet --signals signals.parquet --out search\n  q50 sweep --strategy threshold --grid grid.toml --bars b.parquet --signal-column alpha --min-trades 50 --max-drawdown 0.3\n  q50 sweep --strategy mine.yaml --bars b.parquet     the section sweep of the file\n  q50 sweep --strategy q50 --grid grid.toml --bars btcusdt_1h.parquet --signals signals.parquet --out search --resume"
    )]
    Sweep(Box<SweepArguments>),
    /// Give the sets of sweeps to workers on other machines.
    #[command(
        after_help = "Needs the program q50-cluster (docs/GUIDE.md, Searches on several machines).\n\nExample:\n  q50-cluster scheduler --bind 10.0.0.1:50050 --trusted-network"
    )]
    Scheduler(SchedulerArguments),
    /// Replay sets of sweeps for a scheduler.
    #[command(
        after_help = "Needs the program q50-cluster, the same on every machine. Data is read here, under the paths that were typed for the sweep:\nstart workers in the same folder of a shared disk, or type absolute paths.\n\nExample:\n  q50-cluster worker --scheduler 10.0.0.1:50050 --bind 10.0.0.2:0 --trusted-network"
    )]
    Worker(WorkerArguments),
    /// Search for strategies that nobody wrote, and judge what is found on bars that the search has not seen.
    #[command(
        after_help = "A strategy is bred out of indicators, thresholds, a stop and a target (q50 strategy genome). Every candidate is a trial. What\nis found is written as strategy files; a finding passes every guard. Nothing found is an answer: exit 0.\n\nExamples:\n  q50 discover --bars btcusdt_1h.parquet --timeframe 1h --population 20 --generations 15 --seed 1 --out found\n  q50 discover --bars b.parquet --shorting none --seeds 3 --format json\n  q50 discover --bars b.parquet --generations 5 --expect finding --out found"
    )]
    Discover(Box<DiscoverArguments>),
    /// Check whether the best set of a grid is luck: eight checks, every choice filed as a trial.
    #[command(
        after_help = "Takes the grid file of q50 sweep. Exit status: 0 no check fails; 1 a check fails, or nothing could be judged; 2 error.\n\nExamples:\n  q50 overfit --strategy q50 --grid grid.toml --bars btcusdt_1h.parquet --signals signals.parquet --train-days 90 --test-days 30 --step-days 15\n  q50 overfit --strategy threshold --signal-column alpha --grid grid.toml --bars b.parquet --anchored --benchmark hold\n  q50 overfit --grid grid.toml --train-days 180 --test-days 60 --skip combinatorial --format json"
    )]
    Overfit(Box<OverfitArguments>),
    /// Run a strategy, or the finalists of a search, through NautilusTrader's engine too, and compare.
    #[command(
        after_help = "Compares every decision, fill, landing time, amount, rejection and mark of both engines. Exits 1 if any differs.\nNeeds a q50 built with `cargo build --release --features nautilus`.\n\nExamples:\n  q50 validate --bars btcusdt_1h.parquet --signals signals.parquet --strategy side\n  q50 validate --bars b.parquet --signals s.parquet --venue pumpswap --capital 10 --pool-depth 1000 --latency slots:2\n  q50 validate --from-sweep search --top 5 --bars btcusdt_1h.parquet --signals signals.parquet --latency retail\n  q50 validate --from-sweep search --bars btcusdt_1h.parquet --signals signals.parquet --validate-venue pumpswap --pool-depth 500 --capital 10"
    )]
    Validate(Box<ValidateArguments>),
    /// Show the available strategies and their parameters.
    #[command(subcommand)]
    Strategy(StrategyCommand),
    /// Inspect the trial ledger: everything tried, by market.
    #[command(
        subcommand,
        after_help = "Examples:\n  q50 trials list\n  q50 trials check --head 3f0c2a9be1d24c77\n  q50 trials campaign carry --idea \"funding above its mean is sold\" --bars btcusdt_1h.parquet\n  q50 trials import published_runs.csv --bars btcusdt_1h.parquet --signals signals.parquet --family q50\n  q50 trials export --out trials.parquet"
    )]
    Trials(TrialsCommand),
    /// Read, check and generate data.
    #[command(subcommand)]
    Data(DataCommand),
    /// Record a PumpSwap pool from the chain: every swap since it began, checked to the lamport as it comes.
    #[command(after_help = collect::HELP)]
    Collect(CollectArguments),
    /// Let a strategy trade: a signed manifest of a confirmed run, or every reason why not.
    #[command(after_help = promote::PROMOTE_HELP)]
    Promote(PromoteArguments),
    /// Check everything that trading needs: chain, program, wallet, clock, folders, manifest.
    #[command(after_help = promote::DOCTOR_HELP)]
    Doctor(DoctorArguments),
    /// Trade a strategy in a PumpSwap pool: a bar closes, the strategy decides, the order is executed.
    #[command(after_help = live::LIVE_HELP)]
    Live(Box<LiveArguments>),
    /// Compare a live session with its backtest: decisions, fills, time, money, and why they differ.
    #[command(after_help = live::COMPARE_HELP)]
    Compare(CompareArguments),
    /// Serve a Solana chain with PumpSwap on this machine, for any client; faults on demand.
    #[command(
        after_help = "Prints one line of JSON when it is ready, and ends at Ctrl-C. docs/LOCALNET.md describes pools, faults and /control.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 localnet --keypair-out wallet.json\n  q50 localnet --demonstration demo\n  q50 localnet --pools pools.toml --faults faults.toml --seed 7\n  q50 localnet --state chain\n  q50 localnet --reserves reserves.parquet --follow 60"
    )]
    Localnet(LocalnetArguments),
    /// Inspect pools, quote and trade on a Solana chain by hand.
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Show what is held, according to the trading journals.
    #[command(after_help = "Example:\n  q50 positions --format json")]
    Positions(PositionsArguments),
    /// Switch off all trading in the data directory ($Q50_DATA_DIR), for every journal and every running process, until
    /// q50 resume. Transactions already sent may still land; buys are not resent.
    #[command(
        after_help = "Also switches off every journal in the data directory, and names any that it could not switch (exit 2).\n\nExample:\n  q50 kill --reason 'odd prices'"
    )]
    Kill(SwitchArguments),
    /// Switch trading on again.
    #[command(
        after_help = "Exits 2 if something could not be switched on.\n\nExample:\n  q50 resume --reason 'prices are right'"
    )]
    Resume(SwitchArguments),
    /// Sell positions, even while trading is switched off: at once, or when a level is reached (--watch).
    #[command(
        after_help = "Sells the journal's positions, as far as the wallet has them. Levels act only while a command watches.\nExits 1 if something was not sold, 2 if the outcome of a sale is unknown: the next command settles it.\n\nExamples:\n  q50 close 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --cluster devnet\n  q50 close 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --stop-loss 0.1 --take-profit 0.3 --after 2h --watch --cluster devnet"
    )]
    Close(CloseArguments),
    /// Print shell completions.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// Claim to judge: a TOML file, or a built-in claim: q50-1327 (a published Sharpe ratio of 1.327 on hourly
    /// Bitcoin), demonstration (that of the generated market). Default: the replay's own figure; without --bars,
    /// demonstration.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) claim: Option<String>,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    #[command(flatten)]
    pub(crate) result: ResultArguments,
    /// Variants that were tried, if more than the claim admits and more than the trial ledger has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: Option<u64>,
    /// Count what was tried on this market since this campaign was registered (q50 trials campaign).
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    /// Folder for report.html, summary.json and the Parquet files.
    #[arg(long, value_name = "DIR", default_value = "q50-verify")]
    pub(crate) out: PathBuf,
    /// Program that made the signals: q50 tests it as q50 lookahead does, adds the check lookahead and removes the
    /// condition signals_origin.
    #[arg(long, value_name = "COMMAND", requires = "bars")]
    pub(crate) producer: Option<String>,
    #[command(flatten)]
    pub(crate) runs: ProducerRuns,
    /// Also run the replay through NautilusTrader's engine and add the check second_engine (built with --features
    /// nautilus).
    #[arg(long)]
    pub(crate) second_engine: bool,
    /// Accept a condition of the verdict: something that it assumes and could not check.
    #[arg(long, value_name = "CONDITION", value_parser = condition_names())]
    pub(crate) accept: Vec<ConditionName>,
    /// Exit 1 unless this is the verdict; confirmed also requires every condition to be accepted.
    #[arg(long, value_enum)]
    pub(crate) expect: Option<VerdictName>,
}

/// Conditions by name; an unknown one is refused with the list.
fn condition_names() -> impl TypedValueParser<Value = ConditionName> {
    PossibleValuesParser::new(ConditionName::ALL.map(ConditionName::name))
        .try_map(|name| ConditionName::named(&name).ok_or("no condition"))
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
        after_help = "Reads records as one JSON object per line, as an array, or from `rows` or `swaps` of an object. Shapes may be mixed:\n  a request of `q50 pool quote` with its answer: the answer's fields beside it or under `expected`, or the two\n    separately as `request` and `expected`; a refusal as `error`, by number or name\n  an execution of the program: `ix`, the state as in a request, and `event`, `delta`, `after`, or `error`\n  a mainnet event: `event` with the fields of BuyEvent or SellEvent, or those fields alone\n  a quote of the vendor's client: `op` buyBaseInput, buyQuoteInput, sellBaseInput or sellQuoteInput, and `out`\n\nUnknown values (absent or null) are not compared. Exits 1 if a field differs or a line cannot be read.\n\nExamples:\n  q50 audit swaps swaps.jsonl\n  q50 audit swaps recorded_swaps.json --format json"
    )]
    Swaps(AuditSwapsArguments),
}

#[derive(Args, Debug)]
pub(crate) struct AuditSwapsArguments {
    /// Recorded swaps; - for stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Output format.
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
    /// Run to audit, as named in the file.
    #[arg(long, value_name = "NAME")]
    pub(crate) run: String,
    /// Starting cash in quote units.
    #[arg(long, value_name = "X", value_parser = above_zero)]
    pub(crate) cash: f64,
    /// The ledger's price at t is the close of bar t + N, rescaled to 100 at the first bar.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) price_shift: usize,
    /// Cap on the position as a share of equity; default: the largest single order's share.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) cap: Option<f64>,
    /// First bar, RFC 3339 or a date; default: inferred from the trades.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Last bar, included; a date means the whole day; default: inferred from the trades.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Claim file to compare with; without --from and --to, its period is the window.
    #[arg(long, value_name = "FILE")]
    pub(crate) claim: Option<PathBuf>,
    /// Bars per year; default: from the bars' interval, with 365 days.
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub(crate) periods_per_year: Option<f64>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Long names of the options of `command` below each heading, in order of the help.
    fn under(command: &str, heading: Option<&str>) -> Vec<String> {
        let mut grammar = Arguments::grammar();
        grammar.build();
        let command = grammar.find_subcommand(command).unwrap();
        let below = command.get_arguments().filter(|arg| arg.get_help_heading() == heading);
        below.filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
    }

    #[test]
    fn options_stand_below_their_own_heading() {
        let pool = ["pool-depth", "pool", "slippage-bps", "max-impact-bps", "latency-slots", "failure-rate"];
        for command in ["verify", "sweep", "overfit", "validate"] {
            let found = under(command, Some("Pool venue (--venue pumpswap)"));
            assert_eq!(found[..6], pool, "{command}");
            assert_eq!(found[6..], ["priority-fee", "impact-half-life", "sandwich"], "{command}");
            let own = under(command, None);
            assert!(
                ["out", "ledger", "threads", "format"].iter().all(|name| own.contains(&(*name).to_owned())),
                "{own:?}"
            );
            assert_eq!(under(command, Some("Strategy")), ["strategy", "sizing", "shorting", "set"], "{command}");
            assert_eq!(under(command, Some("Logging")), ["verbose", "quiet", "log-format"], "{command}");
        }
        assert!(under("sweep", Some("Filters (none by default)")).iter().all(|name| name.starts_with("m")));
        assert!(!under("overfit", Some("Checks")).contains(&"out".to_owned()));
    }

    #[test]
    fn no_heading_reaches_the_options_behind_its_own() {
        fn check(command: &clap::Command) {
            // A heading of a whole struct stays in force behind it: each option names its own.
            assert_eq!(command.get_next_help_heading(), None, "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::grammar());
    }

    #[test]
    fn every_option_that_takes_a_value_takes_a_negative_number() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                assert!(arg.is_allow_negative_numbers_set(), "{} {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::grammar());
    }

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Arguments::grammar().debug_assert();
    }
}
