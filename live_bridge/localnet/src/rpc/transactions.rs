//! Sending and simulating transactions, and what a sender needs for it: blockhashes and fees.

use super::error::RpcError;
use super::params::{ContextConfig, hash, pubkey};
use super::{Call, to_value, with_context};
use crate::chain::BLOCKHASH_LIFE;
use crate::chain::commitment::{CommitmentLevel, Slot};
use crate::chain::execute::{Checks, Simulated};
use crate::chain::record::inner_instructions;
use crate::faults::SendFault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bincode::Options as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_account_decoder::{UiAccountEncoding, encode_ui_account};
use solana_hash::Hash;
use solana_message::VersionedMessage;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status::{UiInnerInstructions, UiTransactionEncoding, parse_ui_inner_instructions};

/// What a packet of the network holds.
const PACKET: usize = 1_232;
/// Addresses that fees may be asked for.
const MAX_FEE_ADDRESSES: usize = 128;

/// Reads what a client encoded: at most a packet, in base58 or base64.
fn decode<T: DeserializeOwned>(text: &str, encoding: Option<UiTransactionEncoding>) -> Result<T, RpcError> {
    let bytes = match encoding.unwrap_or(UiTransactionEncoding::Base58) {
        UiTransactionEncoding::Base58 => bs58::decode(text)
            .into_vec()
            .map_err(|error| RpcError::params(format!("invalid base58 encoding: {error:?}")))?,
        UiTransactionEncoding::Base64 => {
            STANDARD.decode(text).map_err(|error| RpcError::params(format!("invalid base64 encoding: {error:?}")))?
        }
        other => {
            return Err(RpcError::params(format!(
                "unsupported encoding: {other}. Supported encodings: base58, base64"
            )));
        }
    };
    if bytes.len() > PACKET {
        let length = bytes.len();
        return Err(RpcError::params(format!("decoded transaction too large: {length} bytes (max: {PACKET} bytes)")));
    }
    bincode::options()
        .with_limit(PACKET as u64)
        .with_fixint_encoding()
        .allow_trailing_bytes()
        .deserialize(&bytes)
        .map_err(|error| RpcError::params(format!("failed to deserialize: {error}")))
}

fn sanitary(transaction: VersionedTransaction) -> Result<VersionedTransaction, RpcError> {
    match transaction.sanitize() {
        Ok(()) => Ok(transaction),
        Err(error) => Err(RpcError::params(format!("invalid transaction: {error}"))),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SendConfig {
    skip_preflight: bool,
    encoding: Option<UiTransactionEncoding>,
    preflight_commitment: Option<CommitmentLevel>,
    min_context_slot: Option<Slot>,
    #[serde(rename = "maxRetries")]
    _max_retries: Option<usize>,
}

/// `sendTransaction`
pub(super) fn send(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (text, config): (String, SendConfig) = (call.params.required("transaction")?, call.params.config()?);
    let transaction: VersionedTransaction = sanitary(decode(&text, config.encoding)?)?;
    let context = ContextConfig::new(config.preflight_commitment, config.min_context_slot);
    let preflight_slot = context.slot(&call.view())?;
    let signature = transaction.signatures.first().copied().unwrap_or_default();
    if !config.skip_preflight {
        let checks = Checks { signatures: true, age_in: Some(preflight_slot) };
        let mut simulated = call.chain.simulate(&transaction, checks);
        if let Some(SendFault::Expired) = call.send_fault {
            simulated = Simulated::refused(TransactionError::BlockhashNotFound);
        }
        if let Err(error) = &simulated.status {
            let message = format!("Transaction simulation failed: {error}");
            return Err(RpcError::preflight(
                message,
                result(call, &transaction, &simulated, &SimulateConfig::default())?,
            ));
        }
    }
    match call.send_fault {
        None => {
            let _ = call.chain.land(transaction);
        }
        Some(SendFault::Dropped | SendFault::Expired) => {}
        Some(SendFault::Unconfirmed) => {
            if call.chain.land(transaction).is_ok() {
                call.chain.hide(&signature);
            }
        }
        Some(SendFault::Fails { code }) => {
            let error = TransactionError::InstructionError(
                last_instruction(&transaction),
                solana_transaction::InstructionError::Custom(code),
            );
            let _ = call.chain.land_as(transaction, Some(error));
        }
        Some(SendFault::PriceMoves { bps }) => {
            crate::outsider::move_pools_of(call.chain, &transaction, bps);
            let _ = call.chain.land(transaction);
        }
    }
    Ok(json!(signature.to_string()))
}

fn last_instruction(transaction: &VersionedTransaction) -> u8 {
    u8::try_from(transaction.message.instructions().len().saturating_sub(1)).unwrap_or(u8::MAX)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SimulateConfig {
    sig_verify: bool,
    replace_recent_blockhash: bool,
    encoding: Option<UiTransactionEncoding>,
    accounts: Option<SimulateAccounts>,
    inner_instructions: bool,
    #[serde(flatten)]
    context: ContextConfig,
}

#[derive(Debug, Deserialize)]
struct SimulateAccounts {
    encoding: Option<UiAccountEncoding>,
    addresses: Vec<String>,
}

/// `simulateTransaction`
pub(super) fn simulate(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (text, config): (String, SimulateConfig) = (call.params.required("transaction")?, call.params.config()?);
    let mut transaction: VersionedTransaction = decode(&text, config.encoding)?;
    if config.sig_verify && config.replace_recent_blockhash {
        return Err(RpcError::params("sigVerify may not be used with replaceRecentBlockhash"));
    }
    let slot = config.context.slot(&call.view())?;
    let mut replacement = None;
    if config.replace_recent_blockhash {
        let (hash, of) = latest_hash(call, slot)?;
        transaction.message.set_recent_blockhash(hash);
        replacement =
            Some(json!({"blockhash": hash.to_string(), "lastValidBlockHeight": call.chain.last_valid_height(of)}));
    }
    let transaction = sanitary(transaction)?;
    let checks = Checks { signatures: config.sig_verify, age_in: Some(slot) };
    let simulated = call.chain.simulate(&transaction, checks);
    let mut value = result(call, &transaction, &simulated, &config)?;
    if let Some(replacement) = replacement {
        value["replacementBlockhash"] = replacement;
    }
    with_context(slot, value)
}

/// What a simulation came to, as both methods tell it.
fn result(
    call: &Call<'_>,
    transaction: &VersionedTransaction,
    simulated: &Simulated,
    config: &SimulateConfig,
) -> Result<Value, RpcError> {
    let accounts = config.accounts.as_ref().map(|wanted| told_accounts(call, transaction, simulated, wanted));
    let returned = &simulated.meta.return_data;
    let return_data = (!returned.data.is_empty()).then(
        || json!({"programId": returned.program_id.to_string(), "data": [STANDARD.encode(&returned.data), "base64"]}),
    );
    let keys = solana_message::AccountKeys::new(transaction.message.static_account_keys(), Some(&simulated.loaded));
    let inner: Option<Vec<UiInnerInstructions>> = config.inner_instructions.then(|| {
        inner_instructions(&simulated.meta.inner_instructions)
            .map(|calls| parse_ui_inner_instructions(calls, &keys))
            .collect()
    });
    Ok(json!({
        "err": to_value(simulated.status.as_ref().err())?,
        "logs": simulated.meta.logs,
        "accounts": accounts.transpose()?,
        "unitsConsumed": simulated.meta.compute_units_consumed,
        "loadedAccountsDataSize": Value::Null,
        "returnData": return_data,
        "innerInstructions": to_value(inner)?,
        "fee": simulated.meta.fee,
        "replacementBlockhash": Value::Null,
    }))
}

/// The accounts asked for, as the simulation would leave them; none of them where it fails.
fn told_accounts(
    call: &Call<'_>,
    transaction: &VersionedTransaction,
    simulated: &Simulated,
    wanted: &SimulateAccounts,
) -> Result<Value, RpcError> {
    let encoding = wanted.encoding.unwrap_or(UiAccountEncoding::Base64);
    if matches!(encoding, UiAccountEncoding::Binary | UiAccountEncoding::Base58) {
        return Err(RpcError::params("base58 encoding not supported"));
    }
    let loaded = &simulated.loaded;
    let keys = transaction.message.static_account_keys().len() + loaded.writable.len() + loaded.readonly.len();
    if wanted.addresses.len() > keys {
        return Err(RpcError::params(format!("Too many accounts provided; max {keys}")));
    }
    let keys = wanted.addresses.iter().map(|key| pubkey(key)).collect::<Result<Vec<Pubkey>, _>>()?;
    let told = keys.iter().map(|key| {
        simulated.status.as_ref().ok()?;
        let after = simulated.after.iter().find(|(written, _)| written == key).map(|(_, account)| account);
        let account = after.or_else(|| call.chain.account(key))?;
        (solana_account::ReadableAccount::lamports(account) > 0)
            .then(|| encode_ui_account(key, account, encoding, None, None))
    });
    to_value(told.collect::<Vec<_>>())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AirdropConfig {
    recent_blockhash: Option<String>,
    #[serde(rename = "commitment")]
    _commitment: Option<CommitmentLevel>,
}

/// `requestAirdrop`
pub(super) fn request_airdrop(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let to = call.params.pubkey()?;
    let lamports: u64 = call.params.required("lamports")?;
    let config: AirdropConfig = call.params.config()?;
    let blockhash = config.recent_blockhash.as_deref().map(hash).transpose()?;
    match call.chain.airdrop(to, lamports, blockhash) {
        Ok(signature) => Ok(json!(signature.to_string())),
        Err(error) => Err(RpcError::internal(format!("the faucet's transaction does not land: {error}"))),
    }
}

/// `getLatestBlockhash`
pub(super) fn latest_blockhash(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let config: ContextConfig = call.params.config()?;
    let slot = config.slot(&call.view())?;
    let (hash, of) = latest_hash(call, slot)?;
    with_context(slot, json!({"blockhash": hash.to_string(), "lastValidBlockHeight": call.chain.last_valid_height(of)}))
}

/// The newest hash that is known in a slot, and the slot that it is of: the open slot's own is not before it closes.
fn latest_hash(call: &Call<'_>, slot: Slot) -> Result<(Hash, Slot), RpcError> {
    let of = slot.min(call.chain.open() - 1);
    call.chain.block(of).map(|block| (block.hash, of)).ok_or_else(|| RpcError::no_block(of))
}

/// `isBlockhashValid`
pub(super) fn is_blockhash_valid(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (hash, config): (_, ContextConfig) = (call.params.hash()?, call.params.config()?);
    let slot = config.slot(&call.view())?;
    with_context(slot, call.chain.is_good_in(slot, &hash))
}

/// `getFeeForMessage`
pub(super) fn fee_for_message(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (text, config): (String, ContextConfig) = (call.params.required("message")?, call.params.config()?);
    let message: VersionedMessage = decode(&text, Some(UiTransactionEncoding::Base64))?;
    message.sanitize().map_err(|error| RpcError::params(format!("invalid transaction message: {error}")))?;
    let slot = config.slot(&call.view())?;
    let fee = call.chain.is_good_in(slot, message.recent_blockhash()).then(|| call.chain.fee(message));
    with_context(slot, fee)
}

/// `getRecentPrioritizationFees`
pub(super) fn prioritization_fees(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let addresses: Vec<String> = call.params.optional("addresses")?.unwrap_or_default();
    call.params.end()?;
    if addresses.len() > MAX_FEE_ADDRESSES {
        return Err(RpcError::params(format!("Too many inputs provided; max {MAX_FEE_ADDRESSES}")));
    }
    let addresses = addresses.iter().map(|key| pubkey(key)).collect::<Result<Vec<_>, _>>()?;
    let view = call.view();
    let newest = view.newest();
    let slots = newest.saturating_sub(BLOCKHASH_LIFE)..newest;
    let fees = slots.filter_map(|slot| {
        let records: Vec<_> = view.records_in(view.chain.block(slot)?).collect();
        let lowest = |of: &dyn Fn(&&&crate::chain::record::Record) -> bool| {
            records.iter().filter(of).map(|record| record.unit_price).min().unwrap_or(0)
        };
        let of_block = lowest(&|_| true);
        let of_addresses = addresses.iter().map(|key| lowest(&|record| record.written.contains(key))).max();
        Some(json!({"slot": slot, "prioritizationFee": of_block.max(of_addresses.unwrap_or(0))}))
    });
    Ok(Value::Array(fees.collect()))
}
