//! The cluster and this node.

use super::error::RpcError;
use super::params::ContextConfig;
use super::{Call, VERSION, to_value};
use crate::chain::Chain;
use serde_json::{Value, json};
use solana_epoch_schedule::EpochSchedule;
use solana_signer::Signer as _;

/// The set of features, as Agave 4.0 names it; clients only print it.
const FEATURE_SET: u32 = 0;
/// Bytes that an account can hold.
const MAX_ACCOUNT: usize = 10 << 20;
/// Slots between two samples of performance.
const SAMPLE: u64 = 150;
/// Samples and leaders that are told at most.
const MAX_SAMPLES: usize = 720;
const MAX_LEADERS: u64 = 5_000;

fn identity_of(chain: &Chain) -> String {
    chain.origin().keypair("validator").pubkey().to_string()
}

/// `getHealth`
pub(super) fn health(call: &Call<'_>) -> Result<Value, RpcError> {
    call.params.end()?;
    Ok(json!("ok"))
}

/// `getVersion`
pub(super) fn version(call: &Call<'_>) -> Result<Value, RpcError> {
    call.params.end()?;
    Ok(json!({"solana-core": VERSION, "feature-set": FEATURE_SET}))
}

/// `getGenesisHash`
pub(super) fn genesis_hash(call: &Call<'_>) -> Result<Value, RpcError> {
    let hash = call.chain.genesis_hash();
    call.params.end()?;
    Ok(json!(hash.to_string()))
}

/// `getIdentity`
pub(super) fn identity(call: &Call<'_>) -> Result<Value, RpcError> {
    let identity = identity_of(call.chain);
    call.params.end()?;
    Ok(json!({"identity": identity}))
}

/// `getClusterNodes`
pub(super) fn nodes(call: &Call<'_>) -> Result<Value, RpcError> {
    let identity = identity_of(call.chain);
    call.params.end()?;
    Ok(json!([{"pubkey": identity, "gossip": null, "tpu": null, "tpuQuic": null, "rpc": null, "pubsub": null,
        "version": VERSION, "featureSet": FEATURE_SET, "shredVersion": 0}]))
}

/// `getEpochInfo`
pub(super) fn epoch_info(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let config: ContextConfig = call.params.config()?;
    let view = call.view();
    let slot = config.slot(&view)?;
    let schedule = EpochSchedule::without_warmup();
    let (epoch, index) = schedule.get_epoch_and_slot_index(slot);
    let count = view.chain.records().values().filter(|record| record.slot <= slot).count();
    Ok(json!({
        "absoluteSlot": slot, "blockHeight": slot, "epoch": epoch, "slotIndex": index,
        "slotsInEpoch": schedule.get_slots_in_epoch(epoch), "transactionCount": count,
    }))
}

/// `getEpochSchedule`
pub(super) fn epoch_schedule(call: &Call<'_>) -> Result<Value, RpcError> {
    call.params.end()?;
    to_value(EpochSchedule::without_warmup())
}

/// `getSlotLeader`
pub(super) fn leader(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let config: ContextConfig = call.params.config()?;
    config.slot(&call.view())?;
    Ok(json!(identity_of(call.chain)))
}

/// `getSlotLeaders`
pub(super) fn leaders(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (_, limit): (u64, u64) = (call.params.required("start slot")?, call.params.required("limit")?);
    call.params.end()?;
    if limit > MAX_LEADERS {
        return Err(RpcError::params(format!("Invalid limit; max {MAX_LEADERS}")));
    }
    let leader = identity_of(call.chain);
    Ok(json!((0..limit).map(|_| leader.clone()).collect::<Vec<_>>()))
}

/// `getMinimumBalanceForRentExemption`
pub(super) fn rent(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let length: usize = call.params.required("data length")?;
    let _: ContextConfig = call.params.config()?;
    if length > MAX_ACCOUNT {
        return Err(RpcError::params(format!("Invalid params: data length {length}; an account holds {MAX_ACCOUNT}")));
    }
    Ok(json!(call.chain.rent(length)))
}

/// `getRecentPerformanceSamples`
pub(super) fn performance(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let limit = call.params.optional::<usize>("limit")?.unwrap_or(MAX_SAMPLES);
    call.params.end()?;
    if limit > MAX_SAMPLES {
        return Err(RpcError::params(format!("Invalid limit; max {MAX_SAMPLES}")));
    }
    let view = call.view();
    let ends = (1..=view.newest() / SAMPLE).rev().map(|number| number * SAMPLE).take(limit);
    let samples = ends.map(|end| {
        let slots = end - SAMPLE..end;
        let count = slots.filter_map(|slot| view.chain.block(slot)).map(|block| block.signatures.len()).sum::<usize>();
        json!({
            "slot": end, "numSlots": SAMPLE, "numTransactions": count, "numNonVoteTransactions": count,
            "samplePeriodSecs": (SAMPLE as u128 * view.chain.origin().slot.as_millis() / 1_000).max(1) as u64,
        })
    });
    Ok(Value::Array(samples.collect()))
}
