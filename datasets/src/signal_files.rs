//! Reads signals from files and from the directory of a hummingbot run.

use std::path::Path;

use crate::columns::{SIGNAL_NAMES, SignalColumns};
use crate::error::{Error, Kind, Result, list};
use crate::frame::{BadCell, Frame, Wanted, missing_columns};
use crate::hummingbot;
use crate::input::Input;
use crate::side_codes::{Sides, from_numbers, from_words};
use crate::signals::{SignalOptions, SignalTable};
use crate::source::{Format, detect};

impl SignalTable {
    /// Reads a Parquet, Feather, CSV or JSON file, or a directory with a hummingbot run.
    ///
    /// # Errors
    /// Where the file cannot be read, it has none of the columns or lacks a required one, stamps are not strictly
    /// ascending, `prob_up` lies outside [0, 1], a side is none of 1, 0, -1 or is 1 and -1 alone, a position lies outside
    /// [-1, 1], a volatility is negative, or more quantiles cross than allowed. The row is named.
    pub fn read(path: &Path, options: &SignalOptions) -> Result<Self> {
        Self::read_input(&Input::open(path)?, options)
    }

    /// As [`SignalTable::read`], of what is opened already.
    ///
    /// # Errors
    /// As [`SignalTable::read`].
    pub fn read_input(input: &Input, options: &SignalOptions) -> Result<Self> {
        let (mut table, _) = Self::read_raw(input, options, true)?;
        table.validate(options)?;
        Ok(table)
    }

    /// Reads without judging, for `check`; with `strict`, unreadable cells are errors.
    pub(crate) fn read_raw(input: &Input, options: &SignalOptions, strict: bool) -> Result<(Self, Vec<BadCell>)> {
        let path = input.path();
        if detect(input)? == Format::Hummingbot {
            let run = hummingbot::Run::read(path)?;
            let mut table = Self::unchecked(run.ts, run.columns, path.into());
            if let Some(name) = &options.value {
                let column = table.columns.present().find(|(n, _)| n == name).map(|(_, c)| c.to_vec());
                let names: Vec<String> = table.columns.present().map(|(n, _)| n.to_owned()).collect();
                table.columns.value = Some(column.ok_or_else(|| missing_columns(path, &format!("`{name}`"), &names))?);
            }
            return Ok((table, Vec::new()));
        }
        // Words in `side` may be positions: whether these two are there is known when they are read.
        let required = options.require.iter().map(String::as_str).filter(|n| !["side", "position"].contains(n));
        let wanted = Wanted {
            time: true,
            numbers: required.chain(options.value.as_deref()).collect(),
            optional: SIGNAL_NAMES
                .into_iter()
                .filter(|n| *n != "side" && (*n == "position" || !options.require.iter().any(|r| r == n)))
                .collect(),
            either: vec!["side"],
            ..Wanted::default()
        };
        let mut frame = Frame::read_input(input, &wanted)?;
        if strict {
            frame = frame.strict()?.not_empty()?;
        }
        let bad = frame.bad_cells().to_vec();
        let reading = frame.reading().clone();
        let ts = frame.take_time();
        // Before the others are moved out: the user's column may be one of them.
        let value = options.value.as_deref().and_then(|name| frame.number(name)).map(<[f64]>::to_vec);
        let words = frame.take_text("side");
        let mut columns = SignalColumns {
            value,
            ..SignalColumns::from_fn(|name| if name == "value" { None } else { frame.take_number(name) })
        };
        let sides = match (words, columns.side.take()) {
            (Some(words), _) => Some(from_words(path, &words)?),
            (None, Some(numbers)) => Some(from_numbers(path, numbers, options.minus_one)?),
            (None, None) => None,
        };
        match sides {
            Some(Sides::Position(_)) if columns.position.is_some() => {
                return Err(Error::new(
                    Kind::Choice,
                    path,
                    "the columns `side` and `position` both say how much to hold",
                )
                .remedy("remove one of them"));
            }
            Some(Sides::Position(positions)) => columns.position = Some(positions),
            Some(Sides::Side(sides)) => columns.side = Some(sides),
            None => {}
        }
        let there: Vec<&str> = columns.present().map(|(name, _)| name).collect();
        let missing: Vec<&String> = options.require.iter().filter(|name| !there.contains(&name.as_str())).collect();
        if !missing.is_empty() {
            return Err(missing_columns(path, &list(missing), &Frame::column_names(input)?));
        }
        if there.is_empty() {
            return Err(missing_columns(path, &list(["q10", "q50", "q90"]), &Frame::column_names(input)?).remedy(
                "rename the columns: `side` or `position` to follow them (--strategy side), quantiles for q50; \
                     --signal-column names one of any meaning for --strategy threshold",
            ));
        }
        let mut table = Self::unchecked(ts, columns, path.into());
        table.report.reading = Some(reading);
        Ok((table, bad))
    }
}
