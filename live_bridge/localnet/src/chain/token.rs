//! Token accounts and mints, as both token programs lay them out.
//!
//! Source: the documentation of SPL Token, and of Token-2022's account types.

use q50_pumpswap::chain::programs::{TOKEN, TOKEN_2022};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_pubkey::Pubkey;

/// Mint, owner and amount of an account that is a token account of either token program.
pub(crate) fn token_account(account: &AccountSharedData) -> Option<(Pubkey, Pubkey, u64)> {
    let data = account.data();
    let is_account = is_of_token_program(account)
        && (data.len() == TOKEN_ACCOUNT
            || (data.len() > TOKEN_ACCOUNT && data.len() != MULTISIG && data[TOKEN_ACCOUNT] == 2))
        && data[INITIALIZED] != 0;
    is_account.then(|| (key_at(data, 0), key_at(data, 32), u64_at(data, 64)))
}

/// Decimals of an account that is a mint of either token program.
pub(crate) fn mint_decimals(account: &AccountSharedData) -> Option<u8> {
    let data = account.data();
    let is_mint = is_of_token_program(account)
        && (data.len() == MINT || (data.len() > TOKEN_ACCOUNT && data[TOKEN_ACCOUNT] == 1))
        && data[45] != 0;
    is_mint.then(|| data[44])
}

/// Supply of an account that is a mint of either token program.
pub(crate) fn mint_supply(account: &AccountSharedData) -> Option<u64> {
    mint_decimals(account).map(|_| u64_at(account.data(), 36))
}

/// Length of a mint without extensions.
const MINT: usize = 82;
/// Length of a multiple signature's account, which says nothing of the kind.
const MULTISIG: usize = 355;
/// Length of a token account without extensions; with some, the next byte says what it is.
const TOKEN_ACCOUNT: usize = 165;
/// Where a token account says that it is one.
const INITIALIZED: usize = 108;

fn is_of_token_program(account: &AccountSharedData) -> bool {
    let owner = account.owner().to_bytes();
    owner == TOKEN.0 || owner == TOKEN_2022.0
}

fn key_at(data: &[u8], at: usize) -> Pubkey {
    data.get(at..at + 32).and_then(|bytes| Pubkey::try_from(bytes).ok()).unwrap_or_default()
}

fn u64_at(data: &[u8], at: usize) -> u64 {
    data.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
