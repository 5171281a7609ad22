//! What a run sees of the world: one record, or several under one account.

use std::{collections::HashSet, path::Path};

use anyhow::{Context, Result, bail};
use q50_datasets::{Bars, dataset::Dataset};
use q50_engine::{
    strategy::StrategyConfig,
    venue::{Contract, PoolPath},
};
use q50_research::{
    basket::basket,
    claim::{DataFacts, MARK_OFF},
    run::{Instrument, Source, VenueSettings},
    spec::{ContractSpec, DataSpec},
    trials,
};

use crate::{
    args::{InstrumentPath, ReplayArguments},
    configuration,
};

/// Recorded reserves, and the hash of their content.
type Reserves = (PoolPath, String);

/// The records that were named.
#[derive(Debug)]
pub(crate) struct Record {
    /// The only one, or the basket of all.
    pub(crate) data: Dataset,
    /// Reserves of the only one.
    pool: Option<Reserves>,
    /// What is recorded of it as a perpetual future.
    contract: Option<(Contract, ContractSpec)>,
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
            let (names, each) = (Vec::new(), Vec::new());
            return Ok(Self { data, pool: None, contract: None, names, each, arguments: vec![own] });
        }
        let folder = (arguments.bars.len() == 1).then(|| &arguments.bars[0]);
        let read = |own: &ReplayArguments| {
            let record = configuration::dataset(own);
            match folder {
                Some(folder) => record.with_context(|| format!("--bars {}: a folder of records", folder.display())),
                None => record,
            }
        };
        let records = several.iter().map(read).collect::<Result<Vec<_>>>()?;
        let (cut, data) = basket(records).context("--bars")?;
        let each = cut.into_iter().map(|record| (record, None)).collect();
        Ok(Self { data, pool: None, contract: None, names: names(&several), each, arguments: several })
    }

    /// Reads what is recorded of the venue, once it is known which one that is.
    pub(crate) fn with_recorded(mut self, venue: &VenueSettings) -> Result<Self> {
        if let [own] = &self.arguments[..] {
            self.pool = configuration::pool_path(own, &self.data)?;
            if let VenueSettings::Perpetual(config) = venue {
                self.contract = Some(configuration::contract(own, &self.data, config)?);
            }
        }
        for ((record, pool), own) in self.each.iter_mut().zip(&self.arguments) {
            *pool = configuration::pool_path(own, record)?;
        }
        let mut seen = HashSet::new();
        let twice = self.each.iter().filter_map(|(_, pool)| pool.as_ref()).position(|(_, hash)| !seen.insert(hash));
        if twice.is_some() {
            bail!("--pool: the same reserves were given for two records; each would have their depth for itself");
        }
        Ok(self)
    }

    /// Refuses rebuilt reserves of one market under two names: they would have its depth twice.
    pub(crate) fn refuse_one_pool_twice(&self, venue: &VenueSettings) -> Result<()> {
        let rebuilt = self.each.iter().any(|(_, pool)| pool.is_none());
        if !rebuilt || !matches!(venue, VenueSettings::PumpSwap(_)) {
            return Ok(());
        }
        let of = self.of_trials();
        let prints: Vec<_> = of.parts.iter().filter_map(|part| part.fingerprint.as_ref()).collect();
        for (i, print) in prints.iter().enumerate() {
            if let Some(found) = prints[..i].iter().find_map(|earlier| earlier.agreement(print)) {
                bail!(
                    "--bars: two of the records are of one market ({found}), whose pool would have its depth twice; give each \
                     market once, or recorded reserves with --pool"
                );
            }
        }
        Ok(())
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
            let contract = self.contract.as_ref().map(|(_, spec)| spec.clone());
            let pool = self.pool.as_ref().map(|(_, hash)| hash.as_str());
            return DataSpec::of(&self.data, strategy).with_pool(pool).with_contract(contract);
        }
        let each: Vec<(&Dataset, Option<&str>)> =
            self.each.iter().map(|(data, pool)| (data, pool.as_ref().map(|(_, hash)| hash.as_str()))).collect();
        DataSpec::of_portfolio(&self.data, &each, strategy)
    }

    /// The same, ready to be run.
    pub(crate) fn source<'a>(&'a self, spec: &'a DataSpec, instruments: &'a [Instrument<'a>]) -> Source<'a> {
        Source { market: self.data.market(), pool: self.pool(), contract: self.contract(), data: spec, instruments }
    }

    /// Reserves of the only record.
    pub(crate) fn pool(&self) -> Option<&PoolPath> {
        self.pool.as_ref().map(|(path, _)| path)
    }

    /// What is recorded of the only record as a perpetual future.
    pub(crate) fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref().map(|(contract, _)| contract)
    }

    /// What trials on it are filed under.
    pub(crate) fn of_trials(&self) -> trials::Record {
        match &self.each[..] {
            [] => trials::Record::of(&self.data),
            several => trials::Record::of_portfolio(&self.data, several.iter().map(|(data, _)| data)),
        }
    }

    /// What is known about the data.
    pub(crate) fn facts(&self, demonstration: bool) -> DataFacts {
        if self.each.is_empty() {
            let off = |contract: &Contract| contract.mark_deviations(&self.data.market()).beyond(MARK_OFF);
            let marks_off = self.contract().map_or(0, off);
            return DataFacts { marks_off, ..DataFacts::of(&self.data, demonstration) };
        }
        let each: Vec<&Dataset> = self.each.iter().map(|(data, _)| data).collect();
        DataFacts::of_portfolio(&self.data, &each)
    }

    /// The file or folder of each record's bars; none for the demonstration market.
    pub(crate) fn bars(&self) -> impl Iterator<Item = &Path> {
        self.arguments.iter().filter_map(|own| own.bars.first()).map(|bars| &**bars)
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

/// What trials on these bars are filed under.
pub(crate) fn of_trials(bars: &[InstrumentPath]) -> Result<trials::Record> {
    let read = |bars: &InstrumentPath| anyhow::Ok(Dataset::without_signals(Bars::read(bars)?)?);
    let mut records = records(bars)?.iter().map(read).collect::<Result<Vec<_>>>()?;
    if records.len() == 1 {
        return Ok(trials::Record::of(&records.remove(0)));
    }
    let (each, whole) = basket(records).context("--bars")?;
    Ok(trials::Record::of_portfolio(&whole, &each))
}

/// The records that `--bars` names: what is there, or what is in a folder of them.
fn records(bars: &[InstrumentPath]) -> Result<Vec<InstrumentPath>> {
    match bars {
        [folder] if folder.name.is_none() && is_folder_of_records(folder) => files(folder),
        bars => Ok(bars.to_vec()),
    }
}

/// The arguments of each record.
fn one_by_one(arguments: &ReplayArguments) -> Result<Vec<ReplayArguments>> {
    let bars = records(&arguments.bars)?;
    let named: Vec<&str> = bars.iter().filter_map(|bars| bars.name.as_deref()).collect();
    if let Some(twice) = named.iter().enumerate().find_map(|(i, name)| named[..i].contains(name).then_some(name)) {
        bail!("--bars {twice}=... was given twice; give each instrument its own name");
    }
    if !named.is_empty() && named.len() < bars.len() {
        bail!(
            "{} of {} --bars have no name; give NAME=PATH for all of them, or for none",
            bars.len() - named.len(),
            bars.len()
        );
    }
    let (signals, pools) =
        (of_each(&bars, &arguments.signals, "--signals")?, of_each(&bars, &arguments.pool.pool, "--pool")?);
    let one = |((bars, signals), pool): ((InstrumentPath, _), _)| {
        let mut one = arguments.clone();
        (one.bars, one.signals, one.pool.pool) = (vec![bars], signals, pool);
        one
    };
    Ok(bars.into_iter().zip(signals).zip(pools).map(one).collect())
}

/// What was given of each record: by name, or else one for each in the same order.
fn of_each(bars: &[InstrumentPath], given: &[InstrumentPath], option: &str) -> Result<Vec<Vec<InstrumentPath>>> {
    let Some(named) = given.iter().find_map(|one| one.name.as_deref()) else {
        if !given.is_empty() && given.len() != bars.len().max(1) {
            bail!(
                "{option} was given {} times for {} records; give one for each, in the same order",
                given.len(),
                bars.len()
            );
        }
        return Ok((0..bars.len()).map(|at| given.get(at).cloned().into_iter().collect()).collect());
    };
    if let Some(unnamed) = given.iter().find(|one| one.name.is_none()) {
        bail!("{option} {} has no name beside {option} {named}=...; give NAME=PATH for all of them", unnamed.display());
    }
    let is_of = |one: &&InstrumentPath, bars: &InstrumentPath| one.name == bars.name;
    for one in given {
        let name = one.name.as_deref().unwrap_or_default();
        if !bars.iter().any(|bars| is_of(&one, bars)) {
            bail!("{option} {name}=... belongs to no record; give --bars {name}=PATH");
        }
        if given.iter().filter(|other| other.name == one.name).count() > 1 {
            bail!("{option} {name}=... was given twice");
        }
    }
    Ok(bars.iter().map(|bars| given.iter().find(|one| is_of(one, bars)).cloned().into_iter().collect()).collect())
}

/// A folder that is no record itself: neither a Qlib provider nor a collection.
fn is_folder_of_records(path: &Path) -> bool {
    path.is_dir() && !path.join("collection.json").is_file() && !path.join("calendars").is_dir()
}

/// The records in a folder, by name. Hidden files and the folders of earlier runs are none.
fn files(folder: &Path) -> Result<Vec<InstrumentPath>> {
    let named = || format!("--bars {}", folder.display());
    let mut found = Vec::new();
    for entry in folder.read_dir().with_context(named)? {
        let path = entry.with_context(named)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let earlier_run =
            ["summary.json", "sweep.json", "overfit.json", "discover.json"].iter().any(|of| path.join(of).is_file());
        if !hidden && !earlier_run {
            found.push(InstrumentPath { name: None, path });
        }
    }
    if found.is_empty() {
        bail!("{}: an empty folder, expected records of bars", named());
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The names of records: those that were typed; else those of their files, without what says the format; where these are
/// the same, those of their folders; and where these are, too, their paths.
fn names(arguments: &[ReplayArguments]) -> Vec<String> {
    const FORMATS: [&str; 9] = ["csv", "tsv", "json", "parquet", "feather", "arrow", "gz", "zst", "zip"];
    let paths: Vec<&InstrumentPath> = arguments.iter().filter_map(|one| one.bars.first()).collect();
    if let Some(typed) = paths.iter().map(|path| path.name.clone()).collect() {
        return typed;
    }
    let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = |path: &&InstrumentPath| {
        let mut name = last(path);
        while let Some((stem, ending)) = name.rsplit_once('.')
            && FORMATS.contains(&ending.to_lowercase().as_str())
        {
            name.truncate(stem.len());
        }
        name
    };
    let folder = |path: &&InstrumentPath| path.parent().map(last).unwrap_or_default();
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
        assert_eq!(named(["sol.usdt.csv", "sol.usdc.CSV.zst"]), ["sol.usdt", "sol.usdc"]);
        assert_eq!(named(["coin=a/bars.csv", "x.y-2=bars.csv"]), ["coin", "x.y-2"]);
        assert_eq!(named(["sol/bars.csv", "btc/bars.csv"]), ["sol", "btc"]);
        assert_eq!(named(["a/x/bars.csv", "b/x/bars.csv"]), ["a/x/bars.csv", "b/x/bars.csv"]);
    }
}
