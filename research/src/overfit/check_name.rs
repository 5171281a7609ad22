//! The names of the overfitting checks.

use serde::Serialize;

/// The checks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Choices of the past do half as well on what follows, and gain in most windows.
    WalkForward,
    /// Choices do well on folds that they have not seen.
    PurgedKFold,
    /// They gain on nearly every path through such folds.
    Combinatorial,
    /// The best of one half of the record is rarely below the median in the other.
    Pbo,
    /// The best mean is too large for the best of as many worthless sets.
    RealityCheck,
    /// The same, with means studentised and hopeless sets left aside.
    Spa,
    /// Entries at random times do worse.
    RandomEntry,
    /// The Sharpe ratio is above that of the best of as many worthless trials.
    Deflated,
}

impl CheckName {
    /// Every check, in the order in which they are made.
    pub const ALL: [Self; 8] = [
        Self::WalkForward,
        Self::PurgedKFold,
        Self::Combinatorial,
        Self::Pbo,
        Self::RealityCheck,
        Self::Spa,
        Self::Deflated,
        Self::RandomEntry,
    ];

    /// The check's name in tables and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WalkForward => "walk_forward",
            Self::PurgedKFold => "purged_k_fold",
            Self::Combinatorial => "combinatorial",
            Self::Pbo => "pbo",
            Self::RealityCheck => "reality_check",
            Self::Spa => "spa",
            Self::RandomEntry => "random_entry",
            Self::Deflated => "deflated",
        }
    }

    /// How a value that passes stands to its threshold.
    #[must_use]
    pub const fn comparison(self) -> &'static str {
        match self {
            Self::WalkForward | Self::PurgedKFold => ">",
            Self::Combinatorial | Self::Pbo => "<=",
            Self::RealityCheck | Self::Spa | Self::RandomEntry => "<",
            Self::Deflated => ">=",
        }
    }
}
