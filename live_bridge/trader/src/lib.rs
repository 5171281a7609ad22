//! Trades a strategy live in a PumpSwap pool, and can say afterwards why it did what it did.
//!
//! 1. **Bars** ([`feed`]). The collector follows the pool; a bar is told once the chain's clock has passed its end and
//!    everything up to it is confirmed, and is the one that the datasets have, bit for bit.
//! 2. **Signals** ([`signal_file`]). A file that grows; joined by the datasets' own rule, so that nothing is used before it
//!    is available. A file that changes what it said is refused.
//! 3. **Decisions** ([`host`]). The strategy of a backtest, one bar at a time. Bar, signals, account, decision and order
//!    are in the [journal](mod@journal) before anything is done about them.
//! 4. **Orders** ([`execution`]). Simulated only, filled on paper by the exact arithmetic, or executed.
//!
//! A [session] that is killed at any moment goes on where it was: the strategy is brought back to what it knew,
//! and has to decide again what it decided; orders are settled with the chain; bars that closed meanwhile are decided on,
//! and orders that nobody was there to give are named.

/// What somebody has to know now.
pub mod alerts;
/// Money and coins of a session.
pub mod books;
/// A session beside its backtest.
pub mod compare;
/// Where orders go.
pub mod execution;
/// Bars from the chain.
pub mod feed;
/// Bars from before those that a node has.
pub mod history;
/// The strategy, a bar at a time.
pub mod host;
/// What is known of a session.
pub mod journal;
/// Whether it still does what was modelled.
pub mod monitor;
/// The backtest that was promoted, beside its session.
pub mod promoted;
/// From a verdict to money.
pub mod promotion;
/// The loop.
pub mod session;
/// Signals from a file that grows.
pub mod signal_file;
/// How a decision becomes an order.
pub mod sizing;
/// What a session is.
pub mod spec;
/// What it is at this moment.
pub mod status;
