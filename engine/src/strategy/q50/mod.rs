//! The Q50 quantile strategy: forecast, gates, size, order.

pub mod edge;
pub mod gate;
pub mod regime;
pub mod sizing;
pub mod volatility;

use serde::{Deserialize, Serialize};

use self::{
    gate::{Assessment, Forecast, GateConfig},
    regime::{Regime, RegimeConfig},
    sizing::{Method, SizeExplanation, Sizer, SizingConfig, SizingInput},
};
use super::{
    Explanation, Strategy,
    exits::ExitConfig,
    side::{Absent, Side},
};
use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{Known, Market},
    risk::RiskConfig,
    units::Fraction,
};

/// How much of a long position a short signal sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SellRule {
    /// All of it.
    #[default]
    Full,
    /// min(2 |q50|, 1) times the regime's size multiplier, at least a tenth.
    Partial,
}

/// Settings of the Q50 strategy. The defaults are the honest ones; every fault of the published system is an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Q50Config {
    /// Which forecasts are traded.
    pub gate: GateConfig,
    /// Variance regimes.
    pub regime: RegimeConfig,
    /// How large positions are.
    pub sizing: SizingConfig,
    /// How much of a long position a short signal sells.
    pub sell: SellRule,
    /// Whether a short signal opens a short position. Legacy: no borrowing, margin or funding is charged for it.
    pub allow_short: bool,
    /// What to do on a bar without a forecast.
    pub absent: Absent,
    /// Stops, targets and time limits.
    pub exits: ExitConfig,
    /// Limits on the account.
    pub risk: RiskConfig,
}

/// The Q50 strategy on one market: its settings and the columns that depend on the data alone.
#[derive(Clone, Debug)]
pub struct Q50 {
    config: Q50Config,
    sizer: Sizer,
    volatility: Vec<f64>,
    variance: Vec<f64>,
    regimes: Vec<Option<Regime>>,
    atr: Vec<f64>,
    peak_equity: f64,
    last: Explanation,
}

impl Q50 {
    /// Computes volatility (where the source has none) and regimes for every row, each from the rows up to it.
    #[must_use]
    pub fn prepare(config: Q50Config, market: &Market<'_>) -> Self {
        let volatility = match market.signals.vol_raw {
            Some(column) => column.to_vec(),
            None => volatility::vol_raw(market.close),
        };
        let variance = match market.signals.vol_risk {
            Some(column) => column.to_vec(),
            None => volatility.iter().map(|v| v * v).collect(),
        };
        let atr = match config.sizing.method {
            Method::Atr => volatility::atr_share(market.high, market.low, market.close, 14),
            _ => Vec::new(),
        };
        let regimes = config.regime.classify(&variance);
        let sizer = Sizer::new(config.sizing);
        Self { config, sizer, volatility, variance, regimes, atr, peak_equity: 0.0, last: Explanation::default() }
    }

    fn forecast(&self, known: &Known<'_>) -> Option<Forecast> {
        let t = known.row();
        let before = t.checked_sub(1).map_or(f64::NAN, |before| self.volatility[before]);
        Some(Forecast {
            quantiles: known.quantiles()?,
            variance: Some(self.variance[t]).filter(|v| !v.is_nan()),
            regime: self.regimes[t],
            trending: (self.volatility[t] - before).abs() > 0.1,
            published_threshold: known.signal_thresh(),
        })
    }

    fn needs_regime(&self) -> bool {
        let sizing = &self.config.sizing;
        sizing.by_regime
            || self.config.sell == SellRule::Partial
            || matches!(sizing.method, Method::ValidatedKelly | Method::VolRawKelly)
    }

    fn regime_size(&self, regime: Option<Regime>) -> f64 {
        regime.map_or(1.0, |regime| self.config.regime.size_multiplier.get(regime))
    }

    fn size(
        &self,
        known: &Known<'_>,
        forecast: &Forecast,
        assessment: &Assessment,
        side: Side,
        account: &Account,
    ) -> Result<SizeExplanation, Reason> {
        let t = known.row();
        let closes = known.closes();
        let input = SizingInput {
            quantiles: forecast.quantiles,
            side,
            prob_up: assessment.prob_up,
            confidence: self.config.gate.tier_map.confidence(assessment.tier),
            vol_raw: Some(self.volatility[t]),
            vol_risk: forecast.variance,
            info_ratio: assessment.info_ratio.unwrap_or(f64::NAN),
            info_ratio_threshold: assessment.info_ratio_threshold,
            threshold: assessment.threshold,
            regime: forecast.regime,
            atr_share: self.atr.get(t).copied(),
            momentum: t.checked_sub(1).map(|before| closes[t] / closes[before] - 1.0),
            stop_distance: self.config.exits.stop_loss.map(Fraction::get),
        };
        let drawdown = if self.peak_equity > 0.0 { 1.0 - account.equity / self.peak_equity } else { 0.0 };
        self.sizer.size(&input, account, drawdown, self.regime_size(forecast.regime))
    }

    fn long(&mut self, account: &Account, sized: Result<SizeExplanation, Reason>) -> Decision {
        let reason = if account.position > 0.0 { Reason::AddLong } else { Reason::EnterLong };
        match self.explained(sized) {
            Ok(size) => Decision::Act(Intent { order: Order::Buy(Budget::Equity(Fraction::new(size))), reason }),
            Err(_) if account.position < 0.0 => {
                Decision::Act(Intent { order: Order::Cover(Fraction::ONE), reason: Reason::ExitShort })
            }
            Err(Reason::AtCap) if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Err(reason) => Decision::Hold(reason),
        }
    }

    fn short(
        &mut self,
        account: &Account,
        forecast: &Forecast,
        sized: Option<Result<SizeExplanation, Reason>>,
    ) -> Decision {
        if let Some(sized) = sized {
            let reason = if account.position < 0.0 { Reason::AddShort } else { Reason::EnterShort };
            match self.explained(sized) {
                Ok(size) => return Decision::Act(Intent { order: Order::Short(Fraction::new(size)), reason }),
                Err(reason) if account.position <= 0.0 => return Decision::Hold(reason),
                Err(_) => {}
            }
        }
        if account.position <= 0.0 {
            return Decision::Hold(Reason::NothingToSell);
        }
        let share = match self.config.sell {
            SellRule::Full => 1.0,
            SellRule::Partial => {
                let strength = (2.0 * forecast.quantiles.q50.abs()).min(1.0);
                (strength * self.regime_size(forecast.regime)).clamp(0.1, 1.0)
            }
        };
        Decision::Act(Intent { order: Order::Sell(Fraction::new(share)), reason: Reason::ExitLong })
    }

    fn explained(&mut self, sized: Result<SizeExplanation, Reason>) -> Result<f64, Reason> {
        let sized = sized?;
        self.last.raw_size = Some(sized.raw);
        self.last.size = Some(sized.size);
        self.last.binding_cap = Some(sized.binding.name());
        Ok(sized.size)
    }

    fn without_forecast(&self, account: &Account) -> Decision {
        match self.config.absent {
            Absent::Hold => Decision::Hold(Reason::NoSignal),
            Absent::Long if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Absent::Long => {
                let cap = self.config.sizing.max_position.get();
                let room = (cap - account.exposure()).max(0.0);
                let order = Order::Buy(Budget::Equity(Fraction::new(room)));
                Decision::Act(Intent { order, reason: Reason::EnterLong })
            }
            Absent::Flat if account.position > 0.0 => {
                Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong })
            }
            Absent::Flat if account.position < 0.0 => {
                Decision::Act(Intent { order: Order::Cover(Fraction::ONE), reason: Reason::ExitShort })
            }
            Absent::Flat => Decision::Hold(Reason::NoSignal),
        }
    }
}

impl Strategy for Q50 {
    fn decide(&mut self, known: Known<'_>, account: &Account) -> Decision {
        self.peak_equity = self.peak_equity.max(account.equity);
        self.last = Explanation::default();
        let Some(forecast) = self.forecast(&known) else {
            return self.without_forecast(account);
        };
        if forecast.quantiles.cross() {
            return Decision::Hold(Reason::CrossedQuantiles);
        }
        let assessment = self.config.gate.assess(&forecast, &self.config.regime, self.needs_regime());
        self.last = Explanation {
            side: Some(assessment.verdict.map_or(-1, Side::code)),
            prob_up: Some(assessment.prob_up),
            expected_value: assessment.expected_value,
            info_ratio: assessment.info_ratio,
            regime: forecast.regime.map(Regime::name),
            ..Explanation::default()
        };
        match assessment.verdict {
            Err(reason) => Decision::Hold(reason),
            Ok(Side::Long) => {
                let sized = self.size(&known, &forecast, &assessment, Side::Long, account);
                self.long(account, sized)
            }
            Ok(Side::Short) => {
                let sized =
                    self.config.allow_short.then(|| self.size(&known, &forecast, &assessment, Side::Short, account));
                self.short(account, &forecast, sized)
            }
        }
    }

    fn explain(&self) -> Explanation {
        self.last
    }
}
