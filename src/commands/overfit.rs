//! `q50 overfit`: whether the best set of a grid is luck.

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use q50_datasets::run_folder::RunFolder;
use q50_research::{
    claim::State,
    inference::Cscv,
    overfit::{
        Check, CheckName, Lengths, OverfitError, Training,
        suite::{Benchmark, Report, Settings, judge_search, publish},
    },
    trials::{CampaignSummary, Stamp},
};
use serde::Serialize;

use super::search::{Data, Search};
use crate::{
    Answer,
    args::{BenchmarkName, OverfitArguments},
    catalog, configuration, output,
    progress::Sets,
    table::{Align, parameters, table},
};

/// What is written; the summary stands for the whole run.
const FILES: &[&str] =
    &["walk_forward.parquet", "walk_forward_equity.parquet", "combinatorial_paths.parquet", "overfit.json"];
/// Sets beyond which somebody has to say that they mean it: each is replayed some fifty times.
const MANY: u64 = 20_000;

/// What is printed; times, and with them the ledger's hashes, are the only parts that differ between two runs.
#[derive(Serialize)]
struct Timed {
    schema: &'static str,
    run_id: String,
    data: Data,
    #[serde(flatten)]
    report: Report,
    /// State of the trial ledger after all this.
    ledger: Stamp,
    campaign: Option<CampaignSummary>,
    elapsed_ms: u64,
}

pub(crate) fn run(arguments: &OverfitArguments, quiet: bool) -> Result<Answer> {
    let clock = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    let search = Search::read(arguments.grid.as_deref(), replay, MANY, arguments.yes)?;
    search.record.alone("q50 overfit")?;
    let settings = settings(arguments, search.record.data.bars().interval_ms)?;
    check(&settings, search.record.data.rows().len())?;
    let prepared = search.prepared(&[])?;
    let sweep = search.sweep(&prepared)?;
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(&prepared.source().data.record, name)?;
    }

    let bar = Sets::of_replays(quiet);
    let outcome = judge_search(&sweep, &settings, &mut ledger, &|done, total| bar.done_of(done, total))?;
    drop(bar);

    let mut run = folder.new_run(&sweep.identity().run_id(&settings));
    publish(&sweep, &outcome, &mut run)?;
    let report = Timed {
        schema: "q50.overfit/1",
        run_id: run.id().to_owned(),
        data: search.facts(),
        report: Report::new(&sweep, &settings, &outcome),
        ledger: ledger.stamp_of_trials()?,
        campaign: ledger.campaign()?,
        elapsed_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    run.bytes("overfit.json", &serde_json::to_vec_pretty(&report)?)?;
    run.commit()?;
    catalog::register("overfit", folder.path(), &report.run_id);
    output::print(replay.format, &report, |out| text(out, &report, &folder))?;
    Ok(answer(&outcome.checks))
}

/// No where a check fails, and where none could be made: what was not judged is not cleared.
fn answer(checks: &[Check]) -> Answer {
    let any = |state: State| checks.iter().any(|check| check.state == state);
    if any(State::Pass) && !any(State::Fail) { Answer::Yes } else { Answer::No }
}

fn settings(arguments: &OverfitArguments, interval_ms: i64) -> Result<Settings> {
    let tests = &arguments.tests;
    let days = [tests.train_days, tests.test_days, tests.step_days];
    let mut skip: Vec<CheckName> = arguments.skip.clone();
    skip.sort_unstable_by_key(|name| CheckName::ALL.iter().position(|other| other == name));
    skip.dedup();
    if skip.len() == CheckName::ALL.len() {
        bail!("--skip leaves no check to make");
    }
    Ok(Settings {
        lengths: Lengths::of_days(days, u64::try_from(interval_ms).unwrap_or(0))
            .context("--train-days, --test-days or --step-days")?,
        training: if tests.anchored { Training::Anchored } else { Training::Rolling },
        folds: tests.folds,
        groups: tests.groups,
        tested: tests.tested,
        purge: tests.purge,
        embargo: tests.embargo,
        blocks: tests.blocks,
        resamples: tests.resamples,
        benchmark: match tests.benchmark {
            BenchmarkName::Cash => Benchmark::Cash,
            BenchmarkName::Hold => Benchmark::Hold,
        },
        random_runs: tests.random_runs as usize,
        seed: tests.seed,
        skip,
    })
}

/// Refuses, before anything runs, what the record is too short for or what has no meaning.
fn check(settings: &Settings, rows: usize) -> Result<()> {
    let shorter = |options: &'static str, name: CheckName| {
        move |error: OverfitError| anyhow::anyhow!("{options}: {error}; give other values, or --skip {}", name.name())
    };
    if settings.asks(CheckName::WalkForward) {
        settings.windows(rows).map_err(shorter("--train-days, --test-days, --step-days", CheckName::WalkForward))?;
    }
    let purge = settings.least_purge();
    if settings.asks(CheckName::PurgedKFold) {
        settings.k_fold(rows, purge).map_err(shorter("--folds, --purge, --embargo", CheckName::PurgedKFold))?;
    }
    if settings.asks(CheckName::Combinatorial) {
        settings
            .combinatorial(rows, purge)
            .map_err(shorter("--groups, --tested, --purge, --embargo", CheckName::Combinatorial))?;
    }
    if settings.asks(CheckName::Pbo) {
        Cscv::new(settings.blocks).context("--blocks")?;
        if rows <= settings.blocks {
            bail!("--blocks is {}, expected at most the {} returns of the record", settings.blocks, rows - 1);
        }
    }
    Ok(())
}

fn text(out: &mut dyn Write, timed: &Timed, folder: &RunFolder) -> io::Result<()> {
    let Timed { data, report, .. } = timed;
    if data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(out, "{} sets on {} bars, {} to {}", report.sets, report.bars, data.from, data.to)?;
    if report.sets_traded < report.sets {
        writeln!(out, "{} of them failed or never traded", report.sets - report.sets_traded)?;
    }
    if let Some(best) = &report.best {
        writeln!(
            out,
            "The best: set {}, Sharpe ratio {:.2}, {}",
            best.index,
            best.sharpe,
            parameters(&best.parameters)
        )?;
    }
    let columns = [
        ("", Align::Left),
        ("check", Align::Left),
        ("value", Align::Right),
        ("to pass", Align::Right),
        ("sets", Align::Right),
        ("evidence", Align::Left),
    ];
    writeln!(out, "\n{}", table(columns, report.checks.iter().map(row)))?;
    if let Some(purge) = &report.purge {
        writeln!(
            out,
            "\nCross-validation leaves out {} bars on either side of a tested fold, and {} after it.",
            purge.rows, purge.embargo
        )?;
    }
    writeln!(out, "The trial ledger has {} candidates on this market.", report.trials.candidates)?;
    writeln!(out, "\n{}", bottom_line(&report.checks))?;
    writeln!(out, "Results: {}", folder.file("overfit.json").display())
}

fn row(check: &Check) -> [String; 6] {
    let number = |value: f64| format!("{value:.3}");
    [
        state(check).to_owned(),
        check.name.name().to_owned(),
        check.value.map_or_else(|| "-".to_owned(), number),
        check.threshold.map_or_else(|| "-".to_owned(), |t| format!("{} {}", check.name.comparison(), number(t))),
        format!("{}/{}", check.judged, check.given),
        check.evidence.clone(),
    ]
}

/// What the checks come to, in a sentence.
fn bottom_line(checks: &[Check]) -> String {
    let of = |state: State| -> Vec<&str> {
        checks.iter().filter(|check| check.state == state).map(|check| check.name.name()).collect()
    };
    let (passed, failed, not_run) = (of(State::Pass), of(State::Fail), of(State::NotRun));
    let judged = passed.len() + failed.len();
    let rest = if not_run.is_empty() { String::new() } else { format!(" Not run: {}.", not_run.join(", ")) };
    let said = match (passed.len(), failed.len()) {
        (0, 0) => "No check could be made: nothing is known about the best set.".to_owned(),
        (_, 0) => format!("All {judged} checks that were made pass: nothing here speaks for luck."),
        (0, _) => format!("All {judged} checks that were made fail: the best set cannot be told from luck."),
        (_, 1) => format!("1 of {judged} checks fails ({}): the best set may be luck.", failed[0]),
        (_, many) => format!("{many} of {judged} checks fail ({}): the best set may be luck.", failed.join(", ")),
    };
    said + &rest
}

fn state(check: &Check) -> &'static str {
    match check.state {
        State::Pass => "pass",
        State::Fail => "FAIL",
        State::NotRun => "not run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: CheckName, state: State) -> Check {
        Check { state, ..Check::not_run(name, 9, String::new()) }
    }

    #[test]
    fn the_checks_come_to_one_sentence() {
        use CheckName::{Deflated, Pbo, Spa};
        let line = |states: [State; 3]| {
            bottom_line(&[Pbo, Spa, Deflated].iter().zip(states).map(|(name, s)| check(*name, s)).collect::<Vec<_>>())
        };
        let (pass, fail, open) = (State::Pass, State::Fail, State::NotRun);
        assert_eq!(line([pass; 3]), "All 3 checks that were made pass: nothing here speaks for luck.");
        assert_eq!(line([pass, fail, pass]), "1 of 3 checks fails (spa): the best set may be luck.");
        assert_eq!(
            line([fail, fail, open]),
            "All 2 checks that were made fail: the best set cannot be told from luck. Not run: deflated."
        );
        assert!(line([open; 3]).starts_with("No check could be made"));
    }
}
