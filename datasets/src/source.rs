//! What a path holds, told by its content and never by its name alone.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Kind, Result, list};
use crate::input::Input;

/// The formats this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet: the magic `PAR1` at both ends.
    Parquet,
    /// Text whose first line is a header (or, for a return series, the first number).
    Csv,
    /// Text that begins with `[` or `{`.
    Json,
    /// A Qlib provider directory: it has `calendars/` and `features/`.
    Qlib,
    /// A directory with hummingbot's `trades.csv` and `holds_analysis.csv`.
    Hummingbot,
}

const PARQUET_MAGIC: &[u8; 4] = b"PAR1";
/// Magic and footer length at the end, magic at the start: nothing shorter is a Parquet file.
const PARQUET_LEAST: u64 = 12;

/// Tells what `input` holds.
///
/// # Errors
/// Where it cannot be read, the file is empty, is a Parquet file that was cut off, or is none of the formats.
pub fn detect(input: &Input) -> Result<Format> {
    let path = input.path();
    if input.is_dir()? {
        return directory(path);
    }
    let mut file = input.reader()?;
    let mut head = Vec::with_capacity(4096);
    file.by_ref().take(4096).read_to_end(&mut head).map_err(|e| Error::io(path, "cannot read it", e))?;
    if head.is_empty() {
        return Err(Error::new(Kind::Empty, path, "the file is empty").expected("Parquet, CSV or JSON"));
    }
    if head.starts_with(PARQUET_MAGIC) {
        let len = file.metadata().map_err(|e| Error::io(path, "cannot read its size", e))?.len();
        return if len >= PARQUET_LEAST && ends_in_magic(&mut file, path)? {
            Ok(Format::Parquet)
        } else {
            Err(truncated(path, len))
        };
    }
    text(path, &head)
}

/// The file begins as Parquet and does not end so.
fn truncated(path: &Path, len: u64) -> Error {
    Error::new(Kind::Format, path, format!("a Parquet file that was cut off after {len} bytes"))
        .expected("the magic `PAR1` at its end")
        .remedy("fetch or write the file again")
}

fn ends_in_magic(file: &mut File, path: &Path) -> Result<bool> {
    let mut tail = [0; 4];
    file.seek(SeekFrom::End(-4))
        .and_then(|_| file.read_exact(&mut tail))
        .map_err(|e| Error::io(path, "cannot read its end", e))?;
    Ok(&tail == PARQUET_MAGIC)
}

fn directory(path: &Path) -> Result<Format> {
    let has_dir = |name: &str| path.join(name).is_dir();
    let has_file = |name: &str| path.join(name).is_file();
    if has_dir("calendars") && has_dir("features") {
        return Ok(Format::Qlib);
    }
    if has_file("trades.csv") && has_file("holds_analysis.csv") {
        return Ok(Format::Hummingbot);
    }
    let mut names: Vec<String> = std::fs::read_dir(path)
        .map_err(|e| Error::io(path, "cannot list it", e))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names.truncate(10);
    Err(Error::new(Kind::Format, path, format!("a directory of unknown layout that holds {}", list(names)))
        .expected("a Qlib provider (`calendars/` and `features/`) or a hummingbot run (`trades.csv` and `holds_analysis.csv`)")
        .remedy("name the file itself"))
}

fn text(path: &Path, head: &[u8]) -> Result<Format> {
    let unknown = |found: &str| {
        Error::new(Kind::Format, path, found)
            .expected("Parquet, CSV with a header, or JSON")
            .remedy("convert the file to Parquet or to CSV in UTF-8")
    };
    let named = |magic: &[u8], name: &str| head.starts_with(magic).then(|| unknown(name));
    if let Some(error) = named(&[0x1f, 0x8b], "a gzip archive")
        .or_else(|| named(b"PK\x03\x04", "a zip archive (or a spreadsheet)"))
        .or_else(|| named(&[0x80], "a Python pickle"))
        .or_else(|| named(b"ARROW1", "an Arrow IPC file"))
    {
        return Err(error);
    }
    // Four kibibytes may end inside a character; what stands before it decides.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default(),
        Err(_) => return Err(unknown("neither a known format nor UTF-8 text")),
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.contains('\0') {
        return Err(unknown("a binary file of unknown format"));
    }
    match text.chars().next() {
        None => Err(Error::new(Kind::Empty, path, "the file holds only blanks").expected("Parquet, CSV or JSON")),
        Some('[' | '{') => Ok(Format::Json),
        Some(_) => Ok(Format::Csv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format_of(bytes: &[u8]) -> Result<Format> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.bin");
        std::fs::write(&path, bytes).unwrap();
        detect(&Input::open(&path)?)
    }

    #[test]
    fn the_content_decides_and_not_the_name() {
        assert_eq!(format_of(b"ts_ms,open\n1,2\n").unwrap(), Format::Csv);
        assert_eq!(format_of(b"\xef\xbb\xbf [1, 2]").unwrap(), Format::Json);
        assert_eq!(format_of(b"PAR1....PAR1").unwrap(), Format::Parquet);
    }

    #[test]
    fn a_parquet_file_that_was_cut_off_is_told_as_such() {
        let e = format_of(b"PAR1 some pages but no footer").unwrap_err();
        assert!(e.is_format(), "{e}");
        assert!(e.to_string().contains("cut off after 29 bytes"), "{e}");
    }

    #[test]
    fn archives_pickles_and_empty_files_are_named() {
        assert!(format_of(&[0x1f, 0x8b, 8]).unwrap_err().to_string().contains("gzip"));
        assert!(format_of(&[0x80, 5, 0x95]).unwrap_err().to_string().contains("pickle"));
        assert!(format_of(b"").unwrap_err().is_empty());
        assert!(format_of(b" \n").unwrap_err().is_empty());
    }

    #[test]
    fn a_directory_is_told_by_its_layout() {
        let dir = tempfile::tempdir().unwrap();
        let detect = |path: &Path| detect(&Input::open(path)?);
        let e = detect(dir.path()).unwrap_err();
        assert!(e.to_string().contains("holds none"), "{e}");
        std::fs::create_dir(dir.path().join("calendars")).unwrap();
        std::fs::create_dir(dir.path().join("features")).unwrap();
        assert_eq!(detect(dir.path()).unwrap(), Format::Qlib);
    }

    #[test]
    fn a_missing_file_is_an_io_error_with_its_path() {
        let e = Input::open(Path::new("/no/such/file.parquet")).unwrap_err();
        assert!(e.is_io() && e.to_string().starts_with("/no/such/file.parquet: "), "{e}");
    }
}
