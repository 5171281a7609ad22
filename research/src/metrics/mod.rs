//! Descriptive statistics of a return series, one metric per file.
//!
//! Everything works on plain slices `&[f64]` of simple returns per period (0.01 is one per cent), in time order,
//! unless a function says otherwise. Clean a record with [`Sample`] first: the metrics refuse
//! NaN and infinities.
//!
//! * Fractions are fractions: a drawdown of 0.12 is twelve per cent, and positive.
//! * The annualisation factor is always an argument, never a guess from timestamps.
//! * The risk-free rate is zero. For excess returns, subtract it before calling.
//! * A metric without a value is an [`Undefined`] with its reason, never 0, NaN or an infinity.

/// Compound growth a year.
pub mod cagr;
/// Growth a year for each unit of the deepest fall.
pub mod calmar;
/// The deepest fall from a peak, and the longest time under water.
pub mod drawdown;
/// How much of the equity stood in the market, and how often.
pub mod exposure;
/// Every fall from a peak, the deepest first.
pub mod falls;
/// Share of outcomes that were gains.
pub mod hit_rate;
/// Returns as a straight line of a benchmark's.
pub mod market_model;
/// Mean, variance, skewness and kurtosis.
pub mod moments;
/// Gains for each unit of losses.
pub mod profit_factor;
/// Dropping and counting what is missing.
pub mod sample;
/// Mean return for each unit of deviation.
pub mod sharpe;
/// Mean return for each unit of downside deviation.
pub mod sortino;
/// Sums that do not lose small terms.
pub mod sum;
/// What a bad period costs.
pub mod tail_risk;
/// Growth over the whole record.
pub mod total_return;
/// How many times the equity was traded.
pub mod turnover;
/// Why a statistic has no value.
pub mod undefined;
/// Deviation of returns, a year.
pub mod volatility;

pub use cagr::cagr;
pub use calmar::calmar;
pub use drawdown::{Drawdown, max_drawdown, max_drawdown_of_equity};
pub use exposure::{exposure, time_in_market};
pub use falls::{Fall, falls};
pub use hit_rate::hit_rate;
pub use market_model::{MarketModel, market_model};
pub use moments::{
    CentralMoments, Ddof, kurtosis_biased, kurtosis_unbiased, mean, skewness_biased, skewness_unbiased,
    standard_deviation, variance,
};
pub use profit_factor::profit_factor;
pub use sample::Sample;
pub use sharpe::{per_period_sharpe, sharpe};
pub use sortino::sortino;
pub use tail_risk::{TailRisk, tail_risk};
pub use total_return::total_return;
pub use turnover::turnover;
pub use undefined::Undefined;
pub use volatility::volatility;
