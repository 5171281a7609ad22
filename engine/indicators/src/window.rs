//! The last values of a series.
//!
//! A window computes its statistics from the values in it, not from a running sum. A running sum does not return to
//! zero when its window does, and a market that stands still would then have a variance.

use std::collections::VecDeque;

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

    /// Its greatest value.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.iter().fold(f64::NAN, f64::max)
    }

    /// Its least value.
    #[must_use]
    pub fn lowest(&self) -> f64 {
        self.iter().fold(f64::NAN, f64::min)
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
