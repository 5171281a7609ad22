//! What was promoted, beside the session that trades it: the backtest's own tables, for reports and for the monitor.

use std::io;
use std::path::{Path, PathBuf};

/// The tables that are kept.
pub const TABLES: [&str; 3] = ["equity.parquet", "fills.parquet", "decisions.parquet"];
/// The manifest's name in a session's folder.
pub const MANIFEST: &str = "manifest.json";

/// Where a session's folder has the backtest's tables.
#[must_use]
pub fn folder(session: &Path) -> PathBuf {
    session.join("promoted")
}

/// Copies the tables of the run in `run` into the session's folder.
///
/// # Errors
/// Where one cannot be read or written.
pub fn keep(session: &Path, run: &Path) -> io::Result<()> {
    let folder = folder(session);
    std::fs::create_dir_all(&folder)?;
    for name in TABLES {
        std::fs::copy(run.join(name), folder.join(name))?;
    }
    Ok(())
}
