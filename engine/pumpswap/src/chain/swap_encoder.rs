//! Buying and selling.
//!
//! The v1 instructions take the accounts of their declaration and then, unnamed and in this order, those of a cashback,
//! the pool-v2 address, and the buyback recipient with its account. The v2 instructions take seventeen and nothing more.
//! Source: the program's documentation, sections on instructions, and the measured rule for pool-v2.

use super::address::Address;
use super::instruction::{AccountMeta, Instruction, data, read, sign_write, write};
use super::pda::{self, PoolKeys};
use super::programs::{
    ASSOCIATED_TOKEN, EVENT_AUTHORITY, FEE_CONFIG, GLOBAL_CONFIG, GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, PUMP_FEES,
    SYSTEM,
};
use crate::amm::Fees;

const BUY: [u8; 8] = [0x66, 0x06, 0x3d, 0x12, 0x01, 0xda, 0xeb, 0xea];
const BUY_EXACT_QUOTE_IN: [u8; 8] = [0xc6, 0x2e, 0x15, 0x52, 0xb4, 0xd9, 0xe8, 0x70];
const SELL: [u8; 8] = [0x33, 0xe6, 0x85, 0xa4, 0x01, 0x7f, 0x83, 0xad];
const BUY_V2: [u8; 8] = [0xb8, 0x17, 0xee, 0x61, 0x67, 0xc5, 0xd3, 0x3d];
const BUY_EXACT_QUOTE_IN_V2: [u8; 8] = [0xc2, 0xab, 0x1c, 0x46, 0x68, 0x4d, 0x5b, 0x2f];
const SELL_V2: [u8; 8] = [0x5d, 0xf6, 0x82, 0x3c, 0xe7, 0xe9, 0x40, 0xb2];

/// Whether an account is among those of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Passed.
    Passed,
    /// Left out.
    LeftOut,
}

impl Presence {
    const fn when(needed: bool) -> Self {
        if needed { Self::Passed } else { Self::LeftOut }
    }

    fn is_passed(self) -> bool {
        self == Self::Passed
    }
}

/// Which unnamed accounts a v1 trade passes; they depend on what it is charged.
///
/// The program takes the accounts of a cashback exactly where it pays one, and the pool-v2 address exactly where it
/// charges a creator fee or a cashback. What is missing is error 6062; what is passed in vain is taken for the buyback
/// recipient, which is error 6053.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeeAccounts {
    /// The pool-v2 address.
    pub pool_v2: Presence,
    /// Where a cashback goes.
    pub cashback: Presence,
}

impl FeeAccounts {
    /// The program's own rule, from the fees of the quoted trade.
    #[must_use]
    pub fn for_fees(fees: &Fees) -> Self {
        Self { pool_v2: Presence::when(fees.needs_pool_v2_account()), cashback: Presence::when(fees.cashback != 0) }
    }

    /// The rule of the vendor's client, which knows no fees: pool-v2 where the pool has a coin creator, a cashback's
    /// accounts on a cashback coin. It fails where his rate is zero, or the trade so small that nothing is charged.
    #[must_use]
    pub fn for_pool(pool: &PoolKeys) -> Self {
        Self { pool_v2: Presence::when(!pool.coin_creator.is_zero()), cashback: Presence::when(pool.is_cashback) }
    }
}

/// Whether a buy counts towards the user's volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VolumeTracking {
    /// It does not.
    Off,
    /// It does.
    #[default]
    On,
}

/// Encodes trades of one user on one pool.
///
/// Amounts are in the smallest unit of their mint, limits as in [`crate::amm::Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwapEncoder<'a> {
    /// The pool.
    pub pool: &'a PoolKeys,
    /// Who trades, and signs.
    pub user: Address,
    /// One of [`GlobalConfig::protocol_recipients`](super::GlobalConfig::protocol_recipients); v1 only.
    pub protocol_fee_recipient: Address,
    /// One of [`GlobalConfig::buyback_fee_recipients`](super::GlobalConfig).
    pub buyback_fee_recipient: Address,
    /// Which unnamed accounts v1 trades pass.
    pub fee_accounts: FeeAccounts,
}

impl SwapEncoder<'_> {
    /// `buy`: exactly `base_out`, for at most `max_quote_in`.
    #[must_use]
    pub fn buy(&self, base_out: u64, max_quote_in: u64, tracking: VolumeTracking) -> Instruction {
        self.buy_v1(BUY, [base_out, max_quote_in], tracking)
    }

    /// `buy_exact_quote_in`: at least `min_base_out`, for `quote_in`.
    #[must_use]
    pub fn buy_exact_quote_in(&self, quote_in: u64, min_base_out: u64, tracking: VolumeTracking) -> Instruction {
        self.buy_v1(BUY_EXACT_QUOTE_IN, [quote_in, min_base_out], tracking)
    }

    /// `sell`: exactly `base_in`, for at least `min_quote_out`.
    #[must_use]
    pub fn sell(&self, base_in: u64, min_quote_out: u64) -> Instruction {
        let mut accounts = self.common_v1();
        accounts.extend([read(FEE_CONFIG), read(PUMP_FEES)]);
        if self.fee_accounts.cashback.is_passed() {
            let accumulator = pda::user_volume_accumulator(&self.user);
            accounts.extend([write(self.pool.quote_account(&accumulator)), write(accumulator)]);
        }
        self.push_remaining(&mut accounts);
        Instruction { program: PUMP_AMM, accounts, data: data(SELL, &[base_in, min_quote_out]) }
    }

    /// `buy_v2`: as [`buy`](Self::buy); refused for cashback coins (6079).
    #[must_use]
    pub fn buy_v2(&self, base_out: u64, max_quote_in: u64) -> Instruction {
        self.v2(BUY_V2, [base_out, max_quote_in])
    }

    /// `buy_exact_quote_in_v2`: as [`buy_exact_quote_in`](Self::buy_exact_quote_in); refused for cashback coins (6079).
    #[must_use]
    pub fn buy_exact_quote_in_v2(&self, quote_in: u64, min_base_out: u64) -> Instruction {
        self.v2(BUY_EXACT_QUOTE_IN_V2, [quote_in, min_base_out])
    }

    /// `sell_v2`: as [`sell`](Self::sell); refused for cashback coins (6079).
    #[must_use]
    pub fn sell_v2(&self, base_in: u64, min_quote_out: u64) -> Instruction {
        self.v2(SELL_V2, [base_in, min_quote_out])
    }

    fn buy_v1(&self, discriminator: [u8; 8], amounts: [u64; 2], tracking: VolumeTracking) -> Instruction {
        let accumulator = pda::user_volume_accumulator(&self.user);
        let mut accounts = self.common_v1();
        accounts.extend([read(GLOBAL_VOLUME_ACCUMULATOR), write(accumulator), read(FEE_CONFIG), read(PUMP_FEES)]);
        if self.fee_accounts.cashback.is_passed() {
            accounts.push(write(self.pool.quote_account(&accumulator)));
        }
        self.push_remaining(&mut accounts);
        let mut data = data(discriminator, &amounts);
        data.push(u8::from(tracking == VolumeTracking::On));
        Instruction { program: PUMP_AMM, accounts, data }
    }

    /// The first nineteen accounts of every v1 trade.
    fn common_v1(&self) -> Vec<AccountMeta> {
        let pool = self.pool;
        let creator_vault = pda::creator_vault_authority(&pool.coin_creator);
        vec![
            write(pool.address),
            sign_write(self.user),
            read(GLOBAL_CONFIG),
            read(pool.base_mint),
            read(pool.quote_mint),
            write(pool.base_account(&self.user)),
            write(pool.quote_account(&self.user)),
            write(pool.base_vault),
            write(pool.quote_vault),
            read(self.protocol_fee_recipient),
            write(pool.quote_account(&self.protocol_fee_recipient)),
            read(pool.base_token_program),
            read(pool.quote_token_program),
            read(SYSTEM),
            read(ASSOCIATED_TOKEN),
            read(EVENT_AUTHORITY),
            read(PUMP_AMM),
            write(pool.quote_account(&creator_vault)),
            read(creator_vault),
        ]
    }

    /// The unnamed accounts at the end of every v1 trade.
    fn push_remaining(&self, accounts: &mut Vec<AccountMeta>) {
        if self.fee_accounts.pool_v2.is_passed() {
            accounts.push(read(pda::pool_v2(&self.pool.base_mint)));
        }
        accounts
            .extend([read(self.buyback_fee_recipient), write(self.pool.quote_account(&self.buyback_fee_recipient))]);
    }

    fn v2(&self, discriminator: [u8; 8], amounts: [u64; 2]) -> Instruction {
        let pool = self.pool;
        let accounts = vec![
            write(pool.address),
            sign_write(self.user),
            read(GLOBAL_CONFIG),
            read(pool.base_mint),
            read(pool.quote_mint),
            write(pool.base_account(&self.user)),
            write(pool.quote_account(&self.user)),
            write(pool.base_vault),
            write(pool.quote_vault),
            read(pool.base_token_program),
            read(pool.quote_token_program),
            read(SYSTEM),
            write(pda::user_volume_accumulator(&self.user)),
            read(FEE_CONFIG),
            write(pool.quote_account(&self.buyback_fee_recipient)),
            read(EVENT_AUTHORITY),
            read(PUMP_AMM),
        ];
        Instruction { program: PUMP_AMM, accounts, data: data(discriminator, &amounts) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::programs::{TOKEN, WSOL_MINT};
    use super::*;

    fn keys(is_cashback: bool) -> PoolKeys {
        PoolKeys::canonical(Address([3; 32]), WSOL_MINT, TOKEN, TOKEN, Address([4; 32]), is_cashback)
    }

    fn trade(pool: &PoolKeys) -> SwapEncoder<'_> {
        SwapEncoder {
            pool,
            user: Address([1; 32]),
            protocol_fee_recipient: Address([5; 32]),
            buyback_fee_recipient: Address([6; 32]),
            fee_accounts: FeeAccounts::for_pool(pool),
        }
    }

    #[test]
    fn a_cashback_coin_adds_one_account_to_a_buy_and_two_to_a_sell() {
        let (usual, cashback) = (keys(false), keys(true));
        let counts = |pool: &PoolKeys| {
            let trade = trade(pool);
            [trade.buy(1, 1, VolumeTracking::On), trade.sell(1, 1)].map(|instruction| instruction.accounts.len())
        };
        assert_eq!((counts(&usual), counts(&cashback)), ([26, 24], [27, 26]));
        let accumulator = pda::user_volume_accumulator(&Address([1; 32]));
        let expected = [write(cashback.quote_account(&accumulator)), write(accumulator)];
        assert_eq!(trade(&cashback).sell(1, 1).accounts[21..23], expected);
        assert_eq!(trade(&cashback).buy(1, 1, VolumeTracking::On).accounts[23], expected[0]);
    }

    #[test]
    fn the_buyback_recipient_is_last_with_or_without_the_pool_v2_address() {
        let pool = keys(false);
        let with = trade(&pool);
        let left_out = FeeAccounts { pool_v2: Presence::LeftOut, ..with.fee_accounts };
        let without = SwapEncoder { fee_accounts: left_out, ..with };
        let (with, without) = (with.sell(1, 1).accounts, without.sell(1, 1).accounts);
        assert_eq!(with[22..], without[21..]);
        assert_eq!(with[21], read(pda::pool_v2(&pool.base_mint)));
        assert_eq!(without[21], read(Address([6; 32])));
    }
}
