//! q50-research: what a record supports. Statistics, the trial ledger, claims and their verdicts, reports.

pub mod annualisation;
pub mod audit;
pub mod basket;
pub mod calibration;
mod canonical;
pub mod capacity;
pub mod causality;
pub mod claim;
pub mod foresight;
pub mod foresight_calibration;
pub mod inference;
pub mod lookahead;
pub mod metrics;
pub mod monitor;
pub mod overfit;
pub mod parameters;
pub mod program;
pub mod report;
pub mod reserves;
pub mod round_trips;
pub mod run;
mod settings;
pub mod spec;
pub mod statistics;
pub mod sweep;
pub mod sweep_calibration;
pub mod trials;
