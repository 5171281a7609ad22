//! From a claim and a record to a verdict: the replay, its statistics, the ten checks.

use std::collections::BTreeMap;

use q50_engine::{
    decision::Reason,
    market::Market,
    record::Journal,
    units::{AnnualSharpe, Lamports, PerPeriodSharpe},
    venue::{
        FillTiming, PoolCosts, PoolPath,
        pool_path::{PathError, PathSource},
        pump_swap::LAMPORTS_PER_SOL,
    },
};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    checks::{Check, CheckName},
    facts::DataFacts,
    file::Claim,
    neighbours::neighbours,
    verdict::Verdict,
};
use crate::{
    capacity::{self, DepthRow},
    causality::{CausalityReport, OwnedSignals},
    inference::{
        MeanBlock, Moments, SharpeEstimate, StationaryBootstrap, TrialVariance, VarianceSource, claimed_interval,
        deflated_sharpe, expected_maximum_sharpe, min_track_record, probabilistic_sharpe,
    },
    metrics::{self, Ddof, Undefined},
    run::{self, RunSettings, Source, VenueSettings},
    trials::{LedgerError, Role, Trial, TrialLedger},
};
use thiserror::Error;

/// Seed of the prefix test's cuts.
const CUT_SEED: u64 = 50;
/// Confidence that a check of significance asks for.
pub const CONFIDENCE: f64 = 0.95;
/// Relative distance from the claim within which it counts as reproduced.
pub const REPRODUCED_WITHIN: f64 = 0.10;
/// Share of bars that may be missing from sound data.
pub const MISSING_AT_MOST: f64 = 0.01;
/// Share of the replay's Sharpe ratio that its worst neighbour must reach.
pub const ROBUST_SHARE: f64 = 0.5;

/// What is to be judged.
#[expect(missing_debug_implementations, reason = "holds a closure")]
pub struct Request<'a> {
    /// Bars and signals.
    pub market: Market<'a>,
    /// Recorded reserves of a pool, a row a bar; `None`: rebuilt from prices where the venue is a pool.
    pub pool: Option<&'a PoolPath>,
    /// What is known about them.
    pub facts: DataFacts,
    /// Close of the bar after the last one, where the record goes on: what the last bar's holder earns next.
    pub next_close: Option<f64>,
    /// How the data were joined and cut, for the report.
    pub data_settings: serde_json::Value,
    /// The claim.
    pub claim: &'a Claim,
    /// How the claimed strategy is replayed.
    pub settings: RunSettings,
    /// Trials to deflate for, where not the claim's own number.
    pub trials: Option<u64>,
    /// How intervals are resampled.
    pub bootstrap: StationaryBootstrap,
    /// Cuts of the prefix test.
    pub cuts: usize,
    /// Told what is being done, for progress.
    pub on_step: &'a (dyn Fn(&'static str) + Sync),
}

impl Request<'_> {
    fn view(&self) -> String {
        self.data_settings.to_string()
    }
}

/// The claim as it was judged.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimFigures {
    /// What is claimed, for people.
    pub name: String,
    /// Where the claim was made.
    pub source: String,
    /// Annual Sharpe ratio.
    pub sharpe: f64,
    /// Return over the whole period, a fraction.
    pub total_return: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Bars of the figure.
    pub bars: usize,
    /// Bars that the claim counts as a year.
    pub periods_per_year: f64,
    /// Variants that the claimant admits.
    pub trials: u64,
}

/// What the replay earned. Unknown is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayFigures {
    /// Annual Sharpe ratio.
    pub sharpe: Option<f64>,
    /// The same per bar.
    pub sharpe_per_period: Option<f64>,
    /// Final equity over capital, less one.
    pub total_return: f64,
    /// Equity at the last close, quote units.
    pub final_equity: f64,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Annual Sortino ratio.
    pub sortino: Option<f64>,
    /// Compound growth a year.
    pub cagr: Option<f64>,
    /// Annual standard deviation of returns.
    pub volatility: Option<f64>,
    /// Skewness of the returns.
    pub skew: Option<f64>,
    /// Kurtosis of the returns; 3 for the normal distribution.
    pub kurtosis: Option<f64>,
    /// Orders filled.
    pub fills: usize,
    /// Orders that were not filled.
    pub rejections: usize,
    /// Traded notional over the equity at the start of its bar, summed.
    pub turnover: Option<f64>,
    /// Mean share of equity in the market.
    pub exposure: Option<f64>,
    /// Sum of fees, quote units.
    pub fees: f64,
    /// Quote units lost to the spread.
    pub spread_cost: f64,
    /// What trading in a pool cost, part by part; `None` on a price venue.
    pub pool_costs: Option<PoolCostFigures>,
    /// Closed positions that gained, a share of all that were closed.
    pub hit_rate: Option<f64>,
    /// Gains for each unit of losses, over closed positions.
    pub profit_factor: Option<f64>,
    /// Bars replayed.
    pub bars: usize,
}

/// What trading in a pool cost, SOL.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PoolCostFigures {
    /// To the liquidity providers.
    pub lp: f64,
    /// To the protocol.
    pub protocol: f64,
    /// To the coin's creator.
    pub creator: f64,
    /// To the network, failed transactions left out.
    pub network: f64,
    /// Lost to our own impact.
    pub impact: f64,
    /// Taken by sandwiches.
    pub sandwich: f64,
}

/// What holding earned, without costs: one return for each decision, from the close at which it is made to the next.
#[derive(Clone, Debug, Serialize)]
pub struct BenchmarkFigures {
    /// `buy_and_hold`.
    pub name: &'static str,
    /// Annual Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Return over the period, a fraction.
    pub total_return: f64,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
}

/// What the replay's figures support.
#[derive(Clone, Debug, Serialize)]
pub struct Inference {
    /// Probability that the true Sharpe ratio is above 0.
    pub psr_zero: Option<f64>,
    /// Probability that it is above the best of the trials.
    pub dsr: Option<f64>,
    /// Trials deflated for.
    pub trials: u64,
    /// Variance of the trials' per-period Sharpe ratios.
    pub trial_variance: Option<f64>,
    /// Where that variance comes from.
    pub trial_variance_source: &'static str,
    /// Annual Sharpe ratio that the best of the trials would show without skill.
    pub noise_maximum: Option<f64>,
    /// Years that a Sharpe ratio of this size needs.
    pub min_track_record_years: Option<f64>,
    /// Stationary bootstrap, percentiles.
    pub sharpe_ci95: Option<[f64; 2]>,
    /// Mean block of the bootstrap, bars.
    pub mean_block: Option<f64>,
    /// Annual Sharpe ratio less that of holding.
    pub holding_difference: Option<f64>,
    /// Its 95 % interval, resampled in pairs.
    pub holding_difference_ci95: Option<[f64; 2]>,
    /// One-sided p value of "no better than holding".
    pub holding_p_value: Option<f64>,
}

/// What the claimed figure supports on its own, without any replay.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimInference {
    /// Probability that the true Sharpe ratio is above 0.
    pub psr_zero: Option<f64>,
    /// Probability that it is above the best of the trials, at the larger of both variances.
    pub dsr: Option<f64>,
    /// The same at the variance of comparable published trials.
    pub dsr_published_variance: Option<f64>,
    /// The same at the variance of skill-less trials, 1 / (T - 1).
    pub dsr_null_variance: Option<f64>,
    /// Annual Sharpe ratio that the best of the trials would show without skill.
    pub noise_maximum: Option<f64>,
    /// Interval of Lo (2002).
    pub sharpe_ci95: Option<[f64; 2]>,
    /// Years that a Sharpe ratio of this size needs.
    pub min_track_record_years: Option<f64>,
    /// Years that the claim covers.
    pub years: f64,
}

/// Curves for the report, one value a bar.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Open of each bar, epoch milliseconds.
    pub open_time: Vec<i64>,
    /// Equity over capital.
    pub equity: Vec<f64>,
    /// Holding's equity over capital.
    pub holding: Vec<f64>,
    /// Value of the position as a share of equity.
    pub exposure: Vec<f64>,
}

/// Everything that a verdict rests on; `summary.json` is this.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// `q50.verify/1`.
    pub schema: &'static str,
    /// The data.
    pub data: DataFacts,
    /// The claim.
    pub claim: ClaimFigures,
    /// Everything that decided the run.
    pub settings: serde_json::Value,
    /// The replay.
    pub replay: ReplayFigures,
    /// Buy and hold.
    pub benchmark: BenchmarkFigures,
    /// What the replay supports.
    pub inference: Inference,
    /// What the claimed figure supports on its own.
    pub claim_inference: ClaimInference,
    /// Sharpe ratio and return against capital at several depths, on a rebuilt pool.
    pub capacity: Option<Vec<DepthRow>>,
    /// Bars by the reason of their decision; they add up to `replay.bars`.
    pub decisions: BTreeMap<&'static str, usize>,
    /// The ten checks.
    pub checks: Vec<Check>,
    /// The verdict.
    pub verdict: Verdict,
    /// What the evidence is worth, one sentence.
    pub worth: String,
    /// Hash of data, settings, claim and version.
    pub run_id: String,
    /// Curves for the report.
    #[serde(skip)]
    pub curves: Curves,
    /// Every decision, fill and mark.
    #[serde(skip)]
    pub journal: Journal,
}

/// A claim could not be judged.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The trial ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The pool's reserves are none.
    #[error("pool reserves: {0}")]
    Path(#[from] PathError),
}

/// Replays the claimed strategy, files every trial, and judges.
///
/// # Errors
/// The trial ledger cannot be written, or the pool's reserves leave the range of the program's integers.
pub fn verify(request: &Request<'_>, ledger: &mut TrialLedger) -> Result<Verification, VerifyError> {
    let Request { market, facts, claim, settings, .. } = request;
    let view = request.view();
    let source = Source { market: *market, pool: request.pool, dataset: &facts.hash, view: &view };
    (request.on_step)("replaying");
    let (journal, trial) = run::rehearse(&source, settings, Role::Candidate)?;
    ledger.record(&[trial])?;
    let tried = ledger.candidates(&facts.hash, settings.strategy.family())?;
    let trials = request.trials.unwrap_or(claim.trials).max(tried);

    let returns = journal.returns();
    let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper);
    let curves = curves(market, &journal);
    let held: Vec<f64> = curves.holding.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
    let replayed = replay_figures(&journal, &returns, settings);
    let benchmark = benchmark_figures(&curves.holding, market, request.next_close, settings);
    (request.on_step)("resampling");
    let inference = inference(request, &estimate, &returns, &held, trials);
    let claim_inference = claim_inference(claim, trials);

    (request.on_step)("looking for look-ahead");
    let causal = run::examine(&source, settings, request.cuts, CUT_SEED)?;
    (request.on_step)("trying neighbouring settings");
    let probes = probe(request, &source)?;
    ledger.record(&probes.trials)?;
    let capacity = match &settings.venue {
        VenueSettings::PumpSwap(pool) if request.pool.is_none() => {
            let (rows, trials) = capacity::capacity(&source, settings, pool)?;
            ledger.record(&trials)?;
            Some(rows)
        }
        _ => None,
    };

    let checks = vec![
        data_sound(facts),
        is_causal(&causal, settings),
        reproduced(claim, replayed.sharpe),
        significant(&inference),
        deflated(&inference),
        long_enough(&estimate, &inference, returns.len() as f64 / settings.periods_per_year.get()),
        beats_holding(&inference),
        survives_costs(settings, &probes),
        survives_depth(settings, source.path_source(), replayed.sharpe),
        robust(replayed.sharpe, &probes),
    ];
    let upper = inference.sharpe_ci95.map(|[_, high]| high);
    let verdict = Verdict::of(&checks, claim.sharpe.get(), replayed.sharpe, upper);
    let worth = worth(claim, &claim_inference, &benchmark, trials);
    let bootstrap = &request.bootstrap;
    let settings_json = serde_json::json!({
        "run": settings,
        "data": request.data_settings,
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
        data: facts.clone(),
        claim: claim_figures(claim),
        settings: flatten(settings, settings_json),
        replay: replayed,
        benchmark,
        inference,
        claim_inference,
        capacity,
        decisions: Reason::ALL
            .iter()
            .zip(journal.reasons())
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.name(), count))
            .collect(),
        checks,
        verdict,
        worth,
        curves,
        journal,
    })
}

fn run_id(request: &Request<'_>, trials: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(request.facts.hash.as_bytes());
    hasher.update(request.settings.hash().as_bytes());
    hasher.update(&serde_json::to_vec(request.claim).unwrap_or_default());
    hasher.update(request.view().as_bytes());
    hasher.update(format!("{:?}", request.bootstrap).as_bytes());
    hasher.update(&trials.to_le_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The settings that every reader looks for on top, the whole beside them.
fn flatten(settings: &RunSettings, whole: serde_json::Value) -> serde_json::Value {
    let mut map = serde_json::Map::new();
    map.insert("venue".into(), settings.venue.name().into());
    map.insert("fill_timing".into(), settings.venue.fill_timing().name().into());
    map.insert("periods_per_year".into(), settings.periods_per_year.get().into());
    map.insert("capital".into(), settings.capital.into());
    map.insert("strategy".into(), settings.strategy.family().into());
    if let serde_json::Value::Object(rest) = whole {
        map.extend(rest);
    }
    serde_json::Value::Object(map)
}

fn claim_figures(claim: &Claim) -> ClaimFigures {
    ClaimFigures {
        name: claim.name.clone(),
        source: claim.source.clone(),
        sharpe: claim.sharpe.get(),
        total_return: claim.total_return,
        max_drawdown: claim.max_drawdown,
        bars: claim.bars,
        periods_per_year: claim.periods_per_year.get(),
        trials: claim.trials,
    }
}

fn curves(market: &Market<'_>, journal: &Journal) -> Curves {
    let rows = market.first..market.len();
    let bought = market.close.get(market.first).copied().unwrap_or(f64::NAN);
    Curves {
        open_time: market.open_time[rows.clone()].to_vec(),
        equity: journal.equity.iter().map(|e| e / journal.capital).collect(),
        holding: market.close[rows].iter().map(|close| close / bought).collect(),
        exposure: journal.exposure.clone(),
    }
}

fn replay_figures(journal: &Journal, returns: &[f64], settings: &RunSettings) -> ReplayFigures {
    let year = settings.periods_per_year;
    let per_period = metrics::per_period_sharpe(returns, Ddof::One).ok();
    let final_equity = journal.equity.last().copied().unwrap_or(journal.capital);
    let with_start: Vec<f64> = std::iter::once(journal.capital).chain(journal.equity.iter().copied()).collect();
    let outcomes = crate::round_trips::outcomes(&journal.fills);
    let first = journal.decisions.first().map_or(0, |decision| decision.row);
    let mut traded = vec![0.0; journal.equity.len()];
    for row in &journal.fills {
        traded[row.fill.row - first] += row.fill.notional;
    }
    ReplayFigures {
        sharpe: per_period.map(|s| s.annual(year).get()),
        sharpe_per_period: per_period.map(PerPeriodSharpe::get),
        total_return: final_equity / journal.capital - 1.0,
        final_equity,
        max_drawdown: metrics::max_drawdown_of_equity(&with_start).ok().map(|d| d.depth),
        sortino: metrics::sortino(returns, year).ok(),
        cagr: metrics::cagr(returns, year).ok(),
        volatility: metrics::volatility(returns, year).ok(),
        skew: metrics::skewness_biased(returns).ok(),
        kurtosis: metrics::kurtosis_biased(returns).ok(),
        fills: journal.fills.len(),
        rejections: journal.rejections.len(),
        turnover: metrics::turnover(&traded, &with_start[..traded.len()]).ok(),
        exposure: metrics::exposure(&journal.exposure).ok(),
        fees: metrics::sum::sum(journal.fills.iter().map(|row| row.fill.cost)),
        spread_cost: metrics::sum::sum(journal.fills.iter().map(|row| row.fill.spread_cost)),
        pool_costs: pool_costs(journal),
        hit_rate: metrics::hit_rate(&outcomes).ok(),
        profit_factor: metrics::profit_factor(&outcomes).ok(),
        bars: journal.equity.len(),
    }
}

/// Summed in lamports, so that no digit is lost; `None` where no fill was a pool's.
fn pool_costs(journal: &Journal) -> Option<PoolCostFigures> {
    let fills: Vec<_> = journal.fills.iter().filter_map(|row| row.fill.pool).collect();
    if fills.is_empty() {
        return None;
    }
    let sol = |part: fn(&PoolCosts) -> Lamports| {
        fills.iter().map(|costs| u128::from(part(costs).get())).sum::<u128>() as f64 / LAMPORTS_PER_SOL
    };
    Some(PoolCostFigures {
        lp: sol(|c| c.lp),
        protocol: sol(|c| c.protocol),
        creator: sol(|c| c.creator),
        network: sol(|c| c.network),
        impact: metrics::sum::sum(fills.iter().map(|c| c.impact)),
        sandwich: metrics::sum::sum(fills.iter().map(|c| c.sandwich)),
    })
}

/// Holding earns one return for each decision: from the close at which it is made to the next one.
fn benchmark_figures(
    holding: &[f64],
    market: &Market<'_>,
    next_close: Option<f64>,
    settings: &RunSettings,
) -> BenchmarkFigures {
    let bought = market.close.get(market.first).copied().unwrap_or(f64::NAN);
    let curve: Vec<f64> = holding.iter().copied().chain(next_close.map(|close| close / bought)).collect();
    let returns: Vec<f64> = curve.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
    BenchmarkFigures {
        name: "buy_and_hold",
        sharpe: metrics::sharpe(&returns, settings.periods_per_year).ok().map(AnnualSharpe::get),
        total_return: curve.last().map_or(0.0, |last| last - 1.0),
        max_drawdown: metrics::max_drawdown_of_equity(&curve).ok().map(|d| d.depth),
    }
}

/// The larger of the comparable trials' variance and that of skill-less trials: a list of near-identical or selected
/// trials must not make deflation weaker than pure noise would.
fn trial_variance(claim: &Claim, n: usize) -> Result<TrialVariance, Undefined> {
    let null = TrialVariance::under_null(n)?;
    Ok(match TrialVariance::measured(&claim.comparable_trials()) {
        Ok(measured) if measured.value() > null.value() => measured,
        _ => null,
    })
}

fn inference(
    request: &Request<'_>,
    estimate: &Result<SharpeEstimate, Undefined>,
    returns: &[f64],
    held: &[f64],
    trials: u64,
) -> Inference {
    let year = request.settings.periods_per_year;
    let annual = |sharpe: PerPeriodSharpe| sharpe.annual(year).get();
    let estimate = estimate.as_ref().ok();
    let variance = trial_variance(request.claim, returns.len()).ok();
    let bootstrap = &request.bootstrap;
    let (interval, difference) =
        rayon::join(|| bootstrap.sharpe(returns, year).ok(), || bootstrap.sharpe_difference(returns, held, year).ok());
    let zero = PerPeriodSharpe::new(0.0);
    Inference {
        psr_zero: estimate.and_then(|e| probabilistic_sharpe(e, zero).ok()),
        dsr: estimate.zip(variance).and_then(|(e, v)| deflated_sharpe(e, trials, v).ok()).map(|d| d.probability),
        trials,
        trial_variance: variance.map(TrialVariance::value),
        trial_variance_source: match variance.map(TrialVariance::source) {
            Some(VarianceSource::Measured) => "published_trials",
            _ => "without_skill",
        },
        noise_maximum: variance.and_then(|v| expected_maximum_sharpe(trials, v).ok()).map(annual),
        min_track_record_years: estimate
            .and_then(|e| min_track_record(e, zero, CONFIDENCE).ok())
            .map(|n| n / year.get()),
        sharpe_ci95: interval.map(|i| [i.low.get(), i.high.get()]),
        mean_block: interval.map(|i| i.mean_block),
        holding_difference: difference.map(|d| d.estimate.get()),
        holding_difference_ci95: difference.map(|d| [d.low.get(), d.high.get()]),
        holding_p_value: difference.map(|d| d.p_value),
    }
}

fn claim_inference(claim: &Claim, trials: u64) -> ClaimInference {
    let year = claim.periods_per_year;
    let estimate = SharpeEstimate::normal(claim.sharpe.per_period(year), claim.bars);
    let interval = claimed_interval(claim.sharpe, claim.bars, year).ok();
    let null = TrialVariance::under_null(claim.bars).ok();
    let measured = TrialVariance::measured(&claim.comparable_trials()).ok();
    let variance = trial_variance(claim, claim.bars).ok();
    let dsr =
        |v: Option<TrialVariance>| v.and_then(|v| deflated_sharpe(&estimate, trials, v).ok()).map(|d| d.probability);
    ClaimInference {
        psr_zero: interval.map(|i| i.psr_zero),
        dsr: dsr(variance),
        dsr_published_variance: dsr(measured),
        dsr_null_variance: dsr(null),
        noise_maximum: variance.and_then(|v| expected_maximum_sharpe(trials, v).ok()).map(|s| s.annual(year).get()),
        sharpe_ci95: interval.map(|i| [i.low.get(), i.high.get()]),
        min_track_record_years: min_track_record(&estimate, PerPeriodSharpe::new(0.0), CONFIDENCE)
            .ok()
            .map(|n| n / year.get()),
        years: claim.bars as f64 / year.get(),
    }
}

/// Replays that test the replay.
struct Probes {
    double_cost: Option<f64>,
    /// What was changed, and the annual Sharpe ratio after it.
    neighbours: Vec<(String, Option<f64>)>,
    trials: Vec<Trial>,
}

fn probe(request: &Request<'_>, source: &Source<'_>) -> Result<Probes, PathError> {
    let Request { market, settings, .. } = request;
    let late = OwnedSignals::shifted(&market.signals, 1);
    let delayed = Market { signals: late.borrow(), ..*market };
    let late_view = format!("{} one bar late", source.view);
    let mut jobs = vec![
        ("twice the cost".to_owned(), *source, settings.at_twice_the_cost()),
        ("signals one bar late".to_owned(), source.seen_as(delayed, &late_view), *settings),
    ];
    for neighbour in neighbours(&settings.strategy) {
        jobs.push((neighbour.change, *source, settings.with_strategy(neighbour.strategy)));
    }
    let mut done = jobs
        .into_par_iter()
        .map(|(change, source, settings)| Ok((change, run::rehearse(&source, &settings, Role::Probe)?.1)))
        .collect::<Result<Vec<(String, Trial)>, PathError>>()?;
    let annual = |trial: &Trial| trial.sharpe.map(|s| s.annual(settings.periods_per_year).get());
    let (_, dear) = done.remove(0);
    Ok(Probes {
        double_cost: annual(&dear),
        neighbours: done.iter().map(|(change, trial)| (change.clone(), annual(trial))).collect(),
        trials: std::iter::once(dear).chain(done.into_iter().map(|(_, trial)| trial)).collect(),
    })
}

fn data_sound(facts: &DataFacts) -> Check {
    let missing = facts.missing_bars as f64 / (facts.bars + facts.missing_bars).max(1) as f64;
    let defects = facts.off_grid + facts.inconsistent;
    let evidence = format!(
        "{} bars, {} gaps with {} bars missing, {} off the grid, {} with open or close outside [low, high]; {} bars \
         with a signal, {} forecasts with crossed quantiles",
        facts.bars, facts.gaps, facts.missing_bars, facts.off_grid, facts.inconsistent, facts.signals, facts.crossed
    );
    Check::decided(CheckName::DataSound, missing <= MISSING_AT_MOST && defects == 0, missing, MISSING_AT_MOST, evidence)
}

fn is_causal(report: &CausalityReport, settings: &RunSettings) -> Check {
    let peeks = settings.venue.fill_timing() == FillTiming::SameClose;
    let timing = if peeks { "; orders fill at the close that they were decided from" } else { "" };
    let evidence = format!(
        "{} of {} cuts changed an earlier decision; signals one bar late change {} decisions, one bar early {}{timing}",
        report.broken_cuts, report.cuts, report.changed_by_delay, report.changed_by_peek
    );
    Check::decided(CheckName::Causal, report.passes() && !peeks, report.broken_cuts as f64, 0.0, evidence)
}

fn reproduced(claim: &Claim, sharpe: Option<f64>) -> Check {
    let claimed = claim.sharpe.get();
    let Some(sharpe) = sharpe else {
        return Check::undefined(CheckName::Reproduced, REPRODUCED_WITHIN, "the replay has no Sharpe ratio".to_owned());
    };
    let distance = ((sharpe - claimed) / claimed).abs();
    let evidence = format!("replayed {sharpe:.3}, claimed {claimed:.3}");
    Check::decided(CheckName::Reproduced, distance <= REPRODUCED_WITHIN, distance, REPRODUCED_WITHIN, evidence)
}

fn at_least(name: CheckName, value: Option<f64>, threshold: f64, evidence: String) -> Check {
    match value {
        Some(value) => Check::decided(name, value >= threshold, value, threshold, evidence),
        None => Check::undefined(name, threshold, "undefined: the replay's returns have no variance".to_owned()),
    }
}

fn significant(inference: &Inference) -> Check {
    let probability = inference.psr_zero.map_or_else(|| "undefined".to_owned(), |p| format!("{p:.3}"));
    let evidence = format!("probability that the true Sharpe ratio is above 0: {probability}");
    at_least(CheckName::Significant, inference.psr_zero, CONFIDENCE, evidence)
}

fn deflated(inference: &Inference) -> Check {
    let probability = inference.dsr.map_or_else(|| "undefined".to_owned(), |p| format!("{p:.3}"));
    let evidence = match (inference.trials, inference.noise_maximum) {
        (1, _) => format!("one trial, nothing to deflate for: {probability}"),
        (trials, Some(best)) => format!(
            "probability that it is above {best:.2}, which the best of {trials} trials without skill would be expected \
             to show: {probability}"
        ),
        (trials, None) => format!("{trials} trials, and no variance of theirs"),
    };
    at_least(CheckName::Deflated, inference.dsr, CONFIDENCE, evidence)
}

fn long_enough(estimate: &Result<SharpeEstimate, Undefined>, inference: &Inference, years: f64) -> Check {
    match (inference.min_track_record_years, estimate) {
        (Some(needed), _) => {
            let evidence = format!("{years:.2} years replayed, {needed:.2} needed");
            Check::decided(CheckName::LongEnough, years >= needed, years, needed, evidence)
        }
        (None, Ok(_)) => {
            let why = "a Sharpe ratio that is not above 0 needs for ever".to_owned();
            Check { threshold: None, value: Some(years), ..Check::undefined(CheckName::LongEnough, 0.0, why) }
        }
        (None, Err(undefined)) => {
            Check { threshold: None, ..Check::undefined(CheckName::LongEnough, 0.0, undefined.to_string()) }
        }
    }
}

fn beats_holding(inference: &Inference) -> Check {
    let threshold = 1.0 - CONFIDENCE;
    match (inference.holding_p_value, inference.holding_difference, inference.holding_difference_ci95) {
        (Some(p), Some(difference), Some([low, high])) => {
            let evidence = format!(
                "Sharpe ratio less that of buy and hold {difference:.3}, 95 % interval {low:.2} to {high:.2}; value is \
                 the one-sided p"
            );
            Check::decided(CheckName::BeatsHolding, p < threshold, p, threshold, evidence)
        }
        _ => {
            Check::undefined(CheckName::BeatsHolding, threshold, "undefined: one of the two has no variance".to_owned())
        }
    }
}

fn survives_costs(settings: &RunSettings, probes: &Probes) -> Check {
    match probes.double_cost {
        Some(sharpe) => {
            let evidence = format!("Sharpe ratio {sharpe:.3} at {}", doubled(&settings.venue));
            Check::decided(CheckName::SurvivesCosts, sharpe > 0.0, sharpe, 0.0, evidence)
        }
        None => Check::undefined(CheckName::SurvivesCosts, 0.0, "no Sharpe ratio at twice the cost".to_owned()),
    }
}

/// The proportional cost that the check charges, in words.
fn doubled(venue: &VenueSettings) -> String {
    match venue {
        VenueSettings::NextOpen(price) => format!("{:.1} basis points a fill", price.cost.get() * 2e4),
        VenueSettings::PumpSwap(_) => "twice the pool's fees".to_owned(),
    }
}

fn survives_depth(settings: &RunSettings, path: PathSource, sharpe: Option<f64>) -> Check {
    let VenueSettings::PumpSwap(pool) = &settings.venue else {
        return Check::not_applicable(CheckName::SurvivesDepth, "applies to pool venues; this one is a price venue");
    };
    let reserves = match path {
        PathSource::Recorded => "recorded reserves".to_owned(),
        PathSource::SwapEvents => "reserves of recorded swaps".to_owned(),
        PathSource::RebuiltFromBars => {
            format!("reserves rebuilt from bars at an assumed {} SOL", pool.depth.get() as f64 / 1e9)
        }
    };
    match sharpe {
        Some(sharpe) => {
            let evidence = format!("Sharpe ratio {sharpe:.3} with {} SOL on {reserves}", settings.capital);
            Check::decided(CheckName::SurvivesDepth, sharpe > 0.0, sharpe, 0.0, evidence)
        }
        None => Check::undefined(CheckName::SurvivesDepth, 0.0, format!("no Sharpe ratio on {reserves}")),
    }
}

fn robust(sharpe: Option<f64>, probes: &Probes) -> Check {
    let Some(base) = sharpe else {
        return Check::undefined(CheckName::Robust, ROBUST_SHARE, "the replay has no Sharpe ratio".to_owned());
    };
    let worst = probes
        .neighbours
        .iter()
        .map(|(change, sharpe)| (change, sharpe.unwrap_or(f64::NEG_INFINITY)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((change, worst)) = worst else {
        return Check::not_applicable(CheckName::Robust, "no neighbouring setting");
    };
    if base <= 0.0 || !worst.is_finite() {
        let why =
            format!("replayed {base:.3}; the worst of {} neighbours has none ({change})", probes.neighbours.len());
        let why = if base <= 0.0 { format!("replayed {base:.3}: there is nothing to be robust") } else { why };
        return Check::undefined(CheckName::Robust, ROBUST_SHARE, why);
    }
    let share = worst / base;
    let evidence = format!(
        "the worst of {} neighbouring settings ({change}) has a Sharpe ratio of {worst:.3}, {:.0} % of the replay's",
        probes.neighbours.len(),
        share * 100.0
    );
    Check::decided(CheckName::Robust, share >= ROBUST_SHARE, share, ROBUST_SHARE, evidence)
}

/// What the claimed figure is worth by itself, one sentence.
fn worth(claim: &Claim, inference: &ClaimInference, benchmark: &BenchmarkFigures, trials: u64) -> String {
    let holding = benchmark.sharpe.map_or_else(
        || "buying and holding has none over the replayed bars".to_owned(),
        |sharpe| format!("buying and holding had {sharpe:.2} over the replayed bars"),
    );
    let noise = match (trials, inference.noise_maximum) {
        (2.., Some(best)) => format!(", the best of {trials} trials without skill would be expected to show {best:.2}"),
        _ => String::new(),
    };
    let needed = match inference.min_track_record_years {
        Some(years) => format!(
            "it takes {years:.2} years to tell such a figure from luck, and the claim covers {:.2}",
            inference.years
        ),
        None => "no length of record tells such a figure from luck".to_owned(),
    };
    format!("A Sharpe ratio of {:.3} is claimed; {holding}{noise}; {needed}.", claim.sharpe.get())
}
