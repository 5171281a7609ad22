//! Depositing and withdrawing.

use super::address::Address;
use super::instruction::{Instruction, data, read, sign, write};
use super::pda::{PoolKeys, associated_token};
use super::programs::{EVENT_AUTHORITY, GLOBAL_CONFIG, PUMP_AMM, TOKEN, TOKEN_2022};

const DEPOSIT: [u8; 8] = [0xf2, 0x23, 0xc6, 0x89, 0x52, 0xe1, 0xf2, 0xb6];
const WITHDRAW: [u8; 8] = [0xb7, 0x12, 0x46, 0x9c, 0x94, 0x6d, 0xa1, 0x22];

/// Encodes deposits and withdrawals of one user on one pool. Amounts in the smallest unit of their mint; pool shares
/// have 9 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidity<'a> {
    /// The pool.
    pub pool: &'a PoolKeys,
    /// Whose shares they are; signs.
    pub user: Address,
}

impl Liquidity<'_> {
    /// `deposit`: exactly `shares`, for at most `max_base_in` and `max_quote_in`.
    #[must_use]
    pub fn deposit(&self, shares: u64, max_base_in: u64, max_quote_in: u64) -> Instruction {
        self.encode(DEPOSIT, [shares, max_base_in, max_quote_in])
    }

    /// `withdraw`: exactly `shares`, for at least `min_base_out` and `min_quote_out`.
    #[must_use]
    pub fn withdraw(&self, shares: u64, min_base_out: u64, min_quote_out: u64) -> Instruction {
        self.encode(WITHDRAW, [shares, min_base_out, min_quote_out])
    }

    /// The user's account for the pool's shares.
    #[must_use]
    pub fn share_account(&self) -> Address {
        associated_token(&self.user, &self.pool.lp_mint, &TOKEN_2022)
    }

    fn encode(&self, discriminator: [u8; 8], amounts: [u64; 3]) -> Instruction {
        let pool = self.pool;
        let accounts = vec![
            write(pool.address),
            read(GLOBAL_CONFIG),
            sign(self.user),
            read(pool.base_mint),
            read(pool.quote_mint),
            write(pool.lp_mint),
            write(pool.base_account(&self.user)),
            write(pool.quote_account(&self.user)),
            write(self.share_account()),
            write(pool.base_vault),
            write(pool.quote_vault),
            read(TOKEN),
            read(TOKEN_2022),
            read(EVENT_AUTHORITY),
            read(PUMP_AMM),
        ];
        Instruction { program: PUMP_AMM, accounts, data: data(discriminator, &amounts) }
    }
}
