//! PumpSwap on Solana.

/// PumpSwap: addresses, accounts, events and instructions.
pub mod pumpswap;
