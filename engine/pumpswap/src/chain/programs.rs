//! Addresses that are the same for everyone.
//!
//! Source: the program's documentation; mainnet and devnet share them.

use super::address::Address;

/// PumpSwap, the AMM.
pub const PUMP_AMM: Address = Address::from_base58("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA");
/// The bonding curve, from which coins graduate into pools.
pub const PUMP: Address = Address::from_base58("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P");
/// The fees program, which owns the fee schedules.
pub const PUMP_FEES: Address = Address::from_base58("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ");
/// The mayhem program.
pub const MAYHEM: Address = Address::from_base58("MAyhSmzXzV1pTf7LsNkrNwkWKTo4ougAJ1PPg47MD4e");

/// The system program.
pub const SYSTEM: Address = Address::ZERO;
/// SPL Token.
pub const TOKEN: Address = Address::from_base58("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022: Address = Address::from_base58("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// The associated token account program.
pub const ASSOCIATED_TOKEN: Address = Address::from_base58("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// Wrapped SOL, 9 decimals.
pub const WSOL_MINT: Address = Address::from_base58("So11111111111111111111111111111111111111112");
/// Wrapped SOL of Token-2022, 9 decimals.
pub const WSOL_2022_MINT: Address = Address::from_base58("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP");
/// USDC, 6 decimals.
pub const USDC_MINT: Address = Address::from_base58("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");

/// The program's global configuration; derived from `["global_config"]`.
pub const GLOBAL_CONFIG: Address = Address::from_base58("ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw");
/// Signs the program's events; derived from `["__event_authority"]`.
pub const EVENT_AUTHORITY: Address = Address::from_base58("GS4CU59F31iL7aR2Q8zVS8DRrcRnXX1yjQ66TqNVQnaR");
/// Counts everybody's volume; derived from `["global_volume_accumulator"]`.
pub const GLOBAL_VOLUME_ACCUMULATOR: Address = Address::from_base58("C2aFPdENg4A2HQsmrd5rTw5TaYBX5Ku887cWjbFKtZpw");
/// The fee schedules; derived from `["fee_config", PUMP_AMM]` under the fees program.
pub const FEE_CONFIG: Address = Address::from_base58("5PHirr8joyTMp9JMm6nW7hNDVyEYdkzDqazxPD7RaTjx");
