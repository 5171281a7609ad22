//! The genome that a strategy file is. The language has many ways to say the same; a genome has one, so that a file and
//! its genome say exactly the same. Everything else is refused at its line.

use std::collections::BTreeSet;

use super::{
    AverageGene, Decimal, Direction, Gene, Genome, MOST_ENTRY, MOST_EXIT, Measure, Range,
    file::{LISTS, average_name, gene_name},
    pool::{AVERAGES, INDICATORS, Kind, STOP, TARGET},
    written::{number, one_side, parameters, time_filters, within},
};
use crate::{
    Catalog,
    condition::{Comparison, Condition, Operand, Price},
    error::{Code, Error},
    program::{Overridable, Program, Side, Term},
    reader::{Entry, Mapping},
    yaml,
};

const KEYS: [&str; 12] = [
    "name",
    "timeframe",
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
];

impl Genome {
    /// The genome of the strategy that `text` (YAML) states.
    ///
    /// # Errors
    /// The first fault of the strategy, or the first place at which it is none that a genome could be.
    pub fn of_strategy(text: &str) -> Result<Self, Error> {
        let program = Program::read(text, &Catalog::default())?;
        let tree = yaml::read(text)?;
        let document = Mapping::document(&tree)?;
        only(&document, &KEYS)?;
        let direction = match [Side::Long, Side::Short].map(|side| program.sides().any(|entered| entered == side)) {
            [true, true] => Direction::Both,
            [false, _] => Direction::Short,
            [true, false] => Direction::Long,
        };
        let indicators = document.require("indicators")?;
        let shape = Shape { program: &program, indicators: indicators.mapping()?, direction };
        let (entry, ma_entry) = shape.genes(&document.require("entry_conditions")?, LISTS[0], MOST_ENTRY)?;
        let (exit, ma_exit) = shape.genes(&document.require("exit_conditions")?, LISTS[1], MOST_EXIT)?;
        let genome = Self {
            stops: levels(&document, "stop_loss", STOP, direction)?,
            targets: levels(&document, "take_profit", TARGET, direction)?,
            time_filters: document.get("time_filters").map(|section| time_filters(&section)).transpose()?,
            name: program.name.clone(),
            timeframe: program.timeframe,
            direction,
            entry,
            exit,
            ma_entry,
            ma_exit,
        };
        let unused: BTreeSet<&str> = program.unused().collect();
        if let Some((name, entry)) = shape.indicators.entries().find(|(name, _)| unused.contains(name)) {
            return Err(entry.fault_of_key(Code::Unsupported, format!("no gene uses `{name}`")));
        }
        shape.check_mirror(&genome, &document)?;
        Ok(genome)
    }
}

/// Refuses every key but these.
fn only(mapping: &Mapping<'_>, known: &[&str]) -> Result<(), Error> {
    match mapping.entries().find(|(key, _)| !known.contains(key)) {
        None => Ok(()),
        Some((key, entry)) => {
            let message = format!("a genome has no `{key}`; here may stand {}", known.join(", "));
            Err(entry.fault_of_key(Code::Unsupported, message))
        }
    }
}

fn outside(entry: &Entry<'_>, message: impl Into<String>) -> Error {
    entry.fault(Code::Unsupported, message)
}

/// What genes are read from.
struct Shape<'a> {
    program: &'a Program,
    indicators: Mapping<'a>,
    direction: Direction,
}

impl Shape<'_> {
    /// The genes of `section`, and the comparison with an average, which is the last one.
    fn genes(&self, section: &Entry<'_>, list: &str, most: usize) -> Result<(Vec<Gene>, Option<AverageGene>), Error> {
        let sides = section.mapping()?;
        let words: Vec<&str> = match self.direction {
            Direction::Both => vec!["long", "short"],
            one => vec![one.word()],
        };
        only(&sides, &words)?;
        let side = self.direction.side();
        let of_side = sides.require(side.word())?;
        let items = of_side.list()?;
        let sides = if list == LISTS[0] { &self.program.entries } else { &self.program.exits };
        let (mut genes, mut average) = (Vec::new(), None);
        for (item, term) in items.iter().zip(sides.of(side)) {
            let Term::Is(Condition::Compare { left, comparison, right }) = *term else {
                return Err(outside(item, "a gene is one comparison"));
            };
            if average.is_some() {
                return Err(outside(item, "the comparison with an average is the last one, and there is one at most"));
            }
            match (left, right) {
                (Operand::Output { indicator, output }, Operand::Number(threshold)) => {
                    genes.push(self.gene(item, [indicator, output], comparison, threshold, (list, genes.len()))?);
                }
                (Operand::Price(Price::Close), Operand::Output { indicator, .. }) => {
                    average = Some(self.average(item, indicator, comparison, list)?);
                }
                _ => {
                    let message = "a gene is `indicator.output comparison number` or `close comparison average`";
                    return Err(outside(item, message));
                }
            }
        }
        if genes.is_empty() || genes.len() > most {
            let message = format!("{} comparisons with a threshold, expected 1 to {most}", genes.len());
            return Err(of_side.fault_of_key(Code::Unsupported, message));
        }
        Ok((genes, average))
    }

    fn gene(
        &self,
        item: &Entry<'_>,
        [indicator, output]: [usize; 2],
        comparison: Comparison,
        threshold: f64,
        (list, place): (&str, usize),
    ) -> Result<Gene, Error> {
        let measure = self.measure(item, indicator, &INDICATORS, |measure| gene_name(measure, list, place))?;
        let named = &self.program.indicators[indicator];
        let word = named.indicator.formula().outputs()[output];
        if !item.text()?.trim_start().starts_with(&format!("{}.{word}", named.name)) {
            return Err(outside(item, format!("a gene names its output: `{}.{word}`", named.name)));
        }
        let Some(output) = measure.kind.outputs.iter().position(|known| known.name == word) else {
            return Err(outside(item, format!("no gene compares `{word}` of {}", measure.kind.indicator)));
        };
        let thresholds = measure.kind.outputs[output].thresholds;
        let threshold = within(threshold, thresholds)
            .ok_or_else(|| item.fault(Code::OutOfRange, format!("{threshold} is none of a genome: {thresholds}")))?;
        Ok(Gene { measure, output, comparison, threshold })
    }

    fn average(
        &self,
        item: &Entry<'_>,
        indicator: usize,
        comparison: Comparison,
        list: &str,
    ) -> Result<AverageGene, Error> {
        let measure = self.measure(item, indicator, &AVERAGES, |measure| average_name(measure, list))?;
        if !AverageGene::COMPARISONS.contains(&comparison) {
            let words = AverageGene::COMPARISONS.map(Comparison::word).join(", ");
            return Err(outside(item, format!("the close is compared with an average by one of {words}")));
        }
        let name = &self.program.indicators[indicator].name;
        if item.text()?.contains(&format!("{name}.")) {
            return Err(outside(item, format!("an average is named without its output: `{name}`")));
        }
        Ok(AverageGene { measure, comparison })
    }

    /// The indicator at `place`, which has the name that its gene gives it and states the parameters of the pool alone.
    fn measure(
        &self,
        item: &Entry<'_>,
        place: usize,
        pool: &'static [Kind],
        expected: impl Fn(&Measure) -> String,
    ) -> Result<Measure, Error> {
        let name = &self.program.indicators[place].name;
        let entry = self.indicators.require(name)?;
        let fields = entry.mapping()?;
        let word = fields.require("type")?;
        let Some(kind) = pool.iter().find(|kind| word.text().is_ok_and(|text| text == kind.indicator)) else {
            let known = pool.iter().map(|kind| kind.indicator).collect::<Vec<_>>().join(", ");
            return Err(outside(&word, format!("none of the indicators that a genome compares so: {known}")));
        };
        let known: Vec<&str> =
            std::iter::once("type").chain(kind.parameters.iter().map(|parameter| parameter.name)).collect();
        only(&fields, &known)?;
        let measure = parameters(kind, &fields)?;
        let expected = expected(&measure);
        if *name != expected {
            return Err(outside(item, format!("the indicator of this gene is called `{expected}`")));
        }
        Ok(measure)
    }

    /// Where both sides are entered, short is the mirror of long.
    fn check_mirror(&self, genome: &Genome, document: &Mapping<'_>) -> Result<(), Error> {
        if self.direction != Direction::Both {
            return Ok(());
        }
        let mirror = genome.program()?;
        for list in LISTS {
            let section = document.require(&format!("{list}_conditions"))?.mapping()?.require("short")?;
            let [found, expected] = [self.program, &mirror].map(|program| {
                let sides = if list == LISTS[0] { &program.entries } else { &program.exits };
                conditions(program, &sides.short)
            });
            let words = genome.conditions(list, Side::Short);
            if found.len() != expected.len() {
                let message = format!("short is the mirror of long: {}", words.join(", "));
                return Err(section.fault_of_key(Code::Unsupported, message));
            }
            let items = section.list()?;
            if let Some(place) = (0..found.len()).find(|place| found[*place] != expected[*place]) {
                return Err(outside(&items[place], format!("short is the mirror of long: `{}`", words[place])));
            }
        }
        Ok(())
    }
}

/// What each of `terms` says, with indicators by name.
fn conditions(program: &Program, terms: &[Term]) -> Vec<Option<(String, Comparison, String)>> {
    let operand = |operand: Operand| match operand {
        Operand::Output { indicator, output } => format!("{}.{output}", program.indicators[indicator].name),
        other => format!("{other:?}"),
    };
    let one = |term: &Term| match *term {
        Term::Is(Condition::Compare { left, comparison, right }) => Some((operand(left), comparison, operand(right))),
        _ => None,
    };
    terms.iter().map(one).collect()
}

fn levels(
    document: &Mapping<'_>,
    section: &str,
    range: Range,
    direction: Direction,
) -> Result<Overridable<Decimal>, Error> {
    let percent = |entry: Entry<'_>| {
        let fields = entry.mapping()?;
        let kind = fields.require("type")?;
        if kind.text()? != "fixed_pct" {
            return Err(outside(&kind, "a genome has `fixed_pct` here"));
        }
        number(&fields.require("percent")?, range)
    };
    let own = |side: Side| {
        let Some(entry) = document.get(&format!("{section}_{}", side.word())) else { return Ok(None) };
        if direction != Direction::Both {
            return Err(entry.fault_of_key(Code::Unsupported, one_side(direction)));
        }
        percent(entry).map(Some)
    };
    Ok(Overridable { common: percent(document.require(section)?)?, long: own(Side::Long)?, short: own(Side::Short)? })
}
