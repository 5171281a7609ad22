//! `q50 collect` as a command, on a chain of this machine: what it records is the chain, wherever it was killed.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_a_client_says_how_to_get_one() {
    util::Workspace::new().refused("collect So11111111111111111111111111111111111111112 --out x", &["--features live"]);
}

#[cfg(feature = "live")]
mod live {
    use super::util::Workspace;
    use q50_datasets::frame::{Frame, Wanted};
    use q50_executor::clock::SystemClock;
    use q50_executor::cluster::Cluster;
    use q50_executor::rpc::{Client, Commitment, token_amount};
    use q50_localnet::{Command as Control, Localnet, Pace, Settings};
    use q50_pumpswap::chain::{Address, Pool};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    /// A chain whose first pool is traded, and what its vaults held after each trade.
    struct Traded {
        space: Workspace,
        net: Localnet,
        client: Client<SystemClock>,
        runtime: tokio::runtime::Runtime,
        rng: ChaCha8Rng,
        left: Vec<[u64; 2]>,
    }

    impl Traded {
        fn start() -> Self {
            let net =
                Localnet::start(Settings { port: 0, pace: Pace::Stepped, seed: 3, ..Settings::default() }).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let url = net.ready().rpc.parse().unwrap();
            let client = runtime.block_on(Client::connect(&Cluster::Localnet, vec![url], SystemClock)).unwrap();
            let rng = ChaCha8Rng::seed_from_u64(11);
            Self { space: Workspace::new(), net, client, runtime, rng, left: Vec::new() }
        }

        fn pool(&self) -> String {
            self.net.ready().pools[0].pool.clone()
        }

        fn control(&self, json: &str) {
            self.net.control(serde_json::from_str(json).unwrap()).unwrap();
        }

        fn advance(&self, slots: u64) {
            self.net.control(Control::Advance { slots }).unwrap();
        }

        /// Somebody trades, several times a slot.
        fn trade(&mut self, swaps: usize) {
            for _ in 0..swaps {
                let bps = match self.rng.random_range(-300..300) {
                    0 => 1,
                    bps => bps,
                };
                let pool = self.pool();
                self.net.control(Control::MovePrice { pool, bps }).unwrap();
                self.left.push(self.vaults());
                if self.rng.random_range(0..3) == 0 {
                    let slots = self.rng.random_range(1..6);
                    self.advance(slots);
                }
            }
        }

        /// What the vaults hold in the open slot.
        fn vaults(&self) -> [u64; 2] {
            let pool: Address = self.pool().parse().unwrap();
            let read = |addresses: &[Address]| {
                self.runtime.block_on(self.client.accounts(addresses, Commitment::Processed, 0)).unwrap().1
            };
            let account = read(&[pool])[0].clone().unwrap();
            let decoded = Pool::decode(&account.data).unwrap();
            let vaults = read(&[decoded.base_vault, decoded.quote_vault]);
            [0, 1].map(|vault| token_amount(&vaults[vault].as_ref().unwrap().data).unwrap())
        }

        fn line(&self, rest: &str) -> String {
            format!("collect {} --cluster {} --out pool {rest}", self.pool(), self.net.ready().rpc)
        }

        /// Starts to collect in the background.
        fn spawn(&self, rest: &str) -> std::process::Child {
            Command::new(env!("CARGO_BIN_EXE_q50"))
                .args(self.line(rest).split_whitespace())
                .current_dir(self.space.path(""))
                .env("Q50_DATA_DIR", self.space.path("ledger"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        }

        /// What was collected is what the vaults held, trade for trade.
        fn assert_equals_the_chain(&self, summary: &Value) {
            let count = |key: &str| summary[key].as_u64().unwrap();
            assert_eq!((count("swaps"), count("unexplained")), (self.left.len() as u64, 0), "{summary}");
            let names = ["block_number", "seq", "base_reserve_after", "quote_reserve_after"];
            let wanted = Wanted { time: true, numbers: names.to_vec(), texts: vec!["signature"], ..Wanted::default() };
            let trades = Frame::read(&self.space.path("pool/trades.parquet"), &wanted).unwrap();
            let column = |name: &str| trades.number(name).unwrap();
            // The built-in pool has a boost that never changes here.
            let boost = 17_584_505_288;
            let found: Vec<[u64; 2]> = column("base_reserve_after")
                .iter()
                .zip(column("quote_reserve_after"))
                .map(|(base, quote)| [*base as u64, *quote as u64 - boost])
                .collect();
            assert!(found == self.left, "reserves differ: {} of {}", found.len(), self.left.len());
            let places: Vec<_> = column("block_number").iter().zip(column("seq")).collect();
            assert!(places.is_sorted_by(|a, b| a < b), "each swap has a place of its own");
            let mut signatures = trades.text("signature").unwrap().to_vec();
            signatures.sort_unstable();
            signatures.dedup();
            assert_eq!(signatures.len(), self.left.len());
        }
    }

    /// Some 20 CPU seconds in a debug build.
    const SWAPS: usize = 5_000;

    #[test]
    fn what_is_collected_equals_the_chain_wherever_it_was_killed_and_is_replayed() {
        let mut traded = Traded::start();
        traded.trade(SWAPS);
        // Bars of a minute are closed by the chain's clock.
        traded.advance(400);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut killed_at_work = 0;
        for _ in 0..8 {
            let mut child = traded.spawn("--once");
            std::thread::sleep(Duration::from_millis(rng.random_range(30..60 + SWAPS as u64 / 2)));
            killed_at_work += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(killed_at_work > 0, "every run had ended by itself");
        let summary = traded.space.json(&traded.line("--once"), 0);
        traded.assert_equals_the_chain(&summary);
        assert_eq!(summary["gaps"], 0);
        assert!(summary["bars"].as_u64().unwrap() > 3);

        // A second time nothing is new, and the same files are made.
        let files = || {
            ["trades", "bars", "reserves"]
                .map(|name| std::fs::read(traded.space.path(&format!("pool/{name}.parquet"))).unwrap())
        };
        let before = files();
        assert_eq!(traded.space.json(&traded.line("--once"), 0), summary);
        assert!(files() == before);

        let verdict = traded.space.json(
            "verify --venue pumpswap --bars pool --pool pool --strategy threshold --signal-column close --capital 1 \
             --out verdict",
            0,
        );
        assert_eq!(verdict["settings"]["venue"], "pumpswap", "{verdict}");
        let sound = verdict["checks"].as_array().unwrap().iter().find(|check| check["name"] == "data_sound").unwrap();
        assert_eq!(sound["state"], "pass", "{sound}");
    }
    #[test]
    fn nodes_that_limit_break_off_and_lag_are_asked_again_and_nothing_is_lost() {
        let mut traded = Traded::start();
        traded.trade(100);
        traded.advance(3);
        for fault in [
            r#"{"kind": "rate-limited", "retry_after_s": 1, "methods": ["getTransaction"], "skip": 10, "times": 9}"#,
            r#"{"kind": "reset", "methods": ["getTransaction"], "skip": 40, "times": 2}"#,
            r#"{"kind": "stale", "slots": 4, "methods": ["getSignaturesForAddress"], "times": 1}"#,
        ] {
            traded.control(&format!(r#"{{"do": "add-fault", "fault": {fault}}}"#));
        }
        let summary = traded.space.json(&traded.line("--once"), 0);
        traded.assert_equals_the_chain(&summary);
        let struck = traded.net.control(Control::Status {}).unwrap().struck;
        assert_eq!(struck, [9, 2, 1], "every fault struck");
    }

    /// Asks a process to end, and what it printed.
    fn ended(child: std::process::Child) -> (i32, Value) {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn a_pool_is_followed_through_a_silent_websocket_and_a_fork_until_it_is_asked_to_end() {
        let mut traded = Traded::start();
        traded.trade(5);
        traded.advance(3);
        let child = traded.spawn("--format json");
        let recorded = |traded: &Traded, swaps: usize| {
            let until = std::time::Instant::now() + Duration::from_secs(60);
            loop {
                let file = std::fs::read(traded.space.path("pool/collection.json")).unwrap_or_default();
                let summary: Value = serde_json::from_slice(&file).unwrap_or_default();
                if summary["swaps"] == swaps {
                    return;
                }
                assert!(std::time::Instant::now() < until, "{swaps} swaps are waited for: {summary}");
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        recorded(&traded, 5);
        traded.space.refused(&traded.line("--once"), &["another process is at work", "--out"]);
        traded.trade(10);
        traded.advance(3);
        recorded(&traded, 15);
        traded.control(r#"{"do": "silence-websockets"}"#);
        traded.trade(5);
        traded.advance(3);
        recorded(&traded, 20);

        // What is confirmed and not final is taken back, and something else happens instead.
        traded.advance(40);
        let kept = traded.left.len();
        traded.control(&format!(r#"{{"do": "move-price", "pool": "{}", "bps": 70}}"#, traded.pool()));
        traded.advance(2);
        recorded(&traded, kept + 1);
        traded.control(r#"{"do": "fork", "slots": 8}"#);
        traded.advance(10);
        traded.trade(3);
        traded.advance(3);
        recorded(&traded, kept + 3);
        let (code, summary) = ended(child);
        assert_eq!(code, 0);
        traded.assert_equals_the_chain(&summary);
    }

    #[test]
    fn what_is_no_pool_and_nodes_that_are_not_there_are_refused() {
        let traded = Traded::start();
        let rpc = &traded.net.ready().rpc;
        let wsol = "So11111111111111111111111111111111111111112";
        for (target, expected) in [
            ("nonsense", "MINT|POOL: expected an address"),
            (wsol, "has no canonical pool"),
            ("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA", "neither a pool of PumpSwap nor a coin's mint"),
            ("7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump", "there is no account"),
            ("ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw", "ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw: "),
        ] {
            traded.space.refused(&format!("collect {target} --cluster {rpc} --out pool"), &[expected]);
        }
        let pool = traded.pool();
        traded.space.refused(&format!("collect {pool} --cluster {rpc} --out pool --interval 0m"), &["--interval"]);
        traded.space.refused(&format!("collect {pool} --cluster {rpc} --out pool --ws http://127.0.0.1"), &["--ws"]);
        traded.space.refused(&format!("collect {pool} --cluster http://127.0.0.1:9 --out pool"), &["127.0.0.1"]);
        assert_eq!(traded.space.listing("pool"), [""; 0], "nothing is written");

        // A mint names its pool; a folder is one pool's.
        let mint = traded.net.ready().pools[0].mint.clone();
        let summary = traded.space.json(&format!("collect {mint} --cluster {rpc} --out pool --once"), 0);
        assert_eq!((&summary["pool"], &summary["swaps"]), (&Value::from(pool), &Value::from(0)));
        let other = &traded.net.ready().pools[1].pool;
        traded.space.refused(&format!("collect {other} --cluster {rpc} --out pool --once"), &["of the pool", "--out"]);
    }
}
