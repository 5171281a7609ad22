//! Bars: open, high, low, close by opening time, sound by construction.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use crate::artefacts::{Artefact, artefacts};
use crate::error::{Error, Kind, Result};
use crate::time::rfc3339;

/// Bars of one instrument, one row a bar, all columns of the same length.
///
/// What [`Bars::read`] and [`Bars::new`] return is sound: times strictly ascending, prices finite and above zero.
/// The fields are open for those who generate or cut bars; [`crate::Dataset`] checks again.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// Epoch milliseconds (UTC) at which each bar opens.
    pub open_time: Vec<i64>,
    /// First price, quote units for one unit of base.
    pub open: Vec<f64>,
    /// Highest price.
    pub high: Vec<f64>,
    /// Lowest price.
    pub low: Vec<f64>,
    /// Last price.
    pub close: Vec<f64>,
    /// Traded volume where the source has it, in the source's unit; `NaN` where a row lacks it.
    pub volume: Option<Vec<f64>>,
    /// The most common distance between two bars, milliseconds.
    pub interval_ms: i64,
}

/// Where bars come from that no file holds.
const IN_MEMORY: &str = "(bars in memory)";

impl Bars {
    /// Bars made in memory; the interval is the most common distance.
    ///
    /// # Errors
    /// As [`Bars::read`]; and where the columns differ in length.
    pub fn new(
        open_time: Vec<i64>,
        open: Vec<f64>,
        high: Vec<f64>,
        low: Vec<f64>,
        close: Vec<f64>,
        volume: Option<Vec<f64>>,
    ) -> Result<Self> {
        let interval_ms = interval(&open_time).unwrap_or(0);
        let bars = Self { open_time, open, high, low, close, volume, interval_ms };
        bars.validate(Path::new(IN_MEMORY))?;
        Ok(bars)
    }

    /// What nobody could have traded among the bars in `rows`; rows are those of the whole table.
    #[must_use]
    pub fn artefacts(&self, rows: Range<usize>) -> Vec<Artefact> {
        let volume = self.volume.as_ref().map(|volume| &volume[rows.clone()]);
        let (open, high) = (&self.open[rows.clone()], &self.high[rows.clone()]);
        let (low, close) = (&self.low[rows.clone()], &self.close[rows.clone()]);
        let found = artefacts(open, high, low, close, volume);
        found.into_iter().map(|artefact| Artefact { row: artefact.row + rows.start, ..artefact }).collect()
    }

    /// Number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open_time.len()
    }

    /// Whether there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open_time.is_empty()
    }

    /// The four price columns with their names.
    #[must_use]
    pub fn prices(&self) -> [(&'static str, &[f64]); 4] {
        [("open", &self.open), ("high", &self.high), ("low", &self.low), ("close", &self.close)]
    }

    /// Checks what every user of bars relies on.
    pub(crate) fn validate(&self, origin: &Path) -> Result<()> {
        let lengths = self.prices().map(|(_, column)| column.len());
        let volume = self.volume.as_ref().map_or(self.len(), Vec::len);
        if lengths.iter().chain([&volume]).any(|len| *len != self.len()) {
            return Err(Error::new(
                Kind::Format,
                origin,
                format!("columns of different lengths {lengths:?}, volume {volume}"),
            )
            .expected(format!("{} rows in each, as in the time column", self.len())));
        }
        if self.len() < 2 || self.interval_ms <= 0 {
            return Err(Error::new(
                Kind::Empty,
                origin,
                format!("{} bars, from which no interval can be told", self.len()),
            )
            .expected("at least two bars, ascending in time")
            .remedy("give a longer file"));
        }
        ascending(origin, &self.open_time)?;
        for row in 0..self.len() {
            for (name, column) in self.prices() {
                let price = column[row];
                if !(price.is_finite() && price > 0.0) {
                    return Err(Error::new(Kind::Value, origin, format!("found {price}"))
                        .at_row(row)
                        .column(name)
                        .expected("a finite price above zero")
                        .remedy("remove the bar (a missing bar is told as a gap) or repair the source"));
                }
            }
        }
        Ok(())
    }
}

/// The most common positive distance between neighbours, the smaller one of a tie; `None` without any.
pub(crate) fn interval(times: &[i64]) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for distance in times.windows(2).filter_map(|w| w[1].checked_sub(w[0])).filter(|d| *d > 0) {
        *counts.entry(distance).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(distance, count)| (*count, std::cmp::Reverse(*distance))).map(|(d, _)| d)
}

/// Refuses times that are not strictly ascending.
pub(crate) fn ascending(origin: &Path, times: &[i64]) -> Result<()> {
    let Some(before) = times.windows(2).position(|w| w[1] <= w[0]) else { return Ok(()) };
    let (earlier, later) = (times[before], times[before + 1]);
    let (found, remedy) = if earlier == later {
        (format!("{} a second time", rfc3339(later)), "remove the duplicate row")
    } else {
        (
            format!("{} after {}", rfc3339(later), rfc3339(earlier)),
            "sort the rows by time; a file must hold one instrument",
        )
    };
    Err(Error::new(Kind::Order, origin, found)
        .at_row(before + 1)
        .expected("strictly ascending timestamps")
        .remedy(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Bars> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars.csv");
        std::fs::write(&path, text).unwrap();
        Bars::read(&path)
    }

    #[test]
    fn the_interval_is_the_most_common_distance() {
        assert_eq!(interval(&[0, 60, 120, 300, 360]), Some(60));
        assert_eq!(interval(&[0, 10, 30]), Some(10), "of a tie the smaller");
        assert_eq!(interval(&[5]), None);
    }

    #[test]
    fn bars_are_read_with_volume_where_there_is_one() {
        let bars = read("ts_ms,open,high,low,close,volume,close_actual\n0,1,3,1,2,10,9\n60000,2,2,1,1,,9\n").unwrap();
        assert_eq!((bars.len(), bars.interval_ms), (2, 60_000));
        assert_eq!(bars.high, [3.0, 2.0]);
        assert!(bars.volume.unwrap()[1].is_nan());
        assert_eq!(read("ts_ms,open,high,low,close\n0,1,3,1,2\n1,2,2,1,1\n").unwrap().volume, None);
    }

    #[test]
    fn unsorted_and_duplicate_times_are_refused_with_their_row() {
        let e = read("ts_ms,open,high,low,close\n0,1,1,1,1\n2,1,1,1,1\n1,1,1,1,1\n").unwrap_err();
        assert!(e.is_order() && e.row() == Some(3) && e.to_string().contains("sort"), "{e}");
        let e = read("ts_ms,open,high,low,close\n0,1,1,1,1\n1,1,1,1,1\n1,1,1,1,1\n").unwrap_err();
        assert!(e.is_order() && e.row() == Some(3) && e.to_string().contains("duplicate"), "{e}");
    }

    #[test]
    fn a_price_that_is_no_price_is_refused_with_row_and_column() {
        for bad in ["NaN", "0", "-1", "inf", ""] {
            let e = read(&format!("ts_ms,open,high,low,close\n0,1,1,1,1\n1,1,1,{bad},1\n")).unwrap_err();
            assert!(e.is_value(), "{e}");
            assert_eq!((e.row(), e.column_name()), (Some(2), Some("low")), "{bad}");
        }
    }

    #[test]
    fn a_file_without_bars_is_refused() {
        assert!(read("ts_ms,open,high,low,close\n").unwrap_err().is_empty());
        assert!(read("ts_ms,open,high,low,close\n0,1,1,1,1\n").unwrap_err().is_empty());
    }

    #[test]
    fn columns_of_different_lengths_are_refused() {
        let e = Bars::new(vec![0, 1], vec![1.0], vec![1.0; 2], vec![1.0; 2], vec![1.0; 2], None).unwrap_err();
        assert!(e.is_format() && e.to_string().starts_with("(bars in memory)"), "{e}");
    }
}
