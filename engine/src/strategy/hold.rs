//! Buy at the first opportunity and hold: the benchmark that every long strategy must beat.

use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Held, Marked},
    market::History,
    strategy::Strategy,
    units::Fraction,
};

/// Holds the whole equity in base from the first fill on.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuyAndHold;

impl Strategy for BuyAndHold {
    fn rests_exits(&self) -> bool {
        false
    }

    fn decide(&mut self, _history: History<'_>, account: &Account) -> Decision {
        if account.position > 0.0 {
            return Decision::Hold(Reason::AlreadyLong);
        }
        Decision::Act(Intent { order: Order::Buy(Budget::Cash(Fraction::ONE)), reason: Reason::EnterLong })
    }

    fn stays(&self, _history: History<'_>, marked: Marked) -> bool {
        marked.held() == Held::Long
    }
}
