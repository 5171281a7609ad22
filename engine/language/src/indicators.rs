//! The section `indicators`.

use q50_indicators::{Bounds, Catalog, Formula, Indicator, ParameterError, Source, Value};

use crate::{
    error::{Code, Error},
    program::{Named, Timeframe},
    reader::{Entry, Mapping},
};

/// Greatest number of indicators in a file.
const MOST: usize = 50;
/// Greatest shift, in bars.
pub const MOST_SHIFT: u32 = 100;

/// What means something else in a condition.
const RESERVED: [&str; 17] = [
    "open",
    "high",
    "low",
    "close",
    "volume",
    "hl2",
    "hlc3",
    "ohlc4",
    "crosses_above",
    "crosses_below",
    "between",
    "signals",
    "any",
    "all",
    "and",
    "or",
    "not",
];

/// Whether `name` is `^[a-z][a-z0-9_]*$` and at most `longest` long.
pub(crate) fn is_name(name: &str, longest: usize) -> bool {
    name.len() <= longest
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Reads the section, of a strategy on `timeframe` with `additional` ones.
pub(crate) fn read(
    section: &Entry<'_>,
    catalog: &Catalog,
    timeframe: Timeframe,
    additional: &[Timeframe],
) -> Result<Vec<Named>, Error> {
    let section_of = section.mapping()?;
    let count = section_of.entries().count();
    if count > MOST {
        return Err(section.fault_of_key(Code::OutOfRange, format!("{count} indicators; at most {MOST}")));
    }
    section_of
        .entries()
        .map(|(name, entry)| {
            if !is_name(name, 64) || RESERVED.contains(&name) {
                let message = format!(
                    "`{name}` cannot name an indicator: small letters, digits and `_`, at most 64, a letter first, and \
                     no word of conditions"
                );
                return Err(entry.fault_of_key(Code::BadName, message));
            }
            let fields = entry.mapping()?;
            let timeframe = match fields.get("timeframe") {
                None => timeframe,
                Some(entry) => of_declared(&entry, timeframe, additional)?,
            };
            Ok(Named { name: name.to_owned(), timeframe, indicator: indicator(&entry, &fields, catalog)? })
        })
        .collect()
}

fn of_declared(entry: &Entry<'_>, primary: Timeframe, additional: &[Timeframe]) -> Result<Timeframe, Error> {
    let timeframe = entry.word(&Timeframe::WORDS)?;
    if timeframe == primary || additional.contains(&timeframe) {
        return Ok(timeframe);
    }
    let message = format!("{} is neither `timeframe` nor one of `additional_timeframes`", timeframe.word());
    Err(entry.fault(Code::UnknownReference, message))
}

fn indicator(entry: &Entry<'_>, fields: &Mapping<'_>, catalog: &Catalog) -> Result<Indicator, Error> {
    let kind = fields.require("type")?;
    let formula = catalog.find(kind.text()?).ok_or_else(|| {
        let known = catalog.iter().map(Formula::name).collect::<Vec<_>>().join(", ");
        kind.fault(Code::BadValue, format!("unknown indicator type; there are {known}"))
    })?;
    let common = ["type", "source", "timeframe", "shift"];
    let known: Vec<&str> = common.into_iter().chain(formula.fields().iter().map(|field| field.name)).collect();
    fields.only(&known)?;
    let mut indicator = Indicator::new(formula);
    if let Some(source) = fields.get("source") {
        indicator.source = source.word(&Source::ALL.map(|source| (source.word(), source)))?;
        if !formula.inputs().has_source() && indicator.source != Source::Close {
            let message = format!("{} reads prices of its own choice: leave `source` out", formula.name());
            return Err(source.fault(Code::Conflict, message));
        }
    }
    if let Some(shift) = fields.get("shift") {
        indicator.shift = shift.whole_in(0, MOST_SHIFT)? as usize;
    }
    for field in formula.fields() {
        let Some(given) = fields.get(field.name) else { continue };
        let value = match field.bounds {
            Bounds::Whole { least, most, .. } => Value::Whole(given.whole_in(least, most)?),
            Bounds::Number { least, most, .. } => Value::Number(given.number_in(least, most)?),
            Bounds::Word(words) => {
                let words: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
                Value::Word(given.word(&words)?)
            }
        };
        indicator
            .set(field.name, value)
            .map_err(|error: ParameterError| given.fault(Code::OutOfRange, error.to_string()))?;
    }
    match indicator.broken_rule() {
        None => Ok(indicator),
        // One number that breaks a rule by itself is at fault; of several that disagree none is.
        Some(([alone], rule)) => {
            let fault = |given: Entry<'_>| given.fault(Code::Conflict, rule);
            Err(fields.get(alone).map_or_else(|| entry.fault_of_key(Code::Conflict, rule), fault))
        }
        Some((_, rule)) => Err(entry.fault_of_key(Code::Conflict, rule)),
    }
}
