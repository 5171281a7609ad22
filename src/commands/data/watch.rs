//! `q50 data watch`: collects from an API until it is interrupted.

use std::io::{self, Write};

use anyhow::{Context, Result};
use q50_datasets::run_folder::RunFolder;
use q50_geckoterminal::watch::{Client, Pace, Patience, Tally, Target, Timeframe, Watcher};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::{
    Answer,
    args::{WatchArguments, WatchCommand},
    configuration::from_time,
    output,
};

/// The collection.
const FILE: &str = "watch.sqlite";

pub(super) fn run(command: &WatchCommand) -> Result<Answer> {
    let WatchCommand::Geckoterminal(arguments) = command;
    let since = from_time(arguments.since.as_deref()).context("--since")?;
    let target = Target {
        network: arguments.network.clone(),
        pools: arguments.pools.clone(),
        timeframes: Timeframe::ALL
            .into_iter()
            .filter(|known| arguments.timeframes.iter().any(|name| name == known.name))
            .collect(),
        since: since.map(|ms| ms.div_euclid(1_000)),
    };
    let patience = if arguments.once { Patience::GivesUp } else { Patience::Rests };
    let client = Client::new(arguments.url.as_deref(), Pace::new(arguments.per_minute), patience)?;
    // The folder is this process's own from here on.
    let no_files: [&str; 0] = [];
    let folder = RunFolder::open(&arguments.out, &no_files)?;
    let watcher = Watcher::open(target, client, &folder.file(FILE))?;

    let (ask_to_stop, stop) = watch::channel(false);
    ctrlc::set_handler(move || {
        let _ = ask_to_stop.send(true);
    })
    .context("no handler for Ctrl-C")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = runtime.block_on(follow(watcher, arguments, stop))?;
    output::print(arguments.format, &tally, |out| text(out, arguments, &tally))?;
    Ok(Answer::Yes)
}

/// Round after round, until it is asked to stop; what is under way then is given up, and asked for again the next time.
async fn follow(mut watcher: Watcher, arguments: &WatchArguments, mut stop: watch::Receiver<bool>) -> Result<Tally> {
    loop {
        let begun = Instant::now();
        tokio::select! {
            Ok(_) = stop.wait_for(|stop| *stop) => break,
            done = watcher.round() => done?,
        }
        let Tally { bars, trades, .. } = watcher.tally();
        tracing::info!("{bars} bars and {trades} trades so far");
        if arguments.once {
            break;
        }
        tokio::select! {
            Ok(_) = stop.wait_for(|stop| *stop) => break,
            () = sleep_until(begun + arguments.every) => {}
        }
    }
    Ok(watcher.tally())
}

fn text(out: &mut dyn Write, arguments: &WatchArguments, tally: &Tally) -> io::Result<()> {
    let Tally { requests, failed, bars, trades, snapshots, conflicts, gaps } = tally;
    writeln!(out, "{bars} new bars, {trades} new trades, {snapshots} snapshots")?;
    writeln!(out, "{requests} requests, {failed} of them failed and were repeated")?;
    writeln!(out, "{conflicts} rows differ from what was recorded; {gaps} gaps between trades")?;
    let file = arguments.out.join(FILE);
    writeln!(out, "to use it: q50 data ingest geckoterminal {} --out DIR", file.display())
}
