//! Stop-loss, take-profit and timeout, between bars: checked whenever a price is seen.

use crate::clock::UnixMillis;
use q50_engine::units::{Bps, Lamports};
use serde::Serialize;
use std::time::Duration;

/// When a position is sold whatever the signal says. Distances are shares of its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExitRules {
    /// Sell after this much of the cost is lost.
    pub stop_loss: Option<Bps>,
    /// Sell after this much of the cost is gained.
    pub take_profit: Option<Bps>,
    /// Sell after this long.
    pub timeout: Option<Duration>,
}

/// Why a position is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// Too much is lost.
    StopLoss,
    /// Enough is gained.
    TakeProfit,
    /// It took too long.
    Timeout,
}

impl ExitRules {
    /// Whether a position has to be sold: what it cost, fees in, since when it is held, and what selling all of it would
    /// bring now, fees taken. An unknown value meets no price; the timeout does not need one.
    #[must_use]
    pub fn due(
        &self,
        cost: Lamports,
        since: UnixMillis,
        value: Option<Lamports>,
        now: UnixMillis,
    ) -> Option<ExitReason> {
        let scaled = |bps: u128| u128::from(cost.0) * bps;
        let value = value.map(|value| u128::from(value.0) * 10_000);
        let is_stopped =
            |stop: Bps| value.is_some_and(|value| value <= scaled(10_000_u128.saturating_sub(stop.0.into())));
        let is_reached = |target: Bps| value.is_some_and(|value| value >= scaled(10_000 + u128::from(target.0)));
        if self.stop_loss.is_some_and(is_stopped) {
            Some(ExitReason::StopLoss)
        } else if self.take_profit.is_some_and(is_reached) {
            Some(ExitReason::TakeProfit)
        } else if self.timeout.is_some_and(|timeout| now.since(since) >= timeout) {
            Some(ExitReason::Timeout)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ExitRules = ExitRules {
        stop_loss: Some(Bps(2_000)),
        take_profit: Some(Bps(5_000)),
        timeout: Some(Duration::from_secs(86_400)),
    };

    fn due(value: Option<u64>, now: i64) -> Option<ExitReason> {
        RULES.due(Lamports(1_000), UnixMillis(0), value.map(Lamports), UnixMillis(now))
    }

    #[test]
    fn each_rule_acts_exactly_at_its_bound() {
        assert_eq!((due(Some(801), 0), due(Some(800), 0)), (None, Some(ExitReason::StopLoss)));
        assert_eq!((due(Some(1_499), 0), due(Some(1_500), 0)), (None, Some(ExitReason::TakeProfit)));
        assert_eq!((due(Some(1_000), 86_399_999), due(Some(1_000), 86_400_000)), (None, Some(ExitReason::Timeout)));
    }

    #[test]
    fn an_unknown_value_meets_no_price_and_the_timeout_still_acts() {
        assert_eq!((due(None, 0), due(None, 86_400_000)), (None, Some(ExitReason::Timeout)));
    }

    #[test]
    fn a_stop_comes_before_the_timeout() {
        assert_eq!(due(Some(0), 86_400_000), Some(ExitReason::StopLoss));
        assert_eq!(ExitRules::default().due(Lamports(1), UnixMillis(0), Some(Lamports(0)), UnixMillis(i64::MAX)), None);
    }
}
