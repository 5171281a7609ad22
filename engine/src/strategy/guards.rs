//! Guards around any strategy: exits of its positions, and limits on its account.

use serde::{Deserialize, Serialize};

use super::{
    exits::ExitConfig,
    parameters::{Bearing, Declaration, Parameter, Range, declared},
};
use crate::{strategy::risk::RiskConfig, units::Fraction};

/// The sections `exits` and `risk` of a strategy file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    /// Stops, targets and time limits.
    pub exits: ExitConfig,
    /// Limits on the account.
    pub risk: RiskConfig,
}

impl Guards {
    /// The numbers of these settings.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        declared(DECLARATIONS, self)
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
        bearing: |c| Bearing::when(c.risk.max_drawdown.is_some()),
    },
    Declaration {
        path: "risk.max_daily_loss",
        range: Range::POSITIVE_FRACTION,
        words: "loss since midnight UTC at which trading stops until the next",
        value: |c| set(c.risk.max_daily_loss),
        bearing: ALWAYS,
    },
];
