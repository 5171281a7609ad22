//! The Q50 signal of a whole market as columns: what depends on the data alone, computed once and shared by every set
//! of a sweep, and the verdict of one set's gates on every row.
//!
//! Row `t` uses the rows up to it only, and equals, to the bit, what [`super::stream::Stream`] says after bar `t`.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{
    Q50Config,
    edge::EvMode,
    forecast::{Forecast, Forecasts, Values},
    gate::Verdict,
    regime::{Regime, RegimeConfig, RegimeKey},
    volatility,
};
use crate::{
    market::{Column, History, Market, Quantiles},
    strategy::sizing::Method,
};

/// Bars of the average true range.
pub(super) const ATR_PERIOD: usize = 14;
/// Regime columns that are kept; beyond, each set computes its own.
const REGIME_COLUMNS: usize = 64;

/// The regime of every row under one configuration.
type RegimeColumn = (RegimeKey, Arc<[Option<Regime>]>);

/// What of one market depends on no setting, a row a bar.
#[derive(Debug)]
pub struct Features {
    values: Vec<Values>,
    /// Whether volatility has just moved.
    trending: Vec<bool>,
    /// The producer's own threshold, where the source has any.
    published_threshold: Option<Vec<f64>>,
    /// What the quantiles say before any gate is asked.
    shapes: Vec<Verdict>,
    /// Expected values, made for the modes that are asked for.
    symmetric_value: OnceLock<Vec<f64>>,
    legacy_value: OnceLock<Vec<f64>>,
    atr: OnceLock<Vec<f64>>,
    regimes: Mutex<Vec<RegimeColumn>>,
}

impl Features {
    /// The columns of `market`; volatility and its square are computed where the source has none.
    #[must_use]
    pub fn new(market: &Market<'_>) -> Self {
        let signals = &market.signals;
        let volatility = match signals.get(Column::VolRaw) {
            Some(column) => Cow::Borrowed(column),
            None => Cow::Owned(volatility::vol_raw(market.close)),
        };
        let variance = |t: usize| match signals.get(Column::VolRisk) {
            Some(column) => column[t],
            None => volatility[t] * volatility[t],
        };
        let at = |column, t: usize| signals.get(column).map_or(f64::NAN, |values| values[t]);
        let values = |t: usize| {
            let quantiles = Quantiles { q10: at(Column::Q10, t), q50: at(Column::Q50, t), q90: at(Column::Q90, t) };
            Values::new(quantiles, volatility[t], variance(t))
        };
        Self::of((0..market.len()).map(values).collect(), signals.get(Column::SignalThresh).map(<[f64]>::to_vec))
    }

    fn of(values: Vec<Values>, published_threshold: Option<Vec<f64>>) -> Self {
        let before = std::iter::once(f64::NAN).chain(values.iter().map(|values| values.volatility));
        Self {
            shapes: values.iter().map(|values| Verdict::of(&values.quantiles)).collect(),
            trending: values.iter().zip(before).map(|(values, before)| values.trending(before)).collect(),
            published_threshold,
            symmetric_value: OnceLock::new(),
            legacy_value: OnceLock::new(),
            atr: OnceLock::new(),
            regimes: Mutex::default(),
            values,
        }
    }

    /// Features of forecasts without bars.
    #[cfg(test)]
    pub(super) fn of_forecasts(quantiles: &[Quantiles], variance: &[f64], published_threshold: &[f64]) -> Self {
        let values = quantiles.iter().zip(variance).map(|(q, variance)| Values::new(*q, variance.sqrt(), *variance));
        Self::of(values.collect(), Some(published_threshold.to_vec()))
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
        let variance = |t: usize| self.values[t].variance;
        let column: Arc<[Option<Regime>]> = config.classify_rows(self.values.len(), variance).into();
        if columns.len() < REGIME_COLUMNS {
            columns.push((key, Arc::clone(&column)));
        }
        column
    }

    /// The forecast of row `t`, in no regime.
    #[must_use]
    #[inline]
    pub fn forecast(&self, t: usize) -> Forecast {
        let threshold = self.published_threshold.as_ref().map_or(f64::NAN, |column| column[t]);
        Forecast::new(self.values[t], self.trending[t], threshold)
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
        let column = match mode {
            EvMode::Symmetric => &self.symmetric_value,
            EvMode::Legacy => &self.legacy_value,
        };
        let value = |t: usize| self.forecast(t).expected_value(mode).unwrap_or(f64::NAN);
        column.get_or_init(|| (0..self.values.len()).map(value).collect())
    }
}

/// The signal of one market under one set of settings, all rows at once.
#[derive(Clone, Debug)]
pub struct Columns {
    features: Arc<Features>,
    regimes: Arc<[Option<Regime>]>,
    verdicts: Vec<Verdict>,
}

impl Columns {
    /// What `config` makes of the `features` of `market`.
    #[must_use]
    pub fn new(config: &Q50Config, features: Arc<Features>, market: &Market<'_>) -> Self {
        if config.sizing.method == Method::Atr {
            features.atr.get_or_init(|| volatility::atr_share(market.high, market.low, market.close, ATR_PERIOD));
        }
        let regimes = features.regimes(&config.regime);
        let verdicts = config.gate.verdicts(&features, &regimes, &config.regime, config.regime_required());
        Self { features, regimes, verdicts }
    }
}

impl Forecasts for Columns {
    #[inline]
    fn observe(&mut self, _: History<'_>) {}

    #[inline]
    fn foretold(&self, row: usize) -> Option<Verdict> {
        Some(self.verdicts[row])
    }

    #[inline]
    fn verdict(&self, row: usize) -> Verdict {
        self.verdicts[row]
    }

    #[inline]
    fn forecast(&self, row: usize) -> Forecast {
        self.features.forecast(row).in_regime(self.regimes[row])
    }

    #[inline]
    fn atr_share(&self, row: usize) -> Option<f64> {
        self.features.atr.get().map(|column| column[row])
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
        assert_eq!(features.forecast(2).expected_value(EvMode::Symmetric), None);
        assert_eq!(features.forecast(0).published_threshold(), None);
    }

    #[test]
    fn regimes_of_the_same_window_are_computed_once() {
        let features =
            Features::of_forecasts(&[Quantiles { q10: 0.0, q50: 0.0, q90: 0.0 }; 300], &[1e-5; 300], &[0.0; 300]);
        let config = RegimeConfig::default();
        let first = features.regimes(&config);
        assert!(Arc::ptr_eq(&first, &features.regimes(&RegimeConfig { trending_adjustment: 0.5, ..config })));
        assert!(!Arc::ptr_eq(&first, &features.regimes(&RegimeConfig { window: 50, ..config })));
    }
}
