//! Market data: bars and the forecasts that belong to them, as columns.
//!
//! A [`Market`] owns nothing; every column is a slice of the same length, one row per bar, ascending in time. A bar is
//! known at its close. Signals are already joined: row `t` of a signal column is the value available at the close of
//! bar `t`, or `NaN` if there was none. Strategies never see a `Market` while they decide, only [`History`], which ends
//! at the current bar.

/// One bar; prices in quote units for one unit of base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Epoch milliseconds (UTC) at which the bar opened.
    pub open_time: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

/// Forecast of the next return as its 10 %, 50 % and 90 % quantiles, fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    /// 10 % quantile.
    pub q10: f64,
    /// Median.
    pub q50: f64,
    /// 90 % quantile.
    pub q90: f64,
}

impl Quantiles {
    /// Whether the quantiles are out of order, so that they describe no distribution.
    #[must_use]
    pub fn cross(&self) -> bool {
        self.q10 > self.q50 || self.q50 > self.q90
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// A signal column: what it holds, and its name in files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Column {
            $($(#[$doc])* $variant,)*
        }

        impl Column {
            /// Every column, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The column's name in files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

columns! {
    /// 10 % quantile of the forecast return, a fraction.
    Q10 = "q10",
    /// Median of the forecast return, a fraction.
    Q50 = "q50",
    /// 90 % quantile of the forecast return, a fraction.
    Q90 = "q90",
    /// Forecast probability that the return is positive.
    ProbUp = "prob_up",
    /// Standard deviation of recent log returns, per bar.
    VolRaw = "vol_raw",
    /// Variance of recent log returns, per bar.
    VolRisk = "vol_risk",
    /// The producer's own threshold on the absolute median, a fraction.
    SignalThresh = "signal_thresh",
    /// The producer's side: 1 long, 0 short, -1 hold.
    Side = "side",
    /// The producer's position: share of equity to hold, from -1 (short with all of it) to 1.
    Position = "position",
    /// The column that the user named for single-signal strategies.
    Value = "value",
    /// Units of base that were traded in the bar.
    Volume = "volume",
}

/// The signal columns of a market. A column that the source does not have is `None`; a row that it does not have is
/// `NaN`, which [`History::signal`] turns into `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signals<'a> {
    columns: [Option<&'a [f64]>; Column::ALL.len()],
}

/// Bars and signals of one instrument, row-aligned.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// Epoch milliseconds (UTC) at which each bar opens, strictly ascending.
    pub open_time: &'a [i64],
    /// First price of each bar.
    pub open: &'a [f64],
    /// Highest price of each bar.
    pub high: &'a [f64],
    /// Lowest price of each bar.
    pub low: &'a [f64],
    /// Last price of each bar.
    pub close: &'a [f64],
    /// Forecasts available at the close of each bar.
    pub signals: Signals<'a>,
    /// Nominal distance between two bars in milliseconds.
    pub interval_ms: i64,
    /// First row that is traded; the rows before it are history, from which percentiles and volatilities may warm up.
    pub first: usize,
}

impl<'a> Market<'a> {
    /// Number of rows, history included.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.close.len()
    }

    /// Whether there is no row at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.close.is_empty()
    }

    /// The bar in row `t`.
    #[must_use]
    #[inline]
    pub fn bar(&self, t: usize) -> Bar {
        Bar {
            open_time: self.open_time[t],
            open: self.open[t],
            high: self.high[t],
            low: self.low[t],
            close: self.close[t],
        }
    }

    /// The same market as it was known at the close of row `len - 1`: everything after is cut off.
    #[must_use]
    #[inline(always)]
    pub fn prefix(&self, len: usize) -> Market<'a> {
        Market {
            open_time: &self.open_time[..len],
            open: &self.open[..len],
            high: &self.high[..len],
            low: &self.low[..len],
            close: &self.close[..len],
            signals: self.signals.map(|_, column| &column[..len]),
            interval_ms: self.interval_ms,
            first: self.first.min(len),
        }
    }

    /// What is known at the close of the bar in row `t`.
    #[must_use]
    #[inline]
    pub fn history(&self, t: usize) -> History<'_> {
        History { market: self, t }
    }
}

impl<'a> Signals<'a> {
    /// These columns and `values` as `column`.
    #[must_use]
    pub fn with(mut self, column: Column, values: &'a [f64]) -> Self {
        self.columns[column as usize] = Some(values);
        self
    }

    /// The values of `column`, a row a bar.
    #[must_use]
    #[inline]
    pub fn get(&self, column: Column) -> Option<&'a [f64]> {
        self.columns[column as usize]
    }

    /// Whether the source has this column.
    #[must_use]
    #[inline]
    pub fn has(&self, column: Column) -> bool {
        self.get(column).is_some()
    }

    /// These columns alone, of those that are there.
    #[must_use]
    pub fn only(&self, columns: &[Column]) -> Self {
        let there = columns.iter().filter_map(|&column| Some((column, self.get(column)?)));
        there.fold(Self::default(), |all, (column, values)| all.with(column, values))
    }

    /// The columns that are there, in the order of [`Column::ALL`].
    pub fn present(&self) -> impl Iterator<Item = (Column, &'a [f64])> {
        Column::ALL.iter().filter_map(|&column| Some((column, self.get(column)?)))
    }

    /// Other values in the place of every column that is there.
    #[must_use]
    #[inline(always)]
    pub fn map<'b>(&self, f: impl Fn(Column, &'a [f64]) -> &'b [f64]) -> Signals<'b> {
        let mut mapped = Signals::default();
        for &column in Column::ALL {
            mapped.columns[column as usize] = self.get(column).map(|values| f(column, values));
        }
        mapped
    }
}

/// The market up to and including the bar that has just closed; nothing later can be reached through it.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    market: &'a Market<'a>,
    t: usize,
}

impl<'a> History<'a> {
    /// Row of the bar that has just closed.
    #[must_use]
    #[inline]
    pub fn row(&self) -> usize {
        self.t
    }

    /// The bar that has just closed.
    #[must_use]
    #[inline]
    pub fn bar(&self) -> Bar {
        self.market.bar(self.t)
    }

    /// Moment of the decision: the close of the present bar, epoch milliseconds.
    #[must_use]
    #[inline]
    pub fn now(&self) -> i64 {
        self.market.open_time[self.t] + self.market.interval_ms
    }

    /// Closing prices, oldest first, the present bar last.
    #[must_use]
    #[inline]
    pub fn closes(&self) -> &'a [f64] {
        &self.market.close[..=self.t]
    }

    /// Highest prices, oldest first, the present bar last.
    #[must_use]
    #[inline]
    pub fn highs(&self) -> &'a [f64] {
        &self.market.high[..=self.t]
    }

    /// Lowest prices, oldest first, the present bar last.
    #[must_use]
    #[inline]
    pub fn lows(&self) -> &'a [f64] {
        &self.market.low[..=self.t]
    }

    /// Whether the source has this signal column at all.
    #[must_use]
    #[inline]
    pub fn has(&self, column: Column) -> bool {
        self.market.signals.has(column)
    }

    /// The signal of the present bar, where there is one.
    #[must_use]
    #[inline]
    pub fn signal(&self, column: Column) -> Option<f64> {
        self.market.signals.get(column).map(|values| values[self.t]).filter(|value| !value.is_nan())
    }

    /// The values of a signal, oldest first, the present bar last; `NaN` where one is missing.
    #[must_use]
    #[inline]
    pub fn signals(&self, column: Column) -> Option<&'a [f64]> {
        self.market.signals.get(column).map(|values| &values[..=self.t])
    }

    /// The forecast quantiles of the present bar, where all three are there.
    #[must_use]
    #[inline]
    pub fn quantiles(&self) -> Option<Quantiles> {
        let [q10, q50, q90] = [Column::Q10, Column::Q50, Column::Q90].map(|column| self.signal(column));
        Some(Quantiles { q10: q10?, q50: q50?, q90: q90? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(close: &[f64]) -> Market<'_> {
        Market {
            open_time: &[0, 60_000, 120_000],
            open: close,
            high: close,
            low: close,
            close,
            signals: Signals::default()
                .with(Column::Q50, &[0.1, f64::NAN, 0.3])
                .with(Column::Value, &[1.0, f64::NAN, 3.0]),
            interval_ms: 60_000,
            first: 0,
        }
    }

    #[test]
    fn what_is_known_ends_at_the_present_bar() {
        let m = market(&[1.0, 2.0, 3.0]);
        let history = m.history(1);
        assert_eq!(history.closes(), [1.0, 2.0]);
        assert_eq!(history.now(), 120_000);
    }

    #[test]
    fn a_missing_row_is_none_and_not_zero() {
        let m = market(&[1.0, 2.0, 3.0]);
        assert_eq!(m.history(0).signal(Column::Value), Some(1.0));
        assert_eq!(m.history(1).signal(Column::Value), None);
        assert_eq!(m.history(0).quantiles(), None, "two of the three quantiles are not in the source");
    }

    #[test]
    fn a_prefix_has_no_later_row() {
        let m = market(&[1.0, 2.0, 3.0]);
        let cut = m.prefix(2);
        assert_eq!(cut.len(), 2);
        assert_eq!(cut.signals.get(Column::Q50).map(<[f64]>::len), Some(2));
    }

    #[test]
    fn quantiles_out_of_order_cross() {
        assert!(Quantiles { q10: 0.1, q50: 0.0, q90: 0.2 }.cross());
        assert!(!Quantiles { q10: 0.0, q50: 0.0, q90: 0.2 }.cross());
    }
}
