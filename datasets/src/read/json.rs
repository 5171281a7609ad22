//! JSON tables: an array of records, one record per line, an object of columns, or an array of rows, as exchanges send
//! their candles.

use std::io::BufRead;
use std::path::Path;

use csv::StringRecord;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::cells::{Cells, KLINES, is_candle, is_kline, number};
use super::{Columns, Plan};
use crate::error::{Error, Kind, Result, list};
use crate::source::Content;

/// What candles are called that come as bare rows, in the order that ccxt and freqtrade have.
const CANDLE: [&str; 6] = ["open_time", "open", "high", "low", "close", "volume"];
const LAYOUTS: &str =
    "an array of records such as [{\"ts_ms\": 0, \"close\": 1}], a record a line, or an object of columns";
const REMEDY: &str = "write it as records, in pandas `to_json(path, orient=\"records\")`";

/// A JSON table, as rows of text.
pub(crate) struct Table {
    names: Vec<String>,
    assumed: bool,
    rows: Vec<StringRecord>,
}

impl Table {
    pub(crate) fn open(path: &Path, content: Content) -> Result<Self> {
        let mut bytes = content.into_reader();
        let first = loop {
            let head = bytes.fill_buf().map_err(|e| Error::io(path, "cannot read it", e))?;
            // A byte order mark and blanks may stand before the value.
            let before = head.iter().take_while(|b| b.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(b)).count();
            let (first, empty) = (head.get(before).copied(), head.is_empty());
            bytes.consume(before);
            match first {
                Some(first) => break first,
                None if empty => return Err(broken(path, "it is empty")),
                None => {}
            }
        };
        let mut builder = Builder::new(path);
        if first == b'[' {
            let mut json = serde_json::Deserializer::from_reader(bytes);
            let read = (Elements { builder: &mut builder }).deserialize(&mut json).and_then(|()| json.end());
            if let Some(refused) = builder.refused.take() {
                return Err(refused);
            }
            read.map_err(|e| broken(path, e))?;
        } else {
            for value in serde_json::Deserializer::from_reader(bytes).into_iter::<Value>() {
                match value.map_err(|e| broken(path, e))? {
                    Value::Object(columns) if builder.rows.is_empty() && columns.values().all(Value::is_array) => {
                        builder.columns(&columns)?;
                    }
                    row => builder.row(row)?,
                }
            }
        }
        Ok(Self { names: builder.names, assumed: builder.assumed, rows: builder.rows })
    }

    /// The names of the columns, and whether they had to be known from elsewhere.
    pub(crate) fn names(&self) -> (Vec<String>, bool) {
        (self.names.clone(), self.assumed)
    }

    pub(crate) fn rows(&self) -> &[StringRecord] {
        &self.rows
    }
}

pub(crate) fn column_names(path: &Path, content: Content) -> Result<Vec<String>> {
    Ok(Table::open(path, content)?.names)
}

/// Reads the columns that `plan` picks by name.
pub(super) fn read(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    let table = Table::open(path, content)?;
    let mut cells = Cells::new(&table.names, plan(&table.names)?);
    for (row, record) in table.rows.iter().enumerate() {
        cells.take(row, record);
    }
    Ok(cells.finish(table.assumed))
}

/// Takes rows one by one; the first one names the columns.
struct Builder<'a> {
    path: &'a Path,
    names: Vec<String>,
    assumed: bool,
    rows: Vec<StringRecord>,
    refused: Option<Error>,
}

impl<'a> Builder<'a> {
    fn new(path: &'a Path) -> Self {
        Self { path, names: Vec::new(), assumed: false, rows: Vec::new(), refused: None }
    }

    fn row(&mut self, row: Value) -> Result<()> {
        match row {
            Value::Object(record) => self.record(&record),
            Value::Array(cells) => self.cells(&cells),
            other => Err(self.no_table(kind(&other)).at_row(self.rows.len())),
        }
    }

    fn record(&mut self, record: &Map<String, Value>) -> Result<()> {
        if self.rows.is_empty() && self.names.is_empty() {
            self.names = record.keys().cloned().collect();
            if self.names.is_empty() || record.values().all(Value::is_object) {
                return Err(self.no_table("an object of objects"));
            }
        }
        if let Some(name) = record.keys().find(|name| !self.names.contains(name)) {
            return Err(Error::new(Kind::Format, self.path, format!("a record with `{name}`"))
                .at_row(self.rows.len())
                .expected(format!("the columns of the first record, {}", list(&self.names)))
                .remedy("give every record the same columns, null where one has no value"));
        }
        let row = self.names.iter().map(|name| record.get(name).map_or_else(String::new, text)).collect();
        self.rows.push(row);
        Ok(())
    }

    fn cells(&mut self, cells: &[Value]) -> Result<()> {
        let row: StringRecord = cells.iter().map(text).collect();
        if self.rows.is_empty() && self.names.is_empty() {
            let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            (self.names, self.assumed) = match row.len() {
                12 if is_kline(&row) => (named(&KLINES), true),
                6 if is_candle(&row) => (named(&CANDLE), true),
                width if width > 0 && row.iter().all(|name| number(name).is_none()) => {
                    self.names = row.iter().map(str::to_owned).collect();
                    return Ok(());
                }
                _ => return Err(self.no_table("rows without names")),
            };
        }
        if row.len() != self.names.len() {
            return Err(Error::new(Kind::Format, self.path, format!("{} values", row.len()))
                .at_row(self.rows.len())
                .expected(format!("{}, a column each", self.names.len()))
                .remedy("repair the row"));
        }
        self.rows.push(row);
        Ok(())
    }

    fn columns(&mut self, columns: &Map<String, Value>) -> Result<()> {
        let length = |column: &Value| column.as_array().map_or(0, Vec::len);
        let rows = columns.values().map(length).max().unwrap_or(0);
        self.names = columns.keys().cloned().collect();
        if let Some((name, short)) = columns.iter().find(|(_, column)| length(column) != rows) {
            return Err(Error::new(Kind::Format, self.path, format!("{} values", length(short)))
                .column(name)
                .expected(format!("{rows}, as in the other columns"))
                .remedy(REMEDY));
        }
        let nested = |cell: &Value| cell.is_object() || cell.is_array();
        if columns.values().any(|column| column.get(0).is_some_and(nested)) {
            return Err(self.no_table("tables inside an object"));
        }
        self.rows = (0..rows).map(|row| columns.values().map(|column| text(&column[row])).collect()).collect();
        Ok(())
    }

    fn no_table(&self, found: &str) -> Error {
        Error::new(Kind::Format, self.path, found).expected(LAYOUTS).remedy(REMEDY)
    }
}

/// The elements of an array, one at a time: the whole of it as a tree would be many times the file.
struct Elements<'a, 'b> {
    builder: &'a mut Builder<'b>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> std::result::Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            if let Err(refused) = self.builder.row(row) {
                self.builder.refused = Some(refused);
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// A value as a cell of text; nothing is an empty one.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn broken(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::new(Kind::Format, path, format!("not readable JSON: {problem}")).remedy("check how the file was written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, Wanted};

    fn frame(text: &str) -> Result<Frame> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars.json");
        std::fs::write(&path, text).unwrap();
        let wanted = Wanted { time: true, numbers: vec!["close"], ..Wanted::default() };
        Frame::read(&path, &wanted)?.strict()
    }

    #[test]
    fn the_same_table_is_read_from_every_layout() {
        for text in [
            r#"[{"ts_ms": 60000, "close": 1.5}, {"close": null, "ts_ms": 120000}]"#,
            "\u{feff} {\"ts_ms\": 60000, \"close\": 1.5}\n{\"ts_ms\": 120000}\n",
            r#"{"ts_ms": [60000, 120000], "close": ["1.5", null]}"#,
            r#"[["ts_ms", "close"], [60000, 1.5], [120000, null]]"#,
            r#"[{"date": "1970-01-01T00:01:00Z", "close": 1.5}, {"date": "1970-01-01T00:02:00Z"}]"#,
        ] {
            let frame = frame(text).unwrap();
            assert_eq!(frame.time(), [60_000, 120_000], "{text}");
            let close = frame.number("close").unwrap();
            assert!(close[0] == 1.5 && close[1].is_nan(), "{text}");
        }
    }

    #[test]
    fn candles_without_names_are_known_by_their_columns() {
        let freqtrade = "[[1704067200000,1,3,0.5,2,10],[1704070800000,2,2,2,2,0]]";
        let binance = r#"[[1704067200000,"1","3","0.5","2","10",1704070799999,"20",5,"4","8","0"]]"#;
        assert_eq!(frame(freqtrade).unwrap().number("close"), Some([2.0, 2.0].as_slice()));
        assert_eq!(frame(binance).unwrap().time(), [1_704_067_200_000]);
        // A high below the close: six numbers, and no candle.
        let e = frame(&freqtrade.replace(",3,", ",1.5,")).unwrap_err();
        assert!(e.to_string().contains("rows without names"), "{e}");
    }

    #[test]
    fn a_number_is_read_to_its_last_bit() {
        let close = frame(r#"[{"ts_ms": 0, "close": 0.30000000000000004}]"#).unwrap();
        assert_eq!(close.number("close"), Some([0.1 + 0.2].as_slice()));
    }

    #[test]
    fn what_is_no_table_says_what_is_wrong_and_where() {
        for (text, named) in [
            (r#"[{"ts_ms": 0, "close": 1}, 7]"#, "row 2"),
            (r#"[{"ts_ms": 0, "close": 1}, {"ts_ms": 1, "high": 1}]"#, "`high`"),
            (r#"{"close": {"0": 1}}"#, "an object of objects"),
            (r#"{"columns": ["close"], "data": [[1]]}"#, "orient"),
            (r#"{"ts_ms": [1, 2], "close": [1]}"#, "1 values"),
            (r#"[["ts_ms", "close"], [1]]"#, "1 values"),
            (r#"[{"ts_ms": 0, "close": 1}"#, "not readable JSON"),
            (r#"[{"ts_ms": 0, "close": 1}] x"#, "line 1"),
            ("[1, 2]", "row 1"),
            (r#"[{"ts_ms": 0, "close": "many"}]"#, "many"),
        ] {
            let e = frame(text).unwrap_err().to_string();
            assert!(e.contains(named) && e.contains("bars.json"), "{text}: {e}");
        }
    }
}
