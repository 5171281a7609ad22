//! The chain in a folder: saved on request and at the end, resumed at the next start.

use crate::chain::{Chain, Saved};
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A state that cannot be saved or restored.
#[derive(Debug, Error)]
pub enum StateError {
    /// The folder or the file fails.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another localnet keeps its chain there.
    #[error("{folder}: another localnet keeps its chain there; end it, or name another folder")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is of another program, of another version of this one, or damaged.
    #[error("{path}: not a state that this version saved ({problem}); name another folder, or remove it to begin anew")]
    NotAState {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The file in the folder.
const FILE: &str = "chain.bin";
/// Its first bytes; the number changes with the form of what follows. Behind them are the SHA-256 of the rest, and the
/// rest: a damaged chain could hold programs that do not load.
const MAGIC: &[u8; 16] = b"q50 localnet 2\0\0";

/// Writes the chain into a folder; what was saved there before stays until that is done.
pub(crate) fn save(chain: &Chain, folder: &Path) -> Result<(), StateError> {
    let path = folder.join(FILE);
    let failed = |source: std::io::Error| StateError::File { path: path.clone(), source };
    let saved = bincode::serialize(&chain.save()).map_err(|error| failed(std::io::Error::other(error)))?;
    // Always the same name: what a killed save leaves behind, the next one overwrites.
    let unfinished = folder.join("chain.bin.unfinished");
    let mut file = File::create(&unfinished).map_err(failed)?;
    for part in [MAGIC, Sha256::digest(&saved).as_slice(), &saved] {
        file.write_all(part).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    std::fs::rename(&unfinished, &path).map_err(failed)
}

/// Takes a folder, made if there is none, for as long as the file lives: two chains would save over one another.
pub(crate) fn lock(folder: &Path) -> Result<File, StateError> {
    let path = folder.join("lock");
    let failed = |source: std::io::Error| StateError::File { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// What was saved in a folder; `None` where nothing was.
pub(crate) fn restore(folder: &Path) -> Result<Option<Saved>, StateError> {
    let path = folder.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::File { path, source }),
    };
    let problem = |problem: &str| StateError::NotAState { path: path.clone(), problem: problem.to_owned() };
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| problem("it does not begin as one"))?;
    let (sum, saved) = rest.split_at_checked(32).ok_or_else(|| problem("it is cut off"))?;
    if Sha256::digest(saved).as_slice() != sum {
        return Err(problem("its SHA-256 is another: it is cut off or damaged"));
    }
    bincode::deserialize(saved).map(Some).map_err(|error| problem(&error.to_string()))
}
