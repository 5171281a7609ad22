//! What a comparison prints.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use q50_datasets::{dataset::Dataset, run_folder::RunFolder, time::rfc3339};
use q50_nautilus::{Check, NAUTILUS_VERSION, Validation};
use q50_research::run::{RunSettings, VenueSettings};
use serde::Serialize;

use super::{Job, finalists::Finalist};

/// Share of its Sharpe ratio that a finalist may lose under validation before it is called sensitive to execution.
const SENSITIVE: f64 = 0.5;

/// The whole comparison.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) schema: &'static str,
    /// Hash of data, view and settings.
    pub(super) run_id: String,
    pub(super) data: Data,
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    pub(super) runs: Vec<RunReport>,
    pub(super) agrees: bool,
    pub(super) elapsed_ms: u64,
}

/// The record.
#[derive(Serialize)]
pub(super) struct Data {
    hash: String,
    bars: usize,
    from: String,
    to: String,
    demonstration: bool,
}

impl Data {
    pub(super) fn of(data: &Dataset, demonstration: bool) -> Self {
        let (from, to) = data.period();
        let bars = data.rows().len();
        Self { hash: data.hash().to_owned(), bars, from: rfc3339(from), to: rfc3339(to), demonstration }
    }
}

/// The second engine.
#[derive(Serialize)]
pub(super) struct Engine {
    name: &'static str,
    version: &'static str,
}

impl Engine {
    pub(super) const NAUTILUS: Self = Self { name: "nautilus_trader", version: NAUTILUS_VERSION };
}

/// What decided the runs; of finalists, what their sets are changes of.
#[derive(Serialize)]
pub(super) struct Settings {
    pub(super) run: RunSettings,
    /// From a decision until its order lands.
    pub(super) latency_ms: i64,
}

/// How many of one thing were compared, and how many of them differ.
#[derive(Serialize)]
pub(super) struct Compared {
    compared: usize,
    differing: usize,
}

/// One run in both engines; pairs have the loop's figure first.
#[derive(Serialize)]
pub(super) struct RunReport {
    #[serde(flatten)]
    set: Option<Set>,
    pub(super) agrees: bool,
    #[serde(flatten)]
    lines: BTreeMap<&'static str, Compared>,
    max_equity_difference: f64,
    final_equity: [f64; 2],
    sharpe: [Option<f64>; 2],
    #[serde(flatten)]
    degradation: Option<Degradation>,
    differences: Vec<Difference>,
}

/// Which set of a search it is.
#[derive(Serialize)]
struct Set {
    index: u64,
    parameters: BTreeMap<String, toml::Value>,
}

/// What is left of a finalist.
#[derive(Serialize)]
struct Degradation {
    /// Annual Sharpe ratio in the search.
    sharpe_sweep: Option<f64>,
    /// Share of it that is lost in the second engine; null where it was not above 0.
    degradation: Option<f64>,
    /// Whether more than half is lost; a ratio that is no longer defined is lost.
    execution_sensitive: Option<bool>,
}

impl Degradation {
    fn of(searched: Option<f64>, validated: Option<f64>) -> Self {
        let lost = |searched: f64| validated.map(|validated| 1.0 - validated / searched);
        let earned = searched.filter(|sharpe| *sharpe > 0.0);
        Self {
            sharpe_sweep: searched,
            degradation: earned.and_then(lost),
            execution_sensitive: earned.map(|searched| lost(searched).is_none_or(|lost| lost > SENSITIVE)),
        }
    }
}

/// Something on which the engines disagree.
#[derive(Serialize)]
struct Difference {
    check: &'static str,
    /// Open of the bar: of the decision for orders, of the mark for equity.
    ts: String,
    #[serde(rename = "loop")]
    first: String,
    second: String,
}

impl RunReport {
    pub(super) fn of(validation: &Validation, job: &Job, open_time: &[i64]) -> Self {
        let compared = |i: usize| {
            let line = &validation.table[i];
            Compared { compared: line.counts[0].max(line.counts[1]), differing: line.differing }
        };
        let sharpe = validation.sharpe.map(|sharpe| sharpe.map(|s| s.annual(job.settings.periods_per_year).get()));
        let set = |f: &Finalist| Set { index: f.index, parameters: f.parameters.clone() };
        let differences = validation.differences.iter().map(|d| Difference {
            check: key(d.check),
            ts: rfc3339(open_time[d.row]),
            first: d.first.clone(),
            second: d.second.clone(),
        });
        Self {
            set: job.finalist.as_ref().map(set),
            agrees: validation.agrees(),
            lines: (Check::ALL.iter().enumerate())
                .map(|(i, check)| (key(*check), compared(i)))
                // Most strategies place none.
                .filter(|(key, line)| *key != ORDER_EVENTS || line.compared > 0)
                .collect(),
            max_equity_difference: validation.max_equity_difference,
            final_equity: validation.final_equity,
            sharpe,
            degradation: job.finalist.as_ref().map(|f| Degradation::of(f.sharpe, sharpe[1])),
            differences: differences.collect(),
        }
    }
}

const ORDER_EVENTS: &str = "order_events";

const fn key(check: Check) -> &'static str {
    match check {
        Check::Landing => "landings",
        Check::Order => ORDER_EVENTS,
        other => other.name(),
    }
}

pub(super) fn text(out: &mut dyn Write, report: &Report, folder: Option<&RunFolder>) -> io::Result<()> {
    let Report { data, settings, runs, .. } = report;
    if data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(
        out,
        "The replay loop and NautilusTrader {NAUTILUS_VERSION} on {} bars, {} to {}",
        data.bars, data.from, data.to
    )?;
    let unit = match settings.run.venue {
        VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_) => "quote units",
        VenueSettings::PumpSwap(_) => "SOL",
    };
    writeln!(
        out,
        "{}, {} ms from a decision to its order's landing, {} {unit}",
        settings.run.venue.name(),
        settings.latency_ms,
        settings.run.capital
    )?;
    runs.iter().try_for_each(|run| one(out, run))?;
    let differ = runs.iter().filter(|run| !run.agrees).count();
    match (runs.len(), differ) {
        (1, 0) => writeln!(out, "\nBoth engines did the same.")?,
        (1, _) => writeln!(out, "\nThe engines differ.")?,
        (n, 0) => writeln!(out, "\nBoth engines did the same in all {n} runs.")?,
        (n, differ) => writeln!(out, "\nThe engines differ in {differ} of {n} runs.")?,
    }
    match folder {
        Some(folder) => writeln!(out, "Results: {}", folder.file("validate.json").display()),
        None => Ok(()),
    }
}

fn one(out: &mut dyn Write, run: &RunReport) -> io::Result<()> {
    writeln!(out)?;
    if let Some(Set { index, parameters }) = &run.set {
        writeln!(out, "Set {index}: {}", crate::table::parameters(parameters))?;
    }
    writeln!(out, "{:<15}{:>10}{:>11}", "", "compared", "differing")?;
    for check in Check::ALL {
        if let Some(Compared { compared, differing }) = run.lines.get(key(check)) {
            writeln!(out, "{:<15}{compared:>10}{differing:>11}", check.name())?;
        }
    }
    for Difference { check, ts, first, second } in &run.differences {
        writeln!(out, "  {check} at {ts}: {first} in the loop, {second} in NautilusTrader")?;
    }
    let number = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.3}"));
    let [equity, sharpe] = [run.final_equity.map(Some), run.sharpe].map(|pair| pair.map(number).join(" and "));
    let distance = run.max_equity_difference;
    writeln!(out, "Final equity {equity}, apart by {distance:.1e} at most on the way; Sharpe {sharpe}")?;
    let Some(Degradation { sharpe_sweep, degradation, execution_sensitive }) = &run.degradation else { return Ok(()) };
    let lost = degradation.map_or_else(
        || "no share of it can be stated".to_owned(),
        |lost| match (1_000.0 * lost).round() / 10.0 {
            percent if percent < 0.0 => format!("{:.1} % gained", -percent),
            percent => format!("{percent:.1} % of it lost"),
        },
    );
    let flag = if *execution_sensitive == Some(true) { ": EXECUTION SENSITIVE" } else { "" };
    writeln!(out, "Sharpe in the search {}, {lost}{flag}", number(*sharpe_sweep))
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        market::{Column, Market, Signals},
        strategy::{StrategyConfig, threshold::ThresholdConfig},
        units::{Fraction, PeriodsPerYear},
        venue::{FillTiming, NextOpen},
    };
    use q50_nautilus::{Run, compare};
    use q50_research::run::PriceVenue;

    use super::*;

    /// Bought at 10 in row 1, sold at 12 in row 3, with another cost in the second engine.
    fn planted() -> (Validation, Job) {
        let time = [0, 1, 2, 3].map(|hour| hour * 3_600_000);
        let (price, signal) = ([10.0, 10.0, 11.0, 12.0], [0.9, 0.5, 0.1, 0.5]);
        let market = Market {
            open_time: &time,
            open: &price,
            high: &price,
            low: &price,
            close: &price,
            signals: Signals::default().with(Column::Value, &signal),
            interval_ms: 3_600_000,
            first: 0,
        };
        let strategy = StrategyConfig::new(ThresholdConfig::default());
        let venue = |bps| NextOpen::new(Fraction::from_bps(bps));
        let run = Run::at_next_open(market, strategy.clone(), venue(5.0), 1_000.0);
        let cost = Fraction::from_bps(5.0);
        let price = PriceVenue { cost, spread: None, lot: None, fill_timing: FillTiming::NextOpen };
        let venue_settings = VenueSettings::NextOpen(price);
        let periods_per_year = PeriodsPerYear::new(8_760.0);
        let settings = RunSettings { strategy, venue: venue_settings, capital: 1_000.0, periods_per_year };
        (compare(&run, venue(5.0), venue(6.0)).unwrap(), Job { settings, finalist: None })
    }

    #[test]
    fn a_fault_in_one_engine_is_told_with_its_bar() {
        let (validation, job) = planted();
        let run = RunReport::of(&validation, &job, &[0, 3_600_000, 7_200_000, 10_800_000]);
        assert!(!run.agrees);
        assert_eq!((run.lines["intents"].differing, run.lines["commissions"].differing), (0, 2));
        assert_eq!((run.differences[0].check, run.differences[0].ts.as_str()), ("amounts", "1970-01-01T01:00:00Z"));
        let mut printed = Vec::new();
        one(&mut printed, &run).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(
            printed.contains("amounts at 1970-01-01T01:00:00Z: ") && printed.contains("in NautilusTrader"),
            "{printed}"
        );
    }

    #[test]
    fn a_second_opinion_that_differs_is_above_its_threshold() {
        let opinion = super::super::second::opinion_of(&planted().0);
        assert!(opinion.value >= 4.0 && opinion.threshold == 0.0, "{opinion:?}");
        assert!(opinion.evidence.contains("differ, the first: amounts at row 1"), "{opinion:?}");
    }

    #[test]
    fn a_finalist_that_loses_more_than_half_is_sensitive_to_execution() {
        let of = |searched, validated| {
            let d = Degradation::of(searched, validated);
            (d.degradation, d.execution_sensitive)
        };
        assert_eq!(of(Some(2.0), Some(1.0)), (Some(0.5), Some(false)), "half is not more than half");
        assert_eq!(of(Some(2.0), Some(0.5)), (Some(0.75), Some(true)));
        assert_eq!(of(Some(2.0), Some(-1.0)), (Some(1.5), Some(true)));
        assert_eq!(of(Some(2.0), Some(3.0)), (Some(-0.5), Some(false)));
        assert_eq!(of(Some(2.0), None), (None, Some(true)), "nothing is left to be compared");
        assert_eq!(of(Some(-1.0), Some(-2.0)), (None, None));
        assert_eq!(of(None, Some(1.0)), (None, None));
    }
}
