use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// More labels than this run into each other on a phone.
const MOST: i64 = 5;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Distance of two marks.
#[derive(Clone, Copy)]
enum Step {
    /// Milliseconds, counted from the epoch; a day or less, or whole days.
    Fixed(i64),
    /// Months, counted from January.
    Months(i16),
}

const STEPS: [Step; 19] = [
    Step::Fixed(HOUR / 60),
    Step::Fixed(HOUR / 12),
    Step::Fixed(HOUR / 4),
    Step::Fixed(HOUR),
    Step::Fixed(3 * HOUR),
    Step::Fixed(6 * HOUR),
    Step::Fixed(12 * HOUR),
    Step::Fixed(DAY),
    Step::Fixed(2 * DAY),
    Step::Fixed(5 * DAY),
    Step::Fixed(10 * DAY),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
];

impl Step {
    /// Length in milliseconds, of a month about.
    const fn length(self) -> i64 {
        match self {
            Self::Fixed(ms) => ms,
            Self::Months(months) => months as i64 * 30 * DAY,
        }
    }

    const fn format(self) -> &'static str {
        match self {
            Self::Fixed(ms) if ms < DAY => "%m-%d %H:%M",
            Self::Fixed(_) => "%Y-%m-%d",
            Self::Months(months) if months < 12 => "%Y-%m",
            Self::Months(_) => "%Y",
        }
    }

    /// How many labels of this kind fit.
    const fn most(self) -> i64 {
        match self {
            Self::Fixed(_) => MOST - 1,
            Self::Months(_) => MOST,
        }
    }
}

/// Year and month, UTC, of a moment in epoch milliseconds; none outside the years that dates are written for.
pub(in crate::report) fn year_and_month(ms: i64) -> Option<(i16, i8)> {
    let at = civil(ms)?;
    Some((at.year(), at.month()))
}

/// The calendar's marks between two moments with their labels.
pub(super) fn ticks(from: i64, to: i64) -> Vec<(i64, String)> {
    let fits = |step: &Step| (to - from) / step.length() < step.most();
    let step = STEPS.into_iter().find(fits).unwrap_or(Step::Months(1200));
    let marks = match step {
        Step::Fixed(ms) => {
            let first = from.div_euclid(ms) + i64::from(from.rem_euclid(ms) > 0);
            (first..=to.div_euclid(ms)).map(|n| n * ms).collect()
        }
        Step::Months(months) => beginnings(from, to, months),
    };
    marks.into_iter().filter_map(|ms| Some((ms, civil(ms)?.strftime(step.format()).to_string()))).collect()
}

/// Beginnings of every `months`-th month between two moments.
fn beginnings(from: i64, to: i64, months: i16) -> Vec<i64> {
    let (Some((first, _)), Some((last, _))) = (year_and_month(from), year_and_month(to)) else {
        return Vec::new();
    };
    let years = usize::from(months.unsigned_abs().div_ceil(12));
    let in_year = (1..=12_i8).step_by(usize::from(months.unsigned_abs().min(12)));
    let first = first - first.rem_euclid(months.div_euclid(12).max(1));
    (first..=last)
        .step_by(years)
        .flat_map(|year| in_year.clone().map(move |month| (year, month)))
        .filter_map(|(year, month)| moment(year, month))
        .filter(|ms| (from..=to).contains(ms))
        .collect()
}

fn moment(year: i16, month: i8) -> Option<i64> {
    let date = jiff::civil::Date::new(year, month, 1).ok()?;
    Some(TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond())
}

fn civil(ms: i64) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_millisecond(ms).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str) -> Vec<String> {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        ticks(ms(from), ms(to)).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_where_a_calendar_has_them() {
        let nine_months = labels("2024-01-01T00:00:00Z", "2024-09-30T23:00:00Z");
        assert_eq!(nine_months, ["2024-01", "2024-03", "2024-05", "2024-07", "2024-09"]);
        assert_eq!(labels("2019-05-01T00:00:00Z", "2023-02-01T00:00:00Z"), ["2020", "2021", "2022", "2023"]);
        assert_eq!(labels("2024-03-01T05:00:00Z", "2024-03-01T23:00:00Z").len(), 3);
        assert_eq!(labels("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"), ["01-01 00:00"]);
    }

    #[test]
    fn no_record_has_more_marks_than_fit() {
        for days in [1, 3, 9, 20, 40, 70, 100, 300, 700, 1500, 3000, 9000, 30_000] {
            let ticks = ticks(1_700_000_000_000, 1_700_000_000_000 + days * DAY);
            assert!((1..=6).contains(&ticks.len()), "{days} days: {ticks:?}");
        }
    }
}
