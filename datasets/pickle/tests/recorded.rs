//! Pickles that real pandas wrote, and pickles made to do harm.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;
use q50_pickle::{Frame, PickleError, Values, read_frame};
use q50_testing::{real, real_json};
use serde_json::Value;

fn read(bytes: &[u8]) -> Result<Frame, PickleError> {
    read_frame(bytes, Some(bytes.len() as u64), None)
}

/// The recorded files that are not packed, with what is known of each.
fn files() -> Vec<(Value, Vec<u8>)> {
    let cases = real_json("pickle/cases.json").as_array().unwrap().clone();
    let with_bytes = cases.into_iter().map(|case| {
        let bytes = std::fs::read(real(&format!("pickle/{}", case["file"].as_str().unwrap()))).unwrap();
        (case, bytes)
    });
    let packed =
        |case: &Value| case["file"].as_str().is_some_and(|file| !file.ends_with(".pkl") || file.contains("compressed"));
    with_bytes.filter(|(case, _)| !packed(case)).collect()
}

/// A cell as the expected tables have it.
fn cell(values: &Values, row: usize) -> String {
    fn text<T: ToString>(values: &[Option<T>], row: usize) -> String {
        values[row].as_ref().map(ToString::to_string).unwrap_or_default()
    }
    match values {
        Values::Float(values) => values[row].map(|v| v.to_bits().to_string()).unwrap_or_default(),
        Values::Int(values) | Values::Time { ns: values, .. } => text(values, row),
        Values::Uint(values) => text(values, row),
        Values::Bool(values) => text(values, row),
        Values::Text(values) => text(values, row),
    }
}

/// Compares a frame with the table that pandas sees, bit for bit.
fn same(frame: &Frame, expected: &str) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(expected.as_bytes());
    let mut lines = reader.records().map(Result::unwrap);
    let header: Vec<String> = lines.next().iter().flatten().map(str::to_owned).collect();
    let level = |values: &Values, name: &Option<String>| match values {
        Values::Time { .. } => "@time_ns".to_owned(),
        _ => format!("@{}", name.as_deref().unwrap_or("index")),
    };
    let mut columns: Vec<(String, &Values)> =
        frame.levels.iter().map(|l| (level(&l.values, &l.name), &l.values)).collect();
    columns.extend(frame.columns.iter().map(|column| (column.name.clone(), &column.values)));
    let names: Vec<&String> = columns.iter().map(|(name, _)| name).collect();
    if names != header.iter().collect::<Vec<_>>() {
        return Err(format!("columns {names:?} and not {header:?}"));
    }
    let mut rows = 0;
    for (row, line) in lines.enumerate() {
        for ((name, values), expected) in columns.iter().zip(&line) {
            let expected = match values {
                Values::Float(_) if !expected.is_empty() => expected.parse::<f64>().unwrap().to_bits().to_string(),
                _ => expected.to_owned(),
            };
            let found = cell(values, row);
            let nan = |bits: &str| bits.parse().is_ok_and(|bits| f64::from_bits(bits).is_nan());
            let both_nan = matches!(values, Values::Float(_)) && nan(&found) && nan(&expected);
            if found != expected && !both_nan {
                return Err(format!("row {row}, `{name}`: {found} and not {expected}"));
            }
        }
        rows += 1;
    }
    if rows == frame.rows { Ok(()) } else { Err(format!("{} rows and not {rows}", frame.rows)) }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_frame_of_pandas_is_read_value_for_value_and_every_bad_file_refused() {
    let (mut read_right, mut refused, mut wrong) = (0, 0, Vec::new());
    for (case, bytes) in files() {
        let (file, expect) = (case["file"].as_str().unwrap(), case["expect"].as_str().unwrap());
        match (read(&bytes), expect) {
            (Ok(frame), "read" | "either") if case["expected"].is_string() => {
                let expected = real(&format!("pickle/{}", case["expected"].as_str().unwrap()));
                match same(&frame, &std::fs::read_to_string(expected).unwrap()) {
                    Ok(()) => read_right += 1,
                    Err(difference) => wrong.push(format!("{file}: {difference}")),
                }
            }
            (Ok(frame), "either") => println!("{file}: read, {} bytes after its end", frame.trailing),
            (Ok(_), _) => wrong.push(format!("{file}: read")),
            (Err(error), "read") => wrong.push(format!("{file}: {error}")),
            (Err(error), _) => {
                println!("{file}: {error}");
                refused += 1;
            }
        }
    }
    println!("{read_right} read, {refused} refused");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(read_right > 240 && refused > 60, "{read_right} {refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        if let Err(error) = read(&bytes) {
            prop_assert!(error.offset <= bytes.len() as u64);
        }
    }
}

/// A million changed bytes: every recorded file, over and over, with some bytes replaced.
#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_recorded_frame_with_changed_bytes_is_read_or_refused() {
    let files = files();
    let mut state = 50_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut changed = 0;
    while changed < 1_000_000 {
        let (_, bytes) = &files[random() as usize % files.len()];
        let mut bytes = bytes.clone();
        for _ in 0..=random() % 200 {
            let at = random() as usize % bytes.len();
            // Mostly the structure: the bytes of a block are at most values.
            bytes[at] = random() as u8;
            changed += 1;
        }
        if let Err(error) = read(&bytes) {
            assert!(error.offset <= bytes.len() as u64);
        }
    }
}
