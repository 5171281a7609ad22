//! Follows the side that the producer of the signals recorded: long from a 1 until a 0; -1 keeps what there is.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Held, Marked},
    market::Known,
    strategy::{
        Explanation, Strategy,
        parameters::{Bearing, Declaration, Parameter, Range, declared},
    },
    units::Fraction,
};

/// What to do on a bar without a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Keep what there is.
    #[default]
    Hold,
    /// Treat the bar as a long signal.
    Long,
    /// Close the position.
    Flat,
}

/// A direction that a signal points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The price is expected to rise.
    Long,
    /// The price is expected to fall.
    Short,
}

impl Side {
    /// The producers' code: 1 long, 0 short.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Long => 1,
            Self::Short => 0,
        }
    }
}

/// Parameters of the side rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FollowSideConfig {
    /// Share of the cash to spend on a long signal.
    pub size: Fraction,
    /// What to do on a bar without a signal.
    pub absent: Absent,
}

impl Default for FollowSideConfig {
    fn default() -> Self {
        Self { size: Fraction::ONE, absent: Absent::Hold }
    }
}

impl FollowSideConfig {
    /// The numbers of these settings.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        declared(DECLARATIONS, self)
    }
}

const DECLARATIONS: &[Declaration<FollowSideConfig>] = &[Declaration {
    path: "size",
    range: Range::FRACTION,
    words: "share of the cash to spend",
    value: |c| Some(c.size.get()),
    bearing: |_| Bearing::Everywhere,
}];

/// Long or flat, as the recorded side says.
#[derive(Clone, Copy, Debug)]
pub struct FollowSide {
    config: FollowSideConfig,
}

impl FollowSide {
    /// The rule with these parameters.
    #[must_use]
    pub fn new(config: FollowSideConfig) -> Self {
        Self { config }
    }

    /// The side of the present bar, or why there is none.
    #[inline]
    fn side(&self, known: &Known<'_>) -> Result<Side, Reason> {
        match (known.side(), self.config.absent) {
            (Some(1.0), _) | (None, Absent::Long) => Ok(Side::Long),
            (Some(0.0), _) | (None, Absent::Flat) => Ok(Side::Short),
            (Some(_), _) => Err(Reason::Neutral),
            (None, Absent::Hold) => Err(Reason::NoSignal),
        }
    }
}

impl Strategy for FollowSide {
    fn decide(&mut self, known: Known<'_>, account: &Account) -> Decision {
        let side = match self.side(&known) {
            Ok(side) => side,
            Err(reason) => return Decision::Hold(reason),
        };
        match side {
            Side::Long if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Side::Long => {
                let order = Order::Buy(Budget::Cash(self.config.size));
                Decision::Act(Intent { order, reason: Reason::EnterLong })
            }
            Side::Short if account.position > 0.0 => {
                Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong })
            }
            Side::Short => Decision::Hold(Reason::NothingToSell),
        }
    }

    #[inline]
    fn stays(&self, known: Known<'_>, marked: Marked) -> bool {
        match self.side(&known) {
            Err(_) => true,
            Ok(Side::Long) => marked.held() == Held::Long,
            Ok(Side::Short) => marked.held() != Held::Long,
        }
    }

    fn explain(&self, known: Known<'_>, _account: &Account) -> Explanation {
        Explanation { side: known.side().map(|side| side as i8), ..Explanation::default() }
    }
}
