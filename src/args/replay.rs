//! What every command that replays takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use q50_engine::{
    strategy::{Registry, registry::Kind, sizing::Method},
    units::Lamports,
};

use super::{
    Format,
    values::{
        InstrumentPath, above_zero, at_least_one, basis_points, capital, hours_of_a_day, instrument_path, not_negative,
        share, sol,
    },
};

/// Most worker threads: each has a stack of its own.
pub(crate) const MOST_THREADS: u16 = 1_024;

/// Headings of the help. What has none stands under "Options".
const DATA: &str = "Data";
const STRATEGY: &str = "Strategy";
const COSTS: &str = "Execution and costs";
const POOL: &str = "Pool venue (--venue pumpswap)";
const PERPETUAL: &str = "Perpetual futures (--venue perpetual)";

/// What can be named as a strategy, and what it is otherwise.
pub(super) fn strategies(otherwise: &str) -> String {
    let names: Vec<&str> = Registry::installed().kinds().iter().map(Kind::name).collect();
    format!("{}, or a strategy file (YAML or TOML); default: {otherwise}", names.join(", "))
}

/// What every command that replays takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReplayArguments {
    #[arg(long, value_name = "NAME|FILE", help_heading = STRATEGY, help = strategies("the claim's own, or q50"))]
    pub(crate) strategy: Option<String>,
    /// Bars: Parquet, Feather, CSV (also .gz, .zst, .zip), Binance klines, a Qlib provider directory or a folder
    /// of q50 collect; default: the demonstration market. May be repeated, or be a folder of records: all are then
    /// traded under one account (verify, sweep). NAME=PATH names the instrument.
    #[arg(long, value_name = "[NAME=]PATH", value_parser = instrument_path, help_heading = DATA)]
    pub(crate) bars: Vec<InstrumentPath>,
    /// Signals: Parquet, Feather, CSV (also .gz, .zst, .zip) or a hummingbot run; default: columns of the bars' own file.
    /// One for each --bars, in the same order, or NAME=PATH for those that have one. Also postgres:NAME/TABLE, sqlite:FILE:TABLE, qlib:DIR, sources:FILE.toml
    /// (docs/GUIDE.md, Signals from databases).
    #[arg(long, value_name = "[NAME=]PATH", value_parser = instrument_path, requires = "bars", help_heading = DATA)]
    pub(crate) signals: Vec<InstrumentPath>,
    /// Column that the strategy threshold trades on.
    #[arg(long, value_name = "NAME", help_heading = DATA)]
    pub(crate) signal_column: Option<String>,
    /// First bar, RFC 3339 or a date (midnight UTC); default: the first bar with a signal.
    #[arg(long, value_name = "TIME", help_heading = DATA)]
    pub(crate) from: Option<String>,
    /// Last bar, included; a date means the whole day; default: the last bar with a signal.
    #[arg(long, value_name = "TIME", help_heading = DATA)]
    pub(crate) to: Option<String>,
    /// How large entries are: `full` is all of the equity, the others are listed below; default: as the strategy says.
    #[arg(long, value_name = "METHOD", value_parser = PossibleValuesParser::new(Method::ALL.iter().map(|m| m.name())), hide_possible_values = true, help_heading = STRATEGY)]
    pub(crate) sizing: Option<String>,
    /// Whether short sales are allowed, and what they cost; default: as the strategy says.
    #[arg(long, value_enum, help_heading = STRATEGY)]
    pub(crate) shorting: Option<ShortingName>,
    /// Starting capital in quote units.
    #[arg(long, value_name = "X", value_parser = capital, help_heading = COSTS)]
    pub(crate) capital: Option<f64>,
    /// Cost of each fill in basis points of its notional; on a pool, replaces the program's fee schedule, on a perpetual
    /// future both fees.
    #[arg(long, value_name = "X", value_parser = basis_points, help_heading = COSTS)]
    pub(crate) cost_bps: Option<f64>,
    /// Spread around the mid price in basis points; each side pays half.
    #[arg(long, value_name = "X", value_parser = basis_points, help_heading = COSTS)]
    pub(crate) spread_bps: Option<f64>,
    /// Lot size: bought and shorted amounts are rounded down to a multiple of it; default: fractional.
    #[arg(long, value_name = "X", value_parser = above_zero, help_heading = COSTS)]
    pub(crate) lot: Option<f64>,
    /// Bars per year; default: from the bars' interval, with 365 days.
    #[arg(long, value_name = "N", value_parser = above_zero, help_heading = DATA)]
    pub(crate) periods_per_year: Option<f64>,
    /// Where orders are filled.
    #[arg(long, value_enum, default_value_t = VenueName::NextOpen, help_heading = COSTS)]
    pub(crate) venue: VenueName,
    /// When orders are filled.
    #[arg(long, value_enum, default_value_t = TimingName::NextOpen, help_heading = COSTS)]
    pub(crate) fill_timing: TimingName,
    #[command(flatten)]
    pub(crate) pool: PoolArguments,
    #[command(flatten)]
    pub(crate) perpetual: PerpetualArguments,
    /// What to do on bars without a signal; default: as the strategy says.
    #[arg(long, value_enum, help_heading = DATA)]
    pub(crate) absent: Option<AbsentName>,
    /// Seconds from a signal's timestamp until it is available; default: one bar.
    #[arg(long, value_name = "SECONDS", help_heading = DATA)]
    pub(crate) signal_delay: Option<u32>,
    /// Seconds for which an available signal may be used; default: one bar.
    #[arg(long, value_name = "SECONDS", help_heading = DATA)]
    pub(crate) signal_max_age: Option<u32>,
    /// What to do with forecasts whose quantiles cross.
    #[arg(long, value_enum, default_value_t = CrossingName::Hold, help_heading = DATA)]
    pub(crate) crossing: CrossingName,
    /// Meaning of -1 in the column side; default: keep the position, but refuse a column of only 1 and -1.
    #[arg(long, value_enum, help_heading = DATA)]
    pub(crate) side_minus_one: Option<MinusOneName>,
    /// Largest accepted share of forecasts whose quantiles cross; above it the file is refused.
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = DATA)]
    pub(crate) max_crossing_share: Option<f64>,
    /// Any option of the strategy file, by dotted path.
    #[arg(long = "set", value_name = "PATH=VALUE", help_heading = STRATEGY)]
    pub(crate) set: Vec<String>,
    /// Trial ledger; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Worker threads, at most 1024; default: one per core. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS)))]
    pub(crate) threads: Option<u16>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// How a pool venue behaves. What was not typed is absent, so that it can be told where it has no meaning.
#[derive(Args, Clone, Debug)]
pub(crate) struct PoolArguments {
    /// Quote reserve at the first bar in SOL; later reserves are rebuilt from the bars; default: 1000.
    #[arg(long, value_name = "SOL", value_parser = sol, help_heading = POOL)]
    pub(crate) pool_depth: Option<Lamports>,
    /// Recorded reserves instead of rebuilt ones: Parquet or CSV with a time column, base_reserve, quote_reserve and,
    /// if known, supply; or a folder of q50 collect. One for each --bars, in the same order, or NAME=PATH for those that
    /// have one.
    #[arg(long, value_name = "[NAME=]PATH", value_parser = instrument_path, help_heading = POOL)]
    pub(crate) pool: Vec<InstrumentPath>,
    /// Largest slippage of the output from the quote at the decision, in basis points; default: 100.
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u64).range(0..=10_000), help_heading = POOL)]
    pub(crate) slippage_bps: Option<u64>,
    /// Largest price impact of a buy in basis points; larger buys are cut; default: 1000.
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u64).range(1..=9_999), help_heading = POOL)]
    pub(crate) max_impact_bps: Option<u64>,
    /// Slots from a decision until its order lands; default: 1.
    #[arg(long, value_name = "N", help_heading = POOL)]
    pub(crate) latency_slots: Option<u32>,
    /// Share of transactions that fail; default: none.
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = POOL)]
    pub(crate) failure_rate: Option<f64>,
    /// Priority fee of a transaction in lamports, up to 1000 SOL; default: none.
    #[arg(long, value_name = "LAMPORTS", value_parser = clap::value_parser!(u64).range(0..=1_000_000_000_000), help_heading = POOL)]
    pub(crate) priority_fee: Option<u64>,
    /// Half-life of our own price impact in seconds; default: arbitrage restores the price by the next bar.
    #[arg(long, value_name = "SECONDS", value_parser = above_zero, help_heading = POOL)]
    pub(crate) impact_half_life: Option<f64>,
    /// Share of the slippage allowance that a sandwich takes from every trade; default: none.
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = POOL)]
    pub(crate) sandwich: Option<f64>,
}

impl PoolArguments {
    /// An option that was typed.
    pub(crate) fn typed(&self) -> Option<&'static str> {
        let Self {
            pool_depth,
            pool,
            slippage_bps,
            max_impact_bps,
            latency_slots,
            failure_rate,
            priority_fee,
            impact_half_life,
            sandwich,
        } = self;
        let options = [
            ("--pool-depth", pool_depth.is_some()),
            ("--pool", !pool.is_empty()),
            ("--slippage-bps", slippage_bps.is_some()),
            ("--max-impact-bps", max_impact_bps.is_some()),
            ("--latency-slots", latency_slots.is_some()),
            ("--failure-rate", failure_rate.is_some()),
            ("--priority-fee", priority_fee.is_some()),
            ("--impact-half-life", impact_half_life.is_some()),
            ("--sandwich", sandwich.is_some()),
        ];
        options.into_iter().find_map(|(name, typed)| typed.then_some(name))
    }
}

/// How a perpetual future behaves. What was not typed is absent, so that it can be told where it has no meaning.
#[derive(Args, Clone, Debug)]
pub(crate) struct PerpetualArguments {
    /// Notional over margin of what is opened, 1 or more; default: 20. Sizes do not depend on it.
    #[arg(long, value_name = "L", value_parser = at_least_one, help_heading = PERPETUAL)]
    pub(crate) leverage: Option<f64>,
    /// Rates of funding, required: Parquet or CSV with a time column, rate and, if known, mark.
    #[arg(long, value_name = "FILE", help_heading = PERPETUAL)]
    pub(crate) funding: Option<PathBuf>,
    /// Hours between two settlements of funding, from midnight UTC, a divisor of 24; default: 8.
    #[arg(long, value_name = "N", value_parser = hours_of_a_day, help_heading = PERPETUAL)]
    pub(crate) funding_hours: Option<u32>,
    /// Mark prices: bars with the times of --bars; default: last prices stand in, and the report says so.
    #[arg(long, value_name = "PATH", help_heading = PERPETUAL)]
    pub(crate) mark: Option<PathBuf>,
    /// Tiers of maintenance margin, required: a JSON list of {above, rate, deduction, max_leverage}.
    #[arg(long, value_name = "FILE", help_heading = PERPETUAL)]
    pub(crate) tiers: Option<PathBuf>,
    /// Price that maintenance margin is taken at; default: mark.
    #[arg(long, value_enum, help_heading = PERPETUAL)]
    pub(crate) maintenance_on: Option<MaintenanceName>,
    /// Fee of orders at the market and of stops in basis points; default: 4.
    #[arg(long, value_name = "BPS", value_parser = basis_points, help_heading = PERPETUAL)]
    pub(crate) taker_bps: Option<f64>,
    /// Fee of targets in basis points; default: 2.
    #[arg(long, value_name = "BPS", value_parser = basis_points, help_heading = PERPETUAL)]
    pub(crate) maker_bps: Option<f64>,
    /// Slippage: impact of an order for a bar's whole volume, in volatilities of a bar; default: 0.1. 0 needs no volume.
    #[arg(long, value_name = "K", value_parser = not_negative, help_heading = PERPETUAL)]
    pub(crate) slippage_coefficient: Option<f64>,
}

impl PerpetualArguments {
    /// An option that was typed.
    pub(crate) fn typed(&self) -> Option<&'static str> {
        let Self {
            leverage,
            funding,
            funding_hours,
            mark,
            tiers,
            maintenance_on,
            taker_bps,
            maker_bps,
            slippage_coefficient,
        } = self;
        let options = [
            ("--leverage", leverage.is_some()),
            ("--funding", funding.is_some()),
            ("--funding-hours", funding_hours.is_some()),
            ("--mark", mark.is_some()),
            ("--tiers", tiers.is_some()),
            ("--maintenance-on", maintenance_on.is_some()),
            ("--taker-bps", taker_bps.is_some()),
            ("--maker-bps", maker_bps.is_some()),
            ("--slippage-coefficient", slippage_coefficient.is_some()),
        ];
        options.into_iter().find_map(|(name, typed)| typed.then_some(name))
    }
}

/// Prices of maintenance margin by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MaintenanceName {
    /// The mark price (Binance).
    Mark,
    /// The entry price (Bybit).
    Entry,
}

/// Venues by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VenueName {
    /// At the next bar's open, plus costs.
    NextOpen,
    /// In a constant-product pool with PumpSwap's own arithmetic; capital is in SOL.
    #[value(name = "pumpswap")]
    PumpSwap,
    /// A perpetual future: margin, funding, liquidation on the mark price, slippage by size.
    Perpetual,
}

/// Fill timings by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimingName {
    /// At the next bar's open.
    NextOpen,
    /// At the close on which the order was decided (legacy; fails the causal check).
    SameClose,
}

/// Short sales by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShortingName {
    /// Without borrowing costs, margin or funding (legacy: nobody lends for nothing).
    Free,
    /// Never: short entries are left out.
    None,
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

/// Meanings of -1 in a column of sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinusOneName {
    /// Keep the position.
    Keep,
    /// Sell short: the column holds positions.
    Short,
}

/// Policies for crossing quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CrossingName {
    /// No forecast on that bar.
    Hold,
    /// Sort the quantiles.
    Sort,
    /// Use them as they are.
    Keep,
}
