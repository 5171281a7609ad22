//! The canonical form: everything that could change a trade, and nothing else.

use std::fmt::Write as _;

use crate::{
    condition::{Condition, Operand, Price},
    levels::{Stop, Target},
    program::{Program, Term},
};

impl Program {
    /// A text that two programs share if and only if they say the same: indicators stand as their definitions, so that
    /// names, order of keys and spelling of numbers are not in it, and neither is what nothing uses. Its hash is the
    /// identity of a strategy.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = format!("timeframe {}\n", self.timeframe.word());
        for side in self.sides() {
            let word = side.word();
            for (what, terms) in [("entry", self.entries.of(side)), ("exit", self.exits.of(side))] {
                for term in terms {
                    let _ = writeln!(text, "{word} {what} {}", self.term(term));
                }
            }
            let stop = match *self.stops.of(side) {
                Stop::None => "none".to_owned(),
                Stop::Percent(percent) => format!("{percent} percent"),
                Stop::Atr { multiplier, indicator, trailing } => {
                    format!("{multiplier} x {}{}", self.definition(indicator), if trailing { " trailing" } else { "" })
                }
            };
            let target = match *self.targets.of(side) {
                Target::None => "none".to_owned(),
                Target::Percent(percent) => format!("{percent} percent"),
                Target::Atr { multiplier, indicator } => format!("{multiplier} x {}", self.definition(indicator)),
                Target::RiskReward(ratio) => format!("{ratio} x stop"),
            };
            let _ = writeln!(text, "{word} stop {stop}\n{word} target {target}");
        }
        for session in &self.filters.sessions {
            let zone = session.zone.iana_name().unwrap_or("UTC");
            let _ = writeln!(text, "session {} {} {zone}", session.start, session.end);
        }
        for day in &self.filters.blocked_days {
            let _ = writeln!(text, "blocked {day:?}");
        }
        if let Some(funding) = self.filters.funding {
            let _ = writeln!(text, "funding {} {}", funding.before, funding.after);
        }
        // A turn needs something to turn to.
        if self.reverse && self.sides().count() == 2 {
            text.push_str("reverse\n");
        }
        text
    }

    /// An indicator by what it computes.
    fn definition(&self, place: usize) -> String {
        let named = &self.indicators[place];
        format!("[{} on {}]", named.indicator, named.timeframe.word())
    }

    fn term(&self, term: &Term) -> String {
        let group = |word: &str, terms: &[Term]| {
            let terms: Vec<String> = terms.iter().map(|term| self.term(term)).collect();
            format!("{word}({})", terms.join("; "))
        };
        match term {
            Term::Is(condition) => self.condition(condition),
            Term::Any(terms) => group("any", terms),
            Term::All(terms) => group("all", terms),
        }
    }

    fn condition(&self, condition: &Condition) -> String {
        let of = |operand: &Operand| self.operand(operand);
        match condition {
            Condition::Compare { left, comparison, right } => {
                format!("{} {} {}", of(left), comparison.word(), of(right))
            }
            Condition::Between { operand, low, high } => format!("{} between {} {}", of(operand), of(low), of(high)),
        }
    }

    fn operand(&self, operand: &Operand) -> String {
        match *operand {
            Operand::Price(price) => Price::WORDS[price as usize].0.to_owned(),
            Operand::Signal(column) => format!("signals.{}", column.name()),
            // Minus nothing is nothing.
            Operand::Number(number) => (number + 0.0).to_string(),
            Operand::Output { indicator, output } => {
                let outputs = self.indicators[indicator].indicator.formula().outputs();
                format!("{}.{}", self.definition(indicator), outputs[output])
            }
        }
    }
}
