//! Signals that are in no file: `postgres:`, `sqlite:`, `qlib:`, `dataset:`, and `sources:`, a list of which the first that
//! answers is taken. Each becomes a table as a file has it, so that they stand wherever a signal file does.

mod postgres;
mod qlib;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail, ensure};
use q50_datasets::input::{Opened, Opener, install_openers, read_text};
use q50_datasets::{Input, SignalOptions, SignalTable};
use serde::{Deserialize, Serialize};

use crate::output::told;

pub(crate) use postgres::{Program, request};

const OPENERS: &[(&str, Opener)] = &[
    ("postgres", |request| opened(postgres::open(request))),
    ("sqlite", |place| opened(sqlite::open(place))),
    ("qlib", |place| opened(qlib::open(place))),
    ("dataset", |name| opened(crate::catalog::open(name))),
    ("sources", |list| opened(first_that_answers(list))),
];

/// What the program that hosts us has in memory is one more source.
const OPENERS_OF_HOST: &[(&str, Opener)] =
    &[OPENERS[0], OPENERS[1], OPENERS[2], OPENERS[3], OPENERS[4], ("frame", crate::host::frame)];

/// Makes them inputs of every command that another program runs.
pub(crate) fn install_for_host() {
    install_openers(OPENERS_OF_HOST);
}

/// Makes them inputs of every command.
pub(crate) fn install() {
    install_openers(OPENERS);
}

fn opened(found: Result<impl Into<Opened>>) -> Result<Opened, String> {
    found.map(Into::into).map_err(|error| told(&error))
}

/// A signal that was known at a time, and where it is from.
#[derive(Debug, Serialize)]
pub(crate) struct Signal {
    /// Its stamp, epoch milliseconds.
    pub(crate) ts_ms: i64,
    /// Milliseconds from its stamp to the time asked for.
    pub(crate) age_ms: i64,
    /// Its values; null is unknown.
    pub(crate) values: serde_json::Map<String, serde_json::Value>,
}

/// Why a source gave no answer.
#[derive(Debug, Serialize)]
pub(crate) struct PassedOver {
    pub(crate) source: String,
    pub(crate) reason: String,
}

/// What sources answer, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The first source that has a signal, and the signal.
    pub(crate) found: Option<(String, Signal)>,
    /// Those before it.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// The newest signal at or before `at_ms` that is at most `tolerance_ms` old, of the first source that has one. An error where
/// no source can be read.
pub(crate) fn lookup(path: &Path, at_ms: i64, tolerance_ms: i64) -> Result<Answers> {
    let (mut answers, mut answered) = (Answers::default(), false);
    for place in sources(path)? {
        let source = shown(&place);
        let reason = match lookup_in(&place, at_ms, tolerance_ms) {
            Ok(Some(signal)) => {
                answers.found = Some((source, signal));
                return Ok(answers);
            }
            Ok(None) => {
                answered = true;
                "no signal within the tolerance".to_owned()
            }
            Err(error) => reason(&source, &error),
        };
        answers.passed_over.push(PassedOver { source, reason });
    }
    if !answered {
        return Err(none_answers(&answers.passed_over));
    }
    Ok(answers)
}

/// What is wrong with a source, without its name where the error begins with it.
fn reason(source: &str, error: &anyhow::Error) -> String {
    let told = told(error);
    told.strip_prefix(source).and_then(|rest| rest.strip_prefix(": ")).map_or_else(|| told.clone(), str::to_owned)
}

fn none_answers(passed_over: &[PassedOver]) -> anyhow::Error {
    let reasons = passed_over.iter().map(|passed| format!("{}: {}", passed.source, passed.reason));
    anyhow!("none of the sources answers: {}", reasons.collect::<Vec<_>>().join("; "))
}

/// What a source is called in messages: without what was typed in the place of a variable's name, which may be a connection
/// string with its password.
fn shown(source: &Path) -> String {
    let text = source.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.strip_prefix("postgres:").map(|rest| rest.split('/').next().unwrap_or_default()) {
        Some(variable) if variable.is_empty() || !variable.chars().all(plain) => "postgres:..".to_owned(),
        _ => text,
    }
}

fn lookup_in(source: &Path, at_ms: i64, tolerance_ms: i64) -> Result<Option<Signal>> {
    if let Some(request) = source.to_str().and_then(|text| text.strip_prefix("postgres:")) {
        // Of a table of millions of rows one is asked for.
        return postgres::lookup(request, at_ms, tolerance_ms);
    }
    let table = SignalTable::read(source, &SignalOptions::default())?;
    let Some(row) = table.ts.partition_point(|ts| *ts <= at_ms).checked_sub(1) else { return Ok(None) };
    let (ts_ms, age_ms) = (table.ts[row], at_ms - table.ts[row]);
    let value = |column: &[f64]| serde_json::Number::from_f64(column[row]).map_or(serde_json::Value::Null, Into::into);
    let values = table.columns.present().map(|(name, column)| (name.to_owned(), value(column))).collect();
    Ok((age_ms <= tolerance_ms).then_some(Signal { ts_ms, age_ms, values }))
}

/// A list of sources, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    sources: Vec<PathBuf>,
}

/// The sources behind a path: those of a list, or the path itself.
fn sources(path: &Path) -> Result<Vec<PathBuf>> {
    match path.to_str().and_then(|text| text.strip_prefix("sources:")) {
        Some(list) => read_list(Path::new(list)),
        None => Ok(vec![path.to_path_buf()]),
    }
}

fn read_list(path: &Path) -> Result<Vec<PathBuf>> {
    let name = || path.display().to_string();
    let list: List = toml::from_str(&read_text(path).with_context(name)?).with_context(name)?;
    ensure!(!list.sources.is_empty(), "{}: no source; expected sources = [\"signals.parquet\", ..]", name());
    let nested = list.sources.iter().find(|source| source.to_string_lossy().starts_with("sources:"));
    if let Some(nested) = nested {
        bail!("{}: `{}` is a list itself; name its sources here", name(), nested.display());
    }
    Ok(list.sources)
}

/// Says which source is taken and why no other is, once: a session reads its signals again and again.
fn say(passed_over: &[PassedOver], source: &str) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut lines: Vec<String> =
        passed_over.iter().map(|passed| format!("passed over {}: {}", passed.source, passed.reason)).collect();
    let instead = if passed_over.is_empty() { "" } else { " instead" };
    lines.push(format!("signals of {source}{instead}"));
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if *said != lines {
        lines.iter().for_each(|line| tracing::warn!("{line}"));
        *said = lines;
    }
}

/// The first source of a list that can be read as signals. Which one it is, and why not one before it, is said aloud.
fn first_that_answers(list: &str) -> Result<Opened> {
    let mut passed_over = Vec::new();
    for place in read_list(Path::new(list))? {
        let source = shown(&place);
        let read = || -> Result<_> {
            let input = Input::open(&place)?;
            SignalTable::read_input(&input, &SignalOptions::default())?;
            Ok(input.into_file()?)
        };
        match read() {
            Ok(file) => {
                say(&passed_over, &source);
                return Ok(Opened { file, source: Some(source) });
            }
            Err(error) => passed_over.push(PassedOver { reason: reason(&source, &error), source }),
        }
    }
    Err(none_answers(&passed_over))
}
