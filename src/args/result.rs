//! What `q50 verify` takes to judge a result of another tool.

use std::path::PathBuf;

use clap::Args;
use q50_datasets::{results::CurveKind, time::Zone};

/// Heading of the help.
const RESULT: &str = "Results of other tools";
/// What has no meaning for a result, which is not replayed.
const REPLAYED: [&str; 29] = [
    "claim",
    "signals",
    "signal_column",
    "strategy",
    "sizing",
    "shorting",
    "set",
    "cost_bps",
    "spread_bps",
    "lot",
    "venue",
    "fill_timing",
    "absent",
    "signal_delay",
    "signal_max_age",
    "crossing",
    "side_minus_one",
    "max_crossing_share",
    "pool_depth",
    "pool",
    "slippage_bps",
    "max_impact_bps",
    "producer",
    "second_engine",
    "latency_slots",
    "failure_rate",
    "priority_fee",
    "impact_half_life",
    "sandwich",
];

/// A result of another tool; the three exclude each other.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResultArguments {
    /// Trades of a strategy, as freqtrade, backtesting.py, vectorbt, QuantConnect, TradingView or MetaTrader 5 export
    /// them; rebuilt on --bars. --capital where the file does not state it.
    #[arg(
        long,
        value_name = "FILE",
        requires = "bars",
        conflicts_with_all = REPLAYED,
        conflicts_with_all = ["returns", "equity"],
        help_heading = RESULT
    )]
    pub(crate) trades: Option<PathBuf>,
    /// Strategy, instrument or column of --trades, if there are several.
    #[arg(long, value_name = "NAME", requires = "trades", help_heading = RESULT)]
    pub(crate) run: Option<String>,
    /// Returns of a strategy by time (fractions, as QuantStats takes them): a table with a time column. Needs no --bars,
    /// but is held against nothing without.
    #[arg(long, value_name = "FILE", conflicts_with_all = REPLAYED, conflicts_with = "equity", help_heading = RESULT)]
    pub(crate) returns: Option<PathBuf>,
    /// Equity of a strategy by time, like --returns; its first value is the starting capital, if --capital gives none.
    #[arg(long, value_name = "FILE", conflicts_with_all = REPLAYED, help_heading = RESULT)]
    pub(crate) equity: Option<PathBuf>,
    /// Bars of what is held instead, as the benchmark of a result; default: those of --bars.
    #[arg(long, value_name = "FILE", help_heading = RESULT)]
    pub(crate) benchmark: Option<PathBuf>,
    /// Column of --returns or --equity, if there are several.
    #[arg(long, value_name = "NAME", help_heading = RESULT)]
    pub(crate) column: Option<String>,
    /// Zone of times that say none: an IANA name such as Europe/Berlin, or an offset such as +02:00; default: UTC.
    #[arg(long, value_name = "ZONE", help_heading = RESULT)]
    pub(crate) time_zone: Option<Zone>,
}

impl ResultArguments {
    /// The file of returns or of equity.
    pub(crate) fn curve(&self) -> Option<(CurveKind, &PathBuf)> {
        let returns = self.returns.as_ref().map(|path| (CurveKind::Returns, path));
        returns.or_else(|| self.equity.as_ref().map(|path| (CurveKind::Equity, path)))
    }

    /// Whether a result was named.
    pub(crate) fn is_named(&self) -> bool {
        self.trades.is_some() || self.curve().is_some()
    }

    /// What was typed for a result where none was named.
    pub(crate) fn stray(&self) -> Option<&'static str> {
        let typed = [
            ("--benchmark", self.benchmark.is_some()),
            ("--column", self.column.is_some()),
            ("--time-zone", self.time_zone.is_some()),
        ];
        typed.into_iter().find_map(|(name, typed)| (typed && !self.is_named()).then_some(name))
    }
}
