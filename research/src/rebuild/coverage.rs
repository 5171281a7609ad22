//! What a file of returns or equity leaves out.

use crate::week::{Week, missing};

/// Rows of a result, and those that should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Rows of the result.
    pub rows: usize,
    /// Periods without a row: where there are bars, or else at times of the week at which the result has rows.
    pub missing: usize,
    /// Rows that are missing at hours or days of the week at which there never is one, taken for those at which the market
    /// is closed, as no bars were there to tell.
    pub closed: usize,
    /// Days without a row that were taken for holidays, as no bars were there to tell.
    pub holidays: usize,
    /// Rows whose return is exactly 0.
    pub zeros: usize,
}

impl Coverage {
    /// Of rows at `times`, `interval_ms` apart, whose `returns` are these, beside bars that open at `bars`.
    #[must_use]
    pub fn of(times: &[i64], interval_ms: i64, returns: &[f64], bars: Option<&[i64]>) -> Self {
        let zeros = returns.iter().filter(|value| **value == 0.0).count();
        let (week, closed) = match bars {
            Some(bars) => (Week { missing: skipped(times, interval_ms, bars), ..Week::default() }, 0),
            None => {
                let week = Week::of(times, interval_ms);
                (week, missing(times, interval_ms).saturating_sub(week.missing))
            }
        };
        Self { rows: times.len(), missing: week.missing, closed, holidays: week.holidays, zeros }
    }

    /// The share of its periods that the result lacks.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        self.missing as f64 / (self.rows + self.missing).max(1) as f64
    }

    /// The counts in words.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { rows, missing, closed, holidays, zeros } = self;
        let mut text = format!("the result has {rows} rows and lacks {missing}");
        if *closed > 0 {
            text += &format!(" beside {closed} at hours that are taken for those of a closed market");
        }
        if *holidays > 0 {
            text += &format!(" beside {holidays} days taken for holidays");
        }
        if *zeros > 0 {
            let share = 100.0 * *zeros as f64 / (*rows).max(1) as f64;
            text += &format!("; {zeros} of its returns ({share:.1} %) are exactly 0");
        }
        text
    }
}

/// Periods between the rows that have bars, at least half as many as the rows usually have: a Sunday evening is no day.
/// Distances are rounded: clocks are changed.
fn skipped(times: &[i64], interval_ms: i64, bars: &[i64]) -> usize {
    let opened_by = |time: i64| bars.partition_point(|open| *open < time);
    let within = |from: i64| opened_by(from + interval_ms) - opened_by(from);
    let mut counts: Vec<usize> = times.iter().map(|time| within(*time)).collect();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
    let is_period = |from: i64| {
        let found = within(from);
        found > 0 && 2 * found >= usual
    };
    let between = |pair: &[i64]| {
        let periods = ((pair[1] - pair[0]) as f64 / interval_ms as f64).round() as i64;
        (1..periods).filter(|step| is_period(pair[0] + step * interval_ms)).count()
    };
    times.windows(2).map(between).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_that_has_bars_and_no_row_is_missing() {
        // Rows at 0, 10, 40 and 60; bars at 12, 25 and 55, so that 20 and 50 are missing and 30 is not.
        let found = Coverage::of(&[0, 10, 40, 60], 10, &[0.0, 0.1, 0.0, 0.2], Some(&[12, 25, 55]));
        assert_eq!(found, Coverage { rows: 4, missing: 2, closed: 0, holidays: 0, zeros: 2 });
        assert!((found.missing_share() - 2.0 / 6.0).abs() < 1e-12);
        let evening = Coverage::of(&[0, 10, 30], 10, &[0.1; 3], Some(&[0, 4, 8, 10, 14, 18, 28, 30, 34, 38]));
        assert_eq!(evening.missing, 0, "one bar where rows have three");
        assert_eq!(found.text(), "the result has 4 rows and lacks 2; 2 of its returns (50.0 %) are exactly 0");
    }
}
