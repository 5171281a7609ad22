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

/// A method, and what answers its calls.
type Method = (&'static str, fn(&mut Call<'_>) -> Result<Value, RpcError>);

/// All methods that are served over HTTP.
const METHODS: &[Method] = &[
    ("getAccountInfo", |call| accounts::account_info(call)),
    ("getBalance", |call| accounts::balance(call)),
    ("getMultipleAccounts", |call| accounts::multiple(call)),
    ("getProgramAccounts", |call| accounts::of_program(call)),
    ("getTokenAccountBalance", |call| tokens::balance(call)),
    ("getTokenAccountsByOwner", |call| tokens::by_owner(call)),
    ("getTokenLargestAccounts", |call| tokens::largest(call)),
    ("getTokenSupply", |call| tokens::supply(call)),
    ("getFeeForMessage", |call| transactions::fee_for_message(call)),
    ("getLatestBlockhash", |call| transactions::latest_blockhash(call)),
    ("getRecentPrioritizationFees", |call| transactions::prioritization_fees(call)),
    ("isBlockhashValid", |call| transactions::is_blockhash_valid(call)),
    ("requestAirdrop", |call| transactions::request_airdrop(call)),
    ("sendTransaction", |call| transactions::send(call)),
    ("simulateTransaction", |call| transactions::simulate(call)),
    ("getSignatureStatuses", |call| history::statuses(call)),
    ("getSignaturesForAddress", |call| history::signatures_for_address(call)),
    ("getTransaction", |call| history::transaction(call)),
    ("getTransactionCount", |call| history::count(call)),
    ("getBlock", |call| blocks::block(call)),
    ("getBlockHeight", |call| blocks::slot(call)),
    ("getSlot", |call| blocks::slot(call)),
    ("getBlockTime", |call| blocks::time(call)),
    ("getBlocks", |call| blocks::range(call)),
    ("getBlocksWithLimit", |call| blocks::range_with_limit(call)),
    ("getFirstAvailableBlock", |call| blocks::first(call)),
    ("minimumLedgerSlot", |call| blocks::first(call)),
    ("getClusterNodes", |call| cluster::nodes(call)),
    ("getEpochInfo", |call| cluster::epoch_info(call)),
    ("getEpochSchedule", |call| cluster::epoch_schedule(call)),
    ("getGenesisHash", |call| cluster::genesis_hash(call)),
    ("getHealth", |call| cluster::health(call)),
    ("getIdentity", |call| cluster::identity(call)),
    ("getMinimumBalanceForRentExemption", |call| cluster::rent(call)),
    ("getRecentPerformanceSamples", |call| cluster::performance(call)),
    ("getSlotLeader", |call| cluster::leader(call)),
    ("getSlotLeaders", |call| cluster::leaders(call)),
    ("getVersion", |call| cluster::version(call)),
];

/// Whether a method is served over HTTP.
pub(crate) fn is_served(method: &str) -> bool {
    METHODS.iter().any(|(name, _)| *name == method)
}

/// Answers one call.
pub(crate) fn call(method: &str, call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (_, answer) = METHODS.iter().find(|(name, _)| *name == method).ok_or_else(RpcError::method)?;
    answer(call)
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
