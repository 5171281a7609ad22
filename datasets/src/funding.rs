//! Recorded rates of funding of a perpetual future: a time, the rate, and the mark price where it is recorded.

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::frame::{Frame, Wanted};
use crate::hash::{HashColumn, content_hash};
use crate::time::rfc3339;

/// Rates by the time of their settlement, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct FundingTable {
    /// Epoch milliseconds of each settlement.
    pub time: Vec<i64>,
    /// Share of the notional that longs pay to shorts.
    pub rate: Vec<f64>,
    /// Mark price of each settlement; `NaN` where a row lacks it. `None` where the file does.
    pub mark: Option<Vec<f64>>,
    /// Hours since the settlement before, where the file says so: exchanges change them.
    pub hours: Option<Vec<u32>>,
}

impl FundingTable {
    /// Reads a table with a time column, `rate`, and `mark` and `interval_hours` where it has them.
    ///
    /// # Errors
    /// Where the file cannot be read, a column is missing, times do not ascend, a rate is no number between -1 and 1, a mark
    /// price is not above 0, or hours are not 1 to 24.
    pub fn read(path: &Path) -> Result<Self> {
        let wanted =
            Wanted { time: true, numbers: vec!["rate"], optional: vec!["mark", "interval_hours"], ..Wanted::default() };
        let mut frame = Frame::read(path, &wanted)?.strict()?.not_empty()?;
        let hours = frame.take_number("interval_hours");
        let mut table = Self {
            rate: frame.take_number("rate").unwrap_or_default(),
            mark: frame.take_number("mark"),
            time: frame.take_time(),
            hours: None,
        };
        let fault = |row: usize, found: String, expected: &str| {
            Err(Error::new(Kind::Value, path, found).at_row(row).expected(expected))
        };
        for (row, (&time, &rate)) in table.time.iter().zip(&table.rate).enumerate() {
            if row > 0 && time <= table.time[row - 1] {
                let found = format!("{} does not come after {}", rfc3339(time), rfc3339(table.time[row - 1]));
                return fault(row, found, "settlements ascending in time, each once");
            }
            if !(-1.0 < rate && rate < 1.0) {
                return fault(row, format!("rate is {rate}"), "a fraction of the notional, such as 0.0001");
            }
            let mark = table.mark.as_ref().map_or(f64::NAN, |mark| mark[row]);
            if !(mark.is_nan() || mark > 0.0 && mark.is_finite()) {
                return fault(row, format!("mark is {mark}"), "a price above 0");
            }
        }
        for (row, &hours) in hours.iter().flatten().enumerate() {
            if !((1.0..=24.0).contains(&hours) && hours.fract() == 0.0) {
                return fault(row, format!("interval_hours is {hours}"), "whole hours from 1 to 24");
            }
        }
        table.hours = hours.map(|hours| hours.into_iter().map(|hours| hours as u32).collect());
        Ok(table)
    }

    /// BLAKE3 (hex) of the content, whatever the file is called and in which format it is.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut columns = vec![("time", HashColumn::I64(&self.time)), ("rate", HashColumn::F64(&self.rate))];
        let hours: Option<Vec<f64>> = self.hours.as_ref().map(|hours| hours.iter().copied().map(f64::from).collect());
        columns.extend(hours.as_ref().map(|hours| ("interval_hours", HashColumn::F64(hours))));
        columns.extend(self.mark.as_ref().map(|mark| ("mark", HashColumn::F64(mark))));
        content_hash(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FundingTable> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("funding.csv");
        std::fs::write(&path, text).unwrap();
        FundingTable::read(&path)
    }

    #[test]
    fn a_mark_price_may_be_there_or_not_or_on_some_rows_only() {
        let bare = read("ts_ms,rate\n0,0.0001\n28800000,-0.0002\n").unwrap();
        assert_eq!((&bare.rate[..], &bare.mark), (&[0.0001, -0.0002][..], &None));
        let marked = read("ts_ms,rate,mark\n0,0.0001,50\n28800000,-0.0002,\n").unwrap();
        let mark = marked.mark.as_ref().unwrap();
        assert!(mark[0] == 50.0 && mark[1].is_nan());
        assert_ne!(bare.hash(), marked.hash());
    }

    #[test]
    fn what_is_no_rate_is_refused_with_its_row() {
        for (text, said) in [
            ("ts_ms,rate\n0,1.5\n", "rate is 1.5"),
            ("ts_ms,rate\n0,\n", "row 1"),
            ("ts_ms,rate\n5,0.1\n5,0.1\n", "does not come after"),
            ("ts_ms,rate,mark\n0,0.1,-5\n", "mark is -5"),
            ("ts_ms,rate,interval_hours\n0,0.1,0.5\n", "interval_hours is 0.5"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
