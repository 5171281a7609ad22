//! When two tables of signals say the same.

use std::ops::RangeInclusive;

use q50_datasets::SignalTable;

/// Numbers are equal within this share of themselves: the last digits of a sum depend on the order of its parts.
const EQUAL_WITHIN: f64 = 1e-9;

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
        let columns = SignalColumns { q50: Some(rows.iter().map(|row| row.1).collect()), ..SignalColumns::default() };
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
    fn a_change_is_another_value_in_any_column() {
        assert_eq!(changes(&table(&[(1, 0.5), (2, 0.5), (3, f64::NAN), (4, f64::NAN), (5, 0.5)])), [3, 5]);
    }
}
