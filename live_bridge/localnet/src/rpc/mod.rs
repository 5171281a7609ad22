//! Solana's JSON-RPC methods.
//!
//! Shapes and numbers are those of Agave 4.0, whose own response types and encoders are used. Source: Solana's RPC
//! documentation and the node's source.

/// Accounts, singly, several, and by program.
pub(crate) mod accounts;
/// Blocks and their times.
mod blocks;
/// The cluster and this node.
mod cluster;
/// JSON-RPC 2.0.
pub(crate) mod envelope;
/// The protocol's errors.
pub(crate) mod error;
/// What landed: statuses, transactions, signatures.
mod history;
/// Parameters by position.
pub(crate) mod params;
/// Token accounts and mints.
mod tokens;
/// Sending, simulating, blockhashes and fees.
pub(crate) mod transactions;

use crate::chain::Chain;
use crate::chain::commitment::Slot;
use crate::chain::view::View;
use crate::faults::SendFault;
use error::RpcError;
use params::Params;
use serde::Serialize;
use serde_json::{Value, json};

/// What the node says it is.
pub(crate) const VERSION: &str = "4.0.0";

/// One call of a method.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The chain.
    pub(crate) chain: &'a mut Chain,
    /// Slots that the node lags behind it, for this call.
    pub(crate) behind: u64,
    /// What happens to a transaction sent by it.
    pub(crate) send_fault: Option<SendFault>,
    /// Its parameters.
    pub(crate) params: Params,
}

impl Call<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { chain: self.chain, behind: self.behind }
    }
}

/// Answers one call.
pub(crate) fn call(method: &str, call: &mut Call<'_>) -> Result<Value, RpcError> {
    match method {
        "getAccountInfo" => accounts::account_info(call),
        "getBalance" => accounts::balance(call),
        "getMultipleAccounts" => accounts::multiple(call),
        "getProgramAccounts" => accounts::of_program(call),

        "getTokenAccountBalance" => tokens::balance(call),
        "getTokenAccountsByOwner" => tokens::by_owner(call),
        "getTokenLargestAccounts" => tokens::largest(call),
        "getTokenSupply" => tokens::supply(call),

        "getFeeForMessage" => transactions::fee_for_message(call),
        "getLatestBlockhash" => transactions::latest_blockhash(call),
        "getRecentPrioritizationFees" => transactions::prioritization_fees(call),
        "isBlockhashValid" => transactions::is_blockhash_valid(call),
        "requestAirdrop" => transactions::request_airdrop(call),
        "sendTransaction" => transactions::send(call),
        "simulateTransaction" => transactions::simulate(call),

        "getSignatureStatuses" => history::statuses(call),
        "getSignaturesForAddress" => history::signatures_for_address(call),
        "getTransaction" => history::transaction(call),
        "getTransactionCount" => history::count(call),

        "getBlock" => blocks::block(call),
        "getBlockHeight" | "getSlot" => blocks::slot(call),
        "getBlockTime" => blocks::time(call),
        "getBlocks" => blocks::range(call),
        "getBlocksWithLimit" => blocks::range_with_limit(call),
        "getFirstAvailableBlock" | "minimumLedgerSlot" => blocks::first(call),

        "getClusterNodes" => cluster::nodes(call),
        "getEpochInfo" => cluster::epoch_info(call),
        "getEpochSchedule" => cluster::epoch_schedule(call),
        "getGenesisHash" => cluster::genesis_hash(call),
        "getHealth" => cluster::health(call),
        "getIdentity" => cluster::identity(call),
        "getMinimumBalanceForRentExemption" => cluster::rent(call),
        "getRecentPerformanceSamples" => cluster::performance(call),
        "getSlotLeader" => cluster::leader(call),
        "getSlotLeaders" => cluster::leaders(call),
        "getVersion" => cluster::version(call),
        _ => Err(RpcError::method()),
    }
}

/// A value and the slot that it is of.
pub(crate) fn with_context(slot: Slot, value: impl Serialize) -> Result<Value, RpcError> {
    Ok(json!({"context": context(slot), "value": to_value(value)?}))
}

/// What an answer says of the slot that it is of.
pub(crate) fn context(slot: Slot) -> Value {
    json!({"apiVersion": VERSION, "slot": slot})
}

/// JSON of a node's own type.
pub(crate) fn to_value(value: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value).map_err(|error| RpcError::internal(error.to_string()))
}
