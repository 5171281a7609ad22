//! Trades on Solana: client, journal, executor and the guards before them.
//!
//! An order takes one path: every [guard](guards) lets it through, it is quoted on the current pool and simulated, its
//! signed transaction is [journalled](journal) on disk, sent, resent until it is [settled](settlement), and its [fill]
//! is read from the program's own event and checked against every balance. A crash at any instruction is settled at the
//! next start by asking the chain. A fill is never invented, and nothing is traded while one is unknown.

/// What time it is.
pub mod clock;
/// Which chain.
pub mod cluster;
/// Whole transactions.
pub mod compose;
/// From an order to its fill.
pub mod executor;
/// What is sold between bars.
pub mod exit;
/// What a landed transaction did.
pub mod fill;
/// What an order is decided on.
mod ground;
/// What is asked before an order.
pub mod guards;
/// What was wanted, signed and done.
pub mod journal;
/// A pool and its prices.
pub mod market;
/// What is wanted.
pub mod order;
/// An order as it would be sent.
pub mod plan;
/// What is bid for compute units.
mod priority;
/// Solana's JSON-RPC.
pub mod rpc;
/// Landed, failed or expired.
pub mod settlement;
/// The key that signs.
pub mod wallet;
