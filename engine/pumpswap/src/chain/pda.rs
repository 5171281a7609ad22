//! Derived addresses.
//!
//! An address is derived from seeds as the first hash, counting a bump seed down from 255, that is not a point of the
//! ed25519 curve, so nobody has a key to it. Source: Solana's documentation of program derived addresses; the seeds are
//! the PumpSwap program's.

use super::accounts::Pool;
use super::address::Address;
use super::programs::{ASSOCIATED_TOKEN, PUMP, PUMP_AMM, PUMP_FEES};
use curve25519_dalek::edwards::CompressedEdwardsY;
use sha2::{Digest, Sha256};

/// The address that `program` derives from `seeds`, and its bump seed.
///
/// # Panics
/// Where all 256 hashes are points of the curve, which takes 2^256 attempts to see once.
#[must_use]
pub fn find(seeds: &[&[u8]], program: &Address) -> (Address, u8) {
    let mut prefix = Sha256::new();
    for seed in seeds {
        prefix.update(seed);
    }
    for bump in (0..=u8::MAX).rev() {
        let mut hash = prefix.clone();
        hash.update([bump]);
        hash.update(program.as_bytes());
        hash.update(b"ProgramDerivedAddress");
        let candidate: [u8; 32] = hash.finalize().into();
        if !is_on_curve(&candidate) {
            return (Address(candidate), bump);
        }
    }
    unreachable!("256 hashes in a row were points of the curve")
}

fn is_on_curve(bytes: &[u8; 32]) -> bool {
    CompressedEdwardsY(*bytes).decompress().is_some()
}

fn derive(seeds: &[&[u8]], program: &Address) -> Address {
    find(seeds, program).0
}

/// A pool, by the index and the creator that it was made with.
#[must_use]
pub fn pool(index: u16, creator: &Address, base_mint: &Address, quote_mint: &Address) -> Address {
    let index = index.to_le_bytes();
    derive(&[b"pool", &index, creator.as_bytes(), base_mint.as_bytes(), quote_mint.as_bytes()], &PUMP_AMM)
}

/// The creator of a coin's canonical pool: the bonding curve's authority for it.
#[must_use]
pub fn pool_authority(base_mint: &Address) -> Address {
    derive(&[b"pool-authority", base_mint.as_bytes()], &PUMP)
}

/// The pool that a coin graduated into, from the mint alone; anybody can make another pool of the same mints.
#[must_use]
pub fn canonical_pool(base_mint: &Address, quote_mint: &Address) -> Address {
    pool(0, &pool_authority(base_mint), base_mint, quote_mint)
}

/// The mint of a pool's shares (Token-2022, 9 decimals).
#[must_use]
pub fn lp_mint(pool: &Address) -> Address {
    derive(&[b"pool_lp_mint", pool.as_bytes()], &PUMP_AMM)
}

/// The owner of the vaults in which a coin creator's fees gather.
#[must_use]
pub fn creator_vault_authority(coin_creator: &Address) -> Address {
    derive(&[b"creator_vault", coin_creator.as_bytes()], &PUMP_AMM)
}

/// The account that counts a user's volume, and holds his cashback.
#[must_use]
pub fn user_volume_accumulator(user: &Address) -> Address {
    derive(&[b"user_volume_accumulator", user.as_bytes()], &PUMP_AMM)
}

/// An address that v1 trades pass along; no account has to exist there.
#[must_use]
pub fn pool_v2(base_mint: &Address) -> Address {
    derive(&[b"pool-v2", base_mint.as_bytes()], &PUMP_AMM)
}

/// The owner of a pool's boost.
#[must_use]
pub fn boost_vault_authority(pool: &Address) -> Address {
    derive(&[b"boost_vault", pool.as_bytes()], &PUMP_AMM)
}

/// A coin's bonding curve.
#[must_use]
pub fn bonding_curve(mint: &Address) -> Address {
    derive(&[b"bonding-curve", mint.as_bytes()], &PUMP)
}

/// How a coin's creators share its fees.
#[must_use]
pub fn sharing_config(mint: &Address) -> Address {
    derive(&[b"sharing-config", mint.as_bytes()], &PUMP_FEES)
}

/// The global configuration; the constant [`GLOBAL_CONFIG`](super::programs::GLOBAL_CONFIG).
#[must_use]
pub fn global_config() -> Address {
    derive(&[b"global_config"], &PUMP_AMM)
}

/// The event authority; the constant [`EVENT_AUTHORITY`](super::programs::EVENT_AUTHORITY).
#[must_use]
pub fn event_authority() -> Address {
    derive(&[b"__event_authority"], &PUMP_AMM)
}

/// The global volume accumulator; the constant
/// [`GLOBAL_VOLUME_ACCUMULATOR`](super::programs::GLOBAL_VOLUME_ACCUMULATOR).
#[must_use]
pub fn global_volume_accumulator() -> Address {
    derive(&[b"global_volume_accumulator"], &PUMP_AMM)
}

/// The fee schedules of the AMM; the constant [`FEE_CONFIG`](super::programs::FEE_CONFIG).
#[must_use]
pub fn fee_config() -> Address {
    derive(&[b"fee_config", PUMP_AMM.as_bytes()], &PUMP_FEES)
}

/// The associated token account of `owner` for `mint`, which `token_program` owns.
#[must_use]
pub fn associated_token(owner: &Address, mint: &Address, token_program: &Address) -> Address {
    derive(&[owner.as_bytes(), token_program.as_bytes(), mint.as_bytes()], &ASSOCIATED_TOKEN)
}

/// The address that `base` derives from a `seed` of at most 32 bytes for an account of `program`; only `base` can make
/// an account there. Source: Solana's documentation of `createAccountWithSeed`.
#[must_use]
pub fn with_seed(base: &Address, seed: &str, program: &Address) -> Address {
    let mut hash = Sha256::new();
    hash.update(base.as_bytes());
    hash.update(seed.as_bytes());
    hash.update(program.as_bytes());
    Address(hash.finalize().into())
}

/// All that the encoders need to know of a pool: its addresses, its mints and their programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolKeys {
    /// The pool.
    pub address: Address,
    /// Its base mint.
    pub base_mint: Address,
    /// Its quote mint.
    pub quote_mint: Address,
    /// The mint of its shares.
    pub lp_mint: Address,
    /// Its base vault.
    pub base_vault: Address,
    /// Its quote vault.
    pub quote_vault: Address,
    /// The program of the base mint.
    pub base_token_program: Address,
    /// The program of the quote mint.
    pub quote_token_program: Address,
    /// The coin's creator; zero where there is none.
    pub coin_creator: Address,
    /// Whether the creator's fee goes back to the trader.
    pub is_cashback: bool,
}

impl PoolKeys {
    /// From a pool's account. The token programs are the owners of the two mints.
    #[must_use]
    pub fn new(address: Address, pool: &Pool, base_token_program: Address, quote_token_program: Address) -> Self {
        Self {
            address,
            base_mint: pool.base_mint,
            quote_mint: pool.quote_mint,
            lp_mint: pool.lp_mint,
            base_vault: pool.base_vault,
            quote_vault: pool.quote_vault,
            base_token_program,
            quote_token_program,
            coin_creator: pool.coin_creator,
            is_cashback: pool.is_cashback,
        }
    }

    /// From the mint alone: the pool that a coin graduated into. What only its account knows is asked for.
    #[must_use]
    pub fn canonical(
        base_mint: Address,
        quote_mint: Address,
        base_token_program: Address,
        quote_token_program: Address,
        coin_creator: Address,
        is_cashback: bool,
    ) -> Self {
        let address = canonical_pool(&base_mint, &quote_mint);
        Self {
            address,
            base_mint,
            quote_mint,
            lp_mint: lp_mint(&address),
            base_vault: associated_token(&address, &base_mint, &base_token_program),
            quote_vault: associated_token(&address, &quote_mint, &quote_token_program),
            base_token_program,
            quote_token_program,
            coin_creator,
            is_cashback,
        }
    }

    /// The account of `owner` for the base mint.
    #[must_use]
    pub fn base_account(&self, owner: &Address) -> Address {
        associated_token(owner, &self.base_mint, &self.base_token_program)
    }

    /// The account of `owner` for the quote mint.
    #[must_use]
    pub fn quote_account(&self, owner: &Address) -> Address {
        associated_token(owner, &self.quote_mint, &self.quote_token_program)
    }
}
