//! `q50 verify --trades | --returns | --equity`: judge what another tool made.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use q50_datasets::{
    Bars, Dataset, DatasetOptions,
    results::{CurveKind, read_curve, read_trade_list},
    run_folder::RunFolder,
};
use q50_research::{
    claim::{Benchmark, DataFacts, Imported, judge_imported},
    inference::StationaryBootstrap,
    rebuild::{Rebuilt, holding, of_curve, of_trades},
    trials::Record,
};

use super::verify;
use crate::{Answer, args::VerifyArguments, configuration, progress::Steps};

/// Steps that progress counts.
const STEPS: u64 = 3;

/// What was read: the result, and the bars that it is held against.
struct Read {
    rebuilt: Rebuilt,
    /// The bars in the window of the result; none where none were given.
    bars: Option<Dataset>,
}

pub(super) fn run(arguments: &VerifyArguments, quiet: bool) -> Result<Answer> {
    let started = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    let steps = Steps::start(quiet, STEPS);
    steps.next("reading");
    let Read { mut rebuilt, bars } = read(arguments)?;
    if let Some(path) = &arguments.result.benchmark {
        rebuilt.benchmark = Some(benchmark(path, &rebuilt.periods).with_context(|| path.display().to_string())?);
    }
    let of = bars.as_ref().unwrap_or(&rebuilt.periods);
    let (record, facts) = (Record::of(of), DataFacts::of(of, false));
    let periods_per_year = configuration::periods_of_a_result(replay.periods_per_year, &rebuilt.periods)?;
    rebuilt.stated.notes.extend(periods_per_year.note);
    let folder = RunFolder::open(&arguments.out, verify::FILES)?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    ledger.refuse_broken()?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(&record, name)?;
    }
    steps.next("judging");
    let Rebuilt { periods, capital, equity, trading, benchmark, stated, figures, coverage } = rebuilt;
    let imported = Imported {
        tool: stated,
        figures,
        market: periods.market(),
        on_bars: bars.is_some() || trading.is_some(),
        facts,
        record: &record,
        capital,
        equity,
        trading,
        benchmark,
        coverage,
        periods_per_year: periods_per_year.count,
        trials: arguments.trials.unwrap_or(1),
        bootstrap: StationaryBootstrap::default(),
        accepted: &arguments.accept,
    };
    let verification = judge_imported(&imported, &mut ledger)?;
    verify::finish(arguments, &verification, &mut ledger, &folder, started, steps)
}

fn read(arguments: &VerifyArguments) -> Result<Read> {
    let (replay, result) = (&arguments.replay, &arguments.result);
    let bars = match &replay.bars[..] {
        [] => None,
        [bars] => Some(Dataset::read_bars(bars, &DatasetOptions::default())?),
        several => bail!("--bars was given {} times, expected one record: a result is of one", several.len()),
    };
    if let Some(path) = &result.trades {
        let bars = bars.context("--trades needs --bars")?;
        return Ok(Read { rebuilt: trades(arguments, path, bars)?, bars: None });
    }
    let Some((kind, path)) = result.curve() else { bail!("no result was named") };
    let rebuilt = curve(arguments, kind, path, bars.as_ref())?;
    let (from, to) = rebuilt.periods.period();
    let window = |bars: Dataset| bars.window(Some(from), Some(to + rebuilt.periods.bars().interval_ms - 1));
    let bars = bars.map(window).transpose()?;
    Ok(Read { rebuilt, bars })
}

/// Returns or equity in the period that was asked for.
fn curve(arguments: &VerifyArguments, kind: CurveKind, path: &Path, bars: Option<&Dataset>) -> Result<Rebuilt> {
    let (replay, result) = (&arguments.replay, &arguments.result);
    let mut curve = read_curve(path, kind, result.column.as_deref(), result.time_zone.as_ref())?;
    let from = configuration::from_time(replay.from.as_deref())?.unwrap_or(i64::MIN);
    let to = configuration::to_time(replay.to.as_deref())?.unwrap_or(i64::MAX);
    curve.between(from, to).with_context(|| path.display().to_string())?;
    of_curve(&curve, kind, replay.capital, bars.map(Dataset::bars)).with_context(|| path.display().to_string())
}

/// Trades on their bars, in the period that was asked for.
fn trades(arguments: &VerifyArguments, path: &Path, bars: Dataset) -> Result<Rebuilt> {
    let (replay, result) = (&arguments.replay, &arguments.result);
    let list = read_trade_list(path, result.run.as_deref(), result.time_zone.as_ref())?;
    let (from, to) =
        match (configuration::from_time(replay.from.as_deref())?, configuration::to_time(replay.to.as_deref())?) {
            (None, None) => list.own_period(),
            typed => typed,
        };
    let bars = bars.window(from, to)?;
    of_trades(&list, bars, replay.capital).with_context(|| path.display().to_string())
}

/// What was held instead, over the periods of the result.
fn benchmark(path: &Path, periods: &Dataset) -> Result<Benchmark> {
    let bars = periods.bars();
    let curve = holding(&bars.open_time[periods.rows()], bars.interval_ms, &Bars::read(path)?)?;
    Ok(Benchmark { name: "benchmark", curve })
}
