//! Parquet: only the wanted columns are decoded.

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::arrow::Batches;
use super::{Columns, Plan, damaged};
use crate::error::Result;
use crate::source::Content;

const REMEDY: &str = "write it again, uncompressed or with Snappy, Zstandard, LZ4 or Gzip";

fn open(path: &Path, content: Content) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content.into_file(path)?);
    builder.map_err(|e| damaged(path, "Parquet", REMEDY, e))
}

pub(super) fn column_names(path: &Path, content: Content) -> Result<Vec<String>> {
    Ok(open(path, content)?.schema().fields().iter().map(|f| f.name().clone()).collect())
}

/// A text of the file's own metadata; `None` where the file has none of this name, or is no Parquet file.
pub(crate) fn metadata(file: File, key: &str) -> Option<String> {
    let reader = SerializedFileReader::new(file).ok()?;
    let pairs = reader.metadata().file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.clone()
}

/// The whole table, every column with its own type.
pub(crate) fn batch(path: &Path, content: Content) -> Result<RecordBatch> {
    let builder = open(path, content)?;
    let schema = builder.schema().clone();
    let failed = |e| damaged(path, "Parquet", REMEDY, e);
    let reader = builder.with_batch_size(16_384).build().map_err(|e| damaged(path, "Parquet", REMEDY, e))?;
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    concat_batches(&schema, &batches).map_err(failed)
}

/// Reads the columns that `plan` picks by name.
pub(super) fn read(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    let builder = open(path, content)?;
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let mut batches = Batches::new(path, builder.schema(), rows, plan)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), batches.kept().iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(16_384).build();
    for batch in reader.map_err(|e| damaged(path, "Parquet", REMEDY, e))? {
        batches.take(&batch.map_err(|e| damaged(path, "Parquet", REMEDY, e))?);
    }
    Ok(batches.finish())
}

#[cfg(test)]
mod tests {
    use crate::frame::Frame;
    use crate::input::Input;

    #[test]
    fn a_damaged_footer_is_an_error_and_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        std::fs::write(&path, b"PAR1\x01\x02\x03\x04\x05\x06\x07\x08\x04\x00\x00\x00PAR1").unwrap();
        assert!(Frame::column_names(&Input::open(&path).unwrap()).unwrap_err().is_format());
    }
}
