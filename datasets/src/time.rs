//! Times: epoch milliseconds in UTC inside, RFC 3339 outside.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

/// A moment as RFC 3339 in UTC, for example `2024-01-01T00:00:00Z`; the bare number where the year is beyond 9999.
///
/// ```
/// assert_eq!(q50_datasets::time::rfc3339(1_704_067_200_000), "2024-01-01T00:00:00Z");
/// ```
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |t| t.to_string())
}

/// Reads a moment: RFC 3339 with its offset, or `YYYY-MM-DD[ HH:MM[:SS[.fff]]]`, which is taken as UTC; dots and
/// slashes between year, month and day do as well.
///
/// `None` where the text is neither. A fraction of a millisecond counts as the next millisecond, so that nothing is
/// known before its time.
///
/// ```
/// use q50_datasets::time::parse_ms;
/// assert_eq!(parse_ms("2024-01-01 00:00:00"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("2024-01-01T02:00:00+02:00"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("2024.01.01"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("01/02/2024"), None, "day or month first?");
/// ```
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    parse(text).map(|(ms, _)| ms)
}

/// A moment, and whether the text said its offset from UTC.
pub(crate) fn parse(text: &str) -> Option<(i64, bool)> {
    let text = text.trim();
    // A zone in brackets would be dropped by the civil parser, and a local time read as UTC.
    if text.contains('[') {
        return None;
    }
    let utc = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"));
    let text = year_first(utc.unwrap_or(text));
    // The offset first: a civil time would be read from the same text by dropping its offset.
    let (moment, zoned) = match text.parse::<Timestamp>() {
        Ok(moment) => (moment, true),
        Err(_) => (TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?, utc.is_some()),
    };
    let ns = moment.as_nanosecond();
    let ms = i64::try_from(ns.div_euclid(1_000_000) + i128::from(ns.rem_euclid(1_000_000) != 0)).ok()?;
    Some((ms, zoned))
}

/// `2024.01.02` and `2024/01/02` with hyphens.
fn year_first(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    match (bytes.get(4), bytes.get(7)) {
        (Some(a @ (b'.' | b'/')), Some(b)) if a == b && text.is_char_boundary(10) => {
            let hyphened: String = text[..10].chars().map(|c| if c == char::from(*a) { '-' } else { c }).collect();
            Cow::Owned(hyphened + &text[10..])
        }
        _ => Cow::Borrowed(text),
    }
}

/// How the moments of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeForm {
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// Nanoseconds since 1970.
    EpochNanoseconds,
    /// Dates and times that say their offset from UTC.
    WithZone,
    /// Dates and times that do not, and are taken as UTC.
    WithoutZone,
}

impl TimeForm {
    /// What it means, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::EpochSeconds => "epoch seconds",
            Self::EpochMilliseconds => "epoch milliseconds",
            Self::EpochMicroseconds => "epoch microseconds",
            Self::EpochNanoseconds => "epoch nanoseconds",
            Self::WithZone => "times with their zone",
            Self::WithoutZone => "times without a zone, taken as UTC",
        }
    }
}

/// A time zone by its IANA name or as an offset from UTC.
///
/// ```
/// use q50_datasets::time::{Zone, parse_ms};
/// let local = parse_ms("2024-07-01 09:30:00").unwrap();
/// assert_eq!("America/New_York".parse::<Zone>()?.to_utc(local), parse_ms("2024-07-01T13:30:00Z"));
/// assert_eq!("+02:00".parse::<Zone>()?.to_utc(local), parse_ms("2024-07-01T07:30:00Z"));
/// assert!("Moon/Copernicus".parse::<Zone>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// A moment in words: in its own offset from UTC where it says one, else in the zone; `None` where it is none.
    #[must_use]
    pub fn moment(&self, text: &str) -> Option<i64> {
        let (ms, zoned) = parse(text)?;
        if zoned { Some(ms) } else { self.to_utc(ms) }
    }

    /// The moment at which clocks of the zone show what clocks at UTC show at `local_ms`, epoch milliseconds; the earlier one
    /// where they show it twice, and `None` where they never do.
    #[must_use]
    pub fn to_utc(&self, local_ms: i64) -> Option<i64> {
        self.after(None, local_ms)
    }

    /// The same of a row behind another, at `previous`: where clocks show it twice, the earlier moment that is later than that.
    pub(crate) fn after(&self, previous: Option<i64>, local_ms: i64) -> Option<i64> {
        let local = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local_ms).ok()?);
        let found = self.zone.to_ambiguous_timestamp(local);
        let (earlier, later) = (found.earlier().ok()?, found.later().ok()?);
        let is_behind = previous.is_some_and(|previous| earlier.as_millisecond() <= previous);
        let moment = if is_behind { later } else { earlier };
        // A time that clocks left out is moved by the gap.
        (self.zone.to_datetime(moment) == local).then(|| moment.as_millisecond())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "expected an IANA name such as Europe/Berlin, or an offset such as +02:00".to_owned();
        let zone = match text.starts_with(['+', '-']) {
            true => TimeZone::fixed(offset(text).ok_or_else(expected)?),
            false => TimeZone::get(text).map_err(|_| expected())?,
        };
        Ok(Self { name: text.to_owned(), zone })
    }
}

/// `+HH`, `+HH:MM` or the same below zero.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds =
        hours.parse::<u16>().ok()? as i32 * 3_600 + minutes.parse::<u16>().ok().filter(|m| *m < 60)? as i32 * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

/// What stands in a time column, for errors.
pub(crate) const MOMENT: &str =
    "a moment: RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC), or epoch time (milliseconds under the name `ts_ms`)";

/// A moment written in digits alone, YYYYMMDD[HH[MM[SS]]], in UTC: epoch milliseconds.
fn from_digits(value: i64) -> Option<i64> {
    // 8, 10, 12 or 14 digits, brought to 14.
    let digits = (0..=3).map(|n| 100_i64.pow(n)).find_map(|missing| {
        let full = value.checked_mul(missing)?;
        (19_000_000_000_000..22_000_000_000_000).contains(&full).then_some(full)
    })?;
    let part = |divisor: i64| i8::try_from(digits / divisor % 100).ok();
    let date =
        jiff::civil::Date::new(i16::try_from(digits / 10_000_000_000).ok()?, part(100_000_000)?, part(1_000_000)?);
    let time = jiff::civil::Time::new(part(10_000)?, part(100)?, part(1)?, 0).ok()?;
    Some(TimeZone::UTC.to_timestamp(date.ok()?.to_datetime(time)).ok()?.as_millisecond())
}

/// How the integers of a time column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integers {
    /// Steps since 1970.
    Epoch(Unit),
    /// Dates, with or without a time of day, in digits alone.
    Digits,
}

impl Integers {
    /// How the integers of a column called `name` are written; `None` where that cannot be told, or is not what the name
    /// says.
    pub(crate) fn of_column(name: &str, least: i64, greatest: i64) -> Option<Self> {
        let unit = Unit::of_plain_integers(least, greatest);
        if name.eq_ignore_ascii_case("ts_ms") {
            // What is too small to tell may be a made-up time near 1970.
            return unit.is_none_or(|unit| unit == Unit::Milli).then_some(Self::Epoch(Unit::Milli));
        }
        if from_digits(least).is_some() && from_digits(greatest).is_some() {
            return Some(Self::Digits);
        }
        unit.map(Self::Epoch)
    }

    /// What such a column is said to hold.
    pub(crate) const fn form(self) -> TimeForm {
        match self {
            Self::Epoch(unit) => unit.form(),
            Self::Digits => TimeForm::WithoutZone,
        }
    }

    /// `value` in epoch milliseconds; `None` where it is no moment of the 20th to the 22nd century.
    pub(crate) fn to_ms(self, value: i64) -> Option<i64> {
        let ms = match self {
            Self::Epoch(unit) => unit.to_ms(value),
            Self::Digits => from_digits(value),
        };
        ms.filter(|ms| (-2_208_988_800_000..7_258_118_400_000).contains(ms))
    }
}

/// What one step of an integer time column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Milli,
    Micro,
    Nano,
}

impl Unit {
    /// The only unit in which both ends of a column lie between 1973 and 2200, where there is one.
    ///
    /// The ranges do not touch each other, so this decides and never guesses.
    fn of_plain_integers(least: i64, greatest: i64) -> Option<Self> {
        let unit = |v: i64| match v {
            100_000_000..7_258_118_400 => Some(Self::Second),
            100_000_000_000..7_258_118_400_000 => Some(Self::Milli),
            100_000_000_000_000..7_258_118_400_000_000 => Some(Self::Micro),
            100_000_000_000_000_000..7_258_118_400_000_000_000 => Some(Self::Nano),
            _ => None,
        };
        unit(least).filter(|u| unit(greatest) == Some(*u))
    }

    /// What a column of this unit is said to hold.
    pub(crate) const fn form(self) -> TimeForm {
        match self {
            Self::Second => TimeForm::EpochSeconds,
            Self::Milli => TimeForm::EpochMilliseconds,
            Self::Micro => TimeForm::EpochMicroseconds,
            Self::Nano => TimeForm::EpochNanoseconds,
        }
    }

    /// `value` in milliseconds; a fraction counts as the next millisecond. `None` where it does not fit.
    pub(crate) fn to_ms(self, value: i64) -> Option<i64> {
        let up = |per_ms: i64| value.div_euclid(per_ms) + i64::from(value.rem_euclid(per_ms) != 0);
        match self {
            Self::Second => value.checked_mul(1_000),
            Self::Milli => Some(value),
            Self::Micro => Some(up(1_000)),
            Self::Nano => Some(up(1_000_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_millisecond_counts_as_the_next_one() {
        assert_eq!(parse_ms("1970-01-01T00:00:00.001001Z"), Some(2));
        assert_eq!(Unit::Nano.to_ms(1_000_001), Some(2));
        assert_eq!(Unit::Micro.to_ms(-1_500), Some(-1));
    }

    #[test]
    fn a_zone_by_name_is_refused_and_not_dropped() {
        assert_eq!(parse_ms("2024-01-01T00:00:00[America/New_York]"), None);
    }

    #[test]
    fn the_zone_is_known_where_the_text_says_it() {
        let ms = 1_704_067_200_000;
        for (text, zoned) in [
            ("2024-01-01", false),
            ("2024/01/01 00:00", false),
            ("2024.01.01 00:00:00", false),
            ("2024-01-01 00:00:00 UTC", true),
            ("2024-01-01T00:00:00Z", true),
            ("2024-01-01 01:00:00+01:00", true),
        ] {
            assert_eq!(parse(text), Some((ms, zoned)), "{text}");
        }
    }

    #[test]
    fn digits_are_a_moment_where_there_is_such_a_day() {
        for digits in [20_240_101, 2_024_010_100, 202_401_010_000, 20_240_101_000_000] {
            assert_eq!(from_digits(digits), Some(1_704_067_200_000), "{digits}");
        }
        assert_eq!(from_digits(20_240_101_013_005), Some(1_704_072_605_000), "half past one and five seconds");
        for digits in [20_241_301, 2_024_010_124, 60_000, 202_401, 20_240_101_000_000_000] {
            assert_eq!(from_digits(digits), None, "{digits}");
        }
    }

    #[test]
    fn integers_are_read_as_what_they_can_be_and_as_what_the_name_says() {
        let of = |name, least, greatest| Integers::of_column(name, least, greatest);
        assert_eq!(of("time", 2_023_123_100, 2_024_093_023), Some(Integers::Digits), "and not the year 2034");
        assert_eq!(of("time", 1_703_980_800, 1_727_737_200), Some(Integers::Epoch(Unit::Second)));
        assert_eq!(of("time", 8_000_000_000, 8_000_003_600), None, "the year 2223");
        assert_eq!(of("ts_ms", 0, 3_600_000), Some(Integers::Epoch(Unit::Milli)));
        assert_eq!(Integers::Epoch(Unit::Milli).to_ms(250_000_000_000_000), None, "the year 9892");
        assert_eq!(of("ts_ms", 1_703_980_800, 1_727_737_200), None, "seconds");
        assert_eq!(of("TS_MS", 1_703_980_800_000_000_000, 1_727_737_200_000_000_000), None, "nanoseconds");
    }

    #[test]
    fn a_space_and_a_short_offset_are_read_as_postgres_prints_them() {
        assert_eq!(parse_ms("2025-10-03 18:00:00-06"), parse_ms("2025-10-04T00:00:00Z"));
    }

    #[test]
    fn the_unit_of_plain_integers_is_decided_by_their_size_or_not_at_all() {
        assert_eq!(Unit::of_plain_integers(1_704_067_200, 1_704_070_800), Some(Unit::Second));
        assert_eq!(Unit::of_plain_integers(1_704_067_200_000, 1_704_070_800_000), Some(Unit::Milli));
        assert_eq!(Unit::of_plain_integers(1_704_067_200_000_000_000, 1_704_067_200_000_000_001), Some(Unit::Nano));
        assert_eq!(Unit::of_plain_integers(1_704_067_200, 1_704_070_800_000), None, "two units in one column");
        assert_eq!(Unit::of_plain_integers(0, 3_600), None, "too small to tell");
    }
}
