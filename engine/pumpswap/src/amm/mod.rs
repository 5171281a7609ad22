//! PumpSwap's integer arithmetic, exact to the lamport.
//!
//! The pool is a constant product `E x B`: `B` is the base vault and `E` the *effective* quote reserve, the quote vault
//! plus the pool's signed virtual reserves. A trade is priced on the curve, and the LP, protocol and creator fees are
//! each rounded up on the quote that crosses it. Rates come from the market capitalisation *before* the trade.
//!
//! ```
//! use q50_pumpswap::amm::{AmmConfig, Order, PoolState, Version};
//!
//! // A pool shortly after graduation: 206.9 million tokens (6 decimals) against 84.99 SOL.
//! let pool = PoolState::new(206_900_000_000_000, 84_990_359_078);
//! let swap = pool.swap(&AmmConfig::default(), Version::V1, Order::buy(1_000_000_000_000))?;
//! assert_eq!(swap.raw_quote, 412_774_935); // 0.4128 SOL for a million tokens on the curve, rounded up
//! assert_eq!(swap.user_quote, 417_934_622); // and 125 bps of fees, rounded up one by one
//! assert_eq!(swap.after.quote_vault, 85_403_216_568); // the LP fee stays
//! # Ok::<(), q50_pumpswap::amm::AmmError>(())
//! ```
//!
//! Everything is `u64` and `u128`: no floats, no allocation, and no input that panics. An order that the program would
//! refuse is an [`AmmError`] with the program's own number and name; where several apply, the program's own order
//! decides.
//!
//! Source of all rules: the PumpSwap program as its vendor compiled it (crate `pump-rust-client` 0.5.0), its public
//! documentation, and the events it printed on mainnet. The order of the checks was read off the compiled program.
//!
//! Amounts are plain `u64` in the smallest unit of their mint, and their names say of which (`base_`, `quote_`): a quote
//! may be lamports, but on a USDC pool it is not. Rates and bounds are [`Bps`](crate::Bps).

/// What one trade is charged.
mod charges;
/// The constant product and its two roundings.
mod curve;
/// Failures, by the program's own number and name.
mod error;
/// Fee schedules, tiers, and the rounding of one fee.
mod fees;
/// Inverse questions: the largest trade within a bound, the size for a share of the reserve.
mod limits;
/// Depositing into a pool and withdrawing from it.
mod liquidity;
/// What to trade.
mod order;
/// The state of a pool and the program's configuration.
mod pool;
/// The default fee tables, as read from mainnet.
mod schedule;
/// The limit that an order carries, from a quote and a tolerance.
mod slippage;
/// Buying and selling.
mod swap;

pub use charges::Fees;
pub use error::AmmError;
pub use fees::{FeeConfig, FeeRates, FeeTier, FeeTiers};
pub use limits::{Impact, SellForQuote};
pub use liquidity::LiquidityChange;
pub use order::{Order, Side, Version};
pub use pool::{AmmConfig, DisabledInstructions, PoolOrigin, PoolState, QuoteMint};
pub use slippage::{max_in, min_out};
pub use swap::Swap;

/// Basis points in a whole.
pub const BPS: u64 = 10_000;

/// Supply that prices a mayhem pool in place of the mint's own, in base units (10^9 tokens of 6 decimals).
pub const MAYHEM_SUPPLY: u64 = 1_000_000_000_000_000;
