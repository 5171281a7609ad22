//! The number of orders per minute, hour and day, in sliding windows.

use super::Refusal;
use crate::clock::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Most orders in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// In 60 seconds.
    pub per_minute: usize,
    /// In 3,600 seconds.
    pub per_hour: usize,
    /// In 86,400 seconds.
    pub per_day: usize,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { per_minute: 10, per_hour: 100, per_day: 500 }
    }
}

/// When orders were let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RateLimit(VecDeque<UnixMillis>);

impl RateLimit {
    /// Whether one more may pass now.
    ///
    /// # Errors
    /// [`Refusal::TooManyOrders`], with the first window that is full.
    pub(super) fn check(&self, limits: &RateLimits, now: UnixMillis) -> Result<(), Refusal> {
        for (window, most) in [(MINUTE, limits.per_minute), (HOUR, limits.per_hour), (DAY, limits.per_day)] {
            // What was noted in the future, by a clock that was set back since, is not lately.
            let found = self.0.iter().filter(|&&time| time <= now && now.since(time) < window).count();
            if found >= most {
                return Err(Refusal::TooManyOrders { found, window_s: window.as_secs() });
            }
        }
        Ok(())
    }

    /// One more has passed.
    pub(super) fn note(&mut self, now: UnixMillis) {
        self.0.retain(|&time| time <= now && now.since(time) < DAY);
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_a_clock_that_was_wrong_by_a_year_are_not_of_the_last_minute() {
        let limits = RateLimits { per_minute: 1, ..RateLimits::default() };
        let mut rate = RateLimit::default();
        rate.note(UnixMillis(31_536_000_000));
        assert!(rate.check(&limits, UnixMillis(31_536_000_001)).is_err());
        assert!(rate.check(&limits, UnixMillis(1_000)).is_ok());
        rate.note(UnixMillis(1_000));
        assert!(rate.check(&limits, UnixMillis(1_001)).is_err());
    }

    fn passed(limits: &RateLimits, every_ms: i64, orders: i64) -> usize {
        let mut rate = RateLimit::default();
        (0..orders)
            .filter(|i| {
                let now = UnixMillis(i * every_ms);
                let passes = rate.check(limits, now).is_ok();
                if passes {
                    rate.note(now);
                }
                passes
            })
            .count()
    }

    #[test]
    fn ten_pass_in_a_minute_and_the_eleventh_when_the_first_is_a_minute_old() {
        let mut rate = RateLimit::default();
        let limits = RateLimits::default();
        for i in 0..10 {
            rate.check(&limits, UnixMillis(i)).unwrap();
            rate.note(UnixMillis(i));
        }
        let refused = rate.check(&limits, UnixMillis(59_999));
        assert_eq!(refused, Err(Refusal::TooManyOrders { found: 10, window_s: 60 }));
        assert!(rate.check(&limits, UnixMillis(60_000)).is_ok());
    }

    #[test]
    fn the_hour_and_the_day_are_full_in_their_turn() {
        let limits = RateLimits::default();
        // One every 6 seconds is 600 in an hour, of which 100 pass; in the first of them all in ten minutes.
        assert_eq!(passed(&limits, 6_000, 600), 100);
        // One every 30 seconds for a day: 100 an hour until 500 are reached.
        assert_eq!(passed(&limits, 30_000, 2_880), 500);
    }
}
