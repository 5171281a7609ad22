//! `sqlite:FILE:TABLE` and `sqlite:FILE:SELECT ...`: signals of somebody's SQLite file, in order of time.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use q50_datasets::input::unnamed;
use q50_datasets::names::{LOOKS_FORWARD, TIME_NAMES};
use rusqlite::types::ValueRef;

/// The table or SELECT as a file of CSV, which the readers of files judge.
pub(super) fn open(place: &str) -> Result<File> {
    let expected = "expected sqlite:FILE:TABLE or sqlite:FILE:SELECT ..";
    let (file, what) = place.split_once(':').context(expected)?;
    ensure!(Path::new(file).is_file(), "there is no file `{file}`; {expected}");
    let first = what.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let select = match first.as_str() {
        "select" | "with" => what.trim().trim_end_matches(';').to_owned(),
        _ => format!("SELECT * FROM {}", quoted(what)),
    };
    let mut words = select.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase);
    if let Some(label) = words.find(|word| LOOKS_FORWARD.contains(&word.as_str())) {
        anyhow::bail!(
            "`{label}` looks forward: it is a label for training, and a backtest on it sees the future; leave it out"
        );
    }
    unnamed(|path| write(file, &select, path))
}

fn write(file: &str, select: &str, path: &Path) -> Result<()> {
    let connection = q50_sqlite::open_foreign(Path::new(file))?;
    let columns = connection.prepare(select)?;
    let names: Vec<String> = columns.column_names().map(str::to_owned).collect();
    let time = TIME_NAMES
        .iter()
        .find_map(|time| names.iter().find(|name| !name.is_empty() && name.eq_ignore_ascii_case(time)));
    let order = time.map_or_else(String::new, |time| format!(" ORDER BY {}", quoted(time)));
    // On a line of its own: the SELECT may end in a comment.
    let mut statement = connection.prepare(&format!("SELECT * FROM ({select}\n){order}"))?;
    let kept: Vec<usize> = (0..names.len()).filter(|at| !LOOKS_FORWARD.contains(&names[*at].as_str())).collect();
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(kept.iter().map(|at| names[*at].as_str()))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for at in &kept {
            match row.get_ref(*at)? {
                ValueRef::Null | ValueRef::Blob(_) => out.write_field("")?,
                ValueRef::Integer(value) => out.write_field(value.to_string())?,
                ValueRef::Real(value) => out.write_field(value.to_string())?,
                ValueRef::Text(text) => out.write_field(text)?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.flush()?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
