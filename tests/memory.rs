//! Memory of `q50 verify`: records of minutes have millions of bars.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use util::Workspace;

/// Most memory that was resident while a generated record of so many bars was judged, bytes.
fn peak(w: &Workspace, bars: u32) -> f64 {
    w.json(&format!("data synth --bars {bars} --interval 60 --out {{dir}}/{bars}"), 0);
    let data = w.path(&bars.to_string());
    let mut process = Command::new(env!("CARGO_BIN_EXE_q50"))
        .args(["verify", "-q", "--threads", "2"])
        .args(["--bars".as_ref(), data.join("bars.parquet").as_os_str()])
        .args(["--signals".as_ref(), data.join("signals.parquet").as_os_str()])
        .args(["--out".as_ref(), data.join("out").as_os_str()])
        .env("Q50_DATA_DIR", w.path("ledger"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0.0;
    while process.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
        peak = kib.map_or(peak, |kib: f64| kib * 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(process.wait().unwrap().success());
    peak
}

#[test]
fn a_bar_takes_less_than_520_bytes() {
    let w = Workspace::new();
    let (few, many) = (50_000, 200_000);
    let bytes = (peak(&w, many) - peak(&w, few)) / f64::from(many - few);
    assert!(bytes < 520.0, "{bytes:.0} bytes a bar");
}
