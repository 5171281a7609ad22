//! PumpSwap on Solana.

/// Account dumps: reading, decoding, showing.
pub mod account_dump;
/// PumpSwap: addresses, accounts, events and instructions.
pub mod pumpswap;
/// Exact quotes as JSON lines.
pub mod quote;
/// Recorded swaps against our own arithmetic.
pub mod swap_audit;
