//! Follows the side that the producer of the signals recorded: long from a 1 until a 0; -1 keeps what there is.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::Known,
    strategy::{Explanation, Strategy},
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

/// Long or flat, as the recorded side says.
#[derive(Clone, Copy, Debug)]
pub struct FollowSide {
    config: FollowSideConfig,
    last: Option<i8>,
}

impl FollowSide {
    /// The rule with these parameters.
    #[must_use]
    pub fn new(config: FollowSideConfig) -> Self {
        Self { config, last: None }
    }
}

impl Strategy for FollowSide {
    fn decide(&mut self, known: Known<'_>, account: &Account) -> Decision {
        let recorded = known.side();
        self.last = recorded.map(|side| side as i8);
        let side = match recorded {
            Some(1.0) => Some(Side::Long),
            Some(0.0) => Some(Side::Short),
            Some(_) => return Decision::Hold(Reason::Neutral),
            None => match self.config.absent {
                Absent::Hold => None,
                Absent::Long => Some(Side::Long),
                Absent::Flat => Some(Side::Short),
            },
        };
        match side {
            None => Decision::Hold(Reason::NoSignal),
            Some(Side::Long) if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Some(Side::Long) => {
                let order = Order::Buy(Budget::Cash(self.config.size));
                Decision::Act(Intent { order, reason: Reason::EnterLong })
            }
            Some(Side::Short) if account.position > 0.0 => {
                Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong })
            }
            Some(Side::Short) => Decision::Hold(Reason::NothingToSell),
        }
    }

    fn explain(&self) -> Explanation {
        Explanation { side: self.last, ..Explanation::default() }
    }
}
