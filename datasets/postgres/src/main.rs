//! `q50-postgres`: what `q50` runs where it meets PostgreSQL. One JSON object or nothing on stdout, warnings on stderr; exit 0
//! done, 2 could not do it.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use q50_postgres::{LATEST, Lookup, Request, Server, dump_collector, export, migrate, read_signals};
use serde_json::json;

/// PostgreSQL for q50.
///
/// The connection string is in an environment variable, and never an argument: other users see those.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the signals of a table or SELECT as CSV.
    Read {
        /// VARIABLE/TABLE[?pool=..&source_tz=..&time_unit=s|ms] or VARIABLE/SELECT ...
        request: String,
        /// CSV file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the newest signal at a time.
    Lookup {
        /// As for `read`.
        request: String,
        /// Epoch milliseconds.
        #[arg(long)]
        at: i64,
        /// Most milliseconds that it may be old.
        #[arg(long)]
        tolerance: i64,
    },
    /// Write the tables of a GeckoTerminal collector as CSV files.
    Collector {
        /// Environment variable with the connection string.
        variable: String,
        /// Zone of the collector's session, where it is not the server's.
        #[arg(long)]
        source_tz: Option<String>,
        /// Folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write a CSV file to a table of the schema q50.
    Export {
        /// Environment variable with the connection string.
        variable: String,
        /// The table.
        table: String,
        /// CSV file.
        file: PathBuf,
    },
    /// Bring the schema q50 to a version; 0 removes it.
    Migrate {
        /// Environment variable with the connection string.
        variable: String,
        /// The version.
        #[arg(long, default_value_t = LATEST)]
        to: i32,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads stderr, the exit status remains.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let answer = match command {
        Command::Read { request, out } => {
            let (variable, request) = Request::parse(request)?;
            let signals = read_signals(&mut Server::from_env(&variable)?, &request)?;
            let file = File::create(out).with_context(|| out.display().to_string())?;
            signals.write_csv(BufWriter::new(file))?;
            json!({ "rows": signals.len(), "left_out": signals.left_out })
        }
        Command::Lookup { request, at, tolerance } => {
            let (variable, request) = Request::parse(request)?;
            json!({ "found": Lookup::new(request, *tolerance).at(&mut Server::from_env(&variable)?, *at)? })
        }
        Command::Collector { variable, source_tz, out } => {
            let (generation, alembic) = dump_collector(&mut Server::from_env(variable)?, source_tz.as_deref(), out)?;
            json!({ "generation": generation, "alembic_version": alembic })
        }
        Command::Export { variable, table, file } => {
            let csv = File::open(file).with_context(|| file.display().to_string())?;
            json!({ "written": export(&mut Server::from_env(variable)?, table, csv)? })
        }
        Command::Migrate { variable, to } => {
            json!({ "from": migrate(&mut Server::from_env(variable)?, *to)?, "to": to })
        }
    };
    Ok(writeln!(io::stdout(), "{answer}")?)
}
