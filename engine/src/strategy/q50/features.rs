//! What of the Q50 signal depends on the data alone: computed once for a market, shared by every set of a sweep.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{
    edge::{self, EvMode},
    gate::Verdict,
    regime::{Regime, RegimeConfig, RegimeKey},
    volatility,
};
use crate::market::{Market, Quantiles};

/// Bars of the average true range.
const ATR_PERIOD: usize = 14;
/// Regime columns that are kept; beyond, each set computes its own.
const REGIME_COLUMNS: usize = 64;

/// The regime of every row under one configuration.
type RegimeColumn = (RegimeKey, Arc<[Option<Regime>]>);

/// Columns of one market, a row a bar; row `t` uses the rows up to it only.
#[derive(Debug)]
pub struct Features {
    q10: Vec<f64>,
    q50: Vec<f64>,
    q90: Vec<f64>,
    /// What the quantiles say before any gate is asked.
    shapes: Vec<Verdict>,
    prob_up: Vec<f64>,
    symmetric_value: Vec<f64>,
    legacy_value: Vec<f64>,
    info_ratio: Vec<f64>,
    volatility: Vec<f64>,
    variance: Vec<f64>,
    published_threshold: Option<Vec<f64>>,
    atr: OnceLock<Vec<f64>>,
    regimes: Mutex<Vec<RegimeColumn>>,
}

impl Features {
    /// The columns of `market`; volatility and its square are computed where the source has none.
    #[must_use]
    pub fn new(market: &Market<'_>) -> Self {
        let signals = &market.signals;
        let volatility = match signals.vol_raw {
            Some(column) => column.to_vec(),
            None => volatility::vol_raw(market.close),
        };
        let variance = match signals.vol_risk {
            Some(column) => column.to_vec(),
            None => volatility.iter().map(|v| v * v).collect(),
        };
        let column = |c: Option<&[f64]>| c.map_or_else(|| vec![f64::NAN; market.len()], <[f64]>::to_vec);
        let quantiles = [signals.q10, signals.q50, signals.q90].map(column);
        Self::of_columns(quantiles, volatility, variance, signals.signal_thresh.map(<[f64]>::to_vec))
    }

    fn of_columns(
        [q10, q50, q90]: [Vec<f64>; 3],
        volatility: Vec<f64>,
        variance: Vec<f64>,
        published_threshold: Option<Vec<f64>>,
    ) -> Self {
        let rows = || (0..q50.len()).map(|t| Quantiles { q10: q10[t], q50: q50[t], q90: q90[t] });
        let prob_up: Vec<f64> = rows().map(|q| edge::prob_up(&q)).collect();
        let value = |mode: EvMode| -> Vec<f64> {
            let of = |(q, &p): (Quantiles, &f64)| {
                edge::direction(&q).map_or(f64::NAN, |side| edge::expected_value(&q, p, side, mode))
            };
            rows().zip(&prob_up).map(of).collect()
        };
        Self {
            shapes: rows().map(|q| Verdict::of(&q)).collect(),
            symmetric_value: value(EvMode::Symmetric),
            legacy_value: value(EvMode::Legacy),
            info_ratio: rows().zip(&variance).map(|(q, &variance)| edge::info_ratio(&q, variance)).collect(),
            atr: OnceLock::new(),
            regimes: Mutex::default(),
            prob_up,
            volatility,
            variance,
            published_threshold,
            q10,
            q50,
            q90,
        }
    }

    /// Features of forecasts without bars.
    #[cfg(test)]
    pub(super) fn of_forecasts(quantiles: &[Quantiles], variance: &[f64], published_threshold: &[f64]) -> Self {
        let column = |f: fn(&Quantiles) -> f64| quantiles.iter().map(f).collect();
        let columns = [column(|q| q.q10), column(|q| q.q50), column(|q| q.q90)];
        let volatility = variance.iter().map(|v| v.sqrt()).collect();
        Self::of_columns(columns, volatility, variance.to_vec(), Some(published_threshold.to_vec()))
    }

    /// Average true range as a share of the close, a row a bar.
    pub(super) fn atr(&self, market: &Market<'_>) -> &[f64] {
        self.atr.get_or_init(|| volatility::atr_share(market.high, market.low, market.close, ATR_PERIOD))
    }

    /// Average true range of row `t`, where it was asked for.
    #[inline]
    pub(super) fn atr_share(&self, t: usize) -> Option<f64> {
        self.atr.get().map(|column| column[t])
    }

    /// The regime of every row under `config`.
    #[must_use]
    pub fn regimes(&self, config: &RegimeConfig) -> Arc<[Option<Regime>]> {
        let key = config.key();
        let known =
            |columns: &[RegimeColumn]| columns.iter().find(|(k, _)| *k == key).map(|(_, column)| Arc::clone(column));
        // Computed under the lock: the other threads want the same column.
        let mut columns = self.regimes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = known(&columns) {
            return column;
        }
        let column: Arc<[Option<Regime>]> = config.classify(&self.variance).into();
        if columns.len() < REGIME_COLUMNS {
            columns.push((key, Arc::clone(&column)));
        }
        column
    }

    /// The forecast of row `t` in `regime`.
    #[must_use]
    #[inline]
    pub fn forecast(&self, t: usize, regime: Option<Regime>) -> Forecast<'_> {
        Forecast { features: self, t, regime }
    }

    /// What the quantiles of each row say before any gate is asked.
    #[must_use]
    pub fn shapes(&self) -> &[Verdict] {
        &self.shapes
    }

    /// Expected value of each row in the direction of the median; `NaN` where there is none.
    #[must_use]
    #[inline]
    pub fn expected_values(&self, mode: EvMode) -> &[f64] {
        match mode {
            EvMode::Symmetric => &self.symmetric_value,
            EvMode::Legacy => &self.legacy_value,
        }
    }
}

/// One row of the features, with its regime.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    features: &'a Features,
    t: usize,
    regime: Option<Regime>,
}

impl Forecast<'_> {
    /// The forecast quantiles.
    #[must_use]
    #[inline]
    pub fn quantiles(&self) -> Quantiles {
        let Features { q10, q50, q90, .. } = self.features;
        Quantiles { q10: q10[self.t], q50: q50[self.t], q90: q90[self.t] }
    }

    /// Absolute median, a fraction.
    #[must_use]
    #[inline]
    pub fn strength(&self) -> f64 {
        self.features.q50[self.t].abs()
    }

    /// Width, a fraction.
    #[must_use]
    #[inline]
    pub fn spread(&self) -> f64 {
        self.features.q90[self.t] - self.features.q10[self.t]
    }

    /// Probability of a positive return.
    #[must_use]
    #[inline]
    pub fn prob_up(&self) -> f64 {
        self.features.prob_up[self.t]
    }

    /// Expected value in the direction of the median; none where it is zero.
    #[must_use]
    #[inline]
    pub fn expected_value(&self, mode: EvMode) -> Option<f64> {
        Some(self.features.expected_values(mode)[self.t]).filter(|value| !value.is_nan())
    }

    /// Enhanced information ratio; none without a variance.
    #[must_use]
    #[inline]
    pub fn info_ratio(&self) -> Option<f64> {
        self.variance().map(|_| self.features.info_ratio[self.t])
    }

    /// Standard deviation of recent log returns, per bar.
    #[must_use]
    #[inline]
    pub fn volatility(&self) -> f64 {
        self.features.volatility[self.t]
    }

    /// Variance of recent returns, per bar.
    #[must_use]
    #[inline]
    pub fn variance(&self) -> Option<f64> {
        Some(self.features.variance[self.t]).filter(|v| !v.is_nan())
    }

    /// Variance regime.
    #[must_use]
    #[inline]
    pub fn regime(&self) -> Option<Regime> {
        self.regime
    }

    /// Whether volatility moved by more than 0.1 since the last bar.
    #[must_use]
    #[inline]
    pub fn trending(&self) -> bool {
        let before = self.t.checked_sub(1).map_or(f64::NAN, |before| self.features.volatility[before]);
        (self.volatility() - before).abs() > 0.1
    }

    /// The producer's own threshold on the absolute median.
    #[must_use]
    #[inline]
    pub fn published_threshold(&self) -> Option<f64> {
        self.features.published_threshold.as_ref().map(|column| column[self.t]).filter(|v| !v.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;

    #[test]
    fn the_shape_of_a_row_is_told_before_any_setting() {
        let q = |q10, q50, q90| Quantiles { q10, q50, q90 };
        let rows = [
            q(-0.01, 0.004, 0.02),
            q(-0.02, -0.004, 0.01),
            q(-0.01, 0.0, 0.01),
            q(0.01, 0.0, 0.01),
            q(f64::NAN, 0.0, 0.1),
        ];
        let features = Features::of_forecasts(&rows, &[1e-5; 5], &[f64::NAN; 5]);
        let expected = [
            Verdict::LONG,
            Verdict::SHORT,
            Verdict::refused(Reason::Neutral),
            Verdict::refused(Reason::CrossedQuantiles),
            Verdict::MISSING,
        ];
        assert_eq!(features.shapes(), expected);
        assert_eq!(features.forecast(2, None).expected_value(EvMode::Symmetric), None);
        assert_eq!(features.forecast(0, None).published_threshold(), None);
    }

    #[test]
    fn regimes_of_the_same_window_are_computed_once() {
        let features = Features::of_forecasts(&[], &[1e-5; 300], &[]);
        let config = RegimeConfig::default();
        let first = features.regimes(&config);
        assert!(Arc::ptr_eq(&first, &features.regimes(&RegimeConfig { trending_adjustment: 0.5, ..config })));
        assert!(!Arc::ptr_eq(&first, &features.regimes(&RegimeConfig { window: 50, ..config })));
    }
}
