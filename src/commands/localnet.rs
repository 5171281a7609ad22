//! `q50 localnet`: a chain on this machine that any Solana client accepts.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use q50_datasets::reserves::ReserveTable;
use q50_localnet::{FaultScript, Localnet, Pace, Path as ReservePath, PoolSpec, Pools, ReserveStep, Settings};

use super::demonstration;
use crate::{Answer, args::LocalnetArguments};

pub(crate) fn run(arguments: &LocalnetArguments) -> Result<Answer> {
    let (asked_to_end, end) = std::sync::mpsc::channel();
    // Before anything is served: whoever ends it early ends it properly.
    ctrlc::set_handler(move || {
        let _ = asked_to_end.send(());
    })
    .context("no handler for Ctrl-C")?;
    // The folder of a demonstration stays locked for as long as its chain is there.
    let (localnet, _folder) = match &arguments.demonstration {
        Some(folder) => {
            let (localnet, folder) = demonstration::start(arguments, folder)?;
            (localnet, Some(folder))
        }
        None => (Localnet::start(settings(arguments)?)?, None),
    };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(localnet.ready())?)?;
    stdout.flush()?;
    drop(stdout);
    end.recv()?;
    localnet.stop()?;
    Ok(Answer::Yes)
}

fn settings(arguments: &LocalnetArguments) -> Result<Settings> {
    let mut pools = match &arguments.pools {
        Some(path) => Pools::read(path)?,
        None => Pools::built_in(),
    };
    let mut path = None;
    if let Some(file) = &arguments.reserves {
        let steps = steps(file)?;
        if let Some(first) = steps.first() {
            let known = PoolSpec::new(first.base, first.quote);
            pools.pools =
                vec![PoolSpec { supply: ReserveTable::read(file)?.supply(file)?.unwrap_or(known.supply), ..known }];
        }
        path = arguments.follow.map(|speed| ReservePath { pool: 0, steps, speed });
    }
    Ok(Settings {
        pools,
        wallet: arguments.keypair_out.clone(),
        state: arguments.state.clone(),
        path,
        ..usual(arguments)?
    })
}

/// What does not depend on which pools there are.
pub(super) fn usual(arguments: &LocalnetArguments) -> Result<Settings> {
    Ok(Settings {
        port: arguments.port,
        pace: match arguments.slot_ms {
            0 => Pace::Stepped,
            ms => Pace::Every(Duration::from_millis(ms)),
        },
        seed: arguments.seed,
        faults: arguments.faults.as_deref().map(FaultScript::read).transpose()?.unwrap_or_default(),
        ..Settings::default()
    })
}

fn steps(file: &Path) -> Result<Vec<ReserveStep>> {
    let rows = ReserveTable::read(file)?.rows(file)?;
    Ok(rows.into_iter().map(|(time_ms, base, quote)| ReserveStep { time_ms, base, quote }).collect())
}
