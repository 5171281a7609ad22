//! Trades that happened on mainnet, from March 2025 to October 2026, against the reserves that their own events print.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_pumpswap::Bps;
use q50_pumpswap::amm::{AmmConfig, FeeConfig, FeeRates, Order, PoolOrigin, PoolState, Side, Swap, Version};
use q50_testing::{parsed, real_json};
use serde_json::Value;

/// A field of an event; older events end before the newer fields.
fn event<T: std::str::FromStr + Default>(swap: &Value, key: &str) -> T {
    match &swap["event"][key] {
        Value::Null => T::default(),
        value => parsed(value),
    }
}

/// The pool before the trade, and the rates that the event prints.
fn before(swap: &Value) -> (PoolState, AmmConfig) {
    let creator = &swap["event"]["coin_creator"];
    let pool = PoolState {
        virtual_quote: event(swap, "virtual_quote_reserves"),
        base_supply: event(swap, "base_supply"),
        has_coin_creator: creator.as_str().is_some_and(|creator| creator != "11111111111111111111111111111111"),
        is_cashback: event::<u64>(swap, "cashback_fee_basis_points") != 0,
        ..PoolState::new(event(swap, "pool_base_token_reserves"), event(swap, "pool_quote_token_reserves"))
    };
    let rates = FeeRates::new(
        event(swap, "lp_fee_basis_points"),
        event(swap, "protocol_fee_basis_points"),
        // The creator's rate is printed as a cashback where the trader gets it.
        event::<u64>(swap, "coin_creator_fee_basis_points") + event::<u64>(swap, "cashback_fee_basis_points"),
    );
    let buyback = Bps(event(swap, "buyback_fee_basis_points"));
    (pool, AmmConfig { fees: FeeConfig::uniform(rates), buyback, ..AmmConfig::default() })
}

fn order(swap: &Value) -> Order {
    let spends = swap["event"]["ix_name"].as_str().is_some_and(|name| name.starts_with("buy_exact_quote_in"));
    match swap["event"]["event"].as_str().unwrap() {
        "buy" if spends => Order::spend(event(swap, "quote_amount_in")),
        "buy" => {
            Order::Buy { base_out: event(swap, "base_amount_out"), max_quote_in: event(swap, "max_quote_amount_in") }
        }
        "sell" => {
            Order::Sell { base_in: event(swap, "base_amount_in"), min_quote_out: event(swap, "min_quote_amount_out") }
        }
        other => panic!("unknown event {other}"),
    }
}

fn expect(swap: &Value, order: Order, got: &Swap) {
    let event = |key: &str| event::<u64>(swap, key);
    let fees = &got.fees;
    assert_eq!((fees.lp, fees.protocol), (event("lp_fee"), event("protocol_fee")), "{swap}");
    match order {
        Order::Buy { .. } => {
            assert_eq!(got.raw_quote, event("quote_amount_in"), "{swap}");
            assert_eq!(got.raw_quote + fees.lp, event("quote_amount_in_with_lp_fee"), "{swap}");
        }
        Order::BuyExactQuoteIn { .. } => {
            assert_eq!(got.base, event("base_amount_out"), "{swap}");
            assert_eq!(got.raw_quote, event("user_quote_amount_in"), "{swap}");
            assert_eq!(got.raw_quote + fees.lp, event("quote_amount_in_with_lp_fee"), "{swap}");
            assert!(got.user_quote <= event("quote_amount_in"), "{swap}");
        }
        Order::Sell { .. } => {
            assert_eq!(got.raw_quote, event("quote_amount_out"), "{swap}");
            assert_eq!(got.raw_quote - fees.lp, event("quote_amount_out_without_lp_fee"), "{swap}");
        }
    }
    if swap["event"].get("coin_creator_fee").is_some() {
        assert_eq!(fees.creator, event("coin_creator_fee"), "{swap}");
    }
    if swap["event"].get("cashback").is_some() {
        assert_eq!(fees.cashback, event("cashback"), "{swap}");
    }
    if swap["event"].get("buyback_fee").is_some() {
        assert_eq!(fees.buyback, event("buyback_fee"), "{swap}");
    }
    // A spend's event prints its net amount where the others print what the user paid or got.
    let user = match (got.side, order) {
        (_, Order::BuyExactQuoteIn { .. }) => return,
        (Side::Buy, _) => event("user_quote_amount_in"),
        (Side::Sell, _) => event("user_quote_amount_out"),
    };
    assert_eq!(got.user_quote, user, "{swap}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn trades_of_mainnet_are_reproduced_to_the_lamport() {
    let file = real_json("chain/recorded_swaps.json");
    let swaps = file["swaps"].as_array().unwrap();
    for swap in swaps {
        let (pool, config) = before(swap);
        let order = order(swap);
        let got = pool.swap(&config, Version::V1, order).unwrap_or_else(|error| panic!("{error}: {swap}"));
        expect(swap, order, &got);
    }
    println!("{} swaps", swaps.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_default_tiers_are_those_that_events_print() {
    let file = real_json("chain/recorded_swaps.json");
    let mut checked = 0;
    for swap in file["swaps"].as_array().unwrap() {
        // The record says for which pools the quote mint and the origin are known.
        if swap["checks"]["tier_schedule"].as_bool() != Some(true) || event::<u64>(swap, "base_supply") == 0 {
            continue;
        }
        let (pool, printed) = before(swap);
        assert_eq!(pool.origin, PoolOrigin::Graduated);
        assert_eq!(pool.rates(&AmmConfig::default()), pool.rates(&printed), "{swap}");
        checked += 1;
    }
    assert!(checked >= 3, "{checked} events with a supply");
}
