//! Pickled pandas frames as Arrow tables. `q50-pickle` reads the pickle itself and executes nothing.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{Field, Schema};
use q50_pickle::{Frame, Level, Values};

use super::arrow::Batches;
use super::{Columns, Plan};
use crate::error::{Error, Kind, Result};
use crate::names::time_column;
use crate::source::Content;

const REMEDY: &str = "or write it in Python with `pandas.read_pickle(path).to_parquet(...)`, where you trust the file";

/// The frame itself.
pub(crate) fn frame(path: &Path, content: Content) -> Result<Frame> {
    let (length, key) = (content.length(), content.key.clone());
    q50_pickle::read_frame(content.into_reader(), length, key.as_deref()).map_err(|e| {
        Error::new(Kind::Format, path, format!("a pickle that is not read: {e}"))
            .expected("a pandas DataFrame, or a dictionary that has one under `signals` or `macro_features`")
            .remedy(format!("name another with `q50 data ingest pickle --key`, {REMEDY}"))
    })
}

pub(super) fn column_names(path: &Path, content: Content) -> Result<Vec<String>> {
    Ok(batch(path, content)?.schema().fields().iter().map(|f| f.name().clone()).collect())
}

/// Reads the columns that `plan` picks by name.
pub(super) fn read(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    let batch = batch(path, content)?;
    let mut batches = Batches::new(path, &batch.schema(), batch.num_rows(), plan)?;
    let kept = batch.project(batches.kept());
    batches.take(&kept.map_err(|e| Error::new(Kind::Format, path, e.to_string()))?);
    Ok(batches.finish())
}

/// The labels of the rows, then the columns; instants as timestamps.
pub(crate) fn batch(path: &Path, content: Content) -> Result<RecordBatch> {
    let frame = frame(path, content)?;
    let levels = frame.levels.into_iter().map(|level| (level_name(&level), level.values));
    let columns = frame.columns.into_iter().map(|column| (column.name, column.values));
    let columns = levels.chain(columns).map(|(name, values)| match values {
        Values::Time { ns, zoned } => {
            let times = TimestampNanosecondArray::from(ns);
            (name, Arc::new(if zoned { times.with_timezone("UTC") } else { times }) as ArrayRef)
        }
        other => (name, array(other)),
    });
    table(path, columns.collect())
}

/// Every level as `@name` (instants as `@time_ns`) and every column; instants as nanoseconds since 1970.
pub(crate) fn raw(path: &Path, content: Content) -> Result<RecordBatch> {
    let frame = frame(path, content)?;
    let levels = frame.levels.into_iter().map(|level| match level {
        Level { values: times @ Values::Time { .. }, .. } => ("@time_ns".to_owned(), times),
        Level { name, values } => (format!("@{}", name.as_deref().unwrap_or("index")), values),
    });
    let columns = frame.columns.into_iter().map(|column| (column.name, column.values));
    let columns: Vec<(String, ArrayRef)> = levels.chain(columns).map(|(name, values)| (name, array(values))).collect();
    if let Some((name, _)) = columns.iter().enumerate().find_map(|(at, c)| columns[..at].iter().find(|b| b.0 == c.0)) {
        return Err(Error::new(Kind::Format, path, "two columns of one name")
            .column(name)
            .remedy("rename one of them"));
    }
    table(path, columns)
}

fn array(values: Values) -> ArrayRef {
    match values {
        Values::Float(values) => Arc::new(Float64Array::from(values)),
        Values::Int(values) | Values::Time { ns: values, .. } => Arc::new(Int64Array::from(values)),
        Values::Uint(values) => Arc::new(UInt64Array::from(values)),
        Values::Bool(values) => Arc::new(BooleanArray::from(values)),
        Values::Text(values) => Arc::new(StringArray::from(values)),
    }
}

fn table(path: &Path, columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect::<Vec<_>>();
    if arrays.is_empty() {
        return Err(Error::new(Kind::Empty, path, "a frame without columns and labels").expected("a time and signals"));
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    batch.map_err(|e| Error::new(Kind::Format, path, e.to_string()))
}

/// Its own name; instants under a name that says nothing of time are the index.
fn level_name(level: &Level) -> String {
    let known = level.name.clone().filter(|name| time_column(std::slice::from_ref(name)).is_some());
    match (&level.values, known) {
        (Values::Time { .. }, known) => known.unwrap_or_else(|| "index".to_owned()),
        _ => level.name.clone().unwrap_or_else(|| "index".to_owned()),
    }
}
