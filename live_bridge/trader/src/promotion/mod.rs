//! From a verdict to money: what must be true of a run of `q50 verify` before its strategy may trade, who answers for
//! it, and that the strategy that trades is the one that was judged.
//!
//! 1. A [`Run`] is read with the hashes of its files.
//! 2. [`refusals`] lists, all at once, the reasons why it may not be promoted.
//! 3. A [`Manifest`] states what was judged, by hashes, and is signed with the key of the wallet that will trade.
//! 4. [`gate`] compares a manifest with what is about to trade, field by field.
//! 5. On the chain with real money, a session begins with a small part of it: the [`ladder`].

/// What is about to trade against what was promoted.
pub mod gate;
pub mod ladder;
/// What was promoted, by hashes, and by whom.
mod manifest;
/// Why a run may not be promoted.
mod refusals;
/// A run of `q50 verify` in its folder.
mod run;

pub use manifest::{Accepted, Hashes, Manifest, ManifestError, Override, RunFiles, Signed, Trials, Where};
pub use refusals::{Promotion, Refusal, objections, refusals};
pub use run::{FILES, Run, RunError};
