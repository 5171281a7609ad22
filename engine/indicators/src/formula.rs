//! What an indicator type declares about itself.

use std::fmt::Debug;

use crate::{
    bar::Bar,
    parameters::{Field, Parameters},
};

/// An indicator on its way through the bars: given a bar and the number of it that was chosen as source, writes its
/// outputs, `NaN` where one is undefined. What it writes before its first row is not shown.
pub type Stream = Box<dyn FnMut(&Bar, f64, &mut [f64]) + Send>;

/// What an indicator type reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// The source that its user chooses.
    Source,
    /// Prices of its own choice; a source has no meaning.
    Prices,
    /// As [`Inputs::Prices`], and the volume.
    Volume,
    /// The source, and highest, lowest and last price.
    SourceAndPrices,
}

impl Inputs {
    /// Whether a chosen source bears on the values.
    #[must_use]
    pub const fn has_source(self) -> bool {
        matches!(self, Self::Source | Self::SourceAndPrices)
    }
}

/// An indicator type: its names, its parameters and its formula.
pub trait Formula: Debug + Send + Sync {
    /// Its name in capitals (`"RSI"`).
    fn name(&self) -> &'static str;

    /// What it computes, in a few words.
    fn words(&self) -> &'static str;

    /// Whether a bar of long ago bears on its values: then a bar without a volume ends what it knows, and it begins anew.
    fn remembers(&self) -> bool {
        true
    }

    /// Its outputs; the first is meant by the bare name of an indicator.
    fn outputs(&self) -> &'static [&'static str] {
        &["value"]
    }

    /// Its parameters, with bounds and defaults.
    fn fields(&self) -> &'static [Field];

    /// What it reads.
    fn inputs(&self) -> Inputs {
        Inputs::Source
    }

    /// A rule between its parameters, or between one and the kind of numbers it stands for, that these break: the
    /// parameters concerned and the rule in words.
    fn broken_rule(&self, _parameters: &Parameters) -> Option<(&'static [&'static str], &'static str)> {
        None
    }

    /// The row, counted from 0, at which all outputs have been computed once.
    fn first(&self, parameters: &Parameters) -> usize;

    /// A new run of it.
    fn start(&self, parameters: &Parameters) -> Stream;
}
