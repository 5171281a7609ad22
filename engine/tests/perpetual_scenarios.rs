//! The scenarios of `data/perp`: every figure, to 1e-9.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_engine::venue::perpetual::scenario::compute;
use q50_testing::real_json;
use serde_json::{Value, json};

/// Compares two documents, numbers to `tolerance` of their size.
fn same(place: &str, found: &Value, expected: &Value, tolerance: f64) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{place}");
            expected.iter().for_each(|(key, value)| same(&format!("{place}.{key}"), &found[key], value, tolerance));
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            (found.iter().zip(expected).enumerate())
                .for_each(|(i, (found, expected))| same(&format!("{place}[{i}]"), found, expected, tolerance));
        }
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(1.0),
                "{place}: {found}, not {expected}"
            );
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

/// Removes what is computed.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for computed in
                ["expect", "after", "final_wallet", "totals", "wallet", "volatility", "mean_volume", "slippage"]
            {
                if fields.get(computed).is_some_and(|value| !value.is_array()) {
                    fields.remove(computed);
                }
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_figure_of_the_reference_scenarios_is_computed() {
    let expected = real_json("perp/scenarios.json");
    let mut document = expected.clone();
    strip(&mut document);
    assert_ne!(document, expected, "nothing is left to compute from");
    compute(&mut document).unwrap();
    same("", &document, &expected, 1e-9);
}

/// One bar of ten at 100 with a leverage of 20, whose liquidation price is 95.38 (long) or 104.58 (short).
fn bar(side: &str, stop: Option<f64>, target: Option<f64>, last: [f64; 4], mark: [f64; 4]) -> (Value, f64) {
    let mut document = json!({
        "tiers": [{ "above": 0, "rate": 0.004, "deduction": 0 }],
        "bar_order": [{
            "side": side, "size": 10, "entry": 100, "stop": stop, "target": target, "last": last, "mark": mark,
        }],
    });
    compute(&mut document).unwrap();
    let bar = &document["bar_order"][0];
    (bar["expect"].clone(), bar["wallet"].as_f64().unwrap())
}

#[test]
fn a_mark_that_opens_beyond_the_liquidation_price_comes_before_everything() {
    let (expect, wallet) = bar("long", Some(99.0), Some(101.0), [98.0, 102.0, 97.0, 98.0], [95.0, 99.0, 95.0, 98.0]);
    assert_eq!((expect, wallet), (json!("liquidated"), 949.6));
}

#[test]
fn a_gap_through_the_stop_fills_at_the_open_before_the_range_liquidates() {
    let (expect, wallet) = bar("long", Some(95.0), None, [94.0, 96.0, 93.0, 95.0], [96.0, 97.0, 94.0, 96.0]);
    assert_eq!(expect, json!("stop_loss"));
    assert!((wallet - (999.6 - 60.0 - 940.0 * 0.0004)).abs() < 1e-9, "{wallet}");
}

#[test]
fn of_a_target_and_a_liquidation_the_nearer_one_is_first() {
    let both = |target| bar("long", None, Some(target), [99.0, 104.0, 95.0, 99.0], [99.0, 104.0, 95.0, 99.0]).0;
    assert_eq!(both(101.0), json!("take_profit"), "2 from the open, and 95.38 is 3.62 from it");
    assert_eq!(both(103.0), json!("liquidated"));
}

#[test]
fn a_target_pays_as_a_maker_and_a_short_is_the_mirror() {
    let (expect, wallet) = bar("short", Some(104.0), Some(97.0), [99.0, 99.5, 96.0, 98.0], [99.0, 99.5, 96.0, 98.0]);
    assert_eq!(expect, json!("take_profit"));
    assert!((wallet - (999.6 + 30.0 - 970.0 * 0.0002)).abs() < 1e-9, "{wallet}");
    let rise = [101.0, 105.0, 100.0, 104.8];
    assert_eq!(bar("short", Some(104.0), None, rise, rise).0, json!("stop_loss"));
    assert_eq!(
        bar("short", Some(104.7), None, rise, rise).0,
        json!("liquidated"),
        "104.58 = 1050 / 10.04 is before it"
    );
}
