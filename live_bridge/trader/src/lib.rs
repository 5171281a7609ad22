//! Trades a strategy live in a PumpSwap pool, and can explain afterwards why it did what it did.
//!
//! 1. **Bars** ([`feed`]). The collector follows the pool. A bar is reported once the chain's clock has passed its end
//!    and everything up to it is confirmed, and equals that of the datasets, bit for bit.
//! 2. **Signals** ([`signal_file`]). A file that grows, joined by the datasets' own rule, so that nothing is used
//!    before it is available. A file whose earlier rows change is refused.
//! 3. **Decisions** ([`host`]). The strategy of a backtest, one bar at a time. Bar, signals, account, decision and
//!    order are in the [journal](mod@journal) before anything is done about them.
//! 4. **Orders** ([`execution`]). Simulated only, filled on paper by the exact arithmetic, or executed.
//!
//! A [session] that is killed at any moment resumes where it was. The strategy is restored to what it knew, and must
//! repeat its earlier decisions; orders are settled with the chain; bars that closed in the meantime are decided; and
//! orders that could not be sent then are named.

/// What somebody has to know now.
pub mod alerts;
/// Money and coins of a session.
pub mod books;
/// Whether this machine's clock can be trusted.
pub mod clock_watch;
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
