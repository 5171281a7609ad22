//! A pool whose price is moved once a bar, signals for its bars, and sessions that trade them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "test helpers, of which each test uses a part"
)]

use super::util::Workspace;
use assert_cmd::cargo::cargo_bin;
use q50_datasets::frame::{Frame, Wanted};
use q50_datasets::time::rfc3339;
use q50_executor::clock::SystemClock;
use q50_executor::cluster::Cluster;
use q50_executor::rpc::{Client, Commitment};
use q50_executor::wallet::Wallet;
use q50_localnet::{Command as Control, Localnet, Pace, Settings};
use q50_pumpswap::chain::Address;
use q50_trader::journal::{Journal, State};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Length of a bar: 50 slots.
pub const BAR_MS: i64 = 20_000;
/// How long a session may take to do what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How the price moves from bar to bar, in basis points.
const MOVES: [i64; 5] = [130, -90, 210, -160, 45];

pub struct World {
    pub space: Workspace,
    net: Localnet,
    client: Client<SystemClock>,
    runtime: tokio::runtime::Runtime,
    /// Opening of the first bar that is decided on.
    first_ms: i64,
    sides: Vec<i8>,
    /// Price at the close of each bar from that one on, as a multiple of that at its opening; none: the price moves to and fro.
    path: Vec<f64>,
    first_price: f64,
    /// What decides.
    strategy: String,
}

impl World {
    /// A chain whose pool has been traded for two bars, and signals for the bars to come.
    pub fn start(sides: &[i8]) -> Self {
        Self::with_faults(sides, "")
    }

    pub fn with_faults(sides: &[i8], faults: &str) -> Self {
        let faults = toml::from_str(faults).unwrap();
        let settings = Settings { port: 0, pace: Pace::Stepped, seed: 5, faults, ..Settings::default() };
        let net = Localnet::start(settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = net.ready().rpc.parse().unwrap();
        let client = runtime.block_on(Client::connect(&Cluster::Localnet, vec![url], SystemClock)).unwrap();
        let mut world = Self {
            space: Workspace::new(),
            net,
            client,
            runtime,
            first_ms: 0,
            sides: sides.to_vec(),
            path: Vec::new(),
            first_price: 0.0,
            strategy: "--strategy side --set size=0.5".to_owned(),
        };
        world.make_the_programs_account();
        (0..2).for_each(|_| world.pass_a_bar());
        world.first_ms = world.time_ms().div_euclid(BAR_MS) * BAR_MS;
        world.rewrite_signals(sides);
        // What is limited is tested elsewhere; here a minute passes in a second.
        world.space.write("limits.toml", "rates = { per_minute = 10000, per_hour = 10000, per_day = 10000 }\n");
        world
    }

    /// A chain whose pool follows a path, with the strategy and the signals that go with it: stamps are numbers of bars.
    pub fn on_a_path(path: Vec<f64>, strategy: &str, header: &str, signals: &[(usize, String)]) -> Self {
        Self::start(&[]).with_path(path, strategy, header, signals)
    }

    /// The same world with a path, a strategy and signals.
    pub fn with_path(mut self, path: Vec<f64>, strategy: &str, header: &str, signals: &[(usize, String)]) -> Self {
        let mut text = format!("ts_ms,{header}\n");
        for (bar, values) in signals {
            text += &format!("{},{values}\n", self.first_ms + i64::try_from(*bar).unwrap() * BAR_MS);
        }
        self.space.write("signals.csv", text);
        self.first_price = self.price();
        (self.path, self.strategy) = (path, strategy.to_owned());
        self
    }

    /// Lamports for the smallest unit of the coin.
    fn price(&self) -> f64 {
        let mint = self.pool(0).mint.parse().unwrap();
        let market = self.runtime.block_on(self.client.market(mint, Address::ZERO, 0)).unwrap();
        market.state.effective_quote().unwrap() as f64 / market.state.base_vault as f64
    }

    /// The file is another one.
    pub fn rewrite_signals(&self, sides: &[i8]) {
        self.write_signals("signals.csv", sides);
    }

    fn write_signals(&self, name: &str, sides: &[i8]) {
        let mut text = "ts_ms,side\n".to_owned();
        for (bar, side) in (0_i64..).zip(sides) {
            text += &format!("{},{side}\n", self.first_ms + bar * BAR_MS);
        }
        self.space.write(name, text);
    }

    pub fn advance(&self, slots: u64) {
        self.net.control(Control::Advance { slots }).unwrap();
    }

    /// The chain's clock where it is confirmed.
    fn time_ms(&self) -> i64 {
        self.runtime.block_on(self.client.chain_time()).unwrap().unix_seconds * 1_000
    }

    fn pool(&self, number: usize) -> &q50_localnet::ReadyPool {
        &self.net.ready().pools[number]
    }

    /// The price moves, and time passes until the bar is over and that is confirmed.
    pub fn pass_a_bar(&self) {
        self.move_price();
        let end = self.time_ms().div_euclid(BAR_MS) * BAR_MS + BAR_MS;
        while self.time_ms() < end {
            self.advance(1);
        }
    }

    fn move_price(&self) {
        let bar = usize::try_from((self.time_ms() - self.first_ms).div_euclid(BAR_MS));
        let bps = match bar.ok().and_then(|bar| self.path.get(bar)) {
            Some(multiple) => ((self.first_price * multiple / self.price() - 1.0) * 1e4).round() as i64,
            None => MOVES[usize::try_from(self.time_ms() / BAR_MS).unwrap() % MOVES.len()],
        };
        if bps != 0 {
            self.net.control(Control::MovePrice { pool: self.pool(0).pool.clone(), bps }).unwrap();
        }
    }

    /// The price falls by so many basis points.
    pub fn fall(&self, bps: i64) {
        self.net.control(Control::MovePrice { pool: self.pool(0).pool.clone(), bps: -bps }).unwrap();
        self.advance(2);
    }

    /// From now on somebody moves the price by so many basis points right before an order lands.
    pub fn move_before_an_order_lands(&self, bps: i64) {
        self.net.control(Control::ClearFaults {}).unwrap();
        let fault = toml::from_str(&format!("kind = \"price-moves\"\nbps = {bps}")).unwrap();
        self.net.control(Control::AddFault { fault }).unwrap();
    }

    pub fn lamports(&self) -> u64 {
        let wallet = Wallet::find(Some(&self.net.ready().keypair)).unwrap().address();
        let (_, accounts) = self.runtime.block_on(self.client.accounts(&[wallet], Commitment::Processed, 0)).unwrap();
        accounts[0].as_ref().unwrap().lamports
    }

    /// Trades another coin, so that the program's own account for the wallet is there: its deposit is no part of a replay.
    fn make_the_programs_account(&self) {
        self.trade(&format!("chain buy {} --amount 0.01 --journal other.sqlite", self.pool(1).mint));
    }

    /// Runs a command that trades by hand, while slots pass.
    pub fn trade(&self, line: &str) {
        let (rpc, keypair) = (&self.net.ready().rpc, self.net.ready().keypair.display());
        let line = format!("{line} --cluster localnet --rpc {rpc} --keypair {keypair}");
        std::thread::scope(|threads| {
            let traded = threads.spawn(|| self.space.q50(&line));
            while !traded.is_finished() {
                std::thread::sleep(Duration::from_millis(20));
                self.advance(1);
            }
            let traded = traded.join().unwrap();
            assert_eq!(traded.code, 0, "{}{}", traded.stdout, traded.stderr);
        });
    }

    pub fn line(&self, rest: &str) -> String {
        format!(
            "live --pool {} --cluster localnet --rpc {} --keypair {} --interval 20s --signals signals.csv --priority-cap 0 \
             --poll-ms 20 --format json {rest}",
            self.pool(0).mint,
            self.net.ready().rpc,
            self.net.ready().keypair.display()
        )
    }

    /// A session in the folder of that name, with half of its cash on a signal.
    pub fn live(&self, rest: &str) -> Session {
        self.spawn(&self.line(&self.rest(rest)))
    }

    /// What its line says besides chain and signals.
    pub fn rest(&self, rest: &str) -> String {
        format!("--capital 10 --out session {} {rest}", self.strategy)
    }

    /// A session by its whole line.
    pub fn spawn(&self, line: &str) -> Session {
        let mut child = Command::new(cargo_bin("q50"))
            .args(line.split_whitespace())
            .current_dir(self.space.path(""))
            .env("Q50_DATA_DIR", self.space.path("ledger"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, events) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str::<Value>(&line).unwrap());
            }
        });
        let mut session = Session { child, events };
        // What an earlier one left open is settled first, which takes slots.
        let slowly = || {
            std::thread::sleep(Duration::from_millis(150));
            self.advance(1);
        };
        if session.event("started", slowly).is_none() {
            panic!("{}", session.errors());
        }
        session
    }

    pub fn journal(&self, folder: &str) -> Journal {
        Journal::open(&self.space.path(folder).join("session.sqlite")).unwrap()
    }

    /// Replays the record of a session with orders that land so many slots after their bar, on these signals, into the folder
    /// `replay`.
    fn replay(&self, folder: &str, signals: &str, latency_slots: u32) {
        let from = rfc3339(self.journal(folder).decisions().unwrap()[0].bar_ms);
        let verify = self.space.q50(&format!(
            "verify --venue pumpswap --bars {folder} --pool {folder} --signals {signals} --capital 10 {} \
             --latency-slots {latency_slots} --from {from} --out replay",
            self.strategy
        ));
        assert_eq!(verify.code, 0, "{}{}", verify.stdout, verify.stderr);
    }

    /// What `q50 compare` says of a session and its replay.
    pub fn compare(&self, folder: &str, code: i32) -> Value {
        self.replay(folder, "signals.csv", 0);
        self.space.json(&format!("compare replay {folder}"), code)
    }

    /// The same where the replay's orders land so many slots after their bar: whether parity holds, and the rest.
    pub fn compare_with_latency(&self, folder: &str, slots: u32) -> Value {
        self.replay(folder, "signals.csv", slots);
        let compared = self.space.q50(&format!("compare replay {folder} --format json"));
        serde_json::from_str(&compared.stdout).unwrap()
    }

    /// The record of a session, replayed without latency, decides and trades what the session did, to the lamport. An order
    /// that was not filled is taken out of the replay by a signal that says nothing, and that bar is not compared.
    pub fn assert_equals_its_replay(&self, folder: &str) {
        let journal = self.journal(folder);
        let (decisions, orders) = (journal.decisions().unwrap(), journal.orders().unwrap());
        let unfilled: Vec<usize> = (0..decisions.len())
            .filter(|&bar| {
                let of_bar = orders.iter().find(|order| order.bar_ms == decisions[bar].bar_ms);
                of_bar.is_some_and(|order| order.done.state != State::Filled)
            })
            .collect();
        let sides = self.sides.iter().enumerate();
        let sides: Vec<i8> = sides.map(|(bar, side)| if unfilled.contains(&bar) { -1 } else { *side }).collect();
        self.write_signals("replayed.csv", &sides);
        self.replay(folder, "replayed.csv", 0);
        let read = |file: &str, wanted: Wanted<'static>| {
            Frame::read(&self.space.path("replay").join(file), &Wanted { time: true, ..wanted }).unwrap()
        };
        let replayed = read("decisions.parquet", Wanted { texts: vec!["reason"], ..Wanted::default() });
        let reasons = replayed.text("reason").unwrap();
        // The replay ends with the signals.
        assert!(reasons.len() == sides.len() && decisions.len() >= sides.len(), "{} bars", decisions.len());
        for (bar, (live, replayed)) in decisions.iter().zip(reasons).enumerate() {
            assert!(live.reason == *replayed || unfilled.contains(&bar), "bar {bar}: {} {replayed}", live.reason);
        }
        // The order of the last bar finds no next one in the record.
        let last = decisions[reasons.len() - 1].bar_ms;
        let filled: Vec<_> =
            orders.iter().filter(|order| order.done.state == State::Filled && order.bar_ms < last).collect();
        let fills = read("fills.parquet", Wanted { numbers: vec!["base_amount", "quote_amount"], ..Wanted::default() });
        let live: Vec<f64> = filled.iter().map(|order| order.done.base.unsigned_abs() as f64).collect();
        assert_eq!(live, fills.number("base_amount").unwrap());
        let live: Vec<f64> = filled.iter().map(|order| order.done.quote.unsigned_abs() as f64).collect();
        assert_eq!(live, fills.number("quote_amount").unwrap());
    }
}

/// The answer to a request, head and body.
pub fn asked(port: u16, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A session in a process of its own.
pub struct Session {
    child: Child,
    events: Receiver<Value>,
}

impl Session {
    /// The next event of that kind, while `meanwhile` is done again and again; none where the session ends before.
    pub fn event(&mut self, kind: &str, meanwhile: impl Fn()) -> Option<Value> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.events.recv_timeout(Duration::from_millis(10)) {
                Ok(event) if event["event"] == kind => return Some(event),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => meanwhile(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        panic!("no `{kind}` in {PATIENCE:?}");
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// A bar passes, and the session has decided at its close and done what it decided.
    pub fn next_bar(&mut self, world: &World) -> Value {
        world.pass_a_bar();
        let Some(decided) = self.event("decided", || {}) else { panic!("{}", self.errors()) };
        self.settle_down(world);
        decided
    }

    /// Every bar that is over is decided on, and what was decided is done.
    fn settle_down(&mut self, world: &World) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let journal = world.journal("session");
            let last = journal.bars().unwrap().last().map(|row| row.bar.open_time);
            let is_open = journal.orders().unwrap().iter().any(|order| order.done.state == State::Wanted);
            let over = world.time_ms().div_euclid(BAR_MS) * BAR_MS - BAR_MS;
            match (last == Some(over), is_open) {
                (true, false) => return,
                // What was sent is confirmed by the slots that follow.
                (_, true) => world.advance(1),
                (false, false) => {}
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("a bar is not decided on in {PATIENCE:?}: {}", self.errors());
    }

    /// Bars pass until so many decisions are made and done.
    pub fn wait_for(&mut self, world: &World, decisions: usize) {
        self.settle_down(world);
        while world.journal("session").decisions().unwrap().len() < decisions {
            self.next_bar(world);
        }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it so many slots and so long after a bar has closed.
    pub fn kill_while_a_bar_closes(self, world: &World, slots: u64, pause: Duration) {
        world.pass_a_bar();
        for _ in 0..slots {
            world.advance(1);
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(pause);
        self.kill();
    }

    /// Ends it as a service manager would; it leaves within 5 s and says that all is well.
    pub fn stop(mut self) {
        let begun = Instant::now();
        let id = i32::try_from(self.child.id()).unwrap();
        let done = Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap();
        assert!(done.success());
        let status = self.child.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(status.code(), Some(0), "{}", self.errors());
    }

    /// How it ends by itself.
    pub fn ended(mut self) -> (i32, String) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code().unwrap(), self.errors());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}
