//! Account data, as the programs lay it out: the inverse of this crate's decoders, for setting up a chain.
//!
//! Source: the interface description of PumpSwap and of the fees program; the documentation of SPL Token.

use super::accounts::{FeeConfigAccount, GlobalConfig, Pool};
use super::address::Address;
use crate::amm::{FeeRates, FeeTiers};

/// Appends fields to account data.
#[derive(Debug, Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    fn flag(self, value: bool) -> Self {
        self.raw(&[u8::from(value)])
    }

    fn address(self, value: &Address) -> Self {
        self.raw(value.as_bytes())
    }

    fn addresses(self, values: &[Address]) -> Self {
        values.iter().fold(self, Self::address)
    }

    /// SPL's optional address: a four-byte flag, and 32 bytes that are there in any case.
    fn optional(self, value: Option<&Address>) -> Self {
        self.raw(&u32::from(value.is_some()).to_le_bytes()).address(value.unwrap_or(&Address::ZERO))
    }

    fn rates(self, rates: FeeRates) -> Self {
        self.u64(rates.lp.0).u64(rates.protocol.0).u64(rates.creator.0)
    }

    fn tiers(self, tiers: &FeeTiers) -> Self {
        // A table that does not fit the account fails when it is padded, long before it fails to be counted.
        let length = u32::try_from(tiers.as_slice().len()).unwrap_or(u32::MAX);
        tiers.as_slice().iter().fold(self.raw(&length.to_le_bytes()), |writer, tier| {
            writer.raw(&tier.threshold.to_le_bytes()).rates(tier.rates)
        })
    }

    fn padded(mut self, length: usize) -> Vec<u8> {
        assert!(self.0.len() <= length, "{} bytes do not fit {length}", self.0.len());
        self.0.resize(length, 0);
        self.0
    }
}

/// A pool's account, of `length` bytes.
///
/// # Panics
/// Where a field that is cut off is not zero, as it is in accounts of that age.
#[must_use]
pub fn pool(pool: &Pool, length: usize) -> Vec<u8> {
    let mut data = Writer::default()
        .raw(&Pool::DISCRIMINATOR)
        .raw(&[pool.bump])
        .raw(&pool.index.to_le_bytes())
        .addresses(&[pool.creator, pool.base_mint, pool.quote_mint, pool.lp_mint, pool.base_vault, pool.quote_vault])
        .u64(pool.lp_supply)
        .address(&pool.coin_creator)
        .flag(pool.is_mayhem)
        .flag(pool.is_cashback)
        .raw(&pool.virtual_quote_reserves.to_le_bytes())
        .u64(pool.creator_fee.0)
        .flag(pool.can_edit_creator_fee)
        .flag(pool.is_holder_reward)
        .u64(pool.protocol_fees)
        .u64(pool.creator_fees)
        .0;
    assert_eq!(data.len(), 287);
    data.resize(data.len().max(length), 0);
    assert!(data[length..].iter().all(|&byte| byte == 0), "a pool of {length} bytes has no such fields");
    data.truncate(length);
    data
}

/// The program's configuration.
#[must_use]
pub fn global_config(config: &GlobalConfig) -> Vec<u8> {
    Writer::default()
        .raw(&GlobalConfig::DISCRIMINATOR)
        .address(&config.admin)
        .u64(config.lp_fee.0)
        .u64(config.protocol_fee.0)
        .raw(&[config.disabled.0])
        .addresses(&config.protocol_fee_recipients)
        .u64(config.coin_creator_fee.0)
        .addresses(&[config.admin_set_coin_creator_authority, config.whitelist, config.reserved_fee_recipient])
        .flag(config.mayhem_enabled)
        .addresses(&config.reserved_fee_recipients)
        .flag(config.cashback_enabled)
        .addresses(&config.buyback_fee_recipients)
        .u64(config.buyback.0)
        .address(&config.boost_authority)
        .flag(config.boost_enabled)
        .flag(config.creator_fee_configurable)
        .u64(config.max_creator_fee.0)
        .padded(949)
}

/// The fees program's configuration, with tables for stable and exotic quotes.
///
/// # Panics
/// Where its tables do not fit the account's 4,097 bytes.
#[must_use]
pub fn fee_config(config: &FeeConfigAccount) -> Vec<u8> {
    Writer::default()
        .raw(&FeeConfigAccount::DISCRIMINATOR)
        .raw(&[config.bump])
        .address(&config.admin)
        .rates(config.fees.flat)
        .tiers(&config.fees.sol_tiers)
        .tiers(&config.fees.stable_tiers)
        .rates(config.fees.exotic)
        .padded(4097)
}

/// The account that counts everybody's volume, before anything was counted.
#[must_use]
pub fn global_volume_accumulator() -> Vec<u8> {
    Writer::default().raw(&[0xca, 0x2a, 0xf6, 0x2b, 0x8e, 0xbe, 0x1e, 0xff]).padded(560)
}

/// A mint of either token program, without extensions.
#[must_use]
pub fn mint(supply: u64, decimals: u8, authority: Option<&Address>) -> Vec<u8> {
    const INITIALIZED: u8 = 1;
    Writer::default().optional(authority).u64(supply).raw(&[decimals, INITIALIZED]).optional(None).padded(82)
}

/// Where the supply of a mint stands.
pub const MINT_SUPPLY: usize = 36;

/// A token account of either token program, without extensions. `native_rent` is what a wrapped-SOL account keeps
/// besides its amount, in lamports.
#[must_use]
pub fn token_account(mint: &Address, owner: &Address, amount: u64, native_rent: Option<u64>) -> Vec<u8> {
    const INITIALIZED: u8 = 1;
    Writer::default()
        .address(mint)
        .address(owner)
        .u64(amount)
        .optional(None) // delegate
        .raw(&[INITIALIZED])
        .raw(&u32::from(native_rent.is_some()).to_le_bytes())
        .u64(native_rent.unwrap_or(0))
        .u64(0) // delegated amount
        .optional(None) // close authority
        .padded(165)
}

/// Where the amount of a token account stands.
pub const TOKEN_AMOUNT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amm::AmmConfig;

    #[test]
    fn a_pool_is_read_back_as_it_was_written_at_every_length_that_holds_it() {
        let written =
            Pool { bump: 254, lp_supply: 7, virtual_quote_reserves: -9, ..Pool::decode(&pool_of_zeros()).unwrap() };
        for length in [261, 287, 300, 301] {
            let data = pool(&written, length);
            assert_eq!((data.len(), Pool::decode(&data).unwrap()), (length, written.clone()));
        }
    }

    #[test]
    #[should_panic(expected = "a pool of 244 bytes has no such fields")]
    fn a_pool_with_virtual_reserves_does_not_fit_an_account_of_before_them() {
        let pool_state = Pool { virtual_quote_reserves: 1, ..Pool::decode(&pool_of_zeros()).unwrap() };
        let _ = pool(&pool_state, 244);
    }

    #[test]
    fn the_fee_tables_are_read_back_as_they_were_written() {
        let written = FeeConfigAccount { bump: 3, admin: Address([1; 32]), fees: AmmConfig::default().fees };
        assert_eq!(FeeConfigAccount::decode(&fee_config(&written)).unwrap(), written);
    }

    fn pool_of_zeros() -> Vec<u8> {
        let mut data = Pool::DISCRIMINATOR.to_vec();
        data.resize(Pool::FULL, 0);
        data
    }
}
