//! Numbers of a program by their paths.

use q50_engine::strategy::parameters::Range;
use q50_indicators::{Bounds, Value};

use crate::{
    condition::{Condition, Operand},
    indicators::MOST_SHIFT,
    levels::{Bounds as LevelBounds, Stop, Target},
    program::{Named, Program, Side, Term},
};

/// A number of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A parameter of an indicator.
    Parameter {
        /// Place of the indicator.
        indicator: usize,
        /// The parameter.
        name: &'static str,
    },
    /// The shift of an indicator.
    Shift {
        /// Place of the indicator.
        indicator: usize,
    },
    /// The number of a stop-loss: the common one, or that of a side.
    Stop(Option<Side>),
    /// The number of a take-profit: the common one, or that of a side.
    Target(Option<Side>),
    /// A number that something is compared with.
    Threshold {
        /// Whether the condition is one of an exit.
        exit: bool,
        /// Whose condition.
        side: Side,
        /// Its place in the list.
        place: usize,
        /// From there, which group and which place in it.
        groups: Vec<(Group, usize)>,
        /// Which of its numbers.
        part: Part,
    },
}

/// What kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Of which one term must hold.
    Any,
    /// Of which all must.
    All,
}

/// A number of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the other side is compared with.
    Value,
    /// The lower bound.
    Low,
    /// The upper bound.
    High,
}

impl Slot {
    /// The slot at `path`, if there is a number.
    pub(crate) fn find(path: &str, program: &Program) -> Option<Self> {
        let (section, rest) = path.split_once('.')?;
        let of_section = match section {
            "entry_conditions" | "exit_conditions" => Self::threshold(section == "exit_conditions", rest),
            "indicators" => {
                let (name, field) = rest.split_once('.')?;
                Self::of_indicator(name, field, program)
            }
            _ => Self::level(section, rest, program),
        };
        of_section.filter(|slot| slot.range(program).is_some()).or_else(|| Self::of_indicator(section, rest, program))
    }

    fn of_indicator(name: &str, field: &str, program: &Program) -> Option<Self> {
        let indicator = program.indicators.iter().position(|named| named.name == name)?;
        if field == "shift" {
            return Some(Self::Shift { indicator });
        }
        let fields = program.indicators[indicator].indicator.formula().fields();
        let field = fields.iter().find(|known| known.name == field && !matches!(known.bounds, Bounds::Word(_)))?;
        Some(Self::Parameter { indicator, name: field.name })
    }

    fn level(section: &str, field: &str, program: &Program) -> Option<Self> {
        let (kind, side) = match section.rsplit_once('_') {
            Some((kind, "long")) => (kind, Some(Side::Long)),
            Some((kind, "short")) => (kind, Some(Side::Short)),
            _ => (section, None),
        };
        let slot = match kind {
            "stop_loss" => Self::Stop(side),
            "take_profit" => Self::Target(side),
            _ => return None,
        };
        let (_, (name, ..)) = slot.of_level(program)?;
        (name == field).then_some(slot)
    }

    fn threshold(exit: bool, path: &str) -> Option<Self> {
        let (terms, part) = path.rsplit_once('.')?;
        let part = match part {
            "value" => Part::Value,
            "low" => Part::Low,
            "high" => Part::High,
            _ => return None,
        };
        let mut terms = terms.split('.').map(indexed);
        let (side, place) = terms.next()??;
        let side = Side::BOTH.into_iter().find(|known| known.word() == side)?;
        let groups = terms.map(|term| {
            let (group, place) = term?;
            match group {
                "any" => Some((Group::Any, place)),
                "all" => Some((Group::All, place)),
                _ => None,
            }
        });
        Some(Self::Threshold { exit, side, place, groups: groups.collect::<Option<_>>()?, part })
    }

    /// The number of a stop-loss or a take-profit.
    fn of_level(&self, program: &Program) -> Option<(f64, LevelBounds)> {
        match self {
            Self::Stop(side) => program.stops.own(*side)?.number(),
            Self::Target(side) => program.targets.own(*side)?.number(),
            _ => None,
        }
    }

    fn of_threshold<'p>(&self, program: &'p mut Program) -> Option<&'p mut f64> {
        let Self::Threshold { exit, side, place, groups, part } = self else { return None };
        let sides = if *exit { &mut program.exits } else { &mut program.entries };
        let mut term = sides.of_mut(*side).get_mut(*place)?;
        for (group, place) in groups {
            term = match (term, group) {
                (Term::Any(terms), Group::Any) | (Term::All(terms), Group::All) => terms.get_mut(*place)?,
                _ => return None,
            };
        }
        let Term::Is(condition) = term else { return None };
        let operand = match (condition, part) {
            (Condition::Compare { left: number @ Operand::Number(_), .. }, Part::Value)
            | (Condition::Compare { right: number, .. }, Part::Value)
            | (Condition::Between { low: number, .. }, Part::Low)
            | (Condition::Between { high: number, .. }, Part::High) => number,
            _ => return None,
        };
        if let Operand::Number(number) = operand { Some(number) } else { None }
    }

    /// What the number may be; `None` where there is none.
    pub(crate) fn range(&self, program: &Program) -> Option<Range> {
        match self {
            Self::Shift { .. } => Some(Range::whole(0, MOST_SHIFT)),
            Self::Parameter { indicator, name } => {
                let fields = program.indicators.get(*indicator)?.indicator.formula().fields();
                range_of(fields.iter().find(|field| field.name == *name)?.bounds)
            }
            Self::Stop(_) | Self::Target(_) => {
                let (_, (_, least, most)) = self.of_level(program)?;
                Some(Range::within(least, most))
            }
            Self::Threshold { .. } => self.of_threshold(&mut program.clone()).map(|_| Range::FINITE),
        }
    }

    /// Puts `value` where the slot leads.
    pub(crate) fn set(&self, program: &mut Program, value: f64) {
        match self {
            Self::Shift { indicator } => program.indicators[*indicator].indicator.shift = value as usize,
            Self::Parameter { indicator, name } => {
                let indicator = &mut program.indicators[*indicator].indicator;
                let field = indicator.formula().fields().iter().find(|field| field.name == *name);
                let value = match field.map(|field| field.bounds) {
                    Some(Bounds::Whole { .. }) => Value::Whole(value as u32),
                    _ => Value::Number(value),
                };
                // The axis was checked against the bounds of the parameter.
                let set = indicator.set(name, value);
                debug_assert!(set.is_ok(), "{set:?}");
            }
            Self::Stop(side) => {
                if let Some(number) = program.stops.place(*side).and_then(Stop::number_mut) {
                    *number = value;
                }
            }
            Self::Target(side) => {
                if let Some(number) = program.targets.place(*side).and_then(Target::number_mut) {
                    *number = value;
                }
            }
            Self::Threshold { .. } => {
                if let Some(number) = self.of_threshold(program) {
                    *number = value;
                }
            }
        }
    }

    /// The indicator whose parameter it is.
    pub(crate) const fn indicator(&self) -> Option<usize> {
        match self {
            Self::Parameter { indicator, .. } | Self::Shift { indicator } => Some(*indicator),
            Self::Stop(_) | Self::Target(_) | Self::Threshold { .. } => None,
        }
    }

    /// What it shares rules with: the numbers of one indicator, or of one condition.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::Threshold { exit, side, place, groups, .. } => format!("{exit} {side:?} {place} {groups:?}"),
            _ => self.indicator().map_or_else(|| format!("{self:?}"), |indicator| indicator.to_string()),
        }
    }

    /// The rule that the numbers which it shares rules with break in `program`.
    pub(crate) fn broken(&self, program: &mut Program) -> Option<String> {
        if let Some(indicator) = self.indicator() {
            let Named { name, indicator, .. } = &program.indicators[indicator];
            return indicator.broken_rule().map(|(_, rule)| format!("`{name}`: {rule}"));
        }
        let Self::Threshold { exit, side, place, groups, .. } = self else { return None };
        let bound = |program: &mut Program, part| {
            let (exit, side, place, groups) = (*exit, *side, *place, groups.clone());
            Self::Threshold { exit, side, place, groups, part }.of_threshold(program).copied()
        };
        match (bound(program, Part::Low), bound(program, Part::High)) {
            (Some(low), Some(high)) if low >= high => Some(format!("between {low} and {high}: the bounds must ascend")),
            _ => None,
        }
    }
}

/// What a parameter of an indicator may be, where it is a number.
pub(crate) fn range_of(bounds: Bounds) -> Option<Range> {
    match bounds {
        Bounds::Whole { least, most, .. } => Some(Range::whole(least, most)),
        Bounds::Number { least, most, .. } => Some(Range::within(least, most)),
        Bounds::Word(_) => None,
    }
}

/// `name[3]` as its two parts.
fn indexed(part: &str) -> Option<(&str, usize)> {
    let (name, place) = part.strip_suffix(']')?.split_once('[')?;
    let digits = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
    Some((name, place.parse().ok().filter(|_| digits)?))
}
