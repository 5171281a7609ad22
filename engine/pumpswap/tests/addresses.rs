//! Derived addresses against those of the vendor's client.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_pumpswap::chain::programs::{self, TOKEN, TOKEN_2022, USDC_MINT, WSOL_MINT};
use q50_pumpswap::chain::{Address, PoolKeys, pda};
use q50_testing::{field, real_json};

#[test]
fn the_constants_are_what_their_seeds_derive() {
    assert_eq!(pda::global_config(), programs::GLOBAL_CONFIG);
    assert_eq!(pda::event_authority(), programs::EVENT_AUTHORITY);
    assert_eq!(pda::global_volume_accumulator(), programs::GLOBAL_VOLUME_ACCUMULATOR);
    assert_eq!(pda::fee_config(), programs::FEE_CONFIG);
    assert_eq!(pda::find(&[b"native-mint"], &TOKEN_2022).0, programs::WSOL_2022_MINT);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_constants_are_the_clients() {
    let file = real_json("chain/pdas.json");
    let constants = [
        ("global_config", programs::GLOBAL_CONFIG),
        ("event_authority", programs::EVENT_AUTHORITY),
        ("global_volume_accumulator", programs::GLOBAL_VOLUME_ACCUMULATOR),
        ("fee_config", programs::FEE_CONFIG),
        ("program", programs::PUMP_AMM),
        ("pump_program", programs::PUMP),
        ("fee_program", programs::PUMP_FEES),
    ];
    assert_eq!(file["static"].as_object().unwrap().len(), constants.len());
    for (key, constant) in constants {
        assert_eq!(field::<Address>(&file["static"], key), constant, "{key}");
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_derivation_is_the_clients() {
    let file = real_json("chain/pdas.json");
    let rows = file["rows"].as_array().unwrap();
    let mut compared = 0;
    for row in rows {
        let given = |key: &str| field::<Address>(row, key);
        let (mint, program) = (given("mint"), given("base_token_program"));
        let (user, coin_creator) = (given("user"), given("coin_creator"));
        // The file's pool-wise derivations are those of the canonical pool.
        let pool = pda::canonical_pool(&mint, &WSOL_MINT);
        let keys = PoolKeys::canonical(mint, WSOL_MINT, program, TOKEN, coin_creator, false);
        assert_eq!(keys.address, pool);
        let vault = pda::creator_vault_authority(&coin_creator);
        let accumulator = pda::user_volume_accumulator(&user);
        let derived: [(&str, Address); 18] = [
            ("pump_pool_authority", pda::pool_authority(&mint)),
            ("canonical_pool_wsol", pool),
            ("canonical_pool_usdc", pda::canonical_pool(&mint, &USDC_MINT)),
            ("user_pool_wsol", pda::pool(field(row, "user_pool_index"), &user, &mint, &WSOL_MINT)),
            ("lp_mint", keys.lp_mint),
            ("pool_base_ata", keys.base_vault),
            ("pool_quote_ata", keys.quote_vault),
            ("user_base_ata", keys.base_account(&user)),
            ("user_wsol_ata", keys.quote_account(&user)),
            ("user_lp_ata_t22", pda::associated_token(&user, &keys.lp_mint, &TOKEN_2022)),
            ("creator_vault_authority", vault),
            ("creator_vault_ata_wsol", keys.quote_account(&vault)),
            ("user_volume_accumulator", accumulator),
            ("uva_wsol_ata", keys.quote_account(&accumulator)),
            ("pool_v2", pda::pool_v2(&mint)),
            ("bonding_curve", pda::bonding_curve(&mint)),
            ("sharing_config", pda::sharing_config(&mint)),
            ("boost_vault_authority", pda::boost_vault_authority(&pool)),
        ];
        // Five of the row's fields are what is given; all others are compared.
        assert_eq!(row.as_object().unwrap().len(), derived.len() + 5, "{row}");
        for (key, derived) in derived {
            assert_eq!(derived, given(key), "{key} of {row}");
            compared += 1;
        }
    }
    println!("{compared} derivations");
}
