//! The three accounts that price a trade: the pool, the program's configuration, and the fee schedules.

use super::address::Address;
use super::pda;
use super::programs::{PUMP_AMM, PUMP_FEES, USDC_MINT, WSOL_2022_MINT, WSOL_MINT};
use super::reader::{DecodeError, Reader};
use crate::Bps;
use crate::amm::{
    AmmConfig, DisabledInstructions, FeeConfig, FeeRates, FeeTier, FeeTiers, PoolOrigin, PoolState, QuoteMint,
};

/// Where an account belongs to another program it is another thing, whatever its bytes say.
fn require_owner(what: &'static str, expected: Address, found: &Address) -> Result<(), DecodeError> {
    if *found == expected { Ok(()) } else { Err(DecodeError::WrongOwner { what, expected, found: *found }) }
}

/// The program's `Pool` account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Bump seed of its address.
    pub bump: u8,
    /// Index that its creator gave it.
    pub index: u16,
    /// Who made it.
    pub creator: Address,
    /// Base mint.
    pub base_mint: Address,
    /// Quote mint.
    pub quote_mint: Address,
    /// Mint of its shares.
    pub lp_mint: Address,
    /// Base vault.
    pub base_vault: Address,
    /// Quote vault.
    pub quote_vault: Address,
    /// Shares, not reduced by what holders burn.
    pub lp_supply: u64,
    /// The coin's creator; zero where there is none (or the account is older than May 2025).
    pub coin_creator: Address,
    /// Whether the coin is in mayhem mode.
    pub is_mayhem: bool,
    /// Whether the creator's fee goes back to the trader.
    pub is_cashback: bool,
    /// Quote that prices but is not in the vault, less un-swept fees; in the quote's smallest unit.
    pub virtual_quote_reserves: i128,
    /// The pool's own creator rate; zero means the schedule's.
    pub creator_fee: Bps,
    /// Whether that rate can be changed.
    pub can_edit_creator_fee: bool,
    /// Whether the creator's fee goes to the coin's holders.
    pub is_holder_reward: bool,
    /// Un-swept protocol fees in the vault, in the quote's smallest unit.
    pub protocol_fees: u64,
    /// Un-swept creator fees in the vault, in the quote's smallest unit.
    pub creator_fees: u64,
}

impl Pool {
    /// First eight bytes of the account.
    pub const DISCRIMINATOR: [u8; 8] = [0xf1, 0x9a, 0x6d, 0x04, 0x11, 0xb1, 0x6d, 0xbc];
    /// Length of the first pools, of March 2025.
    const OLDEST: usize = 211;
    /// Length from which no client extends the account before it trades.
    pub const FULL: usize = 300;

    /// Reads an account that `owner` owns.
    ///
    /// # Errors
    /// [`DecodeError`] where another program owns it, or it is no pool, or cut.
    pub fn from_account(owner: &Address, data: &[u8]) -> Result<Self, DecodeError> {
        require_owner("Pool", PUMP_AMM, owner)?;
        Self::decode(data)
    }

    /// Reads account data of any age: fields that it does not have are zero.
    ///
    /// # Errors
    /// [`DecodeError`] where it is no pool, or shorter than the first pools were.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("Pool", Self::DISCRIMINATOR, Self::OLDEST, data)?;
        Ok(Self {
            bump: reader.u8(),
            index: reader.u16(),
            creator: reader.address(),
            base_mint: reader.address(),
            quote_mint: reader.address(),
            lp_mint: reader.address(),
            base_vault: reader.address(),
            quote_vault: reader.address(),
            lp_supply: reader.u64(),
            coin_creator: reader.address(),
            is_mayhem: reader.flag(),
            is_cashback: reader.flag(),
            virtual_quote_reserves: reader.i128(),
            creator_fee: Bps(reader.u64()),
            can_edit_creator_fee: reader.flag(),
            is_holder_reward: reader.flag(),
            protocol_fees: reader.u64(),
            creator_fees: reader.u64(),
        })
    }

    /// The address that its own fields derive; a pool that is found elsewhere is not what it says.
    #[must_use]
    pub fn derived_address(&self) -> Address {
        pda::pool(self.index, &self.creator, &self.base_mint, &self.quote_mint)
    }

    /// Whether the coin graduated into this pool, or somebody made it.
    #[must_use]
    pub fn origin(&self) -> PoolOrigin {
        if self.creator == pda::pool_authority(&self.base_mint) {
            PoolOrigin::Graduated
        } else {
            PoolOrigin::ThirdParty
        }
    }

    /// What the pool is quoted in, as far as fees care.
    #[must_use]
    pub fn quote_kind(&self) -> QuoteMint {
        match self.quote_mint {
            WSOL_MINT | WSOL_2022_MINT => QuoteMint::Sol,
            USDC_MINT => QuoteMint::Usdc,
            _ => QuoteMint::Other,
        }
    }

    /// The state that prices a trade: this account, what its two vaults hold and the base mint's supply, each in the
    /// smallest unit of its mint and all read at the same slot.
    #[must_use]
    pub fn state(&self, base_vault: u64, quote_vault: u64, base_supply: u64) -> PoolState {
        PoolState {
            base_vault,
            quote_vault,
            virtual_quote: self.virtual_quote_reserves,
            protocol_fees: self.protocol_fees,
            creator_fees: self.creator_fees,
            base_supply,
            lp_supply: self.lp_supply,
            origin: self.origin(),
            quote_mint: self.quote_kind(),
            has_coin_creator: !self.coin_creator.is_zero(),
            is_mayhem: self.is_mayhem,
            is_cashback: self.is_cashback,
            creator_fee: self.creator_fee,
        }
    }
}

/// The program's `GlobalConfig` account. Its own fee rates no longer price anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalConfig {
    /// Administrator.
    pub admin: Address,
    /// LP rate of before the fees program.
    pub lp_fee: Bps,
    /// Protocol rate of before the fees program.
    pub protocol_fee: Bps,
    /// Instructions that are switched off.
    pub disabled: DisabledInstructions,
    /// Whom the protocol's fee may go to.
    pub protocol_fee_recipients: [Address; 8],
    /// Creator rate of before the fees program.
    pub coin_creator_fee: Bps,
    /// Who may set coin creators.
    pub admin_set_coin_creator_authority: Address,
    /// The whitelist.
    pub whitelist: Address,
    /// First of those whom the protocol's fee on a mayhem pool may go to.
    pub reserved_fee_recipient: Address,
    /// Whether there are mayhem pools.
    pub mayhem_enabled: bool,
    /// The other seven.
    pub reserved_fee_recipients: [Address; 7],
    /// Whether there are cashback coins.
    pub cashback_enabled: bool,
    /// Whom the buyback slice may go to.
    pub buyback_fee_recipients: [Address; 8],
    /// The buyback slice of the protocol's fee.
    pub buyback: Bps,
    /// Who may boost.
    pub boost_authority: Address,
    /// Whether there are boosts.
    pub boost_enabled: bool,
    /// Whether pools may have a creator rate of their own.
    pub creator_fee_configurable: bool,
    /// The highest such rate.
    pub max_creator_fee: Bps,
}

impl GlobalConfig {
    /// First eight bytes of the account.
    pub const DISCRIMINATOR: [u8; 8] = [0x95, 0x08, 0x9c, 0xca, 0xa0, 0xfc, 0xb0, 0xd9];
    /// Through the recipients, as of March 2025.
    const OLDEST: usize = 313;

    /// Reads an account that `owner` owns.
    ///
    /// # Errors
    /// [`DecodeError`] where another program owns it, or it is no such configuration, or cut.
    pub fn from_account(owner: &Address, data: &[u8]) -> Result<Self, DecodeError> {
        require_owner("GlobalConfig", PUMP_AMM, owner)?;
        Self::decode(data)
    }

    /// Reads account data of any age: fields that it does not have are zero.
    ///
    /// # Errors
    /// [`DecodeError`] where it is no such configuration, or cut.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("GlobalConfig", Self::DISCRIMINATOR, Self::OLDEST, data)?;
        Ok(Self {
            admin: reader.address(),
            lp_fee: Bps(reader.u64()),
            protocol_fee: Bps(reader.u64()),
            disabled: DisabledInstructions(reader.u8()),
            protocol_fee_recipients: reader.addresses(),
            coin_creator_fee: Bps(reader.u64()),
            admin_set_coin_creator_authority: reader.address(),
            whitelist: reader.address(),
            reserved_fee_recipient: reader.address(),
            mayhem_enabled: reader.flag(),
            reserved_fee_recipients: reader.addresses(),
            cashback_enabled: reader.flag(),
            buyback_fee_recipients: reader.addresses(),
            buyback: Bps(reader.u64()),
            boost_authority: reader.address(),
            boost_enabled: reader.flag(),
            creator_fee_configurable: reader.flag(),
            max_creator_fee: Bps(reader.u64()),
        })
    }

    /// Whom the protocol's fee of a trade may go to; the program refuses anybody else (6013).
    #[must_use]
    pub fn protocol_recipients(&self, is_mayhem: bool) -> [Address; 8] {
        if !is_mayhem {
            return self.protocol_fee_recipients;
        }
        let [a, b, c, d, e, f, g] = self.reserved_fee_recipients;
        [self.reserved_fee_recipient, a, b, c, d, e, f, g]
    }

    /// What prices a trade besides the pool.
    #[must_use]
    pub fn amm_config(&self, fees: &FeeConfigAccount) -> AmmConfig {
        AmmConfig {
            fees: fees.fees.clone(),
            buyback: self.buyback,
            creator_fee_configurable: self.creator_fee_configurable,
            disabled: self.disabled,
        }
    }
}

/// The fees program's `FeeConfig` account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeConfigAccount {
    /// Bump seed of its address.
    pub bump: u8,
    /// Administrator.
    pub admin: Address,
    /// The schedules.
    pub fees: FeeConfig,
}

impl FeeConfigAccount {
    /// First eight bytes of the account.
    pub const DISCRIMINATOR: [u8; 8] = [0x8f, 0x34, 0x92, 0xbb, 0xdb, 0x7b, 0x4c, 0x9b];
    /// Through the length of the first table.
    const OLDEST: usize = 69;
    /// Length from which there is a table for stable quotes; the list is packed, so that the padding of a shorter
    /// account must not be read as one.
    const WITH_STABLE_TIERS: usize = 4073;
    /// Length from which there is a schedule for exotic quotes.
    const WITH_EXOTIC: usize = 4097;
    /// Bytes of one tier.
    const TIER: usize = 40;

    /// Reads an account that `owner` owns.
    ///
    /// # Errors
    /// [`DecodeError`] where another program owns it, or it is no such configuration, or cut.
    pub fn from_account(owner: &Address, data: &[u8]) -> Result<Self, DecodeError> {
        require_owner("FeeConfig", PUMP_FEES, owner)?;
        Self::decode(data)
    }

    /// Reads account data of any age: without a stable table the SOL table serves, without an exotic schedule the flat
    /// one does.
    ///
    /// # Errors
    /// [`DecodeError`] where it is no such configuration, or cut.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("FeeConfig", Self::DISCRIMINATOR, Self::OLDEST, data)?;
        let (bump, admin) = (reader.u8(), reader.address());
        let flat = rates(&mut reader);
        let sol_tiers = FeeTiers::new(reader.list(Self::TIER, tier)?);
        let stable_tiers = if data.len() >= Self::WITH_STABLE_TIERS { reader.list(Self::TIER, tier)? } else { vec![] };
        let exotic = if data.len() >= Self::WITH_EXOTIC { rates(&mut reader) } else { FeeRates::default() };
        Ok(Self { bump, admin, fees: FeeConfig::new(flat, sol_tiers, FeeTiers::new(stable_tiers), exotic) })
    }
}

fn rates(reader: &mut Reader<'_>) -> FeeRates {
    FeeRates::new(reader.u64(), reader.u64(), reader.u64())
}

fn tier(reader: &mut Reader<'_>) -> FeeTier {
    FeeTier { threshold: reader.u128(), rates: rates(reader) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_of_another_program_is_refused_by_its_owner() {
        let error = Pool::from_account(&PUMP_FEES, &[]).unwrap_err();
        assert!(matches!(error, DecodeError::WrongOwner { expected: PUMP_AMM, found: PUMP_FEES, .. }), "{error}");
    }

    #[test]
    fn a_fee_configuration_of_before_the_stable_table_does_not_read_its_padding() {
        let mut data = FeeConfigAccount::DISCRIMINATOR.to_vec();
        data.extend([0; 33]);
        data.extend([25, 5, 0].map(u64::to_le_bytes).concat());
        data.extend(1_u32.to_le_bytes());
        data.extend(0_u128.to_le_bytes());
        data.extend([20, 5, 95].map(u64::to_le_bytes).concat());
        data.resize(2512, 0);
        let fees = FeeConfigAccount::decode(&data).unwrap().fees;
        assert_eq!(fees.flat, FeeRates::new(25, 5, 0));
        assert_eq!(fees.stable_tiers, fees.sol_tiers);
        assert_eq!(fees.sol_tiers.as_slice().len(), 1);
    }

    #[test]
    fn a_fee_configuration_cut_inside_its_tiers_is_refused() {
        let mut data = FeeConfigAccount::DISCRIMINATOR.to_vec();
        data.resize(65, 0);
        data.extend(2_u32.to_le_bytes());
        data.resize(69 + 79, 0);
        assert!(matches!(FeeConfigAccount::decode(&data), Err(DecodeError::ListTooLong { entries: 2, left: 79, .. })));
    }
}
