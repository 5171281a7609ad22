//! Market data: reading, checking, joining, storing and generating it.
//!
//! - [`source`] detects formats from content: Parquet, Arrow IPC (Feather), CSV, JSON, Qlib provider directories,
//!   hummingbot runs.
//! - [`Bars`] and [`SignalTable`] are checked when they are read; [`check`] reports on bad files instead of refusing
//!   them.
//! - [`Dataset`] joins signals to bars, looking back only, and lends the columns to the engine as a `Market`.
//! - [`mod@write`] stores results: the same columns give the same bytes. A file is whole or absent ([`staged`]), and so
//!   are the files of a run ([`run_folder`]).
//!
//! # Conventions
//! Times are epoch milliseconds in UTC and a bar's time is its opening. A missing value is `NaN` in a column and null
//! in a file. Rows in messages are data rows, counted from 1. Every failure is one [`Error`], which names the file,
//! the place, what was found, what was expected and what to do.
//!
//! # Examples
//! ```
//! use q50_datasets::{Bars, Dataset, SignalColumns, SignalOptions, SignalTable};
//!
//! const HOUR: i64 = 3_600_000;
//! let price = vec![100.0, 101.0, 102.0];
//! let bars = Bars::new(vec![0, HOUR, 2 * HOUR], price.clone(), price.clone(), price.clone(), price, None)?;
//! let columns = SignalColumns { q50: Some(vec![0.002]), ..SignalColumns::default() };
//! let signals = SignalTable::new(vec![HOUR], columns, &SignalOptions::default())?;
//! let data = Dataset::new(bars, &signals, None)?;
//!
//! // The signal of the second bar is known at that bar's close; the first bar stays as history.
//! let market = data.market();
//! assert_eq!((market.first, market.len()), (1, 2));
//! assert_eq!(market.history(1).now(), 2 * HOUR);
//! # Ok::<(), q50_datasets::Error>(())
//! ```

pub mod artefacts;
mod bar_files;
pub mod bars;
pub mod check;
mod columns;
pub mod compression;
pub mod dataset;
mod defects;
pub mod error;
pub mod excerpt;
mod format;
pub mod frame;
pub mod funding;
pub mod hash;
pub mod hummingbot;
pub mod ingest;
pub mod input;
pub mod join;
pub mod names;
pub mod pool_bars;
pub mod pool_trades;
mod pyliteral;
pub mod qlib;
#[cfg(feature = "query")]
pub mod query;
mod read;
pub mod reading;
mod report;
pub mod reserves;
pub mod results;
pub mod returns;
pub mod run_folder;
pub mod side_codes;
mod signal_files;
pub mod signals;
pub mod source;
pub mod staged;
pub mod synth;
pub mod time;
pub mod trades;
pub mod write;

pub use bars::Bars;
pub use dataset::{Dataset, DatasetOptions};
pub use error::{Error, Result};
pub use input::Input;
pub use join::JoinRule;
pub use run_folder::{NewRun, RunFolder};
pub use signals::{CrossingPolicy, SignalColumns, SignalOptions, SignalTable};
