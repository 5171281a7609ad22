//! The threshold job as a plain loop in Rust: one pass a set, one set after the other on one thread.
//!
//! Like `numba_loop.py` it is a floor, not a product: it knows this rule, this venue and these four statistics, and
//! nothing else. `run.py` builds and runs it: `scalar_loop BARS FOLDER`.

use std::{env, path::Path, time::Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use q50_datasets::{
    Dataset, DatasetOptions, SignalOptions,
    write::{Column, write_parquet},
};
use q50_engine::market;

/// Fraction of the notional, each side.
const FEE: f64 = 0.0005;
const CAPITAL: f64 = 1e9;
const PERIODS_PER_YEAR: f64 = 8766.0;

/// Columns of equal length: prices, and the signal known at the bar's close.
struct Bars<'a> {
    open: &'a [f64],
    close: &'a [f64],
    signal: &'a [f64],
}

struct Figures {
    final_equity: f64,
    sharpe: f64,
    max_drawdown: f64,
    fills: i64,
}

/// One set. Never inlined, so that no work is shared between sets.
#[inline(never)]
fn replay(bars: &Bars<'_>, entry: f64, exit: f64, size: f64) -> Figures {
    let n = bars.close.len();
    // Columns of one stated length, so that no row of them is checked again.
    let (open, close, signal) = (&bars.open[..n], &bars.close[..n], &bars.signal[..n]);
    let (mut cash, mut units, mut fills) = (CAPITAL, 0.0, 0);
    let (mut before, mut peak, mut max_drawdown) = (CAPITAL, CAPITAL, 0.0);
    let (mut sum, mut squares) = (0.0, 0.0);
    for t in 1..n {
        let (known, price) = (signal[t - 1], open[t]);
        if units == 0.0 && known > entry {
            units = (size * cash / (price * (1.0 + FEE))).floor();
            if units > 0.0 {
                cash -= units * price * (1.0 + FEE);
                fills += 1;
            }
        } else if units > 0.0 && known < exit {
            cash += units * price * (1.0 - FEE);
            units = 0.0;
            fills += 1;
        }
        let equity = cash + units * close[t];
        let change = equity / before - 1.0;
        sum += change;
        squares += change * change;
        // `f64::max` would take more instructions, for the sake of NaN.
        if equity > peak {
            peak = equity;
        }
        let drawdown = 1.0 - equity / peak;
        if drawdown > max_drawdown {
            max_drawdown = drawdown;
        }
        before = equity;
    }
    let returns = (n - 1) as f64;
    let mean = sum / returns;
    let deviation = ((squares - returns * mean * mean) / (returns - 1.0)).sqrt();
    let sharpe = mean / deviation * PERIODS_PER_YEAR.sqrt();
    Figures { final_equity: before, sharpe, max_drawdown, fills }
}

/// Ten values from `from` to `to`.
fn axis(from: f64, to: f64) -> impl Iterator<Item = f64> + Clone {
    (0..10).map(move |i| from + (to - from) * f64::from(i) / 9.0)
}

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let (path, out) = arguments.next().zip(arguments.next()).context("usage: scalar_loop BARS FOLDER")?;
    let signals = SignalOptions { value: Some("signal".to_owned()), ..SignalOptions::default() };
    let data = Dataset::read(Path::new(&path), None, &DatasetOptions { signals, ..DatasetOptions::default() })?;
    let market = data.market();
    let signal = market.signals.get(market::Column::Value).context("no column 'signal'")?;
    let bars = Bars { open: market.open, close: market.close, signal };

    let (clock, cpu) = (Instant::now(), cpu_seconds()?);
    let sets = axis(0.55, 0.95).flat_map(|entry| axis(0.05, 0.45).map(move |exit| (entry, exit)));
    let sets = sets.flat_map(|(entry, exit)| axis(0.1, 1.0).map(move |size| (entry, exit, size)));
    let figures: Vec<Figures> = sets.map(|(entry, exit, size)| replay(&bars, entry, exit, size)).collect();
    let (wall, cpu) = (clock.elapsed().as_secs_f64(), cpu_seconds()? - cpu);

    let column = |value: fn(&Figures) -> f64| figures.iter().map(value).collect::<Vec<f64>>();
    let final_equity = column(|f| f.final_equity);
    let columns: &[(&str, Column<'_>)] = &[
        ("final_equity", Column::F64(&final_equity)),
        ("sharpe", Column::F64(&column(|f| f.sharpe))),
        ("max_drawdown", Column::F64(&column(|f| f.max_drawdown))),
        ("fills", Column::I64(&figures.iter().map(|f| f.fills).collect::<Vec<i64>>())),
    ];
    write_parquet(&Path::new(&out).join("results.parquet"), columns)?;
    let answer = serde_json::json!({
        "sets": figures.len(),
        "sum_final_equity": final_equity.iter().sum::<f64>(),
        "cpu_s": cpu,
        "wall_s": wall,
        // Linux counts kibibytes.
        "peak_rss_mib": getrusage(UsageWho::RUSAGE_SELF)?.max_rss() as f64 / 1024.0,
    });
    serde_json::to_writer(std::io::stdout(), &answer)?;
    Ok(())
}

/// Seconds of processor time of this process, user and system.
fn cpu_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds =
        [usage.user_time(), usage.system_time()].map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6);
    Ok(seconds.iter().sum())
}
