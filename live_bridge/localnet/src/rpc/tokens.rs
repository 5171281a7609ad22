//! Token accounts and mints, of both token programs.

use super::accounts::{AccountConfig, keyed};
use super::error::RpcError;
use super::params::{ContextConfig, pubkey};
use super::{Call, with_context};
use crate::chain::commitment::Slot;
use crate::chain::token::{mint_decimals, mint_supply, token_account};
use crate::chain::view::View;
use q50_pumpswap::chain::programs::{TOKEN, TOKEN_2022};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account_decoder::parse_account_data::SplTokenAdditionalDataV2;
use solana_account_decoder::parse_token::{UiTokenAmount, token_amount_to_ui_amount_v3};
use solana_pubkey::Pubkey;

/// Holders that `getTokenLargestAccounts` names.
const LARGEST: usize = 20;

fn amount(amount: u64, decimals: u8) -> UiTokenAmount {
    token_amount_to_ui_amount_v3(amount, &SplTokenAdditionalDataV2::with_decimals(decimals))
}

fn decimals_of(view: &View<'_>, slot: Slot, mint: &Pubkey) -> Result<u8, RpcError> {
    let account = view.account(mint, slot).ok_or_else(|| RpcError::params("Invalid param: could not find mint"))?;
    mint_decimals(account).ok_or_else(|| RpcError::params("Invalid param: not a Token mint"))
}

/// `getTokenAccountBalance`
pub(super) fn balance(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (key, config): (_, ContextConfig) = (call.params.pubkey()?, call.params.config()?);
    let view = call.view();
    let slot = config.slot(&view)?;
    let account = view.account(&key, slot).ok_or_else(|| RpcError::params("Invalid param: could not find account"))?;
    let (mint, _, held) =
        token_account(account).ok_or_else(|| RpcError::params("Invalid param: not a Token account"))?;
    with_context(slot, amount(held, decimals_of(&view, slot, &mint)?))
}

/// `getTokenSupply`
pub(super) fn supply(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (mint, config): (_, ContextConfig) = (call.params.pubkey()?, call.params.config()?);
    let view = call.view();
    let slot = config.slot(&view)?;
    let decimals = decimals_of(&view, slot, &mint)?;
    let supply = view.account(&mint, slot).and_then(mint_supply).unwrap_or_default();
    with_context(slot, amount(supply, decimals))
}

/// `getTokenLargestAccounts`
pub(super) fn largest(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (mint, config): (_, ContextConfig) = (call.params.pubkey()?, call.params.config()?);
    let view = call.view();
    let slot = config.slot(&view)?;
    let decimals = decimals_of(&view, slot, &mint)?;
    let mut holders: Vec<(u64, Pubkey)> = token_accounts(&view, slot)
        .filter_map(|(key, account)| token_account(account).map(|(of, _, held)| (of, held, key)))
        .filter(|(of, _, _)| *of == mint)
        .map(|(_, held, key)| (held, key))
        .collect();
    holders.sort_unstable_by_key(|(held, key)| (std::cmp::Reverse(*held), *key));
    let told = holders.into_iter().take(LARGEST).map(|(held, key)| {
        let UiTokenAmount { ui_amount, decimals, amount, ui_amount_string } = amount(held, decimals);
        json!({
            "address": key.to_string(), "amount": amount, "decimals": decimals, "uiAmount": ui_amount,
            "uiAmountString": ui_amount_string,
        })
    });
    with_context(slot, told.collect::<Vec<_>>())
}

/// Which token accounts of an owner.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Which {
    Mint(String),
    ProgramId(String),
}

/// `getTokenAccountsByOwner`
pub(super) fn by_owner(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let owner = call.params.pubkey()?;
    let which: Which = call.params.required("filter")?;
    let config: AccountConfig = call.params.config()?;
    let view = call.view();
    let slot = config.context.slot(&view)?;
    let (mint, program) = match which {
        Which::Mint(mint) => {
            let mint = pubkey(&mint)?;
            decimals_of(&view, slot, &mint)?;
            (Some(mint), None)
        }
        Which::ProgramId(program) => {
            let program = pubkey(&program)?;
            if ![TOKEN, TOKEN_2022].iter().any(|known| known.0 == program.to_bytes()) {
                return Err(RpcError::params("Invalid param: unrecognized Token program id"));
            }
            (None, Some(program))
        }
    };
    let found = token_accounts(&view, slot)
        .filter(|(_, account)| {
            program.is_none_or(|program| *solana_account::ReadableAccount::owner(*account) == program)
        })
        .filter(|(_, account)| {
            token_account(account).is_some_and(|(of, by, _)| by == owner && mint.is_none_or(|mint| mint == of))
        })
        .map(|(key, account)| keyed(&key, config.encode(&view, slot, &key, account)?));
    with_context(slot, found.collect::<Result<Vec<_>, _>>()?)
}

fn token_accounts<'a>(
    view: &View<'a>,
    slot: Slot,
) -> impl Iterator<Item = (Pubkey, &'a solana_account::AccountSharedData)> + use<'a> {
    let [token, token_2022] = [TOKEN, TOKEN_2022].map(|program| view.accounts_of(&program.0.into(), slot));
    token.into_iter().chain(token_2022)
}
