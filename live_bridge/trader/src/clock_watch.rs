//! Whether this machine's clock can be trusted: limits, exits and the age of signals go by it.

use std::time::{Duration, Instant, SystemTime};
use thiserror::Error;

/// How far clocks may be apart: signals are stamped with ours, and bars with the chain's.
pub const MOST_APART_S: i64 = 30;

/// A clock that cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClockError {
    /// It is not the chain's.
    #[error(
        "this machine's clock is {} s {} the chain's; set it (timedatectl set-ntp true), or, if it is right, ask another node with \
         --rpc. Nothing was sent",
        ahead_s.abs(),
        if *ahead_s > 0 { "ahead of" } else { "behind" }
    )]
    Apart {
        /// Seconds that ours is ahead.
        ahead_s: i64,
    },
    /// It was set, or the machine slept.
    #[error(
        "this machine's clock went {} by {} s at once, or the machine slept; see that it is right (q50 doctor). The same command goes \
         on",
        if *by_s > 0 { "forward" } else { "back" },
        by_s.abs()
    )]
    Jumped {
        /// Seconds forward.
        by_s: i64,
    },
}

/// Refuses a clock that is not the chain's.
///
/// # Errors
/// [`ClockError::Apart`].
pub fn is_of(chain_s: i64, ours_s: i64) -> Result<(), ClockError> {
    let ahead_s = ours_s.saturating_sub(chain_s);
    if ahead_s.abs() > MOST_APART_S { Err(ClockError::Apart { ahead_s }) } else { Ok(()) }
}

/// The clock that can be set beside the one that cannot.
#[derive(Clone, Copy, Debug)]
pub struct ClockWatch {
    set: SystemTime,
    steady: Instant,
}

impl Default for ClockWatch {
    /// From now on.
    fn default() -> Self {
        Self { set: SystemTime::now(), steady: Instant::now() }
    }
}

impl ClockWatch {
    /// Refuses a clock that was set since the last time, and looks again from here.
    ///
    /// # Errors
    /// [`ClockError::Jumped`].
    pub fn look(&mut self) -> Result<(), ClockError> {
        let now = Self::default();
        let by = jump(*self, now);
        *self = now;
        if by.abs() > MOST_APART_S { Err(ClockError::Jumped { by_s: by }) } else { Ok(()) }
    }
}

/// Seconds by which the clock that can be set went further than the other one.
fn jump(from: ClockWatch, to: ClockWatch) -> i64 {
    let steady = to.steady.saturating_duration_since(from.steady);
    let expected = from.set + steady;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match to.set.duration_since(expected) {
        Ok(forward) => seconds(forward),
        Err(back) => -seconds(back.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_forward_or_back_has_jumped_and_one_that_runs_has_not() {
        let from = ClockWatch::default();
        let after = |set_s: u64, steady_s: u64| {
            let [set, steady] = [set_s, steady_s].map(Duration::from_secs);
            ClockWatch { set: from.set + set, steady: from.steady + steady }
        };
        assert_eq!(jump(from, after(3_600, 3_600)), 0);
        assert_eq!(jump(from, after(86_460, 60)), 86_400);
        assert_eq!(jump(from, after(60, 7_260)), -7_200);
    }

    #[test]
    fn thirty_seconds_either_way_are_the_chains_time() {
        assert_eq!((is_of(1_000, 1_030), is_of(1_000, 970)), (Ok(()), Ok(())));
        assert_eq!(is_of(1_000, 1_031), Err(ClockError::Apart { ahead_s: 31 }));
        let told = |ours| is_of(172_800, ours).map_or_else(|error| error.to_string(), |()| String::new());
        assert!(told(0).contains("172800 s behind the chain's") && told(345_600).contains("172800 s ahead of"));
    }
}
