//! A program on a whole market: indicators as columns that programs share, conditions as bits, one row a bar.
//!
//! Row `t` follows from the rows up to `t` alone, and is what the stream makes of them, to the bit.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use q50_engine::market::{Column, Market};
use q50_indicators::Bar;

use crate::{
    condition::{Comparison, Condition, Operand, Price},
    program::{Named, Program, Side, Term},
    timeframes::Fold,
};

/// Most values of indicators that a market keeps: 256 MiB.
const MOST_VALUES: usize = 32 << 20;
/// Most rows of conditions that a market keeps: 16 MiB. Neighbours in a grid often differ in a stop alone.
const MOST_BITS: usize = 16 << 20;

/// The outputs of an indicator on a market.
#[derive(Debug)]
pub(crate) struct Outputs {
    columns: Vec<Vec<f64>>,
    /// The first row at which all of them have been computed once.
    first: usize,
}

impl Outputs {
    fn new(named: &Named, market: &Market<'_>, interval: i64) -> Self {
        let rows = market.len();
        let mut running = named.indicator.start();
        let mut columns = vec![Vec::with_capacity(rows); running.outputs().len()];
        let (mut missing, mut first) = (named.indicator.first() + 1, rows);
        let mut fold = (named.timeframe.ms() > interval).then(|| Fold::new(named.timeframe.ms()));
        for row in 0..rows {
            let bar = bar(market, row);
            let mut next = |bar: &Bar| {
                running.next(bar);
                missing = missing.saturating_sub(1);
            };
            match &mut fold {
                None => next(&bar),
                Some(fold) => fold.push(&bar, interval, next),
            }
            if missing == 0 {
                first = first.min(row);
            }
            for (column, value) in columns.iter_mut().zip(running.outputs()) {
                column.push(*value);
            }
        }
        Self { columns, first }
    }
}

fn bar(market: &Market<'_>, row: usize) -> Bar {
    let q50_engine::market::Bar { open_time, open, high, low, close } = market.bar(row);
    let volume = market.signals.get(Column::Volume).map_or(f64::NAN, |volume| volume[row]);
    Bar { open_time, open, high, low, close, volume }
}

/// What programs have asked for, by its definition: computed by the first.
struct Shared<T> {
    by_definition: Mutex<HashMap<String, Arc<OnceLock<Arc<T>>>>>,
}

impl<T> Shared<T> {
    /// What is defined so. Of more than `most`, those that are asked for next are kept.
    fn get(&self, definition: String, most: usize, compute: impl FnOnce() -> T) -> Arc<T> {
        let place = {
            let mut known = self.by_definition.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= most && !known.contains_key(&definition) {
                known.clear();
            }
            Arc::clone(known.entry(definition).or_default())
        };
        // Computed outside the lock: others want other columns.
        Arc::clone(place.get_or_init(|| Arc::new(compute())))
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { by_definition: Mutex::default() }
    }
}

/// Indicators and conditions of one market that programs have asked for.
#[derive(Default)]
pub(crate) struct Known {
    outputs: Shared<Outputs>,
    bits: Shared<Vec<u8>>,
}

impl Known {
    fn outputs(&self, named: &Named, market: &Market<'_>, interval: i64) -> Arc<Outputs> {
        let outputs = named.indicator.formula().outputs().len();
        let most = MOST_VALUES / (market.len() * outputs).max(1);
        self.outputs.get(named.definition(), most, || Outputs::new(named, market, interval))
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

/// What a program's conditions say at a bar.
const ENTER: [u8; 2] = [1, 2];
const EXIT: [u8; 2] = [4, 8];

/// A program on every row of a market.
#[derive(Debug)]
pub(crate) struct Rows {
    bits: Arc<Vec<u8>>,
    /// The first row that may be decided on.
    first: usize,
    /// `None` for an indicator that nothing uses.
    indicators: Vec<Option<Arc<Outputs>>>,
    /// The bar that has just closed.
    row: usize,
}

impl Rows {
    pub(crate) fn new(program: &Program, market: &Market<'_>, known: &Known) -> Self {
        let interval = program.timeframe.ms();
        let mut indicators = vec![None; program.indicators.len()];
        for (place, named) in program.used() {
            indicators[place] = Some(known.outputs(named, market, interval));
        }
        let first = indicators.iter().flatten().map(|outputs: &Arc<Outputs>| outputs.first).max().unwrap_or(0);
        let rows = Self { bits: Arc::default(), first, indicators, row: 0 };
        let most = MOST_BITS / market.len().max(1);
        let bits = known.bits.get(program.rules(), most, || rows.conditions(program, market));
        Self { bits, ..rows }
    }

    /// What the conditions of `program` say, row by row; a list without a condition never holds.
    fn conditions(&self, program: &Program, market: &Market<'_>) -> Vec<u8> {
        let mut bits = vec![0; market.len()];
        for side in program.sides() {
            for (terms, bit) in [(program.entries.of(side), ENTER), (program.exits.of(side), EXIT)] {
                if terms.is_empty() {
                    continue;
                }
                for (bits, holds) in bits.iter_mut().zip(self.all(terms, market)) {
                    *bits |= bit[side as usize] * holds;
                }
            }
        }
        bits
    }

    fn all(&self, terms: &[Term], market: &Market<'_>) -> Vec<u8> {
        let mut holds = vec![1; market.len()];
        for term in terms {
            match term {
                Term::Is(condition) => self.is(condition, market, &mut holds),
                Term::All(terms) => and(&mut holds, &self.all(terms, market)),
                Term::Any(terms) => {
                    let mut any = vec![0; market.len()];
                    for term in terms {
                        let one = self.all(std::slice::from_ref(term), market);
                        any.iter_mut().zip(one).for_each(|(any, one)| *any |= one);
                    }
                    and(&mut holds, &any);
                }
            }
        }
        holds
    }

    /// Clears the rows at which `condition` does not hold.
    fn is(&self, condition: &Condition, market: &Market<'_>, holds: &mut [u8]) {
        match *condition {
            Condition::Compare { left, comparison, right } => {
                compare(holds, self.values(left, market), comparison, self.values(right, market));
            }
            Condition::Between { operand, low, high } => {
                let operand = self.values(operand, market);
                compare(holds, self.values(low, market), Comparison::AtMost, operand);
                compare(holds, operand, Comparison::AtMost, self.values(high, market));
            }
        }
    }

    fn values<'a>(&'a self, operand: Operand, market: &Market<'a>) -> Values<'a> {
        let column = match operand {
            Operand::Number(number) => return Values::Number(number),
            Operand::Output { indicator, output } => {
                self.indicators[indicator].as_ref().map(|outputs| outputs.columns[output].as_slice())
            }
            Operand::Signal(column) => market.signals.get(column),
            Operand::Price(Price::Open) => Some(market.open),
            Operand::Price(Price::High) => Some(market.high),
            Operand::Price(Price::Low) => Some(market.low),
            Operand::Price(Price::Close) => Some(market.close),
            Operand::Price(Price::Volume) => market.signals.get(Column::Volume),
        };
        // What is not there compares with nothing.
        column.map_or(Values::Number(f64::NAN), Values::Column)
    }

    /// The bar at `row` has closed.
    pub(crate) fn observe(&mut self, row: usize) {
        self.row = row;
    }

    pub(crate) fn is_warm(&self) -> bool {
        self.row >= self.first
    }

    pub(crate) fn enters(&self, side: Side) -> bool {
        self.bits[self.row] & ENTER[side as usize] != 0
    }

    pub(crate) fn exits(&self, side: Side) -> bool {
        self.bits[self.row] & EXIT[side as usize] != 0
    }

    /// The row of the bar that has just closed.
    pub(crate) fn row(&self) -> usize {
        self.row
    }

    /// The first output of the indicator at `place`, a value a row; nothing where nothing uses it.
    pub(crate) fn column(&self, place: usize) -> &[f64] {
        self.indicators[place].as_ref().map_or(&[], |outputs| &outputs.columns[0])
    }

    /// How many rows from `from` on enter on no side.
    pub(crate) fn without_entry(&self, from: usize, end: usize) -> usize {
        // Before the first decision every row holds.
        let start = from.max(self.first).min(end);
        let entry = self.bits[start..end].iter().position(|bits| bits & (ENTER[0] | ENTER[1]) != 0);
        entry.map_or(end, |entry| start + entry) - from
    }

    /// How many rows from `from` on neither close nor turn a position of `side`, nor reach its exits, which `reach` says of
    /// each row in turn. The row before the one that does is not among them: what acts at its close is worth the same there,
    /// what was filled inside is not.
    pub(crate) fn without_exit(
        &self,
        market: &Market<'_>,
        from: usize,
        side: Side,
        turns: bool,
        mut reach: impl FnMut(usize) -> Reach,
    ) -> usize {
        let mut watched = EXIT[side as usize];
        if turns {
            watched |= ENTER[side.opposite() as usize];
        }
        let rows = from..market.len();
        let (low, high, open) = (&market.low[rows.clone()], &market.high[rows.clone()], &market.open[rows.clone()]);
        let bits = &self.bits[rows];
        for row in 0..bits.len() {
            let Reach { below, above } = reach(from + row);
            let down = (low[row] <= below) | (open[row] <= below);
            let filled = down | (high[row] >= above) | (open[row] >= above);
            if filled | (bits[row] & watched != 0) {
                return if filled { row.saturating_sub(1) } else { row };
            }
        }
        bits.len()
    }
}

/// Prices at which something is filled inside a bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// At this price or below it.
    pub(crate) below: f64,
    /// At this price or above it.
    pub(crate) above: f64,
}

/// A number a row.
#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    Number(f64),
    Column(&'a [f64]),
}

fn and(holds: &mut [u8], other: &[u8]) {
    holds.iter_mut().zip(other).for_each(|(holds, other)| *holds &= other);
}

/// Clears the rows of `holds` at which the comparison does not hold.
fn compare(holds: &mut [u8], left: Values<'_>, comparison: Comparison, right: Values<'_>) {
    let rows = holds.len();
    match (left, right) {
        (Values::Column(left), Values::Column(right)) => {
            let (left, right) = (&left[..rows], &right[..rows]);
            clear(holds, comparison, |row| left[row], |row| right[row]);
        }
        (Values::Column(left), Values::Number(right)) => {
            let left = &left[..rows];
            clear(holds, comparison, |row| left[row], |_| right);
        }
        (Values::Number(left), Values::Column(right)) => {
            let right = &right[..rows];
            clear(holds, comparison, |_| left, |row| right[row]);
        }
        (Values::Number(left), Values::Number(right)) => clear(holds, comparison, |_| left, |_| right),
    }
}

/// `NaN` makes every comparison false.
fn clear(holds: &mut [u8], comparison: Comparison, left: impl Fn(usize) -> f64, right: impl Fn(usize) -> f64) {
    match comparison {
        Comparison::Above => each(holds, |row| left(row) > right(row)),
        Comparison::Below => each(holds, |row| left(row) < right(row)),
        Comparison::AtLeast => each(holds, |row| left(row) >= right(row)),
        Comparison::AtMost => each(holds, |row| left(row) <= right(row)),
        Comparison::CrossesAbove => {
            crossing(holds, |row| (left(row) > right(row)) & (left(row - 1) <= right(row - 1)));
        }
        Comparison::CrossesBelow => {
            crossing(holds, |row| (left(row) < right(row)) & (left(row - 1) >= right(row - 1)));
        }
    }
}

fn each(holds: &mut [u8], test: impl Fn(usize) -> bool) {
    for (row, holds) in holds.iter_mut().enumerate() {
        *holds &= u8::from(test(row));
    }
}

/// Nothing crosses at the first row.
fn crossing(holds: &mut [u8], test: impl Fn(usize) -> bool) {
    if let [first, others @ ..] = holds {
        *first = 0;
        each(others, |row| test(row + 1));
    }
}
