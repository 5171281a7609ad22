//! What a forecast is worth: probability, expected value, information ratio.
//!
//! The formulas are those of the published Q50 signal (training pipeline of qlib_trading_v2, August 2025), except
//! where a published one is wrong; then the right one is the default and the published one is named `Legacy`.

use serde::{Deserialize, Serialize};

use crate::{market::Quantiles, strategy::side::Side};

/// How the expected value of a short position is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvMode {
    /// A short gains where the price falls: its win has probability `1 - prob_up`.
    #[default]
    Symmetric,
    /// As published: every gain is weighted with `prob_up`, a short's too.
    Legacy,
}

/// Probability that the return is positive: one minus the piecewise linear distribution through the quantiles at 0.
///
/// Beyond the outer quantiles the published rule jumps to 0 or 1, so that the range is {0}, [0.1, 0.9], {1}.
#[must_use]
pub fn prob_up(q: &Quantiles) -> f64 {
    if q.q90 <= 0.0 {
        0.0
    } else if q.q10 >= 0.0 {
        1.0
    } else if q.q50 >= 0.0 {
        1.0 - (0.10 + 0.40 * (-q.q10) / (q.q50 - q.q10))
    } else {
        1.0 - (0.50 + 0.40 * (-q.q50) / (q.q90 - q.q50))
    }
}

/// Width of the forecast, `q90 - q10`.
#[must_use]
pub fn spread(q: &Quantiles) -> f64 {
    q.q90 - q.q10
}

/// Variance of the forecast: the square of half its width.
#[must_use]
pub fn prediction_variance(q: &Quantiles) -> f64 {
    (spread(q) / 2.0).powi(2)
}

/// The direction of the median; none at exactly zero.
#[must_use]
pub fn direction(q: &Quantiles) -> Option<Side> {
    if q.q50 > 0.0 {
        Some(Side::Long)
    } else if q.q50 < 0.0 {
        Some(Side::Short)
    } else {
        None
    }
}

/// Expected return of a position in the direction `side`, a fraction, costs not deducted.
///
/// Symmetric: a long wins `q90` with `prob_up` and loses `-q10` otherwise; a short wins `-q10` with `1 - prob_up` and
/// loses `q90` otherwise. Legacy: gain and loss are `q90` and `|q10|` by the sign of the median, and `prob_up`
/// weights the gain on both sides.
#[must_use]
pub fn expected_value(q: &Quantiles, prob_up: f64, side: Side, mode: EvMode) -> f64 {
    let (p_win, gain, loss) = match (mode, side) {
        (EvMode::Symmetric, Side::Long) => (prob_up, q.q90, -q.q10),
        (EvMode::Symmetric, Side::Short) => (1.0 - prob_up, -q.q10, q.q90),
        (EvMode::Legacy, Side::Long) => (prob_up, q.q90, q.q10.abs()),
        (EvMode::Legacy, Side::Short) => (prob_up, q.q10.abs(), q.q90),
    };
    p_win * gain - (1.0 - p_win) * loss
}

/// Enhanced information ratio: `|q50| / max(sqrt(market variance + prediction variance), 0.001)`.
#[must_use]
pub fn info_ratio(q: &Quantiles, market_variance: f64) -> f64 {
    q.q50.abs() / (market_variance + prediction_variance(q)).sqrt().max(0.001)
}

/// Tier of the signal: 3 at or above the threshold, 2 from 80 % of it, 1 from 60 %, else 0.
#[must_use]
pub fn tier(q: &Quantiles, threshold: f64) -> u8 {
    let strength = q.q50.abs();
    if strength >= threshold {
        3
    } else if strength >= 0.8 * threshold {
        2
    } else if strength >= 0.6 * threshold {
        1
    } else {
        0
    }
}

/// How a tier becomes the confidence (3 to 10) that some sizers take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierMap {
    /// The strongest tier has the highest confidence.
    #[default]
    Fixed,
    /// As published, inverted: the strongest tier has the lowest confidence.
    Legacy,
}

impl TierMap {
    /// Confidence of `tier` (0 to 3), from 3 to 10.
    #[must_use]
    pub fn confidence(self, tier: u8) -> f64 {
        let rank = match self {
            Self::Fixed => tier.min(3),
            Self::Legacy => 3 - tier.min(3),
        };
        [3.0, 5.0, 7.0, 10.0][usize::from(rank)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn q(q10: f64, q50: f64, q90: f64) -> Quantiles {
        Quantiles { q10, q50, q90 }
    }

    #[test]
    fn prob_up_is_one_minus_the_distribution_at_zero() {
        assert_eq!(prob_up(&q(-0.03, 0.0, 0.02)), 0.5);
        assert_eq!(prob_up(&q(-0.01, 0.01, 0.03)), 1.0 - (0.10 + 0.40 * 0.5));
        assert_eq!(prob_up(&q(-0.03, -0.01, 0.01)), 1.0 - (0.50 + 0.40 * 0.5));
        assert_eq!(prob_up(&q(-0.03, -0.02, -0.01)), 0.0);
        assert_eq!(prob_up(&q(0.01, 0.02, 0.03)), 1.0);
    }

    #[test]
    fn expected_value_by_hand() {
        let forecast = q(-0.01, 0.004, 0.02);
        assert!((expected_value(&forecast, 0.6, Side::Long, EvMode::Symmetric) - 0.008).abs() < 1e-15);
        let down = q(-0.02, -0.004, 0.01);
        assert!((expected_value(&down, 0.4, Side::Short, EvMode::Symmetric) - 0.008).abs() < 1e-15);
        assert!(
            (expected_value(&down, 0.4, Side::Short, EvMode::Legacy) - 0.002).abs() < 1e-15,
            "0.4 x 0.02 - 0.6 x 0.01"
        );
    }

    #[test]
    fn info_ratio_by_hand() {
        assert!((info_ratio(&q(-0.03, 0.01, 0.05), 0.0009) - 0.2).abs() < 1e-12, "0.01 / sqrt(0.0009 + 0.0016)");
        assert_eq!(info_ratio(&q(0.0, 0.0005, 0.0), 0.0), 0.5, "the floor of 0.001 bounds the ratio");
    }

    #[test]
    fn tiers_have_closed_lower_edges_and_the_legacy_map_is_inverted() {
        assert_eq!([1.0, 0.8, 0.6, 0.59].map(|s| tier(&q(-1.0, s, 1.0), 1.0)), [3, 2, 1, 0]);
        assert_eq!([3, 2, 1, 0].map(|t| TierMap::Fixed.confidence(t)), [10.0, 7.0, 5.0, 3.0]);
        assert_eq!([3, 2, 1, 0].map(|t| TierMap::Legacy.confidence(t)), [3.0, 5.0, 7.0, 10.0]);
    }

    proptest! {
        #[test]
        fn mirroring_a_forecast_flips_the_side_and_keeps_the_value(
            a in -0.1_f64..0.1, b in -0.1_f64..0.1, c in -0.1_f64..0.1, p in 0.0_f64..1.0,
        ) {
            let mut sorted = [a, b, c];
            sorted.sort_by(f64::total_cmp);
            let forecast = q(sorted[0], sorted[1], sorted[2]);
            let mirror = q(-sorted[2], -sorted[1], -sorted[0]);
            let long = expected_value(&forecast, p, Side::Long, EvMode::Symmetric);
            let short = expected_value(&mirror, 1.0 - p, Side::Short, EvMode::Symmetric);
            prop_assert!((long - short).abs() < 1e-15);
            prop_assert!((prob_up(&forecast) + prob_up(&mirror) - 1.0).abs() < 1e-9 || forecast.q50 == 0.0);
        }

        #[test]
        fn prob_up_is_a_probability(a in -0.1_f64..0.1, b in -0.1_f64..0.1, c in -0.1_f64..0.1) {
            let mut sorted = [a, b, c];
            sorted.sort_by(f64::total_cmp);
            let p = prob_up(&q(sorted[0], sorted[1], sorted[2]));
            prop_assert!((0.0..=1.0).contains(&p));
        }
    }
}
