//! Errors between us and a node, grouped by the possible response.

use solana_transaction_error::TransactionError;
use std::time::Duration;
use thiserror::Error;

/// A call that was not answered, or not with a result.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RpcError {
    /// Too many requests (HTTP 429).
    #[error("the node limits requests{}", retry_after.map_or_else(String::new, |wait| format!(", for {} s", wait.as_secs())))]
    RateLimited {
        /// When the node wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// No answer in time. The request may have been executed.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// No connection, or one that broke. The request may have been executed.
    #[error("connection: {0}")]
    Connection(String),
    /// Another HTTP status than 200.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The node lags behind what is asked for.
    #[error("the node lags behind: {0}")]
    Behind(String),
    /// The node says that it cannot serve.
    #[error("the node is unhealthy: {0}")]
    Unhealthy(String),
    /// The node refuses the request.
    #[error("the node refuses {method}: {message} ({code})")]
    Refused {
        /// The method.
        method: &'static str,
        /// The protocol's number.
        code: i32,
        /// The node's words.
        message: String,
    },
    /// The node refuses the transaction after its own simulation.
    #[error("the node refuses the transaction: {0}")]
    Preflight(TransactionError),
    /// An answer that is none.
    #[error("{method}: the answer is not what Solana's documentation says: {problem}")]
    Malformed {
        /// The method.
        method: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Ask again, or somebody else.
    Transient,
    /// Asking again changes nothing.
    Fatal,
    /// The chain, the program or the pool says no.
    Venue,
}

impl RpcError {
    /// What can be done about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::RateLimited { .. }
            | Self::Timeout(_)
            | Self::Connection(_)
            | Self::Behind(_)
            | Self::Unhealthy(_) => Class::Transient,
            Self::Status(status) if *status >= 500 => Class::Transient,
            Self::Preflight(TransactionError::BlockhashNotFound) => Class::Transient,
            Self::Preflight(_) => Class::Venue,
            Self::Status(_) | Self::Refused { .. } | Self::Malformed { .. } => Class::Fatal,
        }
    }

    /// Whether it says more about the node than about what was asked: another one may answer.
    pub(super) fn is_of_the_node(&self) -> bool {
        const NO_SUCH_METHOD: i32 = -32601;
        match self {
            Self::Status(_) | Self::Malformed { .. } => true,
            Self::Refused { code, .. } => *code == NO_SUCH_METHOD,
            _ => self.class() == Class::Transient,
        }
    }

    /// From an error object of JSON-RPC. Source of the numbers: Solana's documentation of its JSON-RPC.
    pub(super) fn of_protocol(method: &'static str, code: i32, message: &str, data: Option<&str>) -> Self {
        #[derive(serde::Deserialize)]
        struct Simulated {
            err: Option<TransactionError>,
        }
        let message = message.to_owned();
        match code {
            -32002 => match data.and_then(|data| serde_json::from_str::<Simulated>(data).ok()?.err) {
                Some(error) => Self::Preflight(error),
                None => Self::Refused { method, code, message },
            },
            -32003 => Self::Preflight(TransactionError::SignatureFailure),
            -32005 => Self::Unhealthy(message),
            -32004 | -32014 | -32016 => Self::Behind(message),
            -32603 | 429 => Self::Unhealthy(message),
            _ => Self::Refused { method, code, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_class_of_what_can_be_done_about_it() {
        let of = |code, data| RpcError::of_protocol("sendTransaction", code, "m", data);
        for (error, class) in [
            (RpcError::RateLimited { retry_after: None }, Class::Transient),
            (RpcError::Timeout(Duration::ZERO), Class::Transient),
            (RpcError::Connection(String::new()), Class::Transient),
            (RpcError::Status(500), Class::Transient),
            (RpcError::Status(403), Class::Fatal),
            (of(-32005, None), Class::Transient),
            (of(-32016, None), Class::Transient),
            (of(-32002, Some(r#"{"err":"BlockhashNotFound"}"#)), Class::Transient),
            (of(-32002, Some(r#"{"err":{"InstructionError":[2,{"Custom":6004}]}}"#)), Class::Venue),
            (of(-32003, None), Class::Venue),
            (of(-32601, None), Class::Fatal),
            (of(-32602, None), Class::Fatal),
        ] {
            assert_eq!(error.class(), class, "{error}");
        }
    }
}
