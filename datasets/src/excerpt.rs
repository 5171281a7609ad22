//! Parts of a table as its file has them: every column under its own name and with its own type.
//!
//! Another program that reads bars is given a record that ends earlier than the file. It must find there exactly what
//! it finds in the file itself, so columns that q50 does not read are kept, and typed values are not converted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{ArrowError, Schema};
use arrow_select::take::take;

use crate::bars::Bars;
use crate::error::{Error, Kind, Result};
use crate::input::Input;
use crate::names::time_column;
use crate::qlib::Selection;
use crate::read::{cells::number, csv, ipc, json, parquet, pickle};
use crate::source::{Content, Format};

/// A table with all of its columns, in the file's order.
#[derive(Clone, Debug)]
pub struct Table {
    batch: RecordBatch,
    /// Position of the time column.
    time_at: usize,
    bars: Bars,
    origin: PathBuf,
}

impl Table {
    /// Reads every column of a file of bars.
    ///
    /// Parquet and Feather keep their types. Columns of CSV and JSON files have none: they become integers, floats or booleans where every
    /// cell is one, and text otherwise. What is no table, such as a Qlib provider directory, becomes `ts_ms`, `open`,
    /// `high`, `low`, `close` and, where it is known, `volume`.
    ///
    /// # Errors
    /// Where the file cannot be read as bars.
    pub fn read(path: &Path) -> Result<Self> {
        let input = Input::open(path)?;
        let (bars, _) = Bars::read_input(&input, &Selection::default())?;
        let content = Content::of(&input)?;
        let whole = match content.format {
            Format::Parquet => parquet::batch(path, content)?,
            Format::ArrowIpc => ipc::batch(path, content)?,
            Format::Pickle => pickle::batch(path, content)?,
            Format::Csv => batch(path, csv_columns(path, content)?)?,
            Format::Json => batch(path, json_columns(path, content)?)?,
            _ => batch(path, bar_columns(&bars))?,
        };
        let names = |batch: &RecordBatch| -> Vec<String> {
            batch.schema().fields().iter().map(|field| field.name().clone()).collect()
        };
        let (time_at, batch) = match time_column(&names(&whole)) {
            Some((time_at, None)) => (time_at, whole),
            // A date and a time of day in columns of their own are one moment.
            Some((_, Some(_))) => (0, batch(path, bar_columns(&bars))?),
            None => return Err(Error::new(Kind::MissingColumn, path, "no time column")),
        };
        Ok(Self { batch, time_at, bars, origin: path.to_path_buf() })
    }

    /// The same rows as bars.
    #[must_use]
    pub fn bars(&self) -> &Bars {
        &self.bars
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The same table without the columns that `leave_out` names.
    ///
    /// # Errors
    /// Never of a table that was read.
    pub fn without(&self, leave_out: impl Fn(&str) -> bool) -> Result<Self> {
        let names = self.names();
        let kept: Vec<usize> = (0..names.len()).filter(|&at| at == self.time_at || !leave_out(&names[at])).collect();
        let time_at = kept.iter().position(|&at| at == self.time_at).unwrap_or(0);
        let batch = self.batch.project(&kept).map_err(|e| self.refused(&e))?;
        Ok(Self { batch, time_at, ..self.clone() })
    }

    /// Writes the first `rows` rows as Parquet.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn write_first(&self, rows: usize, path: &Path) -> Result<()> {
        write(path, &self.batch.slice(0, rows.min(self.batch.num_rows())))
    }

    /// Writes all rows as Parquet, times as they are and everything else in reverse order: a record of the same kind on
    /// which anything that is computed from the bars comes out otherwise.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn write_reversed(&self, path: &Path) -> Result<()> {
        let backwards: UInt64Array = (0..self.batch.num_rows() as u64).rev().collect();
        let columns = self.batch.columns().iter().enumerate().map(|(at, column)| {
            if at == self.time_at { Ok(Arc::clone(column)) } else { take(column, &backwards, None) }
        });
        let columns: Vec<ArrayRef> = columns.collect::<std::result::Result<_, _>>().map_err(|e| self.refused(&e))?;
        write(path, &RecordBatch::try_new(self.batch.schema(), columns).map_err(|e| self.refused(&e))?)
    }

    fn refused(&self, error: &ArrowError) -> Error {
        Error::new(Kind::Format, &self.origin, format!("a column that cannot be cut: {error}"))
    }
}

/// Uncompressed, because every program that reads Parquet reads that.
fn write(path: &Path, batch: &RecordBatch) -> Result<()> {
    let refused = |e: &dyn std::fmt::Display| Error::new(Kind::Io, path, format!("cannot write it: {e}"));
    let file = std::fs::File::create(path).map_err(|e| Error::io(path, "cannot create it", e))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(|e| refused(&e))?;
    writer.write(batch).map_err(|e| refused(&e))?;
    writer.close().map_err(|e| refused(&e))?;
    Ok(())
}

fn batch(path: &Path, columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch> {
    if columns.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
    }
    RecordBatch::try_from_iter(columns).map_err(|e| Error::new(Kind::Format, path, format!("not a table: {e}")))
}

fn bar_columns(bars: &Bars) -> Vec<(String, ArrayRef)> {
    let time: ArrayRef = Arc::new(Int64Array::from(bars.open_time.clone()));
    let floats = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let mut columns = vec![("ts_ms".to_owned(), time)];
    columns.extend(bars.prices().map(|(name, values)| (name.to_owned(), floats(values))));
    columns.extend(bars.volume.as_deref().map(|values| ("volume".to_owned(), floats(values))));
    columns
}

fn csv_columns(path: &Path, content: Content) -> Result<Vec<(String, ArrayRef)>> {
    let table = csv::Table::open(path, content)?;
    let (names, assumed) = table.names();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    table.rows(path, assumed, |_, record| {
        for (column, cell) in cells.iter_mut().zip(record) {
            column.push(cell.to_owned());
        }
    })?;
    Ok(names.into_iter().zip(cells.iter().map(|cells| typed(cells))).collect())
}

fn json_columns(path: &Path, content: Content) -> Result<Vec<(String, ArrayRef)>> {
    let table = json::Table::open(path, content)?;
    let cells = |at: usize| -> Vec<String> {
        table.rows().iter().map(|record| record.get(at).unwrap_or_default().to_owned()).collect()
    };
    let (names, _) = table.names();
    Ok(names.into_iter().enumerate().map(|(at, name)| (name, typed(&cells(at)))).collect())
}

/// The narrowest type that holds every cell; what means "nothing" is null.
fn typed(cells: &[String]) -> ArrayRef {
    let nothing = |cell: &str| number(cell).is_some_and(f64::is_nan);
    let all = |fits: &dyn Fn(&str) -> bool| cells.iter().all(|cell| nothing(cell) || fits(cell));
    let present = |cell: &String| (!nothing(cell)).then(|| cell.clone());
    if all(&|cell| cell.parse::<i64>().is_ok()) {
        Arc::new(cells.iter().map(|cell| cell.parse::<i64>().ok()).collect::<Int64Array>())
    } else if all(&|cell| cell.parse::<f64>().is_ok()) {
        Arc::new(cells.iter().map(|cell| present(cell)?.parse::<f64>().ok()).collect::<Float64Array>())
    } else if all(&|cell| number(cell).is_some() && cell.parse::<f64>().is_err()) {
        Arc::new(cells.iter().map(|cell| Some(number(&present(cell)?)? == 1.0)).collect::<BooleanArray>())
    } else {
        Arc::new(cells.iter().map(present).collect::<StringArray>())
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float32Array, TimestampMicrosecondArray};
    use arrow_schema::DataType;

    use super::*;

    fn in_folder(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn again(path: &Path) -> RecordBatch {
        parquet::batch(path, Content::of(&Input::open(path).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_cut_parquet_file_keeps_every_column_with_its_type() {
        let (folder, path) = in_folder("bars", b"");
        let price: ArrayRef = Arc::new(Float32Array::from(vec![1.5, 2.5, 3.5]));
        let time = TimestampMicrosecondArray::from(vec![0, 3_600_000_000, 7_200_000_000]).with_timezone("UTC");
        let source: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let prices = ["open", "high", "low", "close"].map(|name| (name, Arc::clone(&price)));
        let columns = [("src", source), ("timestamp", Arc::new(time) as ArrayRef)].into_iter().chain(prices);
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        write(&path, &whole).unwrap();

        let table = Table::read(&path).unwrap();
        assert_eq!(table.bars().open_time, [0, 3_600_000, 7_200_000]);
        let out = folder.path().join("cut.parquet");
        table.write_first(2, &out).unwrap();
        assert_eq!(again(&out), whole.slice(0, 2));
        table.write_reversed(&out).unwrap();
        let reversed = again(&out);
        assert_eq!(reversed.column(1), whole.column(1), "times stay");
        assert_eq!(reversed.column(0).as_ref(), &StringArray::from(vec!["c", "b", "a"]));
    }

    #[test]
    fn cells_of_a_csv_file_get_the_type_that_holds_all_of_them() {
        let text = "ts_ms,open,high,low,close,volume,src,flag\n0,1,2,0.5,1,,x,true\n3600000,1,2,0.5,1,7,,False\n";
        let (folder, path) = in_folder("bars.csv", text.as_bytes());
        let out = folder.path().join("all.parquet");
        Table::read(&path).unwrap().write_first(9, &out).unwrap();
        let batch = again(&out);
        let types: Vec<DataType> = batch.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        let (int, float) = (DataType::Int64, DataType::Float64);
        let text = [DataType::Utf8, DataType::Boolean];
        assert_eq!(types[..6], [&int, &int, &int, &float, &int, &int].map(Clone::clone));
        assert_eq!(types[6..], text);
        assert_eq!((batch.column(5).null_count(), batch.column(6).null_count()), (1, 1));
    }

    #[test]
    fn columns_can_be_left_out_and_the_time_never_is() {
        let text = "alpha,ts_ms,open,high,low,close\n9,0,1,1,1,1\n9,3600000,1,1,1,1\n";
        let (_folder, path) = in_folder("bars.csv", text.as_bytes());
        let table = Table::read(&path).unwrap().without(|name| name == "alpha" || name == "ts_ms").unwrap();
        assert_eq!(table.names(), ["ts_ms", "open", "high", "low", "close"]);
        assert_eq!(table.time_at, 0);
    }
}
