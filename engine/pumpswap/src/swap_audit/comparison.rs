//! One record, field by field.

use std::fmt::Display;

use crate::amm::AmmError;
use serde_json::Value;

/// A field that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) field: String,
    pub(super) expected: Option<String>,
    pub(super) got: Option<String>,
}

/// What comparing one record came to.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Whether the record is a refusal.
    pub(super) refused: bool,
    pub(super) differences: Vec<Difference>,
    /// Keys that mean nothing.
    pub(super) ignored: Vec<String>,
    /// Fields that were compared.
    compared: usize,
}

impl Comparison {
    /// Compares a recorded value with ours; an unknown one (absent or null) is not compared.
    pub(super) fn field(&mut self, field: &str, expected: Option<&Value>, got: impl Display) {
        let Some(expected) = expected.filter(|value| !value.is_null()) else { return };
        self.compared += 1;
        let (expected, got) = (plain(expected), got.to_string());
        if !same(&expected, &got) {
            self.differences.push(Difference { field: field.to_owned(), expected: Some(expected), got: Some(got) });
        }
    }

    /// A recorded value that the arithmetic has no counterpart for.
    pub(super) fn unknown(&mut self, field: &str, expected: &Value) {
        if expected.is_null() {
            return;
        }
        self.compared += 1;
        self.differences.push(Difference { field: field.to_owned(), expected: Some(plain(expected)), got: None });
    }

    /// A trade was recorded and the program refuses it.
    pub(super) fn should_trade(&mut self, error: AmmError) {
        self.compared += 1;
        self.differences.push(Difference { field: "error".to_owned(), expected: None, got: Some(described(error)) });
    }

    /// A refusal was recorded; `got` is ours, and `matches` says whether it is that one.
    pub(super) fn refusal(&mut self, expected: &str, got: Option<AmmError>, matches: bool) {
        self.compared += 1;
        self.refused = true;
        if !matches {
            let (expected, got) = (Some(expected.to_owned()), got.map(described));
            self.differences.push(Difference { field: "error".to_owned(), expected, got });
        }
    }

    /// The comparison, unless there was nothing to compare.
    pub(super) fn done(self) -> Result<Self, String> {
        if self.compared == 0 {
            return Err("nothing to compare with: expected the answer's fields, `expected`, `event` or `error`".into());
        }
        Ok(self)
    }
}

fn described(error: AmmError) -> String {
    format!("{} {}", error.code(), error.name())
}

/// A value as it is read aloud: without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same text, or the same integer.
fn same(expected: &str, got: &str) -> bool {
    expected == got || matches!((expected.parse::<i128>(), got.parse::<i128>()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_and_its_digits_are_the_same_and_null_is_unknown() {
        let mut comparison = Comparison::default();
        for value in [json!("7"), json!(7), json!("007")] {
            comparison.field("a", Some(&value), 7);
        }
        comparison.field("a", Some(&json!(true)), true);
        assert!(comparison.differences.is_empty());
        comparison.field("b", Some(&Value::Null), 7);
        comparison.field("b", None, 7);
        assert_eq!(comparison.compared, 4);
        comparison.field("c", Some(&json!("8")), 7);
        assert_eq!(
            comparison.differences,
            [Difference { field: "c".into(), expected: Some("8".into()), got: Some("7".into()) }]
        );
    }

    #[test]
    fn a_record_without_an_outcome_is_not_called_exact() {
        assert!(Comparison::default().done().is_err());
    }
}
