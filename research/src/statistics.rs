//! Every statistic of one return series at once: what `q50 stats` prints.

use std::collections::BTreeMap;

use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};
use serde::Serialize;

use crate::{
    inference::{
        Moments, SharpeEstimate, StationaryBootstrap, TrialVariance, deflated_sharpe, min_track_record,
        probabilistic_sharpe,
    },
    metrics::{self, Ddof, Sample, Undefined},
};

/// What the statistics are measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// How many returns make a year.
    pub periods: PeriodsPerYear,
    /// Benchmark of PSR and of the track record, per period.
    pub benchmark: PerPeriodSharpe,
    /// Variants that were tried; `None`: no deflation is asked for, and DSR is that of one trial.
    pub trials: Option<u64>,
    /// Variance of their per-period Sharpe ratios; `None`: that of skill-less trials.
    pub trial_variance: Option<f64>,
    /// Estimators behind PSR, DSR and the track record.
    pub moments: Moments,
}

/// Statistics of one series. What is undefined is `None`, with the reason under the same name in `undefined`.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
    /// Returns used.
    pub n: usize,
    /// Missing rows left out.
    pub dropped: usize,
    /// Annual Sharpe ratio (ddof 1).
    pub sharpe: Option<f64>,
    /// The same per period.
    pub sharpe_per_period: Option<f64>,
    /// Annual Sortino ratio.
    pub sortino: Option<f64>,
    /// CAGR over maximum drawdown.
    pub calmar: Option<f64>,
    /// Compound growth a year, a fraction.
    pub cagr: Option<f64>,
    /// Growth over the whole series, a fraction.
    pub total_return: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Periods of the longest time under water.
    pub max_drawdown_length: Option<usize>,
    /// Annual standard deviation, a fraction.
    pub volatility: Option<f64>,
    /// Skewness, biased (m3 / m2^1.5).
    pub skew: Option<f64>,
    /// Kurtosis, biased and not in excess (m4 / m2^2).
    pub kurtosis: Option<f64>,
    /// Skewness, unbiased.
    pub skew_unbiased: Option<f64>,
    /// Kurtosis, unbiased and not in excess.
    pub kurtosis_unbiased: Option<f64>,
    /// Share of returns above 0 among those that are not 0.
    pub hit_rate: Option<f64>,
    /// Gains for each unit of losses.
    pub profit_factor: Option<f64>,
    /// Probability that the true Sharpe ratio is above the benchmark.
    pub psr: Option<f64>,
    /// Probability that it is above the best of the trials.
    pub dsr: Option<f64>,
    /// Returns that a Sharpe ratio of this size needs to be above the benchmark at 95 %.
    pub min_track_record: Option<f64>,
    /// Stationary bootstrap of the annual Sharpe ratio, percentiles.
    pub sharpe_ci95: Option<[f64; 2]>,
    /// Estimators behind PSR, DSR and the track record: `paper` or `unbiased`.
    pub moments: &'static str,
    /// Why a statistic has no value.
    pub undefined: BTreeMap<&'static str, String>,
}

/// Collects values, and reasons where there are none.
#[derive(Default)]
struct Reasons(BTreeMap<&'static str, String>);

impl Reasons {
    fn keep<T>(&mut self, name: &'static str, value: Result<T, Undefined>) -> Option<T> {
        value.map_err(|why| self.0.insert(name, why.to_string())).ok()
    }
}

/// All statistics of `rows`, a return each, `NaN` where one is missing.
///
/// # Errors
/// A return is infinite.
pub fn statistics(rows: &[f64], request: &Request) -> Result<Statistics, Undefined> {
    let sample = Sample::clean(rows)?;
    let (returns, year) = (sample.values(), request.periods);
    let mut why = Reasons::default();
    let drawdown = why.keep("max_drawdown", metrics::max_drawdown(returns));
    if let Some(reason) = why.0.get("max_drawdown").cloned() {
        why.0.insert("max_drawdown_length", reason);
    }
    let estimate = SharpeEstimate::from_returns(returns, request.moments);
    let psr = estimate.and_then(|e| probabilistic_sharpe(&e, request.benchmark));
    let dsr = estimate.and_then(|e| {
        let variance = match request.trial_variance {
            Some(variance) => TrialVariance::given(variance)?,
            None => TrialVariance::under_null(e.n)?,
        };
        deflated_sharpe(&e, request.trials.unwrap_or(1), variance).map(|d| d.probability)
    });
    let track = estimate.and_then(|e| min_track_record(&e, request.benchmark, 0.95));
    let interval = StationaryBootstrap::default().sharpe(returns, year);
    Ok(Statistics {
        n: sample.n(),
        dropped: sample.dropped(),
        sharpe: why.keep("sharpe", metrics::sharpe(returns, year)).map(AnnualSharpe::get),
        sharpe_per_period: why
            .keep("sharpe_per_period", metrics::per_period_sharpe(returns, Ddof::One))
            .map(PerPeriodSharpe::get),
        sortino: why.keep("sortino", metrics::sortino(returns, year)),
        calmar: why.keep("calmar", metrics::calmar(returns, year)),
        cagr: why.keep("cagr", metrics::cagr(returns, year)),
        total_return: why.keep("total_return", metrics::total_return(returns)),
        max_drawdown: drawdown.as_ref().map(|d| d.depth),
        max_drawdown_length: drawdown.map(|d| d.longest),
        volatility: why.keep("volatility", metrics::volatility(returns, year)),
        skew: why.keep("skew", metrics::skewness_biased(returns)),
        kurtosis: why.keep("kurtosis", metrics::kurtosis_biased(returns)),
        skew_unbiased: why.keep("skew_unbiased", metrics::skewness_unbiased(returns)),
        kurtosis_unbiased: why.keep("kurtosis_unbiased", metrics::kurtosis_unbiased(returns)),
        hit_rate: why.keep("hit_rate", metrics::hit_rate(returns)),
        profit_factor: why.keep("profit_factor", metrics::profit_factor(returns)),
        psr: why.keep("psr", psr),
        dsr: why.keep("dsr", dsr),
        min_track_record: why.keep("min_track_record", track),
        sharpe_ci95: why.keep("sharpe_ci95", interval).map(|i| [i.low.get(), i.high.get()]),
        moments: match request.moments {
            Moments::Paper => "paper",
            Moments::Unbiased => "unbiased",
        },
        undefined: why.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            periods: PeriodsPerYear::new(365.0),
            benchmark: PerPeriodSharpe::new(0.0),
            trials: None,
            trial_variance: None,
            moments: Moments::Paper,
        }
    }

    #[test]
    fn what_is_undefined_has_a_reason_under_its_own_name() {
        let constant = statistics(&[0.001; 50], &request()).unwrap();
        assert_eq!((constant.sharpe, constant.psr, constant.volatility), (None, None, Some(0.0)));
        for name in ["sharpe", "psr", "dsr", "skew", "sharpe_ci95"] {
            assert!(constant.undefined.contains_key(name), "{name}: {:?}", constant.undefined);
        }
        let nothing = statistics(&[], &request()).unwrap();
        assert_eq!((nothing.n, nothing.total_return), (0, None));
    }

    #[test]
    fn missing_rows_are_dropped_and_counted() {
        let result = statistics(&[0.01, f64::NAN, -0.02, 0.03], &request()).unwrap();
        assert_eq!((result.n, result.dropped), (3, 1));
        assert!((result.total_return.unwrap() - (1.01 * 0.98 * 1.03 - 1.0)).abs() < 1e-15);
    }

    #[test]
    fn one_trial_deflates_nothing() {
        let returns: Vec<f64> = (0..100).map(|i| 0.001 + 0.01 * f64::from(i % 7 - 3)).collect();
        let result = statistics(&returns, &request()).unwrap();
        assert_eq!(result.psr, result.dsr);
        let tried = statistics(&returns, &Request { trials: Some(100), ..request() }).unwrap();
        assert!(tried.dsr < tried.psr);
    }
}
