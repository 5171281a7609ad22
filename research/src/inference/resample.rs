//! Sums over stationary-bootstrap resamples, at the cost of one step a block.
//!
//! A Sharpe ratio needs only the sums of r and r^2 of a resample. With prefix sums a block of any length is one
//! difference (two, if it wraps around the end), so a draw costs as many steps as it has blocks.
//!
//! Blocks of a single row, which independent returns call for, save nothing. A series beyond [`MOST_CELLS`] rows is
//! therefore resampled in cells of a few rows each: blocks begin at a cell and have whole cells. Blocks that are longer
//! than necessary cost nothing but their number, and there are still more than a hundred thousand. If the last cell is
//! shorter than the others, a draw lacks up to a cell's rows, which count as rows at the mean: a share of 1/100,000 or
//! less.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::metrics::Undefined;
use crate::metrics::sum::CompensatedSum;

/// Entries of the guide table: the top bits of a random word choose one.
const GUIDE_BITS: u32 = 10;

/// Most cells that a series is resampled in: 15 years of hours have one a row.
pub(super) const MOST_CELLS: usize = 1 << 17;

/// Prefix sums of K columns: entry t holds the sums of the first t rows.
#[derive(Debug)]
pub(super) struct PrefixSums<const K: usize>(Vec<[f64; K]>);

impl<const K: usize> PrefixSums<K> {
    pub(super) fn of(rows: impl ExactSizeIterator<Item = [f64; K]>) -> Self {
        Self::in_cells(rows, 1)
    }

    /// The sums over cells of `length` rows each, the last of what is left.
    pub(super) fn in_cells(rows: impl ExactSizeIterator<Item = [f64; K]>, length: usize) -> Self {
        let n = rows.len();
        let mut sums = Vec::with_capacity(n.div_ceil(length) + 1);
        let mut running = [CompensatedSum::default(); K];
        sums.push([0.0; K]);
        for (before, row) in rows.enumerate() {
            for (sum, value) in running.iter_mut().zip(row) {
                sum.add(value);
            }
            if (before + 1).is_multiple_of(length) || before + 1 == n {
                sums.push(running.map(CompensatedSum::value));
            }
        }
        Self(sums)
    }

    /// Number of rows, or of cells.
    pub(super) fn n(&self) -> usize {
        self.0.len() - 1
    }

    /// Sums over all rows.
    pub(super) fn total(&self) -> [f64; K] {
        self.0[self.n()]
    }

    /// Sums over `length` rows from `start`, going on at row 0 after the last. `length` is at most the number of rows.
    #[inline]
    fn add_block(&self, start: usize, length: usize, sums: &mut [f64; K]) {
        let (n, end) = (self.n(), start + length);
        let from = &self.0[start];
        if end <= n {
            let to = &self.0[end];
            for column in 0..K {
                sums[column] += to[column] - from[column];
            }
        } else {
            let (last, to) = (&self.0[n], &self.0[end - n]);
            for column in 0..K {
                sums[column] += (last[column] - from[column]) + to[column];
            }
        }
    }

    /// Sums over the rows of one draw of a plan.
    pub(super) fn planned(&self, blocks: &[(u32, u32)]) -> [f64; K] {
        let mut sums = [0.0; K];
        for &(start, length) in blocks {
            self.add_block(start as usize, length as usize, &mut sums);
        }
        sums
    }

    /// Sums over one resample of as many rows as there are.
    fn draw(&self, lengths: &BlockLengths, rng: &mut ChaCha8Rng) -> [f64; K] {
        let n = self.n();
        let mut sums = [0.0; K];
        let mut remaining = n;
        while remaining > 0 {
            let (start, length) = lengths.next(n, rng);
            let length = length.min(remaining);
            self.add_block(start, length, &mut sums);
            remaining -= length;
        }
        sums
    }

    /// `statistic` of the sums of each of `draws` resamples, in the order of the draws.
    ///
    /// Draw i takes stream i of the generator, so that the result does not depend on the number of threads.
    pub(super) fn draws(
        &self,
        lengths: &BlockLengths,
        seed: u64,
        draws: usize,
        statistic: impl Fn([f64; K]) -> Option<f64> + Sync,
    ) -> Vec<Option<f64>> {
        let generator = ChaCha8Rng::seed_from_u64(seed);
        (0..draws)
            .into_par_iter()
            .map(|draw| {
                let mut rng = generator.clone();
                rng.set_stream(draw as u64);
                statistic(self.draw(lengths, &mut rng))
            })
            .collect()
    }
}

/// The blocks (start, length) of every draw, kept where many series are resampled alike.
#[derive(Debug)]
pub(super) struct BlockPlan(Vec<Vec<(u32, u32)>>);

impl BlockPlan {
    /// The same draws as [`PrefixSums::draws`] makes of a series of `n` rows, at most `u32::MAX`.
    pub(super) fn new(lengths: &BlockLengths, n: usize, seed: u64, draws: usize) -> Self {
        let generator = ChaCha8Rng::seed_from_u64(seed);
        let draw = |draw: usize| {
            let mut rng = generator.clone();
            rng.set_stream(draw as u64);
            let mut blocks = Vec::new();
            let mut remaining = n;
            while remaining > 0 {
                let (start, length) = lengths.next(n, &mut rng);
                let length = length.min(remaining);
                blocks.push((start as u32, length as u32));
                remaining -= length;
            }
            blocks
        };
        Self((0..draws).into_par_iter().map(draw).collect())
    }

    /// The blocks of each draw, in the order of the draws.
    pub(super) fn draws(&self) -> &[Vec<(u32, u32)>] {
        &self.0
    }
}

/// Geometric block lengths, by table: exact, and without a logarithm whose last bit differs between machines.
///
/// Source: the guide table of H.-C. Chen and Y. Asau, "On Generating Random Variates from an Empirical Distribution",
/// AIIE Transactions 6(2), 1974; beyond the table the geometric distribution starts anew, having no memory.
#[derive(Debug)]
pub(super) struct BlockLengths {
    /// Entry k - 1: the probability of a length above k, times 2^64.
    above: Vec<u64>,
    /// For the top bits of a word, the shortest length it can stand for.
    guide: Vec<usize>,
}

impl BlockLengths {
    /// Lengths of the given mean, for a series of `n` rows.
    pub(super) fn with_mean(mean: f64, n: usize) -> Result<Self, Undefined> {
        in_range(mean, n)?;
        let stay = 1.0 - 1.0 / mean;
        let mut above = Vec::new();
        let mut probability = stay;
        loop {
            above.push((probability * 2.0_f64.powi(64)) as u64);
            if probability < 2.0_f64.powi(-16) {
                break;
            }
            probability *= stay;
        }
        let guide = (0..1_u64 << GUIDE_BITS)
            .map(|entry| {
                let largest = (entry << (64 - GUIDE_BITS)) | (u64::MAX >> GUIDE_BITS);
                1 + above.partition_point(|&threshold| largest < threshold)
            })
            .collect();
        Ok(Self { above, guide })
    }

    /// Lengths in cells of `rows` rows, for a mean in rows and a series of `n` of them; and the mean in rows that they
    /// have, at least one cell.
    pub(super) fn in_cells(mean: f64, n: usize, rows: usize) -> Result<(Self, f64), Undefined> {
        in_range(mean, n)?;
        let mean = mean.max(rows as f64);
        Ok((Self::with_mean(mean / rows as f64, n.div_ceil(rows))?, mean))
    }

    /// A uniform start below `n` and a geometric length of at least 1, from one random word.
    ///
    /// word * n is cut in two: the high half is the start, and the low half, uniform given the start to within
    /// n / 2^64, decides the length.
    #[inline]
    fn next(&self, n: usize, rng: &mut ChaCha8Rng) -> (usize, usize) {
        let product = u128::from(rng.next_u64()) * n as u128;
        ((product >> 64) as usize, self.length(product as u64, n, rng))
    }

    #[inline]
    fn length(&self, mut word: u64, enough: usize, rng: &mut ChaCha8Rng) -> usize {
        let mut before = 0;
        loop {
            let mut length = self.guide[(word >> (64 - GUIDE_BITS)) as usize];
            while self.above.get(length - 1).is_some_and(|&threshold| word < threshold) {
                length += 1;
            }
            if length <= self.above.len() || before >= enough {
                return before + length;
            }
            before += self.above.len();
            word = rng.next_u64();
        }
    }
}

fn in_range(mean: f64, n: usize) -> Result<(), Undefined> {
    if mean >= 1.0 && mean <= n as f64 {
        return Ok(());
    }
    Err(Undefined::OutOfRange { name: "mean block length", value: mean, wanted: "from 1 to the number of values" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that a draw takes, from the same random words.
    fn rows(n: usize, lengths: &BlockLengths, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut rows = Vec::new();
        while rows.len() < n {
            let (start, length) = lengths.next(n, rng);
            rows.extend((start..start + length).map(|row| row % n));
        }
        rows.truncate(n);
        rows
    }

    #[test]
    fn prefix_sums_agree_with_resampled_rows() {
        let n = 97;
        let values: Vec<f64> = (0..n).map(|row| f64::from(row as u32).sin()).collect();
        let prefix = PrefixSums::of(values.iter().map(|&value| [value, value * value]));
        for mean in [1.0, 1.7, 10.0, 97.0] {
            let lengths = BlockLengths::with_mean(mean, n).unwrap();
            for seed in 0..200 {
                let taken = rows(n, &lengths, &mut ChaCha8Rng::seed_from_u64(seed));
                let sums = prefix.draw(&lengths, &mut ChaCha8Rng::seed_from_u64(seed));
                let expected: f64 = taken.iter().map(|&row| values[row]).sum();
                let squares: f64 = taken.iter().map(|&row| values[row] * values[row]).sum();
                assert!((sums[0] - expected).abs() < 1e-12 && (sums[1] - squares).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn cells_have_the_sums_of_their_rows() {
        let values = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
        let cells = PrefixSums::in_cells(values.iter().map(|&value| [value]), 2);
        let sum = |cell| {
            let mut sums = [0.0];
            cells.add_block(cell, 1, &mut sums);
            sums[0]
        };
        assert_eq!((cells.n(), cells.total()), (3, [11_111.0]));
        assert_eq!([sum(0), sum(1), sum(2)], [11.0, 1_100.0, 10_000.0]);
    }

    #[test]
    fn a_block_that_reaches_the_end_goes_on_at_the_start() {
        let prefix = PrefixSums::of([1.0, 10.0, 100.0, 1000.0].iter().map(|&value| [value]));
        let sum = |start, length| {
            let mut sums = [0.0];
            prefix.add_block(start, length, &mut sums);
            sums[0]
        };
        assert_eq!(sum(2, 2), 1100.0);
        assert_eq!(sum(3, 3), 1011.0);
        assert_eq!(sum(1, 4), 1111.0);
    }

    #[test]
    fn lengths_are_geometric_and_starts_uniform() {
        let (n, words) = (50, 200_000);
        for mean in [1.0, 1.3, 4.0, 50.0] {
            let lengths = BlockLengths::with_mean(mean, n).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let (mut starts, mut total, mut ones) = (vec![0_u32; n], 0.0, 0_u32);
            for _ in 0..words {
                let (start, length) = lengths.next(n, &mut rng);
                starts[start] += 1;
                total += length as f64;
                ones += u32::from(length == 1);
            }
            let words = f64::from(words);
            // Five standard errors: of a geometric mean, of a share 1/mean, and of a share 1/n.
            assert!((total / words - mean).abs() <= 5.0 * (mean * (mean - 1.0) / words).sqrt(), "{mean}");
            let share = 1.0 / mean;
            assert!((f64::from(ones) / words - share).abs() <= 5.0 * (share * (1.0 - share) / words).sqrt());
            assert!(starts.iter().all(|&count| (f64::from(count) - 4000.0).abs() < 5.0 * 4000.0_f64.sqrt()));
        }
    }

    #[test]
    fn words_at_the_edges_of_the_table_have_their_length() {
        // Mean 2: a length above k has probability 2^-k, so the word 2^63 is the first that stands for 1.
        let lengths = BlockLengths::with_mean(2.0, 1000).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (word, expected) in
            [(u64::MAX, 1), (1 << 63, 1), ((1 << 63) - 1, 2), (1 << 62, 2), ((1 << 62) - 1, 3), (1 << 50, 14)]
        {
            assert_eq!(lengths.length(word, 1000, &mut rng), expected, "{word:#x}");
        }
        assert!(lengths.length(0, 1000, &mut rng) > lengths.above.len());
    }

    #[test]
    fn a_plan_repeats_the_draws_of_its_seed() {
        let values: Vec<f64> = (0..97).map(|row| f64::from(row as u32).sin()).collect();
        let prefix = PrefixSums::of(values.iter().map(|&value| [value]));
        let lengths = BlockLengths::with_mean(5.0, 97).unwrap();
        let drawn = prefix.draws(&lengths, 9, 50, |[sum]| Some(sum));
        let plan = BlockPlan::new(&lengths, 97, 9, 50);
        let planned: Vec<_> = plan.draws().iter().map(|blocks| Some(prefix.planned(blocks)[0])).collect();
        assert_eq!(planned, drawn);
    }

    #[test]
    fn a_mean_outside_the_series_is_refused() {
        for mean in [0.5, 51.0, f64::NAN] {
            assert!(matches!(BlockLengths::with_mean(mean, 50), Err(Undefined::OutOfRange { .. })));
        }
    }
}
