//! YAML text as a tree that knows its lines: one document of YAML 1.2's core schema, without anchors, aliases, tags and
//! keys that stand twice.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::error::{Code, Error};

/// More than the deepest condition needs; deeper text is not a strategy.
const DEPTH: usize = 32;
/// Longest text, in bytes.
const LENGTH: usize = 256 * 1024;

/// A value and the line at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    /// A number, and whether it is written as a whole one (`14`, and not `14.0`).
    Number {
        value: f64,
        whole: bool,
    },
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

impl Value {
    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Number { whole: true, .. } => "a whole number",
            Self::Number { whole: false, .. } => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// Reads the one document of `text`.
pub(crate) fn read(text: &str) -> Result<Node, Error> {
    if text.len() > LENGTH {
        let message = format!("the file has {} bytes; a strategy has at most {LENGTH}", text.len());
        return Err(Error::new(Code::OutOfRange, 1, "", message));
    }
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        tree.take(event, span.start.line().max(1))?;
    }
    tree.root.ok_or_else(|| Error::new(Code::BadType, 1, "", "the file is empty; a strategy is a mapping"))
}

fn syntax(error: &ScanError) -> Error {
    let code = if error.info().contains("anchor") { Code::Alias } else { Code::YamlSyntax };
    Error::new(code, error.marker().line().max(1), "", format!("not YAML: {}", error.info()))
}

/// The tree while it grows.
#[derive(Debug, Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
}

/// A list or a mapping that is not closed yet.
#[derive(Debug)]
enum Open {
    List(usize, Vec<Node>),
    Mapping(usize, Vec<(Key, Node)>, Option<Key>),
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Error> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Error::new(Code::BadType, 1, "", "a second document; a file is one strategy"))
            }
            Event::Alias(_) => Err(aliased(line)),
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some(), line)?;
                let value = if style == ScalarStyle::Plain { resolve(&text) } else { Value::Text(text.clone().into()) };
                let above = self.path();
                if let Some(Open::Mapping(_, entries, key @ None)) = self.open.last_mut() {
                    let name: String = text.into();
                    if entries.iter().any(|(other, _)| other.name == name) {
                        let message = format!("`{name}` stands twice");
                        return Err(Error::new(Code::DuplicateKey, line, &format!("{above}{name}"), message));
                    }
                    *key = Some(Key { name, line });
                    return Ok(());
                }
                self.add(Node { line, value })
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some(), line)?;
                self.open(Open::List(line, Vec::new()), line)
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some(), line)?;
                self.open(Open::Mapping(line, Vec::new(), None), line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(line, items)) => self.add(Node { line, value: Value::List(items) }),
                Some(Open::Mapping(line, entries, _)) => self.add(Node { line, value: Value::Mapping(entries) }),
                None => Ok(()),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    /// The keys that are open, each with a dot behind it.
    fn path(&self) -> String {
        let key = |open: &Open| match open {
            Open::Mapping(_, _, Some(key)) => Some(format!("{}.", key.name)),
            _ => None,
        };
        self.open.iter().filter_map(key).collect()
    }

    fn open(&mut self, open: Open, line: usize) -> Result<(), Error> {
        if matches!(self.open.last(), Some(Open::Mapping(_, _, None))) {
            return Err(Error::new(Code::BadType, line, "", "a key must be a word"));
        }
        if self.open.len() >= DEPTH {
            return Err(Error::new(Code::BadType, line, "", format!("more than {DEPTH} levels deep")));
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, mut node: Node) -> Result<(), Error> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Mapping(_, entries, key)) => {
                let key = key.take().ok_or_else(|| Error::new(Code::BadType, node.line, "", "a key must be a word"))?;
                // What is not there has no line of its own.
                if node.value == Value::Null {
                    node.line = key.line;
                }
                entries.push((key, node));
            }
        }
        Ok(())
    }
}

/// Refuses anchors and tags.
fn plain(anchor: usize, tagged: bool, line: usize) -> Result<(), Error> {
    if anchor != 0 {
        return Err(aliased(line));
    }
    if tagged {
        return Err(Error::new(Code::Unsupported, line, "", "tags (`!word`) are not part of the language"));
    }
    Ok(())
}

fn aliased(line: usize) -> Error {
    Error::new(Code::Alias, line, "", "anchors (`&name`) and aliases (`*name`) are not part of the language")
}

/// A plain scalar by the core schema (YAML 1.2.2, section 10.3.2).
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Flag(true),
        "false" | "False" | "FALSE" => return Value::Flag(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Number { value: f64::NAN, whole: false },
        _ => {}
    }
    let whole_in = |digits: &str, radix| {
        (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))).then(|| {
            let value = digits.chars().filter_map(|digit| digit.to_digit(radix));
            value.fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit))
        })
    };
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(value) = text.strip_prefix(prefix).and_then(|digits| whole_in(digits, radix)) {
            return Value::Number { value, whole: true };
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let infinite = matches!(unsigned, ".inf" | ".Inf" | ".INF");
    let whole = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    // Rust reads numbers as the schema does, but for words like `inf`, which have a letter first.
    let number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    match text.parse() {
        _ if infinite => {
            let value = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
            Value::Number { value, whole: false }
        }
        Ok(value) if number => Value::Number { value, whole },
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        for text in ["yes", "no", "on", "22:00", "1h", "inf", "nan", ".", "-", "1_000", "0b1", "-0x1f"] {
            assert_eq!(resolve(text), Value::Text(text.to_owned()), "{text}");
        }
        for (text, value, whole) in
            [("010", 10.0, true), ("-7", -7.0, true), ("0x1f", 31.0, true), ("14.0", 14.0, false), ("1e3", 1e3, false)]
        {
            assert_eq!(resolve(text), Value::Number { value, whole }, "{text}");
        }
        assert_eq!(resolve("~"), Value::Null);
        assert_eq!(resolve("True"), Value::Flag(true));
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused_at_its_line() {
        let fault = |text: &str| read(text).map_err(|error| (error.code, error.line)).unwrap_err();
        assert_eq!(fault(""), (Code::BadType, 1));
        assert_eq!(fault("a: 1\n---\nb: 2\n"), (Code::BadType, 1));
        assert_eq!(fault("a: 1\nb: &x 2\n"), (Code::Alias, 2));
        assert_eq!(fault("a: 1\nb: *x\n"), (Code::Alias, 2));
        assert_eq!(fault("a: 1\nb: 2\na: 3\n"), (Code::DuplicateKey, 3));
        assert_eq!(fault("a: 1\n? [b]\n: 2\n"), (Code::BadType, 2));
        assert_eq!(fault("a: !!int 1\n"), (Code::Unsupported, 1));
        assert_eq!(fault(&"- ".repeat(10_000)), (Code::BadType, 1));
        assert_eq!(fault(&"#".repeat(LENGTH + 1)), (Code::OutOfRange, 1));
    }
}
