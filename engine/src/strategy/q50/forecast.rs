//! One bar's forecast, and the values that follow from it whatever the settings.

use super::{
    edge::{self, EvMode},
    regime::Regime,
};
use crate::market::{History, Quantiles};

/// What is known of the forecast of one bar. A number that the source does not have is `NaN` inside and `None` outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    values: Values,
    published_threshold: f64,
    trending: bool,
    regime: Option<Regime>,
}

/// What every forecast has: a column keeps these alone for each of millions of bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) quantiles: Quantiles,
    prob_up: f64,
    info_ratio: f64,
    /// Standard deviation of recent log returns, per bar.
    pub(super) volatility: f64,
    /// `NaN` where there is none.
    pub(super) variance: f64,
}

impl Values {
    #[must_use]
    #[inline]
    pub(super) fn new(quantiles: Quantiles, volatility: f64, variance: f64) -> Self {
        Self {
            quantiles,
            prob_up: edge::prob_up(&quantiles),
            info_ratio: edge::info_ratio(&quantiles, variance),
            volatility,
            variance,
        }
    }

    /// Whether volatility moved by more than 0.1 since it was `before`.
    #[must_use]
    #[inline]
    pub(super) fn trending(&self, before: f64) -> bool {
        (self.volatility - before).abs() > 0.1
    }
}

impl Forecast {
    /// A forecast in no regime yet; `published_threshold` is `NaN` where there is none.
    #[must_use]
    #[inline]
    pub(super) fn new(values: Values, trending: bool, published_threshold: f64) -> Self {
        Self { values, published_threshold, trending, regime: None }
    }

    /// The same forecast in `regime`.
    #[must_use]
    #[inline]
    pub fn in_regime(self, regime: Option<Regime>) -> Self {
        Self { regime, ..self }
    }

    /// The forecast quantiles.
    #[must_use]
    #[inline]
    pub fn quantiles(&self) -> Quantiles {
        self.values.quantiles
    }

    /// Absolute median, a fraction.
    #[must_use]
    #[inline]
    pub fn strength(&self) -> f64 {
        self.values.quantiles.q50.abs()
    }

    /// Width, a fraction.
    #[must_use]
    #[inline]
    pub fn spread(&self) -> f64 {
        edge::spread(&self.values.quantiles)
    }

    /// Probability of a positive return.
    #[must_use]
    #[inline]
    pub fn prob_up(&self) -> f64 {
        self.values.prob_up
    }

    /// Expected value in the direction of the median; none where it is zero.
    #[must_use]
    #[inline]
    pub fn expected_value(&self, mode: EvMode) -> Option<f64> {
        let side = edge::direction(&self.values.quantiles)?;
        Some(edge::expected_value(&self.values.quantiles, self.values.prob_up, side, mode))
            .filter(|value| !value.is_nan())
    }

    /// Enhanced information ratio; none without a variance.
    #[must_use]
    #[inline]
    pub fn info_ratio(&self) -> Option<f64> {
        self.variance().map(|_| self.values.info_ratio)
    }

    /// Standard deviation of recent log returns, per bar.
    #[must_use]
    #[inline]
    pub fn volatility(&self) -> f64 {
        self.values.volatility
    }

    /// Variance of recent returns, per bar.
    #[must_use]
    #[inline]
    pub fn variance(&self) -> Option<f64> {
        Some(self.values.variance).filter(|variance| !variance.is_nan())
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
        self.trending
    }

    /// The producer's own threshold on the absolute median.
    #[must_use]
    #[inline]
    pub fn published_threshold(&self) -> Option<f64> {
        Some(self.published_threshold).filter(|threshold| !threshold.is_nan())
    }
}

/// Where the strategy takes forecasts from: a [`super::stream::Stream`], which sees one bar after the other, or the
/// [`super::features::Columns`] of a market, which are the same numbers made at once and shared by a sweep.
pub trait Forecasts {
    /// Takes in a bar that has just closed.
    fn observe(&mut self, history: History<'_>);

    /// What the gates say of the bar in `row`, where that is known before the bar was observed.
    fn foretold(&self, row: usize) -> Option<super::gate::Verdict>;

    /// What the gates say of the bar in `row`, which is the last that was observed.
    fn verdict(&self, row: usize) -> super::gate::Verdict;

    /// The forecast of that bar.
    fn forecast(&self, row: usize) -> Forecast;

    /// Average true range of that bar as a share of its close, where it was asked for.
    fn atr_share(&self, row: usize) -> Option<f64>;
}
