//! What the times of periods stand for: their beginning, or, of weeks and months as pandas resamples them, their last day.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

const DAY_MS: i64 = 86_400_000;

/// How the rows of a result are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// By the beginning of periods of one length.
    Begin,
    /// By the first day of so many months (`MS`, `QS`, `YS` of pandas).
    FirstOfMonths(i32),
    /// By the last day of so many months, or the last weekday of them (`ME`, `BME`, `QE`, `YE`).
    LastOfMonths(i32),
    /// By a Friday, a Saturday or a Sunday, with which the week ends (`W`, `W-FRI`).
    LastOfWeek,
}

impl Labels {
    /// Of rows at `times`, epoch milliseconds, most of which are `interval_ms` apart.
    #[must_use]
    pub fn of(times: &[i64], interval_ms: i64) -> Self {
        let months = match interval_ms / DAY_MS {
            28..=31 => 1,
            89..=92 => 3,
            365..=366 => 12,
            7 if times.iter().all(|time| date(*time).weekday().to_monday_zero_offset() >= 4) => {
                return Self::LastOfWeek;
            }
            _ => return Self::Begin,
        };
        // Two days of a weekend may follow the last weekday of a month.
        let is_last = |day: Date| day.day() + 2 >= day.days_in_month();
        if times.iter().all(|time| date(*time).day() == 1) {
            Self::FirstOfMonths(months)
        } else if times.iter().all(|time| is_last(date(*time))) {
            Self::LastOfMonths(months)
        } else {
            Self::Begin
        }
    }

    /// Periods in a year, where the calendar says it better than their length does.
    #[must_use]
    pub fn periods_per_year(self) -> Option<f64> {
        match self {
            Self::FirstOfMonths(months) | Self::LastOfMonths(months) => Some(12.0 / f64::from(months)),
            Self::Begin | Self::LastOfWeek => None,
        }
    }

    /// When the first period begins and when each ends, epoch milliseconds.
    #[must_use]
    pub fn bounds(self, times: &[i64], interval_ms: i64) -> (i64, Vec<i64>) {
        let day_ends = || times.iter().map(|time| time.div_euclid(DAY_MS) * DAY_MS + DAY_MS).collect::<Vec<_>>();
        let month = |time: i64, later: i32| {
            let first = date(time).first_of_month();
            first.checked_add(later.months()).ok().and_then(midnight).unwrap_or(time)
        };
        match self {
            Self::Begin => (times[0], times.iter().map(|time| time + interval_ms).collect()),
            Self::FirstOfMonths(months) => (times[0], times.iter().map(|time| month(*time, months)).collect()),
            Self::LastOfMonths(months) => (month(times[0], 1 - months), day_ends()),
            Self::LastOfWeek => {
                let ends = day_ends();
                (ends[0] - 7 * DAY_MS, ends)
            }
        }
    }

    /// The convention in words, where it is not that of bars.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Begin => None,
            Self::FirstOfMonths(_) => Some("rows are calendar periods by their first day"),
            Self::LastOfMonths(_) => Some("rows are calendar periods by their last day"),
            Self::LastOfWeek => Some("rows are weeks by their last day"),
        }
    }
}

fn date(time: i64) -> Date {
    Timestamp::from_millisecond(time).map_or(Date::ZERO, |at| at.to_zoned(TimeZone::UTC).date())
}

fn midnight(date: Date) -> Option<i64> {
    date.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(of: &[i64]) -> Vec<i64> {
        of.iter().map(|day| day * DAY_MS).collect()
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        // 31 January, 28 February and 31 March 1970.
        let ends = days(&[30, 58, 89]);
        assert_eq!(Labels::of(&ends, 31 * DAY_MS), Labels::LastOfMonths(1));
        assert_eq!(Labels::LastOfMonths(1).bounds(&ends, 31 * DAY_MS), (0, days(&[31, 59, 90])));
        let starts = days(&[0, 31, 59]);
        assert_eq!(Labels::of(&starts, 31 * DAY_MS), Labels::FirstOfMonths(1));
        assert_eq!(Labels::FirstOfMonths(1).bounds(&starts, 31 * DAY_MS), (0, days(&[31, 59, 90])));
        // 31 March and 30 June: the first quarter begins with the year.
        let quarters = days(&[89, 180]);
        assert_eq!(Labels::of(&quarters, 91 * DAY_MS), Labels::LastOfMonths(3));
        assert_eq!(Labels::LastOfMonths(3).bounds(&quarters, 91 * DAY_MS), (0, days(&[90, 181])));
        assert_eq!(Labels::LastOfMonths(3).periods_per_year(), Some(4.0));
    }

    #[test]
    fn weeks_labelled_by_a_sunday_end_with_it_and_by_a_monday_begin_with_it() {
        // 4 and 11 January 1970 were Sundays.
        let sundays = days(&[3, 10]);
        assert_eq!(Labels::of(&sundays, 7 * DAY_MS), Labels::LastOfWeek);
        assert_eq!(Labels::LastOfWeek.bounds(&sundays, 7 * DAY_MS), (-3 * DAY_MS, days(&[4, 11])));
        assert_eq!(Labels::of(&days(&[4, 11]), 7 * DAY_MS), Labels::Begin);
        assert_eq!(Labels::of(&days(&[30, 31, 32]), DAY_MS), Labels::Begin);
    }
}
