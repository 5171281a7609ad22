//! Trades that have ended, as the account tells of them at each close.
//!
//! A trade lasts from a flat account, or a turn, to the next one. What it has brought is what the account has realised
//! meanwhile, costs of the fills included. So it follows from accounts alone, whatever the host is.

use std::collections::VecDeque;

use crate::ledger::Account;

/// A trade that has brought or cost less than this share of the equity came out even.
const EVEN: f64 = 1e-9;

/// How a trade came out; quote units above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Won(f64),
    Lost(f64),
    Even,
}

/// Tells of each trade when it has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trades {
    opened_at: Option<i64>,
    /// What was realised before the present trade, or until now where there is none.
    realised: f64,
}

impl Trades {
    /// The trade that has ended since the last close; one that began and ended inside the bar is one as well.
    pub(crate) fn next(&mut self, account: &Account) -> Option<Outcome> {
        let begun = std::mem::replace(&mut self.opened_at, account.opened_at);
        let is_open = account.opened_at.is_some();
        let goes_on = is_open && (begun.is_none() || begun == account.opened_at);
        if goes_on || account.realised == self.realised {
            return None;
        }
        let brought = account.realised - std::mem::replace(&mut self.realised, account.realised);
        Some(if brought.abs() <= EVEN * account.equity.abs() {
            Outcome::Even
        } else if brought > 0.0 {
            Outcome::Won(brought)
        } else {
            Outcome::Lost(-brought)
        })
    }
}

/// How often trades are won, and what a won one brings against what a lost one costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    /// Share of the trades that did not come out even.
    pub win_rate: f64,
    /// Mean gain of the won ones over mean loss of the lost ones.
    pub payoff: f64,
}

/// The odds of the last trades.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    trades: Trades,
    most: usize,
    /// Gains, and losses below 0, the oldest first.
    brought: VecDeque<f64>,
}

impl Record {
    /// No trade yet, of the last `most`.
    pub(crate) fn of_last(most: u32) -> Self {
        Self { trades: Trades::default(), most: most as usize, brought: VecDeque::new() }
    }

    pub(crate) fn follow(&mut self, account: &Account) {
        match self.trades.next(account) {
            Some(Outcome::Won(gain)) => self.brought.push_back(gain),
            Some(Outcome::Lost(loss)) => self.brought.push_back(-loss),
            Some(Outcome::Even) | None => {}
        }
        if self.brought.len() > self.most {
            self.brought.pop_front();
        }
    }

    /// The odds of the last trades; `None` until there are enough of them, or while none was lost.
    pub(crate) fn odds(&self) -> Option<Odds> {
        let sum = |sign: f64| -> (f64, f64) {
            let of_sign = self.brought.iter().map(|brought| sign * brought).filter(|brought| *brought > 0.0);
            of_sign.fold((0.0, 0.0), |(sum, count), brought| (sum + brought, count + 1.0))
        };
        let ((gains, won), (losses, lost)) = (sum(1.0), sum(-1.0));
        if self.brought.len() < self.most || lost == 0.0 {
            return None;
        }
        let gain = if won > 0.0 { gains / won } else { 0.0 };
        Some(Odds { win_rate: won / (won + lost), payoff: gain / (losses / lost) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::PriceLedger;

    fn account(opened_at: Option<i64>, realised: f64) -> Account {
        Account { opened_at, realised, ..PriceLedger::new(100.0).account(1.0) }
    }

    #[test]
    fn a_trade_ends_where_the_account_is_flat_or_turned_and_has_brought_what_was_realised() {
        let mut trades = Trades::default();
        let mut next = |opened_at, realised| trades.next(&account(opened_at, realised));
        assert_eq!(next(None, 0.0), None, "nothing was traded");
        assert_eq!(next(Some(1), -1.0), None, "a cost of the entry belongs to the trade");
        assert_eq!(next(Some(1), 4.0), None, "part of it was sold");
        assert_eq!(next(None, 6.0), Some(Outcome::Won(6.0)));
        assert_eq!(next(Some(2), 6.0), None);
        assert_eq!(next(Some(3), 3.0), Some(Outcome::Lost(3.0)), "turned");
        assert_eq!(next(None, 3.0), None, "without costs and gain nothing tells of it");
        assert_eq!(next(None, 1.0), Some(Outcome::Lost(2.0)), "began and ended inside one bar");
        assert_eq!(next(None, 1.0 + 1e-8), Some(Outcome::Even));
    }

    #[test]
    fn odds_are_those_of_the_last_trades_and_of_none_before_there_are_enough() {
        let mut record = Record::of_last(3);
        let mut odds = |realised| {
            record.follow(&account(None, realised));
            record.odds()
        };
        assert_eq!(odds(6.0), None);
        assert_eq!(odds(4.0), None);
        assert_eq!(odds(8.0), Some(Odds { win_rate: 2.0 / 3.0, payoff: 2.5 }), "6 and 4 won, 2 lost");
        assert_eq!(odds(3.0), Some(Odds { win_rate: 1.0 / 3.0, payoff: 4.0 / 3.5 }), "4 won, 2 and 5 lost");
    }
}
