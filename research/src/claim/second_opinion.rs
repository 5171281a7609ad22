//! Another engine's result for the judged replay.

/// The outcome of taking the replay through another engine, which the caller did.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondOpinion {
    /// How many of the compared decisions, fills and marks differ.
    pub value: f64,
    /// How many may.
    pub threshold: f64,
    /// What was compared, for people.
    pub evidence: String,
}
