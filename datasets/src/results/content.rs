//! What a tool's export holds, whatever it is packed in: JSON, or a table of text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use html5gum::{Token, Tokenizer};
use serde_json::Value;
use zip::ZipArchive;

use super::metatrader;
use crate::error::{Error, Kind, Result, list};
use crate::format::Format;
use crate::input::Input;
use crate::names::find;
use crate::read::{csv, ipc, parquet, pickle};
use crate::source::Content;

/// Most bytes of JSON or HTML: 128 MiB, of which JSON of the least values makes some 3 GiB.
const MOST: u64 = 128 << 20;
/// Most cells of a table: a million orders have some fifteen million.
const MOST_CELLS: usize = 20_000_000;

/// As much of a file as is looked at to tell whether it is HTML, bytes.
const HEAD: u64 = 512;

/// The content of an export.
#[derive(Debug)]
pub(super) enum Export {
    /// JSON that is no table.
    Json(Value),
    /// A table.
    Rows(Rows),
}

/// A table whose cells are text.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A cell of a table in HTML.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Columns that it spans.
    pub(super) span: usize,
}

impl Export {
    /// Reads a file: JSON, a table in any format, HTML, or an archive of which one member is a result in JSON.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let input = Input::open(path)?;
        if let Some(value) = archived(&input)? {
            return Ok(Self::Json(value));
        }
        if let Some(markup) = markup(&input)? {
            return metatrader::deals(path, &cells(&markup))?.map(Self::Rows).ok_or_else(|| {
                Error::new(Kind::Format, path, "HTML without a table of deals")
                    .expected("a report of MetaTrader 5, in English")
                    .remedy("save the report of the tester or of the account as HTML")
            });
        }
        let content = Content::of(&input)?;
        match content.format {
            Format::Json => {
                let text = content.into_text(path)?;
                if text.len() as u64 > MOST {
                    return Err(too_long(path, "JSON"));
                }
                let value = serde_json::from_str(&text)
                    .map_err(|e| Error::new(Kind::Format, path, format!("no valid JSON: {e}")).source(e))?;
                Ok(Rows::of_records(&value).map_or_else(|| Self::Json(value), Self::Rows))
            }
            Format::Csv => rows_of_csv(path, content, MOST_CELLS).map(Self::Rows),
            Format::Parquet => Rows::of_batch(path, &parquet::batch(path, content)?).map(Self::Rows),
            Format::ArrowIpc => Rows::of_batch(path, &ipc::batch(path, content)?).map(Self::Rows),
            Format::Pickle => Rows::of_batch(path, &pickle::batch(path, content)?).map(Self::Rows),
            other @ (Format::Qlib | Format::Hummingbot) => {
                Err(Error::new(Kind::Format, path, format!("{} of a result", other.name()))
                    .expected("a file, as tools export trades"))
            }
        }
    }
}

/// A table of no more than so many cells.
fn rows_of_csv(path: &Path, content: Content, most_cells: usize) -> Result<Rows> {
    let table = csv::Table::open(path, content)?;
    let names = table.first().into_iter().map(str::to_owned).collect();
    let (mut rows, mut cells) = (Vec::new(), 0);
    table.rows(path, false, |_, record| {
        cells += record.len();
        if cells <= most_cells {
            rows.push(record.iter().map(str::to_owned).collect());
        }
    })?;
    refuse_cells(path, cells, most_cells)?;
    Ok(Rows { names, rows })
}

fn refuse_cells(path: &Path, cells: usize, most: usize) -> Result<()> {
    if cells <= most {
        return Ok(());
    }
    Err(Error::new(Kind::Format, path, format!("{cells} cells"))
        .expected(format!("at most {most}"))
        .remedy("export the trades of one run, or of a shorter period"))
}

/// The text of an HTML file; `None` for any other file.
fn markup(input: &Input) -> Result<Option<String>> {
    let unreadable = |e| Error::io(input.path(), "cannot read it", e);
    let mut head = Vec::new();
    input.reader()?.take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
    if !bare(&String::from_utf8_lossy(&head)).starts_with('<') {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    input.reader()?.take(MOST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST {
        return Err(too_long(input.path(), "HTML"));
    }
    Ok(Some(bare(&String::from_utf8_lossy(&bytes)).to_owned()))
}

/// Text without a byte order mark and blanks before it.
fn bare(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

/// Every cell, row by row.
fn cells(markup: &str) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut inside = false;
    for Ok(token) in Tokenizer::new(markup) {
        match token {
            Token::StartTag(tag) => match &tag.name[..] {
                b"tr" => {
                    inside = false;
                    rows.push(Vec::new());
                }
                b"td" | b"th" => {
                    inside = true;
                    let span = tag.attributes.get(&b"colspan"[..]);
                    let span = span.and_then(|span| std::str::from_utf8(span).ok()?.trim().parse().ok());
                    if let Some(row) = rows.last_mut() {
                        row.push(Cell { text: String::new(), span: span.unwrap_or(1) });
                    }
                }
                _ => {}
            },
            Token::EndTag(tag) if matches!(&tag.name[..], b"td" | b"th") => inside = false,
            Token::String(text) if inside => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.text.push_str(String::from_utf8_lossy(&text).trim());
                }
            }
            _ => {}
        }
    }
    rows
}

/// The result in JSON of an archive with several members; `None` for what is no such archive.
fn archived(input: &Input) -> Result<Option<Value>> {
    let path = input.path();
    let mut file = input.reader()?;
    let mut magic = [0; 4];
    let packed = file.read(&mut magic).is_ok_and(|read| read == 4 && magic == *b"PK\x03\x04");
    if !packed {
        return Ok(None);
    }
    file.rewind().map_err(|e| Error::io(path, "cannot read it", e))?;
    let damaged = |e: zip::result::ZipError| {
        Error::new(Kind::Format, path, format!("a damaged zip archive: {e}")).remedy("export it again").source(e)
    };
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() < 2 {
        return Ok(None);
    }
    let names = archive.file_names().map(|name| name.map(Cow::into_owned));
    let names = names.collect::<std::result::Result<Vec<_>, _>>().map_err(damaged)?;
    if names.iter().any(|name| name == "[Content_Types].xml") {
        return Err(Error::new(Kind::Format, path, "an Excel workbook")
            .expected("CSV or JSON")
            .remedy("save the sheet with the list of trades as CSV"));
    }
    let mut left = MOST;
    for name in names.iter().filter(|name| name.ends_with(".json")) {
        let mut text = String::new();
        let member = archive.by_name(name).map_err(damaged)?;
        member.take(left + 1).read_to_string(&mut text).map_err(|e| Error::io(path, "cannot unpack it", e))?;
        left = left.checked_sub(text.len() as u64).ok_or_else(|| too_long(path, "JSON"))?;
        // Settings are packed beside the result.
        let value: Option<Value> = serde_json::from_str(&text).ok();
        if let Some(value) = value.filter(|value| value.get("strategy").is_some_and(Value::is_object)) {
            return Ok(Some(value));
        }
    }
    Err(Error::new(Kind::Format, path, format!("an archive without a result: {}", list(&names)))
        .expected("a member in JSON with the key `strategy`, as freqtrade writes it"))
}

fn too_long(path: &Path, what: &str) -> Error {
    Error::new(Kind::Format, path, format!("more than {} MiB of {what}", MOST >> 20))
        .expected("the result of one run")
        .remedy("export a single strategy, or a shorter period")
}

impl Rows {
    /// JSON records as a table; `None` for other JSON.
    fn of_records(value: &Value) -> Option<Self> {
        let records = value.as_array().filter(|records| !records.is_empty())?;
        let objects = records.iter().map(Value::as_object).collect::<Option<Vec<_>>>()?;
        // A record may lack what is unknown of it.
        let names: BTreeSet<&String> = objects.iter().flat_map(|record| record.keys()).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        // What nests is no table.
        let text = |cell: Option<&Value>| match cell {
            None | Some(Value::Null) => Some(String::new()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Bool(truth)) => Some(truth.to_string()),
            Some(Value::Array(_) | Value::Object(_)) => None,
        };
        let row = |record: &Value| names.iter().map(|name| text(record.get(name))).collect::<Option<Vec<_>>>();
        let rows = records.iter().map(row).collect::<Option<Vec<_>>>()?;
        Some(Self { names, rows })
    }

    /// A table of typed columns, whose times are those of UTC where they have a zone.
    fn of_batch(path: &Path, batch: &RecordBatch) -> Result<Self> {
        let broken = |e: ArrowError| {
            Error::new(Kind::Type, path, e.to_string()).remedy("write the table with to_csv(...)").source(e)
        };
        refuse_cells(path, batch.num_rows().saturating_mul(batch.num_columns()), MOST_CELLS)?;
        let options = FormatOptions::default();
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
        let cell = |row: usize, column: &ArrayFormatter<'_>| column.value(row).try_to_string().map_err(broken);
        let rows =
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(row, column)).collect::<Result<_>>());
        let names = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { names, rows: rows.collect::<Result<_>>()? })
    }

    /// The first of these columns that is there.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| find(&self.names, name))
    }

    /// The same, which has to be there.
    pub(super) fn needed(&self, path: &Path, names: &[&str]) -> Result<usize> {
        self.column(names).ok_or_else(|| {
            Error::new(Kind::MissingColumn, path, format!("the columns {}", list(&self.names)))
                .expected(format!("one of {}", list(names)))
                .remedy("export all columns")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_a_key_has_an_empty_cell_and_hides_no_column() {
        let records = serde_json::json!([{"Size": 1}, {"Size": 2, "PnL": 0.5}]);
        let rows = Rows::of_records(&records).unwrap();
        let (size, profit) = (rows.column(&["Size"]).unwrap(), rows.column(&["PnL"]).unwrap());
        let read: Vec<[&str; 2]> = rows.rows.iter().map(|row| [row[size].as_str(), row[profit].as_str()]).collect();
        assert_eq!(read, [["1", ""], ["2", "0.5"]]);
    }
    #[test]
    fn what_would_take_all_memory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, "a,b\n1,2\n3,4\n").unwrap();
        let read = |most| rows_of_csv(&path, Content::of(&Input::open(&path).unwrap()).unwrap(), most);
        assert_eq!(read(4).unwrap().rows.len(), 2);
        let error = read(3).unwrap_err().to_string();
        assert!(error.contains("t.csv") && error.contains("4 cells") && error.contains("at most 3"), "{error}");
        let page = dir.path().join("r.html");
        std::fs::write(&page, "<html>").unwrap();
        std::fs::OpenOptions::new().write(true).open(&page).unwrap().set_len(MOST + 1).unwrap();
        let error = Export::read(&page).unwrap_err().to_string();
        assert!(error.contains("r.html") && error.contains("more than 128 MiB of HTML"), "{error}");
    }
}
