//! Time of one exact quote, fees in. Every iteration asserts the value it computed.
//!
//! `cargo bench --bench quote`

#![allow(clippy::unwrap_used, missing_docs, reason = "a panic is how a benchmark fails")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use q50_pumpswap::amm::{AmmConfig, Order, PoolState, Version};

fn quotes(c: &mut Criterion) {
    let pool = PoolState::new(206_900_000_000_000, 84_990_359_078);
    let config = AmmConfig::default();
    let mut group = c.benchmark_group("pump_swap/quote");
    for (name, order) in [
        ("buy", Order::buy(1_000_000_000_000)),
        ("buy_exact_quote_in", Order::spend(417_934_622)),
        ("sell", Order::sell(1_000_000_000_000)),
    ] {
        let expected = pool.swap(&config, Version::V1, order).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| {
                let swap = black_box(&pool).swap(black_box(&config), Version::V1, black_box(order)).unwrap();
                assert_eq!((swap.base, swap.user_quote), (expected.base, expected.user_quote));
                swap
            });
        });
    }
    group.finish();
}

criterion_group!(benches, quotes);
criterion_main!(benches);
