//! A genome as a strategy file.

use std::fmt::Write as _;

use super::{AverageGene, Gene, Genome, Measure};
use crate::{
    error::Error,
    program::{Program, Side},
};

/// Whether a list of conditions is one of entries or of exits, as in the names of its indicators.
pub(super) const LISTS: [&str; 2] = ["entry", "exit"];

/// The name of the indicator of gene `place` in `list`.
pub(super) fn gene_name(measure: &Measure, list: &str, place: usize) -> String {
    format!("{}_{list}_{place}", measure.kind.indicator.to_ascii_lowercase())
}

/// The name of a moving average in `list`.
pub(super) fn average_name(measure: &Measure, list: &str) -> String {
    format!("{}_ma_{list}_0", measure.kind.indicator.to_ascii_lowercase())
}

/// The condition that a gene is.
pub(super) fn gene_condition(gene: &Gene, list: &str, place: usize) -> String {
    let (name, output) = (gene_name(&gene.measure, list, place), gene.measure.kind.outputs[gene.output].name);
    format!("{name}.{output} {} {}", gene.comparison.word(), gene.threshold)
}

/// The condition that a comparison with an average is.
pub(super) fn average_condition(gene: &AverageGene, list: &str) -> String {
    format!("close {} {}", gene.comparison.word(), average_name(&gene.measure, list))
}

impl Genome {
    pub(super) fn list(&self, list: &str) -> (&[Gene], Option<&AverageGene>) {
        if list == LISTS[0] { (&self.entry, self.ma_entry.as_ref()) } else { (&self.exit, self.ma_exit.as_ref()) }
    }

    /// The strategy file (YAML).
    #[must_use]
    pub fn file(&self) -> String {
        let mut text = format!("name: {}\ntimeframe: {}\nindicators:\n", self.name, self.timeframe.word());
        for list in LISTS {
            let (genes, average) = self.list(list);
            for (place, gene) in genes.iter().enumerate() {
                let _ = writeln!(text, "  {}: {}", gene_name(&gene.measure, list, place), indicator(&gene.measure));
            }
            if let Some(AverageGene { measure, .. }) = average {
                let _ = writeln!(text, "  {}: {}", average_name(measure, list), indicator(measure));
            }
        }
        for list in LISTS {
            let _ = writeln!(text, "{list}_conditions:");
            for side in self.direction.sides() {
                let _ = writeln!(text, "  {}:", side.word());
                for condition in self.conditions(list, side) {
                    let _ = writeln!(text, "    - {condition}");
                }
            }
        }
        if let Some(filters) = &self.time_filters {
            let _ = writeln!(text, "time_filters: {filters}");
        }
        let levels = [("stop_loss", &self.stops), ("take_profit", &self.targets)];
        for (suffix, side) in [("", None), ("_long", Some(Side::Long)), ("_short", Some(Side::Short))] {
            for (section, levels) in levels {
                if let Some(percent) = levels.own(side) {
                    let _ = writeln!(text, "{section}{suffix}: {{type: fixed_pct, percent: {percent}}}");
                }
            }
        }
        text
    }

    /// The conditions of `side` in `list`, genes first.
    pub(super) fn conditions(&self, list: &str, side: Side) -> Vec<String> {
        let mirror = side != self.direction.side();
        let (genes, average) = self.list(list);
        let of = |(place, gene): (usize, &Gene)| {
            if mirror { gene_condition(&gene.mirrored(), list, place) } else { gene_condition(gene, list, place) }
        };
        let average = average
            .map(|gene| if mirror { average_condition(&gene.mirrored(), list) } else { average_condition(gene, list) });
        genes.iter().enumerate().map(of).chain(average).collect()
    }

    /// The program of the file.
    ///
    /// # Errors
    /// A number outside its range; there is none in a genome that was read, or made from the pool.
    pub fn program(&self) -> Result<Program, Error> {
        Program::read(&self.file(), &crate::Catalog::default())
    }
}

fn indicator(measure: &Measure) -> String {
    let mut text = format!("{{type: {}", measure.kind.indicator);
    for (parameter, value) in measure.kind.parameters.iter().zip(&measure.parameters) {
        let _ = write!(text, ", {}: {value}", parameter.name);
    }
    text + "}"
}
