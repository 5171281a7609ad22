//! PumpSwap on Solana.
