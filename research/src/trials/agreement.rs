//! Whether two records belong to one market: they overlap, and their returns agree there.
//!
//! That is a correlation of 0.99 or more in size of the returns between instants at which both have a price: of all those
//! on the grid of the longer cells of the two, or of those on a coarser one, because noise in prices, and closes that are
//! not quite of one instant, matter less over longer returns. Inverted quotes correlate at -1. Shifts of up to 26 hours are tried, for
//! time zones and for bars that are stamped with their close.

use std::{cmp::Ordering, fmt};

use super::fingerprint::{DAY, EMPTY, Fingerprint, GRIDS, HOUR, MINUTE, STEPS};

/// Correlation, in size, from which on two records are of one market.
pub const AGREEMENT: f64 = 0.99;
/// Least returns that a correlation is taken from, in which either price moved. By Fisher's transform sixteen of two markets
/// that correlate at 0.9 show 0.99 once in 90,000 times, at 0.96 once in 175.
const LEAST_RETURNS: usize = 16;
/// Returns of a stretch that is enough by itself.
const STRETCH: usize = 96;
/// Correlation of hours below which records of minutes are not looked at minute by minute.
const UNRELATED: f64 = 0.5;
/// Longest shift in time: the distance of two time zones.
const LONGEST_SHIFT: i64 = 26 * HOUR;
/// Zones differ by quarters of an hour.
const SHIFT: i64 = 15 * MINUTE;
/// Moves beyond so many typical ones count as so many: one mad print is no evidence.
const CLIP: f64 = 8.0;

/// How two records agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Correlation of their returns.
    pub correlation: f64,
    /// Length of the cells that it was taken from, milliseconds.
    pub grid_ms: i64,
    /// By how much the second record is late, milliseconds.
    pub shift_ms: i64,
}

impl Fingerprint {
    /// Whether this record and `other` are of one market, and how they agree if they are.
    #[must_use]
    pub fn agreement(&self, other: &Self) -> Option<Agreement> {
        let ((from, to), (other_from, other_to)) = (self.span(), other.span());
        if from.max(other_from) > to.min(other_to) + LONGEST_SHIFT {
            return None;
        }
        let grids = |finest: i64| GRIDS.into_iter().filter(move |grid| *grid >= finest);
        let back = |finest: i64| {
            let found = other.found_in(self, grids(finest))?;
            Some(Agreement { shift_ms: -found.shift_ms, ..found })
        };
        match self.grid_ms.cmp(&other.grid_ms) {
            Ordering::Less => self.found_in(other, grids(other.grid_ms)),
            // Which of two is cut into longer cells makes a little difference.
            Ordering::Equal => self.found_in(other, grids(self.grid_ms)).or_else(|| back(self.grid_ms + 1)),
            Ordering::Greater => back(self.grid_ms),
        }
    }

    /// The agreement on one of the grids with a record of cells at least as long.
    fn found_in(&self, other: &Self, grids: impl Iterator<Item = i64> + Clone) -> Option<Agreement> {
        let (fine, coarse) = (Moves::of(self), Moves::of(other));
        let unmoved = grids.clone().find_map(|grid| Pair::new(&fine, &coarse, grid).agreement([0]));
        unmoved.or_else(|| {
            let shifts = shifts(&fine, &coarse);
            grids.into_iter().find_map(|grid| Pair::new(&fine, &coarse, grid).agreement(shifts.iter().copied()))
        })
    }
}

/// Shifts of the finer record that are worth a look, in its own cells.
fn shifts(fine: &Moves<'_>, coarse: &Moves<'_>) -> Vec<i64> {
    // Longer bars than days may begin on any day.
    let longest = LONGEST_SHIFT.max(coarse.grid_ms) / fine.grid_ms;
    let around = |step: i64| (1..=longest / step).flat_map(move |n| [n * step, -n * step]);
    if fine.grid_ms >= SHIFT {
        return around(1).collect();
    }
    // Minutes: a look at hours first, because most records are of other markets.
    let hours = Pair::new(fine, coarse, HOUR.max(coarse.grid_ms));
    let seen = |shift: i64| hours.correlation(shift).is_some_and(|r| r.abs() >= UNRELATED);
    if std::iter::once(0).chain(around(HOUR / fine.grid_ms)).any(seen) {
        [1, -1, 2, -2, 5, -5].into_iter().chain(around(SHIFT / fine.grid_ms)).collect()
    } else {
        Vec::new()
    }
}

/// A fingerprint made ready for returns over any stretch of it.
struct Moves<'a> {
    grid_ms: i64,
    first: i64,
    cells: &'a [i8],
    /// Sum of the returns up to the end of each cell, in typical ones.
    level: Vec<f64>,
    /// Cells from one close to the next, on average.
    spacing: f64,
}

impl<'a> Moves<'a> {
    fn of(print: &'a Fingerprint) -> Self {
        let table: Vec<f64> = (-127..=127).map(|step| (f64::from(step) / STEPS).sinh()).collect();
        let (mut sum, mut closes) = (0.0, 1.0);
        let mut level = Vec::with_capacity(print.cells.len());
        for &cell in &print.cells {
            if let Ok(step) = usize::try_from(i32::from(cell) + 127) {
                sum += table[step];
                closes += 1.0;
            }
            level.push(sum);
        }
        let spacing = print.cells.len() as f64 / closes;
        Self { grid_ms: print.grid_ms, first: print.first, cells: &print.cells, level, spacing }
    }

    /// The price at the end of cell `number`, as a sum of returns; `None` where it is not known.
    fn at(&self, number: i64) -> Option<f64> {
        let cell = usize::try_from(number - self.first).ok()?;
        // The first cell has a close, and no return.
        (*self.cells.get(cell)? != EMPTY || cell == 0).then(|| self.level[cell])
    }

    /// A return over so many own cells that counts as no larger one.
    fn most(&self, cells: f64) -> f64 {
        CLIP * (cells / self.spacing).max(1.0).sqrt()
    }
}

/// Two records on one grid.
struct Pair<'a> {
    fine: &'a Moves<'a>,
    coarse: &'a Moves<'a>,
    grid_ms: i64,
    /// Cells of each record in one of the grid.
    width: i64,
    coarse_width: i64,
}

impl<'a> Pair<'a> {
    fn new(fine: &'a Moves<'a>, coarse: &'a Moves<'a>, grid_ms: i64) -> Self {
        Self { fine, coarse, grid_ms, width: grid_ms / fine.grid_ms, coarse_width: grid_ms / coarse.grid_ms }
    }

    fn agreement(&self, shifts: impl IntoIterator<Item = i64>) -> Option<Agreement> {
        shifts.into_iter().find_map(|shift| {
            let correlation = self.correlation(shift).filter(|r| r.abs() >= AGREEMENT)?;
            Some(Agreement { correlation, grid_ms: self.grid_ms, shift_ms: -shift * self.fine.grid_ms })
        })
    }

    /// Correlation of the returns between instants of the grid at which both records have a price, the finer one moved by
    /// `shift` of its own cells: of all of them, or of the stretch of [`STRETCH`] that agrees best, because a record that is
    /// in part another's, or made up, is still of the market that the rest of it is of. `None` for too few.
    fn correlation(&self, shift: i64) -> Option<f64> {
        let Self { fine, coarse, width, coarse_width, .. } = self;
        // The last cell before instant n of the grid is number n * width - 1.
        let from = coarse.first.div_euclid(*coarse_width).max((fine.first - shift).div_euclid(*width));
        let to = ((coarse.first + coarse.cells.len() as i64).div_euclid(*coarse_width))
            .min((fine.first + fine.cells.len() as i64 - shift).div_euclid(*width));
        let (mut all, mut stretch) = (Sums::default(), Sums::default());
        let mut best: Option<f64> = None;
        let mut before: Option<(i64, f64, f64)> = None;
        for instant in from..=to {
            let prices = fine.at(instant * width - 1 + shift).zip(coarse.at(instant * coarse_width - 1));
            let Some((a, b)) = prices else { continue };
            if let Some((last, last_a, last_b)) = before.replace((instant, a, b)) {
                let cells = (instant - last) as f64;
                let (most_a, most_b) = (fine.most(cells * *width as f64), coarse.most(cells * *coarse_width as f64));
                stretch.push((a - last_a).clamp(-most_a, most_a), (b - last_b).clamp(-most_b, most_b));
            }
            if stretch.n == STRETCH {
                best = larger(best, stretch.correlation());
                all.add(&std::mem::take(&mut stretch));
            }
        }
        all.add(&stretch);
        larger(all.correlation(), best)
    }
}

/// The one that is larger in size.
fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    if b.map(f64::abs) > a.map(f64::abs) { b } else { a }
}

/// What a correlation is made of.
#[derive(Default)]
struct Sums {
    n: usize,
    /// Returns in which either moved.
    moved: usize,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Sums {
    fn push(&mut self, x: f64, y: f64) {
        self.n += 1;
        self.moved += usize::from(x != 0.0 || y != 0.0);
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.yy += y * y;
        self.xy += x * y;
    }

    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.moved += other.moved;
        self.x += other.x;
        self.y += other.y;
        self.xx += other.xx;
        self.yy += other.yy;
        self.xy += other.xy;
    }

    /// `None` for too few moves.
    fn correlation(&self) -> Option<f64> {
        let n = self.n as f64;
        let (var_x, var_y) = (self.xx - self.x * self.x / n, self.yy - self.y * self.y / n);
        let r = (self.xy - self.x * self.y / n) / (var_x * var_y).sqrt();
        (self.moved >= LEAST_RETURNS && r.is_finite()).then_some(r)
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = |ms: i64| match ms {
            ms if ms % DAY == 0 => format!("{} d", ms / DAY),
            ms if ms % HOUR == 0 => format!("{} h", ms / HOUR),
            ms => format!("{} min", ms / MINUTE),
        };
        write!(f, "correlation {:.4} of returns over {}", self.correlation, unit(self.grid_ms))?;
        if self.shift_ms == 0 { Ok(()) } else { write!(f, ", {} late", unit(self.shift_ms)) }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Closes of a random walk, `interval` apart, from the start of 2022.
    struct Walk {
        interval: i64,
        times: Vec<i64>,
        closes: Vec<f64>,
    }

    const START: i64 = 1_640_995_200_000;

    impl Walk {
        fn new(seed: u64, bars: usize) -> Self {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut price = 100.0;
            let closes = (0..bars).map(|_| {
                // A sum of uniforms, now and then ten times as large.
                let step: f64 = (0..6).map(|_| random.random_range(-0.004..0.004)).sum();
                price *= f64::exp(if random.random_range(0..200) == 0 { 10.0 * step } else { step });
                price
            });
            let closes = closes.collect();
            Self { interval: HOUR, times: (0..bars as i64).map(|i| START + i * HOUR).collect(), closes }
        }

        fn print(&self) -> Fingerprint {
            Fingerprint::of(&self.times, &self.closes, self.interval).unwrap()
        }

        /// The same market with each close changed.
        fn with(&self, mut change: impl FnMut(f64) -> f64) -> Fingerprint {
            let closes: Vec<f64> = self.closes.iter().map(|close| change(*close)).collect();
            Fingerprint::of(&self.times, &closes, self.interval).unwrap()
        }

        /// Only the rows that `keep` wants.
        fn only(&self, keep: impl Fn(usize) -> bool) -> Fingerprint {
            let rows: Vec<usize> = (0..self.times.len()).filter(|row| keep(*row)).collect();
            let (times, closes): (Vec<i64>, Vec<f64>) = rows.iter().map(|&r| (self.times[r], self.closes[r])).unzip();
            Fingerprint::of(&times, &closes, self.interval).unwrap()
        }

        /// Bars of `width` of ours, the first of which opens `late` of ours after the start.
        fn resampled(&self, width: usize, late: usize) -> Fingerprint {
            let rows: Vec<usize> =
                (late..self.times.len()).step_by(width).filter(|r| r + width <= self.times.len()).collect();
            let times: Vec<i64> = rows.iter().map(|r| self.times[*r]).collect();
            let closes: Vec<f64> = rows.iter().map(|r| self.closes[r + width - 1]).collect();
            Fingerprint::of(&times, &closes, self.interval * width as i64).unwrap()
        }

        fn moved(&self, by: i64) -> Fingerprint {
            let times: Vec<i64> = self.times.iter().map(|time| time + by).collect();
            Fingerprint::of(&times, &self.closes, self.interval).unwrap()
        }
    }

    fn one(a: &Fingerprint, b: &Fingerprint) -> bool {
        let (found, back) = (a.agreement(b), b.agreement(a));
        assert_eq!(found.is_some(), back.is_some(), "agreement is mutual: {found:?} and {back:?}");
        found.is_some()
    }

    #[test]
    fn a_market_is_known_in_other_units_and_the_other_way_round() {
        let walk = Walk::new(1, 3_000);
        let own = walk.print();
        assert!(one(&own, &walk.with(|close| close / 1_000.0)) && one(&own, &walk.with(|close| close * (1.0 + 1e-12))));
        let inverted = own.agreement(&walk.with(|close| 1.0 / close)).unwrap();
        assert!(inverted.correlation < -0.999, "{inverted:?}");
    }

    #[test]
    fn a_market_is_known_by_a_part_of_it() {
        let walk = Walk::new(2, 3_000);
        let own = walk.print();
        assert!(one(&own, &walk.only(|row| row != 700)), "one bar dropped");
        assert!(one(&own, &walk.only(|row| row < 1_500)) && one(&own, &walk.only(|row| row > 2_200)), "a part of it");
        assert!(one(&own, &walk.only(|row| row * 7_919 % 10 != 0)), "a tenth of the bars dropped");
        assert!(!one(&walk.only(|row| row < 1_500), &walk.only(|row| row >= 1_500)), "two halves do not overlap");
    }

    #[test]
    fn a_market_is_known_at_any_bar_length_and_in_any_time_zone() {
        let walk = Walk::new(3, 24 * 400);
        let own = walk.print();
        for (width, late) in [(2, 0), (4, 0), (24, 0), (24, 17), (168, 5)] {
            assert!(one(&own, &walk.resampled(width, late)), "bars of {width} hours, {late} late");
        }
        for by in [HOUR, -9 * HOUR, 5 * HOUR + 30 * MINUTE, 26 * HOUR] {
            assert!(one(&own, &walk.moved(by)), "moved by {} minutes", by / MINUTE);
        }
        assert!(one(&walk.resampled(24, 0), &walk.resampled(24, 1)), "days that begin an hour later");
    }

    #[test]
    fn a_market_is_known_at_lengths_that_share_no_grid() {
        let walk = Walk::new(13, 2_500);
        let prints: Vec<Fingerprint> =
            [(1, 0), (5, 3), (7, 0), (11, 4), (13, 12)].map(|(width, late)| walk.resampled(width, late)).into();
        for (at, a) in prints.iter().enumerate() {
            assert!(prints[..at].iter().all(|b| one(a, b)), "record {at}");
        }
    }

    #[test]
    fn a_bar_in_another_century_hides_no_market() {
        let walk = Walk::new(14, 3_000);
        let with_one_at = |time: i64| {
            let mut rows: Vec<(i64, f64)> = walk.times.iter().copied().zip(walk.closes.iter().copied()).collect();
            rows.push((time, 123.0));
            rows.sort_by_key(|row| row.0);
            let (times, closes): (Vec<i64>, Vec<f64>) = rows.into_iter().unzip();
            Fingerprint::of(&times, &closes, HOUR).unwrap()
        };
        for time in [START + 250_000_000_000_000, -14_000_000_000_000, i64::MAX - HOUR] {
            assert!(one(&walk.print(), &with_one_at(time)), "{time}");
        }
    }

    #[test]
    fn records_of_minutes_are_known_in_any_time_zone() {
        for seed in 13..18 {
            let walk = Walk::new(seed, 3 * 24 * 60);
            let times = (0..walk.closes.len() as i64).map(|minute| START + minute * MINUTE).collect();
            let walk = Walk { interval: MINUTE, times, ..walk };
            // Stamped with the close, and the zones of New York, India, Nepal and Kiribati.
            for by in [1, -300, 330, 345, 840] {
                assert!(one(&walk.print(), &walk.moved(by * MINUTE)), "{seed}: moved by {by} minutes");
            }
        }
    }

    #[test]
    fn a_record_that_is_made_up_in_part_is_of_the_market_that_the_rest_is_of() {
        let (real, made_up) = (Walk::new(11, 3_000), Walk::new(12, 3_000));
        for (from, to) in [(0, 2_700), (300, 3_000), (1_000, 2_000)] {
            let mut row = 0;
            let spliced = real.with(|close| {
                row += 1;
                if (from..to).contains(&row) { made_up.closes[row - 1] } else { close }
            });
            assert!(one(&real.print(), &spliced), "rows {from} to {to} are made up");
        }
    }

    #[test]
    fn noise_in_prices_hides_no_market() {
        let walk = Walk::new(4, 24 * 730);
        let own = walk.print();
        for basis_points in [1.0, 10.0, 50.0] {
            let mut random = ChaCha8Rng::seed_from_u64(99);
            let noisy = walk.with(|close| close * (1.0 + random.random_range(-1e-4..1e-4) * basis_points));
            assert!(one(&own, &noisy), "{basis_points} basis points");
        }
    }

    #[test]
    fn one_mad_print_hides_no_market_and_makes_none() {
        let (walk, other) = (Walk::new(5, 3_000), Walk::new(6, 3_000));
        let spiked = |walk: &Walk| {
            let mut row = 0;
            walk.with(|close| {
                row += 1;
                if row == 1_000 { close * 1_000.0 } else { close }
            })
        };
        assert!(one(&walk.print(), &spiked(&walk)));
        assert!(!one(&spiked(&walk), &spiked(&other)), "both jump in the same hour, and nothing else agrees");
    }

    #[test]
    fn markets_that_move_together_are_still_two() {
        let (common, own) = (Walk::new(7, 24 * 730), Walk::new(8, 24 * 730));
        let joined: Vec<f64> = common.closes.iter().zip(&own.closes).map(|(c, o)| c * (o / 100.0).powf(0.3)).collect();
        let related = Walk { closes: joined, times: common.times.clone(), interval: HOUR };
        assert!(!one(&common.print(), &related.print()), "a correlation of 0.96");
        let prints: Vec<Fingerprint> = (100..140).map(|seed| Walk::new(seed, 24 * 60).print()).collect();
        for (at, a) in prints.iter().enumerate() {
            assert!(prints[..at].iter().all(|b| !one(a, b)), "market {at}");
        }
    }

    #[test]
    fn records_agree_from_a_correlation_of_99_hundredths() {
        // With a share k of its own, a record has a correlation of 1 / sqrt(1 + k^2) with the market; that of 90 returns
        // scatters by (1 - r^2) / sqrt(90).
        let agreeing = |share: f64| {
            let agrees = |seed: &u64| {
                let (common, own) = (Walk::new(*seed, 90), Walk::new(seed + 1_000, 90));
                let joined = common.closes.iter().zip(&own.closes).map(|(c, o)| c * (o / 100.0).powf(share)).collect();
                one(&common.print(), &Walk { closes: joined, ..common }.print())
            };
            (0..40).filter(agrees).count()
        };
        let (above, below) = (agreeing(0.12), agreeing(0.17));
        assert!(above >= 25, "0.993: {above} of 40");
        assert!(below <= 15, "0.986: {below} of 40");
    }

    #[test]
    fn a_price_that_never_moves_or_hardly_ever_tells_nothing() {
        let walk = Walk::new(9, 400);
        assert!(Fingerprint::of(&walk.times, &vec![1.0; 400], HOUR).is_none());
        let stepped = |at: usize| {
            let closes: Vec<f64> = (0..400).map(|row| if row < at { 1.0 } else { 1.1 }).collect();
            Fingerprint::of(&walk.times, &closes, HOUR).unwrap()
        };
        assert!(!one(&stepped(200), &stepped(200)), "one step is no market");
    }

    #[test]
    fn a_fingerprint_has_neither_level_nor_volatility() {
        let walk = Walk::new(10, 1_000);
        assert_eq!(walk.print().cells, walk.with(|close| close.powi(2) * 7.0).cells);
    }

    #[test]
    fn nine_years_of_minutes_fit() {
        let times: Vec<i64> = (0..1_000_000).map(|i| START + i * MINUTE).collect();
        let closes: Vec<f64> = (0..1_000_000).map(|i| 100.0 + f64::from(i % 977)).collect();
        let print = Fingerprint::of(&times, &closes, MINUTE).unwrap();
        assert_eq!((print.grid_ms, print.cells.len()), (15 * MINUTE, 66_667));
    }
}
