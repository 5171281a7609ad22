//! The equity curve alone, for tests that need a return of every bar and nothing else.

use super::Recorder;
use crate::{decision::Decision, orders::Event, strategy::Explanation};

/// Equity at each close, quote units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EquityCurve {
    /// One value a bar.
    pub equity: Vec<f64>,
    /// Orders filled.
    pub fills: usize,
}

impl EquityCurve {
    /// Returns from one close to the next: one fewer than there are bars.
    #[must_use]
    pub fn returns(&self) -> Vec<f64> {
        self.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
    }
}

impl Recorder for EquityCurve {
    const EVERY_BAR: bool = false;

    fn begin(&mut self, _: f64, bars: usize) {
        self.equity.clear();
        self.equity.reserve_exact(bars);
        self.fills = 0;
    }

    fn decision(&mut self, _: usize, _: &Decision, _: Option<Explanation>) {}

    fn event(&mut self, event: &Event) {
        self.fills += usize::from(event.fill().is_some());
    }

    #[inline]
    fn mark(&mut self, _: usize, equity: f64, _: f64) {
        self.equity.push(equity);
    }
}
