//! What the figures support: of the replay, and of the claim by itself.

use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};
use serde::Serialize;

use super::{file::Claim, judge::CONFIDENCE};
use crate::{
    inference::{
        SharpeEstimate, StationaryBootstrap, TrialVariance, claimed_interval, deflated_sharpe, expected_maximum_sharpe,
        min_track_record, probabilistic_sharpe, variance_inflation,
    },
    metrics::Undefined,
    trials::{Spread, SpreadSource, Tried},
};

/// What the replay's figures support.
#[derive(Clone, Debug, Serialize)]
pub struct Inference {
    /// Probability that the true Sharpe ratio is above 0, with returns taken as independent (PSR).
    pub psr_zero: Option<f64>,
    /// How much serial dependence inflates the variance of the Sharpe ratio, at least 1.
    pub variance_inflation: Option<f64>,
    /// Standard error of the annual Sharpe ratio, dependence included: that of `dsr` and `min_track_record_years`.
    pub sharpe_standard_error: Option<f64>,
    /// Probability that it is above the best of the trials, dependence included.
    pub dsr: Option<f64>,
    /// Trials deflated for.
    pub trials: u64,
    /// Published runs of the market that somebody let count no longer (`q50 trials forget`).
    pub forgotten_trials: u64,
    /// Effective number of independent trials, where a sweep has clustered the return series of its sets. It is shown
    /// and not judged by: the clusters are those of one sweep.
    pub effective_trials: Option<u64>,
    /// `dsr` for that number.
    pub dsr_effective_trials: Option<f64>,
    /// Variance of the trials' per-period Sharpe ratios.
    pub trial_variance: Option<f64>,
    /// Where that variance comes from.
    pub trial_variance_source: &'static str,
    /// Annual Sharpe ratio that the best of the trials would show without skill.
    pub noise_maximum: Option<f64>,
    /// Years that a Sharpe ratio of this size needs.
    pub min_track_record_years: Option<f64>,
    /// Stationary bootstrap, percentiles.
    pub sharpe_ci95: Option<[f64; 2]>,
    /// Mean block of the bootstrap, bars.
    pub mean_block: Option<f64>,
    /// Annual Sharpe ratio less that of holding.
    pub holding_difference: Option<f64>,
    /// Its 95 % interval, resampled in pairs.
    pub holding_difference_ci95: Option<[f64; 2]>,
    /// One-sided p value of "no better than holding".
    pub holding_p_value: Option<f64>,
}

/// What the claimed figure supports on its own, without any replay.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimInference {
    /// Probability that the true Sharpe ratio is above 0.
    pub psr_zero: Option<f64>,
    /// Probability that it is above [`Inference::noise_maximum`].
    pub dsr: Option<f64>,
    /// The same at the variance of comparable published trials.
    pub dsr_published_variance: Option<f64>,
    /// The same at the variance of skill-less trials, 1 / (T - 1).
    pub dsr_null_variance: Option<f64>,
    /// Interval of Lo (2002).
    pub sharpe_ci95: Option<[f64; 2]>,
    /// Years that a Sharpe ratio of this size needs.
    pub min_track_record_years: Option<f64>,
    /// Years that the claim covers.
    pub years: f64,
}

pub(super) fn inference(
    year: PeriodsPerYear,
    bootstrap: &StationaryBootstrap,
    estimate: &Result<SharpeEstimate, Undefined>,
    returns: &[f64],
    held: &[f64],
    tried: &Tried,
) -> Inference {
    let Tried { trials, variance, effective, forgotten } = *tried;
    let annual = |sharpe: PerPeriodSharpe| sharpe.annual(year).get();
    let estimate = estimate.as_ref().ok();
    let inflation = variance_inflation(returns).ok();
    // What is judged is worth as many independent returns; and so is a trial without skill on the same record.
    let discounted = estimate.zip(inflation).map(|(estimate, inflation)| estimate.discounted(inflation));
    let worth = discounted.map_or(returns.len(), |estimate| estimate.n);
    let spread = Spread::of(worth, variance).ok();
    let variance = spread.map(|spread| spread.variance);
    let dsr_at = |trials| discounted.as_ref().zip(variance).and_then(|(e, v)| deflated_sharpe(e, trials, v).ok());
    let (interval, difference) =
        rayon::join(|| bootstrap.sharpe(returns, year).ok(), || bootstrap.sharpe_difference(returns, held, year).ok());
    let zero = PerPeriodSharpe::new(0.0);
    Inference {
        psr_zero: estimate.and_then(|e| probabilistic_sharpe(e, zero).ok()),
        dsr: dsr_at(trials).map(|d| d.probability),
        effective_trials: effective,
        dsr_effective_trials: effective.and_then(dsr_at).map(|d| d.probability),
        trials,
        forgotten_trials: forgotten,
        trial_variance: variance.map(TrialVariance::value),
        trial_variance_source: spread.map_or(SpreadSource::WithoutSkill, |spread| spread.source).name(),
        noise_maximum: variance.and_then(|v| expected_maximum_sharpe(trials, v).ok()).map(annual),
        min_track_record_years: estimate
            .zip(inflation)
            .and_then(|(e, inflation)| Some((min_track_record(e, zero, CONFIDENCE).ok()? - 1.0) * inflation + 1.0))
            .map(|n| n / year.get()),
        variance_inflation: inflation,
        sharpe_standard_error: discounted
            .and_then(|e| Some((e.variance_factor().ok()? / e.n.checked_sub(1)? as f64).sqrt()))
            .map(|error| annual(PerPeriodSharpe::new(error))),
        sharpe_ci95: interval.map(|i| [i.low.get(), i.high.get()]),
        mean_block: interval.map(|i| i.mean_block),
        holding_difference: difference.map(|d| d.estimate.get()),
        holding_difference_ci95: difference.map(|d| [d.low.get(), d.high.get()]),
        holding_p_value: difference.map(|d| d.p_value),
    }
}

pub(super) fn claim_inference(claim: &Claim, replay: &Inference) -> ClaimInference {
    let year = claim.periods_per_year;
    let estimate = SharpeEstimate::normal(claim.sharpe.per_period(year), claim.bars);
    let interval = claimed_interval(claim.sharpe, claim.bars, year).ok();
    let null = TrialVariance::under_null(claim.bars).ok();
    let measured = TrialVariance::measured(&claim.comparable_trials(year)).ok();
    let dsr = |v: Option<TrialVariance>| {
        v.and_then(|v| deflated_sharpe(&estimate, replay.trials, v).ok()).map(|d| d.probability)
    };
    let best = replay.noise_maximum.map(|best| AnnualSharpe::new(best).per_period(year));
    ClaimInference {
        psr_zero: interval.map(|i| i.psr_zero),
        dsr: best.and_then(|best| probabilistic_sharpe(&estimate, best).ok()),
        dsr_published_variance: dsr(measured),
        dsr_null_variance: dsr(null),
        sharpe_ci95: interval.map(|i| [i.low.get(), i.high.get()]),
        min_track_record_years: min_track_record(&estimate, PerPeriodSharpe::new(0.0), CONFIDENCE)
            .ok()
            .map(|n| n / year.get()),
        years: claim.bars as f64 / year.get(),
    }
}
