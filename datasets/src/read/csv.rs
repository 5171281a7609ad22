//! CSV: comma, semicolon or tab (detected from the first line), quoted as in RFC 4180.

use std::io::BufRead;
use std::path::Path;

use csv::StringRecord;

use super::cells::{Cells, KLINES, is_kline, number};
use super::{Columns, Plan};
use crate::error::{Error, Kind, Result};
use crate::source::Content;

/// A CSV file whose first line has been read.
pub(crate) struct Table {
    reader: csv::Reader<Box<dyn BufRead>>,
    first: StringRecord,
}

impl Table {
    pub(crate) fn open(path: &Path, content: Content) -> Result<Self> {
        let mut bytes = content.into_reader();
        let head = bytes.fill_buf().map_err(|e| Error::io(path, "cannot read it", e))?;
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = delimiter(line);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).trim(csv::Trim::All).from_reader(bytes);
        let mut first = StringRecord::new();
        reader.read_record(&mut first).map_err(|e| broken(path, e))?;
        Ok(Self { reader, first })
    }

    /// Whether the first line is a row already. A nameless index beside columns 0, 1, ... is the header that pandas writes
    /// for columns without names.
    pub(crate) fn headless(&self) -> bool {
        let counted = |(at, name): (usize, &str)| if at == 0 { name.is_empty() } else { name == (at - 1).to_string() };
        let is_pandas_header = self.first.len() > 1 && self.first.iter().enumerate().all(counted);
        !is_pandas_header && self.first.iter().all(|name| number(name).is_some())
    }

    /// How many fields the first line has.
    pub(crate) fn width(&self) -> usize {
        self.first.len()
    }

    /// The fields of the first line.
    pub(crate) fn first(&self) -> Vec<&str> {
        self.first.iter().collect()
    }

    /// The names of the columns, and whether they had to be known from elsewhere.
    pub(crate) fn names(&self) -> (Vec<String>, bool) {
        if self.headless() && is_kline(&self.first) {
            (KLINES.map(str::to_owned).to_vec(), true)
        } else {
            (self.first.iter().map(str::to_owned).collect(), false)
        }
    }

    /// Calls `each` with every row, and its number from 0. The first line is one of them where `with_first`.
    pub(crate) fn rows(
        mut self,
        path: &Path,
        with_first: bool,
        mut each: impl FnMut(usize, &StringRecord),
    ) -> Result<()> {
        let mut row = 0;
        if with_first {
            each(row, &self.first);
            row += 1;
        }
        let mut record = std::mem::take(&mut self.first);
        while self.reader.read_record(&mut record).map_err(|e| broken(path, e))? {
            each(row, &record);
            row += 1;
        }
        Ok(())
    }
}

/// The most frequent separator of the first line. The comma wins a tie: a file of one column has none of the three.
fn delimiter(line: &[u8]) -> u8 {
    let count = |byte: u8| line.iter().filter(|b| **b == byte).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|b| count(*b)).unwrap_or(b',')
}

pub(crate) fn column_names(path: &Path, content: Content) -> Result<Vec<String>> {
    Ok(Table::open(path, content)?.names().0)
}

/// Reads the columns that `plan` picks by the header.
pub(super) fn read(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    let table = Table::open(path, content)?;
    let (names, assumed_names) = table.names();
    if table.headless() && !assumed_names {
        return Err(Error::new(Kind::Format, path, "the first line holds numbers only")
            .expected("a header with the column names, or the 12 columns of Binance klines")
            .remedy("add a header line"));
    }
    let mut cells = Cells::new(&names, plan(&names)?);
    table.rows(path, assumed_names, |row, record| cells.take(row, record))?;
    Ok(cells.finish(assumed_names))
}

fn broken(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map(|p| format!(" at line {}", p.line())).unwrap_or_default();
    match error.into_kind() {
        csv::ErrorKind::Io(e) => Error::io(path, "cannot read it", e),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Error::new(Kind::Format, path, format!("{len} fields{line}"))
                .expected(format!("{expected_len}, as in the header"))
                .remedy("repair the line, or quote the field that holds the separator")
        }
        csv::ErrorKind::Utf8 { .. } => Error::new(Kind::Format, path, format!("bytes that are not UTF-8{line}"))
            .remedy("convert the file to UTF-8"),
        other => Error::new(Kind::Format, path, format!("not a readable CSV file{line}: {other:?}"))
            .remedy("check how the file was written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, Wanted};
    use crate::time::TimeForm;

    fn read(text: &str, wanted: &Wanted<'_>) -> Result<Frame> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        Frame::read(&path, wanted)?.strict()
    }

    fn time(text: &str) -> Result<Vec<i64>> {
        read(text, &Wanted { time: true, ..Wanted::default() }).map(|mut f| f.take_time())
    }

    #[test]
    fn semicolons_and_tabs_separate_as_well() {
        let wanted = Wanted { numbers: vec!["b"], ..Wanted::default() };
        for text in ["a,b\n1,2\n", "a;b\n1;2\n", "a\tb\n1\t2\n", "\u{feff}b,a\n2,1\n"] {
            assert_eq!(read(text, &wanted).unwrap().number("b"), Some([2.0].as_slice()), "{text}");
        }
    }

    #[test]
    fn nothing_is_nan_and_booleans_are_numbers() {
        let wanted = Wanted { numbers: vec!["x"], ..Wanted::default() };
        let frame = read("x,y\nNaN,\nNone,\nTrue,\n,\n-1.5e-3,\n", &wanted).unwrap();
        let x = frame.number("x").unwrap();
        assert!(x[0].is_nan() && x[1].is_nan() && x[3].is_nan());
        assert_eq!((x[2], x[4]), (1.0, -0.0015));
    }

    #[test]
    fn the_same_moment_is_read_from_every_accepted_form() {
        let ms = [1_704_067_200_000];
        for cell in [
            "2024-01-01 00:00:00",
            "2024-01-01",
            "2024.01.01 00:00",
            "20240101",
            "2024-01-01T01:00:00+01:00",
            "1704067200",
            "1704067200000000",
        ] {
            assert_eq!(time(&format!("datetime,x\n{cell},1\n")).unwrap(), ms, "{cell}");
        }
        assert_eq!(time("ts_ms,x\n1704067200000.0,1\n").unwrap(), ms);
        assert_eq!(time("ts_ms,x\n60000,1\n").unwrap(), [60_000], "the name says milliseconds, whatever the size");
    }

    #[test]
    fn plain_integers_too_small_to_have_a_unit_are_refused() {
        let e = time("ts,x\n60000,1\n").unwrap_err();
        assert!(e.to_string().contains("`ts_ms`"), "{e}");
    }

    #[test]
    fn a_ragged_line_is_named() {
        let e = read("a,b\n1,2\n3\n", &Wanted { numbers: vec!["a"], ..Wanted::default() }).unwrap_err();
        assert!(e.is_format() && e.to_string().contains("1 fields at line 3"), "{e}");
    }

    const KLINE: &str = "1704067200000,1,3,0.5,2,10,1704070799999,20,5,4,8,0\n";

    #[test]
    fn klines_without_a_header_are_known_by_their_twelve_columns() {
        let wanted =
            Wanted { time: true, numbers: vec!["open", "close"], optional: vec!["volume"], ..Wanted::default() };
        let frame = read(KLINE, &wanted).unwrap();
        assert_eq!((frame.time(), frame.rows()), ([1_704_067_200_000].as_slice(), 1), "the first line is a row");
        assert_eq!((frame.number("close"), frame.number("volume")), (Some([2.0].as_slice()), Some([10.0].as_slice())));
        // A high below the close: twelve numbers, and no kline.
        let e = read(&KLINE.replace(",3,", ",1.5,"), &wanted).unwrap_err();
        assert!(e.to_string().contains("header"), "{e}");
    }

    #[test]
    fn a_decimal_comma_is_refused_by_name() {
        let wanted = Wanted { numbers: vec!["b"], ..Wanted::default() };
        for cell in ["1,5", "1.234,5", "12,345"] {
            let e = read(&format!("a;b\n1;{cell}\n"), &wanted).unwrap_err();
            assert!(e.to_string().contains("decimal point and no commas"), "{e}");
        }
        assert!(!read("a;b\n1;x\n", &wanted).unwrap_err().to_string().contains("comma"));
    }

    #[test]
    fn date_and_time_of_day_may_stand_apart() {
        let text = "<DATE>\t<TIME>\t<OPEN>\n2024.01.01\t01:00:00\t7\n2024.01.01\t02:00\t8\n";
        let wanted = Wanted { time: true, numbers: vec!["open"], ..Wanted::default() };
        let frame = read(text, &wanted).unwrap();
        assert_eq!(frame.time(), [1_704_070_800_000, 1_704_074_400_000]);
    }

    #[test]
    fn the_form_of_the_moments_is_known() {
        let form = |cells: &str| read(cells, &Wanted { time: true, ..Wanted::default() }).unwrap().time_form();
        assert_eq!(form("Date,x\n2024-01-01,1\n"), Some(TimeForm::WithoutZone));
        assert_eq!(form("date,x\n20240101,1\n"), Some(TimeForm::WithoutZone));
        assert_eq!(form("Datetime,x\n2024-01-01 00:00:00+00:00,1\n"), Some(TimeForm::WithZone));
        assert_eq!(form("time,x\n1704067200,1\n"), Some(TimeForm::EpochSeconds));
        assert_eq!(form("Open time,x\n1704067200000000,1\n"), Some(TimeForm::EpochMicroseconds));
    }

    #[test]
    fn line_ends_and_byte_order_marks_of_other_systems_are_read() {
        let wanted = Wanted { time: true, numbers: vec!["x"], ..Wanted::default() };
        let frame = read("\u{feff}Date,x\r\n2024-01-01,1\r\n2024-01-02,2\r\n", &wanted).unwrap();
        assert_eq!(frame.number("x"), Some([1.0, 2.0].as_slice()));
    }

    #[test]
    fn a_file_without_header_says_so() {
        let e = read("1,2\n3,4\n", &Wanted::default()).unwrap_err();
        assert!(e.to_string().contains("header"), "{e}");
    }
}
