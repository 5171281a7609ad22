//! The basket of several instruments: one unit of money, held in equal parts. Its bars are the clock of a portfolio and
//! the benchmark of holding.

use std::collections::{BTreeSet, HashSet};

use q50_datasets::{bars::Bars, dataset::Dataset, time::rfc3339};
use thiserror::Error;

/// Several records are no portfolio.
#[derive(Debug, Error)]
pub enum BasketError {
    /// Their bars have different lengths.
    #[error("bars of {first} and of {other} ms cannot be one portfolio; give bars of one length")]
    Intervals {
        /// That of the first instrument, milliseconds.
        first: i64,
        /// Another one.
        other: i64,
    },
    /// Their bars do not open together, or one has bars off its own grid: the times of all would be no grid.
    #[error(
        "bars open at {one} and at {other}, which are not whole intervals of {interval} ms apart; give records of one grid"
    )]
    Grids {
        /// Open of a bar, RFC 3339.
        one: String,
        /// Open of the first bar that does not fit it, RFC 3339.
        other: String,
        /// Length of the bars, milliseconds.
        interval: i64,
    },
    /// One record is there twice: each would trade against a depth of its own.
    #[error("two of the records hold the same bars; give each market once")]
    Twice,
    /// There is no time at which all are traded.
    #[error("the records share no time: one begins at {begins} and another ends at {ends}; give records that overlap")]
    NoOverlap {
        /// The latest first bar that is traded, RFC 3339.
        begins: String,
        /// The earliest last one.
        ends: String,
    },
    /// The basket is no market.
    #[error(transparent)]
    Data(#[from] q50_datasets::error::Error),
}

/// Cuts every record to the time at which all of them are traded, and returns the basket of them.
///
/// The basket buys at the close of the first bar that is traded, for the same money of each, and holds: at each bar of any
/// instrument its price is the mean of `close / first close`. An instrument without a bar then counts with its last close.
/// The range of a basket inside a bar is not known, so that its high and low are those of its open and close.
///
/// # Errors
/// Bars of different lengths or off one grid, one record twice, or records without a common time.
pub fn basket(records: Vec<Dataset>) -> Result<(Vec<Dataset>, Dataset), BasketError> {
    let interval = |record: &Dataset| record.bars().interval_ms;
    let first = records.first().map_or(0, interval);
    if let Some(other) = records.iter().map(interval).find(|other| *other != first) {
        return Err(BasketError::Intervals { first, other });
    }
    let mut seen = HashSet::new();
    if !records.iter().all(|record| seen.insert(record.bars_hash())) {
        return Err(BasketError::Twice);
    }
    let from = records.iter().map(|record| record.period().0).max().unwrap_or(0);
    let to = records.iter().map(|record| record.period().1).min().unwrap_or(0);
    if from > to {
        return Err(BasketError::NoOverlap { begins: rfc3339(from), ends: rfc3339(to) });
    }
    let cut = records.into_iter().map(|record| record.window(Some(from), Some(to))).collect::<Result<Vec<_>, _>>()?;
    let times = || cut.iter().flat_map(|record| &record.bars().open_time[record.rows()]);
    let phase = from.rem_euclid(first);
    if let Some(other) = times().find(|time| time.rem_euclid(first) != phase) {
        return Err(BasketError::Grids { one: rfc3339(from), other: rfc3339(*other), interval: first });
    }
    let bars = bars_of(&cut)?;
    let whole = Dataset::without_signals(bars)?;
    Ok((cut, whole))
}

fn bars_of(records: &[Dataset]) -> Result<Bars, q50_datasets::error::Error> {
    let time: BTreeSet<i64> =
        records.iter().flat_map(|record| record.bars().open_time[record.rows()].iter().copied()).collect();
    let time: Vec<i64> = time.into_iter().collect();
    let (mut open, mut close) = (vec![0.0; time.len()], vec![0.0; time.len()]);
    let share = 1.0 / records.len() as f64;
    for record in records {
        let (bars, rows) = (record.bars(), record.rows());
        let bought = bars.close[rows.start];
        let (mut row, mut last) = (rows.start, bought);
        for (at, now) in time.iter().enumerate() {
            let there = row < rows.end && bars.open_time[row] == *now;
            open[at] += share * if there { bars.open[row] } else { last } / bought;
            if there {
                last = bars.close[row];
                row += 1;
            }
            close[at] += share * last / bought;
        }
    }
    let high = open.iter().zip(&close).map(|(open, close)| open.max(*close)).collect();
    let low = open.iter().zip(&close).map(|(open, close)| open.min(*close)).collect();
    Bars::new(time, open, high, low, close, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn record(first: i64, closes: &[f64]) -> Dataset {
        let time = (0..closes.len() as i64).map(|hour| (first + hour) * HOUR).collect();
        let price = || closes.to_vec();
        Dataset::without_signals(Bars::new(time, price(), price(), price(), price(), None).unwrap()).unwrap()
    }

    #[test]
    fn the_basket_holds_equal_parts_from_the_first_bar_that_all_have() {
        let (cut, whole) = basket(vec![record(0, &[9.0, 10.0, 12.0, 15.0]), record(1, &[2.0, 2.0, 1.0, 8.0])]).unwrap();
        assert_eq!(cut.iter().map(Dataset::rows).collect::<Vec<_>>(), [1..4, 0..3]);
        // Means of 10/10 and 2/2, 12/10 and 2/2, 15/10 and 1/2.
        let expected = [1.0, 1.1, 1.0];
        assert_eq!(whole.bars().open_time, [1, 2, 3].map(|hour| hour * HOUR));
        assert!(whole.bars().close.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15));
    }

    #[test]
    fn a_bar_that_one_lacks_is_carried_with_its_last_close() {
        let with_gap = {
            let price = || vec![4.0, 8.0, 6.0];
            let bars = Bars::new(vec![0, HOUR, 3 * HOUR], price(), price(), price(), price(), None).unwrap();
            Dataset::without_signals(bars).unwrap()
        };
        let (_, whole) = basket(vec![record(0, &[1.0, 1.0, 2.0, 2.0]), with_gap]).unwrap();
        assert_eq!(whole.bars().close, [1.0, 1.5, 2.0, 1.75]);
        assert_eq!(whole.bars().open, [1.0, 1.5, 2.0, 1.75]);
    }

    #[test]
    fn records_without_a_common_time_or_of_other_bars_are_refused() {
        let apart = basket(vec![record(0, &[1.0, 2.0]), record(5, &[1.0, 2.0])]).unwrap_err().to_string();
        assert!(apart.contains("1970-01-01T05:00:00Z") && apart.contains("1970-01-01T01:00:00Z"), "{apart}");
        let minutes = {
            let price = || vec![1.0, 2.0];
            let bars = Bars::new(vec![0, 60_000], price(), price(), price(), price(), None).unwrap();
            Dataset::without_signals(bars).unwrap()
        };
        let other = basket(vec![record(0, &[1.0, 2.0]), minutes]).unwrap_err().to_string();
        assert!(other.contains("3600000 and of 60000 ms"), "{other}");
    }

    #[test]
    fn records_that_do_not_open_together_are_refused() {
        let at = |times: &[i64]| {
            let price = || (0..times.len()).map(|row| 1.0 + row as f64).collect::<Vec<_>>();
            Dataset::without_signals(Bars::new(times.to_vec(), price(), price(), price(), price(), None).unwrap())
                .unwrap()
        };
        let on = at(&[0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]);
        // A second late; a second late after one bar in time that the others do not have; half an hour early from some bar on.
        let late = at(&[1_000, HOUR + 1_000, 2 * HOUR + 1_000]);
        let hidden = at(&[-HOUR, 1_000, HOUR + 1_000, 2 * HOUR + 1_000]);
        let moved = at(&[0, HOUR, 2 * HOUR, 3 * HOUR - HOUR / 2, 4 * HOUR - HOUR / 2]);
        for other in [late, hidden, moved] {
            let refused = basket(vec![on.clone(), other]).unwrap_err();
            assert!(matches!(refused, BasketError::Grids { .. }), "{refused}");
        }
    }

    #[test]
    fn a_record_that_is_there_twice_is_refused() {
        let refused = basket(vec![record(0, &[1.0, 2.0]), record(0, &[1.0, 2.0])]).unwrap_err();
        assert!(matches!(refused, BasketError::Twice), "{refused}");
    }
}
