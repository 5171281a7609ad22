//! Strategies: what to do at the close of a bar, given what is known.

pub mod exits;
pub mod hold;
pub mod parameters;
pub mod q50;
pub mod side;
pub mod threshold;

mod config;

pub use config::{AnyStrategy, ConfigError, Prepared, StrategyConfig};

use crate::{
    decision::Decision,
    ledger::{Account, Marked},
    market::Known,
};
use exits::RestingExits;

/// A trading rule. The same object is driven by the replay loop, by the second engine and on chain.
pub trait Strategy {
    /// Decides at the close of the last bar of `known`.
    fn decide(&mut self, known: Known<'_>, account: &Account) -> Decision;

    /// Prices at which the venue is asked to close the position inside a bar. None by default.
    fn resting(&self, _account: &Account) -> RestingExits {
        RestingExits::NONE
    }

    /// Whether the strategy is certain to hold at the close of the last bar of `known` with the position `marked`, rests no
    /// exit while it is open, and would be the same strategy afterwards if it had not been asked at all. `false` is always
    /// right; `true` lets the replay pass over the bar.
    fn stays(&self, _known: Known<'_>, _marked: Marked) -> bool {
        false
    }

    /// What the decision on `known` and `account` was made from, for the record; asked after it was made.
    fn explain(&self, _known: Known<'_>, _account: &Account) -> Explanation {
        Explanation::default()
    }
}

/// What a decision was made from. Unknown is `None`: a strategy reports only what it computes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Side before sizing and caps: 1 long, 0 short, -1 neither (the producers' code).
    pub side: Option<i8>,
    /// Probability of a positive return.
    pub prob_up: Option<f64>,
    /// Expected value of the trade, a fraction.
    pub expected_value: Option<f64>,
    /// Enhanced information ratio.
    pub info_ratio: Option<f64>,
    /// Variance regime.
    pub regime: Option<&'static str>,
    /// Size that the sizer asked for, a share of equity.
    pub raw_size: Option<f64>,
    /// Size that the caps left, a share of equity.
    pub size: Option<f64>,
    /// The cap that decided the size.
    pub binding_cap: Option<&'static str>,
}
