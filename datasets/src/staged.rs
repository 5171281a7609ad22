//! One file, whole or not at all.
//!
//! A file is written beside its target under a temporary name, flushed to disk, and renamed. A failure before the
//! rename removes what was written. A killed process leaves it behind, and the next process that writes the same file
//! removes it: each writer holds an advisory lock on its temporary file, which distinguishes a live writer from a dead
//! one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// A file in the making that does not have its name yet; dropping it removes it.
#[derive(Debug)]
pub struct StagedFile {
    target: PathBuf,
    /// `None` once the file has its name.
    temporary: Option<PathBuf>,
    file: File,
}

impl StagedFile {
    /// Starts a file that will take the name of `target`.
    ///
    /// # Errors
    /// Where `target` is no regular file (see [`replaceable`]), another process is writing it, or the folder or disk
    /// refuses.
    pub fn create(target: &Path) -> Result<Self> {
        replaceable(target)?;
        if is_database(target) {
            return Err(Error::new(Kind::Io, target, "a database is there, a trial ledger perhaps")
                .expected("a file of an earlier run, or nothing")
                .remedy("nothing was replaced: name another file"));
        }
        let temporary = temporary(target)?;
        remove_leftover(target)?;
        let refused = |e| Error::io(target, "cannot create it", e);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(refused)?;
        // Between its creation and its lock the file looks like that of a dead process, and may be removed.
        let ours = locked(&file) && is_at(&file, &temporary);
        let staged = Self { target: target.to_path_buf(), temporary: ours.then_some(temporary), file };
        if ours { Ok(staged) } else { Err(busy(target)) }
    }

    /// Puts the file in place, complete and on the disk.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn commit(mut self) -> Result<()> {
        self.sync()?;
        let Some(temporary) = &self.temporary else { return Ok(()) };
        fs::rename(temporary, &self.target).map_err(|e| Error::io(&self.target, "cannot put it in place", e))?;
        self.temporary = None;
        Ok(())
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io(&self.target, "cannot write it", e))
    }

    /// The name it is to have.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where it is until it has its name.
    pub(crate) fn location(&self) -> &Path {
        self.temporary.as_deref().unwrap_or(&self.target)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // After a failure there is nobody left to tell.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Refuses a target that a result must not replace: a symbolic link, a folder, a device, a pipe.
///
/// # Errors
/// Where one stands there.
pub fn replaceable(target: &Path) -> Result<()> {
    let kind = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata.file_type(),
        // Whether the folder is there is told by whoever writes into it.
        Err(_) => return Ok(()),
    };
    let found = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_symlink() => "a symbolic link is there",
        kind if kind.is_dir() => "a folder is there",
        _ => "a device or a pipe is there",
    };
    Err(Error::new(Kind::Io, target, found)
        .expected("a file of an earlier run, or nothing")
        .remedy("nothing was replaced: name another file, or move it away"))
}

/// Whether it is an SQLite database, a trial ledger perhaps, by the first bytes of that format.
fn is_database(path: &Path) -> bool {
    let mut head = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"SQLite format 3\0"
}

/// Removes what a killed process left of `target`.
///
/// # Errors
/// Where a living process is writing it.
pub(crate) fn remove_leftover(target: &Path) -> Result<()> {
    let temporary = temporary(target)?;
    if !fs::symlink_metadata(&temporary).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let cannot = |e| Error::io(&temporary, "cannot remove it", e);
    let file = match OpenOptions::new().write(true).open(&temporary) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(cannot(e)),
    };
    if !locked(&file) {
        return Err(busy(target));
    }
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot(e)),
        _ => Ok(()),
    }
}

/// Takes the advisory lock of a file or folder, which ends with the process; whether it was free. A file system without
/// locks is worked on without them.
pub(crate) fn locked(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => identity(open) == identity(there),
        _ => false,
    }
}

fn temporary(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| Error::new(Kind::Io, target, "not the name of a file"))?;
    Ok(target.with_file_name(format!(".{}.q50-tmp", name.to_string_lossy())))
}

fn busy(target: &Path) -> Error {
    Error::new(Kind::Io, target, "another process is writing it").remedy("wait for it, or name another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("b.parquet");
        fs::write(&target, "old").unwrap();
        let mut staged = StagedFile::create(&target).unwrap();
        staged.write_all(b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        staged.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        drop(StagedFile::create(&target).unwrap());
        assert_eq!(names(dir.path()), ["b.parquet"]);
    }

    #[test]
    fn two_writers_of_a_file_are_one_too_many_and_what_a_dead_one_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("b.parquet");
        let living = StagedFile::create(&target).unwrap();
        let error = StagedFile::create(&target).unwrap_err();
        assert!(error.is_io() && error.to_string().contains("another process"), "{error}");
        drop(living);
        // A dead process holds no lock.
        fs::write(dir.path().join(".b.parquet.q50-tmp"), "half").unwrap();
        StagedFile::create(&target).unwrap().commit().unwrap();
        assert_eq!((fs::read(&target).unwrap().len(), names(dir.path()).len()), (0, 1));
    }

    #[test]
    fn links_folders_and_devices_are_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "kept").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
        let targets = [at("folder"), at("link"), at("dangling"), PathBuf::from("/dev/null")];
        for target in targets {
            let error = StagedFile::create(&target).unwrap_err();
            assert!(error.is_io() && error.to_string().contains("nothing was replaced"), "{error}");
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"kept");
        assert_eq!(names(dir.path()).len(), 4);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_with_its_path() {
        let e = StagedFile::create(Path::new("/no/such/folder/report.html")).unwrap_err();
        assert!(e.is_io() && e.to_string().starts_with("/no/such/folder/report.html: cannot create it"), "{e}");
    }
}
