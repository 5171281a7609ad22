//! Sweeps on a scheduler and workers, each a process: the answer is that of one machine, whatever dies.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod processes;

use std::{process::Stdio, thread, time::Duration};

use processes::{Folder, SWEEP, found, json, told};

const SMALL: &str =
    "[grid]\nentry = { from = 0.5, to = 1.2, steps = 15 }\nexit = { from = 0.1, to = 0.6, steps = 10 }\n";
/// Some twenty seconds of work, and several chunks.
const LONG: &str =
    "[grid]\nentry = { from = 0.55, to = 0.95, steps = 640 }\nexit = { from = 0.05, to = 0.45, steps = 100 }\n";
const LONG_SETS: u64 = 64_000;
const LONG_BARS: usize = 60_000;

#[test]
fn results_are_those_of_one_machine_to_the_byte() {
    let halving = format!("{SMALL}[halving]\neta = 3\nrungs = 3\n");
    for grid in [SMALL, &halving] {
        let folder = Folder::new(3_000, grid);
        let here = folder.json(&format!("{SWEEP} --out here"), "here.ledger");
        assert!(here["failed"].as_u64().unwrap() > 0, "some sets never trade: {}", here["failures"]);
        let scheduler = folder.scheduler("127.0.0.1:0");
        let _workers = [folder.worker(&scheduler.address), folder.worker(&scheduler.address)];
        let there = folder.json(&format!("{SWEEP} --out there --cluster {}", scheduler.address), "there.ledger");
        assert_eq!(there["cpu_s"], serde_json::Value::Null, "what workers took is not known");
        assert_eq!(found(here), found(there));
        assert!(folder.bytes("here/results.parquet") == folder.bytes("there/results.parquet"));
        assert_eq!(folder.candidates("here.ledger"), folder.candidates("there.ledger"));
    }
}

#[test]
fn a_worker_that_is_killed_costs_time_and_nothing_else() {
    let folder = Folder::new(LONG_BARS, LONG);
    let here = folder.json(&format!("{SWEEP} --out here"), "here.ledger");
    let scheduler = folder.scheduler("127.0.0.1:0");
    let _steady = folder.worker(&scheduler.address);
    let mut other = folder.worker(&scheduler.address);
    let line = format!("{SWEEP} --format json --out there --cluster {}", scheduler.address);
    let sweep = folder.command(&line, "there.ledger").stdout(Stdio::piped()).spawn().unwrap();
    for _ in 0..3 {
        thread::sleep(Duration::from_secs(3));
        drop(other);
        other = folder.worker(&scheduler.address);
    }
    let there = json(&sweep.wait_with_output().unwrap());
    assert_eq!(found(here), found(there));
    assert!(folder.bytes("here/results.parquet") == folder.bytes("there/results.parquet"));
    assert_eq!(folder.candidates("there.ledger"), LONG_SETS);
}

#[test]
fn a_scheduler_or_a_client_that_is_killed_loses_nothing_and_counts_nothing_twice() {
    let folder = Folder::new(LONG_BARS, LONG);
    let here = folder.json(&format!("{SWEEP} --out here"), "here.ledger");
    let mut scheduler = folder.scheduler("127.0.0.1:0");
    let address = scheduler.address.clone();
    let _workers = [folder.worker(&address), folder.worker(&address)];
    let line = format!("{SWEEP} --format json --out there --cluster {address}");
    let mut client = folder.command(&line, "there.ledger").stdout(Stdio::piped()).spawn().unwrap();
    // The scheduler dies under a client that waits for a chunk.
    let first = folder.wait_for_more_than(0, "there.ledger");
    drop(scheduler);
    thread::sleep(Duration::from_secs(2));
    assert!(client.try_wait().unwrap().is_none(), "the client waits");
    scheduler = folder.scheduler(&address);
    // The client dies in the next chunk.
    let second = folder.wait_for_more_than(first, "there.ledger");
    client.kill().unwrap();
    client.wait().unwrap();
    assert!(second < LONG_SETS, "{second} of {LONG_SETS}: in the middle");
    let resumed = folder.json(&format!("{SWEEP} --out there --resume --cluster {address}"), "there.ledger");
    assert_eq!(found(here), found(resumed));
    assert!(folder.bytes("here/results.parquet") == folder.bytes("there/results.parquet"));
    assert_eq!(folder.candidates("there.ledger"), LONG_SETS);
    drop(scheduler);
}

#[test]
fn a_search_that_began_on_a_cluster_goes_on_without_it() {
    let folder = Folder::new(LONG_BARS, LONG);
    let scheduler = folder.scheduler("127.0.0.1:0");
    let _worker = folder.worker(&scheduler.address);
    let line = format!("{SWEEP} --out there --cluster {}", scheduler.address);
    let mut client = folder.command(&line, "there.ledger").stdout(Stdio::null()).spawn().unwrap();
    let first = folder.wait_for_more_than(0, "there.ledger");
    folder.wait_for_more_than(first, "there.ledger");
    client.kill().unwrap();
    client.wait().unwrap();
    let resumed = folder.json(&format!("{SWEEP} --out there --resume"), "there.ledger");
    assert_eq!(resumed["resumed_sets"], first, "the first chunk was kept, and the second came to nothing");
    let here = folder.json(&format!("{SWEEP} --out here"), "here.ledger");
    assert_eq!(found(here), found(resumed));
}

#[test]
fn a_worker_with_other_data_is_refused_before_anything_counts() {
    let folder = Folder::new(3_000, SMALL);
    let other = Folder::new(2_999, SMALL);
    let scheduler = folder.scheduler("127.0.0.1:0");
    let worker = folder.worker_in(&scheduler.address, &other.path(""));
    let output = folder.run(&format!("{SWEEP} --out there --cluster {}", scheduler.address), "there.ledger");
    assert_eq!(output.status.code(), Some(2));
    let told = told(&output);
    for words in [&*worker.address, "refused", "other data", "worker's folder"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!folder.path("there.ledger/trials.sqlite").exists());
}

#[test]
fn a_client_does_not_wait_for_ever() {
    let folder = Folder::new(600, SMALL);
    let scheduler = folder.scheduler("127.0.0.1:0");
    for address in [&*scheduler.address, "127.0.0.1:9"] {
        let line = format!("{SWEEP} --out there --cluster-patience 4 --cluster {address}");
        let output = folder.run(&line, "there.ledger");
        assert_eq!(output.status.code(), Some(2));
        let told = told(&output);
        assert!(told.contains("no answer for 4 s") && told.contains("q50-cluster worker"), "{told}");
        assert!(!folder.path("there/sweep.sqlite").exists());
    }
}
