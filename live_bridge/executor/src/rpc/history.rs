//! The history of an account, as far back as the node remembers.

use super::error::RpcError;
use super::recorded::Recorded;
use super::{Client, Commitment};
use crate::clock::Clock;
use q50_pumpswap::chain::Address;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_signature::Signature;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, TransactionConfirmationStatus,
};

/// Signatures that a node tells at once, at most. Source: Solana's documentation of `getSignaturesForAddress`.
pub const PAGE: usize = 1_000;
/// The account in which the chain keeps its clock.
const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";

/// A transaction that names an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its signature.
    pub signature: Signature,
    /// Where it landed.
    pub slot: u64,
    /// Whether it failed.
    pub has_failed: bool,
    /// Whether its block can no longer be taken back.
    pub is_final: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldListed {
    signature: String,
    slot: u64,
    err: Option<Value>,
    confirmation_status: Option<TransactionConfirmationStatus>,
}

/// The chain's clock in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTime {
    /// The slot.
    pub slot: u64,
    /// Seconds since 1970; never falls from slot to slot.
    pub unix_seconds: i64,
}

/// The part of a list of signatures that is asked for; both bounds are left out of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Between<'a> {
    /// Older than this one; absent: from the newest on.
    pub before: Option<&'a Signature>,
    /// Newer than this one; absent: to the oldest that the node knows.
    pub until: Option<&'a Signature>,
}

impl<C: Clock> Client<C> {
    /// Confirmed transactions that name `account`, newest first, within a slot too; at most [`PAGE`].
    ///
    /// # Errors
    /// [`RpcError`]; also where the node has not reached `at_least`.
    pub async fn signatures(
        &self,
        account: &Address,
        between: Between<'_>,
        at_least: u64,
    ) -> Result<Vec<Listed>, RpcError> {
        const METHOD: &str = "getSignaturesForAddress";
        let mut config = json!({"commitment": "confirmed", "limit": PAGE, "minContextSlot": at_least});
        for (name, bound) in [("before", between.before), ("until", between.until)] {
            if let Some(signature) = bound {
                config[name] = json!(signature.to_string());
            }
        }
        let told: Vec<ToldListed> = self.call(METHOD, json!([account.to_string(), config])).await?;
        let read = |told: ToldListed| {
            let malformed = |_| RpcError::Malformed { method: METHOD, problem: format!("`{}`", told.signature) };
            Ok(Listed {
                signature: told.signature.parse().map_err(malformed)?,
                slot: told.slot,
                has_failed: told.err.is_some(),
                // A node that has it from its archive does not say.
                is_final: !matches!(
                    told.confirmation_status,
                    Some(TransactionConfirmationStatus::Processed | TransactionConfirmationStatus::Confirmed)
                ),
            })
        };
        told.into_iter().map(read).collect()
    }

    /// A transaction that is confirmed at least; none where the node does not know of it.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn recorded(&self, signature: &Signature) -> Result<Option<Recorded>, RpcError> {
        let config = json!({"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0});
        let params = json!([signature.to_string(), config]);
        let told: Option<EncodedConfirmedTransactionWithStatusMeta> = self.call("getTransaction", params).await?;
        told.map(Recorded::read).transpose()
    }

    /// The chain's own clock in the newest confirmed slot, which is what the program's events carry.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn chain_time(&self) -> Result<ChainTime, RpcError> {
        let malformed = || RpcError::Malformed { method: "getMultipleAccounts", problem: "no clock".to_owned() };
        let clock: Address = CLOCK.parse().map_err(|_| malformed())?;
        let (_, accounts) = self.accounts(&[clock], Commitment::Confirmed, 0).await?;
        let data = accounts.first().and_then(Option::as_ref).map_or(&[][..], |account| &account.data);
        // Slot, start of the epoch, epoch, epoch of the leader schedule, Unix time. Source: Solana's `Clock`.
        let (slot, time) = data.get(..8).zip(data.get(32..40)).ok_or_else(malformed)?;
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).map_err(|_| malformed());
        Ok(ChainTime { slot: number(slot)?, unix_seconds: number(time)?.cast_signed() })
    }
}
