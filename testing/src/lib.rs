//! What the tests of all crates share: where the real records lie, and how their JSON is read.
//!
//! The records are not part of the repository: the variable `Q50_TEST_DATA` names their folder. A test that reads them
//! is `#[ignore = "reads Q50_TEST_DATA"]`, so that it is named where it does not run; `scripts/test` runs it where the
//! variable is set, and CI always does. Nothing here skips: what is missing is a panic that names it.

#![allow(clippy::panic, reason = "a panic is how a test fails")]

use std::ffi::OsStr;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::Value;

/// The variable that names the folder of the real records.
pub const VARIABLE: &str = "Q50_TEST_DATA";

/// A file or folder of the real records, by its path in their folder (`claim/btcusdt_1h.parquet`).
///
/// # Panics
///
/// Where the variable is unset, names no folder, or the folder has no such entry.
pub fn real(name: &str) -> PathBuf {
    entry(std::env::var_os(VARIABLE).as_deref(), name).unwrap_or_else(|error| panic!("{error}"))
}

/// The JSON of a file of the real records.
///
/// # Panics
///
/// As [`real`], and where the file is not JSON.
pub fn real_json(name: &str) -> Value {
    let path = real(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entry(folder: Option<&OsStr>, name: &str) -> Result<PathBuf, String> {
    let folder = folder.ok_or_else(|| format!("set {VARIABLE} to the folder that has {name}"))?;
    // Tests run in the folder of their own crate; a relative path is meant from the workspace's. It is looked for when
    // they run: what was built in one checkout may run in another.
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let workspace = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    let folder = workspace.unwrap_or(&here).join(folder);
    let folder = folder.canonicalize().map_err(|error| format!("{VARIABLE} names {}: {error}", folder.display()))?;
    let path = folder.join(name);
    if path.exists() { Ok(path) } else { Err(format!("{VARIABLE} names {}, which has no {name}", folder.display())) }
}

/// The first of these programs that is installed.
///
/// # Panics
///
/// Where none is.
pub fn program(names: &[&str]) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("install {}", names.join(" or ")))
}

/// An integer or an address that the file holds as a string (or as a number).
///
/// # Panics
///
/// Where it is none.
pub fn parsed<T: FromStr>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("not a {}: {text}", std::any::type_name::<T>()))
}

/// The integer or address `row[key]`.
///
/// # Panics
///
/// As [`parsed`].
pub fn field<T: FromStr>(row: &Value, key: &str) -> T {
    parsed(&row[key])
}

/// The flag `row[key]`.
///
/// # Panics
///
/// Where it is no flag.
pub fn flag(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or_else(|| panic!("{key}: not a flag in {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let said = |folder: Option<&str>| entry(folder.map(OsStr::new), "claim/none.parquet").unwrap_err();
        assert_eq!(said(None), "set Q50_TEST_DATA to the folder that has claim/none.parquet");
        assert!(said(Some("/nowhere")).starts_with("Q50_TEST_DATA names /nowhere: "), "{}", said(Some("/nowhere")));
        assert!(
            said(Some("testing")).ends_with("testing, which has no claim/none.parquet"),
            "{}",
            said(Some("testing"))
        );
    }

    #[test]
    fn a_relative_folder_is_meant_from_the_workspace() {
        assert!(entry(Some(OsStr::new("testing")), "src/lib.rs").unwrap().is_file());
    }
}
