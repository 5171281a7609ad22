//! A trading `q50` that is killed at random moments, and what is on the chain and in the journal afterwards.
//!
//! `scripts/kills` has more of it than CI.

#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an integration test, which says what it measured")]

mod trader;
mod util;

use q50_executor::journal::{Journal, OrderState};
use q50_pumpswap::chain::Address;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};
use trader::{NO_RATES, SLOT, Trader};

const FAULTS: &str = "
[[fault]]
kind = 'dropped'
share = 0.1
[[fault]]
kind = 'reset'
share = 0.05
[[fault]]
kind = 'server-error'
share = 0.05
[[fault]]
kind = 'stale'
slots = 3
share = 0.1
[[fault]]
kind = 'fails'
share = 0.05
[[fault]]
kind = 'price-moves'
bps = 30
share = 0.1
";

/// Kills: 20, or as many as `Q50_KILLS` says.
fn kills() -> u64 {
    std::env::var("Q50_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// A trader who is killed, and what there was before.
struct Killed {
    trader: Trader,
    rng: ChaCha8Rng,
    before: (i64, i64),
    orders: u64,
}

impl Killed {
    fn start(faults: &str) -> Self {
        let trader = Trader::start(faults);
        trader.space.write("limits.toml", NO_RATES);
        let before = trader.holdings();
        Self { trader, rng: ChaCha8Rng::seed_from_u64(5), before, orders: 0 }
    }

    fn buy(&self, key: &str) -> String {
        self.trader.line(&format!("chain buy MINT --amount 0.05 --limits limits.toml --key {key}"))
    }

    /// Waits for up to so many milliseconds.
    fn wait(&mut self, ms: u64) {
        std::thread::sleep(Duration::from_millis(self.rng.random_range(0..ms)));
    }

    /// An order that is killed within so many milliseconds, and what happens before.
    fn order(&mut self, ms: u64, meanwhile: impl FnOnce(&mut Self)) {
        self.orders += 1;
        let mut child = self.trader.spawn(&self.buy(&self.orders.to_string()));
        meanwhile(self);
        self.wait(ms);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until a transaction is signed and not settled; whether there was one.
    fn until_open(&self) -> bool {
        let began = Instant::now();
        let is_open = || {
            let journal = self.trader.journal_if_any().and_then(|path| Journal::open(&path).ok());
            let pending = journal.and_then(|journal| journal.pending().ok()).unwrap_or_default();
            pending.iter().any(|pending| pending.state == OrderState::Open)
        };
        while began.elapsed() < Duration::from_secs(5) {
            if is_open() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    /// Trades undisturbed, then journal and chain are equal to the lamport.
    fn settle(&self, world: &str) {
        let trader = &self.trader;
        trader.control(r#"{"do": "clear-faults"}"#);
        let last = "chain buy MINT --amount 0.05 --limits limits.toml --key last";
        // The next order settles what was left, and the one after it finds it final.
        assert_eq!(trader.json(last, 0)["state"], "filled");
        let after = trader.holdings();
        assert_eq!(trader.json(last, 0)["signature"], Value::Null);
        let journal = Journal::open(&trader.journal()).unwrap();
        is_the_chain(&journal, trader, self.before, after, world);
        assert!(journal.pending().unwrap().is_empty(), "{world}");
    }
}

fn is_the_chain(journal: &Journal, trader: &Trader, before: (i64, i64), after: (i64, i64), world: &str) {
    let mint: Address = trader.mint().parse().unwrap();
    let found = (journal.lamports().unwrap(), journal.held(&mint).unwrap());
    assert_eq!(found, (after.0 - before.0, after.1 - before.1), "{world}");
    let orders = journal.orders().unwrap();
    let count = |state| orders.iter().filter(|(_, found, _)| *found == state).count();
    let (filled, failed, expired) = (count(OrderState::Filled), count(OrderState::Failed), count(OrderState::Expired));
    let unsent = orders.len() - filled - failed - expired;
    println!(
        "{world}: {} orders begun, {filled} filled, {failed} failed, {expired} expired, {unsent} never sent",
        orders.len()
    );
    // No order twice: as many fills as orders that say so.
    assert_eq!(journal.trades().unwrap().len(), filled, "{world}");
}

#[test]
fn killed_under_faults_nothing_is_done_twice_and_nothing_is_lost() {
    let mut killed = Killed::start(FAULTS);
    let mut caught = 0;
    for n in 0..kills() {
        if n % 4 == 0 {
            // Between the journal's note of a transaction and its settlement, on whatever machine.
            killed.order(1, |killed| caught += u64::from(killed.until_open()));
        } else {
            killed.order(1_200, |_| {});
        }
    }
    killed.settle("under faults");
    let orders = Journal::open(&killed.trader.journal()).unwrap().orders().unwrap();
    let filled = orders.iter().filter(|(_, state, _)| *state == OrderState::Filled).count();
    assert!(filled > 1 && caught > 1, "{filled} filled, {caught} killed on their way");
}

/// For 150 slots, the life of a blockhash, nothing answers: before the send, after it, and when the trader comes back.
#[test]
fn killed_while_no_node_answers_nothing_is_done_twice_and_nothing_is_lost() {
    let mut killed = Killed::start("");
    for _ in 0..kills().div_ceil(5) {
        let mut gone = None;
        killed.order(600, |killed| {
            killed.wait(600);
            killed.trader.control(r#"{"do": "add-fault", "fault": {"kind": "reset", "executes": false}}"#);
            gone = Some(Instant::now());
        });
        killed.order(900, |_| {});
        std::thread::sleep((SLOT * 155).saturating_sub(gone.unwrap().elapsed()));
        killed.trader.control(r#"{"do": "clear-faults"}"#);
    }
    killed.settle("while no node answers");
}

#[test]
fn killed_where_forks_take_back_what_was_processed_nothing_is_done_twice_and_nothing_is_lost() {
    let faults = "[[fault]]\nkind = 'dropped'\nshare = 0.1\n";
    let mut killed = Killed::start(faults);
    for _ in 0..kills().div_ceil(2) {
        let fork = |killed: &mut Killed| {
            let slots = killed.rng.random_range(1..=12);
            killed.trader.control(&format!(r#"{{"do": "fork", "slots": {slots}}}"#));
        };
        if killed.rng.random_bool(0.5) {
            killed.order(300, |killed| {
                killed.wait(900);
                fork(killed);
            });
        } else {
            killed.order(1_200, |_| {});
            fork(&mut killed);
        }
    }
    killed.settle("under forks");
}

/// Runs a script in which `disk` is a disk of 32 MB, `q50` the command and `fill N` leaves N kB of it; what it said.
fn on_a_small_disk(trader: &Trader, script: &str) -> String {
    let space = trader.space.path("");
    std::fs::create_dir(trader.space.path("disk")).unwrap();
    let script = format!(
        "cd {space}; q50() {{ {q50} \"$@\" >out 2>err; }}
         fill() {{ rm -f disk/fill; cat /dev/zero >disk/fill 2>/dev/null; truncate -s -${{1}}k disk/fill; }}
         mount -t tmpfs -o size=32m tmpfs disk || exit 9
         {script}
         rm disk/fill; {last} --key last || {{ cat out err; exit 4; }}
         sleep 1; {last} --key after || exit 5; cp disk/journal.sqlite kept.sqlite",
        space = space.display(),
        q50 = env!("CARGO_BIN_EXE_q50"),
        last = on_disk(trader),
    );
    let mut unshare = Command::new("unshare");
    let output = unshare.args(["-rm", "bash", "-c", &script]).env("Q50_DATA_DIR", trader.space.path("ledger"));
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn on_disk(trader: &Trader) -> String {
    let line = "chain buy MINT --amount 0.05 --limits limits.toml --journal disk/journal.sqlite";
    format!("q50 {}", trader.line(line))
}

fn kept(trader: &Trader) -> Journal {
    let kept = trader.space.path("kept.sqlite");
    Journal::open(&kept).unwrap()
}

/// From 0 to 124 kB are left for the journal: it fails at every point of an order, before and after the send.
#[test]
#[ignore = "mounts a small disk, which needs Linux and its namespaces"]
fn with_a_full_disk_nothing_is_done_twice_and_nothing_is_lost() {
    let killed = Killed::start("");
    let buy = on_disk(&killed.trader);
    let script = format!(
        "{buy} --key first || exit 3
         for free in $(seq 0 4 124); do fill $free; {buy} --key $free; echo $free $? $(cat err); done"
    );
    let said = on_a_small_disk(&killed.trader, &script);
    let failed: Vec<&str> = said.lines().filter(|line| line.split(' ').nth(1) == Some("2")).collect();
    println!("{} of 32 orders met a full disk", failed.len());
    assert!((4..32).contains(&failed.len()), "{said}");
    assert!(failed.iter().all(|line| line.contains("full") || line.contains("disk I/O")), "{said}");
    let after = killed.trader.holdings();
    is_the_chain(&kept(&killed.trader), &killed.trader, killed.before, after, "with a full disk");
}

#[test]
#[ignore = "mounts a small disk, which needs Linux and its namespaces"]
fn killed_with_a_full_disk_nothing_is_done_twice_and_nothing_is_lost() {
    let mut killed = Killed::start("[[fault]]\nkind = 'dropped'\nshare = 0.1\n");
    let buy = on_disk(&killed.trader);
    let mut script = format!("{buy} --key first || exit 3\n");
    for number in 0..kills().div_ceil(2) {
        let free = killed.rng.random_range(0..=31) * 4;
        let seconds = f64::from(killed.rng.random_range(0..1_200)) / 1_000.0;
        // The command itself is killed, not the shell around it.
        let in_background = buy.replacen("q50", env!("CARGO_BIN_EXE_q50"), 1);
        script += &format!(
            "fill {free}; {in_background} --key {number} >out 2>err & sleep {seconds}; kill -9 $! 2>/dev/null; wait $! 2>/dev/null\n"
        );
    }
    on_a_small_disk(&killed.trader, &script);
    let after = killed.trader.holdings();
    is_the_chain(&kept(&killed.trader), &killed.trader, killed.before, after, "killed with a full disk");
}
