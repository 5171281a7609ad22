//! PostgreSQL, by way of the program `q50-postgres`.
//!
//! Its client would turn on features of crates that all of q50 shares, so that it is a program of its own, which is built
//! by who needs it. It gets the name of the environment variable with the connection string, never the string.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use q50_datasets::input::unnamed;
use serde_json::Value;

use super::Signal;

const NAME: &str = "q50-postgres";

/// The program.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// Finds it: beside this one, or on the PATH.
    pub(crate) fn find() -> Result<Self> {
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(NAME)));
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&folders).map(|folder| folder.join(NAME));
        let path = beside.into_iter().chain(on_path).find(|path| path.is_file());
        let path = path.context(
            "PostgreSQL needs the program q50-postgres beside q50 or on the PATH; build it: cargo build --release \
             --manifest-path datasets/postgres/Cargo.toml --target-dir target",
        )?;
        Ok(Self { path })
    }

    /// Runs it, and returns the object that it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Value> {
        let output =
            Command::new(&self.path).args(arguments).output().with_context(|| self.path.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{}", said.trim().lines().last().unwrap_or("q50-postgres failed without a word"));
        }
        for line in said.lines() {
            tracing::warn!("{line}");
        }
        serde_json::from_slice(&output.stdout).context("q50-postgres prints no JSON; build it anew with this q50")
    }
}

/// What q50-postgres is to read, as it stands behind `postgres:`.
pub(crate) fn request(
    variable: &str,
    table: Option<&str>,
    select: Option<&str>,
    options: &[(&str, Option<&str>)],
) -> Result<String> {
    if let Some(select) = select {
        let first = select.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        ensure!(
            ["select", "with"].contains(&first.as_str()),
            "--select begins with `{first}`, expected SELECT or WITH"
        );
        return Ok(format!("{variable}/{select}"));
    }
    let options: Vec<String> =
        options.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
    let mark = if options.is_empty() { "" } else { "?" };
    Ok(format!("{variable}/{}{mark}{}", table.unwrap_or_default(), options.join("&")))
}

/// The table as a file.
pub(super) fn open(request: &str) -> Result<File> {
    let program = Program::find()?;
    unnamed(|path: &Path| -> Result<()> {
        let answer = program.run(&["read", request, "--out", &path.display().to_string()])?;
        for column in answer["left_out"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            tracing::warn!("left out: {column}");
        }
        Ok(())
    })
}

/// The newest signal at a time.
pub(super) fn lookup(request: &str, at_ms: i64, tolerance_ms: i64) -> Result<Option<Signal>> {
    let (at, tolerance) = (at_ms.to_string(), tolerance_ms.to_string());
    let answer = Program::find()?.run(&["lookup", request, "--at", &at, "--tolerance", &tolerance])?;
    let found = &answer["found"];
    if found.is_null() {
        return Ok(None);
    }
    let number = |name: &str| found[name].as_i64().with_context(|| format!("q50-postgres gave no {name}"));
    let pairs = found["values"].as_array().into_iter().flatten();
    let values = pairs.filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].clone()))).collect();
    Ok(Some(Signal { ts_ms: number("ts_ms")?, age_ms: number("age_ms")?, values }))
}
