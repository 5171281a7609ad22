//! Claims and what the record says about them.

pub mod checks;
pub mod facts;
pub mod file;
pub mod neighbours;
pub mod verdict;
pub mod verify;

pub use checks::{Check, CheckName, State};
pub use facts::DataFacts;
pub use file::{Claim, ClaimError};
pub use verdict::Verdict;
pub use verify::{Request, Verification, VerifyError, verify};
