//! Recorded reserves of a pool, one row per bar: written by `q50 data synth`, read by `--pool`.

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::frame::{Frame, Wanted};
use crate::hash::{HashColumn, content_hash};
use crate::time::rfc3339;

/// Reserves by the opening of the bar at whose close they were recorded, in smallest units.
#[derive(Clone, Debug, PartialEq)]
pub struct ReserveTable {
    time: Vec<i64>,
    base: Vec<f64>,
    quote: Vec<f64>,
    supply: Option<Vec<f64>>,
}

/// Integers up to here are exact in the columns this is read through.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl ReserveTable {
    /// Reads a Parquet or CSV file with a time column, `base_reserve`, `quote_reserve`, and `supply` of the coin where it has
    /// it.
    ///
    /// # Errors
    /// Where the file cannot be read, a column is missing, or a cell is no number.
    pub fn read(path: &Path) -> Result<Self> {
        let (numbers, optional) = (vec!["base_reserve", "quote_reserve"], vec!["supply"]);
        let wanted = Wanted { time: true, numbers, optional, ..Wanted::default() };
        let mut frame = Frame::read(path, &wanted)?.strict()?.not_empty()?;
        let mut column = |name: &str| frame.take_number(name).unwrap_or_default();
        let (base, quote) = (column("base_reserve"), column("quote_reserve"));
        let supply = frame.take_number("supply");
        Ok(Self { time: frame.take_time(), base, quote, supply })
    }

    /// BLAKE3 (hex) of the content, whatever the file is called and in which format it is.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut columns = vec![
            ("time", HashColumn::I64(&self.time)),
            ("base_reserve", HashColumn::F64(&self.base)),
            ("quote_reserve", HashColumn::F64(&self.quote)),
        ];
        columns.extend(self.supply.as_ref().map(|supply| ("supply", HashColumn::F64(supply))));
        content_hash(columns)
    }

    /// Supply of the coin in smallest units, as the first row has it; `None` where none is recorded. `path` is named in
    /// errors.
    ///
    /// # Errors
    /// Where it is no integer from 1 to 2^53.
    pub fn supply(&self, path: &Path) -> Result<Option<u64>> {
        let first = self.supply.as_ref().and_then(|supply| supply.first());
        first.map(|&supply| whole("supply", supply, 0, path)).transpose()
    }

    /// Base and quote reserves of each bar that opens at `open_time`; `path` is named in errors.
    ///
    /// # Errors
    /// Where a bar has no row, or a reserve is no integer from 1 to 2^53.
    pub fn aligned(&self, open_time: &[i64], path: &Path) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut rows = (Vec::with_capacity(open_time.len()), Vec::with_capacity(open_time.len()));
        for &open in open_time {
            let Ok(row) = self.time.binary_search(&open) else {
                return Err(Error::new(
                    Kind::Overlap,
                    path,
                    format!("no reserves for the bar that opens {}", rfc3339(open)),
                )
                .expected("a row for every bar, ascending in time")
                .remedy("cut the bars to the recorded period with --from and --to, or fill the gap"));
            };
            let (base, quote) = self.exact(row, path)?;
            rows.0.push(base);
            rows.1.push(quote);
        }
        Ok(rows)
    }

    /// Every row: time in milliseconds since 1970, base and quote reserves; `path` is named in errors.
    ///
    /// # Errors
    /// Where a reserve is no integer from 1 to 2^53.
    pub fn rows(&self, path: &Path) -> Result<Vec<(i64, u64, u64)>> {
        let exact = |(row, &time)| self.exact(row, path).map(|(base, quote)| (time, base, quote));
        self.time.iter().enumerate().map(exact).collect()
    }

    fn exact(&self, row: usize, path: &Path) -> Result<(u64, u64)> {
        let (base, quote) = (self.base[row], self.quote[row]);
        Ok((whole("base_reserve", base, row, path)?, whole("quote_reserve", quote, row, path)?))
    }
}

fn whole(name: &str, value: f64, row: usize, path: &Path) -> Result<u64> {
    if !(1.0..=EXACT).contains(&value) || value.fract() != 0.0 {
        return Err(Error::new(Kind::Value, path, format!("{name} is {value}"))
            .at_row(row)
            .expected("a whole number of smallest units from 1 to 2^53")
            .remedy("an empty pool prices nothing: cut it off or record it again"));
    }
    Ok(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &str) -> Result<(Vec<u64>, Vec<u64>)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool.csv");
        std::fs::write(&path, format!("ts_ms,base_reserve,quote_reserve\n{rows}")).unwrap();
        ReserveTable::read(&path)?.aligned(&[0, 10], &path)
    }

    #[test]
    fn the_supply_is_told_where_it_is_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool.csv");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            ReserveTable::read(&path).unwrap()
        };
        let without = read("ts_ms,base_reserve,quote_reserve\n0,5,7\n10,6,8\n");
        let with = read("ts_ms,base_reserve,quote_reserve,supply\n0,5,7,1000000000000000\n10,6,8,1000000000000000\n");
        assert_eq!((without.supply(&path).unwrap(), with.supply(&path).unwrap()), (None, Some(1_000_000_000_000_000)));
        assert_ne!(without.hash(), with.hash());
        let none = read("ts_ms,base_reserve,quote_reserve,supply\n0,5,7,0\n10,6,8,0\n");
        assert!(none.supply(&path).unwrap_err().to_string().contains("supply is 0"));
    }

    #[test]
    fn each_bar_gets_its_row() {
        assert_eq!(table("0,5,7\n10,6,8\n20,1,1\n").unwrap(), (vec![5, 6], vec![7, 8]));
    }

    #[test]
    fn every_row_is_told_with_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool.csv");
        std::fs::write(&path, "ts_ms,base_reserve,quote_reserve\n0,5,7\n20,6,8\n").unwrap();
        assert_eq!(ReserveTable::read(&path).unwrap().rows(&path).unwrap(), [(0, 5, 7), (20, 6, 8)]);
    }

    #[test]
    fn a_bar_without_reserves_and_an_empty_pool_are_refused() {
        assert!(table("0,5,7\n20,6,8\n").unwrap_err().to_string().contains("1970-01-01T00:00:00.01Z"));
        let error = table("0,5,7\n10,0,8\n").unwrap_err().to_string();
        assert!(error.contains("row 2") && error.contains("base_reserve is 0"), "{error}");
    }
}
