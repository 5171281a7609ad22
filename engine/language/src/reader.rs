//! Walks the tree: entries know their path and report what is wrong with them.

use crate::{
    error::{Code, Error},
    yaml::{Key, Node, Value},
};

/// A value, the path to it, and the line of the key that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) node: &'a Node,
}

/// A mapping, the path to it, and the line of the key that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Mapping<'a> {
    pub(crate) path: String,
    pub(crate) line: usize,
    entries: &'a [(Key, Node)],
}

impl<'a> Mapping<'a> {
    /// The whole document.
    pub(crate) fn document(node: &'a Node) -> Result<Self, Error> {
        Entry { path: String::new(), line: 1, node }.mapping()
    }

    /// Its entries, in the order of the file.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Entry<'a>)> {
        self.entries.iter().map(|(key, node)| (key.name.as_str(), self.entry(key, node)))
    }

    fn entry(&self, key: &Key, node: &'a Node) -> Entry<'a> {
        let path = if self.path.is_empty() { key.name.clone() } else { format!("{}.{}", self.path, key.name) };
        Entry { path, line: key.line, node }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Entry<'a>> {
        self.entries().find(|(key, _)| *key == name).map(|(_, entry)| entry)
    }

    pub(crate) fn require(&self, name: &str) -> Result<Entry<'a>, Error> {
        self.get(name)
            .ok_or_else(|| Error::new(Code::MissingKey, self.line, &self.path, format!("`{name}` is missing")))
    }

    /// Refuses every key but these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.entries().find(|(key, _)| !known.contains(key)) {
            None => Ok(()),
            Some((key, entry)) => {
                let message = format!("unknown key `{key}`; here may stand {}", known.join(", "));
                Err(Error::new(Code::UnknownKey, entry.line, &entry.path, message))
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// A fault of the scalar.
    pub(crate) fn fault(&self, code: Code, message: impl Into<String>) -> Error {
        Error::new(code, self.node.line, &self.path, message)
    }

    /// A fault of the entry as a whole.
    pub(crate) fn fault_of_key(&self, code: Code, message: impl Into<String>) -> Error {
        Error::new(code, self.line, &self.path, message)
    }

    fn bad_type(&self, expected: &str) -> Error {
        let found = self.node.value.kind();
        let message = match &self.node.value {
            Value::Text(text) => format!("expected {expected}, found {found}: `{text}`"),
            Value::Number { value, .. } => format!("expected {expected}, found {found}: {value}"),
            _ => format!("expected {expected}, found {found}"),
        };
        // The scalar is at fault where a scalar belongs; else the shape of the entry is.
        match self.node.value {
            Value::List(_) | Value::Mapping(_) => self.fault_of_key(Code::BadType, message),
            _ => self.fault(Code::BadType, message),
        }
    }

    pub(crate) fn mapping(&self) -> Result<Mapping<'a>, Error> {
        match &self.node.value {
            Value::Mapping(entries) => Ok(Mapping { path: self.path.clone(), line: self.line, entries }),
            other => Err(self.fault_of_key(Code::BadType, format!("expected a mapping, found {}", other.kind()))),
        }
    }

    pub(crate) fn list(&self) -> Result<Vec<Entry<'a>>, Error> {
        match &self.node.value {
            Value::List(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(i, node)| Entry { path: format!("{}[{i}]", self.path), line: self.line, node })
                .collect()),
            other => Err(self.fault_of_key(Code::BadType, format!("expected a list, found {}", other.kind()))),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str, Error> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.bad_type("text")),
        }
    }

    pub(crate) fn flag(&self) -> Result<bool, Error> {
        match self.node.value {
            Value::Flag(flag) => Ok(flag),
            _ => Err(self.bad_type("true or false")),
        }
    }

    /// A number, and whether it is written as a whole one.
    pub(crate) fn number(&self) -> Result<(f64, bool), Error> {
        match self.node.value {
            Value::Number { value, whole } => Ok((value, whole)),
            _ => Err(self.bad_type("a number")),
        }
    }

    /// A number from `least` to `most`.
    pub(crate) fn number_in(&self, least: f64, most: f64) -> Result<f64, Error> {
        let (value, _) = self.number()?;
        self.within(value, least, most)?;
        Ok(value)
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn whole_in(&self, least: u32, most: u32) -> Result<u32, Error> {
        let Value::Number { value, whole: true } = self.node.value else {
            return Err(self.bad_type("a whole number"));
        };
        self.within(value, f64::from(least), f64::from(most))?;
        Ok(value as u32)
    }

    fn within(&self, value: f64, least: f64, most: f64) -> Result<(), Error> {
        // Written so that NaN is outside.
        if value >= least && value <= most {
            return Ok(());
        }
        Err(self.fault(Code::OutOfRange, format!("{value} is not from {least} to {most}")))
    }

    /// One of `words`.
    pub(crate) fn word<T>(&self, words: &[(&'static str, T)]) -> Result<T, Error>
    where
        T: Copy,
    {
        let text = self.text()?;
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| self.fault(Code::BadValue, format!("`{text}` is none of {}", known())))
    }
}
