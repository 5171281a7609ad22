//! Reads what Binance publishes at data.binance.vision: klines of trades, of mark and of index prices, and funding rates.
//!
//! - [`ingest`] takes files as they are published (ZIP or CSV, with or without a header, times in milliseconds or
//!   microseconds) into an archive, `archive.sqlite`, whose rows are never changed (`archive.rs`, `session.rs`).
//! - [`rebuild`] makes the catalog from the archive: a Parquet file of each symbol and timeframe, and of its funding. The same
//!   archive gives the same bytes (`catalog.rs`).
//! - [`verify`] holds both against what the files said they were, and each other (`verify.rs`).
//!
//! The layout of the files: <https://github.com/binance/binance-public-data>.

mod archive;
mod catalog;
mod checksum;
mod error;
mod fold;
mod ingest;
mod interval;
mod name;
mod rows;
mod session;
mod verify;

pub use archive::is_archive;
pub use catalog::{Catalog, CatalogFile, rebuild};
pub use error::Error;
pub use ingest::{FileReport, Report, ingest};
pub use interval::Interval;
pub use name::{Kind, Market};
pub use rows::TimeUnit;
pub use session::Conflict;
pub use verify::{Defect, DefectKind, Verified, verify};
