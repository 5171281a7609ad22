//! From the chain to the log: list, fetch, check; once, or until stopped.

use crate::check::{Checker, Step, Tally, Unexplained};
use crate::source::Source;
use crate::store::{Did, Place, Store, StoreError, Stored};
use crate::subscription::Subscription;
use crate::target::Target;
use crate::walk::{fill, walk};
use futures_util::{StreamExt, stream};
use q50_executor::rpc::{ChainTime, Class, Recorded, RpcError};
use q50_pumpswap::chain::ProgramEvent;
use solana_signature::Signature;
use std::collections::HashSet;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// Transactions that are asked for at the same time.
const AT_ONCE: usize = 8;
/// Transactions that are added to the log together.
const TOGETHER: usize = 64;
/// Transactions that are checked from one reading of the log.
const READ: usize = 1_024;
/// How often a transaction that is listed and not told of is asked for again, and how long between.
const ATTEMPTS: u32 = 5;
const PATIENCE: Duration = Duration::from_millis(800);
/// How long to go without looking where the subscription says nothing.
const LOOK: Duration = Duration::from_secs(5);
/// Longest wait between attempts while no node answers.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A collection that cannot go on. What is in the log stays, and the next run goes on from it.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The nodes.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The datasets.
    #[error(transparent)]
    Dataset(#[from] q50_datasets::Error),
    /// A transaction that no node tells of.
    #[error(
        "the nodes list {missing} transactions that they do not tell of, {signature} the first; \
         name a node that keeps its history with --rpc"
    )]
    Untold {
        /// The first.
        signature: Signature,
        /// How many.
        missing: u64,
    },
}

impl CollectError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Node(error) => error.class() == Class::Transient,
            Self::Untold { .. } => true,
            Self::Store(_) | Self::Dataset(_) => false,
        }
    }

    /// Whether the nodes only want to be asked more slowly.
    #[must_use]
    pub fn is_a_limit(&self) -> bool {
        matches!(self, Self::Node(RpcError::RateLimited { .. }))
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Signatures listed in this walk.
    Listed(u64),
    /// Transactions fetched, of how many that are listed.
    Fetched {
        /// In the log.
        done: u64,
        /// Listed.
        of: u64,
    },
}

/// Records one pool.
#[derive(Debug)]
pub struct Collector<S> {
    source: S,
    target: Target,
    store: Store,
    /// Checked up to a place that can no longer change.
    settled: (Option<Place>, Checker),
    /// All that is in the log.
    checked: Checker,
}

impl<S: Source> Collector<S> {
    /// Of `target`, into `store`.
    pub fn new(source: S, target: Target, store: Store) -> Self {
        let checker = Checker::new(target.pool, target.is_mayhem);
        Self { source, target, store, settled: (None, checker.clone()), checked: checker }
    }

    /// The pool.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The log.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What was found so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        self.checked.tally()
    }

    /// Brings the log to where the chain is now, and checks it; how many transactions are new.
    ///
    /// # Errors
    /// [`CollectError`]; what is in the log stays.
    pub async fn catch_up(&mut self, told: &dyn Fn(Progress)) -> Result<u64, CollectError> {
        // Asked before anything is listed: all that is listed then is at or after it.
        let now = self.now().await?;
        let mut new = walk(&self.source, &mut self.store, &self.target, now.slot, told).await?;
        self.fetch(told).await?;
        let mut looked = HashSet::new();
        while let Some(gap) = self.check(&looked)? {
            looked.insert(gap.stored.signature);
            new += self.look_into(&gap, now.slot, told).await?;
        }
        self.store.set_known(now)?;
        Ok(new)
    }

    /// The chain's clock, by a node that is not behind what is known: of one that lags all that came since would look as
    /// if a fork had taken it back.
    async fn now(&self) -> Result<ChainTime, CollectError> {
        let now = self.source.time().await?;
        match self.store.known()? {
            Some(known) if known.slot > now.slot => {
                let problem = format!("it is in slot {}, and slot {} is recorded", now.slot, known.slot);
                Err(RpcError::Behind(problem).into())
            }
            _ => Ok(now),
        }
    }

    /// Fetches what is listed.
    async fn fetch(&mut self, told: &dyn Fn(Progress)) -> Result<(), CollectError> {
        for attempt in 1..=ATTEMPTS {
            let missing = self.fetch_once(told).await?;
            let Some(signature) = self.store.unfetched(1)?.first().copied() else { return Ok(()) };
            if attempt == ATTEMPTS {
                return Err(CollectError::Untold { signature, missing });
            }
            // Listed and told of by different parts of a node; or taken back since, which the next list shows.
            tokio::time::sleep(PATIENCE * attempt).await;
            let now = self.now().await?;
            walk(&self.source, &mut self.store, &self.target, now.slot, told).await?;
        }
        Ok(())
    }

    /// Fetches each that is listed once; how many are not told of.
    async fn fetch_once(&mut self, told: &dyn Fn(Progress)) -> Result<u64, CollectError> {
        let (of, _, mut left) = self.store.counts()?;
        let wanted = self.store.unfetched(usize::MAX)?;
        let mut missing = 0;
        for group in wanted.chunks(TOGETHER) {
            let source = &self.source;
            let answers = stream::iter(group)
                .map(|signature| async move { (*signature, source.recorded(signature).await) })
                .buffer_unordered(AT_ONCE);
            let answers: Vec<_> = answers.collect().await;
            let (mut fetched, mut failure) = (Vec::with_capacity(answers.len()), None);
            for (signature, answer) in answers {
                match answer {
                    Ok(Some(recorded)) => fetched.push((signature, did(&recorded, &self.target))),
                    Ok(None) => missing += 1,
                    Err(error) => failure = Some(error),
                }
            }
            // What came is kept, whatever became of the others.
            self.store.put(&fetched)?;
            left -= fetched.len() as u64;
            told(Progress::Fetched { done: of - left, of });
            if let Some(error) = failure {
                return Err(error.into());
            }
        }
        Ok(missing)
    }

    /// Checks what is behind the settled place; the first gap that was not looked into, neither now nor for good.
    fn check(&mut self, looked: &HashSet<Signature>) -> Result<Option<Gap>, CollectError> {
        let (mut place, mut checker) = self.settled.clone();
        loop {
            let stored = self.store.behind(place, READ)?;
            let mut slot_begins = (place, checker.clone());
            for stored in &stored {
                if place.is_none_or(|(slot, _)| slot != stored.place.0) {
                    slot_begins = (place, checker.clone());
                }
                let slot_before = checker.last_slot();
                let steps = checker.steps(stored);
                let is_gap = |step: &Step| matches!(step.unexplained, Some(Unexplained::Gap { .. }));
                let is_known = stored.is_searched || looked.contains(&stored.signature);
                if !is_known && steps.iter().any(is_gap) {
                    return Ok(Some(Gap { stored: stored.clone(), slot_before: slot_before.unwrap_or(0) }));
                }
                place = Some(stored.place);
                // What a look into the next gap finds stands in the slot of the last step or later.
                if stored.is_final && !steps.is_empty() {
                    self.settled.clone_from(&slot_begins);
                }
            }
            if stored.len() < READ {
                self.checked = checker;
                return Ok(None);
            }
        }
    }

    /// Lists again what lies about a gap, by the pool and by both vaults: a transfer to a vault does not name the pool.
    async fn look_into(&mut self, gap: &Gap, at_least: u64, told: &dyn Fn(Progress)) -> Result<u64, CollectError> {
        let step = &gap.stored;
        let slot = step.place.0;
        tracing::info!(
            "transaction {} in slot {slot} does not follow from the one before; looking again",
            step.signature
        );
        let accounts = [self.target.pool, self.target.base_vault, self.target.quote_vault];
        self.store.open_refill(&step.signature, slot, gap.slot_before, &accounts)?;
        let found = fill(&self.source, &mut self.store, &self.target, at_least, told).await?;
        self.store.note_refill(&step.signature, found)?;
        self.fetch(told).await?;
        Ok(found)
    }

    /// Catches up whenever the subscription says that something happened, and every few seconds anyway, until `stop`.
    /// `caught_up` is called after each time, and says whether to go on.
    ///
    /// # Errors
    /// [`CollectError`] that does not pass; what passes is waited for.
    pub async fn follow(
        &mut self,
        subscription: &mut Subscription,
        mut stop: watch::Receiver<bool>,
        told: &dyn Fn(Progress),
        mut caught_up: impl FnMut(&mut Self, u64) -> Result<(), CollectError>,
    ) -> Result<(), CollectError> {
        let (mut wait, mut was_told) = (LOOK, true);
        loop {
            let work = async {
                tokio::select! {
                    () = subscription.heard() => was_told = true,
                    () = tokio::time::sleep(wait) => {}
                }
            };
            if unless_stopped(&mut stop, work).await.is_none() {
                return Ok(());
            }
            match unless_stopped(&mut stop, self.catch_up(told)).await {
                None => return Ok(()),
                Some(Ok(new)) => {
                    wait = LOOK;
                    if new > 0 && !was_told {
                        subscription.renew();
                    }
                    was_told &= new == 0;
                    caught_up(self, new)?;
                }
                Some(Err(error)) if error.is_transient() => {
                    wait = (wait * 2).min(LONGEST_WAIT);
                    tracing::warn!("{error}; looked again in {} s", wait.as_secs());
                }
                Some(Err(error)) => return Err(error),
            }
        }
    }
}

/// A step that does not begin where the one before it ended.
#[derive(Debug)]
struct Gap {
    stored: Stored,
    slot_before: u64,
}

/// What comes of it, unless it is asked to stop first.
pub async fn unless_stopped<T>(stop: &mut watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // Whoever could ask is gone: nobody will.
        Ok(_) = stop.wait_for(|stop| *stop) => None,
        done = work => Some(done),
    }
}

/// What a transaction did to the pool.
fn did(recorded: &Recorded, target: &Target) -> Did {
    let held = |vault| {
        let touched = recorded.accounts.iter().find(|touched| touched.address == vault);
        touched.and_then(|touched| touched.tokens).map(|tokens| tokens.amounts)
    };
    let is_ours = |bytes: &&Vec<u8>| match ProgramEvent::decode(bytes) {
        Ok(Some(ProgramEvent::Swap(event))) => event.pool == target.pool,
        Ok(Some(ProgramEvent::Liquidity(event))) => event.pool == target.pool,
        Ok(None) => false,
        // Kept, so that it is counted and a later version may read it.
        Err(_) => true,
    };
    Did {
        unix_seconds: recorded.time,
        calls_amm: recorded.calls_amm,
        base: held(target.base_vault),
        quote: held(target.quote_vault),
        events: recorded.said.iter().filter(is_ours).cloned().collect(),
    }
}
