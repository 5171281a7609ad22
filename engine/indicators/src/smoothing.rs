//! Recursive means: each returns `None` until it has a first value.

use crate::{
    parameters::{Field, Parameters},
    window::Window,
};

/// What an exponential mean starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeding {
    /// The mean of its first values (TA-Lib).
    Sma,
    /// Its first value (pandas' `ewm(adjust=False)`), shown from the same row.
    First,
}

impl Seeding {
    /// The parameter that chooses it.
    pub const FIELD: Field = Field::word("seeding", &["sma", "first"]);

    /// What `parameters` choose.
    ///
    /// # Panics
    /// The type does not declare [`Seeding::FIELD`].
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        if parameters.word("seeding") == "sma" { Self::Sma } else { Self::First }
    }
}

/// Exponential moving average: `e += k (x - e)` with `k = 2 / (period + 1)`.
#[derive(Clone, Copy, Debug)]
pub struct Ema {
    period: usize,
    seeding: Seeding,
    seen: usize,
    value: f64,
}

impl Ema {
    /// Of `period` values.
    #[must_use]
    pub const fn new(period: usize, seeding: Seeding) -> Self {
        Self { period, seeding, seen: 0, value: 0.0 }
    }

    /// Takes in the next value.
    pub fn next(&mut self, x: f64) -> Option<f64> {
        self.seen += 1;
        let k = 2.0 / (self.period as f64 + 1.0);
        match self.seeding {
            Seeding::First if self.seen == 1 => self.value = x,
            Seeding::Sma if self.seen < self.period => self.value += x,
            Seeding::Sma if self.seen == self.period => self.value = (self.value + x) / self.period as f64,
            _ => self.value += k * (x - self.value),
        }
        (self.seen >= self.period).then_some(self.value)
    }
}

/// Wilder's mean: `a = (a (period - 1) + x) / period`, seeded with the mean of its first `period` values. Wilder, New
/// Concepts in Technical Trading Systems, 1978.
#[derive(Clone, Copy, Debug)]
pub struct Wilder {
    period: usize,
    seen: usize,
    value: f64,
}

impl Wilder {
    /// Of `period` values.
    #[must_use]
    pub const fn new(period: usize) -> Self {
        Self { period, seen: 0, value: 0.0 }
    }

    /// Takes in the next value.
    pub fn next(&mut self, x: f64) -> Option<f64> {
        self.seen += 1;
        let period = self.period as f64;
        if self.seen < self.period {
            self.value += x;
        } else if self.seen == self.period {
            self.value = (self.value + x) / period;
        } else {
            self.value = (self.value * (period - 1.0) + x) / period;
        }
        self.value()
    }

    /// Where it stands.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.seen >= self.period).then_some(self.value)
    }
}

/// How a range is averaged.
#[derive(Clone, Debug)]
pub enum Smoothing {
    /// By Wilder's mean.
    Wilder(Wilder),
    /// By the plain mean of the last values.
    Sma(Window),
}

impl Smoothing {
    /// The parameter that chooses it.
    pub const FIELD: Field = Field::word("smoothing", &["wilder", "sma"]);

    /// What `parameters` choose, over their `period`.
    ///
    /// # Panics
    /// The type does not declare [`Smoothing::FIELD`] and a period.
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        let period = parameters.period();
        match parameters.word("smoothing") {
            "wilder" => Self::Wilder(Wilder::new(period)),
            _ => Self::Sma(Window::new(period)),
        }
    }

    /// Takes in the next value.
    pub fn next(&mut self, x: f64) -> Option<f64> {
        match self {
            Self::Wilder(mean) => mean.next(x),
            Self::Sma(window) => {
                window.push(x);
                window.is_full().then(|| window.mean())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ema_is_seeded_with_a_mean_or_with_its_first_value() {
        let run = |seeding| {
            let mut ema = Ema::new(3, seeding);
            [3.0, 6.0, 9.0, 10.0].map(|x| ema.next(x))
        };
        // k = 1/2. The mean of 3, 6, 9 is 6; then 6 + (10 - 6) / 2.
        assert_eq!(run(Seeding::Sma), [None, None, Some(6.0), Some(8.0)]);
        // 3, 4.5, 6.75, 8.375.
        assert_eq!(run(Seeding::First), [None, None, Some(6.75), Some(8.375)]);
    }

    #[test]
    fn wilders_mean_forgets_one_part_in_period() {
        let mut mean = Wilder::new(2);
        assert_eq!([1.0, 3.0, 6.0].map(|x| mean.next(x)), [None, Some(2.0), Some(4.0)]);
    }
}
