//! When a market is open, as its record shows it: how many bars each day of the week has, UTC.
//!
//! A market that never closes has as many bars every day as fit into one. One that closes has days without a bar in every
//! week, or the same fewer bars every day; what it leaves out then is no gap. A record whose days differ has gaps.

use std::collections::{BTreeMap, HashSet};

use q50_datasets::check::gaps;

const DAY_MS: i64 = 86_400_000;
/// Days from which on a record shows when its market closes.
const LONG_ENOUGH: i64 = 28;
/// Share of a weekday's dates that have to have the same number of bars, for it to be the market's.
const REGULAR: f64 = 0.75;
/// The same of days without a bar.
const CLOSED: f64 = 0.95;
/// Days a year, weekends aside, on which exchanges are closed, at most: those of mainland China are for some 18.
const HOLIDAYS_A_YEAR: f64 = 20.0;
/// Sessions a day: one before midnight UTC and one after, or before and after noon.
const SESSIONS: usize = 2;

/// What a record leaves out, beside the hours and days on which its market is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Whether the market closes in the course of a week.
    pub closes: bool,
    /// Periods that are missing while the market is open.
    pub missing: usize,
    /// Days without any period which are as few as holidays are, and taken for such; none where the market never closes.
    pub holidays: usize,
}

impl Week {
    /// Of periods that begin at `times` (epoch milliseconds, ascending) and last `interval_ms` each.
    #[must_use]
    pub fn of(times: &[i64], interval_ms: i64) -> Self {
        let always_open = Self { missing: missing(times, interval_ms), ..Self::default() };
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return always_open };
        let (first, last) = (first.div_euclid(DAY_MS), last.div_euclid(DAY_MS));
        if !(1..=DAY_MS).contains(&interval_ms) || last - first < LONG_ENOUGH {
            return always_open;
        }
        let counts = counts(times, interval_ms);
        let full = usize::try_from(DAY_MS / interval_ms).unwrap_or(1);
        let usual = usual(&counts, first, last, full);
        if usual == [full; 7] {
            return always_open;
        }
        let count = |day: i64| counts.get(&day).map_or(0, |day| day.periods);
        let of_weekday = |day: i64| usual[weekday(day)];
        let mut week = Self { closes: true, ..Self::default() };
        let mut on_holidays = 0;
        // The first day and the last one may be cut.
        for day in first + 1..last {
            match count(day) {
                0 if of_weekday(day) > 0 => {
                    week.holidays += 1;
                    on_holidays += of_weekday(day);
                }
                found => week.missing += of_weekday(day).saturating_sub(found),
            }
        }
        if week.holidays as f64 > (HOLIDAYS_A_YEAR * (last - first) as f64 / 365.0).ceil() {
            week.missing += on_holidays;
            week.holidays = 0;
        }
        week
    }
}

/// A day of a record.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    periods: usize,
    /// Runs of them without a break.
    sessions: usize,
}

fn counts(times: &[i64], interval_ms: i64) -> BTreeMap<i64, Day> {
    let (mut days, mut before) = (BTreeMap::<i64, Day>::new(), i64::MIN);
    for time in times {
        let day = days.entry(time.div_euclid(DAY_MS)).or_default();
        day.sessions += usize::from(day.periods == 0 || time - before > interval_ms);
        (day.periods, before) = (day.periods + 1, *time);
    }
    days
}

/// Monday is 0; 1 January 1970 was a Thursday.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// Periods left out between neighbours. Distances are rounded: months differ, and clocks are changed.
pub(crate) fn missing(times: &[i64], interval_ms: i64) -> usize {
    if (1..DAY_MS).contains(&interval_ms) {
        return gaps(times, interval_ms).missing;
    }
    let between = |pair: &[i64]| ((pair[1] - pair[0]) as f64 / interval_ms as f64).round().max(1.0) as usize - 1;
    times.windows(2).map(between).sum()
}

/// Periods of a Monday, a Tuesday and so on: the most common number, where most dates have it, else as many as fit. Weeks
/// without any period show nothing.
fn usual(counts: &BTreeMap<i64, Day>, first: i64, last: i64, full: usize) -> [usize; 7] {
    let week = |day: i64| (day + 3).div_euclid(7);
    let seen: HashSet<i64> = counts.keys().map(|day| week(*day)).collect();
    let mut usual = [full; 7];
    for (at, usual) in usual.iter_mut().enumerate() {
        let mut times = BTreeMap::<usize, usize>::new();
        for day in (first + 1..last).filter(|day| weekday(*day) == at && seen.contains(&week(*day))) {
            let found = counts.get(&day).copied().unwrap_or_default();
            // A day of many breaks shows no session.
            *times.entry(if found.sessions > SESSIONS { full } else { found.periods }).or_default() += 1;
        }
        let dates: usize = times.values().sum();
        let common = times.into_iter().max_by_key(|(_, dates)| *dates);
        let needed = |count: usize| if count == 0 { CLOSED } else { REGULAR };
        if let Some((count, _)) = common.filter(|(count, of)| *of as f64 >= needed(*count) * dates as f64) {
            *usual = count;
        }
    }
    usual
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Weekdays of 52 weeks from Monday, 5 January 1970.
    fn weekdays() -> impl Iterator<Item = i64> {
        (4..4 + 52 * 7).filter(|day| weekday(*day) < 5)
    }

    #[test]
    fn weekends_and_nights_of_an_exchange_are_no_gaps() {
        let days: Vec<i64> = weekdays().map(|day| day * DAY_MS).collect();
        assert_eq!(Week::of(&days, DAY_MS), Week { closes: true, missing: 0, holidays: 0 });
        // Seven hours a day, an hour earlier from the 100th day on, as clocks make it; the 50th day has three hours.
        let session = |(at, day): (usize, i64)| {
            let open = if at < 100 { 14 } else { 13 };
            (open..open + if at == 50 { 3 } else { 7 }).map(move |hour| day * DAY_MS + hour * HOUR)
        };
        let hours: Vec<i64> = weekdays().enumerate().flat_map(session).collect();
        assert_eq!(Week::of(&hours, HOUR), Week { closes: true, missing: 4, holidays: 0 });
    }

    #[test]
    fn a_few_holidays_a_year_are_no_gaps_and_many_are() {
        let without = |every: usize| -> Vec<i64> {
            weekdays().enumerate().filter(|(at, _)| at % every != every - 1).map(|(_, day)| day * DAY_MS).collect()
        };
        // 260 weekdays: every 26th is 10 of them, the last of which is the record's end; every 10th is 26.
        assert_eq!(Week::of(&without(26), DAY_MS), Week { closes: true, missing: 0, holidays: 9 });
        assert_eq!(Week::of(&without(10), DAY_MS), Week { closes: true, missing: 25, holidays: 0 });
    }

    #[test]
    fn a_market_that_never_closes_has_no_holidays() {
        let days: Vec<i64> = (0..365).filter(|day| day % 12 != 5).map(|day| day * DAY_MS).collect();
        assert_eq!(Week::of(&days, DAY_MS), Week { closes: false, missing: 30, holidays: 0 });
        // Hours without a trade are no closing: which they are differs from day to day.
        let thin: Vec<i64> = (0..24 * 90).filter(|hour| hour * hour % 7 < 3).map(|hour| hour * HOUR).collect();
        let found = Week::of(&thin, HOUR);
        assert_eq!((found.closes, found.missing), (false, gaps(&thin, HOUR).missing));
    }

    #[test]
    fn months_of_any_length_follow_one_another() {
        let months: Vec<i64> = [0, 31, 59, 90, 120, 181].map(|day| day * DAY_MS).to_vec();
        assert_eq!(Week::of(&months, 31 * DAY_MS).missing, 1);
    }
}
