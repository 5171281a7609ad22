//! What stands between a candidate and being called a finding.

use std::sync::atomic::AtomicBool;

use q50_engine::{market::Market, units::PeriodsPerYear};
use serde::Serialize;

use super::{Discovery, DiscoveryError, Found, LEAST_TRADES, Progress, State, fitness::Window};
use crate::{
    claim::State as Outcome,
    inference::{Moments, SharpeEstimate, StationaryBootstrap},
    metrics::{Ddof, per_period_sharpe},
    overfit::Check,
    run::trial_of,
    trials::{Origin, Role, TrialLedger},
};

/// Most conditions.
const MOST_GENES: usize = 8;
/// Sharpe ratio a year that a window, a regime and the holdout must reach.
const LEAST_SHARPE: f64 = 0.5;
/// Windows that must reach it.
const LEAST_WINDOWS: usize = 2;
/// Deflated Sharpe ratio to be reached.
const LEAST_DEFLATED: f64 = 0.95;
/// Days of the stretches that are called rising or falling.
const REGIME_DAYS: i64 = 30;

/// The guards, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardName {
    /// There are enough round trips to say anything.
    EnoughTrades,
    /// It is simple enough to be an idea.
    FewGenes,
    /// Two of the three windows of the search do well.
    Windows,
    /// It does well while prices rise, and while they fall.
    Regimes,
    /// The 95 % interval of its Sharpe ratio lies above 0.
    Significant,
    /// Its Sharpe ratio is above that of the best of as many worthless trials as the ledger has.
    Deflated,
    /// It does well on the bars that no search has seen.
    Holdout,
    /// The search itself, repeated on the past alone, finds what does well afterwards.
    WalkForward,
}

impl GuardName {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnoughTrades => "enough_trades",
            Self::FewGenes => "few_genes",
            Self::Windows => "windows",
            Self::Regimes => "regimes",
            Self::Significant => "significant",
            Self::Deflated => "deflated",
            Self::Holdout => "holdout",
            Self::WalkForward => "walk_forward",
        }
    }

    /// How a value that passes stands to its threshold.
    #[must_use]
    pub const fn comparison(self) -> &'static str {
        match self {
            Self::FewGenes => "<=",
            Self::Significant | Self::WalkForward => ">",
            _ => ">=",
        }
    }
}

/// A guard and what came of it. One that was not made never passes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guard {
    /// Which guard.
    pub name: GuardName,
    /// What came of it.
    pub state: Outcome,
    /// The number that was compared.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: f64,
    /// What was seen, for people.
    pub evidence: String,
}

impl Guard {
    fn of(name: GuardName, value: f64, threshold: f64, evidence: String) -> Self {
        let passes = match name.comparison() {
            "<=" => value <= threshold,
            ">" => value > threshold,
            _ => value >= threshold,
        };
        let state = if passes { Outcome::Pass } else { Outcome::Fail };
        Self { name, state, value: Some(value), threshold, evidence }
    }

    fn not_run(name: GuardName, threshold: f64, evidence: String) -> Self {
        Self { name, state: Outcome::NotRun, value: None, threshold, evidence }
    }

    /// Whether it stands in the way.
    #[must_use]
    pub fn objects(&self) -> bool {
        self.state != Outcome::Pass
    }
}

/// A candidate with what the guards say.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The search that it is of, from 0.
    pub search: usize,
    /// Its place among the candidates of the search.
    pub place: usize,
    /// A line a guard.
    pub guards: Vec<Guard>,
    /// Sharpe ratio a year on the holdout; null where it did not trade.
    pub holdout_sharpe: Option<f64>,
    /// Growth on the holdout, a fraction.
    pub holdout_return: f64,
    /// Equity over capital at the close of each bar that was searched.
    pub equity: Vec<f64>,
}

impl Judged {
    /// Whether every guard passes.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        !self.guards.iter().any(Guard::objects)
    }
}

impl Discovery<'_> {
    /// Judges the best of what was found. Replays on the holdout are filed as probes; the search is repeated in
    /// walk-forward windows where a candidate passes everything else, and what it evaluates there is filed like any other.
    ///
    /// # Errors
    /// As [`Discovery::search`].
    pub fn judge(
        &self,
        found: &Found,
        state: &mut State,
        ledger: &mut TrialLedger,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<Vec<Judged>, DiscoveryError> {
        let mut judged = Vec::new();
        for &(search, place) in &found.best {
            judged.push(self.judge_one(search, place, found, state, ledger)?);
        }
        let walk = match judged.iter().any(Judged::is_finding) {
            true => Some(self.walk(state, ledger, stop, progress)?),
            false => None,
        };
        let why_not = self.walk_windows().err().unwrap_or_else(|| "another guard stands in the way already".to_owned());
        for one in &mut judged {
            let guard = match &walk {
                Some(check) if one.is_finding() => walked(check),
                _ => Guard::not_run(GuardName::WalkForward, 0.5, why_not.clone()),
            };
            one.guards.push(guard);
        }
        Ok(judged)
    }

    fn judge_one(
        &self,
        search: usize,
        place: usize,
        found: &Found,
        state: &State,
        ledger: &mut TrialLedger,
    ) -> Result<Judged, DiscoveryError> {
        let candidate = &found.searches[search][place];
        let settings = self.run(candidate.genome.program()?);
        let (rows, year) = (self.searched(), self.base.periods_per_year);
        let replayed = Self::replay(&self.prepared(self.cut)?, &settings, &rows);
        let returns = replayed.curve.returns();
        if self.measure(&candidate.genome, &replayed) != candidate.measured {
            return Err(state.changed(search as u32, place));
        }

        // From the close before: the first decision is made with what was known then.
        let held = self.cut - 1..self.market.len();
        let seen = Self::replay(&self.prepared(held.end)?, &settings, &held);
        let probe = trial_of(&seen.summary, self.key(&settings, &held), Role::Probe);
        ledger.record(self.scope(), Origin::Discover, &[probe])?;
        let held_returns = seen.curve.returns();
        let holdout_sharpe = per_period_sharpe(&held_returns, Ddof::One).ok().map(|sharpe| sharpe.annual(year).get());
        let holdout_return = seen.summary.total_return();

        let tried = self.tried(found, returns.len(), ledger)?;
        let trades = candidate.measured.statistics.round_trips;
        let guards = vec![
            Guard::of(
                GuardName::EnoughTrades,
                trades as f64,
                LEAST_TRADES as f64,
                format!("{trades} round trips on the bars that were searched"),
            ),
            Guard::of(
                GuardName::FewGenes,
                candidate.genome.genes() as f64,
                MOST_GENES as f64,
                format!("{} conditions", candidate.genome.genes()),
            ),
            windows(&candidate.measured.windows),
            regimes(&self.market, rows.start, &returns, year),
            significant(&returns, year),
            match SharpeEstimate::from_returns(&returns, Moments::Paper).and_then(|estimate| tried.deflate(&estimate)) {
                Ok(deflated) => Guard::of(
                    GuardName::Deflated,
                    deflated.probability,
                    LEAST_DEFLATED,
                    format!("deflated for {} candidates", tried.trials),
                ),
                Err(why) => Guard::not_run(GuardName::Deflated, LEAST_DEFLATED, why.to_string()),
            },
            match holdout_sharpe {
                Some(sharpe) => Guard::of(
                    GuardName::Holdout,
                    sharpe,
                    LEAST_SHARPE,
                    format!(
                        "{} bars, return {:.2} %, {} round trips",
                        held.len() - 1,
                        100.0 * holdout_return,
                        seen.summary.trips.closed
                    ),
                ),
                None => Guard::not_run(GuardName::Holdout, LEAST_SHARPE, "it does not trade there".to_owned()),
            },
        ];
        let capital = self.base.capital;
        let equity = replayed.curve.equity.iter().map(|equity| equity / capital).collect();
        Ok(Judged { search, place, guards, holdout_sharpe, holdout_return, equity })
    }
}

fn windows(windows: &[Window]) -> Guard {
    let well = windows.iter().filter(|window| window.sharpe.is_some_and(|sharpe| sharpe >= LEAST_SHARPE)).count();
    let word = |window: &Window| window.sharpe.map_or_else(|| "none".to_owned(), |sharpe| format!("{sharpe:.2}"));
    let all: Vec<String> = windows.iter().map(word).collect();
    let evidence = format!("Sharpe ratios {}; so many reach {LEAST_SHARPE}", all.join(", "));
    Guard::of(GuardName::Windows, well as f64, LEAST_WINDOWS as f64, evidence)
}

/// The lower of the Sharpe ratios over stretches in which prices rose and over those in which they fell. `first` is the row
/// that the first return is measured from.
fn regimes(market: &Market<'_>, first: usize, returns: &[f64], year: PeriodsPerYear) -> Guard {
    let stretch = (REGIME_DAYS * 86_400_000 / market.interval_ms.max(1)).max(2) as usize;
    let (mut rising, mut falling) = (Vec::new(), Vec::new());
    for (number, part) in returns.chunks(stretch).enumerate() {
        let from = first + number * stretch;
        let rose = market.close[from + part.len()] > market.close[from];
        if rose { rising.extend_from_slice(part) } else { falling.extend_from_slice(part) }
    }
    // Staying out is neither gain nor loss.
    let sharpe = |returns: &[f64]| match per_period_sharpe(returns, Ddof::One) {
        Ok(sharpe) => Some(sharpe.annual(year).get()),
        Err(_) if returns.len() >= stretch => Some(0.0),
        Err(_) => None,
    };
    match (sharpe(&rising), sharpe(&falling)) {
        (Some(up), Some(down)) => {
            let evidence = format!("Sharpe ratio {up:.2} in rising and {down:.2} in falling stretches of 30 days");
            Guard::of(GuardName::Regimes, up.min(down), LEAST_SHARPE, evidence)
        }
        _ => {
            let why = "prices only rose or only fell, in stretches of 30 days".to_owned();
            Guard::not_run(GuardName::Regimes, LEAST_SHARPE, why)
        }
    }
}

fn significant(returns: &[f64], year: PeriodsPerYear) -> Guard {
    match StationaryBootstrap::default().sharpe(returns, year) {
        Ok(interval) => {
            let (low, high) = (interval.low.get(), interval.high.get());
            let evidence = format!("95 % interval of the Sharpe ratio from {low:.2} to {high:.2}, before deflation");
            Guard::of(GuardName::Significant, low, 0.0, evidence)
        }
        Err(why) => Guard::not_run(GuardName::Significant, 0.0, why.to_string()),
    }
}

fn walked(check: &Check) -> Guard {
    Guard {
        name: GuardName::WalkForward,
        state: check.state,
        value: check.value,
        threshold: check.threshold.unwrap_or(0.5),
        evidence: check.evidence.clone(),
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::market::Signals;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn regimes_of(closes: &[f64], returns: &[f64]) -> Guard {
        let times: Vec<i64> = (0..closes.len() as i64).map(|day| day * DAY).collect();
        let market = Market {
            open_time: &times,
            open: closes,
            high: closes,
            low: closes,
            close: closes,
            signals: Signals::default(),
            interval_ms: DAY,
            first: 0,
        };
        regimes(&market, 0, returns, PeriodsPerYear::new(365.0))
    }

    #[test]
    fn what_only_gains_while_prices_rise_is_stopped_by_the_regimes() {
        // Thirty days up, thirty days down, and so on.
        let closes: Vec<f64> =
            (0..=120).map(|day| f64::from(if day / 30 % 2 == 0 { 100 + day % 30 } else { 130 - day % 30 })).collect();
        let gains = |day: usize| if day.is_multiple_of(3) { 0.02 } else { -0.001 };
        let always: Vec<f64> = (0..120).map(gains).collect();
        let rising: Vec<f64> = (0..120).map(|day| if day / 30 % 2 == 0 { gains(day) } else { -gains(day) }).collect();
        let out: Vec<f64> = (0..120).map(|day| if day / 30 % 2 == 0 { gains(day) } else { 0.0 }).collect();
        assert_eq!(regimes_of(&closes, &always).state, Outcome::Pass);
        assert_eq!(regimes_of(&closes, &rising).state, Outcome::Fail);
        let out = regimes_of(&closes, &out);
        assert_eq!((out.state, out.value), (Outcome::Fail, Some(0.0)));
        let up: Vec<f64> = (0..=120).map(f64::from).collect();
        assert_eq!(regimes_of(&up, &always).state, Outcome::NotRun);
    }

    #[test]
    fn two_windows_of_three_must_do_well() {
        let of = |sharpes: [Option<f64>; 3]| {
            let window = |sharpe| Window { sharpe, max_drawdown: 0.1, total_return: 0.1 };
            windows(&sharpes.map(window)).state
        };
        assert_eq!(of([Some(0.5), Some(3.0), Some(-2.0)]), Outcome::Pass);
        assert_eq!(of([Some(9.0), Some(0.49), None]), Outcome::Fail);
    }
}
