//! GeckoTerminal's API on this machine: its shapes and limits, the newest first, with faults.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "test helpers")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

/// Opening in epoch seconds; open, high, low, close, volume.
pub type Bar = (i64, f64, f64, f64, f64, f64);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// 429, with a second to wait.
    Busy,
    /// 500.
    Broken,
    /// An answer that ends in the middle, as if that were its end.
    Truncated,
    /// An answer that breaks off.
    Reset,
}

#[derive(Default)]
pub struct World {
    pub pools: Vec<Value>,
    /// By unit and aggregate, such as `minute/1`.
    pub bars: HashMap<String, BTreeMap<i64, Bar>>,
    pub trades: Vec<Value>,
    /// Of every so many requests the last one fails, each time in another way.
    pub fails_every: Option<usize>,
    pub faults: usize,
    pub arrivals: Vec<Instant>,
}

pub struct GeckoApi {
    pub url: String,
    world: Arc<Mutex<World>>,
    _runtime: tokio::runtime::Runtime,
}

impl GeckoApi {
    pub fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let routes = Router::new()
            .route("/networks/{network}/pools/multi/{addresses}", get(pools))
            .route("/networks/{network}/pools/{pool}/ohlcv/{unit}", get(bars))
            .route("/networks/{network}/pools/{pool}/trades", get(trades))
            .with_state(world.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { url, world, _runtime: runtime }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Requests that came sooner after another than `per_minute` allows.
    pub fn violations(&self, per_minute: u32) -> usize {
        let least = Duration::from_secs(60) / per_minute;
        self.world().arrivals.windows(2).filter(|pair| pair[1] - pair[0] < least).count()
    }
}

type Shared = State<Arc<Mutex<World>>>;

/// The answer, or a fault instead of it.
fn answered(world: &mut World, body: &Value) -> Response {
    world.arrivals.push(Instant::now());
    let text = body.to_string();
    let half = text[..text.len() / 2].to_owned();
    if world.fails_every.is_none_or(|every| !world.arrivals.len().is_multiple_of(every)) {
        return text.into_response();
    }
    world.faults += 1;
    match [Fault::Truncated, Fault::Broken, Fault::Reset, Fault::Busy][world.faults % 4] {
        Fault::Busy => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "slow down").into_response(),
        Fault::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "<html>").into_response(),
        Fault::Truncated => half.into_response(),
        Fault::Reset => {
            let parts = [Ok(half), Err(std::io::Error::other("gone"))];
            Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
    }
}

async fn pools(State(world): Shared, Path((network, addresses)): Path<(String, String)>) -> Response {
    let world = &mut *world.lock().unwrap();
    let ids: Vec<String> = addresses.split(',').map(|address| format!("{network}_{address}")).collect();
    assert!(ids.len() <= 30, "the API refuses more");
    let found: Vec<&Value> = world.pools.iter().filter(|pool| ids.iter().any(|id| pool["id"] == id.as_str())).collect();
    let body = json!({ "data": found });
    answered(world, &body)
}

async fn bars(
    State(world): Shared,
    Path((_, _, unit)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let world = &mut *world.lock().unwrap();
    let query = query.unwrap();
    let query: HashMap<&str, &str> = query.split('&').map(|part| part.split_once('=').unwrap()).collect();
    let before: i64 = query["before_timestamp"].parse().unwrap();
    let limit: usize = query["limit"].parse().unwrap();
    assert!(limit <= 1_000 && query["currency"] == "usd" && query["token"] == "base");
    let series = world.bars.get(&format!("{unit}/{}", query["aggregate"])).cloned().unwrap_or_default();
    let list: Vec<&Bar> = series.range(..before).rev().take(limit).map(|(_, bar)| bar).collect();
    let body = json!({ "data": { "id": "x", "type": "ohlcv_request_response", "attributes": { "ohlcv_list": list } } });
    answered(world, &body)
}

async fn trades(State(world): Shared, Path(_): Path<(String, String)>) -> Response {
    let world = &mut *world.lock().unwrap();
    let newest: Vec<&Value> = world.trades.iter().rev().take(300).collect();
    let body = json!({ "data": newest });
    answered(world, &body)
}

/// A pool of solana as the API describes it.
pub fn pool(address: &str) -> Value {
    json!({
        "id": format!("solana_{address}"), "type": "pool",
        "attributes": {
            "address": address, "name": "CAT / SOL", "pool_created_at": "2025-09-09T01:42:11Z", "fdv_usd": "3726.09",
            "base_token_price_usd": "0.0000566673284218277368707532612867396024960039002528290815078515286",
            "base_token_price_native_currency": "NaN", "market_cap_usd": null, "reserve_in_usd": "94447.963914053",
            "price_change_percentage": { "h1": "93.594", "h24": "-4.5" },
            "transactions": { "h1": { "buys": 20, "sells": 0 }, "h24": { "buys": 27, "sells": 3 } },
            "volume_usd": { "h24": "7662.1937296048" },
        },
        "relationships": {
            "dex": { "data": { "id": "pumpswap", "type": "dex" } },
            "base_token": { "data": { "id": "solana_CAT", "type": "token" } },
            "quote_token": { "data": { "id": "solana_SOL", "type": "token" } },
        },
    })
}

/// A trade of the API at a second: 2 SOL of 200 USD for 1,000 tokens, or these back.
pub fn trade(number: usize, second: i64) -> Value {
    let is_buy = number.is_multiple_of(2);
    let (from, to) = if is_buy { (("2", "200"), ("1000", "0.4")) } else { (("1000", "0.4"), ("2", "200")) };
    json!({
        "id": format!("solana_{}_tx{number}_7_{}", 1_000 + number, second + 5), "type": "trade",
        "attributes": {
            "block_number": 1_000 + number, "tx_hash": format!("tx{number}"), "tx_from_address": "me",
            "from_token_amount": from.0, "to_token_amount": to.0,
            "price_from_in_usd": from.1, "price_to_in_usd": to.1,
            "block_timestamp": q50_datasets::time::rfc3339(second * 1_000),
            "kind": if is_buy { "buy" } else { "sell" }, "volume_in_usd": "400",
            "from_token_address": "a", "to_token_address": "b",
        },
    })
}
