//! An executor on a localnet whose slots pass as the executor waits: nothing here waits for a clock.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "helpers of tests, each using its part")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use q50_engine::units::Bps;
use q50_executor::clock::{Clock, UnixMillis};
use q50_executor::cluster::Cluster;
use q50_executor::executor::{Executor, ExecutorError, Settings};
use q50_executor::guards::{BreakerLimits, Limits, RateLimits};
use q50_executor::journal::Journal;
use q50_executor::plan::Chain;
use q50_executor::rpc::{Account, Client, Commitment, token_amount};
use q50_executor::wallet::Wallet;
use q50_localnet::{Command, FaultScript, Localnet, Pace, Pools};
use q50_pumpswap::chain::programs::{SYSTEM, TOKEN};
use q50_pumpswap::chain::{Address, pda};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SLOT_MS: i64 = 400;
/// A call takes this long by the clock of a test, so that whoever waits for time to pass does not wait for ever.
const CALL_MS: i64 = 5;

/// Time that passes when somebody waits, and the chain's slots with it.
#[derive(Clone)]
pub struct Steps {
    net: Option<Arc<Localnet>>,
    ms: Arc<AtomicI64>,
    slots: Arc<Mutex<i64>>,
}

impl Steps {
    /// With the slots of a chain.
    pub fn of(net: Arc<Localnet>) -> Self {
        Self { net: Some(net), ms: Arc::default(), slots: Arc::default() }
    }

    /// Without a chain.
    pub fn alone() -> Self {
        Self { net: None, ms: Arc::default(), slots: Arc::default() }
    }

    fn pass(&self, ms: i64) {
        let now = self.ms.fetch_add(ms, Ordering::Relaxed) + ms;
        let mut slots = self.slots.lock().unwrap();
        let due = now / SLOT_MS - *slots;
        *slots += due;
        if let Some(net) = self.net.as_ref().filter(|_| due > 0) {
            net.control(Command::Advance { slots: u64::try_from(due).unwrap() }).unwrap();
        }
    }
}

impl Clock for Steps {
    fn now(&self) -> UnixMillis {
        self.pass(CALL_MS);
        UnixMillis(self.ms.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(i64::try_from(duration.as_millis()).unwrap());
    }
}

pub struct Net {
    pub net: Arc<Localnet>,
    pub clock: Steps,
    pub folder: tempfile::TempDir,
}

impl Net {
    pub fn start(pools: &str, faults: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pools = if pools.is_empty() {
            Pools::built_in()
        } else {
            let path = folder.path().join("pools.toml");
            std::fs::write(&path, pools).unwrap();
            Pools::read(&path).unwrap()
        };
        let faults: FaultScript = toml::from_str(faults).unwrap();
        let settings =
            q50_localnet::Settings { port: 0, pace: Pace::Stepped, pools, faults, seed: 1, ..Default::default() };
        let net = Arc::new(Localnet::start(settings).unwrap());
        let clock = Steps::of(net.clone());
        Self { net, clock, folder }
    }

    pub fn mint(&self, pool: usize) -> Address {
        self.net.ready().pools[pool].mint.parse().unwrap()
    }

    pub fn mints(&self) -> usize {
        self.net.ready().pools.len()
    }

    pub fn wallet(&self) -> Wallet {
        Wallet::find(Some(&self.net.ready().keypair)).unwrap()
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.sqlite")
    }

    pub async fn client(&self) -> Client<Steps> {
        let url = self.net.ready().rpc.parse().unwrap();
        Client::connect(&Cluster::Localnet, vec![url], self.clock.clone()).await.unwrap()
    }

    pub async fn executor(&self) -> Result<Executor<Client<Steps>, Steps>, ExecutorError> {
        let client = self.client().await;
        let genesis = client.genesis().to_owned();
        self.executor_on(client, &genesis, settings()).await
    }

    pub async fn executor_on<N: Chain>(
        &self,
        chain: N,
        genesis: &str,
        settings: Settings,
    ) -> Result<Executor<N, Steps>, ExecutorError> {
        let journal = Journal::open_to_trade(&self.journal(), &self.wallet().address(), genesis)?;
        Executor::start(chain, self.clock.clone(), journal, self.wallet(), settings).await
    }

    pub fn control(&self, json: &str) {
        self.net.control(serde_json::from_str(json).unwrap()).unwrap();
    }

    pub fn advance(&self, slots: u64) {
        self.net.control(Command::Advance { slots }).unwrap();
    }

    /// Has an account be this one.
    pub fn put(&self, address: Address, account: &Account) {
        let Account { lamports, owner, data, .. } = account;
        let (address, owner) = (address.to_string(), owner.to_string());
        let command = Command::SetAccount { address, lamports: *lamports, owner, data: STANDARD.encode(data) };
        self.net.control(command).unwrap();
    }

    /// Has an account be gone.
    pub fn remove(&self, address: Address) {
        self.put(address, &Account { lamports: 0, owner: SYSTEM, data: Vec::new(), executable: false });
    }

    pub fn pool(&self, pool: usize) -> Address {
        self.net.ready().pools[pool].pool.parse().unwrap()
    }

    pub fn newest_slot(&self) -> u64 {
        self.net.control(Command::Status {}).unwrap().slot
    }

    /// Lamports of the wallet, for good.
    pub async fn lamports(&self) -> i64 {
        self.advance(40);
        self.lamports_now().await
    }

    /// Lamports of the wallet in the open slot.
    pub async fn lamports_now(&self) -> i64 {
        self.account(self.wallet().address()).await.unwrap().lamports.cast_signed()
    }

    /// Coins of the wallet in the open slot.
    pub async fn coins(&self, pool: usize) -> i64 {
        let account = pda::associated_token(&self.wallet().address(), &self.mint(pool), &TOKEN);
        self.account(account).await.map_or(0, |account| token_amount(&account.data).unwrap().cast_signed())
    }

    /// An account in the open slot.
    pub async fn account(&self, address: Address) -> Option<Account> {
        let (_, mut accounts) = self.client().await.accounts(&[address], Commitment::Processed, 0).await.unwrap();
        accounts.remove(0)
    }
}

/// What guards limit is tested with the guards.
pub fn settings() -> Settings {
    let limits = Limits {
        breaker: BreakerLimits { failures: u32::MAX, ..BreakerLimits::default() },
        rates: RateLimits { per_minute: usize::MAX, per_hour: usize::MAX, per_day: usize::MAX },
        daily_loss: Bps(10_000),
        drawdown: Bps(10_000),
        ..Limits::default()
    };
    Settings { limits, ..Settings::default() }
}
