//! The tables of a GeckoTerminal collector, in both generations of its schema, as the CSV files that an export has.
//!
//! Times too are the text of an export, whose offset is that of the session. Where the collector wrote through a session in
//! another zone than the server's own, its zone must be named: only there are the digits of its trades' times UTC.

use std::path::Path;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{ToSql, Type};
use serde::Serialize;

use crate::request::{WITHIN, quoted};
use crate::signals::read_only;
use crate::{Error, Server};

/// Tables that are read where they are there.
const TABLES: [&str; 5] = ["ohlcv_data", "trades", "pools", "new_pools_history", "new_pools_history_enhanced"];

/// Which of its schemas a collector's database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// Made by its migrations: times without a zone, prices with 18 decimals.
    Migrations,
    /// Made by its PostgreSQL models: times with a zone, prices with 8 decimals.
    Models,
}

/// Writes `TABLE.csv` into `folder` for each table of the collector, all of one moment, in one read-only transaction.
/// `zone` is that of the collector's own session, where it is not the server's. Also returns what `alembic_version` says,
/// where there is one.
///
/// # Errors
/// Where the server refuses it, none of the tables is there, or the folder cannot be written.
pub fn dump_collector(
    server: &mut Server,
    zone: Option<&str>,
    folder: &Path,
) -> Result<(Generation, Option<String>), Error> {
    server.attempt("reading the collector's tables", |client| {
        let mut transaction = read_only(client, WITHIN)?;
        if let Some(zone) = zone {
            transaction.execute("SELECT set_config('TimeZone', $1, true)", &[&zone])?;
        }
        let mut generation = None;
        for table in TABLES {
            let there = transaction.query_one("SELECT to_regclass($1)::text", &[&table])?;
            if there.try_get::<_, Option<&str>>(0)?.is_none() {
                continue;
            }
            let columns = transaction.prepare(&format!("SELECT * FROM {}", quoted(table)))?;
            let names: Vec<&str> = columns.columns().iter().map(postgres::Column::name).collect();
            let times = ["datetime", "block_timestamp", "created_at", "collected_at"];
            generation =
                generation.or(columns.columns().iter().filter(|column| times.contains(&column.name())).find_map(
                    |column| match *column.type_() {
                        Type::TIMESTAMP => Some(Generation::Migrations),
                        Type::TIMESTAMPTZ => Some(Generation::Models),
                        _ => None,
                    },
                ));
            let mut file = csv::Writer::from_path(folder.join(format!("{table}.csv")))?;
            file.write_record(&names)?;
            let cells: Vec<String> = names.iter().map(|name| format!("{}::text", quoted(name))).collect();
            let sql = format!("SELECT {} FROM {}", cells.join(", "), quoted(table));
            let mut rows = transaction.query_raw(&sql, std::iter::empty::<&dyn ToSql>())?;
            while let Some(row) = rows.next()? {
                for at in 0..names.len() {
                    file.write_field(row.try_get::<_, Option<&str>>(at)?.unwrap_or_default())?;
                }
                file.write_record(None::<&[u8]>)?;
            }
            file.flush()?;
        }
        let generation = generation.ok_or_else(|| Error::Shape {
            what: "the database".to_owned(),
            found: "none of the collector's tables in the search path".to_owned(),
            expected: TABLES.join(", "),
            remedy: "check the database and the search_path in the connection string".to_owned(),
        })?;
        let known = transaction.query_one("SELECT to_regclass('alembic_version')::text", &[])?;
        let version = match known.try_get::<_, Option<&str>>(0)? {
            Some(_) => transaction.query_opt("SELECT version_num::text FROM alembic_version LIMIT 1", &[])?,
            None => None,
        };
        Ok((generation, version.map(|row| row.try_get(0)).transpose()?))
    })
}
