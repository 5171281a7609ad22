//! PumpSwap on Solana: addresses, accounts, events and instructions, without a network and without Anchor.
//!
//! The program's accounts grew over the years by fields at their end. They are read here as the program reads them:
//! data that ends early is zero from there on, bytes beyond the known fields are ignored, and no length is asserted but
//! the oldest one. Instructions are encoded with the exact account lists, in the exact order, with the exact flags.
//!
//! ```
//! use q50_pumpswap::chain::{Address, pda, programs};
//!
//! let mint: Address = "7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump".parse()?;
//! let pool = pda::canonical_pool(&mint, &programs::WSOL_MINT);
//! assert_eq!(pool.to_string(), "GseMAnNDvntR5uFePZ51yZBXzNSn7GdFPkfHwfr6d77J");
//! # Ok::<(), q50_pumpswap::chain::AddressError>(())
//! ```
//!
//! Source: the PumpSwap program's public documentation and interface description, checked byte for byte against the
//! vendor's own client (SDK 1.20.0).

/// The accounts that price a trade.
mod accounts;
/// The 32-byte name of an account.
mod address;
/// What the program prints about a trade.
mod events;
/// One instruction: program, accounts, data.
mod instruction;
/// Account data, as the programs lay it out.
pub mod layout;
/// Depositing and withdrawing.
mod liquidity;
/// Derived addresses.
pub mod pda;
/// Addresses that are the same for everyone.
pub mod programs;
/// Little-endian fields, zero where the data has ended.
mod reader;
/// A swap executed again from its own event.
mod replay;
/// Buying and selling.
mod swap_encoder;
/// Token accounts: creating, wrapping, closing.
pub mod token;
/// Whole transactions: the trade and what has to stand around it.
mod transaction;

pub use accounts::{FeeConfigAccount, GlobalConfig, Pool};
pub use address::{Address, AddressError};
pub use events::{CreatorFees, LiquidityEvent, LiquidityKind, ProgramEvent, SwapEvent};
pub use instruction::{Access, AccountMeta, Instruction};
pub use liquidity::Liquidity;
pub use pda::PoolKeys;
pub use reader::DecodeError;
pub use replay::ReplayError;
pub use swap_encoder::{FeeAccounts, Presence, SwapEncoder, VolumeTracking};
pub use transaction::{Composer, TokenAccountState, TokenAccounts};
