//! Bars of a log that is still growing: each once, as it closes, and equal to those of the datasets.

use crate::CollectError;
use crate::check::{Checker, Kind, Step};
use crate::store::{Place, Store, StoreError};
use crate::target::Target;
use q50_datasets::pool_bars::{PoolBar, PoolBars, PoolStep, PoolUnits};

/// Digits behind the point of SOL.
pub(crate) const SOL_DECIMALS: u8 = 9;
/// Transactions that are read at a time.
const BATCH: usize = 16_384;

/// Bars of steps that come in the chain's order.
#[derive(Clone, Debug)]
pub(crate) struct StepBars {
    bars: PoolBars,
    closed: Vec<PoolBar>,
    last: Option<(u64, i64)>,
}

impl StepBars {
    pub(crate) fn new(target: &Target, interval_ms: i64) -> Self {
        let units = PoolUnits { base_decimals: target.decimals, quote_decimals: SOL_DECIMALS };
        Self { bars: PoolBars::new(interval_ms, units), closed: Vec::new(), last: None }
    }

    pub(crate) fn push(&mut self, step: &Step) -> Result<(), CollectError> {
        // Reserves that are not known yet are told by the next step.
        let Some((before, after)) = step.before.or(step.after).zip(step.after) else { return Ok(()) };
        if let Some((slot, time_ms)) = self.last.filter(|(slot, _)| *slot != step.slot) {
            self.closed.extend(self.bars.through(slot, time_ms));
        }
        self.last = Some((step.slot, step.time_ms));
        let volume = match &step.kind {
            Kind::Swap(event, _) => event.base,
            Kind::Liquidity(_) | Kind::Moved | Kind::Unreadable => 0,
        };
        let step = PoolStep { slot: step.slot, place: step.number, time_ms: step.time_ms, before, after, volume };
        self.bars.push(step).map_err(|late| StoreError::Damaged(late.to_string()).into())
    }

    /// Every bar that is over where everything up to `slot` is known and the chain's clock shows `time_ms`.
    pub(crate) fn closed(mut self, slot: u64, time_ms: i64) -> Vec<PoolBar> {
        self.closed.extend(self.bars.through(slot, time_ms));
        self.closed
    }
}

/// What a tape has read for good.
#[derive(Clone, Debug)]
struct Read {
    place: Option<Place>,
    checker: Checker,
    bars: StepBars,
}

/// What a log closes from one look to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closed {
    /// Bars that were not told before, in order.
    pub bars: Vec<PoolBar>,
    /// Openings of bars that were told and are others by now: a fork took trades back, or a node told of them late.
    pub changed: Vec<i64>,
}

/// Tells each bar of a log once.
///
/// What can no longer be taken back is read once. The rest, half a minute of the chain, is read again at every look, so
/// that a bar which a fork changes after it was told is found out.
#[derive(Clone, Debug)]
pub struct Tape {
    settled: Read,
    /// Bars told that the settled part does not hold yet.
    told: Vec<PoolBar>,
}

impl Tape {
    /// Of a pool's log from its beginning, with bars of `interval_ms`.
    #[must_use]
    pub fn new(target: &Target, interval_ms: i64) -> Self {
        let checker = Checker::new(target.pool, target.is_mayhem);
        Self { settled: Read { place: None, checker, bars: StepBars::new(target, interval_ms) }, told: Vec::new() }
    }

    /// What the log, which has caught up, closes since the last look.
    ///
    /// # Errors
    /// [`CollectError`] where the log cannot be read, or is damaged.
    pub fn closed(&mut self, store: &Store) -> Result<Closed, CollectError> {
        let Some(known) = store.known()? else { return Ok(Closed::default()) };
        let mut read = self.settled.clone();
        let mut is_settled = true;
        'log: loop {
            let stored = store.behind(read.place, BATCH)?;
            for stored in &stored {
                if stored.place.0 > known.slot {
                    break 'log;
                }
                let begins_slot = read.place.is_none_or(|(slot, _)| slot != stored.place.0);
                if is_settled && begins_slot {
                    self.settled.clone_from(&read);
                }
                is_settled &= stored.is_final;
                for step in read.checker.steps(stored) {
                    read.bars.push(&step)?;
                }
                read.place = Some(stored.place);
            }
            if stored.len() < BATCH {
                break;
            }
        }
        let all = read.bars.closed(known.slot, known.unix_seconds.saturating_mul(1_000));
        let pairs = self.told.iter().zip(&all);
        let changed = pairs.filter(|(told, now)| told != now).map(|(told, _)| told.open_time).collect();
        // A node that lags knows less than was told.
        let bars = all.get(self.told.len()..).unwrap_or_default().to_vec();
        self.told.splice(..all.len().min(self.told.len()), all);
        // What the settled part holds is told, and cannot change.
        self.told.drain(..std::mem::take(&mut self.settled.bars.closed).len());
        Ok(Closed { bars, changed })
    }
}
