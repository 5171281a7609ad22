//! The number of periods per year: by the calendar, by the record, and by a claim. Figures of different conventions are
//! not compared; the replay is first converted to the claim's periods.

use std::fmt;

use jiff::{Timestamp, ToSpan, civil::Weekday, tz::TimeZone};
use q50_engine::units::PeriodsPerYear;
use thiserror::Error;

use crate::week::Week;

/// Relative distance within which two numbers of periods a year are one convention: 365 and 365.25 days, 252 and 250
/// trading days are, 252 and 365 days are not.
pub const SAME_WITHIN: f64 = 0.02;
/// The same of a market that closes: 252 trading days are the 261 weekdays of a year without holidays.
const SAME_WHERE_IT_CLOSES: f64 = 0.05;

const YEAR_MS: f64 = 365.0 * 86_400_000.0;

/// How many bars of a record make a year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarsPerYear {
    /// By the calendar: bars without a break in 365 days.
    pub calendar: f64,
    /// By the record: its bars over its length. Fewer where the market closes or bars are left out.
    pub own: f64,
    /// Whether the market closes every week ([`Week`]).
    pub closes: bool,
}

impl BarsPerYear {
    /// Of bars that open at `open_time` (epoch milliseconds, ascending) and last `interval_ms` each.
    #[must_use]
    pub fn of(open_time: &[i64], interval_ms: i64) -> Self {
        let calendar = PeriodsPerYear::from_interval_ms(interval_ms).get();
        let own = own(open_time, interval_ms, open_time.len()).unwrap_or(calendar);
        Self { calendar, own, closes: Week::of(open_time, interval_ms).closes }
    }

    /// Whether the record has as many bars a year as the calendar, within [`SAME_WITHIN`].
    #[must_use]
    pub fn own_is_the_calendars(&self) -> bool {
        same(PeriodsPerYear::new(self.own), self.calendar)
    }

    /// The number that annual figures of the record count by itself: the calendar's, or its own where the market closes.
    #[must_use]
    pub fn usual(&self) -> PeriodsPerYear {
        PeriodsPerYear::new(if self.closes { self.own } else { self.calendar })
    }

    /// Whether `periods` is one of the two, within [`SAME_WITHIN`]; within 5 % the record's own where the market closes, so
    /// that 252 fits weekdays.
    #[must_use]
    pub fn fits(&self, periods: PeriodsPerYear) -> bool {
        let closing = self.closes && (periods.get() / self.own - 1.0).abs() <= SAME_WHERE_IT_CLOSES;
        same(periods, self.calendar) || same(periods, self.own) || closing
    }

    /// `periods`, where they fit the bars.
    ///
    /// # Errors
    /// They are neither the calendar's nor the record's own.
    pub fn checked(&self, periods: PeriodsPerYear) -> Result<PeriodsPerYear, WrongYear> {
        if self.fits(periods) { Ok(periods) } else { Err(WrongYear { periods, bars: *self, coarser: Vec::new() }) }
    }
}

/// `count` periods over the length of the record, a year.
fn own(open_time: &[i64], interval_ms: i64, count: usize) -> Option<f64> {
    let length = open_time.last()? - open_time.first()? + interval_ms;
    Some(count as f64 * YEAR_MS / length as f64)
}

fn same(periods: PeriodsPerYear, other: f64) -> bool {
    (periods.get() / other - 1.0).abs() <= SAME_WITHIN
}

/// A number of periods a year that is not that of the bars, nor of any coarser period.
#[derive(Clone, Debug, PartialEq, Error)]
pub struct WrongYear {
    periods: PeriodsPerYear,
    bars: BarsPerYear,
    /// Name, the calendar's number and the record's own, of what was tried besides the bars.
    coarser: Vec<(Grid, f64, f64)>,
}

impl fmt::Display for WrongYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BarsPerYear { calendar, own, .. } = self.bars;
        write!(
            f,
            "{:.6} periods a year; expected, within {:.0} %, the {calendar:.6} bars of a calendar year or the {own:.1} a \
             year of the record itself",
            Plain(self.periods.get()),
            SAME_WITHIN * 100.0,
            calendar = Plain(calendar),
        )?;
        for (grid, calendar, own) in &self.coarser {
            write!(f, ", {calendar:.2} or {own:.1} {}s", grid.name())?;
        }
        Ok(())
    }
}

/// A number without zeros behind its decimals.
struct Plain(f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.*}", f.precision().unwrap_or(2), self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A calendar period that bars are gathered in, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// From minute 0.
    Hour,
    /// From midnight on.
    FourHours,
    /// From midnight.
    Day,
    /// From Monday's midnight.
    Week,
    /// From the first's midnight.
    Month,
}

impl Grid {
    const ALL: [Self; 5] = [Self::Hour, Self::FourHours, Self::Day, Self::Week, Self::Month];

    /// The period's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::FourHours => "four-hour period",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    const fn calendar(self) -> f64 {
        match self {
            Self::Hour => 8_760.0,
            Self::FourHours => 2_190.0,
            Self::Day => 365.0,
            Self::Week => 365.0 / 7.0,
            Self::Month => 12.0,
        }
    }

    /// Start of the period that `time` lies in, epoch milliseconds.
    fn start(self, time: i64) -> i64 {
        let floor = |length: i64| time.div_euclid(length) * length;
        match self {
            Self::Hour => floor(3_600_000),
            Self::FourHours => floor(14_400_000),
            Self::Day => floor(86_400_000),
            Self::Week | Self::Month => {
                let Ok(at) = Timestamp::from_millisecond(time) else { return time };
                let date = at.to_zoned(TimeZone::UTC).date();
                let first = match self {
                    Self::Month => date.first_of_month(),
                    _ => date - i64::from(date.weekday().since(Weekday::Monday)).days(),
                };
                first.to_zoned(TimeZone::UTC).map_or(time, |start| start.timestamp().as_millisecond())
            }
        }
    }
}

/// The periods that a claim's annual figures count, as a record has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// The record's own bars.
    Bars,
    /// Coarser ones: equity is read at the last close of each.
    Aggregated(Grid),
}

impl Convention {
    /// What `periods` a year are on bars that open at `open_time` and last `interval_ms`: the bars where these make as many,
    /// by the calendar or by the record, else the finest coarser period that does.
    ///
    /// # Errors
    /// Nothing does.
    pub fn of(periods: PeriodsPerYear, open_time: &[i64], interval_ms: i64) -> Result<Self, WrongYear> {
        let bars = BarsPerYear::of(open_time, interval_ms);
        if bars.fits(periods) {
            return Ok(Self::Bars);
        }
        let mut coarser = Vec::new();
        for grid in Grid::ALL.into_iter().filter(|grid| grid.calendar() < bars.calendar * (1.0 - SAME_WITHIN)) {
            let cells = open_time.chunk_by(|a, b| grid.start(*a) == grid.start(*b)).count();
            let own = own(open_time, interval_ms, cells).unwrap_or(grid.calendar());
            if same(periods, grid.calendar()) || same(periods, own) {
                return Ok(Self::Aggregated(grid));
            }
            coarser.push((grid, grid.calendar(), own));
        }
        Err(WrongYear { periods, bars, coarser })
    }

    /// Opens of the periods, and the equity at the last close of each.
    #[must_use]
    pub fn equity(self, open_time: &[i64], equity: &[f64]) -> (Vec<i64>, Vec<f64>) {
        let Self::Aggregated(grid) = self else { return (open_time.to_vec(), equity.to_vec()) };
        let (mut opens, mut closes) = (Vec::new(), Vec::<f64>::new());
        for (time, value) in open_time.iter().zip(equity) {
            let start = grid.start(*time);
            match closes.last_mut() {
                Some(close) if opens.last() == Some(&start) => *close = *value,
                _ => {
                    opens.push(start);
                    closes.push(*value);
                }
            }
        }
        (opens, closes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn hours(count: i64) -> Vec<i64> {
        (0..count).map(|hour| hour * HOUR).collect()
    }

    /// Weekdays from Thursday, 1 January 1970.
    fn trading_days(weeks: i64) -> Vec<i64> {
        (0..weeks * 7).filter(|day| (day + 3) % 7 < 5).map(|day| day * 24 * HOUR).collect()
    }

    fn convention(periods: f64, open_time: &[i64], interval: i64) -> Result<Convention, WrongYear> {
        Convention::of(PeriodsPerYear::new(periods), open_time, interval)
    }

    #[test]
    fn two_per_cent_are_one_convention_and_three_are_not() {
        let record = hours(8_760);
        for (periods, fits) in [(8_760.0, true), (8_766.0, true), (8_935.0, true), (8_936.0, false), (8_584.0, false)] {
            assert_eq!(convention(periods, &record, HOUR) == Ok(Convention::Bars), fits, "{periods}");
        }
    }

    #[test]
    fn a_market_that_closes_has_a_year_of_its_own() {
        let days = trading_days(52);
        let bars = BarsPerYear::of(&days, 24 * HOUR);
        assert_eq!(bars.calendar, 365.0);
        assert!((bars.own - 260.7).abs() < 0.5, "five days of seven: {}", bars.own);
        assert!(bars.fits(PeriodsPerYear::new(260.0)) && bars.fits(PeriodsPerYear::new(365.0)));
        assert!(!bars.fits(PeriodsPerYear::new(300.0)));
        assert!(bars.closes && bars.fits(PeriodsPerYear::new(252.0)), "trading days");
        assert_eq!(bars.usual().get(), bars.own);
        assert_eq!(BarsPerYear::of(&hours(8_760), HOUR).usual().get(), 8_760.0);
        // An hourly record of the same market, claimed by its trading days.
        let hourly: Vec<i64> = days.iter().flat_map(|day| (14..21).map(move |hour| day + hour * HOUR)).collect();
        assert_eq!(convention(260.0, &hourly, HOUR), Ok(Convention::Aggregated(Grid::Day)));
    }

    #[test]
    fn a_coarser_convention_is_found_by_its_number() {
        let record = hours(8_760);
        for (periods, grid) in
            [(2_190.0, Grid::FourHours), (365.25, Grid::Day), (52.0, Grid::Week), (12.0, Grid::Month)]
        {
            assert_eq!(convention(periods, &record, HOUR), Ok(Convention::Aggregated(grid)), "{periods}");
        }
    }

    #[test]
    fn a_number_of_nothing_is_refused_with_the_calendar_s_and_the_record_s_own() {
        for periods in [525_600.0, 252.0, 1.0] {
            let error = convention(periods, &hours(8_760), HOUR).unwrap_err().to_string();
            let needles = [&format!("{periods} periods"), "8760 bars", "8760.0 a year", "365.00 or 365.0 days"];
            assert!(needles.iter().all(|needle| error.contains(*needle)), "{error}");
        }
    }

    #[test]
    fn equity_is_read_at_the_last_close_of_a_period() {
        let (time, equity) = (hours(50), (0..50).map(f64::from).collect::<Vec<_>>());
        let (opens, closes) = Convention::Aggregated(Grid::Day).equity(&time, &equity);
        assert_eq!((opens, closes), (vec![0, 24 * HOUR, 48 * HOUR], vec![23.0, 47.0, 49.0]));
        assert_eq!(Convention::Bars.equity(&time, &equity).1, equity);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let day = 24 * HOUR;
        // 1 January 1970 was a Thursday.
        assert_eq!(Grid::Week.start(5 * HOUR), -3 * day);
        assert_eq!((Grid::Week.start(4 * day), Grid::Week.start(4 * day - 1)), (4 * day, -3 * day));
        assert_eq!((Grid::Month.start(31 * day), Grid::Month.start(31 * day - 1)), (31 * day, 0));
    }
}
