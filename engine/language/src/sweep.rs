//! Numbers by their paths, and the sets of them that a file asks for.

use std::collections::BTreeMap;

use q50_indicators::{Bounds, Value};

use crate::{
    condition::{Condition, Operand},
    error::{Code, Error},
    indicators::MOST_SHIFT,
    program::{Program, Side, Term},
    reader::Entry,
};

/// More sets of the numbers of one indicator than this are a mistake.
const MOST_SETS: usize = 1_000_000;

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

/// What a number may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) whole: bool,
}

impl Limits {
    pub(crate) fn allow(&self, value: f64) -> bool {
        value >= self.least && value <= self.most && value.is_finite() && (!self.whole || value.fract() == 0.0)
    }
}

/// A number that a sweep varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its path, as the file writes it.
    pub path: String,
    /// What it leads to.
    pub slot: Slot,
    /// Its values, each once, in the order of the file.
    pub values: Vec<f64>,
}

/// How many sets a sweep has, and its ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Extent {
    /// Sets that can be run.
    pub sets: u64,
    /// Sets that break a rule between their numbers.
    pub left_out: u64,
    /// The values of the first set that can be run, and of the last, one an axis.
    pub ends: Option<(Vec<f64>, Vec<f64>)>,
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
        of_section.filter(|slot| slot.limits(program).is_some()).or_else(|| Self::of_indicator(section, rest, program))
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
        let mut program = program.clone();
        let (_, (name, ..)) = slot.of_level(&mut program)?;
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

    fn of_level<'p>(&self, program: &'p mut Program) -> Option<(&'p mut f64, (&'static str, f64, f64))> {
        match self {
            Self::Stop(side) => program.stops.place(*side)?.number(),
            Self::Target(side) => program.targets.place(*side)?.number(),
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
    pub(crate) fn limits(&self, program: &Program) -> Option<Limits> {
        let whole = |least: u32, most: u32| Limits { least: f64::from(least), most: f64::from(most), whole: true };
        match self {
            Self::Shift { .. } => Some(whole(0, MOST_SHIFT)),
            Self::Parameter { indicator, name } => {
                let fields = program.indicators.get(*indicator)?.indicator.formula().fields();
                match fields.iter().find(|field| field.name == *name)?.bounds {
                    Bounds::Whole { least, most, .. } => Some(whole(least, most)),
                    Bounds::Number { least, most, .. } => Some(Limits { least, most, whole: false }),
                    Bounds::Word(_) => None,
                }
            }
            Self::Stop(_) | Self::Target(_) => {
                let mut program = program.clone();
                let (_, (_, least, most)) = self.of_level(&mut program)?;
                Some(Limits { least, most, whole: false })
            }
            Self::Threshold { .. } => {
                let mut program = program.clone();
                self.of_threshold(&mut program)?;
                Some(Limits { least: f64::NEG_INFINITY, most: f64::INFINITY, whole: false })
            }
        }
    }

    /// Puts `value` where the slot leads.
    fn set(&self, program: &mut Program, value: f64) {
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
            Self::Stop(_) | Self::Target(_) => {
                if let Some((number, _)) = self.of_level(program) {
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
    const fn indicator(&self) -> Option<usize> {
        match self {
            Self::Parameter { indicator, .. } | Self::Shift { indicator } => Some(*indicator),
            Self::Stop(_) | Self::Target(_) | Self::Threshold { .. } => None,
        }
    }

    /// What it shares rules with: the numbers of one indicator, or of one condition.
    fn scope(&self) -> String {
        match self {
            Self::Threshold { exit, side, place, groups, .. } => format!("{exit} {side:?} {place} {groups:?}"),
            _ => self.indicator().map_or_else(|| format!("{self:?}"), |indicator| indicator.to_string()),
        }
    }

    /// Whether the numbers that it shares rules with break none in `program`.
    fn holds(&self, program: &mut Program) -> bool {
        if let Some(indicator) = self.indicator() {
            return program.indicators[indicator].indicator.broken_rule().is_none();
        }
        let Self::Threshold { exit, side, place, groups, .. } = self else { return true };
        let bound = |program: &mut Program, part| {
            let (exit, side, place, groups) = (*exit, *side, *place, groups.clone());
            Self::Threshold { exit, side, place, groups, part }.of_threshold(program).copied()
        };
        match (bound(program, Part::Low), bound(program, Part::High)) {
            (Some(low), Some(high)) => low < high,
            _ => true,
        }
    }
}

/// `name[3]` as its two parts.
fn indexed(part: &str) -> Option<(&str, usize)> {
    let (name, place) = part.strip_suffix(']')?.split_once('[')?;
    let digits = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
    Some((name, place.parse().ok().filter(|_| digits)?))
}

/// Reads the section `sweep` of `program`.
pub(crate) fn read(section: &Entry<'_>, program: &Program) -> Result<Vec<Axis>, Error> {
    let mut axes: Vec<Axis> = Vec::new();
    for (path, entry) in section.mapping()?.entries() {
        let Some(slot) = Slot::find(path, program) else {
            return Err(entry.fault_of_key(Code::SweepPath, format!("`{path}` leads to no number")));
        };
        if axes.iter().any(|axis| axis.slot == slot) {
            return Err(
                entry.fault_of_key(Code::SweepPath, format!("`{path}` leads to a number that is swept already"))
            );
        }
        if let Some(unused) = slot.indicator().filter(|place| !program.uses(*place)) {
            let message = format!("nothing uses `{}`: every set would be the same", program.indicators[unused].name);
            return Err(entry.fault_of_key(Code::SweepPath, message));
        }
        let limits = slot.limits(program).unwrap_or(Limits { least: 0.0, most: 0.0, whole: true });
        let mut values = Vec::new();
        for item in entry.list()? {
            let (value, _) = item.number()?;
            if !limits.allow(value) {
                let kind = if limits.whole { "a whole number" } else { "a number" };
                let message = format!("{value} is not {kind} from {} to {}", limits.least, limits.most);
                return Err(item.fault(Code::SweepValue, message));
            }
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if values.is_empty() {
            return Err(entry.fault_of_key(Code::SweepValue, "no values"));
        }
        axes.push(Axis { path: path.to_owned(), slot, values });
        let scope = scopes(&axes).into_values().find(|members| {
            members
                .iter()
                .try_fold(1_usize, |sets, axis| sets.checked_mul(axes[*axis].values.len()))
                .is_none_or(|sets| sets > MOST_SETS)
        });
        if scope.is_some() {
            return Err(entry.fault_of_key(Code::SweepValue, format!("more than {MOST_SETS} sets of one indicator")));
        }
    }
    Ok(axes)
}

/// Axes that share rules, by what they share them with.
fn scopes(axes: &[Axis]) -> BTreeMap<String, Vec<usize>> {
    let mut scopes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, axis) in axes.iter().enumerate() {
        scopes.entry(axis.slot.scope()).or_default().push(place);
    }
    scopes
}

impl Program {
    /// The program with these values, one an axis of its sweep, and no sweep of its own. `None` where they break a rule
    /// between numbers: such a set is no trial.
    #[must_use]
    pub fn at(&self, values: &[f64]) -> Option<Self> {
        let mut program = Self { sweep: Vec::new(), ..self.clone() };
        for (axis, value) in self.sweep.iter().zip(values) {
            axis.slot.set(&mut program, *value);
        }
        self.sweep.iter().all(|axis| axis.slot.holds(&mut program)).then_some(program)
    }

    /// How many sets the sweep has. Rules hold between the numbers of one indicator or one condition, so that these are
    /// gone through by themselves, and the sets are their product.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let mut sets = 1_u64;
        let mut all = 1_u64;
        let mut ends = Some((vec![f64::NAN; self.sweep.len()], vec![f64::NAN; self.sweep.len()]));
        let mut program = self.clone();
        for members in scopes(&self.sweep).into_values() {
            let axes: Vec<&Axis> = members.iter().map(|axis| &self.sweep[*axis]).collect();
            let of_scope: usize = axes.iter().map(|axis| axis.values.len()).product();
            let mut valid = 0;
            for set in 0..of_scope {
                let values = values(&axes, set);
                for (axis, value) in axes.iter().zip(&values) {
                    axis.slot.set(&mut program, *value);
                }
                if !axes.iter().all(|axis| axis.slot.holds(&mut program)) {
                    continue;
                }
                valid += 1;
                if let Some((first, last)) = &mut ends {
                    for (axis, value) in members.iter().zip(values) {
                        if valid == 1 {
                            first[*axis] = value;
                        }
                        last[*axis] = value;
                    }
                }
            }
            if valid == 0 {
                ends = None;
            }
            sets = sets.saturating_mul(valid);
            all = all.saturating_mul(of_scope as u64);
        }
        Extent { sets, left_out: all.saturating_sub(sets), ends }
    }

    /// The values of every set that can be run, in the order of the file, the last axis fastest.
    pub fn sets(&self) -> impl Iterator<Item = Vec<f64>> + '_ {
        let axes: Vec<&Axis> = self.sweep.iter().collect();
        let all = axes.iter().map(|axis| axis.values.len()).fold(1, usize::saturating_mul);
        (0..all).map(move |set| values(&axes, set)).filter(|values| self.at(values).is_some())
    }
}

/// The values of the set with this number; the last axis is the fastest.
fn values(axes: &[&Axis], mut set: usize) -> Vec<f64> {
    let mut values: Vec<f64> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = axis.values[set % axis.values.len()];
            set /= axis.values.len();
            value
        })
        .collect();
    values.reverse();
    values
}
