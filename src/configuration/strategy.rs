//! The strategy that was named, with the options that were typed.

use std::path::Path;

use anyhow::{Context, Result, bail};
use q50_datasets::input::read_text;
use q50_engine::strategy::{Registry, StrategyConfig, q50::Q50Config, registry::Kind};
use q50_research::{
    claim::Replay,
    parameters::{Template, read_strategy},
};

use crate::args::{AbsentName, ReplayArguments};

pub(super) fn strategy(arguments: &ReplayArguments, claimed: Option<&Replay>) -> Result<StrategyConfig> {
    let base = match (arguments.strategy.as_deref(), claimed) {
        (None, Some(replay)) => replay.strategy.clone(),
        (named, _) => named_strategy(named)?,
    };
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
        bail!("--absent has no meaning with the strategy {}, which always holds; leave it out", strategy.family());
    }
    let absent = match absent {
        AbsentName::Hold => "hold",
        AbsentName::Long => "long",
        AbsentName::Flat => "flat",
    };
    template.with(&[("absent", toml::Value::String(absent.to_owned()))]).context("--absent")
}

fn strategy_file(path: &Path) -> Result<StrategyConfig> {
    let named = path.display();
    let text = read_text(path)
        .with_context(|| format!("strategy {named} is neither {}, and no file that can be read", names("nor")))?;
    let read = |text| -> Result<StrategyConfig> { Ok(read_strategy(toml::from_str(text)?)?) };
    read(&text).with_context(|| format!("strategy file {named}"))
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
