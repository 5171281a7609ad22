//! q50-engine: what happens at each bar. Pure: no files, no clock, no network, no async.
//!
//! One [`replay::replay`] loop drives a [`strategy::Strategy`] over a [`market::Market`], fills its orders at a
//! [`venue::Venue`] and reports what happened to a [`record::Recorder`]. Everything else in the project feeds this loop
//! or reads what it recorded.

pub mod bar_buffer;
mod book;
pub mod decision;
pub mod fill;
pub mod ledger;
pub mod limits;
pub mod market;
pub mod matching;
pub mod orders;
mod parties;
pub mod portfolio;
pub mod prelude;
pub mod record;
pub mod replay;
mod session;
pub mod strategy;
pub mod units;
pub mod venue;
