//! `q50 trials`: what was ever tried, and what others have tried.

use std::{
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
    trials::{LedgerError, MarketCounts, MarketSummary, Scope, Soundness, Stamp, TrialLedger, TrialRow},
};
use serde::Serialize;

use crate::{
    Answer,
    args::{
        Format, TrialsCampaignArguments, TrialsCheckArguments, TrialsCommand, TrialsExportArguments,
        TrialsForgetArguments, TrialsImportArguments, TrialsListArguments,
    },
    configuration, output,
    record::{self, Record},
};

/// Most bytes of a list of published runs: 64 MiB.
const LIST_MOST: u64 = 64 << 20;
/// Digits of a hash that people are shown.
const SHORT: usize = 16;

pub(crate) fn run(command: &TrialsCommand) -> Result<Answer> {
    match command {
        TrialsCommand::List(arguments) => list(arguments),
        TrialsCommand::Check(arguments) => check(arguments),
        TrialsCommand::Campaign(arguments) => campaign(arguments),
        TrialsCommand::Forget(arguments) => forget(arguments),
        TrialsCommand::Import(arguments) => import(arguments),
        TrialsCommand::Export(arguments) => export(arguments),
    }
}

#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    ledger: Stamp,
    markets: Vec<MarketSummary>,
}

fn list(arguments: &TrialsListArguments) -> Result<Answer> {
    let ledger = configuration::ledger_to_read(arguments.ledger.as_deref())?;
    print(arguments.format, &ledger, ledger.summaries()?)
}

fn print(format: Format, ledger: &TrialLedger, markets: Vec<MarketSummary>) -> Result<Answer> {
    let listing = Listing { schema: "q50.trials/2", ledger: ledger.stamp()?, markets };
    output::print(format, &listing, |out| text(out, &listing))?;
    Ok(Answer::Yes)
}

fn short(hash: &str) -> &str {
    hash.get(..SHORT).unwrap_or(hash)
}

fn text(out: &mut dyn Write, listing: &Listing) -> io::Result<()> {
    for (number, market) in (1..).zip(&listing.markets) {
        let MarketCounts { candidates, published, probes, best_sharpe, effective } = market.counts;
        writeln!(out, "market {number}: {candidates} candidates, {published} of them published; {probes} probes")?;
        if let Some(best) = best_sharpe {
            writeln!(out, "  best Sharpe ratio {best:.6} a bar, of the runs on the most bars")?;
        }
        if let Some(effective) = effective {
            writeln!(out, "  {effective} effective trials in the last search")?;
        }
        if !market.families.is_empty() {
            writeln!(out, "  strategies: {}", market.families.join(", "))?;
        }
        for dataset in &market.datasets {
            writeln!(out, "  bars {}, first seen {}", short(&dataset.bars), dataset.first_seen)?;
        }
        for merge in &market.merges {
            let [a, b] = merge.datasets.each_ref().map(|hash| short(hash));
            writeln!(out, "  entry {}: {a} and {b} are of one market: {}", merge.entry, merge.reason)?;
        }
        for import in &market.imports {
            write!(out, "  entry {}: {} published runs from {}", import.entry, import.runs, import.source)?;
            match &import.forgotten {
                Some(reason) => writeln!(out, ", forgotten: {reason}")?,
                None => writeln!(out)?,
            }
        }
        for campaign in &market.campaigns {
            writeln!(
                out,
                "  entry {}: campaign {}, registered {} after {} candidates: {}",
                campaign.entry, campaign.name, campaign.registered, campaign.earlier, campaign.idea
            )?;
        }
        writeln!(out)?;
    }
    stamp(out, &listing.ledger)
}

fn stamp(out: &mut dyn Write, stamp: &Stamp) -> io::Result<()> {
    let since = stamp.since.as_deref().map_or_else(String::new, |since| format!(" since {since}"));
    writeln!(out, "{} entries{since}, head {}", stamp.entries, stamp.head)
}

#[derive(Serialize)]
struct Checked<'a> {
    schema: &'static str,
    #[serde(flatten)]
    found: &'a Soundness,
}

fn check(arguments: &TrialsCheckArguments) -> Result<Answer> {
    let ledger = configuration::ledger_that_is_there(arguments.common.ledger.as_deref())?;
    let found = ledger.check(arguments.head.as_deref())?;
    let checked = Checked { schema: "q50.trials_check/1", found: &found };
    output::print(arguments.common.format, &checked, |out| {
        if let Some(broken) = &found.broken {
            writeln!(out, "BROKEN at entry {}: {}", broken.entry, broken.problem)?;
        }
        match found.has_head {
            Some(false) => writeln!(out, "MISSING: the head that was given is no entry of this ledger")?,
            Some(true) => writeln!(out, "The head that was given is an entry of this ledger.")?,
            None => {}
        }
        if found.broken.is_none() {
            writeln!(out, "{} trials are as they were filed.", found.trials)?;
        }
        stamp(out, &found.stamp)
    })?;
    Ok(if found.is_sound() { Answer::Yes } else { Answer::No })
}

fn campaign(arguments: &TrialsCampaignArguments) -> Result<Answer> {
    for (option, words) in [("NAME", &arguments.name), ("--idea", &arguments.idea)] {
        if words.trim().is_empty() {
            bail!("{option} is empty; say what is going to be tried");
        }
        if words.chars().any(char::is_control) {
            bail!("{option} has a control character, expected words on one line");
        }
    }
    let record = record::of_trials(&arguments.bars)?;
    let mut ledger = configuration::ledger(arguments.common.ledger.as_deref())?;
    ledger.register_campaign(&record, &arguments.name, &arguments.idea)?;
    let summary = ledger.summary(&record)?;
    print(arguments.common.format, &ledger, vec![summary])
}

fn forget(arguments: &TrialsForgetArguments) -> Result<Answer> {
    if arguments.reason.trim().is_empty() {
        bail!("--reason is empty; say why the import counts no longer");
    }
    if arguments.reason.chars().any(char::is_control) {
        bail!("--reason has a control character, expected words on one line");
    }
    let mut ledger = configuration::ledger_that_is_there(arguments.common.ledger.as_deref())?;
    ledger.forget(arguments.entry, &arguments.reason)?;
    let of = |market: &MarketSummary| market.imports.iter().any(|import| import.entry == arguments.entry);
    let markets = ledger.summaries()?.into_iter().filter(of).collect();
    print(arguments.common.format, &ledger, markets)
}

fn export(arguments: &TrialsExportArguments) -> Result<Answer> {
    replaceable(&arguments.out)?;
    let ledger = configuration::ledger_to_read(arguments.ledger.as_deref())?;
    let trials = write(&ledger, &arguments.out)?;
    writeln!(io::stdout(), "{trials} trials in {}", arguments.out.display())?;
    Ok(Answer::Yes)
}

/// Writes every trial of a ledger to a Parquet file; how many there are.
pub(super) fn write(ledger: &TrialLedger, out: &Path) -> Result<usize> {
    let mut rows: Vec<TrialRow> = Vec::new();
    ledger.for_each(|row| -> Result<(), LedgerError> {
        rows.push(row);
        Ok(())
    })?;
    let text = |f: fn(&TrialRow) -> &String| -> Vec<&str> { rows.iter().map(|row| f(row).as_str()).collect() };
    let float = |f: fn(&TrialRow) -> Option<f64>| -> Vec<Option<f64>> { rows.iter().map(f).collect() };
    let (dataset, family) = (text(|r| &r.dataset), text(|r| &r.family));
    let (hypothesis, assumptions) = (text(|r| &r.hypothesis), text(|r| &r.assumptions));
    let (role, origin) = (text(|r| &r.role), text(|r| &r.origin));
    let entries: Vec<i64> = rows.iter().map(|row| row.entry).collect();
    let (sharpe, skew, kurtosis) = (float(|r| r.sharpe), float(|r| r.skew), float(|r| r.kurtosis));
    let returns: Vec<i64> = rows.iter().map(|row| row.returns).collect();
    write_parquet(
        out,
        &[
            ("dataset", Column::Text(&dataset)),
            ("family", Column::Text(&family)),
            ("hypothesis", Column::Text(&hypothesis)),
            ("assumptions", Column::Text(&assumptions)),
            ("role", Column::Text(&role)),
            ("origin", Column::Text(&origin)),
            ("entry", Column::I64(&entries)),
            ("sharpe_per_period", Column::OptionF64(&sharpe)),
            ("returns", Column::I64(&returns)),
            ("skew", Column::OptionF64(&skew)),
            ("kurtosis", Column::OptionF64(&kurtosis)),
        ],
    )?;
    Ok(rows.len())
}

fn import(arguments: &TrialsImportArguments) -> Result<Answer> {
    let replay = &arguments.replay;
    if replay.bars.is_empty() {
        bail!("trials belong to a dataset; name it with --bars and --signals");
    }
    let read = Record::read(replay)?;
    let (data, record) = (&read.data, read.of_trials());
    let (published, own_year) = published(&arguments.file)?;
    let year = replay
        .periods_per_year
        .map(PeriodsPerYear::new)
        .or(own_year)
        .unwrap_or_else(|| PeriodsPerYear::from_interval_ms(data.bars().interval_ms));
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    let scope = Scope { record: &record, family: &arguments.family };
    let source = arguments.file.file_name().unwrap_or(arguments.file.as_os_str()).to_string_lossy();
    ledger.import(scope, &source, &PublishedTrial::list(&published, year))?;
    print(replay.format, &ledger, vec![ledger.summary(&record)?])
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
    let mut runs = Vec::new();
    for (row, record) in reader.deserialize::<CsvRun>().enumerate() {
        let run =
            record.with_context(|| format!("{}: row {}: expected the columns id and sharpe", named(), row + 2))?;
        if !run.sharpe.is_finite() {
            bail!("{}: row {}: sharpe is {}, expected a finite number", named(), row + 2, run.sharpe);
        }
        runs.push(PublishedTrial {
            id: run.id,
            configuration: run.config.unwrap_or_default(),
            sharpe: run.sharpe,
            bars: run.n_bars.map(|bars| bars as usize),
            comparable: run.validation_only_sharpe,
        });
    }
    if runs.is_empty() {
        bail!("{}: no run; expected a row for each, with the columns id and sharpe", named());
    }
    Ok((runs, None))
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
