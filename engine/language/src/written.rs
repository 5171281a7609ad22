//! A program as a file again: with nothing left to defaults.

use std::{collections::BTreeSet, fmt::Write as _};

use q50_indicators::Value;

use crate::{
    condition::{Condition, Operand, Price},
    filters::{DAYS, Session},
    levels::{Stop, Target},
    program::{Named, Overridable, Program, Side, Term, Timeframe},
};

impl Program {
    /// The canonical form: a file that two programs share if and only if they say the same. Indicators are called by
    /// numbers in the order of their definitions, equal ones once, and what nothing uses, what bears on no trade (name,
    /// description, version, sweep, forms) and what is a matter of spelling is not in it. Read again, it is a program of
    /// the same canonical form.
    #[must_use]
    pub fn canonical(&self) -> String {
        let definitions: BTreeSet<String> = self.used().map(|(_, named)| named.definition()).collect();
        let number = |named: &Named| definitions.iter().position(|known| *known == named.definition());
        let name = |named: &Named| number(named).map_or_else(String::new, |number| format!("i{number}"));
        let mut written = BTreeSet::new();
        let mut first = |place: usize| self.uses(place) && written.insert(self.indicators[place].definition());
        let mut indicators: Vec<usize> = (0..self.indicators.len()).filter(|place| first(*place)).collect();
        indicators.sort_by_key(|place| number(&self.indicators[*place]));
        let program = Self {
            stops: self.by_side(&self.stops, Stop::None),
            targets: self.by_side(&self.targets, Target::None),
            // A turn needs something to turn to.
            reverse: self.reverse && self.sides().count() == 2,
            ..self.clone()
        };
        Writer { program: &program, names: self.indicators.iter().map(name).collect() }.file("strategy", &indicators)
    }

    /// What holds for each side that is entered, and `nothing` in common.
    fn by_side<L: Copy>(&self, levels: &Overridable<L>, nothing: L) -> Overridable<L> {
        let of = |side| self.sides().any(|entered| entered == side).then(|| *levels.of(side));
        Overridable { common: nothing, long: of(Side::Long), short: of(Side::Short) }
    }

    /// What entries and exits wait for, with definitions in place of names: equal where it says the same of every bar.
    pub(crate) fn rules(&self) -> String {
        let mut text = String::new();
        let names = self.indicators.iter().map(Named::definition).collect();
        Writer { program: self, names }.conditions(&mut text);
        text
    }

    /// The file as it was understood, with the names that it has, and every default spelled out: the same paths lead to
    /// the same numbers. Sweep and forms are not in it.
    #[must_use]
    pub fn understood(&self) -> String {
        let names = self.indicators.iter().map(|named| named.name.clone()).collect();
        let all: Vec<usize> = (0..self.indicators.len()).collect();
        Writer { program: self, names }.file(&self.name, &all)
    }
}

struct Writer<'a> {
    program: &'a Program,
    names: Vec<String>,
}

impl Writer<'_> {
    fn file(&self, name: &str, indicators: &[usize]) -> String {
        let program = self.program;
        let mut text = format!("name: {name}\ntimeframe: {}\n", program.timeframe.word());
        let timeframes = indicators.iter().map(|place| program.indicators[*place].timeframe);
        let longer: BTreeSet<Timeframe> = timeframes.filter(|timeframe| *timeframe != program.timeframe).collect();
        if !longer.is_empty() {
            let words: Vec<&str> = longer.into_iter().map(Timeframe::word).collect();
            let _ = writeln!(text, "additional_timeframes: [{}]", words.join(", "));
        }
        if !indicators.is_empty() {
            text.push_str("indicators:\n");
        }
        for place in indicators {
            let _ = writeln!(text, "  {}: {}", self.names[*place], indicator(&program.indicators[*place]));
        }
        self.conditions(&mut text);
        self.filters(&mut text);
        for (suffix, side) in [("", None), ("_long", Some(Side::Long)), ("_short", Some(Side::Short))] {
            if let Some(stop) = program.stops.own(side) {
                let _ = writeln!(text, "stop_loss{suffix}: {}", self.stop(stop));
            }
            if let Some(target) = program.targets.own(side) {
                let _ = writeln!(text, "take_profit{suffix}: {}", self.target(target));
            }
        }
        let _ = writeln!(text, "position_management: {{reverse: {}}}", program.reverse);
        text
    }

    fn conditions(&self, text: &mut String) {
        let program = self.program;
        for (section, sides) in [("entry_conditions", &program.entries), ("exit_conditions", &program.exits)] {
            if Side::BOTH.iter().all(|side| sides.of(*side).is_empty()) {
                continue;
            }
            let _ = writeln!(text, "{section}:");
            for side in Side::BOTH.into_iter().filter(|side| !sides.of(*side).is_empty()) {
                let _ = writeln!(text, "  {}:", side.word());
                for term in sides.of(side) {
                    let _ = writeln!(text, "    - {}", self.term(term));
                }
            }
        }
    }

    fn filters(&self, text: &mut String) {
        let filters = &self.program.filters;
        if *filters == Default::default() {
            return;
        }
        let clock = |minute: u16| format!("\"{:02}:{:02}\"", minute / 60, minute % 60);
        let session = |session: &Session| {
            let zone = session.zone.iana_name().unwrap_or("UTC");
            format!("{{start: {}, end: {}, timezone: {zone}}}", clock(session.start), clock(session.end))
        };
        let sessions: Vec<String> = filters.sessions.iter().map(session).collect();
        let blocked = DAYS.iter().filter(|(_, day)| filters.blocked_days.contains(day));
        let blocked: Vec<&str> = blocked.map(|(word, _)| *word).collect();
        let _ = writeln!(text, "time_filters:");
        let _ = writeln!(text, "  allowed_sessions: [{}]", sessions.join(", "));
        let _ = writeln!(text, "  blocked_days: [{}]", blocked.join(", "));
        if let Some(around) = filters.funding {
            let (before, after) = (around.before, around.after);
            let _ = writeln!(
                text,
                "  avoid_around_funding: {{enabled: true, minutes_before: {before}, minutes_after: {after}}}"
            );
        }
    }

    fn stop(&self, stop: &Stop) -> String {
        match *stop {
            Stop::None => "{type: none}".to_owned(),
            Stop::Percent(percent) => format!("{{type: fixed_pct, percent: {percent}}}"),
            Stop::Atr { multiplier, indicator, trailing } => {
                let kind = if trailing { "atr_trailing" } else { "atr_fixed" };
                self.ranges(kind, multiplier, indicator)
            }
        }
    }

    fn target(&self, target: &Target) -> String {
        match *target {
            Target::None => "{type: none}".to_owned(),
            Target::Percent(percent) => format!("{{type: fixed_pct, percent: {percent}}}"),
            Target::Atr { multiplier, indicator } => self.ranges("atr_fixed", multiplier, indicator),
            Target::RiskReward(ratio) => format!("{{type: risk_reward, risk_reward_ratio: {ratio}}}"),
        }
    }

    fn ranges(&self, kind: &str, multiplier: f64, indicator: usize) -> String {
        format!("{{type: {kind}, atr_multiplier: {multiplier}, indicator: {}}}", self.names[indicator])
    }

    fn term(&self, term: &Term) -> String {
        let group = |word: &str, terms: &[Term]| {
            let terms: Vec<String> = terms.iter().map(|term| self.term(term)).collect();
            format!("{{{word}: [{}]}}", terms.join(", "))
        };
        match term {
            Term::Is(condition) => format!("\"{}\"", self.condition(condition)),
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
                let outputs = self.program.indicators[indicator].indicator.formula().outputs();
                format!("{}.{}", self.names[indicator], outputs[output])
            }
        }
    }
}

fn indicator(Named { indicator, timeframe, .. }: &Named) -> String {
    let mut text = format!("{{type: {}, timeframe: {}", indicator.formula().name(), timeframe.word());
    for (name, value) in indicator.parameters().iter() {
        let _ = match value {
            Value::Whole(whole) => write!(text, ", {name}: {whole}"),
            Value::Number(number) => write!(text, ", {name}: {number}"),
            Value::Word(word) => write!(text, ", {name}: {word}"),
        };
    }
    if indicator.formula().inputs().has_source() {
        let _ = write!(text, ", source: {}", indicator.source.word());
    }
    let _ = write!(text, ", shift: {}}}", indicator.shift);
    text
}
