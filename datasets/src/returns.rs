//! Return series for the statistics: one series, or a matrix with one strategy per column.

use std::path::Path;

use serde_json::Value;

use crate::bars::ascending;
use crate::error::{Error, Kind, Result, list, quoted};
use crate::frame::{Frame, Wanted, missing_columns};
use crate::input::Input;
use crate::names::{TIME_NAMES, find};
use crate::read::{cells::number, csv};
use crate::source::{Content, Format};
use crate::time::parse_ms;

/// Returns of several strategies over the same periods.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnMatrix {
    /// Name of each strategy.
    pub names: Vec<String>,
    /// Returns of each strategy, all of the same length, fractions; `NaN` where a period has none.
    pub columns: Vec<Vec<f64>>,
}

/// Reads one series of per-period returns (fractions), in the order of the file, `NaN` where one is missing.
///
/// Accepted are Parquet, Feather and CSV with one column beside the time column (or the one named `column`), text with one
/// number a line, or a date and a number, with or without a header, a JSON array of numbers (`null` and `"NaN"` are missing), and a JSON object
/// of such arrays by name.
///
/// # Errors
/// Where the file cannot be read, the column is not there or not the only one (the choices are listed), a value is no
/// number or infinite, every value is above 1 (equity or prices), dates are out of order, or there is no value.
pub fn read_returns(path: &Path, column: Option<&str>) -> Result<Vec<f64>> {
    let input = Input::open(path)?;
    let content = Content::of(&input)?;
    let (name, values) = match content.format {
        Format::Json => match json(path, content)? {
            Value::Array(items) => ("return".to_owned(), array(path, &items)?),
            Value::Object(map) => {
                let names: Vec<String> = map.keys().cloned().collect();
                let name = choose(path, &names, column)?;
                (name.clone(), series(path, &name, &map[&name])?)
            }
            _ => return Err(not_a_series(path)),
        },
        Format::Csv => match csv::Table::open(path, content)? {
            table if table.width() == 1 => single_column(&input, column)?,
            table if is_dated_row(&table.first()) && column.is_none() => ("return".to_owned(), dated(path, table)?),
            _ => named(&input, column)?,
        },
        _ => named(&input, column)?,
    };
    sound(path, &name, &values)?;
    Ok(values)
}

fn named(input: &Input, column: Option<&str>) -> Result<(String, Vec<f64>)> {
    let names = Frame::column_names(input)?;
    let name = choose(input.path(), &names, column)?;
    in_order(input, &names)?;
    let wanted = Wanted { numbers: vec![&name], ..Wanted::default() };
    let mut frame = Frame::read_input(input, &wanted)?.strict()?;
    let values = frame.take_number(&name).unwrap_or_default();
    Ok((name, values))
}

/// Refuses rows that are dated and out of order. Dates that cannot be read say nothing, because nothing is made of them.
fn in_order(input: &Input, names: &[String]) -> Result<()> {
    if names.len() == candidates(names).len() {
        return Ok(());
    }
    let Ok(mut frame) = Frame::read_input(input, &Wanted { time: true, ..Wanted::default() }) else { return Ok(()) };
    if frame.bad_cells().is_empty() { ascending(input.path(), &frame.take_time()) } else { Ok(()) }
}

/// Whether the first line is a date and a number already.
pub(crate) fn is_dated_row(first: &[&str]) -> bool {
    matches!(first, [date, value] if parse_ms(date).is_some() && number(value).is_some())
}

/// A date and a number a line.
fn dated(path: &Path, table: csv::Table) -> Result<Vec<f64>> {
    let (mut values, mut dates) = (Vec::new(), Vec::new());
    let mut wrong = None;
    table.rows(path, true, |row, record| match record.get(1).and_then(number) {
        Some(value) => {
            values.push(value);
            dates.push(record.get(0).and_then(parse_ms));
        }
        None => wrong = wrong.take().or_else(|| Some((row, record.get(1).unwrap_or_default().to_owned()))),
    })?;
    match wrong {
        None => {
            if let Some(dates) = dates.into_iter().collect::<Option<Vec<i64>>>() {
                ascending(path, &dates)?;
            }
            Ok(values)
        }
        Some((row, cell)) => Err(no_number(path, &cell).at_row(row)),
    }
}

fn no_number(path: &Path, cell: &str) -> Error {
    Error::new(Kind::Value, path, format!("found {}", quoted(cell)))
        .expected("a number")
        .remedy("repair or remove the row")
}

/// Reads a matrix of per-period returns: every column of a Parquet or CSV file beside the time column, or a JSON
/// object of arrays by name (taken in the order of the names). A CSV without header is taken as well.
///
/// # Errors
/// As [`read_returns`]; and where the columns differ in length.
pub fn read_matrix(path: &Path) -> Result<ReturnMatrix> {
    let input = Input::open(path)?;
    let content = Content::of(&input)?;
    let (names, columns) = match content.format {
        Format::Json => {
            let Value::Object(map) = json(path, content)? else { return Err(not_a_series(path)) };
            let columns = map.iter().map(|(name, value)| series(path, name, value)).collect::<Result<Vec<_>>>()?;
            (map.keys().cloned().collect::<Vec<_>>(), columns)
        }
        Format::Csv => match csv::Table::open(path, content)? {
            table if table.headless() => headerless(path, table)?,
            _ => with_names(&input)?,
        },
        _ => with_names(&input)?,
    };
    for (name, values) in names.iter().zip(&columns) {
        sound(path, name, values)?;
        if values.len() != columns[0].len() {
            return Err(Error::new(Kind::Format, path, format!("{} values", values.len()))
                .column(name)
                .expected(format!("{}, as in `{}`", columns[0].len(), names[0])));
        }
    }
    if columns.is_empty() {
        return Err(Error::new(Kind::Empty, path, "no column of returns").expected("one a strategy"));
    }
    Ok(ReturnMatrix { names, columns })
}

fn with_names(input: &Input) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let names = candidates(&Frame::column_names(input)?);
    let wanted = Wanted { numbers: names.iter().map(String::as_str).collect(), ..Wanted::default() };
    let mut frame = Frame::read_input(input, &wanted)?.strict()?;
    let columns = names.iter().map(|name| frame.take_number(name).unwrap_or_default()).collect();
    Ok((names, columns))
}

fn sound(path: &Path, name: &str, values: &[f64]) -> Result<()> {
    if values.is_empty() {
        return Err(Error::new(Kind::Empty, path, "no value").column(name).expected("a series of returns"));
    }
    let known = || values.iter().filter(|v| !v.is_nan());
    if known().count() > 1 && known().all(|v| *v > 1.0) {
        let least = known().copied().fold(f64::INFINITY, f64::min);
        return Err(Error::new(Kind::Value, path, format!("the smallest value is {least}"))
            .column(name)
            .expected("returns, fractions: 0.01 is 1 %")
            .remedy("this looks like equity or prices: divide each value by the one before, less one"));
    }
    match values.iter().position(|v| v.is_infinite()) {
        None => Ok(()),
        Some(row) => Err(Error::new(Kind::Value, path, format!("found {}", values[row]))
            .at_row(row)
            .column(name)
            .expected("a finite return, or NaN where there is none")
            .remedy("a return is infinite where the value before was zero: repair the source")),
    }
}

/// Columns that may be returns: neither a time nor the nameless index that pandas writes.
pub(crate) fn candidates(names: &[String]) -> Vec<String> {
    let other = |name: &String| TIME_NAMES.iter().any(|time| find(std::slice::from_ref(name), time).is_some());
    names.iter().filter(|name| !other(name)).cloned().collect()
}

pub(crate) fn choose(path: &Path, names: &[String], column: Option<&str>) -> Result<String> {
    if let Some(column) = column {
        let at = find(names, column).ok_or_else(|| missing_columns(path, &quoted(column), names))?;
        return Ok(names[at].clone());
    }
    let mut candidates = candidates(names);
    match candidates.pop() {
        Some(only) if candidates.is_empty() => Ok(only),
        last => {
            candidates.extend(last);
            Err(Error::new(
                Kind::Choice,
                path,
                format!("{} columns that may be returns: {}", candidates.len(), list(&candidates)),
            )
            .expected("one")
            .remedy("name the column"))
        }
    }
}

/// One number a line. Read by lines and not as CSV, which would pass over an empty line: here it is a missing value.
fn single_column(input: &Input, column: Option<&str>) -> Result<(String, Vec<f64>)> {
    let path = input.path();
    let text = Content::of(input)?.into_text(path)?;
    let mut lines = text.trim_end().lines().map(|l| l.trim().trim_matches('"')).peekable();
    let header = lines.next_if(|line| number(line).is_none()).map(str::to_owned);
    if let (Some(wanted), header) = (column, header.clone().unwrap_or_default())
        && !header.eq_ignore_ascii_case(wanted)
    {
        return Err(missing_columns(path, &quoted(wanted), &[header]));
    }
    let name = header.unwrap_or_else(|| "return".to_owned());
    let values = lines
        .enumerate()
        .map(|(row, line)| number(line).ok_or_else(|| no_number(path, line).at_row(row).column(&name)))
        .collect::<Result<_>>()?;
    Ok((name, values))
}

fn headerless(path: &Path, table: csv::Table) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); table.width()];
    let mut wrong = None;
    table.rows(path, true, |row, record| {
        for (at, (cell, column)) in record.iter().zip(&mut columns).enumerate() {
            column.push(number(cell).unwrap_or_else(|| {
                wrong = wrong.take().or_else(|| Some((row, at, cell.to_owned())));
                f64::NAN
            }));
        }
    })?;
    if let Some((row, at, cell)) = wrong {
        return Err(no_number(path, &cell).at_row(row).column(format!("column_{}", at + 1)));
    }
    Ok(((1..=columns.len()).map(|i| format!("column_{i}")).collect(), columns))
}

fn json(path: &Path, content: Content) -> Result<Value> {
    serde_json::from_str(&content.into_text(path)?).map_err(|e| {
        Error::new(Kind::Format, path, format!("no valid JSON: {e}"))
            .remedy("write a missing value as null or \"NaN\"")
            .source(e)
    })
}

fn not_a_series(path: &Path) -> Error {
    Error::new(Kind::Format, path, "JSON of another shape")
        .expected("an array of numbers, or an object of such arrays by name")
}

fn series(path: &Path, name: &str, value: &Value) -> Result<Vec<f64>> {
    match value {
        Value::Array(items) => array(path, items).map_err(|e| e.column(name)),
        _ => Err(not_a_series(path).column(name)),
    }
}

fn array(path: &Path, items: &[Value]) -> Result<Vec<f64>> {
    let number = |item: &Value| match item {
        Value::Number(number) => number.as_f64(),
        Value::Null => Some(f64::NAN),
        Value::String(text) if text.eq_ignore_ascii_case("nan") => Some(f64::NAN),
        _ => None,
    };
    items
        .iter()
        .enumerate()
        .map(|(row, item)| {
            number(item).ok_or_else(|| {
                Error::new(Kind::Value, path, format!("found {}", quoted(&item.to_string())))
                    .at_row(row)
                    .expected("a number, or null or \"NaN\" where there is none")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(text: &str, f: impl Fn(&Path) -> Result<T>) -> Result<T> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("returns");
        std::fs::write(&path, text).unwrap();
        f(&path)
    }

    fn returns(text: &str, column: Option<&str>) -> Result<Vec<f64>> {
        with(text, |path| read_returns(path, column))
    }

    /// `NaN` equals `NaN` here.
    fn same(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()))
    }

    #[test]
    fn one_series_is_read_from_every_form() {
        let expected = [0.01, f64::NAN, -0.02];
        for text in [
            "0.01\nNaN\n-0.02\n",
            "ret\n0.01\n\n-0.02",
            "date_index,timestamp\n",
            "Date,Strategy\n2024-01-01,0.01\n2024-01-02,\n2024-01-03,-0.02\n",
            "2024-01-01,0.01\n2024-01-02,\n2024-01-03,-0.02\n",
            "2024-01-01;0.01\n2024-01-02;NaN\n2024-01-03;-0.02\n",
            "timestamp,ret\n2024-01-01,0.01\n2024-01-02,\n2024-01-03,-0.02\n",
            "[0.01, null, -0.02]",
            "[0.01, \"NaN\", -0.02]",
            "{\"ret\": [0.01, null, -0.02]}",
        ] {
            if text == "date_index,timestamp\n" {
                assert!(returns(text, None).unwrap_err().is_empty());
                continue;
            }
            assert!(same(&returns(text, None).unwrap(), &expected), "{text}");
        }
    }

    #[test]
    fn of_several_columns_one_must_be_named() {
        let text = "timestamp,a,b\n2024-01-01,0.01,0.02\n";
        let e = returns(text, None).unwrap_err();
        assert!(e.is_choice() && e.to_string().contains("`a`, `b`"), "{e}");
        assert_eq!(returns(text, Some("b")).unwrap(), [0.02]);
        let e = returns(text, Some("c")).unwrap_err();
        assert!(e.is_missing_column() && e.to_string().contains("`c`"), "{e}");
    }

    #[test]
    fn what_is_no_return_is_refused_with_its_row() {
        for text in [
            "0.01\noops\n",
            "2024-01-01,0.01\n2024-01-02,oops\n",
            "[0.01, \"oops\"]",
            "0.01\ninf\n",
            "x,timestamp\n1,2024-01-01\noops,2024-01-02\n",
        ] {
            let e = returns(text, None).unwrap_err();
            assert!(e.is_value() && e.row() == Some(2), "{text}: {e}");
        }
        assert!(returns("[]", None).unwrap_err().is_empty());
        let e = returns("[0.1, NaN]", None).unwrap_err();
        assert!(e.is_format() && e.to_string().contains("null"), "{e}");
    }

    #[test]
    fn dated_returns_are_in_order() {
        for text in [
            "date,r\n2024-01-02,0.01\n2024-01-01,0.02\n",
            "date,r\n2024-01-01,0.01\n2024-01-01,0.02\n",
            "2024-01-02,0.01\n2024-01-01,0.02\n",
        ] {
            let e = returns(text, None).unwrap_err();
            assert!(e.is_order() && e.row() == Some(2), "{text}: {e}");
        }
        assert_eq!(returns("date,r\n31/01/2024,0.01\n01/02/2024,0.02\n", None).unwrap(), [0.01, 0.02]);
    }

    #[test]
    fn equity_is_no_series_of_returns() {
        let e = returns("date,equity\n2024-01-01,10214.0\n2024-01-02,9963.5\n", None).unwrap_err();
        assert!(e.is_value() && e.to_string().contains("9963.5") && e.to_string().contains("equity"), "{e}");
        assert_eq!(returns("1.5\n-0.5\n", None).unwrap(), [1.5, -0.5]);
    }

    #[test]
    fn a_matrix_has_one_strategy_a_column() {
        for text in ["timestamp,a,b\n2024-01-01,1,-2\n2024-01-02,-3,4\n", "{\"b\": [-2, 4], \"a\": [1, -3]}"] {
            let matrix = with(text, read_matrix).unwrap();
            assert_eq!(
                (matrix.names, matrix.columns),
                (vec!["a".into(), "b".into()], vec![vec![1.0, -3.0], vec![-2.0, 4.0]])
            );
        }
        let matrix = with("1,-2\n-3,4\n", read_matrix).unwrap();
        assert_eq!((matrix.names[1].as_str(), matrix.columns[1].as_slice()), ("column_2", [-2.0, 4.0].as_slice()));
        assert!(with("{\"a\": [1], \"b\": [1, 2]}", read_matrix).unwrap_err().is_format());
    }
}
