//! The results of a finished search: one table of every set, and the finalists with the evidence against them.

use std::collections::BTreeMap;

use q50_datasets::{
    run_folder::NewRun,
    write::{Column, TableWriter},
};
use q50_engine::{
    record::{EquityCurve, Summary},
    units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear},
};
use rayon::prelude::*;
use serde::Serialize;
use toml::Value;

use super::{
    Sweep, SweepError,
    axis::Axis,
    finalists::{Filters, Front},
    outcome::{Row, Statistics},
    store::Store,
    surface::{Surface, Surfaces},
};
use crate::{
    inference::{SharpeEstimate, effective_trials},
    parameters::number,
    run::trial_of,
    trials::{LedgerError, Origin, Role, TrialLedger},
};

/// Rows that are turned into columns at a time.
const PART: usize = 4_096;
/// Return series that are clustered.
const CLUSTERED: usize = 100;
/// Stretches that a return series is cut into before it is clustered.
const STRETCHES: usize = 500;

/// What a search found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Sets searched.
    pub sets: u64,
    /// Those that were replayed and traded.
    pub completed: u64,
    /// The others; each row of the table says why.
    pub failed: u64,
    /// Those that saw every bar: all, or in a halving search the ones of the last round. Only they are ranked.
    pub ranked: u64,
    /// Why sets failed, and how many of each.
    pub failures: BTreeMap<String, u64>,
    /// Those that passed the filters.
    pub passed_filters: u64,
    /// Sum of the final equities of all replayed sets, in index order.
    pub sum_final_equity: f64,
    /// Hash of the table.
    pub results_hash: String,
    /// The sets whose return series are clustered.
    #[serde(skip)]
    pub sample: Vec<u64>,
    /// The Pareto front.
    #[serde(skip)]
    pub front: Vec<Row>,
    /// How the Sharpe ratio of the ranked sets goes with their parameters, two by two.
    #[serde(skip)]
    pub surfaces: Vec<Surface>,
}

/// The table of all sets, Parquet.
pub const RESULTS_FILE: &str = "results.parquet";

/// Adds the table of every set of `store` (a row a set, in index order) to the files of `run` and looks for the
/// finalists.
///
/// # Errors
/// The state cannot be read or the table cannot be written.
pub fn publish(
    sweep: &Sweep<'_>,
    store: &Store,
    filters: &Filters,
    run: &mut NewRun<'_>,
) -> Result<Results, SweepError> {
    let year = sweep.base().periods_per_year;
    let surfaces = Surfaces::of(sweep.space());
    let mut table = Table { sweep, year, run, writer: None, part: Vec::with_capacity(PART), surfaces };
    let (mut front, mut sample) = (Front::default(), Sample::default());
    let (mut sets, mut completed, mut failures, mut sum) = (0, 0, BTreeMap::<String, u64>::new(), 0.0);
    let last = sweep.rounds() - 1;
    store.for_each(|row| -> Result<(), SweepError> {
        sets += 1;
        // The statistics of an earlier round are those of fewer bars.
        if row.rung == last {
            front.add(filters, &row);
        }
        sum += row.statistics.map_or(0.0, |s| s.final_equity);
        match &row.failure {
            None => {
                completed += 1;
                sample.add(row.index);
            }
            Some(reason) if failures.len() < 20 || failures.contains_key(reason) => {
                *failures.entry(reason.clone()).or_default() += 1;
            }
            Some(_) => *failures.entry("others".to_owned()).or_default() += 1,
        }
        table.add(row)
    })?;
    let (results_hash, surfaces) = table.finish()?;
    Ok(Results {
        sets,
        completed,
        failed: sets - completed,
        ranked: front.seen,
        failures,
        passed_filters: front.passed,
        sum_final_equity: sum,
        results_hash,
        sample: sample.sets,
        front: front.into_rows(),
        surfaces: surfaces.finish(),
    })
}

/// Every n-th set, with n doubled whenever there are too many.
#[derive(Default)]
struct Sample {
    sets: Vec<u64>,
    stride: u64,
    seen: u64,
}

impl Sample {
    fn add(&mut self, index: u64) {
        if self.seen.is_multiple_of(self.stride.max(1)) {
            self.sets.push(index);
        }
        self.seen += 1;
        if self.sets.len() > CLUSTERED {
            self.stride = self.stride.max(1) * 2;
            self.sets = self.sets.iter().copied().step_by(2).collect();
        }
    }
}

/// The table in the making.
struct Table<'a, 'f> {
    sweep: &'a Sweep<'a>,
    year: PeriodsPerYear,
    run: &'a mut NewRun<'f>,
    writer: Option<TableWriter>,
    part: Vec<Row>,
    surfaces: Surfaces,
}

impl Table<'_, '_> {
    fn add(&mut self, row: Row) -> Result<(), SweepError> {
        self.part.push(row);
        if self.part.len() == PART { self.flush() } else { Ok(()) }
    }

    /// Adds the table to the run's files; returns its hash, and the surfaces of its sets.
    fn finish(mut self) -> Result<(String, Surfaces), SweepError> {
        self.flush()?;
        let hash = match self.writer {
            Some(writer) => self.run.add_table(writer)?,
            None => String::new(),
        };
        Ok((hash, self.surfaces))
    }

    fn flush(&mut self) -> Result<(), SweepError> {
        let rows = std::mem::take(&mut self.part);
        if rows.is_empty() && self.writer.is_some() {
            return Ok(());
        }
        let space = self.sweep.space();
        let points: Vec<Vec<Value>> = rows.iter().map(|row| space.point(row.index)).collect();
        // The statistics of an earlier round are those of fewer bars.
        let last = self.sweep.rounds() - 1;
        for (row, point) in rows.iter().zip(&points).filter(|(row, _)| row.rung == last && row.is_ok()) {
            if let Some(sharpe) = row.statistics.and_then(|s| s.sharpe(self.year)) {
                self.surfaces.add(space, point, sharpe.get());
            }
        }
        let parameters: Vec<Parameter> = space
            .axes()
            .iter()
            .enumerate()
            .map(|(d, axis)| Parameter::of(axis, points.iter().map(|p| &p[d])))
            .collect();
        let texts: Vec<Vec<&str>> = parameters.iter().map(Parameter::texts).collect();

        let index: Vec<i64> = rows.iter().map(|row| row.index as i64).collect();
        let rung: Vec<i64> = rows.iter().map(|row| i64::from(row.rung)).collect();
        let status: Vec<&str> = rows.iter().map(|row| if row.is_ok() { "ok" } else { "failed" }).collect();
        let reason: Vec<&str> = rows.iter().map(|row| row.failure.as_deref().unwrap_or_default()).collect();
        let float = |f: &dyn Fn(&Statistics) -> Option<f64>| -> Vec<Option<f64>> {
            rows.iter().map(|row| row.statistics.as_ref().and_then(f)).collect()
        };
        let count = |f: &dyn Fn(&Statistics) -> u64| -> Vec<Option<i64>> {
            rows.iter().map(|row| row.statistics.as_ref().map(|s| f(s) as i64)).collect()
        };
        let year = self.year;
        let floats = [
            ("final_equity", float(&|s| Some(s.final_equity))),
            ("total_return", float(&|s| Some(s.total_return))),
            ("sharpe", float(&|s| s.sharpe(year).map(AnnualSharpe::get))),
            ("sharpe_per_period", float(&|s| s.sharpe_per_period)),
            ("max_drawdown", float(&|s| Some(s.max_drawdown))),
            ("profit_factor", float(&|s| s.profit_factor)),
            ("turnover", float(&|s| Some(s.turnover))),
            ("fees", float(&|s| Some(s.fees))),
            ("exposure", float(&|s| Some(s.exposure))),
            ("skew", float(&|s| s.skew)),
            ("kurtosis", float(&|s| s.kurtosis)),
        ];
        let counts = [
            ("fills", count(&|s| s.fills)),
            ("round_trips", count(&|s| s.round_trips)),
            ("winners", count(&|s| s.winners)),
            ("returns", count(&|s| s.returns)),
        ];
        let mut columns = vec![("index", Column::I64(&index))];
        for ((axis, parameter), texts) in space.axes().iter().zip(&parameters).zip(&texts) {
            columns.push((axis.path.as_str(), parameter.column(texts)));
        }
        columns.extend([
            ("rung", Column::I64(&rung)),
            ("status", Column::Text(&status)),
            ("reason", Column::Text(&reason)),
        ]);
        columns.extend(floats.iter().map(|(name, values)| (*name, Column::OptionF64(values))));
        columns.extend(counts.iter().map(|(name, values)| (*name, Column::OptionI64(values))));
        match &mut self.writer {
            Some(writer) => writer.write(&columns)?,
            None => self.writer = Some(self.run.start_table(RESULTS_FILE, &columns)?),
        }
        self.part = Vec::with_capacity(PART);
        Ok(())
    }
}

/// The values of one parameter, as a column.
enum Parameter {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Parameter {
    fn of<'v>(axis: &Axis, values: impl Iterator<Item = &'v Value>) -> Self {
        if axis.is_numeric() {
            return Self::Numbers(values.map(number).collect());
        }
        Self::Texts(values.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect())
    }

    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Numbers(_) => Vec::new(),
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
        }
    }

    fn column<'c>(&'c self, texts: &'c [&'c str]) -> Column<'c> {
        match self {
            Self::Numbers(numbers) => Column::F64(numbers),
            Self::Texts(_) => Column::Text(texts),
        }
    }
}

/// A set of the Pareto front.
#[derive(Clone, Debug, Serialize)]
pub struct Finalist {
    /// Index of the set.
    pub index: u64,
    /// Its values, by path.
    pub parameters: BTreeMap<String, Value>,
    /// Annual Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Final equity over capital, less one.
    pub total_return: f64,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: f64,
    /// Gains over losses; null without a loss.
    pub profit_factor: Option<f64>,
    /// Closed round trips.
    pub round_trips: u64,
    /// Deflated Sharpe ratio, for every candidate that the ledger has seen on this data.
    pub dsr: Option<f64>,
    /// What the sets next to it earn; null where it has no number to change.
    pub robustness: Option<Robustness>,
}

/// The Sharpe ratios of the sets next to one, each a single step away in one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// How many there are.
    pub neighbours: usize,
    /// The lowest of their Sharpe ratios over its own; a neighbour without one counts as 0.
    pub worst: f64,
    /// The median.
    pub median: f64,
}

impl Robustness {
    /// Of the neighbours' Sharpe ratios over the set's own; `None` without a neighbour.
    fn of(mut shares: Vec<f64>) -> Option<Self> {
        shares.sort_by(f64::total_cmp);
        let worst = *shares.first()?;
        let median = f64::midpoint(shares[(shares.len() - 1) / 2], shares[shares.len() / 2]);
        Some(Self { neighbours: shares.len(), worst, median })
    }
}

/// The first `most` sets of the front with their deflation and the robustness of their neighbourhood; the neighbours are
/// filed as probes. Notes the effective number of trials of the search in the ledger.
///
/// # Errors
/// The ledger cannot be read or written.
pub fn finalists(
    sweep: &Sweep<'_>,
    results: &Results,
    most: usize,
    ledger: &mut TrialLedger,
) -> Result<Vec<Finalist>, LedgerError> {
    let source = sweep.prepared().source();
    let scope = source.scope(&sweep.base().strategy);
    if let Some(effective) = effective(sweep, &results.sample) {
        ledger.note_effective(scope, effective)?;
    }
    // Every set of the front saw every bar.
    let returns = results.front.iter().find_map(|row| row.statistics).map_or(0, |s| s.returns as usize);
    let tried = ledger.tried(scope, returns)?;
    let mut all = Vec::new();
    for row in results.front.iter().take(most) {
        let Some(s) = row.statistics else { continue };
        let point = sweep.space().point(row.index);
        let robustness = robustness(sweep, &point, s.sharpe_per_period, ledger)?;
        all.push(Finalist {
            index: row.index,
            parameters: sweep.space().axes().iter().map(|axis| axis.path.clone()).zip(point).collect(),
            sharpe: s.sharpe(sweep.base().periods_per_year).map(AnnualSharpe::get),
            total_return: s.total_return,
            max_drawdown: s.max_drawdown,
            profit_factor: s.profit_factor,
            round_trips: s.round_trips,
            dsr: estimate(&s).and_then(|e| tried.deflate(&e).ok()).map(|d| d.probability),
            robustness,
        });
    }
    Ok(all)
}

fn estimate(s: &Statistics) -> Option<SharpeEstimate> {
    Some(SharpeEstimate {
        sharpe: PerPeriodSharpe::new(s.sharpe_per_period?),
        n: s.returns as usize,
        skewness: s.skew?,
        kurtosis: s.kurtosis?,
    })
}

fn robustness(
    sweep: &Sweep<'_>,
    point: &[Value],
    own: Option<f64>,
    ledger: &mut TrialLedger,
) -> Result<Option<Robustness>, LedgerError> {
    let source = sweep.prepared().source();
    let Some(own) = own.filter(|&own| own > 0.0) else { return Ok(None) };
    let replayed: Vec<_> = sweep
        .space()
        .neighbours(point)
        .into_par_iter()
        .filter_map(|neighbour| sweep.settings(&neighbour).ok())
        .filter(|settings| source.refusal(settings).is_none())
        .map(|settings| {
            let mut summary = Summary::default();
            sweep.prepared().run(&settings, &mut summary);
            let trial = trial_of(&summary, source.key(&settings), Role::Probe);
            (trial, summary.sharpe_per_period().map_or(0.0, PerPeriodSharpe::get) / own)
        })
        .collect();
    let (trials, shares): (Vec<_>, Vec<f64>) = replayed.into_iter().unzip();
    ledger.record(source.scope(&sweep.base().strategy), Origin::Sweep, &trials)?;
    Ok(Robustness::of(shares))
}

/// Clusters of the sampled sets' return series; `None` where there is nothing to cluster.
fn effective(sweep: &Sweep<'_>, sample: &[u64]) -> Option<u64> {
    let series: Vec<Vec<f64>> = sample
        .par_iter()
        .filter_map(|&index| sweep.settings(&sweep.space().point(index)).ok())
        .map(|settings| {
            let mut curve = EquityCurve::default();
            sweep.prepared().run(&settings, &mut curve);
            let step = curve.equity.len().div_ceil(STRETCHES).max(1);
            let ends: Vec<f64> = curve.equity.iter().copied().step_by(step).collect();
            ends.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
        })
        .collect();
    effective_trials(&series).ok().map(|e| e.count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_neighbour_is_the_lowest_and_the_median_in_the_middle() {
        let of = |shares: &[f64]| Robustness::of(shares.to_vec());
        let robustness = |neighbours, worst, median| Some(Robustness { neighbours, worst, median });
        assert_eq!(of(&[0.75, -0.25, 0.5, 1.0]), robustness(4, -0.25, 0.625));
        assert_eq!(of(&[0.75, 1.5, 0.5]), robustness(3, 0.5, 0.75));
        assert_eq!(of(&[]), None);
    }
}
