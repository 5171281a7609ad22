//! What `q50 sweep` and `q50 overfit` share: a grid over a record, read and checked before anything runs.

use std::path::Path;

use anyhow::{Context, Result, bail};
use q50_datasets::time::rfc3339;
use q50_research::{
    run::{Instrument, Prepared, RunSettings},
    spec::DataSpec,
    sweep::{Space, Sweep},
};
use serde::Serialize;

use crate::{args::ReplayArguments, configuration, record::Record};

/// A grid, the record that it is searched on, and the run that its sets are changes of.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) space: Space,
    pub(super) record: Record,
    settings: RunSettings,
    /// What the runs see of the data.
    spec: DataSpec,
    grid: String,
    demonstration: bool,
}

/// The record that was searched.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    hash: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) demonstration: bool,
    /// Bars, window, signals and how they were joined, reserves.
    view: DataSpec,
}

impl Search {
    /// Reads the grid, of at most `most` sets unless somebody said that they mean it, and the data.
    pub(super) fn read(grid: Option<&Path>, replay: &ReplayArguments, most: u64, meant: bool) -> Result<Self> {
        let (space, grid) = match grid {
            Some(grid) => (Space::read(grid)?, format!("grid file {}", grid.display())),
            None => {
                let strategy = replay.strategy.as_deref();
                let own = configuration::own_grid(strategy)?.context(
                    "there is no grid: give one with --grid, or name a strategy file in YAML that has a section sweep",
                )?;
                (own, format!("the section sweep of {}", strategy.unwrap_or_default()))
            }
        };
        if space.count() > most && !meant {
            bail!("{grid}: {} sets, more than {}; add --yes if that is meant", space.count(), in_words(most));
        }
        let record = Record::read(replay)?;
        let settings = configuration::run_settings(replay, None, &record.data)?;
        let record = record.with_recorded(&settings.venue)?;
        record.refuse_one_pool_twice(&settings.venue)?;
        let spec = record.spec(&settings.strategy);
        let demonstration = replay.bars.is_empty();
        Ok(Self { space, record, settings, spec, grid, demonstration })
    }

    /// The record, or its instruments, made ready for the venue.
    pub(super) fn prepared<'a>(&'a self, instruments: &'a [Instrument<'a>]) -> Result<Prepared<'a>> {
        Prepared::new(self.record.source(&self.spec, instruments), &self.settings.venue).context("pool reserves")
    }

    /// The search on `prepared`. What no set could do without is reported here, because every set would say it.
    pub(super) fn sweep<'a>(&'a self, prepared: &'a Prepared<'a>) -> Result<Sweep<'a>> {
        let sweep = Sweep::new(prepared, self.settings.clone(), &self.space)
            .with_context(|| format!("{} on the strategy {}", self.grid, self.settings.strategy.label()))?;
        let (source, first) = (prepared.source(), sweep.first()?);
        if let Some(refusal) = source.refusal(sweep.base()).filter(|_| source.refusal(&first).is_some()) {
            bail!("{refusal}");
        }
        Ok(sweep)
    }

    /// The record, for a report.
    pub(super) fn facts(&self) -> Data {
        let (from, to) = self.record.data.period();
        Data {
            hash: self.record.data.hash().to_owned(),
            from: rfc3339(from),
            to: rfc3339(to),
            demonstration: self.demonstration,
            view: self.spec.clone(),
        }
    }
}

fn in_words(count: u64) -> String {
    if count.is_multiple_of(1_000_000) {
        return format!("{} million", count / 1_000_000);
    }
    if count < 1_000 { count.to_string() } else { format!("{},{:03}", count / 1_000, count % 1_000) }
}
