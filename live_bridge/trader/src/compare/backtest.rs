//! A backtest as `q50 verify` wrote it.

use super::CompareError;
use q50_datasets::frame::{Frame, Wanted};
use q50_engine::venue::PumpSwapConfig;
use q50_research::run::{RunSettings, VenueSettings};
use serde::Deserialize;
use std::path::Path;

/// A decision of a backtest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedDecision {
    /// Opening of the bar at whose close it was made.
    pub bar_ms: i64,
    /// Its reason.
    pub reason: String,
    /// Whether it wanted something done.
    pub acted: bool,
}

/// A fill of a backtest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedFill {
    /// Opening of the bar that it was decided on.
    pub bar_ms: i64,
    /// When it landed.
    pub time_ms: i64,
    /// Whether it bought.
    pub is_buy: bool,
    /// Coins that came in or went out, smallest unit.
    pub base: u64,
    /// Lamports that went out or came in, fees of the pool in.
    pub quote: u64,
}

/// A backtest.
#[derive(Clone, Debug, PartialEq)]
pub struct Backtest {
    /// Its run.
    pub run_id: String,
    /// Length of a bar, milliseconds.
    pub interval_ms: i64,
    /// What decided it.
    pub settings: RunSettings,
    /// How its pool behaves.
    pub venue: PumpSwapConfig,
    /// Opening of its first bar.
    pub from_ms: i64,
    /// Its decisions, a bar each.
    pub decisions: Vec<ReplayedDecision>,
    /// Its fills, in order.
    pub fills: Vec<ReplayedFill>,
    /// Equity at the close of each bar: the bar's opening, SOL.
    pub equity: Vec<(i64, f64)>,
}

/// Opening of the bar that a fill at `time_ms` was decided on. One order is on its way at a time: a fill is of the last one.
pub(super) fn decided_on(decisions: &[ReplayedDecision], interval_ms: i64, time_ms: i64) -> i64 {
    let before = |made: &&ReplayedDecision| made.acted && made.bar_ms + interval_ms <= time_ms;
    decisions.iter().rev().find(before).map_or(time_ms, |made| made.bar_ms)
}

#[derive(Deserialize)]
struct Summary {
    schema: String,
    run_id: String,
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    run: RunSettings,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    from_ms: i64,
    interval_ms: i64,
}

impl Backtest {
    /// Reads the folder of a run on a pool.
    ///
    /// # Errors
    /// [`CompareError`] where the folder holds no whole run of this version, or one on another venue.
    pub fn read(folder: &Path) -> Result<Self, CompareError> {
        let path = folder.join("summary.json");
        let refused = |problem: String| CompareError::NoBacktest { path: path.clone(), problem };
        let text = std::fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
        let summary: Summary = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        if summary.schema != "q50.verify/1" {
            return Err(refused(format!("its schema is `{}`", summary.schema)));
        }
        let Settings { run: settings, data } = summary.settings;
        let VenueSettings::PumpSwap(pool) = &settings.venue else {
            return Err(refused(format!("its venue is {}; run it with --venue pumpswap", settings.venue.name())));
        };
        let venue = pool.config;
        let table = |file: &str, numbers: &[&'static str], texts: &[&'static str]| {
            let wanted = Wanted { time: true, numbers: numbers.to_vec(), texts: texts.to_vec(), ..Wanted::default() };
            Frame::read(&folder.join(file), &wanted)
        };
        let column = |frame: &Frame, name: &str| frame.number(name).unwrap_or_default().to_vec();

        let made = table("decisions.parquet", &["acted"], &["reason"])?;
        let reasons = made.text("reason").unwrap_or_default();
        let rows = made.time().iter().zip(reasons).zip(column(&made, "acted"));
        let decisions: Vec<ReplayedDecision> = rows
            .map(|((&bar_ms, reason), acted)| ReplayedDecision { bar_ms, reason: reason.clone(), acted: acted == 1.0 })
            .collect();

        let filled = table("fills.parquet", &["base_amount", "quote_amount"], &["side"])?;
        let sides = filled.text("side").unwrap_or_default();
        let amounts = column(&filled, "base_amount").into_iter().zip(column(&filled, "quote_amount"));
        let rows = filled.time().iter().zip(sides).zip(amounts);
        let fills = rows
            .map(|((&time_ms, side), (base, quote))| ReplayedFill {
                bar_ms: decided_on(&decisions, data.interval_ms, time_ms),
                time_ms,
                is_buy: side == "buy",
                base: base as u64,
                quote: quote as u64,
            })
            .collect();

        let equity = table("equity.parquet", &["equity"], &[])?;
        let equity = equity.time().iter().copied().zip(column(&equity, "equity")).collect();
        Ok(Self {
            run_id: summary.run_id,
            interval_ms: data.interval_ms,
            settings,
            venue,
            from_ms: data.from_ms,
            decisions,
            fills,
            equity,
        })
    }
}
