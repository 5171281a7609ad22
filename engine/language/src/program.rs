//! A strategy after reading.

use q50_engine::market::Column;
use q50_indicators::Indicator;

use crate::{
    condition::{Condition, Operand, Price},
    filters::Filters,
    levels::{Stop, Target},
    sweep::Axis,
};

/// The length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timeframe {
    /// One minute.
    M1,
    /// Five minutes.
    M5,
    /// A quarter of an hour.
    M15,
    /// An hour.
    H1,
    /// Four hours.
    H4,
    /// A day.
    D1,
}

impl Timeframe {
    /// Every length, by its word.
    pub const WORDS: [(&'static str, Self); 6] =
        [("1m", Self::M1), ("5m", Self::M5), ("15m", Self::M15), ("1h", Self::H1), ("4h", Self::H4), ("1d", Self::D1)];

    /// In milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        60_000
            * match self {
                Self::M1 => 1,
                Self::M5 => 5,
                Self::M15 => 15,
                Self::H1 => 60,
                Self::H4 => 240,
                Self::D1 => 1440,
            }
    }

    /// Its word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// Which way a position goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Bought.
    Long,
    /// Sold short.
    Short,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Long, Self::Short];

    /// Its word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }

    /// 1 for long, -1 for short.
    #[must_use]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }
}

/// Something for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// For long positions.
    pub long: T,
    /// For short positions.
    pub short: T,
}

impl<T> Sides<T> {
    /// That of `side`.
    #[must_use]
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::Long => &self.long,
            Side::Short => &self.short,
        }
    }

    /// That of `side`, to be changed.
    pub const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Long => &mut self.long,
            Side::Short => &mut self.short,
        }
    }
}

/// Something for both sides, that each may replace with its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overridable<T> {
    /// Where a side has none of its own.
    pub common: T,
    /// For long positions.
    pub long: Option<T>,
    /// For short positions.
    pub short: Option<T>,
}

impl<T> Overridable<T> {
    /// What holds for `side`.
    #[must_use]
    pub const fn of(&self, side: Side) -> &T {
        let own = match side {
            Side::Long => &self.long,
            Side::Short => &self.short,
        };
        match own {
            Some(own) => own,
            None => &self.common,
        }
    }
}

/// A condition, or several of which any or all must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// One condition.
    Is(Condition),
    /// One of them at least holds.
    Any(Vec<Term>),
    /// All of them hold.
    All(Vec<Term>),
}

impl Term {
    /// Every condition in it.
    pub fn conditions(&self) -> Box<dyn Iterator<Item = &Condition> + '_> {
        match self {
            Self::Is(condition) => Box::new(std::iter::once(condition)),
            Self::Any(terms) | Self::All(terms) => Box::new(terms.iter().flat_map(Self::conditions)),
        }
    }
}

/// An indicator as a file names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Its name in the file.
    pub name: String,
    /// The bars that it is computed from.
    pub timeframe: Timeframe,
    /// What it is.
    pub indicator: Indicator,
}

impl Named {
    /// Everything that bears on its values, and nothing else.
    pub(crate) fn definition(&self) -> String {
        format!("{} on {}", self.indicator, self.timeframe.word())
    }
}

/// A strategy as it was understood. References between its parts are places in [`Program::indicators`].
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What its author says about it.
    pub description: String,
    /// Its author's count of versions.
    pub version: u32,
    /// The bars that it trades on.
    pub timeframe: Timeframe,
    /// Longer bars that its indicators may be computed from.
    pub additional_timeframes: Vec<Timeframe>,
    /// Its indicators, in the order of the file.
    pub indicators: Vec<Named>,
    /// When a position is opened: all of the terms hold; never where there is none.
    pub entries: Sides<Vec<Term>>,
    /// When one is closed at market: all of the terms hold; never where there is none.
    pub exits: Sides<Vec<Term>>,
    /// When no position is opened.
    pub filters: Filters,
    /// Stop-losses.
    pub stops: Overridable<Stop>,
    /// Take-profits.
    pub targets: Overridable<Target>,
    /// Whether an entry of the other side turns a position.
    pub reverse: bool,
    /// What a sweep varies, the first axis is the outermost loop.
    pub sweep: Vec<Axis>,
}

impl Program {
    /// The sides that are ever entered.
    pub fn sides(&self) -> impl Iterator<Item = Side> {
        Side::BOTH.into_iter().filter(|side| !self.entries.of(*side).is_empty())
    }

    /// Every condition that bears on a trade.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let terms = self.sides().flat_map(|side| self.entries.of(side).iter().chain(self.exits.of(side)));
        terms.flat_map(Term::conditions)
    }

    /// Every operand that bears on a trade.
    fn operands(&self) -> impl Iterator<Item = Operand> {
        self.conditions().flat_map(Condition::operands)
    }

    /// Whether a condition, a stop or a target uses the indicator at `place`.
    #[must_use]
    pub fn uses(&self, place: usize) -> bool {
        let named = |operand| matches!(operand, Operand::Output { indicator, .. } if indicator == place);
        self.operands().any(named)
            || self.sides().any(|side| {
                self.stops.of(side).indicator() == Some(place) || self.targets.of(side).indicator() == Some(place)
            })
    }

    /// The indicators that are used, with their places.
    pub fn used(&self) -> impl Iterator<Item = (usize, &Named)> {
        self.indicators.iter().enumerate().filter(|(place, _)| self.uses(*place))
    }

    /// The names of those that nothing uses.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = self.indicators.iter().enumerate().filter(|(place, _)| !self.uses(*place));
        unused.map(|(_, named)| named.name.as_str())
    }

    /// Whether it says nothing without the volume of bars.
    #[must_use]
    pub fn needs_volume(&self) -> bool {
        self.operands().any(|operand| operand == Operand::Price(Price::Volume))
            || self.used().any(|(_, named)| named.indicator.needs_volume())
    }

    /// The signal columns that it reads, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = self
            .operands()
            .filter_map(|operand| if let Operand::Signal(column) = operand { Some(column) } else { None })
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// The row, counted from 0, of the first decision; `None` where it depends on the times of the bars, because an
    /// indicator is computed from longer ones.
    #[must_use]
    pub fn first_decision(&self) -> Option<usize> {
        let first = |(_, named): (usize, &Named)| (named.timeframe == self.timeframe).then(|| named.indicator.first());
        self.used().map(first).try_fold(0, |latest: usize, first| first.map(|first| latest.max(first)))
    }
}
