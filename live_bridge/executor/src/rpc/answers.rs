//! Nodes' answers, in our own types.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use q50_pumpswap::chain::{Address, SwapEvent};
use serde::{Deserialize, Deserializer};
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::TransactionConfirmationStatus;

/// A value, and the slot that it is of.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Contextual<T> {
    pub(super) context: Context,
    pub(super) value: T,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Context {
    pub(super) slot: u64,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its lamports.
    pub lamports: u64,
    /// The program that it belongs to.
    pub owner: Address,
    /// Its data.
    pub data: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Told {
            lamports: u64,
            #[serde(deserialize_with = "address")]
            owner: Address,
            data: (String, String),
            executable: bool,
        }
        let told = Told::deserialize(deserializer)?;
        let data = STANDARD.decode(&told.data.0).map_err(serde::de::Error::custom)?;
        Ok(Self { lamports: told.lamports, owner: told.owner, data, executable: told.executable })
    }
}

/// A blockhash, and how long it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blockhash {
    /// The hash.
    pub hash: solana_hash::Hash,
    /// The last block height at which a transaction of it can land.
    pub last_height: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldBlockhash {
    pub(super) blockhash: String,
    pub(super) last_valid_block_height: u64,
}

/// What a transaction would do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    /// Why it would fail.
    pub err: Option<TransactionError>,
    /// Compute units that it would use.
    pub units_consumed: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldFee {
    pub(super) prioritization_fee: u64,
}

/// How far the chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Height {
    /// The slot.
    #[serde(rename = "absoluteSlot")]
    pub slot: u64,
    /// Blocks up to it.
    pub block_height: u64,
}

/// How sure it is that a transaction stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Commitment {
    /// A node has executed it.
    Processed,
    /// Two thirds of the stake have voted for its block.
    Confirmed,
    /// Its block can no longer be taken back.
    Finalized,
}

impl Commitment {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

/// What a node knows of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The newest slot that the node has processed.
    pub at: u64,
    /// The transaction's slot, and how sure it is; none where the node does not know of it.
    pub status: Option<(u64, Commitment)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldStatus {
    slot: u64,
    confirmations: Option<usize>,
    confirmation_status: Option<TransactionConfirmationStatus>,
}

impl ToldStatus {
    pub(super) fn read(&self) -> (u64, Commitment) {
        let commitment = match (&self.confirmation_status, self.confirmations) {
            (Some(TransactionConfirmationStatus::Processed), _) | (None, Some(_)) => Commitment::Processed,
            (Some(TransactionConfirmationStatus::Confirmed), _) => Commitment::Confirmed,
            (Some(TransactionConfirmationStatus::Finalized), _) | (None, None) => Commitment::Finalized,
        };
        (self.slot, commitment)
    }
}

/// A transaction that landed, as far as a fill is read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Where.
    pub slot: u64,
    /// Why it failed.
    pub error: Option<TransactionError>,
    /// Fee of the network, in lamports.
    pub fee: u64,
    /// Every account that it names, before and after; the payer is the first.
    pub accounts: Vec<Touched>,
    /// What PumpSwap itself says that it swapped.
    pub swaps: Vec<SwapEvent>,
}

/// An account before and after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Its address.
    pub address: Address,
    /// Lamports before and after.
    pub lamports: [u64; 2],
    /// Tokens of it, where it holds any before or after.
    pub tokens: Option<Tokens>,
}

/// What a token account held before and after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Of which mint.
    pub mint: Address,
    /// Whose.
    pub owner: Address,
    /// Before and after, in the smallest unit; zero where the account was not there.
    pub amounts: [u64; 2],
}
