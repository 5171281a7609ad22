//! Out: decisions and fills of a run, steps of the orders of a session. What is there already stays as it is, so that an
//! export can be done again, or go on where a connection was lost.

use std::io::Read;

use crate::migrations::{LATEST, migrate};
use crate::request::quoted;
use crate::{Error, Server};

/// Rows of one statement.
const AT_ONCE: usize = 5_000;

/// How a text becomes a value of its column.
#[derive(Clone, Copy, Debug)]
enum Cast {
    Type(&'static str),
    /// Epoch milliseconds.
    Time,
}

/// Tables that are written to, with the columns that a CSV file may have for them.
const COLUMNS: [(&str, &[(&str, Cast)]); 4] = [
    ("runs", &[("run_id", Cast::Type("text"))]),
    (
        "decisions",
        &[
            ("run_id", Cast::Type("text")),
            ("instrument", Cast::Type("text")),
            ("ts", Cast::Time),
            ("decided_at", Cast::Time),
            ("reason", Cast::Type("text")),
            ("acted", Cast::Type("boolean")),
            ("side", Cast::Type("smallint")),
            ("size", Cast::Type("float8")),
            ("prob_up", Cast::Type("float8")),
            ("expected_value", Cast::Type("float8")),
            ("regime", Cast::Type("text")),
        ],
    ),
    (
        "fills",
        &[
            ("run_id", Cast::Type("text")),
            ("row_number", Cast::Type("bigint")),
            ("instrument", Cast::Type("text")),
            ("ts", Cast::Time),
            ("side", Cast::Type("text")),
            ("units", Cast::Type("float8")),
            ("price", Cast::Type("float8")),
            ("notional", Cast::Type("float8")),
            ("cost", Cast::Type("float8")),
            ("base_amount", Cast::Type("numeric")),
            ("quote_amount", Cast::Type("numeric")),
            ("reason", Cast::Type("text")),
        ],
    ),
    (
        "q50_trading_history",
        &[
            ("decision_id", Cast::Type("text")),
            ("execution_status", Cast::Type("text")),
            ("session_id", Cast::Type("text")),
            ("pool_id", Cast::Type("text")),
            ("ts", Cast::Time),
            ("at", Cast::Time),
            ("q50_signal", Cast::Type("float8")),
            ("regime_classification", Cast::Type("text")),
            ("reason", Cast::Type("text")),
            ("outcome", Cast::Type("text")),
            ("signature", Cast::Type("text")),
            ("slot", Cast::Type("numeric")),
            ("base_amount", Cast::Type("numeric")),
            ("quote_amount", Cast::Type("numeric")),
            ("network_fee", Cast::Type("numeric")),
        ],
    ),
];

/// Names of the tables of the schema `q50` that can be written to, in the order in which they refer to each other.
pub const TABLES: [&str; 4] = [COLUMNS[0].0, COLUMNS[1].0, COLUMNS[2].0, COLUMNS[3].0];

/// Writes the rows of a CSV file to a table of the schema `q50`, which is brought to its newest version first. Returns how
/// many were not there yet. An empty cell is null; the server casts.
///
/// # Errors
/// Where the file names a table or column that there is not, or the server refuses or stays away. Rows before the refused
/// part stay.
pub fn export(server: &mut Server, table: &str, csv: impl Read) -> Result<u64, Error> {
    let shape = |found: String, expected: String| Error::Shape {
        what: format!("q50.{table}"),
        found,
        expected,
        remedy: "use the q50 that belongs to this program".to_owned(),
    };
    let Some((_, known)) = COLUMNS.iter().find(|(name, _)| *name == table) else {
        return Err(shape("no such table".to_owned(), TABLES.join(", ")));
    };
    let mut reader = csv::Reader::from_reader(csv);
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut values = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let Some((_, cast)) = known.iter().find(|(known, _)| known == name) else {
            return Err(shape(
                format!("column `{name}`"),
                known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            ));
        };
        values.push(match cast {
            Cast::Type(ty) => format!("c{at}::{ty}"),
            Cast::Time => format!("'epoch'::timestamptz + c{at}::int8 * interval '1 ms'"),
        });
    }
    let places = 0..names.len();
    let (arrays, aliases): (Vec<String>, Vec<String>) =
        places.map(|at| (format!("${}::text[]", at + 1), format!("c{at}"))).unzip();
    let sql = format!(
        "INSERT INTO q50.{} ({}) SELECT {} FROM unnest({}) AS source ({}) ON CONFLICT DO NOTHING",
        quoted(table),
        names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "),
        values.join(", "),
        arrays.join(", "),
        aliases.join(", "),
    );
    migrate(server, LATEST)?;
    let mut written = 0;
    loop {
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
        for record in reader.records().take(AT_ONCE) {
            for (column, cell) in columns.iter_mut().zip(&record?) {
                column.push(Some(cell.to_owned()).filter(|cell| !cell.is_empty()));
            }
        }
        if columns.first().is_none_or(Vec::is_empty) {
            return Ok(written);
        }
        let parameters: Vec<_> = columns.iter().map(|column| column as &(dyn postgres::types::ToSql + Sync)).collect();
        written += server.attempt(&format!("writing q50.{table}"), |client| Ok(client.execute(&sql, &parameters)?))?;
    }
}
