//! Positional parameters, each parsed into its type or refused by name.

use super::error::RpcError;
use crate::chain::commitment::{CommitmentLevel, Slot};
use crate::chain::view::View;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::str::FromStr;

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Params(std::vec::IntoIter<Value>);

impl Params {
    /// Absent and `null` are none; an object is not by position.
    pub(crate) fn read(value: Option<Value>) -> Result<Self, RpcError> {
        match value {
            None | Some(Value::Null) => Ok(Self(Vec::new().into_iter())),
            Some(Value::Array(list)) => Ok(Self(list.into_iter())),
            Some(_) => Err(RpcError::params("`params` should be an array")),
        }
    }

    /// The next one, which has to be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, RpcError> {
        let value = self.0.next().ok_or_else(|| {
            RpcError::params(format!("`params` should have at least 1 argument(s): {name} is missing"))
        })?;
        parse(name, value)
    }

    /// The next one, where there is one; `null` is none.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, RpcError> {
        match self.0.next() {
            None | Some(Value::Null) => Ok(None),
            Some(value) => parse(name, value).map(Some),
        }
    }

    /// The last one, where there is one, and its default where there is none.
    pub(crate) fn config<T: DeserializeOwned + Default>(&mut self) -> Result<T, RpcError> {
        let config = self.optional("config")?.unwrap_or_default();
        self.end()?;
        Ok(config)
    }

    /// An address.
    pub(crate) fn pubkey(&mut self) -> Result<Pubkey, RpcError> {
        let text: String = self.required("pubkey")?;
        pubkey(&text)
    }

    /// A signature.
    pub(crate) fn signature(&mut self) -> Result<Signature, RpcError> {
        let text: String = self.required("signature")?;
        signature(&text)
    }

    /// A blockhash.
    pub(crate) fn hash(&mut self) -> Result<Hash, RpcError> {
        let text: String = self.required("blockhash")?;
        hash(&text)
    }

    /// That there are no more than the method takes.
    pub(crate) fn end(&self) -> Result<(), RpcError> {
        match self.0.as_slice() {
            [] => Ok(()),
            more => Err(RpcError::params(format!("Invalid params: {} more than the method takes", more.len()))),
        }
    }
}

fn parse<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, RpcError> {
    serde_json::from_value(value).map_err(|error| RpcError::params(format!("Invalid params: {name}: {error}")))
}

pub(crate) fn pubkey(text: &str) -> Result<Pubkey, RpcError> {
    from_text(text)
}

pub(crate) fn signature(text: &str) -> Result<Signature, RpcError> {
    from_text(text)
}

pub(crate) fn hash(text: &str) -> Result<Hash, RpcError> {
    from_text(text)
}

/// The error's own name, as a node tells it: `Invalid param: WrongSize`.
fn from_text<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> Result<T, RpcError> {
    text.parse().map_err(|error| RpcError::params(format!("Invalid param: {error:?}")))
}

/// What nearly every method takes: how sure the answer has to be, and how new.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContextConfig {
    commitment: Option<CommitmentLevel>,
    min_context_slot: Option<Slot>,
}

impl ContextConfig {
    /// One whose parts a method calls by other names.
    pub(crate) fn new(commitment: Option<CommitmentLevel>, min_context_slot: Option<Slot>) -> Self {
        Self { commitment, min_context_slot }
    }

    /// The commitment asked for; finalized unless said.
    pub(crate) fn commitment(&self) -> CommitmentLevel {
        self.commitment.unwrap_or(CommitmentLevel::Finalized)
    }

    /// The slot that the answer is about.
    pub(crate) fn slot(&self, view: &View<'_>) -> Result<Slot, RpcError> {
        let slot = view.slot(self.commitment());
        match self.min_context_slot {
            Some(least) if slot < least => Err(RpcError::behind(slot)),
            _ => Ok(slot),
        }
    }

    /// The commitment of a transaction's record, which is never told of while it is only processed.
    pub(crate) fn at_least_confirmed(&self) -> Result<CommitmentLevel, RpcError> {
        match self.commitment() {
            CommitmentLevel::Processed => Err(RpcError::params("Method does not support commitment below `confirmed`")),
            other => Ok(other),
        }
    }
}
