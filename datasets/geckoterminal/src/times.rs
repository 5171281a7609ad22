//! Event times, from texts that do not all mean what they say.
//!
//! The collector stored the digits of a trade's UTC time through a session in another zone, so its exports show
//! `2025-10-03 09:57:01-06` for 09:57:01 UTC. Other columns of the same export carry true offsets. The last number of a
//! trade's id is the time of the poll, at most two minutes later, and shows which reading is right.

use q50_datasets::time::parse_ms;
use serde::Serialize;

/// How long after a trade it is polled at the latest, milliseconds.
const POLLED_WITHIN: i64 = 120_000;

/// How the times of a file were read, counted by rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// With the offset that stands there, or without one as UTC.
    pub as_written: usize,
    /// Digits as UTC although an offset stands there.
    pub digits_as_utc: usize,
    /// Unusable and not needed, because another column has the time.
    pub passed_over: usize,
    /// Unknown: an offset that nothing confirms, or a text that lost its date.
    pub unknown: usize,
}

/// A text as a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readings {
    /// As written, with its offset; UTC without one.
    written: i64,
    /// Its digits as UTC.
    digits: i64,
}

impl Readings {
    /// Both readings; `None` where the text is no moment.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let written = parse_ms(text)?;
        let text = text.trim();
        // The sign of an offset stands behind the date.
        let sign = text.char_indices().skip(11).find(|(_, c)| matches!(c, '+' | '-'));
        let digits = match sign {
            Some((at, _)) => parse_ms(&text[..at])?,
            None => written,
        };
        Some(Self { written, digits })
    }

    /// The moment, where there is no question which one is meant.
    pub(crate) fn certain(self) -> Option<i64> {
        (self.written == self.digits).then_some(self.written)
    }

    pub(crate) fn written(self) -> i64 {
        self.written
    }
}

/// The time of a trade that was polled at `polled`.
///
/// # Errors
/// Why it cannot be told.
pub(crate) fn of_trade(text: &str, polled: Option<i64>, times: &mut Times) -> Result<i64, String> {
    let unreadable = || format!("block_timestamp `{text}` is no moment");
    let readings = Readings::of(text).ok_or_else(unreadable)?;
    let Some(polled) = polled else {
        times.as_written += usize::from(readings.certain().is_some());
        return readings.certain().ok_or_else(|| {
            format!("block_timestamp `{text}` has an offset that nothing confirms: its id has no polling time")
        });
    };
    let fits = |reading: i64| (0..=POLLED_WITHIN).contains(&(polled - reading));
    match (fits(readings.written), fits(readings.digits)) {
        (true, true) if readings.certain().is_none() => {
            Err(format!("block_timestamp `{text}` fits its polling time with its offset and without"))
        }
        (true, _) => {
            times.as_written += 1;
            Ok(readings.written)
        }
        (false, true) => {
            times.digits_as_utc += 1;
            Ok(readings.digits)
        }
        (false, false) => Err(format!(
            "block_timestamp `{text}` lies not within 120 s before {}, when its id says that it was polled",
            q50_datasets::time::rfc3339(polled)
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    /// 2025-10-03T10:22:26Z
    const POLLED: i64 = 1_759_486_946_000;

    fn read(text: &str, polled: Option<i64>) -> (Result<i64, String>, Times) {
        let mut times = Times::default();
        (of_trade(text, polled, &mut times), times)
    }

    #[test]
    fn digits_are_utc_where_only_they_lie_before_the_polling_time() {
        let (ms, times) = read("2025-10-03 10:22:16-06", Some(POLLED));
        assert_eq!((ms, times.digits_as_utc, times.as_written), (Ok(POLLED - 10_000), 1, 0));
    }

    #[test]
    fn an_offset_is_believed_where_only_it_lies_before_the_polling_time() {
        let (ms, times) = read("2025-10-03T04:22:16.5-06:00", Some(POLLED));
        assert_eq!((ms, times.digits_as_utc, times.as_written), (Ok(POLLED - 9_500), 0, 1));
    }

    #[test]
    fn a_time_that_neither_reading_explains_is_refused() {
        for (text, polled) in [
            ("2025-10-03 11:22:16-06", POLLED),
            ("2025-10-03T10:22:27Z", POLLED),
            ("2025-10-03T10:20:25Z", POLLED),
            ("57:01.0", POLLED),
        ] {
            assert!(read(text, Some(polled)).0.is_err(), "{text}");
        }
        assert_eq!(read("2025-10-03T10:20:26Z", Some(POLLED)).0, Ok(POLLED - 120_000), "two minutes are the most");
    }

    #[test]
    fn an_offset_so_small_that_both_readings_fit_is_refused() {
        let (found, _) = read("2025-10-03 10:22:16+00:01", Some(POLLED));
        assert!(found.unwrap_err().contains("with its offset and without"));
    }

    #[test]
    fn without_a_polling_time_only_utc_is_certain() {
        assert_eq!(read("2025-10-03T10:22:16Z", None).0, Ok(POLLED - 10_000));
        assert_eq!(read("2025-10-03 10:22:16", None).0, Ok(POLLED - 10_000));
        assert!(read("2025-10-03 10:22:16-06", None).0.is_err());
    }
}
