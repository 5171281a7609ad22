//! A Solana cluster in one process: LiteSVM with PumpSwap behind JSON-RPC and WebSocket, with faults on demand.
//!
//! Any Solana client works against it unchanged. The programs are the vendor's own, embedded; signatures are verified,
//! blockhashes expire, fees and rent are charged, and a processed transaction is confirmed one slot later and finalized
//! 32 slots later. By default it is quiet: nobody else trades, and nothing goes wrong.

/// The chain: slots, blocks, transactions, accounts.
mod chain;
/// Which request goes wrong, and how.
mod faults;
/// What is on the chain before the first transaction.
mod genesis;
/// The node: the chain and its faults, shared by every connection.
mod node;
/// Somebody else who trades.
mod outsider;
/// Which pools a chain begins with.
mod pools;
/// Solana's JSON-RPC methods.
mod rpc;
/// The two ports.
mod server;
/// The chain in a folder.
mod state;
/// The threads that serve.
mod threads;
/// The funded wallet.
mod wallet;

pub use faults::{Fault, FaultScript, FaultsError};
pub use node::{Command, CommandError, Status};
pub use outsider::ReserveStep;
pub use pools::{FeesSpec, PoolSpec, Pools, PoolsError, Quote, TokenProgram};
pub use state::StateError;
pub use wallet::WalletError;

use chain::{Chain, Origin};
use faults::Faults;
use genesis::Made;
use node::Node;
use outsider::Arbitrageur;
use q50_pumpswap::chain::Address;
use serde::Serialize;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use threads::Threads;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;

/// How slots follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// By the clock; mainnet's are 400 ms.
    Every(Duration),
    /// Only when `/control` says so; a slot counts as 400 ms then.
    Stepped,
}

impl Pace {
    const USUAL: Duration = Duration::from_millis(400);

    fn slot(self) -> Duration {
        match self {
            Self::Every(slot) => slot,
            Self::Stepped => Self::USUAL,
        }
    }
}

/// A pool that follows recorded reserves.
#[derive(Clone, Debug)]
pub struct Path {
    /// Which of the chain's pools, from 0.
    pub pool: usize,
    /// The recorded reserves, in order of time.
    pub steps: Vec<ReserveStep>,
    /// Recorded seconds that pass in one second.
    pub speed: f64,
}

/// What a localnet is.
#[derive(Debug)]
pub struct Settings {
    /// HTTP's port; WebSocket's is the next one. 0 takes two that are free.
    pub port: u16,
    /// How slots follow one another.
    pub pace: Pace,
    /// Everything that is drawn is drawn from this.
    pub seed: u64,
    /// The pools.
    pub pools: Pools,
    /// Where the funded wallet's key is, or is written to; absent, the state's folder or a temporary file.
    pub wallet: Option<PathBuf>,
    /// The folder that the chain is kept in between runs.
    pub state: Option<PathBuf>,
    /// The faults in force from the start.
    pub faults: FaultScript,
    /// Somebody who moves a pool along recorded reserves.
    pub path: Option<Path>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 8899,
            pace: Pace::Every(Pace::USUAL),
            seed: 0,
            pools: Pools::built_in(),
            wallet: None,
            state: None,
            faults: FaultScript::default(),
            path: None,
        }
    }
}

/// What a localnet that is ready says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// The URL of JSON-RPC.
    pub rpc: String,
    /// The URL of the subscriptions.
    pub ws: String,
    /// The funded wallet's file.
    pub keypair: PathBuf,
    /// The pools.
    pub pools: Vec<ReadyPool>,
}

/// A pool of a localnet that is ready.
#[derive(Clone, Debug, Serialize)]
pub struct ReadyPool {
    /// The coin.
    pub mint: String,
    /// The pool.
    pub pool: String,
}

/// A localnet that does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port is taken.
    #[error("127.0.0.1:{port}: {source}; the port and the one above it have to be free, name another one with --port")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The wallet's file.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The state's folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// A recorded path for a pool that there is not.
    #[error("there is no pool {pool} to move along recorded reserves, only {count}; they count from 0")]
    NoPool {
        /// The one asked for.
        pool: usize,
        /// How many there are.
        count: usize,
    },
    /// The temporary folder.
    #[error("no temporary folder for the wallet: {0}; name a file with --keypair-out")]
    Temporary(std::io::Error),
    /// The threads that serve.
    #[error("no threads to serve with: {0}")]
    Threads(std::io::Error),
}

/// A running localnet. It serves on threads of its own; dropping it ends it, and every connection to it, without saving.
#[derive(Debug)]
pub struct Localnet {
    ready: Ready,
    node: Arc<Node>,
    state: Option<PathBuf>,
    _state_lock: Option<std::fs::File>,
    threads: Threads,
    _temporary: Option<tempfile::TempDir>,
}

impl Localnet {
    /// Starts a localnet.
    ///
    /// # Errors
    /// [`StartError`] where a port is taken, or a file cannot be used.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let threads = Threads::start().map_err(StartError::Threads)?;
        let ports = threads.within(|| Ports::listen(settings.port))?;

        let state_lock = settings.state.as_deref().map(state::lock).transpose()?;
        let (chain, keypair, temporary) = open(&settings)?;
        let pools = chain.pools().to_vec();
        let arbitrageur = settings.path.map(|Path { pool, steps, speed }| match pools.get(pool) {
            Some(made) => Ok(Arbitrageur::new(address(&made.pool), steps, speed)),
            None => Err(StartError::NoPool { pool, count: pools.len() }),
        });
        let faults = Faults::new(settings.seed, settings.faults);
        let node = Arc::new(Node::new(chain, faults, arbitrageur.transpose()?, settings.state.clone()));
        let ready = Ready {
            rpc: format!("http://127.0.0.1:{}", ports.number),
            ws: format!("ws://127.0.0.1:{}", ports.number + 1),
            keypair,
            pools: pools
                .iter()
                .map(|Made { mint, pool }| ReadyPool { mint: mint.to_string(), pool: pool.to_string() })
                .collect(),
        };

        threads.spawn(server::http::serve(server::Connections(ports.http), node.clone()));
        threads.spawn(server::websocket::serve(ports.websocket, node.clone()));
        if let Pace::Every(slot) = settings.pace {
            threads.spawn(tick(node.clone(), slot));
        }
        Ok(Self { ready, node, state: settings.state, _state_lock: state_lock, threads, _temporary: temporary })
    }

    /// What it says of itself.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Does what `POST /control` with this command does.
    ///
    /// # Errors
    /// [`CommandError`] where that cannot be done.
    pub fn control(&self, command: Command) -> Result<Status, CommandError> {
        self.node.obey(command)
    }

    /// Ends it; with a state's folder, the chain is saved there, all that was answered included.
    ///
    /// # Errors
    /// [`StateError`] where it cannot be saved.
    pub fn stop(mut self) -> Result<(), StateError> {
        self.threads.end();
        match &self.state {
            Some(folder) => state::save(&self.node.chain(), folder),
            None => Ok(()),
        }
    }
}

/// Opens slots by the clock, for ever.
async fn tick(node: Arc<Node>, slot: Duration) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + slot, slot);
    // A slow machine makes up for it: the chain's time is the clock's.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        node.advance(1);
    }
}

/// The chain, new or as it was saved, and the wallet's file.
fn open(settings: &Settings) -> Result<(Chain, PathBuf, Option<tempfile::TempDir>), StartError> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let slot = settings.pace.slot();
    let first_slots = i64::try_from(slot.as_millis()).unwrap_or(0) * i64::try_from(chain::FIRST_SLOT).unwrap_or(0);
    let fresh = Origin { seed: settings.seed, time_ms: now_ms - first_slots, born_ms: now_ms, slot };
    let saved = settings.state.as_deref().map(state::restore).transpose()?.flatten();
    let origin = saved.as_ref().map_or(&fresh, chain::Saved::origin).clone();

    let mut temporary = None;
    let keypair = match (&settings.wallet, &settings.state) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.join("wallet.json"),
        (None, None) => {
            let folder = tempfile::Builder::new().prefix("q50-localnet-").tempdir().map_err(StartError::Temporary)?;
            let path = folder.path().join("wallet.json");
            temporary = Some(folder);
            path
        }
    };
    let wallet = wallet::read_or_write(&keypair, origin.keypair("wallet"))?;
    let chain = match saved {
        None => genesis::make(fresh, &settings.pools, &wallet),
        Some(saved) => Chain::restore(saved, slot, matches!(settings.pace, Pace::Every(_)).then_some(now_ms)),
    };
    Ok((chain, keypair, temporary))
}

/// Both ports, open.
struct Ports {
    number: u16,
    http: TcpListener,
    websocket: TcpListener,
}

impl Ports {
    /// The one asked for and the next, or two in a row that are free.
    fn listen(port: u16) -> Result<Self, StartError> {
        const ATTEMPTS: usize = 50;
        let bind = |port: u16| {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let mut last = std::io::ErrorKind::AddrInUse.into();
        for _ in 0..ATTEMPTS {
            let failed = |source| StartError::Port { port, source };
            let http = bind(port).map_err(failed)?;
            let number = http.local_addr().map_err(failed)?.port();
            let next = number.checked_add(1).ok_or_else(|| failed(std::io::Error::other("it is the last one")))?;
            match bind(next) {
                Ok(websocket) => return Ok(Self { number, http, websocket }),
                Err(source) if port == 0 => last = source,
                Err(source) => return Err(StartError::Port { port: next, source }),
            }
        }
        Err(StartError::Port { port, source: last })
    }
}

/// An address of the chain in this crate's own type.
fn address(key: &solana_pubkey::Pubkey) -> Address {
    Address(key.to_bytes())
}
