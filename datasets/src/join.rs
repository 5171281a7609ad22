//! The as-of join: which signal was known when each bar closed. It only looks back.
//!
//! A signal is stamped with the OPEN time of the bar from which it was computed, so by default it becomes available one
//! bar later, at that bar's close. A bar takes the newest signal available at its own close, unless that signal is too
//! old. By default nothing is carried into the next bar, so a missing hour stays missing.

/// When a signal becomes available, and for how long it is worth something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinRule {
    /// Milliseconds from a signal's stamp to its availability; at least 0. Less than one bar is right only for
    /// signals that are stamped with the moment at which they were known.
    pub delay_ms: i64,
    /// A signal is used while the time since its availability is less than this many milliseconds.
    pub max_age_ms: i64,
}

impl JoinRule {
    /// Available at the close of the bar it is stamped with, and used for that bar only.
    #[must_use]
    pub fn one_bar(interval_ms: i64) -> Self {
        Self { delay_ms: interval_ms, max_age_ms: interval_ms }
    }
}

/// For every bar the index of the signal it may use, or `None`.
///
/// `open_time` and `stamps` are epoch milliseconds, strictly ascending; `interval_ms` is the length of a bar. Bar `t`
/// decides at `open_time[t] + interval_ms` and gets the newest signal `i` with `stamps[i] + delay <= decision` and
/// `decision - (stamps[i] + delay) < max_age`. Takes O(bars + signals).
#[must_use]
pub fn as_of(open_time: &[i64], interval_ms: i64, stamps: &[i64], rule: JoinRule) -> Vec<Option<usize>> {
    let mut next = 0;
    open_time
        .iter()
        .map(|open| {
            let decision = open.saturating_add(interval_ms);
            while stamps.get(next).is_some_and(|s| s.saturating_add(rule.delay_ms) <= decision) {
                next += 1;
            }
            let newest = next.checked_sub(1)?;
            let age = decision.saturating_sub(stamps[newest].saturating_add(rule.delay_ms));
            (age < rule.max_age_ms).then_some(newest)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_signal_belongs_to_the_bar_it_is_stamped_with_and_to_no_other() {
        let bars = [0, HOUR, 2 * HOUR, 3 * HOUR];
        // The signal of hour 1 is missing: nothing is carried into it.
        let got = as_of(&bars, HOUR, &[0, 2 * HOUR], JoinRule::one_bar(HOUR));
        assert_eq!(got, [Some(0), None, Some(1), None]);
    }

    #[test]
    fn a_signal_is_never_used_before_it_is_available() {
        let bars = [0, HOUR, 2 * HOUR];
        let rule = JoinRule { delay_ms: HOUR + 1, max_age_ms: HOUR };
        assert_eq!(as_of(&bars, HOUR, &[0], rule), [None, Some(0), None], "one millisecond late is one bar late");
    }

    #[test]
    fn the_age_limit_is_exclusive() {
        let bars = [0, HOUR, 2 * HOUR, 3 * HOUR];
        let age = |max_age_ms| as_of(&bars, HOUR, &[0], JoinRule { delay_ms: HOUR, max_age_ms });
        assert_eq!(age(2 * HOUR), [Some(0), Some(0), None, None]);
        assert_eq!(age(2 * HOUR + 1), [Some(0), Some(0), Some(0), None]);
    }

    #[test]
    fn a_stamp_off_the_grid_waits_for_the_next_close() {
        // Stamped 17:03:05.407 and known at once: the bar of 17:00 closes at 18:00 and takes it.
        let stamp = 17 * HOUR + 185_407;
        let bars = [16 * HOUR, 17 * HOUR, 18 * HOUR];
        let at_once = JoinRule { delay_ms: 0, max_age_ms: HOUR };
        assert_eq!(as_of(&bars, HOUR, &[stamp], at_once), [None, Some(0), None]);
        // Stamped with a bar's opening instead, it is known at 18:03 and only the close of 19:00 sees it.
        assert_eq!(as_of(&bars, HOUR, &[stamp], JoinRule::one_bar(HOUR)), [None, None, Some(0)]);
    }

    #[test]
    fn of_several_signals_in_a_bar_the_newest_counts() {
        let rule = JoinRule { delay_ms: 0, max_age_ms: HOUR };
        assert_eq!(as_of(&[0], HOUR, &[1, 2, HOUR, HOUR + 1], rule), [Some(2)]);
    }

    fn ascending(max_len: usize) -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(1i64..40, 0..max_len).prop_map(|steps| {
            steps
                .into_iter()
                .scan(-100, |t, step| {
                    *t += step;
                    Some(*t)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn the_join_equals_brute_force_and_never_sees_the_future(
            bars in ascending(60),
            stamps in ascending(60),
            interval in 1i64..30,
            delay in 0i64..50,
            max_age in 1i64..90,
        ) {
            let rule = JoinRule { delay_ms: delay, max_age_ms: max_age };
            let got = as_of(&bars, interval, &stamps, rule);
            prop_assert_eq!(got.len(), bars.len());
            for (t, open) in bars.iter().enumerate() {
                let decision = open + interval;
                let brute = (0..stamps.len())
                    .rfind(|i| stamps[*i] + delay <= decision)
                    .filter(|i| decision - (stamps[*i] + delay) < max_age);
                prop_assert_eq!(got[t], brute);
                if let Some(i) = got[t] {
                    prop_assert!(stamps[i] + delay <= decision);
                }
            }
        }

        #[test]
        fn later_signals_change_no_earlier_row(
            bars in ascending(60),
            stamps in ascending(60),
            cut in 0usize..60,
        ) {
            let rule = JoinRule::one_bar(20);
            let cut = cut.min(stamps.len());
            let whole = as_of(&bars, 20, &stamps, rule);
            let part = as_of(&bars, 20, &stamps[..cut], rule);
            for (t, open) in bars.iter().enumerate() {
                let untouched = stamps.get(cut).is_none_or(|s| s + rule.delay_ms > open + 20);
                if untouched {
                    prop_assert_eq!(whole[t], part[t]);
                }
            }
        }
    }
}
