//! Which program computed: so that what was judged and what trades are known to be one.

use std::path::{Path, PathBuf};

use q50_datasets::hash::file_hash;
use serde::{Deserialize, Serialize};

/// A program that computes, strategies of one's own included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Version of q50 that it is made of.
    pub version: String,
    /// BLAKE3 (hex) of its executable: of this very build, whoever made it and from whatever source.
    pub executable: String,
}

impl Program {
    /// The program that runs.
    ///
    /// # Errors
    /// Its executable cannot be read.
    pub fn running() -> q50_datasets::Result<Self> {
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), executable: file_hash(&image())? })
    }
}

/// Where the image of this process is read: on Linux also where its file has been replaced since it was started.
fn image() -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() { running.to_owned() } else { std::env::current_exe().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_the_bytes_of_its_executable() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let expected = blake3::hash(&bytes).to_hex().to_string();
        assert_eq!(Program::running().unwrap().executable, expected);
    }
}
