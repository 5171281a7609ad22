//! Writes Parquet: the same columns give the same bytes.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Kind, Result};
use crate::staged::StagedFile;

/// Key of the run's id in the metadata of a Parquet file.
pub const RUN_ID: &str = "q50.run_id";

/// Rows of a row group: what a writer holds in memory, and what a reader can skip.
const ROW_GROUP: usize = 16_384;

/// Values of one column to write.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Integers: epoch milliseconds, counts.
    I64(&'a [i64]),
    /// Amounts of the chain.
    U64(&'a [u64]),
    /// Amounts of the chain that may be absent.
    OptionU64(&'a [Option<u64>]),
    /// Integers that may be absent.
    OptionI64(&'a [Option<i64>]),
    /// Floats; `NaN` is written as null, as it is read.
    F64(&'a [f64]),
    /// Floats that may be absent.
    OptionF64(&'a [Option<f64>]),
    /// Small counts.
    U32(&'a [u32]),
    /// Codes.
    U8(&'a [u8]),
    /// Flags.
    Bool(&'a [bool]),
    /// Text.
    Text(&'a [&'a str]),
    /// Text that may be absent.
    OptionText(&'a [Option<&'a str>]),
    /// Text given as codes into a list of names, such as the reason of each decision; a code beyond the list is null.
    Labels {
        /// What the codes mean.
        names: &'a [&'a str],
        /// One code a row.
        codes: &'a [u8],
    },
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::I64(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::OptionU64(values) => values.len(),
            Self::OptionI64(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::OptionF64(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::U8(values) | Self::Labels { codes: values, .. } => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::OptionText(values) => values.len(),
        }
    }

    fn part(&self, rows: Range<usize>) -> Self {
        match *self {
            Self::I64(values) => Self::I64(&values[rows]),
            Self::U64(values) => Self::U64(&values[rows]),
            Self::OptionU64(values) => Self::OptionU64(&values[rows]),
            Self::OptionI64(values) => Self::OptionI64(&values[rows]),
            Self::F64(values) => Self::F64(&values[rows]),
            Self::OptionF64(values) => Self::OptionF64(&values[rows]),
            Self::U32(values) => Self::U32(&values[rows]),
            Self::U8(values) => Self::U8(&values[rows]),
            Self::Bool(values) => Self::Bool(&values[rows]),
            Self::Text(values) => Self::Text(&values[rows]),
            Self::OptionText(values) => Self::OptionText(&values[rows]),
            Self::Labels { names, codes } => Self::Labels { names, codes: &codes[rows] },
        }
    }
}

/// Writes one Parquet file (Zstandard, dictionary-encoded text) whole or not at all, replacing what is there.
///
/// # Errors
/// Where columns differ in length, what is there is no regular file, or the folder or disk refuses.
pub fn write_parquet(path: &Path, columns: &[(&str, Column<'_>)]) -> Result<()> {
    TableWriter::new(StagedFile::create(path)?, None, columns)?.finish()?.commit()
}

/// Writes a whole table of Arrow as [`write_parquet`] writes columns.
pub(crate) fn write_batch(path: &Path, batch: &RecordBatch) -> Result<()> {
    let mut file = StagedFile::create(path)?;
    let mut writer = writer(path, &mut file, None, batch.schema())?;
    writer.write(batch).map_err(|e| refused(path, &e))?;
    writer.close().map_err(|e| refused(path, &e))?;
    file.commit()
}

/// A Parquet file that is written a part at a time, for tables that do not fit into memory.
pub struct TableWriter {
    writer: ArrowWriter<StagedFile>,
    path: PathBuf,
}

impl std::fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl TableWriter {
    /// Starts a table in `file` with the kinds and names of `columns`, whose rows are its first part, and with the id of
    /// the run that it belongs to.
    ///
    /// # Errors
    /// Where columns differ in length, or the folder or disk refuses.
    pub fn new(file: StagedFile, run_id: Option<&str>, columns: &[(&str, Column<'_>)]) -> Result<Self> {
        let path = file.target().to_path_buf();
        let schema = batch(&path, &part(columns, 0..0))?.schema();
        let mut table = Self { writer: writer(&path, file, run_id, schema)?, path };
        table.write(columns)?;
        Ok(table)
    }

    /// Adds rows: columns of the same names and kinds.
    ///
    /// # Errors
    /// As [`TableWriter::new`].
    pub fn write(&mut self, columns: &[(&str, Column<'_>)]) -> Result<()> {
        let rows = rows(&self.path, columns)?;
        // What Arrow copies is never more than the writer holds anyway.
        for start in (0..rows).step_by(ROW_GROUP) {
            let batch = batch(&self.path, &part(columns, start..rows.min(start + ROW_GROUP)))?;
            self.writer.write(&batch).map_err(|e| refused(&self.path, &e))?;
        }
        Ok(())
    }

    /// The complete table, which does not have its name yet.
    ///
    /// # Errors
    /// Where the folder or disk refuses.
    pub fn finish(self) -> Result<StagedFile> {
        let path = self.path;
        self.writer.into_inner().map_err(|e| refused(&path, &e))
    }
}

/// Rows of a table.
fn rows(path: &Path, columns: &[(&str, Column<'_>)]) -> Result<usize> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    match columns.iter().find(|(_, column)| column.len() != rows) {
        Some((name, column)) => Err(Error::new(Kind::Format, path, format!("{} rows to write", column.len()))
            .column(*name)
            .expected(format!("{rows}, as in the first column"))),
        None => Ok(rows),
    }
}

/// Some rows of every column.
fn part<'a>(columns: &[(&'a str, Column<'a>)], rows: Range<usize>) -> Vec<(&'a str, Column<'a>)> {
    columns.iter().map(|(name, column)| (*name, column.part(rows.clone()))).collect()
}

fn refused(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, path, format!("cannot write it: {e}"))
}

fn batch(path: &Path, columns: &[(&str, Column<'_>)]) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, column) in columns {
        let (array, nullable) = array(column);
        fields.push(Field::new(*name, array.data_type().clone(), nullable));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| refused(path, &e))
}

fn writer<W: Write + Send>(path: &Path, file: W, run_id: Option<&str>, schema: Arc<Schema>) -> Result<ArrowWriter<W>> {
    let level = ZstdLevel::try_new(3).map_err(|e| refused(path, &e))?;
    // A fixed author: the library's version must not change the bytes of a result.
    let run_id = run_id.map(|id| vec![KeyValue::new(RUN_ID.to_owned(), id.to_owned())]);
    let properties = WriterProperties::builder()
        .set_key_value_metadata(run_id)
        .set_created_by("q50-datasets".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(file, schema, options).map_err(|e| refused(path, &e))
}

/// The column as an Arrow array, and whether its kind may hold nulls. That follows from the kind and not from the
/// values, so that files of one sort have one schema.
fn array(column: &Column<'_>) -> (ArrayRef, bool) {
    match column {
        Column::I64(values) => (Arc::new(Int64Array::from_iter_values(values.iter().copied())), false),
        Column::U64(values) => (Arc::new(UInt64Array::from_iter_values(values.iter().copied())), false),
        Column::OptionU64(values) => (Arc::new(values.iter().copied().collect::<UInt64Array>()), true),
        Column::OptionI64(values) => (Arc::new(values.iter().copied().collect::<Int64Array>()), true),
        Column::F64(values) => {
            (Arc::new(values.iter().map(|v| (!v.is_nan()).then_some(*v)).collect::<Float64Array>()), true)
        }
        Column::OptionF64(values) => (Arc::new(values.iter().copied().collect::<Float64Array>()), true),
        Column::U32(values) => (Arc::new(UInt32Array::from_iter_values(values.iter().copied())), false),
        Column::U8(values) => (Arc::new(UInt8Array::from_iter_values(values.iter().copied())), false),
        Column::Bool(values) => (Arc::new(BooleanArray::from(values.to_vec())), false),
        Column::Text(values) => (Arc::new(StringArray::from_iter_values(values.iter())), false),
        Column::OptionText(values) => (Arc::new(values.iter().copied().collect::<StringArray>()), true),
        Column::Labels { names, codes } => {
            let text = codes.iter().map(|code| names.get(usize::from(*code)).copied());
            (Arc::new(text.collect::<StringArray>()), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::frame::{Frame, Wanted};

    fn columns() -> [(&'static str, Column<'static>); 7] {
        [
            ("ts_ms", Column::I64(&[1, 2, 3])),
            ("equity", Column::F64(&[1.5, f64::NAN, -0.0])),
            ("stop", Column::OptionF64(&[None, Some(2.5), None])),
            ("fills", Column::U32(&[0, 7, u32::MAX])),
            ("code", Column::U8(&[0, 1, 255])),
            ("reason", Column::Labels { names: &["warm-up", "no signal"], codes: &[1, 0, 9] }),
            ("closed_by", Column::OptionText(&[Some("O-1"), None, Some("")])),
        ]
    }

    #[test]
    fn a_table_of_many_row_groups_has_every_row_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let time: Vec<i64> = (0..2 * ROW_GROUP as i64 + 7).collect();
        let half: Vec<f64> = time.iter().map(|t| *t as f64 / 2.0).collect();
        write_parquet(&path, &[("ts_ms", Column::I64(&time)), ("half", Column::F64(&half))]).unwrap();
        let wanted = Wanted { time: true, numbers: vec!["half"], ..Wanted::default() };
        let frame = Frame::read(&path, &wanted).unwrap();
        assert!(frame.time() == time && frame.number("half").unwrap() == half);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.parquet");
        write_parquet(&path, &columns()).unwrap();
        let wanted = Wanted {
            time: true,
            numbers: vec!["equity", "stop", "fills", "code"],
            texts: vec!["reason", "closed_by"],
            ..Wanted::default()
        };
        let frame = Frame::read(&path, &wanted).unwrap();
        assert_eq!(frame.time(), [1, 2, 3]);
        let equity = frame.number("equity").unwrap();
        assert!(equity[0] == 1.5 && equity[1].is_nan() && equity[2].to_bits() == (-0.0f64).to_bits());
        assert!(frame.number("stop").unwrap()[0].is_nan());
        assert_eq!(frame.number("fills").unwrap()[2], f64::from(u32::MAX));
        assert_eq!(frame.text("reason").unwrap(), ["no signal", "warm-up", ""]);
        assert_eq!(frame.text("closed_by").unwrap(), ["O-1", "", ""]);
    }

    #[test]
    fn the_same_columns_give_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write_parquet(&a, &columns()).unwrap();
        write_parquet(&b, &columns()).unwrap();
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }

    #[test]
    fn a_table_in_parts_has_the_bytes_of_one_in_one_piece() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
        let column = |rows: std::ops::Range<i64>| rows.collect::<Vec<i64>>();
        write_parquet(&whole, &[("set", Column::I64(&column(0..1_000)))]).unwrap();
        let file = StagedFile::create(&parts).unwrap();
        let mut table = TableWriter::new(file, None, &[("set", Column::I64(&column(0..10)))]).unwrap();
        table.write(&[("set", Column::I64(&column(10..1_000)))]).unwrap();
        assert!(!parts.exists(), "nothing is there before all of it is");
        table.finish().unwrap().commit().unwrap();
        assert_eq!(fs::read(whole).unwrap(), fs::read(parts).unwrap());
    }

    #[test]
    fn a_failure_leaves_nothing_behind_and_the_old_file_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        fs::write(&path, "old").unwrap();
        let uneven = [("a", Column::I64(&[1, 2])), ("b", Column::I64(&[1]))];
        let e = write_parquet(&path, &uneven).unwrap_err();
        assert!(e.is_format() && e.column_name() == Some("b"), "{e}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
