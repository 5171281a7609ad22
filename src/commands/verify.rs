//! `q50 verify`: judge a claim.

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::{Result, bail};
use q50_datasets::{hash::file_hash, run_folder::RunFolder};
use q50_engine::{
    market::{self, Market},
    strategy::StrategyConfig,
};
use q50_research::{
    claim::{
        Ablation, Check, Claim, DataFacts, InstrumentFigures, PerpetualFigures, Request, SignalsOrigin, State, Verdict,
        Verification, verify,
    },
    inference::StationaryBootstrap,
    program::Program,
    report,
    run::{RunSettings, Source},
    trials::TrialLedger,
};
use serde::Serialize;

use super::{judge, lookahead, validate};
use crate::{
    Answer,
    args::{ReplayArguments, VerdictName, VerifyArguments},
    catalog, configuration, output,
    progress::Steps,
    record::Record,
    table::{Align, table},
};

/// What is written; the summary stands for the whole run.
pub(super) const FILES: &[&str] =
    &["equity.parquet", "fills.parquet", "decisions.parquet", "report.html", "summary.json"];
/// Random cuts of the prefix test.
const CUTS: usize = 24;
/// Steps that progress counts.
const STEPS: u64 = 6;

/// A verification with the program that made it, and the time it took.
#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    verification: &'a Verification,
    engine: Program,
    elapsed_ms: u64,
}

pub(crate) fn run(arguments: &VerifyArguments, quiet: bool) -> Result<Answer> {
    if arguments.result.is_named() {
        return judge::run(arguments, quiet);
    }
    if let Some(option) = arguments.result.stray() {
        bail!(
            "{option} has no meaning without a result of another tool; leave it out, or give --trades, --returns or --equity"
        );
    }
    let started = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    let demonstration = replay.bars.is_empty();
    let claim = match &arguments.claim {
        Some(named) => Some(Claim::named(named)?),
        None if demonstration => Some(Claim::demonstration()),
        None => None,
    };
    let steps =
        Steps::start(quiet, STEPS + u64::from(arguments.second_engine) + u64::from(arguments.producer.is_some()));
    steps.next("reading");
    let record = Record::read(replay)?;
    let settings = configuration::run_settings(replay, claim.as_ref(), &record.data)?;
    let mut record = record.with_recorded(&settings.venue)?;
    record.refuse_one_pool_twice(&settings.venue)?;
    let facts = facts(&record, replay, &settings)?;
    if !settings.strategy.reads(&record.data.market().signals).contains(&market::Column::Volume) {
        record.drop_volume();
    }
    let data = &record.data;
    let (spec, instruments) = (record.spec(&settings.strategy), record.instruments());
    let source = record.source(&spec, &instruments);
    if let Some(refusal) = source.refusal(&settings) {
        bail!("{}: {refusal}", named(arguments));
    }
    let second_engine = if arguments.second_engine {
        record.alone("--second-engine")?;
        steps.next("asking the second engine");
        Some(validate::opinion(source, &settings, data.last_signal())?)
    } else {
        None
    };
    let origin = match (&arguments.producer, replay.bars.first()) {
        (Some(command), Some(bars)) => {
            record.alone("--producer")?;
            steps.next("running the producer of the signals");
            let found =
                lookahead::of_replay(replay, bars, data.period(), command, arguments.runs, &mut |run| steps.say(run))?;
            SignalsOrigin::Examined(Box::new(found))
        }
        _ => origin(replay, &source, &settings.strategy),
    };
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    ledger.refuse_broken()?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(&spec.record, name)?;
    }

    let request = Request {
        market: data.market(),
        pool: record.pool(),
        contract: record.contract(),
        instruments: &instruments,
        names: &record.names,
        facts,
        next_close: data.bars().close.get(data.rows().end).copied(),
        data: spec.clone(),
        origin,
        claim: claim.as_ref(),
        settings,
        trials: arguments.trials,
        bootstrap: StationaryBootstrap::default(),
        cuts: CUTS,
        accepted: &arguments.accept,
        second_engine,
        on_step: &|step| steps.next(step),
    };
    let verification = verify(&request, &mut ledger)?;
    finish(arguments, &verification, &mut ledger, &folder, started, steps)
}

/// Writes the files, files their hashes with the verdict, prints, and answers.
pub(super) fn finish(
    arguments: &VerifyArguments,
    verification: &Verification,
    ledger: &mut TrialLedger,
    folder: &RunFolder,
    started: Instant,
    steps: Steps,
) -> Result<Answer> {
    steps.next("writing");
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let timed = Timed { verification, engine: Program::running()?, elapsed_ms };
    let mut run = folder.new_run(&verification.run_id);
    verification.write_tables(&mut run)?;
    run.bytes("report.html", report::html(verification)?.as_bytes())?;
    run.bytes("summary.json", &serde_json::to_vec_pretty(&timed)?)?;
    run.commit()?;
    let hash = |name: &&str| Ok(((*name).to_owned(), file_hash(&folder.file(name))?));
    let files = FILES.iter().map(hash).collect::<Result<_>>()?;
    ledger.file_verdict(&verification.run_id, verification.verdict.name(), &files)?;
    catalog::register("verify", folder.path(), &verification.run_id);
    drop(steps);
    output::print(arguments.replay.format, &timed, |out| text(out, verification, folder))?;
    let expected = arguments.expect.map(|name| match name {
        VerdictName::Confirmed => Verdict::Confirmed,
        VerdictName::Refuted => Verdict::Refuted,
        VerdictName::Undetermined => Verdict::Undetermined,
    });
    Ok(if expected.is_none_or(|verdict| met(verdict, verification)) { Answer::Yes } else { Answer::No })
}

/// What the data are, as far as the strategy takes notice of them.
fn facts(record: &Record, replay: &ReplayArguments, settings: &RunSettings) -> Result<DataFacts> {
    let mut facts = record.facts(replay.bars.is_empty());
    facts.signal_column.clone_from(&replay.signal_column);
    facts.minus_one = replay.side_minus_one.map(configuration::minus_one);
    let instruments = record.instruments();
    let alone = record.data.market();
    let mut markets: Vec<&Market<'_>> = instruments.iter().map(|instrument| &instrument.market).collect();
    if markets.is_empty() {
        markets.push(&alone);
    }
    let reads_codes = |market: &&Market<'_>| {
        let reads = settings.strategy.reads(&market.signals);
        reads.iter().any(|column| matches!(column, market::Column::Side | market::Column::Position))
    };
    if !markets.iter().any(reads_codes) {
        facts.codes.clear();
    }
    for bars in record.bars() {
        if let Some(collection) = configuration::collection(bars)? {
            facts.unexplained = Some(facts.unexplained.unwrap_or(0) + collection.unexplained);
        }
    }
    if let [pool] = &replay.pool.pool[..] {
        facts.collected = configuration::collection(pool)?.and_then(|collection| collection.pool);
    }
    Ok(facts)
}

/// Where the signals come from. Signals that are the closes, every one of them and to the bit, cannot know more than the
/// bars, and neither can their volume or none; highs and lows can, because no order is filled at them.
fn origin(replay: &ReplayArguments, source: &Source<'_>, strategy: &StrategyConfig) -> SignalsOrigin {
    let is_bars_own = |market: &Market<'_>, column| {
        column == market::Column::Volume
            || market.signals.get(column).is_some_and(|values| values[market.first..] == market.close[market.first..])
    };
    let closes =
        |market: &Market<'_>| strategy.reads(&market.signals).into_iter().all(|column| is_bars_own(market, column));
    let all = match source.instruments {
        [] => closes(&source.market),
        several => several.iter().all(|instrument| closes(&instrument.market)),
    };
    if replay.bars.is_empty() || all { SignalsOrigin::Causal } else { SignalsOrigin::File }
}

/// Whether the verdict is the expected one. A confirmation on a condition that nobody accepted is not.
fn met(expected: Verdict, verification: &Verification) -> bool {
    let mut open = Vec::new();
    if expected == Verdict::Confirmed {
        open.extend(verification.open_conditions().map(|condition| condition.name.name()));
    }
    if !open.is_empty() {
        tracing::warn!("not confirmed without condition: --accept {}", open.join(" --accept "));
    }
    expected == verification.verdict && open.is_empty()
}

fn named(arguments: &VerifyArguments) -> String {
    let path = arguments.replay.signals.first().or(arguments.replay.bars.first());
    path.map_or_else(|| "demonstration market".to_owned(), |path| path.display().to_string())
}

fn text(out: &mut dyn Write, v: &Verification, folder: &RunFolder) -> io::Result<()> {
    if v.data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(out, "{}", v.title())?;
    let year = v.settings.get("periods_per_year").and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    let several = match v.instruments.len() {
        0 => String::new(),
        count => format!(" of {count} instruments"),
    };
    writeln!(out, "{} bars{several}, {} to {}, {year} a year", v.data.bars, v.data.from, v.data.to)?;
    for file in &v.data.files {
        writeln!(out, "{file}")?;
    }
    for stale in &v.data.stale {
        writeln!(out, "{stale}")?;
    }
    for codes in &v.data.codes {
        writeln!(out, "{codes}")?;
    }
    for note in v.tool.iter().flat_map(|tool| &tool.notes) {
        writeln!(out, "{note}")?;
    }
    writeln!(out)?;
    writeln!(out, "{:<13} {:>8} {:>9} {:>9}", "", "Sharpe", "return", "drawdown")?;
    if let Some(claim) = &v.claim {
        row(out, "claimed", Some(claim.sharpe), claim.total_return, claim.max_drawdown)?;
    }
    row(out, "replayed", v.replay.sharpe, Some(v.replay.total_return), v.replay.max_drawdown)?;
    row(out, v.benchmark.words(), v.benchmark.sharpe, v.benchmark.total_return, v.benchmark.max_drawdown)?;
    if !v.instruments.is_empty() {
        writeln!(out, "\n{}", table(INSTRUMENTS, v.instruments.iter().map(instrument)))?;
    }
    if !v.replay.limits.is_empty() {
        let done = v.replay.limits.iter();
        let done: Vec<String> =
            done.map(|(name, done)| format!("risk.{name} refused {} and cut {}", done.refused, done.cut)).collect();
        writeln!(out, "\nOf the entries {}", done.join(", "))?;
    }
    if let Some(perpetual) = &v.replay.perpetual {
        costs(out, perpetual)?;
    }
    if v.replay.fills == Some(0) {
        let reasons: Vec<String> = v.decisions.iter().map(|(reason, bars)| format!("{reason} on {bars}")).collect();
        writeln!(out, "\nNo order was filled; the strategy's reasons, by bars: {}", reasons.join(", "))?;
    }
    if let Some([low, high]) = v.inference.sharpe_ci95 {
        writeln!(out, "\n95 % interval of the replayed Sharpe ratio: {low:.2} to {high:.2}")?;
    }
    writeln!(out)?;
    for check in &v.checks {
        writeln!(out, "{:<8} {:<15} {}", state(check), check.name.name(), check.evidence)?;
    }
    if let Some(profile) = v.foresight_profile.as_ref().filter(|profile| profile.warning) {
        writeln!(
            out,
            "\nWarning: positions know {:.1} % of the next return's variance beyond what their Sharpe ratio accounts for; \
             honest ones stay below {:.1} % (foresight_profile)",
            100.0 * profile.statistic,
            100.0 * profile.threshold
        )?;
    }
    writeln!(out, "\n{}", v.worth)?;
    if let Some(worst) = &v.worst_loss {
        writeln!(out, "{}", worst.text())?;
    }
    if let Some(campaign) = &v.campaign {
        writeln!(
            out,
            "\nCampaign {}, registered {}: {} ({} hypotheses were tried on this market before)",
            campaign.name, campaign.registered, campaign.idea, campaign.earlier
        )?;
    }
    writeln!(out, "\nVerdict: {}", v.verdict_in_words())?;
    for condition in &v.conditions {
        let state = if condition.accepted { "accepted" } else { "not accepted" };
        writeln!(out, "  {} ({state}): {}", condition.name.name(), condition.text)?;
    }
    writeln!(out, "Report:  {}", folder.file("report.html").display())?;
    let since = v.ledger.since.as_deref().map_or_else(String::new, |since| format!(" since {since}"));
    writeln!(out, "Ledger:  {} entries{since}, head {}", v.ledger.entries, v.ledger.head)
}

/// What moved the equity on a perpetual future, and what it is without each part.
fn costs(out: &mut dyn Write, parts: &PerpetualFigures) -> io::Result<()> {
    writeln!(out, "\n{}", parts.marked_at.words())?;
    writeln!(
        out,
        "At mid prices {:+.2}; {} settlements of funding, {} liquidations, which took {:.2} of margin.",
        parts.price_result, parts.settlements, parts.liquidations, parts.liquidated_margin
    )?;
    if let Some(sentence) = parts.not_filled_sentence() {
        writeln!(out, "{sentence}")?;
    }
    let columns = [
        ("part", Align::Left),
        ("cost", Align::Right),
        ("equity without", Align::Right),
        ("change", Align::Right),
        ("remainder", Align::Right),
    ];
    let row = |one: &Ablation| {
        let numbers = [one.cost, one.final_equity, one.change, one.remainder].map(|number| format!("{number:.2}"));
        let [cost, without, change, remainder] = numbers;
        [one.part.to_owned(), cost, without, change, remainder]
    };
    writeln!(out, "{}", table(columns, parts.without.iter().map(row)))
}

/// What each instrument of a portfolio brought; the gains add up to that of the account.
const INSTRUMENTS: [(&str, Align); 5] = [
    ("instrument", Align::Left),
    ("gain", Align::Right),
    ("fees", Align::Right),
    ("fills", Align::Right),
    ("exposure", Align::Right),
];

fn instrument(one: &InstrumentFigures) -> [String; 5] {
    let exposure = one.exposure.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    [one.name.clone(), format!("{:.2}", one.gain), format!("{:.2}", one.fees), one.fills.to_string(), exposure]
}

fn row(
    out: &mut dyn Write,
    name: &str,
    sharpe: Option<f64>,
    total: Option<f64>,
    drawdown: Option<f64>,
) -> io::Result<()> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let percent = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{:.2} %", v * 100.0));
    writeln!(out, "{name:<13} {:>8} {:>9} {:>9}", number(sharpe), percent(total), percent(drawdown))
}

fn state(check: &Check) -> &'static str {
    match check.state {
        State::Pass => "pass",
        State::Fail => "FAIL",
        State::NotRun => "not run",
    }
}
