//! Genomes: strategies of one shape, which a search can recombine.
//!
//! A genome is a few comparisons of indicators with thresholds, at most one of the close with a moving average, a stop and a
//! target. Every genome is a strategy file ([`Genome::file`]); a file of that shape is a genome
//! ([`Genome::of_strategy`]), and neither way loses or adds anything. Which indicators there are, and which values their
//! numbers may have, is [`pool`]'s.

mod decimal;
mod file;
mod of_strategy;
pub mod pool;
mod written;

pub use decimal::{Decimal, Range};

use serde_json::Value;

use crate::{
    condition::Comparison,
    error::{Code, Error},
    program::{Overridable, Side, Timeframe},
    reader::Mapping,
    yaml,
};
use pool::{Kind, Mirror};

/// Most genes of an entry.
pub const MOST_ENTRY: usize = 5;
/// Most genes of an exit.
pub const MOST_EXIT: usize = 3;

/// The sides that a genome enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Long alone.
    Long,
    /// Short alone.
    Short,
    /// Long by its genes as they are, short by their mirror.
    Both,
}

impl Direction {
    /// Each by its word.
    pub const WORDS: [(&'static str, Self); 3] = [("long", Self::Long), ("short", Self::Short), ("both", Self::Both)];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// The sides that are entered, long first.
    pub fn sides(self) -> impl Iterator<Item = Side> {
        Side::BOTH.into_iter().filter(move |side| self == Self::Both || self.side() == *side)
    }

    /// The side whose conditions are the genes as they are.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Long | Self::Both => Side::Long,
            Self::Short => Side::Short,
        }
    }
}

/// An indicator of the pool with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Which indicator.
    pub kind: &'static Kind,
    /// Its parameters, in the order of [`Kind::parameters`].
    pub parameters: Vec<Decimal>,
}

/// A comparison of an indicator with a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Gene {
    /// The indicator.
    pub measure: Measure,
    /// Place of the output in [`Kind::outputs`].
    pub output: usize,
    /// How they compare.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: Decimal,
}

impl Gene {
    /// What says of a fall what this one says of a rise.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        match self.measure.kind.outputs[self.output].mirror {
            Mirror::Unsigned => self.clone(),
            Mirror::Sum(sum) => {
                Self { comparison: complement(self.comparison), threshold: sum - self.threshold, ..self.clone() }
            }
        }
    }
}

/// A comparison of the close with a moving average.
#[derive(Clone, Debug, PartialEq)]
pub struct AverageGene {
    /// The average.
    pub measure: Measure,
    /// How the close compares with it: above, below, or crossing.
    pub comparison: Comparison,
}

impl AverageGene {
    /// What it may compare by.
    pub const COMPARISONS: [Comparison; 4] =
        [Comparison::Above, Comparison::Below, Comparison::CrossesAbove, Comparison::CrossesBelow];

    /// What says of a fall what this one says of a rise.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self { comparison: complement(self.comparison), ..self.clone() }
    }
}

/// The comparison that holds in a mirror.
const fn complement(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Above => Comparison::Below,
        Comparison::Below => Comparison::Above,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::CrossesAbove => Comparison::CrossesBelow,
        Comparison::CrossesBelow => Comparison::CrossesAbove,
    }
}

/// A strategy as a search sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Genome {
    /// Its name.
    pub name: String,
    /// The bars that it trades on.
    pub timeframe: Timeframe,
    /// The sides that it enters.
    pub direction: Direction,
    /// Entry conditions, all of which must hold: 1 to [`MOST_ENTRY`].
    pub entry: Vec<Gene>,
    /// Exit conditions, all of which must hold: 1 to [`MOST_EXIT`].
    pub exit: Vec<Gene>,
    /// A further entry condition.
    pub ma_entry: Option<AverageGene>,
    /// A further exit condition.
    pub ma_exit: Option<AverageGene>,
    /// Stop-losses in percent of the fill price; sides have their own only where both are entered.
    pub stops: Overridable<Decimal>,
    /// Take-profits in percent of the fill price; likewise.
    pub targets: Overridable<Decimal>,
    /// The section `time_filters` of the file.
    pub time_filters: Option<Value>,
}

impl Genome {
    /// The genome in `text`, which is one (JSON) or a strategy (YAML) of its shape.
    ///
    /// # Errors
    /// What is wrong with the genome or with the strategy; or where the strategy is none that a genome could be.
    pub fn of_either_form(text: &str) -> Result<Self, Error> {
        if is_strategy(text)? { Self::of_strategy(text) } else { Self::read(text) }
    }

    /// Conditions of entry and exit.
    #[must_use]
    pub fn genes(&self) -> usize {
        self.entry.len() + self.exit.len() + usize::from(self.ma_entry.is_some()) + usize::from(self.ma_exit.is_some())
    }
}

/// The other form of a file: the strategy (YAML) of a genome (JSON), or the genome of a strategy.
///
/// # Errors
/// As [`Genome::of_either_form`].
pub fn other_form(text: &str) -> Result<String, Error> {
    let genome = Genome::of_either_form(text)?;
    Ok(if is_strategy(text)? { genome.json() } else { genome.file() })
}

/// Whether `text` is a strategy and no genome, which follows from its keys.
fn is_strategy(text: &str) -> Result<bool, Error> {
    let tree = yaml::read(text)?;
    let document = Mapping::document(&tree)?;
    if document.get("entry_conditions").is_some() {
        return Ok(true);
    }
    if document.get("direction").is_some() || document.get("entry").is_some() {
        return Ok(false);
    }
    let message = "neither a genome, which has `direction` and `entry`, nor a strategy, which has `entry_conditions`";
    Err(Error::new(Code::MissingKey, 1, "", message))
}
