//! The checks one after another.

use std::ops::Range;

use q50_engine::{record::Journal, units::PeriodsPerYear};

use super::{
    Outcome, Settings,
    full_sample::{Days, Kept, first_pass, predictive_ability},
    searched::Searched,
    trips::Trips,
};
use crate::{
    inference::{BlockSums, Cscv, PredictiveAbility, SharpeEstimate},
    metrics::Undefined,
    overfit::{
        Baseline, Check, CheckName, CrossValidation, Missing, OverfitError, Paths, Prices, Purge, Purpose, RandomEntry,
        Split, Thresholds, WalkForward, combinatorial_paths, cross_validate, walk_forward,
    },
    sweep::Sweep,
    trials::{LedgerError, TrialLedger},
};

/// Runs the checks on the sets of `sweep`. A halving of its grid is left aside: every set is judged on every bar.
///
/// `progress` is told the replays that are done and about how many there will be.
///
/// # Errors
/// The ledger cannot be read or written. What a check cannot do is its own [`Check::not_run`].
pub fn judge_search(
    sweep: &Sweep<'_>,
    settings: &Settings,
    ledger: &mut TrialLedger,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Outcome, LedgerError> {
    let source = sweep.prepared().source();
    let rows = source.market.len() - source.market.first;
    let total = replays(settings, rows, sweep.space().count());
    let tell = |done: u64| progress(done, total.max(done));
    let searched = Searched::new(sweep, &tell);
    let scope = source.scope(&sweep.base().strategy);

    let days = [CheckName::RealityCheck, CheckName::Spa].into_iter().any(|name| settings.asks(name));
    let days = days.then(|| Days::of(&source.market, settings.benchmark));
    let cscv = if settings.asks(CheckName::Pbo) { Cscv::new(settings.blocks).ok() } else { None };
    let kept = first_pass(&searched, cscv.as_ref(), days.as_ref(), ledger)?;

    let mut outcome = Outcome {
        sets: kept.len(),
        traded: kept.iter().flatten().count(),
        bars: rows,
        best: best(&kept),
        purge: None,
        checks: Vec::new(),
        walked: None,
        paths: None,
        overfitting: None,
        ability: None,
        trials: ledger.counts(&source.data.record)?,
    };
    let Some((best, estimate)) = outcome.best else {
        let why = nothing(&kept, rows).to_string();
        outcome.checks = CheckName::ALL.map(|name| not_run(settings, name, kept.len(), &why)).to_vec();
        return Ok(outcome);
    };
    let trips = trips(&searched, best);
    let longest = trips.as_ref().map_or(0, Trips::longest);
    let purge = settings.purge.map_or(Purge::of(0, longest, settings.embargo), |_| settings.least_purge());
    outcome.purge = Some(purge);

    let mut run = Run {
        searched: &searched,
        settings,
        limits: Thresholds::default(),
        year: sweep.base().periods_per_year,
        purge,
        ledger,
        outcome,
    };
    for name in CheckName::ALL {
        let sets = kept.len();
        let check = match name {
            _ if !settings.asks(name) => not_run(settings, name, sets, ""),
            CheckName::WalkForward => run.walk_forward()?,
            CheckName::PurgedKFold => run.purged_k_fold()?,
            CheckName::Combinatorial => run.combinatorial()?,
            CheckName::Pbo => run.pbo(&kept),
            CheckName::RealityCheck => Check::reality_check(sets, &run.ability(&kept, days.as_ref()), &run.limits),
            CheckName::Spa => Check::spa(sets, &run.ability(&kept, days.as_ref()), &run.limits),
            CheckName::Deflated => {
                let tried = run.ledger.tried(scope, estimate.n)?;
                Check::deflated(sets, &tried.deflate(&estimate), &run.limits)
            }
            CheckName::RandomEntry => match &trips {
                Err(reason) => Check::not_run(name, 1, reason.clone()),
                Ok(trips) if trips.short => {
                    Check::not_run(name, 1, "the best set was short at some time; random entries are long".to_owned())
                }
                Ok(trips) => Check::random_entry(&run.random_entry(trips), &run.limits),
            },
        };
        run.outcome.checks.push(check);
    }
    run.outcome.trials = run.ledger.counts(&source.data.record)?;
    Ok(run.outcome)
}

struct Run<'r> {
    searched: &'r Searched<'r>,
    settings: &'r Settings,
    limits: Thresholds,
    year: PeriodsPerYear,
    purge: Purge,
    ledger: &'r mut TrialLedger,
    outcome: Outcome,
}

impl Run<'_> {
    fn walk_forward(&mut self) -> Result<Check, LedgerError> {
        let windows = self.settings.windows(self.outcome.bars);
        let walked: Result<WalkForward, OverfitError> =
            windows.and_then(|windows| walk_forward(self.searched, &windows, self.year));
        let check = Check::walk_forward(self.outcome.sets, &walked, &self.limits);
        if let Ok(mut walked) = walked {
            self.searched.file(self.ledger, &walked.evaluations)?;
            // Only the judgements are needed from here on, one a window.
            walked.evaluations.retain(|evaluation| evaluation.purpose == Purpose::Judgement);
            self.outcome.walked = Some(walked);
        }
        Ok(check)
    }

    fn purged_k_fold(&mut self) -> Result<Check, LedgerError> {
        let splits = self.settings.k_fold(self.outcome.bars, self.purge);
        let validated = self.validate(splits.as_ref())?;
        Ok(Check::purged_k_fold(self.outcome.sets, &validated, &self.limits))
    }

    fn combinatorial(&mut self) -> Result<Check, LedgerError> {
        let splits = self.settings.combinatorial(self.outcome.bars, self.purge);
        let validated = self.validate(splits.as_ref())?;
        let paths: Result<Paths, OverfitError> =
            validated.and_then(|validated| combinatorial_paths(&splits?, &validated, self.year));
        let check = Check::combinatorial(self.outcome.sets, &paths, &self.limits);
        self.outcome.paths = paths.ok();
        Ok(check)
    }

    fn validate(
        &mut self,
        splits: Result<&Vec<Split>, &OverfitError>,
    ) -> Result<Result<CrossValidation, OverfitError>, LedgerError> {
        let validated =
            splits.map_err(Clone::clone).and_then(|splits| cross_validate(self.searched, splits, self.year));
        if let Ok(validated) = &validated {
            self.searched.file(self.ledger, &validated.evaluations)?;
        }
        Ok(validated)
    }

    /// Sets that never traded are left out, and where all are one and the same the check is not run: the ranks of equals
    /// would look like a choice that lasts.
    fn pbo(&mut self, kept: &[Result<Kept, Missing>]) -> Check {
        let sets = self.outcome.sets;
        let blocks: Vec<Vec<BlockSums>> = kept.iter().flatten().filter_map(|kept| kept.blocks.clone()).collect();
        if blocks.len() > 1 && blocks.iter().all(|other| *other == blocks[0]) {
            let why = format!("all {} sets that traded are the same: there is no choice", blocks.len());
            return Check::not_run(CheckName::Pbo, sets, why);
        }
        let result = Cscv::new(self.settings.blocks).and_then(|cscv| cscv.pbo(&blocks));
        let check = Check::pbo(sets, &result, &self.limits);
        self.outcome.overfitting = result.ok();
        check
    }

    /// Once for both checks that read it.
    fn ability(&mut self, kept: &[Result<Kept, Missing>], days: Option<&Days>) -> Result<PredictiveAbility, Undefined> {
        if let Some(known) = self.outcome.ability {
            return Ok(known);
        }
        let days = days.ok_or(Undefined::TooFew { found: 0, needed: 1 })?;
        let ability = predictive_ability(self.searched, kept, days, [self.settings.resamples, self.settings.seed])?;
        self.outcome.ability = Some(ability);
        Ok(ability)
    }

    fn random_entry(&self, trips: &Trips) -> Result<Baseline, OverfitError> {
        let market = &self.searched.sweep().prepared().source().market;
        let prices =
            Prices { open: &market.open[market.first..], close: &market.close[market.first..], cost: trips.cost };
        let test = RandomEntry { runs: self.settings.random_runs, seed: self.settings.seed, ..RandomEntry::default() };
        test.test(&prices, &trips.holdings)
    }
}

/// The set with the highest Sharpe ratio, the first of equals.
fn best(kept: &[Result<Kept, Missing>]) -> Option<(usize, SharpeEstimate)> {
    let mut best: Option<(usize, SharpeEstimate)> = None;
    for (set, kept) in kept.iter().enumerate() {
        if let Ok(kept) = kept
            && best.is_none_or(|(_, highest)| kept.estimate.sharpe > highest.sharpe)
        {
            best = Some((set, kept.estimate));
        }
    }
    best
}

fn nothing(kept: &[Result<Kept, Missing>], rows: usize) -> OverfitError {
    match kept.first() {
        Some(Err(reason)) => OverfitError::NothingToChoose { rows: 0..rows, sets: kept.len(), reason: reason.clone() },
        _ => OverfitError::NoCandidates,
    }
}

fn not_run(settings: &Settings, name: CheckName, sets: usize, why: &str) -> Check {
    let why = if settings.asks(name) { why.to_owned() } else { "left out on request".to_owned() };
    Check::not_run(name, sets, why)
}

/// The positions of the best set. Its trial is filed already.
fn trips(searched: &Searched<'_>, best: usize) -> Result<Trips, String> {
    let sweep = searched.sweep();
    let (market, settings) = (&sweep.prepared().source().market, searched.settings(best)?);
    let all: Range<usize> = market.first..market.len();
    let journal: Journal = sweep.replay(settings, all)?;
    Ok(Trips::of(&journal, market.first, searched.rows(), settings.venue.fill_timing()))
}

/// About how many replays there will be: a judgement is hardly any.
fn replays(settings: &Settings, rows: usize, sets: u64) -> u64 {
    let stretches = |splits: Result<Vec<Split>, OverfitError>| {
        splits.map_or(0, |splits| splits.iter().map(|split| split.train.len()).sum())
    };
    let purge = settings.least_purge();
    let mut a_set = 1;
    for name in CheckName::ALL.into_iter().filter(|&name| settings.asks(name)) {
        a_set += match name {
            CheckName::WalkForward => settings.windows(rows).map_or(0, |windows| windows.len()),
            CheckName::PurgedKFold => stretches(settings.k_fold(rows, purge)),
            CheckName::Combinatorial => stretches(settings.combinatorial(rows, purge)),
            CheckName::Spa => 1,
            _ => 0,
        };
    }
    sets * a_set as u64
}
