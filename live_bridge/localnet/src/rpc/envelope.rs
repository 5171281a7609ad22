//! JSON-RPC 2.0: requests, batches, notifications, and their answers. Source: the specification at jsonrpc.org.

use super::error::RpcError;
use super::params::Params;
use serde_json::{Value, json};

/// A request, as far as it is one.
#[derive(Debug)]
pub(crate) struct Request {
    /// What the answer is called by; a notification has none and gets no answer.
    pub(crate) id: Option<Value>,
    /// The method.
    pub(crate) method: String,
    /// Its parameters.
    pub(crate) params: Params,
}

/// What a message holds: one request, or several at once.
#[derive(Debug)]
pub(crate) enum Message {
    /// One.
    Single(Result<Request, Value>),
    /// Several, answered in one array.
    Batch(Vec<Result<Request, Value>>),
}

impl Message {
    /// Reads what was sent; the error is the whole answer.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Value> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| failed(&Value::Null, &RpcError::parse()))?;
        match value {
            Value::Array(list) if list.is_empty() => Err(failed(&Value::Null, &RpcError::request("Invalid request"))),
            Value::Array(list) => Ok(Self::Batch(list.into_iter().map(Request::read).collect())),
            single => Ok(Self::Single(Request::read(single))),
        }
    }

    /// The methods asked for.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &str> {
        let requests = match self {
            Self::Single(request) => std::slice::from_ref(request),
            Self::Batch(requests) => requests.as_slice(),
        };
        requests.iter().flatten().map(|request| request.method.as_str())
    }

    /// The whole answer; `None` where nothing is to be answered.
    pub(crate) fn answer(self, mut call: impl FnMut(&str, Params) -> Result<Value, RpcError>) -> Option<Value> {
        let mut one = |request: Result<Request, Value>| match request {
            Err(failed) => Some(failed),
            Ok(Request { id, method, params }) => {
                let result = call(&method, params);
                id.map(|id| answered(&id, result))
            }
        };
        match self {
            Self::Single(request) => one(request),
            Self::Batch(requests) => {
                let answers: Vec<Value> = requests.into_iter().filter_map(one).collect();
                (!answers.is_empty()).then_some(Value::Array(answers))
            }
        }
    }
}

impl Request {
    fn read(value: Value) -> Result<Self, Value> {
        let Value::Object(mut object) = value else {
            return Err(failed(&Value::Null, &RpcError::request("Invalid request")));
        };
        let id = object.remove("id");
        let told = id.clone().unwrap_or(Value::Null);
        let is_id = matches!(told, Value::Null | Value::String(_) | Value::Number(_));
        let is_version = object.get("jsonrpc").is_some_and(|version| version == "2.0");
        match object.remove("method") {
            Some(Value::String(method)) if is_id && is_version => match Params::read(object.remove("params")) {
                Ok(params) => Ok(Self { id, method, params }),
                Err(error) => Err(failed(&told, &error)),
            },
            _ => Err(failed(if is_id { &told } else { &Value::Null }, &RpcError::request("Invalid request"))),
        }
    }
}

/// The answer to a request.
pub(crate) fn answered(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "result": result, "id": id}),
        Err(error) => failed(id, &error),
    }
}

fn failed(id: &Value, error: &RpcError) -> Value {
    json!({"jsonrpc": "2.0", "error": error, "id": id})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<Value> {
        match Message::read(text.as_bytes()) {
            Ok(message) => message.answer(|method, _| match method {
                "one" => Ok(json!(1)),
                _ => Err(RpcError::method()),
            }),
            Err(whole) => Some(whole),
        }
    }

    #[test]
    fn an_id_is_given_back_in_its_own_type_and_a_notification_gets_nothing() {
        assert_eq!(answer(r#"{"jsonrpc":"2.0","id":"0","method":"one"}"#).unwrap()["id"], json!("0"));
        assert_eq!(answer(r#"{"jsonrpc":"2.0","id":7,"method":"one","params":[]}"#).unwrap()["id"], json!(7));
        assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"one"}"#), None);
        assert_eq!(answer(r#"[{"jsonrpc":"2.0","method":"one"}]"#), None);
    }

    #[test]
    fn every_element_of_a_batch_is_answered_with_its_errors_inside() {
        let answers = answer(r#"[{"jsonrpc":"2.0","id":1,"method":"one"},{"jsonrpc":"2.0","id":2,"method":"two"},5]"#);
        let codes: Vec<_> =
            answers.unwrap().as_array().unwrap().iter().map(|one| one["error"]["code"].clone()).collect();
        assert_eq!(codes, [Value::Null, json!(-32601), json!(-32600)]);
    }

    #[test]
    fn what_is_no_request_is_refused_by_its_own_number() {
        for (text, code) in [
            ("{", -32700),
            ("[]", -32600),
            ("5", -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"one"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"one"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"one","params":{"a":1}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"one","params":5}"#, -32602),
        ] {
            assert_eq!(answer(text).unwrap()["error"]["code"], json!(code), "{text}");
        }
    }
}
