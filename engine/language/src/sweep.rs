//! The sets of numbers that a file asks for.

use std::collections::BTreeMap;

use q50_engine::strategy::parameters::Range;

use crate::{
    error::{Code, Error},
    program::Program,
    reader::Entry,
    slot::Slot,
};

/// More sets of the numbers of one indicator than this are a mistake.
const MOST_SETS: usize = 1_000_000;

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
        let range = slot.range(program).unwrap_or(Range::whole(0, 0));
        let mut values = Vec::new();
        for item in entry.list()? {
            let (value, _) = item.number()?;
            if !range.contains(value) {
                return Err(item.fault(Code::SweepValue, format!("{value} is not {range}")));
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
    let swept = Program { sweep: axes, ..program.clone() };
    match swept.extent().sets {
        0 => Err(section.fault_of_key(
            Code::SweepValue,
            format!("every set breaks a rule between its numbers; the first: {}", swept.rule_of_the_first_set()),
        )),
        _ => Ok(swept.sweep),
    }
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
    /// The rule that the first values of all axes break.
    fn rule_of_the_first_set(&self) -> String {
        let mut first = self.clone();
        for axis in &self.sweep {
            axis.slot.set(&mut first, axis.values[0]);
        }
        self.sweep.iter().find_map(|axis| axis.slot.broken(&mut first)).unwrap_or_default()
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
                if axes.iter().any(|axis| axis.slot.broken(&mut program).is_some()) {
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
