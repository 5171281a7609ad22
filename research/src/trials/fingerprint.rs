//! The fingerprint of a record: the shape of its returns, and nothing of its prices.
//!
//! Log returns of the closes on a grid of UTC cells, divided by their own typical size and kept in one byte each, so that
//! neither the price level nor the volatility can be had back. Small and large returns have the same resolution,
//! q = 20 asinh(r / s) with s the median size of the returns that are not 0, so that a crash does not leave a quiet year
//! without digits. What tells two records of one market from records of two is in `agreement.rs`.

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// Lengths of cells, each a multiple of the one before.
pub(super) const GRIDS: [i64; 9] = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 28 * DAY, 84 * DAY];
/// Most cells of a fingerprint: nine years of hours.
const MOST_CELLS: i64 = 80_000;
/// Steps of a byte in asinh(r / s).
pub(super) const STEPS: f64 = 20.0;
/// A cell in which no bar closed.
pub(super) const EMPTY: i8 = i8::MIN;

/// The standardised returns of a record, a byte a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length of a cell, milliseconds.
    pub(super) grid_ms: i64,
    /// Number of the first cell: its start over its length.
    pub(super) first: i64,
    /// [`EMPTY`], or 20 asinh(return / typical return).
    pub(super) cells: Vec<i8>,
}

impl Fingerprint {
    /// The fingerprint of bars by opening time (epoch milliseconds, ascending) and close; `None` where the price never
    /// moves, which tells no market from another, and for bars of more than twelve weeks.
    #[must_use]
    pub fn of(open_time: &[i64], close: &[f64], interval_ms: i64) -> Option<Self> {
        let (first, last) = (*open_time.first()?, open_time.last()?.checked_add(interval_ms)?);
        let length = last.checked_sub(first)?;
        let grid_ms = *GRIDS.iter().find(|grid| **grid >= interval_ms && length / **grid < MOST_CELLS)?;
        // A bar belongs to the cell that it closes in; one that closes at its end closes in it.
        let cell = |open: i64| (open + interval_ms - 1).div_euclid(grid_ms);
        let from = cell(first);
        let mut closes = vec![f64::NAN; usize::try_from(cell(last - interval_ms) - from + 1).ok()?];
        for (&open, &close) in open_time.iter().zip(close).filter(|(_, close)| **close > 0.0) {
            closes[usize::try_from(cell(open) - from).ok()?] = close;
        }
        let mut known = f64::NAN;
        let returns: Vec<f64> = closes
            .into_iter()
            .map(|close| {
                let moved = (close / known).ln();
                known = if close.is_nan() { known } else { close };
                moved
            })
            .collect();
        let typical = typical(returns.iter().copied())?;
        let byte = |r: f64| {
            let steps = (STEPS * (r / typical).asinh()).round().clamp(-127.0, 127.0);
            if r.is_nan() { EMPTY } else { steps as i8 }
        };
        Some(Self { grid_ms, first: from, cells: returns.into_iter().map(byte).collect() })
    }

    /// The time that is covered, epoch milliseconds.
    pub(super) fn span(&self) -> (i64, i64) {
        (self.first * self.grid_ms, (self.first + self.cells.len() as i64) * self.grid_ms)
    }
}

/// Median size of the values that are not 0.
pub(super) fn typical(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sizes: Vec<f64> = values.map(f64::abs).filter(|size| *size > 0.0).collect();
    let middle = sizes.len() / 2;
    (!sizes.is_empty()).then(|| *sizes.select_nth_unstable_by(middle, f64::total_cmp).1)
}
