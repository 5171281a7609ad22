//! A transaction as a node recorded it.

use super::answers::{Landed, Tokens, Touched};
use super::error::RpcError;
use q50_live::pumpswap::programs::PUMP_AMM;
use q50_live::pumpswap::{Address, ProgramEvent};
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, EncodedTransaction, UiInstruction, UiMessage, UiTransactionTokenBalance,
};

/// A transaction that is confirmed at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where.
    pub slot: u64,
    /// The chain's clock there, in seconds since 1970; none where the node does not know.
    pub time: Option<i64>,
    /// Why it failed.
    pub error: Option<TransactionError>,
    /// Fee of the network, in lamports.
    pub fee: u64,
    /// Every account that it names, before and after; the payer is the first.
    pub accounts: Vec<Touched>,
    /// Whether an instruction of it is PumpSwap's, at whatever depth.
    pub calls_amm: bool,
    /// What PumpSwap said to itself, in the order in which it did, undecoded.
    pub said: Vec<Vec<u8>>,
}

impl Recorded {
    /// From a node's answer in the encoding `json`.
    pub(super) fn read(told: EncodedConfirmedTransactionWithStatusMeta) -> Result<Self, RpcError> {
        Self::parse(told).map_err(malformed)
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
        let is_amm = |index: u8| keys.get(usize::from(index)) == Some(&PUMP_AMM);
        let mut calls_amm = message.instructions.iter().any(|call| is_amm(call.program_id_index));
        let inner = Option::<Vec<_>>::from(meta.inner_instructions).ok_or("no inner instructions")?;
        let mut said = Vec::new();
        for call in inner.into_iter().flat_map(|calls| calls.instructions) {
            let UiInstruction::Compiled(call) = call else { return Err("an instruction that is parsed".to_owned()) };
            if !is_amm(call.program_id_index) {
                continue;
            }
            calls_amm = true;
            let data = bs58::decode(&call.data).into_vec().map_err(|error| error.to_string())?;
            // The program says it to itself, which nobody else can do: its own key has to sign.
            if ProgramEvent::is_said(&data) {
                said.push(data);
            }
        }
        let error = meta.err.map(Into::into);
        Ok(Self { slot: told.slot, time: told.block_time, error, fee: meta.fee, accounts, calls_amm, said })
    }

    /// What settles one of our own.
    pub(super) fn landed(self) -> Result<Landed, RpcError> {
        let mut swaps = Vec::new();
        for data in &self.said {
            match ProgramEvent::decode(data).map_err(|error| malformed(error.to_string()))? {
                Some(ProgramEvent::Swap(swap)) => swaps.push(*swap),
                Some(ProgramEvent::Liquidity(_)) | None => {}
            }
        }
        Ok(Landed { slot: self.slot, error: self.error, fee: self.fee, accounts: self.accounts, swaps })
    }
}

fn malformed(problem: String) -> RpcError {
    RpcError::Malformed { method: "getTransaction", problem }
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
