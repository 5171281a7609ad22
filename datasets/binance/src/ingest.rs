//! Takes published files into the archive, and makes the catalog of what they hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::archive::{Archive, Series};
use crate::catalog::{Catalog, build, lock};
use crate::checksum;
use crate::interval::Interval;
use crate::name::{self, Kind, Market, Name, Table};
use crate::rows::{self, Rows, TimeUnit};
use crate::session::{Conflict, Offered, Session};

/// What became of the files of an ingest.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `q50.binance/1`.
    pub schema: &'static str,
    /// The market of the archive, where the folders of a file said one.
    pub market: Option<Market>,
    /// The files, in the order in which they were taken.
    pub files: Vec<FileReport>,
    /// Files of other kinds, which were passed over.
    pub passed_over: Vec<String>,
    /// Rows that the archive did not have.
    pub inserted: usize,
    /// Rows that it had, and that are the same.
    pub repeated: usize,
    /// Values that contradict those in the archive, which stay.
    pub conflicts: Vec<Conflict>,
    /// The files that were made of it.
    pub catalog: Catalog,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path below what was named.
    pub file: String,
    /// Symbol.
    pub symbol: String,
    /// Whose price; `None` for funding.
    pub kind: Option<Kind>,
    /// Whether that follows from the rows, because no folder said it.
    pub kind_from_rows: bool,
    /// Interval of klines.
    pub interval: Option<Interval>,
    /// What its times count.
    pub time_unit: TimeUnit,
    /// Whether a `.CHECKSUM` file beside it says the same SHA-256.
    pub checksum_verified: bool,
    /// Rows in it.
    pub rows: usize,
    /// Rows that the archive did not have.
    pub inserted: usize,
}

/// Takes a file, or all files of a folder and the folders in it, into the archive of the folder `out`, which is made where it
/// is missing, and makes the catalog of their symbols. All files are taken, or none.
///
/// `now_ms` is noted as the time of the ingest; nothing else depends on it.
///
/// # Errors
/// Where there is no file of the archive, one is damaged or differs from its checksum, is of another market than the archive,
/// or `out` cannot be written.
pub fn ingest(path: &Path, out: &Path, now_ms: i64) -> Result<Report, Error> {
    let Found { files, passed_over } = published(path)?;
    let made = !out.exists();
    let folder = lock(out)?;
    let mut archive = Archive::open(out)?;
    let is_new = archive.series()?.is_empty();
    let taken = match take(&mut archive, path, &files, now_ms) {
        Err(error) if is_new => {
            drop((archive, folder));
            remove(out, made);
            return Err(error);
        }
        taken => taken?,
    };
    let catalog = build(&archive, out, &taken.series)?;
    let Taken { files, repeated, conflicts, .. } = taken;
    let inserted = files.iter().map(|file| file.inserted).sum();
    let market = archive.market()?;
    Ok(Report { schema: "q50.binance/1", market, files, passed_over, inserted, repeated, conflicts, catalog })
}

/// Removes an archive that holds nothing, and its folder where that was made for it.
fn remove(out: &Path, made: bool) {
    for name in ["archive.sqlite", "archive.sqlite-wal", "archive.sqlite-shm"] {
        // The failure that is being told is the one that matters.
        let _ = fs::remove_file(out.join(name));
    }
    if made {
        let _ = fs::remove_dir(out);
    }
}

#[derive(Default)]
struct Taken {
    files: Vec<FileReport>,
    repeated: usize,
    conflicts: Vec<Conflict>,
    series: BTreeSet<Series>,
}

fn take(archive: &mut Archive, path: &Path, found: &[(PathBuf, Name)], now_ms: i64) -> Result<Taken, Error> {
    let (mut market, is_new) = (archive.market()?, archive.series()?.is_empty());
    let folder = archive.path().parent().unwrap_or(Path::new(".")).to_path_buf();
    let mut taken = Taken::default();
    let mut session = archive.begin(path, now_ms)?;
    for (file, name) in found {
        match (market, name::market(file)) {
            (Some(kept), Some(of)) if kept != of => {
                return Err(Error::Market { path: file.clone(), found: of, archive: folder, kept });
            }
            (kept, of) => market = kept.or(of),
        }
        taken.file(&mut session, path, file, name)?;
    }
    if is_new {
        refuse_foreign(&folder, &taken.series)?;
    }
    session.commit()?;
    Ok(taken)
}

impl Taken {
    fn file(&mut self, session: &mut Session<'_>, path: &Path, file: &Path, name: &Name) -> Result<(), Error> {
        let (sha256, checked) = checksum::verified(file)?;
        let within = file.strip_prefix(path).ok().filter(|within| !within.as_os_str().is_empty());
        let shown = within.unwrap_or(file).display().to_string();
        let Name { symbol, from_ms, to_ms, .. } = name;
        let offered = Offered {
            name: &shown,
            symbol,
            sha256: &sha256,
            checked,
            market: name::market(file),
            from_ms: *from_ms,
            to_ms: *to_ms,
        };
        let (rows, time_unit) = rows::read(file, name.table)?;
        let mut report = FileReport {
            file: shown.clone(),
            symbol: symbol.clone(),
            kind: None,
            kind_from_rows: false,
            interval: None,
            time_unit,
            checksum_verified: checked,
            rows: 0,
            inserted: 0,
        };
        let taken = match (&rows, name.table) {
            (Rows::Klines(rows), Table::Klines(interval)) => {
                let named = name::kind(file).flatten();
                // Files of mark prices have the names of klines, and no volume.
                let kind = named.unwrap_or(if rows::without_volume(rows) { Kind::Mark } else { Kind::Klines });
                report.rows = rows.len();
                (report.kind, report.kind_from_rows, report.interval) = (Some(kind), named.is_none(), Some(interval));
                session.klines(&offered, kind, interval, rows)?
            }
            (Rows::Funding(rows), _) => {
                report.rows = rows.len();
                session.funding(&offered, rows)?
            }
            (Rows::Klines(_), Table::Funding) => return Ok(()),
        };
        report.inserted = taken.inserted;
        self.series.insert(Series { symbol: symbol.clone(), kind: report.kind });
        self.files.push(report);
        self.repeated += taken.repeated;
        self.conflicts.extend(taken.conflicts);
        Ok(())
    }
}

/// Refuses a folder that has files of somebody else under the names of the catalog.
fn refuse_foreign(folder: &Path, series: &BTreeSet<Series>) -> Result<(), Error> {
    for path in files(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_of = |series: &Series| name.strip_prefix(&series.symbol).is_some_and(|rest| rest.starts_with('_'));
        if name.ends_with(".parquet") && series.iter().any(is_of) {
            return Err(Error::Foreign { path });
        }
    }
    Ok(())
}

/// What is at a path.
#[derive(Default)]
struct Found {
    /// Files of the archive, in the order of their paths.
    files: Vec<(PathBuf, Name)>,
    /// Files of other kinds.
    passed_over: Vec<String>,
}

/// The files at a path.
fn published(path: &Path) -> Result<Found, Error> {
    let unreadable = |source| Error::Io { path: path.to_path_buf(), source };
    // Folders above what was named may say what it is of.
    let whole = fs::canonicalize(path).map_err(unreadable)?;
    if !whole.is_dir() {
        let name = Name::of(&whole).filter(|_| name::kind(&whole) != Some(None));
        let name = name.ok_or_else(|| Error::Content {
            path: path.to_path_buf(),
            line: None,
            found: "its name is none of those that are read".to_owned(),
            expected: "SYMBOL-INTERVAL-YYYY-MM[-DD] or SYMBOL-fundingRate-YYYY-MM, .zip or .csv, intervals up to a day"
                .to_owned(),
            remedy: "give it the name that it was published under",
        })?;
        return Ok(Found { files: vec![(whole, name)], ..Found::default() });
    }
    let mut found = Found::default();
    for file in files_below(&whole)? {
        match Name::of(&file).filter(|_| name::kind(&file) != Some(None)) {
            Some(name) => found.files.push((file, name)),
            None if file.extension().is_some_and(|ending| ending == "CHECKSUM") => {}
            None => found.passed_over.push(file.strip_prefix(&whole).unwrap_or(&file).display().to_string()),
        }
    }
    if found.files.is_empty() { Err(Error::Nothing { path: path.to_path_buf() }) } else { Ok(found) }
}

/// All files below a folder, by their paths; links to folders are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = files(folder)?;
    for entry in entries(folder)? {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files_below(&entry.path())?);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The files in a folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths: Vec<PathBuf> =
        entries(folder)?.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
    paths.sort_unstable();
    Ok(paths)
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    let unreadable = |source| Error::Io { path: folder.to_path_buf(), source };
    fs::read_dir(folder).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)
}
