//! `q50 data query`: SQL over files, and over everything that the data directory knows of.
//!
//! `trials` is the ledger; `runs` and `fills` are those of the runs that `q50 data list` shows; `bars` and `signals` are those of
//! all datasets, with a column `dataset`; and each dataset is a table under its name. A table is made where the query names it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use q50_datasets::{
    Bars, SignalColumns, SignalOptions, SignalTable,
    frame::{Frame, Wanted},
    query::query,
    staged::StagedFile,
    time::rfc3339,
    write::{Column, TableWriter, write_parquet},
};
use serde_json::Value;

use super::datasets::is_there;
use crate::{
    Answer,
    args::Format,
    catalog::{Catalog, Dataset, RunResult, State},
    commands::trials,
    configuration, output,
};

pub(super) fn run(sql: &str, format: Format) -> Result<Answer> {
    let made = tempfile::tempdir()?;
    let tables = tables(sql, made.path())?;
    let answer = query(sql, &tables)?;
    let (rows, table) = (answer.json()?, answer.text()?);
    output::print(format, &serde_json::json!({ "rows": rows }), |out| writeln!(out, "{table}"))?;
    Ok(Answer::Yes)
}

/// The tables that a query names, as Parquet files.
fn tables(sql: &str, folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    // What stands in single quotes is a value or a file.
    let words = sql.split('\'').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
    let mentions = |name: &str| words.contains(&name.to_lowercase());
    let (datasets, results) = match Catalog::that_is_there()? {
        Some(catalog) => (catalog.datasets()?, catalog.results()?),
        None => (Vec::new(), Vec::new()),
    };
    let mut tables = Vec::new();
    let mut table = |name: &str, write: &dyn Fn(&Path) -> Result<()>| -> Result<()> {
        if mentions(name) {
            let path = folder.join(format!("{}.parquet", tables.len()));
            write(&path).with_context(|| format!("the table {name}"))?;
            tables.push((name.to_owned(), path));
        }
        Ok(())
    };
    table("bars", &|path| bars(&datasets, path))?;
    table("signals", &|path| signals(&datasets, path))?;
    table("trials", &|path| trials::write(&configuration::ledger(None)?, path).map(drop))?;
    table("runs", &|path| runs(&results, path))?;
    table("fills", &|path| fills(&results, path))?;
    for dataset in &datasets {
        table(&dataset.name, &|path| one(dataset, path))?;
    }
    Ok(tables)
}

/// The files of datasets that are as they were added, with the names of their rows.
fn files(datasets: &[Dataset]) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for dataset in datasets {
        if dataset.state() != State::AsAdded {
            tracing::warn!("{}: {} is not what was added, and is left out", dataset.name, dataset.path.display());
        } else if q50_binance::is_archive(&dataset.path) {
            for entry in dataset.path.read_dir()? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.ends_with(".parquet") && !name.ends_with("_funding.parquet") {
                    files.push((format!("{}/{name}", dataset.name), path));
                }
            }
        } else {
            files.push((dataset.name.clone(), dataset.path.clone()));
        }
    }
    files.sort();
    Ok(files)
}

/// A file with the rows of several.
fn joined<'a, T: 'a>(
    path: &Path,
    parts: impl IntoIterator<Item = &'a T>,
    columns: impl Fn(&'a T) -> Vec<(&'a str, Column<'a>)>,
    empty: &'a T,
) -> Result<()> {
    let mut writer = TableWriter::new(StagedFile::create(path)?, None, &columns(empty))?;
    for part in parts {
        writer.write(&columns(part))?;
    }
    Ok(writer.finish()?.commit()?)
}

/// Rows of one file, and its name as often.
struct Named<'a, T> {
    names: Vec<&'a str>,
    rows: T,
}

fn bars(datasets: &[Dataset], path: &Path) -> Result<()> {
    let files = files(datasets)?;
    let mut parts = Vec::new();
    for (name, path) in &files {
        match Bars::read(path) {
            // A file of signals holds no bars.
            Err(error) if error.is_missing_column() => {}
            bars => {
                let mut bars = bars?;
                bars.volume.get_or_insert_with(|| vec![f64::NAN; bars.open_time.len()]);
                parts.push(Named { names: vec![name.as_str(); bars.len()], rows: bars });
            }
        }
    }
    let nothing = Vec::new;
    let empty = Bars {
        open_time: Vec::new(),
        open: nothing(),
        high: nothing(),
        low: nothing(),
        close: nothing(),
        volume: Some(nothing()),
        interval_ms: 0,
    };
    let empty = Named { names: Vec::new(), rows: empty };
    let columns = |part| {
        let Named { names, rows }: &Named<'_, Bars> = part;
        [vec![("dataset", Column::Text(names))], rows.to_columns()].concat()
    };
    joined(path, &parts, columns, &empty)
}

fn signals(datasets: &[Dataset], path: &Path) -> Result<()> {
    let files = files(datasets)?;
    let mut parts = Vec::new();
    for (name, path) in &files {
        match SignalTable::read(path, &SignalOptions::default()) {
            // A file of bars holds no signals.
            Err(error) if error.is_missing_column() => {}
            table => {
                let SignalTable { ts, columns, .. } = table?;
                let unknown = vec![f64::NAN; ts.len()];
                parts.push(Named { names: vec![name.as_str(); ts.len()], rows: (ts, columns, unknown) });
            }
        }
    }
    type Rows = (Vec<i64>, SignalColumns, Vec<f64>);
    let empty = Named { names: Vec::new(), rows: Rows::default() };
    let columns = |part| {
        let Named { names, rows: (ts, columns, unknown) }: &Named<'_, Rows> = part;
        let all = columns.all().map(|(name, column)| (name, Column::F64(column.unwrap_or(unknown))));
        [vec![("dataset", Column::Text(names)), ("ts_ms", Column::I64(ts))], all.to_vec()].concat()
    };
    joined(path, &parts, columns, &empty)
}

/// A dataset under its name: as it is where it is Parquet, else its bars or its signals.
fn one(dataset: &Dataset, path: &Path) -> Result<()> {
    let [(_, file)] = &files(std::slice::from_ref(dataset))?[..] else {
        anyhow::bail!("{} is no single file as it was added; use bars or signals, or name a file", dataset.name);
    };
    if q50_datasets::source::detect(&q50_datasets::Input::open(file)?)? == q50_datasets::source::Format::Parquet {
        return Ok(std::os::unix::fs::symlink(file, path)?);
    }
    match Bars::read(file) {
        Err(error) if error.is_missing_column() => {
            Ok(SignalTable::read(file, &SignalOptions::default())?.write_parquet(path)?)
        }
        bars => Ok(bars?.write_parquet(path)?),
    }
}

fn runs(results: &[RunResult], path: &Path) -> Result<()> {
    let there: Vec<bool> = results.iter().map(is_there).collect();
    let summary = |result: &RunResult| {
        let read = || serde_json::from_slice::<Value>(&std::fs::read(result.path.join("summary.json")).ok()?).ok();
        read().filter(|summary| summary["run_id"] == *result.run_id).unwrap_or_default()
    };
    let summaries: Vec<Value> = results.iter().map(summary).collect();
    let paths: Vec<String> = results.iter().map(|result| result.path.display().to_string()).collect();
    let made: Vec<String> = results.iter().map(|result| rfc3339(result.made_ms)).collect();
    let (paths, made): (Vec<&str>, Vec<&str>) =
        paths.iter().map(String::as_str).zip(made.iter().map(String::as_str)).unzip();
    let (ids, kinds): (Vec<&str>, Vec<&str>) =
        results.iter().map(|result| (result.run_id.as_str(), result.kind.as_str())).unzip();
    let verdicts: Vec<Option<&str>> = summaries.iter().map(|summary| summary["verdict"].as_str()).collect();
    let number = |name: &str| summaries.iter().map(|summary| summary["replay"][name].as_f64()).collect::<Vec<_>>();
    let (sharpe, total, drawdown) = (number("sharpe"), number("total_return"), number("max_drawdown"));
    Ok(write_parquet(
        path,
        &[
            ("run_id", Column::Text(&ids)),
            ("kind", Column::Text(&kinds)),
            ("path", Column::Text(&paths)),
            ("made", Column::Text(&made)),
            ("is_there", Column::Bool(&there)),
            ("verdict", Column::OptionText(&verdicts)),
            ("sharpe", Column::OptionF64(&sharpe)),
            ("total_return", Column::OptionF64(&total)),
            ("max_drawdown", Column::OptionF64(&drawdown)),
        ],
    )?)
}

fn fills(results: &[RunResult], path: &Path) -> Result<()> {
    const NUMBERS: [&str; 4] = ["units", "price", "notional", "cost"];
    let mut parts = Vec::new();
    for result in results.iter().filter(|result| result.kind == "verify" && is_there(result)) {
        let wanted = Wanted {
            time: true,
            numbers: vec!["units", "price"],
            optional: vec!["notional", "cost"],
            texts: vec!["side", "reason"],
            ..Wanted::default()
        };
        let frame = Frame::read(&result.path.join("fills.parquet"), &wanted)?;
        let text = |name: &str| frame.text(name).map(<[String]>::to_vec).unwrap_or_default();
        let number = |name: &str| frame.number(name).map_or_else(|| vec![f64::NAN; frame.rows()], <[f64]>::to_vec);
        let rows =
            Fills { ts_ms: frame.time().to_vec(), texts: [text("side"), text("reason")], numbers: NUMBERS.map(number) };
        parts.push(Named { names: vec![result.run_id.as_str(); frame.rows()], rows });
    }
    let borrowed: Vec<(&Named<'_, Fills>, [Vec<&str>; 2])> = parts
        .iter()
        .map(|part| (part, [0, 1].map(|at: usize| part.rows.texts[at].iter().map(String::as_str).collect())))
        .collect();
    let none = Named { names: Vec::new(), rows: Fills::default() };
    let empty = (&none, [Vec::new(), Vec::new()]);
    let columns = |part| {
        let (Named { names, rows }, [side, reason]): &(&Named<'_, Fills>, [Vec<&str>; 2]) = part;
        let mut columns = vec![
            ("run_id", Column::Text(names)),
            ("ts_ms", Column::I64(&rows.ts_ms)),
            ("side", Column::Text(side)),
            ("reason", Column::Text(reason)),
        ];
        columns.extend(NUMBERS.into_iter().zip(rows.numbers.iter().map(|values| Column::F64(values))));
        columns
    };
    joined(path, &borrowed, columns, &empty)
}

/// Fills of one run.
#[derive(Default)]
struct Fills {
    ts_ms: Vec<i64>,
    texts: [Vec<String>; 2],
    numbers: [Vec<f64>; 4],
}
