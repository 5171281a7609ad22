//! q50-pumpswap: everything known about PumpSwap, without a network.
//!
//! [`amm`] is the program's arithmetic; [`chain`] has its addresses, accounts, events and instructions; [`quote`]
//! answers requests, and the audits compare recorded swaps and accounts with our own.

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
