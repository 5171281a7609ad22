//! q50-nautilus: the second opinion.

mod adapter;
mod books;
mod check;
mod client;
mod error;
mod feed;
mod parity;
mod pilot;
mod report;
mod run;
mod scale;
mod second;
mod terms;
mod wire;

pub use books::{Amounts, Books, Kept, PoolBooks, PriceBooks};
pub use check::{check, check_all};
pub use error::{InputError, RunError};
pub use parity::{Check, Difference, Line, Validation, compare, validate, validate_all};
pub use report::{FillReport, PositionReport};
pub use run::{Names, Run, VenueSetup};
pub use second::{SecondRun, run};
pub use terms::Terms;
pub use wire::ReportedFill;
