//! q50-research: what a record supports. Statistics, the trial ledger, claims and their verdicts, reports.

/// What a published trade ledger earned, and what in it could not have happened.
pub mod audit;
/// How often the verdict errs.
pub mod calibration;
/// Tests that find strategies which use the future.
pub mod causality;
/// Claims and what the record says about them.
pub mod claim;
/// What a Sharpe ratio supports.
pub mod inference;
/// Descriptive statistics of a return series.
pub mod metrics;
/// The report of a verification as one HTML file.
pub mod report;
/// What each closed position earned.
pub mod round_trips;
/// The only way to a replay outside the engine.
pub mod run;
/// All statistics of one series.
pub mod statistics;
/// The ledger that every replay passes through.
pub mod trials;
