//! The training and test windows of walk-forward optimisation.

use std::ops::Range;

use serde::Serialize;

use super::OverfitError;

const DAY_MS: u64 = 86_400_000;

/// Lengths in bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// Bars of a window that the choice is made on.
    pub train: usize,
    /// Bars after them that judge it.
    pub test: usize,
    /// Bars from one window to the next.
    pub step: usize,
}

impl Lengths {
    /// Days of training, of judgement and from one window to the next that are usual: nine months, three and one.
    pub const USUAL_DAYS: [u32; 3] = [270, 90, 30];

    /// Lengths given in days, for bars of `interval_ms`. A missing bar is not made up for: windows count bars.
    ///
    /// # Errors
    /// [`OverfitError::Setting`] for an interval or a number of days that does not make at least one bar.
    pub fn of_days([train, test, step]: [u32; 3], interval_ms: u64) -> Result<Self, OverfitError> {
        let bars = |name, days: u32| match (u64::from(days) * DAY_MS).checked_div(interval_ms) {
            Some(bars) if bars > 0 => Ok(bars as usize),
            _ => Err(OverfitError::Setting { name, found: days as usize, wanted: "days that hold at least one bar" }),
        };
        Ok(Self { train: bars("train", train)?, test: bars("test", test)?, step: bars("step", step)? })
    }
}

/// Where training begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// It moves with the window: always the same length.
    #[default]
    Rolling,
    /// At the first bar: longer with every window.
    Anchored,
}

/// One window: rows to choose on, and the rows that follow to judge by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// In-sample.
    pub train: Range<usize>,
    /// Out of sample.
    pub test: Range<usize>,
}

/// All windows that fit into `rows` whole, in order of time. What is left over at the end is not judged.
///
/// # Errors
/// [`OverfitError::Setting`] for a length of 0 (training needs three bars), [`OverfitError::TooFewRows`] where not one
/// window fits.
pub fn windows(rows: usize, lengths: Lengths, training: Training) -> Result<Vec<Window>, OverfitError> {
    for (name, found, least) in [("train", lengths.train, 3), ("test", lengths.test, 2), ("step", lengths.step, 1)] {
        if found < least {
            return Err(OverfitError::Setting {
                name,
                found,
                wanted: "train from 3 bars on, test from 2, step from 1",
            });
        }
    }
    let whole = lengths.train + lengths.test;
    if rows < whole {
        return Err(OverfitError::TooFewRows { name: "one walk-forward window", found: rows, needed: whole });
    }
    Ok((0..=rows - whole)
        .step_by(lengths.step)
        .map(|start| {
            let split = start + lengths.train;
            let first = match training {
                Training::Rolling => start,
                Training::Anchored => 0,
            };
            Window { train: first..split, test: split..split + lengths.test }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn two_years_have_thirteen_windows() {
        for (interval, bars_a_day) in [(HOUR, 24), (24 * HOUR, 1), (HOUR / 12, 288)] {
            let lengths = Lengths::of_days(Lengths::USUAL_DAYS, interval).unwrap();
            let all = windows(730 * bars_a_day, lengths, Training::Rolling).unwrap();
            assert_eq!(all.len(), 13);
            assert_eq!(all[0], Window { train: 0..270 * bars_a_day, test: 270 * bars_a_day..360 * bars_a_day });
            assert_eq!(all[12].train, 360 * bars_a_day..630 * bars_a_day);
            assert_eq!(all[12].test.end, 720 * bars_a_day);
        }
    }

    #[test]
    fn anchored_training_always_begins_at_the_first_bar() {
        let all = windows(20, Lengths { train: 5, test: 5, step: 5 }, Training::Anchored).unwrap();
        let trained: Vec<_> = all.iter().map(|window| window.train.clone()).collect();
        assert_eq!(trained, [0..5, 0..10, 0..15]);
        assert_eq!(all[2].test, 15..20);
    }

    #[test]
    fn what_holds_no_window_is_refused() {
        let error = windows(9, Lengths { train: 5, test: 5, step: 1 }, Training::Rolling).unwrap_err();
        assert_eq!(error, OverfitError::TooFewRows { name: "one walk-forward window", found: 9, needed: 10 });
        assert!(windows(9, Lengths { train: 5, test: 2, step: 0 }, Training::Rolling).is_err());
        assert!(Lengths::of_days([270, 90, 0], HOUR).is_err() && Lengths::of_days([270, 90, 30], 0).is_err());
    }
}
