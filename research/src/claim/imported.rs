//! The verdict on a result that another tool made, without its program: the statistics of its equity, and the checks that
//! equity, trades and bars allow. What cannot be checked is named, and a condition of the verdict.
//!
//! # Conventions
//! Equity is known at the end of each period (the close of each bar), and the capital comes before the first: n periods
//! have n returns. Returns are simple, standard deviations divide by n - 1, and no risk-free rate is taken.

use q50_datasets::results::Stated;
use q50_engine::{
    market::Market,
    record::{FillRow, Journal},
    units::PeriodsPerYear,
};
use serde_json::json;

use super::{
    checks::{Check, CheckName},
    conditions::{Condition, ConditionName, earlier_trials, market_hours},
    evidence::{Inference, inference},
    facts::DataFacts,
    figures::{BenchmarkFigures, Curves, ReplayFigures, replay_figures},
    judge,
    reproduction::ClaimedFigure,
    verdict::{Verdict, contradicts},
    verify::{Verification, VerifyError},
    worst_loss::WorstLoss,
    worth::worth,
};
use crate::{
    audit::Placement,
    canonical::canonical,
    foresight::{ForesightProfile, positions_and_returns},
    inference::{Moments, SharpeEstimate, StationaryBootstrap},
    metrics,
    rebuild::Coverage,
    run::{DEFAULT_COST, trial_of_returns},
    trials::{Origin, Record, Role, Scope, TrialKey, TrialLedger, Tried, Unfiled, now_ms},
};

/// A result of another tool, rebuilt.
#[derive(Clone, Debug)]
pub struct Imported<'a> {
    /// What the file states.
    pub tool: Stated,
    /// What it states against what was rebuilt.
    pub figures: Vec<ClaimedFigure>,
    /// The periods of the result: the bars, or those of a file of returns, whose closes are its equity.
    pub market: Market<'a>,
    /// Whether there are bars of what was traded.
    pub on_bars: bool,
    /// What is known about the bars; of a file alone, about its periods.
    pub facts: DataFacts,
    /// The market that the trial is filed under.
    pub record: &'a Record,
    /// Starting capital, quote units.
    pub capital: f64,
    /// Equity at the end of each period, quote units, above zero.
    pub equity: Vec<f64>,
    /// What was traded, where the file holds trades.
    pub trading: Option<Trading>,
    /// What the result is held against; `None` without bars.
    pub benchmark: Option<Benchmark>,
    /// What the file leaves out, where it holds returns or equity.
    pub coverage: Option<Coverage>,
    /// Periods that make a year.
    pub periods_per_year: PeriodsPerYear,
    /// Trials that the user admits.
    pub trials: u64,
    /// How intervals are resampled.
    pub bootstrap: StationaryBootstrap,
    /// Conditions that the reader accepts.
    pub accepted: &'a [ConditionName],
}

/// Trades on bars.
#[derive(Clone, Debug)]
pub struct Trading {
    /// Fills in order of time, with the rows of their bars.
    pub fills: Vec<FillRow>,
    /// Value of the position as a share of equity at each close.
    pub exposure: Vec<f64>,
    /// Where the prices lie against their bars.
    pub placement: Placement,
}

/// What holding something else was worth.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// `buy_and_hold` or `benchmark`.
    pub name: &'static str,
    /// Its worth before the first period and at the end of each.
    pub curve: Vec<f64>,
}

impl Imported<'_> {
    /// Simple returns of the equity, the capital before the first.
    fn returns(&self) -> Vec<f64> {
        with_capital(self.capital, &self.equity)
    }

    /// What the trial is known by: of trades when they were made and at what price, of equity its returns.
    fn key(&self, returns: &[f64]) -> TrialKey {
        let traded: Option<Vec<(i64, bool, f64)>> = self.trading.as_ref().map(|trading| {
            let of = |row: &FillRow| (row.fill.time, row.fill.side == q50_engine::venue::FillSide::Buy, row.fill.price);
            trading.fills.iter().map(of).collect()
        });
        let window = (self.market.open_time[self.market.first], self.market.open_time[self.market.len() - 1]);
        let series = traded.is_none().then_some(returns);
        let hypothesis = blake3::hash(&canonical(&("q50.imported/1", self.tool.name, window, traded, series)));
        TrialKey { hypothesis, assumptions: 0 }.assuming(&self.capital.to_string())
    }

    /// Equity with each fee doubled, or raised to the least that is believed of such a venue where that is more.
    fn at_twice_the_cost(&self, trading: &Trading) -> Vec<f64> {
        let (first, mut next, mut extra) = (self.market.first, 0, 0.0);
        let dearer = |(at, equity): (usize, &f64)| {
            while let Some(row) = trading.fills.get(next).filter(|row| row.fill.row <= first + at) {
                let fee = row.fill.cost;
                extra += (2.0 * fee).max(DEFAULT_COST.get() * row.fill.notional) - fee;
                next += 1;
            }
            equity - extra
        };
        self.equity.iter().enumerate().map(dearer).collect()
    }
}

fn with_capital(capital: f64, equity: &[f64]) -> Vec<f64> {
    let before = std::iter::once(&capital).chain(equity);
    before.zip(equity).map(|(before, after)| after / before - 1.0).collect()
}

/// Files the result as a trial and judges it.
///
/// # Errors
/// The trial ledger cannot be written.
pub fn judge_imported(result: &Imported<'_>, ledger: &mut TrialLedger) -> Result<Verification, VerifyError> {
    let Imported { market, periods_per_year: year, bootstrap, .. } = result;
    let (year, scope) = (*year, Scope { record: result.record, family: result.tool.name });
    let returns = result.returns();
    let key = result.key(&returns);
    let dear = result.trading.as_ref().map(|trading| with_capital(result.capital, &result.at_twice_the_cost(trading)));
    let mut trials = vec![trial_of_returns(&returns, key, Role::Candidate)];
    trials.extend(dear.iter().map(|returns| trial_of_returns(returns, key.assuming("twice the cost"), Role::Probe)));
    Unfiled::new((), trials).filed(ledger, scope, Origin::Verify)?;

    let tried = ledger.tried(scope, returns.len())?;
    let alternatives = result.tool.alternatives.unwrap_or(1);
    let tried = Tried { trials: result.trials.max(alternatives).max(tried.trials), ..tried };
    let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper);
    let journal = journal(result);
    let replay = figures(result, &journal, &returns);
    let held: Vec<f64> = result.benchmark.iter().flat_map(|b| b.curve.windows(2).map(|w| w[1] / w[0] - 1.0)).collect();
    let benchmark = match &result.benchmark {
        Some(benchmark) => BenchmarkFigures::of(benchmark.name, &benchmark.curve, year),
        None => BenchmarkFigures::of(BenchmarkFigures::NONE, &[], year),
    };
    let inference = inference(year, bootstrap, &estimate, &returns, &held, &tried);
    let years = returns.len() as f64 / year.get();
    let checks = vec![
        data_sound(result),
        Check::not_applicable(
            CheckName::Causal,
            "a result is not replayed: only the program that made it could be cut",
        ),
        reproduced(result),
        judge::significant(&inference, replay.total_return),
        deflated(&inference, alternatives),
        judge::long_enough(&estimate, &inference, years),
        match &result.benchmark {
            Some(_) => judge::beats_holding(&inference, benchmark.words()),
            None => Check::not_applicable(CheckName::BeatsHolding, "nothing to hold: give --bars or --benchmark"),
        },
        survives_costs(dear.as_deref(), year),
        Check::not_applicable(CheckName::SurvivesDepth, "applies to pool venues; the result says nothing of one"),
        Check::not_applicable(
            CheckName::Robust,
            "a result has no settings: only the program that made it could be varied",
        ),
    ];
    let verdict = Verdict::of(&checks, contradicts(None, replay.sharpe, None));
    let campaign = ledger.campaign()?;
    let (from, to) = (market.open_time[market.first], market.open_time[market.len() - 1]);
    let earlier = campaign.as_ref().and_then(|c| earlier_trials(c, [from, to, now_ms()], result.accepted));
    let closed = result.facts.closed_bars + result.coverage.as_ref().map_or(0, |coverage| coverage.closed);
    let hours = market_hours(closed, result.accepted);
    let worst_loss = {
        let curve = result.benchmark.as_ref().map_or(&[][..], |benchmark| &benchmark.curve);
        WorstLoss::of(&returns, curve, year).ok()
    };
    let settings = settings(result);
    Ok(Verification {
        schema: "q50.verify/1",
        data: result.facts.clone(),
        claim: None,
        figures: result.figures.clone(),
        worth: worth(None, &replay, &inference, &benchmark, years),
        run_id: run_id(result, &settings, inference.trials, &key),
        settings,
        benchmark,
        instruments: Vec::new(),
        claim_inference: None,
        capacity: None,
        modelled_drift: None,
        worst_loss,
        decisions: std::collections::BTreeMap::new(),
        tool: Some(result.tool.clone()),
        checks,
        verdict,
        conditions: std::iter::once(origin(result)).chain(earlier).chain(hours).collect(),
        foresight_profile: result.trading.as_ref().and_then(|_| {
            let (positions, returns) = positions_and_returns(&journal, market);
            ForesightProfile::new(&positions, &returns).ok()
        }),
        lookahead: None,
        ledger: ledger.stamp_of_trials()?,
        campaign,
        curves: curves(result, &journal),
        interval_ms: market.interval_ms,
        inference,
        replay,
        journal,
    })
}

fn journal(result: &Imported<'_>) -> Journal {
    let unknown = || vec![f64::NAN; result.equity.len()];
    let (fills, exposure) = match &result.trading {
        Some(trading) => (trading.fills.clone(), trading.exposure.clone()),
        None => (Vec::new(), unknown()),
    };
    Journal { capital: result.capital, fills, equity: result.equity.clone(), exposure, ..Journal::default() }
}

/// A file of equity says nothing of fills, and fills nothing of orders that were not filled nor of the spread.
fn figures(result: &Imported<'_>, journal: &Journal, returns: &[f64]) -> ReplayFigures {
    let all = replay_figures(journal, result.market.first, returns, result.periods_per_year);
    let traded = result.trading.is_some();
    ReplayFigures {
        fills: all.fills.filter(|_| traded),
        rejections: None,
        turnover: all.turnover.filter(|_| traded),
        exposure: all.exposure.filter(|_| traded),
        fees: all.fees.filter(|_| traded),
        spread_cost: None,
        ..all
    }
}

fn curves(result: &Imported<'_>, journal: &Journal) -> Curves {
    let rows = result.market.first..result.market.len();
    let holding = |curve: &[f64]| curve[1..].iter().map(|worth| worth / curve[0]).collect();
    let unknown = || vec![f64::NAN; rows.len()];
    Curves {
        open_time: result.market.open_time[rows.clone()].to_vec(),
        close: match result.trading {
            Some(_) => result.market.close[rows.clone()].to_vec(),
            None => unknown(),
        },
        equity: result.equity.iter().map(|equity| equity / result.capital).collect(),
        holding: result.benchmark.as_ref().map_or_else(unknown, |benchmark| holding(&benchmark.curve)),
        exposure: journal.exposure.clone(),
    }
}

/// Bars are held to what they are held to in a replay. A fill that its bar did not offer is a defect of the result.
fn data_sound(result: &Imported<'_>) -> Check {
    match &result.trading {
        None if !result.on_bars => covered(
            Check::not_applicable(CheckName::DataSound, "no bars were given: nothing to hold the returns against"),
            result.coverage.as_ref(),
        ),
        None => covered(judge::data_sound(&result.facts), result.coverage.as_ref()),
        Some(Trading { placement, .. }) => {
            let bars = judge::data_sound(&result.facts);
            let evidence = format!("{}; {}", bars.evidence, placement.text());
            match placement.faulty_share() {
                None => Check { evidence, ..bars },
                Some((share, most)) => Check::decided(CheckName::DataSound, false, share, most, evidence),
            }
        }
    }
}

/// A result that lacks periods fails where bars would: what was left out of it may be its losses.
fn covered(check: Check, coverage: Option<&Coverage>) -> Check {
    let Some(coverage) = coverage else { return check };
    let evidence = format!("{}; {}", check.evidence, coverage.text());
    match coverage.missing_share() {
        share if share > judge::MISSING_AT_MOST => {
            Check::decided(CheckName::DataSound, false, share, judge::MISSING_AT_MOST, evidence)
        }
        _ => Check { evidence, ..check },
    }
}

/// The other runs of a file were tried as well.
fn deflated(inference: &Inference, alternatives: u64) -> Check {
    let check = judge::deflated(inference);
    match alternatives {
        1 => check,
        several => Check {
            evidence: format!("{}; the file holds {several} to choose from, each a trial", check.evidence),
            ..check
        },
    }
}

fn reproduced(result: &Imported<'_>) -> Check {
    if result.figures.is_empty() {
        return Check::not_applicable(CheckName::Reproduced, "the file states no figure that can be computed again");
    }
    let check = judge::reproduced(&result.figures);
    let tool = &result.tool;
    let stated = [
        ("final_equity", tool.final_equity),
        ("total_return", tool.total_return),
        ("sharpe", tool.sharpe),
        ("max_drawdown", tool.max_drawdown),
    ];
    let is_compared = |name: &str| result.figures.iter().any(|figure| figure.name == name);
    let left: Vec<String> = stated
        .into_iter()
        .filter(|(name, _)| !is_compared(name))
        .filter_map(|(name, value)| Some(format!("{name} {}", value?)))
        .collect();
    if left.is_empty() {
        return check;
    }
    Check { evidence: format!("{}; stated, and not computed again: {}", check.evidence, left.join(", ")), ..check }
}

fn survives_costs(dear: Option<&[f64]>, year: PeriodsPerYear) -> Check {
    let Some(returns) = dear else {
        return Check::not_applicable(CheckName::SurvivesCosts, "equity does not tell what was paid: give --trades");
    };
    match metrics::sharpe(returns, year) {
        Ok(sharpe) => {
            let sharpe = sharpe.get();
            let evidence = format!(
                "Sharpe ratio {sharpe:.3} with every fee doubled, at least {:.1} basis points a fill",
                DEFAULT_COST.get() * 1e4
            );
            Check::decided(CheckName::SurvivesCosts, sharpe > 0.0, sharpe, 0.0, evidence)
        }
        Err(why) => {
            Check::undefined(CheckName::SurvivesCosts, 0.0, format!("no Sharpe ratio at twice the cost: {why}"))
        }
    }
}

/// What no file can show.
fn origin(result: &Imported<'_>) -> Condition {
    let of = match (&result.trading, result.on_bars) {
        (Some(_), _) => "its trades",
        (None, true) => "its equity, of which no trade was seen",
        (None, false) => "its equity, of which neither trade nor market was seen",
    };
    let text = format!(
        "what was judged is what another tool made, by {of}: whether its decisions knew later bars, and how it does with \
         other settings, only the program could show (q50 lookahead --producer runs one that makes signals)"
    );
    Condition::new(ConditionName::ResultOrigin, text, result.accepted)
}

fn settings(result: &Imported<'_>) -> serde_json::Value {
    json!({
        "venue": "imported",
        "fill_timing": "recorded",
        "periods_per_year": result.periods_per_year.get(),
        "capital": result.capital,
        "strategy": result.tool.name,
        "data": { "bars": result.record.bars, "interval_ms": result.market.interval_ms },
        "bootstrap": { "method": "stationary", "draws": result.bootstrap.draws, "seed": result.bootstrap.seed },
    })
}

fn run_id(result: &Imported<'_>, settings: &serde_json::Value, trials: u64, key: &TrialKey) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(key.hypothesis.as_bytes());
    hasher.update(&canonical(&(settings, &result.tool, &result.equity, result.benchmark.as_ref().map(|b| &b.curve))));
    hasher.update(&trials.to_le_bytes());
    hasher.update(format!("{:?}", result.accepted).as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}
