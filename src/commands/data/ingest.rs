//! `q50 data ingest`: from what others left to files of this product.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::Result;
use q50_datasets::{
    ingest::{HUMMINGBOT_FILES, ingest_bars, ingest_hummingbot, ingest_pickle, ingest_table},
    qlib::Selection,
    run_folder::RunFolder,
    signals::SignalOptions,
    staged::replaceable,
};
use q50_geckoterminal::{Collection, Report, Table};

use crate::{
    Answer,
    args::{Format, IngestCommand},
    output,
    sources::{Program, request},
};

/// Conflicts that are named on the terminal; `ingest.json` has all.
const NAMED: usize = 5;

pub(super) fn run(command: &IngestCommand) -> Result<Answer> {
    match command {
        IngestCommand::Qlib { path, symbol, freq, out } => {
            let selection = Selection { symbol: symbol.clone(), freq: freq.clone() };
            replaceable(out)?;
            let bars = ingest_bars(path, &selection, out)?;
            writeln!(io::stdout(), "{} bars written to {}", bars.len(), out.display())?;
        }
        IngestCommand::Hummingbot { path, out } => hummingbot(path, out)?,
        IngestCommand::Pickle { path, key, raw, out } => {
            replaceable(out)?;
            let (rows, trailing) = ingest_pickle(path, key.clone(), *raw, out)?;
            if trailing > 0 {
                tracing::warn!("{}: {trailing} bytes after the end of the pickle were not looked at", path.display());
            }
            writeln!(io::stdout(), "{rows} rows written to {}", out.display())?;
        }
        IngestCommand::Postgres { url_env, table, select, pool, source_tz, time_unit, out } => {
            let (pool, zone, unit) = (pool.as_deref(), source_tz.as_deref(), time_unit.as_deref());
            let options = [("pool", pool), ("source_tz", zone), ("time_unit", unit)];
            let request = request(url_env, table.as_deref(), select.as_deref(), &options)?;
            replaceable(out)?;
            let rows = ingest_table(Path::new(&format!("postgres:{request}")), out)?;
            writeln!(io::stdout(), "{rows} rows written to {}", out.display())?;
        }
        IngestCommand::Binance { path, out, format } => return super::binance::ingest(path, out, *format),
        IngestCommand::Geckoterminal { path: Some(path), out, format, .. } => {
            return collected(&Collection::read(path)?.write(path, out)?, out, *format);
        }
        IngestCommand::Geckoterminal { path: None, url_env, source_tz, out, format } => {
            let variable = url_env.as_deref().unwrap_or_default();
            let tables = tempfile::tempdir()?;
            let folder = tables.path().display().to_string();
            let mut arguments = vec!["collector", variable, "--out", &folder];
            arguments.extend(source_tz.iter().flat_map(|zone| ["--source-tz", zone.as_str()]));
            let database = Program::find()?.run(&arguments)?;
            tracing::info!("the collector's schema: {database}");
            let collection = Collection::read(tables.path())?;
            return collected(&collection.write(Path::new(variable), out)?, out, *format);
        }
    }
    Ok(Answer::Yes)
}

fn hummingbot(path: &Path, out: &Path) -> Result<()> {
    let run = path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy());
    let out = RunFolder::open(out, HUMMINGBOT_FILES)?;
    let ingested = ingest_hummingbot(path, &run, &SignalOptions::default(), &out)?;
    writeln!(
        io::stdout(),
        "{} signals written to {}\n{} trades written to {}",
        ingested.signals,
        ingested.signals_path.display(),
        ingested.trades,
        ingested.trades_path.display()
    )?;
    Ok(())
}

/// Says what became of a collector's files, and warns of what was left out. A damaged file is a no.
fn collected(report: &Report, out: &Path, format: Format) -> Result<Answer> {
    for q50_geckoterminal::PassedOver { reason, .. } in &report.passed_over {
        tracing::warn!("passed over {reason}");
    }
    for file in &report.files {
        if file.table == Table::Unrecognised {
            tracing::warn!("{}: none of the collector's shapes; nothing was taken", file.origin);
        }
        if let Some(first) = file.first_refused.first() {
            let (origin, refused, rows) = (&file.origin, file.refused, file.rows);
            tracing::warn!(
                "{origin}: {refused} of {rows} rows refused; the first, row {}: {}",
                first.row,
                first.reason
            );
        }
    }
    for conflict in report.conflicts.iter().take(NAMED) {
        let q50_geckoterminal::Conflict { key, column, kept, kept_from, other, other_from } = conflict;
        tracing::warn!("{key}: {column} is {kept} in {kept_from} and {other} in {other_from}; the former is kept");
    }
    if report.conflicts.len() > NAMED {
        tracing::warn!("{} more values in conflict, all in ingest.json", report.conflicts.len() - NAMED);
    }
    output::print(format, report, |text| {
        let bars: usize = report.bars.iter().map(|file| file.rows).sum();
        let utc: usize = report.files.iter().map(|file| file.times.digits_as_utc).sum();
        writeln!(text, "{bars} bars in {} files, {} trades, {} pools", report.bars.len(), report.trades, report.pools)?;
        if utc > 0 {
            writeln!(
                text,
                "{utc} times of trades carry an offset and are UTC: only so they lie before their polling times"
            )?;
        }
        let on = report.trades_on_bars;
        if on.trades > 0 {
            writeln!(
                text,
                "{} of {} trades fall on a 1-minute bar of their pool; {} of {} sales at a price inside it",
                on.on_a_bar, on.trades, on.sales_inside, on.sales
            )?;
        }
        writeln!(text, "{} rows repeated, {} values in conflict", report.repeated, report.conflicts.len())?;
        if !report.passed_over.is_empty() {
            writeln!(text, "{} damaged files passed over", report.passed_over.len())?;
        }
        writeln!(text, "written to {}", out.display())
    })?;
    Ok(if report.passed_over.is_empty() { Answer::Yes } else { Answer::No })
}
