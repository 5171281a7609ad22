//! Why files of the archive could not be taken in, or a catalog not be made.

use std::path::PathBuf;

use thiserror::Error;

use crate::name::Market;

/// What cannot be read or written, with the file at fault.
#[derive(Debug, Error)]
pub enum Error {
    /// A folder or file that cannot be read.
    #[error("{}: cannot read it: {source}; check the path and its permissions", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that cannot be opened or unpacked, and whatever cannot be written.
    #[error(transparent)]
    Data(#[from] q50_datasets::Error),
    /// A file whose content is not what the archive publishes.
    #[error("{}: {}{found} (expected {expected}); {remedy}", path.display(), line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Content {
        /// Which.
        path: PathBuf,
        /// Where in it, where a line is at fault.
        line: Option<u64>,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A folder without a file of the archive.
    #[error(
        "{}: no file of Binance's archive (expected names such as BTCUSDT-1m-2024-01.zip and \
         BTCUSDT-fundingRate-2024-01.zip); name another folder",
        path.display()
    )]
    Nothing {
        /// Where was looked.
        path: PathBuf,
    },
    /// Files of two markets.
    #[error("{}: it is of the market {found}, where {} is of {kept}; give each market a folder of its own", path.display(), archive.display())]
    Market {
        /// The file.
        path: PathBuf,
        /// Its market.
        found: Market,
        /// The archive.
        archive: PathBuf,
        /// Its market.
        kept: Market,
    },
    /// An archive that cannot be read or written.
    #[error("{}: cannot use this archive: {source}; check that it is whole and that its folder can be written", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        source: q50_sqlite::LayoutError,
    },
    /// A folder without an archive.
    #[error("{}: no archive.sqlite there; `q50 data ingest binance PATH --out DIR` makes one", path.display())]
    NoArchive {
        /// Which.
        path: PathBuf,
    },
    /// A file in the way of one of the catalog.
    #[error("{}: not written by q50 (expected a file of an earlier catalog, or nothing); nothing was replaced: move it away", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
    },
}
