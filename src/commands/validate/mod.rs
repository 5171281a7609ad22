//! `q50 validate`: a strategy, or the finalists of a search, in the replay loop and in NautilusTrader's engine.

mod files;
mod finalists;
mod report;
mod second;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use q50_datasets::{hash::text_hash, run_folder::RunFolder};
use q50_engine::venue::{FillTiming, LatencyPreset};
use q50_research::{
    run::{Prepared, RunSettings, Source, VenueSettings, trial_of_returns},
    spec::DataSpec,
    trials::{Origin, Role},
};

pub(super) use self::second::opinion;
use self::{
    finalists::{Finalist, Search},
    report::{Data, Engine, Report, RunReport, Settings},
};
use crate::{Answer, args::ValidateArguments, configuration, output, progress::Steps};

/// One run to compare.
struct Job {
    settings: RunSettings,
    finalist: Option<Finalist>,
}

pub(crate) fn run(arguments: &ValidateArguments, quiet: bool) -> Result<Answer> {
    let started = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    let search = arguments.from_sweep.as_deref().map(Search::read).transpose()?;
    let data = match &search {
        Some(search) => search.dataset(replay)?,
        None => configuration::dataset(replay)?,
    };
    let pool = configuration::pool_path(replay, &data)?;
    let base = match &search {
        Some(search) => search.settings(arguments)?,
        None => configuration::run_settings(replay, None, &data)?,
    };
    let spec = DataSpec::of(&data, &base.strategy).with_pool(pool.as_ref().map(|(_, hash)| hash.as_str()));
    if let Some(search) = &search {
        search.same_view(&spec, arguments.validate_venue.is_some())?;
    }
    let jobs = match &search {
        Some(search) => search.jobs(&base, arguments.top)?,
        None => vec![Job { settings: base.clone(), finalist: None }],
    };
    let market = data.market();
    for job in &jobs {
        if let Some(refusal) = job.settings.refusal(&market.signals, market.interval_ms) {
            bail!("{}{refusal}", job.finalist.as_ref().map_or_else(String::new, |f| format!("set {}: ", f.index)));
        }
    }
    let latency = changed_latency(arguments.latency, &base.venue)?;

    let path = pool.as_ref().map(|(path, _)| path);
    let source = Source { market, pool: path, contract: None, data: &spec, instruments: &[] };
    let prepared = Prepared::new(source, &base.venue).context("pool reserves")?;
    let folder = arguments.out.as_deref().map(|out| RunFolder::open(out, files::FILES)).transpose()?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;

    let all: Vec<String> = jobs.iter().map(|job| job.settings.hash().to_string()).collect();
    let run_id = text_hash(&format!("{} {:?} {}", spec.hash(), latency.map(LatencyPreset::ms), all.join(" ")));
    let steps = Steps::start(quiet, jobs.len() as u64);
    let (mut runs, mut tables) = (Vec::with_capacity(jobs.len()), files::Tables::default());
    for (number, job) in (0_i64..).zip(jobs) {
        steps.next("validating");
        let validation = second::compare(&prepared, &job.settings, latency, data.last_signal())?;
        let returns: Vec<f64> = validation.second.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let key = source.key(&job.settings);
        let key = latency.map_or(key, |latency| key.assuming(&format!("a latency of {} ms", latency.ms())));
        // Somewhere else it is the same hypothesis, and counted once.
        let trial = trial_of_returns(&returns, key, Role::Candidate);
        ledger.record(source.scope(&job.settings.strategy), Origin::Validate, &[trial])?;
        runs.push(RunReport::of(&validation, &job, market.open_time));
        if folder.is_some() {
            tables.add(number, &validation.second);
        }
    }
    let report = Report {
        schema: "q50.validate/1",
        run_id,
        data: Data::of(&data, replay.bars.is_empty()),
        engine: Engine::NAUTILUS,
        settings: Settings {
            latency_ms: latency.map_or_else(|| own_latency(&base.venue), LatencyPreset::ms),
            run: base,
        },
        agrees: runs.iter().all(|run| run.agrees),
        runs,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    if let Some(folder) = &folder {
        files::write(folder, &tables, &report)?;
    }
    drop(steps);
    output::print(replay.format, &report, |out| report::text(out, &report, folder.as_ref()))?;
    Ok(if report.agrees { Answer::Yes } else { Answer::No })
}

fn own_latency(venue: &VenueSettings) -> i64 {
    match venue {
        VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_) => 0,
        VenueSettings::PumpSwap(pool) => LatencyPreset::SolanaSlots(pool.config.latency_slots).ms(),
    }
}

/// The stated latency, where it is another than the venue's own: the same one makes the same trial.
fn changed_latency(stated: Option<LatencyPreset>, venue: &VenueSettings) -> Result<Option<LatencyPreset>> {
    if stated.is_some() && venue.fill_timing() == FillTiming::SameClose {
        bail!("--latency has no meaning where orders fill at the close that they were decided from; leave it out");
    }
    Ok(stated.filter(|latency| latency.ms() != own_latency(venue)))
}
