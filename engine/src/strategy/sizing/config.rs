//! The section `sizing` of a strategy file, and its numbers.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{CapScope, Method};
use crate::{
    strategy::parameters::{Bearing, Declaration, Parameter, Range, declared},
    units::Fraction,
};

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
    /// Whether the regime's size multiplier applies; of a strategy other than q50, that of q50's default regimes.
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
    // Written only where they are set, because trials on record were filed without them.
    /// Largest share of equity that may be lost at the stop; without a stop all of the position is at risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_heat: Option<Fraction>,
    /// Smallest order, in quote units; below it there is no trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_notional: Option<f64>,
    /// Share of equity to trade where the method lacks an input; absent: no trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_missing: Option<Fraction>,
    /// Number of last trades from which `kelly` takes win rate and payoff; until there are so many, those stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kelly_trades: Option<u32>,
}

impl Default for SizingConfig {
    fn default() -> Self {
        let (max_position, min_size) = (Fraction::new(0.5), Fraction::new(0.01));
        Self { method: Method::InverseVariance, max_position, min_size, ..Self::OWN }
    }
}

impl SizingConfig {
    /// The sizes of a strategy that has some of its own, with no cap below all of the equity.
    pub const OWN: Self = Self {
        method: Method::Own,
        max_position: Fraction::ONE,
        cap_scope: CapScope::Total,
        min_size: Fraction::ZERO,
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
        max_heat: None,
        min_notional: None,
        on_missing: None,
        kelly_trades: None,
    };
}

/// Reads the section of a strategy that has sizes of its own: what is not said is as in [`SizingConfig::OWN`], and where
/// nothing is said there is no sizer.
///
/// # Errors
/// What is no option, or has a value that it cannot have.
pub fn around<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SizingConfig>, D::Error> {
    let options = Map::deserialize(deserializer)?;
    if options.is_empty() {
        return Ok(None);
    }
    let mut all = match serde_json::to_value(SizingConfig::OWN) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.extend(options);
    serde_json::from_value(Value::Object(all)).map(Some).map_err(D::Error::custom)
}

/// The numbers of `config`.
#[must_use]
pub fn parameters(config: &SizingConfig) -> Vec<Parameter> {
    declared(DECLARATIONS, config)
}

fn share(value: Fraction) -> Option<f64> {
    Some(value.get())
}

fn set(value: Option<Fraction>) -> Option<f64> {
    value.map(Fraction::get)
}

const ALWAYS: fn(&SizingConfig) -> Bearing = |_| Bearing::Everywhere;

const DECLARATIONS: &[Declaration<SizingConfig>] = &[
    Declaration {
        path: "sizing.max_position",
        range: Range::FRACTION,
        words: "largest share of equity",
        value: |c| share(c.max_position),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.min_size",
        range: Range::FRACTION,
        words: "smallest order, a share of equity",
        value: |c| share(c.min_size),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.fee_reserve",
        range: Range::NOT_NEGATIVE,
        words: "cash that is never spent, quote units",
        value: |c| Some(c.fee_reserve),
        bearing: |c| Bearing::when(c.fee_reserve > 0.0),
    },
    Declaration {
        path: "sizing.cash_share",
        range: Range::FRACTION,
        words: "largest share of the cash that one order spends",
        value: |c| share(c.cash_share),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.pool_share",
        range: Range::FRACTION,
        words: "largest share of a pool's quote reserve that one order spends",
        value: |c| share(c.pool_share),
        bearing: |_| Bearing::Pools,
    },
    Declaration {
        path: "sizing.half_at_drawdown",
        range: Range::POSITIVE_FRACTION,
        words: "drawdown at which sizes are half",
        value: |c| set(c.half_at_drawdown),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.win_rate",
        range: Range::FRACTION,
        words: "win rate of the method kelly",
        value: |c| set(c.win_rate),
        bearing: |c| Bearing::when(c.method == Method::Kelly),
    },
    Declaration {
        path: "sizing.payoff",
        range: Range::within(0.01, 100.0),
        words: "average win over average loss of the method kelly",
        value: |c| c.payoff,
        bearing: |c| Bearing::when(c.method == Method::Kelly),
    },
    Declaration {
        path: "sizing.kelly_fraction",
        range: Range::FRACTION,
        words: "share of the full size of the method kelly",
        value: |c| share(c.kelly_fraction),
        bearing: |c| Bearing::when(c.method == Method::Kelly),
    },
    Declaration {
        path: "sizing.risk_per_trade",
        range: Range::FRACTION,
        words: "share of equity lost at the stop of the methods fixed_fractional and atr",
        value: |c| share(c.risk_per_trade),
        bearing: |c| Bearing::when(matches!(c.method, Method::FixedFractional | Method::Atr)),
    },
    Declaration {
        path: "sizing.atr_multiple",
        range: Range::POSITIVE,
        words: "stop distance of the method atr in average true ranges",
        value: |c| Some(c.atr_multiple),
        bearing: |c| Bearing::when(c.method == Method::Atr),
    },
    Declaration {
        path: "sizing.max_heat",
        range: Range::POSITIVE_FRACTION,
        words: "largest share of equity that may be lost at the stop",
        value: |c| set(c.max_heat),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.min_notional",
        range: Range::NOT_NEGATIVE,
        words: "smallest order, quote units",
        value: |c| c.min_notional,
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.on_missing",
        range: Range::POSITIVE_FRACTION,
        words: "share of equity to trade where the method lacks an input",
        value: |c| set(c.on_missing),
        bearing: ALWAYS,
    },
    Declaration {
        path: "sizing.kelly_trades",
        range: Range::whole(2, u32::MAX),
        words: "number of last trades from which the method kelly takes win rate and payoff",
        value: |c| c.kelly_trades.map(f64::from),
        bearing: |c| Bearing::when(c.method == Method::Kelly),
    },
];
