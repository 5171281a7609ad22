//! What `q50 data` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use q50_engine::units::Lamports;

use super::{
    Format,
    values::{above_zero, basis_points, length, sol, symbol_path},
    watch::WatchCommand,
};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the defects of bars or signals.
    Check {
        /// Bars or signals: Parquet, Feather, CSV, JSON or a pandas pickle (also .gz, .bz2, .xz, .zst, .zip), Binance
        /// klines, a Qlib provider directory or a hummingbot run.
        path: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print the line of a claim file that identifies its market without revealing prices.
    #[command(
        after_help = "Example:\n  q50 data fingerprint btcusdt_1h.parquet --from 2023-12-31 --to 2024-09-30T23:00:00Z"
    )]
    Fingerprint {
        /// Bars, as for `q50 verify`.
        bars: PathBuf,
        /// Start, a day or RFC 3339.
        #[arg(long, value_name = "T")]
        from: Option<String>,
        /// End (inclusive), a day or RFC 3339.
        #[arg(long, value_name = "T")]
        to: Option<String>,
    },
    /// Convert files of other tools to Parquet.
    #[command(subcommand)]
    Ingest(IngestCommand),
    /// Collect from an API as it comes.
    #[command(subcommand)]
    Watch(WatchCommand),
    /// Run an SQL query over runs, trials, datasets and Parquet files (built with --features query).
    #[command(
        after_help = "Tables: bars and signals of all datasets (with a column dataset), each dataset under its name, trials of the ledger,\nruns and fills as q50 data list has them, and a Parquet file in single quotes.\n\nExamples:\n  q50 data query \"SELECT kind, path, verdict, sharpe FROM runs\"\n  q50 data query \"SELECT reason, count(*) AS bars FROM 'q50-verify/decisions.parquet' GROUP BY reason ORDER BY bars DESC\""
    )]
    Query {
        /// The query.
        sql: String,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The newest signal at a time, if it is not too old; exit 1 where there is none.
    #[command(
        after_help = "Looks back only. Exit 1 where no source has a signal within the tolerance.\n\nExample:\n  q50 data signal signals.parquet --at 2024-03-01T10:02:00Z --tolerance 5m"
    )]
    Signal {
        /// Signals, as for --signals of q50 verify; of a list (sources:FILE.toml) the first source that has one.
        signals: PathBuf,
        /// The time, RFC 3339.
        #[arg(long, value_name = "T")]
        at: String,
        /// How old it may be.
        #[arg(long, value_name = "TIME", default_value = "5m", value_parser = length)]
        tolerance: std::time::Duration,
        /// Form of the result.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List the datasets that were added, whether they are what was added, and the runs that were made.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Give a file or folder a name: `--bars dataset:NAME`, `q50 data verify NAME`, a table of q50 data query.
    #[command(
        after_help = "The file stays where it is; its hash is kept, and where it has changed since, the name is no input any more. Of a\nfolder, `dataset:NAME/FILE` is a file in it.\n\nExample:\n  q50 data add btc btcusdt_1h.parquet"
    )]
    Add {
        /// Letters, digits, `_`, `-` and `.`, a letter first.
        name: String,
        /// The file or folder.
        path: PathBuf,
        /// Let another dataset that has the name lose it.
        #[arg(long)]
        replace: bool,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show a dataset: path, hash, whether it has changed, what is in it.
    Show {
        /// Its name.
        name: String,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List every defect of a dataset, a file or a folder of `q50 data ingest binance`; exit 1 where there is one.
    #[command(
        after_help = "Of a dataset also that it is what was added. Of a folder of Binance's files: gaps by the interval, bars that contradict\nthemselves, prices that are none, missing settlements of funding, rows against the periods of the files (give or take\n1 %), files that are not, byte for byte, what the archive gives.\n\nExample:\n  q50 data verify binance --symbol BTCUSDT"
    )]
    Verify {
        /// A path, or the name of a dataset; default: every dataset.
        what: Option<PathBuf>,
        /// Only this symbol of Binance's files.
        #[arg(long, value_name = "NAME")]
        symbol: Option<String>,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Make the files of `q50 data ingest binance` again, from the archive in their folder; the same bytes.
    #[command(after_help = "Example:\n  q50 data rebuild binance")]
    Rebuild {
        /// The folder, or the name of a dataset.
        folder: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write a run or a session to PostgreSQL (needs the program q50-postgres); again changes nothing.
    #[command(
        after_help = "Tables are in a schema of their own, q50, which is brought to its newest version first.\n\nExample:\n  q50 data export q50-verify --url-env RESULTS_URL"
    )]
    Export {
        /// Folder of q50 verify (decisions and fills) or of q50 live (trading history).
        run: PathBuf,
        /// Environment variable with the connection string.
        #[arg(long, value_name = "NAME")]
        url_env: String,
    },
    /// Write bars or signals as a Qlib provider: calendars, instruments, features.
    #[command(
        after_help = "Numbers are rounded to 32 bits, as Qlib has them; how many differ is said. A symbol that shares its lower-case name with\nanother one, or cannot be the name of a folder, has another one in Qlib; symbols.csv has both, and q50 reads either.\n\nExample:\n  q50 data export-qlib BTCUSDT=btcusdt_1h.parquet --out provider"
    )]
    ExportQlib {
        /// Bars or signals of a symbol, all of one interval. What stands before the first `=` is the symbol.
        #[arg(value_name = "SYMBOL=FILE", required = true, value_parser = symbol_path)]
        tables: Vec<(String, PathBuf)>,
        /// Folder to write, where nothing may be yet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Bring the schema q50 of a PostgreSQL database to a version.
    Migrate {
        /// Environment variable with the connection string.
        #[arg(long, value_name = "NAME")]
        url_env: String,
        /// The version; 0 removes the schema and everything in it. Default: the newest.
        #[arg(long, value_name = "N")]
        to: Option<u32>,
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
        /// Symbol, if there are several.
        #[arg(long)]
        symbol: Option<String>,
        /// Frequency, if there are several.
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
        /// Folder for signals.parquet and trades.parquet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// A pickled pandas DataFrame, read without executing anything; may be packed by gzip, bzip2, xz, zip or Zstandard.
    Pickle {
        /// The file.
        path: PathBuf,
        /// Key of the frame, if the pickle is a dictionary; default: `signals` or `macro_features`.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Keep every column and every index level, unchecked; levels are named @NAME, timestamps @time_ns.
        #[arg(long)]
        raw: bool,
        /// Parquet file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Signals of a PostgreSQL database, by table or by a SELECT (needs the program q50-postgres, see docs/GUIDE.md).
    #[command(
        group = clap::ArgGroup::new("what").args(["table", "select"]).required(true),
        after_help = "Runs in a read-only transaction with a limit of five minutes. Times are timestamptz; --source-tz is needed for timestamps\nwithout a zone, --time-unit for integers. `--signals postgres:NAME/TABLE[?pool=..]` and `postgres:NAME/SELECT ..` do without a file.\n\nExamples:\n  q50 data ingest postgres --url-env SIGNALS_URL --table q50.q50_signals --pool solana_Fcg.. --out s.parquet\n  q50 data ingest postgres --url-env SIGNALS_URL --select \"SELECT ts, q10, q50, q90 FROM forecasts\" --out s.parquet"
    )]
    Postgres {
        /// Environment variable with the connection string (postgres://user:password@host/database).
        #[arg(long, value_name = "NAME")]
        url_env: String,
        /// Table or view, perhaps with its schema.
        #[arg(long, value_name = "T")]
        table: Option<String>,
        /// A SELECT of your own.
        #[arg(long, value_name = "SQL")]
        select: Option<String>,
        /// Value of the table's pool_id.
        #[arg(long, value_name = "ID", conflicts_with = "select")]
        pool: Option<String>,
        /// Zone of times that have none, such as UTC.
        #[arg(long, value_name = "ZONE", conflicts_with = "select")]
        source_tz: Option<String>,
        /// What integer times count.
        #[arg(long, value_parser = ["s", "ms"], conflicts_with = "select")]
        time_unit: Option<String>,
        /// Parquet file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Files of Binance's public archive (data.binance.vision): klines, mark prices and funding rates, ZIP or CSV.
    #[command(
        after_help = "Files keep the names that they were published under; those of mark prices lie below a folder markPriceKlines, or are known\nby having no volume. A .CHECKSUM file beside one is verified. DIR gets archive.sqlite, whose rows are never changed, and\nfrom it SYMBOL_TIMEFRAME.parquet (1m to 5m, 15m, 1h, 4h, 1d), SYMBOL_mark_TIMEFRAME.parquet and SYMBOL_funding.parquet.\nExit 1 where a row contradicts one that was archived before, which stays.\n\nExamples:\n  q50 data ingest binance data/futures/um --out binance\n  q50 data ingest binance BTCUSDT-1m-2024-01-01.csv --out binance"
    )]
    Binance {
        /// A file, or a folder with any number of them.
        path: PathBuf,
        /// Folder of the archive and its tables.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// What a GeckoTerminal collector left: answers of the API, frames of its client, exports, backups, its SQLite file.
    #[command(
        after_help = "Writes POOL_TIMEFRAME.parquet for each series of bars, trades.parquet, pools.parquet, and ingest.json, which says what\nbecame of every file: rows refused and why, how times were read, values that two files give differently (the first\none is kept), and damaged files, which are passed over. Prices are USD a token. Exit 1 where a file is damaged.\n\nExamples:\n  q50 data ingest geckoterminal exports --out pools\n  q50 data ingest geckoterminal gecko_data.db --out pools"
    )]
    Geckoterminal {
        /// A file, or a folder with any number of them.
        #[arg(required_unless_present = "url_env")]
        path: Option<PathBuf>,
        /// The collector's PostgreSQL database instead: the environment variable with its connection string.
        #[arg(long, value_name = "NAME", conflicts_with = "path")]
        url_env: Option<String>,
        /// Zone of the session that the collector wrote through, where it is not the server's.
        #[arg(long, value_name = "ZONE", requires = "url_env")]
        source_tz: Option<String>,
        /// Folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

#[derive(Args, Debug)]
pub(crate) struct SynthArguments {
    /// Folder to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of bars, at most 50,000,000.
    #[arg(long, default_value_t = 26_280, value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    pub(crate) bars: u32,
    /// Interval between bars, in seconds.
    #[arg(long, default_value_t = 3_600)]
    pub(crate) interval: u32,
    /// Plant this net annual Sharpe ratio for the long/flat rule.
    #[arg(long, value_name = "X", conflicts_with = "information_coefficient")]
    pub(crate) sharpe: Option<f64>,
    /// Plant this correlation between forecast and next return.
    #[arg(long, value_name = "RHO")]
    pub(crate) information_coefficient: Option<f64>,
    /// Cost of each fill in basis points, for the planted Sharpe ratio.
    #[arg(long, default_value_t = 5.0, value_parser = basis_points)]
    pub(crate) cost_bps: f64,
    /// Standard deviation of a bar's return, as a fraction.
    #[arg(long, default_value_t = 0.005, value_parser = above_zero)]
    pub(crate) volatility: f64,
    /// Mean of a bar's return, as a fraction.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) drift: f64,
    /// Autocorrelation of the forecast.
    #[arg(long, default_value_t = 0.98)]
    pub(crate) persistence: f64,
    /// Quote reserve of the pool path at the first bar, in SOL.
    #[arg(long, default_value = "1000", value_parser = sol)]
    pub(crate) pool_depth: Lamports,
    /// Seed.
    #[arg(long, default_value_t = 50)]
    pub(crate) seed: u64,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
