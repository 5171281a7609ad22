//! What was typed becomes what is run: validated once, before any work.

mod perpetual;
mod strategy;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use q50_datasets::{
    dataset::{Dataset, DatasetOptions},
    input::read_text,
    side_codes::MinusOne,
    signals::{CrossingPolicy, SignalOptions},
    synth::{Edge, SynthConfig},
    time,
};
use q50_engine::{
    market::{Column, Signals},
    strategy::StrategyConfig,
    units::{AnnualSharpe, Bps, Fraction, Lamports, PeriodsPerYear},
    venue::{
        FillTiming, PoolPath, PumpSwapConfig,
        pump_swap::{PoolFees, Recovery},
    },
};
use q50_research::{
    annualisation::{BarsPerYear, Convention},
    claim::{Claim, CollectedPool},
    rebuild::Labels,
    run::{DEFAULT_COST, PoolVenue, PriceVenue, RunSettings, VenueSettings},
    trials::TrialLedger,
};
use serde::Deserialize;

pub(crate) use perpetual::contract;
pub(crate) use strategy::own_grid;
use strategy::strategy;
#[cfg(feature = "live")]
pub(crate) use strategy::strategy_of;

use crate::args::{CrossingName, MOST_THREADS, MinusOneName, ReplayArguments, TimingName, VenueName};

const DAY_MS: i64 = 86_400_000;
const DEFAULT_CAPITAL: f64 = 10_000.0;
/// Quote reserve of a pool that is rebuilt, where none is stated: 1,000 SOL.
pub(crate) const DEFAULT_DEPTH: Lamports = Lamports(1_000_000_000_000);
/// Net annual Sharpe ratio planted in the demonstration market.
const DEMONSTRATION_SHARPE: f64 = 3.0;
/// Standard deviation of its hourly returns: 28 % a year.
const DEMONSTRATION_VOLATILITY: f64 = 0.003;
const DEMONSTRATION_SEED: u64 = 1;

/// Opens the trial ledger that was named, or the one in the data directory.
pub(crate) fn ledger(named: Option<&Path>) -> Result<TrialLedger> {
    let path = ledger_path(named)?;
    if let Some(folder) = path.parent().filter(|_| named.is_none()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the data directory {} cannot be made; set Q50_DATA_DIR", folder.display()))?;
    }
    Ok(TrialLedger::open(&path)?)
}

/// Opens a ledger that is there: what only looks at one makes none.
pub(crate) fn ledger_that_is_there(named: Option<&Path>) -> Result<TrialLedger> {
    let path = ledger_path(named)?;
    if !path.exists() {
        bail!("trial ledger {}: not there; name it with --ledger, or set Q50_DATA_DIR", path.display());
    }
    Ok(TrialLedger::open(&path)?)
}

/// Opens a ledger to show what it holds: one that was named is there; the usual one may be empty yet.
pub(crate) fn ledger_to_read(named: Option<&Path>) -> Result<TrialLedger> {
    if named.is_some() { ledger_that_is_there(named) } else { ledger(None) }
}

/// The ledger's file. What is gone with the process, or is no file, keeps no record.
fn ledger_path(named: Option<&Path>) -> Result<PathBuf> {
    let Some(path) = named else { return Ok(data_directory()?.join("trials.sqlite")) };
    let text = path.to_string_lossy();
    if text.is_empty() || text.starts_with(":memory:") || text.starts_with("file:") {
        bail!("--ledger is '{text}', expected the path of a file: a ledger is kept");
    }
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        bail!("--ledger is '{text}', which is no regular file; a ledger is kept in one");
    }
    Ok(path.to_owned())
}

pub(crate) fn data_directory() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("Q50_DATA_DIR").filter(|named| !named.is_empty()) {
        return Ok(PathBuf::from(named));
    }
    dirs::data_dir().map(|dir| dir.join("q50")).context("no home directory for what q50 keeps; set Q50_DATA_DIR")
}

/// Refuses as many threads in the environment as `--threads` refuses: rayon would start them all.
pub(crate) fn check_environment() -> Result<()> {
    const NAME: &str = "RAYON_NUM_THREADS";
    // What is no number is nothing to rayon either.
    let asked = std::env::var(NAME).ok().and_then(|text| text.parse::<u64>().ok());
    match asked.filter(|threads| *threads > u64::from(MOST_THREADS)) {
        Some(threads) => bail!("{NAME} is {threads}, expected at most {MOST_THREADS}; unset it, or give --threads"),
        None => Ok(()),
    }
}

/// Runs everything on `threads` workers.
pub(crate) fn threads(threads: Option<u16>) -> Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.into())
        .build_global()
        .context("the worker threads cannot be started")
}

/// First instant of `--from`: epoch milliseconds.
pub(crate) fn from_time(text: Option<&str>) -> Result<Option<i64>> {
    text.map(|text| instant("--from", text)).transpose()
}

/// Last instant of `--to`: epoch milliseconds; a date means its whole day.
pub(crate) fn to_time(text: Option<&str>) -> Result<Option<i64>> {
    text.map(|text| Ok(instant("--to", text)? + if is_date(text) { DAY_MS - 1 } else { 0 })).transpose()
}

fn is_date(text: &str) -> bool {
    text.len() == "2024-01-01".len()
}

fn instant(flag: &str, text: &str) -> Result<i64> {
    let midnight = format!("{text}T00:00:00Z");
    let full = if is_date(text) { midnight.as_str() } else { text };
    time::parse_ms(full)
        .with_context(|| format!("{flag} is '{text}', expected RFC 3339 such as 2024-09-30T23:00:00Z, or a date"))
}

/// The dataset that was named, cut to its window.
pub(crate) fn dataset(arguments: &ReplayArguments) -> Result<Dataset> {
    let named = arguments.strategy.as_ref().map(|_| strategy(arguments, None)).transpose()?;
    dataset_for(arguments, named.as_ref())
}

/// The dataset that was named, for a strategy that is known.
pub(crate) fn dataset_for(arguments: &ReplayArguments, strategy: Option<&StrategyConfig>) -> Result<Dataset> {
    let (from, to) = (from_time(arguments.from.as_deref())?, to_time(arguments.to.as_deref())?);
    let data = match &arguments.bars[..] {
        [bars] => {
            let (bars, options) = (of_collection(bars, "bars.parquet"), options(arguments));
            match reads_bars_alone(arguments, strategy) {
                true => Dataset::read_bars(&bars, &options)?,
                false => Dataset::read(&bars, arguments.signals.first().map(|signals| &**signals), &options)?,
            }
        }
        [] => demonstration()?,
        [_, _, ..] => bail!(
            "--bars was given {} times, expected one record; q50 verify and q50 sweep take several",
            arguments.bars.len()
        ),
    };
    let data = if from.is_none() && to.is_none() { data } else { data.window(from, to)? };
    if let Some(stale) = data.stale() {
        tracing::warn!("{stale}");
    }
    Ok(data)
}

/// What stands for a folder that `q50 collect` made.
const COLLECTION: &str = "collection.json";

/// The file of this name where the path is a folder that `q50 collect` made.
pub(crate) fn of_collection(path: &Path, name: &str) -> PathBuf {
    if path.join(COLLECTION).is_file() { path.join(name) } else { path.to_owned() }
}

/// What stands in a folder that `q50 collect` made, as far as a verdict takes notice of it.
#[derive(Deserialize)]
pub(crate) struct Collection {
    /// Steps of the pool that nothing explains.
    pub(crate) unexplained: u64,
    /// The pool.
    #[serde(flatten)]
    pub(crate) pool: Option<CollectedPool>,
}

/// The collection that this file or folder is of, where it is of one.
pub(crate) fn collection(of: &Path) -> Result<Option<Collection>> {
    let folder = if of.is_dir() { of } else { of.parent().unwrap_or(of) };
    let summary = folder.join(COLLECTION);
    if !summary.is_file() {
        return Ok(None);
    }
    let read = || anyhow::Ok(serde_json::from_str(&read_text(&summary)?)?);
    Ok(Some(read().with_context(|| summary.display().to_string())?))
}

/// Whether a strategy was named that reads no signals, and none were given.
fn reads_bars_alone(arguments: &ReplayArguments, strategy: Option<&StrategyConfig>) -> bool {
    let given = !arguments.signals.is_empty() || arguments.signal_column.is_some();
    // The volume is a column of the bars.
    let alone = |strategy: &StrategyConfig| strategy.reads(&Signals::default()).iter().all(|c| *c == Column::Volume);
    !given && strategy.is_some_and(alone)
}

fn options(arguments: &ReplayArguments) -> DatasetOptions {
    let milliseconds = |seconds: u32| i64::from(seconds) * 1_000;
    let mut options = DatasetOptions {
        signals: signal_options(
            arguments.signal_column.clone(),
            arguments.crossing,
            arguments.side_minus_one.map(minus_one),
        ),
        delay_ms: arguments.signal_delay.map(milliseconds),
        max_age_ms: arguments.signal_max_age.map(milliseconds),
        ..DatasetOptions::default()
    };
    if let Some(share) = arguments.max_crossing_share {
        options.signals.max_crossing_share = share;
    }
    options
}

/// How signals are read.
pub(crate) fn signal_options(
    value: Option<String>,
    crossing: CrossingName,
    minus_one: Option<MinusOne>,
) -> SignalOptions {
    let crossing = match crossing {
        CrossingName::Hold => CrossingPolicy::Hold,
        CrossingName::Sort => CrossingPolicy::Sort,
        CrossingName::Keep => CrossingPolicy::Keep,
    };
    SignalOptions { value, crossing, minus_one, ..SignalOptions::default() }
}

/// What -1 means in a column `side`.
pub(crate) fn minus_one(name: MinusOneName) -> MinusOne {
    match name {
        MinusOneName::Keep => MinusOne::Keep,
        MinusOneName::Short => MinusOne::Short,
    }
}

/// The demonstration market: one output of the generator, made on the fly.
fn demonstration() -> Result<Dataset> {
    let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(DEMONSTRATION_SHARPE), cost: DEFAULT_COST };
    let config =
        SynthConfig { edge, volatility: DEMONSTRATION_VOLATILITY, seed: DEMONSTRATION_SEED, ..SynthConfig::default() };
    let market = config.generate()?;
    Ok(Dataset::new(market.bars, &market.signals, None)?)
}

/// The settings of the run: what was typed, else what the claim says, else the defaults.
pub(crate) fn run_settings(arguments: &ReplayArguments, claim: Option<&Claim>, data: &Dataset) -> Result<RunSettings> {
    let claimed = claim.and_then(|claim| claim.replay.as_ref());
    let cost_bps = arguments.cost_bps.or(claimed.map(|r| r.cost_bps));
    let strategy = strategy(arguments, claimed)?;
    if arguments.signal_column.is_some() && !strategy.reads(&data.market().signals).contains(&Column::Value) {
        let label = strategy.label();
        bail!("--signal-column has no meaning with the strategy {label}; leave it out, or use --strategy threshold");
    }
    let venue = venue(arguments, arguments.venue, cost_bps.map_or(DEFAULT_COST, Fraction::from_bps))?;
    Ok(RunSettings {
        strategy,
        venue,
        capital: arguments.capital.or(claimed.map(|r| r.capital)).unwrap_or(DEFAULT_CAPITAL),
        periods_per_year: periods_per_year(arguments.periods_per_year, claim, data)?,
    })
}

/// The settings of a run of `strategy` on bars alone: what was typed, else the defaults.
pub(crate) fn run_settings_of(
    arguments: &ReplayArguments,
    strategy: StrategyConfig,
    data: &Dataset,
) -> Result<RunSettings> {
    Ok(RunSettings {
        strategy,
        venue: venue(arguments, arguments.venue, arguments.cost_bps.map_or(DEFAULT_COST, Fraction::from_bps))?,
        capital: arguments.capital.unwrap_or(DEFAULT_CAPITAL),
        periods_per_year: periods_per_year(arguments.periods_per_year, None, data)?,
    })
}

/// Bars a year: as typed, where the bars make as many; else those of the claim, where it counts bars; else the calendar's.
pub(crate) fn periods_per_year(typed: Option<f64>, claim: Option<&Claim>, data: &Dataset) -> Result<PeriodsPerYear> {
    let interval_ms = data.bars().interval_ms;
    let open_time = &data.bars().open_time[data.rows()];
    let claimed = claim
        .map(|claim| Convention::of(claim.periods_per_year, open_time, interval_ms).map(|found| (found, claim)))
        .transpose()
        .context("the claim's periods_per_year")?;
    if let Some(typed) = typed {
        let bars = BarsPerYear::of(open_time, interval_ms);
        return bars.checked(PeriodsPerYear::new(typed)).context("--periods-per-year");
    }
    Ok(match claimed {
        Some((Convention::Bars, claim)) => claim.periods_per_year,
        _ => {
            let bars = BarsPerYear::of(open_time, interval_ms);
            let calendar = PeriodsPerYear::from_interval_ms(interval_ms);
            if !bars.own_is_the_calendars() {
                tracing::warn!(
                    "annual figures count {:.0} bars a year, the calendar's; the record has {:.0}: --periods-per-year {:.0} \
                     where the market closes",
                    calendar.get(),
                    bars.own,
                    bars.own
                );
            }
            calendar
        }
    })
}

/// Periods a year of what another tool made.
pub(crate) struct PeriodsOfResult {
    pub(crate) count: PeriodsPerYear,
    /// Where the count is not that of a calendar without closings: what it is.
    pub(crate) note: Option<String>,
}

/// Periods a year of a result: as typed, where they fit; else months and quarters as the calendar counts them; else the
/// record's own number where the market closes every week, and that of days without a break where it does not.
pub(crate) fn periods_of_a_result(typed: Option<f64>, periods: &Dataset) -> Result<PeriodsOfResult> {
    let (open_time, interval_ms) = (&periods.bars().open_time[periods.rows()], periods.bars().interval_ms);
    let by_months = Labels::of(open_time, interval_ms).periods_per_year();
    if typed.is_some() || by_months.is_none() && !BarsPerYear::of(open_time, interval_ms).closes {
        return Ok(PeriodsOfResult { count: periods_per_year(typed, None, periods)?, note: None });
    }
    let count = by_months.map_or_else(|| BarsPerYear::of(open_time, interval_ms).usual(), PeriodsPerYear::new);
    let note = match by_months {
        Some(_) => format!("annual figures count {} periods a year", count.get()),
        None => format!(
            "annual figures count {:.1} periods a year, the record's own, as the market closes every week \
             (--periods-per-year 252 counts trading days)",
            count.get()
        ),
    };
    Ok(PeriodsOfResult { count, note: Some(note) })
}

/// The venue that results of another one are validated at.
#[cfg(feature = "nautilus")]
pub(crate) fn other_venue(arguments: &ReplayArguments, name: VenueName) -> Result<VenueSettings> {
    venue(arguments, name, arguments.cost_bps.map_or(DEFAULT_COST, Fraction::from_bps))
}

fn venue(arguments: &ReplayArguments, name: VenueName, cost: Fraction) -> Result<VenueSettings> {
    Ok(match name {
        VenueName::NextOpen => VenueSettings::NextOpen(price_venue(arguments, cost)?),
        VenueName::PumpSwap => VenueSettings::PumpSwap(pool_venue(arguments)?),
        VenueName::Perpetual => VenueSettings::Perpetual(perpetual::config(arguments)?),
    })
}

fn price_venue(arguments: &ReplayArguments, cost: Fraction) -> Result<PriceVenue> {
    if let Some(option) = arguments.pool.typed() {
        bail!("{option} has no meaning on --venue next-open; leave it out, or use --venue pumpswap");
    }
    refuse_perpetual(arguments)?;
    Ok(PriceVenue {
        cost,
        spread: arguments.spread_bps.map(Fraction::from_bps),
        lot: arguments.lot,
        fill_timing: match arguments.fill_timing {
            TimingName::NextOpen => FillTiming::NextOpen,
            TimingName::SameClose => FillTiming::SameClose,
        },
    })
}

/// Refuses what a perpetual future has not.
fn refuse_other_than_perpetual(arguments: &ReplayArguments) -> Result<()> {
    let same_close = (arguments.fill_timing == TimingName::SameClose).then_some("--fill-timing same-close");
    match arguments.pool.typed().or(same_close) {
        Some(option) => bail!("{option} has no meaning on --venue perpetual; leave it out, or use another venue"),
        None => Ok(()),
    }
}

/// Refuses what only a perpetual future has.
fn refuse_perpetual(arguments: &ReplayArguments) -> Result<()> {
    match arguments.perpetual.typed() {
        Some(option) => bail!("{option} has no meaning without --venue perpetual; leave it out, or use that venue"),
        None => Ok(()),
    }
}

/// A pool has no lots and no quoted spread: what asks for one is refused. What a strategy asks for that a pool has not is
/// told by [`RunSettings::refusal`].
fn pool_venue(arguments: &ReplayArguments) -> Result<PoolVenue> {
    let price_only = [
        ("--lot", arguments.lot.is_some()),
        ("--spread-bps", arguments.spread_bps.is_some()),
        ("--fill-timing same-close", arguments.fill_timing == TimingName::SameClose),
    ];
    if let Some((option, _)) = price_only.iter().find(|(_, asked)| *asked) {
        bail!("{option} has no meaning on --venue pumpswap; leave it out, or use --venue next-open");
    }
    refuse_perpetual(arguments)?;
    let pool = &arguments.pool;
    let fees = match arguments.cost_bps {
        None => PoolFees::Schedule,
        Some(bps) if bps.fract() == 0.0 => PoolFees::Uniform(bps as u64),
        Some(bps) => bail!("--cost-bps is {bps}, expected whole basis points: the program's rates have no fractions"),
    };
    let usual = PumpSwapConfig::default();
    let config = PumpSwapConfig {
        fees,
        slippage: pool.slippage_bps.map_or(usual.slippage, Bps),
        max_impact: pool.max_impact_bps.map_or(usual.max_impact, Bps),
        latency_slots: pool.latency_slots.unwrap_or(usual.latency_slots),
        failures: pool.failure_rate.map_or(usual.failures, Fraction::new),
        priority_fee: pool.priority_fee.map_or(usual.priority_fee, Lamports),
        recovery: pool.impact_half_life.map_or(usual.recovery, Recovery::HalfLife),
        sandwich: pool.sandwich.map_or(usual.sandwich, Fraction::new),
        ..usual
    };
    Ok(PoolVenue { depth: pool.pool_depth.unwrap_or(DEFAULT_DEPTH), config })
}

/// The recorded reserves that were named, a row for each bar, and the hash of their content.
pub(crate) fn pool_path(arguments: &ReplayArguments, data: &Dataset) -> Result<Option<(PoolPath, String)>> {
    let Some(path) = arguments.pool.pool.first() else { return Ok(None) };
    let path = &of_collection(path, "reserves.parquet");
    let market = data.market();
    let table = q50_datasets::reserves::ReserveTable::read(path)?;
    let (base, quote) = table.aligned(market.open_time, path)?;
    let recorded = PoolPath::recorded(&base, &quote, market.len());
    let recorded = recorded.with_context(|| path.display().to_string())?;
    Ok(Some((recorded.with_supply(table.supply(path)?), table.hash())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_whole_day() {
        assert_eq!(from_time(Some("1970-01-02")).unwrap(), Some(DAY_MS));
        assert_eq!(to_time(Some("1970-01-02")).unwrap(), Some(2 * DAY_MS - 1));
        assert_eq!(to_time(Some("1970-01-02T01:00:00Z")).unwrap(), Some(DAY_MS + 3_600_000));
        assert!(from_time(Some("yesterday")).unwrap_err().to_string().contains("--from"));
    }
}
