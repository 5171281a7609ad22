//! Whether each step of a pool follows from the previous one: by the exact arithmetic, from exactly the reserves it
//! left.
//!
//! There are two witnesses for every transaction: what the program printed about each step (reserves before, amounts,
//! fees), and the vault balances before and after, as the node saw them. A swap is explained if its amounts are those
//! of our arithmetic on the reserves that it names, and those are the reserves that the previous step left.

use crate::store::Stored;
use q50_datasets::pool_bars::PoolReserves;
use q50_pumpswap::amm::{Side, Swap};
use q50_pumpswap::chain::{Address, LiquidityEvent, LiquidityKind, ProgramEvent, ReplayError, SwapEvent};
use serde::Serialize;
use solana_signature::Signature;
use thiserror::Error;

/// Steps without explanation that are named one by one.
const NAMED: usize = 20;

/// Why a step does not follow from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unexplained {
    /// It begins elsewhere than where the step before it ended.
    #[error("the {what} began at {found}, the step before left {left}")]
    Gap {
        /// Of what.
        what: &'static str,
        /// What the step before left.
        left: i128,
        /// What this one began with.
        found: i128,
    },
    /// Its amounts are not those of our arithmetic.
    #[error(transparent)]
    Amounts(#[from] ReplayError),
    /// The vault holds something else afterwards than its events say.
    #[error("the {what} holds {found} afterwards, its events come to {computed}")]
    Balance {
        /// Which vault.
        what: &'static str,
        /// What its events come to.
        computed: u64,
        /// What it holds.
        found: u64,
    },
    /// The program said something that cannot be read.
    #[error("an event cannot be read: {0}")]
    Unreadable(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A swap, and what our arithmetic makes of it.
    Swap(Box<SwapEvent>, Option<Swap>),
    /// A deposit or a withdrawal.
    Liquidity(Box<LiquidityEvent>),
    /// Something else moved the vaults: a transfer, or fees that were swept.
    Moved,
    /// Something that cannot be read.
    Unreadable,
}

/// A step of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Slot.
    pub slot: u64,
    /// Order of the pool's steps within the slot, from 0.
    pub number: u64,
    /// The chain's clock in the slot, epoch milliseconds UTC.
    pub time_ms: i64,
    /// Of which transaction.
    pub signature: Signature,
    /// What happened.
    pub kind: Kind,
    /// Reserves that price before it; none where they are not known.
    pub before: Option<PoolReserves>,
    /// Reserves that price after it; none where they are not known.
    pub after: Option<PoolReserves>,
    /// Why it does not follow from the step before.
    pub unexplained: Option<Unexplained>,
}

/// A step without explanation, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its transaction.
    pub signature: String,
    /// Its slot.
    pub slot: u64,
    /// Why.
    pub reason: String,
}

/// How many steps of each kind there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Swaps.
    pub swaps: u64,
    /// Buys among them.
    pub buys: u64,
    /// Sells among them.
    pub sells: u64,
    /// Deposits.
    pub deposits: u64,
    /// Withdrawals.
    pub withdrawals: u64,
    /// Transfers into or out of a vault, and sweeps of fees.
    pub moves: u64,
    /// Steps that do not follow from the one before.
    pub unexplained: u64,
    /// The first of them.
    pub unexplained_steps: Vec<Named>,
}

impl Tally {
    fn count(&mut self, step: &Step) {
        match &step.kind {
            Kind::Swap(event, _) => {
                self.swaps += 1;
                *if event.side == Side::Buy { &mut self.buys } else { &mut self.sells } += 1;
            }
            Kind::Liquidity(event) if event.kind == LiquidityKind::Deposit => self.deposits += 1,
            Kind::Liquidity(_) => self.withdrawals += 1,
            Kind::Moved => self.moves += 1,
            Kind::Unreadable => {}
        }
        let Some(reason) = &step.unexplained else { return };
        self.unexplained += 1;
        if self.unexplained_steps.len() < NAMED {
            let (signature, reason) = (step.signature.to_string(), reason.to_string());
            self.unexplained_steps.push(Named { signature, slot: step.slot, reason });
        }
    }
}

/// What the pool holds. What is not known is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Holds {
    base: Option<u64>,
    quote: Option<u64>,
    virtual_quote: Option<i128>,
}

impl Holds {
    fn reserves(&self) -> Option<PoolReserves> {
        let quote = i128::from(self.quote?).checked_add(self.virtual_quote?)?;
        Some(PoolReserves { base: self.base?, quote: u64::try_from(quote).ok()? })
    }

    /// The first thing that does not begin where it was left.
    fn gap_to(&self, begins: &Self) -> Option<Unexplained> {
        let vault = |amount: Option<u64>| amount.map(i128::from);
        let pairs = [
            ("base vault", vault(self.base), vault(begins.base)),
            ("quote vault", vault(self.quote), vault(begins.quote)),
            ("virtual quote reserve", self.virtual_quote, begins.virtual_quote),
        ];
        let known = pairs.into_iter().filter_map(|(what, left, found)| Some((what, left?, found?)));
        known.into_iter().find(|(_, left, found)| left != found).map(|(what, left, found)| Unexplained::Gap {
            what,
            left,
            found,
        })
    }
}

/// Goes through a pool's transactions in the chain's order.
#[derive(Clone, Debug)]
pub struct Checker {
    pool: Address,
    is_mayhem: bool,
    holds: Holds,
    /// The slot of the last step, how many it has had, and its time.
    last: Option<(u64, u64, i64)>,
    tally: Tally,
}

impl Checker {
    /// Of a pool from its first step on.
    #[must_use]
    pub fn new(pool: Address, is_mayhem: bool) -> Self {
        Self { pool, is_mayhem, holds: Holds::default(), last: None, tally: Tally::default() }
    }

    /// How many steps of each kind there were.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Slot of the last step.
    #[must_use]
    pub fn last_slot(&self) -> Option<u64> {
        self.last.map(|(slot, ..)| slot)
    }

    /// The steps of one transaction.
    pub fn steps(&mut self, stored: &Stored) -> Vec<Step> {
        let did = &stored.did;
        let began = Holds { base: did.base.map(|[b, _]| b), quote: did.quote.map(|[b, _]| b), virtual_quote: None };
        let mut gap = self.holds.gap_to(&began);
        self.holds = Holds {
            base: began.base.or(self.holds.base),
            quote: began.quote.or(self.holds.quote),
            virtual_quote: self.holds.virtual_quote,
        };
        let mut steps: Vec<Step> = Vec::new();
        for bytes in &did.events {
            let mut step = match ProgramEvent::decode(bytes) {
                Ok(Some(ProgramEvent::Swap(event))) if event.pool == self.pool => self.swap(stored, event),
                Ok(Some(ProgramEvent::Liquidity(event))) if event.pool == self.pool => self.liquidity(stored, event),
                Ok(_) => continue,
                Err(error) => self.unreadable(stored, error.to_string()),
            };
            step.unexplained = gap.take().or(step.unexplained);
            steps.push(step);
        }
        self.compare_with_vaults(stored, &mut steps, gap);
        if steps.is_empty() && did.calls_amm {
            // Instructions without an event of ours may change what is virtual.
            self.holds.virtual_quote = None;
        }
        steps.iter().for_each(|step| self.tally.count(step));
        steps
    }

    /// Compares what the events come to with what the vaults hold after the transaction; a change without an event is a
    /// step of its own.
    fn compare_with_vaults(&mut self, stored: &Stored, steps: &mut Vec<Step>, gap: Option<Unexplained>) {
        let did = &stored.did;
        let vaults = [("base vault", did.base), ("quote vault", did.quote)];
        let (has_moved, has_events) =
            (vaults.iter().any(|(_, held)| held.is_some_and(|[b, a]| b != a)), !steps.is_empty());
        let before = self.holds.reserves();
        let mut surprise = gap;
        for (what, held) in vaults {
            let Some([_, found]) = held else { continue };
            let computed = if what == "base vault" { &mut self.holds.base } else { &mut self.holds.quote };
            if let Some(computed) = computed.filter(|computed| has_events && *computed != found) {
                surprise = surprise.or(Some(Unexplained::Balance { what, computed, found }));
            }
            *computed = Some(found);
        }
        if !has_events && (has_moved || surprise.is_some()) {
            if did.calls_amm {
                self.holds.virtual_quote = None;
            }
            let (slot, time) = (stored.place.0, did.unix_seconds);
            let (number, time_ms) = self.number(slot, time);
            let (signature, after) = (stored.signature, self.holds.reserves());
            steps.push(Step {
                slot,
                number,
                time_ms,
                signature,
                kind: Kind::Moved,
                before,
                after,
                unexplained: surprise,
            });
        } else if let Some(last) = steps.last_mut() {
            last.unexplained = last.unexplained.take().or(surprise);
            last.after = self.holds.reserves();
        }
    }

    fn swap(&mut self, stored: &Stored, event: Box<SwapEvent>) -> Step {
        let begins = Holds {
            base: Some(event.pool_base_before),
            quote: Some(event.pool_quote_before),
            // Events of before the boost print none, and there was none.
            virtual_quote: Some(event.virtual_quote_before.unwrap_or(0)),
        };
        let gap = self.holds.gap_to(&begins);
        let replayed = event.replay(self.is_mayhem);
        self.holds = match &replayed {
            Ok(swap) => Holds {
                base: Some(swap.after.base_vault),
                quote: Some(swap.after.quote_vault),
                virtual_quote: Some(swap.after.virtual_quote),
            },
            // The vaults will tell.
            Err(_) => Holds { virtual_quote: begins.virtual_quote, ..Holds::default() },
        };
        let (slot, after) = (stored.place.0, self.holds.reserves());
        let (number, time_ms) = self.number(slot, Some(event.timestamp));
        let unexplained = gap.or(replayed.as_ref().err().map(|error| Unexplained::Amounts(*error)));
        let (kind, before) = (Kind::Swap(event, replayed.ok()), begins.reserves());
        Step { slot, number, time_ms, signature: stored.signature, kind, before, after, unexplained }
    }

    fn liquidity(&mut self, stored: &Stored, event: Box<LiquidityEvent>) -> Step {
        let begins = Holds {
            base: Some(event.pool_base_before),
            quote: Some(event.pool_quote_before),
            virtual_quote: self.holds.virtual_quote,
        };
        let unexplained = self.holds.gap_to(&begins);
        let moved = |held: u64, amount: u64| match event.kind {
            LiquidityKind::Deposit => held.checked_add(amount),
            LiquidityKind::Withdrawal => held.checked_sub(amount),
        };
        self.holds.base = moved(event.pool_base_before, event.base);
        self.holds.quote = moved(event.pool_quote_before, event.quote);
        let (slot, after) = (stored.place.0, self.holds.reserves());
        let (number, time_ms) = self.number(slot, Some(event.timestamp));
        let (kind, before) = (Kind::Liquidity(event), begins.reserves());
        Step { slot, number, time_ms, signature: stored.signature, kind, before, after, unexplained }
    }

    fn unreadable(&mut self, stored: &Stored, problem: String) -> Step {
        let before = self.holds.reserves();
        self.holds = Holds::default();
        let slot = stored.place.0;
        let (number, time_ms) = self.number(slot, stored.did.unix_seconds);
        let unexplained = Some(Unexplained::Unreadable(problem));
        let signature = stored.signature;
        Step { slot, number, time_ms, signature, kind: Kind::Unreadable, before, after: None, unexplained }
    }

    /// The number of a step within its slot, and its time; where the chain does not say, that of the step before.
    fn number(&mut self, slot: u64, unix_seconds: Option<i64>) -> (u64, i64) {
        let (number, last_ms) = match self.last {
            Some((last, number, time_ms)) => (if last == slot { number + 1 } else { 0 }, time_ms),
            None => (0, 0),
        };
        let time_ms = unix_seconds.map_or(last_ms, |seconds| seconds.saturating_mul(1_000));
        self.last = Some((slot, number, time_ms));
        (number, time_ms)
    }
}
