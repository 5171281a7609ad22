//! The last values of a series.
//!
//! A window computes its statistics from the values in it, not from a running sum. A running sum does not return to
//! zero when its window does, and a market that stands still would then have a variance.

use std::collections::VecDeque;

use crate::Bar;

/// The last values, up to a length.
#[derive(Clone, Debug)]
pub struct Window {
    values: VecDeque<f64>,
    length: usize,
}

impl Window {
    /// An empty window of the last `length` values.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { values: VecDeque::with_capacity(length), length }
    }

    /// Takes in the newest value; the oldest leaves where the window is full.
    pub fn push(&mut self, value: f64) {
        if self.values.len() == self.length {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// Whether it holds as many values as it can.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.values.len() == self.length
    }

    /// Its values, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = f64> + Clone {
        let (older, newer) = self.values.as_slices();
        older.iter().chain(newer).copied()
    }

    /// Its oldest value, `NaN` where it is empty.
    #[must_use]
    pub fn oldest(&self) -> f64 {
        self.values.front().copied().unwrap_or(f64::NAN)
    }

    /// Sum of its values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.iter().sum()
    }

    /// Mean of its values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum() / self.values.len() as f64
    }

    /// Whether all of its values are the same.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        let oldest = self.oldest();
        self.iter().all(|value| value == oldest)
    }

    /// Population standard deviation, exactly 0 where all values are the same.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        if self.is_flat() {
            return 0.0;
        }
        let mean = self.mean();
        (self.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / self.values.len() as f64).sqrt()
    }

    /// The changes from each value to the next, the oldest first.
    pub fn changes(&self) -> impl Iterator<Item = f64> {
        self.iter().zip(self.iter().skip(1)).map(|(before, after)| after - before)
    }

    /// Kaufman's efficiency ratio: the distance between oldest and newest value by the path between them, at most 1;
    /// `None` where there is no path. Kaufman, Smarter Trading, 1995.
    #[must_use]
    pub fn efficiency(&self) -> Option<f64> {
        let distance = (self.values.back().copied().unwrap_or(f64::NAN) - self.oldest()).abs();
        let path: f64 = self.changes().map(f64::abs).sum();
        (path > 0.0).then(|| if path <= distance { 1.0 } else { distance / path })
    }
}

/// The greatest of the last values. Each is looked at twice, however long the window is: a value that a later one reaches
/// can never be the greatest again, and is forgotten.
#[derive(Clone, Debug)]
struct Greatest {
    /// Falling values with the counts at which they came.
    falling: VecDeque<(usize, f64)>,
    length: usize,
    count: usize,
}

impl Greatest {
    fn push(&mut self, value: f64) -> Option<f64> {
        if self.falling.front().is_some_and(|(count, _)| count + self.length <= self.count) {
            self.falling.pop_front();
        }
        while self.falling.back().is_some_and(|(_, known)| *known <= value) {
            self.falling.pop_back();
        }
        if !value.is_nan() {
            self.falling.push_back((self.count, value));
        }
        self.count += 1;
        self.falling.front().map(|(_, greatest)| *greatest)
    }
}

/// The range of the last bars.
#[derive(Clone, Debug)]
pub struct PriceRange {
    highs: Greatest,
    /// Lows with their signs turned.
    lows: Greatest,
}

impl PriceRange {
    /// Of the last `length` bars.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let none = Greatest { falling: VecDeque::new(), length, count: 0 };
        Self { highs: none.clone(), lows: none }
    }

    /// Takes in the newest bar and answers the highest and the lowest price; `NaN` where no bar has one.
    pub fn push(&mut self, bar: &Bar) -> [f64; 2] {
        [self.highs.push(bar.high), self.lows.push(-bar.low).map(|lowest| -lowest)]
            .map(|price| price.unwrap_or(f64::NAN))
    }
}

/// A series some steps later.
#[derive(Clone, Debug)]
pub struct Delay {
    waiting: Box<[f64]>,
    next: usize,
}

impl Delay {
    /// By `steps`.
    #[must_use]
    pub fn new(steps: usize) -> Self {
        Self { waiting: vec![f64::NAN; steps].into(), next: 0 }
    }

    /// Takes in the newest value and answers that of `steps` steps ago, `NaN` where there was none.
    pub fn push(&mut self, value: f64) -> f64 {
        let steps = self.waiting.len();
        let Some(slot) = self.waiting.get_mut(self.next) else { return value };
        self.next = (self.next + 1) % steps;
        std::mem::replace(slot, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_comes_to_rest_has_no_deviation_left() {
        let mut window = Window::new(3);
        for value in [1e9, 0.1, 0.3, 0.3, 0.3] {
            window.push(value);
        }
        assert_eq!(window.deviation(), 0.0);
        assert!(window.is_flat());
    }

    #[test]
    fn the_range_is_that_of_the_last_bars_whatever_their_length() {
        // A walk that falls, rises and rests, with two prices missing.
        let price = |row: usize| match row {
            17 | 18 => f64::NAN,
            row => 50.0 + 9.0 * (row as f64 / 5.0).sin() + (row * row % 7) as f64,
        };
        let bars: Vec<Bar> = (0..200)
            .map(|row| {
                let (high, low) = (price(row), price(row) - (row % 5) as f64);
                Bar { open_time: 0, open: low, high, low, close: high, volume: 1.0 }
            })
            .collect();
        for length in [1, 2, 3, 7, 50, 300] {
            let mut range = PriceRange::new(length);
            for end in 1..=bars.len() {
                let last = &bars[end.saturating_sub(length)..end];
                let highest = last.iter().map(|bar| bar.high).fold(f64::NAN, f64::max);
                let lowest = last.iter().map(|bar| bar.low).fold(f64::NAN, f64::min);
                let found = range.push(&bars[end - 1]);
                assert_eq!(found.map(f64::to_bits), [highest, lowest].map(f64::to_bits), "{length} at {end}");
            }
        }
    }

    #[test]
    fn efficiency_is_distance_by_path() {
        let mut window = Window::new(4);
        for value in [1.0, 3.0, 2.0, 4.0] {
            window.push(value);
        }
        assert_eq!(window.efficiency(), Some(3.0 / 5.0));
        for _ in 0..4 {
            window.push(4.0);
        }
        assert_eq!(window.efficiency(), None);
    }

    #[test]
    fn a_delay_answers_what_was_pushed_so_many_steps_ago() {
        let mut delay = Delay::new(2);
        let answers: Vec<f64> = [1.0, 2.0, 3.0, 4.0].into_iter().map(|value| delay.push(value)).collect();
        assert!(answers[0].is_nan() && answers[1].is_nan());
        assert_eq!(answers[2..], [1.0, 2.0]);
        assert_eq!(Delay::new(0).push(7.0), 7.0);
    }
}
