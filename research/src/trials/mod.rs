//! The trial ledger: one SQLite file that every replay passes through, so that a deflation knows how often was asked.
//!
//! A trial is a (dataset, strategy, settings) triple by content hash; running the same triple again is the same trial.
//! `Candidate`s are results that somebody could have picked; `Probe`s are replays that test a candidate (other costs,
//! neighbouring settings, shifted signals) and are kept but not counted. What others published is a candidate too.

mod ledger;

pub use ledger::{LedgerError, TrialLedger};

use serde::Serialize;

use q50_engine::units::PerPeriodSharpe;

use crate::{
    inference::{DeflatedSharpe, SharpeEstimate, TrialVariance, deflated_sharpe},
    metrics::Undefined,
};

/// What a replay was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A test of another result: kept, not counted.
    Probe,
    /// A result that could be reported.
    Candidate,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Candidate => "candidate",
        }
    }
}

/// Which command asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A verification.
    Verify,
    /// A set of a sweep.
    Sweep,
    /// A set in a window or fold of an overfitting test.
    Overfit,
    /// A run in the second engine.
    Validate,
    /// Somebody else's published figure.
    Published,
}

impl Origin {
    /// The origin's name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Sweep => "sweep",
            Self::Overfit => "overfit",
            Self::Validate => "validate",
            Self::Published => "published",
        }
    }
}

/// What trials are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Content hash of bars and signals.
    pub dataset: &'a str,
    /// Strategy family.
    pub family: &'a str,
}

/// One replay, as the ledger keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Hash of strategy, venue, capital and of what was seen of the data.
    pub settings: blake3::Hash,
    /// What the replay was made for.
    pub role: Role,
    /// Which command asked.
    pub origin: Origin,
    /// Per-period Sharpe ratio; `None` where undefined.
    pub sharpe: Option<PerPeriodSharpe>,
    /// Number of returns.
    pub returns: usize,
    /// Skewness of the returns; `None` where undefined.
    pub skew: Option<f64>,
    /// Kurtosis of the returns (3 for the normal distribution); `None` where undefined.
    pub kurtosis: Option<f64>,
}

/// What the ledger holds on one dataset and family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScopeSummary {
    /// Content hash of bars and signals.
    pub dataset: String,
    /// Strategy family.
    pub family: String,
    /// Results that somebody could have picked.
    pub candidates: u64,
    /// Those of them that others published.
    pub published: u64,
    /// Tests of other results.
    pub probes: u64,
    /// Candidates with a Sharpe ratio.
    pub with_sharpe: u64,
    /// Largest per-period Sharpe ratio of a candidate.
    pub best_sharpe: Option<f64>,
    /// Sample variance (n - 1) of the candidates' per-period Sharpe ratios.
    pub variance: Option<f64>,
    /// Effective number of independent trials, where a sweep has clustered its sets.
    pub effective: Option<u64>,
}

/// What stands against one candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// Candidates of the scope, whatever they saw of the data.
    pub trials: u64,
    /// Sample variance (n - 1) of the per-period Sharpe ratios of those with as many returns, and of published ones, which
    /// have a ratio only where it is comparable. One on fewer returns scatters more, whatever was tried: it counts, but
    /// is not comparable.
    pub variance: Option<f64>,
}

impl Tried {
    /// The deflated Sharpe ratio of the candidate, at the larger of this variance and that of trials without skill.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two observations, [`Undefined::NoSamplingVariance`].
    pub fn deflate(&self, estimate: &SharpeEstimate) -> Result<DeflatedSharpe, Undefined> {
        let null = TrialVariance::under_null(estimate.n)?;
        let measured = self.variance.map(TrialVariance::given).transpose()?.filter(|v| v.value() > null.value());
        deflated_sharpe(estimate, self.trials.max(1), measured.unwrap_or(null))
    }
}

/// One line of an export.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    /// Content hash of bars and signals.
    pub dataset: String,
    /// Strategy family.
    pub family: String,
    /// Hash of strategy, venue, capital and view, hex.
    pub settings: String,
    /// `candidate` or `probe`.
    pub role: String,
    /// Which command asked.
    pub origin: String,
    /// Per-period Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Number of returns.
    pub returns: i64,
    /// Skewness of the returns.
    pub skew: Option<f64>,
    /// Kurtosis of the returns.
    pub kurtosis: Option<f64>,
}
