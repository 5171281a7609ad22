//! The finalists: hard filters, and the Pareto front of the sets that pass.

use serde::{Deserialize, Serialize};

use super::outcome::{Row, Statistics};

/// What a finalist must have; absent filters do not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filters {
    /// Least number of closed round trips.
    pub min_trades: Option<u64>,
    /// Largest drawdown, a fraction.
    pub max_drawdown: Option<f64>,
    /// Gains over losses, which must be larger.
    pub min_profit_factor: Option<f64>,
    /// Total return, which must be larger.
    pub min_return: Option<f64>,
}

impl Filters {
    /// Whether a set passes.
    #[must_use]
    pub fn pass(&self, s: &Statistics) -> bool {
        let factor = s.comparable_profit_factor();
        self.min_trades.is_none_or(|least| s.round_trips >= least)
            && self.max_drawdown.is_none_or(|most| s.max_drawdown < most)
            && self.min_profit_factor.is_none_or(|least| factor.is_some_and(|f| f > least))
            && self.min_return.is_none_or(|least| s.total_return > least)
    }
}

/// The sets that no other beats in every objective: Sharpe ratio, 1 - drawdown, profit factor, all to be large.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    rows: Vec<Row>,
    /// Sets that were looked at.
    pub seen: u64,
    /// Those of them that passed the filters and have every objective.
    pub passed: u64,
}

impl Front {
    /// Looks at one set. Order does not matter; of equals all stay, in index order.
    pub fn add(&mut self, filters: &Filters, row: &Row) {
        self.seen += 1;
        let Some(objectives) = row.statistics.filter(|s| row.is_ok() && filters.pass(s)).and_then(|s| objectives(&s))
        else {
            return;
        };
        self.passed += 1;
        let beaten = |other: &Row| other.statistics.and_then(|s| self::objectives(&s));
        if self.rows.iter().any(|other| beaten(other).is_some_and(|o| dominates(&o, &objectives))) {
            return;
        }
        self.rows.retain(|other| !beaten(other).is_some_and(|o| dominates(&objectives, &o)));
        self.rows.push(row.clone());
    }

    /// The front, the highest Sharpe ratio first, the first index of equals.
    #[must_use]
    pub fn into_rows(mut self) -> Vec<Row> {
        let sharpe = |row: &Row| row.statistics.and_then(|s| s.sharpe_per_period).unwrap_or(f64::NEG_INFINITY);
        self.rows.sort_by(|a, b| sharpe(b).total_cmp(&sharpe(a)).then(a.index.cmp(&b.index)));
        self.rows
    }
}

fn objectives(s: &Statistics) -> Option<[f64; 3]> {
    Some([s.sharpe_per_period?, 1.0 - s.max_drawdown, s.comparable_profit_factor()?])
}

/// At least as large in every objective and larger in one.
fn dominates(a: &[f64; 3], b: &[f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a != b
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(index: u64, sharpe: f64, drawdown: f64, factor: f64) -> Row {
        let statistics = Statistics {
            final_equity: 1.0,
            total_return: 0.1,
            sharpe_per_period: Some(sharpe),
            max_drawdown: drawdown,
            profit_factor: Some(factor),
            fills: 10,
            round_trips: 5,
            winners: 3,
            turnover: 1.0,
            fees: 0.0,
            exposure: 0.5,
            skew: None,
            kurtosis: None,
            returns: 9,
        };
        Row { index, rung: 0, failure: None, statistics: Some(statistics) }
    }

    fn front(rows: &[Row]) -> Vec<u64> {
        let mut front = Front::default();
        rows.iter().for_each(|row| front.add(&Filters::default(), row));
        front.into_rows().iter().map(|row| row.index).collect()
    }

    #[test]
    fn a_set_that_is_beaten_everywhere_is_not_on_the_front_and_equals_both_are() {
        let rows = [row(0, 0.1, 0.2, 1.5), row(1, 0.2, 0.1, 2.0), row(2, 0.2, 0.1, 2.0), row(3, 0.3, 0.4, 1.0)];
        assert_eq!(front(&rows), [3, 1, 2]);
    }

    #[test]
    fn filters_are_strict_and_failed_sets_never_pass() {
        let filters = Filters {
            min_trades: Some(5),
            max_drawdown: Some(0.2),
            min_profit_factor: Some(1.0),
            min_return: Some(0.0),
        };
        let pass = |row: &Row| filters.pass(&row.statistics.unwrap());
        assert!(pass(&row(0, 0.1, 0.19, 1.01)));
        assert!(!pass(&row(0, 0.1, 0.20, 1.01)) && !pass(&row(0, 0.1, 0.1, 1.0)));
        let mut front = Front::default();
        front.add(&filters, &Row { failure: Some("panicked".into()), ..row(0, 9.0, 0.0, 9.0) });
        assert_eq!((front.seen, front.passed), (1, 0));
    }

    proptest! {
        #[test]
        fn the_front_is_that_of_comparing_all_with_all(
            sets in prop::collection::vec((0_u8..6, 0_u8..6, 0_u8..6), 1..60),
        ) {
            let rows: Vec<Row> = sets.iter().enumerate()
                .map(|(i, &(a, b, c))| row(i as u64, f64::from(a), f64::from(b) / 10.0, f64::from(c))).collect();
            let o: Vec<[f64; 3]> = rows.iter().map(|r| objectives(&r.statistics.unwrap()).unwrap()).collect();
            let mut expected: Vec<u64> = (0..rows.len())
                .filter(|&i| !o.iter().any(|other| dominates(other, &o[i]))).map(|i| i as u64).collect();
            let mut found = front(&rows);
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
