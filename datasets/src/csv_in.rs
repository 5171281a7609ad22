//! CSV: comma, semicolon or tab (told from the header), quoted as RFC 4180 says.

use std::fs::File;
use std::path::Path;

use csv::StringRecord;

use crate::error::{Error, Kind, Result, quoted};
use crate::frame::{BadCell, Filled, NO_TIME, Plan, Role};
use crate::input::Input;
use crate::time::{Unit, parse_ms};

/// A reader over `input` that knows its separator; `headers` says whether the first line is one.
pub(crate) fn open(input: &Input, headers: bool) -> Result<csv::Reader<File>> {
    let delimiter = delimiter(input)?;
    let file = input.reader()?;
    Ok(csv::ReaderBuilder::new().delimiter(delimiter).has_headers(headers).trim(csv::Trim::All).from_reader(file))
}

fn delimiter(input: &Input) -> Result<u8> {
    use std::io::BufRead;
    let mut line = Vec::new();
    std::io::BufReader::new(input.reader()?)
        .read_until(b'\n', &mut line)
        .map_err(|e| Error::io(input.path(), "cannot read it", e))?;
    let count = |byte: u8| line.iter().filter(|b| **b == byte).count();
    // The comma wins a tie: a file of one column has none of the three.
    Ok([b',', b';', b'\t'].into_iter().rev().max_by_key(|b| count(*b)).unwrap_or(b','))
}

pub(crate) fn column_names(input: &Input) -> Result<Vec<String>> {
    let mut reader = open(input, true)?;
    Ok(reader.headers().map_err(|e| broken(input.path(), e))?.iter().map(str::to_owned).collect())
}

/// Reads the columns that `plan` picks by the header.
pub(crate) fn read(input: &Input, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<(Vec<Filled>, Vec<BadCell>)> {
    let path = input.path();
    let names = column_names(input)?;
    if names.iter().all(|name| number(name).is_some()) {
        return Err(Error::new(Kind::Format, path, "the first line holds numbers only")
            .expected("a header with the column names")
            .remedy("add a header line"));
    }
    let plan = plan(&names)?;
    let mut texts: Vec<Vec<String>> = vec![Vec::new(); plan.len()];
    let mut numbers: Vec<Vec<f64>> = vec![Vec::new(); plan.len()];
    let mut bad = Vec::new();
    let mut reader = open(input, true)?;
    let mut record = StringRecord::new();
    let mut row = 0;
    while reader.read_record(&mut record).map_err(|e| broken(path, e))? {
        for (slot, (at, role)) in plan.iter().enumerate() {
            let cell = record.get(*at).unwrap_or_default();
            match role {
                Role::Number(name) => numbers[slot].push(number(cell).unwrap_or_else(|| {
                    bad.push(BadCell { row, column: name.clone(), found: quoted(cell), expected: "a number" });
                    f64::NAN
                })),
                Role::Time | Role::Text(_) => texts[slot].push(cell.to_owned()),
            }
        }
        row += 1;
    }
    let mut filled = Vec::with_capacity(plan.len());
    for (((at, role), text), number) in plan.into_iter().zip(texts).zip(numbers) {
        filled.push(match role {
            Role::Time => Filled::Time(moments(&names[at], &text, &mut bad)),
            Role::Number(name) => Filled::Number(name, number),
            Role::Text(name) => Filled::Text(name, text),
        });
    }
    Ok((filled, bad))
}

/// A cell as a number: `NaN` for what means "nothing", `None` for text.
pub(crate) fn number(cell: &str) -> Option<f64> {
    match cell {
        "" | "null" | "NULL" | "None" | "NA" | "N/A" => Some(f64::NAN),
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => cell.parse().ok(),
    }
}

/// Integers in the unit of the column, otherwise text as moments.
fn moments(name: &str, cells: &[String], bad: &mut Vec<BadCell>) -> Vec<i64> {
    let integer = |cell: &str| -> Option<i64> { cell.parse().ok().or_else(|| integral(cell.parse().ok()?)) };
    let unit = if name.eq_ignore_ascii_case("ts_ms") {
        Some(Unit::Milli)
    } else {
        let values = || cells.iter().filter_map(|cell| integer(cell));
        values().min().zip(values().max()).and_then(|(least, most)| Unit::of_plain_integers(least, most))
    };
    let read = |cell: &str| match integer(cell) {
        Some(value) => unit?.to_ms(value),
        None => parse_ms(cell),
    };
    let mut hole = |row: usize, cell: &str| {
        bad.push(BadCell {
            row,
            column: name.to_owned(),
            found: quoted(cell),
            expected: "a moment: RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC), or epoch time (milliseconds under the name `ts_ms`)",
        });
        NO_TIME
    };
    cells.iter().enumerate().map(|(row, cell)| read(cell).unwrap_or_else(|| hole(row, cell))).collect()
}

/// A float that is an integer, as one; `None` beyond 2^53, where floats skip integers.
pub(crate) fn integral(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be integral and below 2^53")]
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

pub(crate) fn broken(path: &Path, error: csv::Error) -> Error {
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
        for cell in ["2024-01-01 00:00:00", "2024-01-01", "2024-01-01T01:00:00+01:00", "1704067200", "1704067200000000"]
        {
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

    #[test]
    fn a_file_without_header_says_so() {
        let e = read("1,2\n3,4\n", &Wanted::default()).unwrap_err();
        assert!(e.to_string().contains("header"), "{e}");
    }
}
