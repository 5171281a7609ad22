//! Every fault, with what a client meets.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::token::transfer_lamports;
use serde_json::{Value, json};
use solana_transaction::versioned::VersionedTransaction;
use std::time::{Duration, Instant};
use util::Net;

const SOL: u64 = 1_000_000_000;
const TO: Address = Address([9; 32]);

async fn transfer(net: &Net) -> VersionedTransaction {
    net.transaction(&[transfer_lamports(net.wallet_address(), TO, SOL)]).await
}

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn send(transaction: &VersionedTransaction) -> String {
    request("sendTransaction", &json!([util::encoded(transaction), util::send_config()]))
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limited_and_server_error_are_http_statuses_and_execute_nothing() {
    let net = Net::with_faults(
        "[[fault]]\nkind = \"rate-limited\"\nretry_after_s = 3\nmethods = [\"sendTransaction\"]\ntimes = 1\n\
         [[fault]]\nkind = \"server-error\"\nmethods = [\"getHealth\"]\nskip = 1\ntimes = 1\n",
    )
    .await;
    let transaction = transfer(&net).await;
    let limited = net.post("/", &send(&transaction)).await.unwrap();
    assert_eq!((limited.status, limited.headers["retry-after"].to_str().unwrap()), (429, "3"));
    assert_eq!(net.lamports(&TO, "processed").await, 0);
    let health = request("getHealth", &json!([]));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(net.post("/", &health).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 500, 200]);
    net.send(&transaction).await;
    assert_eq!(net.lamports(&TO, "processed").await, SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_or_a_timeout_leaves_the_sender_without_knowing_that_it_landed() {
    let net = Net::with_faults(
        "[[fault]]\nkind = \"reset\"\nmethods = [\"sendTransaction\"]\ntimes = 1\n\
         [[fault]]\nkind = \"timeout\"\nms = 200\nexecutes = false\nmethods = [\"getHealth\"]\ntimes = 1\n",
    )
    .await;
    let transaction = transfer(&net).await;
    assert!(net.post("/", &send(&transaction)).await.is_err());
    assert_eq!(net.lamports(&TO, "processed").await, SOL);
    assert_eq!(net.send(&transaction).await["error"]["data"]["err"], "AlreadyProcessed");
    let since = Instant::now();
    assert!(net.post("/", &request("getHealth", &json!([]))).await.is_err());
    assert!(since.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_is_answered_and_never_lands_until_it_is_sent_again() {
    let net = Net::with_faults("[[fault]]\nkind = \"dropped\"\ntimes = 1\n").await;
    let transaction = transfer(&net).await;
    let signature = net.send(&transaction).await["result"].as_str().unwrap().to_owned();
    net.advance(5).await;
    assert_eq!((net.status(&signature).await, net.lamports(&TO, "processed").await), (Value::Null, 0));
    net.send(&transaction).await;
    assert_eq!(net.lamports(&TO, "processed").await, SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_blockhash_is_refused_before_sending() {
    let net = Net::with_faults("[[fault]]\nkind = \"expired\"\ntimes = 1\n").await;
    let transaction = transfer(&net).await;
    let error = net.send(&transaction).await["error"].take();
    assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32002), &json!("BlockhashNotFound")));
    assert_eq!(net.lamports(&TO, "processed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_transaction_has_moved_money_and_no_status_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || q50_localnet::Settings { state: Some(folder.path().to_owned()), ..util::stepped() };
    let net = Net::start(settings()).await;
    net.control(json!({"do": "add-fault", "fault": {"kind": "unconfirmed", "times": 2}})).await;
    let first = transfer(&net).await;
    let first = net.send(&first).await["result"].as_str().unwrap().to_owned();
    net.advance(40).await;
    assert_eq!((net.status(&first).await, net.lamports(&TO, "finalized").await), (Value::Null, SOL));
    net.control(json!({"do": "reveal"})).await;
    assert_eq!(net.status(&first).await["confirmationStatus"], "finalized");

    let second = transfer(&net).await;
    let second = net.send(&second).await["result"].as_str().unwrap().to_owned();
    assert_eq!(net.status(&second).await, Value::Null);
    net.net.stop().unwrap();
    let net = Net::start(settings()).await;
    assert_eq!(net.status(&second).await["confirmationStatus"], "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_made_to_fail_lands_with_its_error_and_pays() {
    let net = Net::with_faults("[[fault]]\nkind = \"fails\"\ncode = 6004\ntimes = 1\n").await;
    let user = net.wallet_address();
    let before = net.lamports(&user, "processed").await;
    let transaction = transfer(&net).await;
    let signature = net.send(&transaction).await["result"].as_str().unwrap().to_owned();
    assert_eq!(net.status(&signature).await["err"], json!({"InstructionError": [0, {"Custom": 6004}]}));
    assert_eq!((net.lamports(&user, "processed").await, net.lamports(&TO, "processed").await), (before - 5_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_takes_back_what_was_processed_and_it_can_land_again() {
    let net = Net::quiet().await;
    let user = net.wallet_address();
    let before = net.lamports(&user, "processed").await;
    net.advance(1).await;
    let slot = net.result("getSlot", json!([{"commitment": "processed"}])).await.as_u64().unwrap();
    let transaction = transfer(&net).await;
    let signature = net.send(&transaction).await["result"].as_str().unwrap().to_owned();
    net.advance(2).await;
    assert_eq!(net.status(&signature).await["confirmationStatus"], "confirmed");
    let hash = net.blockhash().await.to_string();

    let status = net.control(json!({"do": "fork", "slots": 3})).await;
    assert_eq!((&status["slot"], &status["forks"], &status["transactions"]), (&json!(slot), &json!(1), &json!(0)));
    assert_eq!(net.status(&signature).await, Value::Null);
    assert_eq!((net.lamports(&user, "processed").await, net.lamports(&TO, "processed").await), (before, 0));
    // Hashes of slots that are gone are no hashes.
    assert_eq!(net.result("isBlockhashValid", json!([hash, {"commitment": "processed"}])).await["value"], false);
    net.send(&transaction).await;
    assert_eq!(net.lamports(&TO, "processed").await, SOL);
    let refused = net.post("/control", r#"{"do":"fork","slots":32}"#).await.unwrap();
    assert_eq!((refused.status, refused.body.as_str()), (400, r#"{"error":"slots: 32 is not from 1 to 30"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_node_reads_what_was() {
    let net =
        Net::with_faults("[[fault]]\nkind = \"stale\"\nslots = 4\nmethods = [\"getBalance\", \"getSlot\"]\n").await;
    let transaction = transfer(&net).await;
    let signature = net.send(&transaction).await["result"].as_str().unwrap().to_owned();
    net.advance(3).await;
    assert_eq!(net.lamports(&TO, "processed").await, 0);
    assert_eq!(net.status(&signature).await["confirmations"], 3);
    net.advance(1).await;
    assert_eq!(net.lamports(&TO, "processed").await, SOL);
    assert_eq!(net.lamports(&TO, "confirmed").await, 0);
    net.control(json!({"do": "clear-faults"})).await;
    assert_eq!(net.lamports(&TO, "confirmed").await, SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_moves_between_quote_and_landing() {
    let net = Net::quiet().await;
    let before = net.pool(0).await;
    let price =
        |state: &q50_pumpswap::amm::PoolState| state.effective_quote().unwrap() as f64 / state.base_vault as f64;
    // Any transaction that names the pool will do.
    net.control(json!({"do": "add-fault", "fault": {"kind": "price-moves", "bps": 300, "times": 1}})).await;
    net.land(&[transfer_lamports(net.wallet_address(), before.keys.address, SOL)]).await;
    let moved = price(&net.pool(0).await.state) / price(&before.state) - 1.0;
    assert!((moved - 0.03).abs() < 0.001, "{moved}");
    let address = before.keys.address.to_string();
    net.control(json!({"do": "move-price", "pool": address, "bps": -500})).await;
    let back = price(&net.pool(0).await.state) / price(&before.state) - 1.0;
    assert!((back - (1.03 * 0.95 - 1.0)).abs() < 0.002, "{back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_dies_without_a_word() {
    let net = Net::quiet().await;
    let mut socket = net.websocket().await;
    socket.subscribe("slotSubscribe", json!([])).await;
    net.control(json!({"do": "silence-websockets"})).await;
    net.advance(3).await;
    assert!(socket.is_silent().await);
    // Others live, until a fault has them answer one subscription and no more.
    let mut other = net.websocket().await;
    net.control(json!({"do": "add-fault", "fault": {"kind": "silent-websocket", "times": 1}})).await;
    other.subscribe("slotSubscribe", json!([])).await;
    net.advance(3).await;
    assert!(other.is_silent().await);
    let mut third = net.websocket().await;
    third.subscribe("slotSubscribe", json!([])).await;
    net.advance(1).await;
    assert_eq!(third.next().await["method"], "slotNotification");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_set_is_there_at_once_until_a_fork_takes_it_back() {
    let net = Net::quiet().await;
    net.advance(1).await;
    let owner = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
    let set = json!({"do": "set-account", "address": TO.to_string(), "lamports": 7, "owner": owner, "data": "AQI="});
    net.control(set.clone()).await;
    let account =
        net.result("getAccountInfo", json!([TO.to_string(), {"encoding": "base64", "commitment": "processed"}])).await;
    assert_eq!(account["value"]["data"], json!(["AQI=", "base64"]));
    assert_eq!((&account["value"]["lamports"], &account["value"]["owner"]), (&json!(7), &json!(owner)));
    assert_eq!(net.lamports(&TO, "confirmed").await, 0);
    net.control(json!({"do": "fork", "slots": 1})).await;
    assert_eq!(net.lamports(&TO, "processed").await, 0);
    for (field, said) in [("address", "the address is not 32 bytes"), ("data", "the data is not base64")] {
        let mut wrong = set.clone();
        wrong[field] = json!("?");
        let refused = net.post("/control", &wrong.to_string()).await.unwrap();
        assert!(refused.status == 400 && refused.body.contains(said), "{}", refused.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_endpoint_refuses_web_pages_and_what_it_does_not_know() {
    let net = Net::quiet().await;
    let unknown = net.post("/control", r#"{"do":"explode"}"#).await.unwrap();
    assert!(unknown.status == 400 && unknown.body.contains("unknown variant `explode`"), "{}", unknown.body);
    let page = hyper::Request::post("/control").header("host", "x").header("origin", "http://evil.example");
    let body = http_body_util::Full::new(hyper::body::Bytes::from(r#"{"do":"status"}"#));
    assert_eq!(net.http(page.body(body).unwrap()).await.unwrap().status, 403);
}
