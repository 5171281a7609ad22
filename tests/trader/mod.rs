//! A localnet, and somebody who trades on it by command.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub, reason = "test helpers")]

use crate::util::Workspace;
use q50_executor::clock::SystemClock;
use q50_executor::cluster::Cluster;
use q50_executor::rpc::{Client, Commitment};
use q50_executor::wallet::Wallet;
use q50_localnet::{FaultScript, Localnet, Pace, Settings};
use q50_pumpswap::chain::programs::TOKEN;
use q50_pumpswap::chain::{Address, pda};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What is limited is tested elsewhere.
pub const NO_RATES: &str =
    "rates = { per_minute = 1000, per_hour = 10000, per_day = 10000 }\nbreaker = { failures = 1000 }\n";
pub const SLOT: Duration = Duration::from_millis(20);

/// A localnet, and a trader with its funded key.
pub struct Trader {
    pub net: Localnet,
    pub space: Workspace,
}

impl Trader {
    pub fn start(faults: &str) -> Self {
        let faults: FaultScript = toml::from_str(faults).unwrap();
        let settings = Settings { port: 0, pace: Pace::Every(SLOT), faults, seed: 3, ..Settings::default() };
        Self { net: Localnet::start(settings).unwrap(), space: Workspace::new() }
    }

    pub fn mint(&self) -> String {
        self.net.ready().pools[0].mint.clone()
    }

    /// The options that name chain and key.
    pub fn options(&self) -> String {
        format!("--cluster localnet --rpc {} --keypair {}", self.net.ready().rpc, self.net.ready().keypair.display())
    }

    pub fn line(&self, line: &str) -> String {
        format!("{} {}", line.replace("MINT", &self.mint()), self.options())
    }

    pub fn json(&self, line: &str, code: i32) -> Value {
        self.space.json(&self.line(line), code)
    }

    /// Starts a command in the background.
    pub fn spawn(&self, line: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_q50"))
            .args(line.split_whitespace())
            .current_dir(self.space.path(""))
            .env("Q50_DATA_DIR", self.space.path("ledger"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub fn control(&self, json: &str) {
        self.net.control(serde_json::from_str(json).unwrap()).unwrap();
    }

    pub fn wallet(&self) -> Wallet {
        Wallet::find(Some(&self.net.ready().keypair)).unwrap()
    }

    /// The journal's file, which is there after the first order.
    pub fn journal(&self) -> std::path::PathBuf {
        self.journal_if_any().unwrap()
    }

    pub fn journal_if_any(&self) -> Option<std::path::PathBuf> {
        let names = self.space.listing("ledger/journals");
        let name = names.iter().find(|name| name.ends_with(".sqlite"))?;
        Some(self.space.path(&format!("ledger/journals/{name}")))
    }

    /// Lamports and coins of the wallet, for good.
    pub fn holdings(&self) -> (i64, i64) {
        std::thread::sleep(SLOT * 45);
        let wallet = self.wallet().address();
        let mint: Address = self.mint().parse().unwrap();
        let account = pda::associated_token(&wallet, &mint, &TOKEN);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let accounts = runtime.block_on(async {
            let url = self.net.ready().rpc.parse().unwrap();
            let client = Client::connect(&Cluster::Localnet, vec![url], SystemClock).await.unwrap();
            client.accounts(&[wallet, account], Commitment::Finalized, 0).await.unwrap().1
        });
        let coins = accounts[1].as_ref().and_then(|account| q50_executor::rpc::token_amount(&account.data));
        (accounts[0].as_ref().unwrap().lamports.cast_signed(), coins.unwrap_or(0).cast_signed())
    }
}

/// An amount on chain.
pub fn integer(value: &Value) -> i64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}
