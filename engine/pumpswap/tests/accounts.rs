//! Account dumps of mainnet, of every length that was met, against the vendor's decodes.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use q50_pumpswap::amm::{FeeConfig, FeeRates, FeeTier, FeeTiers, PoolOrigin, QuoteMint};
use q50_pumpswap::chain::programs::{PUMP_AMM, PUMP_FEES};
use q50_pumpswap::chain::{Address, DecodeError, FeeConfigAccount, GlobalConfig, Pool, pda};
use q50_testing::{field, flag, real_json};
use serde_json::Value;

/// The dumps of one type: data and row.
fn dumps(kind: &str) -> Vec<(Vec<u8>, Value)> {
    let file = real_json("chain/accounts.json");
    let rows = file["accounts"].as_array().unwrap();
    rows.iter()
        .filter(|row| row["type"] == kind)
        .map(|row| {
            let data = STANDARD.decode(row["base64"].as_str().unwrap()).unwrap();
            assert_eq!(data.len(), field::<usize>(row, "len"));
            (data, row.clone())
        })
        .collect()
}

fn expect_pool(pool: &Pool, decoded: &Value) {
    assert_eq!(pool.bump, field::<u8>(decoded, "poolBump"));
    assert_eq!(pool.index, field::<u16>(decoded, "index"));
    let addresses = [
        ("creator", pool.creator),
        ("baseMint", pool.base_mint),
        ("quoteMint", pool.quote_mint),
        ("lpMint", pool.lp_mint),
        ("poolBaseTokenAccount", pool.base_vault),
        ("poolQuoteTokenAccount", pool.quote_vault),
        ("coinCreator", pool.coin_creator),
    ];
    for (key, found) in addresses {
        assert_eq!(found, field::<Address>(decoded, key), "{key}");
    }
    assert_eq!(pool.lp_supply, field::<u64>(decoded, "lpSupply"));
    assert_eq!(pool.is_mayhem, flag(decoded, "isMayhemMode"));
    assert_eq!(pool.is_cashback, flag(decoded, "isCashbackCoin"));
    assert_eq!(pool.virtual_quote_reserves, field::<i128>(decoded, "virtualQuoteReserves"));
    assert_eq!(pool.creator_fee.0, field::<u64>(decoded, "creatorFeeBps"));
    assert_eq!(pool.can_edit_creator_fee, flag(decoded, "canEditCreatorFee"));
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn pools_of_every_length_are_the_vendors() {
    for (data, row) in dumps("Pool") {
        let pool = Pool::from_account(&PUMP_AMM, &data).unwrap();
        expect_pool(&pool, &row["decoded"]);
        assert_eq!(pool.derived_address(), field::<Address>(&row["check"], "derived_pool"));
        if row.get("address").is_some() {
            assert_eq!(pool.derived_address(), field::<Address>(&row, "address"));
        }
        assert_eq!(pda::lp_mint(&pool.derived_address()) == pool.lp_mint, flag(&row["check"], "lp_mint_ok"));
        assert_eq!(pda::find(&[b"pool_lp_mint", pool.derived_address().as_bytes()], &PUMP_AMM).0, pool.lp_mint);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_pool_is_the_same_cut_to_its_fields_and_with_bytes_beyond_them() {
    for (data, row) in dumps("Pool") {
        let pool = Pool::decode(&data).unwrap();
        let longer = [data.clone(), vec![0; 64]].concat();
        assert_eq!(Pool::decode(&longer).unwrap(), pool, "{row}");
        // The oldest form knows no coin creator and no boost.
        let oldest = Pool::decode(&data[..211]).unwrap();
        assert_eq!((oldest.lp_supply, oldest.coin_creator), (pool.lp_supply, Address::ZERO));
        assert_eq!(oldest.virtual_quote_reserves, 0);
        assert!(matches!(Pool::decode(&data[..210]), Err(DecodeError::TooShort { needed: 211, found: 210, .. })));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_pool_of_another_program_is_refused() {
    for (data, _) in dumps("Pool") {
        assert!(matches!(Pool::from_account(&PUMP_FEES, &data), Err(DecodeError::WrongOwner { .. })));
        assert!(matches!(GlobalConfig::decode(&data), Err(DecodeError::WrongDiscriminator { .. })));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_graduated_pool_is_told_from_anybodys() {
    for (data, _) in dumps("Pool") {
        let pool = Pool::decode(&data).unwrap();
        let state = pool.state(1, 2, 3);
        // Of these dumps, those that hold a boost are graduated; a pool whose base is SOL never is.
        if pool.virtual_quote_reserves > 0 {
            assert_eq!((state.origin, state.quote_mint), (PoolOrigin::Graduated, QuoteMint::Sol));
            assert_eq!(pda::canonical_pool(&pool.base_mint, &pool.quote_mint), pool.derived_address());
        }
        if pool.quote_kind() == QuoteMint::Other {
            assert_eq!(state.origin, PoolOrigin::ThirdParty);
        }
        assert_eq!(state.has_coin_creator, !pool.coin_creator.is_zero());
        assert_eq!((state.base_vault, state.quote_vault, state.base_supply), (1, 2, 3));
    }
}

fn list(decoded: &Value, key: &str) -> Vec<Address> {
    decoded[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_global_configuration_is_the_vendors() {
    for (data, row) in dumps("GlobalConfig") {
        let config = GlobalConfig::from_account(&PUMP_AMM, &data).unwrap();
        let decoded = &row["decoded"];
        let addresses = [
            ("admin", config.admin),
            ("adminSetCoinCreatorAuthority", config.admin_set_coin_creator_authority),
            ("whitelistPda", config.whitelist),
            ("reservedFeeRecipient", config.reserved_fee_recipient),
            ("boostAuthority", config.boost_authority),
        ];
        for (key, found) in addresses {
            assert_eq!(found, field::<Address>(decoded, key), "{key}");
        }
        let rates = [
            ("lpFeeBasisPoints", config.lp_fee),
            ("protocolFeeBasisPoints", config.protocol_fee),
            ("coinCreatorFeeBasisPoints", config.coin_creator_fee),
            ("buybackBasisPoints", config.buyback),
            ("maxConfigurableCreatorFeeBps", config.max_creator_fee),
        ];
        for (key, found) in rates {
            assert_eq!(found.0, field::<u64>(decoded, key), "{key}");
        }
        let flags = [
            ("mayhemModeEnabled", config.mayhem_enabled),
            ("isCashbackEnabled", config.cashback_enabled),
            ("boostEnabled", config.boost_enabled),
            ("creatorFeeConfigurable", config.creator_fee_configurable),
        ];
        for (key, found) in flags {
            assert_eq!(found, flag(decoded, key), "{key}");
        }
        assert_eq!(config.disabled.0, field::<u8>(decoded, "disableFlags"));
        assert_eq!(config.protocol_fee_recipients.to_vec(), list(decoded, "protocolFeeRecipients"));
        assert_eq!(config.reserved_fee_recipients.to_vec(), list(decoded, "reservedFeeRecipients"));
        assert_eq!(config.buyback_fee_recipients.to_vec(), list(decoded, "buybackFeeRecipients"));
        assert_eq!(config.protocol_recipients(false), config.protocol_fee_recipients);
        assert_eq!(config.protocol_recipients(true)[0], config.reserved_fee_recipient);
        assert_eq!(config.protocol_recipients(true)[1..], config.reserved_fee_recipients);
    }
}

fn rates(value: &Value) -> FeeRates {
    FeeRates::new(field(value, "lpFeeBps"), field(value, "protocolFeeBps"), field(value, "creatorFeeBps"))
}

fn tiers(value: &Value) -> FeeTiers {
    let tier =
        |row: &Value| FeeTier { threshold: field(row, "marketCapLamportsThreshold"), rates: rates(&row["fees"]) };
    FeeTiers::new(value.as_array().unwrap().iter().map(tier).collect())
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_fee_schedules_are_the_vendors_and_the_engines_default() {
    for (data, row) in dumps("FeeConfig") {
        let account = FeeConfigAccount::from_account(&PUMP_FEES, &data).unwrap();
        let decoded = &row["decoded"];
        assert_eq!(account.bump, field::<u8>(decoded, "bump"));
        assert_eq!(account.admin, field::<Address>(decoded, "admin"));
        assert_eq!(account.fees.flat, rates(&decoded["flatFees"]));
        assert_eq!(account.fees.sol_tiers, tiers(&decoded["feeTiers"]));
        assert_eq!(account.fees.stable_tiers, tiers(&decoded["stableFeeTiers"]));
        assert_eq!(account.fees.exotic, rates(&decoded["exoticFlatFees"]));
        assert_eq!(account.fees, FeeConfig::default());
    }
}
