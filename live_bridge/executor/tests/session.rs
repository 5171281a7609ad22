//! A session with a node, recorded and answered again: the client sends what it sent and reads what it read.
//!
//! `Q50_RECORD=1 cargo test --test session` records it anew, through a proxy before a localnet with faults.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use net::Steps;
use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::Clock as _;
use q50_executor::cluster::Cluster;
use q50_executor::executor::{Executor, Report};
use q50_executor::journal::Journal;
use q50_executor::order::{Order, Size};
use q50_executor::rpc::Client;
use q50_executor::wallet::Wallet;
use q50_localnet::{FaultScript, Localnet, Pace, Settings};
use q50_pumpswap::chain::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use solana_keypair::Keypair;
use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "tests/session/trades.json";

/// What goes wrong in it: limited and failing requests, a transaction that is dropped and one that fails on chain.
const FAULTS: &str = "
[[fault]]
kind = 'rate-limited'
retry_after_s = 3
methods = ['getMultipleAccounts']
skip = 1
times = 1
[[fault]]
kind = 'server-error'
methods = ['simulateTransaction', 'getSignatureStatuses']
share = 0.3
times = 3
[[fault]]
kind = 'dropped'
times = 1
[[fault]]
kind = 'fails'
skip = 3
times = 1
";

/// A session: the requests and what was answered, and what the executor made of it.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    mint: String,
    outcomes: Vec<String>,
    exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Exchange {
    method: String,
    params: Value,
    status: u16,
    retry_after: Option<String>,
    answer: Value,
}

/// The other end: a localnet whose answers are noted, or notes that answer.
enum Other {
    Localnet { url: String, http: reqwest::Client, noted: Vec<Exchange> },
    Notes { by_request: BTreeMap<String, VecDeque<Exchange>>, unknown: Vec<String> },
}

type Shared = Arc<tokio::sync::Mutex<Other>>;

fn request(method: &str, params: &Value) -> String {
    format!("{method} {params}")
}

async fn answer(State(other): State<Shared>, headers: HeaderMap, body: String) -> Response {
    assert_eq!(headers["content-type"], "application/json");
    let asked: Value = serde_json::from_str(&body).unwrap();
    let (method, params) = (asked["method"].as_str().unwrap().to_owned(), asked["params"].clone());
    let exchange = match &mut *other.lock().await {
        Other::Localnet { url, http, noted } => {
            let told =
                http.post(url.as_str()).header("content-type", "application/json").body(body).send().await.unwrap();
            let retry_after = told.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            let (status, answer) = (told.status().as_u16(), told.text().await.unwrap());
            let answer = serde_json::from_str(&answer).unwrap_or(Value::Null);
            noted.push(Exchange { method, params, status, retry_after, answer });
            noted.last().unwrap().clone()
        }
        Other::Notes { by_request, unknown } => {
            let name = request(&method, &params);
            match by_request.get_mut(&name) {
                // The last answer stands: how often a status is asked for depends on waits that are drawn by chance.
                Some(notes) if notes.len() > 1 => notes.pop_front().unwrap(),
                Some(notes) => notes[0].clone(),
                None => {
                    unknown.push(name);
                    return StatusCode::NOT_FOUND.into_response();
                }
            }
        }
    };
    let mut told = exchange.answer;
    if told.get("result").is_some() || told.get("error").is_some() {
        told["id"] = asked["id"].clone();
    }
    let mut response = (StatusCode::from_u16(exchange.status).unwrap(), told.to_string()).into_response();
    if let Some(seconds) = exchange.retry_after {
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
    }
    response
}

async fn serve(other: Other) -> (String, Shared) {
    let shared: Shared = Arc::new(tokio::sync::Mutex::new(other));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(shared.clone());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    (url, shared)
}

/// The wallet's file, of a key that is no secret.
fn keypair(folder: &Path) -> PathBuf {
    let path = folder.join("wallet.json");
    std::fs::write(&path, format!("{:?}", Keypair::new_from_array([7; 32]).to_bytes())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A buy, a sale, and a buy that fails; and what became of each.
async fn trade(url: &str, clock: Steps, mint: Address, folder: &Path) -> Vec<String> {
    let client = Client::connect(&Cluster::Localnet, vec![url.parse().unwrap()], clock.clone()).await.unwrap();
    let wallet = Wallet::find(Some(&keypair(folder))).unwrap();
    let path = folder.join("journal.sqlite");
    let journal = Journal::open_to_trade(&path, &wallet.address(), client.genesis()).unwrap();
    let mut executor = Executor::start(client, clock.clone(), journal, wallet, net::settings()).await.unwrap();
    let mut outcomes = Vec::new();
    for (key, size) in
        [("a", Size::Spend(Lamports(1_000_000_000))), ("b", Size::Sell(5_000_000_000)), ("c", Size::Buy(7_000_000_000))]
    {
        let report = executor.execute(key, Order { mint, size, slippage: Bps(100) }).await.unwrap();
        let Report::Settled { signature, settlement, .. } = report else { panic!("{report:?}") };
        outcomes.push(format!("{signature} {settlement:?}"));
        // Each is final before the next, so that what is asked does not depend on waits.
        clock.sleep(Duration::from_secs(20)).await;
        executor.settle_all().await.unwrap();
    }
    assert_eq!(executor.journal().pending().unwrap(), []);
    outcomes.push(format!("{:?}", executor.journal().positions().unwrap()[0].base));
    outcomes.push(format!("{}", executor.journal().lamports().unwrap()));
    outcomes
}

async fn record(folder: &Path) {
    let faults: FaultScript = toml::from_str(FAULTS).unwrap();
    let wallet = Some(keypair(folder));
    let settings = Settings { port: 0, pace: Pace::Stepped, faults, wallet, seed: 1, ..Settings::default() };
    let localnet = Arc::new(Localnet::start(settings).unwrap());
    let (http, url) = (reqwest::Client::builder().no_proxy().build().unwrap(), localnet.ready().rpc.clone());
    let (proxy, shared) = serve(Other::Localnet { url, http, noted: Vec::new() }).await;
    let mint = localnet.ready().pools[0].mint.clone();
    let outcomes = trade(&proxy, Steps::of(localnet), mint.parse().unwrap(), folder).await;
    let Other::Localnet { noted, .. } = &*shared.lock().await else { unreachable!() };
    let session = Session { mint, outcomes, exchanges: noted.clone() };
    std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
    // An exchange a line.
    let text = serde_json::to_string(&session).unwrap().replace("{\"method\":\"get", "\n{\"method\":\"get");
    std::fs::write(FILE, text.replace("{\"method\":\"s", "\n{\"method\":\"s") + "\n").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_session_is_sent_and_read_again_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os("Q50_RECORD").is_some() {
        record(tempfile::tempdir().unwrap().path()).await;
    }
    let session: Session = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let mut by_request: BTreeMap<String, VecDeque<Exchange>> = BTreeMap::new();
    for exchange in &session.exchanges {
        by_request.entry(request(&exchange.method, &exchange.params)).or_default().push_back(exchange.clone());
    }
    let (url, shared) = serve(Other::Notes { by_request, unknown: Vec::new() }).await;
    let outcomes = trade(&url, Steps::alone(), session.mint.parse().unwrap(), folder.path()).await;
    let Other::Notes { unknown, .. } = &*shared.lock().await else { unreachable!() };
    // Every request is one of the recorded, signed transactions to the byte.
    assert_eq!(unknown, &Vec::<String>::new());
    assert_eq!(outcomes, session.outcomes);
}
