//! Results of other tools, rebuilt in one convention: equity at the end of every period (the close of every bar), the capital
//! before the first.

mod coverage;
mod curve;
mod holding;
mod labels;
mod trades;

pub use coverage::Coverage;
pub use curve::of_curve;
pub use holding::holding;
pub use labels::Labels;
pub use trades::of_trades;

use q50_datasets::{Dataset, Error, results::Stated};
use thiserror::Error;

use crate::{
    audit::AuditError,
    claim::{Benchmark, ClaimedFigure, Trading},
    metrics::Undefined,
};

/// A result that can be judged.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Its periods: the bars that it was made on, or the rows of a file of equity, as bars of that equity.
    pub periods: Dataset,
    /// Starting capital, quote units.
    pub capital: f64,
    /// Equity at the end of each period, quote units.
    pub equity: Vec<f64>,
    /// What was traded, where the file holds trades.
    pub trading: Option<Trading>,
    /// Buying and holding over the same periods, where there are bars.
    pub benchmark: Option<Benchmark>,
    /// What a file of returns or equity leaves out; `None` of trades, whose periods are the bars.
    pub coverage: Option<Coverage>,
    /// What the file states.
    pub stated: Stated,
    /// What it states against what was rebuilt.
    pub figures: Vec<ClaimedFigure>,
}

/// Why a result could not be rebuilt.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// The periods are none.
    #[error(transparent)]
    Data(#[from] Error),
    /// The bars are not those of the result.
    #[error("{0}")]
    Bars(String),
    /// The trades are no ledger.
    #[error(transparent)]
    Ledger(#[from] AuditError),
    /// A figure has no value.
    #[error(transparent)]
    Undefined(#[from] Undefined),
}
