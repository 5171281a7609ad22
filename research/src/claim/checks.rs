//! The checks: each compares one number with one threshold and explains the result. Ten are always made.

use serde::{Deserialize, Serialize};

/// The checks, in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The data have no defect that could make the result.
    DataSound,
    /// No decision of the replay depends on the future. How a file of signals was made is not seen by it.
    Causal,
    /// Every figure that the claim states is reproduced.
    Reproduced,
    /// The 95 % interval of the Sharpe ratio lies above 0.
    Significant,
    /// The probability that it is above the best of as many skill-less trials as were made is at least 95 %.
    Deflated,
    /// The record is as long as its Sharpe ratio needs.
    LongEnough,
    /// The Sharpe ratio is above that of buying and holding.
    BeatsHolding,
    /// The Sharpe ratio is above 0 at twice the cost.
    SurvivesCosts,
    /// The Sharpe ratio is above 0 at the stated capital and pool depth.
    SurvivesDepth,
    /// Neighbouring settings do at least half as well.
    Robust,
    /// The program that made the signals does not know later bars, and makes the file; made only where it was named.
    Lookahead,
    /// Another engine does the same; made only where it was asked.
    SecondEngine,
}

impl CheckName {
    /// The checks that every verification makes, in the order in which they are reported.
    pub const ALWAYS: [Self; 10] = [
        Self::DataSound,
        Self::Causal,
        Self::Reproduced,
        Self::Significant,
        Self::Deflated,
        Self::LongEnough,
        Self::BeatsHolding,
        Self::SurvivesCosts,
        Self::SurvivesDepth,
        Self::Robust,
    ];

    /// The check of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let further = [Self::Lookahead, Self::SecondEngine];
        Self::ALWAYS.into_iter().chain(further).find(|check| check.name() == name)
    }

    /// The check's name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataSound => "data_sound",
            Self::Causal => "causal",
            Self::Reproduced => "reproduced",
            Self::Significant => "significant",
            Self::Deflated => "deflated",
            Self::LongEnough => "long_enough",
            Self::BeatsHolding => "beats_holding",
            Self::SurvivesCosts => "survives_costs",
            Self::SurvivesDepth => "survives_depth",
            Self::Robust => "robust",
            Self::Lookahead => "lookahead",
            Self::SecondEngine => "second_engine",
        }
    }
}

/// What came of a check. Not run is never pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The number is on the right side of the threshold.
    Pass,
    /// It is not.
    Fail,
    /// There was no number.
    NotRun,
}

/// One line of the verdict's table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Which check.
    pub name: CheckName,
    /// What came of it.
    pub state: State,
    /// Whether the check has a meaning for this run. One that has none does not stand in the way of a confirmation;
    /// one that has, and was not run, does.
    pub applies: bool,
    /// The number that was compared.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// What was seen, for people.
    pub evidence: String,
}

impl Check {
    /// A check that passes where `passes`.
    #[must_use]
    pub fn decided(name: CheckName, passes: bool, value: f64, threshold: f64, evidence: String) -> Self {
        let state = if passes { State::Pass } else { State::Fail };
        Self { name, state, applies: true, value: Some(value), threshold: Some(threshold), evidence }
    }

    /// A check whose number is undefined, which fails: what cannot be shown is not shown.
    #[must_use]
    pub fn undefined(name: CheckName, threshold: f64, why: String) -> Self {
        Self { name, state: State::Fail, applies: true, value: None, threshold: Some(threshold), evidence: why }
    }

    /// A check without a meaning for this run.
    #[must_use]
    pub fn not_applicable(name: CheckName, why: &str) -> Self {
        Self { name, state: State::NotRun, applies: false, value: None, threshold: None, evidence: why.to_owned() }
    }

    /// Whether the check stands in the way of a confirmation.
    #[must_use]
    pub fn objects(&self) -> bool {
        self.applies && self.state != State::Pass
    }
}
