//! Two lines of rule on one signal: the benchmark's job.
//!
//! Flat and signal above `entry`: buy for `size` of the cash. Long and signal below `exit`: sell everything.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Held, Marked},
    market::{Column, History, Signals},
    strategy::{
        Guards, Lack, Settings, Strategy,
        parameters::{Bearing, Declaration, Parameter, Range, declared},
    },
    units::Fraction,
};

/// Parameters of the threshold rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdConfig {
    /// Buy above this value of the signal, in the signal's own unit.
    pub entry: f64,
    /// Sell below this value of the signal, in the signal's own unit.
    pub exit: f64,
    /// Share of the cash to spend.
    pub size: Fraction,
}

impl Default for ThresholdConfig {
    fn default() -> Self {
        Self { entry: 0.75, exit: 0.25, size: Fraction::ONE }
    }
}

impl Settings for ThresholdConfig {
    const NAME: &'static str = "threshold";
    const WORDS: &'static str = "buys above one value of a signal and sells below another";

    type Strategy = Threshold;

    fn strategy(&self, _: &Guards) -> Threshold {
        Threshold::new(*self)
    }

    fn parameters(&self) -> Vec<Parameter> {
        declared(DECLARATIONS, self)
    }

    fn reads(&self, _: &Signals<'_>) -> Vec<Column> {
        vec![Column::Value]
    }

    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        let lack = Lack { needs: "a named signal column".to_owned(), remedy: "name it with --signal-column" };
        (!there.has(Column::Value)).then_some(lack)
    }
}

const DECLARATIONS: &[Declaration<ThresholdConfig>] = &[
    Declaration {
        path: "entry",
        range: Range::FINITE,
        words: "buy above this value of the signal, in its own unit",
        value: |c| Some(c.entry),
        bearing: |_| Bearing::Everywhere,
    },
    Declaration {
        path: "exit",
        range: Range::FINITE,
        words: "sell below this value of the signal, in its own unit",
        value: |c| Some(c.exit),
        bearing: |_| Bearing::Everywhere,
    },
    Declaration {
        path: "size",
        range: Range::FRACTION,
        words: "share of the cash to spend",
        value: |c| Some(c.size.get()),
        bearing: |_| Bearing::Everywhere,
    },
];

/// The threshold rule on the user's named signal.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    config: ThresholdConfig,
}

impl Threshold {
    /// The rule with these parameters.
    #[must_use]
    pub fn new(config: ThresholdConfig) -> Self {
        Self { config }
    }
}

impl Strategy for Threshold {
    fn rests_exits(&self) -> bool {
        false
    }

    #[inline]
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        let Some(signal) = history.signal(Column::Value) else {
            return Decision::Hold(Reason::NoSignal);
        };
        if account.position == 0.0 {
            if signal > self.config.entry {
                let order = Order::Buy(Budget::Cash(self.config.size));
                return Decision::Act(Intent { order, reason: Reason::EnterLong });
            }
        } else if signal < self.config.exit {
            return Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong });
        }
        Decision::Hold(Reason::Neutral)
    }

    #[inline]
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        let acts = match marked.held() {
            Held::Flat => history.signal(Column::Value).is_some_and(|signal| signal > self.config.entry),
            Held::Long | Held::Short => history.signal(Column::Value).is_some_and(|signal| signal < self.config.exit),
        };
        !acts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Market;

    /// What the rule says of `signal` with `position`, by deciding and by whether it is certain to hold.
    fn answer(signal: f64, position: f64) -> Reason {
        let column = [signal];
        let market = Market {
            open_time: &[0],
            open: &[1.0],
            high: &[1.0],
            low: &[1.0],
            close: &[1.0],
            signals: Signals::default().with(Column::Value, &column),
            interval_ms: 1,
            first: 0,
        };
        let books = crate::ledger::PriceLedger::restored(1.0, position, 1.0, 0);
        let marked = Marked { balances: books.balances(), price: 1.0 };
        let mut rule = Threshold::new(ThresholdConfig { entry: 0.75, exit: 0.25, size: Fraction::ONE });
        let decision = rule.decide(market.history(0), &books.account(1.0));
        assert_eq!(rule.stays(market.history(0), marked), matches!(decision, Decision::Hold(_)));
        decision.reason()
    }

    #[test]
    fn a_signal_at_a_threshold_does_not_act_and_one_beyond_it_does() {
        assert_eq!(answer(0.75, 0.0), Reason::Neutral);
        assert_eq!(answer(0.75_f64.next_up(), 0.0), Reason::EnterLong);
        assert_eq!(answer(0.25, 1.0), Reason::Neutral);
        assert_eq!(answer(0.25_f64.next_down(), 1.0), Reason::ExitLong);
        assert_eq!(answer(f64::NAN, 0.0), Reason::NoSignal);
    }
}
