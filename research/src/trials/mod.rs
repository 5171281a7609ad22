//! The trial ledger: one SQLite file in which every replay is filed, so that a deflation knows how many trials there
//! were.
//!
//! What is counted is hypotheses, by market. A hypothesis is what a researcher can pick (signals and how they are joined,
//! strategy, sizing, exits, window), by content hash of what it resolves to; the same under other assumptions (costs,
//! capital, venue) is the same hypothesis, and its first run stands for it. A market is every dataset whose returns agree
//! with those of another one of it, whatever its bars, units and signals. What was tried on a portfolio
//! counts on each of its instruments, and the other way round: who chooses among them has tried them all.
//!
//! `Candidate`s are results that somebody could have chosen; `Probe`s are replays that test a candidate (other costs,
//! neighbouring settings, shifted signals) and are kept but not counted. Published results of others are candidates
//! too.
//!
//! The ledger only grows, and every change to it is an entry in a chain of hashes, so anyone with an earlier report
//! notices a removal or a change.

mod agreement;
mod announced;
mod chain;
mod check;
mod deflation;
mod fingerprint;
mod ledger;
mod listing;
mod markets;
mod schema;
#[cfg(test)]
mod tests;
mod unfiled;

pub use agreement::{AGREEMENT, Agreement};
pub(crate) use chain::now_ms;
pub use check::{Broken, Soundness, Stamp};
pub(crate) use deflation::median;
pub use deflation::{Spread, SpreadSource, Tried, robust_variance};
pub use fingerprint::Fingerprint;
pub use ledger::{LedgerError, TrialLedger};
pub use listing::{CampaignSummary, DatasetSummary, ImportSummary, MarketCounts, MarketSummary, MergeSummary};
pub use unfiled::Unfiled;

use q50_datasets::dataset::Dataset;
use q50_engine::units::PerPeriodSharpe;
use serde::{Deserialize, Serialize};

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
    /// A candidate of a discovery.
    Discover,
    /// A set that was given to another process.
    Announced,
}

impl Origin {
    /// What somebody else published has this in an export.
    const PUBLISHED: &'static str = "published";

    /// The origin's name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Sweep => "sweep",
            Self::Overfit => "overfit",
            Self::Validate => "validate",
            Self::Discover => "discover",
            Self::Announced => "announced",
        }
    }
}

/// A record of prices, as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Content hash of the bars.
    pub bars: String,
    /// Content hash of bars and joined signals, by which earlier layouts of the ledger named a dataset.
    pub dataset: String,
    /// By which its market is known; `None` where the price never moves.
    #[serde(skip)]
    pub fingerprint: Option<Fingerprint>,
    /// The instruments of a portfolio, of which this is the basket: what was tried on one of them was tried on it, and
    /// the other way round.
    #[serde(skip)]
    pub parts: Vec<Self>,
}

impl Record {
    /// The record of all bars of a dataset, whatever its window.
    #[must_use]
    pub fn of(data: &Dataset) -> Self {
        let bars = data.bars();
        Self {
            bars: data.bars_hash().to_owned(),
            dataset: data.hash().to_owned(),
            fingerprint: Fingerprint::of(&bars.open_time, &bars.close, bars.interval_ms),
            parts: Vec::new(),
        }
    }

    /// The record of a portfolio, which is known by the basket of its instruments.
    #[must_use]
    pub fn of_portfolio<'a>(basket: &Dataset, each: impl IntoIterator<Item = &'a Dataset>) -> Self {
        Self { parts: each.into_iter().map(Self::of).collect(), ..Self::of(basket) }
    }
}

/// What trials are filed under.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The bars that they ran on.
    pub record: &'a Record,
    /// Strategy family.
    pub family: &'a str,
}

/// What a trial is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialKey {
    /// Hash of what was tried: see [`RunSpec::hypothesis`](crate::spec::RunSpec::hypothesis).
    pub hypothesis: blake3::Hash,
    /// Hash of what was assumed: costs, capital, venue.
    pub assumptions: i64,
}

impl TrialKey {
    /// The same hypothesis with something more assumed.
    #[must_use]
    pub fn assuming(self, what: &str) -> Self {
        let hash = blake3::hash(format!("{} {what}", self.assumptions).as_bytes());
        Self { assumptions: hash.as_bytes().first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)), ..self }
    }
}

/// One replay, as the ledger keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What was tried, and what was assumed.
    pub key: TrialKey,
    /// What the replay was made for.
    pub role: Role,
    /// Per-period Sharpe ratio; `None` where undefined.
    pub sharpe: Option<PerPeriodSharpe>,
    /// Number of returns.
    pub returns: usize,
    /// Skewness of the returns; `None` where undefined.
    pub skew: Option<f64>,
    /// Kurtosis of the returns (3 for the normal distribution); `None` where undefined.
    pub kurtosis: Option<f64>,
}

/// A run that somebody else published.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Hash of all that is said of it, and of how many runs before it in its list say the same.
    pub key: blake3::Hash,
    /// Its name, for people.
    pub name: String,
    /// Per-period Sharpe ratio, where it is comparable with others.
    pub sharpe: Option<PerPeriodSharpe>,
    /// Number of returns; 0 where unknown.
    pub returns: usize,
}

/// One line of an export.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialRow {
    /// Content hash of the bars.
    pub dataset: String,
    /// Strategy family.
    pub family: String,
    /// Hash of the hypothesis, hex.
    pub hypothesis: String,
    /// Hash of the assumptions, hex.
    pub assumptions: String,
    /// `candidate` or `probe`.
    pub role: String,
    /// Which command asked.
    pub origin: String,
    /// Number of the entry that it was filed with.
    pub entry: i64,
    /// Per-period Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Number of returns.
    pub returns: i64,
    /// Skewness of the returns.
    pub skew: Option<f64>,
    /// Kurtosis of the returns.
    pub kurtosis: Option<f64>,
}
