//! What nodes answer, in our own types.

use super::error::RpcError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use q50_live::pumpswap::programs::PUMP_AMM;
use q50_live::pumpswap::{Address, ProgramEvent, SwapEvent};
use serde::{Deserialize, Deserializer};
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, EncodedTransaction, TransactionConfirmationStatus, UiInstruction,
    UiMessage, UiTransactionTokenBalance,
};

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

impl Landed {
    /// From a node's answer in the encoding `json`.
    pub(super) fn read(told: EncodedConfirmedTransactionWithStatusMeta) -> Result<Self, RpcError> {
        Self::parse(told).map_err(|problem| RpcError::Malformed { method: "getTransaction", problem })
    }

    fn parse(told: EncodedConfirmedTransactionWithStatusMeta) -> Result<Self, String> {
        let meta = told.transaction.meta.ok_or("no meta")?;
        let EncodedTransaction::Json(transaction) = told.transaction.transaction else {
            return Err("not in the encoding json".to_owned());
        };
        let UiMessage::Raw(message) = transaction.message else { return Err("not in the encoding json".to_owned()) };
        let mut keys = message.account_keys;
        if let OptionSerializer::Some(loaded) = meta.loaded_addresses {
            keys.extend(loaded.writable);
            keys.extend(loaded.readonly);
        }
        let keys = keys.iter().map(|key| key.parse().map_err(|error| format!("{error}")));
        let keys: Vec<Address> = keys.collect::<Result<_, _>>()?;
        if keys.len() != meta.pre_balances.len() || keys.len() != meta.post_balances.len() {
            return Err(format!("{} accounts with {} balances", keys.len(), meta.pre_balances.len()));
        }
        let balances = meta.pre_balances.iter().zip(&meta.post_balances);
        let mut accounts: Vec<Touched> = keys
            .iter()
            .zip(balances)
            .map(|(&address, (&before, &after))| Touched { address, lamports: [before, after], tokens: None })
            .collect();
        for (side, told) in [meta.pre_token_balances, meta.post_token_balances].into_iter().enumerate() {
            for balance in Option::<Vec<_>>::from(told).ok_or("no token balances")? {
                note_tokens(&mut accounts, side, &balance)?;
            }
        }
        let inner = Option::<Vec<_>>::from(meta.inner_instructions).ok_or("no inner instructions")?;
        let mut swaps = Vec::new();
        for call in inner.into_iter().flat_map(|calls| calls.instructions) {
            let UiInstruction::Compiled(call) = call else { return Err("an instruction that is parsed".to_owned()) };
            // The program says it to itself, which nobody else can do: its own key has to sign.
            if keys.get(usize::from(call.program_id_index)) != Some(&PUMP_AMM) {
                continue;
            }
            let data = bs58::decode(&call.data).into_vec().map_err(|error| error.to_string())?;
            if let Some(ProgramEvent::Swap(swap)) = ProgramEvent::decode(&data).map_err(|error| error.to_string())? {
                swaps.push(*swap);
            }
        }
        Ok(Self { slot: told.slot, error: meta.err.map(Into::into), fee: meta.fee, accounts, swaps })
    }
}

fn note_tokens(accounts: &mut [Touched], side: usize, told: &UiTransactionTokenBalance) -> Result<(), String> {
    let parse = |text: &str| text.parse::<Address>().map_err(|error| error.to_string());
    let owner = Option::<String>::from(told.owner.clone()).ok_or("a token balance without owner")?;
    let (mint, owner) = (parse(&told.mint)?, parse(&owner)?);
    let amount = told.ui_token_amount.amount.parse::<u64>().map_err(|error| error.to_string())?;
    let account = accounts.get_mut(usize::from(told.account_index)).ok_or("a token balance of no account")?;
    let tokens = account.tokens.get_or_insert(Tokens { mint, owner, amounts: [0, 0] });
    if tokens.mint != mint {
        return Err(format!("account {} changed its mint", account.address));
    }
    tokens.amounts[side] = amount;
    Ok(())
}
