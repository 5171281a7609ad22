//! `q50 discover`: strategies that nobody wrote, bred on one part of a record and judged on all of it.

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};
use q50_datasets::{
    dataset::Dataset,
    input::{read_bytes, read_text},
    run_folder::{RunFolder, YAML_MARK},
    time::rfc3339,
};
use q50_engine::market::Column;
use q50_language::{Timeframe, genome::Genome};
use q50_research::{
    discovery::{
        Breed, Discovery, Evolution, Finding, Guard, Report, Settings, Start, State, candidates_table, example,
        file_name, page,
    },
    overfit::Lengths,
    run::VenueSettings,
    trials::{CampaignSummary, Stamp},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Answer,
    args::{DirectionName, DiscoverArguments, ShortingName, TimingName},
    catalog, configuration, interrupt, output,
    progress::Sets,
    table::{Align, table},
};

/// What stands for a discovery.
const SUMMARY: &str = "discover.json";
/// Most bytes of it: 256 MiB.
const SUMMARY_MOST: u64 = 256 << 20;

/// What is printed; times, and with them the ledger's hashes, are the only parts that differ between two runs.
#[derive(Serialize)]
struct Timed {
    schema: &'static str,
    run_id: String,
    data: Data,
    #[serde(flatten)]
    report: Report,
    /// Candidates that those of this record were deflated for.
    trials_counted: u64,
    campaign: Option<CampaignSummary>,
    ledger: Stamp,
    #[serde(flatten)]
    cost: Cost,
}

/// The record.
#[derive(Serialize)]
struct Data {
    hash: String,
    from: String,
    to: String,
    bars: usize,
    demonstration: bool,
}

/// What the searches took.
#[derive(Serialize)]
struct Cost {
    elapsed_ms: u64,
    /// Candidates a second of the searches, walk-forward not counted; those of an earlier run that was resumed are among
    /// them.
    candidates_per_second: f64,
}

pub(crate) fn run(arguments: &DiscoverArguments, quiet: bool) -> Result<Answer> {
    let clock = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    for (option, typed) in [
        ("--strategy", replay.strategy.is_some()),
        ("--signals", !replay.signals.is_empty()),
        ("--set", !replay.set.is_empty()),
        ("--sizing", replay.sizing.is_some()),
        ("--signal-column", replay.signal_column.is_some()),
        ("--signal-delay", replay.signal_delay.is_some()),
        ("--signal-max-age", replay.signal_max_age.is_some()),
        ("--side-minus-one", replay.side_minus_one.is_some()),
        ("--max-crossing-share", replay.max_crossing_share.is_some()),
    ] {
        if typed {
            bail!(
                "{option} has no meaning here: strategies are found, read bars alone and enter with all of the equity; leave \
                 it out"
            );
        }
    }
    if replay.fill_timing == TimingName::SameClose {
        bail!(
            "--fill-timing same-close fills orders at the close that they are decided on, and nothing found so is one; leave it out"
        );
    }
    let data = configuration::dataset_for(replay, Some(&example()?))?;
    let base = configuration::run_settings_of(replay, example()?, &data)?;
    let (breed, settings) = (breed(arguments, &data)?, settings(arguments, &data)?);
    let contract = match &base.venue {
        VenueSettings::Perpetual(config) => Some(configuration::contract(replay, &data, config)?),
        _ => None,
    };
    let contract = contract.as_ref().map(|(contract, spec)| (contract, spec.clone()));
    let discovery = Discovery::new(&data, contract, &base, breed, settings)?.starting_from(start(&arguments.start)?)?;

    let mut names: Vec<String> = (0..settings.judged).map(file_name).collect();
    names.extend(["candidates.parquet", "report.html", SUMMARY].map(str::to_owned));
    let folder = RunFolder::open(&arguments.out, &names)?;
    if arguments.resume
        && !State::is_there(&folder)
        && let Some(answer) = complete(&folder, &discovery.run_id(), arguments)?
    {
        return Ok(answer);
    }
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(discovery.record(), name)?;
    }
    if let Err(why) = discovery.walk_windows() {
        tracing::warn!(
            "nothing can be a finding here, because walk_forward cannot be made: {why}; give a longer record, or other \
             --walk-forward"
        );
    }
    let stop = interrupt::flag()?;
    let mut state = State::open(&folder, &discovery.identity(), arguments.resume)?;

    let bar = Sets::of_candidates(quiet);
    let told = |done: u64| bar.done_of(done, discovery.total().max(done));
    let searching = Instant::now();
    let found = discovery.search(&mut state, &mut ledger, &stop, &told)?;
    let seconds = searching.elapsed().as_secs_f64();
    let trials_counted = discovery.tried(&found, 0, &ledger)?.trials;
    let judged = discovery.judge(&found, &mut state, &mut ledger, &stop, &told)?;
    drop(bar);

    let (report, files) = Report::new(&discovery, &found, &judged, ledger.counts(discovery.record())?);
    let (from, to) = data.period();
    let demonstration = replay.bars.is_empty();
    let mut run = folder.new_run(&discovery.run_id());
    for (rank, file) in files.iter().enumerate() {
        run.bytes(&file_name(rank), file.as_bytes())?;
    }
    candidates_table(&discovery, &found, &mut run)?;
    let mut sources = vec![format!("Searched and judged on bars from {} to {}.", rfc3339(from), rfc3339(to))];
    if demonstration {
        sources.insert(0, "DEMONSTRATION: a generated market, not a record.".to_owned());
    }
    run.bytes("report.html", page(&discovery, &report, &judged, trials_counted, sources)?.as_bytes())?;
    let timed = Timed {
        schema: "q50.discover/1",
        run_id: run.id().to_owned(),
        data: Data {
            hash: data.hash().to_owned(),
            from: rfc3339(from),
            to: rfc3339(to),
            bars: data.rows().len(),
            demonstration,
        },
        trials_counted,
        campaign: ledger.campaign()?,
        ledger: ledger.stamp_of_trials()?,
        cost: Cost {
            elapsed_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            candidates_per_second: report.evaluated as f64 / seconds,
        },
        report,
    };
    run.bytes(SUMMARY, &serde_json::to_vec_pretty(&timed)?)?;
    run.commit()?;
    remove_those_of_an_earlier_run(&folder, settings.judged)?;
    state.remove()?;
    catalog::register("discover", folder.path(), &timed.run_id);
    output::print(replay.format, &timed, |out| text(out, &timed, &folder))?;
    Ok(answer(arguments, timed.report.findings == 0))
}

/// The answer where the folder holds the finished results of this very discovery: there is nothing to resume. Those of
/// another one are refused, because whoever resumes does not mean to replace.
fn complete(folder: &RunFolder, run_id: &str, arguments: &DiscoverArguments) -> Result<Option<Answer>> {
    let path = folder.file(SUMMARY);
    if !path.exists() {
        return Ok(None);
    }
    let named = || path.display().to_string();
    let finished: Value = serde_json::from_slice(&read_bytes(&path, SUMMARY_MOST).with_context(named)?)?;
    if finished["run_id"] != run_id {
        bail!("{}: holds another discovery, which is complete; search anew without --resume", named());
    }
    output::print(arguments.replay.format, &finished, |out| {
        writeln!(out, "The search is complete, and there is nothing to resume: {}", path.display())
    })?;
    Ok(Some(answer(arguments, finished["findings"] == 0)))
}

/// Removes the strategies of an earlier run that judged more.
fn remove_those_of_an_earlier_run(folder: &RunFolder, judged: usize) -> Result<()> {
    for rank in judged.. {
        let path = folder.file(&file_name(rank));
        if !read_text(&path).is_ok_and(|text| text.starts_with(YAML_MARK)) {
            break;
        }
        std::fs::remove_file(&path).with_context(|| format!("{}: cannot remove it", path.display()))?;
    }
    Ok(())
}

fn answer(arguments: &DiscoverArguments, nothing_found: bool) -> Answer {
    if arguments.expect.is_some() && nothing_found { Answer::No } else { Answer::Yes }
}

fn breed(arguments: &DiscoverArguments, data: &Dataset) -> Result<Breed> {
    let interval_ms = data.bars().interval_ms;
    let of_record = Timeframe::WORDS.into_iter().find(|(_, timeframe)| timeframe.ms() == interval_ms);
    let Some((word, timeframe)) = of_record else {
        let known = Timeframe::WORDS.map(|(word, _)| word).join(", ");
        bail!("the bars are {} s apart; strategies are made for bars of {known}", interval_ms / 1_000);
    };
    if let Some(asked) = arguments.timeframe.filter(|asked| *asked != timeframe) {
        bail!(
            "--timeframe is {}, and the bars are of {word}: give such bars with --bars, or leave it out",
            asked.word()
        );
    }
    let without_shorts = arguments.replay.shorting == Some(ShortingName::None);
    let direction = match arguments.direction {
        None if without_shorts => DirectionName::Long,
        Some(direction) if without_shorts && direction != DirectionName::Long => {
            bail!("--shorting none leaves no strategy that sells short; leave it out, or use --direction long")
        }
        named => named.unwrap_or(DirectionName::Any),
    };
    Ok(Breed::new(timeframe, &direction.directions(), data.market().signals.has(Column::Volume)))
}

/// The genomes of files.
fn start(files: &[PathBuf]) -> Result<Vec<Start>> {
    let read = |path: &PathBuf| {
        let file = path.display().to_string();
        let text = read_text(path).with_context(|| format!("--start {file}"))?;
        let genome =
            Genome::of_either_form(&text).map_err(|error| anyhow!("--start {file}:{}: {error}", error.line))?;
        Ok(Start { file, genome })
    };
    files.iter().map(read).collect()
}

fn settings(arguments: &DiscoverArguments, data: &Dataset) -> Result<Settings> {
    if arguments.judged > arguments.population {
        bail!("--judged is {}, expected at most the {} of --population", arguments.judged, arguments.population);
    }
    let [train, test, step] = arguments.walk_forward[..] else { bail!("--walk-forward takes three numbers of days") };
    let interval_ms = u64::try_from(data.bars().interval_ms).unwrap_or(0);
    Ok(Settings {
        evolution: Evolution {
            population: arguments.population as usize,
            generations: arguments.generations as usize,
            patience: arguments.patience.unwrap_or(arguments.generations) as usize,
        },
        seed: arguments.seed,
        seeds: arguments.seeds,
        holdout: arguments.holdout,
        judged: arguments.judged as usize,
        walk_forward: Lengths::of_days([train, test, step], interval_ms).context("--walk-forward")?,
    })
}

fn text(out: &mut dyn Write, timed: &Timed, folder: &RunFolder) -> io::Result<()> {
    let report = &timed.report;
    if timed.data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(
        out,
        "{} candidates on {} bars, {} to {}; {} bars held out",
        report.evaluated, report.searched.bars, report.searched.from, report.searched.to, report.held_out.bars
    )?;
    for search in &report.searches {
        let (first, last) = (search.best.first(), search.best.last());
        writeln!(
            out,
            "seed {}: {} of {} are fit; best fitness {:.3} in the first generation, {:.3} in the last of {}",
            search.seed,
            search.fit,
            search.evaluated,
            first.copied().unwrap_or_default(),
            last.copied().unwrap_or_default(),
            search.best.len()
        )?;
    }
    let columns = [
        ("file", Align::Left),
        ("fitness", Align::Right),
        ("Sharpe", Align::Right),
        ("return", Align::Right),
        ("drawdown", Align::Right),
        ("factor", Align::Right),
        ("trips", Align::Right),
        ("conditions", Align::Right),
        ("holdout", Align::Right),
        ("objections", Align::Left),
    ];
    let row = |one: &Finding| {
        let mut cells = vec![one.file.clone()];
        cells.extend(one.figures.cells());
        cells.push(one.holdout_sharpe.map_or_else(|| "-".to_owned(), |sharpe| format!("{sharpe:.2}")));
        let objections: Vec<&str> =
            one.guards.iter().filter(|guard| guard.objects()).map(|guard: &Guard| guard.name.name()).collect();
        cells.push(if objections.is_empty() { "none".to_owned() } else { objections.join(", ") });
        <[String; 10]>::try_from(cells).unwrap_or_default()
    };
    writeln!(out, "\n{}", table(columns, report.candidates.iter().map(row)))?;
    if report.searches.len() > 1 {
        writeln!(out)?;
        for one in &report.candidates {
            let (file, found_by, searches) = (&one.file, one.found_by, report.searches.len());
            let median = one.median_fitness;
            writeln!(out, "{file}: found by {found_by} of {searches} searches, median fitness {median:.3}")?;
        }
    }
    writeln!(out, "\nholdout: Sharpe ratio on the bars that no search has seen")?;
    writeln!(
        out,
        "Pareto front (Sharpe, drawdown, profit factor): {} of the candidates; deflated for the {} candidates that the trial \
         ledger has on this market{}",
        report.pareto.len(),
        timed.trials_counted,
        timed.campaign.as_ref().map_or_else(String::new, |campaign| format!(
            " since the campaign {} was registered, and not for the {} before",
            campaign.name, campaign.earlier
        ))
    )?;
    if let Some(sentence) = report.start_sentence() {
        writeln!(out, "\n{sentence}")?;
    }
    let line = match report.findings {
        0 => "Nothing found: no candidate passes every guard.".to_owned(),
        1 => "1 finding: it passes every guard.".to_owned(),
        many => format!("{many} findings: they pass every guard."),
    };
    writeln!(out, "\n{line}")?;
    writeln!(out, "Results: {}", folder.file("report.html").display())
}
