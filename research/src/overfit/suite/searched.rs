//! The sets of a sweep as candidates, and their evaluations as trials.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use q50_engine::record::EquityCurve;

use crate::{
    inference::SharpeEstimate,
    overfit::{Candidates, Evaluation, Missing, Purpose},
    run::RunSettings,
    sweep::Sweep,
    trials::{LedgerError, Origin, Role, Trial, TrialKey, TrialLedger},
};

/// Trials that are filed in one transaction.
const BATCH: usize = 4_096;

/// Told the number of replays that are done.
pub(super) type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// The sets of a sweep. Rows are counted from the first bar that is traded.
pub(super) struct Searched<'a> {
    sweep: &'a Sweep<'a>,
    /// Of each set; or why it cannot be made.
    settings: Vec<Result<RunSettings, String>>,
    first: usize,
    rows: usize,
    replays: AtomicU64,
    progress: Progress<'a>,
}

impl<'a> Searched<'a> {
    pub(super) fn new(sweep: &'a Sweep<'a>, progress: Progress<'a>) -> Self {
        let space = sweep.space();
        let market = &sweep.prepared().source().market;
        let settings = |index| sweep.settings(&space.point(index)).map_err(|error| error.to_string());
        Self {
            sweep,
            settings: (0..space.count()).map(settings).collect(),
            first: market.first,
            rows: market.len() - market.first,
            replays: AtomicU64::new(0),
            progress,
        }
    }

    /// Number of bars.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn sweep(&self) -> &'a Sweep<'a> {
        self.sweep
    }

    pub(super) fn settings(&self, set: usize) -> Result<&RunSettings, String> {
        self.settings[set].as_ref().map_err(Clone::clone)
    }

    /// Equity of a set at the close of each of the rows.
    pub(super) fn curve(&self, set: usize, rows: &Range<usize>) -> Result<EquityCurve, String> {
        let curve = self.sweep.replay(self.settings(set)?, self.in_market(rows));
        (self.progress)(self.replays.fetch_add(1, Ordering::Relaxed) + 1);
        curve
    }

    fn in_market(&self, rows: &Range<usize>) -> Range<usize> {
        self.first + rows.start..self.first + rows.end
    }

    /// The trial of one set on all rows, as a sweep files it.
    pub(super) fn sweep_trial(&self, set: usize, estimate: Option<SharpeEstimate>) -> Option<Trial> {
        let settings = self.settings(set).ok()?;
        let key = self.sweep.prepared().source().key(settings);
        Some(trial(key, Role::Candidate, self.rows.saturating_sub(1), estimate))
    }

    /// Files every evaluation that had a replay: choices as candidates, judgements as probes.
    pub(super) fn file(&self, ledger: &mut TrialLedger, evaluations: &[Evaluation]) -> Result<(), LedgerError> {
        let scope = self.sweep.prepared().source().scope(&self.sweep.base().strategy);
        for batch in evaluations.chunks(BATCH) {
            let trials: Vec<Trial> = batch.iter().filter_map(|evaluation| self.evaluated(evaluation)).collect();
            ledger.record(scope, Origin::Overfit, &trials)?;
        }
        Ok(())
    }

    fn evaluated(&self, evaluation: &Evaluation) -> Option<Trial> {
        let settings = self.settings(evaluation.set).ok()?;
        if matches!(evaluation.estimate, Err(Missing::Failed(_))) {
            return None;
        }
        let role = match evaluation.purpose {
            Purpose::Choice => Role::Candidate,
            Purpose::Judgement => Role::Probe,
        };
        // One stretch is that of a halving round, and all rows are the set's own run.
        let rows: Vec<Range<usize>> = evaluation.rows.iter().map(|rows| self.in_market(rows)).collect();
        let key = self.sweep.prepared().source().key_on(settings, &rows);
        Some(trial(key, role, evaluation.returns, evaluation.estimate.clone().ok()))
    }
}

fn trial(key: TrialKey, role: Role, returns: usize, estimate: Option<SharpeEstimate>) -> Trial {
    Trial {
        key,
        role,
        sharpe: estimate.map(|e| e.sharpe),
        returns,
        skew: estimate.map(|e| e.skewness),
        kurtosis: estimate.map(|e| e.kurtosis),
    }
}

impl Candidates for Searched<'_> {
    fn count(&self) -> usize {
        self.settings.len()
    }

    fn returns(&self, set: usize, rows: Range<usize>) -> Result<Vec<f64>, String> {
        Ok(self.curve(set, &rows)?.returns())
    }
}
