//! Files and folders as tables of text: CSV, JSON (packed or not), SQLite.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use q50_datasets::Input;
use rusqlite::types::ValueRef;
use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde_json::{Map, Value};

use crate::report::Table;
use crate::{Collection, Error, OpenTable};

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Takes all tables of a file, or of the files of a folder, in the order of their paths. Of a folder, what is damaged is passed
/// over.
pub(crate) fn read(path: &Path, collection: &mut Collection) -> Result<(), Error> {
    if !path.is_dir() {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let before = collection.files.len();
        file(path, &path.display().to_string(), &stem, collection)?;
        let known = collection.files[before..].iter().any(|file| file.table != Table::Unrecognised);
        if known {
            return Ok(());
        }
        let found = "its columns or keys are those of no table of the collector".to_owned();
        return Err(Error::Unrecognised { path: path.to_path_buf(), found });
    }
    for found in walk(path)? {
        let within = found.strip_prefix(path).unwrap_or(&found);
        let unnamed = within.with_extension("").to_string_lossy().replace(std::path::MAIN_SEPARATOR, "_");
        let (origin, known) = (within.display().to_string(), collection.files.len());
        if let Err(error) = file(&found, &origin, &unnamed, collection) {
            collection.pass_over(known, origin, &error);
        }
    }
    Ok(())
}

/// All files below a folder, by their paths; links to folders are not followed.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Io { path: folder.to_path_buf(), source };
    let mut entries: Vec<_> =
        fs::read_dir(folder).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::path);
    let mut files = Vec::new();
    for entry in entries {
        if entry.file_type().map_err(unreadable)?.is_dir() {
            files.extend(walk(&entry.path())?);
        } else if entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn file(path: &Path, origin: &str, unnamed: &str, collection: &mut Collection) -> Result<(), Error> {
    let input = Input::open(path)?;
    let mut bytes = input.unpacked()?;
    let head = bytes.fill_buf().map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    if head.starts_with(SQLITE_MAGIC) {
        return sqlite(path, origin, unnamed, collection);
    }
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'[' | b'{') => json(path, bytes, origin, unnamed, collection),
        Some(_) if std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |text| !text.contains('\0')) => {
            csv(path, bytes, origin, unnamed, collection)
        }
        _ => {
            collection.open(origin, unnamed, &[]);
            Ok(())
        }
    }
}

fn csv(path: &Path, bytes: impl Read, origin: &str, unnamed: &str, collection: &mut Collection) -> Result<(), Error> {
    let damaged = |source| Error::Csv { path: path.to_path_buf(), source };
    let mut reader = csv::Reader::from_reader(bytes);
    let names: Vec<String> = reader.headers().map_err(damaged)?.iter().map(str::to_owned).collect();
    let table = collection.open(origin, unnamed, &names);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(damaged)? {
        collection.row(&table, &record);
    }
    Ok(())
}

/// An array of rows is read row by row; an answer of the API is small and read whole.
fn json(path: &Path, bytes: impl Read, origin: &str, unnamed: &str, collection: &mut Collection) -> Result<(), Error> {
    let damaged = |source| Error::Json { path: path.to_path_buf(), source };
    let mut reader = serde_json::Deserializer::from_reader(bytes);
    reader.deserialize_any(Document { origin, unnamed, collection }).map_err(damaged)?;
    reader.end().map_err(damaged)
}

struct Document<'a> {
    origin: &'a str,
    unnamed: &'a str,
    collection: &'a mut Collection,
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows, or an answer of the API")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut open: Option<(OpenTable, Vec<String>)> = None;
        while let Some(row) = rows.next_element::<Map<String, Value>>()? {
            let (table, names) = open.get_or_insert_with(|| {
                let names: Vec<String> = row.keys().cloned().collect();
                (self.collection.open(self.origin, self.unnamed, &names), names)
            });
            let cells: Vec<Cow<'_, str>> =
                names.iter().map(|name| row.get(name).map_or(Cow::Borrowed(""), text)).collect();
            self.collection.row(table, &cells);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let answer = <Map<String, Value> as serde::Deserialize>::deserialize(MapAccessDeserializer::new(map))?;
        self.answer(&answer);
        Ok(())
    }
}

impl Document<'_> {
    fn answer(self, answer: &Map<String, Value>) {
        let data = answer.get("data").unwrap_or(&Value::Null);
        let (names, rows): (Vec<String>, Vec<Vec<Cow<'_, str>>>) =
            if let Some(bars) = data.pointer("/attributes/ohlcv_list") {
                let names = ["timestamp", "open", "high", "low", "close", "volume_usd"].map(str::to_owned).into();
                let cells = |bar: &'_ Value| bar.as_array().map(|cells| cells.iter().map(owned).collect());
                (names, bars.as_array().into_iter().flatten().filter_map(cells).collect())
            } else {
                let flat: Vec<Map<String, Value>> = data.as_array().into_iter().flatten().map(flatten).collect();
                let mut names: Vec<String> = flat.iter().flat_map(|row| row.keys().cloned()).collect();
                names.sort_unstable();
                names.dedup();
                let cells = |row: &Map<String, Value>| {
                    names.iter().map(|name| row.get(name).map_or(Cow::Borrowed(""), owned)).collect()
                };
                let rows = flat.iter().map(cells).collect();
                (names, rows)
            };
        let table = self.collection.open(self.origin, self.unnamed, &names);
        for row in &rows {
            self.collection.row(&table, row);
        }
    }
}

/// An object of the API as a row of its client's frame: `attributes.volume_usd.h24` is `volume_usd_h24`, and
/// `relationships.dex.data.id` is `dex_id`.
pub(crate) fn flatten(object: &Value) -> Map<String, Value> {
    let mut row = Map::new();
    for key in ["id", "type"] {
        row.extend(object.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    if let Some(attributes) = object.get("attributes").and_then(Value::as_object) {
        attributes.iter().for_each(|(name, value)| nested(name, value, &mut row));
    }
    for (name, related) in object.get("relationships").and_then(Value::as_object).into_iter().flatten() {
        row.extend(related.pointer("/data/id").map(|id| (format!("{name}_id"), id.clone())));
    }
    row
}

fn nested(name: &str, value: &Value, row: &mut Map<String, Value>) {
    match value.as_object() {
        Some(parts) => parts.iter().for_each(|(part, value)| nested(&format!("{name}_{part}"), value, row)),
        None => drop(row.insert(name.to_owned(), value.clone())),
    }
}

pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn owned(value: &Value) -> Cow<'static, str> {
    Cow::Owned(text(value).into_owned())
}

fn sqlite(path: &Path, origin: &str, unnamed: &str, collection: &mut Collection) -> Result<(), Error> {
    let mut read = || -> rusqlite::Result<()> {
        let mut connection = q50_sqlite::open_foreign(path)?;
        // One moment of a database that the collector may be writing to.
        let moment = connection.transaction()?;
        let mut tables = moment.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
        let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for name in tables {
            let mut rows = moment.prepare(&format!("SELECT * FROM \"{}\"", name.replace('"', "\"\"")))?;
            let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
            let table = collection.open(&format!("{origin}:{name}"), &format!("{unnamed}_{name}"), &names);
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let cell = |at: usize| {
                    Ok(match row.get_ref(at)? {
                        ValueRef::Null | ValueRef::Blob(_) => Cow::Borrowed(""),
                        ValueRef::Integer(value) => Cow::Owned(value.to_string()),
                        ValueRef::Real(value) => Cow::Owned(value.to_string()),
                        ValueRef::Text(text) => String::from_utf8_lossy(text),
                    })
                };
                let cells = (0..names.len()).map(cell).collect::<rusqlite::Result<Vec<_>>>()?;
                collection.row(&table, &cells);
            }
        }
        Ok(())
    };
    read().map_err(|source| Error::Sqlite { path: path.to_path_buf(), source })
}
