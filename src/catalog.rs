//! What there is to work on: datasets by name and content, and where the results of runs lie.
//!
//! `catalog.sqlite` in the data directory. A dataset is a file or a folder that stays where it is; what is kept is its hash, so
//! that a file that has changed is not taken for the one that was added. What the trial ledger knows of a run is not kept here.

use std::{
    fs::{self, File},
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use q50_datasets::hash::{file_hash, text_hash};
use q50_sqlite::Layout;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::configuration::data_directory;

const LAYOUT: Layout = Layout {
    application: 0x7135_3063,
    version: 1,
    schema: "
CREATE TABLE datasets (
    name     TEXT PRIMARY KEY,
    path     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    added_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE results (
    path    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    run_id  TEXT NOT NULL,
    made_ms INTEGER NOT NULL
) STRICT;
",
    additions: &[],
    synchronous: "normal",
};
const FILE: &str = "catalog.sqlite";
const PATIENCE: Duration = Duration::from_secs(10);
/// Tables of `q50 data query`, which a dataset cannot be called.
pub(crate) const TABLES: [&str; 5] = ["bars", "signals", "trials", "runs", "fills"];

/// A file or folder under a name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// BLAKE3 of a file's bytes; of a folder's files, by their names.
    pub(crate) hash: String,
    #[serde(skip)]
    pub(crate) added_ms: i64,
}

/// A dataset beside what it was when it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    AsAdded,
    Changed,
    Gone,
}

/// A folder with the results of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunResult {
    pub(crate) path: PathBuf,
    /// `verify`, `sweep`, `overfit` or `discover`.
    pub(crate) kind: String,
    pub(crate) run_id: String,
    #[serde(skip)]
    pub(crate) made_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Catalog {
    path: PathBuf,
    connection: Connection,
}

impl Catalog {
    /// Opens the catalog of the data directory, made where it is missing.
    pub(crate) fn open() -> Result<Self> {
        let folder = data_directory()?;
        let cannot = || format!("the catalog in {} cannot be opened; set Q50_DATA_DIR", folder.display());
        fs::create_dir_all(&folder).with_context(cannot)?;
        let path = folder.join(FILE);
        let mut connection = Connection::open(&path).with_context(cannot)?;
        LAYOUT.prepare(&mut connection, PATIENCE).with_context(|| path.display().to_string())?;
        Ok(Self { path, connection })
    }

    /// The catalog, where there is one: what only looks makes none.
    #[cfg(feature = "query")]
    pub(crate) fn that_is_there() -> Result<Option<Self>> {
        if data_directory()?.join(FILE).is_file() { Self::open().map(Some) } else { Ok(None) }
    }

    fn named(&self) -> String {
        self.path.display().to_string()
    }

    /// Gives a file or folder a name; another one has the name only with `replace`.
    pub(crate) fn add(&self, name: &str, path: &Path, replace: bool) -> Result<Dataset> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !plain || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            bail!("`{name}` is no name; expected letters, digits, `_`, `-` and `.`, a letter first");
        }
        if TABLES.contains(&name) {
            bail!("`{name}` is a table of q50 data query; give the dataset another name");
        }
        let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
        let dataset = Dataset { name: name.to_owned(), hash: hash(&path)?, path, added_ms: now_ms() };
        if let Some(known) = self.find(name)? {
            if known.path == dataset.path && known.hash == dataset.hash {
                return Ok(known);
            }
            ensure!(
                replace,
                "{name} is {} with the hash {}; give another name, or --replace",
                known.path.display(),
                &known.hash[..16]
            );
        }
        let insert = "INSERT OR REPLACE INTO datasets (name, path, hash, added_ms) VALUES (?1, ?2, ?3, ?4)";
        let path = dataset.path.to_str().with_context(|| format!("{}: not UTF-8", dataset.path.display()))?;
        self.connection
            .execute(insert, params![dataset.name, path, dataset.hash, dataset.added_ms])
            .with_context(|| self.named())?;
        Ok(dataset)
    }

    fn find(&self, name: &str) -> Result<Option<Dataset>> {
        let query = "SELECT name, path, hash, added_ms FROM datasets WHERE name = ?1";
        self.connection.query_row(query, [name], dataset).optional().with_context(|| self.named())
    }

    /// The dataset of a name.
    pub(crate) fn dataset(&self, name: &str) -> Result<Dataset> {
        let found = self.find(name)?;
        found.with_context(|| {
            format!("`{name}` is neither a path nor a dataset; see q50 data list, or q50 data add {name} PATH")
        })
    }

    /// All datasets, by name.
    pub(crate) fn datasets(&self) -> Result<Vec<Dataset>> {
        let read = || -> rusqlite::Result<Vec<Dataset>> {
            let mut query = self.connection.prepare("SELECT name, path, hash, added_ms FROM datasets ORDER BY name")?;
            query.query_map([], dataset)?.collect()
        };
        read().with_context(|| self.named())
    }

    /// Results of runs, the newest last.
    pub(crate) fn results(&self) -> Result<Vec<RunResult>> {
        let read = || -> rusqlite::Result<Vec<RunResult>> {
            let mut query =
                self.connection.prepare("SELECT path, kind, run_id, made_ms FROM results ORDER BY made_ms, path")?;
            let of = |row: &Row<'_>| {
                let path: String = row.get(0)?;
                Ok(RunResult { path: path.into(), kind: row.get(1)?, run_id: row.get(2)?, made_ms: row.get(3)? })
            };
            query.query_map([], of)?.collect()
        };
        read().with_context(|| self.named())
    }
}

/// Notes where the results of a run lie. The run is done and its files are there, whatever becomes of the note.
pub(crate) fn register(kind: &str, folder: &Path, run_id: &str) {
    let note = || -> Result<()> {
        let catalog = Catalog::open()?;
        let folder = fs::canonicalize(folder)?;
        let insert = "INSERT OR REPLACE INTO results (path, kind, run_id, made_ms) VALUES (?1, ?2, ?3, ?4)";
        let path = folder.to_str().context("the path is not UTF-8")?;
        catalog.connection.execute(insert, params![path, kind, run_id, now_ms()])?;
        Ok(())
    };
    if let Err(error) = note() {
        tracing::info!("q50 data list will not show {}: {error:#}", folder.display());
    }
}

fn dataset(row: &Row<'_>) -> rusqlite::Result<Dataset> {
    let path: String = row.get(1)?;
    Ok(Dataset { name: row.get(0)?, path: path.into(), hash: row.get(2)?, added_ms: row.get(3)? })
}

impl Dataset {
    /// What became of it since it was added.
    pub(crate) fn state(&self) -> State {
        if !self.path.exists() {
            return State::Gone;
        }
        match hash(&self.path) {
            Ok(hash) if hash == self.hash => State::AsAdded,
            _ => State::Changed,
        }
    }
}

/// Opens `NAME`, or `NAME/FILE` of a folder, as an input (`dataset:NAME`).
pub(crate) fn open(place: &str) -> Result<File> {
    let (name, within) = place.split_once('/').map_or((place, None), |(name, within)| (name, Some(Path::new(within))));
    let dataset = Catalog::open()?.dataset(name)?;
    match dataset.state() {
        State::AsAdded => {}
        State::Gone => bail!("{name} is {}, which is gone", dataset.path.display()),
        State::Changed => bail!(
            "{name} is {}, which has changed since it was added; q50 data add {name} {0} --replace takes it as it is now",
            dataset.path.display()
        ),
    }
    let path = match within {
        None => dataset.path,
        Some(within) if within.components().all(|part| matches!(part, Component::Normal(_))) => {
            dataset.path.join(within)
        }
        Some(_) => bail!("{place}: expected NAME/FILE, a file in the folder of the dataset"),
    };
    ensure!(path.is_file(), "{}: not a file; name one in it: dataset:{name}/FILE", path.display());
    File::open(&path).with_context(|| path.display().to_string())
}

/// BLAKE3 of a file's bytes, or of the names and hashes of the files in a folder. What is hidden, and databases, which change
/// without their rows doing so, do not count.
fn hash(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return Ok(file_hash(path)?);
    }
    let mut lines = Vec::new();
    files_below(path, path, &mut lines)?;
    lines.sort_unstable();
    Ok(text_hash(&lines.join("\n")))
}

fn files_below(root: &Path, folder: &Path, lines: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') || name.contains(".sqlite") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            files_below(root, &path, lines)?;
        } else if path.is_file() {
            lines.push(format!("{} {}", path.strip_prefix(root).unwrap_or(&path).display(), file_hash(&path)?));
        }
    }
    Ok(())
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
