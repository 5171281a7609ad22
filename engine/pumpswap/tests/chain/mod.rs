//! Pools and fee configurations as the vectors of the PumpSwap program write them.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this one")]
#![allow(clippy::unwrap_used, reason = "a helper of tests")]

use q50_pumpswap::Bps;
use q50_pumpswap::amm::{AmmConfig, FeeConfig, FeeRates, FeeTier, FeeTiers, PoolOrigin, PoolState, QuoteMint};
use q50_testing::{field, flag, parsed};
use serde_json::Value;

/// `[lp, protocol, creator]`.
fn rates(value: &Value) -> FeeRates {
    FeeRates::new(parsed(&value[0]), parsed(&value[1]), parsed(&value[2]))
}

fn tiers(value: &Value) -> FeeTiers {
    let tier = |row: &Value| FeeTier {
        threshold: parsed(&row[0]),
        rates: FeeRates::new(parsed(&row[1]), parsed(&row[2]), parsed(&row[3])),
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
