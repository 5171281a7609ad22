//! The replays of `data/dsl`: three golden ones of real bars, equal to those of another engine fill by fill, and thirteen
//! small ones worked by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use std::sync::Arc;

use q50_engine::{
    market::{Column, Market, Signals},
    record::Journal,
    replay::replay,
    units::Fraction,
    venue::{FillSide, NextOpen},
};
use q50_language::{Catalog, Program, Run};
use q50_testing::{real, real_json};
use serde_json::Value;

struct Bars {
    time: Vec<i64>,
    prices: [Vec<f64>; 4],
    volume: Vec<f64>,
}

impl Bars {
    fn replay(&self, text: &str, cost_bps: f64, capital: f64) -> Journal {
        let program = Program::read(text, &Catalog::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let [open, high, low, close] = &self.prices;
        let market = Market {
            open_time: &self.time,
            open,
            high,
            low,
            close,
            signals: Signals::default().with(Column::Volume, &self.volume),
            interval_ms: program.timeframe.ms(),
            first: 0,
        };
        let mut venue = NextOpen::new(Fraction::from_bps(cost_bps)).with_free_shorting();
        let mut journal = Journal::default();
        replay(&market, &mut Run::new(Arc::new(program), Fraction::ONE), &mut venue, capital, &mut journal);
        journal
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Compares fills by row, side, price, reason and, where they are stated, units; and the final equity.
fn compare(name: &str, journal: &Journal, expected: &Value) {
    let fills = expected["fills"].as_array().unwrap();
    for (row, expected) in journal.fills.iter().zip(fills) {
        let side = if row.fill.side == FillSide::Buy { "buy" } else { "sell" };
        let found = (row.fill.row as u64, side, row.reason.name());
        let text = |key: &str| expected[key].as_str().unwrap();
        assert_eq!(found, (expected["row"].as_u64().unwrap(), text("side"), text("reason")), "{name}");
        for (key, found) in [("price", row.fill.price), ("units", row.fill.units)] {
            let Some(expected) = expected[key].as_f64() else { continue };
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{name} row {}: {key} {found}, not {expected}",
                row.fill.row
            );
        }
    }
    assert_eq!(journal.fills.len(), fills.len(), "{name}");
    let equity = journal.equity.last().unwrap() / expected["final_equity"].as_f64().unwrap() - 1.0;
    assert!(equity.abs() < 1e-9, "{name}: {:?}", journal.equity.last());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn thirteen_cases_are_as_they_were_worked_by_hand() {
    let file = real_json("dsl/replay/hand_worked.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let bars = Bars {
            time: case["bars"]["ts_ms"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap()).collect(),
            prices: ["open", "high", "low", "close"].map(|name| numbers(&case["bars"][name])),
            volume: numbers(&case["bars"]["volume"]),
        };
        let cost = case["cost_bps_per_fill"].as_f64().unwrap();
        let journal = bars.replay(case["strategy"].as_str().unwrap(), cost, case["capital"].as_f64().unwrap());
        compare(case["name"].as_str().unwrap(), &journal, case);
        let unfilled = !journal.rejections.is_empty();
        assert_eq!(unfilled, case["unfilled_last_order"].as_bool().unwrap(), "{}", case["name"]);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn three_replays_of_real_bars_are_those_of_the_reference_fill_by_fill() {
    for name in ["ema_cross", "rsi_reversion", "multi_timeframe"] {
        let expected = real_json(&format!("dsl/replay/golden_{name}.json"));
        let from: i64 = jiff::Timestamp::as_millisecond(expected["bars"]["from"].as_str().unwrap().parse().unwrap());
        let rows = usize::try_from(expected["bars"]["rows"].as_u64().unwrap()).unwrap();
        let all = q50_datasets::bars::Bars::read(&real(expected["bars"]["file"].as_str().unwrap())).unwrap();
        let first = all.open_time.partition_point(|time| *time < from);
        let cut = |column: &[f64]| column[first..first + rows].to_vec();
        let bars = Bars {
            time: all.open_time[first..first + rows].to_vec(),
            prices: [cut(&all.open), cut(&all.high), cut(&all.low), cut(&all.close)],
            volume: vec![f64::NAN; rows],
        };
        let text = std::fs::read_to_string(real(&format!("dsl/replay/golden_{name}.yaml"))).unwrap();
        let settings = &expected["settings"];
        let cost = settings["cost_bps_per_fill"].as_f64().unwrap();
        let journal = bars.replay(&text, cost, settings["capital"].as_f64().unwrap());
        compare(name, &journal, &expected);
        println!("{name}: {} fills, final equity {:?}", journal.fills.len(), journal.equity.last());
    }
}
