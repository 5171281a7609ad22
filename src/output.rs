//! Results on stdout, logs and errors on stderr.

use std::{
    cell::RefCell,
    io::{self, Write},
};

use anyhow::Result;
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
    // A log that nobody reads is no failure.
    let log = log.log_internal_errors(false);
    // Not `init`, which would also take the records of the `log` crate where another crate of the build asks for that:
    // NautilusTrader's logger has to be the first there. Refused only where a log has been started already.
    let _started = match arguments.log_format {
        LogFormat::Text => tracing::subscriber::set_global_default(log.without_time().finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(log.json().finish()),
    };
}

thread_local! {
    /// What this thread prints, where somebody asked for it.
    static CAPTURED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// What `run` returns, and what it printed on this thread.
pub(crate) fn captured<T>(run: impl FnOnce() -> T) -> (T, String) {
    CAPTURED.set(Some(Vec::new()));
    let returned = run();
    let printed = CAPTURED.take().unwrap_or_default();
    (returned, String::from_utf8_lossy(&printed).into_owned())
}

/// Prints one JSON object, or what `text` writes. A reader that has gone changes nothing of the answer.
pub(crate) fn print(
    format: Format,
    value: &impl Serialize,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let write = |out: &mut dyn Write| {
        match format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, value)?;
                writeln!(out)?;
            }
            Format::Text => text(out)?,
        }
        out.flush()
    };
    let written = CAPTURED.with_borrow_mut(|captured| match captured {
        Some(captured) => write(captured),
        None => write(&mut io::stdout().lock()),
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Characters of a line of an error; what stands in a file may be longer than anybody reads.
const LONGEST_LINE: usize = 500;

/// Tells on stderr why something could not be done.
pub(crate) fn print_error(error: &anyhow::Error) {
    let message = format!("q50: {}", told(error));
    let lines: Vec<String> = message.lines().map(shortened).collect();
    // Where nobody reads stderr, the exit status remains.
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// An error and its causes, each said once: a library's error often has the words of its cause among its own.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let news = cause.rsplit(": ").next().unwrap_or(&cause);
        if words.is_empty() {
            words = cause;
        } else if !words.contains(news) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}... ({} characters)", &line[..end], line.chars().count()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let no_such = || anyhow::anyhow!("No such file");
        assert_eq!(
            told(&no_such().context("cannot open: No such file; check it")),
            "cannot open: No such file; check it"
        );
        assert_eq!(told(&no_such().context("bars.csv")), "bars.csv: No such file");
        let numbered = anyhow::anyhow!("Error code 26: no database").context("no database").context("ledger x");
        assert_eq!(told(&numbered), "ledger x: no database");
    }
}
