//! A transaction as a node recorded it.

use super::answers::{Landed, Tokens, Touched};
use super::error::RpcError;
use q50_pumpswap::chain::programs::PUMP_AMM;
use q50_pumpswap::chain::{Address, ProgramEvent};
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_pumpswap_says_is_read_from_inside_whatever_called_it_and_in_its_order() {
        let [payer, router, vault, mint] = [1, 2, 3, 4].map(|byte| Address([byte; 32]).to_string());
        let said = |number: u8| [&[0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d][..], &[number]].concat();
        let call = |program: u8, data: &[u8]| json!({"programIdIndex": program, "accounts": [], "data": bs58::encode(data).into_string(), "stackHeight": 2});
        let balance = |amount: &str| {
            json!({"accountIndex": 2, "mint": mint, "owner": payer, "programId": router,
                "uiTokenAmount": {"amount": amount, "decimals": 9, "uiAmount": null, "uiAmountString": ""}})
        };
        let told = json!({
            "slot": 7, "blockTime": 1_700_000_000,
            "transaction": {
                "signatures": ["sig"],
                "message": {
                    "accountKeys": [payer, router, vault], "recentBlockhash": mint,
                    "header": {"numRequiredSignatures": 1, "numReadonlySignedAccounts": 0, "numReadonlyUnsignedAccounts": 1},
                    "instructions": [call(1, b"route")],
                },
            },
            "meta": {
                "err": null, "status": {"Ok": null}, "fee": 5000,
                "preBalances": [10, 1, 1, 1], "postBalances": [5, 1, 1, 1],
                // PumpSwap itself comes from a lookup table.
                "loadedAddresses": {"writable": [], "readonly": [PUMP_AMM.to_string()]},
                "innerInstructions": [
                    {"index": 0, "instructions": [call(3, b"buy"), call(3, &said(1)), call(1, &said(9)), call(3, &said(2))]},
                ],
                "preTokenBalances": [balance("40")], "postTokenBalances": [balance("33")],
                "logMessages": [], "rewards": [], "computeUnitsConsumed": 1,
            },
        });
        let recorded = Recorded::read(serde_json::from_value(told).unwrap()).unwrap();
        assert_eq!((recorded.slot, recorded.time, recorded.fee), (7, Some(1_700_000_000), 5_000));
        assert!(recorded.calls_amm);
        assert_eq!(recorded.said, [said(1), said(2)], "and not what another program imitates");
        assert_eq!(recorded.accounts[2].tokens.unwrap().amounts, [40, 33]);
    }
}
