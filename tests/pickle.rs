//! Pickles as pandas users have them: read through the command, and refused without a trace.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_datasets::frame::{Frame, Wanted};
use q50_testing::{real, real_json};
use serde_json::Value;
use util::Workspace;

fn cases(wanted: &[&str]) -> Vec<Value> {
    let cases = real_json("pickle/cases.json").as_array().unwrap().clone();
    cases.into_iter().filter(|case| wanted.contains(&case["expect"].as_str().unwrap())).collect()
}

fn ingest(w: &Workspace, case: &Value) -> util::Outcome {
    let file = real(&format!("pickle/{}", case["file"].as_str().unwrap())).display().to_string();
    w.words(&["data", "ingest", "pickle", &file, "--raw", "--out", &w.path("x.parquet").display().to_string()])
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_frame_becomes_the_table_that_pandas_sees_however_it_is_packed() {
    let w = Workspace::new();
    let cases = cases(&["read"]);
    for case in &cases {
        let outcome = ingest(&w, case);
        assert_eq!(outcome.code, 0, "{case}\n{}", outcome.stderr);
        let expected = real(&format!("pickle/{}", case["expected"].as_str().unwrap()));
        let floats: Vec<&str> = case["dtypes"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, t)| ["float64", ">f8"].contains(&t.as_str().unwrap()))
            .map(|(n, _)| n.as_str())
            .collect();
        let wanted = Wanted { numbers: floats.clone(), ..Wanted::default() };
        let (found, expected) =
            (Frame::read(&w.path("x.parquet"), &wanted).unwrap(), Frame::read(&expected, &wanted).unwrap());
        assert_eq!(found.rows() as u64, case["rows"].as_u64().unwrap(), "{case}");
        for name in floats {
            let bits = |frame: &Frame| -> Vec<u64> {
                frame.number(name).unwrap().iter().map(|v| v.to_bits() & !(u64::from(v.is_nan()) * u64::MAX)).collect()
            };
            assert_eq!(bits(&found), bits(&expected), "{case} {name}");
        }
    }
    assert!(cases.len() > 250, "{}", cases.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_pickle_that_would_run_something_is_refused_with_its_byte_and_leaves_nothing() {
    let w = Workspace::new();
    let before = w.listing("");
    for case in cases(&["refuse"]) {
        let outcome = ingest(&w, &case);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{case}\n{}", outcome.stderr);
        let file = case["file"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(outcome.stderr.contains(file), "{case}\n{}", outcome.stderr);
        let packed = !file.ends_with(".pkl");
        assert!(packed || outcome.stderr.contains("byte "), "{case}\n{}", outcome.stderr);
        let after: Vec<String> = w.listing("").into_iter().filter(|name| name != "ledger").collect();
        assert_eq!(after, before, "{case}");
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn signals_in_a_pickle_are_judged_as_those_of_a_table_are() {
    let w = Workspace::new();
    let pickle = real("ingest/pickle/macro_features_MOCK.pkl").display().to_string();
    let said = w.words(&["data", "check", &pickle]);
    assert!(
        said.stdout.contains("macro_features_MOCK.pkl: a pandas pickle, times without a zone, taken as UTC"),
        "{}\n{}",
        said.stdout,
        said.stderr
    );
    let out = w.path("signals.parquet").display().to_string();
    let outcome = w.words(&["data", "ingest", "pickle", &pickle, "--out", &out]);
    assert_eq!((outcome.code, outcome.stdout), (0, format!("8641 rows written to {out}\n")), "{}", outcome.stderr);
    let other = w.words(&["data", "ingest", "pickle", &pickle, "--key", "signals", "--out", &out]);
    assert!(other.code == 2 && other.stderr.contains("no dictionary with `signals`"), "{}", other.stderr);
}
