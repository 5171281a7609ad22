//! A folder with the files of one run: either all of one run, or without the run's main file.
//!
//! The folder is locked while a run works in it. Every file of the run is complete on disk under a temporary name
//! before any existing file is touched. Then the old main file is removed, the other files are put in place, and the
//! new main file comes last. A run that fails or is killed therefore leaves the old run as it was, or a folder without
//! that file; never files of two runs that look like one.
//!
//! Other people's files are not replaced. Files of a run are recognised by their content: Parquet files carry
//! `q50.run_id`, JSON files a `schema` of q50, HTML files the generator `q50`, and
//! strategy files a first line that says so.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::hash::file_hash;
use crate::read::parquet;
use crate::staged::{StagedFile, locked, remove_leftover, replaceable};
use crate::write::{Column, RUN_ID, TableWriter};

/// What the `<head>` of a report has, so that it is known again.
pub const GENERATOR: &str = "q50";

/// The first line of a strategy file that a run wrote.
pub const YAML_MARK: &str = "# Written by a run of q50.";

/// The id of the run that a Parquet file belongs to; `None` where it is no Parquet file, or of no run.
///
/// # Errors
/// Where it cannot be opened.
pub fn run_id(table: &Path) -> Result<Option<String>> {
    Ok(parquet::metadata(opened(table)?, RUN_ID))
}

/// A locked folder for the files of one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    names: Vec<String>,
    _lock: File,
}

impl RunFolder {
    /// Opens a folder, made where it is missing, for a run with the files `names`, of which the last stands for the whole
    /// run.
    ///
    /// # Errors
    /// Where another process is at work there, the folder cannot be written, or one of the names belongs to a file that is
    /// not of a run.
    pub fn open(path: &Path, names: &[impl AsRef<str>]) -> Result<Self> {
        let refused = |e| Error::io(path, "the output folder cannot be written", e).remedy("give another with --out");
        fs::create_dir_all(path).map_err(refused)?;
        // The folder itself is locked: no file is left behind, and a dead process holds no lock.
        let lock = File::open(path).map_err(refused)?;
        if !locked(&lock) {
            return Err(Error::new(Kind::Io, path, "another process is at work in this folder")
                .remedy("wait for it, or give another folder with --out"));
        }
        let names = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let folder = Self { path: path.to_path_buf(), names, _lock: lock };
        for name in &folder.names {
            let target = folder.file(name);
            replaceable(&target)?;
            folder.refuse_foreign(&target)?;
            remove_leftover(&target)?;
        }
        if let Some(name) = folder.names.last() {
            StagedFile::create(&folder.file(name)).map_err(|e| e.remedy("give another folder with --out"))?;
        }
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The files of a new run, which are in place once it is committed.
    #[must_use]
    pub fn new_run(&self, id: &str) -> NewRun<'_> {
        NewRun { folder: self, id: id.to_owned(), files: Vec::new() }
    }
}

/// The files of a run that is not in place yet; dropping it leaves the folder as it was.
#[derive(Debug)]
pub struct NewRun<'a> {
    folder: &'a RunFolder,
    id: String,
    files: Vec<StagedFile>,
}

impl NewRun<'_> {
    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a Parquet file.
    ///
    /// # Errors
    /// Where columns differ in length, or the folder or disk refuses.
    pub fn table(&mut self, name: &str, columns: &[(&str, Column<'_>)]) -> Result<()> {
        let table = self.start_table(name, columns)?;
        self.add(table.finish()?).map(|_| ())
    }

    /// Starts a Parquet file that is written in parts; [`NewRun::add_table`] adds it.
    ///
    /// # Errors
    /// As [`NewRun::table`].
    pub fn start_table(&self, name: &str, columns: &[(&str, Column<'_>)]) -> Result<TableWriter> {
        TableWriter::new(StagedFile::create(&self.folder.file(name))?, Some(&self.id), columns)
    }

    /// Adds a Parquet file that was written in parts; returns the hash of its bytes.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn add_table(&mut self, table: TableWriter) -> Result<String> {
        let file = self.add(table.finish()?)?;
        file_hash(file.location())
    }

    /// Adds a file of these bytes.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut file = StagedFile::create(&self.folder.file(name))?;
        file.write_all(bytes).map_err(|e| Error::io(file.target(), "cannot write it", e))?;
        self.add(file).map(|_| ())
    }

    fn add(&mut self, file: StagedFile) -> Result<&StagedFile> {
        file.sync()?;
        self.files.push(file);
        Ok(&self.files[self.files.len() - 1])
    }

    /// Puts all files in place, the one that stands for the run last.
    ///
    /// # Errors
    /// Where the folder or disk refuses, or a file of the run was not added.
    pub fn commit(mut self) -> Result<()> {
        let names = &self.folder.names;
        let place = |file: &StagedFile| names.iter().position(|name| file.target() == self.folder.file(name));
        self.files.sort_by_key(place);
        let count = self.files.len();
        let Some(last) = self.files.pop().filter(|_| count == names.len()) else {
            return Err(Error::new(Kind::Io, &self.folder.path, format!("a run of {count} files"))
                .expected(names.len().to_string()));
        };
        match fs::remove_file(last.target()) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(last.target(), "cannot replace it", e));
            }
            _ => self.folder.sync()?,
        }
        self.files.into_iter().try_for_each(StagedFile::commit)?;
        self.folder.sync()?;
        last.commit()?;
        self.folder.sync()
    }
}

/// What of a JSON file says that it stands for a run.
#[derive(Deserialize)]
struct Standing {
    schema: String,
    run_id: Option<String>,
}

impl RunFolder {
    /// Refuses to replace a file that is not of a run, or is of a run of another kind.
    fn refuse_foreign(&self, target: &Path) -> Result<()> {
        if !target.exists() {
            return Ok(());
        }
        let (of_a_run, other) = match target.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => match run_id(target)? {
                Some(id) => (true, self.other_run(&id)?),
                None => (false, None),
            },
            Some("json") => (standing(target)?.is_some(), None),
            Some("html") => (is_generated(target)?, None),
            Some("yaml") => (is_marked(target)?, None),
            _ => (false, None),
        };
        let found = match other {
            Some(path) => format!("this file belongs to the run of {}", path.display()),
            None if of_a_run => return Ok(()),
            None => "this file was not written by a run of q50".to_owned(),
        };
        Err(Error::new(Kind::Io, target, found)
            .expected("a file of an earlier run of this kind, or nothing")
            .remedy("nothing was replaced: move it away, or give another folder with --out"))
    }

    /// The file that stands for run `id`, where that is a run of another kind.
    fn other_run(&self, id: &str) -> Result<Option<PathBuf>> {
        let cannot = |e| Error::io(&self.path, "cannot list it", e);
        for entry in fs::read_dir(&self.path).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let own = self.names.iter().any(|name| path == self.file(name));
            let json = path.extension().is_some_and(|extension| extension == "json") && path.is_file();
            // What cannot be read is nobody's summary.
            let stands_for = || standing(&path).ok().flatten().and_then(|standing| standing.run_id);
            if !own && json && stands_for().as_deref() == Some(id) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Brings the names in the folder to the disk, in the order in which they were changed.
    fn sync(&self) -> Result<()> {
        File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(|e| Error::io(&self.path, "cannot write it", e))
    }
}

/// Whether a strategy file begins with [`YAML_MARK`].
fn is_marked(path: &Path) -> Result<bool> {
    let mut start = vec![0; YAML_MARK.len()];
    let read = opened(path)?.read_exact(&mut start);
    Ok(read.is_ok() && start == YAML_MARK.as_bytes())
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::io(path, "cannot open it", e))
}

fn standing(path: &Path) -> Result<Option<Standing>> {
    let read: Option<Standing> = serde_json::from_reader(io::BufReader::new(opened(path)?)).ok();
    Ok(read.filter(|standing| standing.schema.starts_with("q50.")))
}

fn is_generated(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    opened(path)?.take(4_096).read_to_end(&mut head).map_err(|e| Error::io(path, "cannot read it", e))?;
    let mark = format!("<meta name=\"generator\" content=\"{GENERATOR}\">");
    Ok(String::from_utf8_lossy(&head).contains(&mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["table.parquet", "report.html", "summary.json"];

    fn run<'a>(folder: &'a RunFolder, id: &str) -> NewRun<'a> {
        let mut run = folder.new_run(id);
        run.bytes("summary.json", format!("{{\"schema\": \"q50.test/1\", \"run_id\": \"{id}\"}}").as_bytes()).unwrap();
        run.table("table.parquet", &[("a", Column::I64(&[1, 2]))]).unwrap();
        let page = format!("<head><meta name=\"generator\" content=\"q50\"></head>{id}");
        run.bytes("report.html", page.as_bytes()).unwrap();
        run
    }

    fn id(folder: &Path) -> Option<String> {
        run_id(&folder.join("table.parquet")).unwrap()
    }

    #[test]
    fn a_run_replaces_a_run_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(dir.path(), NAMES).unwrap();
        run(&folder, "first").commit().unwrap();
        assert_eq!(id(dir.path()).as_deref(), Some("first"));
        drop(run(&folder, "second"));
        assert_eq!(id(dir.path()).as_deref(), Some("first"), "what is not committed changes nothing");
        run(&folder, "second").commit().unwrap();
        assert_eq!(id(dir.path()).as_deref(), Some("second"));
        assert!(fs::read_to_string(dir.path().join("summary.json")).unwrap().contains("second"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), NAMES.len(), "nothing else is left");
    }

    #[test]
    fn a_run_that_fails_on_the_way_leaves_no_file_that_stands_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(dir.path(), NAMES).unwrap();
        run(&folder, "first").commit().unwrap();
        let second = run(&folder, "second");
        // What is renamed second cannot be.
        fs::remove_file(dir.path().join("report.html")).unwrap();
        fs::create_dir(dir.path().join("report.html")).unwrap();
        assert!(second.commit().unwrap_err().is_io());
        assert!(!dir.path().join("summary.json").exists());
    }

    #[test]
    fn a_run_without_one_of_its_files_is_not_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(dir.path(), NAMES).unwrap();
        let mut half = folder.new_run("half");
        half.bytes("summary.json", b"{}").unwrap();
        assert!(half.commit().is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_has_one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = RunFolder::open(dir.path(), NAMES).unwrap();
        let error = RunFolder::open(dir.path(), NAMES).unwrap_err().to_string();
        assert!(error.contains("another process") && error.contains(&dir.path().display().to_string()), "{error}");
        drop(first);
        RunFolder::open(dir.path(), NAMES).unwrap();
    }

    #[test]
    fn what_is_not_of_a_run_is_not_replaced() {
        for (name, content) in [
            ("report.html", "<html><head><title>My own</title></head></html>"),
            ("summary.json", "{\"schema\": \"mine/1\"}"),
            ("summary.json", "[1, 2]"),
            ("table.parquet", "PAR1 no table PAR1"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), content).unwrap();
            let error = RunFolder::open(dir.path(), NAMES).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("nothing was replaced"), "{error}");
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), content);
        }
        // A table of this product that is not of a run, such as ingested bars, is somebody's data.
        let dir = tempfile::tempdir().unwrap();
        crate::write::write_parquet(&dir.path().join("table.parquet"), &[("a", Column::I64(&[1]))]).unwrap();
        assert!(RunFolder::open(dir.path(), NAMES).is_err());
    }

    #[test]
    fn a_table_of_a_run_of_another_kind_is_not_replaced() {
        const OTHER: &[&str] = &["table.parquet", "other.json"];
        let dir = tempfile::tempdir().unwrap();
        run(&RunFolder::open(dir.path(), NAMES).unwrap(), "first").commit().unwrap();
        let error = RunFolder::open(dir.path(), OTHER).unwrap_err().to_string();
        assert!(error.contains("table.parquet") && error.contains("summary.json"), "{error}");
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in NAMES {
            fs::write(dir.path().join(format!(".{name}.q50-tmp")), "half").unwrap();
        }
        fs::write(dir.path().join(".mine.q50-tmp"), "of another command").unwrap();
        RunFolder::open(dir.path(), NAMES).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
