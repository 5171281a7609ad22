//! The corpus of `data/dsl`: what is accepted and how it is understood, what is refused and where.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_language::{Catalog, Program};
use q50_testing::{real, real_json};
use serde_json::{Value, json};

fn text(name: &str) -> String {
    std::fs::read_to_string(real(&format!("dsl/{name}"))).unwrap()
}

/// A set as the corpus writes it.
fn set(program: &Program, values: &[f64]) -> Value {
    program
        .sweep
        .iter()
        .zip(values)
        .map(|(axis, value)| (axis.path.clone(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Whether two sets have the same numbers, however they are written.
fn same(found: &Value, expected: &Value) -> bool {
    let (Some(found), Some(expected)) = (found.as_object(), expected.as_object()) else { return found == expected };
    found.len() == expected.len()
        && found.iter().all(|(path, value)| expected.get(path).and_then(Value::as_f64) == value.as_f64())
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn what_is_accepted_is_understood_as_marked() {
    let expected = real_json("dsl/expected.json");
    let accepted = expected["accept"].as_object().unwrap();
    assert_eq!(accepted.len(), 20);
    for (file, expected) in accepted {
        let program = Program::read(&text(&format!("accept/{file}")), &Catalog::default())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(program.name, expected["name"], "{file}");
        assert_eq!(program.timeframe.word(), expected["timeframe"], "{file}");
        for written in [program.canonical(), program.understood()] {
            let again =
                Program::read(&written, &Catalog::default()).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(again.canonical(), program.canonical(), "{file}");
        }
        let extent = program.extent();
        assert_eq!(extent.sets, expected["combinations"], "{file}");
        assert_eq!(json!(program.unused().collect::<Vec<_>>()), expected["unused_indicators"], "{file}");
        assert_eq!(json!(program.first_decision()), expected["first_decision_row"], "{file}");
        if expected["first_combination"].is_object() {
            let (first, last) = extent.ends.unwrap();
            assert!(same(&set(&program, &first), &expected["first_combination"]), "{file}: {first:?}");
            assert!(same(&set(&program, &last), &expected["last_combination"]), "{file}: {last:?}");
        }
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn what_is_refused_is_refused_with_its_code_at_its_line() {
    let expected = real_json("dsl/expected.json");
    let refused = expected["reject"].as_object().unwrap();
    assert_eq!(refused.len(), 20);
    for (file, expected) in refused {
        let error = Program::read(&text(&format!("reject/{file}")), &Catalog::default())
            .map(|program| panic!("{file}: accepted as {program:?}"))
            .unwrap_err();
        println!("{file}: {error}");
        assert_eq!(
            json!({"code": error.code.word(), "line": error.line}),
            json!({"code": expected["code"], "line": expected["line"]}),
            "{file}: {error}"
        );
    }
}
