//! `q50 perp` and `--venue perpetual`, as a user sees them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_testing::{real, real_json};
use serde_json::json;
use util::Workspace;

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_reference_scenarios_are_printed_as_they_stand() {
    let w = Workspace::new();
    let file = real("perp/scenarios.json");
    let printed = w.json(&format!("perp scenario {}", file.display()), 0);
    let expected = real_json("perp/scenarios.json");
    assert_eq!(printed["scenarios"][1]["events"][3]["expect"], json!("liquidated"));
    let wallets = |of: &serde_json::Value| -> Vec<f64> {
        of["scenarios"].as_array().unwrap().iter().map(|scenario| scenario["final_wallet"].as_f64().unwrap()).collect()
    };
    for (found, expected) in wallets(&printed).iter().zip(wallets(&expected)) {
        assert!((found - expected).abs() <= 1e-9 * expected, "{found}, not {expected}");
    }
    let text = w.q50(&format!("perp scenario {}", file.display())).stdout;
    assert!(text.contains("long_liquidated_on_the_mark") && text.contains("95.381526"), "{text}");
}

#[test]
fn a_scenario_that_cannot_be_computed_is_refused_with_its_place() {
    let w = Workspace::new();
    let tiers = r#""tiers": [{"above": 0, "rate": 0.004, "deduction": 0}]"#;
    w.write("t.json", r#"{"tiers": [{"above": 5, "rate": 0.004, "deduction": 0}]}"#);
    w.refused("perp scenario {dir}/t.json", &["t.json", "tiers", "tier 1: above is 5, expected 0"]);
    w.write(
        "k.json",
        format!(
            r#"{{{tiers}, "scenarios": [{{"capital": 1, "leverage": 2, "fee_taker": 0, "fee_maker": 0,
        "events": [{{"kind": "mark", "mark": 1}}, {{"kind": "split"}}]}}]}}"#
        ),
    );
    w.refused("perp scenario {dir}/k.json", &["k.json", "scenarios[0].events[1]", "split", "funding"]);
    w.write("b.json", b"PAR1");
    w.refused("perp scenario {dir}/b.json", &["b.json", "expected scenarios in JSON"]);
}
