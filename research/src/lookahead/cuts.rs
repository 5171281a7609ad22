//! Where the record is cut: after bars at which the signals change, and soon after them.

use std::{collections::BTreeSet, ops::Range};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many bars after a change a cut may fall.
const SOON: usize = 32;
/// Draws for each cut; a record whose bars are all taken has no more.
const DRAWS: usize = 64;

/// Rows of the last bars of the cut records, ascending and distinct: `count` of them, or as many as there are in `rows`.
///
/// Cuts are spread over the record, one in each of `count` equal parts of `changes` (ascending rows at which a signal
/// changes). Half of them fall on the change itself, where a program that repeats its last word into the unseen part has
/// not said the new one yet; the others up to [`SOON`] bars later, inside the horizon that it may look ahead.
pub(super) fn choose(changes: &[usize], rows: Range<usize>, count: usize, seed: u64) -> Vec<usize> {
    let changes: Vec<usize> = changes.iter().copied().filter(|row| rows.contains(row)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut cuts = BTreeSet::new();
    for part in 0..count.min(rows.len()) {
        for _ in 0..DRAWS {
            let change = if changes.is_empty() {
                rng.random_range(rows.clone())
            } else {
                let share = (part as f64 + rng.random_range(0.0..1.0)) / count as f64;
                changes[((share * changes.len() as f64) as usize).min(changes.len() - 1)]
            };
            let later = if rng.random_range(0..2) == 0 { 0 } else { rng.random_range(1..=SOON) };
            if rows.contains(&(change + later)) && cuts.insert(change + later) {
                break;
            }
        }
    }
    cuts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_distinct_follow_changes_and_cover_the_record() {
        let changes: Vec<usize> = (1..100).map(|i| i * 100).collect();
        let cuts = choose(&changes, 50..10_000, 20, 1);
        assert_eq!(cuts.len(), 20);
        assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(cuts.iter().all(|cut| cut % 100 <= SOON));
        assert!(cuts.iter().filter(|cut| *cut % 100 == 0).count() >= 4, "{cuts:?}");
        assert!(cuts[0] < 600 && cuts[19] > 9_400, "the first and the last part have one: {cuts:?}");
        assert_eq!(cuts, choose(&changes, 50..10_000, 20, 1), "the seed decides");
        assert_ne!(cuts, choose(&changes, 50..10_000, 20, 2));
    }

    #[test]
    fn few_bars_have_few_cuts_and_signals_that_never_change_are_cut_anywhere() {
        assert_eq!(choose(&[3], 2..5, 20, 1), [3, 4], "2 is no change");
        assert_eq!(choose(&[], 0..0, 20, 1), Vec::<usize>::new());
        assert_eq!(choose(&[], 10..1_000, 5, 1).len(), 5);
    }
}
