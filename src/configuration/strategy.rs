//! The strategy that was named, with the options that were typed.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use q50_datasets::input::read_text;
use q50_engine::strategy::{Registry, StrategyConfig, q50::Q50Config, registry::Kind};
use q50_language::{Catalog, FileStrategy, Program};
use q50_research::{
    claim::Replay,
    parameters::{Template, read_strategy},
    sweep::Space,
};

use crate::args::{AbsentName, ReplayArguments, ShortingName, VenueName};

pub(super) fn strategy(arguments: &ReplayArguments, claimed: Option<&Replay>) -> Result<StrategyConfig> {
    let base = match (arguments.strategy.as_deref(), claimed) {
        (None, Some(replay)) => replay.strategy.clone(),
        (named, _) => named_strategy(named)?,
    };
    if arguments.venue == VenueName::Perpetual && arguments.shorting == Some(ShortingName::Free) {
        bail!(
            "--shorting free has no meaning on --venue perpetual, where short sales have margin and funding; leave it out"
        );
    }
    let base = sized(base, arguments.sizing.as_deref(), arguments.shorting)?;
    adjusted(base, &arguments.set, arguments.absent)
}

/// The strategy of this name or in this file; q50 where none is named.
fn named_strategy(named: Option<&str>) -> Result<StrategyConfig> {
    let Some(named) = named else { return Ok(StrategyConfig::new(Q50Config::default())) };
    match Registry::installed().kind(named) {
        Some(kind) => Ok(kind.default_config()),
        None => strategy_file(Path::new(named)),
    }
}

/// The strategy that was named, with the options that were typed.
#[cfg(feature = "live")]
pub(crate) fn strategy_of(named: Option<&str>, set: &[String], absent: Option<AbsentName>) -> Result<StrategyConfig> {
    adjusted(named_strategy(named)?, set, absent)
}

fn adjusted(base: StrategyConfig, set: &[String], absent: Option<AbsentName>) -> Result<StrategyConfig> {
    let strategy = with_settings(base, set)?;
    let Some(absent) = absent else { return Ok(strategy) };
    let template = Template::new(&strategy);
    if !template.has("absent") {
        bail!("--absent has no meaning with the strategy {}, which always holds; leave it out", strategy.label());
    }
    let absent = match absent {
        AbsentName::Hold => "hold",
        AbsentName::Long => "long",
        AbsentName::Flat => "flat",
    };
    template.with(&[("absent", toml::Value::String(absent.to_owned()))]).context("--absent")
}

/// The strategy with the sizes and the shorting that were typed.
fn sized(base: StrategyConfig, sizing: Option<&str>, shorting: Option<ShortingName>) -> Result<StrategyConfig> {
    let (template, label) = (Template::new(&base), base.label());
    let mut options = Vec::new();
    match sizing {
        Some("full") if !template.has("size") => {
            bail!("--sizing full has no meaning with the strategy {label}, which has its own sizes; leave it out")
        }
        Some("full") => options.push(("size", toml::Value::Float(1.0))),
        Some(method) => options.push(("sizing.method", toml::Value::String(method.to_owned()))),
        None => {}
    }
    match shorting {
        Some(ShortingName::Free) if !template.has("allow_short") => {
            bail!("--shorting free has no meaning with the strategy {label}, which never sells short; leave it out")
        }
        Some(shorting) if template.has("allow_short") => {
            options.push(("allow_short", toml::Value::Boolean(shorting == ShortingName::Free)));
        }
        _ => {}
    }
    if options.is_empty() { Ok(base) } else { Ok(template.with(&options)?) }
}

/// A strategy in a file: the kind and options of one in TOML, or a program in YAML.
fn strategy_file(path: &Path) -> Result<StrategyConfig> {
    let named = path.display();
    let text = read_text(path)
        .with_context(|| format!("strategy {named} is neither {}, and no file that can be read", names("nor")))?;
    if !is_toml(path, &text) {
        return Ok(StrategyConfig::new(FileStrategy::new(program(path, &text)?)));
    }
    let read = |text| -> Result<StrategyConfig> { Ok(read_strategy(toml::from_str(text)?)?) };
    read(&text).with_context(|| format!("strategy file {named}"))
}

/// No program is TOML. A file that calls itself TOML is told what is wrong with it as such.
fn is_toml(path: &Path, text: &str) -> bool {
    let is_table = toml::from_str::<toml::Table>(text).is_ok_and(|table| !table.is_empty());
    is_table || path.extension().is_some_and(|extension| extension == "toml")
}

fn program(path: &Path, text: &str) -> Result<Program> {
    Program::read(text, &Catalog::default()).with_context(|| format!("strategy file {}", path.display()))
}

/// The grid that the strategy file asks for itself, if one was named and has a section `sweep`.
pub(crate) fn own_grid(named: Option<&str>) -> Result<Option<Space>> {
    let Some(path) = named.filter(|named| Registry::installed().kind(named).is_none()).map(Path::new) else {
        return Ok(None);
    };
    let text = read_text(path)?;
    if is_toml(path, &text) {
        return Ok(None);
    }
    let program = program(path, &text)?;
    if program.sweep.is_empty() {
        return Ok(None);
    }
    let space = Space::of(program.sweep.into_iter().map(|axis| (axis.path, axis.values)));
    space.map(Some).map_err(|problem| anyhow!("strategy file {}, sweep: {problem}", path.display()))
}

/// The strategies by name, with this word before the last.
fn names(word: &str) -> String {
    let names: Vec<&str> = Registry::installed().kinds().iter().map(Kind::name).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
        None => "known".to_owned(),
    }
}

/// Changes options by dotted path; a path that is no option of the strategy is refused.
fn with_settings(base: StrategyConfig, settings: &[String]) -> Result<StrategyConfig> {
    if settings.is_empty() {
        return Ok(base);
    }
    let option = |setting: &String| {
        let (path, value) = setting
            .split_once('=')
            .with_context(|| format!("--set {setting}: expected PATH=VALUE, such as gate.min_tier=2"))?;
        Ok((path.trim().to_owned(), parse_value(value.trim())))
    };
    let options: Vec<(String, toml::Value)> = settings.iter().map(option).collect::<Result<_>>()?;
    let borrowed: Vec<(&str, toml::Value)> = options.iter().map(|(p, v)| (p.as_str(), v.clone())).collect();
    Template::new(&base).with(&borrowed).context("--set")
}

/// Numbers, booleans, strings in quotes and arrays as TOML has them; anything else is a bare word.
fn parse_value(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q50(settings: &[&str]) -> Result<StrategyConfig> {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        with_settings(StrategyConfig::new(Q50Config::default()), &settings)
    }

    #[test]
    fn options_are_typed_as_the_strategy_file_has_them() {
        let strategy = q50(&["gate.min_tier=2", "gate.ev_mode=legacy"]).unwrap();
        let config = strategy.settings::<Q50Config>().unwrap();
        assert_eq!(config.gate.min_tier, 2);
        assert_eq!(config.gate.ev_mode, q50_engine::strategy::q50::edge::EvMode::Legacy);
        let error = format!("{:#}", q50(&["gate.min_teir=2"]).unwrap_err());
        assert!(error.contains("--set") && error.contains("gate.min_teir"), "{error}");
    }
}
