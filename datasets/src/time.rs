//! Moments: epoch milliseconds in UTC inside, RFC 3339 outside.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A moment as RFC 3339 in UTC, for example `2024-01-01T00:00:00Z`; the bare number where the year is beyond 9999.
///
/// ```
/// assert_eq!(q50_datasets::time::rfc3339(1_704_067_200_000), "2024-01-01T00:00:00Z");
/// ```
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |t| t.to_string())
}

/// Reads a moment: RFC 3339 with its offset, or `YYYY-MM-DD[ HH:MM:SS[.fff]]`, which is taken as UTC.
///
/// `None` where the text is neither. A fraction of a millisecond counts as the next millisecond, so that nothing is
/// known before its time.
///
/// ```
/// use q50_datasets::time::parse_ms;
/// assert_eq!(parse_ms("2024-01-01 00:00:00"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("2024-01-01T02:00:00+02:00"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("2024-01-01"), Some(1_704_067_200_000));
/// assert_eq!(parse_ms("yesterday"), None);
/// ```
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    // A zone in brackets would be dropped by the civil parser, and a local time read as UTC.
    if text.contains('[') {
        return None;
    }
    // The offset first: a civil time would be read from the same text by dropping its offset.
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    let ns = moment.as_nanosecond();
    i64::try_from(ns.div_euclid(1_000_000) + i128::from(ns.rem_euclid(1_000_000) != 0)).ok()
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
    /// The only unit in which both ends of a column lie between 1973 and 5138, where there is one.
    ///
    /// The ranges do not touch each other, so this decides and never guesses.
    pub(crate) fn of_plain_integers(least: i64, greatest: i64) -> Option<Self> {
        let unit = |v: i64| match v {
            100_000_000..100_000_000_000 => Some(Self::Second),
            100_000_000_000..100_000_000_000_000 => Some(Self::Milli),
            100_000_000_000_000..100_000_000_000_000_000 => Some(Self::Micro),
            100_000_000_000_000_000.. => Some(Self::Nano),
            _ => None,
        };
        unit(least).filter(|u| unit(greatest) == Some(*u))
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
