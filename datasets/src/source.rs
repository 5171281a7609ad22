//! Detects what a path holds, from content and never from names.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::compression::Compression;
use crate::error::{Error, Kind, Result, list};
pub use crate::format::Format;
use crate::input::Input;

/// As much of a file as is looked at to tell its format.
const HEAD: usize = 4096;
const PARQUET_MAGIC: &[u8] = b"PAR1";
const ARROW_MAGIC: &[u8] = b"ARROW1";

/// Tells what `input` holds; of a compressed file, what is packed in it.
///
/// # Errors
/// Where it cannot be read, the file is empty, was cut off, or is none of the formats.
pub fn detect(input: &Input) -> Result<Format> {
    Ok(Content::of(input)?.format)
}

impl Input {
    /// Its bytes from the start, unpacked where they are packed, whatever they hold.
    ///
    /// # Errors
    /// Where it is a directory, cannot be read, or is packed in a way that is not supported.
    pub fn unpacked(&self) -> Result<Box<dyn BufRead>> {
        let (path, mut file) = (self.path(), self.reader()?);
        let compression = Compression::of(&head(path, &mut file)?);
        file.rewind().map_err(|e| Error::io(path, "cannot read it", e))?;
        Ok(match compression {
            Some(compression) => Box::new(BufReader::with_capacity(1 << 16, compression.unpack(path, file)?)),
            None => Box::new(BufReader::with_capacity(1 << 16, file)),
        })
    }
}

/// An input from its start, whose format is known.
pub(crate) struct Content {
    pub(crate) format: Format,
    pub(crate) compression: Option<Compression>,
    /// Which table inside, where a file may hold several by name.
    pub(crate) key: Option<String>,
    body: Body,
}

enum Body {
    Directory,
    File(File),
    Unpacked(BufReader<Box<dyn Read>>),
}

impl Content {
    /// Tells the format of `input`.
    pub(crate) fn of(input: &Input) -> Result<Self> {
        let path = input.path();
        if input.is_dir()? {
            return Ok(Self { format: directory(path)?, compression: None, key: None, body: Body::Directory });
        }
        let format = |head: &[u8]| input.stated().map_or_else(|| format(path, head), Ok);
        let mut file = input.reader()?;
        let head = head(path, &mut file)?;
        let Some(compression) = Compression::of(&head) else {
            let format = format(&head)?;
            match format {
                Format::Parquet => ends_in(PARQUET_MAGIC, &mut file, path, format)?,
                Format::ArrowIpc => ends_in(ARROW_MAGIC, &mut file, path, format)?,
                _ => {}
            }
            file.rewind().map_err(|e| Error::io(path, "cannot read it", e))?;
            return Ok(Self { format, compression: None, key: input.key(), body: Body::File(file) });
        };
        file.rewind().map_err(|e| Error::io(path, "cannot read it", e))?;
        let mut unpacked = BufReader::with_capacity(1 << 16, compression.unpack(path, file)?);
        let head = unpacked.fill_buf().map_err(|e| Error::io(path, "cannot unpack it", e))?;
        let format = format(&head[..head.len().min(HEAD)])?;
        if !matches!(format, Format::Csv | Format::Json | Format::Pickle) {
            return Err(Error::new(Kind::Format, path, format!("{} inside {}", format.name(), compression.name()))
                .expected("a compressed CSV, JSON or pickle file; the other formats compress themselves")
                .remedy("unpack it first"));
        }
        Ok(Self { format, compression: Some(compression), key: input.key(), body: Body::Unpacked(unpacked) })
    }

    /// Number of its bytes, where they need not be unpacked to know it.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.body {
            Body::File(file) => Some(file.metadata().ok()?.len()),
            Body::Unpacked(_) | Body::Directory => None,
        }
    }

    /// The bytes from the start, unpacked.
    pub(crate) fn into_reader(self) -> Box<dyn BufRead> {
        match self.body {
            Body::File(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Body::Unpacked(reader) => Box::new(reader),
            Body::Directory => Box::new(std::io::empty()),
        }
    }

    /// The file itself, for formats that are read out of order.
    pub(crate) fn into_file(self, path: &Path) -> Result<File> {
        match self.body {
            Body::File(file) => Ok(file),
            Body::Unpacked(_) | Body::Directory => Err(Error::new(Kind::Format, path, "no plain file")),
        }
    }

    /// All of the text, without a byte order mark.
    pub(crate) fn into_text(self, path: &Path) -> Result<String> {
        let mut text = String::new();
        self.into_reader().read_to_string(&mut text).map_err(|e| Error::io(path, "cannot read it as UTF-8 text", e))?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }
}

fn head(path: &Path, file: &mut File) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head).map_err(|e| Error::io(path, "cannot read it", e))?;
    Ok(head)
}

/// Refuses a file that begins with a magic word and does not end with it.
fn ends_in(magic: &[u8], file: &mut File, path: &Path, format: Format) -> Result<()> {
    let unreadable = |e| Error::io(path, "cannot read its end", e);
    let length = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    // Magic and footer length at the end, magic at the start: nothing shorter is whole.
    let least = 2 * magic.len() as u64 + 4;
    let mut tail = vec![0; magic.len()];
    if length >= least {
        file.seek(SeekFrom::End(-(magic.len() as i64))).map_err(unreadable)?;
        file.read_exact(&mut tail).map_err(unreadable)?;
    }
    if tail == magic {
        return Ok(());
    }
    let (name, magic) = (format.name(), String::from_utf8_lossy(magic));
    Err(Error::new(Kind::Format, path, format!("a file of {name} that was cut off after {length} bytes"))
        .expected(format!("the magic `{magic}` at its end"))
        .remedy("fetch or write the file again"))
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

/// The format that a file's first bytes announce.
fn format(path: &Path, head: &[u8]) -> Result<Format> {
    const FORMATS: &str = "Parquet, Arrow IPC (Feather), CSV with a header, JSON, or a pandas pickle";
    let unknown = |found: &str| {
        Error::new(Kind::Format, path, found).expected(FORMATS).remedy("convert the file to Parquet or to CSV in UTF-8")
    };
    match head {
        [] => return Err(Error::new(Kind::Empty, path, "the file is empty").expected(FORMATS)),
        _ if head.starts_with(PARQUET_MAGIC) => return Ok(Format::Parquet),
        _ if head.starts_with(ARROW_MAGIC) => return Ok(Format::ArrowIpc),
        _ if head.starts_with(b"FEA1") => return Err(unknown("a Feather file of the first version")),
        [0xff, 0xff, 0xff, 0xff, ..] => return Err(unknown("an Arrow IPC stream (only the file format is read)")),
        [0x80, 2..=5, ..] => return Ok(Format::Pickle),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(unknown("text in UTF-16")),
        _ if Compression::of(head).is_some() => return Err(unknown("a file that was compressed twice")),
        _ => {}
    }
    // The head may end inside a character; what stands before it decides.
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
        None => Err(Error::new(Kind::Empty, path, "the file holds only blanks").expected(FORMATS)),
        Some('[' | '{') => Ok(Format::Json),
        Some(_) => Ok(Format::Csv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::tests::{ALL, pack};

    fn format_of(bytes: &[u8]) -> Result<Format> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.bin");
        std::fs::write(&path, bytes).unwrap();
        detect(&Input::open(&path)?)
    }

    #[test]
    fn the_content_decides_and_not_the_name() {
        assert_eq!(format_of(b"ts_ms,open\n1,2\n").unwrap(), Format::Csv);
        assert_eq!(format_of(&[0x80, 5, 0x95]).unwrap(), Format::Pickle);
        assert_eq!(format_of(b"\xef\xbb\xbf [1, 2]").unwrap(), Format::Json);
        assert_eq!(format_of(b"PAR1....PAR1").unwrap(), Format::Parquet);
        assert_eq!(format_of(b"ARROW1..........ARROW1").unwrap(), Format::ArrowIpc);
    }

    #[test]
    fn a_file_that_was_cut_off_says_so() {
        let e = format_of(b"PAR1 some pages but no footer").unwrap_err();
        assert!(e.is_format() && e.to_string().contains("cut off after 29 bytes"), "{e}");
        let e = format_of(b"ARROW1 some batches").unwrap_err();
        assert!(e.is_format() && e.to_string().contains("cut off after 19 bytes"), "{e}");
    }

    #[test]
    fn a_packed_table_is_what_is_packed_and_other_formats_are_refused_inside() {
        for compression in ALL {
            assert_eq!(format_of(&pack(compression, b"a,b\n1,2\n")).unwrap(), Format::Csv);
            let e = format_of(&pack(compression, b"PAR1....PAR1")).unwrap_err();
            assert!(e.is_format() && e.to_string().contains("unpack it first"), "{e}");
            let e = format_of(&pack(compression, &pack(Compression::Gzip, b"a,b\n"))).unwrap_err();
            assert!(e.to_string().contains("compressed twice"), "{e}");
            assert!(format_of(&pack(compression, b"")).unwrap_err().is_empty());
        }
    }

    #[test]
    fn foreign_formats_and_empty_files_are_named() {
        assert!(format_of(b"FEA1....").unwrap_err().to_string().contains("first version"));
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
