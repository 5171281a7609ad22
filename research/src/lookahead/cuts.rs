//! Where the record is cut: after bars at which the signals change, soon after them, and where knowing the next bar
//! would have paid most.

use std::{collections::BTreeSet, ops::Range};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many bars after a change a cut may fall.
const SOON: usize = 32;
/// Draws for each cut; a record whose bars are all taken has no more.
const DRAWS: usize = 64;

/// The share of the changes before the largest moves that every other cut is drawn from: whoever looks ahead on few bars
/// only looks there.
const LARGEST: f64 = 0.02;

/// Rows of the last bars of the cut records, ascending and distinct: `count` of them, or as many as there are in `rows`.
///
/// Every other cut is spread over the record, one in each of equal parts of `changes` (ascending rows at which a signal
/// changes). Half of these fall on the change itself, where a program that repeats its last word into the unseen part has
/// not said the new one yet; the others up to [`SOON`] bars later, inside the horizon that it may look ahead. The cuts
/// between them fall on changes that come right before one of the largest moves of `close`.
pub(super) fn choose(changes: &[usize], close: &[f64], rows: Range<usize>, count: usize, seed: u64) -> Vec<usize> {
    let changes: Vec<usize> = changes.iter().copied().filter(|row| rows.contains(row)).collect();
    let mut before_moves = changes.clone();
    let move_after = |row: usize| close.get(row + 1).map_or(0.0, |next| (next / close[row]).ln().abs());
    before_moves.sort_by(|a, b| move_after(*b).total_cmp(&move_after(*a)).then(a.cmp(b)));
    before_moves.truncate(((changes.len() as f64 * LARGEST) as usize).max(count));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut cuts = BTreeSet::new();
    for part in 0..count.min(rows.len()) {
        for _ in 0..DRAWS {
            let change = if changes.is_empty() {
                rng.random_range(rows.clone())
            } else {
                let share = ((part / 2) as f64 + rng.random_range(0.0..1.0)) / count.div_ceil(2) as f64;
                changes[((share * changes.len() as f64) as usize).min(changes.len() - 1)]
            };
            let later = if rng.random_range(0..2) == 0 { 0 } else { rng.random_range(1..=SOON) };
            let cut = match before_moves.len() {
                moves @ 1.. if part % 2 == 1 => before_moves[rng.random_range(0..moves)],
                _ => change + later,
            };
            if rows.contains(&cut) && cuts.insert(cut) {
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
        let flat = vec![1.0; 10_001];
        let cuts = choose(&changes, &flat, 50..10_000, 20, 1);
        assert_eq!(cuts.len(), 20);
        assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(cuts.iter().all(|cut| cut % 100 <= SOON));
        assert!(cuts[0] < 1_000 && cuts[19] > 9_000, "the first and the last tenth have one: {cuts:?}");
        assert_eq!(cuts, choose(&changes, &flat, 50..10_000, 20, 1), "the seed decides");
        assert_ne!(cuts, choose(&changes, &flat, 50..10_000, 20, 2));
    }

    #[test]
    fn half_of_the_cuts_that_are_spread_fall_on_a_change_and_half_soon_after() {
        let changes: Vec<usize> = (1..100).map(|i| i * 100).collect();
        let flat = vec![1.0; 10_001];
        let cuts: Vec<usize> = (0..50).flat_map(|seed| choose(&changes, &flat, 50..10_000, 20, seed)).collect();
        let on_a_change = cuts.iter().filter(|cut| *cut % 100 == 0).count();
        // All of the 500 before moves, and of the other 500 some 250; four standard deviations are 45.
        assert!((705..=795).contains(&on_a_change), "{on_a_change} of {}", cuts.len());
    }

    #[test]
    fn every_other_cut_comes_right_before_a_large_move() {
        // The close rises by half after rows 10, 60, 110, ...: 200 of 10,000 moves, the two per cent that are largest.
        let mut close = vec![1.0];
        for row in 0..10_000 {
            close.push(close[row] * if row % 50 == 10 { 1.5 } else { 0.99 });
        }
        let changes: Vec<usize> = (0..10_000).collect();
        let cuts = choose(&changes, &close, 0..10_000, 20, 1);
        assert!(cuts.iter().filter(|cut| *cut % 50 == 10).count() >= 10, "{cuts:?}");
    }

    #[test]
    fn few_bars_have_few_cuts_and_signals_that_never_change_are_cut_anywhere() {
        let flat = vec![1.0; 1_001];
        assert_eq!(choose(&[3], &flat, 2..5, 20, 1), [3, 4], "2 is no change");
        assert_eq!(choose(&[], &flat, 0..0, 20, 1), Vec::<usize>::new());
        assert_eq!(choose(&[], &flat, 10..1_000, 5, 1).len(), 5);
    }
}
