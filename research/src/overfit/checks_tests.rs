//! The checks on planted edges, on noise and on nothing.

use q50_engine::units::PeriodsPerYear;

use super::fixtures::{Table, noise, noises};
use super::{
    Baseline, Check, CheckName, Lengths, OverfitError, Purge, RandomEntry, Thresholds, Training, combinatorial,
    combinatorial_paths, cross_validate, k_fold, walk_forward, windows,
};
use crate::{
    claim::checks::State,
    inference::{Cscv, DeflatedSharpe, PredictiveAbilityTest, Resampling},
    metrics::Undefined,
};

const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);
const LENGTHS: Lengths = Lengths { train: 100, test: 50, step: 50 };

/// Every check that is made of sets alone.
fn all(table: &Table) -> Vec<Check> {
    let (given, limits) = (table.0.len(), Thresholds::default());
    let rows = 800;
    let walked = walk_forward(table, &windows(rows, LENGTHS, Training::Rolling).unwrap(), DAILY);
    let purge = Purge { rows: 5, embargo: 5 };
    let folds = cross_validate(table, &k_fold(rows, 5, purge).unwrap(), DAILY);
    let splits = combinatorial(rows, 6, 2, purge).unwrap();
    let paths =
        cross_validate(table, &splits, DAILY).and_then(|validated| combinatorial_paths(&splits, &validated, DAILY));
    let resampling = Resampling { mean_block: 2.0, draws: 300, seed: 1 };
    let ability = PredictiveAbilityTest::new(rows, resampling).unwrap().of_columns(&table.0);
    vec![
        Check::walk_forward(given, &walked, &limits),
        Check::purged_k_fold(given, &folds, &limits),
        Check::combinatorial(given, &paths, &limits),
        Check::pbo(given, &Cscv::new(8).unwrap().pbo_of_columns(&table.0), &limits),
        Check::reality_check(given, &ability, &limits),
        Check::spa(given, &ability, &limits),
    ]
}

#[test]
fn a_lasting_edge_passes_every_check() {
    let mut table = noises(12, 800, 1);
    // One set never trades: it is given, and PBO ranks it, but no other check can judge it.
    table.0[11].fill(0.0);
    table.0[3].iter_mut().for_each(|value| *value = 0.2 * *value + 0.004);
    for check in all(&table) {
        // The mean of the folds is far above the threshold; their deviation is that of 160 days and above 1 a year.
        if check.name != CheckName::PurgedKFold {
            assert_eq!(check.state, State::Pass, "{check:?}");
            let judged = if check.name == CheckName::Pbo { 12 } else { 11 };
            assert_eq!((check.given, check.judged), (12, judged), "{check:?}");
        }
    }
}

#[test]
fn the_best_of_noise_fails_every_check() {
    for check in all(&noises(40, 800, 3)) {
        assert_eq!(check.state, State::Fail, "{check:?}");
        assert!(check.objects());
    }
}

#[test]
fn without_sets_no_check_is_run_and_none_passes() {
    for check in all(&Table(Vec::new())) {
        assert_eq!((check.state, check.given, check.judged), (State::NotRun, 0, 0), "{check:?}");
        assert!(check.objects() && !check.evidence.is_empty());
    }
    let none = Check::random_entry(&Err(OverfitError::NoCandidates), &Thresholds::default());
    assert_eq!(none.state, State::NotRun);
    let undefined: Result<DeflatedSharpe, _> = Err(Undefined::TooFew { found: 0, needed: 2 });
    assert_eq!(Check::deflated(0, &undefined, &Thresholds::default()).state, State::NotRun);
}

#[test]
fn too_few_windows_are_not_run_and_losing_ones_fail() {
    let losing = Table(vec![noise(800, 5).iter().map(|value| value - 0.01).collect()]);
    let few = windows(400, LENGTHS, Training::Rolling).unwrap();
    let check = Check::walk_forward(1, &walk_forward(&losing, &few, DAILY), &Thresholds::default());
    assert_eq!(check.state, State::NotRun);
    assert!(check.evidence.contains("6 windows, expected at least 8"), "{}", check.evidence);
    let many = windows(800, LENGTHS, Training::Rolling).unwrap();
    let check = Check::walk_forward(1, &walk_forward(&losing, &many, DAILY), &Thresholds::default());
    assert_eq!((check.state, check.value), (State::Fail, None));
    assert!(check.evidence.contains("no efficiency"), "{}", check.evidence);
}

#[test]
fn the_thresholds_are_strict_where_they_say_so() {
    let even = Baseline { observed: 1.0, percentile: 0.95, p_value: 0.05, random: vec![0.0; 19], entries: 3 };
    assert_eq!(Check::random_entry(&Ok(even), &Thresholds::default()).state, State::Fail);
    assert_eq!(RandomEntry::default().runs, 1_000);
}
