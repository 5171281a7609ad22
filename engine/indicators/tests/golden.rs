//! The vectors of `data/indicators`: every value within its tolerance, undefined where they are, streaming and by column.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_indicators::{Bar, Bounds, Catalog, Indicator, Source, Value};
use q50_testing::real_json;
use serde_json::Value as Json;

const SERIES: [&str; 9] = ["real", "dead", "tiny", "huge", "short_1", "short_2", "short_3", "short_10", "short_27"];

fn bars(file: &Json) -> Vec<Bar> {
    let column = |name: &str| file["bars"][name].as_array().unwrap();
    let number = |name: &str, row: usize| column(name)[row].as_f64().unwrap();
    (0..column("ts_ms").len())
        .map(|row| Bar {
            open_time: column("ts_ms")[row].as_i64().unwrap(),
            open: number("open", row),
            high: number("high", row),
            low: number("low", row),
            close: number("close", row),
            volume: number("volume", row),
        })
        .collect()
}

fn indicator(case: &Json) -> Indicator {
    let formula = Catalog::default().find(case["type"].as_str().unwrap()).unwrap();
    let mut indicator = Indicator::new(formula);
    for (name, value) in case["params"].as_object().unwrap() {
        match name.as_str() {
            "source" => indicator.source = Source::of_word(value.as_str().unwrap()).unwrap(),
            "shift" => indicator.shift = usize::try_from(value.as_u64().unwrap()).unwrap(),
            _ => {
                let field = formula.fields().iter().find(|field| field.name == name).unwrap();
                let value = match field.bounds {
                    Bounds::Whole { .. } => Value::Whole(u32::try_from(value.as_u64().unwrap()).unwrap()),
                    Bounds::Number { .. } => Value::Number(value.as_f64().unwrap()),
                    Bounds::Word(words) => {
                        Value::Word(words.iter().find(|word| **word == value.as_str().unwrap()).unwrap())
                    }
                };
                indicator.set(name, value).unwrap();
            }
        }
    }
    indicator
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_value_is_that_of_the_reference() {
    let mut kinds = std::collections::BTreeSet::new();
    let (mut values, mut undefined) = (0, 0);
    for series in SERIES {
        let file = real_json(&format!("indicators/{series}.json"));
        let bars = bars(&file);
        for case in file["cases"].as_array().unwrap() {
            let indicator = indicator(case);
            let what = format!("{series}: {indicator}");
            kinds.insert(indicator.formula().name());
            if let Some(first) = case["first"].as_u64() {
                assert_eq!(indicator.first() as u64, first, "{what}");
            }
            let columns = indicator.columns(bars.iter().copied());
            let outputs = case["outputs"].as_object().unwrap();
            assert_eq!(outputs.len(), columns.len(), "{what}");
            for (name, expected) in outputs {
                let column = &columns[indicator.output(Some(name)).unwrap()];
                let tolerance = case["tolerance"][name].as_f64().unwrap();
                for (row, (expected, found)) in expected.as_array().unwrap().iter().zip(column).enumerate() {
                    match expected.as_f64() {
                        Some(expected) => {
                            assert!(
                                (found - expected).abs() <= tolerance,
                                "{what} {name} {row}: {found}, not {expected}"
                            );
                            values += 1;
                        }
                        None => {
                            assert!(found.is_nan(), "{what} {name} {row}: {found}, not undefined");
                            undefined += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(kinds.len(), 25);
    println!("{values} values and {undefined} undefined ones in {} series", SERIES.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_stream_says_at_each_bar_what_the_columns_say_of_every_prefix() {
    for series in ["real", "dead", "tiny", "huge"] {
        let file = real_json(&format!("indicators/{series}.json"));
        let bars = bars(&file);
        for case in file["cases"].as_array().unwrap() {
            let indicator = indicator(case);
            let mut running = indicator.start();
            for end in 1..=bars.len() {
                let streamed: Vec<u64> = running.next(&bars[end - 1]).iter().map(|value| value.to_bits()).collect();
                let columns = indicator.columns(bars[..end].iter().copied());
                let last: Vec<u64> = columns.iter().map(|column| column[end - 1].to_bits()).collect();
                assert_eq!(streamed, last, "{series}: {indicator} after {end} bars");
            }
        }
    }
}
