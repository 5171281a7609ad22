//! Trading for a while under faults, in a process of its own whose memory stays flat.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an integration test, which says what it measured")]

use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::SystemClock;
use q50_executor::cluster::Cluster;
use q50_executor::executor::{Executor, Report, Settings};
use q50_executor::guards::{BreakerLimits, Limits, RateLimits};
use q50_executor::journal::{Journal, Settlement};
use q50_executor::order::{Order, Size};
use q50_executor::rpc::Client;
use q50_executor::wallet::Wallet;
use q50_localnet::{FaultScript, Localnet, Pace, Settings as NetSettings};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "trading_for_a_while_takes_no_more_memory";
const FAULTS: &str = "
[[fault]]
kind = 'server-error'
share = 0.03
[[fault]]
kind = 'reset'
share = 0.03
[[fault]]
kind = 'stale'
slots = 4
share = 0.05
[[fault]]
kind = 'dropped'
share = 0.05
[[fault]]
kind = 'fails'
share = 0.03
[[fault]]
kind = 'price-moves'
bps = 30
share = 0.05
";

/// Seconds of trading: some, or as many as `Q50_SOAK_S` says.
fn seconds() -> u64 {
    std::env::var("Q50_SOAK_S").map_or(16, |text| text.parse().unwrap())
}

/// Buys and sells in turn until the time is over.
async fn trade(url: &str) {
    let client = Client::connect(&Cluster::Localnet, vec![url.parse().unwrap()], SystemClock).await.unwrap();
    let var = |name: &str| std::env::var(name).unwrap();
    let wallet = Wallet::find(Some(&PathBuf::from(var("SOAK_WALLET")))).unwrap();
    let path = PathBuf::from(var("SOAK_FOLDER")).join("journal.sqlite");
    let journal = Journal::open_to_trade(&path, &wallet.address(), client.genesis()).unwrap();
    let rates = RateLimits { per_minute: 10_000, per_hour: 100_000, per_day: 100_000 };
    let breaker = BreakerLimits { failures: u32::MAX, ..BreakerLimits::default() };
    let settings = Settings { limits: Limits { rates, breaker, ..Limits::default() }, ..Settings::default() };
    let mut executor = Executor::start(client, SystemClock, journal, wallet, settings).await.unwrap();
    let (began, mint) = (Instant::now(), var("SOAK_MINT").parse().unwrap());
    let (mut orders, mut filled) = (0, 0);
    while began.elapsed() < Duration::from_secs(seconds()) {
        let held = executor.journal().held(&mint).unwrap().unsigned_abs();
        let size = if held > 0 { Size::Sell(held) } else { Size::Spend(Lamports(50_000_000)) };
        let order = Order { mint, size, slippage: Bps(100) };
        let report = executor.execute(&orders.to_string(), order).await.unwrap();
        orders += 1;
        filled += usize::from(matches!(report, Report::Settled { settlement: Settlement::Filled { .. }, .. }));
    }
    println!("{filled} of {orders} orders filled");
    assert!(filled * 10 > orders * 8 && filled > 2);
}

/// Bytes of a process that are in memory. Source: proc_pid_statm(5).
fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    text.split(' ').nth(1)?.parse::<u64>().ok().filter(|pages| *pages > 0).map(|pages| pages * 4096)
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[tokio::test]
async fn trading_for_a_while_takes_no_more_memory() {
    // The other process is this test again.
    if let Ok(url) = std::env::var("SOAK_URL") {
        return trade(&url).await;
    }
    let faults: FaultScript = toml::from_str(FAULTS).unwrap();
    let pace = Pace::Every(Duration::from_millis(50));
    let net = Localnet::start(NetSettings { port: 0, pace, faults, ..NetSettings::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut trader = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("SOAK_URL", &net.ready().rpc)
        .env("SOAK_WALLET", &net.ready().keypair)
        .env("SOAK_MINT", &net.ready().pools[1].mint)
        .env("SOAK_FOLDER", folder.path())
        .stdout(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut samples = Vec::new();
    let status = loop {
        if let Some(status) = trader.try_wait().unwrap() {
            break status;
        }
        samples.extend(resident(trader.id()));
        std::thread::sleep(Duration::from_millis(250));
    };
    assert!(status.success());
    // The first quarter fills caches and pools.
    let quarter = samples.len() / 4;
    let (early, late) = (median(&samples[quarter..2 * quarter]), median(&samples[3 * quarter..]));
    println!("{} s: {} kB in memory in the second quarter, {} kB in the last", seconds(), early >> 10, late >> 10);
    assert!(late < early + early / 10 + (1 << 20), "it grew from {early} to {late} bytes");
}
