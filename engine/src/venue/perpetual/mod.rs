//! A perpetual future: margin, funding, liquidation, slippage.
//!
//! Each rule of its cash is one file and pure: [`margin`] keeps wallet and position, [`tiers`] says what a position is held
//! to, [`slippage`] what an order loses to the market, [`fees`] what a fill costs.

pub mod fees;
pub mod margin;
pub mod scenario;
pub mod slippage;
pub mod tiers;

pub use fees::Role;
pub use margin::{InsufficientMargin, Maintenance, MaintenanceOn, MarginAccount};
pub use slippage::{Activity, Slippage};
pub use tiers::{Tier, TierError, Tiers};
