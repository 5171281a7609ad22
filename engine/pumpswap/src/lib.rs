//! q50-pumpswap: all that is known of PumpSwap, without a network.
//!
//! [`amm`] is the program's arithmetic; [`chain`] has its addresses, accounts, events and instructions; [`quote`] answers
//! requests, and the audits lay recorded swaps and accounts beside our own.

/// Account dumps: reading, decoding, showing.
pub mod account_dump;
pub mod amm;
mod bps;
pub mod chain;
/// Exact quotes as JSON lines.
pub mod quote;
/// Recorded swaps against our own arithmetic.
pub mod swap_audit;

pub use bps::Bps;
