//! Index sets of purged cross-validation, plain and combinatorial.
//!
//! Source: M. Lopez de Prado, "Advances in Financial Machine Learning", 2018, chapters 7 (purging, embargo) and 12
//! (combinatorial purged cross-validation).

use std::ops::Range;

use serde::Serialize;

use super::OverfitError;

/// Lookbacks shorter than this are taken as this: indicators that smooth remember longer than their period.
const LEAST_LOOKBACK: usize = 50;

/// Most splits that are made.
const MOST_SPLITS: usize = 10_000;

/// Rows on either side of a test row that training leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Purge {
    /// Rows before and after every test row.
    pub rows: usize,
    /// Further rows after a test fold, against what is serially correlated with it.
    pub embargo: usize,
}

impl Purge {
    /// For decisions that look back `lookback` rows (at least 50) and positions held up to `holding` rows: what a row
    /// knows and what its position earns must not reach into the other side.
    #[must_use]
    pub fn of(lookback: usize, holding: usize, embargo: usize) -> Self {
        Self { rows: lookback.max(LEAST_LOOKBACK) + holding, embargo }
    }
}

/// One division of the rows. Ranges are in order of time and do not touch across sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Numbers of the groups that are tested; of a K-fold, one.
    pub groups: Vec<usize>,
    /// Their rows, a range a group.
    pub test: Vec<Range<usize>>,
    /// Rows to choose on: all others but those purged.
    pub train: Vec<Range<usize>>,
}

/// K contiguous folds, each tested once. Where rows do not divide, the first folds have one more.
///
/// # Errors
/// As [`combinatorial`] with one group tested.
pub fn k_fold(rows: usize, folds: usize, purge: Purge) -> Result<Vec<Split>, OverfitError> {
    combinatorial(rows, folds, 1, purge)
}

/// Every choice of `tested` out of `groups` contiguous groups, in lexicographic order: C(groups, tested) splits, each
/// group tested in C(groups - 1, tested - 1) of them.
///
/// # Errors
/// [`OverfitError::Setting`] for fewer than two groups, none or all of them tested, more than 10,000 splits, or a purge
/// that leaves a split fewer than three rows on end to choose on; [`OverfitError::TooFewRows`] where a group has fewer
/// than two rows.
pub fn combinatorial(rows: usize, groups: usize, tested: usize, purge: Purge) -> Result<Vec<Split>, OverfitError> {
    if groups < 2 {
        return Err(OverfitError::Setting { name: "number of groups", found: groups, wanted: "2 or more" });
    }
    if tested == 0 || tested >= groups {
        return Err(OverfitError::Setting {
            name: "number of tested groups",
            found: tested,
            wanted: "from 1 to one fewer than groups",
        });
    }
    if rows < 2 * groups {
        return Err(OverfitError::TooFewRows { name: "cross-validation", found: rows, needed: 2 * groups });
    }
    if binomial(groups, tested).is_none_or(|splits| splits > MOST_SPLITS) {
        return Err(OverfitError::Setting {
            name: "number of groups",
            found: groups,
            wanted: "so many that there are at most 10,000 splits",
        });
    }
    let start = |group: usize| group * (rows / groups) + group.min(rows % groups);
    let mut splits = Vec::new();
    let mut chosen: Vec<usize> = (0..tested).collect();
    loop {
        let test: Vec<Range<usize>> = chosen.iter().map(|&group| start(group)..start(group + 1)).collect();
        let train = remainder(rows, &test, purge);
        if train.is_empty() {
            return Err(OverfitError::Setting {
                name: "purge and embargo in rows",
                found: purge.rows + purge.embargo,
                wanted: "so few that every split keeps three rows on end to choose on",
            });
        }
        splits.push(Split { groups: chosen.clone(), test, train });
        // The next combination: move the last group that can still move.
        let Some(at) = (0..tested).rev().find(|&at| chosen[at] < groups - tested + at) else { return Ok(splits) };
        chosen[at] += 1;
        for later in at + 1..tested {
            chosen[later] = chosen[later - 1] + 1;
        }
    }
}

/// Number of backtest paths that the splits of [`combinatorial`] make up, tested / groups x C(groups, tested): each
/// tests every row once.
#[must_use]
pub fn path_count(groups: usize, tested: usize) -> Option<usize> {
    binomial(groups.checked_sub(1)?, tested.checked_sub(1)?)
}

/// Rows outside every test range and its purge, as ranges of at least three: two returns.
fn remainder(rows: usize, test: &[Range<usize>], purge: Purge) -> Vec<Range<usize>> {
    let mut train = Vec::new();
    let mut from = 0;
    for range in test {
        train.push(from..range.start.saturating_sub(purge.rows));
        from = range.end + purge.rows + purge.embargo;
    }
    train.push(from..rows);
    train.retain(|range| range.len() >= 3);
    train
}

fn binomial(n: usize, k: usize) -> Option<usize> {
    if k > n {
        return Some(0);
    }
    (0..k).try_fold(1_usize, |product, i| Some(product.checked_mul(n - i)? / (i + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_folds_of_a_hundred_rows_are_those_worked_by_hand() {
        let splits = k_fold(103, 5, Purge { rows: 4, embargo: 3 }).unwrap();
        let tests: Vec<_> = splits.iter().map(|split| split.test[0].clone()).collect();
        assert_eq!(tests, [0..21, 21..42, 42..63, 63..83, 83..103]);
        assert_eq!(splits[0].train, std::slice::from_ref(&(28..103)));
        assert_eq!(splits[2].train, [0..38, 70..103]);
        assert_eq!(splits[4].train, std::slice::from_ref(&(0..79)));
    }

    #[test]
    fn six_groups_two_tested_make_fifteen_splits_and_five_paths() {
        let splits = combinatorial(60, 6, 2, Purge { rows: 1, embargo: 0 }).unwrap();
        assert_eq!((splits.len(), path_count(6, 2)), (15, Some(5)));
        assert_eq!((splits[0].groups.as_slice(), splits[14].groups.as_slice()), ([0, 1].as_slice(), [4, 5].as_slice()));
        assert_eq!(splits[6].groups, [1, 3]);
        assert_eq!(splits[6].train, [0..9, 21..29, 41..60]);
    }

    #[test]
    fn what_leaves_nothing_to_train_on_is_refused() {
        assert!(matches!(k_fold(100, 5, Purge::of(60, 20, 0)), Err(OverfitError::Setting { found: 80, .. })));
        for (groups, tested) in [(1, 1), (5, 0), (5, 5), (40, 20)] {
            let refused = combinatorial(1_000, groups, tested, Purge { rows: 0, embargo: 0 });
            assert!(matches!(refused, Err(OverfitError::Setting { .. })), "{groups} {tested}");
        }
    }

    #[test]
    fn a_short_lookback_is_taken_as_fifty_rows() {
        assert_eq!(Purge::of(6, 24, 10), Purge { rows: 74, embargo: 10 });
    }

    proptest! {
        #[test]
        fn no_training_row_is_within_the_purge_of_a_test_row(
            rows in 40_usize..300, groups in 2_usize..7, more in 0_usize..3, purge in 0_usize..8, embargo in 0_usize..8,
        ) {
            let tested = 1 + more.min(groups - 2);
            let Ok(splits) = combinatorial(rows, groups, tested, Purge { rows: purge, embargo }) else { return Ok(()) };
            let mut times = vec![0; rows];
            for split in &splits {
                for test in split.test.iter().cloned().flatten() {
                    times[test] += 1;
                    for train in split.train.iter().cloned().flatten() {
                        prop_assert!(train.abs_diff(test) > purge, "train {train}, test {test}");
                        prop_assert!(train < test || train - test > purge + embargo || split.test.iter().any(|other| {
                            other.contains(&(test + 1))
                        }), "train {train} in the embargo of {test}");
                    }
                }
            }
            prop_assert!(times.iter().all(|&count| Some(count) == path_count(groups, tested)));
        }
    }
}
