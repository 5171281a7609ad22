//! What a run sees of the world: one record, or several under one account.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use q50_datasets::dataset::Dataset;
use q50_engine::{strategy::StrategyConfig, venue::PoolPath};
use q50_research::{
    basket::basket,
    claim::DataFacts,
    run::{Instrument, Source},
    spec::DataSpec,
};

use crate::{args::ReplayArguments, configuration};

/// Recorded reserves, and the hash of their content.
type Reserves = (PoolPath, String);

/// The records that were named.
#[derive(Debug)]
pub(crate) struct Record {
    /// The only one, or the basket of all.
    pub(crate) data: Dataset,
    /// Reserves of the only one.
    pool: Option<Reserves>,
    /// Names of several, by their files.
    pub(crate) names: Vec<String>,
    each: Vec<(Dataset, Option<Reserves>)>,
    arguments: Vec<ReplayArguments>,
}

impl Record {
    /// Reads the bars and signals that were named; nothing is the demonstration market.
    pub(crate) fn read(arguments: &ReplayArguments) -> Result<Self> {
        let several = one_by_one(arguments)?;
        if several.len() < 2 {
            let own = several.into_iter().next().unwrap_or_else(|| arguments.clone());
            let data = configuration::dataset(&own)?;
            return Ok(Self { data, pool: None, names: Vec::new(), each: Vec::new(), arguments: vec![own] });
        }
        let records = several.iter().map(configuration::dataset).collect::<Result<Vec<_>>>()?;
        let (cut, data) = basket(records).context("--bars")?;
        let each = cut.into_iter().map(|record| (record, None)).collect();
        Ok(Self { data, pool: None, names: names(&several), each, arguments: several })
    }

    /// Reads the reserves that were named, once it is known that the venue has any.
    pub(crate) fn with_reserves(mut self) -> Result<Self> {
        if let [own] = &self.arguments[..] {
            self.pool = configuration::pool_path(own, &self.data)?;
        }
        for ((record, pool), own) in self.each.iter_mut().zip(&self.arguments) {
            *pool = configuration::pool_path(own, record)?;
        }
        Ok(self)
    }

    /// The instruments of a portfolio; none where there is one record.
    pub(crate) fn instruments(&self) -> Vec<Instrument<'_>> {
        self.each
            .iter()
            .map(|(data, pool)| Instrument { market: data.market(), pool: pool.as_ref().map(|(path, _)| path) })
            .collect()
    }

    /// What the runs of a strategy see.
    pub(crate) fn spec(&self, strategy: &StrategyConfig) -> DataSpec {
        if self.each.is_empty() {
            return DataSpec::of(&self.data, strategy).with_pool(self.pool.as_ref().map(|(_, hash)| hash.as_str()));
        }
        let each: Vec<(&Dataset, Option<&str>)> =
            self.each.iter().map(|(data, pool)| (data, pool.as_ref().map(|(_, hash)| hash.as_str()))).collect();
        DataSpec::of_portfolio(&self.data, &each, strategy)
    }

    /// The same, ready to be run.
    pub(crate) fn source<'a>(&'a self, spec: &'a DataSpec, instruments: &'a [Instrument<'a>]) -> Source<'a> {
        Source { market: self.data.market(), pool: self.pool(), data: spec, instruments }
    }

    /// Reserves of the only record.
    pub(crate) fn pool(&self) -> Option<&PoolPath> {
        self.pool.as_ref().map(|(path, _)| path)
    }

    /// What is known about the data.
    pub(crate) fn facts(&self, demonstration: bool) -> DataFacts {
        if self.each.is_empty() {
            return DataFacts::of(&self.data, demonstration);
        }
        let each: Vec<&Dataset> = self.each.iter().map(|(data, _)| data).collect();
        DataFacts::of_portfolio(&self.data, &each)
    }

    /// The file or folder of each record's bars; none for the demonstration market.
    pub(crate) fn bars(&self) -> impl Iterator<Item = &Path> {
        self.arguments.iter().filter_map(|own| own.bars.first()).map(PathBuf::as_path)
    }

    /// Lets go of the traded volumes, which [`Record::facts`] alone asks for.
    pub(crate) fn drop_volume(&mut self) {
        self.data.drop_volume();
        self.each.iter_mut().for_each(|(data, _)| data.drop_volume());
    }

    /// Refuses several records, which `what` cannot take.
    pub(crate) fn alone(&self, what: &str) -> Result<()> {
        match self.each.len() {
            0 => Ok(()),
            several => bail!("{what} takes one record, and {several} were given with --bars"),
        }
    }
}

/// The arguments of each record.
fn one_by_one(arguments: &ReplayArguments) -> Result<Vec<ReplayArguments>> {
    let bars = match &arguments.bars[..] {
        [folder] if is_folder_of_records(folder) => files(folder)?,
        bars => bars.to_vec(),
    };
    for (option, given) in [("--signals", &arguments.signals), ("--pool", &arguments.pool.pool)] {
        if !given.is_empty() && given.len() != bars.len().max(1) {
            bail!(
                "{option} was given {} times for {} records; give one for each, in the same order",
                given.len(),
                bars.len()
            );
        }
    }
    let one = |at: usize| {
        let of = |all: &[PathBuf]| all.get(at).cloned().into_iter().collect();
        let mut one = arguments.clone();
        (one.bars, one.signals, one.pool.pool) = (of(&bars), of(&arguments.signals), of(&arguments.pool.pool));
        one
    };
    Ok((0..bars.len()).map(one).collect())
}

/// A folder that is no record itself: neither a Qlib provider nor a collection.
fn is_folder_of_records(path: &Path) -> bool {
    path.is_dir() && !path.join("collection.json").is_file() && !path.join("calendars").is_dir()
}

/// The records in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let named = || format!("--bars {}", folder.display());
    let mut found = Vec::new();
    for entry in folder.read_dir().with_context(named)? {
        let path = entry.with_context(named)?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!("{}: an empty folder, expected records of bars", named());
    }
    found.sort();
    Ok(found)
}

/// The names of records: those of their files, without what says the format; where these are the same those of their
/// folders; and where these are, too, their paths.
fn names(arguments: &[ReplayArguments]) -> Vec<String> {
    let paths: Vec<&Path> = arguments.iter().filter_map(|one| one.bars.first()).map(PathBuf::as_path).collect();
    let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = |path: &&Path| last(path).split('.').next().unwrap_or_default().to_owned();
    let folder = |path: &&Path| path.parent().map(last).unwrap_or_default();
    let several: [Vec<String>; 2] = [paths.iter().map(file).collect(), paths.iter().map(folder).collect()];
    let told_apart = |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    let short = several.into_iter().find(told_apart);
    short.unwrap_or_else(|| paths.iter().map(|path| path.display().to_string()).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        replay: ReplayArguments,
    }

    #[test]
    fn records_are_named_by_what_tells_them_apart() {
        let named = |paths: [&str; 2]| {
            let typed = ["q50", "--bars", paths[0], "--bars", paths[1]];
            names(&one_by_one(&Typed::parse_from(typed).replay).unwrap())
        };
        assert_eq!(named(["x/sol.csv.gz", "y/btc.csv"]), ["sol", "btc"]);
        assert_eq!(named(["sol/bars.csv", "btc/bars.csv"]), ["sol", "btc"]);
        assert_eq!(named(["a/x/bars.csv", "b/x/bars.csv"]), ["a/x/bars.csv", "b/x/bars.csv"]);
    }
}
