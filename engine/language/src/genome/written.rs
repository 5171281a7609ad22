//! A genome as JSON, which is read as the YAML that it also is: faults have lines.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use super::{
    AverageGene, Decimal, Direction, Gene, Genome, MOST_ENTRY, MOST_EXIT, Measure, Range,
    pool::{AVERAGES, INDICATORS, Kind, STOP, TARGET},
};
use crate::{
    condition::Comparison,
    error::{Code, Error},
    filters::Filters,
    program::{Overridable, Side, Timeframe},
    reader::{Entry, Mapping},
    yaml::{self, Node, Value as Tree},
};

const KEYS: [&str; 14] = [
    "name",
    "timeframe",
    "direction",
    "entry",
    "exit",
    "ma_entry",
    "ma_exit",
    "stop_pct",
    "target_pct",
    "stop_long_pct",
    "stop_short_pct",
    "target_long_pct",
    "target_short_pct",
    "time_filters",
];

impl Genome {
    /// The genome that `text` (JSON) states.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn read(text: &str) -> Result<Self, Error> {
        let tree = yaml::read(text)?;
        let document = Mapping::document(&tree)?;
        document.only(&KEYS)?;
        let direction = document.require("direction")?.word(&Direction::WORDS)?;
        let list = |name, most| genes(&document.require(name)?, 1..=most, gene);
        let averages = |name| document.get(name).map_or(Ok(Vec::new()), |list| genes(&list, 0..=1, average));
        Ok(Self {
            name: crate::read::name(&document.require("name")?)?,
            timeframe: document.require("timeframe")?.word(&Timeframe::WORDS)?,
            direction,
            entry: list("entry", MOST_ENTRY)?,
            exit: list("exit", MOST_EXIT)?,
            ma_entry: averages("ma_entry")?.pop(),
            ma_exit: averages("ma_exit")?.pop(),
            stops: levels(&document, "stop", STOP, direction)?,
            targets: levels(&document, "target", TARGET, direction)?,
            time_filters: document.get("time_filters").map(|section| time_filters(&section)).transpose()?,
        })
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let written = Written {
            name: &self.name,
            timeframe: self.timeframe.word(),
            direction: self.direction.word(),
            entry: self.entry.iter().map(WrittenGene::of).collect(),
            exit: self.exit.iter().map(WrittenGene::of).collect(),
            ma_entry: self.ma_entry.iter().map(WrittenAverage::of).collect(),
            ma_exit: self.ma_exit.iter().map(WrittenAverage::of).collect(),
            stop_pct: self.stops.common,
            target_pct: self.targets.common,
            stop_long_pct: self.stops.long,
            stop_short_pct: self.stops.short,
            target_long_pct: self.targets.long,
            target_short_pct: self.targets.short,
            time_filters: self.time_filters.as_ref(),
        };
        serde_json::to_string_pretty(&written).unwrap_or_else(|error| unreachable!("text and numbers: {error}")) + "\n"
    }
}

fn genes<T>(
    list: &Entry<'_>,
    count: std::ops::RangeInclusive<usize>,
    read: fn(&Mapping<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let items = list.list()?;
    if !count.contains(&items.len()) {
        let message = format!("{} genes, expected {} to {}", items.len(), count.start(), count.end());
        return Err(list.fault_of_key(Code::OutOfRange, message));
    }
    items.iter().map(|item| read(&item.mapping()?)).collect()
}

fn gene(fields: &Mapping<'_>) -> Result<Gene, Error> {
    fields.only(&["indicator", "params", "output", "op", "threshold"])?;
    let measure = measure(fields, &INDICATORS)?;
    let outputs: Vec<(&'static str, usize)> =
        measure.kind.outputs.iter().enumerate().map(|(place, output)| (output.name, place)).collect();
    let output = fields.require("output")?.word(&outputs)?;
    let threshold = fields.require("threshold")?;
    Ok(Gene {
        output,
        comparison: fields.require("op")?.word(&Comparison::WORDS)?,
        threshold: number(&threshold, measure.kind.outputs[output].thresholds)?,
        measure,
    })
}

fn average(fields: &Mapping<'_>) -> Result<AverageGene, Error> {
    fields.only(&["indicator", "params", "op"])?;
    let words = AverageGene::COMPARISONS.map(|comparison| (comparison.word(), comparison));
    Ok(AverageGene { measure: measure(fields, &AVERAGES)?, comparison: fields.require("op")?.word(&words)? })
}

fn measure(fields: &Mapping<'_>, pool: &'static [Kind]) -> Result<Measure, Error> {
    let words: Vec<(&'static str, &'static Kind)> = pool.iter().map(|kind| (kind.indicator, kind)).collect();
    let kind = fields.require("indicator")?.word(&words)?;
    let given = fields.require("params")?.mapping()?;
    given.only(&kind.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>())?;
    parameters(kind, &given)
}

/// The parameters of `kind`, each of which is stated.
pub(super) fn parameters(kind: &'static Kind, given: &Mapping<'_>) -> Result<Measure, Error> {
    let value = |parameter: &super::pool::Parameter| number(&given.require(parameter.name)?, parameter.range);
    Ok(Measure { kind, parameters: kind.parameters.iter().map(value).collect::<Result<_, _>>()? })
}

/// A number of a genome.
pub(super) fn number(entry: &Entry<'_>, range: Range) -> Result<Decimal, Error> {
    let (value, _) = entry.number()?;
    within(value, range).ok_or_else(|| entry.fault(Code::OutOfRange, format!("{value} is none of a genome: {range}")))
}

/// `value` where a genome can have it.
pub(super) fn within(value: f64, range: Range) -> Option<Decimal> {
    Decimal::exactly(value).filter(|decimal| range.contains(*decimal))
}

fn levels(
    document: &Mapping<'_>,
    what: &str,
    range: Range,
    direction: Direction,
) -> Result<Overridable<Decimal>, Error> {
    let own = |side: Side| {
        let Some(entry) = document.get(&format!("{what}_{}_pct", side.word())) else { return Ok(None) };
        if direction != Direction::Both {
            return Err(entry.fault_of_key(Code::Conflict, one_side(direction)));
        }
        number(&entry, range).map(Some)
    };
    let common = number(&document.require(&format!("{what}_pct"))?, range)?;
    Ok(Overridable { common, long: own(Side::Long)?, short: own(Side::Short)? })
}

/// Why a side has no level of its own.
pub(super) fn one_side(direction: Direction) -> String {
    format!("a genome that enters {} alone has one stop and one target", direction.word())
}

/// The section as it is written, once it is one.
pub(super) fn time_filters(section: &Entry<'_>) -> Result<Value, Error> {
    Filters::read(section)?;
    Ok(json(section.node))
}

fn json(node: &Node) -> Value {
    match &node.value {
        Tree::Null => Value::Null,
        Tree::Flag(flag) => Value::from(*flag),
        Tree::Number { value, whole: true } => Value::from(*value as i64),
        Tree::Number { value, whole: false } => Value::from(*value),
        Tree::Text(text) => Value::from(text.as_str()),
        Tree::List(items) => items.iter().map(json).collect(),
        Tree::Mapping(entries) => entries.iter().map(|(key, node)| (key.name.clone(), json(node))).collect(),
    }
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    timeframe: &'static str,
    direction: &'static str,
    entry: Vec<WrittenGene<'a>>,
    exit: Vec<WrittenGene<'a>>,
    ma_entry: Vec<WrittenAverage<'a>>,
    ma_exit: Vec<WrittenAverage<'a>>,
    stop_pct: Decimal,
    target_pct: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_long_pct: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_short_pct: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_long_pct: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_short_pct: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_filters: Option<&'a Value>,
}

#[derive(Serialize)]
struct WrittenGene<'a> {
    indicator: &'static str,
    params: Parameters<'a>,
    output: &'static str,
    op: &'static str,
    threshold: Decimal,
}

impl<'a> WrittenGene<'a> {
    fn of(gene: &'a Gene) -> Self {
        let kind = gene.measure.kind;
        Self {
            indicator: kind.indicator,
            params: Parameters(&gene.measure),
            output: kind.outputs[gene.output].name,
            op: gene.comparison.word(),
            threshold: gene.threshold,
        }
    }
}

#[derive(Serialize)]
struct WrittenAverage<'a> {
    indicator: &'static str,
    params: Parameters<'a>,
    op: &'static str,
}

impl<'a> WrittenAverage<'a> {
    fn of(gene: &'a AverageGene) -> Self {
        let measure = &gene.measure;
        Self { indicator: measure.kind.indicator, params: Parameters(measure), op: gene.comparison.word() }
    }
}

struct Parameters<'a>(&'a Measure);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.parameters.len()))?;
        for (parameter, value) in self.0.kind.parameters.iter().zip(&self.0.parameters) {
            map.serialize_entry(parameter.name, value)?;
        }
        map.end()
    }
}
