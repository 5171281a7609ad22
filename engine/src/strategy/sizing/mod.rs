//! Position sizes: every published sizer behind one [`Sizer`], and the caps that all of them are subject to.
//!
//! A method gives a raw share of equity. It is scaled by the regime and the drawdown, then bounded by the smallest of
//! all caps, which is named. A result below the minimum is not traded: a size is never forced up. Q50 sizes its orders itself;
//! [`WithSizing`] does it for every other strategy.

mod advanced;
mod around;
mod caps;
mod classic;
mod config;
mod hummingbot;
mod validated;

pub use around::WithSizing;
pub use caps::{BindingCap, CapScope, Caps};
pub use config::{SizingConfig, around, parameters};

use serde::{Deserialize, Serialize};

use crate::{
    decision::Reason,
    ledger::Account,
    market::{Column, Quantiles},
    strategy::{
        q50::regime::Regime,
        side::Side,
        trades::{Odds, Record},
    },
};

/// What a sizer may know about the present bar. Unknown is `None`, and a method that needs it refuses to size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizingInput {
    /// The forecast.
    pub quantiles: Quantiles,
    /// Direction of the trade.
    pub side: Side,
    /// Probability of a positive return.
    pub prob_up: f64,
    /// Confidence of the tier, 3 to 10.
    pub confidence: f64,
    /// Standard deviation of recent log returns, per bar.
    pub vol_raw: Option<f64>,
    /// Variance of recent log returns, per bar.
    pub vol_risk: Option<f64>,
    /// Enhanced information ratio.
    pub info_ratio: f64,
    /// Its threshold in the present regime.
    pub info_ratio_threshold: f64,
    /// Threshold on the absolute median, a fraction.
    pub threshold: Option<f64>,
    /// Variance regime.
    pub regime: Option<Regime>,
    /// Average true range as a share of the close.
    pub atr_share: Option<f64>,
    /// Return of the last bar, a fraction.
    pub momentum: Option<f64>,
    /// Distance of the protective stop, a fraction of the entry price.
    pub stop_distance: Option<f64>,
    /// Share of equity that the strategy asked for; none where it leaves that to the sizer.
    pub asked: Option<f64>,
}

impl SizingInput {
    fn spread(&self) -> f64 {
        self.quantiles.q90 - self.quantiles.q10
    }

    fn abs_q50(&self) -> f64 {
        self.quantiles.q50.abs()
    }

    /// Standard deviation of the forecast as the published sizers have it: width / 3.29. (The width from the 10 % to
    /// the 90 % quantile of a normal distribution is 2.56 standard deviations; the published divisor is that of 5 %
    /// to 95 %.)
    fn published_deviation(&self) -> Result<f64, Refusal> {
        positive(self.spread() / 3.29)
    }

    fn is_strong(&self) -> bool {
        self.threshold.is_some_and(|threshold| self.abs_q50() > threshold)
    }
}

#[inline]
fn positive(value: f64) -> Result<f64, Refusal> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(Refusal::Impossible) }
}

#[inline]
fn known(value: Option<f64>) -> Result<f64, Refusal> {
    value.filter(|v| v.is_finite()).ok_or(Refusal::Missing)
}

/// Why a method gives no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An input that the method needs is unknown.
    Missing,
    /// An input has a value that the method cannot use.
    Impossible,
    /// The method sees no edge.
    NoEdge,
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing | Refusal::Impossible => Self::SizingFailed,
            Refusal::NoEdge => Self::NoEdge,
        }
    }
}

macro_rules! methods {
    ($(#[doc = $words:literal] $(#[$default:ident])? $variant:ident = $name:literal),* $(,)?) => {
        /// The sizing methods, by the system that published them.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Method {
            $(#[doc = $words] $(#[$default])? #[serde(rename = $name)] $variant,)*
        }

        impl Method {
            /// Every method, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The method's name in strategy files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it does, in a line.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words.trim(),)*
                }
            }
        }
    };
}

methods! {
    /// A fixed share of equity: `max_position`.
    Full = "full",
    /// What the strategy asks for, under the caps; not of q50, which asks for nothing.
    Own = "own",
    /// 0.1 / max(1000 variance, 0.1), in [0.01, 0.5] (seed documents).
    #[default]
    InverseVariance = "inverse_variance",
    /// Inverse variance times min(100 |q50|, 2) (seed documents).
    InverseVarianceSignal = "inverse_variance_signal",
    /// Inverse variance times |q50| min(information ratio / threshold, 2) (requirements 3.2).
    InverseVarianceStrength = "inverse_variance_strength",
    /// Kelly from a stated win rate and payoff, or those of the last `kelly_trades`, times a fraction (default half).
    Kelly = "kelly",
    /// Loses `risk_per_trade` of equity at the protective stop.
    FixedFractional = "fixed_fractional",
    /// Loses `risk_per_trade` of equity at `atr_multiple` average true ranges.
    Atr = "atr",
    /// Hummingbot backtester, "simple".
    HummingbotSimple = "hummingbot_simple",
    /// Hummingbot backtester, "kelly".
    HummingbotKelly = "hummingbot_kelly",
    /// Hummingbot backtester, "volatility" (the size rises with volatility, as published).
    HummingbotVolatility = "hummingbot_volatility",
    /// Hummingbot backtester, "sharpe".
    HummingbotSharpe = "hummingbot_sharpe",
    /// Hummingbot backtester, "risk parity".
    HummingbotRiskParity = "hummingbot_risk_parity",
    /// Hummingbot backtester, "enhanced": the sizer of the 1.327 claim.
    Enhanced = "enhanced",
    /// Quantile backtester: confidence over volatility.
    QuantileBacktester = "quantile_backtester",
    /// Advanced sizer, "kelly".
    AdvancedKelly = "advanced_kelly",
    /// Advanced sizer, "volatility".
    AdvancedVolatility = "advanced_volatility",
    /// Advanced sizer, "sharpe".
    AdvancedSharpe = "advanced_sharpe",
    /// Advanced sizer, "risk parity".
    AdvancedRiskParity = "advanced_risk_parity",
    /// Advanced sizer, "momentum".
    AdvancedMomentum = "advanced_momentum",
    /// Advanced sizer, the weighted mean of its five methods.
    AdvancedEnsemble = "advanced_ensemble",
    /// The production Kelly sizer, without its fear-and-greed input (neutral).
    ValidatedKelly = "validated_kelly",
    /// The production tiered sizer.
    ValidatedTiered = "validated_tiered",
    /// 0.1 x (100 volatility / |relative signal|).
    VolRawKelly = "vol_raw_kelly",
    /// The pipeline's suggestion; equal to inverse variance.
    PipelineSuggestion = "pipeline_suggestion",
}

impl Method {
    /// Whether the size may depend on the tier's confidence or on the threshold; the textbook methods know neither.
    #[must_use]
    pub const fn reads_tier(self) -> bool {
        !self.is_textbook()
    }

    /// The signal columns that it reads, where they are there; volatilities are computed from closes where they are not.
    #[must_use]
    pub const fn reads(self) -> &'static [Column] {
        match self {
            Self::InverseVariance | Self::PipelineSuggestion => &[Column::VolRaw, Column::VolRisk],
            Self::InverseVarianceSignal | Self::InverseVarianceStrength => {
                &[Column::VolRaw, Column::VolRisk, Column::Q10, Column::Q50, Column::Q90]
            }
            _ => &[],
        }
    }

    /// Those of them without which it never gives a size.
    #[must_use]
    pub const fn needs(self) -> &'static [Column] {
        match self {
            Self::InverseVarianceSignal | Self::InverseVarianceStrength => &[Column::Q10, Column::Q50, Column::Q90],
            _ => &[],
        }
    }

    /// Whether it is a method of the textbooks or the seed documents, which needs no forecast of Q50's.
    #[must_use]
    pub const fn is_textbook(self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::Own
                | Self::InverseVariance
                | Self::InverseVarianceSignal
                | Self::InverseVarianceStrength
                | Self::Kelly
                | Self::FixedFractional
                | Self::Atr
                | Self::PipelineSuggestion
        )
    }
}

/// How a size came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeExplanation {
    /// What the method asked for, a share of equity.
    pub base: f64,
    /// Multiplier of the regime (1 where it does not apply).
    pub regime_multiplier: f64,
    /// Multiplier of the drawdown (1 where it does not apply).
    pub drawdown_multiplier: f64,
    /// Base times the multipliers.
    pub raw: f64,
    /// Every cap, a share of equity.
    pub caps: Caps,
    /// The cap that decided; `Unbound` where the raw size is the smallest.
    pub binding: BindingCap,
    /// What is left, a share of equity.
    pub size: f64,
}

impl SizeExplanation {
    /// The share of equity to trade.
    ///
    /// # Errors
    /// The reason for not trading: no room below a cap, no edge, or less than the smallest order.
    #[inline]
    fn admitted(self, config: &SizingConfig, equity: f64) -> Result<Self, Reason> {
        let (_, cap) = self.caps.smallest();
        let is_too_small =
            |size: f64| size < config.min_size.get() || config.min_notional.is_some_and(|least| size * equity < least);
        if cap <= 0.0 {
            Err(Reason::AtCap)
        } else if self.drawdown_multiplier <= 0.0 {
            Err(Reason::Drawdown)
        } else if self.size <= 0.0 {
            Err(Reason::NoEdge)
        } else if is_too_small(self.size) {
            Err(if is_too_small(self.raw) { Reason::BelowMinimumSize } else { Reason::AtCap })
        } else {
            Ok(self)
        }
    }
}

/// Turns what is known of a bar into a share of equity. It remembers the highest equity and how the last trades came out.
#[derive(Clone, Debug)]
pub struct Sizer {
    config: SizingConfig,
    peak_equity: f64,
    record: Option<Record>,
}

impl Sizer {
    /// A sizer with these settings, before its first bar.
    #[must_use]
    pub fn new(config: SizingConfig) -> Self {
        Self { config, peak_equity: 0.0, record: config.kelly_trades.map(Record::of_last) }
    }

    /// Takes in the account at a close. Called at every bar at which the account may have changed.
    #[inline]
    pub fn follow(&mut self, account: &Account) {
        self.peak_equity = self.peak_equity.max(account.equity);
        if let Some(record) = &mut self.record {
            record.follow(account);
        }
    }

    /// The odds of the trades so far, where they are asked for and there were enough.
    fn odds(&self) -> Option<Odds> {
        self.record.as_ref().and_then(Record::odds)
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SizingConfig {
        &self.config
    }

    /// The share of equity to trade, with everything that led to it.
    ///
    /// `regime_multiplier` is the regime's size multiplier (used where `by_regime` is set).
    ///
    /// # Errors
    /// The reason for not trading: no edge, a missing input, no room below a cap, or less than the smallest order.
    #[inline]
    pub fn size(
        &self,
        input: &SizingInput,
        account: &Account,
        regime_multiplier: f64,
    ) -> Result<SizeExplanation, Reason> {
        self.explain(input, account, regime_multiplier)?.admitted(&self.config, account.equity)
    }

    /// How the size comes about, whether or not there is room for it.
    ///
    /// # Errors
    /// The method gives no size: no edge, or a missing or impossible input.
    #[inline]
    fn explain(
        &self,
        input: &SizingInput,
        account: &Account,
        regime_multiplier: f64,
    ) -> Result<SizeExplanation, Reason> {
        let base = match self.base(input).and_then(|base| known(Some(base))) {
            Ok(base) => base,
            Err(Refusal::NoEdge) => return Err(Reason::NoEdge),
            Err(refusal) => self.config.on_missing.ok_or(Reason::from(refusal))?.get(),
        };
        let regime_multiplier = if self.config.by_regime { regime_multiplier } else { 1.0 };
        let fall = if self.peak_equity > 0.0 { 1.0 - account.equity / self.peak_equity } else { 0.0 };
        let drawdown_multiplier = self.drawdown_multiplier(fall);
        let raw = base * regime_multiplier * drawdown_multiplier;
        let caps = Caps::of(&self.config, input.side, account, input.stop_distance);
        let (cap, cap_value) = caps.smallest();
        let (binding, size) = if raw <= cap_value { (BindingCap::Unbound, raw) } else { (cap, cap_value) };
        Ok(SizeExplanation { base, regime_multiplier, drawdown_multiplier, raw, caps, binding, size })
    }

    #[inline]
    fn base(&self, input: &SizingInput) -> Result<f64, Refusal> {
        let cap = self.config.max_position.get();
        match self.config.method {
            Method::Full => Ok(cap),
            Method::Own => known(input.asked),
            Method::InverseVariance | Method::PipelineSuggestion => classic::inverse_variance(input),
            Method::InverseVarianceSignal => Ok(classic::inverse_variance(input)? * classic::signal_multiplier(input)?),
            Method::InverseVarianceStrength => {
                Ok(classic::inverse_variance(input)? * classic::strength_multiplier(input)?)
            }
            Method::Kelly => classic::kelly(&self.config, self.odds()),
            Method::FixedFractional => classic::fixed_fractional(&self.config, input),
            Method::Atr => classic::atr(&self.config, input),
            Method::HummingbotSimple => hummingbot::simple(input, cap),
            Method::HummingbotKelly => hummingbot::kelly(input, cap),
            Method::HummingbotVolatility => hummingbot::volatility(input, cap, known(input.vol_raw)?),
            Method::HummingbotSharpe => hummingbot::sharpe(input, cap),
            Method::HummingbotRiskParity => hummingbot::risk_parity(input, cap),
            Method::Enhanced => hummingbot::enhanced(input, cap),
            Method::QuantileBacktester => Ok(hummingbot::quantile_backtester(input, cap)),
            Method::AdvancedKelly => advanced::kelly(input),
            Method::AdvancedVolatility => advanced::volatility(input),
            Method::AdvancedSharpe => advanced::sharpe(input),
            Method::AdvancedRiskParity => advanced::risk_parity(input),
            Method::AdvancedMomentum => advanced::momentum(input),
            Method::AdvancedEnsemble => advanced::ensemble(input),
            Method::ValidatedKelly => validated::kelly(input),
            Method::ValidatedTiered => Ok(validated::tiered(input)),
            Method::VolRawKelly => validated::vol_raw_kelly(input),
        }
    }

    /// 1 without drawdown, falling linearly to 0.5 at the stated one and on to 0 at one and a half times it.
    #[inline]
    fn drawdown_multiplier(&self, drawdown: f64) -> f64 {
        let Some(half) = self.config.half_at_drawdown else {
            return 1.0;
        };
        let depth = drawdown / half.get();
        if depth <= 1.0 { 1.0 - 0.5 * depth } else { (0.5 - (depth - 1.0)).max(0.0) }
    }
}

#[cfg(test)]
pub(super) fn example() -> SizingInput {
    SizingInput {
        quantiles: Quantiles { q10: -0.01, q50: 0.004, q90: 0.02 },
        side: Side::Long,
        prob_up: 0.6,
        confidence: 10.0,
        vol_raw: Some(0.004),
        vol_risk: Some(1e-3),
        info_ratio: 3.0,
        info_ratio_threshold: 1.5,
        threshold: Some(0.002),
        regime: Some(Regime::Medium),
        atr_share: Some(0.01),
        momentum: Some(0.0),
        stop_distance: Some(0.05),
        asked: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Fraction;

    fn account(cash: f64, position: f64) -> Account {
        Account {
            position,
            cash,
            equity: cash + position,
            price: 1.0,
            quote_reserve: None,
            average_price: None,
            opened_at: None,
            realised: 0.0,
        }
    }

    fn size(config: SizingConfig) -> Result<SizeExplanation, Reason> {
        Sizer::new(config).size(&example(), &account(100.0, 0.0), 0.6)
    }

    #[test]
    fn the_smallest_cap_decides_and_is_named() {
        let full = SizingConfig { method: Method::Full, max_position: Fraction::new(0.8), ..SizingConfig::default() };
        assert_eq!(size(full).unwrap().binding, BindingCap::Unbound);
        let reserved = size(SizingConfig { fee_reserve: 90.0, ..full }).unwrap();
        assert_eq!((reserved.binding, reserved.size), (BindingCap::Cash, 0.1));
    }

    #[test]
    fn what_is_below_the_minimum_is_no_trade() {
        let config = SizingConfig { min_size: Fraction::new(0.2), ..SizingConfig::default() };
        assert_eq!(size(config), Err(Reason::BelowMinimumSize), "inverse variance asks for 0.1");
    }

    #[test]
    fn a_missing_or_impossible_input_is_no_trade_unless_a_size_is_stated_for_it() {
        let sizer = Sizer::new(SizingConfig::default());
        let stated = Sizer::new(SizingConfig { on_missing: Some(Fraction::new(0.1)), ..SizingConfig::default() });
        for vol_risk in [None, Some(f64::NAN)] {
            let input = SizingInput { vol_risk, ..example() };
            assert_eq!(stated.size(&input, &account(100.0, 0.0), 1.0).map(|sized| sized.size), Ok(0.1));
            assert_eq!(sizer.size(&input, &account(100.0, 0.0), 1.0), Err(Reason::SizingFailed));
        }
    }

    #[test]
    fn an_order_below_the_smallest_notional_is_no_trade() {
        let at_least = |least| size(SizingConfig { min_notional: Some(least), ..SizingConfig::default() });
        assert_eq!(at_least(10.0).map(|sized| sized.size), Ok(0.1), "a tenth of 100");
        assert_eq!(at_least(10.0_f64.next_up()), Err(Reason::BelowMinimumSize));
    }

    #[test]
    fn the_heat_is_what_is_lost_at_the_stop_and_without_one_all_of_the_position() {
        let config = SizingConfig { max_heat: Some(Fraction::new(0.00390625)), ..SizingConfig::default() };
        let sizer = Sizer::new(config);
        let sized = |stop_distance, held| {
            let input = SizingInput { stop_distance, ..example() };
            sizer.size(&input, &account(100.0 - held, held), 1.0).map(|sized| (sized.binding, sized.size))
        };
        assert_eq!(sized(Some(0.0625), 0.0), Ok((BindingCap::Heat, 0.0625)), "1/16 of 1/16 is 1/256");
        assert_eq!(sized(Some(0.0625), 3.125), Ok((BindingCap::Heat, 0.03125)), "half of it is held");
        assert_eq!(sized(Some(0.0625), 6.25), Err(Reason::AtCap), "the limit is hit");
        assert_eq!(sized(None, 0.0), Err(Reason::AtCap), "1/256 is less than the smallest order");
    }

    #[test]
    fn kelly_goes_by_the_last_trades_once_there_are_enough() {
        let config = SizingConfig {
            method: Method::Kelly,
            max_position: Fraction::ONE,
            win_rate: Some(Fraction::new(0.55)),
            payoff: Some(1.5),
            kelly_trades: Some(3),
            ..SizingConfig::default()
        };
        let mut sizer = Sizer::new(config);
        let mut after = |realised: f64| {
            let account = Account { realised, ..account(100.0, 0.0) };
            sizer.follow(&account);
            sizer.size(&example(), &account, 1.0).map(|sized| sized.size)
        };
        assert!((after(6.0).unwrap() - 0.125).abs() < 1e-15, "one trade: as stated, half of 0.55 - 0.45 / 1.5");
        assert!((after(4.0).unwrap() - 0.125).abs() < 1e-15);
        // Two of three won, 5 against 2: 2/3 - 1/3 / 2.5 = 8/15, halved.
        assert!((after(8.0).unwrap() - 4.0 / 15.0).abs() < 1e-15);
        assert_eq!(after(-8.0), Err(Reason::NoEdge), "one of three won, 4 against 9");
    }

    #[test]
    fn drawdown_shrinks_linearly_to_half_and_on_to_nothing() {
        let config = SizingConfig { half_at_drawdown: Some(Fraction::new(0.10)), ..SizingConfig::default() };
        let multiplier = |dd| Sizer::new(config).drawdown_multiplier(dd);
        for (drawdown, expected) in [(0.0, 1.0), (0.05, 0.75), (0.10, 0.5), (0.125, 0.25), (0.15, 0.0), (0.2, 0.0)] {
            assert!((multiplier(drawdown) - expected).abs() < 1e-12, "{drawdown}");
        }
    }

    #[test]
    fn the_regime_multiplies_only_where_asked() {
        let plain = size(SizingConfig::default()).unwrap();
        let scaled = size(SizingConfig { by_regime: true, ..SizingConfig::default() }).unwrap();
        assert_eq!((plain.size, scaled.size), (0.1, 0.06));
    }

    proptest! {
        #[test]
        fn no_size_exceeds_any_cap(
            method in 0_usize..25, cash in 0.0_f64..1e6, position in 0.0_f64..1e6, cap in 0.01_f64..1.0, heat in 0.001_f64..0.1,
            q10 in -0.05_f64..0.0, q50 in -0.01_f64..0.01, q90 in 0.0_f64..0.05, vol in 1e-5_f64..0.05,
        ) {
            const METHODS: [Method; 25] = [
                Method::Own, Method::Full, Method::InverseVariance, Method::InverseVarianceSignal, Method::InverseVarianceStrength,
                Method::Kelly, Method::FixedFractional, Method::Atr, Method::HummingbotSimple, Method::HummingbotKelly,
                Method::HummingbotVolatility, Method::HummingbotSharpe, Method::HummingbotRiskParity, Method::Enhanced,
                Method::QuantileBacktester, Method::AdvancedKelly, Method::AdvancedVolatility, Method::AdvancedSharpe,
                Method::AdvancedRiskParity, Method::AdvancedMomentum, Method::AdvancedEnsemble, Method::ValidatedKelly,
                Method::ValidatedTiered, Method::VolRawKelly, Method::PipelineSuggestion,
            ];
            let config = SizingConfig {
                method: METHODS[method],
                max_position: Fraction::new(cap),
                win_rate: Some(Fraction::new(0.55)),
                payoff: Some(1.5),
                max_heat: Some(Fraction::new(heat)),
                ..SizingConfig::default()
            };
            let input = SizingInput {
                quantiles: Quantiles { q10, q50, q90 },
                vol_raw: Some(vol),
                vol_risk: Some(vol * vol),
                asked: Some(vol * 20.0),
                ..example()
            };
            let held = account(cash, position);
            if let Ok(sized) = Sizer::new(config).size(&input, &held, 1.0) {
                let slack = 1.0 + 1e-12;
                prop_assert!(sized.size <= cap * slack);
                prop_assert!(sized.size * held.equity <= cash * slack);
                prop_assert!(position + sized.size * held.equity <= cap * held.equity * slack);
                prop_assert!((position + sized.size * held.equity) * 0.05 <= heat * held.equity * slack);
                prop_assert!(sized.size >= 0.01);
            }
        }
    }
}
