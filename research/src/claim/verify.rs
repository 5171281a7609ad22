//! From a claim and a record to a verdict: the replay, its statistics, the checks.

use std::collections::BTreeMap;

use q50_datasets::results::Stated;
use q50_engine::{
    decision::Reason,
    market::Market,
    record::Journal,
    venue::{
        Contract, PoolPath,
        pool_path::{PathError, PathSource},
    },
};
use serde::Serialize;
use thiserror::Error;

use super::{
    checks::Check,
    conditions::{
        Condition, ConditionName, SignalsOrigin, bars_origin, contract_origin, earlier_trials, fitted_constants,
        market_hours, other_strategy, shorts_left_out, strategy_origin, untraded,
    },
    evidence::{ClaimInference, Inference, claim_inference, inference},
    facts::DataFacts,
    figures::{
        BenchmarkFigures, ClaimFigures, Curves, InstrumentFigures, ReplayFigures, benchmark_figures, claim_figures,
        curves, holding, replay_figures,
    },
    file::Claim,
    judge, modelled,
    perpetual::{self, PerpetualFigures},
    probes::probe,
    reproduction::{AsClaimed, ClaimedFigure, figures, same_record},
    second_opinion::SecondOpinion,
    verdict::{Verdict, contradicts},
    worst_loss::WorstLoss,
    worth::worth,
};
use crate::{
    annualisation::{Convention, WrongYear},
    canonical::canonical,
    capacity::{self, DepthRow},
    foresight::{ForesightProfile, positions_and_returns},
    inference::{MeanBlock, Moments, SharpeEstimate, StationaryBootstrap},
    lookahead::Lookahead,
    run::{self, Instrument, Prepared, RunSettings, Source, VenueSettings},
    spec::{DataSpec, RunSpec},
    trials::{CampaignSummary, LedgerError, Origin, Role, Stamp, TrialLedger, Tried, now_ms},
};

/// Seed of the prefix test's cuts.
const CUT_SEED: u64 = 50;

/// What is to be judged.
#[expect(missing_debug_implementations, reason = "holds a closure")]
pub struct Request<'a> {
    /// Bars and signals.
    pub market: Market<'a>,
    /// Recorded reserves of a pool, a row a bar; `None`: rebuilt from prices where the venue is a pool.
    pub pool: Option<&'a PoolPath>,
    /// What is recorded of a perpetual future, where that is the venue.
    pub contract: Option<&'a Contract>,
    /// The instruments of a portfolio, whose basket `market` is, and their names; empty where it is the only one.
    pub instruments: &'a [Instrument<'a>],
    /// Those of the instruments.
    pub names: &'a [String],
    /// What is known about them.
    pub facts: DataFacts,
    /// Close of the bar after the last one, where the record goes on: what the last bar's holder earns next.
    pub next_close: Option<f64>,
    /// What the run sees of the data.
    pub data: DataSpec,
    /// Where the signals come from.
    pub origin: SignalsOrigin,
    /// The claim; `None`: the replay's own figure is judged.
    pub claim: Option<&'a Claim>,
    /// How the strategy is replayed.
    pub settings: RunSettings,
    /// Trials to deflate for, where not the claim's own number, or one without a claim.
    pub trials: Option<u64>,
    /// How intervals are resampled.
    pub bootstrap: StationaryBootstrap,
    /// Cuts of the prefix test.
    pub cuts: usize,
    /// Conditions that the reader accepts.
    pub accepted: &'a [ConditionName],
    /// What another engine made of the same run, where it was asked.
    pub second_engine: Option<SecondOpinion>,
    /// Told what is being done, for progress.
    pub on_step: &'a (dyn Fn(&'static str) + Sync),
}

/// Everything that a verdict rests on; `summary.json` is this.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// `q50.verify/1`.
    pub schema: &'static str,
    /// The data.
    pub data: DataFacts,
    /// The claim; `None` where the replay's own figure was judged.
    pub claim: Option<ClaimFigures>,
    /// Every figure that the claim states, against the replay in the claim's own periods.
    pub figures: Vec<ClaimedFigure>,
    /// Everything that decided the run.
    pub settings: serde_json::Value,
    /// The replay.
    pub replay: ReplayFigures,
    /// Buy and hold; of a portfolio equal parts of each instrument.
    pub benchmark: BenchmarkFigures,
    /// What each instrument of a portfolio brought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<InstrumentFigures>,
    /// What the replay supports.
    pub inference: Inference,
    /// What the claimed figure supports on its own.
    pub claim_inference: Option<ClaimInference>,
    /// Sharpe ratio and return against capital at several depths, on a rebuilt pool.
    pub capacity: Option<Vec<DepthRow>>,
    /// How much worse the price was where an order landed than at the close that it was decided on, mean over the fills of a
    /// run in a pool, a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modelled_drift: Option<f64>,
    /// The worst loss of the record, and what one that it does not hold would do.
    pub worst_loss: Option<WorstLoss>,
    /// Bars by the reason of their decision; they add up to `replay.bars`.
    pub decisions: BTreeMap<&'static str, usize>,
    /// What the file of another tool states about its own result, where that is judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Stated>,
    /// The ten checks, that of the signals' producer where it was named, and that of the second engine where it was asked.
    pub checks: Vec<Check>,
    /// The verdict.
    pub verdict: Verdict,
    /// What the verdict assumes because it was not checked.
    pub conditions: Vec<Condition>,
    /// How positions go with returns before and after them; `None` where neither or only one of them changes.
    pub foresight_profile: Option<ForesightProfile>,
    /// What the runs of the signals' producer showed, where it was named.
    pub lookahead: Option<Lookahead>,
    /// What the evidence is worth, in a sentence or two.
    pub worth: String,
    /// Hash of data, settings, claim and version.
    pub run_id: String,
    /// The state of the trial ledger after this run was filed.
    pub ledger: Stamp,
    /// The campaign that trials were counted from, where one was named.
    pub campaign: Option<CampaignSummary>,
    /// Curves for the report.
    #[serde(skip)]
    pub curves: Curves,
    /// Distance of two bars, milliseconds.
    #[serde(skip)]
    pub interval_ms: i64,
    /// Every decision, fill and mark.
    #[serde(skip)]
    pub journal: Journal,
}

impl Verification {
    /// The verdict, and whether it is a confirmation on a condition.
    #[must_use]
    pub fn verdict_in_words(&self) -> String {
        let condition = match self.verdict {
            Verdict::Confirmed if self.open_conditions().next().is_some() => ", on a condition",
            Verdict::Confirmed if !self.conditions.is_empty() => ", on an accepted condition",
            Verdict::Confirmed | Verdict::Refuted | Verdict::Undetermined => "",
        };
        format!("{}{condition}", self.verdict.name())
    }

    /// Conditions that nobody accepted. A verdict that has one is not one to act on.
    pub fn open_conditions(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| !condition.accepted)
    }

    /// What was judged, for people: the claim's name, or the strategy whose own figure was.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.claim, &self.tool) {
            (Some(claim), _) => claim.name.clone(),
            (None, Some(tool)) => format!("Result of {}: {}", tool.name, tool.file),
            (None, None) => {
                let strategy = self.settings.get("strategy").and_then(serde_json::Value::as_str).unwrap_or_default();
                format!("The replay's own figure, strategy {strategy}")
            }
        }
    }
}

/// A claim could not be judged.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The trial ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The claim's periods a year are those of no period of the record.
    #[error("the claim's periods_per_year is {0}")]
    Year(#[from] WrongYear),
    /// The pool's reserves are none.
    #[error("pool reserves: {0}")]
    Path(#[from] PathError),
}

/// Replays the claimed strategy, files every trial, and judges.
///
/// # Errors
/// The claim's periods a year are not the record's, the trial ledger cannot be written, or the pool's reserves leave the range of the program's integers.
pub fn verify(request: &Request<'_>, ledger: &mut TrialLedger) -> Result<Verification, VerifyError> {
    let Request { market, claim, settings, bootstrap, .. } = request;

    let open_time = &market.open_time[market.first..];
    let source = Source {
        market: *market,
        pool: request.pool,
        contract: request.contract,
        data: &request.data,
        instruments: request.instruments,
    };
    let facts = &request.facts.beside(&source);
    // Nothing is replayed for a claim that counts in periods of nothing.
    claim.map(|claim| Convention::of(claim.periods_per_year, open_time, market.interval_ms)).transpose()?;
    (request.on_step)("replaying");
    let scope = source.scope(&settings.strategy);
    let journal = run::backtest(&source, settings, Role::Candidate)?.filed(ledger, scope, Origin::Verify)?;
    let as_claimed = claim.map(|claim| AsClaimed::of(claim, open_time, market.interval_ms, &journal)).transpose()?;
    let figures = claim
        .zip(as_claimed.as_ref())
        .map_or_else(Vec::new, |(claim, replay)| figures(claim, replay, &request.data.record));
    // Figures that were published of one record are no trials on another.
    if let Some(claim) = claim.filter(|_| same_record(&figures)) {
        ledger.import(scope, &claim.name, &claim.published_trials(settings.periods_per_year))?;
    }
    let returns = journal.returns();
    let tried = ledger.tried(scope, returns.len())?;
    // Nobody can say that there were fewer than are on record, or than the claim itself admits.
    let admitted = claim.map_or(1, |claim| claim.trials);
    let trials = request.trials.unwrap_or(1).max(admitted).max(tried.trials);
    let tried = Tried { trials, ..tried };
    let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper);
    let year = settings.periods_per_year;
    let mut replayed = replay_figures(&journal, market.first, &returns, year);
    let benchmark = benchmark_figures(market, request.next_close, year);
    (request.on_step)("resampling");
    let held: Vec<f64> = holding(market).windows(2).map(|w| w[1] / w[0] - 1.0).collect();
    let inference = inference(year, bootstrap, &estimate, &returns, &held, &tried);
    let claim_inference = claim.map(|claim| claim_inference(claim, &inference));

    let worst_loss = WorstLoss::of(&returns, &market.close[market.first..], settings.periods_per_year).ok();
    let years = returns.len() as f64 / settings.periods_per_year.get();
    // A record of minutes has millions of them.
    drop((returns, held));

    (request.on_step)("looking for look-ahead");
    let causal = run::examine(&source, settings, &journal, request.cuts, CUT_SEED)?;
    (request.on_step)("trying neighbouring settings");
    let probes = probe(request, &source)?.filed(ledger, scope, Origin::Verify)?;
    if let VenueSettings::Perpetual(config) = settings.venue {
        let has_marks = request.contract.is_some_and(|contract| contract.marks().is_some());
        let figures = PerpetualFigures::of(&journal, &config, has_marks);
        let prepared = Prepared::new(source, &settings.venue)?;
        let ablations = perpetual::without(&prepared, settings, config, replayed.final_equity, &figures);
        let without = ablations.filed(ledger, scope, Origin::Verify)?;
        replayed.perpetual = Some(PerpetualFigures { without, ..figures });
    }
    let capacity = match &settings.venue {
        VenueSettings::PumpSwap(pool) if source.path_source() == PathSource::RebuiltFromBars => {
            Some(capacity::capacity(&source, settings, pool)?.filed(ledger, scope, Origin::Verify)?)
        }
        _ => None,
    };

    let is_one_pool = matches!(settings.venue, VenueSettings::PumpSwap(_)) && request.instruments.is_empty();
    let modelled_drift = if is_one_pool { modelled::drift(market, request.pool, &journal) } else { None };

    let profit = replayed.final_equity - settings.capital;
    let insured = replayed.perpetual.as_ref().map_or(0.0, |figures| figures.insured);
    let mut checks = vec![
        judge::data_sound(facts),
        judge::is_causal(&causal, settings),
        judge::reproduced(&figures),
        judge::significant(&inference, replayed.total_return),
        judge::deflated(&inference),
        judge::long_enough(&estimate, &inference, years),
        judge::beats_holding(&inference, benchmark.words()),
        judge::survives_costs(settings, &probes, profit, insured),
        judge::survives_depth(settings, source.path_source(), replayed.sharpe),
        judge::robust(replayed.sharpe, &probes),
    ];
    if let SignalsOrigin::Examined(found) = &request.origin {
        checks.push(judge::lookahead(found));
    }
    checks.extend(request.second_engine.as_ref().map(judge::second_engine));
    let contradicted = match &as_claimed {
        Some(replay) => {
            let upper = inference.sharpe_ci95.map(|[_, high]| high);
            let upper = replay.upper(upper, settings.periods_per_year, bootstrap);
            same_record(&figures) && contradicts(claim.map(|claim| claim.sharpe.get()), replay.sharpe, upper)
        }
        None => contradicts(None, replayed.sharpe, None),
    };
    let verdict = Verdict::of(&checks, contradicted);
    let claimed = claim.zip(claim_inference.as_ref());
    let worth = worth(claimed, &replayed, &inference, &benchmark, years);
    let campaign = ledger.campaign()?;
    let times = [request.data.from_ms, request.data.to_ms, now_ms()];
    let earlier = campaign.as_ref().and_then(|c| earlier_trials(c, times, request.accepted));
    let markets = std::iter::once(market).chain(request.instruments.iter().map(|instrument| &instrument.market));
    let shorts = markets.filter_map(|market| shorts_left_out(market, &settings.strategy, request.accepted)).next();
    let instruments: Vec<InstrumentFigures> = (request.names.iter().zip(request.instruments).zip(&journal.each))
        .map(|((name, instrument), one)| InstrumentFigures::of(name, &instrument.market, one))
        .collect();
    let untraded = untraded(&instruments, request.accepted);
    let own = strategy_origin(&settings.strategy, request.accepted);
    let round_trips = replayed.fills.unwrap_or_default() / 2;
    let fitted = fitted_constants(settings.strategy.constants(), round_trips, request.accepted);
    let stated = claim.and_then(|claim| claim.replay.as_ref()).map(|replay| &replay.strategy);
    let bars = if facts.demonstration { None } else { bars_origin(&settings.strategy, request.accepted) };
    let hours = market_hours(facts.closed_bars, request.accepted);
    let contract = replayed.perpetual.as_ref().and_then(|figures| contract_origin(figures, profit, request.accepted));
    let other = other_strategy(stated, &settings.strategy, request.accepted);
    let settings_json = serde_json::json!({
        "run": settings,
        "data": request.data,
        "pool_path": matches!(settings.venue, VenueSettings::PumpSwap(_)).then(|| source.path_source()),
        "bootstrap": {
            "method": "stationary",
            "draws": bootstrap.draws,
            "seed": bootstrap.seed,
            "coverage": bootstrap.coverage,
            "mean_block": match bootstrap.mean_block { MeanBlock::Automatic => None, MeanBlock::Given(bars) => Some(bars) },
        },
        "causality": { "cuts": request.cuts, "seed": CUT_SEED },
    });
    Ok(Verification {
        schema: "q50.verify/1",
        run_id: run_id(request, trials),
        ledger: ledger.stamp_of_trials()?,
        campaign,
        data: facts.clone(),
        claim: claim.map(claim_figures),
        figures,
        settings: flatten(settings, settings_json),
        replay: replayed,
        benchmark,
        instruments,
        inference,
        claim_inference,
        capacity,
        modelled_drift,
        worst_loss,
        decisions: Reason::ALL
            .iter()
            .zip(journal.reasons())
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.name(), count))
            .collect(),
        tool: None,
        checks,
        verdict,
        conditions: request
            .origin
            .condition(request.accepted)
            .into_iter()
            .chain(earlier)
            .chain(shorts)
            .chain(untraded)
            .chain(own)
            .chain([fitted, bars, hours, contract, other].into_iter().flatten())
            .collect(),
        // A basket's returns are those of no position.
        foresight_profile: if journal.each.is_empty() { foresight_profile(&journal, market) } else { None },
        lookahead: request.origin.examined().cloned(),
        worth,
        curves: curves(market, &journal),
        interval_ms: market.interval_ms,
        journal,
    })
}

fn foresight_profile(journal: &Journal, market: &Market<'_>) -> Option<ForesightProfile> {
    let (positions, returns) = positions_and_returns(journal, market);
    ForesightProfile::new(&positions, &returns).ok()
}

fn run_id(request: &Request<'_>, trials: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(RunSpec::new(request.data.clone(), request.settings.clone()).id().as_bytes());
    hasher.update(&canonical(&request.claim));
    hasher.update(format!("{:?}", request.bootstrap).as_bytes());
    hasher.update(&trials.to_le_bytes());
    hasher.update(format!("{:?} {:?}", request.origin, request.accepted).as_bytes());
    if let Some(opinion) = &request.second_engine {
        hasher.update(format!("{opinion:?}").as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The settings that every reader looks for on top, the whole beside them.
fn flatten(settings: &RunSettings, whole: serde_json::Value) -> serde_json::Value {
    let mut map = serde_json::Map::new();
    map.insert("venue".into(), settings.venue.name().into());
    map.insert("fill_timing".into(), settings.venue.fill_timing().name().into());
    map.insert("periods_per_year".into(), settings.periods_per_year.get().into());
    map.insert("capital".into(), settings.capital.into());
    map.insert("strategy".into(), settings.strategy.label().into());
    if let serde_json::Value::Object(rest) = whole {
        map.extend(rest);
    }
    serde_json::Value::Object(map)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
