use super::block_length::optimal_block_length;
use super::bootstrap_variance::bootstrap_variance;
use super::probabilistic_sharpe::SharpeEstimate;
use crate::metrics::{CentralMoments, Undefined};

/// How much serial dependence inflates the variance of a Sharpe ratio, at least 1: the long-run variance of its influence
/// function over the variance. Smoothed, stale or overlapping returns carry less than they count.
///
/// Independent returns give 1 but for noise; AR(1) returns with coefficient a tend to (1 + a)/(1 - a), returns that
/// repeat k times to k. An estimate below 1 counts as 1: that negative autocorrelation makes a record worth more than its
/// length is not believed.
///
/// Source: A. Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58(4), 2002, the non-IID case (its
/// equation 15 in the form of O. Ledoit and M. Wolf, Journal of Empirical Finance 15(5), 2008, section 3.1); the long-run
/// variance is the flat-top estimate of D. Politis and J. Romano, "Bias-Corrected Nonparametric Spectral Estimation",
/// Journal of Time Series Analysis 16(1), 1995, over the lags of [`optimal_block_length`].
///
/// # Errors
/// Those of [`optimal_block_length`]: fewer than eight returns, or none that vary.
pub fn variance_inflation(returns: &[f64]) -> Result<f64, Undefined> {
    Ok(optimal_block_length(&influence(returns)?)?.long_run.max(1.0))
}

/// What each return contributes to the ratio's error: z - SR/2 (z^2 - 1) with z the standardised return. Its mean is 0 and
/// its variance [`SharpeEstimate::variance_factor`].
pub(super) fn influence(returns: &[f64]) -> Result<Vec<f64>, Undefined> {
    let CentralMoments { n, mean, second, .. } = CentralMoments::of_two(returns)?;
    if second == 0.0 {
        return Err(Undefined::NoVariance { n });
    }
    let (deviation, half) = (second.sqrt(), mean / second.sqrt() / 2.0);
    Ok(returns
        .iter()
        .map(|value| {
            let z = (value - mean) / deviation;
            z - half * (z * z - 1.0)
        })
        .collect())
}

/// Factor by which draws of blocks of mean length `mean_block` scatter too little around a statistic with this influence
/// function: the root of the long-run variance over the variance of the bootstrap, at least 1. 1 where there is no
/// long-run variance to compare with.
///
/// Blocks cut dependence at their ends, so that resamples of positively dependent series vary too little, the more the
/// shorter the series (Politis and White 2004, theorem 3.1: the bias is of the order of 1 / block).
pub(super) fn widening(influence: &[f64], mean_block: f64) -> f64 {
    let Ok(length) = optimal_block_length(influence) else { return 1.0 };
    let variance = influence.iter().map(|value| value * value).sum::<f64>() / influence.len() as f64;
    let drawn = bootstrap_variance(influence, mean_block) / variance;
    let factor = (length.long_run / drawn).sqrt();
    if factor.is_finite() { factor.max(1.0) } else { 1.0 }
}

impl SharpeEstimate {
    /// The same ratio with as many observations as it is worth where dependence inflates its variance by `inflation`: the
    /// effective sample size. Formulas that take returns as independent hold for it.
    #[must_use]
    pub fn discounted(self, inflation: f64) -> Self {
        let beyond_one = self.n.saturating_sub(1) as f64 / inflation;
        Self { n: self.n.min(1) + beyond_one as usize, ..self }
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::units::PerPeriodSharpe;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::inference::{Moments, normal};
    use crate::metrics::{Ddof, mean, variance};

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| normal::quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    fn mean_inflation(series: impl Fn(u64) -> Vec<f64>) -> f64 {
        (0..40).map(|seed| variance_inflation(&series(seed)).unwrap()).sum::<f64>() / 40.0
    }

    fn autoregression(a: f64, seed: u64) -> Vec<f64> {
        let mut values = noise(4_000, seed);
        for row in 1..values.len() {
            values[row] += a * values[row - 1];
        }
        values
    }

    fn repeated(times: usize, seed: u64) -> Vec<f64> {
        noise(4_000 / times, seed).into_iter().flat_map(|value| std::iter::repeat_n(value, times)).collect()
    }

    #[test]
    fn inflation_is_that_of_the_process() {
        for (name, got, expected) in [
            ("independent", mean_inflation(|seed| noise(4_000, seed)), 1.0),
            ("AR(1) of 0.5", mean_inflation(|seed| autoregression(0.5, seed)), 3.0),
            ("each value eight times", mean_inflation(|seed| repeated(8, seed)), 8.0),
            ("AR(1) of -0.5 is not believed", mean_inflation(|seed| autoregression(-0.5, seed)), 1.0),
        ] {
            assert!((got / expected - 1.0).abs() < 0.1, "{name}: {got}, expected {expected}");
        }
    }

    #[test]
    fn the_influence_function_has_the_variance_of_the_paper() {
        // Gains of a lottery: skewed, and a ratio that is not small.
        let returns: Vec<f64> =
            (0..400).map(|row| if row % 4 == 0 { 3.0 } else { -0.5 + 0.001 * f64::from(row % 7) }).collect();
        let estimate = SharpeEstimate::from_returns(&returns, Moments::Unbiased).unwrap();
        let biased = SharpeEstimate::from_returns(&returns, Moments::Paper).unwrap();
        let exact = SharpeEstimate { skewness: biased.skewness, kurtosis: biased.kurtosis, ..estimate };
        let influence = influence(&returns).unwrap();
        let got = variance(&influence, Ddof::Zero).unwrap();
        assert!((got - exact.variance_factor().unwrap()).abs() < 1e-12, "{got}");
        assert!(mean(&influence).unwrap().abs() < 1e-12);
    }

    #[test]
    fn a_ratio_of_dependent_returns_is_worth_fewer_of_them() {
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.1), 301);
        assert_eq!(estimate.discounted(3.0).n, 101);
        assert_eq!(estimate.discounted(1.0), estimate);
        assert_eq!(SharpeEstimate { n: 0, ..estimate }.discounted(2.0).n, 0);
    }

    #[test]
    fn blocks_that_are_too_short_are_made_up_for() {
        let values = repeated(8, 1);
        assert!(widening(&influence(&values).unwrap(), 1.0) > 2.0, "single rows carry none of the dependence");
        assert!(widening(&influence(&noise(4_000, 1)).unwrap(), 1.0) < 1.1);
    }
}
