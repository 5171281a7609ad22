//! Longer bars out of shorter ones.
//!
//! A bar opens with its first part and closes with its last; its high and low are those of all parts, its volume their sum.
//! Times are multiples of the interval. A bar at an edge of the record that the record covers only in part is left out; one
//! inside it that lacks a part, because nothing was published, is made of the others and counted.

use q50_datasets::Bars;

use crate::interval::Interval;

/// Bars of one timeframe.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) bars: Bars,
    /// Whether each bar is as published, or made of all its parts.
    whole: Vec<bool>,
    /// Bars left out at the edges.
    pub(crate) edges: usize,
}

impl Folded {
    /// Bars as they were published.
    pub(crate) fn published(bars: Bars) -> Self {
        let whole = vec![true; bars.len()];
        Self { bars, whole, edges: 0 }
    }

    /// Bars that lack a part.
    pub(crate) fn incomplete(&self) -> usize {
        self.whole.iter().filter(|whole| !**whole).count()
    }

    /// Folds into bars of `interval`, which is a multiple of these bars' own.
    pub(crate) fn fold(&self, interval: Interval) -> Self {
        let (part_ms, ms) = (self.bars.interval_ms, interval.ms());
        let parts = (ms / part_ms) as usize;
        let times = &self.bars.open_time;
        let mut folded = Self { bars: empty(ms, self.bars.volume.is_some()), whole: Vec::new(), edges: 0 };
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return folded };
        let mut start = 0;
        while start < times.len() {
            let open = times[start].div_euclid(ms) * ms;
            let end = start + times[start..].partition_point(|time| *time < open + ms);
            if open < *first || open + ms > last + part_ms {
                folded.edges += 1;
            } else {
                folded.whole.push(end - start == parts && self.whole[start..end].iter().all(|whole| *whole));
                folded.push(open, &self.bars, start, end);
            }
            start = end;
        }
        folded
    }

    fn push(&mut self, open: i64, parts: &Bars, start: usize, end: usize) {
        // An unknown price makes its bar unknown, too: `f64::max` would pass over it.
        let pick = |values: &[f64], better: fn(f64, f64) -> f64| {
            values.iter().copied().reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { better(a, b) })
        };
        self.bars.open_time.push(open);
        self.bars.open.push(parts.open[start]);
        self.bars.high.extend(pick(&parts.high[start..end], f64::max));
        self.bars.low.extend(pick(&parts.low[start..end], f64::min));
        self.bars.close.push(parts.close[end - 1]);
        if let (Some(volume), Some(of)) = (&mut self.bars.volume, &parts.volume) {
            volume.push(of[start..end].iter().sum());
        }
    }

    /// Both in order of time; where both have a bar, the one of `self`.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.bars.is_empty() {
            return other;
        }
        let mut merged = Self {
            bars: empty(self.bars.interval_ms, self.bars.volume.is_some()),
            whole: Vec::new(),
            edges: other.edges,
        };
        let (mut own, mut theirs) = (0, 0);
        while own < self.bars.len() || theirs < other.bars.len() {
            let (a, b) = (self.bars.open_time.get(own), other.bars.open_time.get(theirs));
            let is_own = match (a, b) {
                (Some(a), Some(b)) => a <= b,
                (a, _) => a.is_some(),
            };
            let (from, at) = if is_own { (&self, own) } else { (&other, theirs) };
            merged.whole.push(from.whole[at]);
            merged.push(from.bars.open_time[at], &from.bars, at, at + 1);
            theirs += usize::from(!is_own || a == b);
            own += usize::from(is_own);
        }
        merged
    }
}

fn empty(interval_ms: i64, has_volume: bool) -> Bars {
    Bars {
        open_time: Vec::new(),
        open: Vec::new(),
        high: Vec::new(),
        low: Vec::new(),
        close: Vec::new(),
        volume: has_volume.then(Vec::new),
        interval_ms,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn interval(text: &str) -> Interval {
        text.parse().unwrap()
    }

    /// Minutes by number: opens at its number, closes one higher, reaches two above and one below, trades its number.
    fn minutes(numbers: impl IntoIterator<Item = i64>) -> Folded {
        let numbers: Vec<i64> = numbers.into_iter().collect();
        let price = |add: f64| numbers.iter().map(|n| *n as f64 + add).collect::<Vec<_>>();
        Folded::published(Bars {
            open_time: numbers.iter().map(|n| n * MINUTE).collect(),
            open: price(10.0),
            high: price(12.0),
            low: price(9.0),
            close: price(11.0),
            volume: Some(price(0.0)),
            interval_ms: MINUTE,
        })
    }

    #[test]
    fn a_bar_is_the_fold_of_its_parts_and_edges_are_left_out() {
        // Minutes 3 to 21: of the bars of five minutes those at 5, 10 and 15 are covered; 0 and 20 only in part.
        let five = minutes(3..=21).fold(interval("5m"));
        assert_eq!((five.edges, five.incomplete()), (2, 0));
        assert_eq!(five.bars.open_time, [5 * MINUTE, 10 * MINUTE, 15 * MINUTE]);
        assert_eq!(
            (five.bars.open[0], five.bars.high[0], five.bars.low[0], five.bars.close[0]),
            (15.0, 21.0, 14.0, 20.0)
        );
        assert_eq!(five.bars.volume.unwrap(), [35.0, 60.0, 85.0]);
    }

    #[test]
    fn a_bar_inside_that_lacks_a_part_is_made_of_the_others_and_counted() {
        let five =
            minutes((0..15).filter(|n| ![5, 7, 10, 11, 12, 13, 14].contains(n)).chain(15..20)).fold(interval("5m"));
        assert_eq!(five.bars.open_time, [0, 5 * MINUTE, 15 * MINUTE], "and of nothing there is no bar");
        assert_eq!((five.edges, five.incomplete()), (0, 1));
        assert_eq!((five.bars.open[1], five.bars.volume.as_ref().unwrap()[1]), (16.0, 6.0 + 8.0 + 9.0));
        // What was made of such a bar lacks a part, too.
        assert_eq!(five.fold(interval("10m")).incomplete(), 2);
    }

    #[test]
    fn an_unknown_price_is_not_passed_over() {
        let mut part = minutes(0..5);
        part.bars.high[2] = f64::NAN;
        let five = part.fold(interval("5m")).bars;
        assert!(five.high[0].is_nan() && five.low[0] == 9.0);
    }

    #[test]
    fn what_was_published_comes_before_what_was_folded() {
        let mut published = minutes(0..10).fold(interval("5m"));
        published.bars.close = vec![1.0, 2.0];
        let both = published.or(minutes(5..20).fold(interval("5m")));
        assert_eq!(both.bars.open_time, [0, 5, 10, 15].map(|n| n * MINUTE));
        assert_eq!(both.bars.close, [1.0, 2.0, 25.0, 30.0]);
        let alone = minutes([]).or(minutes(0..5)).bars;
        assert_eq!(alone.len(), 5);
    }

    proptest! {
        #[test]
        fn folding_in_two_steps_is_folding_in_one(kept in prop::collection::vec(any::<bool>(), 1..200)) {
            let numbers = kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(n, _)| n as i64 + 7);
            let record = minutes(numbers);
            let (at_once, in_steps) = (record.fold(interval("15m")).bars, record.fold(interval("5m")).fold(interval("15m")).bars);
            // A gap at an edge of the record may cost the longer bars of two steps an edge more.
            for (at, time) in in_steps.open_time.iter().enumerate() {
                let same = at_once.open_time.binary_search(time).unwrap();
                prop_assert_eq!(
                    (at_once.open[same], at_once.high[same], at_once.low[same], at_once.close[same]),
                    (in_steps.open[at], in_steps.high[at], in_steps.low[at], in_steps.close[at])
                );
                // Whole numbers: their sums are exact.
                prop_assert_eq!(at_once.volume.as_ref().unwrap()[same], in_steps.volume.as_ref().unwrap()[at]);
            }
            prop_assert!(in_steps.len() <= at_once.len());
        }
    }
}
