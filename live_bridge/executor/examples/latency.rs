//! From an order to its send and to its confirmed fill, on a localnet with slots of 400 ms: percentiles of some orders,
//! which begin at random moments of a slot, by asking alone and with a subscription beside it.
//!
//! `cargo run --release -p q50-executor --example latency -- 100`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::SystemClock;
use q50_executor::cluster::{Cluster, Url};
use q50_executor::executor::{Executor, Report, Settings};
use q50_executor::guards::{Limits, RateLimits};
use q50_executor::journal::Journal;
use q50_executor::order::{Order, Size};
use q50_executor::rpc::{Client, WebSocket};
use q50_executor::wallet::Wallet;
use q50_localnet::{Localnet, Settings as NetSettings};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

#[tokio::main]
async fn main() {
    let orders: usize = std::env::args().nth(1).map_or(100, |text| text.parse().unwrap());
    for listens in [false, true] {
        measure(orders, listens).await;
    }
}

async fn measure(orders: usize, listens: bool) {
    let net = Localnet::start(NetSettings { port: 0, ..NetSettings::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url: Url = net.ready().rpc.parse().unwrap();
    let websocket = WebSocket::usual(&url);
    let mut client = Client::connect(&Cluster::Localnet, vec![url], SystemClock).await.unwrap();
    if listens {
        client = client.listening_at(websocket);
    }
    let wallet = Wallet::find(Some(&net.ready().keypair)).unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = Journal::open_to_trade(&path, &wallet.address(), client.genesis()).unwrap();
    let rates = RateLimits { per_minute: usize::MAX, per_hour: usize::MAX, per_day: usize::MAX };
    let settings = Settings { limits: Limits { rates, ..Limits::default() }, ..Settings::default() };
    let mut executor = Executor::start(client, SystemClock, journal, wallet, settings).await.unwrap();
    let mint = net.ready().pools[1].mint.parse().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut sent, mut filled) = (Vec::new(), Vec::new());
    for number in 0..orders {
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..400))).await;
        let order = Order { mint, size: Size::Spend(Lamports(10_000_000)), slippage: Bps(100) };
        let report = executor.execute(&number.to_string(), order).await.unwrap();
        let Report::Settled { to_send, to_settle, .. } = report else { panic!("{report:?}") };
        sent.push(to_send);
        filled.push(to_settle);
    }
    println!("{}", if listens { "with a subscription" } else { "by asking alone" });
    for (what, times) in [("to the send", &mut sent), ("to the fill", &mut filled)] {
        times.sort_unstable();
        let at = |per_cent: usize| times[(times.len() - 1) * per_cent / 100];
        let ms = |time: Duration| time.as_millis();
        let mean = ms(times.iter().sum::<Duration>()) / times.len() as u128;
        let [p50, p95, p99] = [50, 95, 99].map(|per_cent| ms(at(per_cent)));
        println!("  {what}: mean {mean} ms, p50 {p50} ms, p95 {p95} ms, p99 {p99} ms of {orders} orders");
    }
}
