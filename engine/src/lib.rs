//! q50-engine: what happens at each bar. Pure: no files, no clock, no network, no async.
//!
//! One [`replay::replay`] loop drives a [`strategy::Strategy`] over a [`market::Market`], fills its orders at a
//! [`venue::Venue`] and tells a [`record::Recorder`] what happened. Everything else in the project feeds this loop or
//! reads what it recorded.

/// PumpSwap's integer arithmetic, exact to the lamport.
pub mod amm;
/// Orders, holds and their reasons.
pub mod decision;
/// Cash and position as a fold over fills.
pub mod ledger;
/// Bars and forecasts as columns, and what of them is known at a bar.
pub mod market;
/// What a replay remembers.
pub mod record;
/// The loop.
pub mod replay;
/// Limits that no strategy can trade around.
pub mod risk;
/// Trading rules.
pub mod strategy;
/// Numbers with units.
pub mod units;
/// Where orders are filled.
pub mod venue;
