//! Token accounts: creating, wrapping, closing.
//!
//! Source: the documentation of the SPL Token, Associated Token Account and System programs.

use super::address::Address;
use super::instruction::{Instruction, read, sign, sign_write, write};
use super::pda::{associated_token, with_seed};
use super::programs::{ASSOCIATED_TOKEN, SYSTEM};

/// Creates `owner`'s associated account for `mint` at the expense of `payer`, and does nothing where there is one.
#[must_use]
pub fn create_account(payer: Address, owner: Address, mint: Address, token_program: Address) -> Instruction {
    let account = associated_token(&owner, &mint, &token_program);
    Instruction {
        program: ASSOCIATED_TOKEN,
        accounts: vec![sign_write(payer), write(account), read(owner), read(mint), read(SYSTEM), read(token_program)],
        data: vec![1],
    }
}

/// Length of a token account without extensions.
const LENGTH: u64 = 165;

/// Makes a token account of `owner` at [`with_seed`]`(owner, seed, token_program)`, with
/// `lamports` in it. One of wrapped SOL counts what is beyond its rent.
#[must_use]
pub fn create_seeded_account(
    owner: Address,
    seed: &str,
    mint: Address,
    token_program: Address,
    lamports: u64,
) -> [Instruction; 2] {
    let account = with_seed(&owner, seed, &token_program);
    let mut data = 3_u32.to_le_bytes().to_vec();
    data.extend(owner.as_bytes());
    data.extend((seed.len() as u64).to_le_bytes());
    data.extend(seed.as_bytes());
    data.extend(lamports.to_le_bytes());
    data.extend(LENGTH.to_le_bytes());
    data.extend(token_program.as_bytes());
    let create = Instruction { program: SYSTEM, accounts: vec![sign_write(owner), write(account)], data };
    // InitializeAccount3
    let mut data = vec![18];
    data.extend(owner.as_bytes());
    [create, Instruction { program: token_program, accounts: vec![write(account), read(mint)], data }]
}

/// Sends `lamports` from `from` to `to`.
#[must_use]
pub fn transfer_lamports(from: Address, to: Address, lamports: u64) -> Instruction {
    let mut data = 2_u32.to_le_bytes().to_vec();
    data.extend(lamports.to_le_bytes());
    Instruction { program: SYSTEM, accounts: vec![sign_write(from), write(to)], data }
}

/// Makes a wrapped-SOL account count the lamports that it was sent.
#[must_use]
pub fn sync_native(account: Address, token_program: Address) -> Instruction {
    Instruction { program: token_program, accounts: vec![write(account)], data: vec![17] }
}

/// Closes `account`, and sends its lamports (wrapped ones included) to its `owner`.
#[must_use]
pub fn close_account(account: Address, owner: Address, token_program: Address) -> Instruction {
    Instruction { program: token_program, accounts: vec![write(account), write(owner), sign(owner)], data: vec![9] }
}
