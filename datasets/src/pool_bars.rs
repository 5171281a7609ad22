//! Bars of a pool, from its steps: the same for a recorded tape and for one that is still being recorded.
//!
//! A pool has a price at every moment, that of its reserves: a bar opens where the last one closed and follows the
//! reserves that each step leaves. A stretch without steps has bars too, without volume, because the reserves are known
//! to have stood still. Bars are aligned to 1970 and closed by the chain's own clock, never by ours: a bar is complete
//! once everything up to a slot at or after its end is known, so nothing later can change it.
//!
//! The order of steps is the chain's, whatever order they arrive in.
//!
//! ```
//! use q50_datasets::pool_bars::{PoolBars, PoolReserves, PoolStep, PoolUnits};
//!
//! let mut bars = PoolBars::new(60_000, PoolUnits { base_decimals: 6, quote_decimals: 9 });
//! let before = PoolReserves { base: 1_000_000_000, quote: 50_000_000_000 }; // 1,000 coins at 0.05 SOL
//! let after = PoolReserves { base: 800_000_000, quote: 62_500_000_000 };
//! bars.push(PoolStep { slot: 7, place: 0, time_ms: 61_000, before, after, volume: 200_000_000 })?;
//! assert!(bars.through(150, 119_000).is_empty(), "the minute is not over");
//! let closed = bars.through(153, 120_000);
//! assert_eq!((closed.len(), closed[0].open_time, closed[0].volume), (1, 60_000, 200.0));
//! assert!((closed[0].open - 0.05).abs() < 1e-15 && (closed[0].close - 0.078125).abs() < 1e-15);
//! # Ok::<(), q50_datasets::pool_bars::LateStep>(())
//! ```

use std::collections::BTreeMap;

use thiserror::Error;

/// Reserves that price, in the smallest unit of their mint; the quote includes what is virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolReserves {
    /// Base.
    pub base: u64,
    /// Quote.
    pub quote: u64,
}

/// Digits behind the point of a pool's two mints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUnits {
    /// Of the base.
    pub base_decimals: u8,
    /// Of the quote.
    pub quote_decimals: u8,
}

impl PoolUnits {
    /// Quote for one whole unit of base, before fees.
    fn price(self, reserves: PoolReserves) -> f64 {
        let scale = 10_f64.powi(i32::from(self.base_decimals) - i32::from(self.quote_decimals));
        reserves.quote as f64 / reserves.base as f64 * scale
    }

    fn whole_base(self, amount: u128) -> f64 {
        amount as f64 / 10_f64.powi(i32::from(self.base_decimals))
    }
}

/// A change of a pool's reserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStep {
    /// Slot of the chain.
    pub slot: u64,
    /// Order within the slot.
    pub place: u64,
    /// The chain's clock in the slot: epoch milliseconds UTC.
    pub time_ms: i64,
    /// Reserves before.
    pub before: PoolReserves,
    /// Reserves after.
    pub after: PoolReserves,
    /// Base that was traded, in the smallest unit.
    pub volume: u64,
}

/// A step of a slot that was said to be known whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a step in slot {slot} came after everything up to slot {known} was said to be known")]
pub struct LateStep {
    /// The step's slot.
    pub slot: u64,
    /// The slot up to which everything was known.
    pub known: u64,
}

/// A bar that is closed, with the reserves at its close.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolBar {
    /// Epoch milliseconds UTC at which it opens.
    pub open_time: i64,
    /// Price at its opening, quote for one whole unit of base.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Price at its close.
    pub close: f64,
    /// Base traded, whole units.
    pub volume: f64,
    /// Reserves at its close.
    pub reserves: PoolReserves,
}

/// The bar that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    volume: u128,
    reserves: PoolReserves,
}

impl Open {
    fn new(time: i64, reserves: PoolReserves, units: PoolUnits) -> Self {
        let price = units.price(reserves);
        Self { time, open: price, high: price, low: price, volume: 0, reserves }
    }

    fn closed(&self, units: PoolUnits) -> PoolBar {
        PoolBar {
            open_time: self.time,
            open: self.open,
            high: self.high,
            low: self.low,
            close: units.price(self.reserves),
            volume: units.whole_base(self.volume),
            reserves: self.reserves,
        }
    }
}

/// Builds bars from steps.
#[derive(Clone, Debug)]
pub struct PoolBars {
    interval_ms: i64,
    units: PoolUnits,
    /// Steps of slots that are not known whole.
    waiting: BTreeMap<(u64, u64), PoolStep>,
    known: Option<u64>,
    open: Option<Open>,
}

impl PoolBars {
    /// Bars of `interval_ms` milliseconds, above 0.
    #[must_use]
    pub fn new(interval_ms: i64, units: PoolUnits) -> Self {
        Self { interval_ms: interval_ms.max(1), units, waiting: BTreeMap::new(), known: None, open: None }
    }

    /// Takes a step, in whatever order; one that is already waiting at its place is replaced.
    ///
    /// # Errors
    /// [`LateStep`] where everything up to its slot was said to be known.
    pub fn push(&mut self, step: PoolStep) -> Result<(), LateStep> {
        if let Some(known) = self.known.filter(|known| step.slot <= *known) {
            return Err(LateStep { slot: step.slot, known });
        }
        self.waiting.insert((step.slot, step.place), step);
        Ok(())
    }

    /// Everything up to `slot` is known, where the chain's clock shows `time_ms`: the bars that are over by then.
    pub fn through(&mut self, slot: u64, time_ms: i64) -> Vec<PoolBar> {
        let mut closed = Vec::new();
        let later = self.waiting.split_off(&(slot.saturating_add(1), 0));
        for step in std::mem::replace(&mut self.waiting, later).into_values() {
            self.close_until(step.time_ms, &mut closed);
            let opening = self.opening(step.time_ms);
            let (units, price) = (self.units, self.units.price(step.after));
            let open = self.open.get_or_insert_with(|| Open::new(opening, step.before, units));
            open.high = open.high.max(price);
            open.low = open.low.min(price);
            open.volume += u128::from(step.volume);
            open.reserves = step.after;
        }
        self.close_until(time_ms, &mut closed);
        self.known = self.known.max(Some(slot));
        closed
    }

    /// Closes every bar that ends at `time_ms` or before. The chain's clock does not fall: a step that says so belongs to
    /// the bar that is open.
    fn close_until(&mut self, time_ms: i64, closed: &mut Vec<PoolBar>) {
        while let Some(open) = &mut self.open {
            let end = open.time + self.interval_ms;
            if end > time_ms {
                break;
            }
            closed.push(open.closed(self.units));
            *open = Open::new(end, open.reserves, self.units);
        }
    }

    fn opening(&self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.interval_ms) * self.interval_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: PoolUnits = PoolUnits { base_decimals: 0, quote_decimals: 0 };

    fn at(base: u64, quote: u64) -> PoolReserves {
        PoolReserves { base, quote }
    }

    fn step(slot: u64, place: u64, time_ms: i64, before: PoolReserves, after: PoolReserves) -> PoolStep {
        PoolStep { slot, place, time_ms, before, after, volume: before.base.abs_diff(after.base) }
    }

    #[test]
    fn a_bar_follows_the_reserves_from_the_last_close_and_a_quiet_one_stands_still() {
        let mut bars = PoolBars::new(10, UNITS);
        bars.push(step(1, 0, 12, at(100, 200), at(50, 400))).unwrap();
        bars.push(step(2, 0, 19, at(50, 400), at(80, 240))).unwrap();
        bars.push(step(3, 0, 41, at(80, 240), at(160, 120))).unwrap();
        let closed = bars.through(3, 50);
        let told: Vec<_> = closed.iter().map(|b| (b.open_time, b.open, b.high, b.low, b.close, b.volume)).collect();
        assert_eq!(
            told,
            [
                (10, 2.0, 8.0, 2.0, 3.0, 80.0),
                (20, 3.0, 3.0, 3.0, 3.0, 0.0),
                (30, 3.0, 3.0, 3.0, 3.0, 0.0),
                (40, 3.0, 3.0, 0.75, 0.75, 80.0)
            ]
        );
        assert_eq!((closed[1].reserves, closed[3].reserves), (at(80, 240), at(160, 120)));
    }

    #[test]
    fn a_bar_is_closed_by_the_chains_clock_at_its_end_and_not_before() {
        let mut bars = PoolBars::new(10, UNITS);
        bars.push(step(1, 0, 3, at(1, 1), at(1, 2))).unwrap();
        assert_eq!(bars.through(8, 9), []);
        assert_eq!(bars.through(9, 10).len(), 1);
        assert_eq!(bars.through(9, 19), []);
    }

    #[test]
    fn a_step_of_a_slot_that_is_known_whole_is_refused() {
        let mut bars = PoolBars::new(10, UNITS);
        bars.through(5, 9);
        assert_eq!(bars.push(step(5, 0, 3, at(1, 1), at(1, 2))), Err(LateStep { slot: 5, known: 5 }));
        assert!(bars.push(step(6, 0, 3, at(1, 1), at(1, 2))).is_ok());
    }

    #[test]
    fn times_before_1970_are_aligned_downwards_too() {
        let mut bars = PoolBars::new(10, UNITS);
        bars.push(step(1, 0, -3, at(1, 1), at(1, 2))).unwrap();
        assert_eq!(bars.through(1, 0)[0].open_time, -10);
    }

    proptest! {
        #[test]
        fn bars_are_the_same_whatever_the_order_of_arrival_and_however_often_they_are_asked_for(
            quotes in prop::collection::vec((1_u64..1_000_000, 0_u64..3, 0_i64..40), 1..60),
            order in prop::collection::vec(any::<u32>(), 60), asked in prop::collection::vec(any::<bool>(), 60)
        ) {
            let (mut slot, mut time, mut before) = (1, 0, at(1_000, 1_000));
            let mut tape: Vec<PoolStep> = Vec::new();
            for (number, (quote, slots, ms)) in quotes.into_iter().enumerate() {
                slot += slots;
                // Time passes between slots, never within one.
                time += if slots > 0 { ms } else { 0 };
                tape.push(step(slot, number as u64, time, before, at(1_000, quote)));
                before = at(1_000, quote);
            }
            let mut whole = PoolBars::new(10, UNITS);
            tape.iter().for_each(|step| whole.push(*step).unwrap());
            let whole = whole.through(slot, time + 100);

            let mut live = PoolBars::new(10, UNITS);
            let mut closed = Vec::new();
            for (number, of_slot) in tape.chunk_by(|a, b| a.slot == b.slot).enumerate() {
                let mut arriving: Vec<_> = of_slot.iter().zip(&order).collect();
                arriving.sort_by_key(|(_, order)| **order);
                arriving.iter().for_each(|(step, _)| live.push(**step).unwrap());
                if asked[number % asked.len()] {
                    closed.extend(live.through(of_slot[0].slot, of_slot[0].time_ms));
                }
            }
            closed.extend(live.through(slot, time + 100));
            prop_assert_eq!(closed, whole);
        }
    }
}
