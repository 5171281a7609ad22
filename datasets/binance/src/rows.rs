//! The rows of one published file.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;
use q50_datasets::Input;
use serde::Serialize;

use crate::Error;
use crate::interval::Interval;
use crate::name::Table;

/// Columns of klines (<https://github.com/binance/binance-public-data>, "Klines"). The last is of no use.
const KLINES: usize = 12;
/// `calc_time, funding_interval_hours, last_funding_rate`.
const FUNDING: usize = 3;
const AGAIN: &str = "fetch the file again";

/// The values of a kline that are kept, in the order of [`Kline::values`].
pub(crate) const VALUES: [&str; 9] =
    ["open", "high", "low", "close", "volume", "quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume"];
/// Where they stand in a row.
const CELLS: [usize; 9] = [1, 2, 3, 4, 5, 7, 8, 9, 10];

/// A row of klines: epoch milliseconds, and [`VALUES`], `NaN` where a cell is empty or says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kline {
    pub(crate) open_time: i64,
    pub(crate) values: [f64; 9],
}

/// A settlement of funding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settlement {
    /// The full minute of it, epoch milliseconds: what is published lies some milliseconds after it.
    pub(crate) time: i64,
    /// As published.
    pub(crate) calc_time: i64,
    pub(crate) interval_hours: i64,
    pub(crate) rate: f64,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Rows {
    Klines(Vec<Kline>),
    Funding(Vec<Settlement>),
}

/// What one step of a file's times is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Milliseconds.
    Milliseconds,
    /// Microseconds, as of spot files since 2025.
    Microseconds,
}

impl TimeUnit {
    /// Told by magnitude: the years 1973 to 5138 in milliseconds, or 1973 to 5138 in microseconds.
    fn of(time: i64) -> Option<Self> {
        match time {
            100_000_000_000..100_000_000_000_000 => Some(Self::Milliseconds),
            100_000_000_000_000..100_000_000_000_000_000 => Some(Self::Microseconds),
            _ => None,
        }
    }

    const fn to_ms(self, time: i64) -> i64 {
        match self {
            Self::Milliseconds => time,
            Self::Microseconds => time / 1_000,
        }
    }
}

/// Reads a file whose name says that it is a part of `table`.
pub(crate) fn read(path: &Path, table: Table) -> Result<(Rows, TimeUnit), Error> {
    let bytes = Input::open(path)?.unpacked()?;
    let mut lines = Lines { path, unit: None };
    let rows = match table {
        Table::Klines(interval) => Rows::Klines(lines.klines(bytes, interval)?),
        Table::Funding => Rows::Funding(lines.read(bytes, FUNDING, Lines::settlement)?),
    };
    Ok((rows, lines.unit.unwrap_or(TimeUnit::Milliseconds)))
}

struct Lines<'a> {
    path: &'a Path,
    /// That of the first row, which all must share.
    unit: Option<TimeUnit>,
}

impl Lines<'_> {
    fn read<T>(
        &mut self,
        bytes: impl Read,
        columns: usize,
        row: fn(&mut Self, &StringRecord) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let (mut rows, mut record) = (Vec::new(), StringRecord::new());
        let damaged = |e: csv::Error| {
            let line = e.position().map(csv::Position::line);
            self::content(self.path, line, format!("damaged: {e}"), "CSV in UTF-8".to_owned())
        };
        let mut first = true;
        while reader.read_record(&mut record).map_err(damaged)? {
            if record.len() != columns {
                let expected = format!("{columns}, as the archive publishes them");
                return Err(self.content(&record, format!("{} columns", record.len()), expected));
            }
            // Older files have no header.
            if !(std::mem::take(&mut first) && is_header(&record)) {
                rows.push(row(self, &record)?);
            }
        }
        if rows.is_empty() {
            return Err(content(self.path, None, "no row".to_owned(), "the rows of its period".to_owned()));
        }
        Ok(rows)
    }

    fn klines(&mut self, bytes: impl Read, interval: Interval) -> Result<Vec<Kline>, Error> {
        let rows = self.read(bytes, KLINES, |lines, record| {
            let (open, close) = (lines.time(record, 0)?, lines.time(record, 6)?);
            let mut values = [0.0; 9];
            for (value, cell) in values.iter_mut().zip(CELLS) {
                *value = lines.number(record, cell)?;
            }
            Ok((Kline { open_time: open, values }, close.saturating_sub(open).saturating_add(1)))
        })?;
        // A single bar may be cut short by the exchange; all of them are not.
        if !rows.iter().any(|(_, length)| *length == interval.ms()) {
            let found = format!("bars of {} ms", rows[0].1);
            return Err(content(self.path, None, found, format!("{interval}, as the name says")));
        }
        Ok(rows.into_iter().map(|(row, _)| row).collect())
    }

    fn settlement(&mut self, record: &StringRecord) -> Result<Settlement, Error> {
        let calc_time = self.time(record, 0)?;
        let interval_hours = match record[1].trim().parse() {
            Ok(hours @ 1..=24) => hours,
            _ => return Err(self.content(record, format!("`{}`", &record[1]), "1 to 24 hours".to_owned())),
        };
        let rate = self.number(record, 2)?;
        Ok(Settlement { time: (calc_time + 30_000).div_euclid(60_000) * 60_000, calc_time, interval_hours, rate })
    }

    /// A time in epoch milliseconds.
    fn time(&mut self, record: &StringRecord, at: usize) -> Result<i64, Error> {
        let time: Option<i64> = record[at].trim().parse().ok();
        let unit = time.and_then(TimeUnit::of);
        match (time, unit) {
            (Some(time), Some(unit)) if *self.unit.get_or_insert(unit) == unit => Ok(unit.to_ms(time)),
            _ => {
                let expected = "epoch milliseconds or microseconds, the same in each row".to_owned();
                Err(self.content(record, format!("`{}`", shown(&record[at])), expected))
            }
        }
    }

    fn number(&self, record: &StringRecord, at: usize) -> Result<f64, Error> {
        let cell = record[at].trim();
        if cell.is_empty() {
            return Ok(f64::NAN);
        }
        cell.parse().map_err(|_| self.content(record, format!("`{}`", shown(cell)), "a number".to_owned()))
    }

    fn content(&self, record: &StringRecord, found: String, expected: String) -> Error {
        content(self.path, record.position().map(csv::Position::line), found, expected)
    }
}

fn content(path: &Path, line: Option<u64>, found: String, expected: String) -> Error {
    Error::Content { path: path.to_path_buf(), line, found, expected, remedy: AGAIN }
}

fn is_header(record: &StringRecord) -> bool {
    matches!(record.get(0).map(str::trim), Some("open_time" | "calc_time"))
}

fn shown(cell: &str) -> String {
    cell.chars().take(60).collect()
}

/// Whether klines are of a price that is not traded: nothing is bought or sold in any, though each is made of samples.
pub(crate) fn without_volume(rows: &[Kline]) -> bool {
    rows.iter().all(|row| row.values[4] == 0.0 && row.values[5] == 0.0 && row.values[6] > 0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n";
    const ROW: &str = "1704067200000,1,3,0.5,2,10,1704067259999,20,5,4,8,0\n";

    fn read_text(name: &str, text: &str, table: Table) -> Result<(Rows, TimeUnit), Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path, table)
    }

    fn klines(text: &str) -> Result<(Vec<Kline>, TimeUnit), Error> {
        read_text("x.csv", text, Table::Klines("1m".parse().unwrap())).map(|(rows, unit)| match rows {
            Rows::Klines(rows) => (rows, unit),
            Rows::Funding(_) => (Vec::new(), unit),
        })
    }

    #[test]
    fn a_kline_is_read_with_and_without_a_header_and_in_both_units() {
        let expected = Kline { open_time: 1_704_067_200_000, values: [1.0, 3.0, 0.5, 2.0, 10.0, 20.0, 5.0, 4.0, 8.0] };
        assert_eq!(klines(ROW).unwrap(), (vec![expected], TimeUnit::Milliseconds));
        assert_eq!(klines(&format!("{HEADER}{ROW}")).unwrap().0, [expected]);
        let micro = ROW.replace("1704067200000", "1704067200000000").replace("1704067259999", "1704067259999999");
        assert_eq!(klines(&micro).unwrap(), (vec![expected], TimeUnit::Microseconds));
    }

    #[test]
    fn what_is_no_row_of_the_archive_is_refused_with_its_line() {
        for (text, needles) in [
            (format!("{ROW}1704067260000,1,3"), ["line 2", "3 columns"]),
            (format!("{HEADER}{}", ROW.replace(",3,", ",high,")), ["line 2", "`high`"]),
            (format!("{ROW}{}", ROW.replace("1704067200000", "1704067200")), ["line 2", "`1704067200`"]),
            (format!("{ROW}{}", ROW.replace("1704067200000", "1704067200000000")), ["line 2", "the same in each row"]),
            (format!("{ROW}{HEADER}"), ["line 2", "`open_time`"]),
            (HEADER.to_owned(), ["no row", "fetch"]),
            (String::new(), ["no row", "fetch"]),
            (ROW.replace("1704067259999", "1704070799999"), ["3600000 ms", "1m, as the name says"]),
        ] {
            let error = klines(&text).unwrap_err().to_string();
            assert!(needles.iter().all(|needle| error.contains(needle)), "{error}");
        }
    }

    #[test]
    fn a_settlement_is_at_its_full_minute_and_keeps_what_was_published() {
        let text = "calc_time,funding_interval_hours,last_funding_rate\n1704067200005,8,-0.00012\n";
        let (Rows::Funding(rows), _) = read_text("x.csv", text, Table::Funding).unwrap() else { panic!() };
        let expected =
            Settlement { time: 1_704_067_200_000, calc_time: 1_704_067_200_005, interval_hours: 8, rate: -0.000_12 };
        assert_eq!(rows, [expected]);
        assert!(read_text("x.csv", "1704067200005,0,0.1\n", Table::Funding).is_err());
    }

    #[test]
    fn an_empty_cell_is_unknown_and_not_zero() {
        assert!(klines(&ROW.replace(",10,", ",,")).unwrap().0[0].values[4].is_nan());
    }
}
