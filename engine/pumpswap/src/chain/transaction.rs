//! Whole transactions: the trade and the instructions around it.
//!
//! A pool quoted in SOL trades wrapped SOL, so SOL is wrapped before a buy and unwrapped after every trade; an account
//! that will receive tokens must exist; and a pool account of an old length is extended first, as the vendor's client
//! still does. Source: the vendor's client, whose lists these equal.

use super::accounts::Pool;
use super::address::Address;
use super::instruction::{Instruction, data, read, sign_write, write};
use super::liquidity::Liquidity;
use super::pda::{PoolKeys, user_volume_accumulator};
use super::programs::{EVENT_AUTHORITY, GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, SYSTEM, TOKEN_2022, WSOL_MINT};
use super::token::{close_account, create_account, sync_native, transfer_lamports};

const EXTEND_ACCOUNT: [u8; 8] = [0xea, 0x66, 0xc2, 0xcb, 0x96, 0x48, 0x3e, 0xe5];
const INIT_USER_VOLUME_ACCUMULATOR: [u8; 8] = [0x5e, 0x06, 0xca, 0x73, 0xff, 0x60, 0xe8, 0xb7];
const SYNC_USER_VOLUME_ACCUMULATOR: [u8; 8] = [0x56, 0x1f, 0xc0, 0x57, 0xa3, 0x57, 0x4f, 0xee];

/// Whether a token account is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenAccountState {
    /// It is.
    Exists,
    /// It has to be created.
    Missing,
}

/// Which of the user's token accounts are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenAccounts {
    /// For the base mint.
    pub base: TokenAccountState,
    /// For the quote mint.
    pub quote: TokenAccountState,
}

/// Puts around an instruction what it needs to succeed.
///
/// Closing the wrapped-SOL account afterwards unwraps ALL that it holds, also what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Composer<'a> {
    /// The pool.
    pub pool: &'a PoolKeys,
    /// Length of the pool's account, in bytes.
    pub pool_length: usize,
    /// Who trades, pays and signs.
    pub user: Address,
    /// The user's token accounts.
    pub accounts: TokenAccounts,
}

impl Composer<'_> {
    /// Around a buy that may cost up to `max_quote_in`, in the quote's smallest unit.
    #[must_use]
    pub fn buy(&self, buy: Instruction, max_quote_in: u64) -> Vec<Instruction> {
        let mut list = self.extended();
        if self.wraps() {
            self.create_quote(&mut list);
            self.wrap(&mut list, max_quote_in);
        }
        self.create_base(&mut list);
        list.push(buy);
        self.unwrap(&mut list);
        list
    }

    /// Around a sell.
    #[must_use]
    pub fn sell(&self, sell: Instruction) -> Vec<Instruction> {
        let mut list = self.extended();
        self.create_quote(&mut list);
        list.push(sell);
        self.unwrap(&mut list);
        list
    }

    /// Around a deposit that may cost up to `max_quote_in`; the account for the shares is created where it is missing.
    #[must_use]
    pub fn deposit(&self, deposit: Instruction, max_quote_in: u64) -> Vec<Instruction> {
        let mut list = self.extended();
        if self.wraps() {
            self.create_quote(&mut list);
            self.wrap(&mut list, max_quote_in);
        }
        list.push(create_account(self.user, self.user, self.pool.lp_mint, TOKEN_2022));
        list.push(deposit);
        self.unwrap(&mut list);
        list
    }

    /// Around a withdrawal. Wrapped SOL stays wrapped.
    #[must_use]
    pub fn withdraw(&self, withdraw: Instruction) -> Vec<Instruction> {
        let mut list = self.extended();
        self.create_base(&mut list);
        self.create_quote(&mut list);
        list.push(withdraw);
        list
    }

    /// Encodes deposits and withdrawals of the same user on the same pool.
    #[must_use]
    pub fn liquidity(&self) -> Liquidity<'_> {
        Liquidity { pool: self.pool, user: self.user }
    }

    /// `extend_account`: brings the pool's account to its present length, at the user's expense.
    #[must_use]
    pub fn extend_pool(&self) -> Instruction {
        let accounts =
            vec![write(self.pool.address), sign_write(self.user), read(SYSTEM), read(EVENT_AUTHORITY), read(PUMP_AMM)];
        Instruction { program: PUMP_AMM, accounts, data: data(EXTEND_ACCOUNT, &[]) }
    }

    /// `init_user_volume_accumulator`: makes the account that a first trade would make.
    #[must_use]
    pub fn init_volume_accumulator(&self) -> Instruction {
        let accounts = vec![
            sign_write(self.user),
            read(self.user),
            write(user_volume_accumulator(&self.user)),
            read(SYSTEM),
            read(EVENT_AUTHORITY),
            read(PUMP_AMM),
        ];
        Instruction { program: PUMP_AMM, accounts, data: data(INIT_USER_VOLUME_ACCUMULATOR, &[]) }
    }

    /// `sync_user_volume_accumulator`: brings the user's volume up to the present day.
    #[must_use]
    pub fn sync_volume_accumulator(&self) -> Instruction {
        let accounts = vec![
            read(self.user),
            read(GLOBAL_VOLUME_ACCUMULATOR),
            write(user_volume_accumulator(&self.user)),
            read(EVENT_AUTHORITY),
            read(PUMP_AMM),
        ];
        Instruction { program: PUMP_AMM, accounts, data: data(SYNC_USER_VOLUME_ACCUMULATOR, &[]) }
    }

    fn extended(&self) -> Vec<Instruction> {
        if self.pool_length < Pool::FULL { vec![self.extend_pool()] } else { Vec::new() }
    }

    fn wraps(&self) -> bool {
        self.pool.quote_mint == WSOL_MINT
    }

    fn create_base(&self, list: &mut Vec<Instruction>) {
        if self.accounts.base == TokenAccountState::Missing {
            list.push(create_account(self.user, self.user, self.pool.base_mint, self.pool.base_token_program));
        }
    }

    fn create_quote(&self, list: &mut Vec<Instruction>) {
        if self.accounts.quote == TokenAccountState::Missing {
            list.push(create_account(self.user, self.user, self.pool.quote_mint, self.pool.quote_token_program));
        }
    }

    fn wrap(&self, list: &mut Vec<Instruction>, lamports: u64) {
        let account = self.pool.quote_account(&self.user);
        list.push(transfer_lamports(self.user, account, lamports));
        list.push(sync_native(account, self.pool.quote_token_program));
    }

    fn unwrap(&self, list: &mut Vec<Instruction>) {
        if self.wraps() {
            list.push(close_account(self.pool.quote_account(&self.user), self.user, self.pool.quote_token_program));
        }
    }
}
