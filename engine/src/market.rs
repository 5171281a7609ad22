//! What is known about a market: bars and the forecasts that belong to them, as columns.
//!
//! A [`Market`] owns nothing; every column is a slice of the same length, one row a bar, ascending in time. A bar is
//! known at its close. Signals are already joined: row `t` of a signal column is what was available at the close of
//! bar `t`, and `NaN` where nothing was. Strategies never see a `Market` while they decide, only [`Known`], which
//! ends at the present bar.

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

/// The signal columns of a market. A column that the source does not have is `None`; a row that it does not have is
/// `NaN`, which the accessors of [`Known`] turn into `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signals<'a> {
    /// 10 % quantile of the forecast return, a fraction.
    pub q10: Option<&'a [f64]>,
    /// Median of the forecast return, a fraction.
    pub q50: Option<&'a [f64]>,
    /// 90 % quantile of the forecast return, a fraction.
    pub q90: Option<&'a [f64]>,
    /// Forecast probability that the return is positive.
    pub prob_up: Option<&'a [f64]>,
    /// Standard deviation of recent log returns, per bar.
    pub vol_raw: Option<&'a [f64]>,
    /// Variance of recent log returns, per bar.
    pub vol_risk: Option<&'a [f64]>,
    /// The producer's own threshold on the absolute median, a fraction.
    pub signal_thresh: Option<&'a [f64]>,
    /// The producer's side: 1 long, 0 short, -1 hold.
    pub side: Option<&'a [f64]>,
    /// The producer's position: share of equity to hold, from -1 (short with all of it) to 1.
    pub position: Option<&'a [f64]>,
    /// The column that the user named for single-signal strategies.
    pub value: Option<&'a [f64]>,
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
    #[inline]
    pub fn prefix(&self, len: usize) -> Market<'a> {
        let cut = |column: Option<&'a [f64]>| column.map(|c| &c[..len]);
        Market {
            open_time: &self.open_time[..len],
            open: &self.open[..len],
            high: &self.high[..len],
            low: &self.low[..len],
            close: &self.close[..len],
            signals: self.signals.map(cut),
            interval_ms: self.interval_ms,
            first: self.first.min(len),
        }
    }

    /// What is known at the close of bar `t`.
    #[must_use]
    #[inline]
    pub fn known(&self, t: usize) -> Known<'_> {
        Known { market: self, t }
    }
}

impl<'a> Signals<'a> {
    /// Applies `f` to every column.
    #[must_use]
    #[inline]
    pub fn map(self, f: impl Fn(Option<&'a [f64]>) -> Option<&'a [f64]>) -> Self {
        Self {
            q10: f(self.q10),
            q50: f(self.q50),
            q90: f(self.q90),
            prob_up: f(self.prob_up),
            vol_raw: f(self.vol_raw),
            vol_risk: f(self.vol_risk),
            signal_thresh: f(self.signal_thresh),
            side: f(self.side),
            position: f(self.position),
            value: f(self.value),
        }
    }
}

/// The market up to and including the bar that has just closed; nothing later can be reached through it.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    market: &'a Market<'a>,
    t: usize,
}

impl<'a> Known<'a> {
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

    /// The forecast quantiles, where all three are there.
    #[must_use]
    #[inline]
    pub fn quantiles(&self) -> Option<Quantiles> {
        let s = &self.market.signals;
        Some(Quantiles { q10: self.at(s.q10)?, q50: self.at(s.q50)?, q90: self.at(s.q90)? })
    }

    /// The producer's probability of a positive return, where there is one.
    #[must_use]
    pub fn prob_up(&self) -> Option<f64> {
        self.at(self.market.signals.prob_up)
    }

    /// The producer's threshold on the absolute median, where there is one.
    #[must_use]
    pub fn signal_thresh(&self) -> Option<f64> {
        self.at(self.market.signals.signal_thresh)
    }

    /// The producer's side code (1 long, 0 short, -1 hold), where there is one.
    #[must_use]
    #[inline]
    pub fn side(&self) -> Option<f64> {
        self.at(self.market.signals.side)
    }

    /// The producer's position (share of equity, negative when short), where there is one.
    #[must_use]
    #[inline]
    pub fn position(&self) -> Option<f64> {
        self.at(self.market.signals.position)
    }

    /// Whether the producer has a column of positions.
    #[must_use]
    #[inline]
    pub fn has_positions(&self) -> bool {
        self.market.signals.position.is_some()
    }

    /// The user's named signal, where there is one.
    #[must_use]
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.at(self.market.signals.value)
    }

    #[inline]
    fn at(&self, column: Option<&[f64]>) -> Option<f64> {
        column.map(|c| c[self.t]).filter(|v| !v.is_nan())
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
            signals: Signals {
                q50: Some(&[0.1, f64::NAN, 0.3]),
                value: Some(&[1.0, f64::NAN, 3.0]),
                ..Signals::default()
            },
            interval_ms: 60_000,
            first: 0,
        }
    }

    #[test]
    fn what_is_known_ends_at_the_present_bar() {
        let m = market(&[1.0, 2.0, 3.0]);
        let known = m.known(1);
        assert_eq!(known.closes(), [1.0, 2.0]);
        assert_eq!(known.now(), 120_000);
    }

    #[test]
    fn a_missing_row_is_none_and_not_zero() {
        let m = market(&[1.0, 2.0, 3.0]);
        assert_eq!(m.known(0).value(), Some(1.0));
        assert_eq!(m.known(1).value(), None);
        assert_eq!(m.known(0).quantiles(), None, "two of the three quantiles are not in the source");
    }

    #[test]
    fn a_prefix_has_no_later_row() {
        let m = market(&[1.0, 2.0, 3.0]);
        let cut = m.prefix(2);
        assert_eq!(cut.len(), 2);
        assert_eq!(cut.signals.q50.map(<[f64]>::len), Some(2));
    }

    #[test]
    fn quantiles_out_of_order_cross() {
        assert!(Quantiles { q10: 0.1, q50: 0.0, q90: 0.2 }.cross());
        assert!(!Quantiles { q10: 0.0, q50: 0.0, q90: 0.2 }.cross());
    }
}
