//! Our arithmetic, encoders and decoders against PumpSwap as its vendor compiled it, executed in LiteSVM.
//!
//! Every instruction is encoded, executed and decoded by this crate's own code, and everything that it left behind is
//! compared with what the model said beforehand: vaults, virtual reserves, un-swept fees, every balance, every field of
//! the printed event, or the error number. `scripts/differential` runs the random trades at length.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an integration test")]

mod program;

use program::expected::instruction;
use program::machine::Machine;
use program::market::Market;
use program::outcome::{SwapEffects, Tally, differences};
use program::random::{self, Kind};
use program::setting::Setting;
use q50_pumpswap::amm::{DisabledInstructions, Order, PoolState, Version};
use q50_pumpswap::chain::Pool;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// How many random trades; set by `scripts/differential`.
const TRADES_VARIABLE: &str = "Q50_DIFFERENTIAL_TRADES";
/// All that somebody can hold, with room for an account's rent: wrapped SOL is backed by lamports.
const ALL: u64 = u64::MAX - 1_000_000_000;

/// A graduated SOL pool with a boost: 206.9 million tokens against 84.99 SOL.
fn boosted() -> PoolState {
    PoolState {
        virtual_quote: 17_584_505_288,
        lp_supply: 4_193_388_282_752,
        ..PoolState::new(206_900_000_000_000, 84_990_359_078)
    }
}

/// The program's own event, executed again, leaves what the program left; nothing but the event is asked.
fn assert_replayed(effects: &SwapEffects, is_mayhem: bool) {
    let swap = effects.event.replay(is_mayhem).unwrap_or_else(|error| panic!("{error}: {:?}", effects.event));
    let left = |pool: &PoolState| (pool.base_vault, pool.quote_vault, pool.virtual_quote);
    assert_eq!(left(&swap.after), left(&effects.pool), "{:?}", effects.event);
    assert_eq!(swap.user_quote, effects.event.user_quote_in_all());
}

#[test]
fn random_trades_end_as_the_program_ends_them() {
    let trades = std::env::var(TRADES_VARIABLE).map_or(300, |text| text.parse().expect("a number of trades"));
    let (mut machine, mut tally, mut covered) = (Machine::new(), Tally::default(), BTreeMap::new());
    for seed in 0..trades {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (version, kind) = random::INSTRUCTIONS[rng.random_range(0..random::INSTRUCTIONS.len())];
        let mut setting = random::setting(&mut rng);
        let order = random::order(&mut rng, &setting.pool, kind);
        // All of what is given, and none of what is got: no trade fails for want of tokens.
        (setting.user_base, setting.user_quote) = if kind == Kind::Sell { (ALL, 0) } else { (0, ALL) };
        let mut market = Market::open(&mut machine, &mut rng, &setting);
        let (expected, found) = market.swap(&mut machine, version, order);
        if let Ok(effects) = &found {
            assert_replayed(effects, setting.pool.is_mayhem);
            random::traits(&setting).into_iter().for_each(|name| *covered.entry(name).or_insert(0) += 1);
        }
        tally.count(instruction(version, order), &expected, &found, || format!("seed {seed}: {order:?} on {setting}"));
    }
    println!("random trades: {tally}");
    println!("of those that succeeded: {covered:?}");
    tally.assert_all_equal();
    // A generator whose orders all fail would agree with the program, too.
    for name in ["buy", "buy_exact_quote_in", "sell", "buy_v2", "buy_exact_quote_in_v2", "sell_v2"] {
        assert!(tally.succeeded(name) * 20 >= trades as usize, "too few of {name}: {tally}");
    }
    assert!(covered.len() == random::TRAITS && covered.values().all(|&count| count >= 5), "{covered:?}");
}

/// Two hundred trades on one pool: our state and the program's account go their own ways, and must not part.
fn follow(machine: &mut Machine, name: &str, pool: PoolState, versions: &[Version]) {
    let mut rng = ChaCha8Rng::seed_from_u64(50);
    let mut setting = Setting::new(pool);
    (setting.user_base, setting.user_quote) = (1 << 60, 1 << 60);
    let mut market = Market::open(machine, &mut rng, &setting);
    let mut tally = Tally::default();
    for step in 0..200 {
        let version = versions[rng.random_range(0..versions.len())];
        let now = *market.pool();
        let base = rng.random_range(0..=now.base_vault / 30);
        let order = match rng.random_range(0..10) {
            0 => Order::Buy { base_out: base, max_quote_in: now.quote_vault / 40 },
            1 => Order::Sell { base_in: base, min_quote_out: now.quote_vault / 40 },
            2..=4 => Order::buy(base),
            5 | 6 => Order::spend(rng.random_range(0..=now.quote_vault / 30)),
            _ => Order::sell(base),
        };
        let (expected, found) = market.swap(machine, version, order);
        tally.count(instruction(version, order), &expected, &found, || format!("step {step}: {order:?} on {now:?}"));
        tally.assert_all_equal();
        market.assert_agrees(machine);
    }
    println!("one pool, {name}: {tally}");
    println!("  from {pool:?}\n  to   {:?}", market.pool());
    assert!(tally.succeeded_in_all() >= 150, "{tally}");
    let booked = market.pool().protocol_fees != 0 && market.pool().creator_fees != 0;
    assert_eq!(booked, versions.contains(&Version::V2));
}

#[test]
fn a_sequence_of_trades_leaves_the_same_state_after_every_step() {
    let mut machine = Machine::new();
    follow(&mut machine, "a boost, both versions", boosted(), &[Version::V1, Version::V2]);
    let cashback = PoolState { is_cashback: true, ..boosted() };
    follow(&mut machine, "cashback, first version", cashback, &[Version::V1]);
    let mayhem = PoolState { is_mayhem: true, virtual_quote: 0, ..boosted() };
    follow(&mut machine, "mayhem, second version", mayhem, &[Version::V2]);
}

#[test]
fn deposits_and_withdrawals_end_as_the_program_ends_them() {
    let (mut machine, mut tally) = (Machine::new(), Tally::default());
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut setting = random::setting(&mut rng);
        let limited = rng.random_range(0..8) == 0;
        // Unlike a trade, these do not bring a pool's account of an old length to the present one.
        setting.pool_length = Pool::FULL;
        setting.config.disabled = DisabledInstructions(if rng.random_range(0..30) == 0 { 0b110 } else { 0 });
        let deposits = rng.random_range(0..2) == 0;
        let drawn = random::shares(&mut rng, setting.user_shares);
        // Nobody has more shares than there are.
        let shares = if deposits { drawn } else { drawn.min(setting.user_shares) };
        (setting.user_base, setting.user_quote) = if deposits { (ALL, ALL) } else { (0, 0) };
        let mut market = Market::open(&mut machine, &mut rng, &setting);
        let (name, (expected, found)) = if deposits {
            let limits = if limited { [1_000_000, 1_000_000] } else { [u64::MAX; 2] };
            ("deposit", market.deposit(&mut machine, shares, limits))
        } else {
            let limits = if limited { [1_000_000, 1_000_000] } else { [0; 2] };
            ("withdraw", market.withdraw(&mut machine, shares, limits))
        };
        tally.count(name, &expected, &found, || format!("seed {seed}: {name} {shares} on {setting}"));
    }
    println!("liquidity: {tally}");
    tally.assert_all_equal();
    assert!(tally.succeeded("deposit") >= 25 && tally.succeeded("withdraw") >= 25, "{tally}");
}

#[test]
fn an_amount_off_by_one_is_reported_by_its_name() {
    let mut machine = Machine::new();
    let mut market = Market::open(&mut machine, &mut ChaCha8Rng::seed_from_u64(0), &Setting::new(boosted()));
    let (expected, found) = market.swap(&mut machine, Version::V2, Order::buy(1_000_000_000_000));
    assert_eq!(differences(&expected, &found), [""; 0]);
    let truth = expected.unwrap();

    let report = |plant: fn(&mut SwapEffects)| {
        let mut planted = truth.clone();
        plant(&mut planted);
        differences(&Ok(planted), &found)
    };
    let line = |name: &str, amount: u64| vec![format!("{name}: expected {}, program {amount}", amount + 1)];
    assert_eq!(report(|planted| planted.event.user_quote += 1), line("event.user_quote", truth.event.user_quote));
    assert_eq!(report(|planted| planted.event.lp_fee += 1), line("event.lp_fee", truth.event.lp_fee));
    assert_eq!(report(|planted| planted.pool.quote_vault += 1), line("pool.quote_vault", truth.pool.quote_vault));
    assert_eq!(report(|planted| planted.pool.protocol_fees += 1), line("pool.protocol_fees", truth.pool.protocol_fees));
    assert_eq!(report(|planted| planted.balances.buyback += 1), line("balances.buyback", truth.balances.buyback));

    // And an error for a success, a success for an error, another error.
    assert_eq!(differences(&Err(6004), &found), ["outcome: expected error 6004, program success"]);
    assert_eq!(differences(&Ok(truth.clone()), &Err(6004)), ["outcome: expected success, program error 6004"]);
    let refused = market.swap(&mut machine, Version::V1, Order::Buy { base_out: 1_000, max_quote_in: 1 }).1;
    assert_eq!(differences(&Err(6040), &refused), ["outcome: expected error 6040, program error 6004"]);

    let mut tally = Tally::default();
    tally.count("buy_v2", &Ok(truth), &found, String::new);
    assert_eq!(tally.differing(), 0);
    tally.count("buy_v2", &Err(6004), &found, String::new);
    assert_eq!(tally.differing(), 1);
}
