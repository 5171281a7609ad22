//! Why a collector's data could not be read or written.

use std::path::PathBuf;

use thiserror::Error;

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
    /// A damaged CSV file.
    #[error("{}: a damaged CSV file: {source}; export it again", path.display())]
    Csv {
        /// Which.
        path: PathBuf,
        /// Where it fails.
        source: csv::Error,
    },
    /// A damaged JSON file.
    #[error("{}: a damaged JSON file: {source}; fetch or export it again", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Where it fails.
        source: serde_json::Error,
    },
    /// A SQLite file that cannot be read.
    #[error("{}: cannot read this SQLite file: {source}; check that it is whole and that its folder can be read", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A file of none of the shapes.
    #[error(
        "{}: none of the collector's shapes: {found} (expected bars, trades or pools: an answer of the API, a frame of its \
         client, an export of a table, a JSON backup, or the SQLite file); name another file, or the folder",
        path.display()
    )]
    Unrecognised {
        /// Which.
        path: PathBuf,
        /// What there is.
        found: String,
    },
    /// There is neither a bar nor a trade nor a pool.
    #[error("{}: {files} files without a bar, a trade or a pool that can be used{reason}; name another folder", path.display())]
    Nothing {
        /// Where was looked.
        path: PathBuf,
        /// How many files there are.
        files: usize,
        /// Why rows were refused, where some were.
        reason: String,
    },
    /// Two pools whose files would have the same name.
    #[error("pools `{0}` and `{1}` would share a file; rename one of them")]
    SameFile(String, String),
}
