//! The finalists of a finished search, as its folder has them.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use q50_datasets::dataset::Dataset;
use q50_research::{parameters::Template, run::RunSettings, spec::DataSpec};
use serde::Deserialize;

use super::Job;
use crate::{
    args::{PoolArguments, ReplayArguments, TimingName, ValidateArguments},
    configuration,
};

/// A set of a search.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Finalist {
    /// Index of the set.
    pub(super) index: u64,
    /// Its values, by path.
    pub(super) parameters: BTreeMap<String, toml::Value>,
    /// Annual Sharpe ratio in the search.
    pub(super) sharpe: Option<f64>,
}

/// A finished search.
#[derive(Debug)]
pub(super) struct Search {
    path: PathBuf,
    file: File,
}

/// What of `sweep.json` is needed.
#[derive(Debug, Deserialize)]
struct File {
    schema: String,
    data: Data,
    settings: RunSettings,
    pareto: Vec<Finalist>,
}

#[derive(Debug, Deserialize)]
struct Data {
    hash: String,
    view: DataSpec,
}

impl Search {
    /// Reads the results of `q50 sweep --out folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("sweep.json");
        let text = match std::fs::read_to_string(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => bail!(
                "{} is not there; give --from-sweep the folder of a finished search (q50 sweep --out)",
                path.display()
            ),
            read => read.with_context(|| path.display().to_string())?,
        };
        let file: File = serde_json::from_str(&text).with_context(|| {
            format!("{} is no result of a search of this version; run q50 sweep again", path.display())
        })?;
        ensure!(file.schema == "q50.sweep/1", "{}: schema '{}', expected 'q50.sweep/1'", path.display(), file.schema);
        Ok(Self { path, file })
    }

    /// The data that were named, which must be those of the search, in the window of the search unless another is named.
    pub(super) fn dataset(&self, replay: &ReplayArguments) -> Result<Dataset> {
        let data = configuration::dataset_for(replay, Some(&self.file.settings.strategy))?;
        ensure!(
            data.hash() == self.file.data.hash,
            "{} is a search of dataset {}, and the data here are {}; give the --bars and --signals of the search, and \
             its --signal-column, --signal-delay, --signal-max-age and --crossing",
            self.path.display(),
            short(&self.file.data.hash),
            short(data.hash())
        );
        if replay.from.is_some() || replay.to.is_some() {
            return Ok(data);
        }
        let view = &self.file.data.view;
        Ok(data.window(Some(view.from_ms), Some(view.to_ms))?)
    }

    /// Refuses data that are seen otherwise than by the search; `moved` to another venue, they may have other reserves.
    pub(super) fn same_view(&self, here: &DataSpec, moved: bool) -> Result<()> {
        let values = [&self.file.data.view, here].map(serde_json::to_value);
        let [Ok(serde_json::Value::Object(searched)), Ok(serde_json::Value::Object(here))] = values else {
            bail!("{}: what the search saw of the data cannot be compared", self.path.display());
        };
        // The window first: what is read of the signals ends with it.
        let (window, rest): (Vec<_>, Vec<_>) = searched.iter().partition(|(name, _)| name.ends_with("_ms"));
        for (name, searched) in window.into_iter().chain(rest) {
            // Recorded reserves belong to the venue.
            if here.get(name) != Some(searched) && !(moved && name == "pool") {
                let here = here.get(name).unwrap_or(&serde_json::Value::Null);
                bail!(
                    "{}: the search had {name} = {searched}, and here it is {here}; the Sharpe ratios of two views of the \
                     data cannot be compared: give the options of the search",
                    self.path.display()
                );
            }
        }
        Ok(())
    }

    /// The settings that sets are changes of.
    pub(super) fn settings(&self, arguments: &ValidateArguments) -> Result<RunSettings> {
        let replay = &arguments.replay;
        let mut settings = self.file.settings.clone();
        match arguments.validate_venue {
            Some(name) => settings.venue = configuration::other_venue(replay, name)?,
            None => {
                if let Some(option) = venue_option(replay) {
                    bail!(
                        "{option} would change the search's venue, which is kept without --validate-venue; leave it out, \
                         or add --validate-venue"
                    );
                }
            }
        }
        settings.capital = replay.capital.unwrap_or(settings.capital);
        Ok(settings)
    }

    /// The first `top` finalists as runs.
    pub(super) fn jobs(&self, base: &RunSettings, top: u32) -> Result<Vec<Job>> {
        let named = || self.path.display().to_string();
        let template = Template::new(&base.strategy);
        let job = |finalist: &Finalist| {
            let options: Vec<(&str, toml::Value)> =
                finalist.parameters.iter().map(|(path, value)| (path.as_str(), value.clone())).collect();
            let strategy = template.with(&options).with_context(|| format!("{}: set {}", named(), finalist.index))?;
            Ok(Job { settings: base.with_strategy(strategy), finalist: Some(finalist.clone()) })
        };
        let jobs: Vec<Job> = self.file.pareto.iter().take(top as usize).map(job).collect::<Result<_>>()?;
        ensure!(!jobs.is_empty(), "{}: the search has no finalists; loosen its filters and run it again", named());
        Ok(jobs)
    }
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

/// An option that decides a venue, where one was given.
fn venue_option(replay: &ReplayArguments) -> Option<&'static str> {
    // Recorded reserves are data: they have to be those of the search.
    let pool = PoolArguments { pool: Vec::new(), ..replay.pool.clone() };
    let given = [
        ("--capital", replay.capital.is_some()),
        ("--cost-bps", replay.cost_bps.is_some()),
        ("--spread-bps", replay.spread_bps.is_some()),
        ("--lot", replay.lot.is_some()),
        ("--fill-timing", replay.fill_timing != TimingName::NextOpen),
    ];
    let given = given.into_iter().find_map(|(option, given)| given.then_some(option));
    given.or_else(|| pool.typed()).or_else(|| replay.perpetual.typed())
}
