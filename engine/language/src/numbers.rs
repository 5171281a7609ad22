//! The numbers that bear on trades, by their paths: what a search may vary and the check `robust` moves.

use q50_engine::strategy::parameters::{Bearing, Parameter, Range};
use q50_indicators::Value;

use crate::{
    condition::{Condition, Operand},
    levels::{Bounds, Stop, Target},
    program::{Overridable, Program, Side, Term},
    slot::{Slot, range_of},
};

impl Program {
    /// Every number that bears on a trade, in the order of the file. A shift belongs to the rule rather than to its tuning
    /// (a channel of the bars before has one), and a fifth of a threshold of 0 is nothing: these bear on trades, and are
    /// not said to, so that `robust` leaves them as they are.
    pub(crate) fn numbers(&self) -> Vec<Parameter> {
        let mut numbers = Vec::new();
        for (place, named) in self.used() {
            let indicator = &named.indicator;
            let fields = indicator.formula().fields().iter().zip(indicator.parameters().iter());
            for (field, (name, value)) in fields {
                let value = match value {
                    Value::Whole(whole) => f64::from(whole),
                    Value::Number(number) => number,
                    Value::Word(_) => continue,
                };
                if let Some(range) = range_of(field.bounds) {
                    let short = format!("{}.{name}", named.name);
                    // An indicator may be called like a section.
                    let path = match Slot::find(&short, self) {
                        Some(Slot::Parameter { indicator, .. }) if indicator == place => short,
                        _ => format!("indicators.{short}"),
                    };
                    numbers.push(number(path, range, value, "parameter of an indicator", true));
                }
            }
        }
        for (section, sides) in [("entry_conditions", &self.entries), ("exit_conditions", &self.exits)] {
            for side in self.sides() {
                thresholds(&format!("{section}.{}", side.word()), sides.of(side), &mut numbers);
            }
        }
        levels("stop_loss", &self.stops, Stop::number, self, &mut numbers);
        levels("take_profit", &self.targets, Target::number, self, &mut numbers);
        numbers
    }
}

fn number(path: String, range: Range, value: f64, words: &'static str, moves: bool) -> Parameter {
    Parameter {
        path: path.into(),
        range,
        words,
        default: Some(value),
        value: Some(value),
        bearing: Bearing::when(moves),
    }
}

/// The numbers of the terms at `path[0]`, `path[1]` and so on.
fn thresholds(path: &str, terms: &[Term], numbers: &mut Vec<Parameter>) {
    let mut threshold = |path: String, operand: &Operand| {
        if let Operand::Number(value) = *operand {
            numbers.push(number(path, Range::FINITE, value, "what something is compared with", value != 0.0));
        }
    };
    for (place, term) in terms.iter().enumerate() {
        match term {
            Term::Is(Condition::Compare { left, right, .. }) => {
                threshold(format!("{path}[{place}].value"), left);
                threshold(format!("{path}[{place}].value"), right);
            }
            Term::Is(Condition::Between { low, high, .. }) => {
                threshold(format!("{path}[{place}].low"), low);
                threshold(format!("{path}[{place}].high"), high);
            }
            Term::Any(_) | Term::All(_) => {}
        }
    }
    for (place, term) in terms.iter().enumerate() {
        match term {
            Term::Any(terms) => thresholds(&format!("{path}[{place}].any"), terms, numbers),
            Term::All(terms) => thresholds(&format!("{path}[{place}].all"), terms, numbers),
            Term::Is(_) => {}
        }
    }
}

/// The numbers of stops or targets: the common one where a side has none of its own, and those of the sides.
fn levels<L>(
    section: &str,
    levels: &Overridable<L>,
    of: fn(&L) -> Option<(f64, Bounds)>,
    program: &Program,
    numbers: &mut Vec<Parameter>,
) {
    let mut level = |path: &str, level: Option<&L>| {
        if let Some((value, (name, least, most))) = level.and_then(of) {
            let (path, range) = (format!("{path}.{name}"), Range::within(least, most));
            numbers.push(number(path, range, value, "distance inside a bar", true));
        }
    };
    let own = |side: Side| levels.own(Some(side));
    if program.sides().any(|side| own(side).is_none()) {
        level(section, levels.own(None));
    }
    for side in program.sides() {
        level(&format!("{section}_{}", side.word()), own(side));
    }
}
