//! `q50 positions`, `q50 kill` and `q50 resume`: what the journals say, and the switch in them. Neither needs a chain.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use q50_datasets::time::rfc3339;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::guards::KillSwitch;
use q50_executor::journal::{Journal, OrderState, Position};
use q50_live::pumpswap::Address;
use serde_json::{Value, json};

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

/// The journal that is named, or all there are.
fn journals(named: Option<&Path>) -> Result<Vec<Journal>> {
    let paths = match named {
        Some(path) => {
            ensure!(path.is_file(), "{}: there is no such journal", path.display());
            vec![path.to_owned()]
        }
        None => {
            let folder = folder()?;
            let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
            paths.sort();
            paths
        }
    };
    let open = |path: &PathBuf| Journal::open(path).with_context(|| path.display().to_string());
    paths.iter().map(open).collect()
}

pub(crate) fn positions(arguments: &PositionsArguments) -> Result<Answer> {
    let journals = journals(arguments.journal.as_deref())?;
    let told = journals.iter().map(journal_fields).collect::<Result<Vec<Value>>>()?;
    output::print(arguments.format, &json!({"journals": told}), |out| {
        if told.is_empty() {
            return writeln!(out, "no journal: nothing was ever traded");
        }
        for journal in &told {
            let text = |field: &str| journal[field].as_str().unwrap_or("-").to_owned();
            writeln!(out, "{}: trading is {}, {} open", text("journal"), text("switch"), journal["open"])?;
            for position in journal["positions"].as_array().into_iter().flatten() {
                let text = |field: &str| position[field].as_str().unwrap_or("-").to_owned();
                writeln!(
                    out,
                    "  {}  {} held for {} lamports, {} realized, since {}",
                    text("mint"),
                    text("base"),
                    text("cost"),
                    text("realized"),
                    text("since")
                )?;
            }
        }
        Ok(())
    })?;
    Ok(Answer::Yes)
}

fn journal_fields(journal: &Journal) -> Result<Value> {
    let switch = journal.switch()?;
    let open = journal.pending()?.iter().filter(|pending| pending.state == OrderState::Open).count();
    let positions: Vec<Value> = journal.positions()?.iter().map(position_fields).collect();
    Ok(json!({
        "journal": journal.path().display().to_string(),
        "wallet": journal.wallet()?,
        "switch": if switch == KillSwitch::Resumed { "on" } else { "off" },
        "killed": killed_fields(&switch),
        "open": open,
        "positions": positions,
    }))
}

fn killed_fields(switch: &KillSwitch) -> Value {
    match switch {
        KillSwitch::Resumed => Value::Null,
        KillSwitch::Killed { since, reason } => json!({"since": rfc3339(since.0), "reason": reason}),
    }
}

fn position_fields(position: &Position) -> Value {
    json!({
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
    switch(arguments, "off", Journal::kill)
}

pub(crate) fn resume(arguments: &SwitchArguments) -> Result<Answer> {
    switch(arguments, "on", Journal::resume)
}

fn switch(
    arguments: &SwitchArguments,
    state: &str,
    set: fn(&Journal, &str, q50_executor::clock::UnixMillis) -> Result<(), q50_executor::journal::JournalError>,
) -> Result<Answer> {
    let journals = journals(arguments.journal.as_deref())?;
    ensure!(!journals.is_empty(), "there is no journal to switch; trading begins one, or name it with --journal");
    for journal in &journals {
        set(journal, &arguments.reason, SystemClock.now()).with_context(|| journal.path().display().to_string())?;
    }
    let names: Vec<String> = journals.iter().map(|journal| journal.path().display().to_string()).collect();
    output::print(arguments.format, &json!({"switch": state, "journals": names}), |out| {
        names.iter().try_for_each(|name| writeln!(out, "{name}: trading is {state}"))
    })?;
    Ok(Answer::Yes)
}
