//! The columns of forecasts, and the values that each may hold.

use q50_engine::market::{Column, Signals};

/// Column names that are taken from a signal file; every other one is ignored.
pub const SIGNAL_NAMES: [&str; 12] = [
    "q10",
    "q50",
    "q90",
    "prob_up",
    "vol_raw",
    "vol_risk",
    "signal_thresh",
    "side",
    "position",
    "tradeable",
    "high_quality",
    "economically_significant",
];

/// The signal columns that a source has, each as long as the others; `NaN` where a row has no value.
///
/// Units are those of [`Signals`]; the three flags are 1 and 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignalColumns {
    /// 10 % quantile of the forecast return, a fraction.
    pub q10: Option<Vec<f64>>,
    /// Median of the forecast return, a fraction.
    pub q50: Option<Vec<f64>>,
    /// 90 % quantile of the forecast return, a fraction.
    pub q90: Option<Vec<f64>>,
    /// Forecast probability that the return is positive.
    pub prob_up: Option<Vec<f64>>,
    /// Standard deviation of recent log returns, per bar.
    pub vol_raw: Option<Vec<f64>>,
    /// Variance of recent log returns, per bar.
    pub vol_risk: Option<Vec<f64>>,
    /// The producer's threshold on the absolute median, a fraction.
    pub signal_thresh: Option<Vec<f64>>,
    /// The producer's side: 1 long, 0 short, -1 hold.
    pub side: Option<Vec<f64>>,
    /// The producer's position: share of equity to hold, from -1 (short with all of it) to 1.
    pub position: Option<Vec<f64>>,
    /// The producer's flag "tradeable".
    pub tradeable: Option<Vec<f64>>,
    /// The producer's flag "high quality".
    pub high_quality: Option<Vec<f64>>,
    /// The producer's flag "economically significant".
    pub economically_significant: Option<Vec<f64>>,
    /// The column that the user named for single-signal strategies.
    pub value: Option<Vec<f64>>,
}

impl SignalColumns {
    /// Every column with its name, absent ones included, in a fixed order.
    #[must_use]
    pub fn all(&self) -> [(&'static str, Option<&[f64]>); 13] {
        [
            ("q10", self.q10.as_deref()),
            ("q50", self.q50.as_deref()),
            ("q90", self.q90.as_deref()),
            ("prob_up", self.prob_up.as_deref()),
            ("vol_raw", self.vol_raw.as_deref()),
            ("vol_risk", self.vol_risk.as_deref()),
            ("signal_thresh", self.signal_thresh.as_deref()),
            ("side", self.side.as_deref()),
            ("position", self.position.as_deref()),
            ("tradeable", self.tradeable.as_deref()),
            ("high_quality", self.high_quality.as_deref()),
            ("economically_significant", self.economically_significant.as_deref()),
            ("value", self.value.as_deref()),
        ]
    }

    /// The columns that are there, with their names.
    pub fn present(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        self.all().into_iter().filter_map(|(name, column)| Some((name, column?)))
    }

    /// Builds columns by asking `column` for each name.
    pub(crate) fn from_fn(mut column: impl FnMut(&'static str) -> Option<Vec<f64>>) -> Self {
        Self {
            q10: column("q10"),
            q50: column("q50"),
            q90: column("q90"),
            prob_up: column("prob_up"),
            vol_raw: column("vol_raw"),
            vol_risk: column("vol_risk"),
            signal_thresh: column("signal_thresh"),
            side: column("side"),
            position: column("position"),
            tradeable: column("tradeable"),
            high_quality: column("high_quality"),
            economically_significant: column("economically_significant"),
            value: column("value"),
        }
    }

    /// The rows `rows` of every column in that order, `NaN` for `None`. Columns that are wanted as they are are not copied.
    pub(crate) fn gather(self, rows: &[Option<usize>]) -> Self {
        let len = self.present().map(|(_, column)| column.len()).next().unwrap_or(0);
        if rows.iter().copied().eq((0..len).map(Some)) {
            return self;
        }
        let all = self.all();
        Self::from_fn(|name| {
            let column = all.iter().find(|(n, _)| *n == name)?.1?;
            Some(rows.iter().map(|row| row.map_or(f64::NAN, |i| column[i])).collect())
        })
    }

    /// The first `len` rows as the engine reads them.
    pub(crate) fn as_signals(&self, len: usize) -> Signals<'_> {
        let there = |&column: &Column| Some((column, self.present().find(|(name, _)| *name == column.name())?.1));
        Column::ALL
            .iter()
            .filter_map(there)
            .fold(Signals::default(), |all, (column, values)| all.with(column, &values[..len]))
    }
}

impl SignalColumns {
    /// Rows whose quantiles cross, and the number of rows that have all three.
    pub(crate) fn crossing_rows(&self) -> (Vec<usize>, usize) {
        let (Some(q10), Some(q50), Some(q90)) = (&self.q10, &self.q50, &self.q90) else { return (Vec::new(), 0) };
        let mut of = 0;
        let mut rows = Vec::new();
        for (row, ((a, b), c)) in q10.iter().zip(q50).zip(q90).enumerate() {
            if a.is_nan() || b.is_nan() || c.is_nan() {
                continue;
            }
            of += 1;
            if a > b || b > c {
                rows.push(row);
            }
        }
        (rows, of)
    }
}

/// What the values of a column must be, where that is limited.
pub(crate) fn expectation(name: &str) -> Option<&'static str> {
    match name {
        "prob_up" => Some("a probability from 0 to 1"),
        "side" => {
            Some("1 (long), 0 (flat) or -1 (keep what there is), or the words long, short, flat, buy, sell, hold")
        }
        "position" => Some("a share of equity from -1 (short) to 1 (long)"),
        "vol_raw" | "vol_risk" => Some("a number that is not negative"),
        "tradeable" | "high_quality" | "economically_significant" => Some("true or false"),
        "q10" | "q50" | "q90" | "signal_thresh" => Some("a finite number"),
        _ => None,
    }
}

/// Whether the column may hold the value; a missing one always.
pub(crate) fn allowed(name: &str, value: f64) -> bool {
    value.is_nan()
        || match name {
            "prob_up" => (0.0..=1.0).contains(&value),
            "side" => value == 1.0 || value == 0.0 || value == -1.0,
            "position" => (-1.0..=1.0).contains(&value),
            "vol_raw" | "vol_risk" => value >= 0.0 && value.is_finite(),
            "tradeable" | "high_quality" | "economically_significant" => value == 1.0 || value == 0.0,
            "q10" | "q50" | "q90" | "signal_thresh" => value.is_finite(),
            _ => true,
        }
}
