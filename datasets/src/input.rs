//! A user's input: opened once, and read from its start as often as a reader needs.
//!
//! A file is read where it is. A pipe (`<(...)`, a FIFO, `/dev/stdin`) gives its bytes once, while a reader looks at the
//! beginning before it reads the whole; so a pipe is first copied to its end into an unnamed temporary file. So is the
//! content of what is no file at all, such as a table of a database (`SCHEME:...`, see [`install_openers`]). Text in UTF-16, as
//! Excel and MetaTrader write it, is copied as UTF-8. Devices and sockets are refused: `/dev/zero` has no end.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::format::Format;

/// Most bytes that are taken from a pipe: 4 GiB.
const PIPE_MOST: u64 = 4 << 30;
/// How long somebody may take to open the other end of a FIFO.
const WRITER_WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of a text that people write by hand, such as a strategy, a claim or a grid: 1 MiB.
const TEXT_MOST: u64 = 1 << 20;

/// What an opener found.
#[derive(Debug)]
pub struct Opened {
    /// A file with the content.
    pub file: File,
    /// Which of several sources the content is of, where there was a choice.
    pub source: Option<String>,
}

impl From<File> for Opened {
    fn from(file: File) -> Self {
        Self { file, source: None }
    }
}

/// The byte order mark; within a text a character without width, which no reader misses.
const MARK: char = '\u{feff}';

/// Opens what a user names as `SCHEME:...`: gets what stands behind the colon, and returns its content, or why there is none.
pub type Opener = fn(&str) -> std::result::Result<Opened, String>;

static OPENERS: OnceLock<&'static [(&'static str, Opener)]> = OnceLock::new();

/// Makes inputs of more than files: `scheme:...` is opened by its opener, unless there is a file of that name. For the whole
/// process, as a logger is; what was installed first stays.
pub fn install_openers(openers: &'static [(&'static str, Opener)]) {
    // A second time is somebody else's business, as with loggers.
    let _ = OPENERS.set(openers);
}

/// The scheme of a name, its opener, and what that is to open.
fn opener(path: &Path) -> Option<(&str, Opener, &str)> {
    let (scheme, rest) = path.to_str()?.split_once(':')?;
    let (_, opener) = OPENERS.get()?.iter().find(|(name, _)| *name == scheme)?;
    (!path.exists()).then_some((scheme, *opener, rest))
}

/// A file without a name, of what `write` writes.
///
/// # Errors
/// Where the temporary folder refuses, or `write` does.
pub fn unnamed<E: From<io::Error>>(
    write: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<File, E> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("content");
    write(&path)?;
    Ok(File::open(path)?)
}

/// An opened file, pipe or directory.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    file: File,
    source: Option<String>,
    /// Its format, where the user said it.
    stated: Option<Format>,
    key: Option<String>,
}

impl Input {
    /// Opens `path`; a pipe is read to its end, and what an opener is installed for is opened by it.
    ///
    /// # Errors
    /// Where nothing can be opened there, it is a device or a socket, nobody writes into a FIFO for ten seconds, or a pipe
    /// gives more than 4 GiB.
    pub fn open(path: &Path) -> Result<Self> {
        let Opened { file, source } = match opener(path) {
            // Only the scheme is named: a connection string with its password may have been typed behind it.
            Some((scheme, opener, rest)) => opener(rest).map_err(|why| Error::new(Kind::Io, scheme, why))?,
            None => open(path).map_err(|e| Error::io(path, "cannot open it", e))?.into(),
        };
        Ok(Self { path: path.to_path_buf(), file, source, stated: None, key: None })
    }

    /// The same, which the user says is a pickle: those of the first protocols have no mark of their own. It may hold
    /// several tables, of which the one named `key` is meant.
    #[must_use]
    pub fn as_pickle(self, key: Option<String>) -> Self {
        Self { stated: Some(Format::Pickle), key, ..self }
    }

    pub(crate) fn stated(&self) -> Option<Format> {
        self.stated
    }

    pub(crate) fn key(&self) -> Option<String> {
        self.key.clone()
    }

    /// The file itself, from its start.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn into_file(self) -> Result<File> {
        self.reader()
    }

    /// What the user calls it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which of several sources it is of, where there was a choice.
    pub(crate) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> Result<bool> {
        self.file.metadata().map(|m| m.is_dir()).map_err(|e| Error::io(&self.path, "cannot read it", e))
    }

    /// The file, from its start. Readers share one position: one must be done before the next is asked for.
    pub(crate) fn reader(&self) -> Result<File> {
        let rewound = || {
            let mut file = self.file.try_clone()?;
            file.rewind()?;
            Ok(file)
        };
        rewound().map_err(|e| Error::io(&self.path, "cannot read it", e))
    }
}

/// Reads a text that people write by hand, such as a TOML file: at most 1 MiB of UTF-8.
///
/// # Errors
/// As [`Input::open`]; and where it is longer or is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_bytes(path, TEXT_MOST)?;
    String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text"))
}

/// Reads all of a file or pipe of at most `most` bytes.
///
/// # Errors
/// As [`Input::open`]; and where it is longer, or a directory.
pub fn read_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(refused(&format!("it has more than {}", size(most))));
    }
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        File::open(path)
    } else if kind.is_file() {
        in_utf8(File::open(path)?)
    } else if kind.is_fifo() {
        in_utf8(copy_to_the_end(opened_within(path, WRITER_WITHIN)?, PIPE_MOST)?)
    } else {
        Err(refused("it is a device or a socket, expected a file or a pipe"))
    }
}

/// The file, or a copy in UTF-8 of one in UTF-16, as its byte order mark says, or HTML without one that begins with `<`.
fn in_utf8(mut file: File) -> io::Result<File> {
    let mut mark = Vec::new();
    (&mut file).take(4).read_to_end(&mut mark)?;
    file.rewind()?;
    let unit = match mark[..] {
        // Four bytes a character, or the head of an Arrow stream.
        [0xff, 0xfe, 0, 0] => return Ok(file),
        [0xff, 0xfe, ..] | [b'<', 0, _, 0] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, b'<', 0, _] => u16::from_be_bytes,
        _ => return Ok(file),
    };
    let (mut pairs, mut ended) = (BufReader::new(file), None);
    let units = std::iter::from_fn(|| {
        let mut pair = [0; 2];
        match pairs.read_exact(&mut pair) {
            Ok(()) => Some(unit(pair)),
            Err(error) => {
                ended = Some(error);
                None
            }
        }
    });
    let mut copy = BufWriter::new(tempfile::tempfile()?);
    for character in char::decode_utf16(units) {
        let character = character.map_err(|_| refused("it is text in UTF-16 that is damaged"))?;
        if character == MARK {
            continue;
        }
        copy.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    if let Some(error) = ended.filter(|error| error.kind() != io::ErrorKind::UnexpectedEof) {
        return Err(error);
    }
    let mut copy = copy.into_inner().map_err(io::IntoInnerError::into_error)?;
    copy.rewind()?;
    Ok(copy)
}

/// Opening a FIFO waits for a writer, and nothing but a thread of its own can stop waiting.
fn opened_within(path: &Path, time: Duration) -> io::Result<File> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_path_buf();
    std::thread::spawn(move || {
        // Nobody is left to tell once the time is over.
        let _ = sender.send(File::open(path));
    });
    receiver.recv_timeout(time).unwrap_or_else(|_| {
        Err(refused(&format!("it is a FIFO that nobody has opened for writing for {} s", time.as_secs())))
    })
}

fn copy_to_the_end(pipe: File, most: u64) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    if io::copy(&mut pipe.take(most + 1), &mut copy)? > most {
        return Err(refused(&format!("the pipe gave more than {}, expected less; write it to a file", size(most))));
    }
    copy.flush()?;
    copy.rewind()?;
    Ok(copy)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn size(bytes: u64) -> String {
    match bytes {
        1_073_741_824.. => format!("{} GiB", bytes >> 30),
        1_048_576.. => format!("{} MiB", bytes >> 20),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn fifo(dir: &Path) -> PathBuf {
        let path = dir.join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_as_often_as_needed() {
        let dir = tempfile::tempdir().unwrap();
        let path = fifo(dir.path());
        let into = path.clone();
        // Larger than the buffer of a pipe, so that it comes in parts.
        let content = b"0.01\n".repeat(100_000);
        let sent = content.clone();
        let writer = std::thread::spawn(move || fs::write(into, sent).unwrap());
        let input = Input::open(&path).unwrap();
        writer.join().unwrap();
        for _ in 0..2 {
            let mut read = Vec::new();
            input.reader().unwrap().read_to_end(&mut read).unwrap();
            assert!(read == content);
        }
    }

    #[test]
    fn a_fifo_without_a_writer_is_not_waited_for_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let error = opened_within(&fifo(dir.path()), Duration::from_millis(20)).unwrap_err();
        assert!(error.to_string().contains("nobody has opened"), "{error}");
    }

    #[test]
    fn a_device_is_refused_before_it_is_read() {
        for device in ["/dev/zero", "/dev/null"] {
            let error = Input::open(Path::new(device)).unwrap_err().to_string();
            assert!(error.contains(device) && error.contains("a device"), "{error}");
            assert!(read_text(Path::new(device)).unwrap_err().to_string().contains("a device"));
        }
    }

    #[test]
    fn a_text_has_at_most_a_mebibyte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("claim.toml");
        fs::write(&path, vec![b' '; 1 << 20]).unwrap();
        assert_eq!(read_text(&path).unwrap().len(), 1 << 20);
        fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("more than 1 MiB"));
        fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("UTF-8"));
    }

    #[test]
    fn text_in_utf_16_is_read_as_the_same_text_in_utf_8() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wide.csv");
        // A character of two units, and the end of a line that is a zero byte and another one.
        let text = "date,profit\n2024-01-01,\u{20ac}1\u{1f600}\n\u{a00}";
        for bytes_of in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes_of).collect();
            fs::write(&path, &wide).unwrap();
            assert_eq!(read_text(&path).unwrap(), text);
            fs::write(&path, [&wide[..], &bytes_of(0xd83d)].concat()).unwrap();
            assert!(Input::open(&path).unwrap_err().to_string().contains("UTF-16 that is damaged"));
        }
    }

    #[test]
    fn a_pipe_without_an_end_is_refused() {
        let error = copy_to_the_end(File::open("/dev/zero").unwrap(), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
    }
}
