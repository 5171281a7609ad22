//! Solana's JSON-RPC: several nodes of one chain as one.

/// What nodes answer.
mod answers;
/// Asking again.
mod backoff;
/// One node.
mod endpoint;
/// What goes wrong.
mod error;
/// Which node is asked.
mod failover;
/// What happened to an account.
mod history;
/// A transaction as a node recorded it.
mod recorded;
/// When to look.
mod websocket;

pub use answers::{Account, Blockhash, Commitment, Height, Landed, Simulated, Tokens, Told, Touched};
pub use backoff::retry;
pub use error::{Class, RpcError};
pub use history::{Between, ChainTime, Listed, PAGE};
pub use recorded::Recorded;
pub use websocket::{NoWebSocket, Subscription, Topic, Unheard, WebSocket};

use crate::clock::Clock;
use crate::cluster::{Cluster, WrongChain};
use answers::{Contextual, ToldBlockhash, ToldFee, ToldStatus};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endpoint::Endpoint;
use failover::{Health, ranking};
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::programs::PUMP_AMM;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use solana_signature::Signature;
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Signatures that a node tells of at once.
const MOST_SIGNATURES: usize = 256;

/// A client that does not come about.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A node does not answer.
    #[error("{host}: {source}")]
    Node {
        /// The node.
        host: String,
        /// What went wrong.
        source: RpcError,
    },
    /// A node is of another chain.
    #[error(transparent)]
    Chain(#[from] WrongChain),
    /// There is no PumpSwap.
    #[error("there is no PumpSwap ({PUMP_AMM}) on this chain; it is on mainnet-beta, on devnet and on `q50 localnet`")]
    NoProgram,
    /// No node is named.
    #[error("no node is named")]
    NoNode,
}

/// Several nodes of one chain.
#[derive(Debug)]
pub struct Client<C> {
    endpoints: Vec<Endpoint>,
    health: Mutex<Vec<Health>>,
    genesis: String,
    websocket: Option<WebSocket>,
    clock: C,
}

impl<C: Clock> Client<C> {
    /// Asks the nodes at `urls` (absent: the cluster's usual one) which chain they are of, and whether PumpSwap is there.
    /// A node that does not answer now may do so later; one that is of another chain is an error.
    ///
    /// # Errors
    /// [`ConnectError`] where no node answers, one is of another chain, or there is no PumpSwap.
    pub async fn connect(cluster: &Cluster, urls: Vec<Url>, clock: C) -> Result<Self, ConnectError> {
        let urls = if urls.is_empty() { vec![cluster.usual_node()] } else { urls };
        let (mut endpoints, mut genesis, mut silent) = (Vec::new(), None, None);
        for url in urls {
            let host = endpoint::shown(&url);
            let failed = |source| ConnectError::Node { host: host.clone(), source };
            let endpoint = Endpoint::new(url).map_err(failed)?;
            let params = raw("getGenesisHash", &json!([])).map_err(failed)?;
            let asked = retry(&clock, async || endpoint.call::<String>("getGenesisHash", &params).await);
            match asked.await {
                Ok(hash) => {
                    cluster.check(&host, &hash)?;
                    if genesis.get_or_insert_with(|| hash.clone()) != &hash {
                        return Err(WrongChain::Mixed { host }.into());
                    }
                    endpoints.push(endpoint);
                }
                // Left out: what cannot say which chain it is of is never asked anything else.
                Err(source) => {
                    tracing::warn!("{host} is left out: {source}");
                    silent.get_or_insert(failed(source));
                }
            }
        }
        let Some(genesis) = genesis else { return Err(silent.unwrap_or(ConnectError::NoNode)) };
        let health = Mutex::new(vec![Health::default(); endpoints.len()]);
        let client = Self { endpoints, health, genesis, websocket: None, clock };
        client.find_program().await?;
        Ok(client)
    }

    async fn find_program(&self) -> Result<(), ConnectError> {
        // That it is there is enough: its data may be more than a megabyte.
        let config = json!({"encoding": "base64", "commitment": "confirmed", "dataSlice": {"offset": 0, "length": 0}});
        let params = json!([PUMP_AMM.to_string(), config]);
        let asked = retry(&self.clock, async || {
            self.call::<Contextual<Option<Account>>>("getAccountInfo", params.clone()).await
        });
        let host = self.endpoints.first().map_or_else(|| "?".to_owned(), Endpoint::host);
        match asked.await.map_err(|source| ConnectError::Node { host, source })?.value {
            Some(account) if account.executable => Ok(()),
            _ => Err(ConnectError::NoProgram),
        }
    }

    /// Also listens there for what becomes of a transaction, to look sooner.
    #[must_use]
    pub fn listening_at(self, websocket: WebSocket) -> Self {
        Self { websocket: Some(websocket), ..self }
    }

    /// The hash of the chain's first block.
    #[must_use]
    pub fn genesis(&self) -> &str {
        &self.genesis
    }

    /// The clock that waits are measured by.
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.clock
    }

    fn health(&self) -> MutexGuard<'_, Vec<Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, RpcError> {
        Ok(self.ask(method, params).await?.1)
    }

    /// As [`call`](Self::call), where the answer's slot says how far the node is.
    async fn call_of_slot<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Contextual<T>, RpcError> {
        let (index, answer): (_, Contextual<T>) = self.ask(method, params).await?;
        self.health()[index].is_at(answer.context.slot);
        Ok(answer)
    }

    /// Asks the best node, and the next one where that fails; which one answered, and what.
    async fn ask<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<(usize, T), RpcError> {
        let order = ranking(&self.health(), self.clock.now());
        self.ask_in(order, method, params).await
    }

    /// Asks nodes in an order.
    async fn ask_in<T: DeserializeOwned>(
        &self,
        order: Vec<usize>,
        method: &'static str,
        params: Value,
    ) -> Result<(usize, T), RpcError> {
        let params = raw(method, &params)?;
        let mut last = None;
        for index in order {
            let now = self.clock.now();
            // With others at hand a node that asked for a pause is left alone; the only one is for the caller to wait.
            if last.is_some() && self.health()[index].paused_until() > now {
                continue;
            }
            match self.endpoints[index].call(method, &params).await {
                Ok(answer) => {
                    self.health()[index].answered();
                    return Ok((index, answer));
                }
                Err(error) => {
                    self.health()[index].failed(&error, self.clock.now());
                    if !error.is_of_the_node() {
                        return Err(error);
                    }
                    let host = self.endpoints[index].host();
                    match error.class() {
                        Class::Transient => tracing::debug!("{host}: {method}: {error}"),
                        Class::Fatal | Class::Venue => tracing::warn!("{host}: {method}: {error}"),
                    }
                    // What may pass is what the caller may wait for.
                    if last.as_ref().is_none_or(|last: &RpcError| last.class() != Class::Transient) {
                        last = Some(error);
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| RpcError::Connection("no node".to_owned())))
    }

    /// Accounts as they are in one slot, and which one.
    ///
    /// # Errors
    /// [`RpcError`]; also where the node has not reached `at_least`.
    pub async fn accounts(
        &self,
        addresses: &[Address],
        commitment: Commitment,
        at_least: u64,
    ) -> Result<(u64, Vec<Option<Account>>), RpcError> {
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let config = json!({"encoding": "base64", "commitment": commitment.name(), "minContextSlot": at_least});
        const METHOD: &str = "getMultipleAccounts";
        let params = json!([names, config]);
        // What is finalized is older at every node.
        let told: Contextual<Vec<Option<Account>>> = match commitment {
            Commitment::Finalized => self.call(METHOD, params).await?,
            Commitment::Processed | Commitment::Confirmed => self.call_of_slot(METHOD, params).await?,
        };
        if told.value.len() != addresses.len() {
            let problem = format!("{} accounts, {} were asked for", told.value.len(), addresses.len());
            return Err(RpcError::Malformed { method: METHOD, problem });
        }
        Ok((told.context.slot, told.value))
    }

    /// The newest blockhash that two thirds of the stake have voted for, and how long it is good.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn blockhash(&self) -> Result<Blockhash, RpcError> {
        const METHOD: &str = "getLatestBlockhash";
        let told: Contextual<ToldBlockhash> = self.call_of_slot(METHOD, json!([{"commitment": "confirmed"}])).await?;
        let malformed = |_| RpcError::Malformed { method: METHOD, problem: "no hash".to_owned() };
        let hash = told.value.blockhash.parse().map_err(malformed)?;
        Ok(Blockhash { hash, last_height: told.value.last_valid_block_height })
    }

    /// What a transaction would do, signatures unchecked.
    ///
    /// # Errors
    /// [`RpcError`]; that the transaction would fail is none.
    pub async fn simulate(&self, transaction: &[u8], at_least: u64) -> Result<Simulated, RpcError> {
        let config = json!({"encoding": "base64", "commitment": "processed", "sigVerify": false,
            "replaceRecentBlockhash": true, "minContextSlot": at_least});
        let params = json!([STANDARD.encode(transaction), config]);
        Ok(self.call_of_slot("simulateTransaction", params).await?.value)
    }

    /// What transactions that write these accounts lately bid at least, slot by slot, in micro-lamports a compute unit.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn recent_bids(&self, written: &[Address]) -> Result<Vec<u64>, RpcError> {
        let names: Vec<String> = written.iter().map(ToString::to_string).collect();
        let told: Vec<ToldFee> = self.call("getRecentPrioritizationFees", json!([names])).await?;
        Ok(told.into_iter().map(|fee| fee.prioritization_fee).collect())
    }

    /// Lamports that an account of `length` bytes must hold.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn rent(&self, length: usize) -> Result<u64, RpcError> {
        self.call("getMinimumBalanceForRentExemption", json!([length])).await
    }
}

/// The chain, as far as a transaction is settled by it.
pub trait Node: Sync {
    /// Hands in a signed transaction, for the `attempt`-th time, from 0. The same one may be handed in again and again; it
    /// lands once.
    fn send(&self, transaction: &[u8], attempt: usize) -> impl Future<Output = Result<(), RpcError>> + Send;

    /// What is known of signatures, however old, in their order.
    fn statuses(&self, signatures: &[Signature]) -> impl Future<Output = Result<Vec<Told>, RpcError>> + Send;

    /// What is known of one signature, however old.
    fn status(&self, signature: &Signature) -> impl Future<Output = Result<Told, RpcError>> + Send {
        let asked = self.statuses(std::slice::from_ref(signature));
        async move {
            let none = || RpcError::Malformed { method: "getSignatureStatuses", problem: "no status".to_owned() };
            asked.await?.first().copied().ok_or_else(none)
        }
    }

    /// Waits for somebody to say that a transaction is confirmed, which is a reason to look and none to believe it; for
    /// ever where nobody says so.
    fn heard(&self, _signature: &Signature) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// A transaction that is confirmed at least.
    fn landed(&self, signature: &Signature) -> impl Future<Output = Result<Option<Landed>, RpcError>> + Send;

    /// How far the chain is, for good.
    fn finalized(&self) -> impl Future<Output = Result<Height, RpcError>> + Send;

    /// The oldest slot that the node can tell of.
    fn first_slot(&self) -> impl Future<Output = Result<u64, RpcError>> + Send;

    /// What a token account holds for good, at the given slot or later, and at which; nothing where there is no such
    /// account.
    fn tokens(&self, account: &Address, at_least: u64) -> impl Future<Output = Result<(u64, u64), RpcError>> + Send;
}

impl<C: Clock> Node for Client<C> {
    async fn send(&self, transaction: &[u8], attempt: usize) -> Result<(), RpcError> {
        // Each time to another node: one that swallows transactions says nothing of it.
        let mut order = ranking(&self.health(), self.clock.now());
        let first = attempt % order.len().max(1);
        order.rotate_left(first);
        // It was simulated by us, and is sent again by us.
        let config = json!({"encoding": "base64", "skipPreflight": true, "maxRetries": 0});
        let params = json!([STANDARD.encode(transaction), config]);
        self.ask_in::<String>(order, "sendTransaction", params).await.map(drop)
    }

    async fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Told>, RpcError> {
        const METHOD: &str = "getSignatureStatuses";
        let mut statuses = Vec::with_capacity(signatures.len());
        for part in signatures.chunks(MOST_SIGNATURES) {
            let names: Vec<String> = part.iter().map(ToString::to_string).collect();
            let params = json!([names, {"searchTransactionHistory": true}]);
            let told: Contextual<Vec<Option<ToldStatus>>> = self.call_of_slot(METHOD, params).await?;
            if told.value.len() != part.len() {
                let problem = format!("{} statuses, {} were asked for", told.value.len(), part.len());
                return Err(RpcError::Malformed { method: METHOD, problem });
            }
            let at = told.context.slot;
            statuses.extend(told.value.iter().map(|told| Told { at, status: told.as_ref().map(ToldStatus::read) }));
        }
        Ok(statuses)
    }

    async fn heard(&self, signature: &Signature) {
        let Some(websocket) = &self.websocket else { return std::future::pending().await };
        let heard = async { websocket.subscribe(Topic::Signature(*signature)).await?.heard().await };
        if let Err(problem) = heard.await {
            tracing::debug!("{}: {problem}", websocket.host());
            std::future::pending::<()>().await;
        }
    }

    async fn landed(&self, signature: &Signature) -> Result<Option<Landed>, RpcError> {
        self.recorded(signature).await?.map(Recorded::landed).transpose()
    }

    async fn finalized(&self) -> Result<Height, RpcError> {
        self.call("getEpochInfo", json!([{"commitment": "finalized"}])).await
    }

    async fn first_slot(&self) -> Result<u64, RpcError> {
        self.call("getFirstAvailableBlock", json!([])).await
    }

    async fn tokens(&self, account: &Address, at_least: u64) -> Result<(u64, u64), RpcError> {
        let (slot, accounts) = self.accounts(&[*account], Commitment::Finalized, at_least).await?;
        let account = accounts.first().and_then(Option::as_ref);
        Ok((slot, account.map_or(0, |account| token_amount(&account.data).unwrap_or(0))))
    }
}

/// What a token account holds. Source: the account layout of SPL Token's `Account`.
#[must_use]
pub fn token_amount(data: &[u8]) -> Option<u64> {
    data.get(64..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

fn raw(method: &'static str, params: &Value) -> Result<Box<serde_json::value::RawValue>, RpcError> {
    to_raw_value(params).map_err(|error| RpcError::Malformed { method, problem: error.to_string() })
}
