//! When two tables of signals are equal.

use std::ops::RangeInclusive;

use q50_datasets::SignalTable;

/// Numbers are equal within this share of themselves: the last digits of a sum depend on the order of its parts.
const EQUAL_WITHIN: f64 = 1e-9;

/// Correlation from which one column follows another.
const FOLLOWS_FROM: f64 = 0.9;

/// Where two tables differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Stamps at which a column differs.
    pub(super) stamps: usize,
    /// The first of them, epoch milliseconds.
    pub(super) first: i64,
}

/// Compares every column at the stamps within `stamps`. A row or a column that is not there says nothing, as `NaN` does.
pub(super) fn difference(a: &SignalTable, b: &SignalTable, stamps: RangeInclusive<i64>) -> Option<Difference> {
    let (left, right) = (a.columns.all(), b.columns.all());
    let (mut i, mut j) = (0, 0);
    let mut found: Option<Difference> = None;
    loop {
        let (at, bt) = (a.ts.get(i).copied(), b.ts.get(j).copied());
        let Some(stamp) = at.into_iter().chain(bt).min() else { return found };
        let (in_a, in_b) = (at == Some(stamp), bt == Some(stamp));
        let value = |column: Option<&[f64]>, there: bool, row: usize| {
            column.filter(|_| there).and_then(|values| values.get(row)).copied().unwrap_or(f64::NAN)
        };
        let same = left.iter().zip(&right).all(|((_, x), (_, y))| equal(value(*x, in_a, i), value(*y, in_b, j)));
        if !same && stamps.contains(&stamp) {
            found.get_or_insert(Difference { stamps: 0, first: stamp }).stamps += 1;
        }
        i += usize::from(in_a);
        j += usize::from(in_b);
    }
}

/// Whether `other`, made from other bars, follows `table` all the same: every column of it goes with the column of `table`
/// at a correlation of [`FOLLOWS_FROM`] or more, wherever both speak. Values that were stored and stirred a little do.
pub(super) fn follows(table: &SignalTable, other: &SignalTable) -> bool {
    let (left, right) = (table.columns.all(), other.columns.all());
    left.iter().zip(&right).filter_map(|((_, a), (_, b))| Some(((*a)?, *b))).all(|(a, b)| {
        let Some(b) = b else { return a.iter().all(|value| value.is_nan()) };
        let spoken = a.iter().filter(|value| !value.is_nan()).count();
        let both: Vec<(f64, f64)> = (0..table.len())
            .filter_map(|row| Some((a[row], b[other.ts.binary_search(&table.ts[row]).ok()?])))
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect();
        2 * both.len() >= spoken && go_together(&both)
    })
}

fn go_together(pairs: &[(f64, f64)]) -> bool {
    let n = pairs.len() as f64;
    let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / n, y + pair.1 / n));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| f(pair.0 - x, pair.1 - y)).sum::<f64>();
    let (xx, yy, xy) = (sum(&|a, _| a * a), sum(&|_, b| b * b), sum(&|a, b| a * b));
    if xx == 0.0 || yy == 0.0 {
        return pairs.iter().all(|pair| equal(pair.0, pair.1));
    }
    xy / (xx * yy).sqrt() >= FOLLOWS_FROM
}

/// Stamps at which a column has another value than at the stamp before.
pub(super) fn changes(table: &SignalTable) -> Vec<i64> {
    let differs = |row: usize| table.columns.present().any(|(_, column)| !equal(column[row - 1], column[row]));
    (1..table.len()).filter(|&row| differs(row)).map(|row| table.ts[row]).collect()
}

fn equal(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= EQUAL_WITHIN * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use q50_datasets::{SignalColumns, SignalOptions};

    use super::*;

    fn table(rows: &[(i64, f64)]) -> SignalTable {
        let columns = SignalColumns { value: Some(rows.iter().map(|row| row.1).collect()), ..SignalColumns::default() };
        SignalTable::new(rows.iter().map(|row| row.0).collect(), columns, &SignalOptions::default()).unwrap()
    }

    fn found(a: &[(i64, f64)], b: &[(i64, f64)]) -> Option<(usize, i64)> {
        difference(&table(a), &table(b), 1..=3).map(|d| (d.stamps, d.first))
    }

    #[test]
    fn numbers_are_equal_to_a_billionth_of_themselves() {
        assert_eq!(found(&[(1, 1e-3)], &[(1, 1e-3 * (1.0 + 0.9e-9))]), None);
        assert_eq!(found(&[(1, 1e-3)], &[(1, 1e-3 * (1.0 + 1.1e-9))]), Some((1, 1)));
        assert_eq!(found(&[(1, 0.0)], &[(1, 1e-300)]), Some((1, 1)), "nothing is near 0 but 0");
        assert_eq!(found(&[(1, 0.5)], &[(1, -0.5)]), Some((1, 1)));
    }

    #[test]
    fn what_is_missing_says_as_much_as_nan() {
        assert_eq!(found(&[(1, 0.5), (2, f64::NAN)], &[(1, 0.5)]), None);
        assert_eq!(found(&[(1, 0.5), (2, 0.1), (3, 0.2)], &[(1, 0.5)]), Some((2, 2)));
        assert_eq!(found(&[(2, 0.1)], &[(1, 0.5), (2, 0.1)]), Some((1, 1)));
    }

    #[test]
    fn stamps_outside_the_range_are_not_compared() {
        assert_eq!(found(&[(0, 1.0), (2, 0.5), (4, 1.0)], &[(0, 2.0), (2, 0.5), (5, 1.0)]), None);
    }

    #[test]
    fn stored_values_follow_themselves_however_they_are_stirred_and_computed_ones_do_not() {
        let rows = |f: &dyn Fn(i64) -> f64| table(&(0..500).map(|t| (t, f(t))).collect::<Vec<_>>());
        let stored = rows(&|t| (t as f64 * 0.7).sin());
        assert!(follows(&stored, &rows(&|t| (t as f64 * 0.7).sin() + 0.1 * (t as f64 * 1.3).sin())));
        assert!(!follows(&stored, &rows(&|t| ((499 - t) as f64 * 0.7).sin() + 0.1)));
        assert!(!follows(&stored, &rows(&|t| if t % 3 == 0 { (t as f64 * 0.7).sin() } else { f64::NAN })));
        assert!(!follows(&stored, &rows(&|_| 0.0)));
        assert!(follows(&rows(&|_| 1.0), &rows(&|_| 1.0)), "nothing was computed from bars");
    }

    #[test]
    fn a_column_follows_from_a_correlation_of_nine_tenths() {
        // Two waves of whole periods do not go together, so that the correlation is 1 / sqrt(1 + share^2).
        let wave = |t: i64, periods: f64| (t as f64 / 500.0 * periods * std::f64::consts::TAU).sin();
        let stirred =
            |share: f64| table(&(0..500).map(|t| (t, wave(t, 7.0) + share * wave(t, 11.0))).collect::<Vec<_>>());
        assert!(follows(&stirred(0.0), &stirred(0.47)), "0.905");
        assert!(!follows(&stirred(0.0), &stirred(0.50)), "0.894");
    }

    #[test]
    fn a_change_is_another_value_in_any_column() {
        assert_eq!(changes(&table(&[(1, 0.5), (2, 0.5), (3, f64::NAN), (4, f64::NAN), (5, 0.5)])), [3, 5]);
    }
}
