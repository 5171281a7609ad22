//! Claims and what the record says about them.

/// The ten checks.
pub mod checks;
/// The data that a claim is judged on.
pub mod facts;
/// Claim files.
pub mod file;
/// Settings near those of a run.
pub mod neighbours;
/// The verdict and the sentence beside it.
pub mod verdict;
/// The replay of a claim, and everything that is computed from it.
pub mod verify;

pub use checks::{Check, CheckName, State};
pub use facts::DataFacts;
pub use file::{Claim, ClaimError};
pub use verdict::Verdict;
pub use verify::{Request, Verification, verify};
