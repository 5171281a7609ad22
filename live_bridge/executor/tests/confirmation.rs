//! What is heard over WebSocket brings a look forward, and is believed in nothing.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use futures_util::{SinkExt, StreamExt};
use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::{Clock, UnixMillis};
use q50_executor::compose;
use q50_executor::executor::Report;
use q50_executor::journal::{Begun, Journal, OrderState, Pending, Prepared, Settlement};
use q50_executor::order::{Order, Size};
use q50_executor::rpc::{Commitment, Height, Landed, Node, RpcError, Told, Touched, WebSocket};
use q50_executor::settlement::Settler;
use q50_pumpswap::amm::Order as AmmOrder;
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::token::transfer_lamports;
use serde_json::json;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

const WALLET: Address = Address([1; 32]);
const COINS: Address = Address([2; 32]);

/// A chain on which one transaction is confirmed at a given time, and is said to be at another.
struct Chain {
    ms: AtomicI64,
    confirmed_at: i64,
    said_at: Option<i64>,
    fails: bool,
    looks: AtomicUsize,
}

impl Chain {
    fn now_ms(&self) -> i64 {
        self.ms.load(Ordering::Relaxed)
    }
}

impl Clock for Chain {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms())
    }

    /// Millisecond by millisecond, so that something else can happen meanwhile.
    async fn sleep(&self, duration: Duration) {
        for _ in 0..duration.as_millis() {
            tokio::task::yield_now().await;
            self.ms.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Node for Chain {
    async fn send(&self, _: &[u8], _: usize) -> Result<(), RpcError> {
        Ok(())
    }

    async fn statuses(&self, _: &[Signature]) -> Result<Vec<Told>, RpcError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        if self.fails && self.now_ms() == 0 {
            return Err(RpcError::RateLimited { retry_after: Some(Duration::from_secs(3)) });
        }
        let commitment = if self.now_ms() >= self.confirmed_at { Commitment::Confirmed } else { Commitment::Processed };
        Ok(vec![Told { at: 7, status: Some((7, commitment)) }])
    }

    async fn heard(&self, _: &Signature) {
        while self.said_at.is_none_or(|said_at| self.now_ms() < said_at) {
            tokio::task::yield_now().await;
        }
    }

    async fn landed(&self, _: &Signature) -> Result<Option<Landed>, RpcError> {
        let payer = Touched { address: WALLET, lamports: [10_000, 5_000], tokens: None };
        let error = Some(TransactionError::AccountInUse);
        Ok(Some(Landed { slot: 7, error, fee: 5_000, accounts: vec![payer], swaps: Vec::new() }))
    }

    async fn finalized(&self) -> Result<Height, RpcError> {
        Ok(Height { slot: 1, block_height: 1 })
    }

    async fn first_slot(&self) -> Result<u64, RpcError> {
        Ok(0)
    }

    async fn tokens(&self, _: &Address, _: u64) -> Result<(u64, u64), RpcError> {
        Ok((1, 0))
    }
}

/// When the transaction was settled, and after how many looks.
async fn settled(confirmed_at: i64, said_at: Option<i64>, fails: bool) -> (i64, usize) {
    let chain = Chain { ms: AtomicI64::new(0), confirmed_at, said_at, fails, looks: AtomicUsize::new(0) };
    let prepared = Prepared {
        signature: Signature::from([3; 64]),
        bytes: Vec::new(),
        pool: Address::ZERO,
        base_account: COINS,
        limits: AmmOrder::Sell { base_in: 1, min_quote_out: 1 },
        quoted_base: 1,
        quoted_quote: 1,
        untracked: 0,
        read_slot: 5,
        last_height: 150,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open_to_trade(&folder.path().join("journal.sqlite"), &WALLET, "model").unwrap();
    let order = Order { mint: Address::ZERO, size: Size::Sell(1), slippage: Bps(0) };
    let Begun::New(order) = journal.begin("a", &order, UnixMillis(0)).unwrap() else { panic!() };
    let pending = Pending { order, mint: Address::ZERO, prepared, state: OrderState::Open, slot: None };
    let settler = Settler { node: &chain, clock: &chain, wallet: WALLET, patience: Duration::from_secs(60) };
    let settlement = settler.settle(&pending, &[], || true).await.unwrap();
    assert!(matches!(settlement, Settlement::Failed { .. }), "{settlement:?}");
    (chain.now_ms(), chain.looks.load(Ordering::Relaxed))
}

#[tokio::test]
async fn what_is_heard_of_is_looked_at_at_once_and_a_lie_costs_one_look() {
    for (confirmed_at, by_asking) in [(1, 200), (199, 200), (201, 400), (250, 400), (777, 800)] {
        assert_eq!(settled(confirmed_at, None, false).await.0, by_asking);
        assert_eq!(settled(confirmed_at, Some(confirmed_at), false).await.0, confirmed_at);
        // Said too early or too late.
        for said_at in [0, confirmed_at / 2, confirmed_at + 30, 5_000] {
            let (at, looks) = settled(confirmed_at, Some(said_at), false).await;
            assert!((confirmed_at..confirmed_at + 200).contains(&at), "said at {said_at}, settled at {at}");
            assert!(looks as i64 <= by_asking / 200 + 2, "{looks} looks");
        }
    }
}

#[tokio::test]
async fn a_node_that_wants_to_be_left_alone_is_left_alone_whatever_is_heard() {
    assert_eq!(settled(100, Some(100), true).await, (3_000, 2));
}

/// What somebody at the other end of a WebSocket does.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Ends,
    Silent,
    Refuses,
    TalksNonsense,
    /// Confirms whatever is asked for, at once.
    Lies,
}

/// Somebody who serves subscriptions, and how often he was connected to.
async fn served(manner: Manner) -> (WebSocket, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                if matches!(manner, Manner::Ends) {
                    return;
                }
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                let told = match manner {
                    Manner::Ends | Manner::Silent => vec![],
                    Manner::Refuses => {
                        vec![json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no"}})]
                    }
                    Manner::TalksNonsense => {
                        vec![json!(7), json!({"method": 7}), json!({"method": "slotNotification"})]
                    }
                    Manner::Lies => {
                        let value = json!({"context": {"slot": 1}, "value": {"err": null}});
                        let params = json!({"result": value, "subscription": 1});
                        vec![json!({"jsonrpc": "2.0", "method": "signatureNotification", "params": params})]
                    }
                };
                for message in told {
                    let _ = socket.send(Message::text(message.to_string())).await;
                }
                while socket.next().await.is_some_and(|message| message.is_ok()) {}
            });
        }
    });
    (WebSocket::new(url).unwrap(), connections)
}

#[tokio::test]
async fn whatever_is_said_over_the_websocket_the_chain_decides() {
    for manner in [Manner::Ends, Manner::Silent, Manner::Refuses, Manner::TalksNonsense, Manner::Lies] {
        for (faults, state) in [
            ("kind = 'dropped'\ntimes = 3", OrderState::Filled),
            ("kind = 'dropped'", OrderState::Expired),
            ("kind = 'fails'", OrderState::Failed),
        ] {
            let net = Net::start("", &format!("[[fault]]\n{faults}"));
            let before = net.lamports().await;
            let (websocket, connections) = served(manner).await;
            let client = net.client().await.listening_at(websocket);
            let genesis = client.genesis().to_owned();
            let mut executor = net.executor_on(client, &genesis, net::settings()).await.unwrap();
            let order = Order { mint: net.mint(0), size: Size::Spend(Lamports(1_000_000_000)), slippage: Bps(100) };
            let report = executor.execute("a", order).await.unwrap();
            assert!(matches!(report, Report::Settled { .. }), "{manner:?}: {report:?}");
            assert_eq!(executor.journal().orders().unwrap()[0].1, state, "{manner:?}, {faults}");
            let change = net.lamports().await - before;
            executor.settle_all().await.unwrap();
            assert_eq!(change, executor.journal().lamports().unwrap(), "{manner:?}, {faults}");
            // One that fails at once may be settled before there is a connection.
            assert!(connections.load(Ordering::Relaxed) == 1 || state == OrderState::Failed, "{manner:?}, {faults}");
        }
    }
}

#[tokio::test]
async fn a_node_says_that_a_transaction_is_confirmed_and_not_before() {
    for (faults, speaks) in [("", true), ("[[fault]]\nkind = 'silent-websocket'", false)] {
        let net = Net::start("", faults);
        let client = net.client().await;
        let websocket = WebSocket::usual(&net.net.ready().rpc.parse().unwrap());
        let wallet = net.wallet();
        let transfer = [transfer_lamports(wallet.address(), WALLET, 1_000_000_000)];
        let message = compose::message_of(&transfer, wallet.address(), &client.blockhash().await.unwrap());
        let signed = compose::signed(&message, wallet.sign(&message.serialize())).unwrap();
        let client = client.listening_at(websocket);
        client.send(&signed.bytes, 0).await.unwrap();
        let mut heard = std::pin::pin!(client.heard(&signed.signature));
        let soon = Duration::from_millis(300);
        assert!(tokio::time::timeout(soon, &mut heard).await.is_err(), "it is processed and no more");
        net.advance(1);
        let wait = if speaks { Duration::from_secs(10) } else { soon };
        assert_eq!(tokio::time::timeout(wait, heard).await.is_ok(), speaks);
    }
}
