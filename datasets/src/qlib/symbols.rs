//! Which folder holds which symbol.
//!
//! Qlib lower-cases the names of folders (`FileFeatureStorage`), writes the names of Windows' devices with the prefix
//! `_qlib_` (`code_to_fname`), and reads `instruments/all.txt` with pandas, for which some words are no text. So a symbol
//! that shares its lower-case name with another one, or whose name no folder or table can have, gets a name of its own in
//! the provider; `symbols.csv` says which.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::hash::text_hash;

/// Symbols and folders, in this order; without a header.
const FILE: &str = "symbols.csv";
/// The prefix of the folder of a symbol that is called like a device.
const PREFIX: &str = "_qlib_";
/// What pandas reads as no value.
const NO_TEXT: [&str; 9] = ["", "na", "n/a", "nan", "null", "none", "<na>", "-nan", "#n/a"];

/// The name of a symbol in a provider, and that of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What Qlib calls it.
    pub(super) instrument: String,
    pub(super) folder: String,
}

/// The places of symbols that stand in one provider.
pub(super) fn places<'a>(symbols: &[&'a str]) -> BTreeMap<&'a str, Place> {
    let mut lower: BTreeMap<String, usize> = BTreeMap::new();
    for symbol in symbols {
        *lower.entry(symbol.to_lowercase()).or_default() += 1;
    }
    let place = |symbol: &'a str| {
        let name = symbol.to_lowercase();
        let place = if is_device(&name) {
            Place { instrument: symbol.to_owned(), folder: format!("{PREFIX}{name}") }
        } else if lower[&name] == 1 && is_plain(&name) {
            Place { instrument: symbol.to_owned(), folder: name }
        } else {
            let letters: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let own = format!("{}-{}", letters.trim_start_matches('_'), &text_hash(symbol)[..8]);
            Place { instrument: own.clone(), folder: own }
        };
        (symbol, place)
    };
    symbols.iter().map(|symbol| place(symbol)).collect()
}

/// Names that Windows keeps for devices.
fn is_device(lower: &str) -> bool {
    let numbered = |prefix: &str| {
        lower.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
    };
    matches!(lower, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Whether a lower-case name can be that of a folder everywhere, and of a row that Qlib reads.
fn is_plain(lower: &str) -> bool {
    let is_safe =
        |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | ',');
    lower.chars().all(is_safe)
        && lower.len() <= 200
        && !lower.starts_with(PREFIX)
        && !lower.starts_with('.')
        && !lower.ends_with('.')
        && !is_device(lower.split('.').next().unwrap_or_default())
        && !NO_TEXT.contains(&lower)
}

/// Symbols by their folders, as `symbols.csv` has them; none where the provider has no such file.
pub(super) fn read(root: &Path) -> Result<BTreeMap<String, String>> {
    let path = root.join(FILE);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let fault = |row: usize, found: String| {
        Error::new(Kind::Value, &path, found).at_row(row).expected("a symbol and its folder")
    };
    let bytes = fs::read(&path).map_err(|e| Error::io(&path, "cannot read it", e))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
    let mut symbols = BTreeMap::new();
    for (row, record) in reader.deserialize().enumerate() {
        let (symbol, folder): (String, String) = record.map_err(|e| fault(row, e.to_string()))?;
        if symbols.insert(folder.clone(), symbol).is_some() {
            return Err(fault(row, format!("the folder {folder} a second time")));
        }
    }
    Ok(symbols)
}

/// Writes `symbols.csv`.
pub(super) fn write(root: &Path, places: &BTreeMap<&str, Place>) -> Result<()> {
    let path = root.join(FILE);
    let refused = |e: csv::Error| Error::io(&path, "cannot write it", e.into());
    let mut file = csv::WriterBuilder::new().has_headers(false).from_path(&path).map_err(refused)?;
    for (symbol, place) in places {
        file.write_record([symbol, place.folder.as_str()]).map_err(refused)?;
    }
    file.flush().map_err(|e| Error::io(&path, "cannot write it", e))
}

/// The symbol of a folder that `symbols.csv` does not have.
pub(super) fn of_folder(folder: &str) -> &str {
    folder.strip_prefix(PREFIX).filter(|name| is_device(name)).unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(symbol: &str, with: &[&str]) -> String {
        let all: Vec<&str> = std::iter::once(symbol).chain(with.iter().copied()).collect();
        places(&all)[symbol].folder.clone()
    }

    #[test]
    fn a_plain_symbol_has_qlibs_own_folder() {
        for (symbol, expected) in
            [("BTCUSDT", "btcusdt"), ("SH600000", "sh600000"), ("^GSPC", "^gspc"), ("BRK.B", "brk.b")]
        {
            assert_eq!(folder(symbol, &["ETH"]), expected);
        }
    }

    #[test]
    fn symbols_that_differ_in_case_alone_have_different_folders_whatever_their_order() {
        let (one, two) = (folder("abC", &["aBc"]), folder("aBc", &["abC"]));
        assert!(one.starts_with("abc-") && two.starts_with("abc-") && one != two, "{one} {two}");
        assert_eq!((folder("abC", &["aBc"]), folder("abC", &["x", "aBc"])), (one.clone(), one));
    }

    #[test]
    fn names_of_devices_are_written_as_qlib_does_and_read_back() {
        for device in ["CON", "nul", "COM3", "lpt0"] {
            let folder = folder(device, &[]);
            assert_eq!(folder, format!("_qlib_{}", device.to_lowercase()));
            assert_eq!(of_folder(&folder), device.to_lowercase());
        }
        assert_eq!(of_folder("_qlib_other"), "_qlib_other");
    }

    #[test]
    fn names_that_no_folder_or_table_can_have_are_replaced() {
        for symbol in
            ["BTC/USDT", "a b", "..", "trailing.", "NA", "null", "", "con.txt", "a\tb", "Ünit", "C:x", "_qlib_x"]
        {
            let folder = folder(symbol, &[]);
            assert!(is_plain(&folder) && folder.contains('-'), "{symbol}: {folder}");
        }
    }
}
