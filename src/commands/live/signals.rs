//! Which signals a session reads, and how.

use anyhow::{Result, bail, ensure};
use q50_engine::market::Signals;
use q50_research::run::RunSettings;
use q50_trader::promotion::Manifest;
use q50_trader::signal_file::SignalFile;
use q50_trader::spec::SignalRule;

use crate::{
    args::LiveArguments,
    configuration::{minus_one, signal_options},
};

/// As it was typed; what was not is as it was promoted.
pub(super) fn rule(arguments: &LiveArguments, interval_ms: i64, manifest: Option<&Manifest>) -> SignalRule {
    let promoted = manifest.and_then(|manifest| manifest.spec.data.signals.as_ref());
    let milliseconds = |seconds: Option<u32>, promoted: Option<i64>| {
        seconds.map_or(promoted.unwrap_or(interval_ms), |seconds| i64::from(seconds) * 1_000)
    };
    let column = arguments.signal_column.clone().or_else(|| manifest?.signal_column.clone());
    let minus_one = arguments.side_minus_one.map(minus_one).or_else(|| manifest?.minus_one);
    let options = signal_options(column.clone(), arguments.crossing, minus_one);
    SignalRule {
        delay_ms: milliseconds(arguments.signal_delay, promoted.map(|signals| signals.delay_ms)),
        max_age_ms: milliseconds(arguments.signal_max_age, promoted.map(|signals| signals.max_age_ms)),
        crossing: options.crossing,
        column,
        minus_one,
    }
}

/// The file, where there is one; refused where the strategy could not run on it.
pub(super) fn file(
    arguments: &LiveArguments,
    settings: &RunSettings,
    rule: &SignalRule,
    interval_ms: i64,
) -> Result<Option<SignalFile>> {
    let options = signal_options(rule.column.clone(), arguments.crossing, rule.minus_one);
    let rule = rule.join();
    ensure!(rule.max_age_ms > 0, "--signal-max-age is 0, expected 1 or more: nothing would ever be used");
    let file = match &arguments.signals {
        Some(path) => Some(SignalFile::open(path, options, rule)?),
        None => None,
    };
    let there = file.as_ref().map_or_else(Signals::default, SignalFile::signals);
    if let Some(refusal) = settings.refusal(&there, interval_ms) {
        bail!("{refusal}{}", if file.is_none() { "; or name a file with --signals" } else { "" });
    }
    Ok(file)
}
