//! The numbers of the Q50 settings: ranges, words, and what reads each of them.

use super::{
    Q50Config, SellRule,
    gate::{Significance, ThresholdSource},
    regime::Percentiles,
};
use crate::{
    strategy::{
        parameters::{Bearing, Declaration, Parameter, Range, declared},
        sizing::{self, Method},
    },
    units::Fraction,
};

/// The numbers of `config`.
pub(super) fn parameters(config: &Q50Config) -> Vec<Parameter> {
    [declared(DECLARATIONS, config), sizing::parameters(&config.sizing)].concat()
}

impl Q50Config {
    /// Whether the adaptive threshold on the median is read: by a gate, or through tiers by a sizing method.
    fn reads_adaptive_threshold(&self) -> bool {
        let gate = &self.gate;
        let read = gate.significance == Significance::Threshold || gate.min_tier > 0 || self.sizing.method.reads_tier();
        read && gate.threshold == ThresholdSource::Adaptive
    }

    fn reads_size_multiplier(&self) -> bool {
        self.sizing.by_regime || self.sell == SellRule::Partial
    }

    fn reads_regime(&self) -> bool {
        let by_method = matches!(
            self.sizing.method,
            Method::ValidatedKelly | Method::VolRawKelly | Method::InverseVarianceStrength
        );
        self.reads_adaptive_threshold() || self.reads_size_multiplier() || self.gate.require_high_quality || by_method
    }
}

fn share(value: Fraction) -> Option<f64> {
    Some(value.get())
}

fn set(value: Option<Fraction>) -> Option<f64> {
    value.map(Fraction::get)
}

const ALWAYS: fn(&Q50Config) -> Bearing = |_| Bearing::Everywhere;

const fn threshold_adjustment(
    path: &'static str,
    words: &'static str,
    value: fn(&Q50Config) -> Option<f64>,
) -> Declaration<Q50Config> {
    let bearing = |c: &Q50Config| Bearing::when(c.reads_adaptive_threshold());
    Declaration { path, range: Range::FINITE, words, value, bearing }
}

const fn size_multiplier(
    path: &'static str,
    words: &'static str,
    value: fn(&Q50Config) -> Option<f64>,
) -> Declaration<Q50Config> {
    let bearing = |c: &Q50Config| Bearing::when(c.reads_size_multiplier());
    Declaration { path, range: Range::NOT_NEGATIVE, words, value, bearing }
}

const DECLARATIONS: &[Declaration<Q50Config>] = &[
    Declaration {
        path: "gate.min_expected_value",
        range: Range::FRACTION,
        words: "the expected value must exceed this, a fraction of the price",
        value: |c| share(c.gate.min_expected_value),
        bearing: |c| Bearing::when(c.gate.significance == Significance::ExpectedValue),
    },
    Declaration {
        path: "gate.base_threshold",
        range: Range::FRACTION,
        words: "the adaptive threshold on the median in a medium regime without variance",
        value: |c| share(c.gate.base_threshold),
        bearing: |c| Bearing::when(c.reads_adaptive_threshold()),
    },
    Declaration {
        path: "gate.min_tier",
        range: Range::whole(0, 3),
        words: "lowest tier that is traded",
        value: |c| Some(c.gate.min_tier.into()),
        bearing: |c| Bearing::when(c.gate.min_tier > 0),
    },
    Declaration {
        path: "gate.max_spread",
        range: Range::FRACTION,
        words: "widest forecast that is traded",
        value: |c| set(c.gate.max_spread),
        bearing: ALWAYS,
    },
    Declaration {
        path: "regime.window",
        range: Range::whole(1, u32::MAX),
        words: "bars of the window that percentiles are taken from",
        value: |c| Some(c.regime.window as f64),
        bearing: |c| Bearing::when(c.reads_regime() && c.regime.percentiles == Percentiles::Causal),
    },
    Declaration {
        path: "regime.min_observations",
        range: Range::whole(1, u32::MAX),
        words: "observations below which there is no percentile",
        value: |c| Some(c.regime.min_observations as f64),
        bearing: |c| Bearing::when(c.reads_regime()),
    },
    threshold_adjustment("regime.threshold_adjustment.low", "change of the threshold in the low regime", |c| {
        Some(c.regime.threshold_adjustment.low)
    }),
    threshold_adjustment("regime.threshold_adjustment.medium", "change of the threshold in the medium regime", |c| {
        Some(c.regime.threshold_adjustment.medium)
    }),
    threshold_adjustment("regime.threshold_adjustment.high", "change of the threshold in the high regime", |c| {
        Some(c.regime.threshold_adjustment.high)
    }),
    threshold_adjustment("regime.threshold_adjustment.extreme", "change of the threshold in the extreme regime", |c| {
        Some(c.regime.threshold_adjustment.extreme)
    }),
    threshold_adjustment("regime.trending_adjustment", "its further change while volatility moves", |c| {
        Some(c.regime.trending_adjustment)
    }),
    size_multiplier("regime.size_multiplier.low", "multiplier of the size in the low regime", |c| {
        Some(c.regime.size_multiplier.low)
    }),
    size_multiplier("regime.size_multiplier.medium", "multiplier of the size in the medium regime", |c| {
        Some(c.regime.size_multiplier.medium)
    }),
    size_multiplier("regime.size_multiplier.high", "multiplier of the size in the high regime", |c| {
        Some(c.regime.size_multiplier.high)
    }),
    size_multiplier("regime.size_multiplier.extreme", "multiplier of the size in the extreme regime", |c| {
        Some(c.regime.size_multiplier.extreme)
    }),
];
