//! What a market is made of, and the accounts that say so.

use q50_pumpswap::Bps;
use q50_pumpswap::amm::{AmmConfig, PoolOrigin, PoolState, QuoteMint};
use q50_pumpswap::chain::programs::{PUMP_AMM, PUMP_FEES, TOKEN, TOKEN_2022, USDC_MINT, WSOL_2022_MINT, WSOL_MINT};
use q50_pumpswap::chain::{Address, FeeConfigAccount, GlobalConfig, Pool, VolumeTracking, pda};
use rand::Rng;
use std::fmt;

/// Whether those whom the program can give an account have one before the first trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// They have.
    HaveAccounts,
    /// The program makes them, at the user's expense.
    AreNew,
}

/// A market to be made.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The pool.
    pub pool: PoolState,
    /// The program's configuration.
    pub config: AmmConfig,
    /// Length of the pool's account, in bytes.
    pub pool_length: usize,
    /// SPL Token or Token-2022.
    pub base_token_program: Address,
    /// SPL Token or Token-2022.
    pub quote_token_program: Address,
    /// Whether the creator's fee is for the coin's holders.
    pub is_holder_reward: bool,
    /// The user's base, in its smallest unit.
    pub user_base: u64,
    /// The user's quote, in its smallest unit.
    pub user_quote: u64,
    /// Pool shares; the user has all that there are.
    pub user_shares: u64,
    /// The recipients of fees.
    pub receivers: Receivers,
    /// Whether buys count towards the user's volume.
    pub tracking: VolumeTracking,
}

impl Setting {
    /// A pool with its vaults full, and a user with as much again of everything.
    pub fn new(pool: PoolState) -> Self {
        Self {
            pool,
            config: AmmConfig::default(),
            pool_length: Pool::FULL,
            base_token_program: TOKEN,
            quote_token_program: TOKEN,
            is_holder_reward: false,
            user_base: pool.base_vault,
            user_quote: pool.quote_vault,
            user_shares: pool.lp_supply,
            receivers: Receivers::HaveAccounts,
            tracking: VolumeTracking::On,
        }
    }
}

impl fmt::Display for Setting {
    /// What decides a trade, for the message of one that differs; the fee tables are mainnet's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AmmConfig { fees, buyback, creator_fee_configurable, disabled } = &self.config;
        write!(f, "{:?}, {buyback:?} buyback, creator_fee_configurable {creator_fee_configurable}, ", self.pool)?;
        write!(f, "{disabled:?}, exotic {:?}, {} bytes, ", fees.exotic, self.pool_length)?;
        write!(f, "base of {}, quote of {}, ", self.base_token_program, self.quote_token_program)?;
        write!(f, "is_holder_reward {}, receivers {:?}", self.is_holder_reward, self.receivers)
    }
}

/// The account of the pool, between new mints of a new creator.
pub fn pool_account(setting: &Setting, rng: &mut impl Rng) -> Pool {
    let state = &setting.pool;
    let base_mint = any_address(rng);
    let quote_mint = match state.quote_mint {
        QuoteMint::Sol if setting.quote_token_program == TOKEN_2022 => WSOL_2022_MINT,
        QuoteMint::Sol => WSOL_MINT,
        QuoteMint::Usdc => USDC_MINT,
        QuoteMint::Other => any_address(rng),
    };
    let (index, creator) = match state.origin {
        PoolOrigin::Graduated => (0, pda::pool_authority(&base_mint)),
        PoolOrigin::ThirdParty => (7, any_address(rng)),
    };
    let seeds: [&[u8]; 5] =
        [b"pool", &u16::to_le_bytes(index), creator.as_bytes(), base_mint.as_bytes(), quote_mint.as_bytes()];
    let (address, bump) = pda::find(&seeds, &PUMP_AMM);
    Pool {
        bump,
        index,
        creator,
        base_mint,
        quote_mint,
        lp_mint: pda::lp_mint(&address),
        base_vault: pda::associated_token(&address, &base_mint, &setting.base_token_program),
        quote_vault: pda::associated_token(&address, &quote_mint, &setting.quote_token_program),
        lp_supply: state.lp_supply,
        coin_creator: if state.has_coin_creator { any_address(rng) } else { Address::ZERO },
        is_mayhem: state.is_mayhem,
        is_cashback: state.is_cashback,
        virtual_quote_reserves: state.virtual_quote,
        creator_fee: state.creator_fee,
        can_edit_creator_fee: false,
        is_holder_reward: setting.is_holder_reward,
        protocol_fees: state.protocol_fees,
        creator_fees: state.creator_fees,
    }
}

/// The two configuration accounts of `config`, with recipients of their own.
pub fn configuration(config: &AmmConfig, rng: &mut impl Rng) -> (GlobalConfig, FeeConfigAccount) {
    let (_, bump) = pda::find(&[b"fee_config", PUMP_AMM.as_bytes()], &PUMP_FEES);
    let fees = FeeConfigAccount { bump, admin: any_address(rng), fees: config.fees.clone() };
    // The program searches this list by halves, and finds nobody in one that does not ascend (6013). It goes through
    // the other two from start to end.
    let mut protocol_fee_recipients = any_addresses(rng);
    protocol_fee_recipients.sort_unstable();
    let global = GlobalConfig {
        admin: any_address(rng),
        // Rates of before the fees program: whoever reads these is wrong by a lot.
        lp_fee: Bps(1_111),
        protocol_fee: Bps(2_222),
        disabled: config.disabled,
        protocol_fee_recipients,
        coin_creator_fee: Bps(3_333),
        admin_set_coin_creator_authority: any_address(rng),
        whitelist: any_address(rng),
        reserved_fee_recipient: any_address(rng),
        mayhem_enabled: true,
        reserved_fee_recipients: any_addresses(rng),
        cashback_enabled: true,
        buyback_fee_recipients: any_addresses(rng),
        buyback: config.buyback,
        boost_authority: any_address(rng),
        boost_enabled: true,
        creator_fee_configurable: config.creator_fee_configurable,
        max_creator_fee: Bps(10_000),
    };
    (global, fees)
}

/// Somebody.
pub fn any_address(rng: &mut impl Rng) -> Address {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Address(bytes)
}

fn any_addresses<const N: usize>(rng: &mut impl Rng) -> [Address; N] {
    std::array::from_fn(|_| any_address(rng))
}
