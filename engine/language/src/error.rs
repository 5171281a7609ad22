//! What is wrong with a file, and where.

use std::fmt;

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// The kind of a fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

codes! {
    /// Not YAML.
    YamlSyntax = "yaml_syntax",
    /// An anchor or an alias.
    Alias = "alias",
    /// A key that stands twice.
    DuplicateKey = "duplicate_key",
    /// A key that is not of the language.
    UnknownKey = "unknown_key",
    /// A key that must be there.
    MissingKey = "missing_key",
    /// A number where a word belongs, a list where a mapping does.
    BadType = "bad_type",
    /// None of the words that may stand there.
    BadValue = "bad_value",
    /// A name that cannot be one.
    BadName = "bad_name",
    /// A number out of its bounds, or more of something than there may be.
    OutOfRange = "out_of_range",
    /// A name that stands for nothing.
    UnknownReference = "unknown_reference",
    /// An output that an indicator does not have.
    UnknownOutput = "unknown_output",
    /// No condition.
    BadCondition = "bad_condition",
    /// Nothing ever opens a position.
    NoEntry = "no_entry",
    /// Two fields that do not go together.
    Conflict = "conflict",
    /// What other systems have and this one has not.
    Unsupported = "unsupported",
    /// A path that leads to no number.
    SweepPath = "sweep_path",
    /// A value that the number at a path cannot have.
    SweepValue = "sweep_value",
}

/// A fault of a strategy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Error {
    /// Its kind.
    pub code: Code,
    /// The line at which it stands, from 1.
    pub line: usize,
    /// The path of keys to it (`indicators.rsi.period`), empty for the document.
    pub path: String,
    /// What was found, what was expected.
    pub message: String,
}

impl Error {
    pub(crate) fn new(code: Code, line: usize, path: &str, message: impl Into<String>) -> Self {
        Self { code, line, path: path.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": {} ({})", self.message, self.code.word())
    }
}
