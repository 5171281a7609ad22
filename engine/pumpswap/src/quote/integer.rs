//! Integers in JSON: decimal strings, or numbers if no digit was lost.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::request::RequestError;

/// How much of an offending text is repeated in a message.
const SHOWN: usize = 48;

/// An integer whose range is not known yet: it is checked where its field's name is at hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Integer<'a> {
    /// Digits, as far as JSON can tell.
    Text(Cow<'a, str>),
    /// A number with a fraction, or beyond what a JSON number holds exactly.
    Inexact(f64),
}

/// A type that an integer field may have.
pub(crate) trait Range: FromStr {
    /// Its range, for messages.
    const RANGE: &'static str;
}

impl Range for u64 {
    const RANGE: &'static str = "an integer from 0 to 18446744073709551615";
}
impl Range for u128 {
    const RANGE: &'static str = "an integer from 0 to 2^128 - 1";
}
impl Range for i128 {
    const RANGE: &'static str = "an integer from -2^127 to 2^127 - 1";
}

impl<'a> Integer<'a> {
    /// What an absent field stands for.
    pub(crate) const fn of(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The value of the field called `field`.
    pub(crate) fn get<T: Range>(&self, field: &'static str) -> Result<T, RequestError> {
        let refuse = |found: String| RequestError::Integer { field, found, expected: T::RANGE };
        match self {
            Self::Text(text) => text.parse().map_err(|_| refuse(format!("\"{}\"", shorten(text)))),
            Self::Inexact(number) => Err(refuse(format!("the number {number}"))),
        }
    }
}

/// The beginning of a text that may be long.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Integer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl<'de> Visitor<'de> for Digits {
            type Value = Integer<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer as a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Integer::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Integer::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Integer::Text(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Integer::Text(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Integer::Inexact(number))
            }
        }

        deserializer.deserialize_any(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Range>(json: &str) -> Result<T, String> {
        serde_json::from_str::<Integer<'_>>(json).unwrap().get("amount").map_err(|error| error.to_string())
    }

    #[test]
    fn strings_and_whole_numbers_are_read() {
        assert_eq!(read::<u64>("\"18446744073709551615\""), Ok(u64::MAX));
        assert_eq!(read::<u64>("7"), Ok(7));
        assert_eq!(read::<i128>("\"-7\""), Ok(-7));
        assert_eq!(read::<i128>("-7"), Ok(-7));
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_the_fields_name() {
        let error = read::<u64>("\"18446744073709551616\"").unwrap_err();
        assert_eq!(
            error,
            "`amount`: found \"18446744073709551616\", expected an integer from 0 to 18446744073709551615 as a string"
        );
        for json in ["\"-1\"", "-1", "\"1.5\"", "1.5", "18446744073709551616", "\"\"", "\"1e9\"", "\" 1\""] {
            assert!(read::<u64>(json).unwrap_err().starts_with("`amount`: found"), "{json}");
        }
    }

    #[test]
    fn a_long_text_is_not_repeated_in_full() {
        assert!(read::<u64>(&format!("\"{}\"", "ä".repeat(9_999))).unwrap_err().len() < 250);
    }
}
