use rayon::prelude::*;

use crate::metrics::Undefined;
use crate::metrics::sum::sum;
use crate::metrics::undefined::check;

/// Most blocks that are combined: 24 blocks have 2,704,156 halves.
const MOST_BLOCKS: usize = 24;

/// What a Sharpe ratio needs to know of one block of returns of one set.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BlockSums {
    /// Number of returns.
    pub n: usize,
    /// Their sum.
    pub sum: f64,
    /// Sum of their squares.
    pub sum_of_squares: f64,
}

impl BlockSums {
    /// Sums over the returns of one block.
    #[must_use]
    pub fn of(returns: &[f64]) -> Self {
        Self {
            n: returns.len(),
            sum: sum(returns.iter().copied()),
            sum_of_squares: sum(returns.iter().map(|value| value * value)),
        }
    }
}

/// Combinatorially symmetric cross-validation: of S blocks of time every half is in-sample once, the other half out.
///
/// Works on [`BlockSums`], so that a sweep keeps S of them a set and no series of returns.
///
/// Source: D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu, "The Probability of Backtest Overfitting", Journal of
/// Computational Finance 20(4), 2017, section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cscv {
    blocks: usize,
}

/// How well the best set in-sample does out of sample, over all halves of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestOverfitting {
    /// Probability of backtest overfitting: share of combinations in which the best set in-sample is below the median
    /// out of sample (logit below 0).
    pub pbo: f64,
    /// Number of sets.
    pub sets: usize,
    /// Rows of each set.
    pub observations: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Logit of the chosen set's relative rank out of sample, ln(rank / (N + 1 - rank)), one a combination, in
    /// lexicographic order of the in-sample blocks. Ranks count from 1 (worst); ties share the mean of their ranks.
    pub logits: Vec<f64>,
    /// Median of the logits.
    pub logit_median: f64,
    /// Mean of the logits.
    pub logit_mean: f64,
    /// Share of combinations in which the chosen set's Sharpe ratio out of sample is below 0.
    pub probability_of_loss: f64,
    /// Slope of the least-squares line of the chosen set's Sharpe ratio out of sample on that in-sample; `None` where
    /// the latter is the same in every combination.
    pub degradation_slope: Option<f64>,
}

/// One combination: the set chosen in-sample and how it did.
#[derive(Debug, Clone, Copy)]
struct Choice {
    inside: f64,
    outside: f64,
    /// Twice the rank out of sample (mean of ties, from 1), an integer.
    twice_rank: usize,
}

impl Cscv {
    /// Cross-validation over `blocks` blocks.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] unless it is an even number from 2 to 24.
    pub fn new(blocks: usize) -> Result<Self, Undefined> {
        if !(2..=MOST_BLOCKS).contains(&blocks) || !blocks.is_multiple_of(2) {
            return Err(Undefined::OutOfRange {
                name: "number of blocks",
                value: blocks as f64,
                wanted: "an even number from 2 to 24",
            });
        }
        Ok(Self { blocks })
    }

    /// Cuts a series into contiguous blocks. Where the rows do not divide, the first blocks have one more.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer rows than blocks, [`Undefined::NotFinite`].
    pub fn cut(&self, returns: &[f64]) -> Result<Vec<BlockSums>, Undefined> {
        check(returns, self.blocks)?;
        Ok((0..self.blocks)
            .map(|block| {
                BlockSums::of(&returns[self.start(block, returns.len())..self.start(block + 1, returns.len())])
            })
            .collect())
    }

    /// First row of a block of a series of `rows` rows; for the block after the last, `rows`.
    #[must_use]
    pub fn start(&self, block: usize, rows: usize) -> usize {
        block * (rows / self.blocks) + block.min(rows % self.blocks)
    }

    /// [`Cscv::pbo`] of a matrix of returns, one column a set.
    ///
    /// # Errors
    /// As [`Cscv::cut`] and [`Cscv::pbo`].
    pub fn pbo_of_columns(&self, columns: &[Vec<f64>]) -> Result<BacktestOverfitting, Undefined> {
        let sets: Vec<_> = columns.iter().map(|column| self.cut(column)).collect::<Result<_, _>>()?;
        self.pbo(&sets)
    }

    /// Probability of backtest overfitting of at least two sets, given by their blocks.
    ///
    /// In each combination the set with the highest Sharpe ratio in-sample (n - 1; the first of equals) is ranked out
    /// of sample. A set without variance in a half has a ratio of 0 there: it did not trade. Work and memory:
    /// C(S, S/2) x sets x S additions on every core, and two numbers a set and block.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than two sets, or halves of fewer than two rows; [`Undefined::LengthsDiffer`]
    /// where sets are not cut alike; [`Undefined::NotRepresentable`] for sums that are not finite.
    pub fn pbo(&self, sets: &[Vec<BlockSums>]) -> Result<BacktestOverfitting, Undefined> {
        let blocks = Columns::of(sets, self.blocks)?;
        let halves = halves_with_the_first_block(self.blocks);
        let pairs: Vec<[Choice; 2]> = halves
            .par_iter()
            .map_init(
                || [vec![0.0; sets.len()], vec![0.0; sets.len()], vec![0.0; sets.len()]],
                |[one, other, squares], &half| {
                    blocks.sharpes(half, one, squares);
                    blocks.sharpes(!half, other, squares);
                    [choose(one, other), choose(other, one)]
                },
            )
            .collect();
        // In lexicographic order the complement of combination i is the one as far from the end.
        let choices: Vec<Choice> =
            pairs.iter().map(|pair| pair[0]).chain(pairs.iter().rev().map(|pair| pair[1])).collect();

        let combinations = choices.len() as f64;
        let share = |count: usize| count as f64 / combinations;
        let logits: Vec<f64> = choices
            .iter()
            .map(|choice| (choice.twice_rank as f64 / (2 * (sets.len() + 1) - choice.twice_rank) as f64).ln())
            .collect();
        Ok(BacktestOverfitting {
            pbo: share(choices.iter().filter(|choice| choice.twice_rank < sets.len() + 1).count()),
            sets: sets.len(),
            observations: blocks.n.iter().sum(),
            blocks: self.blocks,
            logit_median: median(&logits),
            logit_mean: sum(logits.iter().copied()) / combinations,
            probability_of_loss: share(choices.iter().filter(|choice| choice.outside < 0.0).count()),
            degradation_slope: slope(&choices),
            logits,
        })
    }
}

/// The blocks of all sets, block by block, so that a half is a sum of columns.
struct Columns {
    n: Vec<usize>,
    sums: Vec<Vec<f64>>,
    squares: Vec<Vec<f64>>,
}

impl Columns {
    fn of(sets: &[Vec<BlockSums>], blocks: usize) -> Result<Self, Undefined> {
        if sets.len() < 2 {
            return Err(Undefined::TooFew { found: sets.len(), needed: 2 });
        }
        for set in sets {
            if set.len() != blocks {
                return Err(Undefined::LengthsDiffer { left: blocks, right: set.len() });
            }
            for (block, first) in set.iter().zip(&sets[0]) {
                if block.n != first.n {
                    return Err(Undefined::LengthsDiffer { left: first.n, right: block.n });
                }
                if !block.sum.is_finite() || !block.sum_of_squares.is_finite() {
                    return Err(Undefined::NotRepresentable);
                }
            }
        }
        let n: Vec<usize> = sets[0].iter().map(|block| block.n).collect();
        let mut shortest = n.clone();
        shortest.sort_unstable();
        let found = shortest[..blocks / 2].iter().sum();
        if found < 2 {
            return Err(Undefined::TooFew { found, needed: 2 });
        }
        let column = |of: fn(&BlockSums) -> f64| {
            (0..blocks).map(|block| sets.iter().map(|set| of(&set[block])).collect()).collect()
        };
        Ok(Self { n, sums: column(|block| block.sum), squares: column(|block| block.sum_of_squares) })
    }

    /// The Sharpe ratio of every set over the blocks whose bits are set. `squares` is scratch.
    fn sharpes(&self, half: u32, sharpes: &mut [f64], squares: &mut [f64]) {
        sharpes.fill(0.0);
        squares.fill(0.0);
        let mut n = 0;
        for block in (0..self.n.len()).filter(|block| half >> block & 1 == 1) {
            n += self.n[block];
            sharpes.iter_mut().zip(&self.sums[block]).for_each(|(total, term)| *total += term);
            squares.iter_mut().zip(&self.squares[block]).for_each(|(total, term)| *total += term);
        }
        let n = n as f64;
        for (sum, &mut squares) in sharpes.iter_mut().zip(squares) {
            let mean = *sum / n;
            let about_mean = squares - *sum * mean;
            // Equal returns leave rounding noise here and not always zero.
            let constant = about_mean <= 8.0 * n * f64::EPSILON * squares;
            *sum = if constant { 0.0 } else { mean / (about_mean / (n - 1.0)).sqrt() };
        }
    }
}

/// Every half of the blocks that holds the first, as bits, in lexicographic order.
fn halves_with_the_first_block(blocks: usize) -> Vec<u32> {
    fn extend(half: u32, from: usize, missing: usize, blocks: usize, halves: &mut Vec<u32>) {
        if missing == 0 {
            halves.push(half);
            return;
        }
        for block in from..=blocks - missing {
            extend(half | 1 << block, block + 1, missing - 1, blocks, halves);
        }
    }
    let mut halves = Vec::new();
    extend(1, 1, blocks / 2 - 1, blocks, &mut halves);
    halves
}

fn choose(inside: &[f64], outside: &[f64]) -> Choice {
    let best = (1..inside.len()).fold(0, |best, set| if inside[set] > inside[best] { set } else { best });
    let own = outside[best];
    let (below, equal) = outside
        .iter()
        .fold((0, 0), |(below, equal), &other| (below + usize::from(other < own), equal + usize::from(other == own)));
    Choice { inside: inside[best], outside: own, twice_rank: 2 * below + equal + 1 }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

fn slope(choices: &[Choice]) -> Option<f64> {
    let n = choices.len() as f64;
    let centre_in = sum(choices.iter().map(|choice| choice.inside)) / n;
    let centre_out = sum(choices.iter().map(|choice| choice.outside)) / n;
    let variance = sum(choices.iter().map(|choice| (choice.inside - centre_in).powi(2)));
    let covariance = sum(choices.iter().map(|choice| (choice.inside - centre_in) * (choice.outside - centre_out)));
    let different = choices.iter().any(|choice| choice.inside != choices[0].inside);
    (different && variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-0.01..0.01)).collect()
    }

    #[test]
    fn two_sets_that_change_places_are_overfitted_in_every_combination() {
        // In two blocks: whichever is chosen in one is the worse in the other.
        let columns = [vec![0.02, 0.01, -0.02, -0.01], vec![-0.02, -0.01, 0.02, 0.01]];
        let result = Cscv::new(2).unwrap().pbo_of_columns(&columns).unwrap();
        assert_eq!((result.pbo, result.probability_of_loss, result.logits.len()), (1.0, 1.0, 2));
        // Rank 1 of 2: ln(1/3 / (2/3)).
        assert!((result.logit_median + 2.0_f64.ln()).abs() < 1e-15, "{result:?}");
        // The chosen ratio in-sample is the same in both combinations: a line through one point has no slope.
        assert_eq!(result.degradation_slope, None);
    }

    #[test]
    fn a_lasting_edge_is_not_overfitted() {
        let mut columns: Vec<Vec<f64>> = (0..10).map(|seed| noise(400, seed)).collect();
        columns[7].iter_mut().for_each(|value| *value += 0.005);
        let result = Cscv::new(8).unwrap().pbo_of_columns(&columns).unwrap();
        assert_eq!((result.pbo, result.probability_of_loss, result.logits.len()), (0.0, 0.0, 70));
        assert!((result.logit_median - 10.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn noise_is_overfitted_about_half_of_the_time() {
        let pbos: Vec<f64> = (0..60)
            .map(|market| {
                let columns: Vec<_> = (0..12).map(|set| noise(160, 1_000 * market + set)).collect();
                Cscv::new(8).unwrap().pbo_of_columns(&columns).unwrap().pbo
            })
            .collect();
        let mean = pbos.iter().sum::<f64>() / pbos.len() as f64;
        // A half is chosen against its complement, which biases noise a little above one half.
        assert!((0.4..0.7).contains(&mean), "{mean}");
    }

    #[test]
    fn a_remainder_lengthens_the_first_blocks() {
        let lengths: Vec<usize> = Cscv::new(4).unwrap().cut(&[0.0; 11]).unwrap().iter().map(|block| block.n).collect();
        assert_eq!(lengths, [3, 3, 3, 2]);
    }

    #[test]
    fn a_set_that_does_not_trade_scores_zero_and_ties_with_its_like() {
        let columns = [vec![0.0; 8], vec![0.0; 8], vec![-0.01, -0.02, -0.01, -0.03, -0.01, -0.02, -0.01, -0.02]];
        let result = Cscv::new(2).unwrap().pbo_of_columns(&columns).unwrap();
        // Ranks 2 and 3 are shared: 2.5 of 3 sets.
        assert_eq!(result.pbo, 0.0);
        assert!((result.logit_median - (2.5_f64 / 1.5).ln()).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_halved_is_refused() {
        for blocks in [0, 1, 5, 26] {
            assert!(matches!(Cscv::new(blocks), Err(Undefined::OutOfRange { .. })), "{blocks}");
        }
        let cscv = Cscv::new(4).unwrap();
        assert_eq!(cscv.pbo_of_columns(&[vec![0.1; 8]]), Err(Undefined::TooFew { found: 1, needed: 2 }));
        assert_eq!(cscv.cut(&[0.1; 3]), Err(Undefined::TooFew { found: 3, needed: 4 }));
        let uneven = cscv.pbo_of_columns(&[vec![0.1; 8], vec![0.1; 9]]);
        assert_eq!(uneven, Err(Undefined::LengthsDiffer { left: 2, right: 3 }));
        let halves_of_one = Cscv::new(2).unwrap().pbo_of_columns(&[vec![0.1, 0.2], vec![0.2, 0.1]]);
        assert_eq!(halves_of_one, Err(Undefined::TooFew { found: 1, needed: 2 }));
    }

    proptest! {
        #[test]
        fn every_block_is_in_sample_in_half_of_the_combinations(half in 1_usize..6) {
            let blocks = 2 * half;
            let halves = halves_with_the_first_block(blocks);
            let all = (1_u32 << blocks) - 1;
            let both: Vec<u32> = halves.iter().flat_map(|&one| [one, all & !one]).collect();
            for block in 0..blocks {
                prop_assert_eq!(both.iter().filter(|&mask| mask >> block & 1 == 1).count() * 2, both.len());
            }
        }
    }
}
