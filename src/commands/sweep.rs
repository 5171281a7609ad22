//! `q50 sweep`: parameters on every core.

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use q50_datasets::{input::read_bytes, run_folder::RunFolder};
use q50_research::{
    run::RunSettings,
    sweep::{Ended, Filters, Finalist, Identity, RESULTS_FILE, Replays, Results, Store, Sweep, finalists, publish},
    trials::{CampaignSummary, MarketCounts, Stamp},
};
use serde::{Deserialize, Serialize};

/// The search as a page.
mod page;

use super::search::{Data, Search};
use crate::{
    Answer,
    args::{FilterArguments, Format, SweepArguments},
    catalog,
    cluster::{self, Cluster},
    configuration, interrupt, output,
    progress::Sets,
    table::{Align, parameters, table},
    usage,
};

/// What stands for a search.
const SUMMARY: &str = "sweep.json";
/// The page.
const PAGE: &str = "sweep.html";
/// What is written, what stands for all of it last.
const FILES: &[&str] = &[RESULTS_FILE, PAGE, SUMMARY];
/// Most bytes of a summary: 256 MiB.
const SUMMARY_MOST: u64 = 256 << 20;
/// Columns of a table of finalists.
const COLUMNS: [(&str, Align); 9] = [
    ("index", Align::Right),
    ("Sharpe", Align::Right),
    ("return", Align::Right),
    ("drawdown", Align::Right),
    ("factor", Align::Right),
    ("trips", Align::Right),
    ("DSR", Align::Right),
    ("worst", Align::Right),
    ("set", Align::Left),
];
/// Sets beyond which somebody has to say that they mean it.
const MANY: u64 = 10_000_000;

/// What a search prints; times and memory are the only parts that differ between two runs.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    run_id: String,
    #[serde(flatten)]
    asked: Asked,
    data: Data,
    bars: usize,
    settings: RunSettings,
    /// Paths of the parameters, the outermost first.
    parameters: Vec<String>,
    #[serde(flatten)]
    results: Results,
    pareto: Vec<Finalist>,
    pareto_size: usize,
    trials: MarketCounts,
    /// Candidates that finalists are deflated for.
    trials_counted: u64,
    campaign: Option<CampaignSummary>,
    ledger: Stamp,
    #[serde(flatten)]
    cost: Cost,
}

/// Which search it is, and what is asked of it.
#[derive(Serialize, Deserialize)]
struct Asked {
    identity: Identity,
    filters: Filters,
    /// Most finalists.
    finalists: usize,
}

/// What the search took: from its first set to the finished table, the trial ledger included. What a resumed search did
/// before is not in it, and neither is the processor time of workers on other machines.
#[derive(Serialize)]
struct Cost {
    cpu_s: Option<f64>,
    wall_s: f64,
    ns_per_bar_set: Option<f64>,
    /// Of the whole process: reading and clustering too.
    process_cpu_s: Option<f64>,
    peak_rss_mib: Option<f64>,
    resumed_sets: u64,
}

/// Lends the search that `arguments` describe.
pub(crate) fn with_sweep<T>(arguments: &SweepArguments, f: impl FnOnce(&Sweep<'_>) -> T) -> Result<T> {
    let search = Search::read(arguments.grid.as_deref(), &arguments.replay, MANY, true)?;
    let instruments = search.record.instruments();
    let prepared = search.prepared(&instruments)?;
    Ok(f(&search.sweep(&prepared)?))
}

pub(crate) fn run(arguments: &SweepArguments, cluster: Option<&dyn Cluster>, quiet: bool) -> Result<Answer> {
    let replay = &arguments.replay;
    if arguments.on.cluster.is_some() {
        cluster::needed(cluster)?;
    }
    configuration::threads(replay.threads)?;
    let search = Search::read(arguments.grid.as_deref(), replay, MANY, arguments.yes)?;
    let instruments = search.record.instruments();
    let prepared = search.prepared(&instruments)?;
    let sweep = search.sweep(&prepared)?;
    let (source, settings) = (prepared.source(), sweep.base());
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let asked =
        Asked { identity: sweep.identity(), filters: filters(&arguments.filters), finalists: arguments.finalists };
    if arguments.resume
        && !Store::is_there(&folder)
        && let Some(answer) = complete(&folder, &asked, replay.format)?
    {
        return Ok(answer);
    }
    let mut remote = cluster::remote(cluster, &arguments.on, &sweep)?;
    // The search stops after the sets at hand, and can go on later.
    let stop = interrupt::flag()?;
    let mut store = Store::open(&folder, &asked.identity, arguments.resume)?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(&source.data.record, name)?;
    }

    let resumed_sets = store.done(0)?;
    let (cpu, clock) = (usage::cpu_seconds(), Instant::now());
    let bar = Sets::start(quiet, sweep.total());
    let here = remote.is_none();
    let replays = match &mut remote {
        None => Replays::Here,
        Some(remote) => Replays::Remote(&mut **remote),
    };
    match sweep.run(replays, &mut store, &mut ledger, &stop, &|done| bar.done(done))? {
        Ended::Complete => {}
        Ended::Interrupted(done) => {
            drop(bar);
            bail!("interrupted after {done} of {} sets; go on with --resume", sweep.total());
        }
    }
    drop(bar);
    let mut run = folder.new_run(&asked.identity.run_id(&"sweep"));
    let results = publish(&sweep, &store, &asked.filters, &mut run)?;
    // What workers took is not known.
    let cpu_s = cpu.zip(usage::cpu_seconds()).map(|(from, to)| to - from).filter(|_| here);
    let wall_s = clock.elapsed().as_secs_f64();

    let pareto = finalists(&sweep, &results, arguments.finalists, &mut ledger)?;
    let bars = search.record.data.rows().len();
    let replayed = results.sets.saturating_sub(resumed_sets) as f64 * bars as f64;
    let report = Report {
        schema: "q50.sweep/1",
        run_id: run.id().to_owned(),
        asked,
        data: search.facts(),
        bars,
        settings: settings.clone(),
        parameters: search.space.axes().iter().map(|axis| axis.path.clone()).collect(),
        pareto,
        pareto_size: results.front.len(),
        trials: ledger.counts(&source.data.record)?,
        trials_counted: ledger.tried(source.scope(&settings.strategy), 0)?.trials,
        campaign: ledger.campaign()?,
        ledger: ledger.stamp_of_trials()?,
        cost: Cost {
            cpu_s,
            wall_s,
            ns_per_bar_set: cpu_s.filter(|_| replayed > 0.0).map(|s| s * 1e9 / replayed),
            process_cpu_s: usage::cpu_seconds(),
            peak_rss_mib: usage::peak_rss_mib(),
            resumed_sets,
        },
        results,
    };
    run.bytes(PAGE, page::sheet(&report).html()?.as_bytes())?;
    run.bytes(SUMMARY, &serde_json::to_vec_pretty(&report)?)?;
    run.commit()?;
    store.remove()?;
    catalog::register("sweep", folder.path(), &report.run_id);
    output::print(replay.format, &report, |out| text(out, &report, &sweep, &folder))?;
    Ok(Answer::Yes)
}

/// The answer where the folder holds the finished results of this very search: there is nothing to resume. Those of
/// another search are refused, because whoever resumes does not mean to replace.
fn complete(folder: &RunFolder, asked: &Asked, format: Format) -> Result<Option<Answer>> {
    let path = folder.file(SUMMARY);
    if !FILES.iter().all(|name| folder.file(name).exists()) {
        return Ok(None);
    }
    let named = || path.display().to_string();
    let bytes = read_bytes(&path, SUMMARY_MOST).with_context(named)?;
    let finished: Asked = serde_json::from_slice(&bytes).with_context(named)?;
    finished.identity.same(&asked.identity, &folder.path().display().to_string())?;
    if (finished.filters, finished.finalists) != (asked.filters, asked.finalists) {
        bail!(
            "{}: the search is complete, and its filters or its number of finalists were others; give those, or search anew \
             without --resume",
            folder.path().display()
        );
    }
    let whole: serde_json::Value = serde_json::from_slice(&bytes).with_context(named)?;
    output::print(format, &whole, |out| {
        writeln!(out, "The search is complete, and there is nothing to resume: {}", path.display())
    })?;
    Ok(Some(Answer::Yes))
}

fn filters(arguments: &FilterArguments) -> Filters {
    let FilterArguments { min_trades, max_drawdown, min_profit_factor, min_return } = *arguments;
    Filters { min_trades, max_drawdown, min_profit_factor, min_return }
}

fn text(out: &mut dyn Write, report: &Report, sweep: &Sweep<'_>, folder: &RunFolder) -> io::Result<()> {
    let results = &report.results;
    if report.data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(out, "{} sets on {} bars, {} to {}", results.sets, report.bars, report.data.from, report.data.to)?;
    if let Some(asked) = sweep.space().asked().filter(|asked| *asked > results.sets) {
        writeln!(out, "{asked} were asked for; there are no more, so every combination was run once")?;
    }
    if results.ranked < results.sets {
        writeln!(out, "{} of them saw every bar, in the last round; only they are ranked", results.ranked)?;
    }
    if results.failed > 0 {
        writeln!(out, "{} failed:", results.failed)?;
        for (reason, count) in &results.failures {
            writeln!(out, "  {count:>8}  {reason}")?;
        }
    }
    let shown = report.pareto.len();
    writeln!(
        out,
        "\nPareto front (Sharpe, drawdown, profit factor) of {} that pass the filters: {} sets{}\n",
        results.passed_filters,
        report.pareto_size,
        if shown < report.pareto_size { format!(", the first {shown}") } else { String::new() }
    )?;
    writeln!(out, "{}", table(COLUMNS, report.pareto.iter().map(row)))?;
    writeln!(
        out,
        "\nDSR counts the {} candidates that the trial ledger has on this market{}; worst: the lowest Sharpe ratio",
        report.trials_counted,
        report.campaign.as_ref().map_or_else(String::new, |c| format!(" since the campaign {} was registered", c.name))
    )?;
    writeln!(out, "one step away, as a share of the set's own.")?;
    if let Some(ns) = report.cost.ns_per_bar_set {
        writeln!(out, "{:.2} s, {ns:.2} ns of processor time per bar and set", report.cost.wall_s)?;
    }
    writeln!(out, "Results: {}", folder.file(RESULTS_FILE).display())?;
    writeln!(out, "Page: {}", folder.file(PAGE).display())
}

/// A finalist as a row of the table.
fn row(f: &Finalist) -> [String; 9] {
    let number = |v: Option<f64>, digits: usize| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"));
    [
        f.index.to_string(),
        number(f.sharpe, 3),
        format!("{:.2}%", 100.0 * f.total_return),
        format!("{:.2}%", 100.0 * f.max_drawdown),
        number(f.profit_factor, 2),
        f.round_trips.to_string(),
        number(f.dsr, 3),
        number(f.robustness.map(|r| r.worst), 2),
        parameters(&f.parameters),
    ]
}
