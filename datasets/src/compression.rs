//! Compressed files: gzip, Zstandard, bzip2, xz, and a zip archive of one file; recognised by their magic bytes and
//! never by their names.
//!
//! They are decompressed as they are read. A file that unpacks to more than [`MOST_BYTES`], or to more than
//! [`MOST_RATIO`] times its own size, is refused during reading: a few kilobytes must not fill the memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use lzma_rust2::XzReader;
use serde::Serialize;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Kind, Result, list};

/// A file may unpack to this many bytes.
pub const MOST_BYTES: u64 = 4 << 30;
/// A file may unpack to this many times its own size. Tables of prices unpack to 3 to 30 times; deflate can reach 1,032.
pub const MOST_RATIO: u64 = 250;
/// Memory that a block of xz may ask for, in KiB; `xz -9` takes 64 MiB.
const MOST_XZ_KIB: u32 = 256 << 10;
/// What unpacks to no more than this is harmless, whatever its ratio.
const HARMLESS_BYTES: u64 = 16 << 20;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// bzip2, one stream or several.
    Bzip2,
    /// The .xz file format, one stream or several.
    Xz,
    /// A zip archive that holds one file, stored or deflated.
    Zip,
}

impl Compression {
    /// The compression that a file's first bytes announce.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zip => "zip",
        }
    }

    /// A reader of what `file`, positioned at its start, holds unpacked.
    pub(crate) fn unpack(self, path: &Path, file: File) -> Result<Box<dyn Read>> {
        let packed = file.metadata().map_err(|e| Error::io(path, "cannot open it", e))?.len();
        let buffered = BufReader::with_capacity(1 << 16, file);
        let inner: Box<dyn Read> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(buffered)),
            Self::Zstd => Box::new(
                zstd::Decoder::with_buffer(buffered).map_err(|e| Error::io(path, "cannot unpack its Zstandard", e))?,
            ),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(buffered)),
            Self::Xz => Box::new(XzReader::new_mem_limit(buffered, true, MOST_XZ_KIB)),
            Self::Zip => only_entry(path, buffered)?,
        };
        let most = MOST_BYTES.min(packed.saturating_mul(MOST_RATIO).max(HARMLESS_BYTES));
        Ok(Box::new(Bounded { inner, left: most, most }))
    }
}

/// A reader of the one file in an archive.
fn only_entry(path: &Path, buffered: BufReader<File>) -> Result<Box<dyn Read>> {
    let damaged = |e: zip::result::ZipError| {
        Error::new(Kind::Format, path, format!("a damaged zip archive: {e}")).remedy("fetch or pack it again").source(e)
    };
    let mut archive = ZipArchive::new(buffered).map_err(damaged)?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        if !(entry.is_dir() || name.starts_with("__MACOSX/")) {
            files.push((name, index));
        }
    }
    files.sort_unstable();
    let [(only, index)] = files.as_slice() else {
        let (count, shown) = (files.len(), files.iter().take(5).map(|(name, _)| name));
        let found = format!("a zip archive with {count} files: {}", list(shown));
        return Err(Error::new(Kind::Format, path, found)
            .expected("an archive of one table")
            .remedy("unpack it and name the table; a spreadsheet must be exported as CSV"));
    };
    let unsupported = |what: &str| {
        Error::new(Kind::Format, path, format!("a zip archive whose `{only}` is {what}"))
            .expected("a file that is stored or deflated, without a password")
            .remedy("unpack it yourself")
    };
    let entry = archive.by_index_raw(*index).map_err(damaged)?;
    if entry.encrypted() {
        return Err(unsupported("encrypted"));
    }
    let (method, length) = (entry.compression(), entry.compressed_size());
    let start = entry.data_start().ok_or_else(|| unsupported("without data"))?;
    drop(entry);
    let mut packed = archive.into_inner();
    packed.seek(SeekFrom::Start(start)).map_err(|e| Error::io(path, "cannot read it", e))?;
    let packed = packed.take(length);
    Ok(match method {
        CompressionMethod::Stored => Box::new(packed),
        CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
        other => return Err(unsupported(&format!("compressed by {other}"))),
    })
}

/// Fails once more than `most` bytes were read.
struct Bounded {
    inner: Box<dyn Read>,
    left: u64,
    most: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it unpacks to more than {} MiB ({MOST_RATIO} times its size, {} GiB at most)",
                self.most >> 20,
                MOST_BYTES >> 30
            ))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;

    pub(crate) const ALL: [Compression; 5] =
        [Compression::Gzip, Compression::Zstd, Compression::Bzip2, Compression::Xz, Compression::Zip];

    /// `bytes` packed; a zip archive holds them as `t.csv`.
    pub(crate) fn pack(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(bytes, 3).unwrap(),
            Compression::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Xz => {
                let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zip => zip(&[("t.csv", bytes)]),
        }
    }

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(packed: &[u8]) -> Result<io::Result<Vec<u8>>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(packed).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut bytes = Vec::new();
        let mut reader = Compression::of(packed).unwrap().unpack(Path::new("t"), file)?;
        Ok(reader.read_to_end(&mut bytes).map(|_| bytes))
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        for compression in ALL {
            let packed = pack(compression, b"a,b\n1,2\n");
            assert_eq!(Compression::of(&packed), Some(compression));
            assert_eq!(unpacked(&packed).unwrap().unwrap(), b"a,b\n1,2\n", "{compression:?}");
        }
        let twice = [pack(Compression::Gzip, b"a,b\n"), pack(Compression::Gzip, b"1,2\n")].concat();
        assert_eq!(unpacked(&twice).unwrap().unwrap(), b"a,b\n1,2\n", "gzip files may be joined");
    }

    #[test]
    fn a_bomb_is_refused_while_it_is_read() {
        // 64 MiB of one byte: some 64 KiB of gzip, and 2 KiB of Zstandard.
        let zeros = vec![b'0'; 64 << 20];
        for compression in ALL {
            let packed = pack(compression, &zeros);
            let e = unpacked(&packed).unwrap().unwrap_err();
            assert!(e.to_string().contains("16 MiB"), "{compression:?}: {e}");
        }
    }

    #[test]
    fn an_archive_of_several_files_is_refused_with_their_names() {
        let e = unpacked(&zip(&[("b.csv", b"1"), ("a.csv", b"2")])).err().unwrap();
        assert!(e.is_format() && e.to_string().contains("2 files: `a.csv`, `b.csv`"), "{e}");
        assert!(unpacked(&zip(&[])).err().unwrap().to_string().contains("0 files"));
    }

    #[test]
    fn a_damaged_archive_is_an_error_and_not_a_panic() {
        for compression in ALL {
            let packed = pack(compression, b"ts_ms,open\n1,2\n");
            // From the end of the longest magic on.
            for length in 6..packed.len() {
                // All of it may be there when no more than the end of the archive is not; less of it is never taken for all.
                if let Ok(Ok(bytes)) = unpacked(&packed[..length]) {
                    assert_eq!(bytes, b"ts_ms,open\n1,2\n", "{compression:?}, {length} of {} bytes", packed.len());
                }
            }
        }
    }
}
