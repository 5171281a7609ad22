//! The schema `q50`: what is in which version, up and down. Tables of others are left alone.

use postgres::Client;

use crate::{Error, Server};

/// The newest version.
pub const LATEST: i32 = 3;

/// A step of the schema.
struct Migration {
    version: i32,
    up: &'static str,
    down: &'static str,
}

const MIGRATIONS: [Migration; LATEST as usize] = [
    Migration {
        version: 1,
        up: "CREATE TABLE q50.q50_signals (
                 pool_id                  text NOT NULL,
                 mint_address             text,
                 ts                       timestamptz NOT NULL,
                 q10                      double precision,
                 q50                      double precision,
                 q90                      double precision,
                 vol_raw                  double precision,
                 vol_risk                 double precision,
                 prob_up                  double precision,
                 economically_significant boolean,
                 high_quality             boolean,
                 tradeable                boolean,
                 feature_vector_id        text,
                 PRIMARY KEY (pool_id, ts)
             )",
        down: "DROP TABLE q50.q50_signals",
    },
    Migration {
        version: 2,
        up: "CREATE TABLE q50.runs (
                 run_id      text PRIMARY KEY,
                 exported_at timestamptz NOT NULL DEFAULT now()
             );
             CREATE TABLE q50.decisions (
                 run_id         text NOT NULL REFERENCES q50.runs ON DELETE CASCADE,
                 instrument     text NOT NULL,
                 ts             timestamptz NOT NULL,
                 decided_at     timestamptz,
                 reason         text NOT NULL,
                 acted          boolean,
                 side           smallint,
                 size           double precision,
                 prob_up        double precision,
                 expected_value double precision,
                 regime         text,
                 PRIMARY KEY (run_id, instrument, ts)
             );
             CREATE TABLE q50.fills (
                 run_id       text NOT NULL REFERENCES q50.runs ON DELETE CASCADE,
                 row_number   bigint NOT NULL,
                 instrument   text NOT NULL,
                 ts           timestamptz NOT NULL,
                 side         text NOT NULL CHECK (side IN ('buy', 'sell')),
                 units        double precision NOT NULL,
                 price        double precision NOT NULL,
                 notional     double precision,
                 cost         double precision,
                 base_amount  numeric(20, 0),
                 quote_amount numeric(20, 0),
                 reason       text NOT NULL,
                 PRIMARY KEY (run_id, row_number)
             )",
        down: "DROP TABLE q50.fills; DROP TABLE q50.decisions; DROP TABLE q50.runs",
    },
    Migration {
        version: 3,
        up: "CREATE TABLE q50.q50_trading_history (
                 decision_id           text NOT NULL,
                 execution_status      text NOT NULL CHECK (execution_status IN ('pending', 'sent', 'final')),
                 session_id            text NOT NULL,
                 pool_id               text NOT NULL,
                 ts                    timestamptz NOT NULL,
                 at                    timestamptz,
                 q50_signal            double precision,
                 regime_classification text,
                 reason                text,
                 outcome               text,
                 signature             text,
                 slot                  numeric(20, 0),
                 base_amount           numeric(20, 0),
                 quote_amount          numeric(20, 0),
                 network_fee           numeric(20, 0),
                 PRIMARY KEY (decision_id, execution_status)
             );
             CREATE INDEX ON q50.q50_trading_history (pool_id, ts)",
        down: "DROP TABLE q50.q50_trading_history",
    },
];

/// Brings the schema `q50` to `version` (0: removed, with everything in it), in one transaction, and returns the version
/// that it had. Two that do so at once wait for each other.
///
/// # Errors
/// Where the server refuses it, or the schema has a newer version than this program knows.
pub fn migrate(server: &mut Server, version: i32) -> Result<i32, Error> {
    server.attempt("migrating the schema q50", |client| step(client, version))
}

/// "q50m": what those that migrate wait for each other by.
const LOCK: i64 = 0x7135_306d;

fn step(client: &mut Client, version: i32) -> Result<i32, Error> {
    let shape = |found: String| Error::Shape {
        what: "the schema q50".to_owned(),
        found,
        expected: format!("a version from 0 to {LATEST}"),
        remedy: "use the q50 that made it".to_owned(),
    };
    if !(0..=LATEST).contains(&version) {
        return Err(shape(format!("version {version} asked for")));
    }
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    transaction.batch_execute(
        "SET LOCAL client_min_messages = warning;
         CREATE SCHEMA IF NOT EXISTS q50;
         CREATE TABLE IF NOT EXISTS q50.migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    )?;
    let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM q50.migrations", &[])?;
    let before: i32 = row.try_get(0)?;
    if before > LATEST {
        return Err(shape(format!("version {before}")));
    }
    for migration in MIGRATIONS.iter().filter(|step| (before + 1..=version).contains(&step.version)) {
        transaction.batch_execute(migration.up)?;
        transaction.execute("INSERT INTO q50.migrations (version) VALUES ($1)", &[&migration.version])?;
    }
    for migration in MIGRATIONS.iter().rev().filter(|step| (version + 1..=before).contains(&step.version)) {
        transaction.batch_execute(migration.down)?;
        transaction.execute("DELETE FROM q50.migrations WHERE version = $1", &[&migration.version])?;
    }
    if version == 0 {
        // Refused by the server where somebody else keeps a table there.
        transaction.batch_execute("DROP TABLE q50.migrations; DROP SCHEMA q50")?;
    }
    transaction.commit()?;
    Ok(before)
}
