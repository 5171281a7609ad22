//! A live session as it left its folder.

use super::CompareError;
use super::promoted;
use crate::books::Books;
use crate::journal::{Alarm, BarRow, DecisionRow, Journal, Observation, OrderRow};
use crate::monitor::{Reference, promoted_trades};
use crate::promotion::Override;
use crate::spec::SessionSpec;
use q50_collector::store::{Store, StoreError};
use q50_engine::ledger::Account;
use q50_engine::units::{LAMPORTS_PER_SOL, Lamports};
use q50_engine::venue::pool_path::Reserves;
use q50_pumpswap::chain::{ProgramEvent, SwapEvent};
use std::collections::HashMap;
use std::path::Path;

/// The session's journal in its folder.
const FILE: &str = "session.sqlite";
/// Transactions that are read at a time.
const BATCH: usize = 16_384;

/// What a session did, and what the chain says of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Hash of the specification.
    pub id: String,
    /// The specification.
    pub spec: SessionSpec,
    /// Every bar, history included.
    pub bars: Vec<BarRow>,
    /// Every decision.
    pub decisions: Vec<DecisionRow>,
    /// Every order.
    pub orders: Vec<OrderRow>,
    /// What its monitor took note of.
    pub observations: Vec<Observation>,
    /// What that raised.
    pub alarms: Vec<Alarm>,
    /// The backtest's trades, where it was begun with a backtest.
    pub reference: Option<Reference>,
    /// Equity of that backtest: a bar's opening, and the money at its close.
    pub promoted: Vec<(i64, f64)>,
    /// Checks that were overridden when it was promoted.
    pub overrides: Vec<Override>,
    /// What the program said of the session's own swaps, by signature.
    pub swaps: HashMap<String, Box<SwapEvent>>,
    /// Supply of the coin when the session began.
    pub supply: Option<u64>,
}

impl Record {
    /// Reads the folder of a session.
    ///
    /// # Errors
    /// [`CompareError`] where the folder holds none.
    pub fn read(folder: &Path) -> Result<Self, CompareError> {
        let record = Self::of_journal(folder)?;
        let log = folder.join("collection.sqlite");
        let swaps = if log.is_file() { own_swaps(&log, &record.spec, &record.orders)? } else { HashMap::new() };
        Ok(Self { swaps, ..record })
    }

    /// The same without what the chain says of it.
    ///
    /// # Errors
    /// [`CompareError`] where the folder holds no session.
    pub fn of_journal(folder: &Path) -> Result<Self, CompareError> {
        let refused = |problem: String| CompareError::NoSession { path: folder.join(FILE), problem };
        let journal = Self::journal(folder)?;
        let Some((id, text)) = journal.spec()? else { return Err(refused("it never began".to_owned())) };
        let spec: SessionSpec = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        let overrides = promoted::overrides(folder, spec.manifest.as_deref())?;
        Ok(Self {
            id,
            spec,
            bars: journal.bars()?,
            decisions: journal.decisions()?,
            orders: journal.orders()?,
            observations: journal.observations()?,
            alarms: journal.alarms()?,
            reference: promoted_trades(folder)?.map(|trades| Reference::of(&trades)),
            promoted: promoted::equity(folder)?,
            overrides,
            swaps: HashMap::new(),
            supply: journal.supply()?,
        })
    }

    /// The journal of a session that is there.
    pub(crate) fn journal(folder: &Path) -> Result<Journal, CompareError> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Err(CompareError::NoSession { path, problem: "there is no such file".to_owned() });
        }
        Ok(Journal::open(&path)?)
    }

    /// Bars at which the account that the strategy was shown is not what the orders before them make of the capital: the file
    /// was changed, or a fork took back what had been filled.
    #[must_use]
    pub fn unbooked(&self) -> Vec<i64> {
        let history = self.bars.len().saturating_sub(self.decisions.len());
        let mut books = Books::new(Lamports((self.spec.settings.capital * LAMPORTS_PER_SOL) as u64));
        let mut orders = self.orders.iter().peekable();
        let mut unbooked = Vec::new();
        for (bar, made) in self.bars[history..].iter().zip(&self.decisions) {
            while let Some(order) = orders.next_if(|order| order.bar_ms < made.bar_ms) {
                books.book(order);
            }
            let told = |account: &Account| (account.cash, account.position, account.equity);
            if bar.bar.open_time != made.bar_ms || told(&books.account(bar.reserves())) != told(&made.account) {
                unbooked.push(made.bar_ms);
            }
        }
        unbooked
    }

    /// Reserves at the opening of the bar that is open at `time_ms`: those at the close of the bar before.
    #[must_use]
    pub fn reserves_at(&self, time_ms: i64) -> Option<Reserves> {
        let before = self.bars.partition_point(|row| row.bar.open_time + self.spec.interval_ms <= time_ms);
        before.checked_sub(1).map(|row| self.bars[row].reserves())
    }
}

fn own_swaps(
    log: &Path,
    spec: &SessionSpec,
    orders: &[OrderRow],
) -> Result<HashMap<String, Box<SwapEvent>>, CompareError> {
    let damaged = || StoreError::Damaged(format!("`{}` is no address", spec.pool));
    let pool = spec.pool.parse().map_err(|_| damaged())?;
    let store = Store::open(log, &pool, &spec.genesis)?;
    let own: Vec<&str> = orders.iter().filter_map(|order| order.done.signature.as_deref()).collect();
    let (mut swaps, mut place) = (HashMap::new(), None);
    loop {
        let stored = store.behind(place, BATCH)?;
        for stored in &stored {
            let signature = stored.signature.to_string();
            if !own.contains(&signature.as_str()) {
                continue;
            }
            for bytes in &stored.did.events {
                if let Ok(Some(ProgramEvent::Swap(event))) = ProgramEvent::decode(bytes)
                    && event.pool == pool
                {
                    swaps.insert(signature.clone(), event);
                }
            }
        }
        place = stored.last().map(|stored| stored.place);
        if stored.len() < BATCH {
            return Ok(swaps);
        }
    }
}
