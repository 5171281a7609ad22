//! `q50 collect`: a pool from the chain into datasets.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use q50_collector::dataset::{self, FILES, Summary};
use q50_collector::store::Store;
use q50_collector::subscription::Subscription;
use q50_collector::{Collector, Progress, Target, unless_stopped};
use q50_datasets::run_folder::RunFolder;
use q50_executor::clock::SystemClock;
use q50_executor::cluster::Cluster;
use q50_executor::rpc::Client;
use tokio::sync::watch;

use crate::{
    Answer,
    args::CollectArguments,
    commands::chain::{nodes, websocket},
    output,
    progress::Sets,
};

/// The log, from which an interrupted run goes on.
pub(crate) const LOG: &str = "collection.sqlite";
/// Datasets are made anew at most this often while a pool is followed,
const REST: Duration = Duration::from_secs(5);
/// and so many times rarer than making them takes.
const REST_SHARE: u32 = 20;

pub(crate) fn run(arguments: &CollectArguments, quiet: bool) -> Result<Answer> {
    let interval_ms = i64::try_from(arguments.interval.as_millis())?;
    let (ask_to_stop, stop) = watch::channel(false);
    ctrlc::set_handler(move || {
        let _ = ask_to_stop.send(true);
    })
    .context("no handler for Ctrl-C")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(collect(arguments, interval_ms, stop, quiet))?;
    output::print(arguments.format, &summary, |out| text(out, arguments, &summary))?;
    Ok(if summary.tally.unexplained == 0 { Answer::Yes } else { Answer::No })
}

async fn collect(
    arguments: &CollectArguments,
    interval_ms: i64,
    mut stop: watch::Receiver<bool>,
    quiet: bool,
) -> Result<Summary> {
    let address = arguments.target.parse().context("MINT|POOL: expected an address")?;
    let cluster: Cluster = arguments.cluster.parse().context("--cluster")?;
    let urls = nodes(&arguments.rpc)?;
    let websocket = websocket(arguments.ws.as_deref(), &urls, &cluster)?;

    let beginning = async {
        let client =
            Client::connect(&cluster, urls, SystemClock).await.with_context(|| format!("cluster {cluster}"))?;
        let target = Target::find(&client, address).await?;
        anyhow::Ok((client, target))
    };
    let (client, target) = unless_stopped(&mut stop, beginning).await.context("interrupted before it began")??;
    let mut subscription = Subscription::new(websocket, target.pool);
    let genesis = client.genesis().to_owned();
    // The folder is this process's own from here on.
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let log = folder.file(LOG);
    let store = Store::open(&log, &target.pool, &genesis).with_context(|| log.display().to_string())?;
    let mut collector = Collector::new(client, target, store);

    let bar = Sets::of_transactions(quiet);
    let told = |progress: Progress| match progress {
        Progress::Listed(listed) => bar.done_of(0, listed),
        Progress::Fetched { done, of } => bar.done_of(done, of),
    };
    let write = |collector: &Collector<_>| dataset::write(collector.store(), &target, &genesis, interval_ms, &folder);
    let not_done = "interrupted before everything was recorded; the same command goes on from here";
    loop {
        match unless_stopped(&mut stop, collector.catch_up(&told)).await.context(not_done)? {
            Ok(_) => break,
            Err(error) if error.is_transient() && (!arguments.once || error.is_a_limit()) => {
                tracing::warn!("{error}; asked again in {} s", REST.as_secs());
                unless_stopped(&mut stop, tokio::time::sleep(REST)).await.context(not_done)?;
            }
            Err(error) => {
                return Err(error).context("what is recorded stays; the same command goes on from there");
            }
        }
    }
    let summary = write(&collector)?;
    if arguments.once {
        return summary.context("nothing is recorded");
    }

    drop(bar);
    tracing::info!("caught up; following");
    let (mut written, mut rest, mut has_news) = (Instant::now(), REST, false);
    let mut last_bar = None;
    let result = collector
        .follow(&mut subscription, stop, &|_| {}, |collector, new| {
            let bar = collector.store().known()?.map(|known| known.unix_seconds * 1_000 / interval_ms);
            has_news |= new > 0 || bar != last_bar;
            if has_news && written.elapsed() >= rest {
                let begun = Instant::now();
                write(collector)?;
                rest = REST.max(begun.elapsed() * REST_SHARE);
                (written, has_news, last_bar) = (Instant::now(), false, bar);
            }
            Ok(())
        })
        .await;
    let summary = write(&collector)?;
    result?;
    summary.context("nothing is recorded")
}

fn text(out: &mut dyn Write, arguments: &CollectArguments, summary: &Summary) -> io::Result<()> {
    let tally = &summary.tally;
    writeln!(out, "{}", summary.headline())?;
    writeln!(
        out,
        "{} swaps ({} buys, {} sells), {} deposits, {} withdrawals, {} other moves; {} bars",
        tally.swaps, tally.buys, tally.sells, tally.deposits, tally.withdrawals, tally.moves, summary.bars
    )?;
    match tally.unexplained {
        0 => writeln!(out, "every step follows from the one before, to the lamport")?,
        count => writeln!(out, "{count} steps are not explained:")?,
    }
    for step in &tally.unexplained_steps {
        writeln!(out, "  slot {} {}: {}", step.slot, step.signature, step.reason)?;
    }
    if summary.gaps > 0 {
        writeln!(out, "{} gaps were looked into, {} of them filled", summary.gaps, summary.gaps_refilled)?;
    }
    let folder = arguments.out.display();
    writeln!(out, "to replay on it: q50 verify --venue pumpswap --bars {folder} --pool {folder} --signals FILE")
}
