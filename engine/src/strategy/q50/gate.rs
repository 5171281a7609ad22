//! Which forecasts are traded: a chain of gates, each with one reason for holding.
//!
//! Order: quantiles in order, regime known (where something depends on it), width, significance (expected value or
//! threshold), quality, tier. The first gate that refuses names the reason.

use serde::{Deserialize, Serialize};

use super::{
    edge::{self, EvMode, TierMap},
    regime::{Regime, RegimeConfig},
};
use crate::{decision::Reason, market::Quantiles, strategy::side::Side, units::Fraction};

/// What makes a forecast significant. The published record follows two rules, one a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Significance {
    /// The expected value exceeds `min_expected_value`.
    #[default]
    ExpectedValue,
    /// The absolute median reaches the threshold.
    Threshold,
}

/// Where the threshold on the absolute median comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdSource {
    /// `base_threshold` x regime multiplier x (1 + 500 x variance).
    #[default]
    Adaptive,
    /// The producer's own column `signal_thresh`.
    Published,
}

/// Settings of the gate chain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// What makes a forecast significant.
    pub significance: Significance,
    /// How a short's expected value is computed.
    pub ev_mode: EvMode,
    /// The expected value must exceed this, a fraction of the price (5 basis points as published).
    pub min_expected_value: Fraction,
    /// Where the threshold on the absolute median comes from.
    pub threshold: ThresholdSource,
    /// The adaptive threshold in a medium regime without variance.
    pub base_threshold: Fraction,
    /// Whether the information ratio must exceed its threshold. It never does on the real record.
    pub require_high_quality: bool,
    /// Lowest tier (0 to 3) that is traded.
    pub min_tier: u8,
    /// Widest forecast that is traded, a fraction.
    pub max_spread: Option<Fraction>,
    /// How tiers become confidence.
    pub tier_map: TierMap,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            significance: Significance::ExpectedValue,
            ev_mode: EvMode::Symmetric,
            min_expected_value: Fraction::new(0.0005),
            threshold: ThresholdSource::Adaptive,
            base_threshold: Fraction::new(0.0005),
            require_high_quality: false,
            min_tier: 0,
            max_spread: None,
            tier_map: TierMap::Fixed,
        }
    }
}

/// What the gates are asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The forecast quantiles.
    pub quantiles: Quantiles,
    /// Variance of recent returns, per bar.
    pub variance: Option<f64>,
    /// Variance regime.
    pub regime: Option<Regime>,
    /// Whether volatility moved by more than 0.1 since the last bar.
    pub trending: bool,
    /// The producer's threshold.
    pub published_threshold: Option<f64>,
}

/// A forecast with everything that was derived from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assessment {
    /// Probability of a positive return.
    pub prob_up: f64,
    /// Expected value in the direction of the median.
    pub expected_value: Option<f64>,
    /// Enhanced information ratio; none without a variance.
    pub info_ratio: Option<f64>,
    /// Its threshold in the present regime (1.5 without one).
    pub info_ratio_threshold: f64,
    /// Threshold on the absolute median.
    pub threshold: Option<f64>,
    /// Tier 0 to 3 (0 without a threshold).
    pub tier: u8,
    /// The side to trade, or the gate that refused.
    pub verdict: Result<Side, Reason>,
}

impl GateConfig {
    /// Whether any gate depends on the regime.
    #[must_use]
    pub fn needs_regime(&self) -> bool {
        let threshold_used = self.significance == Significance::Threshold || self.min_tier > 0;
        self.require_high_quality || (threshold_used && self.threshold == ThresholdSource::Adaptive)
    }

    /// Whether any gate reads the producer's column `signal_thresh`.
    #[must_use]
    pub fn needs_published_threshold(&self) -> bool {
        let threshold_used = self.significance == Significance::Threshold || self.min_tier > 0;
        threshold_used && self.threshold == ThresholdSource::Published
    }

    /// Runs the chain. `regime_required` adds the regime to the gates because something after them depends on it.
    #[must_use]
    pub fn assess(&self, forecast: &Forecast, regimes: &RegimeConfig, regime_required: bool) -> Assessment {
        let q = &forecast.quantiles;
        let prob_up = edge::prob_up(q);
        let direction = edge::direction(q);
        let threshold = match self.threshold {
            ThresholdSource::Published => forecast.published_threshold,
            ThresholdSource::Adaptive => forecast.regime.zip(forecast.variance).map(|(regime, variance)| {
                self.base_threshold.get()
                    * regimes.threshold_multiplier(regime, forecast.trending)
                    * (1.0 + 500.0 * variance)
            }),
        };
        let mut assessment = Assessment {
            prob_up,
            expected_value: direction.map(|side| edge::expected_value(q, prob_up, side, self.ev_mode)),
            info_ratio: forecast.variance.map(|variance| edge::info_ratio(q, variance)),
            info_ratio_threshold: forecast.regime.map_or(1.5, RegimeConfig::info_ratio_threshold),
            threshold,
            tier: threshold.map_or(0, |threshold| edge::tier(q, threshold)),
            verdict: Err(Reason::Neutral),
        };
        let regime_required = regime_required || self.needs_regime();
        assessment.verdict = self.verdict(forecast, &assessment, direction, regime_required);
        assessment
    }

    fn verdict(
        &self,
        forecast: &Forecast,
        assessment: &Assessment,
        direction: Option<Side>,
        regime_required: bool,
    ) -> Result<Side, Reason> {
        let q = &forecast.quantiles;
        if regime_required && forecast.regime.is_none() {
            return Err(Reason::WarmUp);
        }
        if self.max_spread.is_some_and(|max| edge::spread(q) > max.get()) {
            return Err(Reason::WideSpread);
        }
        let side = direction.ok_or(Reason::Neutral)?;
        match self.significance {
            Significance::ExpectedValue => {
                if !assessment.expected_value.is_some_and(|ev| ev > self.min_expected_value.get()) {
                    return Err(Reason::NotSignificant);
                }
            }
            Significance::Threshold => {
                let threshold = assessment.threshold.ok_or(Reason::NoSignal)?;
                if q.q50.abs() < threshold {
                    return Err(Reason::BelowThreshold);
                }
            }
        }
        if self.require_high_quality && !assessment.info_ratio.is_some_and(|r| r > assessment.info_ratio_threshold) {
            return Err(Reason::LowQuality);
        }
        if assessment.tier < self.min_tier {
            return Err(Reason::LowTier);
        }
        Ok(side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(q10: f64, q50: f64, q90: f64) -> Forecast {
        Forecast {
            quantiles: Quantiles { q10, q50, q90 },
            variance: Some(2e-5),
            regime: Some(Regime::Medium),
            trending: false,
            published_threshold: Some(0.001),
        }
    }

    fn verdict(config: &GateConfig, forecast: &Forecast) -> Result<Side, Reason> {
        config.assess(forecast, &RegimeConfig::default(), false).verdict
    }

    const STRONG: [f64; 3] = [-0.004, 0.004, 0.012];

    #[test]
    fn each_gate_refuses_with_its_own_reason() {
        let [q10, q50, q90] = STRONG;
        let good = forecast(q10, q50, q90);
        let base = GateConfig::default();
        assert_eq!(verdict(&base, &good), Ok(Side::Long));
        assert_eq!(verdict(&base, &forecast(-0.01, 0.0, 0.01)), Err(Reason::Neutral));
        assert_eq!(verdict(&base, &forecast(-0.01, 0.0001, 0.01)), Err(Reason::NotSignificant));
        let narrow = GateConfig { max_spread: Some(Fraction::new(0.01)), ..base };
        assert_eq!(verdict(&narrow, &good), Err(Reason::WideSpread));
        let threshold = GateConfig { significance: Significance::Threshold, ..base };
        assert_eq!(verdict(&threshold, &forecast(-0.01, 0.0004, 0.02)), Err(Reason::BelowThreshold));
        let quality = GateConfig { require_high_quality: true, ..base };
        assert_eq!(verdict(&quality, &good), Err(Reason::LowQuality));
        let tiered = GateConfig { min_tier: 3, base_threshold: Fraction::new(0.0045), ..base };
        assert_eq!(verdict(&tiered, &good), Err(Reason::LowTier));
    }

    #[test]
    fn the_regime_is_asked_for_only_where_something_depends_on_it() {
        let [q10, q50, q90] = STRONG;
        let cold = Forecast { regime: None, ..forecast(q10, q50, q90) };
        assert_eq!(verdict(&GateConfig::default(), &cold), Ok(Side::Long));
        let adaptive = GateConfig { significance: Significance::Threshold, ..GateConfig::default() };
        assert_eq!(verdict(&adaptive, &cold), Err(Reason::WarmUp));
        let published = GateConfig { threshold: ThresholdSource::Published, ..adaptive };
        assert_eq!(verdict(&published, &cold), Ok(Side::Long));
    }

    #[test]
    fn the_adaptive_threshold_by_hand() {
        let wild = Forecast { regime: Some(Regime::Extreme), variance: Some(1e-4), ..forecast(-0.01, 0.001, 0.01) };
        let assessment = GateConfig::default().assess(&wild, &RegimeConfig::default(), false);
        assert!((assessment.threshold.unwrap() - 0.0005 * 1.8 * 1.05).abs() < 1e-18);
        assert_eq!(assessment.tier, 3);
    }

    #[test]
    fn the_legacy_value_lets_fewer_shorts_through() {
        let down = forecast(-0.006, -0.002, 0.004);
        assert_eq!(verdict(&GateConfig::default(), &down), Ok(Side::Short));
        let legacy = GateConfig { ev_mode: EvMode::Legacy, ..GateConfig::default() };
        assert_eq!(verdict(&legacy, &down), Err(Reason::NotSignificant));
    }
}
