//! The protocol over the sockets: envelopes, parameters, commitments, history, subscriptions, state.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use q50_localnet::{Localnet, Settings};
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::programs::{PUMP_AMM, TOKEN, WSOL_MINT};
use q50_pumpswap::chain::token::transfer_lamports;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use util::{Net, encoded, stepped};

const SOL: u64 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn http_is_answered_as_a_node_answers_it() {
    let net = Net::quiet().await;
    let empty = || Full::new(Bytes::new());
    let health = net.http(Request::get("/health").header("host", "x").body(empty()).unwrap()).await.unwrap();
    assert_eq!((health.status, health.body.as_str()), (200, "ok"));
    assert_eq!(net.http(Request::get("/").header("host", "x").body(empty()).unwrap()).await.unwrap().status, 405);
    let plain = Request::post("/").header("host", "x").header("content-type", "text/plain").body(empty()).unwrap();
    assert_eq!(net.http(plain).await.unwrap().status, 415);
    let failed = net.post("/", "{").await.unwrap();
    assert_eq!((failed.status, failed.headers["access-control-allow-origin"].as_bytes()), (200, &b"*"[..]));
    assert_eq!(serde_json::from_str::<Value>(&failed.body).unwrap()["error"]["code"], -32700);
    let batch = r#"[{"jsonrpc":"2.0","id":"a","method":"getHealth"},{"jsonrpc":"2.0","id":2,"method":"getWealth"}]"#;
    let batch: Value = serde_json::from_str(&net.post("/", batch).await.unwrap().body).unwrap();
    assert_eq!(batch[0], json!({"jsonrpc": "2.0", "id": "a", "result": "ok"}));
    assert_eq!(batch[1]["error"], json!({"code": -32601, "message": "Method not found"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_or_too_deep_is_refused_and_the_next_request_is_answered() {
    let net = Net::quiet().await;
    assert_eq!(net.post("/", &" ".repeat((50 << 10) + 1)).await.unwrap().status, 413);
    let deep = net.post("/", &"[".repeat(50 << 10)).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&deep.body).unwrap()["error"]["code"], -32700);
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"getSlot"}"#;
    let batch = format!("[{}]", [request; 1_000].join(","));
    let answers: Vec<Value> = serde_json::from_str(&net.post("/", &batch).await.unwrap().body).unwrap();
    assert_eq!((answers.len(), &answers[999]["result"]), (1_000, &answers[0]["result"]));
}

/// Every method of the page, with whatever a client could give it by mistake.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_node_answers_it_or_says_why_not() {
    let page = include_str!("../../../docs/LOCALNET.md").split("## Supported methods").nth(1).unwrap();
    let http = page.split("over WebSocket").next().unwrap();
    let methods: Vec<&str> = http.split('`').skip(1).step_by(2).collect();
    assert!(methods.len() >= 38 && methods.contains(&"minimumLedgerSlot"), "{methods:?}");
    let net = Net::quiet().await;
    let (pool, wallet) = (net.net.ready().pools[0].pool.clone(), net.wallet_address().to_string());
    let values = [
        json!([null, true, 0, 1, -1, 64, 500_000, u64::MAX, 1e308, "", "x", "1".repeat(64), pool, wallet]),
        json!([[], [[]], {}, [pool, wallet], {"commitment": "processed"}, {"minContextSlot": u64::MAX}, {"limit": 1}]),
        json!([{"encoding": "base58"}, {"encoding": "base64", "dataSlice": {"offset": u64::MAX, "length": u64::MAX}}]),
        json!([{"filters": [{"memcmp": {"offset": u64::MAX, "bytes": "1"}}]}, {"programId": TOKEN.to_string()}]),
        json!([{"commitment": "confirmed", "encoding": "jsonParsed"}, {"mint": WSOL_MINT.to_string()}]),
    ];
    let values: Vec<Value> = values.iter().flat_map(|list| list.as_array().unwrap().clone()).collect();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut errors = 0;
    for _ in 0..40 {
        let mut request = |id: usize| {
            let method = methods[rng.random_range(0..methods.len())];
            let params: Vec<Value> =
                (0..rng.random_range(0..4)).map(|_| values[rng.random_range(0..values.len())].clone()).collect();
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        };
        let batch: Vec<Value> = (0..100).map(&mut request).collect();
        let answered = net.post("/", &json!(batch).to_string()).await.unwrap();
        let answers: Vec<Value> = serde_json::from_str(&answered.body).unwrap();
        assert_eq!(answers.len(), batch.len());
        for (request, answer) in batch.iter().zip(&answers) {
            assert_eq!(request["id"], answer["id"]);
            let is_known =
                matches!(answer["error"]["code"].as_i64(), None | Some(-32600 | -32602 | -32603 | -32004 | -32016));
            assert!(is_known && answer.get("result").is_some() != answer.get("error").is_some(), "{request}: {answer}");
            errors += usize::from(answer.get("error").is_some());
        }
    }
    assert!((500..3_800).contains(&errors), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_localnet_that_ends_takes_its_connections_with_it() {
    let net = Net::quiet().await;
    let (port, mut socket) = (net.port(), net.websocket().await);
    let mut kept_alive = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    kept_alive.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    kept_alive.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let since = std::time::Instant::now();
    net.net.stop().unwrap();
    assert!(since.elapsed() < std::time::Duration::from_secs(1));
    let mut rest = Vec::new();
    let closed = kept_alive.read_to_end(&mut rest);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(10), closed).await.expect("closed within ten seconds");
    assert!(socket.is_over().await);
    // And the ports are free again.
    Localnet::start(Settings { port, ..stepped() }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_parameters_are_refused_by_every_method_that_takes_them() {
    let net = Net::quiet().await;
    for (method, params) in [
        ("getBalance", json!([])),
        ("getBalance", json!(["not base58 0OIl"])),
        ("getBalance", json!([5])),
        ("getBalance", json!([WSOL_MINT.to_string(), {"commitment": "certain"}])),
        ("getAccountInfo", json!([WSOL_MINT.to_string(), {"encoding": "base32"}])),
        ("getMultipleAccounts", json!([vec![WSOL_MINT.to_string(); 101]])),
        ("getProgramAccounts", json!([PUMP_AMM.to_string(), {"filters": vec![json!({"dataSize": 1}); 5]}])),
        ("getTokenAccountBalance", json!([PUMP_AMM.to_string()])),
        ("getTokenAccountBalance", json!([Address([3; 32]).to_string()])),
        ("getTokenAccountsByOwner", json!([WSOL_MINT.to_string(), {}])),
        ("getTransaction", json!(["abc"])),
        ("getTransaction", json!([bs58::encode([1; 64]).into_string(), {"commitment": "processed"}])),
        ("getSignatureStatuses", json!([vec![bs58::encode([1; 64]).into_string(); 257]])),
        ("getSignaturesForAddress", json!([WSOL_MINT.to_string(), {"limit": 0}])),
        ("sendTransaction", json!(["!!", {"encoding": "base64"}])),
        ("sendTransaction", json!(["AAAA", {"encoding": "base64"}])),
        ("sendTransaction", json!(["A".repeat(1_700), {"encoding": "base64"}])),
        ("sendTransaction", json!(["AAAA", {"encoding": "jsonParsed"}])),
        ("requestAirdrop", json!([WSOL_MINT.to_string()])),
        ("requestAirdrop", json!([WSOL_MINT.to_string(), -1])),
        ("getHealth", json!([1])),
        ("getBalance", json!([WSOL_MINT.to_string(), {}, 1])),
        ("getBlockTime", json!([1, {}])),
    ] {
        assert_eq!(net.error(method, params.clone()).await["code"], -32602, "{method} {params}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_processed_then_confirmed_then_finalized_and_readable_as_such() {
    let net = Net::quiet().await;
    let to = Address([9; 32]);
    let signature = net.result("requestAirdrop", json!([to.to_string(), SOL])).await;
    let signature = signature.as_str().unwrap();
    let read = async || {
        let status = net.status(signature).await;
        let mut lamports = Vec::new();
        for commitment in ["processed", "confirmed", "finalized"] {
            lamports.push(net.lamports(&to, commitment).await / SOL);
        }
        let told = net.result("getTransaction", json!([signature, {"commitment": "confirmed"}])).await;
        (status["confirmationStatus"].clone(), status["confirmations"].clone(), lamports, told.is_object())
    };
    assert_eq!(read().await, (json!("processed"), json!(0), vec![1, 0, 0], false));
    net.advance(1).await;
    assert_eq!(read().await, (json!("confirmed"), json!(1), vec![1, 1, 0], true));
    net.advance(30).await;
    assert_eq!(read().await, (json!("confirmed"), json!(31), vec![1, 1, 0], true));
    net.advance(1).await;
    assert_eq!(read().await, (json!("finalized"), Value::Null, vec![1, 1, 1], true));
    // Long after, a node knows it only where it searches.
    net.advance(300).await;
    assert_eq!(net.status(signature).await, Value::Null);
    let searched = json!([[signature], {"searchTransactionHistory": true}]);
    assert_eq!(net.result("getSignatureStatuses", searched).await["value"][0]["confirmationStatus"], "finalized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blockhash_lives_for_150_slots() {
    let net = Net::quiet().await;
    let latest = net.result("getLatestBlockhash", json!([{"commitment": "confirmed"}])).await;
    let last = latest["value"]["lastValidBlockHeight"].as_u64().unwrap();
    assert_eq!(last, latest["context"]["slot"].as_u64().unwrap() + 150);
    let transaction = net.transaction(&[transfer_lamports(net.wallet_address(), Address([9; 32]), SOL)]).await;
    let height = json!([{"commitment": "processed"}]);
    net.advance(last - net.result("getBlockHeight", height).await.as_u64().unwrap()).await;
    let hash = &latest["value"]["blockhash"];
    let processed = json!([hash, {"commitment": "processed"}]);
    assert_eq!(net.result("isBlockhashValid", processed.clone()).await["value"], true);
    net.advance(1).await;
    assert_eq!(net.result("isBlockhashValid", processed).await["value"], false);
    // The finalized slot is 32 behind.
    assert_eq!(net.result("isBlockhashValid", json!([hash])).await["value"], true);
    assert_eq!(net.send(&transaction).await["error"]["data"]["err"], "BlockhashNotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blockhash_is_unknown_at_a_commitment_that_has_not_come_to_its_slot() {
    let net = Net::quiet().await;
    let transaction = net.transaction(&[transfer_lamports(net.wallet_address(), Address([9; 32]), SOL)]).await;
    let hash = net.blockhash().await.to_string();
    let known = async |commitment: &str| {
        net.result("isBlockhashValid", json!([hash, {"commitment": commitment}])).await["value"].take()
    };
    assert_eq!([known("processed").await, known("finalized").await], [json!(true), json!(false)]);
    // As on mainnet: preflight is finalized unless told otherwise.
    let send = async |config: Value| net.call("sendTransaction", json!([encoded(&transaction), config])).await;
    let refused = send(json!({"encoding": "base64"})).await;
    assert_eq!(refused["error"]["data"]["err"], "BlockhashNotFound");
    net.advance(31).await;
    assert_eq!(known("finalized").await, true);
    let sent = send(json!({"encoding": "base64"})).await;
    assert_eq!(sent["result"], transaction.signatures[0].to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_told_in_every_encoding() {
    let net = Net::quiet().await;
    let market = net.pool(0).await;
    let vault = market.keys.quote_vault.to_string();
    let info = async |config: Value| net.result("getAccountInfo", json!([vault, config])).await["value"].take();
    let parsed = info(json!({"encoding": "jsonParsed"})).await;
    assert_eq!(parsed["data"]["program"], "spl-token");
    let amount = &parsed["data"]["parsed"]["info"]["tokenAmount"];
    assert_eq!(
        *amount,
        json!({"amount": "84990359078", "decimals": 9, "uiAmount": 84.990_359_078, "uiAmountString": "84.990359078"})
    );
    let balance = net.result("getTokenAccountBalance", json!([vault])).await;
    assert_eq!(balance["value"], *amount);
    let sliced = info(json!({"encoding": "base58", "dataSlice": {"offset": 64, "length": 8}})).await;
    assert_eq!(sliced["data"], json!([bs58::encode(84_990_359_078_u64.to_le_bytes()).into_string(), "base58"]));
    assert_eq!((&sliced["space"], &sliced["owner"]), (&json!(165), &json!(TOKEN.to_string())));
    assert_eq!(info(json!({"encoding": "base64+zstd"})).await["data"][1], "base64+zstd");
    // The pool is too long for base58, and no parser knows it.
    let pool = market.keys.address.to_string();
    assert_eq!(net.error("getAccountInfo", json!([pool])).await["code"], -32600);
    let unparsed = net.result("getAccountInfo", json!([pool, {"encoding": "jsonParsed"}])).await;
    assert_eq!(unparsed["value"]["data"][1], "base64");
    let missing = Address([3; 32]).to_string();
    let several = net.result("getMultipleAccounts", json!([[vault, missing, pool]])).await["value"].take();
    assert_eq!((several[0]["data"][1].as_str(), several[1].is_null()), (Some("base64"), true));
    assert_eq!(several[2]["owner"], PUMP_AMM.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_a_program_are_found_by_length_and_bytes() {
    let net = Net::quiet().await;
    let market = net.pool(1).await;
    let find = async |filters: Value| {
        let config = json!({"encoding": "base64", "filters": filters});
        net.result("getProgramAccounts", json!([PUMP_AMM.to_string(), config])).await
    };
    assert_eq!(find(json!([{"dataSize": 300}])).await.as_array().unwrap().len(), 2);
    let by_mint = json!({"memcmp": {"offset": 43, "bytes": market.keys.base_mint.to_string()}});
    let found = find(json!([by_mint])).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["pubkey"], market.keys.address.to_string());
    let held = json!([market.keys.address.to_string(), {"mint": WSOL_MINT.to_string()}, {"encoding": "base64"}]);
    let held = net.result("getTokenAccountsByOwner", held).await["value"].take();
    assert_eq!(held[0]["pubkey"], market.keys.quote_vault.to_string());
    assert_eq!(held.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signatures_of_an_account_are_told_newest_first_between_their_bounds() {
    let net = Net::quiet().await;
    let (user, other) = (net.wallet_address(), Address([9; 32]));
    let mut sent = Vec::new();
    for lamports in [SOL, 2 * SOL, 3 * SOL, 4 * SOL] {
        let transaction = net.transaction(&[transfer_lamports(user, other, lamports)]).await;
        sent.push(net.send(&transaction).await["result"].clone());
        // Two in a slot.
        if sent.len() % 2 == 0 {
            net.advance(1).await;
        }
    }
    let told = async |mut config: Value| {
        config["commitment"] = json!("confirmed");
        let list = net.result("getSignaturesForAddress", json!([other.to_string(), config])).await;
        list.as_array().unwrap().iter().map(|one| one["signature"].clone()).collect::<Vec<_>>()
    };
    let newest_first: Vec<Value> = sent.iter().rev().cloned().collect();
    assert_eq!(told(json!({})).await, newest_first);
    assert_eq!(told(json!({"limit": 2})).await, newest_first[..2]);
    assert_eq!(told(json!({"before": sent[2]})).await, newest_first[2..]);
    assert_eq!(told(json!({"until": sent[1]})).await, newest_first[..2]);
    assert_eq!(told(json!({"before": sent[3], "until": sent[0]})).await, newest_first[1..3]);
    // And the blocks hold them.
    let slot = net.status(sent[0].as_str().unwrap()).await["slot"].clone();
    let block = net.result("getBlock", json!([slot, {"transactionDetails": "signatures", "commitment": "confirmed"}]));
    assert_eq!(block.await["signatures"], json!(sent[..2]));
    let full = net.result("getBlock", json!([slot, {"encoding": "jsonParsed", "commitment": "confirmed"}])).await;
    let parsed = &full["transactions"][0]["transaction"]["message"]["instructions"][0]["parsed"];
    assert_eq!((&parsed["type"], &parsed["info"]["lamports"]), (&json!("transfer"), &json!(SOL)));
    let future = slot.as_u64().unwrap() + 50;
    assert_eq!(net.error("getBlock", json!([future])).await["code"], -32004);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_airdrops_in_one_slot_are_different_transactions_without_a_cap() {
    let net = Net::quiet().await;
    let to = Address([9; 32]);
    let ask = json!([to.to_string(), 1_000_000 * SOL]);
    let (one, two) = (net.result("requestAirdrop", ask.clone()).await, net.result("requestAirdrop", ask).await);
    assert_ne!(one, two);
    assert_eq!(net.lamports(&to, "processed").await, 2_000_000 * SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_slot_that_is_not_reached_is_an_error_with_the_slot_that_is() {
    let net = Net::quiet().await;
    let slot = net.result("getSlot", json!([])).await.as_u64().unwrap();
    let error = net.error("getBalance", json!([WSOL_MINT.to_string(), {"minContextSlot": slot + 1}])).await;
    assert_eq!((&error["code"], &error["data"]["contextSlot"]), (&json!(-32016), &json!(slot)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_notified_once_at_its_commitment() {
    let net = Net::quiet().await;
    let mut socket = net.websocket().await;
    let transaction = net.transaction(&[transfer_lamports(net.wallet_address(), Address([9; 32]), SOL)]).await;
    let signature = transaction.signatures[0].to_string();
    let id = socket.subscribe("signatureSubscribe", json!([signature, {"commitment": "confirmed"}])).await;
    net.send(&transaction).await;
    assert!(socket.is_silent().await);
    net.advance(1).await;
    let told = socket.next().await;
    assert_eq!(told["method"], "signatureNotification");
    assert_eq!(
        (&told["params"]["subscription"], &told["params"]["result"]["value"]),
        (&json!(id), &json!({"err": null}))
    );
    net.advance(1).await;
    assert!(socket.is_silent().await);
    // It is over, and cannot be ended again.
    socket.send("signatureUnsubscribe", json!([id])).await;
    assert_eq!(socket.next().await["error"], json!({"code": -32602, "message": "Invalid subscription id."}));
    // One that is there already is told at once.
    socket.subscribe("signatureSubscribe", json!([signature, {"commitment": "confirmed"}])).await;
    assert_eq!(socket.next().await["params"]["result"]["value"], json!({"err": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_programs_logs_and_slots_are_notified_as_they_change() {
    let net = Net::quiet().await;
    let to = Address([9; 32]);
    let mut socket = net.websocket().await;
    let processed = json!({"commitment": "processed", "encoding": "base64"});
    let account = socket.subscribe("accountSubscribe", json!([to.to_string(), processed])).await;
    let system = Address::ZERO.to_string();
    let program = socket.subscribe("programSubscribe", json!([system, processed])).await;
    let logs =
        socket.subscribe("logsSubscribe", json!([{"mentions": [to.to_string()]}, {"commitment": "processed"}])).await;
    net.result("requestAirdrop", json!([to.to_string(), SOL])).await;
    let mut told = [socket.next().await, socket.next().await, socket.next().await, socket.next().await];
    told.sort_by_key(|one| one["params"]["subscription"].as_u64());
    let ids = [0, 1, 2, 3].map(|at| told[at]["params"]["subscription"].as_u64().unwrap());
    // The faucet's account is one of the program's, too.
    assert_eq!(ids, [account, program, program, logs]);
    assert_eq!(told[0]["params"]["result"]["value"]["lamports"], SOL);
    assert_eq!(told[3]["params"]["result"]["value"]["err"], Value::Null);
    for (method, id) in [("accountUnsubscribe", account), ("programUnsubscribe", program), ("logsUnsubscribe", logs)] {
        socket.send(method, json!([id])).await;
        assert_eq!(socket.next().await["result"], true);
    }
    socket.subscribe("slotSubscribe", json!([])).await;
    net.advance(3).await;
    let slots = [socket.next().await, socket.next().await, socket.next().await];
    let slots = slots.map(|one| one["params"]["result"].clone());
    let first = slots[0]["slot"].as_u64().unwrap();
    for (slot, expected) in slots.iter().zip(first..) {
        assert_eq!(*slot, json!({"slot": expected, "parent": expected - 1, "root": expected - 32}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_too_long_for_base58_is_notified_and_says_so() {
    let net = Net::quiet().await;
    let pool = net.net.ready().pools[0].pool.clone();
    let mut socket = net.websocket().await;
    socket.subscribe("accountSubscribe", json!([pool, {"commitment": "processed"}])).await;
    net.result("requestAirdrop", json!([pool, 1])).await;
    let told = socket.next().await["params"]["result"]["value"].take();
    assert_eq!((&told["data"], &told["space"]), (&json!("error: data too large for bs58 encoding"), &json!(300)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_subscriptions_on_one_connection_are_each_told_once() {
    let net = Net::quiet().await;
    let mut socket = net.websocket().await;
    let key = |number: u16| Address(std::array::from_fn(|at| (number + 1).to_le_bytes()[at % 2]));
    let processed = json!({"commitment": "processed"});
    for number in 0..1_000 {
        let id = socket.subscribe("accountSubscribe", json!([key(number).to_string(), processed])).await;
        assert_eq!(id, u64::from(number) + 1);
    }
    for number in [999, 0, 500] {
        net.result("requestAirdrop", json!([key(number).to_string(), SOL])).await;
        let told = socket.next().await;
        assert_eq!(told["params"]["subscription"], number + 1);
        assert_eq!(told["params"]["result"]["value"]["lamports"], SOL);
    }
    assert!(socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_bears_a_clients_pings_and_refuses_what_is_no_subscription() {
    let net = Net::quiet().await;
    let mut socket = net.websocket().await;
    socket.send_text(r#"{"jsonrpc":"2.0","method":"ping"}"#).await;
    assert!(socket.is_silent().await);
    socket.send("signatureSubscribe", json!(["abc"])).await;
    assert_eq!(socket.next().await["error"]["code"], -32602);
    socket.send("blockSubscribe", json!(["all"])).await;
    assert_eq!(socket.next().await["error"]["code"], -32601);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_chain_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings { state: Some(folder.path().to_owned()), ..stepped() };
    let net = Net::start(settings()).await;
    let (user, to) = (net.wallet_address(), Address([9; 32]));
    let landed = net.land(&[transfer_lamports(user, to, SOL)]).await;
    let signature = landed["transaction"]["signatures"][0].as_str().unwrap().to_owned();
    let (slot, pools) =
        (net.result("getSlot", json!([{"commitment": "processed"}])).await, net.net.ready().pools.len());
    let pool = net.pool(0).await.state;
    net.net.stop().unwrap();

    let net = Net::start(settings()).await;
    assert_eq!(net.wallet_address(), user);
    assert_eq!((net.lamports(&to, "processed").await, net.net.ready().pools.len()), (SOL, pools));
    assert_eq!(net.pool(0).await.state, pool);
    assert_eq!(net.result("getSlot", json!([{"commitment": "processed"}])).await, slot.as_u64().unwrap() + 1);
    let again = net
        .result("getTransaction", json!([signature, {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}]))
        .await;
    assert_eq!(again, landed);
    let taken = Localnet::start(settings()).unwrap_err().to_string();
    assert!(taken.contains("another localnet keeps its chain there"), "{taken}");
    // And programs run.
    net.control(json!({"do": "move-price", "pool": net.net.ready().pools[0].pool, "bps": 100})).await;
    assert_ne!(net.pool(0).await.state, pool);

    drop(net);
    let file = folder.path().join("chain.bin");
    let saved = std::fs::read(&file).unwrap();
    let mut damaged = saved.clone();
    damaged[saved.len() / 2] ^= 1;
    for (content, problem) in [
        (&b"something else"[..], "it does not begin as one"),
        (&b"q50 localnet 0\0\0 and what that version wrote"[..], "it does not begin as one"),
        (&saved[..40], "it is cut off"),
        (&saved[..saved.len() / 2], "cut off or damaged"),
        (&damaged, "cut off or damaged"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = Localnet::start(settings()).unwrap_err().to_string();
        assert!(error.contains("chain.bin: not a state that this version saved") && error.contains(problem), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
}
