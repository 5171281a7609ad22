//! `q50 data export` and `migrate`: runs and sessions as tables of a PostgreSQL database.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use q50_datasets::{
    frame::{Frame, Wanted},
    run_folder::run_id,
};
use rusqlite::types::ValueRef;

use crate::{Answer, sources::Program};

/// The journal of a session.
const SESSION: &str = "session.sqlite";
/// A step of an order's life a row, in the order in which they happened.
const STEPS: &str = "
    WITH steps AS (
        SELECT 1 AS step, 'pending' AS execution_status, key, wanted_ms AS at, NULL AS outcome FROM orders
        UNION ALL SELECT 2, 'sent', key, NULL, NULL FROM orders WHERE signature IS NOT NULL
        UNION ALL SELECT 3, 'final', key, time_ms, state FROM orders WHERE is_final OR state NOT IN ('wanted', 'filled', 'failed')
    )
    SELECT session.id || '/' || orders.key AS decision_id, steps.execution_status, session.id AS session_id,
        json_extract(session.spec, '$.pool') AS pool_id, orders.bar_ms AS ts, steps.at,
        CASE WHEN json_valid(bars.signals) THEN json_extract(bars.signals, '$.q50') END AS q50_signal, orders.reason,
        steps.outcome,
        CASE WHEN step > 1 THEN orders.signature END AS signature, CASE WHEN step = 3 THEN orders.slot END AS slot,
        CASE WHEN step = 3 THEN orders.base END AS base_amount, CASE WHEN step = 3 THEN orders.quote END AS quote_amount,
        CASE WHEN step = 3 THEN orders.network_fee END AS network_fee
    FROM steps JOIN orders USING (key) JOIN bars ON bars.open_ms = orders.bar_ms, session
    ORDER BY orders.wanted_ms, orders.key, steps.step";

pub(super) fn migrate(variable: &str, to: Option<u32>) -> Result<Answer> {
    let to = to.map(|to| to.to_string());
    let mut arguments = vec!["migrate", variable];
    arguments.extend(to.iter().flat_map(|to| ["--to", to.as_str()]));
    let answer = Program::find()?.run(&arguments)?;
    writeln!(io::stdout(), "schema q50: version {}, was {}", answer["to"], answer["from"])?;
    Ok(Answer::Yes)
}

pub(super) fn run(folder: &Path, variable: &str) -> Result<Answer> {
    let program = Program::find()?;
    let tables = tempfile::tempdir()?;
    let files = if folder.join(SESSION).is_file() {
        session(&folder.join(SESSION), tables.path())?;
        vec!["q50_trading_history"]
    } else if folder.join("decisions.parquet").is_file() {
        backtest(folder, tables.path())?;
        vec!["runs", "decisions", "fills"]
    } else {
        bail!("{}: neither {SESSION} nor decisions.parquet; name a folder of q50 verify or q50 live", folder.display());
    };
    for table in files {
        let file = tables.path().join(format!("{table}.csv")).display().to_string();
        let answer = program.run(&["export", variable, table, &file])?;
        writeln!(io::stdout(), "q50.{table}: {} new rows", answer["written"])?;
    }
    Ok(Answer::Yes)
}

/// Steps of the orders of a session.
fn session(journal: &Path, out: &Path) -> Result<()> {
    let name = || journal.display().to_string();
    let read = || -> Result<()> {
        let connection = q50_sqlite::open_foreign(journal)?;
        let mut statement = connection.prepare(STEPS)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut file = csv::Writer::from_path(out.join("q50_trading_history.csv"))?;
        file.write_record(&names)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for at in 0..names.len() {
                match row.get_ref(at)? {
                    ValueRef::Null | ValueRef::Blob(_) => file.write_field("")?,
                    ValueRef::Integer(value) => file.write_field(value.to_string())?,
                    ValueRef::Real(value) => file.write_field(value.to_string())?,
                    ValueRef::Text(text) => file.write_field(text)?,
                }
            }
            file.write_record(None::<&[u8]>)?;
        }
        Ok(file.flush()?)
    };
    read().with_context(name)
}

/// Decisions and fills of a run of `q50 verify`.
fn backtest(folder: &Path, out: &Path) -> Result<()> {
    let (decisions, fills) = (folder.join("decisions.parquet"), folder.join("fills.parquet"));
    let id = run_id(&decisions)?.with_context(|| format!("{}: it belongs to no run of q50", decisions.display()))?;
    std::fs::write(out.join("runs.csv"), format!("run_id\n{id}\n"))?;
    let wanted = Wanted {
        time: true,
        optional: vec!["decided_at_ms", "acted", "side", "size", "prob_up", "expected_value"],
        texts: vec!["reason"],
        either: vec!["instrument", "regime"],
        ..Wanted::default()
    };
    let names = [("decided_at", "decided_at_ms")];
    table(&Frame::read(&decisions, &wanted)?.strict()?, &wanted, &names, &id, false, &out.join("decisions.csv"))?;
    let wanted = Wanted {
        time: true,
        numbers: vec!["units", "price"],
        optional: vec!["notional", "cost", "base_amount", "quote_amount"],
        texts: vec!["side", "reason"],
        either: vec!["instrument"],
    };
    table(&Frame::read(&fills, &wanted)?.strict()?, &wanted, &[], &id, true, &out.join("fills.csv"))
}

/// Rows of a table of a run as CSV; `names` are those that it has in the database.
fn table(
    frame: &Frame,
    wanted: &Wanted<'_>,
    names: &[(&str, &str)],
    id: &str,
    numbered: bool,
    out: &Path,
) -> Result<()> {
    let numbers: Vec<(&str, &[f64])> = [&wanted.numbers, &wanted.optional]
        .into_iter()
        .flatten()
        .filter_map(|name| Some((*name, frame.number(name)?)))
        .collect();
    let texts: Vec<(&str, Option<&[String]>)> =
        [&wanted.texts, &wanted.either].into_iter().flatten().map(|name| (*name, frame.text(name))).collect();
    let mut file = csv::Writer::from_path(out)?;
    let given = |name: &&str| names.iter().find(|(_, own)| own == name).map_or(*name, |(given, _)| *given).to_owned();
    let mut header = vec!["run_id".to_owned(), "ts".to_owned()];
    header.extend(numbered.then(|| "row_number".to_owned()));
    header.extend(numbers.iter().map(|(name, _)| given(name)));
    header.extend(texts.iter().map(|(name, _)| given(name)));
    file.write_record(&header)?;
    for (row, ts) in frame.time().iter().enumerate() {
        file.write_field(id)?;
        file.write_field(ts.to_string())?;
        if numbered {
            file.write_field((row + 1).to_string())?;
        }
        for (name, column) in &numbers {
            let value = column[row];
            // Amounts of the chain are read through floats, which hold each whole number up to here.
            let exact = value.abs() <= 9_007_199_254_740_992.0;
            ensure!(!name.ends_with("_amount") || value.is_nan() || exact, "{name} {value} would not be exact");
            file.write_field(if value.is_nan() { String::new() } else { value.to_string() })?;
        }
        for (name, column) in &texts {
            match column {
                Some(column) => file.write_field(&column[row])?,
                // A part of the key, which cannot be null.
                None => file.write_field(if *name == "instrument" { "-" } else { "" })?,
            }
        }
        file.write_record(None::<&[u8]>)?;
    }
    Ok(file.flush()?)
}
