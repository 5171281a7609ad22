//! Guards around any strategy: exits of its positions, limits on its account, sizes of its entries.

use serde::{Deserialize, Serialize};

use super::{
    exits::ExitConfig,
    parameters::{Bearing, Declaration, Parameter, Range, declared},
    sizing::{self, SizingConfig},
};
use crate::{strategy::risk::RiskConfig, units::Fraction};

/// The sections `exits`, `risk` and, where the strategy has none of its own, `sizing` of a strategy file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    /// Stops, targets and time limits.
    pub exits: ExitConfig,
    /// Limits on the account.
    pub risk: RiskConfig,
    /// How its entries are sized; absent: as it asks.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "sizing::around")]
    pub sizing: Option<SizingConfig>,
}

impl Guards {
    /// The numbers of these settings.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let sizing = self.sizing.as_ref().map(sizing::parameters);
        [declared(DECLARATIONS, self), sizing.unwrap_or_default()].concat()
    }
}

fn set(value: Option<Fraction>) -> Option<f64> {
    value.map(Fraction::get)
}

const ALWAYS: fn(&Guards) -> Bearing = |_| Bearing::Everywhere;

const DECLARATIONS: &[Declaration<Guards>] = &[
    Declaration {
        path: "exits.stop_loss",
        range: Range::POSITIVE_FRACTION,
        words: "distance of the stop, a fraction of the entry price",
        value: |c| set(c.exits.stop_loss),
        bearing: ALWAYS,
    },
    Declaration {
        path: "exits.trailing_stop",
        range: Range::POSITIVE_FRACTION,
        words: "distance of the trailing stop, a fraction of the best price",
        value: |c| set(c.exits.trailing_stop),
        bearing: ALWAYS,
    },
    Declaration {
        path: "exits.take_profit",
        range: Range::POSITIVE,
        words: "distance of the target, in entry prices",
        value: |c| c.exits.take_profit,
        bearing: ALWAYS,
    },
    Declaration {
        path: "exits.max_hours",
        range: Range::POSITIVE,
        words: "longest time in a position, hours",
        value: |c| c.exits.max_hours,
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.max_drawdown",
        range: Range::POSITIVE_FRACTION,
        words: "fall from the highest equity at which trading stops",
        value: |c| set(c.risk.max_drawdown),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.cooldown_hours",
        range: Range::POSITIVE,
        words: "hours after which trading resumes",
        value: |c| c.risk.cooldown_hours,
        bearing: |c| Bearing::when(c.risk.max_drawdown.is_some() || c.risk.max_consecutive_losses.is_some()),
    },
    Declaration {
        path: "risk.max_daily_loss",
        range: Range::POSITIVE_FRACTION,
        words: "loss since midnight UTC at which trading stops until the next",
        value: |c| set(c.risk.max_daily_loss),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.max_consecutive_losses",
        range: Range::whole(1, u32::MAX),
        words: "trades lost one after the other at which trading stops",
        value: |c| c.risk.max_consecutive_losses.map(f64::from),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.max_positions",
        range: Range::whole(1, u32::MAX),
        words: "positions of the account that are open at once",
        value: |c| c.risk.max_positions.map(f64::from),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.total_exposure",
        range: Range::POSITIVE_FRACTION,
        words: "value of all positions, a share of equity",
        value: |c| set(c.risk.total_exposure),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.instrument_exposure",
        range: Range::POSITIVE_FRACTION,
        words: "value of the position in one instrument, a share of equity",
        value: |c| set(c.risk.instrument_exposure),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.correlated_exposure",
        range: Range::POSITIVE_FRACTION,
        words: "value of positions that move together, a share of equity",
        value: |c| set(c.risk.correlated_exposure),
        bearing: ALWAYS,
    },
    Declaration {
        path: "risk.correlation_window",
        range: Range::whole(2, u32::MAX),
        words: "returns from which it is told what moves together",
        value: |c| c.risk.correlation_window.map(f64::from),
        bearing: |c| Bearing::when(c.risk.correlated_exposure.is_some()),
    },
    Declaration {
        path: "risk.correlation_threshold",
        range: Range::POSITIVE_FRACTION,
        words: "correlation at which two instruments move together",
        value: |c| set(c.risk.correlation_threshold),
        bearing: |c| Bearing::when(c.risk.correlated_exposure.is_some()),
    },
    Declaration {
        path: "risk.heat",
        range: Range::POSITIVE_FRACTION,
        words: "what is lost where every stop is hit, a share of equity",
        value: |c| set(c.risk.heat),
        bearing: ALWAYS,
    },
];
