//! The codes and words of the columns `side` and `position`, and how often each occurred.
//!
//! A number in `side` is 1 (long), 0 (flat) or -1 (keep the current position), the code of the Q50 producers. Others
//! write -1 for short: such a file turns from 1 to -1 and hardly ever says 0, and is refused until the reader is told
//! which of the two it means.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::columns::expectation;
use crate::error::{Error, Kind, Result, quoted};

/// What -1 means in a column `side`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinusOne {
    /// Keep what there is.
    Keep,
    /// Be short: the column is a position.
    Short,
}

/// How often a column said what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CodeCounts {
    /// `side` or `position`.
    pub column: &'static str,
    /// Rows that say long.
    pub long: usize,
    /// Rows that say flat.
    pub flat: usize,
    /// Rows that say short; a side has none.
    pub short: usize,
    /// Rows that say to keep what there is; a position has none.
    pub keep: usize,
    /// Rows that say nothing.
    pub missing: usize,
}

impl CodeCounts {
    fn of(column: &'static str, values: &[f64]) -> Self {
        let count = |test: fn(f64) -> bool| values.iter().filter(|value| test(**value)).count();
        let below = count(|value| value < 0.0);
        let (short, keep) = if column == "side" { (0, below) } else { (below, 0) };
        let (long, flat, missing) = (count(|value| value > 0.0), count(|value| value == 0.0), count(f64::is_nan));
        Self { column, long, flat, short, keep, missing }
    }

    /// The counts of the column that is followed: a position goes before a side.
    pub(crate) fn of_followed(side: Option<&[f64]>, position: Option<&[f64]>) -> Vec<Self> {
        let position = position.map(|column| Self::of("position", column));
        position.or_else(|| side.map(|column| Self::of("side", column))).into_iter().collect()
    }
}

impl fmt::Display for CodeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("long", self.long), ("flat", self.flat), ("short", self.short), ("keep", self.keep)];
        let said: Vec<String> =
            kinds.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
        write!(f, "{}: {}", self.column, if said.is_empty() { "nothing".to_owned() } else { said.join(", ") })?;
        if self.missing > 0 {
            write!(f, ", {} missing", self.missing)?;
        }
        Ok(())
    }
}

/// A column `side` as it was read: as sides, or as positions where it knows short.
#[derive(Debug, PartialEq)]
pub(crate) enum Sides {
    Side(Vec<f64>),
    Position(Vec<f64>),
}

/// The numbers of a column `side`.
///
/// Refused is a column of 1 and -1 that hardly ever says 0, as long as `minus_one` is not known.
pub(crate) fn from_numbers(path: &Path, values: Vec<f64>, minus_one: Option<MinusOne>) -> Result<Sides> {
    match minus_one {
        Some(MinusOne::Short) => Ok(Sides::Position(values)),
        None if says_short(&values) => Err(Error::new(
            Kind::Choice,
            path,
            "holds 1 and -1 and hardly a 0: were -1 to keep what there is, positions would hardly ever be closed",
        )
        .column("side")
        .expected("1 (long), 0 (flat), -1 (keep what there is)")
        .remedy("say what -1 means: --side-minus-one short, or --side-minus-one keep; or name the column `position`")),
        _ => Ok(Sides::Side(values)),
    }
}

/// Whether -1 may well be meant as short: 1 and -1 are there, and of what is said from the first of them on, less than one
/// in a hundred is 0. Before it a 0 is a warm-up.
fn says_short(values: &[f64]) -> bool {
    let said = || values.iter().filter(|value| !value.is_nan()).skip_while(|value| **value == 0.0);
    let count = |code: f64| said().filter(|value| **value == code).count();
    count(1.0) > 0 && count(-1.0) > 0 && count(0.0) * 100 < said().count()
}

/// The words of a column `side`.
pub(crate) fn from_words(path: &Path, words: &[String]) -> Result<Sides> {
    let codes = words.iter().enumerate().map(|(row, word)| Word::read(word).ok_or_else(|| no_word(path, row, word)));
    let codes: Vec<Word> = codes.collect::<Result<_>>()?;
    if !codes.contains(&Word::Short) {
        return Ok(Sides::Side(codes.iter().map(|word| word.side()).collect()));
    }
    let mut held = 0.0;
    let positions = codes.iter().map(|word| {
        held = word.position(held);
        if *word == Word::Nothing { f64::NAN } else { held }
    });
    Ok(Sides::Position(positions.collect()))
}

fn no_word(path: &Path, row: usize, word: &str) -> Error {
    Error::new(Kind::Value, path, format!("found {}", quoted(word)))
        .at_row(row)
        .column("side")
        .expected(expectation("side").unwrap_or_default())
        .remedy("repair or remove the row")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Long,
    Flat,
    Short,
    Keep,
    Nothing,
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "long" | "buy" | "1" => Self::Long,
            "flat" | "sell" | "exit" | "close" | "0" => Self::Flat,
            "short" => Self::Short,
            "hold" | "keep" => Self::Keep,
            "" => Self::Nothing,
            _ => return None,
        })
    }

    fn side(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Flat | Self::Short => 0.0,
            Self::Keep => -1.0,
            Self::Nothing => f64::NAN,
        }
    }

    fn position(self, held: f64) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Flat => 0.0,
            Self::Short => -1.0,
            Self::Keep | Self::Nothing => held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Result<Sides> {
        from_words(Path::new("s.csv"), &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_without_short_are_sides() {
        assert_eq!(words(&["buy", "Hold", "SELL"]).unwrap(), Sides::Side(vec![1.0, -1.0, 0.0]));
    }

    #[test]
    fn words_with_short_are_positions_and_hold_keeps_the_last() {
        let Sides::Position(positions) = words(&["hold", "long", "hold", "short", "", "hold", "flat"]).unwrap() else {
            panic!("short is no side");
        };
        assert!(positions[4].is_nan());
        assert_eq!([&positions[..4], &positions[5..]].concat(), [0.0, 1.0, 1.0, -1.0, -1.0, 0.0]);
    }

    #[test]
    fn another_word_is_refused_with_its_row() {
        let e = words(&["long", "bullish"]).unwrap_err();
        assert!(e.is_value() && e.row() == Some(2) && e.to_string().contains("`bullish`"), "{e}");
        assert!(words(&["long", "-1"]).is_err(), "keep or short?");
    }

    #[test]
    fn one_and_minus_one_alone_are_refused_until_it_is_said_what_is_meant() {
        let read = |values: &[f64], meant| from_numbers(Path::new("s.csv"), values.to_vec(), meant);
        let e = read(&[1.0, -1.0], None).unwrap_err();
        assert!(e.is_choice() && e.to_string().contains("--side-minus-one short"), "{e}");
        assert_eq!(read(&[1.0, -1.0], Some(MinusOne::Short)).unwrap(), Sides::Position(vec![1.0, -1.0]));
        for (values, meant) in [([1.0, -1.0], Some(MinusOne::Keep)), ([0.0, -1.0], None), ([1.0, 1.0], None)] {
            assert_eq!(read(&values, meant).unwrap(), Sides::Side(values.to_vec()));
        }
        assert!(read(&[0.0, 0.0, 1.0, -1.0], None).unwrap_err().is_choice(), "a warm-up closes nothing");
        assert!(read(&[1.0, 0.0, -1.0], None).is_ok());
        let turns = |zeros: usize| [[1.0, -1.0].repeat(50), vec![0.0; zeros]].concat();
        assert!(read(&turns(1), None).unwrap_err().is_choice(), "1 of 101 is less than one in a hundred");
        assert!(read(&turns(2), None).is_ok(), "2 of 102 are not");
    }

    #[test]
    fn what_was_met_is_counted_and_said() {
        let (side, position) = ([1.0, 0.0, -1.0, -1.0], [0.5, -0.5, f64::NAN]);
        let said = |side, position| CodeCounts::of_followed(side, position)[0].to_string();
        assert_eq!(said(Some(&side), None), "side: 1 long, 1 flat, 2 keep");
        assert_eq!(said(Some(&side), Some(&position)), "position: 1 long, 1 short, 1 missing", "goes before a side");
    }
}
