//! Events of mainnet, of every age, field by field, and the quotes that their own reserves give.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use q50_pumpswap::amm::Side;
use q50_pumpswap::chain::{CreatorFees, ProgramEvent, SwapEvent};
use q50_testing::real_json;
use serde_json::{Map, Value};

/// The numbers that begin every event; some records were cut right after them.
const NUMBERS: usize = 8 + 14 * 8;
/// The oldest events.
const OLDEST: usize = NUMBERS + 6 * 32;

fn decode(bytes: &[u8]) -> SwapEvent {
    match ProgramEvent::decode(bytes) {
        Ok(Some(ProgramEvent::Swap(event))) => *event,
        other => panic!("no swap: {other:?}"),
    }
}

/// All fields of an event as the file names them; a field that the event does not have is left out.
fn named(event: &SwapEvent) -> Map<String, Value> {
    let buy = event.side == Side::Buy;
    let pick = |buying: &str, selling: &str| (if buy { buying } else { selling }).to_owned();
    let text = |value: &dyn ToString| Some(Value::String(value.to_string()));
    let optional = |value: Option<String>| value.map(Value::String);
    let creator = event.creator.as_ref();
    let creator_field = |read: fn(&CreatorFees) -> String| optional(creator.map(read));
    let bps = |rate: Option<q50_pumpswap::Bps>| optional(rate.map(|rate| rate.0.to_string()));
    let amount = |amount: Option<u64>| optional(amount.map(|amount| amount.to_string()));
    let fields = [
        ("event".to_owned(), text(&pick("buy", "sell"))),
        ("timestamp".to_owned(), text(&event.timestamp)),
        (pick("base_amount_out", "base_amount_in"), text(&event.base)),
        (pick("max_quote_amount_in", "min_quote_amount_out"), text(&event.quote_limit)),
        ("user_base_token_reserves".to_owned(), text(&event.user_base_before)),
        ("user_quote_token_reserves".to_owned(), text(&event.user_quote_before)),
        ("pool_base_token_reserves".to_owned(), text(&event.pool_base_before)),
        ("pool_quote_token_reserves".to_owned(), text(&event.pool_quote_before)),
        (pick("quote_amount_in", "quote_amount_out"), text(&event.quote)),
        ("lp_fee_basis_points".to_owned(), text(&event.lp_rate.0)),
        ("lp_fee".to_owned(), text(&event.lp_fee)),
        ("protocol_fee_basis_points".to_owned(), text(&event.protocol_rate.0)),
        ("protocol_fee".to_owned(), text(&event.protocol_fee)),
        (pick("quote_amount_in_with_lp_fee", "quote_amount_out_without_lp_fee"), text(&event.quote_beside_lp_fee)),
        (pick("user_quote_amount_in", "user_quote_amount_out"), text(&event.user_quote)),
        ("pool".to_owned(), text(&event.pool)),
        ("user".to_owned(), text(&event.user)),
        ("user_base_token_account".to_owned(), text(&event.user_base_account)),
        ("user_quote_token_account".to_owned(), text(&event.user_quote_account)),
        ("protocol_fee_recipient".to_owned(), text(&event.protocol_fee_recipient)),
        ("protocol_fee_recipient_token_account".to_owned(), text(&event.protocol_fee_account)),
        ("coin_creator".to_owned(), creator_field(|part| part.creator.to_string())),
        ("coin_creator_fee_basis_points".to_owned(), creator_field(|part| part.rate.0.to_string())),
        ("coin_creator_fee".to_owned(), creator_field(|part| part.fee.to_string())),
        ("min_base_amount_out".to_owned(), amount(event.min_base_out)),
        ("ix_name".to_owned(), optional(event.instruction.clone())),
        ("cashback_fee_basis_points".to_owned(), bps(event.cashback_rate)),
        ("cashback".to_owned(), amount(event.cashback)),
        ("buyback_fee_basis_points".to_owned(), bps(event.buyback_rate)),
        ("buyback_fee".to_owned(), amount(event.buyback_fee)),
        ("virtual_quote_reserves".to_owned(), optional(event.virtual_quote_before.map(|v| v.to_string()))),
        ("can_boost".to_owned(), event.can_boost.map(Value::Bool)),
        ("base_supply".to_owned(), amount(event.base_supply)),
        ("holder_rewards_bps".to_owned(), bps(event.holder_reward_rate)),
        ("holder_rewards".to_owned(), amount(event.holder_reward)),
        ("creator_fee_unclaimed".to_owned(), amount(event.creator_fees_unswept)),
        ("quote_transfer_fee".to_owned(), amount(event.quote_transfer_fee)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Fields about the user's volume, which are read over.
const VOLUME: [&str; 5] =
    ["track_volume", "total_unclaimed_tokens", "total_claimed_tokens", "current_sol_volume", "last_update_timestamp"];

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn events_of_every_age_are_read_field_by_field() {
    let file = real_json("chain/recorded_swaps.json");
    let swaps = file["swaps"].as_array().unwrap();
    for swap in swaps {
        let mut bytes = STANDARD.decode(swap["raw_b64"].as_str().unwrap()).unwrap();
        // Events are at least as long as the oldest; a record that was cut by hand is filled up, and only what is
        // recorded is compared.
        let cut = bytes.len() < OLDEST;
        if cut {
            assert!(bytes.len() >= NUMBERS);
            bytes.resize(OLDEST, 0);
        }
        let expected = swap["event"].as_object().unwrap();
        let mut found = named(&decode(&bytes));
        for (key, value) in expected {
            if !VOLUME.contains(&key.as_str()) {
                assert_eq!(found.remove(key).as_ref(), Some(value), "{key} of {swap}");
            }
        }
        let invented: Vec<_> = if cut { Vec::new() } else { found.keys().collect() };
        assert!(invented.is_empty(), "{invented:?} read, but not recorded: {swap}");
    }
    println!("{} events", swaps.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn an_event_cut_before_its_addresses_is_refused() {
    let file = real_json("chain/recorded_swaps.json");
    for swap in file["swaps"].as_array().unwrap() {
        let bytes = STANDARD.decode(swap["raw_b64"].as_str().unwrap()).unwrap();
        assert!(ProgramEvent::decode(&bytes[..NUMBERS]).is_err());
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn swaps_of_mainnet_are_executed_again_to_the_lamport_and_one_unit_off_is_named() {
    let file = real_json("chain/recorded_swaps.json");
    let whole = file["swaps"].as_array().unwrap().iter().filter_map(|swap| {
        let bytes = STANDARD.decode(swap["raw_b64"].as_str().unwrap()).unwrap();
        // One that was cut by hand has no creator, to whom a part of its amounts went.
        (bytes.len() >= OLDEST).then(|| decode(&bytes))
    });
    let mut replayed = 0;
    for event in whole {
        let swap = event.replay(false).unwrap_or_else(|error| panic!("{error}: {event:?}"));
        assert_eq!(event.user_quote_in_all(), swap.user_quote);
        let off = SwapEvent { protocol_fee: event.protocol_fee + 1, ..event.clone() };
        let error = off.replay(false).unwrap_err().to_string();
        let expected = format!("protocol fee is {}, our arithmetic gives {}", off.protocol_fee, event.protocol_fee);
        assert_eq!(error, expected);
        replayed += 1;
    }
    assert!(replayed > 0);
    println!("{replayed} swaps");
}
