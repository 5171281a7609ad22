//! Instructions against those that the vendor's clients build: program, accounts in order, flags, data, byte for byte.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_pumpswap::amm::{AmmConfig, Order, PoolOrigin, PoolState, QuoteMint, Swap, Version};
use q50_pumpswap::chain::programs::{USDC_MINT, WSOL_MINT};
use q50_pumpswap::chain::{
    Access, Address, Composer, FeeAccounts, Instruction, PoolKeys, SwapEncoder, TokenAccountState, TokenAccounts,
    VolumeTracking, pda,
};
use q50_testing::{field, flag, parsed, real_json};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The pool of a context: its vaults are its own associated accounts.
fn keys(context: &Value) -> PoolKeys {
    let pool: Address = field(context, "pool");
    let (base_mint, quote_mint) = (field::<Address>(context, "base_mint"), field::<Address>(context, "quote_mint"));
    let base_token_program = field::<Address>(context, "base_token_program");
    let quote_token_program = field::<Address>(context, "quote_token_program");
    PoolKeys {
        address: pool,
        base_mint,
        quote_mint,
        lp_mint: pda::lp_mint(&pool),
        base_vault: pda::associated_token(&pool, &base_mint, &base_token_program),
        quote_vault: pda::associated_token(&pool, &quote_mint, &quote_token_program),
        base_token_program,
        quote_token_program,
        coin_creator: field(context, "coin_creator"),
        is_cashback: flag(context, "is_cashback_coin"),
    }
}

fn trade<'a>(context: &Value, pool: &'a PoolKeys) -> SwapEncoder<'a> {
    SwapEncoder {
        pool,
        user: field(context, "user"),
        protocol_fee_recipient: field(context, "protocol_fee_recipient"),
        buyback_fee_recipient: field(context, "buyback_fee_recipient"),
        fee_accounts: FeeAccounts::for_pool(pool),
    }
}

fn composer<'a>(context: &Value, pool: &'a PoolKeys) -> Composer<'a> {
    let state = |key: &str| {
        if flag(context, key) { TokenAccountState::Exists } else { TokenAccountState::Missing }
    };
    Composer {
        pool,
        pool_length: field(context, "pool_account_len"),
        user: field(context, "user"),
        accounts: TokenAccounts { base: state("user_base_ata_exists"), quote: state("user_quote_ata_exists") },
    }
}

fn as_json(instruction: &Instruction) -> Value {
    let flags = |access| match access {
        Access::Read => "",
        Access::Write => "w",
        Access::Sign => "s",
        Access::SignWrite => "sw",
    };
    let accounts: Vec<_> =
        instruction.accounts.iter().map(|meta| json!([meta.address.to_string(), flags(meta.access)])).collect();
    let data: String = instruction.data.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"program": instruction.program.to_string(), "accounts": accounts, "data_hex": data})
}

/// What the client prices its input helpers with: the pool of the context under mainnet's schedules.
fn quote(context: &Value, pool: &PoolKeys, order: Order) -> Swap {
    let state = PoolState {
        virtual_quote: field(context, "virtual_quote_reserves"),
        base_supply: field(context, "base_supply"),
        origin: if field::<Address>(context, "pool_creator") == pda::pool_authority(&pool.base_mint) {
            PoolOrigin::Graduated
        } else {
            PoolOrigin::ThirdParty
        },
        quote_mint: match pool.quote_mint {
            WSOL_MINT => QuoteMint::Sol,
            USDC_MINT => QuoteMint::Usdc,
            _ => QuoteMint::Other,
        },
        has_coin_creator: !pool.coin_creator.is_zero(),
        is_mayhem: flag(context, "is_mayhem_mode"),
        ..PoolState::new(field(context, "pool_base_amount"), field(context, "pool_quote_amount"))
    };
    state.swap(&AmmConfig::default(), Version::V1, order).unwrap()
}

/// The client bounds an amount by a factor of thousand millionths, truncated from a double.
fn bounded(amount: u64, percent: f64) -> u64 {
    let factor = ((1.0 + percent / 100.0) * 1e9).floor() as u128;
    u64::try_from(u128::from(amount) * factor / 1_000_000_000).unwrap()
}

/// The shares of the pools that the file's deposits and withdrawals were sized on; their contexts do not say.
const LP_SUPPLY: u64 = 4_193_388_282_752;

/// The instructions of one row.
fn encode(context: &Value, pool: &PoolKeys, row: &Value) -> Vec<Instruction> {
    let (trade, composer) = (trade(context, pool), composer(context, pool));
    let arg = |key: &str| field::<u64>(&row["args"], key);
    let percent = || field::<f64>(&row["args"], "slippage_percent");
    let tracking = VolumeTracking::On;
    let reserves = || {
        let raw = PoolState::new(field(context, "pool_base_amount"), field(context, "pool_quote_amount"));
        PoolState { lp_supply: LP_SUPPLY, ..raw }
    };
    match row["op"].as_str().unwrap() {
        "buyInstructions" => {
            assert!(flag(&row["args"], "track_volume"));
            let max = arg("max_quote_amount_in");
            composer.buy(trade.buy(arg("base_amount_out"), max, tracking), max)
        }
        "buyBaseInput" => {
            let base = arg("base");
            let max = bounded(quote(context, pool, Order::buy(base)).user_quote, percent());
            composer.buy(trade.buy(base, max, tracking), max)
        }
        // The client turns a spend into a buy of what it would get.
        "buyQuoteInput" => {
            let base = quote(context, pool, Order::spend(arg("quote"))).base;
            let max = bounded(arg("quote"), percent());
            composer.buy(trade.buy(base, max, tracking), max)
        }
        "sellInstructions" => composer.sell(trade.sell(arg("base_amount_in"), arg("min_quote_amount_out"))),
        "sellBaseInput" => {
            let min = bounded(quote(context, pool, Order::sell(arg("base"))).user_quote, -percent());
            composer.sell(trade.sell(arg("base"), min))
        }
        "buy_exact_quote_in (single ix; accounts as buy)" => {
            vec![trade.buy_exact_quote_in(arg("spendable_quote_in"), arg("min_base_amount_out"), tracking)]
        }
        "depositInstructions" => {
            let shares = arg("lp_token");
            let cost = reserves().deposit(&AmmConfig::default(), shares, u64::MAX, u64::MAX).unwrap();
            let max_quote = bounded(cost.quote, percent());
            let deposit = composer.liquidity().deposit(shares, bounded(cost.base, percent()), max_quote);
            composer.deposit(deposit, max_quote)
        }
        "withdrawInstructions" => {
            let shares = arg("lp_token");
            let part = reserves().withdraw(&AmmConfig::default(), shares, 0, 0).unwrap();
            let (base, quote) = (bounded(part.base, -percent()), bounded(part.quote, -percent()));
            composer.withdraw(composer.liquidity().withdraw(shares, base, quote))
        }
        "extendAccount" => vec![composer.extend_pool()],
        "initUserVolumeAccumulator" => vec![composer.init_volume_accumulator()],
        "syncUserVolumeAccumulator" => vec![composer.sync_volume_accumulator()],
        op => panic!("unknown op {op}"),
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn v1_transactions_are_the_clients_byte_for_byte() {
    let file = real_json("chain/instructions_v1.json");
    let rows = file["rows"].as_array().unwrap();
    let contexts: HashMap<u64, &Value> = rows
        .iter()
        .filter(|row| row.get("context").is_some())
        .map(|row| (row["case"].as_u64().unwrap(), &row["context"]))
        .collect();
    let mut compared = 0;
    for row in rows.iter().filter(|row| row.get("op").is_some()) {
        let context = contexts[&row["case"].as_u64().unwrap()];
        let pool = keys(context);
        let found: Vec<_> = encode(context, &pool, row).iter().map(as_json).collect();
        let expected = row["ixs"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{}: {}", row["case"], row["op"]);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected, "{}: {}", row["case"], row["op"]);
        }
        compared += 1;
    }
    assert_eq!(compared + contexts.len(), rows.len());
    println!("{compared} transactions");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn v2_instructions_are_those_that_the_program_took_byte_for_byte() {
    let file = real_json("chain/instructions_v2.json");
    let rows = file["rows"].as_array().unwrap();
    for row in rows {
        let pool = keys(&row["context"]);
        let trade = trade(&row["context"], &pool);
        let arg = |index: usize| parsed::<u64>(&row["args"][index]);
        let instruction = match row["op"].as_str().unwrap() {
            "buy_v2" => trade.buy_v2(arg(0), arg(1)),
            "buy_exact_quote_in_v2" => trade.buy_exact_quote_in_v2(arg(0), arg(1)),
            "sell_v2" => trade.sell_v2(arg(0), arg(1)),
            op => panic!("unknown op {op}"),
        };
        assert_eq!(as_json(&instruction), row["ix"], "{}: {}", row["case"], row["op"]);
    }
    println!("{} instructions", rows.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_pools_of_the_contexts_are_derived_from_their_makers() {
    let file = real_json("chain/instructions_v1.json");
    for row in file["rows"].as_array().unwrap().iter().filter(|row| row.get("context").is_some()) {
        let context = &row["context"];
        let derived = pda::pool(
            field(context, "pool_index"),
            &field(context, "pool_creator"),
            &field(context, "base_mint"),
            &field(context, "quote_mint"),
        );
        assert_eq!(derived, field::<Address>(context, "pool"));
    }
}
