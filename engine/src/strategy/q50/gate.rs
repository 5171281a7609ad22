//! Which forecasts are traded: a chain of gates, each with one reason for holding.
//!
//! Order: forecast present, quantiles in order, regime known (if something depends on it), width, significance
//! (expected value or threshold), quality, tier. The first gate that refuses gives the reason.

use serde::{Deserialize, Serialize};

use super::{
    edge::{self, EvMode, TierMap},
    features::Features,
    forecast::Forecast,
    regime::{Regime, RegimeConfig},
};
use crate::{decision::Reason, market::Quantiles, strategy::side::Side, units::Fraction};

/// Threshold of the information ratio without a regime.
pub const INFO_RATIO_THRESHOLD: f64 = 1.5;

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

impl GateConfig {
    /// Whether any gate depends on the regime.
    #[must_use]
    #[inline]
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

    /// The threshold on the absolute median, where its inputs are known.
    #[must_use]
    #[inline]
    pub fn threshold(&self, forecast: &Forecast, regimes: &RegimeConfig) -> Option<f64> {
        match self.threshold {
            ThresholdSource::Published => forecast.published_threshold(),
            ThresholdSource::Adaptive => forecast.regime().zip(forecast.variance()).map(|(regime, variance)| {
                self.base_threshold.get()
                    * regimes.threshold_multiplier(regime, forecast.trending())
                    * (1.0 + 500.0 * variance)
            }),
        }
    }

    /// Tier 0 to 3 of the forecast (0 without a threshold).
    #[must_use]
    #[inline]
    pub fn tier(&self, forecast: &Forecast, regimes: &RegimeConfig) -> u8 {
        Self::tier_at(forecast, self.threshold(forecast, regimes))
    }

    pub(super) fn tier_at(forecast: &Forecast, threshold: Option<f64>) -> u8 {
        threshold.map_or(0, |threshold| edge::tier(&forecast.quantiles(), threshold))
    }

    /// Threshold of the information ratio in the present regime (1.5 without one).
    #[must_use]
    #[inline]
    pub fn info_ratio_threshold(forecast: &Forecast) -> f64 {
        forecast.regime().map_or(INFO_RATIO_THRESHOLD, RegimeConfig::info_ratio_threshold)
    }

    /// What the gates say of `forecast`: the first one that refuses names the reason.
    #[must_use]
    pub fn verdict(&self, forecast: &Forecast, regimes: &RegimeConfig, regime_required: bool) -> Verdict {
        let shape = Verdict::of(&forecast.quantiles());
        if matches!(shape, Verdict::MISSING | Verdict::CROSSED) {
            return shape;
        }
        if (regime_required || self.needs_regime()) && forecast.regime().is_none() {
            return Verdict::refused(Reason::WarmUp);
        }
        if self.max_spread.is_some_and(|max| forecast.spread() > max.get()) {
            return Verdict::refused(Reason::WideSpread);
        }
        if shape == Verdict::LEVEL {
            return shape;
        }
        match self.significance {
            Significance::ExpectedValue => {
                let significant =
                    forecast.expected_value(self.ev_mode).is_some_and(|value| value > self.min_expected_value.get());
                if !significant {
                    return Verdict::refused(Reason::NotSignificant);
                }
            }
            Significance::Threshold => match self.threshold(forecast, regimes) {
                None => return Verdict::refused(Reason::NoSignal),
                Some(threshold) if forecast.strength() < threshold => return Verdict::refused(Reason::BelowThreshold),
                Some(_) => {}
            },
        }
        let high_quality = || forecast.info_ratio().is_some_and(|ratio| ratio > Self::info_ratio_threshold(forecast));
        if self.require_high_quality && !high_quality() {
            return Verdict::refused(Reason::LowQuality);
        }
        if self.tier(forecast, regimes) < self.min_tier {
            return Verdict::refused(Reason::LowTier);
        }
        shape
    }

    /// [`GateConfig::verdict`] of every row at once, gate by gate in their order: a row keeps its first refusal.
    #[must_use]
    pub fn verdicts(
        &self,
        features: &Features,
        regime: &[Option<Regime>],
        regimes: &RegimeConfig,
        regime_required: bool,
    ) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = features.shapes().to_vec();
        let forecast = |t: usize| features.forecast(t).in_regime(regime[t]);
        if regime_required || self.needs_regime() {
            for (verdict, regime) in verdicts.iter_mut().zip(regime) {
                if regime.is_none() && !matches!(*verdict, Verdict::MISSING | Verdict::CROSSED) {
                    *verdict = Verdict::refused(Reason::WarmUp);
                }
            }
        }
        if let Some(max) = self.max_spread {
            for (t, verdict) in verdicts.iter_mut().enumerate() {
                if (verdict.passes() || *verdict == Verdict::LEVEL) && forecast(t).spread() > max.get() {
                    *verdict = Verdict::refused(Reason::WideSpread);
                }
            }
        }
        match self.significance {
            Significance::ExpectedValue => {
                let least = self.min_expected_value.get();
                for (verdict, &value) in verdicts.iter_mut().zip(features.expected_values(self.ev_mode)) {
                    // An unknown value is not above anything.
                    let significant = value > least;
                    verdict.refuse(!significant, Reason::NotSignificant);
                }
            }
            Significance::Threshold => {
                for (t, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.passes()) {
                    let threshold = self.threshold(&forecast(t), regimes);
                    verdict.refuse(threshold.is_none(), Reason::NoSignal);
                    verdict.refuse(threshold.is_some_and(|t0| forecast(t).strength() < t0), Reason::BelowThreshold);
                }
            }
        }
        if self.require_high_quality {
            for (t, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.passes()) {
                let row = forecast(t);
                let high = row.info_ratio().is_some_and(|ratio| ratio > Self::info_ratio_threshold(&row));
                verdict.refuse(!high, Reason::LowQuality);
            }
        }
        if self.min_tier > 0 {
            for (t, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.passes()) {
                verdict.refuse(self.tier(&forecast(t), regimes) < self.min_tier, Reason::LowTier);
            }
        }
        verdicts
    }
}

/// What the gates say of one row, in one byte: a sweep asks every row of every set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verdict(u8);

/// A [`Verdict`] spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Buy.
    Long,
    /// Sell, or sell short.
    Short,
    /// There is no forecast.
    Missing,
    /// Hold, for this reason.
    Refused(Reason),
}

impl Verdict {
    /// Buy.
    pub const LONG: Self = Self(u8::MAX);
    /// Sell, or sell short.
    pub const SHORT: Self = Self(u8::MAX - 1);
    /// There is no forecast.
    pub const MISSING: Self = Self(u8::MAX - 2);
    /// A median of zero, which points nowhere.
    const LEVEL: Self = Self::refused(Reason::Neutral);
    const CROSSED: Self = Self::refused(Reason::CrossedQuantiles);

    /// Hold, for this reason.
    #[must_use]
    pub const fn refused(reason: Reason) -> Self {
        Self(reason as u8)
    }

    /// What the quantiles alone say.
    pub(super) fn of(q: &Quantiles) -> Self {
        if q.q10.is_nan() || q.q50.is_nan() || q.q90.is_nan() {
            return Self::MISSING;
        }
        match (q.cross(), edge::direction(q)) {
            (true, _) => Self::CROSSED,
            (false, None) => Self::LEVEL,
            (false, Some(Side::Long)) => Self::LONG,
            (false, Some(Side::Short)) => Self::SHORT,
        }
    }

    /// The verdict spelled out.
    #[must_use]
    #[inline]
    pub fn answer(self) -> Answer {
        match self {
            Self::LONG => Answer::Long,
            Self::SHORT => Answer::Short,
            Self::MISSING => Answer::Missing,
            Self(code) => Answer::Refused(Reason::ALL[usize::from(code)]),
        }
    }

    /// Every verdict by its code; codes that are none are the first refusal.
    pub(super) fn table(f: impl Fn(Answer) -> u8) -> [u8; 256] {
        std::array::from_fn(|code| {
            let verdict = Self(code as u8);
            let known = code < Reason::COUNT || verdict.0 >= Self::MISSING.0;
            f(if known { verdict.answer() } else { Answer::Refused(Reason::Neutral) })
        })
    }

    /// Position in a [`Verdict::table`].
    #[inline]
    pub(super) fn code(self) -> usize {
        usize::from(self.0)
    }

    #[inline]
    fn passes(self) -> bool {
        self.0 >= Self::SHORT.0
    }

    /// Without a branch: whether a forecast is refused cannot be predicted.
    #[inline]
    fn refuse(&mut self, refuse: bool, reason: Reason) {
        self.0 = std::hint::select_unpredictable(self.passes() & refuse, reason as u8, self.0);
    }

    /// The side to trade, or the reason for holding.
    ///
    /// # Errors
    /// The reason for holding.
    pub fn side(self) -> Result<Side, Reason> {
        match self.answer() {
            Answer::Long => Ok(Side::Long),
            Answer::Short => Ok(Side::Short),
            Answer::Missing => Err(Reason::NoSignal),
            Answer::Refused(reason) => Err(reason),
        }
    }
}

impl std::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.answer().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn features(q10: f64, q50: f64, q90: f64) -> Features {
        Features::of_forecasts(&[Quantiles { q10, q50, q90 }], &[2e-5], &[0.001])
    }

    #[inline]
    fn verdict(config: &GateConfig, features: &Features) -> Result<Side, Reason> {
        in_regime(config, features, Some(Regime::Medium))
    }

    fn in_regime(config: &GateConfig, features: &Features, regime: Option<Regime>) -> Result<Side, Reason> {
        config.verdicts(features, &[regime], &RegimeConfig::default(), false)[0].side()
    }

    const STRONG: [f64; 3] = [-0.004, 0.004, 0.012];

    #[test]
    fn each_gate_refuses_with_its_own_reason() {
        let [q10, q50, q90] = STRONG;
        let good = features(q10, q50, q90);
        let base = GateConfig::default();
        assert_eq!(verdict(&base, &good), Ok(Side::Long));
        assert_eq!(verdict(&base, &features(-0.01, 0.0, 0.01)), Err(Reason::Neutral));
        assert_eq!(verdict(&base, &features(-0.01, 0.0001, 0.01)), Err(Reason::NotSignificant));
        let narrow = GateConfig { max_spread: Some(Fraction::new(0.01)), ..base };
        assert_eq!(verdict(&narrow, &good), Err(Reason::WideSpread));
        let threshold = GateConfig { significance: Significance::Threshold, ..base };
        assert_eq!(verdict(&threshold, &features(-0.01, 0.0004, 0.02)), Err(Reason::BelowThreshold));
        let quality = GateConfig { require_high_quality: true, ..base };
        assert_eq!(verdict(&quality, &good), Err(Reason::LowQuality));
        let tiered = GateConfig { min_tier: 3, base_threshold: Fraction::new(0.0045), ..base };
        assert_eq!(verdict(&tiered, &good), Err(Reason::LowTier));
    }

    #[test]
    fn at_a_bound_the_expected_value_is_refused_and_the_median_and_the_width_pass() {
        let [q10, q50, q90] = STRONG;
        let good = features(q10, q50, q90);
        let forecast = good.forecast(0).in_regime(Some(Regime::Medium));
        let base = GateConfig::default();
        let value = forecast.expected_value(EvMode::Symmetric).unwrap();
        let least = |value| GateConfig { min_expected_value: Fraction::new(value), ..base };
        assert_eq!(verdict(&least(value), &good), Err(Reason::NotSignificant));
        assert_eq!(verdict(&least(value.next_down()), &good), Ok(Side::Long));

        let published = GateConfig {
            significance: Significance::Threshold,
            threshold: ThresholdSource::Published,
            ..GateConfig::default()
        };
        let asking = |threshold| Features::of_forecasts(&[Quantiles { q10, q50, q90 }], &[2e-5], &[threshold]);
        assert_eq!(verdict(&published, &asking(q50)), Ok(Side::Long));
        assert_eq!(verdict(&published, &asking(q50.next_up())), Err(Reason::BelowThreshold));

        let widest = |width| GateConfig { max_spread: Some(Fraction::new(width)), ..base };
        assert_eq!(verdict(&widest(forecast.spread()), &good), Ok(Side::Long));
        assert_eq!(verdict(&widest(forecast.spread().next_down()), &good), Err(Reason::WideSpread));
    }

    #[test]
    fn a_forecast_is_of_high_quality_above_the_ratio_and_not_at_it() {
        // The median over the floor of 0.001 is the ratio: 1.5 is the threshold of a medium regime.
        let quality =
            GateConfig { require_high_quality: true, min_expected_value: Fraction::ZERO, ..GateConfig::default() };
        let narrow = |q50: f64| Features::of_forecasts(&[Quantiles { q10: q50, q50, q90: q50 }], &[0.0], &[f64::NAN]);
        assert_eq!(narrow(0.0015).forecast(0).info_ratio(), Some(1.5));
        assert_eq!(verdict(&quality, &narrow(0.0015)), Err(Reason::LowQuality));
        assert_eq!(verdict(&quality, &narrow(0.0016)), Ok(Side::Long));
    }

    #[test]
    fn the_regime_is_asked_for_only_where_something_depends_on_it() {
        let [q10, q50, q90] = STRONG;
        let good = features(q10, q50, q90);
        assert_eq!(in_regime(&GateConfig::default(), &good, None), Ok(Side::Long));
        let adaptive = GateConfig { significance: Significance::Threshold, ..GateConfig::default() };
        assert_eq!(in_regime(&adaptive, &good, None), Err(Reason::WarmUp));
        let published = GateConfig { threshold: ThresholdSource::Published, ..adaptive };
        assert_eq!(in_regime(&published, &good, None), Ok(Side::Long));
    }

    #[test]
    fn the_adaptive_threshold_by_hand() {
        let wild = Features::of_forecasts(&[Quantiles { q10: -0.01, q50: 0.001, q90: 0.01 }], &[1e-4], &[f64::NAN]);
        let forecast = wild.forecast(0).in_regime(Some(Regime::Extreme));
        let threshold = GateConfig::default().threshold(&forecast, &RegimeConfig::default()).unwrap();
        assert!((threshold - 0.0005 * 1.8 * 1.05).abs() < 1e-18);
        assert_eq!(GateConfig::default().tier(&forecast, &RegimeConfig::default()), 3);
    }

    #[test]
    fn the_legacy_value_lets_fewer_shorts_through() {
        let down = features(-0.006, -0.002, 0.004);
        assert_eq!(verdict(&GateConfig::default(), &down), Ok(Side::Short));
        let legacy = GateConfig { ev_mode: EvMode::Legacy, ..GateConfig::default() };
        assert_eq!(verdict(&legacy, &down), Err(Reason::NotSignificant));
    }
}
