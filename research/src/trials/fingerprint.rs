//! The fingerprint of a record: the shape of its returns, without its prices.
//!
//! Log returns of the closes on a grid of UTC cells, divided by their own typical size and kept in one byte each, so that
//! neither the price level nor the volatility can be had back. Small and large returns have the same resolution,
//! q = 20 asinh(r / s) with s the median size of the returns that are not 0, so that a crash does not leave a quiet year
//! without digits. What tells two records of one market from records of two is in `agreement.rs`.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// Lengths of cells, each a multiple of the one before.
pub(super) const GRIDS: [i64; 9] = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 28 * DAY, 84 * DAY];
/// Most cells of a fingerprint: nine years of hours, and as many bytes.
const MOST_CELLS: i64 = 80_000;
/// Steps of a byte in asinh(r / s).
pub(super) const STEPS: f64 = 20.0;
/// A cell in which no bar closed, and the first one, before which nothing is known.
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
    /// moves, which tells no market from another.
    ///
    /// Cells are as long as they can be with every close at the end of one, so that what two records have in common are
    /// prices of the same instants, whatever their bars. Where that makes too many cells for so many bars, they are longer,
    /// and a close belongs to the cell that it falls in.
    #[must_use]
    pub fn of(open_time: &[i64], close: &[f64], interval_ms: i64) -> Option<Self> {
        let first = open_time.first()?.checked_add(interval_ms)?;
        let covered = interval_ms.checked_mul(open_time.len() as i64)?;
        let fits = |grid: &&i64| covered / **grid < MOST_CELLS;
        let exact = |grid: &&i64| interval_ms % **grid == 0 && first % **grid == 0;
        let grid_ms = *GRIDS.iter().rev().filter(exact).find(fits).or_else(|| GRIDS.iter().find(fits))?;
        Self::on(grid_ms, open_time, close, interval_ms)
    }

    /// The fingerprint by days, which is short enough to be stated in a claim; `None` as in [`Fingerprint::of`], and for
    /// bars of more than a day.
    #[must_use]
    pub fn daily(open_time: &[i64], close: &[f64], interval_ms: i64) -> Option<Self> {
        (interval_ms <= DAY).then(|| Self::on(DAY, open_time, close, interval_ms))?
    }

    fn on(grid_ms: i64, open_time: &[i64], close: &[f64], interval_ms: i64) -> Option<Self> {
        // A bar belongs to the cell that it closes in; one that closes at its end closes in it.
        let cells: Vec<(i64, f64)> = open_time
            .iter()
            .zip(close)
            .filter(|(_, close)| **close > 0.0)
            .filter_map(|(open, close)| Some(((open.checked_add(interval_ms)? - 1).div_euclid(grid_ms), *close)))
            .collect();
        let bars = densest(&cells);
        let (from, to) = (bars.first()?.0, bars.last()?.0);
        let mut closes = vec![f64::NAN; usize::try_from(to - from + 1).ok()?];
        for (cell, close) in bars {
            closes[usize::try_from(cell - from).ok()?] = *close;
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

/// `GRID_MS FIRST_CELL CELLS`, the cells in base64.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self.cells.iter().map(|cell| cell.cast_unsigned()).collect();
        write!(f, "{} {} {}", self.grid_ms, self.first, STANDARD.encode(bytes))
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let [grid_ms, first, cells] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
            let cells = STANDARD.decode(cells).ok()?.into_iter().map(u8::cast_signed).collect();
            let print = Self { grid_ms: grid_ms.parse().ok()?, first: first.parse().ok()?, cells };
            let last = print.first.checked_add(print.cells.len() as i64)?.checked_mul(print.grid_ms);
            let timed = GRIDS.contains(&print.grid_ms) && print.first.checked_mul(print.grid_ms).is_some();
            (timed && last.is_some()).then_some(print)
        };
        parse().ok_or("not the fingerprint of a market; `q50 data fingerprint BARS` prints it")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The stretch of at most [`MOST_CELLS`] cells that has the most bars, of several the first: a bar in another century is
/// no reason to see all others through longer cells.
fn densest(cells: &[(i64, f64)]) -> &[(i64, f64)] {
    let (mut best, mut to) = (0..0, 0);
    for (from, (cell, _)) in cells.iter().enumerate() {
        while cells.get(to).is_some_and(|(last, _)| last - cell < MOST_CELLS) {
            to += 1;
        }
        if to - from > best.len() {
            best = from..to;
        }
    }
    &cells[best]
}

/// Median size of the values that are not 0.
fn typical(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sizes: Vec<f64> = values.map(f64::abs).filter(|size| *size > 0.0).collect();
    let middle = sizes.len() / 2;
    (!sizes.is_empty()).then(|| *sizes.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_by_days_survives_being_written() {
        // Four days of hours that end at 1, 2, 1 and 3: moves of ln 2, -ln 2 and ln 3, the median size of which is ln 2.
        let opens: Vec<i64> = (0..96).map(|hour| hour * HOUR).collect();
        let closes: Vec<f64> = (0..96).map(|hour| [1.0, 2.0, 1.0, 3.0][hour / 24]).collect();
        let print = Fingerprint::daily(&opens, &closes, HOUR).unwrap();
        // 20 asinh(1) = 17.6, 20 asinh(ln 3 / ln 2) = 24.8.
        assert_eq!((print.grid_ms, print.first, print.cells.as_slice()), (DAY, 0, [EMPTY, 18, -18, 25].as_slice()));
        assert_eq!(print.to_string(), "86400000 0 gBLuGQ==");
        assert_eq!(print.to_string().parse(), Ok(print));
        assert!(Fingerprint::daily(&opens, &closes, 2 * DAY).is_none());
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in
            ["", "86400000 0", "86400000 0 ?", "5 0 gBLuGQ==", "86400000 9223372036854775807 gBLuGQ==", "a b c d"]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text:?}");
        }
    }
}
