//! A strategy's answer at a bar: an order or a hold, always with exactly one reason.

use serde::{Deserialize, Serialize};

use crate::units::Fraction;

/// The answer of a strategy at the close of one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Send this order.
    Act(Intent),
    /// Do nothing, and say why.
    Hold(Reason),
}

impl Decision {
    /// Why the strategy acts or holds.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Act(intent) => intent.reason,
            Self::Hold(reason) => *reason,
        }
    }
}

/// An order that a strategy wants, in terms that no venue is needed for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intent {
    /// What to do.
    pub order: Order,
    /// Why.
    pub reason: Reason,
}

/// What to buy or to sell. An order that opens one side closes the opposite position first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Spend this much, costs included.
    Buy(Budget),
    /// Sell this share of the base that is held.
    Sell(Fraction),
    /// Sell short for this share of equity; a price venue that permits it only.
    Short(Fraction),
    /// Buy back this share of the base that is owed.
    Cover(Fraction),
}

/// How much quote currency an order may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// A share of the cash at the moment of the decision, and never more than is left when the order is filled.
    Cash(Fraction),
    /// A share of the equity at the moment of the decision, and never more than the cash when the order is filled.
    Equity(Fraction),
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// Why a bar ended in an order or in a hold. Every bar has exactly one, so that the counts add up to the bars.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name of each, in the same order: a reason as a number is its place.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The reason's name in tables and files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// A long signal with nothing held.
    EnterLong = "enter_long",
    /// A long signal that adds to a long position.
    AddLong = "add_long",
    /// A short signal that sells what is held.
    ExitLong = "exit_long",
    /// A short signal with nothing owed, where shorting is permitted.
    EnterShort = "enter_short",
    /// A short signal that adds to a short position.
    AddShort = "add_short",
    /// A long signal that buys back what is owed.
    ExitShort = "exit_short",
    /// The price fell to the stop.
    StopLoss = "stop_loss",
    /// The price fell to the trailing stop.
    TrailingStop = "trailing_stop",
    /// The price reached the target.
    TakeProfit = "take_profit",
    /// The position was held for its longest time.
    Timeout = "timeout",
    /// The drawdown limit sold the position.
    RiskExit = "risk_exit",
    /// Nothing was forecast for this bar.
    NoSignal = "no_signal",
    /// The quantiles of the forecast are out of order.
    CrossedQuantiles = "crossed_quantiles",
    /// Too little history for a percentile.
    WarmUp = "warm_up",
    /// The signal says neither long nor short.
    Neutral = "neutral",
    /// The expected value does not exceed its minimum.
    NotSignificant = "not_significant",
    /// The absolute median is below its threshold.
    BelowThreshold = "below_threshold",
    /// The information ratio is below its threshold.
    LowQuality = "low_quality",
    /// The signal's tier is too low.
    LowTier = "low_tier",
    /// The forecast is too wide.
    WideSpread = "wide_spread",
    /// The sizer sees no edge.
    NoEdge = "no_edge",
    /// The sizer lacks an input, or was given an impossible one.
    SizingFailed = "sizing_failed",
    /// A cap leaves no room for more.
    AtCap = "at_cap",
    /// What the caps leave is smaller than the smallest trade.
    BelowMinimumSize = "below_minimum_size",
    /// A long signal, and the position is already long.
    AlreadyLong = "already_long",
    /// A short signal, and there is nothing to sell.
    NothingToSell = "nothing_to_sell",
    /// A risk limit has stopped trading.
    Halted = "halted",
    /// No entry condition holds, or what its stop is measured in is unknown.
    NoEntry = "no_entry",
    /// Entry conditions of both sides hold.
    ConflictingEntries = "conflicting_entries",
    /// A position is open, and nothing closes it.
    InPosition = "in_position",
    /// An entry outside the allowed sessions.
    FilteredSession = "filtered_session",
    /// An entry on a blocked day.
    FilteredDay = "filtered_day",
    /// An entry around a settlement of funding.
    FilteredFunding = "filtered_funding",
    /// The margin of the position did not suffice.
    Liquidation = "liquidation",
    /// The fall from the highest equity leaves no size.
    Drawdown = "drawdown",
}

impl Reason {
    /// Number of reasons.
    pub const COUNT: usize = Self::ALL.len();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_its_own_index() {
        for (i, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, i);
        }
    }
}
