//! The funded wallet: a key in a file, as Solana's own tools write it.

use solana_keypair::Keypair;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A wallet's file that cannot be used.
#[derive(Debug, Error)]
pub enum WalletError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else, which is not overwritten.
    #[error("{path}: there is a file, and it holds no keypair (a JSON array of 64 bytes); name another one")]
    NotAKeypair {
        /// The file.
        path: PathBuf,
    },
}

/// The key in the file, or `new`, written to it for its owner alone.
pub(crate) fn read_or_write(path: &Path, new: Keypair) -> Result<Keypair, WalletError> {
    let failed = |source| WalletError::File { path: path.to_owned(), source };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let bytes: Option<Vec<u8>> = serde_json::from_str(&text).ok();
            let key = bytes.and_then(|bytes| Keypair::try_from(bytes.as_slice()).ok());
            return key.ok_or_else(|| WalletError::NotAKeypair { path: path.to_owned() });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let text = serde_json::to_string(&new.to_bytes().to_vec()).map_err(|error| failed(error.into()))?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(new)
}
