//! `q50 verify`: judge a claim.

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::{Result, bail};
use q50_datasets::{
    dataset::Dataset,
    run_folder::{NewRun, RunFolder},
    write::Column,
};
use q50_engine::{
    decision::Reason,
    market::{self, Market},
    record::DecisionRow,
    strategy::{Explanation, StrategyConfig},
    venue::{Fill, FillSide, PoolCosts},
};
use q50_research::{
    claim::{Check, Claim, DataFacts, Request, SignalsOrigin, State, Verdict, Verification, verify},
    inference::StationaryBootstrap,
    report,
    run::{RunSettings, Source},
    spec::DataSpec,
};
use serde::Serialize;

use super::{lookahead, validate};
use crate::{
    Answer,
    args::{ReplayArguments, VerdictName, VerifyArguments},
    configuration, output,
    progress::Steps,
};

/// What is written; the summary stands for the whole run.
const FILES: &[&str] = &["equity.parquet", "fills.parquet", "decisions.parquet", "report.html", "summary.json"];
/// Random cuts of the prefix test.
const CUTS: usize = 24;
/// Decisions that are turned into columns at a time: those of some row groups.
const DECISIONS_AT_A_TIME: usize = 1 << 16;
/// Steps that progress counts.
const STEPS: u64 = 6;

/// A verification with the time it took.
#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    verification: &'a Verification,
    elapsed_ms: u64,
}

pub(crate) fn run(arguments: &VerifyArguments, quiet: bool) -> Result<Answer> {
    let started = Instant::now();
    let replay = &arguments.replay;
    configuration::threads(replay.threads)?;
    let demonstration = replay.bars.is_none();
    let claim = match &arguments.claim {
        Some(named) => Some(Claim::named(named)?),
        None if demonstration => Some(Claim::demonstration()),
        None => None,
    };
    let steps =
        Steps::start(quiet, STEPS + u64::from(arguments.second_engine) + u64::from(arguments.producer.is_some()));
    steps.next("reading");
    let data = configuration::dataset(replay)?;
    let settings = configuration::run_settings(replay, claim.as_ref(), &data)?;
    if let Some(refusal) = settings.refusal(&data.market().signals) {
        bail!("{}: {refusal}", named(arguments));
    }
    let pool = configuration::pool_path(replay, &data)?;
    let spec = DataSpec::of(&data, &settings.strategy).with_pool(pool.as_ref().map(|(_, hash)| hash.as_str()));
    let second_engine = if arguments.second_engine {
        steps.next("asking the second engine");
        let path = pool.as_ref().map(|(path, _)| path);
        let source = Source { market: data.market(), pool: path, data: &spec };
        Some(validate::opinion(source, &settings, data.last_signal())?)
    } else {
        None
    };
    let origin = match (&arguments.producer, &replay.bars) {
        (Some(command), Some(bars)) => {
            steps.next("running the producer of the signals");
            let found =
                lookahead::of_replay(replay, bars, data.period(), command, arguments.runs, &mut |run| steps.say(run))?;
            SignalsOrigin::Examined(Box::new(found))
        }
        _ => origin(replay, &data.market(), &settings.strategy),
    };
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let mut ledger = configuration::ledger(replay.ledger.as_deref())?;
    ledger.refuse_broken()?;
    if let Some(name) = &arguments.campaign {
        ledger.join_campaign(&spec.record, name)?;
    }

    let request = Request {
        market: data.market(),
        pool: pool.as_ref().map(|(path, _)| path),
        facts: facts(&data, replay, &settings),
        next_close: data.bars().close.get(data.rows().end).copied(),
        data: spec,
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
    steps.next("writing");
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let timed = Timed { verification: &verification, elapsed_ms };
    write(&folder, &timed, data.bars().interval_ms)?;
    drop(steps);
    output::print(replay.format, &timed, |out| text(out, &verification, &folder))?;
    let expected = arguments.expect.map(|name| match name {
        VerdictName::Confirmed => Verdict::Confirmed,
        VerdictName::Refuted => Verdict::Refuted,
        VerdictName::Undetermined => Verdict::Undetermined,
    });
    Ok(if expected.is_none_or(|verdict| met(verdict, &verification)) { Answer::Yes } else { Answer::No })
}

/// What the data are, as far as the strategy takes notice of them.
fn facts(data: &Dataset, replay: &ReplayArguments, settings: &RunSettings) -> DataFacts {
    let mut facts = DataFacts::of(data, replay.bars.is_none());
    facts.signal_column.clone_from(&replay.signal_column);
    let reads = settings.strategy.reads(&data.market().signals);
    if !reads.iter().any(|column| matches!(column, market::Column::Side | market::Column::Position)) {
        facts.codes.clear();
    }
    facts
}

/// Where the signals come from. Signals that are the closes, every one of them and to the bit, cannot know more than the
/// bars, and neither can none; highs and lows can, because no order is filled at them.
fn origin(replay: &ReplayArguments, market: &Market<'_>, strategy: &StrategyConfig) -> SignalsOrigin {
    let is_close = |column| {
        market.signals.get(column).is_some_and(|values| values[market.first..] == market.close[market.first..])
    };
    let closes = strategy.reads(&market.signals).into_iter().all(is_close);
    if replay.bars.is_none() || closes { SignalsOrigin::Causal } else { SignalsOrigin::File }
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
    let path = arguments.replay.signals.as_ref().or(arguments.replay.bars.as_ref());
    path.map_or_else(|| "demonstration market".to_owned(), |path| path.display().to_string())
}

/// Writes everything.
fn write(folder: &RunFolder, timed: &Timed<'_>, interval_ms: i64) -> Result<()> {
    let verification = timed.verification;
    let journal = &verification.journal;
    let times = &verification.curves.open_time;

    let drawdown = drawdowns(&journal.equity, journal.capital);
    let equity: &[(&str, Column<'_>)] = &[
        ("ts_ms", Column::I64(times)),
        ("equity", Column::F64(&journal.equity)),
        ("exposure", Column::F64(&journal.exposure)),
        ("drawdown", Column::F64(&drawdown)),
        ("buy_and_hold", Column::F64(&verification.curves.holding)),
    ];

    let fills = &journal.fills;
    let column = |f: fn(&Fill) -> f64| -> Vec<f64> { fills.iter().map(|row| f(&row.fill)).collect() };
    let fill_times: Vec<i64> = fills.iter().map(|row| row.fill.time).collect();
    let sides: Vec<&str> = fills
        .iter()
        .map(|row| match row.fill.side {
            FillSide::Buy => "buy",
            FillSide::Sell => "sell",
        })
        .collect();
    let (units, price, notional) = (column(|f| f.units), column(|f| f.price), column(|f| f.notional));
    let (cost, spread) = (column(|f| f.cost), column(|f| f.spread_cost));
    let fill_reasons: Vec<u8> = fills.iter().map(|row| row.reason as u8).collect();
    let amount = |f: fn(&PoolCosts) -> u64| -> Vec<Option<u64>> {
        fills.iter().map(|row| row.fill.pool.as_ref().map(f)).collect()
    };
    let (base_amount, quote_amount) = (amount(|costs| costs.tokens.0), amount(|costs| costs.quote.0));
    let fills_table: &[(&str, Column<'_>)] = &[
        ("ts_ms", Column::I64(&fill_times)),
        ("side", Column::Text(&sides)),
        ("units", Column::F64(&units)),
        ("price", Column::F64(&price)),
        ("notional", Column::F64(&notional)),
        ("cost", Column::F64(&cost)),
        ("spread_cost", Column::F64(&spread)),
        ("reason", Column::Labels { names: Reason::NAMES, codes: &fill_reasons }),
        ("base_amount", Column::OptionU64(&base_amount)),
        ("quote_amount", Column::OptionU64(&quote_amount)),
    ];

    let mut run = folder.new_run(&verification.run_id);
    run.table("equity.parquet", equity)?;
    run.table("fills.parquet", fills_table)?;
    decisions(&mut run, verification, interval_ms)?;
    run.bytes("report.html", report::html(verification)?.as_bytes())?;
    run.bytes("summary.json", &serde_json::to_vec_pretty(timed)?)?;
    Ok(run.commit()?)
}

/// Writes the decisions, some at a time: as columns they take several times the memory that the journal keeps them in.
fn decisions(run: &mut NewRun<'_>, verification: &Verification, interval_ms: i64) -> Result<()> {
    let (made, times) = (&verification.journal.decisions, &verification.curves.open_time);
    let part = |start: usize| {
        let rows = start..made.len().min(start + DECISIONS_AT_A_TIME);
        DecisionColumns::of(
            &times[rows.clone()],
            &rows.filter_map(|row| made.get(row)).collect::<Vec<_>>(),
            interval_ms,
        )
    };
    let mut table = run.start_table("decisions.parquet", &part(0).named())?;
    for start in (DECISIONS_AT_A_TIME..made.len()).step_by(DECISIONS_AT_A_TIME) {
        table.write(&part(start).named())?;
    }
    run.add_table(table)?;
    Ok(())
}

/// Decisions as columns.
struct DecisionColumns<'a> {
    time: &'a [i64],
    decided_at: Vec<i64>,
    reason: Vec<u8>,
    acted: Vec<bool>,
    side: Vec<Option<i64>>,
    figures: [Vec<Option<f64>>; 5],
    regime: Vec<&'static str>,
    binding_cap: Vec<&'static str>,
}

impl<'a> DecisionColumns<'a> {
    fn of(time: &'a [i64], rows: &[DecisionRow], interval_ms: i64) -> Self {
        let figure = |f: fn(&Explanation) -> Option<f64>| rows.iter().map(|row| f(&row.explanation)).collect();
        let name = |f: fn(&Explanation) -> Option<&'static str>| {
            rows.iter().map(|row| f(&row.explanation).unwrap_or_default()).collect()
        };
        Self {
            time,
            // A decision is made at the close, so that is its time.
            decided_at: time.iter().map(|open| open + interval_ms).collect(),
            reason: rows.iter().map(|row| row.reason as u8).collect(),
            acted: rows.iter().map(|row| row.acted).collect(),
            side: rows.iter().map(|row| row.explanation.side.map(i64::from)).collect(),
            figures: [
                figure(|e| e.prob_up),
                figure(|e| e.expected_value),
                figure(|e| e.info_ratio),
                figure(|e| e.raw_size),
                figure(|e| e.size),
            ],
            regime: name(|e| e.regime),
            binding_cap: name(|e| e.binding_cap),
        }
    }

    fn named(&self) -> [(&'static str, Column<'_>); 12] {
        let [prob_up, expected_value, info_ratio, raw_size, size] = &self.figures;
        [
            ("ts_ms", Column::I64(self.time)),
            ("decided_at_ms", Column::I64(&self.decided_at)),
            ("reason", Column::Labels { names: Reason::NAMES, codes: &self.reason }),
            ("acted", Column::Bool(&self.acted)),
            ("side", Column::OptionI64(&self.side)),
            ("prob_up", Column::OptionF64(prob_up)),
            ("expected_value", Column::OptionF64(expected_value)),
            ("info_ratio", Column::OptionF64(info_ratio)),
            ("regime", Column::Text(&self.regime)),
            ("raw_size", Column::OptionF64(raw_size)),
            ("size", Column::OptionF64(size)),
            ("binding_cap", Column::Text(&self.binding_cap)),
        ]
    }
}

fn drawdowns(equity: &[f64], capital: f64) -> Vec<f64> {
    let mut peak = capital;
    equity
        .iter()
        .map(|&value| {
            peak = peak.max(value);
            1.0 - value / peak
        })
        .collect()
}

fn text(out: &mut dyn Write, v: &Verification, folder: &RunFolder) -> io::Result<()> {
    if v.data.demonstration {
        writeln!(out, "DEMONSTRATION: a generated market with a planted edge, not a record.\n")?;
    }
    writeln!(out, "{}", v.title())?;
    let year = v.settings.get("periods_per_year").and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    writeln!(out, "{} bars, {} to {}, {year} a year", v.data.bars, v.data.from, v.data.to)?;
    for file in &v.data.files {
        writeln!(out, "{file}")?;
    }
    for codes in &v.data.codes {
        writeln!(out, "{codes}")?;
    }
    writeln!(out)?;
    writeln!(out, "{:<13} {:>8} {:>9} {:>9}", "", "Sharpe", "return", "drawdown")?;
    if let Some(claim) = &v.claim {
        row(out, "claimed", Some(claim.sharpe), claim.total_return, claim.max_drawdown)?;
    }
    row(out, "replayed", v.replay.sharpe, Some(v.replay.total_return), v.replay.max_drawdown)?;
    row(out, "buy and hold", v.benchmark.sharpe, Some(v.benchmark.total_return), v.benchmark.max_drawdown)?;
    if v.replay.fills == 0 {
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
