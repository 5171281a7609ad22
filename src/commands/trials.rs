//! `q50 trials`: what was ever tried, and what others have tried.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use q50_datasets::{
    input::read_bytes,
    staged::replaceable,
    write::{Column, write_parquet},
};
use q50_engine::units::PeriodsPerYear;
use q50_research::{
    claim::{Claim, PublishedTrial},
    trials::{LedgerError, Scope, ScopeSummary, TrialRow},
};
use serde::Serialize;

use crate::{
    Answer,
    args::{Format, TrialsCommand, TrialsExportArguments, TrialsImportArguments, TrialsListArguments},
    configuration, output,
};

/// Most bytes of a list of published runs: 64 MiB.
const LIST_MOST: u64 = 64 << 20;

pub(crate) fn run(command: &TrialsCommand) -> Result<Answer> {
    match command {
        TrialsCommand::List(arguments) => list(arguments),
        TrialsCommand::Export(arguments) => export(arguments),
        TrialsCommand::Import(arguments) => import(arguments),
    }
}

#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    scopes: Vec<ScopeSummary>,
}

fn list(arguments: &TrialsListArguments) -> Result<Answer> {
    let scopes = configuration::ledger(arguments.ledger.as_deref())?.summaries()?;
    print(arguments.format, scopes)
}

fn print(format: Format, scopes: Vec<ScopeSummary>) -> Result<Answer> {
    let listing = Listing { schema: "q50.trials/1", scopes };
    output::print(format, &listing, |out| text(out, &listing.scopes))?;
    Ok(Answer::Yes)
}

fn text(out: &mut dyn Write, scopes: &[ScopeSummary]) -> io::Result<()> {
    writeln!(
        out,
        "{:<18}{:<11}{:>11}{:>10}{:>8}{:>11}{:>14}{:>14}",
        "dataset", "family", "candidates", "published", "probes", "effective", "best Sharpe", "deviation"
    )?;
    for s in scopes {
        let number = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.6}"));
        let count = |v: Option<u64>| v.map_or_else(|| "-".to_owned(), |v| v.to_string());
        writeln!(
            out,
            "{:<18}{:<11}{:>11}{:>10}{:>8}{:>11}{:>14}{:>14}",
            s.dataset.chars().take(16).collect::<String>(),
            s.family,
            s.candidates,
            s.published,
            s.probes,
            count(s.effective),
            number(s.best_sharpe),
            number(s.variance.map(f64::sqrt))
        )?;
    }
    writeln!(out, "\nSharpe ratios are per bar; their deviation is that of the candidates that have one.")
}

fn export(arguments: &TrialsExportArguments) -> Result<Answer> {
    replaceable(&arguments.out)?;
    let ledger = configuration::ledger(arguments.ledger.as_deref())?;
    let mut rows: Vec<TrialRow> = Vec::new();
    ledger.for_each(|row| -> Result<(), LedgerError> {
        rows.push(row);
        Ok(())
    })?;
    let text = |f: fn(&TrialRow) -> &String| -> Vec<&str> { rows.iter().map(|row| f(row).as_str()).collect() };
    let float = |f: fn(&TrialRow) -> Option<f64>| -> Vec<Option<f64>> { rows.iter().map(f).collect() };
    let (dataset, family, settings) = (text(|r| &r.dataset), text(|r| &r.family), text(|r| &r.settings));
    let (role, origin) = (text(|r| &r.role), text(|r| &r.origin));
    let (sharpe, skew, kurtosis) = (float(|r| r.sharpe), float(|r| r.skew), float(|r| r.kurtosis));
    let returns: Vec<i64> = rows.iter().map(|row| row.returns).collect();
    write_parquet(
        &arguments.out,
        &[
            ("dataset", Column::Text(&dataset)),
            ("family", Column::Text(&family)),
            ("settings", Column::Text(&settings)),
            ("role", Column::Text(&role)),
            ("origin", Column::Text(&origin)),
            ("sharpe_per_period", Column::OptionF64(&sharpe)),
            ("returns", Column::I64(&returns)),
            ("skew", Column::OptionF64(&skew)),
            ("kurtosis", Column::OptionF64(&kurtosis)),
        ],
    )?;
    writeln!(io::stdout(), "{} trials in {}", rows.len(), arguments.out.display())?;
    Ok(Answer::Yes)
}

fn import(arguments: &TrialsImportArguments) -> Result<Answer> {
    let replay = &arguments.replay;
    if replay.bars.is_none() {
        bail!("trials belong to a dataset; name it with --bars and --signals");
    }
    let data = configuration::dataset(replay)?;
    let (published, own_year) = published(&arguments.file)?;
    let year = replay
        .periods_per_year
        .map(PeriodsPerYear::new)
        .or(own_year)
        .unwrap_or_else(|| PeriodsPerYear::from_interval_ms(data.bars().interval_ms));
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    let scope = Scope { dataset: data.hash(), family: &arguments.family };
    let trials: Vec<_> = published.iter().map(|trial| trial.trial(year)).collect();
    ledger.record(scope, &trials)?;
    print(replay.format, vec![ledger.summary(scope)?])
}

/// The published runs of a file, and its own periods per year where it has them.
fn published(path: &Path) -> Result<(Vec<PublishedTrial>, Option<PeriodsPerYear>)> {
    if path.extension().is_some_and(|extension| extension == "toml") {
        let claim = Claim::read(path)?;
        let own = PublishedTrial {
            id: "CLAIM".to_owned(),
            configuration: claim.name.clone(),
            sharpe: claim.sharpe.get(),
            bars: Some(claim.bars),
            comparable: None,
        };
        let year = claim.periods_per_year;
        return Ok((claim.published.into_iter().chain([own]).collect(), Some(year)));
    }
    let named = || path.display().to_string();
    let text = read_bytes(path, LIST_MOST).with_context(named)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
    let mut runs = BTreeMap::new();
    for (row, record) in reader.deserialize::<CsvRun>().enumerate() {
        let run =
            record.with_context(|| format!("{}: row {}: expected the columns id and sharpe", named(), row + 2))?;
        if !run.sharpe.is_finite() {
            bail!("{}: row {}: sharpe is {}, expected a finite number", named(), row + 2, run.sharpe);
        }
        let trial = PublishedTrial {
            id: run.id.clone(),
            configuration: run.config.unwrap_or_default(),
            sharpe: run.sharpe,
            bars: run.n_bars.map(|bars| bars as usize),
            comparable: run.validation_only_sharpe,
        };
        if runs.insert(run.id.clone(), trial).is_some() {
            bail!("{}: row {}: the id '{}' is there twice; give each run its own", named(), row + 2, run.id);
        }
    }
    if runs.is_empty() {
        bail!("{}: no run; expected a row for each, with the columns id and sharpe", named());
    }
    Ok((runs.into_values().collect(), None))
}

/// A published run as its list has it; Sharpe ratios are annual.
#[derive(serde::Deserialize)]
struct CsvRun {
    id: String,
    sharpe: f64,
    config: Option<String>,
    n_bars: Option<f64>,
    validation_only_sharpe: Option<f64>,
}
