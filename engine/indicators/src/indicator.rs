//! A formula with parameters, source and shift; alone, and on its way through bars.

use std::fmt;

use crate::{
    bar::{Bar, Source},
    formula::{Formula, Inputs, Stream},
    parameters::{ParameterError, Parameters, Value},
    window::Delay,
};

/// An indicator as it is written in a strategy: what to compute, from which price, and how many bars ago.
#[derive(Clone, Debug)]
pub struct Indicator {
    formula: &'static dyn Formula,
    parameters: Parameters,
    /// The number of each bar that it is computed from; of no meaning where [`Formula::inputs`] has no source.
    pub source: Source,
    /// Its values are those of so many bars ago.
    pub shift: usize,
}

impl Indicator {
    /// `formula` with its defaults, of closes, as it stands.
    #[must_use]
    pub fn new(formula: &'static dyn Formula) -> Self {
        Self { formula, parameters: Parameters::of(formula), source: Source::default(), shift: 0 }
    }

    /// Its type.
    #[must_use]
    pub fn formula(&self) -> &'static dyn Formula {
        self.formula
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Sets a parameter. A rule between parameters is [`Indicator::broken_rule`]'s, because it is known when all are set.
    ///
    /// # Errors
    /// The type has no such parameter, or it cannot be that.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), ParameterError> {
        let fields = self.formula.fields();
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(ParameterError::Unknown {
                formula: self.formula.name(),
                name: name.to_owned(),
                known: fields.iter().map(|field| field.name).collect(),
            });
        };
        let value = field.check(value)?;
        self.parameters.put(field.name, value);
        Ok(())
    }

    /// The rule that its parameters break: the parameters concerned and the rule in words.
    #[must_use]
    pub fn broken_rule(&self) -> Option<(&'static [&'static str], &'static str)> {
        self.formula.broken_rule(&self.parameters)
    }

    /// The row, counted from 0, at which all of its outputs have been computed once.
    #[must_use]
    pub fn first(&self) -> usize {
        self.formula.first(&self.parameters) + self.shift
    }

    /// Whether it says nothing without the volume.
    #[must_use]
    pub fn needs_volume(&self) -> bool {
        let inputs = self.formula.inputs();
        inputs == Inputs::Volume || (inputs.has_source() && self.source == Source::Volume)
    }

    /// Whether `bar` lacks what it is computed from, and no later value can be known from bars before that one.
    fn misses_input(&self, bar: &Bar) -> bool {
        let inputs = self.formula.inputs();
        let volume = inputs == Inputs::Volume && self.formula.remembers() && !bar.volume.is_finite();
        volume || (inputs.has_source() && !self.source.of(bar).is_finite())
    }

    /// The place of the output `name`; of the first one where there is no name.
    #[must_use]
    pub fn output(&self, name: Option<&str>) -> Option<usize> {
        name.map_or(Some(0), |name| self.formula.outputs().iter().position(|output| *output == name))
    }

    /// A new run of it.
    #[must_use]
    pub fn start(&self) -> Running {
        let outputs = self.formula.outputs().len();
        Running {
            indicator: self.clone(),
            stream: self.formula.start(&self.parameters),
            warm_up: self.formula.first(&self.parameters),
            delays: vec![Delay::new(self.shift); outputs].into(),
            outputs: vec![f64::NAN; outputs].into(),
        }
    }

    /// Its outputs over `bars`: a column each, a row a bar, `NaN` where undefined.
    #[must_use]
    pub fn columns(&self, bars: impl ExactSizeIterator<Item = Bar>) -> Vec<Vec<f64>> {
        let mut running = self.start();
        let mut columns = vec![Vec::with_capacity(bars.len()); running.outputs.len()];
        for bar in bars {
            for (column, value) in columns.iter_mut().zip(running.next(&bar)) {
                column.push(*value);
            }
        }
        columns
    }
}

/// Two indicators are equal if they have the same values on all bars by definition, whatever they are called.
impl PartialEq for Indicator {
    fn eq(&self, other: &Self) -> bool {
        self.formula.name() == other.formula.name()
            && self.parameters == other.parameters
            && (self.source == other.source || !self.formula.inputs().has_source())
            && self.shift == other.shift
    }
}

/// One line that says everything that bears on the values: `EMA(period 9, seeding sma) of hl2, 2 bars ago`.
impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.formula.name())?;
        for (i, (name, value)) in self.parameters.iter().enumerate() {
            write!(f, "{}{name} ", if i == 0 { "(" } else { ", " })?;
            match value {
                Value::Whole(whole) => write!(f, "{whole}")?,
                Value::Number(number) => write!(f, "{number}")?,
                Value::Word(word) => f.write_str(word)?,
            }
        }
        if self.parameters.iter().next().is_some() {
            f.write_str(")")?;
        }
        if self.formula.inputs().has_source() {
            write!(f, " of {}", self.source.word())?;
        }
        match self.shift {
            0 => Ok(()),
            1 => f.write_str(", 1 bar ago"),
            bars => write!(f, ", {bars} bars ago"),
        }
    }
}

/// An indicator on its way through the bars.
pub struct Running {
    indicator: Indicator,
    stream: Stream,
    warm_up: usize,
    delays: Box<[Delay]>,
    outputs: Box<[f64]>,
}

impl Running {
    /// Takes in the next bar and answers the outputs at its close.
    pub fn next(&mut self, bar: &Bar) -> &[f64] {
        if self.indicator.misses_input(bar) {
            self.begin_anew();
        } else {
            (self.stream)(bar, self.indicator.source.of(bar), &mut self.outputs);
        }
        // All outputs begin together.
        if self.warm_up > 0 {
            self.warm_up -= 1;
            self.outputs.fill(f64::NAN);
        }
        for (output, delay) in self.outputs.iter_mut().zip(&mut self.delays) {
            *output = delay.push(*output);
        }
        &self.outputs
    }

    /// Forgets every bar so far: what follows from one that is missing would be unknown for ever.
    fn begin_anew(&mut self) {
        self.stream = self.indicator.formula.start(&self.indicator.parameters);
        // One row more: the bar at hand is none.
        self.warm_up = self.indicator.formula.first(&self.indicator.parameters) + 1;
    }

    /// The outputs at the last bar, `NaN` before the first.
    #[must_use]
    pub fn outputs(&self) -> &[f64] {
        &self.outputs
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("name", &self.indicator.formula.name())
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}
