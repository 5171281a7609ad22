//! The walk-forward guard: the search itself, repeated in each training window, and its fittest judged on what follows.

use std::sync::atomic::AtomicBool;

use q50_engine::units::AnnualSharpe;

use super::{
    Discovery, DiscoveryError, Progress, State,
    bench::Bench,
    evolution::{fitter, generator},
};
use crate::{
    inference::{Moments, SharpeEstimate},
    metrics::total_return,
    overfit::{Check, CheckName, OverfitError, Thresholds, Training, WalkForward, Window, WindowResult, windows},
    run::trial_of,
    trials::{Origin, Role, TrialLedger},
};

impl Discovery<'_> {
    /// Windows in which the search is repeated.
    ///
    /// # Errors
    /// Why there are too few of them, so that nothing can be a finding.
    pub fn walk_windows(&self) -> Result<Vec<Window>, String> {
        let least = Thresholds::default().windows;
        match windows(self.searched().len(), self.settings.walk_forward, Training::Rolling) {
            Ok(windows) if windows.len() >= least => Ok(windows),
            Ok(few) => {
                Err(format!("{} windows fit into the bars that are searched, expected at least {least}", few.len()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// What comes of searching in each training window of the bars that are searched. Windows are searches of their own in
    /// the state, behind those of the seeds.
    pub(super) fn walk(
        &self,
        state: &mut State,
        ledger: &mut TrialLedger,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<Check, DiscoveryError> {
        let limits = Thresholds::default();
        let windows = match self.walk_windows() {
            Ok(windows) => windows,
            Err(why) => return Ok(Check::not_run(CheckName::WalkForward, 1, why)),
        };
        let mut walked = WalkForward {
            first_row: windows[0].test.start,
            windows: Vec::new(),
            returns: Vec::new(),
            evaluations: Vec::new(),
            judged: windows.len(),
        };
        let mut done = self.total();
        for (window, number) in windows.into_iter().zip(1_u32..) {
            let in_market =
                |rows: &std::ops::Range<usize>| rows.start + self.market.first..rows.end + self.market.first;
            let train = in_market(&window.train);
            let prepared = self.prepared(train.end)?;
            let told = |now: usize| progress(done + now as u64);
            let search = self.settings.seeds + number - 1;
            let (state, ledger) = (&mut *state, &mut *ledger);
            // Without what the searches start from: whoever made it may have seen what follows the window.
            let (prepared, rows) = (&prepared, &train);
            let mut bench = Bench { discovery: self, prepared, rows, start: &[], state, ledger, stop, search };
            let all = bench.evolve(|generation| generator(self.settings.seed, number, generation), &told)?;
            done += all.len() as u64;
            let Some(place) = (0..all.len()).min_by(|one, other| fitter(&all[*one], &all[*other])) else { continue };
            let chosen = &all[place];
            let settings = self.run(chosen.genome.program()?);
            // From the close before: the first decision is made with what was known then.
            let test = in_market(&window.test);
            let test = test.start - 1..test.end;
            let replayed = Self::replay(&self.prepared(test.end)?, &settings, &test);
            let trial = trial_of(&replayed.summary, self.key(&settings, &test), Role::Probe);
            ledger.record(self.scope(), Origin::Discover, &[trial])?;
            let returns = replayed.curve.returns();
            let year = self.base.periods_per_year;
            let statistics = chosen.measured.statistics;
            walked.windows.push(WindowResult {
                window,
                set: place,
                in_sample: statistics.sharpe(year).unwrap_or(AnnualSharpe::new(0.0)),
                out_of_sample: SharpeEstimate::from_returns(&returns, Moments::Paper)
                    .map_or(AnnualSharpe::new(0.0), |estimate| estimate.sharpe.annual(year)),
                total_return: total_return(&returns).unwrap_or(-1.0),
            });
            walked.returns.extend(returns);
        }
        let walked: Result<WalkForward, OverfitError> = Ok(walked);
        Ok(Check::walk_forward(1, &walked, &limits))
    }
}
