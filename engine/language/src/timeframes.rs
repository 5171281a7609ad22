//! Longer bars out of the primary ones, as they become known.
//!
//! A longer bar begins at a multiple of its length since the epoch and is folded from the primary bars that are there. It
//! is known at the first decision at or after its end, however late the next bar comes. One that the record begins in the
//! middle of is dropped, and where there was no bar there is none.

use q50_indicators::Bar;

/// Folds primary bars into longer ones.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    length: i64,
    growing: Option<Bar>,
    /// Whether a primary bar has come.
    begun: bool,
    /// Where the bar opens that the record begins in the middle of.
    cut: Option<i64>,
}

impl Fold {
    /// Into bars of `length` milliseconds.
    pub(crate) const fn new(length: i64) -> Self {
        Self { length, growing: None, begun: false, cut: None }
    }

    /// Takes in the primary `bar` of `interval` milliseconds and tells the longer bars that are known at its close.
    pub(crate) fn push(&mut self, bar: &Bar, interval: i64, mut known: impl FnMut(&Bar)) {
        let start = bar.open_time.div_euclid(self.length) * self.length;
        // The last bar of the one before never came.
        if let Some(before) = self.growing.take_if(|growing| growing.open_time != start) {
            known(&before);
        }
        if !self.begun {
            self.begun = true;
            self.cut = (bar.open_time != start).then_some(start);
        }
        if self.cut == Some(start) {
            return;
        }
        let grown = self.growing.map_or(Bar { open_time: start, ..*bar }, |growing| Bar {
            high: growing.high.max(bar.high),
            low: growing.low.min(bar.low),
            close: bar.close,
            volume: growing.volume + bar.volume,
            ..growing
        });
        if bar.open_time + interval >= start + self.length {
            known(&grown);
            self.growing = None;
        } else {
            self.growing = Some(grown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn bar(hour: i64, price: f64) -> Bar {
        Bar { open_time: hour * HOUR, open: price, high: price + 1.0, low: price - 1.0, close: price, volume: 1.0 }
    }

    /// The longer bars that are known at the close of each of these hours: hour of the opening, close, volume.
    fn four_hours(hours: &[i64]) -> Vec<Vec<(i64, f64, f64)>> {
        let mut fold = Fold::new(4 * HOUR);
        let mut known_at = |hour: &i64| {
            let mut known = Vec::new();
            fold.push(&bar(*hour, *hour as f64), HOUR, |bar| known.push((bar.open_time / HOUR, bar.close, bar.volume)));
            known
        };
        hours.iter().map(&mut known_at).collect()
    }

    #[test]
    fn a_longer_bar_is_known_at_its_end() {
        assert_eq!(four_hours(&[4, 5, 6, 7, 8]), [vec![], vec![], vec![], vec![(4, 7.0, 4.0)], vec![]]);
    }

    #[test]
    fn what_the_record_begins_in_the_middle_of_is_no_bar() {
        let known = four_hours(&[5, 6, 7, 8, 9, 10, 11]);
        assert!(known[..6].iter().all(Vec::is_empty));
        assert_eq!(known[6], [(8, 11.0, 4.0)]);
    }

    #[test]
    fn a_later_bar_without_its_first_hours_is_one() {
        // As days of a market that opens at nine: only the first was cut by the beginning of the record.
        let known = four_hours(&[5, 6, 9, 10, 11, 14, 15]);
        assert_eq!(known[4], [(8, 11.0, 3.0)]);
        assert_eq!(known[6], [(12, 15.0, 2.0)]);
        assert!([0, 1, 2, 3, 5].iter().all(|row| known[*row].is_empty()));
    }

    #[test]
    fn where_bars_are_missing_it_is_known_at_the_first_decision_after_its_end() {
        // 6 and 7 are missing; 13 is, too, and the bar from 12 begins without its first hour.
        let known = four_hours(&[4, 5, 8, 9, 10, 11, 13, 15, 20]);
        assert_eq!(known[2], [(4, 5.0, 2.0)]);
        assert_eq!(known[5], [(8, 11.0, 4.0)]);
        assert_eq!(known[7], [(12, 15.0, 2.0)]);
        assert!(known[8].is_empty());
    }
}
