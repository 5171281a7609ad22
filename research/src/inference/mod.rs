//! What a Sharpe ratio supports: tests and intervals that say how much of it is luck.
//!
//! * [`probabilistic_sharpe`](crate::inference::probabilistic_sharpe()),
//!   [`deflated_sharpe`](crate::inference::deflated_sharpe()),
//!   [`min_track_record`](crate::inference::min_track_record()) and
//!   [`min_backtest_length`](crate::inference::min_backtest_length()): closed forms, on a
//!   [`SharpeEstimate`] that carries the per-period ratio with the skewness, kurtosis
//!   and length it came with.
//! * [`StationaryBootstrap`]: intervals by resampling blocks, which keeps the
//!   autocorrelation that the closed forms assume away, and pairs two strategies bar by bar.
//! * [`Cscv`], [`PredictiveAbilityTest`] and [`effective_trials`](crate::inference::effective_trials()): what is left
//!   of the best of many sets once the search is accounted for.
//! * [`claimed_interval`](crate::inference::claimed_interval()): what is left to say of a ratio that comes without its
//!   returns.
//!
//! Sharpe ratios are per period wherever the type says [`PerPeriodSharpe`](q50_engine::units::PerPeriodSharpe);
//! probabilities run from 0 to 1. A quantity without a value is an [`Undefined`](crate::metrics::Undefined).

/// Probability that the best of many sets is below their median out of sample.
pub mod backtest_overfitting;
/// Mean block length for the bootstrap.
pub mod block_length;
/// Interval for a Sharpe ratio known only as a figure.
pub mod claimed_interval;
/// Sharpe ratio against the best of many trials.
pub mod deflated_sharpe;
/// What serial dependence takes from a record.
pub mod dependence;
/// How many different trials many similar ones amount to.
pub mod effective_trials;
/// Length below which the best of many trials proves nothing.
pub mod min_backtest_length;
/// Length that a Sharpe ratio needs to be significant.
pub mod min_track_record;
/// The standard normal distribution.
pub mod normal;
/// Probability that the true Sharpe ratio is above a benchmark.
pub mod probabilistic_sharpe;
/// How often something happens, from how often it was seen.
pub mod share_interval;
/// Difference of two Sharpe ratios, resampled in pairs.
pub mod sharpe_difference;
/// Resampling in blocks of random length.
pub mod stationary_bootstrap;
/// Whether the best of many sets is better than a benchmark.
pub mod superior_predictive_ability;

mod bootstrap_variance;
mod resample;

pub use backtest_overfitting::{BacktestOverfitting, BlockSums, Cscv};
pub use block_length::{OptimalBlockLength, optimal_block_length};
pub use claimed_interval::{ClaimedInterval, claimed_interval};
pub use deflated_sharpe::{
    DeflatedSharpe, TrialVariance, VarianceSource, deflated_sharpe, expected_maximum_sharpe, expected_maximum_z,
};
pub use dependence::variance_inflation;
pub use effective_trials::{EffectiveTrials, effective_trials};
pub use min_backtest_length::min_backtest_length;
pub use min_track_record::min_track_record;
pub use probabilistic_sharpe::{Moments, SharpeEstimate, probabilistic_sharpe};
pub use share_interval::share_interval;
pub use sharpe_difference::SharpeDifference;
pub use stationary_bootstrap::{MeanBlock, SharpeInterval, StationaryBootstrap};
pub use superior_predictive_ability::{
    Maxima, PValues, PredictiveAbility, PredictiveAbilityTest, Resampling, median_block,
};
