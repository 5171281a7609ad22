//! Records a PumpSwap pool from the chain, whole: every swap since the pool began, checked to the lamport as it comes.
//!
//! 1. **List** ([`walk`]). Signatures are listed from the newest back to the known ones. A range that is not listed yet
//!    is a hole: a new collection is one hole as large as the pool's history, a restart opens one between then and now,
//!    and a broken step opens one between its two neighbours. All are filled the same way, one page at a time, so an
//!    interruption costs one page.
//! 2. **Fetch**. Transactions are requested, and their events are kept as the program printed them ([`store`], SQLite).
//! 3. **Check** ([`check`]). In chain order, each swap is re-executed by the engine's exact arithmetic, and must begin
//!    at the reserves that the previous step left. A step that does not is investigated and, if nothing explains it,
//!    counted and named.
//! 4. **Write** ([`dataset`]). The datasets are rebuilt from the log, whole or not at all.
//!
//! A subscription ([`subscription`]) only says *when* to look. The collector always reads the list, so a WebSocket that
//! dies silently costs time and loses nothing.
//!
//! Only confirmed transactions are collected. Until a transaction is finalized it is listed again each time, so one
//! that a fork reverted leaves the log, and one that a node indexed late enters it.

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
