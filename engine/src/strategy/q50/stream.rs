//! The Q50 signal one bar at a time: a live host runs it, and the columns of a market must equal it.

use super::{
    Q50Config,
    features::ATR_PERIOD,
    forecast::{Forecast, Forecasts, Values},
    gate::{GateConfig, Verdict},
    regime::{RegimeConfig, RegimeStream},
    volatility,
};
use crate::{
    market::{Column, History, Quantiles},
    strategy::sizing::Method,
};

/// Forecast and verdict of the last bar that was observed, and what the next ones depend on: the window of the regimes and
/// the last volatility. Prices of the last bars are looked up in the history.
#[derive(Clone, Debug)]
pub struct Stream {
    gate: GateConfig,
    regime: RegimeConfig,
    regime_required: bool,
    reads_atr: bool,
    regimes: RegimeStream,
    volatility: f64,
    /// `None` before the first bar.
    present: Option<(Verdict, Forecast)>,
    atr_share: Option<f64>,
}

impl Stream {
    /// The signal under `config`, before its first bar. Percentiles of the full sample are those of the bars so far: what
    /// reads the future has no stream.
    #[must_use]
    pub fn new(config: &Q50Config) -> Self {
        Self {
            gate: config.gate,
            regime: config.regime,
            regime_required: config.regime_required(),
            reads_atr: config.sizing.method == Method::Atr,
            regimes: RegimeStream::new(config.regime),
            volatility: f64::NAN,
            present: None,
            atr_share: None,
        }
    }

    fn present(&self) -> (Verdict, Forecast) {
        let nothing = Quantiles { q10: f64::NAN, q50: f64::NAN, q90: f64::NAN };
        let absent = || (Verdict::MISSING, Forecast::new(Values::new(nothing, f64::NAN, f64::NAN), false, f64::NAN));
        self.present.unwrap_or_else(absent)
    }
}

impl Forecasts for Stream {
    fn observe(&mut self, history: History<'_>) {
        let signal = |column| history.signal(column).unwrap_or(f64::NAN);
        let quantiles = Quantiles { q10: signal(Column::Q10), q50: signal(Column::Q50), q90: signal(Column::Q90) };
        let volatility = match history.has(Column::VolRaw) {
            true => signal(Column::VolRaw),
            false => volatility::last_vol_raw(history.closes()),
        };
        let variance = match history.has(Column::VolRisk) {
            true => signal(Column::VolRisk),
            false => volatility * volatility,
        };
        let before = std::mem::replace(&mut self.volatility, volatility);
        let values = Values::new(quantiles, volatility, variance);
        let forecast = Forecast::new(values, values.trending(before), signal(Column::SignalThresh))
            .in_regime(self.regimes.observe(variance));
        let verdict = self.gate.verdict(&forecast, &self.regime, self.regime_required);
        self.present = Some((verdict, forecast));
        self.atr_share = self
            .reads_atr
            .then(|| volatility::last_atr_share(history.highs(), history.lows(), history.closes(), ATR_PERIOD));
    }

    fn foretold(&self, _: usize) -> Option<Verdict> {
        None
    }

    fn verdict(&self, _: usize) -> Verdict {
        self.present().0
    }

    fn forecast(&self, _: usize) -> Forecast {
        self.present().1
    }

    fn atr_share(&self, _: usize) -> Option<f64> {
        self.atr_share
    }
}
