//! The records of a file: one per line, an array, or an object that holds an array.

use serde_json::Value;

use super::Object;

/// One record, or why it is none.
#[derive(Debug)]
pub(super) struct Record {
    /// Line, or number in its array, from 1.
    pub(super) line: u64,
    pub(super) content: Result<Value, String>,
}

/// All records of a file.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    /// Fee configurations that records name.
    pub(super) fee_configs: Option<Object>,
}

impl Records {
    pub(super) fn read(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let first = text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        let is_a_line = serde_json::from_slice::<Object>(first).is_ok_and(|object| list_of(&object).is_none());
        if !is_a_line && let Ok(document) = serde_json::from_slice::<Value>(text) {
            return Self::of_document(document);
        }
        let numbered = (1..).zip(text.split(|byte| *byte == b'\n'));
        let records = numbered
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .map(|(line, bytes)| Record { line, content: serde_json::from_slice(bytes).map_err(|e| parse_error(&e)) })
            .collect();
        Self { records, fee_configs: None }
    }

    fn of_document(document: Value) -> Self {
        let (list, fee_configs) = match document {
            Value::Array(list) => (list, None),
            Value::Object(mut object) => match list_of(&object) {
                Some(key) => {
                    let fee_configs = match object.remove("fee_configs") {
                        Some(Value::Object(configs)) => Some(configs),
                        _ => None,
                    };
                    (object.remove(key).and_then(into_array).unwrap_or_default(), fee_configs)
                }
                None => (vec![Value::Object(object)], None),
            },
            other => (vec![other], None),
        };
        let records = (1..).zip(list).map(|(line, record)| Record { line, content: Ok(record) }).collect();
        Self { records, fee_configs }
    }
}

fn into_array(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(list) = value { Some(list) } else { None }
}

/// The key under which an object holds records.
fn list_of(object: &Object) -> Option<&'static str> {
    ["rows", "swaps", "records"].into_iter().find(|key| object.get(*key).is_some_and(Value::is_array))
}

fn parse_error(error: &serde_json::Error) -> String {
    format!("not JSON: {}", crate::quote::RequestError::without_line(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, bool)> {
        Records::read(text.as_bytes()).records.iter().map(|r| (r.line, r.content.is_ok())).collect()
    }

    #[test]
    fn lines_an_array_and_an_object_around_one_are_read() {
        assert_eq!(lines("{\"a\":1}\n\nx\n{\"a\":2}\n"), [(1, true), (3, false), (4, true)]);
        assert_eq!(lines("[{\"a\":1},\n{\"a\":2}]"), [(1, true), (2, true)]);
        assert_eq!(lines("{\"README\":\"r\",\n\"swaps\":[{},{}]}"), [(1, true), (2, true)]);
        assert_eq!(lines("{\n\"a\": 1\n}"), [(1, true)]);
        assert_eq!(lines(""), []);
    }

    #[test]
    fn fee_configurations_come_with_their_file() {
        let read = Records::read(br#"{"fee_configs":{"mainnet":{}},"swaps":[]}"#);
        assert!(read.records.is_empty() && read.fee_configs.unwrap().contains_key("mainnet"));
    }
}
