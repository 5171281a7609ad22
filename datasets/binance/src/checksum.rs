//! The `.CHECKSUM` file that lies beside each published file: its SHA-256 and its name, as `sha256sum` prints them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use q50_datasets::input::read_text;
use sha2::{Digest, Sha256};

use crate::Error;

/// The SHA-256 of a file in hex, and whether the checksum beside it says the same; `false` where none lies there.
///
/// # Errors
/// Where the file or the checksum cannot be read, and where they differ.
pub(crate) fn verified(path: &Path) -> Result<(String, bool), Error> {
    let unreadable = |source| Error::Io { path: path.to_path_buf(), source };
    let mut hash = Hasher(Sha256::new());
    io::copy(&mut File::open(path).map_err(unreadable)?, &mut hash).map_err(unreadable)?;
    let found: String = hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let beside = beside(path);
    if !beside.exists() {
        return Ok((found, false));
    }
    let text = read_text(&beside).map_err(|source| Error::Io { path: beside.clone(), source })?;
    let stated = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if stated.len() != found.len() || !stated.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::Content {
            path: beside,
            line: None,
            found: "no SHA-256".to_owned(),
            expected: "64 hexadecimal digits and the name of the file".to_owned(),
            remedy: "fetch it again, or remove it",
        });
    }
    if stated == found {
        return Ok((found, true));
    }
    Err(Error::Content {
        path: path.to_path_buf(),
        line: None,
        found: format!("its SHA-256 is {found}"),
        expected: format!("{stated}, as {} says", beside.display()),
        remedy: "fetch both again",
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".CHECKSUM");
    PathBuf::from(name)
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    /// SHA-256 of `abc` (FIPS 180-2, appendix B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_held_against_the_checksum_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.zip");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(verified(&file).unwrap(), (ABC.to_owned(), false));
        let write = |text: &str| std::fs::write(dir.path().join("a.zip.CHECKSUM"), text).unwrap();
        write(&format!("{}  a.zip\n", ABC.to_uppercase()));
        assert_eq!(verified(&file).unwrap(), (ABC.to_owned(), true));
        write(&format!("{}  a.zip\n", ABC.replace('b', "c")));
        let error = verified(&file).unwrap_err().to_string();
        assert!(error.contains(ABC) && error.contains("a.zip.CHECKSUM says") && error.contains("fetch"), "{error}");
        write("oops");
        assert!(verified(&file).unwrap_err().to_string().contains("no SHA-256"));
    }
}
