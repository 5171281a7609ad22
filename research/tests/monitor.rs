//! The sequential tests against reference paths, and their error rates on simulated sessions.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_research::monitor::{Decay, Execution, Wealth, alone};
use q50_testing::real_json;
use serde_json::Value;

const SESSIONS: [&str; 6] = ["quiet", "cost_doubles", "fat_tails", "limits_differ", "short", "ties"];

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Holds a path to the reference at every step.
fn follows(name: &str, expected: &Value, wealth: impl Iterator<Item = Wealth>) {
    let (jumper, mixture) = (numbers(&expected["log_jumper"]), numbers(&expected["log_mixture"]));
    let mut seen = 0;
    for (at, wealth) in wealth.enumerate() {
        for (found, expected) in [(wealth.log_jumper(), jumper[at]), (wealth.log_mixture(), mixture[at])] {
            assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name} {at}: {found} {expected}");
        }
        let alarm = expected["jumper_alarm_at"].as_u64();
        assert_eq!(wealth.alarm_at(), alarm.filter(|alarm| *alarm <= at as u64 + 1), "{name} {at}");
        seen += 1;
    }
    assert_eq!((seen, seen), (jumper.len(), mixture.len()), "{name}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_reference_path_is_followed() {
    for name in SESSIONS {
        let session = real_json(&format!("monitor/{name}.json"));
        let (shortfall, bound, modelled) =
            (numbers(&session["shortfall"]), numbers(&session["bound"]), numbers(&session["modelled"]));
        let expected = &session["expected"]["execution"];
        let mut execution = Execution::alarming_at(alone());
        let path = (0..shortfall.len()).map(|i| {
            execution.observe(shortfall[i], modelled[i], bound[i]).unwrap();
            execution.wealth().clone()
        });
        follows(name, expected, path);
        assert_eq!(execution.beyond() + execution.windfalls(), expected["clipped"].as_u64().unwrap(), "{name}");

        let expected = &session["expected"]["decay"];
        let p = numbers(&expected["p"]);
        let mut decay = Decay::alarming_at(alone(), &numbers(&session["backtest"]));
        let path = numbers(&session["live"]).into_iter().zip(p).map(|(net_return, p)| {
            assert_eq!(decay.observe(net_return), Some(p), "{name}");
            decay.wealth().clone()
        });
        follows(name, expected, path);
    }
}
