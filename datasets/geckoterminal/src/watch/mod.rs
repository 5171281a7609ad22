//! Collects pools, bars and trades from the API as they come, into a SQLite file that [`crate::Collection`] reads.
//!
//! Bars are asked for in windows that go forward in time and hold no more bars than an answer does, so that what is recorded
//! has no hole wherever it ends. An answer and how far it reaches are one transaction: a process that is killed goes on
//! from its last answer. Only bars that have closed are taken. What was recorded is never changed: a bar or trade that the
//! API gives differently later is recorded beside the first one, and is a conflict.

mod answers;
mod client;
mod store;

use std::path::Path;

use q50_datasets::time::rfc3339;
use serde::Serialize;
use thiserror::Error;

pub use client::{Client, Pace, Patience};
use store::{Put, Store, Table};

/// Bars of an answer at most.
const BARS: i64 = 1_000;
/// Pools that one request may name.
const POOLS: usize = 30;
/// Trades of an answer at most; older ones are not to be had,
const TRADES: usize = 300;
/// nor those that are older than this, seconds.
const TRADES_REACH: i64 = 86_400;
/// How long after its end a bar is final, seconds: the API's answers are cached for a minute.
const SETTLED: i64 = 120;

/// A length of bars that the API has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeframe {
    /// Such as `15m`.
    pub name: &'static str,
    unit: &'static str,
    aggregate: &'static str,
    seconds: i64,
}

impl Timeframe {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self { name: "1m", unit: "minute", aggregate: "1", seconds: 60 },
        Self { name: "5m", unit: "minute", aggregate: "5", seconds: 300 },
        Self { name: "15m", unit: "minute", aggregate: "15", seconds: 900 },
        Self { name: "1h", unit: "hour", aggregate: "1", seconds: 3_600 },
        Self { name: "4h", unit: "hour", aggregate: "4", seconds: 14_400 },
        Self { name: "12h", unit: "hour", aggregate: "12", seconds: 43_200 },
        Self { name: "1d", unit: "day", aggregate: "1", seconds: 86_400 },
    ];
}

/// What is collected.
#[derive(Clone, Debug)]
pub struct Target {
    /// Network, such as `solana`.
    pub network: String,
    /// Addresses of pools.
    pub pools: Vec<String>,
    /// Lengths of bars.
    pub timeframes: Vec<Timeframe>,
    /// Opening of the first bar, epoch seconds, where none is recorded yet; without it an answer full of bars.
    pub since: Option<i64>,
}

/// What came of it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Requests, those that failed among them.
    pub requests: u64,
    /// Answers that were asked for again: refused, broken off or none.
    pub failed: u64,
    /// New bars.
    pub bars: u64,
    /// New trades.
    pub trades: u64,
    /// Snapshots of pools.
    pub snapshots: u64,
    /// Bars and trades that differ from what is recorded of them.
    pub conflicts: u64,
    /// Times between which trades are missing, because more happened than an answer holds.
    pub gaps: u64,
}

/// Why nothing more is collected.
#[derive(Debug, Error)]
pub enum WatchError {
    /// An address that is none.
    #[error("--url `{0}` is no address of an API; expected one such as {default}", default = client::PUBLIC)]
    Address(String),
    /// A request that will be refused again.
    #[error("{path}: the API answers {status}: {text}; check the network, the pool and --since")]
    Refused {
        /// What was asked for.
        path: String,
        /// HTTP status.
        status: u16,
        /// Beginning of the answer.
        text: String,
    },
    /// The API does not answer, again and again.
    #[error(
        "{path}: no answer in {attempts} attempts, of the last: {reason}; what is recorded stays, and the same command goes on"
    )]
    Unavailable {
        /// What was asked for.
        path: String,
        /// How often.
        attempts: u32,
        /// Of the last attempt.
        reason: String,
    },
    /// A pool that the API does not have.
    #[error("{network} has no pool {pool}; give the address of the pool, not of the token")]
    UnknownPool {
        /// Network.
        network: String,
        /// Address.
        pool: String,
    },
    /// The client cannot be made.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// A file that is not a collection's, or of a later version.
    #[error("{path}: {reason}; give another folder with --out")]
    Foreign {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file cannot be written.
    #[error("the collection cannot be written: {0}; what is recorded stays")]
    Store(#[from] rusqlite::Error),
}

/// A collection that goes on.
#[derive(Debug)]
pub struct Watcher {
    target: Target,
    client: Client,
    store: Store,
    tally: Tally,
    is_first: bool,
}

impl Watcher {
    /// Goes on with the collection in `file`, or begins one.
    ///
    /// # Errors
    /// The file cannot be written, or is none of ours.
    pub fn open(target: Target, client: Client, file: &Path) -> Result<Self, WatchError> {
        Ok(Self { target, client, store: Store::open(file)?, tally: Tally::default(), is_first: true })
    }

    /// What came of it so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let (requests, failed) = self.client.requests();
        Tally { requests, failed, ..self.tally }
    }

    /// Collects what is new: a snapshot of each pool, bars that have closed, trades.
    ///
    /// # Errors
    /// [`WatchError`]; what was collected before is recorded.
    pub async fn round(&mut self) -> Result<(), WatchError> {
        for some in 0..self.target.pools.len().div_ceil(POOLS) {
            self.snapshots(some * POOLS).await?;
        }
        self.is_first = false;
        for pool in self.target.pools.clone() {
            for timeframe in self.target.timeframes.clone() {
                self.bars(&pool, timeframe).await?;
            }
            self.trades(&pool).await?;
        }
        Ok(())
    }

    async fn snapshots(&mut self, from: usize) -> Result<(), WatchError> {
        let pools: Vec<String> = self.target.pools.iter().skip(from).take(POOLS).cloned().collect();
        let path = ["networks", &self.target.network, "pools", "multi", &pools.join(",")];
        let answer = self.client.get::<answers::Objects>(&path, &[]).await?;
        let (rows, now) = answer.map_or_else(Default::default, |answer| (answer.body.rows(), answer.now));
        for pool in pools {
            let id = self.id(&pool);
            match rows.iter().find(|row| row.get("id").and_then(|id| id.as_str()) == Some(&id)) {
                Some(row) => {
                    let puts = self.store.put(Table::Snapshots, &[answers::snapshot(row, now)], None)?;
                    self.tally.snapshots += count(&puts, |put| *put == Put::New);
                }
                None if self.is_first => {
                    return Err(WatchError::UnknownPool { network: self.target.network.clone(), pool });
                }
                None => tracing::warn!("{id}: the API knows nothing of it any more"),
            }
        }
        Ok(())
    }

    async fn bars(&mut self, pool: &str, timeframe: Timeframe) -> Result<(), WatchError> {
        let (id, step) = (self.id(pool), timeframe.seconds);
        let what = format!("ohlcv_{}", timeframe.name);
        loop {
            let end = closed(client::now(), step);
            let reached = self.store.reached(&id, &what)?.map(|(until, _)| until);
            let from = reached.or(self.target.since).unwrap_or(end - (BARS - 1) * step);
            if from >= end {
                return Ok(());
            }
            // A window of so many bars is in the answer as a whole, whether its end belongs to it or not.
            let before = end.min(from + (BARS - 1) * step);
            let path = ["networks", &self.target.network, "pools", pool, "ohlcv", timeframe.unit];
            let query = [
                ("aggregate", timeframe.aggregate.to_owned()),
                ("before_timestamp", before.to_string()),
                ("limit", BARS.to_string()),
                ("currency", "usd".to_owned()),
                ("token", "base".to_owned()),
            ];
            let Some(answer) = self.client.get::<answers::Bars>(&path, &query).await? else {
                tracing::warn!("{id}: the API has no bars of {}", timeframe.name);
                return Ok(());
            };
            // By the API's clock: of a bar that is still open nothing is recorded.
            let settled = closed(answer.now, step).min(before);
            let bars = answer.body.data.attributes.ohlcv_list;
            let mut rows: Vec<_> = bars.iter().filter(|bar| bar.0 < settled).collect();
            rows.sort_unstable_by_key(|bar| bar.0);
            let rows: Vec<_> = rows.iter().map(|bar| answers::bar(&id, timeframe.name, bar, answer.now)).collect();
            let progress = store::Progress { pool: &id, what: &what, reached: settled, asked: answer.now };
            let puts = self.store.put(Table::Bars, &rows, Some(progress))?;
            self.tally.bars += count(&puts, |put| *put == Put::New);
            self.warn_of(&puts, &format!("bars of {id} {}", timeframe.name));
            if before == end {
                return Ok(());
            }
        }
    }

    async fn trades(&mut self, pool: &str) -> Result<(), WatchError> {
        let id = self.id(pool);
        let path = ["networks", &self.target.network, "pools", pool, "trades"];
        let Some(answer) = self.client.get::<answers::Objects>(&path, &[]).await? else {
            tracing::warn!("{id}: the API has no trades of it");
            return Ok(());
        };
        let rows = answer.body.rows();
        let times: Vec<i64> = rows.iter().filter_map(answers::trade_time).collect();
        let before = self.store.reached(&id, "trades")?;
        let newest = times.iter().copied().max().or(before.map(|(newest, _)| newest)).unwrap_or(0);
        let rows: Vec<_> = rows.iter().map(|row| answers::trade(&id, row, answer.now)).collect();
        let progress = store::Progress { pool: &id, what: "trades", reached: newest, asked: answer.now };
        let puts = self.store.put(Table::Trades, &rows, Some(progress))?;
        self.tally.trades += count(&puts, |put| *put == Put::New);
        self.warn_of(&puts, &format!("trades of {id}"));
        let is_new = puts.iter().all(|put| *put == Put::New);
        if let (Some((last, asked)), Some(first), true) = (before, times.iter().copied().min(), is_new)
            && (puts.len() >= TRADES || answer.now - asked > TRADES_REACH)
        {
            self.store.put_gap(&id, last, first)?;
            self.tally.gaps += 1;
            let (last, first) = (rfc3339(last * 1_000), rfc3339(first * 1_000));
            tracing::warn!("{id}: trades between {last} and {first} are missing; ask more often, with --every");
        }
        Ok(())
    }

    fn id(&self, pool: &str) -> String {
        format!("{}_{pool}", self.target.network)
    }

    fn warn_of(&mut self, puts: &[Put], what: &str) {
        let mut conflicts = puts.iter().filter_map(|put| match put {
            Put::Conflict(difference) => Some(difference),
            Put::New | Put::Known => None,
        });
        let Some(first) = conflicts.next() else { return };
        let all = 1 + conflicts.count();
        self.tally.conflicts += all as u64;
        tracing::warn!("{all} {what} differ from what is recorded, which stays; the first: {first}");
    }
}

/// Openings before this are of bars that have closed and settled at `now`; both in epoch seconds.
fn closed(now: i64, step: i64) -> i64 {
    (now - SETTLED).div_euclid(step) * step
}

fn count(puts: &[Put], which: impl Fn(&Put) -> bool) -> u64 {
    puts.iter().filter(|put| which(put)).count() as u64
}
