//! Bars of a pool from the chain, as they close.

use q50_collector::subscription::Subscription;
use q50_collector::tape::{Closed, Tape};
use q50_collector::{CollectError, Collector};
use q50_executor::clock::SystemClock;
use q50_executor::rpc::Client;
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// How much further than ours the chain's clock may go from one look to the next; more is a clock that jumps.
const MOST_AT_ONCE: Duration = Duration::from_secs(3_600);
/// How long the subscription may be silent about what was found before it is made anew.
const SILENCE: Duration = Duration::from_secs(5);

/// Why there are no bars.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The log, or a node for good.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Time on the chain makes no sense.
    #[error(
        "the chain's clock went from {from} to {to} in {in_s} s; ask another node with --rpc, or start again where that is right"
    )]
    Jump {
        /// Before.
        from: String,
        /// After.
        to: String,
        /// Seconds that it took.
        in_s: u64,
    },
}

/// Follows a pool.
#[derive(Debug)]
pub struct Feed {
    collector: Collector<Client<SystemClock>>,
    subscription: Subscription,
    tape: Tape,
    /// Since when something is known that the subscription has not told of.
    untold_since: Option<Instant>,
    /// Whether it has told of something that was not found yet: it is as a rule faster than a look.
    is_told: bool,
    /// When the chain was seen last.
    looked: Option<Instant>,
}

impl Feed {
    /// Of the pool that `collector` records, in bars of `interval_ms`.
    #[must_use]
    pub fn new(collector: Collector<Client<SystemClock>>, subscription: Subscription, interval_ms: i64) -> Self {
        let tape = Tape::new(collector.target(), interval_ms);
        Self { collector, subscription, tape, untold_since: None, is_told: false, looked: None }
    }

    /// The collector.
    #[must_use]
    pub fn collector(&self) -> &Collector<Client<SystemClock>> {
        &self.collector
    }

    /// Whether the chain was seen.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        self.looked.is_some()
    }

    /// The chain's clock at the last look, epoch milliseconds.
    #[must_use]
    pub fn time_ms(&self) -> Option<i64> {
        Some(self.collector.store().known().ok()??.unix_seconds.saturating_mul(1_000))
    }

    /// Waits until the pool is named by a transaction, `at_most` so long. May be dropped while it waits.
    pub async fn wait(&mut self, at_most: Duration) {
        tokio::select! {
            () = self.subscription.heard() => (self.untold_since, self.is_told) = (None, true),
            () = tokio::time::sleep(at_most) => {}
        }
    }

    /// Looks at the chain: the bars that closed since the last look. None where no node answers at the moment. May be
    /// dropped while it looks.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn look(&mut self) -> Result<Closed, FeedError> {
        let before = self.looked.zip(self.time_ms());
        match self.collector.catch_up(&|_| {}).await {
            Ok(0) => {}
            Ok(_) if std::mem::take(&mut self.is_told) => {}
            Ok(_) => self.untold_since = self.untold_since.or(Some(Instant::now())),
            Err(error) if error.is_transient() => {
                tracing::warn!("{error}; asked again");
                return Ok(Closed::default());
            }
            Err(error) => return Err(error.into()),
        }
        if self.untold_since.is_some_and(|since| since.elapsed() > SILENCE) {
            self.subscription.renew();
            self.untold_since = None;
        }
        let now = Instant::now();
        if let Some(((looked, from), to)) = before.zip(self.time_ms()) {
            let passed = Duration::from_millis(to.saturating_sub(from).max(0).unsigned_abs());
            let took = now - looked;
            if passed > took + MOST_AT_ONCE {
                let [from, to] = [from, to].map(q50_datasets::time::rfc3339);
                return Err(FeedError::Jump { from, to, in_s: took.as_secs() });
            }
        }
        self.looked = Some(now);
        Ok(self.tape.closed(self.collector.store())?)
    }
}
