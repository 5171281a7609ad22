//! The protocol's errors, by number.

use crate::chain::commitment::Slot;
use serde::Serialize;
use serde_json::{Value, json};

/// An error object of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RpcError {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// What was sent is no JSON.
    pub(crate) fn parse() -> Self {
        Self::new(-32700, "Parse error")
    }

    /// What was sent is no request, or one that cannot be answered as it asks.
    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(-32600, message)
    }

    /// There is no such method.
    pub(crate) fn method() -> Self {
        Self::new(-32601, "Method not found")
    }

    /// The parameters are not those of the method.
    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The node itself failed.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// The transaction fails before it is sent; `result` is what a simulation answers.
    pub(crate) fn preflight(message: String, result: Value) -> Self {
        Self { data: Some(result), ..Self::new(-32002, message) }
    }

    /// The block is not there yet.
    pub(crate) fn no_block(slot: Slot) -> Self {
        Self::new(-32004, format!("Block not available for slot {slot}"))
    }

    /// Neither a block nor ever one.
    pub(crate) fn skipped(slot: Slot) -> Self {
        Self::new(-32007, format!("Slot {slot} was skipped, or missing due to ledger jump to recent snapshot"))
    }

    /// The asker does not know transactions of this version.
    pub(crate) fn version(version: u8) -> Self {
        Self::new(
            -32015,
            format!(
                "Transaction version ({version}) is not supported by the requesting client. Please try the request \
                 again with the following configuration parameter: \"maxSupportedTransactionVersion\": {version}"
            ),
        )
    }

    /// The node has not come to the slot that the asker has seen.
    pub(crate) fn behind(slot: Slot) -> Self {
        let data = json!({"contextSlot": slot});
        Self { data: Some(data), ..Self::new(-32016, "Minimum context slot has not been reached") }
    }
}
