//! Records a PumpSwap pool from the chain, whole: every swap since the pool began, checked to the lamport as it comes.
//!
//! 1. **List** ([`walk`]). Signatures are listed from the newest back to what is known. Whatever is not listed yet is a
//!    hole: a new collection is one hole as large as the pool's history, a restart opens one between then and now, and a
//!    broken step opens one between its two neighbours. All are filled alike, a page at a time, so that an interruption
//!    costs one page.
//! 2. **Fetch**. Transactions are asked for and their events kept as the program said them ([`store`], SQLite).
//! 3. **Check** ([`check`]). In the chain's order each swap is executed again by the engine's exact arithmetic, and has to
//!    begin at the reserves that the step before it left. A step that does not is looked into, and where nothing explains
//!    it, counted and named.
//! 4. **Write** ([`dataset`]). The datasets are made anew from the log, whole or not at all.
//!
//! A subscription ([`subscription`]) only says *when* to look: what is looked at is always the list, so that a WebSocket
//! which dies silently costs time and loses nothing.
//!
//! What is collected is confirmed. Until it is finalized it is listed again each time, so that what a fork took back
//! leaves the log, and what a node indexed late enters it.

/// Whether each step follows from the one before.
pub mod check;
/// From the chain to the log.
mod collector;
/// From the log to Parquet.
pub mod dataset;
/// Where the chain is read from.
mod source;
/// The log.
pub mod store;
/// When to look.
pub mod subscription;
/// Bars as they close.
pub mod tape;
/// Which pool.
mod target;
/// Filling holes.
pub mod walk;

pub use collector::{CollectError, Collector, Progress, unless_stopped};
pub use source::Source;
pub use target::{Target, TargetError};
