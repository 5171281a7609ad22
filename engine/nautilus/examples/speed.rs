//! Bars a second of the engine's own loop and of NautilusTrader on one run, with peak memory.
//!
//! `cargo run --release -p q50-nautilus --example speed [bars]`: each measurement is a process of its own, so that its
//! processor time and its peak memory are its own. Both run the threshold rule at the next open, 5 basis points.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that fails may stop")]

use std::{env, fs, hint::black_box, process::Command};

use q50_engine::{
    market::{Column, Market, Signals},
    record::{Journal, Recorder, Summary},
    replay::replay,
    strategy::{
        StrategyConfig,
        threshold::{Threshold, ThresholdConfig},
    },
    units::Fraction,
    venue::NextOpen,
};
use q50_nautilus::{Run, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BARS: usize = 70_000;
/// Clock ticks of `/proc/self/stat` a second, the same on every Linux since 2.6.
const TICKS: f64 = 100.0;

struct Data {
    time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    signal: Vec<f64>,
}

impl Data {
    /// Hourly bars of a random walk with a signal that asks for an order about every hundred bars.
    fn new(bars: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(50);
        let (mut price, mut signal) = (100.0, 0.5);
        let mut data = Self {
            time: (0..bars as i64).map(|i| 1_600_000_000_000 + i * 3_600_000).collect(),
            open: Vec::new(),
            high: Vec::new(),
            low: Vec::new(),
            close: Vec::new(),
            signal: Vec::new(),
        };
        for _ in 0..bars {
            let open: f64 = price;
            price *= 1.0 + 0.005 * rng.random_range(-1.0..1.0);
            signal = f64::clamp(signal + 0.1 * rng.random_range(-1.0..1.0), 0.0, 1.0);
            data.open.push(open);
            data.high.push(open.max(price) * 1.001);
            data.low.push(open.min(price) * 0.999);
            data.close.push(price);
            data.signal.push(signal);
        }
        data
    }

    fn market(&self) -> Market<'_> {
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals: Signals::default().with(Column::Value, &self.signal),
            interval_ms: 3_600_000,
            first: 0,
        }
    }
}

fn rule() -> ThresholdConfig {
    ThresholdConfig { entry: 0.98, exit: 0.02, size: Fraction::ONE }
}

fn venue() -> NextOpen {
    NextOpen::new(Fraction::from_bps(5.0))
}

/// One replay; its fills.
fn loop_once<R: Recorder + Default>(data: &Data, fills: impl Fn(&R) -> usize) -> usize {
    let mut recorder = R::default();
    let ledger = replay(&data.market(), &mut Threshold::new(rule()), &mut venue(), 10_000.0, &mut recorder);
    black_box(ledger);
    fills(&recorder)
}

fn nautilus_once(data: &Data) -> usize {
    let strategy = StrategyConfig::new(rule());
    run(&Run::at_next_open(data.market(), strategy, venue(), 10_000.0)).unwrap().fills.len()
}

/// User and system time of this process, seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

/// Peak resident memory of this process, MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Runs until two seconds of processor time have gone, and prints a row.
fn measure(name: &str, bars: usize) {
    let data = Data::new(bars);
    let once: fn(&Data) -> usize = match name {
        "loop, Summary" => |data| loop_once(data, |summary: &Summary| summary.fills),
        "loop, Journal" => |data| loop_once(data, |journal: &Journal| journal.fills.len()),
        _ => nautilus_once,
    };
    let fills = once(&data);
    let (start, mut runs) = (cpu(), 0);
    while cpu() - start < 2.0 {
        assert_eq!(once(&data), fills);
        runs += 1;
    }
    let seconds = (cpu() - start) / f64::from(runs);
    let rate = bars as f64 / seconds;
    println!("{name:<16} {bars:>8} {fills:>6} {runs:>6} {:>10.3} {rate:>14.0} {:>9.0}", seconds * 1e3, peak());
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, name, bars] = arguments.as_slice() {
        return measure(name, bars.parse().unwrap());
    }
    let bars = arguments.get(1).map_or(BARS, |bars| bars.parse().unwrap());
    println!(
        "{:<16} {:>8} {:>6} {:>6} {:>10} {:>14} {:>9}",
        "engine", "bars", "fills", "runs", "CPU ms", "bars/s", "peak MB"
    );
    for name in ["loop, Summary", "loop, Journal", "NautilusTrader"] {
        let measured = Command::new(&arguments[0]).args([name, &bars.to_string()]).status().unwrap();
        assert!(measured.success());
    }
}
