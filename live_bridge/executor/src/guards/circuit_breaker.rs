//! Stops trading after consecutive failures, and resumes carefully.
//!
//! Closed until five orders in a row fail. Then open: nothing is sent for 300 seconds. Then half-open: at most three
//! probes; two successes close it, one failure opens it again, and probes without an answer within the same time (a
//! crash, a transaction left open) are given again. Source: M. Nygard, Release It!, 2nd ed., ch. 5.

use super::Refusal;
use crate::clock::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerLimits {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open.
    #[serde(rename = "recovery_s", deserialize_with = "seconds")]
    pub recovery: Duration,
    /// Orders that are let through half-open.
    pub probes: u32,
    /// Of those, successes that close it.
    pub successes: u32,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures: 5, recovery: Duration::from_secs(300), probes: 3, successes: 2 }
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

/// What became of an order that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was filled.
    Success,
    /// It was tried, and not filled.
    Failure,
}

/// A circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CircuitBreaker {
    /// Orders pass.
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Nothing passes.
    Open {
        /// Until when.
        until: UnixMillis,
    },
    /// A few orders pass.
    HalfOpen {
        /// Since when.
        since: UnixMillis,
        /// Orders let through.
        probes: u32,
        /// Those of them that were filled.
        successes: u32,
    },
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl CircuitBreaker {
    /// Lets an order through or not.
    ///
    /// # Errors
    /// [`Refusal::BreakerOpen`] where it is open, or half-open and all probes are out.
    pub fn admit(&mut self, limits: &BreakerLimits, now: UnixMillis) -> Result<(), Refusal> {
        // Noted by a clock that was set back since: it never waits longer than from now on.
        let latest = now.after(limits.recovery);
        match self {
            Self::Open { until } => *until = latest.min(*until),
            Self::HalfOpen { since, .. } => *since = now.min(*since),
            Self::Closed { .. } => {}
        }
        match *self {
            Self::Closed { .. } => Ok(()),
            Self::Open { until } if now < until => Err(Refusal::BreakerOpen { wait: until.since(now) }),
            Self::HalfOpen { since, probes, successes } if probes < limits.probes => {
                *self = Self::HalfOpen { since, probes: probes + 1, successes };
                Ok(())
            }
            Self::HalfOpen { since, .. } if now < since.after(limits.recovery) => {
                Err(Refusal::BreakerOpen { wait: since.after(limits.recovery).since(now) })
            }
            Self::Open { .. } | Self::HalfOpen { .. } => {
                *self = Self::HalfOpen { since: now, probes: 1, successes: 0 };
                Ok(())
            }
        }
    }

    /// Takes note of what became of an order that was let through.
    pub fn record(&mut self, limits: &BreakerLimits, outcome: Outcome, now: UnixMillis) {
        let opened = Self::Open { until: now.after(limits.recovery) };
        *self = match (*self, outcome) {
            (Self::Closed { .. }, Outcome::Success) => Self::default(),
            (Self::Closed { failures }, Outcome::Failure) if failures + 1 >= limits.failures => opened,
            (Self::Closed { failures }, Outcome::Failure) => Self::Closed { failures: failures + 1 },
            (Self::HalfOpen { .. }, Outcome::Failure) => opened,
            (Self::HalfOpen { since, probes, successes }, Outcome::Success) if successes + 1 < limits.successes => {
                Self::HalfOpen { since, probes, successes: successes + 1 }
            }
            (Self::HalfOpen { .. }, Outcome::Success) => Self::default(),
            // An order from before it opened: the wait is neither cut short nor begun anew.
            (open @ Self::Open { .. }, _) => open,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_wrong_by_a_year_keeps_it_open_for_its_time_and_no_longer() {
        let limits = BreakerLimits::default();
        let mut breaker = CircuitBreaker::default();
        (0..5).for_each(|_| breaker.record(&limits, Outcome::Failure, UnixMillis(31_536_000_000)));
        assert!(breaker.admit(&limits, UnixMillis(0)).is_err());
        assert!(breaker.admit(&limits, UnixMillis(299_999)).is_err());
        assert!(breaker.admit(&limits, UnixMillis(300_000)).is_ok());
    }
    use Outcome::{Failure, Success};

    const LIMITS: BreakerLimits =
        BreakerLimits { failures: 5, recovery: Duration::from_secs(300), probes: 3, successes: 2 };

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1_000)
    }

    fn after(outcomes: &[Outcome]) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::default();
        for outcome in outcomes {
            breaker.admit(&LIMITS, at(0)).unwrap();
            breaker.record(&LIMITS, *outcome, at(0));
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        assert!(after(&[Failure; 4]).admit(&LIMITS, at(0)).is_ok());
        assert!(after(&[Failure, Failure, Failure, Failure, Success, Failure]).admit(&LIMITS, at(0)).is_ok());
        let refused = after(&[Failure; 5]).admit(&LIMITS, at(299));
        assert_eq!(refused, Err(Refusal::BreakerOpen { wait: Duration::from_secs(1) }));
    }

    #[test]
    fn half_open_lets_three_probes_through_and_closes_after_two_successes() {
        let mut breaker = after(&[Failure; 5]);
        for _ in 0..3 {
            breaker.admit(&LIMITS, at(300)).unwrap();
        }
        assert_eq!(breaker.admit(&LIMITS, at(300)), Err(Refusal::BreakerOpen { wait: Duration::from_secs(300) }));
        breaker.record(&LIMITS, Success, at(301));
        assert!(breaker.admit(&LIMITS, at(301)).is_err());
        breaker.record(&LIMITS, Success, at(302));
        assert_eq!(breaker, CircuitBreaker::Closed { failures: 0 });
    }

    #[test]
    fn probes_of_which_nothing_is_heard_are_given_again_after_300_seconds() {
        let mut breaker = after(&[Failure; 5]);
        (0..3).for_each(|_| breaker.admit(&LIMITS, at(310)).unwrap());
        assert_eq!(breaker.admit(&LIMITS, at(609)), Err(Refusal::BreakerOpen { wait: Duration::from_secs(1) }));
        (0..3).for_each(|_| breaker.admit(&LIMITS, at(610)).unwrap());
        assert!(breaker.admit(&LIMITS, at(610)).is_err());
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_another_300_seconds() {
        let mut breaker = after(&[Failure; 5]);
        breaker.admit(&LIMITS, at(300)).unwrap();
        breaker.record(&LIMITS, Failure, at(310));
        assert!(breaker.admit(&LIMITS, at(609)).is_err());
        assert!(breaker.admit(&LIMITS, at(610)).is_ok());
    }

    #[test]
    fn it_stays_open_over_a_restart() {
        let breaker = after(&[Failure; 5]);
        let text = serde_json::to_string(&breaker).unwrap();
        assert_eq!(serde_json::from_str::<CircuitBreaker>(&text).unwrap(), breaker);
    }

    proptest::proptest! {
        /// A model by history alone: it is never open within the recovery after fewer than five failures in a row, and
        /// nothing passes within the recovery after the failure that opened it.
        #[test]
        fn nothing_passes_within_300_seconds_of_opening(steps in proptest::collection::vec((0..200_i64, proptest::bool::ANY), 1..60)) {
            let (mut breaker, mut now, mut in_a_row, mut opened) = (CircuitBreaker::default(), 0, 0, None::<i64>);
            for (wait, succeeds) in steps {
                now += wait;
                let admitted = breaker.admit(&LIMITS, at(now)).is_ok();
                match opened {
                    Some(since) if now < since + 300 => proptest::prop_assert!(!admitted),
                    _ => proptest::prop_assert!(admitted),
                }
                if !admitted {
                    continue;
                }
                breaker.record(&LIMITS, if succeeds { Success } else { Failure }, at(now));
                in_a_row = if succeeds { 0 } else { in_a_row + 1 };
                let probing = opened.is_some() && !matches!(breaker, CircuitBreaker::Closed { .. });
                if !succeeds && (in_a_row >= 5 || probing) {
                    opened = Some(now);
                } else if matches!(breaker, CircuitBreaker::Closed { .. }) {
                    opened = None;
                }
            }
        }
    }
}
