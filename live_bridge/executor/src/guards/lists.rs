//! Mints that may not be bought, or the only ones that may. Lists fail closed: one that cannot be read allows nothing.
//!
//! A list is a JSON file, `{"addresses": ["..."], "patterns": ["...pump"]}`; `*` at either end of a pattern matches
//! anything. It is read again for every order, so a change takes effect at once.

use super::Refusal;
use q50_pumpswap::chain::Address;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The files of the two lists; absent ones do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Mints that may not be bought.
    pub denied: Option<PathBuf>,
    /// The only mints that may be bought.
    pub allowed: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
}

impl Lists {
    /// Whether a mint may be bought.
    ///
    /// # Errors
    /// [`Refusal::Denied`], [`Refusal::NotAllowed`], or [`Refusal::List`] where a list cannot be read.
    pub fn check(&self, mint: &Address) -> Result<(), Refusal> {
        if let Some(path) = &self.denied
            && List::read(path)?.names(mint)
        {
            return Err(Refusal::Denied { mint: *mint, list: path.clone() });
        }
        if let Some(path) = &self.allowed
            && !List::read(path)?.names(mint)
        {
            return Err(Refusal::NotAllowed { mint: *mint, list: path.clone() });
        }
        Ok(())
    }
}

impl List {
    fn read(path: &Path) -> Result<Self, Refusal> {
        let unusable = |reason: String| Refusal::List { list: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        // An object: the parser would take an array for one, by position, and an empty one would name nobody.
        let object: serde_json::Map<_, _> = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        let list = Self::deserialize(object).map_err(|error| unusable(error.to_string()))?;
        for address in &list.addresses {
            address.parse::<Address>().map_err(|error| unusable(error.to_string()))?;
        }
        if let Some(pattern) = list.patterns.iter().find(|pattern| pattern.trim_matches('*').contains('*')) {
            return Err(unusable(format!("`{pattern}` has a * inside; it stands at the beginning or at the end")));
        }
        Ok(list)
    }

    fn names(&self, mint: &Address) -> bool {
        let mint = mint.to_string();
        self.addresses.contains(&mint) || self.patterns.iter().any(|pattern| matches(pattern, &mint))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let middle = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => text.contains(middle),
        (true, false) => text.ends_with(middle),
        (false, true) => text.starts_with(middle),
        (false, false) => text == middle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINT: &str = "7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump";

    fn with(content: &str, list: fn(PathBuf) -> Lists) -> Result<(), Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.json");
        std::fs::write(&path, content).unwrap();
        list(path).check(&MINT.parse().unwrap())
    }

    fn denied(content: &str) -> Result<(), Refusal> {
        with(content, |path| Lists { denied: Some(path), allowed: None })
    }

    fn allowed(content: &str) -> Result<(), Refusal> {
        with(content, |path| Lists { denied: None, allowed: Some(path) })
    }

    #[test]
    fn a_mint_is_named_by_address_or_by_pattern() {
        let by_address = format!(r#"{{"addresses": ["{MINT}"]}}"#);
        assert!(matches!(denied(&by_address), Err(Refusal::Denied { .. })));
        assert!(allowed(&by_address).is_ok());
        for pattern in ["*pump", "7LSs*", "*EoJG*", MINT] {
            assert!(denied(&format!(r#"{{"patterns": ["{pattern}"]}}"#)).is_err(), "{pattern}");
        }
        assert!(denied(r#"{"patterns": ["*bonk", "pump*"]}"#).is_ok());
        assert!(matches!(allowed(r#"{"patterns": ["*bonk"]}"#), Err(Refusal::NotAllowed { .. })));
    }

    #[test]
    fn a_list_that_cannot_be_read_allows_nothing() {
        for content in ["", "{", "[]", r#"{"adresses": []}"#, r#"{"addresses": ["pump"]}"#, r#"{"patterns": ["a*b"]}"#]
        {
            assert!(matches!(denied(content), Err(Refusal::List { .. })), "{content}");
        }
        let missing = Lists { denied: Some("/nonexistent/list.json".into()), allowed: None };
        assert!(matches!(missing.check(&MINT.parse().unwrap()), Err(Refusal::List { .. })));
    }

    #[test]
    fn without_lists_every_mint_passes() {
        assert!(Lists::default().check(&MINT.parse().unwrap()).is_ok());
    }
}
