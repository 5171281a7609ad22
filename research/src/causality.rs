//! Does a strategy use anything that was not yet known? Two experiments answer this without reading its code.
//!
//! **Prefix.** The record is cut after a bar, and the strategy is built and replayed on the rest. Every decision up to
//! the cut must equal the one made on the whole record. **Lag.** The signals are moved by one bar, into the past and
//! into the future. If nothing changes, the strategy does not read them at their time, or the experiment is blind.

use q50_engine::{
    decision::Decision,
    market::{Column, Market, Signals},
    orders::Event,
    record::{DecisionRow, Journal, Recorder},
    replay::replay,
    strategy::{Explanation, Strategy},
    venue::Venue,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the two experiments found.
#[derive(Clone, Debug, PartialEq)]
pub struct CausalityReport {
    /// Cuts made.
    pub cuts: usize,
    /// Cuts after which a decision before the cut was another one.
    pub broken_cuts: usize,
    /// Row of the earliest decision that changed.
    pub first_changed: Option<usize>,
    /// Whether there were signals to move.
    pub signals: bool,
    /// Decisions that changed when the signals came one bar late.
    pub changed_by_delay: usize,
    /// Decisions that changed when the signals came one bar early, the planted look-ahead.
    pub changed_by_peek: usize,
}

impl CausalityReport {
    /// Whether no decision depended on the future, and the canary saw both shifts where there was something to shift.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.broken_cuts == 0 && (!self.signals || self.changed_by_delay > 0 && self.changed_by_peek > 0)
    }
}

/// Runs both experiments with `cuts` random cuts from `seed`, on the signals of `market`, which are those that the strategy
/// reads. `journal` is that of the replay of the strategy on all of `market`. `build` makes the strategy from the market it
/// will see, as that replay does; it must not remember other markets.
pub fn examine<S, V, F>(
    market: &Market<'_>,
    venue: &V,
    journal: &Journal,
    cuts: usize,
    seed: u64,
    build: F,
) -> CausalityReport
where
    S: Strategy,
    V: Venue + Clone + Sync,
    F: Fn(&Market<'_>) -> S + Sync,
{
    let compare = |market: &Market<'_>| {
        let mut comparison = Comparison::with(journal);
        replay(market, &mut build(market), &mut venue.clone(), journal.capital, &mut comparison);
        comparison.changes()
    };
    experiment(market, market.signals.present().next().is_some(), cuts, seed, |view| match view {
        View::Until(row) => compare(&market.prefix(row)),
        View::Shifted(by) => {
            let signals = OwnedSignals::shifted(&market.signals, by);
            compare(&Market { signals: signals.borrow(), ..*market })
        }
    })
}

/// What a replay of an experiment is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    /// The rows before this one.
    Until(usize),
    /// All rows, with signals that are so many bars late, or early where negative.
    Shifted(isize),
}

/// How decisions differ from those of the whole record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    /// Row of the first decision that is another one, or was made from something else.
    pub(crate) first: Option<usize>,
    /// Decisions that are other ones.
    pub(crate) count: usize,
}

/// Both experiments on the rows of `market`, with or without `signals` to shift, by replays that `compare` makes.
pub(crate) fn experiment(
    market: &Market<'_>,
    signals: bool,
    cuts: usize,
    seed: u64,
    compare: impl Fn(View) -> Changes + Sync,
) -> CausalityReport {
    // Before the cuts, whose threads keep some of what they free.
    let [changed_by_delay, changed_by_peek] = [1, -1].map(|by| compare(View::Shifted(by)).count);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows: Vec<usize> = match market.len() - market.first {
        0 | 1 => Vec::new(),
        _ => (0..cuts).map(|_| rng.random_range(market.first + 1..market.len())).collect(),
    };
    rows.sort_unstable();
    // A long one beside a short one, so that two strategies at a time take the memory of one on the whole record.
    let (short, long) = rows.split_at(rows.len() / 2);
    let first_changed = |cut: Option<&usize>| compare(View::Until(*cut?)).first;
    let changed: Vec<usize> = (long.iter().rev().zip(0..))
        .map(|(cut, at)| rayon::join(|| first_changed(Some(cut)), || first_changed(short.get(at))))
        .flat_map(|(one, other)| one.into_iter().chain(other))
        .collect();
    CausalityReport {
        cuts: rows.len(),
        broken_cuts: changed.len(),
        first_changed: changed.iter().min().copied(),
        signals,
        changed_by_delay,
        changed_by_peek,
    }
}

/// Compares each decision and each fill with those that were made before, and keeps none of them. A decision that only says
/// that it acts shows by its fills what it ordered, and so do orders that were placed.
pub(crate) struct Comparison<'a> {
    before: &'a Journal,
    decisions: usize,
    fills: usize,
    last_row: usize,
    changes: Changes,
}

impl<'a> Comparison<'a> {
    pub(crate) fn with(before: &'a Journal) -> Self {
        Self { before, decisions: 0, fills: 0, last_row: 0, changes: Changes::default() }
    }

    /// What differs; a fill that did not happen again differs as well.
    pub(crate) fn changes(&self) -> Changes {
        let missing = self.before.fills.get(self.fills).map(|one| one.fill.row).filter(|row| *row <= self.last_row);
        Changes { first: self.changes.first.into_iter().chain(missing).min(), ..self.changes }
    }
}

impl Recorder for Comparison<'_> {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, _: f64, _: usize) {}

    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>) {
        let now = DecisionRow::new(row, decision, explanation);
        if let Some(before) = self.before.decisions.get(self.decisions).filter(|before| *before != now) {
            self.changes.first.get_or_insert(row);
            self.changes.count += usize::from((before.reason, before.acted) != (now.reason, now.acted));
        }
        self.decisions += 1;
        self.last_row = row;
    }

    fn event(&mut self, event: &Event) {
        let Some(now) = event.fill() else { return };
        if self.before.fills.get(self.fills).is_none_or(|before| before.fill != *now) {
            self.changes.first.get_or_insert(event.row);
            self.changes.count += usize::from(event.order.is_some());
        }
        self.fills += 1;
    }

    fn mark(&mut self, _: usize, _: f64, _: f64) {}
}

/// Signal columns that are moved in time.
#[derive(Clone, Debug, Default)]
pub struct OwnedSignals {
    columns: Vec<Column>,
    rows: usize,
    /// One column after the other. Of minutes each takes megabytes: as one block they go back to the system when they are
    /// dropped, where the allocator would keep them apart.
    values: Vec<f64>,
}

impl OwnedSignals {
    /// Columns whose row `t` is row `t - by` of `signals`; rows without a source are absent. A negative `by` shows the
    /// strategy the future.
    #[must_use]
    pub fn shifted(signals: &Signals<'_>, by: isize) -> Self {
        let columns: Vec<Column> = signals.present().map(|(column, _)| column).collect();
        let rows = signals.present().next().map_or(0, |(_, values)| values.len());
        let mut values = Vec::with_capacity(columns.len() * rows);
        for (_, column) in signals.present() {
            let source = |t: usize| t.checked_add_signed(-by).and_then(|source| column.get(source));
            values.extend((0..rows).map(|t| source(t).copied().unwrap_or(f64::NAN)));
        }
        Self { columns, rows, values }
    }

    /// The columns as the engine reads them.
    #[must_use]
    pub fn borrow(&self) -> Signals<'_> {
        let columns = self.columns.iter().zip(self.values.chunks(self.rows.max(1)));
        columns.fold(Signals::default(), |all, (column, values)| all.with(*column, values))
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        decision::{Budget, Intent, Order, Reason},
        ledger::Account,
        market::History,
        strategy::{StrategyConfig, threshold::ThresholdConfig},
        units::Fraction,
        venue::NextOpen,
    };

    use super::*;

    /// Prices and signals without any pattern that could hide a shift.
    struct World {
        time: Vec<i64>,
        price: Vec<f64>,
        signal: Vec<f64>,
    }

    impl World {
        fn new(n: usize) -> Self {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut price = 100.0;
            Self {
                time: (0..n as i64).map(|i| i * 3_600_000).collect(),
                price: (0..n)
                    .map(|_| {
                        price *= 1.0 + rng.random_range(-0.01..0.01);
                        price
                    })
                    .collect(),
                signal: (0..n).map(|_| rng.random_range(0.0..1.0)).collect(),
            }
        }

        fn market(&self) -> Market<'_> {
            Market {
                open_time: &self.time,
                open: &self.price,
                high: &self.price,
                low: &self.price,
                close: &self.price,
                signals: Signals::default().with(Column::Value, &self.signal),
                interval_ms: 3_600_000,
                first: 0,
            }
        }
    }

    fn venue() -> NextOpen {
        NextOpen::new(Fraction::from_bps(5.0))
    }

    fn examined<S: Strategy>(world: &World, cuts: usize, build: impl Fn(&Market<'_>) -> S + Sync) -> CausalityReport {
        let (market, mut journal) = (world.market(), Journal::default());
        replay(&market, &mut build(&market), &mut venue(), 1e6, &mut journal);
        examine(&market, &venue(), &journal, cuts, 1, build)
    }

    #[test]
    fn an_honest_strategy_passes_at_two_hundred_cuts() {
        let world = World::new(1_000);
        let config = StrategyConfig::new(ThresholdConfig::default());
        let report = examined(&world, 200, |m| config.prepare(m));
        assert_eq!((report.cuts, report.broken_cuts), (200, 0));
        assert!(report.passes(), "{report:?}");
    }

    /// Buys when the next close is higher: possible only by keeping the whole column from the day it was built.
    struct Peeks {
        closes: Vec<f64>,
    }

    impl Strategy for Peeks {
        fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
            let t = history.row();
            let rises = self.closes.get(t + 1).is_some_and(|next| *next > self.closes[t]);
            match (rises, account.position > 0.0) {
                (true, false) => {
                    Decision::Act(Intent { order: Order::Buy(Budget::Cash(Fraction::ONE)), reason: Reason::EnterLong })
                }
                (false, true) => Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong }),
                _ => Decision::Hold(Reason::Neutral),
            }
        }
    }

    #[test]
    fn a_strategy_that_peeks_is_caught() {
        let world = World::new(1_000);
        let report = examined(&world, 50, |m: &Market<'_>| Peeks { closes: m.close.to_vec() });
        assert!(report.broken_cuts > 10, "{report:?}");
        assert!(!report.passes());
    }

    #[test]
    fn a_strategy_that_does_not_read_its_signals_is_not_passed() {
        let world = World::new(100);
        let hold = |_: &Market<'_>| q50_engine::strategy::hold::BuyAndHold;
        let report = examined(&world, 10, hold);
        assert_eq!((report.broken_cuts, report.changed_by_peek), (0, 0));
        assert!(!report.passes());
    }

    #[test]
    fn shifting_moves_rows_and_leaves_the_rest_absent() {
        let (column, other) = ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
        let signals = Signals::default().with(Column::Side, &column).with(Column::Q10, &other);
        let late = OwnedSignals::shifted(&signals, 1);
        assert_eq!(late.borrow().get(Column::Side).unwrap()[1..], [1.0, 2.0]);
        assert!(late.borrow().get(Column::Side).unwrap()[0].is_nan());
        assert_eq!(late.borrow().get(Column::Q10).unwrap()[1..], [10.0, 20.0]);
        let early = OwnedSignals::shifted(&signals, -1);
        assert_eq!(early.borrow().get(Column::Side).unwrap()[..2], [2.0, 3.0]);
        assert!(!early.borrow().has(Column::Q50));
    }
}
