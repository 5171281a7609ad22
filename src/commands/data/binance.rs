//! `q50 data ingest binance`, `verify` and `rebuild`: Binance's public archive.

use std::{
    io::{self, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use q50_binance::{CatalogFile, Conflict, TimeUnit, Verified};

use crate::{Answer, args::Format, output};

/// Conflicts that are named on the terminal; the archive has all.
const NAMED: usize = 5;

pub(super) fn ingest(path: &Path, out: &Path, format: Format) -> Result<Answer> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let report = q50_binance::ingest(path, out, now)?;
    for conflict in report.conflicts.iter().take(NAMED) {
        let Conflict { file, series, time, column, kept, offered } = conflict;
        let shown = |value: &Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
        let (kept, offered) = (shown(kept), shown(offered));
        tracing::warn!(
            "{series} {time}: {column} is {kept} in the archive and {offered} in {file}; the former is kept"
        );
    }
    if report.conflicts.len() > NAMED {
        tracing::warn!(
            "{} more values in conflict, all in the table conflicts of archive.sqlite",
            report.conflicts.len() - NAMED
        );
    }
    output::print(format, &report, |text| {
        let count = |test: fn(&q50_binance::FileReport) -> bool| report.files.iter().filter(|file| test(file)).count();
        let (files, verified) = (report.files.len(), count(|file| file.checksum_verified));
        let market = report.market.map(|market| format!(" of {market}")).unwrap_or_default();
        writeln!(text, "{files} files{market}, {verified} with a checksum, which holds")?;
        writeln!(
            text,
            "{} rows inserted, {} there already, {} values in conflict",
            report.inserted,
            report.repeated,
            report.conflicts.len()
        )?;
        let (micro, mark) = (
            count(|file| file.time_unit == TimeUnit::Microseconds),
            count(|file| file.kind_from_rows && file.kind == Some(q50_binance::Kind::Mark)),
        );
        if micro > 0 {
            writeln!(text, "{micro} files have times in microseconds")?;
        }
        if mark > 0 {
            writeln!(text, "{mark} files have no volume, and were taken for mark prices")?;
        }
        if !report.passed_over.is_empty() {
            writeln!(text, "{} other files passed over", report.passed_over.len())?;
        }
        files_text(text, &report.catalog.files)?;
        writeln!(text, "written to {}", out.display())
    })?;
    Ok(if report.conflicts.is_empty() { Answer::Yes } else { Answer::No })
}

pub(super) fn rebuild(folder: &Path, format: Format) -> Result<Answer> {
    let catalog = q50_binance::rebuild(folder)?;
    output::print(format, &catalog, |text| {
        files_text(text, &catalog.files)?;
        let changed = catalog.files.iter().filter(|file| file.changed).count();
        writeln!(text, "{} files, {changed} changed", catalog.files.len())
    })?;
    Ok(Answer::Yes)
}

pub(super) fn verify(folder: &Path, symbol: Option<&str>, format: Format) -> Result<Answer> {
    let verified = q50_binance::verify(folder, symbol)?;
    output::print(format, &verified, |text| verified_text(text, &verified))?;
    Ok(if verified.sound { Answer::Yes } else { Answer::No })
}

pub(super) fn verified_text(text: &mut dyn Write, verified: &Verified) -> io::Result<()> {
    let symbols = if verified.symbols.is_empty() { "no symbol".to_owned() } else { verified.symbols.join(", ") };
    writeln!(text, "{}: {} files with {} rows of {symbols}", verified.folder, verified.files, verified.rows)?;
    for defect in &verified.defects {
        let time = defect.time.as_ref().map(|time| format!(", {time}")).unwrap_or_default();
        writeln!(text, "  {}{time}: {}; {}", defect.file, defect.detail, defect.remedy)?;
    }
    if verified.sound { writeln!(text, "  no defect") } else { Ok(()) }
}

fn files_text(text: &mut dyn Write, files: &[CatalogFile]) -> io::Result<()> {
    for CatalogFile { file, rows, from, to, partial_left_out, incomplete, .. } in files {
        write!(text, "  {file:<28} {rows:>9} rows, {from} to {to}")?;
        if *partial_left_out > 0 {
            write!(text, ", {partial_left_out} partial at the edges left out")?;
        }
        if *incomplete > 0 {
            write!(text, ", {incomplete} lack a part")?;
        }
        writeln!(text)?;
    }
    Ok(())
}
