//! The Q50 quantile strategy: forecast, gates, size, order.

pub mod edge;
pub mod features;
pub mod forecast;
pub mod gate;
mod parameters;
pub mod regime;
pub mod stream;
pub mod volatility;

use serde::{Deserialize, Serialize};

use self::{
    features::{Columns, Features},
    forecast::{Forecast, Forecasts},
    gate::{Answer, GateConfig, Verdict},
    regime::{Percentiles, Regime, RegimeConfig},
    stream::Stream,
};
use super::{
    Explanation, Guards, Lack, Settings, Shared, Strategy,
    parameters::Parameter,
    side::{Absent, Side},
    sizing::{CapScope, Method, SizeExplanation, Sizer, SizingConfig, SizingInput},
};
use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Held, Marked},
    market::{Column, History, Market, Signals},
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
}

/// Bits of the positions with which a verdict is certainly a hold.
const FLAT: u8 = 1;
const LONG: u8 = 2;
const SHORT: u8 = 4;
/// A long position that leaves less room below its cap than the smallest order.
const LONG_AT_CAP: u8 = 8;

impl Q50Config {
    /// Whether a bar without a regime cannot be traded.
    fn regime_required(&self) -> bool {
        self.gate.needs_regime()
            || self.sizing.by_regime
            || self.sell == SellRule::Partial
            || matches!(self.sizing.method, Method::ValidatedKelly | Method::VolRawKelly)
    }

    /// With which positions `answer` is certainly a hold, whatever else the account is. A refused forecast is one with
    /// any; on a long signal the size of a position is looked at, unless it is at its cap.
    fn stays(&self, answer: Answer) -> u8 {
        let stays = match answer {
            Answer::Refused(_) => FLAT | LONG | SHORT,
            Answer::Missing => match self.absent {
                Absent::Hold => FLAT | LONG | SHORT,
                Absent::Long => LONG,
                Absent::Flat => FLAT,
            },
            Answer::Short if self.allow_short => 0,
            Answer::Short => FLAT,
            Answer::Long if self.sizing.cap_scope == CapScope::Total => LONG_AT_CAP,
            Answer::Long => 0,
        };
        // The highest equity, which a position moves, has to be followed where sizes depend on it.
        if self.sizing.half_at_drawdown.is_some() { stays & FLAT } else { stays }
    }
}

impl Settings for Q50Config {
    const NAME: &'static str = "q50";
    const WORDS: &'static str = "quantile forecasts behind a chain of gates, sized by one of the published methods";
    const GUARDED: bool = true;
    const SIZES_ITSELF: bool = true;

    type Strategy = Q50<Stream>;

    fn strategy(&self, guards: &Guards) -> Self::Strategy {
        Q50::new(*self, guards, Stream::new(self))
    }

    fn on_columns(&self, guards: &Guards, market: &Market<'_>, shared: &Shared) -> Option<Box<dyn Strategy + Send>> {
        Some(Box::new(self.columns(guards, market, shared)))
    }

    fn reads_the_future(&self) -> Option<[&'static str; 2]> {
        let full_sample = self.regime.percentiles == Percentiles::FullSample;
        full_sample.then_some(["regime.percentiles = \"full_sample\"", "regime.percentiles = \"causal\""])
    }

    fn parameters(&self) -> Vec<Parameter> {
        parameters::parameters(self)
    }

    fn reads(&self, _: &Signals<'_>) -> Vec<Column> {
        use Column::{ProbUp, Q10, Q50, Q90, SignalThresh, VolRaw, VolRisk};
        vec![Q10, Q50, Q90, ProbUp, VolRaw, VolRisk, SignalThresh]
    }

    fn needs(&self, _: &Signals<'_>) -> Vec<Column> {
        vec![Column::Q10, Column::Q50, Column::Q90]
    }

    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        let lack = |needs: &str, remedy| Some(Lack { needs: needs.to_owned(), remedy });
        if !self.needs(there).iter().all(|&column| there.has(column)) {
            return lack("the columns 'q10', 'q50' and 'q90'", "give a file of quantile forecasts with --signals");
        }
        if self.gate.needs_published_threshold() && !there.has(Column::SignalThresh) {
            return lack("the column 'signal_thresh'", "set gate.threshold = \"adaptive\"");
        }
        None
    }

    fn shorts(&self) -> bool {
        self.allow_short
    }

    fn without_shorting(self) -> Self {
        Self { allow_short: false, ..self }
    }
}

impl Q50Config {
    /// The strategy on columns of `market`.
    pub(super) fn columns(&self, guards: &Guards, market: &Market<'_>, shared: &Shared) -> Q50 {
        let features = shared.get_or_init(|| Features::new(market));
        Q50::new(*self, guards, Columns::new(self, features, market))
    }
}

/// The Q50 strategy: settings, where its forecasts come from, and what its sizes depend on.
#[derive(Clone, Debug)]
pub struct Q50<F = Columns> {
    config: Q50Config,
    sizer: Sizer,
    forecasts: F,
    /// Distance of the protective stop around the strategy, a fraction of the entry price.
    stop_distance: Option<f64>,
    /// By the code of a verdict: with which positions the strategy is certain to hold.
    stays: Box<[u8; 256]>,
}

impl<F: Forecasts> Q50<F> {
    /// The strategy with these settings inside `guards` on `forecasts`, which were made with the same settings.
    #[must_use]
    pub fn new(config: Q50Config, guards: &Guards, forecasts: F) -> Self {
        let stays = Box::new(Verdict::table(|answer| config.stays(answer)));
        let stop_distance = guards.exits.stop_loss.map(Fraction::get);
        Self { config, sizer: Sizer::new(config.sizing), forecasts, stop_distance, stays }
    }

    #[inline]
    fn regime_size(&self, regime: Option<Regime>) -> f64 {
        regime.map_or(1.0, |regime| self.config.regime.size_multiplier.get(regime))
    }

    #[inline]
    fn size(&self, history: &History<'_>, side: Side, account: &Account) -> Result<SizeExplanation, Reason> {
        let forecast = self.forecasts.forecast(history.row());
        let gate = &self.config.gate;
        let threshold = match self.config.sizing.method.reads_tier() {
            true => gate.threshold(&forecast, &self.config.regime),
            false => None,
        };
        let input = SizingInput {
            quantiles: forecast.quantiles(),
            side,
            prob_up: forecast.prob_up(),
            confidence: gate.tier_map.confidence(GateConfig::tier_at(&forecast, threshold)),
            vol_raw: Some(forecast.volatility()),
            vol_risk: forecast.variance(),
            info_ratio: forecast.info_ratio().unwrap_or(f64::NAN),
            info_ratio_threshold: GateConfig::info_ratio_threshold(&forecast),
            threshold,
            regime: forecast.regime(),
            atr_share: self.forecasts.atr_share(history.row()),
            momentum: match history.closes() {
                [.., before, last] => Some(last / before - 1.0),
                _ => None,
            },
            stop_distance: self.stop_distance,
            asked: None,
        };
        self.sizer.size(&input, account, self.regime_size(forecast.regime()))
    }

    #[inline]
    fn long(account: &Account, sized: Result<SizeExplanation, Reason>) -> Decision {
        let reason = if account.position > 0.0 { Reason::AddLong } else { Reason::EnterLong };
        match sized.map(|sized| sized.size) {
            Ok(size) => Decision::Act(Intent { order: Order::Buy(Budget::Equity(Fraction::new(size))), reason }),
            Err(_) if account.position < 0.0 => {
                Decision::Act(Intent { order: Order::Cover(Fraction::ONE), reason: Reason::ExitShort })
            }
            Err(Reason::AtCap) if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Err(reason) => Decision::Hold(reason),
        }
    }

    #[inline]
    fn short(
        &self,
        account: &Account,
        forecast: &Forecast,
        sized: Option<Result<SizeExplanation, Reason>>,
    ) -> Decision {
        if let Some(sized) = sized {
            let reason = if account.position < 0.0 { Reason::AddShort } else { Reason::EnterShort };
            match sized.map(|sized| sized.size) {
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
                let strength = (2.0 * forecast.strength()).min(1.0);
                (strength * self.regime_size(forecast.regime())).clamp(0.1, 1.0)
            }
        };
        Decision::Act(Intent { order: Order::Sell(Fraction::new(share)), reason: Reason::ExitLong })
    }

    #[inline]
    fn without_forecast(&self, account: &Account) -> Decision {
        match self.config.absent {
            Absent::Hold => Decision::Hold(Reason::NoSignal),
            Absent::Long if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Absent::Long => {
                // Flat or short: what is owed is bought back first, and the whole cap is free.
                let order = Order::Buy(Budget::Equity(self.config.sizing.max_position));
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

impl<F: Forecasts> Strategy for Q50<F> {
    fn rests_exits(&self) -> bool {
        false
    }

    #[inline]
    fn observe(&mut self, history: History<'_>) {
        self.forecasts.observe(history);
    }

    #[inline]
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.sizer.follow(account);
        match self.forecasts.verdict(history.row()).answer() {
            Answer::Missing => self.without_forecast(account),
            Answer::Refused(reason) => Decision::Hold(reason),
            Answer::Long => Self::long(account, self.size(&history, Side::Long, account)),
            Answer::Short => {
                let sized = self.config.allow_short.then(|| self.size(&history, Side::Short, account));
                self.short(account, &self.forecasts.forecast(history.row()), sized)
            }
        }
    }

    #[inline]
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        let Some(verdict) = self.forecasts.foretold(history.row()) else { return false };
        let stays = self.stays[verdict.code()];
        let sizing = &self.config.sizing;
        let at_cap = marked.exceeds(sizing.max_position.get() - sizing.min_size.get());
        let held = match marked.held() {
            Held::Flat => FLAT,
            Held::Long => LONG | if at_cap { LONG_AT_CAP } else { 0 },
            Held::Short => SHORT,
        };
        stays & held != 0
    }

    fn explain(&self, history: History<'_>, account: &Account) -> Explanation {
        let (forecast, verdict) = (self.forecasts.forecast(history.row()), self.forecasts.verdict(history.row()));
        if matches!(verdict.answer(), Answer::Missing | Answer::Refused(Reason::CrossedQuantiles)) {
            return Explanation::default();
        }
        let sized = match verdict.answer() {
            Answer::Long => self.size(&history, Side::Long, account).ok(),
            Answer::Short if self.config.allow_short => self.size(&history, Side::Short, account).ok(),
            _ => None,
        };
        let explanation = Explanation {
            side: Some(verdict.side().map_or(-1, Side::code)),
            prob_up: Some(forecast.prob_up()),
            expected_value: forecast.expected_value(self.config.gate.ev_mode),
            info_ratio: forecast.info_ratio(),
            regime: forecast.regime().map(Regime::name),
            ..Explanation::default()
        };
        sized.map_or(explanation, |sized| explanation.with_size(&sized))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::PriceLedger,
        strategy::exits::{ExitConfig, WithExits},
    };

    /// The decisions of `config` on a long forecast a bar, one bar for each of these accounts at a price of 1.
    fn decisions(config: Q50Config, books: &[PriceLedger]) -> Vec<Decision> {
        inside(config, ExitConfig::default(), books)
    }

    fn inside(config: Q50Config, exits: ExitConfig, books: &[PriceLedger]) -> Vec<Decision> {
        let n = books.len();
        let (time, price) = ((0..n as i64).collect::<Vec<_>>(), vec![1.0; n]);
        let column = |value: f64| vec![value; n];
        let (q10, q50, q90, vol) = (column(-0.004), column(0.004), column(0.012), column(0.001));
        let market = Market {
            open_time: &time,
            open: &price,
            high: &price,
            low: &price,
            close: &price,
            signals: Signals::default()
                .with(Column::Q10, &q10)
                .with(Column::Q50, &q50)
                .with(Column::Q90, &q90)
                .with(Column::VolRaw, &vol),
            interval_ms: 1,
            first: 0,
        };
        let guards = Guards { exits, ..Guards::default() };
        let mut strategy = WithExits::new(config.strategy(&guards), exits);
        let decide = |(t, books): (usize, &PriceLedger)| {
            strategy.observe(market.history(t));
            strategy.decide(market.history(t), &books.account(1.0))
        };
        books.iter().enumerate().map(decide).collect()
    }

    fn cash(amount: f64) -> PriceLedger {
        PriceLedger::new(amount)
    }

    fn buy(share: f64) -> Decision {
        let order = Order::Buy(Budget::Equity(Fraction::new(share)));
        Decision::Act(Intent { order, reason: Reason::EnterLong })
    }

    #[test]
    fn after_a_fall_the_size_is_that_of_the_drawdown_from_the_highest_equity() {
        let sizing = SizingConfig {
            method: Method::Full,
            max_position: Fraction::new(0.5),
            half_at_drawdown: Some(Fraction::new(0.5)),
            ..SizingConfig::default()
        };
        let config = Q50Config { sizing, ..Q50Config::default() };
        // Half at a fall of a half, and three quarters at a fall of a quarter: from 200, not from the bar before.
        let decided = decisions(config, &[cash(100.0), cash(200.0), cash(150.0), cash(100.0), cash(200.0)]);
        assert_eq!(decided, [buy(0.5), buy(0.5), buy(0.375), buy(0.25), buy(0.5)]);
    }

    #[test]
    fn a_peak_at_which_an_exit_answers_is_remembered() {
        let sizing = SizingConfig {
            method: Method::Full,
            max_position: Fraction::new(0.5),
            half_at_drawdown: Some(Fraction::new(0.5)),
            ..SizingConfig::default()
        };
        let exits = ExitConfig { take_profit: Some(0.5), ..ExitConfig::default() };
        let config = Q50Config { sizing, ..Q50Config::default() };
        // 200 units bought at 0.5 are worth 200 at a price of 1, where the target closes them; 150 is a quarter below.
        let decided = inside(config, exits, &[PriceLedger::restored(0.0, 200.0, 0.5, 0), cash(150.0)]);
        assert_eq!(decided[0].reason(), Reason::TakeProfit);
        assert_eq!(decided[1], buy(0.375));
    }

    #[test]
    fn a_long_forecast_that_is_not_sized_covers_a_short_position() {
        let no_edge = SizingConfig {
            method: Method::Kelly,
            win_rate: Some(Fraction::new(0.4)),
            payoff: Some(1.0),
            ..SizingConfig::default()
        };
        let config = Q50Config { sizing: no_edge, allow_short: true, ..Q50Config::default() };
        let short = PriceLedger::restored(200.0, -50.0, 1.0, 0);
        let cover = Decision::Act(Intent { order: Order::Cover(Fraction::ONE), reason: Reason::ExitShort });
        assert_eq!(decisions(config, &[short]), [cover]);
        assert_eq!(
            decisions(config, &[cash(100.0)]),
            [Decision::Hold(Reason::NoEdge)],
            "flat there is nothing to cover"
        );
    }
}
