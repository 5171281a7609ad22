//! SQL over Parquet files, by DataFusion. Built with the feature `query` only: it is most of the build.

use std::path::PathBuf;

use datafusion::{
    arrow::{array::RecordBatch, util::pretty::pretty_format_batches},
    common::TableReference,
    prelude::{ParquetReadOptions, SessionConfig, SessionContext},
};
use serde_json::Value;
use thiserror::Error;

/// A query that could not be answered.
#[derive(Debug, Error)]
pub enum QueryError {
    /// DataFusion refused the query, or a file in it.
    #[error("{0}; name files in single quotes: SELECT * FROM 'results.parquet'")]
    Refused(#[from] datafusion::error::DataFusionError),
    /// The rows have no such form.
    #[error("the result cannot be written: {0}")]
    Form(String),
    /// The query engine could not be started.
    #[error("the query engine could not be started: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Rows of an answer.
#[derive(Debug)]
pub struct Answer {
    batches: Vec<RecordBatch>,
}

/// Answers `sql`, in which a file name in single quotes is a table: `SELECT reason, count(*) FROM 'decisions.parquet'
/// GROUP BY reason`; `tables` are Parquet files under names of their own. One partition, so that the order of rows does not depend on the machine.
///
/// # Errors
/// Where the query is no SQL, a file cannot be read, or a column is not there.
pub fn query(sql: &str, tables: &[(String, PathBuf)]) -> Result<Answer, QueryError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config(config).enable_url_table();
    let batches = runtime.block_on(async {
        for (name, path) in tables {
            let reference = TableReference::bare(name.as_str());
            context.register_parquet(reference, path.to_string_lossy(), ParquetReadOptions::default()).await?;
        }
        context.sql(sql).await?.collect().await
    })?;
    Ok(Answer { batches })
}

impl Answer {
    /// A table for people.
    ///
    /// # Errors
    /// Where a value has no text form.
    pub fn text(&self) -> Result<String, QueryError> {
        pretty_format_batches(&self.batches).map(|table| table.to_string()).map_err(|e| QueryError::Form(e.to_string()))
    }

    /// The rows as JSON objects.
    ///
    /// # Errors
    /// Where a value has no JSON form.
    pub fn json(&self) -> Result<Value, QueryError> {
        let form = |e: &dyn std::fmt::Display| QueryError::Form(e.to_string());
        let mut bytes = Vec::new();
        let mut writer = arrow_json::ArrayWriter::new(&mut bytes);
        for batch in &self.batches {
            writer.write(batch).map_err(|e| form(&e))?;
        }
        writer.finish().map_err(|e| form(&e))?;
        if bytes.is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        serde_json::from_slice(&bytes).map_err(|e| form(&e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{Column, write_parquet};

    #[test]
    fn a_file_is_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fills.parquet");
        let columns = [("side", Column::Text(&["buy", "sell", "buy"])), ("units", Column::F64(&[1.0, 2.0, 4.0]))];
        write_parquet(&path, &columns).unwrap();
        let sql = format!("SELECT side, sum(units) AS units FROM '{}' GROUP BY side ORDER BY side", path.display());
        let answer = query(&sql, &[]).unwrap();
        assert_eq!(
            answer.json().unwrap(),
            serde_json::json!([{"side": "buy", "units": 5.0}, {"side": "sell", "units": 2.0}])
        );
        assert!(answer.text().unwrap().contains("| buy  | 5.0   |"));
    }

    #[test]
    fn a_table_has_the_name_that_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.parquet");
        write_parquet(&path, &[("units", Column::F64(&[1.0, 2.0]))]).unwrap();
        for (name, quoted) in [("btc", "btc"), ("BTC-1h", "\"BTC-1h\"")] {
            let answer = query(&format!("SELECT sum(units) AS n FROM {quoted}"), &[(name.to_owned(), path.clone())]);
            assert_eq!(answer.unwrap().json().unwrap(), serde_json::json!([{"n": 3.0}]));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_a_remedy() {
        let error = query("SELECT * FROM 'nowhere.parquet'", &[]).unwrap_err().to_string();
        assert!(error.contains("nowhere") && error.contains("single quotes"), "{error}");
    }
}
