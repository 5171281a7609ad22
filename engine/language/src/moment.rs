//! What is known at the close of a bar: prices, signals and indicators, and the same at the bar before.

use std::collections::BTreeMap;

use q50_engine::market::{Column, History};
use q50_indicators::{Bar, Running};

use crate::{
    condition::{Comparison, Condition, Operand, Price, SIGNALS},
    program::{Program, Term, Timeframe},
    timeframes::Fold,
};

/// The values of every operand at one close; `NaN` where one is undefined.
#[derive(Clone, Debug)]
struct Values {
    bar: Bar,
    signals: [f64; SIGNALS.len()],
    outputs: Vec<Box<[f64]>>,
}

impl Values {
    fn of(&self, operand: Operand) -> f64 {
        match operand {
            Operand::Number(number) => number,
            Operand::Output { indicator, output } => self.outputs[indicator][output],
            Operand::Signal(column) => {
                SIGNALS.iter().position(|known| *known == column).map_or(f64::NAN, |place| self.signals[place])
            }
            Operand::Price(price) => match price {
                Price::Open => self.bar.open,
                Price::High => self.bar.high,
                Price::Low => self.bar.low,
                Price::Close => self.bar.close,
                Price::Volume => self.bar.volume,
            },
        }
    }
}

/// An indicator on its way through the bars of its timeframe.
#[derive(Debug)]
struct Counted {
    running: Running,
    /// Bars until all of its outputs have been computed once.
    missing: usize,
}

impl Counted {
    fn next(&mut self, bar: &Bar) {
        self.running.next(bar);
        self.missing = self.missing.saturating_sub(1);
    }
}

/// What a program knows, bar after bar.
#[derive(Debug)]
pub(crate) struct Moment {
    interval: i64,
    /// `None` for an indicator that nothing uses.
    indicators: Vec<Option<Counted>>,
    /// Places of the indicators of the primary bars.
    primary: Vec<usize>,
    /// Longer bars, and the places of their indicators.
    longer: Vec<(Fold, Vec<usize>)>,
    now: Values,
    before: Values,
}

impl Moment {
    pub(crate) fn new(program: &Program) -> Self {
        let start = |(place, named): (usize, &crate::program::Named)| {
            let used = program.uses(place);
            used.then(|| Counted { running: named.indicator.start(), missing: named.indicator.first() + 1 })
        };
        let indicators: Vec<Option<Counted>> = program.indicators.iter().enumerate().map(start).collect();
        let mut by_timeframe: BTreeMap<Timeframe, Vec<usize>> = BTreeMap::new();
        for (place, named) in program.used() {
            by_timeframe.entry(named.timeframe).or_default().push(place);
        }
        let primary = by_timeframe.remove(&program.timeframe).unwrap_or_default();
        let longer = by_timeframe.into_iter().map(|(timeframe, places)| (Fold::new(timeframe.ms()), places)).collect();
        let nothing = f64::NAN;
        let bar = Bar { open_time: 0, open: nothing, high: nothing, low: nothing, close: nothing, volume: nothing };
        let undefined = |named: &crate::program::Named| vec![nothing; named.indicator.formula().outputs().len()].into();
        let outputs = program.indicators.iter().map(undefined).collect();
        let values = Values { bar, signals: [nothing; SIGNALS.len()], outputs };
        Self { interval: program.timeframe.ms(), indicators, primary, longer, before: values.clone(), now: values }
    }

    /// A bar has closed.
    pub(crate) fn observe(&mut self, history: History<'_>) {
        let bar = history.bar();
        let volume = history.signal(Column::Volume).unwrap_or(f64::NAN);
        let q50_engine::market::Bar { open_time, open, high, low, close } = bar;
        let bar = Bar { open_time, open, high, low, close, volume };
        let indicators = &mut self.indicators;
        let mut feed = |places: &[usize], bar: &Bar| {
            for place in places {
                if let Some(counted) = &mut indicators[*place] {
                    counted.next(bar);
                }
            }
        };
        // At equal time the longer bar closes first.
        for (fold, places) in self.longer.iter_mut().rev() {
            fold.push(&bar, self.interval, |bar| feed(places, bar));
        }
        feed(&self.primary, &bar);
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.bar = bar;
        for (value, column) in self.now.signals.iter_mut().zip(SIGNALS) {
            *value = history.signal(column).unwrap_or(f64::NAN);
        }
        for (values, counted) in self.now.outputs.iter_mut().zip(&self.indicators) {
            if let Some(counted) = counted {
                values.copy_from_slice(counted.running.outputs());
            }
        }
    }

    /// Whether every indicator has had all of its outputs once.
    pub(crate) fn is_warm(&self) -> bool {
        self.indicators.iter().flatten().all(|counted| counted.missing == 0)
    }

    /// The first output of the indicator at `place`.
    pub(crate) fn output(&self, place: usize) -> f64 {
        self.now.of(Operand::Output { indicator: place, output: 0 })
    }

    /// Whether all of `terms` hold; a list without one never does.
    pub(crate) fn all(&self, terms: &[Term]) -> bool {
        !terms.is_empty() && terms.iter().all(|term| self.holds(term))
    }

    fn holds(&self, term: &Term) -> bool {
        match term {
            Term::Is(condition) => self.is(condition),
            Term::Any(terms) => terms.iter().any(|term| self.holds(term)),
            Term::All(terms) => self.all(terms),
        }
    }

    /// What is undefined compares with nothing: `NaN` makes every comparison false.
    fn is(&self, condition: &Condition) -> bool {
        match *condition {
            Condition::Between { operand, low, high } => {
                let value = self.now.of(operand);
                self.now.of(low) <= value && value <= self.now.of(high)
            }
            Condition::Compare { left, comparison, right } => {
                let (now, before) = (&self.now, &self.before);
                let (a, b) = (now.of(left), now.of(right));
                match comparison {
                    Comparison::Above => a > b,
                    Comparison::Below => a < b,
                    Comparison::AtLeast => a >= b,
                    Comparison::AtMost => a <= b,
                    Comparison::CrossesAbove => a > b && before.of(left) <= before.of(right),
                    Comparison::CrossesBelow => a < b && before.of(left) >= before.of(right),
                }
            }
        }
    }
}
