//! PumpSwap and the fees program as their vendor compiled them, embedded, so that anything built with this crate runs
//! them without a file or a network.
//!
//! Source: crate `pump-rust-client` 0.5.0 (MIT), folder `artifacts`, checked by SHA-256 when this crate is built. There
//! is no proof that these are the bytes deployed on mainnet today.

/// PumpSwap, an ELF for the Solana virtual machine.
pub const PUMP_AMM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pump_amm.so"));
/// The fees program, which PumpSwap's first instructions call; an ELF for the Solana virtual machine.
pub const PUMP_FEES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pump_fees.so"));
