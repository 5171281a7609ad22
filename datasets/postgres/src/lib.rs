//! PostgreSQL for q50: signals in, by table or by the user's own SELECT; runs and trading history out; the tables of a
//! GeckoTerminal collector.
//!
//! - What reads runs in a read-only transaction with a time limit, as one prepared statement, and every value is cast by
//!   the server to the type it is read as (`signals.rs`).
//! - What writes does so in tables of a schema of its own, `q50` (`migrations.rs`), and can be done again: a row that is
//!   there stays as it is (`export.rs`).
//! - A connection that is lost is made again ([`Server::attempt`]), for as long as the server has time to restart.
//!
//! Tables are handed over as CSV, in which numbers are the shortest text that reads back as the same. The connection string
//! comes from an environment variable, and is in no argument, error or `Debug`.

mod collector;
mod connection;
mod error;
mod export;
mod lookup;
mod migrations;
mod request;
mod signals;

pub use collector::{Generation, dump_collector};
pub use connection::Server;
pub use error::Error;
pub use export::{TABLES, export};
pub use lookup::{Found, Lookup};
pub use migrations::{LATEST, migrate};
pub use request::{Request, TimeUnit, What};
pub use signals::{Signals, read_signals};
