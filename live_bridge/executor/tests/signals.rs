//! Many signals in simulated time, every fifth request going wrong: nothing crashes, no limit is passed, every decision is
//! in the journal, and what could be traded is.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an integration test, which says what it measured")]

mod net;

use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::Clock as _;
use q50_executor::executor::{Executor, ExecutorError, Report, Settings};
use q50_executor::guards::{BreakerLimits, Limits, RateLimits};
use q50_executor::journal::{OrderState, Settlement};
use q50_executor::order::{Order, Size};
use q50_executor::rpc::Client;
use q50_executor::settlement::Unsettled;
use q50_localnet::{Command, FaultScript};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::Duration;

const SOL: u64 = 1_000_000_000;

/// Each strikes its share of all requests that it can strike; together every fifth.
const FAULTS: &str = "
[[fault]]
kind = 'rate-limited'
retry_after_s = 2
share = 0.03
[[fault]]
kind = 'server-error'
share = 0.04
[[fault]]
kind = 'reset'
share = 0.03
[[fault]]
kind = 'reset'
executes = false
share = 0.03
[[fault]]
kind = 'timeout'
ms = 1
share = 0.02
[[fault]]
kind = 'timeout'
ms = 1
executes = false
share = 0.02
[[fault]]
kind = 'stale'
slots = 4
share = 0.04
[[fault]]
kind = 'fork'
slots = 3
share = 0.002
[[fault]]
kind = 'dropped'
share = 0.06
[[fault]]
kind = 'expired'
share = 0.04
[[fault]]
kind = 'fails'
share = 0.03
[[fault]]
kind = 'price-moves'
bps = 40
share = 0.03
[[fault]]
kind = 'price-moves'
bps = -40
share = 0.03
[[fault]]
kind = 'unconfirmed'
share = 0.002
";

/// Signals: some, or as many as `Q50_SIGNALS` says.
fn signals() -> u64 {
    std::env::var("Q50_SIGNALS").map_or(200, |text| text.parse().unwrap())
}

const FLOOR: u64 = 900 * SOL;
const RATES: RateLimits = RateLimits { per_minute: 6, per_hour: 240, per_day: 4_000 };
const BREAKER: BreakerLimits =
    BreakerLimits { failures: 2, recovery: Duration::from_secs(60), probes: 3, successes: 1 };

fn settings() -> Settings {
    let limits = Limits {
        breaker: BREAKER,
        rates: RATES,
        wallet_floor: Lamports(FLOOR),
        // Of about 1,000 SOL.
        exposure: Bps(50),
        ..Limits::default()
    };
    Settings { limits, ..Settings::default() }
}

type Trader = Executor<Client<net::Steps>, net::Steps>;

/// Starts, and starts again where a node hides something: then somebody has to have it told.
async fn started(net: &Net) -> Trader {
    loop {
        let client = net.client().await;
        let genesis = client.genesis().to_owned();
        match net.executor_on(client, &genesis, settings()).await {
            Ok(executor) => return executor,
            Err(ExecutorError::Unsettled { source, .. }) => {
                assert!(matches!(*source, Unsettled::Hidden { .. } | Unsettled::UnderWay { .. }), "{source}");
                net.control(r#"{"do": "reveal"}"#);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// Prepared transactions: when, and what became of them, in order.
fn transactions(net: &Net) -> Vec<(i64, String)> {
    let database = rusqlite::Connection::open(net.journal()).unwrap();
    let mut rows = database.prepare("SELECT time_ms, state FROM transactions ORDER BY rowid").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn under_faults_no_limit_is_passed_every_decision_is_journalled_and_nine_in_ten_are_filled() {
    let net = Net::start("", "");
    let began_with = net.lamports().await;
    let script: FaultScript = toml::from_str(FAULTS).unwrap();
    for fault in script.faults {
        net.net.control(Command::AddFault { fault }).unwrap();
    }
    let mut executor = started(&net).await;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut restarts = 0;
    for number in 0..signals() {
        net.clock.sleep(Duration::from_millis(rng.random_range(0..25_000))).await;
        let pool = rng.random_range(0..net.mints());
        let held = executor.journal().held(&net.mint(pool)).unwrap().unsigned_abs();
        let size = match rng.random_range(0..2) {
            // What is little is sold whole: the dust of a dust is worth no lamport, and no pool takes it.
            0 if held > 0 => Size::Sell(if held < 1_000_000_000 { held } else { rng.random_range(held / 2..=held) }),
            _ => Size::Spend(Lamports(rng.random_range(10_000_000..SOL / 2))),
        };
        let order = Order { mint: net.mint(pool), size, slippage: Bps(100) };
        match executor.execute(&number.to_string(), order).await {
            Ok(Report::Settled { settlement: Settlement::Filled { .. }, .. }) if !matches!(size, Size::Sell(_)) => {
                let left = began_with + executor.journal().lamports().unwrap();
                assert!(left >= FLOOR.cast_signed(), "{number}: {left} lamports are left");
            }
            Ok(_) => {}
            Err(ExecutorError::Unsettled { .. }) => {
                drop(executor);
                net.control(r#"{"do": "reveal"}"#);
                executor = started(&net).await;
                restarts += 1;
            }
            Err(other) => panic!("{number}: {other}"),
        }
    }
    let struck: u64 = net.net.control(Command::Status {}).unwrap().struck.iter().sum();
    net.control(r#"{"do": "clear-faults"}"#);
    net.control(r#"{"do": "reveal"}"#);
    net.clock.sleep(Duration::from_secs(120)).await;
    executor.settle_all().await.unwrap();

    // Every decision, each with its reason.
    let orders = executor.journal().orders().unwrap();
    assert_eq!(orders.len() as u64, signals());
    let count = |state| orders.iter().filter(|(_, found, _)| *found == state).count();
    let unsaid = |(_, state, reason): &&(String, OrderState, Option<String>)| {
        !matches!(state, OrderState::Filled | OrderState::Expired) && reason.is_none()
    };
    assert_eq!(orders.iter().find(unsaid), None);
    // What the guards let through is tradeable, and so is what went wrong before they were asked.
    let (filled, refused) = (count(OrderState::Filled), count(OrderState::Refused));
    let tradeable = orders.len() - refused;
    println!(
        "{} signals, {struck} requests struck, {restarts} restarts: {refused} refused, {filled} of {tradeable} filled ({:.1} %), \
         {} failed, {} expired, {} rejected",
        orders.len(),
        100.0 * filled as f64 / tradeable as f64,
        count(OrderState::Failed),
        count(OrderState::Expired),
        count(OrderState::Rejected),
    );
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in orders.iter().filter_map(|(_, _, reason)| reason.as_deref()) {
        *reasons.entry(reason.trim_start_matches(|c: char| c.is_ascii_digit())).or_default() += 1;
    }
    assert!(filled * 10 > tradeable * 9, "{filled} of {tradeable}: {reasons:#?}");
    assert!(refused > 0, "limits that refuse nothing were not tested");

    // Limits, counted anew from what was signed. Between the guards and the journal a retry may lie: at most 10 seconds.
    let signed = transactions(&net);
    for (window_s, most) in [(60, RATES.per_minute), (3_600, RATES.per_hour), (86_400, RATES.per_day)] {
        for (first, (time, _)) in signed.iter().enumerate() {
            let within = signed[first..].iter().take_while(|(other, _)| other - time < (window_s - 10) * 1_000).count();
            assert!(within <= most, "{within} in {window_s} s from {time}");
        }
    }

    // Journal and chain, to the lamport and to the coin.
    assert_eq!(executor.journal().pending().unwrap(), []);
    assert_eq!(net.lamports().await - began_with, executor.journal().lamports().unwrap());
    for pool in 0..net.mints() {
        assert_eq!(net.coins(pool).await, executor.journal().held(&net.mint(pool)).unwrap());
    }
}
