use crate::metrics::moments::mean;
use crate::metrics::undefined::{Undefined, check, finite, is_constant};

/// Shortest series whose autocorrelations the rule can inspect.
const SHORTEST: usize = 8;

/// Block lengths that minimise the error of a bootstrap variance, in observations. Not rounded, and below 1 where the
/// series shows no dependence: resampling takes blocks of at least 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimalBlockLength {
    /// Mean block length of the stationary bootstrap.
    pub stationary: f64,
    /// Block length of the circular block bootstrap.
    pub circular: f64,
    /// Long-run variance over variance, by the same window: 1 without dependence, not above 0 in unlucky samples of
    /// strongly negative dependence.
    pub long_run: f64,
}

/// Optimal block length for a series of at least eight values.
///
/// The number of lags is the first after which the next `max(5, floor(log10 n))` autocorrelations are all below
/// 2 sqrt(log10(n) / n); the long-run variance and its derivative come from a flat-top (trapezoidal) window of twice as
/// many lags. Same results as `optimal_block_length` of the Python package arch.
///
/// Source: D. Politis and H. White, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews
/// 23(1), 2004, with the corrected constants of A. Patton, D. Politis and H. White, Econometric Reviews
/// 28(4), 2009.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::NoVariance`] where all values are equal,
/// [`Undefined::NotRepresentable`] where the long-run variance is zero.
pub fn optimal_block_length(values: &[f64]) -> Result<OptimalBlockLength, Undefined> {
    check(values, SHORTEST)?;
    if is_constant(values) {
        return Err(Undefined::NoVariance { n: values.len() });
    }
    let n = values.len() as f64;
    let centre = mean(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| value - centre).collect();

    let (covariance, lags) = autocovariance(&deviations);
    let (mut derivative, mut long_run) = (0.0, covariance[0]);
    for (lag, &value) in covariance.iter().enumerate().take(lags + 1).skip(1) {
        let window = flat_top(lag as f64 / lags as f64);
        derivative += 2.0 * window * lag as f64 * value;
        long_run += 2.0 * window * value;
    }

    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    let length = |constant: f64| {
        let ratio = 2.0 * derivative * derivative / (constant * long_run * long_run);
        finite(ratio.cbrt() * n.cbrt()).map(|length| length.min(longest))
    };
    Ok(OptimalBlockLength {
        stationary: length(2.0)?,
        circular: length(4.0 / 3.0)?,
        long_run: long_run / covariance[0],
    })
}

/// Autocovariances (divided by n) from lag 0 to the last that the window takes, and which that is.
fn autocovariance(deviations: &[f64]) -> (Vec<f64>, usize) {
    let n = deviations.len();
    let log_n = (n as f64).log10();
    let run = 5.max(log_n as usize);
    let most = (n as f64).sqrt().ceil() as usize + run;
    let critical = 2.0 * (log_n / n as f64).sqrt();

    let mut covariance = Vec::with_capacity(most + 1);
    // The norms leave out the observation at either end, as in Politis' own code: one square less at each lag.
    let squares = dot(deviations, deviations);
    let (mut tail, mut head) = (squares, squares);
    let mut small = 0;
    let mut lags = most;
    for lag in 0..=most {
        // Beyond the lags that the window takes nothing is asked for: a lag is a pass over the series.
        if lag > lags {
            break;
        }
        let cross = dot(&deviations[lag..], &deviations[..n - lag]);
        covariance.push(cross / n as f64);
        if lags < most {
            continue;
        }
        // A run that ends at this lag was complete one lag ago: the last autocorrelation is never inspected.
        if small >= run {
            lags = (2 * (lag - run).max(1)).min(most);
            continue;
        }
        tail -= deviations.get(lag).map_or(0.0, |first| first * first);
        head -= n.checked_sub(lag + 1).map_or(0.0, |last| deviations[last] * deviations[last]);
        let correlation = cross.abs() / (tail * head).sqrt();
        small = if correlation < critical { small + 1 } else { 0 };
    }
    (covariance, lags)
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// The trapezoidal window: 1 up to a half, then down to 0 at 1.
fn flat_top(share: f64) -> f64 {
    if share <= 0.5 { 1.0 } else { 2.0 * (1.0 - share) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An autoregression x = rho x + e, with e from a small linear congruential generator, centred.
    fn autoregression(rho: f64, n: usize) -> Vec<f64> {
        let mut state = 12_345_u64;
        let mut x = 0.0;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                x = rho * x + (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                x
            })
            .collect()
    }

    #[test]
    fn dependence_asks_for_longer_blocks() {
        let loose = optimal_block_length(&autoregression(0.0, 1000)).unwrap();
        let tight = optimal_block_length(&autoregression(0.8, 1000)).unwrap();
        assert!(loose.stationary < 4.0 && tight.stationary > 10.0, "{loose:?} {tight:?}");
    }

    #[test]
    fn the_two_lengths_differ_by_the_cube_root_of_one_and_a_half() {
        let both = optimal_block_length(&autoregression(0.5, 400)).unwrap();
        assert!((both.circular / both.stationary - 1.5_f64.cbrt()).abs() < 1e-14);
    }

    #[test]
    fn no_lag_is_computed_that_the_window_does_not_take() {
        let (covariance, lags) = autocovariance(&autoregression(0.0, 100_000));
        assert!(lags < 20 && covariance.len() < 20, "{lags} lags, {} computed", covariance.len());
    }

    #[test]
    fn a_trend_is_capped() {
        let trend: Vec<f64> = (0..100).map(f64::from).collect();
        let both = optimal_block_length(&trend).unwrap();
        assert!(both.stationary <= 30.0 && both.circular <= 30.0, "{both:?}");
    }

    #[test]
    fn a_short_or_constant_series_has_none() {
        assert_eq!(optimal_block_length(&[0.1, 0.2]), Err(Undefined::TooFew { found: 2, needed: 8 }));
        assert_eq!(optimal_block_length(&[0.001; 50]), Err(Undefined::NoVariance { n: 50 }));
        assert!(optimal_block_length(&autoregression(0.0, 8)).is_ok());
    }
}
