//! The report of a verification: one HTML file that needs nothing but a browser.
//!
//! Everything is inside the file: the style sheet, and the pictures as inline SVG. Charts are drawn in sentinel
//! colours, which the style sheet maps to the reader's light or dark scheme. The page is a function of the
//! [`Verification`] alone, without a clock and without randomness, so that the same run gives the same bytes.

/// The pictures.
mod charts;
/// The deepest drawdowns, one by one.
mod drawdowns;
/// The tables of figures: claim, replay and holding beside each other, and the replay in detail.
mod figures;
/// Numbers as people read them.
mod format;
/// Dashes with their reasons below a table.
mod notes;
/// The page as a whole.
mod page;
/// What is special where the venue is a pool: the unit of money, and where the reserves come from.
mod pool;
/// Returns by year, their tails, and how they go with the benchmark's.
mod returns;
/// Settings, data and hashes as dotted paths.
mod settings;
/// Pages of other results: an answer, pictures, tables.
mod sheet;
/// Every position from its first fill to its last.
mod trades;
/// The verdict and the checks.
mod verdict;
/// Why a figure of the replay is undefined.
mod why;

pub use sheet::{Curves, Sheet, Table, WealthPath};

use std::borrow::Cow;

use thiserror::Error;

use crate::claim::Verification;
use charts::DrawError;

/// A report that cannot be made.
#[derive(Debug, Error)]
#[error("the picture '{picture}' of the report cannot be drawn")]
pub struct ReportError {
    picture: Cow<'static, str>,
    source: DrawError,
}

/// The report of `verification` as one self-contained HTML file.
///
/// # Errors
/// A picture cannot be drawn; names it.
pub fn html(verification: &Verification) -> Result<String, ReportError> {
    let pictures = charts::pictures(verification)?;
    Ok(page::page(verification, &pictures).into_string())
}
