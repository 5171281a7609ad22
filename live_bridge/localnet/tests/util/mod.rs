//! A localnet for one test, spoken to through its sockets alone.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "helpers of tests, each using its part")]

use base64::Engine as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use q50_localnet::{FaultScript, Localnet, Pace, Pools, Settings};
use q50_pumpswap::chain::programs::{FEE_CONFIG, GLOBAL_CONFIG, PUMP_AMM, PUMP_FEES};
use q50_pumpswap::chain::{Address, FeeConfigAccount, GlobalConfig, Instruction, Pool, PoolKeys};
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::path::PathBuf;
use tokio::net::TcpStream;

/// A localnet whose slots advance only when told to.
pub struct Net {
    pub net: Localnet,
}

/// An answer of HTTP, whole.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: String,
}

pub fn stepped() -> Settings {
    Settings { port: 0, pace: Pace::Stepped, ..Settings::default() }
}

impl Net {
    pub async fn start(settings: Settings) -> Self {
        Self { net: Localnet::start(settings).unwrap() }
    }

    pub async fn quiet() -> Self {
        Self::start(stepped()).await
    }

    pub async fn with_pools(toml: &str) -> Self {
        Self::start(Settings { pools: pools(toml), ..stepped() }).await
    }

    /// With faults in force from the start.
    pub async fn with_faults(toml: &str) -> Self {
        let faults: FaultScript = ::toml::from_str(toml).unwrap();
        Self::start(Settings { faults, seed: 1, ..stepped() }).await
    }

    pub fn port(&self) -> u16 {
        self.net.ready().rpc.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Sends a request over a connection of its own.
    pub async fn http(&self, request: Request<Full<Bytes>>) -> Result<Answered, hyper::Error> {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driven = tokio::spawn(connection);
        let response: Response<_> = sender.send_request(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await?.to_bytes();
        driven.abort();
        Ok(Answered { status, headers, body: String::from_utf8(body.to_vec()).unwrap() })
    }

    pub async fn post(&self, path: &str, body: &str) -> Result<Answered, hyper::Error> {
        let request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
        self.http(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
    }

    /// The whole answer to a call.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        serde_json::from_str(&self.post("/", &body).await.unwrap().body).unwrap()
    }

    /// The result of a call that must succeed.
    pub async fn result(&self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that must fail.
    pub async fn error(&self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params).await;
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].take()
    }

    /// What `/control` answers to a command that it obeys.
    pub async fn control(&self, command: Value) -> Value {
        let answered = self.post("/control", &command.to_string()).await.unwrap();
        assert_eq!(answered.status, 200, "{command}: {}", answered.body);
        serde_json::from_str(&answered.body).unwrap()
    }

    pub async fn advance(&self, slots: u64) {
        self.control(json!({"do": "advance", "slots": slots})).await;
    }

    pub fn wallet(&self) -> Keypair {
        let bytes: Vec<u8> =
            serde_json::from_str(&std::fs::read_to_string(&self.net.ready().keypair).unwrap()).unwrap();
        Keypair::try_from(bytes.as_slice()).unwrap()
    }

    pub fn wallet_address(&self) -> Address {
        Address(self.wallet().pubkey().to_bytes())
    }

    pub async fn blockhash(&self) -> Hash {
        let result = self.result("getLatestBlockhash", json!([{"commitment": "processed"}])).await;
        result["value"]["blockhash"].as_str().unwrap().parse().unwrap()
    }

    /// A transaction of the wallet, signed.
    pub async fn transaction(&self, instructions: &[Instruction]) -> VersionedTransaction {
        signed(&self.wallet(), instructions, self.blockhash().await)
    }

    pub async fn send(&self, transaction: &VersionedTransaction) -> Value {
        self.call("sendTransaction", json!([encoded(transaction), send_config()])).await
    }

    pub async fn send_blindly(&self, transaction: &VersionedTransaction) -> String {
        let config = json!({"encoding": "base64", "skipPreflight": true});
        self.result("sendTransaction", json!([encoded(transaction), config])).await.as_str().unwrap().to_owned()
    }

    /// Sends, and opens the next slot; the transaction as it was recorded.
    pub async fn land(&self, instructions: &[Instruction]) -> Value {
        let answer = self.send(&self.transaction(instructions).await).await;
        let signature = answer["result"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        self.advance(1).await;
        let config = json!({"commitment": "confirmed", "maxSupportedTransactionVersion": 0});
        self.result("getTransaction", json!([signature, config])).await
    }

    pub async fn status(&self, signature: &str) -> Value {
        self.result("getSignatureStatuses", json!([[signature]])).await["value"][0].take()
    }

    pub async fn account(&self, address: &Address) -> Option<Vec<u8>> {
        let config = json!({"encoding": "base64", "commitment": "processed"});
        let value = self.result("getAccountInfo", json!([address.to_string(), config])).await["value"].take();
        let data = value["data"][0].as_str()?;
        Some(base64::engine::general_purpose::STANDARD.decode(data).unwrap())
    }

    pub async fn tokens(&self, address: &Address) -> u64 {
        let data = self.account(address).await.unwrap_or_else(|| vec![0; 165]);
        u64::from_le_bytes(data[64..72].try_into().unwrap())
    }

    pub async fn lamports(&self, address: &Address, commitment: &str) -> u64 {
        let params = json!([address.to_string(), {"commitment": commitment}]);
        self.result("getBalance", params).await["value"].as_u64().unwrap()
    }

    /// A pool as its accounts say it is.
    pub async fn pool(&self, index: usize) -> Market {
        let address: Address = self.net.ready().pools[index].pool.parse().unwrap();
        let data = self.account(&address).await.unwrap();
        let pool = Pool::from_account(&PUMP_AMM, &data).unwrap();
        let global = GlobalConfig::from_account(&PUMP_AMM, &self.account(&GLOBAL_CONFIG).await.unwrap()).unwrap();
        let fees = FeeConfigAccount::from_account(&PUMP_FEES, &self.account(&FEE_CONFIG).await.unwrap()).unwrap();
        let mut programs = Vec::new();
        for mint in [&pool.base_mint, &pool.quote_mint] {
            let info = self.result("getAccountInfo", json!([mint.to_string(), {"encoding": "base64"}])).await;
            programs.push(info["value"]["owner"].as_str().unwrap().parse().unwrap());
        }
        let mint = self.account(&pool.base_mint).await.unwrap();
        let supply = u64::from_le_bytes(mint[36..44].try_into().unwrap());
        let state = pool.state(self.tokens(&pool.base_vault).await, self.tokens(&pool.quote_vault).await, supply);
        let keys = PoolKeys::new(address, &pool, programs[0], programs[1]);
        Market { keys, state, config: global.amm_config(&fees), global, length: data.len() }
    }

    pub async fn websocket(&self) -> Socket {
        let (socket, _) = tokio_tungstenite::connect_async(&self.net.ready().ws).await.unwrap();
        Socket(socket)
    }
}

/// How a transaction of the newest blockhash is sent.
pub fn send_config() -> Value {
    json!({"encoding": "base64", "preflightCommitment": "processed"})
}

/// A pool, and what prices a trade on it.
pub struct Market {
    pub keys: PoolKeys,
    pub state: q50_pumpswap::amm::PoolState,
    pub config: q50_pumpswap::amm::AmmConfig,
    pub global: GlobalConfig,
    pub length: usize,
}

pub fn pools(toml: &str) -> Pools {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("pools.toml");
    std::fs::write(&path, toml).unwrap();
    Pools::read(&path).unwrap()
}

pub fn message(payer: &Keypair, instructions: &[Instruction], blockhash: Hash) -> Message {
    let instructions: Vec<solana_message::Instruction> = instructions
        .iter()
        .map(|instruction| solana_message::Instruction {
            program_id: instruction.program.0.into(),
            accounts: instruction
                .accounts
                .iter()
                .map(|meta| solana_message::AccountMeta {
                    pubkey: meta.address.0.into(),
                    is_signer: meta.access.signs(),
                    is_writable: meta.access.writes(),
                })
                .collect(),
            data: instruction.data.clone(),
        })
        .collect();
    Message::new_with_blockhash(&instructions, Some(&payer.pubkey()), &blockhash)
}

pub fn signed(payer: &Keypair, instructions: &[Instruction], blockhash: Hash) -> VersionedTransaction {
    let message = message(payer, instructions, blockhash);
    let signature = payer.sign_message(&message.serialize());
    VersionedTransaction { signatures: vec![signature], message: VersionedMessage::Legacy(message) }
}

pub fn encoded(transaction: &VersionedTransaction) -> String {
    base64::engine::general_purpose::STANDARD.encode(bincode::serialize(transaction).unwrap())
}

/// A compute-budget instruction: 2 sets the limit of units, 3 the price of one.
pub fn compute_budget(kind: u8, value: u64) -> Instruction {
    let mut data = vec![kind];
    if kind == 2 {
        data.extend((value as u32).to_le_bytes());
    } else {
        data.extend(value.to_le_bytes());
    }
    let program = "ComputeBudget111111111111111111111111111111".parse().unwrap();
    Instruction { program, accounts: Vec::new(), data }
}

/// A WebSocket connection.
pub struct Socket(tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn send(&mut self, method: &str, params: Value) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send_text(&request.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.raw(tokio_tungstenite::tungstenite::Message::text(text.to_owned())).await;
    }

    pub async fn raw(&mut self, message: tokio_tungstenite::tungstenite::Message) {
        futures_util::SinkExt::send(&mut self.0, message).await.unwrap();
    }

    /// The next message, which has to come.
    pub async fn next(&mut self) -> Value {
        let received = tokio::time::timeout(std::time::Duration::from_secs(10), self.received()).await;
        serde_json::from_str(&received.expect("a message within ten seconds")).unwrap()
    }

    async fn received(&mut self) -> String {
        loop {
            let message = futures_util::StreamExt::next(&mut self.0).await.unwrap().unwrap();
            if message.is_text() {
                return message.into_text().unwrap().to_string();
            }
        }
    }

    /// Subscribes; the subscription's number.
    pub async fn subscribe(&mut self, method: &str, params: Value) -> u64 {
        self.send(method, params).await;
        let answer = self.next().await;
        answer["result"].as_u64().unwrap_or_else(|| panic!("{method}: {answer}"))
    }

    /// Whether the other end has ended it.
    pub async fn is_over(&mut self) -> bool {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), futures_util::StreamExt::next(&mut self.0));
        matches!(next.await, Ok(None | Some(Err(_) | Ok(tokio_tungstenite::tungstenite::Message::Close(_)))))
    }

    /// Whether nothing comes for a while.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(300), self.received()).await.is_err()
    }
}
