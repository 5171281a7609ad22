//! Numbers with a range.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use q50_engine::units::{Bps, Lamports};
use q50_research::run::MOST_CAPITAL;

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected a finite number".to_owned()),
    }
}

pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 { Ok(v) } else { Err("expected a number above 0".to_owned()) })
}

/// Hours that a day has a whole number of.
pub(super) fn hours_of_a_day(text: &str) -> Result<u32, String> {
    let hours = text.parse().ok().filter(|hours| (1..=24).contains(hours) && 24 % hours == 0);
    hours.ok_or_else(|| "expected 1, 2, 3, 4, 6, 8, 12 or 24 hours".to_owned())
}

pub(super) fn at_least_one(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 1.0 { Ok(v) } else { Err("expected 1 or more".to_owned()) })
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 0.0 { Ok(v) } else { Err("expected 0 or more".to_owned()) })
}

/// A file or folder, with the instrument that it is of where one is named: `PATH`, or `NAME=PATH`.
#[derive(Clone, Debug)]
pub(crate) struct InstrumentPath {
    /// The instrument.
    pub(crate) name: Option<String>,
    /// The file, folder or source.
    pub(crate) path: PathBuf,
}

impl Deref for InstrumentPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// What stands before the first `=` is a name, unless it cannot be one or the whole is the path of something that is there.
pub(super) fn instrument_path(text: &str) -> Result<InstrumentPath, String> {
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let named = text.split_once('=').filter(|(name, _)| is_name(name) && !Path::new(text).exists());
    let Some((name, path)) = named else { return Ok(InstrumentPath { name: None, path: text.into() }) };
    if name.is_empty() || path.is_empty() {
        return Err("expected PATH, or NAME=PATH".to_owned());
    }
    Ok(InstrumentPath { name: Some(name.to_owned()), path: path.into() })
}

/// A symbol, in any characters but `=`, and the file that holds it.
pub(super) fn symbol_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((symbol, path)) if !symbol.is_empty() && !path.is_empty() => Ok((symbol.to_owned(), path.into())),
        _ => Err("expected SYMBOL=FILE".to_owned()),
    }
}

/// Basis points of a whole, below 100 %.
pub(super) fn basis_points(text: &str) -> Result<f64, String> {
    let expected = "expected basis points from 0 to below 10000, which are 100 %";
    number(text).and_then(|v| if (0.0..10_000.0).contains(&v) { Ok(v) } else { Err(expected.to_owned()) })
}

/// An amount of money.
pub(super) fn capital(text: &str) -> Result<f64, String> {
    let expected = format!("expected a number above 0 and at most {MOST_CAPITAL:e}");
    number(text).and_then(|v| if v > 0.0 && v <= MOST_CAPITAL { Ok(v) } else { Err(expected) })
}

/// An amount in SOL that the chain can count.
pub(super) fn sol(text: &str) -> Result<Lamports, String> {
    Lamports::from_sol(number(text)?).map_err(|error| error.to_string())
}

/// A decimal number in the smallest unit, exactly.
pub(crate) fn smallest_units(text: &str, decimals: u8) -> Result<u64, String> {
    let expected = || format!("expected a number with at most {decimals} decimals, without a sign");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let places = usize::from(decimals);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if matches!(text, "" | ".") || !is_number(whole) || !is_number(fraction) || fraction.len() > places {
        return Err(expected());
    }
    format!("{whole}{fraction:0<places$}").parse().map_err(|_| expected())
}

/// Lamports of an amount in SOL, exactly; it may be nothing.
pub(super) fn lamports(text: &str) -> Result<Lamports, String> {
    smallest_units(text, 9).map(Lamports)
}

/// An amount above 0 of something whose decimals are not known yet.
pub(super) fn amount(text: &str) -> Result<String, String> {
    let is_written_in = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let is_number = text.bytes().all(is_written_in) && text.matches('.').count() <= 1;
    if is_number && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        Ok(text.to_owned())
    } else {
        Err("expected a number above 0".to_owned())
    }
}

/// A share below the whole, to the basis point.
pub(super) fn share_bps(text: &str) -> Result<Bps, String> {
    let expected = "expected a fraction above 0 and below 1, with at most 4 decimals";
    let bps = smallest_units(text, 4).map_err(|_| expected)?;
    if (1..10_000).contains(&bps) { Ok(Bps(bps)) } else { Err(expected.to_owned()) }
}

/// A share that may be more than the whole, to the basis point.
pub(super) fn gain_bps(text: &str) -> Result<Bps, String> {
    let expected = "expected a fraction above 0 and at most 1000, with at most 4 decimals";
    let bps = smallest_units(text, 4).map_err(|_| expected)?;
    if (1..=10_000_000).contains(&bps) { Ok(Bps(bps)) } else { Err(expected.to_owned()) }
}

/// A length of time such as `15m`, from a second to a year.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number above 0 and s, m, h or d, such as 15m, at most 366d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).unwrap_or(0);
    if (1..=366 * 86_400).contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(expected()) }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let range = |v| if (0.0..=1.0).contains(&v) { Ok(v) } else { Err("expected a fraction in [0, 1]".to_owned()) };
    number(text).and_then(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_refused_where_fractions_belong() {
        assert!(share("25").is_err());
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(above_zero("nan").is_err());
    }

    #[test]
    fn amounts_are_read_exactly_and_nothing_else_is() {
        assert_eq!(smallest_units("0.1", 9), Ok(100_000_000));
        assert_eq!(smallest_units("12", 6), Ok(12_000_000));
        assert_eq!(smallest_units("18446744073.709551615", 9), Ok(u64::MAX));
        assert_eq!(smallest_units(".5", 1), Ok(5));
        assert_eq!((lamports("0"), lamports("0.001")), (Ok(Lamports(0)), Ok(Lamports(1_000_000))));
        for text in ["", ".", "...", "0.0.0", "-1", "+1", "1e3", "0.0000000001", "18446744073.709551616", "1,5", " 1"] {
            assert!(smallest_units(text, 9).is_err(), "{text}");
        }
        for (text, is_one) in
            [("0", false), ("0.0", false), ("", false), ("-1", false), ("0.0000000001", true), ("7", true)]
        {
            assert_eq!(amount(text).is_ok(), is_one, "{text}");
        }
    }

    #[test]
    fn levels_are_fractions_and_lengths_have_a_unit() {
        assert_eq!((share_bps("0.1"), gain_bps("2.5")), (Ok(Bps(1_000)), Ok(Bps(25_000))));
        for text in ["0", "1", "10", "0.00001", "-0.1", "1e-1"] {
            assert!(share_bps(text).is_err(), "{text}");
        }
        assert_eq!((length("90s"), length("2h")), (Ok(Duration::from_secs(90)), Ok(Duration::from_secs(7_200))));
        for text in ["", "0m", "2", "h", "-1h", "367d", "1.5h", "2 h", "2é"] {
            assert!(length(text).is_err(), "{text}");
        }
    }

    #[test]
    fn costs_stay_below_the_whole_and_amounts_within_what_can_be_counted() {
        assert_eq!((basis_points("0"), basis_points("9999.9")), (Ok(0.0), Ok(9_999.9)));
        assert_eq!((capital("1e15"), sol("1.5")), (Ok(1e15), Ok(Lamports(1_500_000_000))));
        for text in ["-1", "10000", "20000", "inf", "nan", "x"] {
            assert!(basis_points(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1e16", "1e308", "nan"] {
            assert!(capital(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1e11", "1e-10", "nan"] {
            assert!(sol(text).is_err(), "{text}");
        }
    }
}
