//! Results on stdout, logs on stderr, files all or nothing.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Format, LogArguments, LogFormat};

/// Starts the log on stderr.
pub(crate) fn start_log(arguments: &LogArguments) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let colour = std::env::var_os("NO_COLOR").is_none() && io::IsTerminal::is_terminal(&io::stderr());
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(colour);
    // Not `init`, which would also take the records of the `log` crate where another crate of the build asks for that:
    // NautilusTrader's logger has to be the first there. Refused only where a log has been started already.
    let _started = match arguments.log_format {
        LogFormat::Text => tracing::subscriber::set_global_default(log.without_time().finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(log.json().finish()),
    };
}

/// Prints one JSON object, or what `text` writes.
pub(crate) fn print(
    format: Format,
    value: &impl Serialize,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut stdout, value)?;
            writeln!(stdout)?;
        }
        Format::Text => text(&mut stdout)?,
    }
    stdout.flush()?;
    Ok(())
}

/// Whether the reader of stdout has gone, which is no failure of ours.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
        cause.downcast_ref::<io::Error>().is_some_and(kind)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}

/// A folder that results go to, known to be writable before any work is done.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Creates the folder where it is missing and tries to write into it.
    pub(crate) fn prepare(path: &Path) -> Result<Self> {
        let advice = || format!("the output folder {} cannot be written; give another with --out", path.display());
        std::fs::create_dir_all(path).with_context(advice)?;
        tempfile::NamedTempFile::new_in(path).with_context(advice)?;
        Ok(Self { path: path.to_owned() })
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
