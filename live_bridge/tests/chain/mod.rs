//! Reads the vectors of the PumpSwap program from `$Q50_TEST_DATA/chain`.
//!
//! The data is not part of the product. Where the variable is unset the tests that need it print that they skip.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this one")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a helper of tests")]

use q50_live::pumpswap::Address;
use serde_json::Value;

/// The file's JSON, or `None` (and a printed line) where there is no data to test with.
pub fn read(file: &str) -> Option<Value> {
    let Some(root) = std::env::var_os("Q50_TEST_DATA") else {
        println!("skipped: Q50_TEST_DATA is not set, so there is no chain/{file} to compare with");
        return None;
    };
    let path = std::path::Path::new(&root).join("chain").join(file);
    // Tests run in their crate's folder, the variable may be relative to the workspace's.
    let path = if path.exists() { path } else { std::path::Path::new("..").join(path) };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// An integer that the file holds as a string (or as a number).
pub fn integer<T: std::str::FromStr>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("not an integer of its type: {text}"))
}

/// The integer `row[key]`.
pub fn field<T: std::str::FromStr>(row: &Value, key: &str) -> T {
    integer(&row[key])
}

/// The flag `row[key]`.
pub fn flag(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or_else(|| panic!("{key}: not a flag in {row}"))
}

/// The address `row[key]`.
pub fn address(row: &Value, key: &str) -> Address {
    let text = row[key].as_str().unwrap_or_else(|| panic!("{key}: not a text in {row}"));
    text.parse().unwrap_or_else(|error| panic!("{key}: {error}"))
}
