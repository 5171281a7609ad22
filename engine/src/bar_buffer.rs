//! Bars and signals that a host keeps itself, growing one bar at a time.

use crate::market::{Bar, Column, Market, Signals};

/// The columns of one instrument, owned. [`BarBuffer::market`] is what has been pushed so far: a strategy that is driven
/// from it cannot be shown a bar that has not come.
#[derive(Clone, Debug, PartialEq)]
pub struct BarBuffer {
    open_time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    signals: Vec<(Column, Vec<f64>)>,
    interval_ms: i64,
    first: usize,
}

impl BarBuffer {
    /// No bar yet, for bars of `interval_ms` with these signal columns; the first `first` bars will be history.
    #[must_use]
    pub fn new(interval_ms: i64, signals: &[Column], first: usize) -> Self {
        Self {
            open_time: Vec::new(),
            open: Vec::new(),
            high: Vec::new(),
            low: Vec::new(),
            close: Vec::new(),
            signals: signals.iter().map(|&column| (column, Vec::new())).collect(),
            interval_ms,
            first,
        }
    }

    /// A copy of `market`.
    #[must_use]
    pub fn of(market: &Market<'_>) -> Self {
        Self {
            open_time: market.open_time.to_vec(),
            open: market.open.to_vec(),
            high: market.high.to_vec(),
            low: market.low.to_vec(),
            close: market.close.to_vec(),
            signals: market.signals.present().map(|(column, values)| (column, values.to_vec())).collect(),
            interval_ms: market.interval_ms,
            first: market.first,
        }
    }

    /// Adds a bar that has closed, with its signals; `NaN` is none.
    pub fn push(&mut self, bar: &Bar, signal: impl Fn(Column) -> f64) {
        self.open_time.push(bar.open_time);
        self.open.push(bar.open);
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        for (column, values) in &mut self.signals {
            values.push(signal(*column));
        }
    }

    /// What is there.
    #[must_use]
    pub fn market(&self) -> Market<'_> {
        let signals = self.signals.iter().fold(Signals::default(), |all, (column, values)| all.with(*column, values));
        Market {
            open_time: &self.open_time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals,
            interval_ms: self.interval_ms,
            first: self.first.min(self.close.len()),
        }
    }
}
