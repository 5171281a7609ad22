//! What the compiled program itself did: every amount, fee, vault, bucket and error of its recorded executions.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod chain;

use q50_pumpswap::Bps;
use q50_pumpswap::amm::{AmmConfig, Order, PoolState, Side, Swap, Version};
use q50_testing::{field, flag, parsed, real_json};
use serde_json::Value;

fn order(row: &Value) -> (Version, Order) {
    let instruction = row["ix"].as_str().unwrap();
    let (name, version) = match instruction.strip_suffix("_v2") {
        Some(name) => (name, Version::V2),
        None => (instruction, Version::V1),
    };
    let (amount, limit) = (field(row, "amount"), field(row, "limit"));
    let order = match name {
        "buy" => Order::Buy { base_out: amount, max_quote_in: limit },
        "buy_exact_quote_in" => Order::BuyExactQuoteIn { quote_in: amount, min_base_out: limit },
        "sell" => Order::Sell { base_in: amount, min_quote_out: limit },
        other => panic!("unknown instruction {other}"),
    };
    (version, order)
}

fn pool(row: &Value) -> PoolState {
    PoolState {
        protocol_fees: field(row, "protocol_fees_bucket"),
        creator_fees: field(row, "creator_fees_bucket"),
        is_cashback: flag(row, "cashback"),
        ..chain::pool(row, "quote_vault")
    }
}

/// The harness that recorded the rows always passed the pool-v2 account of a pool with a coin creator or a cashback,
/// and the program refuses it (6053) in a trade that pays neither. A property of the accounts, not of the amounts.
fn refused_for_its_accounts(row: &Value, version: Version, swap: &Swap) -> bool {
    version == Version::V1
        && (flag(row, "has_coin_creator") || flag(row, "cashback"))
        && !swap.fees.needs_pool_v2_account()
}

/// Compares with the program's own event.
fn expect_event(row: &Value, order: Order, swap: &Swap) {
    let event = |key: &str| parsed::<u64>(&row["event"][key]);
    let fees = &swap.fees;
    let (base, raw, with_lp, user) = match order {
        Order::Buy { .. } => (
            event("base_amount_out"),
            event("quote_amount_in"),
            event("quote_amount_in_with_lp_fee"),
            event("user_quote_amount_in"),
        ),
        // This event says what was to be spent, and the net amount where the others say what was paid.
        Order::BuyExactQuoteIn { quote_in, .. } => {
            assert_eq!(event("quote_amount_in"), quote_in, "{row}");
            let net = event("user_quote_amount_in");
            (event("base_amount_out"), net, event("quote_amount_in_with_lp_fee"), net + fees.total().unwrap())
        }
        Order::Sell { .. } => (
            event("base_amount_in"),
            event("quote_amount_out"),
            event("quote_amount_out_without_lp_fee"),
            event("user_quote_amount_out"),
        ),
    };
    let lp_side = if swap.side == Side::Buy { swap.raw_quote + fees.lp } else { swap.raw_quote - fees.lp };
    assert_eq!((swap.base, swap.raw_quote, lp_side, swap.user_quote), (base, raw, with_lp, user), "{row}");
    assert_eq!(
        [fees.lp, fees.protocol, fees.creator, fees.cashback, fees.buyback],
        ["lp_fee", "protocol_fee", "coin_creator_fee", "cashback", "buyback_fee"].map(event),
        "{row}"
    );
    // The rate of a cashback is printed as one of its own.
    let (creator, cashback) =
        if flag(row, "cashback") { (Bps(0), fees.rates.creator) } else { (fees.rates.creator, Bps(0)) };
    assert_eq!(
        [fees.rates.lp.0, fees.rates.protocol.0, creator.0, cashback.0],
        [
            event("lp_fee_basis_points"),
            event("protocol_fee_basis_points"),
            event("coin_creator_fee_basis_points"),
            event("cashback_fee_basis_points")
        ],
        "{row}"
    );
}

/// Compares with the balances and the pool account that the program left.
fn expect_effects(row: &Value, version: Version, before: &PoolState, swap: &Swap) {
    let delta = |key: &str| parsed::<i128>(&row["delta"][key]);
    let after = &swap.after;
    let moved = |after: u64, before: u64| i128::from(after) - i128::from(before);
    assert_eq!(moved(after.base_vault, before.base_vault), delta("pool_base"), "{row}");
    assert_eq!(moved(after.quote_vault, before.quote_vault), delta("pool_quote"), "{row}");
    let (base, quote) = (i128::from(swap.base), i128::from(swap.user_quote));
    let user = if swap.side == Side::Buy { (base, -quote) } else { (-base, quote) };
    assert_eq!(user, (delta("user_base"), delta("user_quote")), "{row}");
    let fees = &swap.fees;
    let paid_out = |amount: u64| if version == Version::V1 { i128::from(amount) } else { 0 };
    assert_eq!(paid_out(fees.protocol - fees.buyback), delta("protocol_recipient"), "{row}");
    assert_eq!(paid_out(fees.creator), delta("creator_vault"), "{row}");
    assert_eq!(i128::from(fees.buyback), delta("buyback_recipient"), "{row}");
    assert_eq!(i128::from(fees.cashback), delta("cashback_vault"), "{row}");
    let account = |key: &str| parsed::<i128>(&row["after"][key]);
    assert_eq!(
        [after.virtual_quote, after.protocol_fees.into(), after.creator_fees.into()],
        ["virtual_quote", "protocol_fees_bucket", "creator_fees_bucket"].map(account),
        "{row}"
    );
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_execution_of_the_program_is_reproduced() {
    let file = real_json("chain/program_vectors.json");
    let rows = file["rows"].as_array().unwrap();
    let (mut executed, mut refused) = (0, 0);
    for row in rows {
        let config = AmmConfig {
            buyback: Bps(field(row, "buyback_bps")),
            ..chain::config(row, q50_pumpswap::amm::FeeConfig::default())
        };
        let before = pool(row);
        let (version, order) = order(row);
        match before.swap(&config, version, order) {
            Ok(swap) if refused_for_its_accounts(row, version, &swap) => {
                assert_eq!(row["error"], 6053, "{row}");
                refused += 1;
            }
            Ok(swap) => {
                assert!(row["error"].is_null(), "expected {}, got {swap:?}: {row}", row["error"]);
                expect_event(row, order, &swap);
                expect_effects(row, version, &before, &swap);
                executed += 1;
            }
            Err(error) => {
                assert_eq!(row["error"], error.code(), "{error}: {row}");
                assert!(row["error_msg"].as_str().unwrap().starts_with(error.name()), "{error}: {row}");
                refused += 1;
            }
        }
    }
    assert_eq!(executed + refused, rows.len());
    println!("{executed} trades and {refused} refusals");
}
