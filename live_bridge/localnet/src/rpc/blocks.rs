//! Blocks and their times.

use super::error::RpcError;
use super::history::encoded;
use super::params::ContextConfig;
use super::{Call, to_value};
use crate::chain::commitment::Slot;
use crate::chain::view::View;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_transaction_status::{
    BlockEncodingOptions, ConfirmedBlock, TransactionDetails, TransactionWithStatusMeta, UiTransactionEncoding,
};

/// Slots that may be asked for at once.
const MAX_RANGE: u64 = 500_000;

/// `getSlot` and `getBlockHeight`: no slot is skipped.
pub(super) fn slot(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let config: ContextConfig = call.params.config()?;
    Ok(json!(config.slot(&call.view())?))
}

/// `getFirstAvailableBlock`
pub(super) fn first(call: &Call<'_>) -> Result<Value, RpcError> {
    call.params.end()?;
    Ok(json!(0))
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum EncodingOrConfig {
    Encoding(UiTransactionEncoding),
    Config(BlockConfig),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlockConfig {
    encoding: Option<UiTransactionEncoding>,
    transaction_details: Option<TransactionDetails>,
    rewards: Option<bool>,
    max_supported_transaction_version: Option<u8>,
    #[serde(flatten)]
    context: ContextConfig,
}

/// `getBlock`
pub(super) fn block(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let slot: Slot = call.params.required("slot")?;
    let config = match call.params.optional("config")? {
        None => BlockConfig::default(),
        Some(EncodingOrConfig::Config(config)) => config,
        Some(EncodingOrConfig::Encoding(encoding)) => {
            BlockConfig { encoding: Some(encoding), ..BlockConfig::default() }
        }
    };
    call.params.end()?;
    let commitment = config.context.at_least_confirmed()?;
    let view = call.view();
    if slot > view.slot(commitment) {
        return Err(RpcError::no_block(slot));
    }
    let block = view.chain.block(slot).ok_or_else(|| RpcError::skipped(slot))?;
    let parent = slot.saturating_sub(1);
    let confirmed = ConfirmedBlock {
        previous_blockhash: view.chain.block(parent).map(|block| block.hash).unwrap_or_default().to_string(),
        blockhash: block.hash.to_string(),
        parent_slot: parent,
        transactions: view
            .records_in(block)
            .map(|record| TransactionWithStatusMeta::Complete(record.with_meta()))
            .collect(),
        rewards: Vec::new(),
        num_partitions: None,
        block_time: Some(view.chain.time_of(slot)),
        block_height: Some(slot),
    };
    let options = BlockEncodingOptions {
        transaction_details: config.transaction_details.unwrap_or_default(),
        show_rewards: config.rewards.unwrap_or(true),
        max_supported_transaction_version: config.max_supported_transaction_version,
    };
    let encoding = config.encoding.unwrap_or(UiTransactionEncoding::Json);
    to_value(encoded(confirmed.encode_with_options(encoding, options))?)
}

/// `getBlockTime`
pub(super) fn time(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let slot: Slot = call.params.required("slot")?;
    call.params.end()?;
    let view = call.view();
    if slot > view.newest() {
        return Err(RpcError::no_block(slot));
    }
    Ok(json!(view.chain.time_of(slot)))
}

/// The last slot of a range, or the commitment that ends it: clients leave the former out.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum EndOrConfig {
    End(Slot),
    Config(ContextConfig),
}

/// `getBlocks`
pub(super) fn range(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let first: Slot = call.params.required("start slot")?;
    let (end, config) = match call.params.optional("end slot")? {
        Some(EndOrConfig::Config(config)) => (None, config),
        Some(EndOrConfig::End(end)) => (Some(end), call.params.config()?),
        None => (None, call.params.config()?),
    };
    let last = end.unwrap_or_else(|| first.saturating_add(MAX_RANGE));
    blocks(&call.view(), first, last, &config)
}

/// `getBlocksWithLimit`
pub(super) fn range_with_limit(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let first: Slot = call.params.required("start slot")?;
    let limit: u64 = call.params.required("limit")?;
    let config: ContextConfig = call.params.config()?;
    if limit == 0 {
        return Ok(json!([]));
    }
    if limit > MAX_RANGE {
        return Err(RpcError::params(format!("Limit too large; max {MAX_RANGE}")));
    }
    blocks(&call.view(), first, first.saturating_add(limit - 1), &config)
}

fn blocks(view: &View<'_>, first: Slot, last: Slot, config: &ContextConfig) -> Result<Value, RpcError> {
    if last.saturating_sub(first) > MAX_RANGE {
        return Err(RpcError::params(format!("Slot range too large; max {MAX_RANGE}")));
    }
    let newest = view.slot(config.at_least_confirmed()?);
    Ok(json!((first..=last.min(newest)).collect::<Vec<Slot>>()))
}
