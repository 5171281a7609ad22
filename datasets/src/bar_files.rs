//! Reads bars from files and provider directories.

use std::path::Path;

use crate::bars::{Bars, interval};
use crate::error::Result;
use crate::frame::{BadCell, Frame, Reading, Wanted};
use crate::input::Input;
use crate::qlib::{Provider, Selection};
use crate::source::{Format, detect};

impl Bars {
    /// Reads bars from a Parquet, Feather, CSV or JSON file (a time column, see [`crate::names::TIME_NAMES`], `open high low
    /// close`, optional `volume`; or Binance klines) or from a Qlib provider directory that holds one symbol and frequency.
    ///
    /// # Errors
    /// Where the file cannot be read, columns are missing, there are fewer than two bars, times are not strictly
    /// ascending, or a price is absent, zero, negative or infinite. The row is named.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_selected(path, &Selection::default())
    }

    /// As [`Bars::read`]; `selection` says which symbol and frequency of a Qlib provider is meant.
    ///
    /// # Errors
    /// As [`Bars::read`]; and where the provider does not hold the selection.
    pub fn read_selected(path: &Path, selection: &Selection) -> Result<Self> {
        Ok(Self::read_input(&Input::open(path)?, selection)?.0)
    }

    /// As [`Bars::read_selected`], of what is opened already, and how it was read.
    pub fn read_input(input: &Input, selection: &Selection) -> Result<(Self, Option<Reading>)> {
        let (bars, _, reading) = Self::read_raw(input, selection, true)?;
        bars.validate(input.path())?;
        Ok((bars, reading))
    }

    /// Reads without judging, for `check`; with `strict`, unreadable cells are errors.
    pub(crate) fn read_raw(
        input: &Input,
        selection: &Selection,
        strict: bool,
    ) -> Result<(Self, Vec<BadCell>, Option<Reading>)> {
        if detect(input)? == Format::Qlib {
            return Ok((Provider::open(input.path())?.bars(selection)?, Vec::new(), None));
        }
        let wanted = Wanted {
            time: true,
            numbers: vec!["open", "high", "low", "close"],
            optional: vec!["volume"],
            ..Wanted::default()
        };
        let mut frame = Frame::read_input(input, &wanted)?;
        if strict {
            frame = frame.strict()?.not_empty()?;
        }
        let (bad, reading) = (frame.bad_cells().to_vec(), frame.reading().clone());
        let open_time = frame.take_time();
        let mut column = |name: &str| frame.take_number(name).unwrap_or_default();
        let (open, high, low, close) = (column("open"), column("high"), column("low"), column("close"));
        let volume = frame.take_number("volume");
        let interval_ms = interval(&open_time).unwrap_or(0);
        Ok((Self { open_time, open, high, low, close, volume, interval_ms }, bad, Some(reading)))
    }
}
