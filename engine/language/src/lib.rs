//! Strategies written in YAML.
//!
//! ```
//! use q50_language::{Program, Catalog};
//!
//! let text = "
//! name: crossing
//! timeframe: 1h
//! indicators:
//!   fast: {type: EMA, period: 12}
//!   slow: {type: EMA, period: 26}
//! entry_conditions: {long: [fast crosses_above slow]}
//! exit_conditions: {long: [fast crosses_below slow]}
//! stop_loss: {type: fixed_pct, percent: 2}
//! take_profit: {type: none}
//! ";
//! let program = Program::read(text, &Catalog::default()).unwrap();
//! assert_eq!(program.first_decision(), Some(25));
//!
//! let error = Program::read(&text.replace("slow]}", "solw]}"), &Catalog::default()).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "line 7, entry_conditions.long[0]: there is no indicator, price or signal `solw`; there are fast, slow \
//!      (unknown_reference)"
//! );
//! ```
//!
//! Everything that can be wrong with a file is found before a bar is read, and reported with its line (see [`Error`]).
//! A missing value is never a zero: a condition on an undefined value is false, and nothing in the language negates.

pub mod condition;
pub mod error;
pub mod filters;
pub mod genome;
pub mod levels;
pub mod program;
pub mod run;
pub mod settings;
pub mod slot;
pub mod sweep;

mod columns;
mod form;
mod indicators;
mod moment;
mod numbers;
mod read;
mod reader;
mod schema;
mod templates;
mod timeframes;
mod written;
mod yaml;

pub use error::{Code, Error};
pub use indicators::MOST_SHIFT;
pub use program::{Program, Side, Timeframe};
pub use q50_indicators::Catalog;
pub use run::Run;
pub use schema::schema;
pub use settings::FileStrategy;
pub use templates::TEMPLATES;
