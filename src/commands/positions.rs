//! `q50 positions`, `q50 kill` and `q50 resume`: what the journals say, and the switches. Neither needs a chain.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use q50_datasets::time::rfc3339;
use q50_engine::units::Bps;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::guards::{ExitRules, KillSwitch, SwitchError, SwitchFile};
use q50_executor::journal::{Journal, JournalError, OrderState, Position};
use q50_pumpswap::chain::Address;
use serde_json::{Value, json};

use super::trade_text;
use crate::{
    Answer,
    args::{PositionsArguments, SwitchArguments},
    configuration::data_directory,
    output,
};

/// Where journals are kept unless they are named.
fn folder() -> Result<PathBuf> {
    Ok(data_directory()?.join("journals"))
}

/// The journal that is named, or that of this wallet on this chain.
pub(crate) fn journal_path(named: Option<&Path>, genesis: &str, wallet: &Address) -> Result<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        // Eight letters tell any two chains of one user apart; that they are the same is checked in the file.
        None => Ok(folder()?.join(format!("{}-{wallet}.sqlite", genesis.chars().take(8).collect::<String>()))),
    }
}

/// The switch that every trader of the data directory asks.
pub(crate) fn switch_file() -> Result<SwitchFile> {
    Ok(SwitchFile::of(&data_directory()?))
}

/// The journal that is named, or all there are; and why others cannot be opened.
fn journals(named: Option<&Path>) -> Result<(Vec<Journal>, Vec<anyhow::Error>)> {
    let paths = match named {
        Some(path) => {
            ensure!(path.is_file(), "{}: there is no such journal", path.display());
            vec![path.to_owned()]
        }
        None => listed(&folder()?)?,
    };
    let (mut journals, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match Journal::open(&path).with_context(|| path.display().to_string()) {
            Ok(journal) => journals.push(journal),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((journals, problems))
}

/// Databases of a folder, which need not be there.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<std::io::Result<Vec<_>>>),
    };
    let entries = entries.with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
    paths.sort();
    Ok(paths)
}

/// An error of its own where some could not be used, after what could be done was done.
fn unless_all(problems: &[anyhow::Error]) -> Result<()> {
    let told: Vec<String> = problems.iter().map(|problem| format!("{problem:#}")).collect();
    ensure!(told.is_empty(), "{}", told.join("; "));
    Ok(())
}

pub(crate) fn positions(arguments: &PositionsArguments) -> Result<Answer> {
    let (journals, mut problems) = journals(arguments.journal.as_deref())?;
    let mut told = Vec::new();
    for journal in &journals {
        match journal_fields(journal).with_context(|| journal.path().display().to_string()) {
            Ok(fields) => told.push(fields),
            Err(problem) => problems.push(problem),
        }
    }
    let switch = switch_file()?.read()?;
    let value = json!({"switch": switch_name(&switch), "killed": killed_fields(&switch), "journals": told});
    output::print(arguments.format, &value, |out| {
        if let KillSwitch::Killed { reason, .. } = &switch {
            writeln!(out, "all trading of this data directory is off ({reason})")?;
        }
        if told.is_empty() && problems.is_empty() {
            return writeln!(out, "no journal: nothing was ever traded");
        }
        told.iter().try_for_each(|journal| text(out, journal))
    })?;
    unless_all(&problems)?;
    Ok(Answer::Yes)
}

fn text(out: &mut dyn std::io::Write, journal: &Value) -> std::io::Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let [name, switch] = ["journal", "switch"].map(|field| text(&journal[field]));
    writeln!(out, "{name}: trading is {switch}, {} open", journal["open"])?;
    for position in journal["positions"].as_array().into_iter().flatten() {
        let fields = ["mint", "base", "cost", "realized", "since"].map(|field| text(&position[field]));
        let [mint, base, _, _, since] = fields;
        let [cost, realized] = ["cost", "realized"].map(|field| trade_text::sol(&position[field]));
        writeln!(out, "  {mint}  {base} units held for {cost}, {realized} realized, since {since}")?;
    }
    Ok(())
}

fn journal_fields(journal: &Journal) -> Result<Value> {
    let switch = journal.switch()?;
    let open = journal.pending()?.iter().filter(|pending| pending.state == OrderState::Open).count();
    let armed = journal.armed()?;
    let positions: Vec<Value> =
        journal.positions()?.iter().map(|position| position_fields(position, armed.get(&position.mint))).collect();
    Ok(json!({
        "journal": journal.path().display().to_string(),
        "wallet": journal.wallet()?,
        "switch": switch_name(&switch),
        "killed": killed_fields(&switch),
        "open": open,
        "positions": positions,
    }))
}

fn fraction(bps: Bps) -> f64 {
    bps.0 as f64 / 10_000.0
}

fn switch_name(switch: &KillSwitch) -> &'static str {
    if *switch == KillSwitch::Resumed { "on" } else { "off" }
}

fn killed_fields(switch: &KillSwitch) -> Value {
    match switch {
        KillSwitch::Resumed => Value::Null,
        KillSwitch::Killed { since, reason } => json!({"since": rfc3339(since.0), "reason": reason}),
    }
}

fn position_fields(position: &Position, levels: Option<&ExitRules>) -> Value {
    let levels = levels.map(|rules| {
        json!({
            "stop_loss": rules.stop_loss.map(fraction),
            "take_profit": rules.take_profit.map(fraction),
            "after_s": rules.timeout.map(|timeout| timeout.as_secs()),
        })
    });
    json!({
        "levels": levels,
        "mint": position.mint.to_string(),
        "base": position.base.to_string(),
        "cost": position.cost.to_string(),
        "realized": position.realized.to_string(),
        "elsewhere": position.elsewhere.to_string(),
        "since": (position.base > 0).then(|| rfc3339(position.since.0)),
        "fills": position.fills,
    })
}

pub(crate) fn kill(arguments: &SwitchArguments) -> Result<Answer> {
    let now = SystemClock.now();
    // First, and whatever becomes of the journals: it stops everybody who trades from this data directory.
    let besides = match arguments.journal {
        Some(_) => Ok(()),
        None => switch_file()?.kill(&arguments.reason, now),
    };
    switch(arguments, "off", besides, |journal| journal.kill(&arguments.reason, now))
}

pub(crate) fn resume(arguments: &SwitchArguments) -> Result<Answer> {
    let besides = match arguments.journal {
        Some(_) => Ok(()),
        None => switch_file()?.resume(),
    };
    switch(arguments, "on", besides, |journal| journal.resume(&arguments.reason, SystemClock.now()))
}

/// Switches what can be switched, and names what cannot.
fn switch(
    arguments: &SwitchArguments,
    state: &str,
    besides: Result<(), SwitchError>,
    set: impl Fn(&Journal) -> Result<(), JournalError>,
) -> Result<Answer> {
    let is_all = arguments.journal.is_none() && besides.is_ok();
    let mut problems: Vec<anyhow::Error> = besides.err().into_iter().map(Into::into).collect();
    let (mut open, mut names) = (Vec::new(), Vec::new());
    match journals(arguments.journal.as_deref()) {
        Ok((journals, closed)) => {
            open = journals;
            problems.extend(closed);
        }
        Err(problem) => problems.push(problem),
    }
    for journal in &open {
        let name = journal.path().display().to_string();
        match set(journal).with_context(|| name.clone()) {
            Ok(()) => names.push(name),
            Err(problem) => problems.push(problem),
        }
    }
    let still_off = state == "on" && !matches!(switch_file()?.read(), Ok(KillSwitch::Resumed));
    output::print(arguments.format, &json!({"switch": state, "all": is_all, "journals": names}), |out| {
        if is_all {
            writeln!(out, "trading is {state} for all of this data directory, whatever the journal")?;
        }
        names.iter().try_for_each(|name| writeln!(out, "{name}: trading is {state}"))?;
        if still_off {
            writeln!(
                out,
                "all trading of this data directory is still off; q50 resume without --journal switches it on"
            )?;
        }
        Ok(())
    })?;
    unless_all(&problems)?;
    Ok(Answer::Yes)
}
