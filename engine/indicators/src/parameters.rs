//! The parameters of an indicator: declared by its type, checked where they are set.

use crate::formula::Formula;

/// A parameter's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u32),
    /// Any number.
    Number(f64),
    /// One of a list of words.
    Word(&'static str),
}

impl From<u32> for Value {
    fn from(whole: u32) -> Self {
        Self::Whole(whole)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    /// A whole number, bounds included.
    Whole {
        /// Where it is not set.
        default: u32,
        /// Least value.
        least: u32,
        /// Greatest value.
        most: u32,
    },
    /// A number, bounds included.
    Number {
        /// Where it is not set.
        default: f64,
        /// Least value.
        least: f64,
        /// Greatest value.
        most: f64,
    },
    /// One of these words; the first where it is not set.
    Word(&'static [&'static str]),
}

/// A declared parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name in strategy files.
    pub name: &'static str,
    /// What it may be.
    pub bounds: Bounds,
}

impl Field {
    /// A whole number between `least` and `most`.
    #[must_use]
    pub const fn whole(name: &'static str, default: u32, least: u32, most: u32) -> Self {
        Self { name, bounds: Bounds::Whole { default, least, most } }
    }

    /// The number of bars, `least` to 2000.
    #[must_use]
    pub const fn period(default: u32, least: u32) -> Self {
        Self::whole("period", default, least, 2000)
    }

    /// A number between `least` and `most`.
    #[must_use]
    pub const fn number(name: &'static str, default: f64, least: f64, most: f64) -> Self {
        Self { name, bounds: Bounds::Number { default, least, most } }
    }

    /// One of `words`, the first where it is not set.
    #[must_use]
    pub const fn word(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { name, bounds: Bounds::Word(words) }
    }

    /// Its value where it is not set.
    #[must_use]
    pub const fn default(&self) -> Value {
        match self.bounds {
            Bounds::Whole { default, .. } => Value::Whole(default),
            Bounds::Number { default, .. } => Value::Number(default),
            Bounds::Word(words) => Value::Word(words[0]),
        }
    }

    /// `value` where the parameter may be that. A whole number is a number, too.
    ///
    /// # Errors
    /// It is of another kind, out of bounds, or none of the words.
    pub fn check(&self, value: Value) -> Result<Value, ParameterError> {
        let name = self.name;
        let within = |found: f64, least: f64, most: f64, value: Value| {
            // Written so that NaN is outside.
            if found >= least && found <= most {
                Ok(value)
            } else {
                Err(ParameterError::OutOfRange { name, found, least, most })
            }
        };
        match (self.bounds, value) {
            (Bounds::Whole { least, most, .. }, Value::Whole(found)) => {
                within(f64::from(found), f64::from(least), f64::from(most), value)
            }
            (Bounds::Number { least, most, .. }, Value::Whole(found)) => {
                within(f64::from(found), least, most, Value::Number(f64::from(found)))
            }
            (Bounds::Number { least, most, .. }, Value::Number(found)) => within(found, least, most, value),
            (Bounds::Word(words), Value::Word(found)) if words.contains(&found) => Ok(value),
            (Bounds::Word(words), Value::Word(_)) => Err(ParameterError::BadWord { name, words }),
            (Bounds::Whole { .. }, _) => Err(ParameterError::BadType { name, expected: "a whole number" }),
            (Bounds::Number { .. }, _) => Err(ParameterError::BadType { name, expected: "a number" }),
            (Bounds::Word(_), _) => Err(ParameterError::BadType { name, expected: "a word" }),
        }
    }
}

/// Why a parameter was not set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// The type has no such parameter.
    #[error("{formula} has no parameter `{name}`; it has {}", listed(.known))]
    Unknown {
        /// The type's name.
        formula: &'static str,
        /// What was to be set.
        name: String,
        /// What could be.
        known: Vec<&'static str>,
    },
    /// A value of another kind.
    #[error("`{name}` must be {expected}")]
    BadType {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A number out of bounds.
    #[error("`{name}` is {found}; it must be from {least} to {most}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// What was given.
        found: f64,
        /// Least value.
        least: f64,
        /// Greatest value.
        most: f64,
    },
    /// A word that is none of the list.
    #[error("`{name}` must be one of {}", listed(.words))]
    BadWord {
        /// The parameter.
        name: &'static str,
        /// What it may be.
        words: &'static [&'static str],
    },
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The parameters of one indicator, in the order in which its type declares them.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Vec<(&'static str, Value)>);

impl Parameters {
    /// The defaults of `formula`.
    #[must_use]
    pub fn of(formula: &dyn Formula) -> Self {
        Self(formula.fields().iter().map(|field| (field.name, field.default())).collect())
    }

    /// Sets a parameter that was checked.
    pub(crate) fn put(&mut self, name: &'static str, value: Value) {
        for slot in self.0.iter_mut().filter(|slot| slot.0 == name) {
            slot.1 = value;
        }
    }

    /// Names and values, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.0.iter().copied()
    }

    fn get(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|slot| slot.0 == name).map(|slot| slot.1)
    }

    /// The whole number `name`.
    ///
    /// # Panics
    /// The type declares no whole number of that name.
    #[must_use]
    pub fn whole(&self, name: &str) -> usize {
        match self.get(name) {
            Some(Value::Whole(whole)) => whole as usize,
            other => panic!("`{name}` is declared as no whole number: {other:?}"),
        }
    }

    /// The number `name`.
    ///
    /// # Panics
    /// The type declares no number of that name.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Value::Number(number)) => number,
            other => panic!("`{name}` is declared as no number: {other:?}"),
        }
    }

    /// The word `name`.
    ///
    /// # Panics
    /// The type declares no word of that name.
    #[must_use]
    pub fn word(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(Value::Word(word)) => word,
            other => panic!("`{name}` is declared as no word: {other:?}"),
        }
    }

    /// The number of bars, `period`.
    ///
    /// # Panics
    /// The type declares no `period`.
    #[must_use]
    pub fn period(&self) -> usize {
        self.whole("period")
    }
}
