//! What landed: statuses, transactions, and the signatures of an account.

use super::error::RpcError;
use super::params::{ContextConfig, signature};
use super::{Call, to_value, with_context};
use crate::chain::commitment::CommitmentLevel;
use crate::chain::record::Record;
use crate::chain::view::View;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_transaction_status::{
    ConfirmedTransactionWithStatusMeta, EncodeError, TransactionConfirmationStatus, TransactionStatus,
    TransactionWithStatusMeta, UiTransactionEncoding,
};

/// Signatures that may be asked for at once.
const MAX_STATUSES: usize = 256;
/// Slots whose statuses a node knows without searching its history.
const STATUS_CACHE: u64 = 300;
/// Signatures of an account that are told at once.
const MAX_SIGNATURES: usize = 1_000;

/// A commitment in the words of a status.
pub(crate) fn told(commitment: CommitmentLevel) -> TransactionConfirmationStatus {
    match commitment {
        CommitmentLevel::Processed => TransactionConfirmationStatus::Processed,
        CommitmentLevel::Confirmed => TransactionConfirmationStatus::Confirmed,
        CommitmentLevel::Finalized => TransactionConfirmationStatus::Finalized,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusesConfig {
    search_transaction_history: bool,
}

/// `getSignatureStatuses`
pub(super) fn statuses(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (texts, config): (Vec<String>, StatusesConfig) = (call.params.required("signatures")?, call.params.config()?);
    if texts.len() > MAX_STATUSES {
        return Err(RpcError::params(format!("Too many inputs provided; max {MAX_STATUSES}")));
    }
    let signatures = texts.iter().map(|text| signature(text)).collect::<Result<Vec<_>, _>>()?;
    let view = call.view();
    let told = signatures.iter().map(|signature| {
        let record = view.record(signature)?;
        let age = view.newest() - record.slot;
        (config.search_transaction_history || age <= STATUS_CACHE).then(|| status(&view, record, age))
    });
    with_context(view.newest(), told.collect::<Vec<_>>())
}

fn status(view: &View<'_>, record: &Record, age: u64) -> TransactionStatus {
    let commitment = view.commitment_of(record.slot);
    let is_final = commitment == CommitmentLevel::Finalized;
    TransactionStatus {
        slot: record.slot,
        confirmations: (!is_final).then(|| usize::try_from(age).unwrap_or(usize::MAX)),
        status: record.status.clone(),
        err: record.status.clone().err(),
        confirmation_status: Some(told(commitment)),
    }
}

/// How a transaction is told: an encoding alone, or all of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum EncodingOrConfig {
    Encoding(UiTransactionEncoding),
    Config(TransactionConfig),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TransactionConfig {
    pub(super) encoding: Option<UiTransactionEncoding>,
    pub(super) max_supported_transaction_version: Option<u8>,
    #[serde(flatten)]
    pub(super) context: ContextConfig,
}

/// A version that the asker does not know.
pub(super) fn encoded<T>(result: Result<T, EncodeError>) -> Result<T, RpcError> {
    result.map_err(|EncodeError::UnsupportedTransactionVersion(version)| RpcError::version(version))
}

/// `getTransaction`
pub(super) fn transaction(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let signature = call.params.signature()?;
    let config = match call.params.optional("config")? {
        None => TransactionConfig::default(),
        Some(EncodingOrConfig::Config(config)) => config,
        Some(EncodingOrConfig::Encoding(encoding)) => {
            TransactionConfig { encoding: Some(encoding), ..TransactionConfig::default() }
        }
    };
    call.params.end()?;
    let commitment = config.context.at_least_confirmed()?;
    let view = call.view();
    let newest = view.slot(commitment);
    let Some(record) = view.record(&signature).filter(|record| record.slot <= newest) else { return Ok(Value::Null) };
    let confirmed = ConfirmedTransactionWithStatusMeta {
        slot: record.slot,
        tx_with_meta: TransactionWithStatusMeta::Complete(record.with_meta()),
        block_time: Some(view.chain.time_of(record.slot)),
        index: record.index,
    };
    let encoding = config.encoding.unwrap_or(UiTransactionEncoding::Json);
    to_value(encoded(confirmed.encode(encoding, config.max_supported_transaction_version))?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignaturesConfig {
    before: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
    #[serde(flatten)]
    context: ContextConfig,
}

/// `getSignaturesForAddress`
pub(super) fn signatures_for_address(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (key, config): (_, SignaturesConfig) = (call.params.pubkey()?, call.params.config()?);
    let limit = config.limit.unwrap_or(MAX_SIGNATURES);
    if !(1..=MAX_SIGNATURES).contains(&limit) {
        return Err(RpcError::params(format!("Invalid limit; max {MAX_SIGNATURES}")));
    }
    let [before, until] = [&config.before, &config.until].map(|text| text.as_deref().map(signature).transpose());
    let (before, until) = (before?, until?);
    config.context.at_least_confirmed()?;
    let view = call.view();
    let newest = config.context.slot(&view)?;
    let mut found: Vec<&Record> = Vec::new();
    // Neither bound has to be of this account: what counts is where it stands in the chain.
    let place = |signature| view.record(&signature).map(|record| (record.slot, record.index));
    let (before, until) = (before.map(place), until.map(place));
    for record in view.records_of(&key).rev() {
        let at = (record.slot, record.index);
        if record.slot > newest || before.is_some_and(|place| place.is_none_or(|place| at >= place)) {
            continue;
        }
        if until.flatten().is_some_and(|place| at <= place) || found.len() == limit {
            break;
        }
        found.push(record);
    }
    let told = found.into_iter().map(|record| {
        Ok(json!({
            "signature": record.signature().to_string(),
            "slot": record.slot,
            "err": to_value(record.status.as_ref().err())?,
            "memo": record.memo,
            "blockTime": view.chain.time_of(record.slot),
            "confirmationStatus": told(view.commitment_of(record.slot)),
        }))
    });
    Ok(Value::Array(told.collect::<Result<_, RpcError>>()?))
}

/// `getTransactionCount`
pub(super) fn count(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let config: ContextConfig = call.params.config()?;
    let view = call.view();
    let slot = config.slot(&view)?;
    Ok(json!(view.chain.records().values().filter(|record| record.slot <= slot).count()))
}
