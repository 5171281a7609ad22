use q50_engine::units::{AnnualSharpe, PeriodsPerYear};

use super::{Ledger, pricing::Pricing, window::Window};
use crate::metrics::{self, Undefined};

/// Equity at one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EquityPoint {
    /// Opening of the bar, epoch milliseconds; the equity is that at its close.
    pub time: i64,
    /// Balance after the bar's last trade plus position times price, quote units. Negative where more was lost than
    /// there was.
    pub equity: f64,
}

/// The rebuilt curve and what it started from.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) points: Vec<EquityPoint>,
    /// Equity that the total return is measured from.
    opening: f64,
}

/// Marks the recorded balances and positions at every bar of the period.
pub(super) fn rebuild(ledger: &Ledger<'_>, pricing: &Pricing, window: &Window) -> Curve {
    let bars = ledger.bars;
    let trades = ledger.marked_trades();
    let mut points = Vec::with_capacity(window.last + 1 - window.first);
    let (mut balance, mut position, mut next) = (ledger.cash, 0.0, 0);
    for row in window.first..=window.last {
        // A trade that no bar was open for is in the balance from the next bar on.
        let end = bars.open_time[row].saturating_add(bars.interval_ms);
        while let Some(trade) = trades.get(next).filter(|trade| trade.ts_ms < end) {
            (balance, position, next) = (trade.balance_after, trade.position_after, next + 1);
        }
        points.push(EquityPoint { time: bars.open_time[row], equity: balance + position * pricing.mark(bars, row) });
    }
    let traded_before = trades.first().is_some_and(|trade| trade.ts_ms < bars.open_time[window.first]);
    let opening = if traded_before { points[0].equity } else { ledger.cash };
    Curve { points, opening }
}

impl Curve {
    /// Growth from the opening equity to the last bar.
    pub(super) fn total_return(&self) -> Result<f64, Undefined> {
        above_zero("starting equity", self.opening)?;
        let last = self.points[self.points.len() - 1].equity;
        metrics::total_return(&[last / self.opening - 1.0])
    }

    /// Sharpe ratio of the returns between bars, a year.
    pub(super) fn sharpe(&self, periods: PeriodsPerYear) -> Result<AnnualSharpe, Undefined> {
        let returns = self.points.windows(2).map(|pair| {
            // After ruin a return has the wrong sign or no value.
            above_zero("equity", pair[0].equity)?;
            Ok(pair[1].equity / pair[0].equity - 1.0)
        });
        metrics::sharpe(&returns.collect::<Result<Vec<f64>, Undefined>>()?, periods)
    }

    /// Deepest fall between marked bars, a positive fraction.
    pub(super) fn max_drawdown(&self) -> Result<f64, Undefined> {
        let equity: Vec<f64> = self.points.iter().map(|point| point.equity).collect();
        metrics::max_drawdown_of_equity(&equity).map(|drawdown| drawdown.depth)
    }
}

fn above_zero(name: &'static str, value: f64) -> Result<(), Undefined> {
    if value > 0.0 { Ok(()) } else { Err(Undefined::OutOfRange { name, value, wanted: "above zero" }) }
}
