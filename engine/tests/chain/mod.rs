//! Reads the vectors of the PumpSwap program from `$Q50_TEST_DATA/chain`.
//!
//! The data is not part of the product. Where the variable is unset the tests that need it print that they skip.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this one")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a helper of tests")]

use q50_engine::amm::{AmmConfig, FeeConfig, FeeRates, FeeTier, FeeTiers, PoolOrigin, PoolState, QuoteMint};
use q50_engine::units::Bps;
use serde_json::Value;

/// The file's JSON, or `None` (and a printed line) where there is no data to test with.
pub fn read(file: &str) -> Option<Value> {
    let Some(root) = std::env::var_os("Q50_TEST_DATA") else {
        println!("skipped: Q50_TEST_DATA is not set, so there is no chain/{file} to compare with");
        return None;
    };
    let path = std::path::Path::new(&root).join("chain").join(file);
    // Tests run in their crate's folder, the variable may be relative to the workspace's.
    let path = if path.exists() { path } else { std::path::Path::new("..").join(path) };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// An integer that the file holds as a string (or as a number).
pub fn integer<T: std::str::FromStr>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("not an integer of its type: {text}"))
}

/// The integer `row[key]`.
pub fn field<T: std::str::FromStr>(row: &Value, key: &str) -> T {
    integer(&row[key])
}

/// The flag `row[key]`.
pub fn flag(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or_else(|| panic!("{key}: not a flag in {row}"))
}

/// `[lp, protocol, creator]`.
fn rates(value: &Value) -> FeeRates {
    FeeRates::new(integer(&value[0]), integer(&value[1]), integer(&value[2]))
}

fn tiers(value: &Value) -> FeeTiers {
    let tier = |row: &Value| FeeTier {
        threshold: integer(&row[0]),
        rates: FeeRates::new(integer(&row[1]), integer(&row[2]), integer(&row[3])),
    };
    FeeTiers::new(value.as_array().unwrap().iter().map(tier).collect())
}

/// A fee configuration as the vectors write it; `null` means 20/5/5 everywhere.
pub fn fee_config(value: &Value) -> FeeConfig {
    if value.is_null() {
        return FeeConfig::uniform(FeeRates::new(20, 5, 5));
    }
    FeeConfig::new(
        rates(&value["flat"]),
        tiers(&value["fee_tiers"]),
        tiers(&value["stable_fee_tiers"]),
        rates(&value["exotic"]),
    )
}

/// The parts of a pool that all vector files name alike; `vault` is the key of the quote vault.
pub fn pool(row: &Value, vault: &str) -> PoolState {
    PoolState {
        virtual_quote: field(row, "virtual_quote"),
        base_supply: field(row, "supply"),
        origin: if flag(row, "canonical") { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
        quote_mint: match row["quote_mint"].as_str() {
            None | Some("wsol") => QuoteMint::Sol,
            Some("usdc") => QuoteMint::Usdc,
            Some(_) => QuoteMint::Other,
        },
        has_coin_creator: flag(row, "has_coin_creator"),
        is_mayhem: flag(row, "mayhem"),
        creator_fee: Bps(field(row, "pool_creator_fee_bps")),
        ..PoolState::new(field(row, "base_reserve"), field(row, vault))
    }
}

/// The configuration of one row under `fees`.
pub fn config(row: &Value, fees: FeeConfig) -> AmmConfig {
    AmmConfig { fees, creator_fee_configurable: flag(row, "creator_fee_configurable"), ..AmmConfig::default() }
}
