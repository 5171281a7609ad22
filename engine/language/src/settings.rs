//! A strategy file as settings of the engine, so that it stands wherever a strategy is named.

use std::sync::Arc;

use q50_engine::{
    market::{Column, Market, Signals},
    strategy::{
        Guards, Lack, Settings, Shared, Strategy,
        parameters::{Bearing, Parameter, Range},
    },
    units::Fraction,
};
use q50_indicators::{Catalog, Inputs, Source};
use serde::{Deserialize, Serialize};

use crate::{
    columns::Known,
    condition::{Condition, Operand, Price},
    error::Error,
    filters::FUNDING_HOURS,
    levels::{Stop, Target},
    program::{Program, Side},
    run::Run,
    slot::Slot,
};

/// A strategy in a file: its program, how much it trades, and whether it sells short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct FileStrategy {
    program: Arc<Program>,
    size: Fraction,
    allow_short: bool,
    /// Whether it is written in the form that trials are known by.
    canonical: bool,
}

/// The program as text with every default spelled out, under the names of its file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    program: String,
    size: Fraction,
    allow_short: bool,
}

impl FileStrategy {
    /// `program` with all of the equity, on every side that it enters.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self { program: Arc::new(program), size: Fraction::ONE, allow_short: true, canonical: false }
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The program on the sides that may be entered.
    fn permitted(&self) -> Arc<Program> {
        let mut program = Arc::clone(&self.program);
        if !self.allow_short {
            let program = Arc::make_mut(&mut program);
            program.entries.short.clear();
            program.exits.short.clear();
        }
        program
    }
}

impl TryFrom<Written> for FileStrategy {
    type Error = Error;

    fn try_from(Written { program, size, allow_short }: Written) -> Result<Self, Error> {
        Ok(Self { size, allow_short, ..Self::new(Program::read(&program, &Catalog::default())?) })
    }
}

impl From<FileStrategy> for Written {
    fn from(FileStrategy { program, size, allow_short, canonical }: FileStrategy) -> Self {
        let program = if canonical { program.canonical() } else { program.understood() };
        Self { program, size, allow_short }
    }
}

impl Settings for FileStrategy {
    const NAME: &'static str = "file";
    const WORDS: &'static str = "a strategy in a file (YAML)";

    type Strategy = Run;

    fn label(&self) -> String {
        self.program.name.clone()
    }

    fn strategy(&self, _: &Guards) -> Run {
        Run::new(self.permitted(), self.size)
    }

    fn on_columns(&self, _: &Guards, market: &Market<'_>, shared: &Shared) -> Option<Box<dyn Strategy + Send>> {
        let known = shared.get_or_init(Known::default);
        Some(Box::new(Run::on_columns(self.permitted(), self.size, market, &known)))
    }

    fn parameters(&self) -> Vec<Parameter> {
        let size = Parameter {
            path: "size".into(),
            range: Range::POSITIVE_FRACTION,
            words: "share of equity that an entry is for",
            default: Some(1.0),
            value: Some(self.size.get()),
            bearing: Bearing::Everywhere,
        };
        let mut numbers = self.program.numbers();
        numbers.push(size);
        numbers
    }

    fn number_at(&self, path: &str) -> Option<Range> {
        Slot::find(path, &self.program)?.range(&self.program)
    }

    fn with_numbers(&self, numbers: &[(&str, f64)]) -> Result<Self, String> {
        let mut program = Program::clone(&self.program);
        let mut slots: Vec<(&str, Slot)> = Vec::new();
        for (path, value) in numbers {
            let Some(slot) = Slot::find(path, &program) else { continue };
            if let Some((other, _)) = slots.iter().find(|(other, known)| *known == slot && other != path) {
                return Err(format!("{other} and {path} are one number"));
            }
            slot.set(&mut program, *value);
            slots.push((path, slot));
        }
        match slots.iter().find_map(|(_, slot)| slot.broken(&mut program)) {
            Some(rule) => Err(rule),
            None => Ok(Self { program: Arc::new(program), ..self.clone() }),
        }
    }

    fn reads(&self, _: &Signals<'_>) -> Vec<Column> {
        let volume = self.program.needs_volume().then_some(Column::Volume);
        self.program.columns().into_iter().chain(volume).collect()
    }

    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        let missing = self.needs(there).into_iter().find(|&column| !there.has(column))?;
        let (needs, remedy) = match missing {
            Column::Volume => ("the volume".to_owned(), "give bars that have a column 'volume' with --bars"),
            Column::Value => ("a named signal column".to_owned(), "name it with --signal-column"),
            other => (format!("the column '{}'", other.name()), "give a file that has it with --signals"),
        };
        Some(Lack { needs, remedy })
    }

    fn interval_ms(&self) -> Option<i64> {
        Some(self.program.timeframe.ms())
    }

    fn funding_hours(&self) -> Option<u32> {
        self.program.filters.funding.map(|_| FUNDING_HOURS)
    }

    fn rests_orders(&self) -> bool {
        let rests = |side| *self.program.stops.of(side) != Stop::None || *self.program.targets.of(side) != Target::None;
        self.program.sides().any(rests)
    }

    fn shorts(&self) -> bool {
        self.allow_short && self.program.sides().any(|side| side == Side::Short)
    }

    fn constants(&self) -> usize {
        self.program
            .conditions()
            .flat_map(Condition::operands)
            .filter(|operand| matches!(operand, Operand::Number(_)))
            .count()
    }

    fn reads_bars(&self) -> bool {
        self.program.conditions().flat_map(Condition::operands).any(|operand| match operand {
            Operand::Number(_) | Operand::Signal(_) => false,
            Operand::Price(price) => price != Price::Close,
            Operand::Output { indicator, .. } => {
                let indicator = &self.program.indicators[indicator].indicator;
                indicator.formula().inputs() != Inputs::Source || indicator.source != Source::Close
            }
        })
    }

    /// On the sides that it enters, which its author chose, and no market.
    fn canonical(self) -> Self {
        Self { program: self.permitted(), allow_short: true, canonical: true, ..self }
    }
}
