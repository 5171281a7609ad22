//! Forecasts by time: quantiles, probability, volatility, side, and one column of the user's choice.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bars::ascending;
pub use crate::columns::{SIGNAL_NAMES, SignalColumns};
use crate::columns::{allowed, expectation};
use crate::defects::report_signals;
use crate::error::{Error, Kind, Result, list};
use crate::frame::missing_columns;
use crate::report::DataReport;
use crate::side_codes::MinusOne;

/// What happens to a row whose quantiles are out of order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossingPolicy {
    /// The row gives no quantiles: they become `NaN`, and a strategy that needs them holds.
    #[default]
    Hold,
    /// The three values are put in order (the rearrangement of Chernozhukov, Fernandez-Val and Galichon,
    /// "Quantile and probability curves without crossing", Econometrica 78, 2010).
    Sort,
    /// The row stays as it is, as its author used it.
    Keep,
}

/// How many rows had crossing quantiles, and what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Crossings {
    /// Rows with crossing quantiles.
    pub rows: usize,
    /// Rows that have all three quantiles.
    pub of: usize,
    /// What was done with them.
    pub policy: CrossingPolicy,
}

/// How a signal file is read.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalOptions {
    /// The column that becomes `value`, where one is wanted.
    pub value: Option<String>,
    /// What -1 means in the column `side`; `None`: to keep what there is, unless the column looks like long and short.
    pub minus_one: Option<MinusOne>,
    /// Columns of [`SIGNAL_NAMES`] that must be there; the missing ones are named all at once.
    pub require: Vec<String>,
    /// What to do with crossing quantiles.
    pub crossing: CrossingPolicy,
    /// The share of rows (a fraction) that may cross; beyond it the file is refused under every policy.
    pub max_crossing_share: f64,
}

impl Default for SignalOptions {
    fn default() -> Self {
        Self {
            value: None,
            minus_one: None,
            require: Vec::new(),
            crossing: CrossingPolicy::Hold,
            max_crossing_share: 0.02,
        }
    }
}

/// Signals by their own stamps, checked; not yet joined to bars.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTable {
    /// Epoch milliseconds (UTC) of the opening of the bar each signal was computed from, strictly ascending.
    pub ts: Vec<i64>,
    /// The columns, each as long as `ts`.
    pub columns: SignalColumns,
    /// Crossing quantiles that were met.
    pub crossings: Crossings,
    /// What was found in the table before crossing quantiles were dealt with.
    pub report: DataReport,
    pub(crate) origin: PathBuf,
}

impl SignalTable {
    /// A table made in memory.
    ///
    /// # Errors
    /// As [`SignalTable::read`]; and where the columns differ in length.
    pub fn new(ts: Vec<i64>, columns: SignalColumns, options: &SignalOptions) -> Result<Self> {
        let origin = PathBuf::from("(signals in memory)");
        let mut table = Self::unchecked(ts, columns, origin);
        table.validate(options)?;
        Ok(table)
    }

    /// Number of signals.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there is no signal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    pub(crate) fn unchecked(ts: Vec<i64>, columns: SignalColumns, origin: PathBuf) -> Self {
        Self { ts, columns, crossings: Crossings::default(), report: DataReport::default(), origin }
    }

    /// Checks what every user of signals relies on, and applies the policy on crossing quantiles.
    pub(crate) fn validate(&mut self, options: &SignalOptions) -> Result<()> {
        let origin = self.origin.as_path();
        if let Some((name, column)) = self.columns.present().find(|(_, c)| c.len() != self.ts.len()) {
            return Err(Error::new(Kind::Format, origin, format!("{} rows", column.len()))
                .column(name)
                .expected(format!("{}, as in the time column", self.ts.len())));
        }
        let there: Vec<String> = self.columns.present().map(|(n, _)| n.to_owned()).collect();
        let missing: Vec<&String> = options.require.iter().filter(|name| !there.contains(name)).collect();
        if !missing.is_empty() {
            return Err(missing_columns(origin, &list(missing), &there));
        }
        ascending(origin, &self.ts)?;
        for (name, column) in self.columns.present() {
            let Some(expected) = expectation(name) else { continue };
            if let Some(row) = column.iter().position(|v| !allowed(name, *v)) {
                return Err(Error::new(Kind::Value, origin, format!("found {}", column[row]))
                    .at_row(row)
                    .column(name)
                    .expected(expected)
                    .remedy("repair or remove the row"));
            }
        }
        self.refuse_prices()?;
        let reading = self.report.reading.take();
        self.report = DataReport { reading, ..report_signals(&self.ts, &self.columns, &[]) };
        self.apply(options)
    }

    /// A forecast is a return: one of 100 % a bar, up and down by turns, is none.
    fn refuse_prices(&self) -> Result<()> {
        let known = |column: &Vec<f64>| column.iter().filter(|v| !v.is_nan()).map(|v| v.abs()).collect();
        let mut sizes: Vec<f64> = self.columns.q50.as_ref().map_or_else(Vec::new, known);
        let middle = sizes.len() / 2;
        if sizes.is_empty() || *sizes.select_nth_unstable_by(middle, f64::total_cmp).1 < 1.0 {
            return Ok(());
        }
        Err(Error::new(Kind::Value, &self.origin, format!("half of the forecasts are {} or more", sizes[middle]))
            .column("q50")
            .expected("returns of the next bar, fractions: 0.01 is 1 %")
            .remedy("divide per cent by 100, and prices by the bar's close, less one"))
    }

    fn apply(&mut self, options: &SignalOptions) -> Result<()> {
        let (rows, of) = self.columns.crossing_rows();
        self.crossings = Crossings { rows: rows.len(), of, policy: options.crossing };
        let share = rows.len() as f64 / of.max(1) as f64;
        if share > options.max_crossing_share {
            return Err(Error::new(
                Kind::Crossing,
                &self.origin,
                format!("quantiles cross in {} of {of} rows ({:.2} %)", rows.len(), 100.0 * share),
            )
            .at_row(rows[0])
            .expected(format!("q10 <= q50 <= q90 in all but {:.2} % of the rows", 100.0 * options.max_crossing_share))
            .remedy("check that the columns are not mixed up, or allow a greater share"));
        }
        let c = &mut self.columns;
        if let (Some(q10), Some(q50), Some(q90)) = (&mut c.q10, &mut c.q50, &mut c.q90) {
            for row in rows {
                let mut sorted = [q10[row], q50[row], q90[row]];
                match options.crossing {
                    CrossingPolicy::Keep => {}
                    CrossingPolicy::Hold => sorted = [f64::NAN; 3],
                    CrossingPolicy::Sort => sorted.sort_by(f64::total_cmp),
                }
                [q10[row], q50[row], q90[row]] = sorted;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, options: &SignalOptions) -> Result<SignalTable> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signals.csv");
        std::fs::write(&path, text).unwrap();
        SignalTable::read(&path, options)
    }

    fn quantiles(policy: CrossingPolicy, share: f64) -> Result<SignalTable> {
        let options = SignalOptions { crossing: policy, max_crossing_share: share, ..SignalOptions::default() };
        read("ts_ms,q10,q50,q90\n1,-1,0,1\n2,0.5,0.2,1\n", &options)
    }

    #[test]
    fn known_columns_are_taken_and_the_rest_ignored() {
        let text = "ts_ms,q10,q50,q90,vol_raw_recomputed,close_actual,side,tradeable\n1,-1,0,1,9,9,-1,True\n";
        let table = read(text, &SignalOptions::default()).unwrap();
        let names: Vec<&str> = table.columns.present().map(|(n, _)| n).collect();
        assert_eq!(names, ["q10", "q50", "q90", "side", "tradeable"]);
        assert_eq!(table.columns.vol_raw, None, "a recomputed column is not the producer's");
        assert_eq!(table.columns.tradeable, Some(vec![1.0]));
    }

    #[test]
    fn the_users_column_becomes_the_value_and_may_be_a_known_one() {
        let options = |name: &str| SignalOptions { value: Some(name.to_owned()), ..SignalOptions::default() };
        let text = "ts_ms,q50,alpha\n1,0.1,7\n";
        assert_eq!(read(text, &options("alpha")).unwrap().columns.value, Some(vec![7.0]));
        let table = read(text, &options("q50")).unwrap();
        assert_eq!((table.columns.value, table.columns.q50), (Some(vec![0.1]), Some(vec![0.1])));
        let e = read(text, &options("beta")).unwrap_err();
        assert!(e.is_missing_column() && e.to_string().contains("`beta`") && e.to_string().contains("`alpha`"), "{e}");
    }

    #[test]
    fn required_columns_are_all_named_when_missing() {
        let require = ["q10", "q50", "q90"].map(str::to_owned).to_vec();
        let e = read("ts_ms,q50\n1,0\n", &SignalOptions { require, ..SignalOptions::default() }).unwrap_err();
        assert!(e.is_missing_column() && e.to_string().contains("missing `q10`, `q90`"), "{e}");
        assert!(read("ts_ms,x\n1,0\n", &SignalOptions::default()).unwrap_err().is_missing_column());
    }

    #[test]
    fn a_crossing_row_is_no_signal_by_default() {
        let table = quantiles(CrossingPolicy::Hold, 0.5).unwrap();
        assert!(table.columns.q50.as_ref().unwrap()[1].is_nan());
        assert_eq!(table.columns.q50.as_ref().unwrap()[0], 0.0);
        assert_eq!((table.crossings.rows, table.crossings.of), (1, 2));
    }

    #[test]
    fn crossing_quantiles_can_be_put_in_order_or_kept() {
        let sorted = quantiles(CrossingPolicy::Sort, 0.5).unwrap().columns;
        assert_eq!((sorted.q10.unwrap()[1], sorted.q50.unwrap()[1], sorted.q90.unwrap()[1]), (0.2, 0.5, 1.0));
        assert_eq!(quantiles(CrossingPolicy::Keep, 0.5).unwrap().columns.q10.unwrap()[1], 0.5);
    }

    #[test]
    fn too_many_crossings_refuse_the_file_under_every_policy() {
        for policy in [CrossingPolicy::Hold, CrossingPolicy::Sort, CrossingPolicy::Keep] {
            let e = quantiles(policy, 0.49).unwrap_err();
            assert!(e.is_crossing() && e.row() == Some(2) && e.to_string().contains("1 of 2 rows (50.00 %)"), "{e}");
        }
    }

    #[test]
    fn values_outside_their_range_are_refused_with_row_and_column() {
        for (column, bad) in
            [("prob_up", "1.01"), ("prob_up", "-0.1"), ("side", "2"), ("side", "0.5"), ("vol_risk", "-1")]
        {
            let e = read(&format!("ts_ms,{column}\n1,0\n2,{bad}\n"), &SignalOptions::default()).unwrap_err();
            assert!(e.is_value(), "{e}");
            assert_eq!((e.row(), e.column_name()), (Some(2), Some(column)));
        }
    }

    #[test]
    fn missing_values_are_allowed() {
        let table = read("ts_ms,prob_up,side\n1,,\n", &SignalOptions::default()).unwrap();
        assert!(table.columns.prob_up.unwrap()[0].is_nan());
    }

    #[test]
    fn unsorted_and_duplicate_stamps_are_refused() {
        assert!(read("ts_ms,q50\n2,0\n1,0\n", &SignalOptions::default()).unwrap_err().is_order());
        assert!(read("ts_ms,q50\n1,0\n1,0\n", &SignalOptions::default()).unwrap_err().is_order());
    }
}
