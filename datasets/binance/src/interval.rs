//! How long a kline lasts.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Milliseconds of the units of an interval.
const UNITS: [(char, i64); 4] = [('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1_000)];

/// The length of a kline: whole seconds that divide a day, so that klines of UTC days fold without a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    ms: i64,
}

impl Interval {
    /// The timeframes of a catalog, beside those that were published.
    pub(crate) const TIMEFRAMES: [Self; 6] = [
        Self { ms: 60_000 },
        Self { ms: 5 * 60_000 },
        Self { ms: 15 * 60_000 },
        Self { ms: 3_600_000 },
        Self { ms: 4 * 3_600_000 },
        Self { ms: 86_400_000 },
    ];

    /// Its milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.ms
    }
}

impl FromStr for Interval {
    type Err = ();

    /// `1m`, `4h`, `1d`; intervals longer than a day have no grid that days share.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (unit, each) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit)).ok_or(())?;
        let count = text.trim_end_matches(unit);
        let ms = count.parse::<u16>().ok().filter(|_| !count.starts_with(['0', '+'])).ok_or(())? as i64 * each;
        if 86_400_000 % ms == 0 { Ok(Self { ms }) } else { Err(()) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, each) = UNITS.into_iter().find(|(_, each)| self.ms % each == 0).unwrap_or(UNITS[3]);
        write!(f, "{}{unit}", self.ms / each)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_read_as_it_is_written() {
        for (text, ms) in [("1s", 1_000), ("1m", 60_000), ("15m", 900_000), ("12h", 43_200_000), ("1d", 86_400_000)] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!((interval.ms(), interval.to_string().as_str()), (ms, text));
        }
    }

    #[test]
    fn what_does_not_divide_a_day_is_no_interval() {
        for text in ["3d", "1w", "1mo", "7h", "0m", "m", "-1m", "+1m", "01m", "1", ""] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }
}
