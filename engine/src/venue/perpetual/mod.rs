//! A perpetual future: margin, funding, liquidation, slippage.
//!
//! Each rule of its cash is one file and pure: [`margin`] keeps wallet and position, [`tiers`] says what a position is held
//! to, [`slippage`] what an order loses to the market, [`fees`] what a fill costs. [`contract`] is what is recorded beside the
//! bars, and [`venue`] brings all of them into the loop.

pub mod contract;
pub mod fees;
pub mod margin;
pub mod scenario;
pub mod slippage;
pub mod tiers;
pub mod venue;

pub use contract::{Contract, ContractError, FundingRate, MarkDeviations, Marks, Settlement};
pub use fees::Role;
pub use margin::{InsufficientMargin, Maintenance, MaintenanceOn, MarginAccount};
pub use slippage::{Activity, Slippage};
pub use tiers::{Tier, TierError, Tiers};
pub use venue::{Funding, Perpetual, PerpetualConfig};
