//! Random swaps through the whole path, on the vendor's own program: what was received is what was quoted.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::executor::Report;
use q50_executor::journal::Settlement;
use q50_executor::order::{Order, Size};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Every kind of canonical SOL pool: of either token program, boosted, cashback, mayhem, without a creator, with a rate of
/// its own, with an account of every old length.
const POOLS: &str = "
[fees]
creator_fee_configurable = true
[[pool]]
base_reserve = 206900000000000
quote_reserve = 84990359078
virtual_quote = 17584505288
[[pool]]
base_reserve = 120000000000000
quote_reserve = 400000000000
token_program = 'token-2022'
[[pool]]
base_reserve = 120000000000000
quote_reserve = 400000000000
cashback = true
token_program = 'token-2022'
[[pool]]
base_reserve = 150000000000000
quote_reserve = 900000000000
mayhem = true
[[pool]]
base_reserve = 150000000000000
quote_reserve = 90000000000
coin_creator = false
account_length = 211
[[pool]]
base_reserve = 90000000000000
quote_reserve = 2000000000000
creator_fee_bps = 77
[[pool]]
base_reserve = 90000000000000
quote_reserve = 2000000000000
account_length = 243
[[pool]]
base_reserve = 300000000000000
quote_reserve = 7000000000000
cashback = true
account_length = 245
";

/// A thousand where the real records are (as in CI), some where they are not.
fn swaps() -> u64 {
    if std::env::var_os("Q50_TEST_DATA").is_some() { 1_000 } else { 100 }
}

#[tokio::test]
async fn every_swap_brings_exactly_what_was_quoted_on_every_kind_of_pool() {
    let net = Net::start(POOLS, "");
    let before = net.lamports().await;
    let mut executor = net.executor().await.unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut held = vec![0_u64; net.mints()];
    for number in 0..swaps() {
        let pool = rng.random_range(0..net.mints());
        let size = match rng.random_range(0..3) {
            0 if held[pool] > 0 => Size::Sell(rng.random_range(held[pool] / 10..=held[pool]).max(1_000_000)),
            1 => Size::Buy(rng.random_range(1_000_000..2_000_000_000_000)),
            _ => Size::Spend(Lamports(rng.random_range(100_000..3_000_000_000))),
        };
        let order = Order { mint: net.mint(pool), size, slippage: Bps(0) };
        let report = executor.execute(&number.to_string(), order).await.unwrap();
        let Report::Settled { quoted, settlement: Settlement::Filled { base, quote, .. }, .. } = &report else {
            panic!("{number}: pool {pool}, {size:?}: {report:?}");
        };
        let (coins, lamports) = (quoted.swap.base.cast_signed(), quoted.swap.user_quote.cast_signed());
        let expected = if matches!(size, Size::Sell(_)) { (-coins, lamports) } else { (coins, -lamports) };
        assert_eq!((*base, *quote), expected, "{number}: pool {pool}, {size:?}");
        held[pool] = held[pool].checked_add_signed(*base).unwrap();
    }
    // To the lamport, network fees and rent in: the unexplained residual is 0.
    assert_eq!(net.lamports().await - before, executor.journal().lamports().unwrap());
    executor.settle_all().await.unwrap();
    assert_eq!(executor.journal().pending().unwrap(), []);
    for (pool, held) in held.iter().enumerate() {
        assert_eq!(executor.journal().held(&net.mint(pool)).unwrap(), held.cast_signed());
    }
}
