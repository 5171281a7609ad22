//! What may be named as an input, and how much of it is read.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use util::{Outcome, Workspace, bars_csv};

/// Runs `q50` while `content` goes into the FIFO `pipe` of the workspace.
fn piped(w: &Workspace, line: &str, content: Vec<u8>) -> Outcome {
    assert!(Command::new("mkfifo").arg(w.path("pipe")).status().unwrap().success());
    let pipe = w.path("pipe");
    // Fails where nobody reads to the end, which the outcome tells.
    let writer = std::thread::spawn(move || std::fs::write(pipe, content).is_ok());
    let outcome = w.q50(line);
    assert!(writer.join().unwrap(), "the pipe was not read to its end: {}", outcome.stderr);
    std::fs::remove_file(w.path("pipe")).unwrap();
    outcome
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    let w = Workspace::new();
    // More than a pipe holds, so that a reader that opens it twice misses a part.
    let rows: Vec<String> = (0..40_000).map(|i| format!("{}", 0.001 + 0.01 * f64::from(i % 7 - 3))).collect();
    let (csv, json) = (format!("r\n{}\n", rows.join("\n")), format!("[{}]", rows.join(",")));
    let of = |name: &str| format!("stats --returns {{dir}}/{name} --periods-per-year 365 --format json");
    for text in [csv, json] {
        w.write("file", &text);
        let (file, pipe) = (w.q50(&of("file")), piped(&w, &of("pipe"), text.into_bytes()));
        assert_eq!((pipe.code, &pipe.stdout), (0, &file.stdout), "{}", pipe.stderr);
        assert!(file.stdout.contains("\"n\": 40000"), "{}", file.stdout);
    }
    // Bars and signals in one pipe, as CSV and as Parquet.
    w.write("bars.csv", bars_csv(2_000));
    w.json("data synth --bars 2000 --out {dir}/m", 0);
    for (name, format) in [("bars.csv", "csv"), ("m/bars.parquet", "parquet")] {
        let content = std::fs::read(w.path(name)).unwrap();
        let file = w.q50(&format!("data check {{dir}}/{name}"));
        let outcome = piped(&w, "data check {dir}/pipe", content);
        let found = (outcome.code, outcome.stdout.contains("2000 rows"));
        assert_eq!(found, (file.code, true), "{format}: {}", outcome.stdout);
    }
    let content = std::fs::read(w.path("bars.csv")).unwrap();
    let outcome = piped(&w, "verify -q --strategy q50 --bars {dir}/pipe --out {dir}/out", content);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn devices_and_endless_inputs_are_refused_at_once() {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(60));
    let started = Instant::now();
    for line in [
        "stats --returns /dev/zero --periods-per-year 365",
        "verify --bars /dev/zero",
        "verify --claim /dev/zero",
        "verify --bars {dir}/bars.csv --strategy /dev/zero",
        "sweep --grid /dev/zero",
        "data check /dev/zero",
        "pool show /dev/zero",
        "audit swaps /dev/zero",
        "trials import /dev/zero --bars {dir}/bars.csv",
    ] {
        w.refused(line, &["/dev/zero", "a device"]);
    }
    w.write("long.toml", vec![b'#'; 2 << 20]);
    w.refused("verify --claim {dir}/long.toml", &["long.toml", "more than 1 MiB"]);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn an_error_shows_the_beginning_of_what_was_found() {
    let w = Workspace::new();
    let cell = "x".repeat(20_000_000);
    w.write("r.csv", format!("timestamp,r\n2024-01-01,0.01\n2024-01-02,{cell}\n"));
    w.write("one.csv", format!("r\n0.01\n{cell}\n"));
    w.write("wide.csv", format!("{cell},r\n1,0.01\n"));
    w.write("claim.toml", format!("schema = \"{}\"\n", &cell[..500_000]));
    for line in [
        "stats --returns {dir}/r.csv --periods-per-year 365",
        "stats --returns {dir}/one.csv --periods-per-year 365",
        "stats --returns {dir}/wide.csv --periods-per-year 365",
        "verify --claim {dir}/claim.toml",
    ] {
        let outcome = w.q50(line);
        assert_eq!(outcome.code, 2, "{line}");
        assert!(outcome.stderr.len() < 3_000, "{line}: {} bytes", outcome.stderr.len());
    }
    w.refused("stats --returns {dir}/r.csv --periods-per-year 365", &["row 2", "xxx...` (20000000 characters)"]);
}

#[test]
fn numbers_that_would_take_a_machine_down_are_refused() {
    let w = Workspace::new();
    for threads in ["0", "1025", "100000"] {
        w.refused(&format!("verify --threads {threads}"), &["--threads", threads, "1..=1024"]);
    }
    let crowd =
        Command::new(env!("CARGO_BIN_EXE_q50")).env("RAYON_NUM_THREADS", "100000").arg("verify").output().unwrap();
    let said = String::from_utf8(crowd.stderr).unwrap();
    assert!(crowd.status.code() == Some(2) && said.contains("RAYON_NUM_THREADS is 100000"), "{said}");
    w.refused("data synth --out {dir}/m --bars 1000000000000", &["--bars", "50000000"]);
    w.refused("stats spa --matrix m.csv --resamples 4000000000", &["--resamples", "1000000"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for arguments in [&["completions", "bash"][..], &["--help"], &["verify", "--help"], &["trials", "list"]] {
        let w = Workspace::new();
        let mut child = Command::new(env!("CARGO_BIN_EXE_q50"))
            .args(arguments)
            .env("Q50_DATA_DIR", w.path("ledger"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
