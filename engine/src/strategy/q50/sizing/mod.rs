//! Position sizes: every published sizer behind one [`Sizer`], and the caps that all of them are subject to.
//!
//! A method gives a raw share of equity. It is scaled by the regime and the drawdown, then bounded by the smallest of
//! all caps, which is named. A result below the minimum is not traded: a size is never forced up.

mod advanced;
mod caps;
mod classic;
mod hummingbot;
mod validated;

pub use caps::{BindingCap, CapScope, Caps};

use serde::{Deserialize, Serialize};

use crate::{
    decision::Reason,
    ledger::Account,
    market::Quantiles,
    strategy::{q50::regime::Regime, side::Side},
    units::Fraction,
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
    /// 0.1 / max(1000 variance, 0.1), in [0.01, 0.5] (seed documents).
    #[default]
    InverseVariance = "inverse_variance",
    /// Inverse variance times min(100 |q50|, 2) (seed documents).
    InverseVarianceSignal = "inverse_variance_signal",
    /// Inverse variance times |q50| min(information ratio / threshold, 2) (requirements 3.2).
    InverseVarianceStrength = "inverse_variance_strength",
    /// Kelly from a stated win rate and payoff, times a fraction (default half).
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
        !matches!(
            self,
            Self::Full
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

/// How large a position is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizingConfig {
    /// How the raw share of equity is found.
    pub method: Method,
    /// Largest share of equity; see `cap_scope`.
    pub max_position: Fraction,
    /// Whether `max_position` bounds the position or, as published, each order.
    pub cap_scope: CapScope,
    /// Smallest order, a share of equity; below it there is no trade.
    pub min_size: Fraction,
    /// Cash that is never spent, in quote units.
    pub fee_reserve: f64,
    /// Largest share of the remaining cash that one order spends.
    pub cash_share: Fraction,
    /// Largest share of a pool's quote reserve that one order spends; unused on a price venue.
    pub pool_share: Fraction,
    /// Whether the regime's size multiplier applies.
    pub by_regime: bool,
    /// Drawdown from which the size shrinks (full at 0, half here, nothing at 1.5 times this); absent: no shrinking.
    pub half_at_drawdown: Option<Fraction>,
    /// Win rate for `kelly`.
    pub win_rate: Option<Fraction>,
    /// Average win over average loss for `kelly`.
    pub payoff: Option<f64>,
    /// Share of the full Kelly size.
    pub kelly_fraction: Fraction,
    /// Share of equity lost at the stop, for `fixed_fractional` and `atr`.
    pub risk_per_trade: Fraction,
    /// Stop distance in average true ranges, for `atr`.
    pub atr_multiple: f64,
}

impl Default for SizingConfig {
    fn default() -> Self {
        Self {
            method: Method::InverseVariance,
            max_position: Fraction::new(0.5),
            cap_scope: CapScope::Total,
            min_size: Fraction::new(0.01),
            fee_reserve: 0.0,
            cash_share: Fraction::ONE,
            pool_share: Fraction::new(0.25),
            by_regime: false,
            half_at_drawdown: None,
            win_rate: None,
            payoff: None,
            kelly_fraction: Fraction::new(0.5),
            risk_per_trade: Fraction::new(0.02),
            atr_multiple: 2.0,
        }
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

/// Turns a forecast into a share of equity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizer {
    config: SizingConfig,
}

impl Sizer {
    /// A sizer with these settings.
    #[must_use]
    pub fn new(config: SizingConfig) -> Self {
        Self { config }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SizingConfig {
        &self.config
    }

    /// The share of equity to trade, with everything that led to it.
    ///
    /// `drawdown` is the present fall from the highest equity, a fraction;
    /// `regime_multiplier` is the regime's size multiplier (used where `by_regime` is set).
    ///
    /// # Errors
    /// The reason for not trading: no edge, a missing input, no room below a cap, or less than the minimum size.
    #[inline]
    pub fn size(
        &self,
        input: &SizingInput,
        account: &Account,
        drawdown: f64,
        regime_multiplier: f64,
    ) -> Result<SizeExplanation, Reason> {
        let base = self.base(input)?;
        if !base.is_finite() {
            return Err(Reason::SizingFailed);
        }
        let regime_multiplier = if self.config.by_regime { regime_multiplier } else { 1.0 };
        let drawdown_multiplier = self.drawdown_multiplier(drawdown);
        let raw = base * regime_multiplier * drawdown_multiplier;
        let caps = Caps::of(&self.config, input.side, account);
        let (cap, cap_value) = caps.smallest();
        if cap_value <= 0.0 {
            return Err(Reason::AtCap);
        }
        let (binding, size) = if raw <= cap_value { (BindingCap::Unbound, raw) } else { (cap, cap_value) };
        if size <= 0.0 {
            return Err(Reason::NoEdge);
        }
        if size < self.config.min_size.get() {
            let crowded_out = raw >= self.config.min_size.get();
            return Err(if crowded_out { Reason::AtCap } else { Reason::BelowMinimumSize });
        }
        Ok(SizeExplanation { base, regime_multiplier, drawdown_multiplier, raw, caps, binding, size })
    }

    #[inline]
    fn base(&self, input: &SizingInput) -> Result<f64, Refusal> {
        let cap = self.config.max_position.get();
        match self.config.method {
            Method::Full => Ok(cap),
            Method::InverseVariance | Method::PipelineSuggestion => classic::inverse_variance(input),
            Method::InverseVarianceSignal => Ok(classic::inverse_variance(input)? * classic::signal_multiplier(input)),
            Method::InverseVarianceStrength => {
                Ok(classic::inverse_variance(input)? * classic::strength_multiplier(input)?)
            }
            Method::Kelly => classic::kelly(&self.config),
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
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(cash: f64, position: f64) -> Account {
        Account {
            position,
            cash,
            equity: cash + position,
            price: 1.0,
            quote_reserve: None,
            average_price: None,
            opened_at: None,
        }
    }

    #[inline]
    fn size(config: SizingConfig, drawdown: f64) -> Result<SizeExplanation, Reason> {
        Sizer::new(config).size(&example(), &account(100.0, 0.0), drawdown, 0.6)
    }

    #[test]
    fn the_smallest_cap_decides_and_is_named() {
        let full = SizingConfig { method: Method::Full, max_position: Fraction::new(0.8), ..SizingConfig::default() };
        assert_eq!(size(full, 0.0).unwrap().binding, BindingCap::Unbound);
        let reserved = size(SizingConfig { fee_reserve: 90.0, ..full }, 0.0).unwrap();
        assert_eq!((reserved.binding, reserved.size), (BindingCap::Cash, 0.1));
    }

    #[test]
    fn what_is_below_the_minimum_is_no_trade() {
        let config = SizingConfig { min_size: Fraction::new(0.2), ..SizingConfig::default() };
        assert_eq!(size(config, 0.0), Err(Reason::BelowMinimumSize), "inverse variance asks for 0.1");
    }

    #[test]
    fn a_missing_or_impossible_input_is_no_trade() {
        let sizer = Sizer::new(SizingConfig::default());
        for vol_risk in [None, Some(f64::NAN)] {
            let input = SizingInput { vol_risk, ..example() };
            assert_eq!(sizer.size(&input, &account(100.0, 0.0), 0.0, 1.0), Err(Reason::SizingFailed));
        }
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
        let plain = size(SizingConfig::default(), 0.0).unwrap();
        let scaled = size(SizingConfig { by_regime: true, ..SizingConfig::default() }, 0.0).unwrap();
        assert_eq!((plain.size, scaled.size), (0.1, 0.06));
    }

    proptest! {
        #[test]
        fn no_size_exceeds_any_cap(
            method in 0_usize..24, cash in 0.0_f64..1e6, position in 0.0_f64..1e6, cap in 0.01_f64..1.0,
            q10 in -0.05_f64..0.0, q50 in -0.01_f64..0.01, q90 in 0.0_f64..0.05, vol in 1e-5_f64..0.05,
        ) {
            const METHODS: [Method; 24] = [
                Method::Full, Method::InverseVariance, Method::InverseVarianceSignal, Method::InverseVarianceStrength,
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
                ..SizingConfig::default()
            };
            let input = SizingInput {
                quantiles: Quantiles { q10, q50, q90 },
                vol_raw: Some(vol),
                vol_risk: Some(vol * vol),
                ..example()
            };
            let held = account(cash, position);
            if let Ok(sized) = Sizer::new(config).size(&input, &held, 0.0, 1.0) {
                let slack = 1.0 + 1e-12;
                prop_assert!(sized.size <= cap * slack);
                prop_assert!(sized.size * held.equity <= cash * slack);
                prop_assert!(position + sized.size * held.equity <= cap * held.equity * slack);
                prop_assert!(sized.size >= 0.01);
            }
        }
    }
}
