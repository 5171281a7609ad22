//! Pools and orders at random: half of them such as are met, half of them anything that fits.

use super::setting::{Receivers, Setting};
use q50_pumpswap::Bps;
use q50_pumpswap::amm::{
    AmmConfig, DisabledInstructions, FeeConfig, FeeRates, Order, PoolOrigin, PoolState, QuoteMint, Version,
};
use q50_pumpswap::chain::VolumeTracking;
use q50_pumpswap::chain::programs::{TOKEN, TOKEN_2022};
use rand::{Rng, RngExt};

/// What an order gives the amount of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Base to get.
    Buy,
    /// Quote to spend.
    Spend,
    /// Base to give.
    Sell,
}

/// The six instructions.
pub const INSTRUCTIONS: [(Version, Kind); 6] = [
    (Version::V1, Kind::Buy),
    (Version::V1, Kind::Spend),
    (Version::V1, Kind::Sell),
    (Version::V2, Kind::Buy),
    (Version::V2, Kind::Spend),
    (Version::V2, Kind::Sell),
];

/// Lengths that pool accounts have had.
const POOL_LENGTHS: [usize; 10] = [211, 243, 244, 245, 261, 270, 271, 287, 300, 301];

fn one_in(rng: &mut impl Rng, n: u32) -> bool {
    rng.random_range(0..n) == 0
}

fn pick<T: Copy>(rng: &mut impl Rng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

/// A number of at most so many binary digits as are drawn from `bits`: small ones are as likely as large ones.
fn magnitude(rng: &mut impl Rng, bits: std::ops::RangeInclusive<u32>) -> u64 {
    let bits = rng.random_range(bits);
    rng.random_range(0..=u64::MAX >> (64 - bits))
}

/// A pool, its configuration, and what stands around it.
pub fn setting(rng: &mut impl Rng) -> Setting {
    let mut setting = Setting::new(pool(rng));
    setting.config = config(rng);
    setting.base_token_program = pick(rng, &[TOKEN, TOKEN, TOKEN, TOKEN_2022]);
    setting.quote_token_program = pick(rng, &[TOKEN, TOKEN, TOKEN, TOKEN_2022]);
    setting.is_holder_reward = one_in(rng, 6);
    setting.pool_length = pick(rng, &POOL_LENGTHS).max(least_length(&setting));
    // The mint forgets shares that their holder burned, the pool does not.
    setting.user_shares -= if one_in(rng, 4) { rng.random_range(0..=setting.pool.lp_supply / 2) } else { 0 };
    setting.receivers = pick(rng, &[Receivers::HaveAccounts, Receivers::AreNew]);
    setting.tracking = pick(rng, &[VolumeTracking::On, VolumeTracking::Off]);
    setting
}

/// How many [`traits`] there are.
pub const TRAITS: usize = 15;

/// What is special about a market, for the count of what was covered.
pub fn traits(setting: &Setting) -> Vec<&'static str> {
    let pool = &setting.pool;
    let all: [_; TRAITS] = [
        ("third party", pool.origin == PoolOrigin::ThirdParty),
        ("no creator", !pool.has_coin_creator),
        ("mayhem", pool.is_mayhem),
        ("cashback", pool.is_cashback),
        ("own creator rate", pool.creator_fee.0 != 0 && setting.config.creator_fee_configurable),
        ("USDC", pool.quote_mint == QuoteMint::Usdc),
        ("other quote", pool.quote_mint == QuoteMint::Other),
        ("boost", pool.virtual_quote > 0),
        ("negative virtual reserves", pool.virtual_quote < 0),
        ("un-swept fees", pool.protocol_fees != 0 || pool.creator_fees != 0),
        ("short pool account", setting.pool_length < 287),
        ("Token-2022 base", setting.base_token_program == TOKEN_2022),
        ("Token-2022 quote", setting.quote_token_program == TOKEN_2022),
        ("holder reward", setting.is_holder_reward),
        ("new receivers", setting.receivers == Receivers::AreNew),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// The length that an account needs for all that is not zero. The program reads fields that came together only together:
/// an account that ends between the two buckets has none.
fn least_length(setting: &Setting) -> usize {
    let pool = &setting.pool;
    let ends = [
        (pool.creator_fees != 0 || pool.protocol_fees != 0, 287),
        (setting.is_holder_reward, 271),
        (pool.creator_fee.0 != 0, 270),
        (pool.virtual_quote != 0, 261),
        (pool.is_cashback, 245),
        (pool.is_mayhem, 244),
        (pool.has_coin_creator, 243),
    ];
    ends.iter().find(|(needed, _)| *needed).map_or(0, |(_, end)| *end)
}

fn pool(rng: &mut impl Rng) -> PoolState {
    let met = one_in(rng, 2);
    let base = if met { rng.random_range(10_000_000_000_000..900_000_000_000_000) } else { magnitude(rng, 4..=58) };
    let quote = if met { rng.random_range(1_000_000_000..20_000_000_000_000) } else { magnitude(rng, 4..=58) };
    let [protocol_fees, creator_fees] =
        [0; 2].map(|none| if one_in(rng, 3) { rng.random_range(0..=quote / 3) } else { none });
    let unswept = i128::from(protocol_fees) + i128::from(creator_fees);
    let virtual_quote = match rng.random_range(0..8) {
        0 | 1 => 0,
        2 | 3 => 17_584_505_288 - unswept,
        4 => i128::from(magnitude(rng, 1..=56)),
        5 => -i128::from(rng.random_range(0..=quote)),
        _ => -unswept,
    };
    PoolState {
        virtual_quote,
        protocol_fees,
        creator_fees,
        base_supply: if one_in(rng, 4) { magnitude(rng, 10..=63) } else { 1_000_000_000_000_000 },
        lp_supply: magnitude(rng, 10..=50).max(1),
        origin: if one_in(rng, 4) { PoolOrigin::ThirdParty } else { PoolOrigin::Graduated },
        quote_mint: pick(rng, &[QuoteMint::Sol, QuoteMint::Sol, QuoteMint::Sol, QuoteMint::Usdc, QuoteMint::Other]),
        has_coin_creator: !one_in(rng, 4),
        is_mayhem: one_in(rng, 6),
        is_cashback: one_in(rng, 8),
        creator_fee: if one_in(rng, 3) { Bps(rng.random_range(1..2_000)) } else { Bps(0) },
        ..PoolState::new(base, quote)
    }
}

fn config(rng: &mut impl Rng) -> AmmConfig {
    let mainnet = FeeConfig::default();
    let exotic = pick(rng, &[FeeRates::default(), FeeRates::new(20, 5, 40)]);
    AmmConfig {
        fees: FeeConfig::new(mainnet.flat, mainnet.sol_tiers, mainnet.stable_tiers, exotic),
        buyback: Bps(if one_in(rng, 3) { rng.random_range(0..=10_000) } else { 5_000 }),
        creator_fee_configurable: one_in(rng, 2),
        // Buys, sells, or both.
        disabled: DisabledInstructions(if one_in(rng, 40) { pick(rng, &[8, 16, 24]) } else { 0 }),
    }
}

/// Shares to deposit for or to withdraw, where there are `supply` of them.
pub fn shares(rng: &mut impl Rng, supply: u64) -> u64 {
    match rng.random_range(0..10) {
        0 => magnitude(rng, 1..=58),
        1 => rng.random_range(0..50),
        2 => supply,
        _ => rng.random_range(0..=supply),
    }
}

/// An order, mostly one that a pool of this size can take; its limit mostly does not bind.
pub fn order(rng: &mut impl Rng, pool: &PoolState, kind: Kind) -> Order {
    let reserve = if kind == Kind::Spend { pool.quote_vault } else { pool.base_vault };
    let (amount, binds) = (amount(rng, reserve), one_in(rng, 6));
    match kind {
        Kind::Buy => {
            Order::Buy { base_out: amount, max_quote_in: if binds { magnitude(rng, 1..=58) } else { u64::MAX } }
        }
        Kind::Spend => {
            Order::BuyExactQuoteIn { quote_in: amount, min_base_out: if binds { magnitude(rng, 1..=40) } else { 1 } }
        }
        Kind::Sell => Order::Sell { base_in: amount, min_quote_out: if binds { magnitude(rng, 1..=50) } else { 0 } },
    }
}

/// Mostly a fraction of the reserve, now and then all of it, dust, or anything.
fn amount(rng: &mut impl Rng, reserve: u64) -> u64 {
    match rng.random_range(0..12) {
        0 => magnitude(rng, 1..=58),
        1 => rng.random_range(0..300),
        2 => reserve + rng.random_range(0..2),
        3 | 4 => rng.random_range(0..=reserve),
        _ => rng.random_range(0..=reserve / 50),
    }
}
