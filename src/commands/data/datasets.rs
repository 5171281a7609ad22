//! `q50 data list`, `add`, `show` and `verify`: datasets by name.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Result;
use q50_datasets::{check::DataReport, time::rfc3339};
use serde::Serialize;

use super::{binance, check, tables_of};
use crate::{
    Answer,
    args::Format,
    catalog::{Catalog, Dataset, RunResult, State},
    output,
    table::{Align, table},
};

/// A dataset, as it is printed.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    dataset: Dataset,
    added: String,
    state: State,
}

impl Listed {
    fn of(dataset: Dataset) -> Self {
        Self { added: rfc3339(dataset.added_ms), state: dataset.state(), dataset }
    }

    const fn word(&self) -> &'static str {
        match self.state {
            State::AsAdded => "as added",
            State::Changed => "CHANGED since it was added",
            State::Gone => "GONE",
        }
    }
}

/// A run, as it is printed.
#[derive(Serialize)]
struct ListedRun {
    #[serde(flatten)]
    result: RunResult,
    made: String,
    /// Whether its folder still holds this run.
    there: bool,
}

#[derive(Serialize)]
struct Everything {
    schema: &'static str,
    datasets: Vec<Listed>,
    runs: Vec<ListedRun>,
}

pub(super) fn list(format: Format) -> Result<Answer> {
    let catalog = Catalog::open()?;
    let datasets = catalog.datasets()?.into_iter().map(Listed::of).collect();
    let run = |result: RunResult| ListedRun { made: rfc3339(result.made_ms), there: is_there(&result), result };
    let runs = catalog.results()?.into_iter().map(run).collect();
    let all = Everything { schema: "q50.catalog/1", datasets, runs };
    output::print(format, &all, |text| {
        let columns = [("dataset", Align::Left), ("", Align::Left), ("hash", Align::Left), ("path", Align::Left)];
        let row = |one: &Listed| {
            let Dataset { name, path, hash, .. } = &one.dataset;
            [name.clone(), one.word().to_owned(), hash[..16].to_owned(), path.display().to_string()]
        };
        match all.datasets.is_empty() {
            true => writeln!(text, "no dataset; q50 data add NAME PATH")?,
            false => writeln!(text, "{}", table(columns, all.datasets.iter().map(row)))?,
        }
        if all.runs.is_empty() {
            return Ok(());
        }
        let columns = [("run", Align::Left), ("made", Align::Left), ("id", Align::Left), ("path", Align::Left)];
        let row = |one: &ListedRun| {
            let RunResult { path, kind, run_id, .. } = &one.result;
            let gone = if one.there { "" } else { " (replaced or gone)" };
            [kind.clone(), one.made.clone(), run_id.clone(), format!("{}{gone}", path.display())]
        };
        writeln!(text, "\n{}", table(columns, all.runs.iter().map(row)))
    })?;
    Ok(Answer::Yes)
}

/// Whether a folder still holds the run that was noted.
pub(super) fn is_there(result: &RunResult) -> bool {
    let main = match result.kind.as_str() {
        "verify" => "summary.json",
        "sweep" => "sweep.json",
        "discover" => "discover.json",
        _ => "overfit.json",
    };
    let read = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(result.path.join(main)).ok()?).ok();
    read().is_some_and(|main| main["run_id"] == *result.run_id)
}

pub(super) fn add(name: &str, path: &Path, replace: bool, format: Format) -> Result<Answer> {
    let added = Listed::of(Catalog::open()?.add(name, path, replace)?);
    output::print(format, &added, |text| {
        writeln!(text, "{name}: {}, hash {}", added.dataset.path.display(), &added.dataset.hash[..16])
    })?;
    Ok(Answer::Yes)
}

/// A dataset with what is in it.
#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    #[serde(flatten)]
    listed: Listed,
    /// What can be read as bars or signals.
    tables: Vec<DataReport>,
}

pub(super) fn show(name: &str, format: Format) -> Result<Answer> {
    let shown = shown(Catalog::open()?.dataset(name)?)?;
    output::print(format, &shown, |text| write_shown(text, &shown))?;
    Ok(Answer::Yes)
}

fn shown(dataset: Dataset) -> Result<Shown> {
    let listed = Listed::of(dataset);
    let path = &listed.dataset.path;
    let tables = match listed.state == State::Gone || q50_binance::is_archive(path) {
        true => Vec::new(),
        false => tables_of(path)?,
    };
    Ok(Shown { schema: "q50.dataset/1", listed, tables })
}

fn write_shown(text: &mut dyn Write, shown: &Shown) -> io::Result<()> {
    let Dataset { name, path, hash, .. } = &shown.listed.dataset;
    writeln!(text, "{name}: {}", path.display())?;
    writeln!(text, "  {}, {}; hash {hash}", shown.listed.word(), shown.listed.added)?;
    super::tables_text(text, &shown.tables)
}

/// Verifies what is named, or every dataset.
pub(super) fn verify(what: Option<&Path>, symbol: Option<&str>, format: Format) -> Result<Answer> {
    let datasets = match what {
        Some(path) if q50_binance::is_archive(path) => return binance::verify(path, symbol, format),
        Some(path) if path.exists() => return check(path, format),
        Some(name) => vec![Catalog::open()?.dataset(&name.to_string_lossy())?],
        None => Catalog::open()?.datasets()?,
    };
    if let [one] = &datasets[..]
        && q50_binance::is_archive(&one.path)
        && one.state() == State::AsAdded
    {
        return binance::verify(&one.path, symbol, format);
    }
    let mut verified = Vec::new();
    for dataset in datasets {
        let archive = match q50_binance::is_archive(&dataset.path) {
            true => Some(q50_binance::verify(&dataset.path, symbol)?),
            false => None,
        };
        let shown = shown(dataset)?;
        let sound = shown.listed.state == State::AsAdded
            && shown.tables.iter().all(|table| table.defects.is_empty())
            && archive.as_ref().is_none_or(|archive| archive.sound);
        verified.push(VerifiedDataset { shown, sound, archive });
    }
    // Of nothing it cannot be said that it is sound.
    let sound = !verified.is_empty() && verified.iter().all(|one| one.sound);
    let all = VerifiedDatasets { schema: "q50.data-verify/1", sound, datasets: verified };
    output::print(format, &all, |text| {
        for one in &all.datasets {
            write_shown(text, &one.shown)?;
            if let Some(archive) = &one.archive {
                binance::verified_text(text, archive)?;
            }
        }
        if all.datasets.is_empty() { writeln!(text, "no dataset; q50 data add NAME PATH") } else { Ok(()) }
    })?;
    Ok(if sound { Answer::Yes } else { Answer::No })
}

#[derive(Serialize)]
struct VerifiedDatasets {
    schema: &'static str,
    sound: bool,
    datasets: Vec<VerifiedDataset>,
}

#[derive(Serialize)]
struct VerifiedDataset {
    #[serde(flatten)]
    shown: Shown,
    sound: bool,
    archive: Option<q50_binance::Verified>,
}

/// The folder that a path or the name of a dataset stands for.
pub(super) fn folder(what: &Path) -> Result<PathBuf> {
    match what.exists() {
        true => Ok(what.to_path_buf()),
        false => Ok(Catalog::open()?.dataset(&what.to_string_lossy())?.path),
    }
}
