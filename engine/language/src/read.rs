//! A whole file.

use q50_indicators::Catalog;

use crate::{
    condition::Condition,
    error::{Code, Error},
    filters::Filters,
    form, indicators, levels,
    levels::{Stop, Target},
    program::{Named, Overridable, Program, Side, Sides, Term, Timeframe},
    reader::{Entry, Mapping},
    sweep, yaml,
};

/// Greatest number of conditions in a list.
const MOST_CONDITIONS: usize = 20;
/// Greatest depth of groups.
const MOST_GROUPS: usize = 4;

const KEYS: [&str; 18] = [
    "name",
    "description",
    "version",
    "timeframe",
    "additional_timeframes",
    "indicators",
    "entry_conditions",
    "exit_conditions",
    "time_filters",
    "stop_loss",
    "stop_loss_long",
    "stop_loss_short",
    "take_profit",
    "take_profit_long",
    "take_profit_short",
    "position_management",
    "sweep",
    "parameters_schema",
];

impl Program {
    /// The strategy that `text` states, with indicator types of `catalog`.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn read(text: &str, catalog: &Catalog) -> Result<Self, Error> {
        let document = yaml::read(text)?;
        let document = Mapping::document(&document)?;
        document.only(&KEYS)?;
        let timeframe = document.require("timeframe")?.word(&Timeframe::WORDS)?;
        let additional_timeframes =
            document.get("additional_timeframes").map_or(Ok(Vec::new()), |entry| additional(&entry, timeframe))?;
        let indicators = document
            .get("indicators")
            .map_or(Ok(Vec::new()), |entry| indicators::read(&entry, catalog, timeframe, &additional_timeframes))?;
        let mut program = Self {
            name: name(&document.require("name")?)?,
            description: document.get("description").map_or(Ok(String::new()), |entry| description(&entry))?,
            version: document.get("version").map_or(Ok(1), |entry| entry.whole_in(1, 1000))?,
            timeframe,
            additional_timeframes,
            entries: terms(&document.require("entry_conditions")?, &indicators)?,
            exits: document.get("exit_conditions").map_or(Ok(Sides::default()), |entry| terms(&entry, &indicators))?,
            filters: document.get("time_filters").map_or(Ok(Filters::default()), |entry| Filters::read(&entry))?,
            stops: levels::read(&document, "stop_loss", &indicators)?,
            targets: levels::read(&document, "take_profit", &indicators)?,
            reverse: document.get("position_management").map_or(Ok(false), |entry| reverse(&entry))?,
            indicators,
            sweep: Vec::new(),
        };
        program.check_sides(&document)?;
        if let Some(section) = document.get("sweep") {
            program.sweep = sweep::read(&section, &program)?;
        }
        if let Some(section) = document.get("parameters_schema") {
            form::check(&section, &program)?;
        }
        Ok(program)
    }

    /// What a side has must be of use: it is entered, and a target by risk has a stop to measure it.
    fn check_sides(&self, document: &Mapping<'_>) -> Result<(), Error> {
        if self.sides().next().is_none() {
            let entry = document.require("entry_conditions")?;
            return Err(entry.fault_of_key(Code::NoEntry, "no entry condition: nothing ever opens a position"));
        }
        for side in Side::BOTH {
            let word = side.word();
            if self.entries.of(side).is_empty() {
                let never = |entry: Entry<'_>| {
                    Err(entry.fault_of_key(Code::Conflict, format!("there is no entry condition for {word}")))
                };
                if !self.exits.of(side).is_empty() {
                    let exits = document.require("exit_conditions")?.mapping()?;
                    return never(exits.require(word)?);
                }
                for section in ["stop_loss", "take_profit"] {
                    if let Some(own) = document.get(&format!("{section}_{word}")) {
                        return never(own);
                    }
                }
            } else if matches!(self.targets.of(side), Target::RiskReward(_)) && *self.stops.of(side) == Stop::None {
                let own = document.get(&format!("take_profit_{word}"));
                let target = own.map_or_else(|| document.require("take_profit"), Ok)?;
                return Err(target.fault_of_key(Code::Conflict, "a target by risk needs a stop"));
            }
        }
        Ok(())
    }
}

pub(crate) fn name(entry: &Entry<'_>) -> Result<String, Error> {
    let name = entry.text()?;
    if !indicators::is_name(name, 100) {
        let message = format!("`{name}` cannot be a name: small letters, digits and `_`, at most 100, a letter first");
        return Err(entry.fault(Code::BadName, message));
    }
    Ok(name.to_owned())
}

fn description(entry: &Entry<'_>) -> Result<String, Error> {
    let text = entry.text()?;
    match text.chars().count() {
        0..=1000 => Ok(text.to_owned()),
        length => Err(entry.fault(Code::OutOfRange, format!("{length} characters; at most 1000"))),
    }
}

fn additional(section: &Entry<'_>, primary: Timeframe) -> Result<Vec<Timeframe>, Error> {
    let mut additional = Vec::new();
    for entry in section.list()? {
        let timeframe = entry.word(&Timeframe::WORDS)?;
        if timeframe <= primary {
            return Err(entry.fault(Code::Conflict, format!("must be longer than {}", primary.word())));
        }
        if additional.contains(&timeframe) {
            return Err(entry.fault(Code::Conflict, format!("{} stands twice", timeframe.word())));
        }
        additional.push(timeframe);
    }
    Ok(additional)
}

fn reverse(section: &Entry<'_>) -> Result<bool, Error> {
    let fields = section.mapping()?;
    fields.only(&["scale_in", "partial_exit", "reverse"])?;
    for name in ["scale_in", "partial_exit"] {
        let Some(entry) = fields.get(name) else { continue };
        let fields = entry.mapping()?;
        fields.only(&["enabled"])?;
        if let Some(enabled) = fields.get("enabled")
            && enabled.flag()?
        {
            return Err(enabled.fault(Code::Unsupported, format!("`{name}` is not supported")));
        }
    }
    fields.get("reverse").map_or(Ok(false), |entry| entry.flag())
}

fn terms(section: &Entry<'_>, indicators: &[Named]) -> Result<Sides<Vec<Term>>, Error> {
    let fields = section.mapping()?;
    fields.only(&["long", "short"])?;
    let mut sides = Sides::default();
    for side in Side::BOTH {
        let Some(list) = fields.get(side.word()) else { continue };
        let items = list.list()?;
        if items.len() > MOST_CONDITIONS {
            let message = format!("{} conditions; at most {MOST_CONDITIONS}", items.len());
            return Err(list.fault_of_key(Code::OutOfRange, message));
        }
        *sides.of_mut(side) = items.iter().map(|item| term(item, indicators, 0)).collect::<Result<_, _>>()?;
    }
    Ok(sides)
}

fn term(entry: &Entry<'_>, indicators: &[Named], depth: usize) -> Result<Term, Error> {
    if !matches!(entry.node.value, yaml::Value::Mapping(_)) {
        return Condition::read(entry, indicators).map(Term::Is);
    }
    let group = entry.mapping()?;
    group.only(&["any", "all"])?;
    let mut keys = group.entries();
    let (Some((key, list)), second) = (keys.next(), keys.next()) else {
        return Err(entry.fault(Code::BadCondition, "an empty group; expected `any` or `all`"));
    };
    if let Some((_, second)) = second {
        return Err(second.fault_of_key(Code::BadCondition, "a group has one key, `any` or `all`"));
    }
    if depth == MOST_GROUPS {
        return Err(list.fault_of_key(Code::BadCondition, format!("groups are more than {MOST_GROUPS} deep")));
    }
    let terms: Vec<Term> =
        list.list()?.iter().map(|item| term(item, indicators, depth + 1)).collect::<Result<_, _>>()?;
    match key {
        _ if terms.is_empty() => Err(list.fault_of_key(Code::BadCondition, "an empty group")),
        "any" => Ok(Term::Any(terms)),
        _ => Ok(Term::All(terms)),
    }
}

impl<T> Overridable<T> {
    /// The common one, or that of `side` where it has its own.
    pub(crate) const fn own(&self, side: Option<Side>) -> Option<&T> {
        match side {
            None => Some(&self.common),
            Some(Side::Long) => self.long.as_ref(),
            Some(Side::Short) => self.short.as_ref(),
        }
    }

    /// The same, to be changed.
    pub(crate) const fn place(&mut self, side: Option<Side>) -> Option<&mut T> {
        match side {
            None => Some(&mut self.common),
            Some(Side::Long) => self.long.as_mut(),
            Some(Side::Short) => self.short.as_mut(),
        }
    }
}
