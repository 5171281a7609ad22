//! What a published trade ledger really earned, and which of its trades could not have happened.
//!
//! The audit trusts only two columns, the balance and the position after each trade. It marks them at every bar and
//! computes the statistics from that curve. Then it compares every trade with the bars and with the trade before.
//!
//! # Conventions
//! * A trade stamped `t` belongs to the bar that is open at `t` and is marked at that bar's end.
//! * **Price of a bar.** With a shift of 0 its close. With a shift of N the close N bars later, rescaled so that the
//!   first bar of the run is 100: ledgers whose price was compounded from the forecast label are on that scale.
//! * **Equity** at a bar is the balance after its last trade plus position times price. Shorts are negative positions,
//!   and what their sale brought is in the balance.
//! * The trade that closes everything at the end (`BACKTEST_END`) is not a point of the curve, because publishers leave
//!   it out of theirs. It counts as a fill and is checked like any other.
//! * **Returns** run from close to close: n bars give n - 1. The Sharpe ratio divides by n - 1 of them and takes no
//!   risk-free rate. The total return starts at the cash, so that the costs of a trade in the first bar are in it.
//!
//! # Period
//! A ledger does not record when its run began: bars before the first trade and after the last leave no row, yet they
//! belong to the returns. If the caller gives no period it is inferred, see [`window`].

/// Marked equity and its statistics.
mod equity;
/// Why no audit could be made.
mod error;
/// Where fills lie against their bars.
mod placement;
/// Prices that a ledger was marked at.
mod pricing;
/// What could not have happened.
mod violations;
/// From which bar to which.
pub mod window;

use std::collections::BTreeSet;

use q50_datasets::{Bars, time::rfc3339, trades::RecordedTrade};
use q50_engine::units::{AnnualSharpe, PeriodsPerYear};
use serde::Serialize;

pub use equity::EquityPoint;
pub use error::AuditError;
pub use placement::{PlacedFill, Placement};
pub use violations::{Violation, ViolationKind};
pub use window::WindowSource;

use crate::metrics::Undefined;
use pricing::Pricing;

/// The signal of the trade that closes everything when a published run ends.
const BACKTEST_END: &str = "BACKTEST_END";

/// What is to be audited, and by which conventions.
#[derive(Clone, Copy, Debug)]
pub struct AuditRequest<'a> {
    /// Name of the run.
    pub run: &'a str,
    /// Recorded trades in order of time. Those of other runs are left out; those without a run count as this one's.
    pub trades: &'a [RecordedTrade],
    /// Bars of the instrument, long enough for the shift.
    pub bars: &'a Bars,
    /// Cash before the first trade, quote units.
    pub cash: f64,
    /// How many bars after its time a trade takes its price: 0 where it fills at its own bar's close.
    pub price_shift: usize,
    /// Largest share of equity that a position may be worth; without it the largest that one order opened.
    pub cap: Option<f64>,
    /// First bar, epoch milliseconds of its opening, inclusive; without it, inferred.
    pub from: Option<i64>,
    /// Last bar, epoch milliseconds of its opening, inclusive; without it, inferred.
    pub to: Option<i64>,
    /// Bars that make a year: 8,760 for hourly ones.
    pub periods_per_year: PeriodsPerYear,
}

/// What the ledger says when it is worked through.
///
/// Serialises to `run, fills, bars, from, to, total_return, sharpe, max_drawdown, violations`, a statistic without a
/// value as null. Why it has none, where the period came from, and the curve, stay out of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerAudit {
    /// Name of the run.
    pub run: String,
    /// Recorded trades, the closing one included.
    pub fills: usize,
    /// Bars of the period, the points of the curve.
    pub bars: usize,
    /// Opening of the first bar, RFC 3339.
    pub from: String,
    /// Opening of the last bar, RFC 3339.
    pub to: String,
    /// Growth from the starting equity to the last bar, as a fraction.
    pub total_return: Option<f64>,
    /// Annual Sharpe ratio of the returns between bars.
    pub sharpe: Option<f64>,
    /// Deepest fall between marked bars, a positive fraction of the peak.
    pub max_drawdown: Option<f64>,
    /// What could not have happened, one entry a kind, in the order of [`ViolationKind`].
    pub violations: Vec<Violation>,
    /// The statistics that have no value, and why.
    #[serde(skip)]
    pub undefined: Vec<(&'static str, Undefined)>,
    /// Where the first bar comes from.
    #[serde(skip)]
    pub window_source: WindowSource,
    /// The rebuilt curve, one point a bar of the period.
    #[serde(skip)]
    pub equity: Vec<EquityPoint>,
}

impl LedgerAudit {
    /// The entry of one kind, where there is one.
    #[must_use]
    pub fn violation(&self, kind: ViolationKind) -> Option<&Violation> {
        self.violations.iter().find(|violation| violation.kind == kind)
    }
}

/// The trades of one run beside the bars they fall on; what every check looks at.
#[derive(Debug)]
struct Ledger<'a> {
    trades: Vec<&'a RecordedTrade>,
    /// The bar of each trade; none where no bar was open at its time.
    rows: Vec<Option<usize>>,
    bars: &'a Bars,
    cash: f64,
}

/// Rebuilds the equity of a run from its recorded trades, computes the statistics and lists what could not have
/// happened.
///
/// Violations are looked for in all trades of the run; a period narrows the curve and the statistics only.
///
/// # Errors
/// [`AuditError`], where the request cannot be an audit of this ledger: no trade of the run, bars that do not hold
/// its period, cash that the first balance contradicts, a cap or a period without meaning.
pub fn audit(request: &AuditRequest<'_>) -> Result<LedgerAudit, AuditError> {
    let ledger = Ledger::of(request)?;
    let pricing = Pricing::of(&ledger, request)?;
    let window = window::choose(&ledger, &pricing, request.from, request.to)?;
    let pricing = pricing.settled(&ledger, &window);
    let curve = equity::rebuild(&ledger, &pricing, &window);
    let mut undefined = Vec::new();
    let mut value = |name, statistic: Result<f64, Undefined>| statistic.map_err(|why| undefined.push((name, why))).ok();
    let opened = |row: usize| rfc3339(request.bars.open_time[row]);
    Ok(LedgerAudit {
        run: request.run.to_owned(),
        fills: ledger.trades.len(),
        bars: curve.points.len(),
        from: opened(window.first),
        to: opened(window.last),
        total_return: value("total_return", curve.total_return()),
        sharpe: value("sharpe", curve.sharpe(request.periods_per_year).map(AnnualSharpe::get)),
        max_drawdown: value("max_drawdown", curve.max_drawdown()),
        violations: violations::find(&ledger, &pricing, request.cap),
        undefined,
        window_source: window.source,
        equity: curve.points,
    })
}

impl<'a> Ledger<'a> {
    fn of(request: &AuditRequest<'a>) -> Result<Self, AuditError> {
        let &AuditRequest { run, trades, bars, cash, cap, .. } = request;
        if !(cash.is_finite() && cash > 0.0) {
            return Err(AuditError::Cash { cash });
        }
        if let Some(cap) = cap.filter(|cap| !(cap.is_finite() && *cap > 0.0)) {
            return Err(AuditError::Cap { cap });
        }
        let own: Vec<&RecordedTrade> =
            trades.iter().filter(|trade| trade.run.as_deref().is_none_or(|name| name == run)).collect();
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            let runs: BTreeSet<String> = trades.iter().filter_map(|trade| trade.run.clone()).collect();
            return Err(AuditError::NoTrades { run: run.to_owned(), runs: runs.into_iter().collect() });
        };
        if let Some(at) = own.windows(2).position(|pair| pair[1].ts_ms < pair[0].ts_ms) {
            return Err(AuditError::OutOfOrder { trade: at + 2, time: own[at + 1].ts_ms, before: own[at].ts_ms });
        }
        let rows: Vec<Option<usize>> = own.iter().map(|trade| row_at(bars, trade.ts_ms)).collect();
        if rows.iter().all(Option::is_none) {
            return Err(AuditError::NoTradeOnBars {
                trades: (first.ts_ms, last.ts_ms),
                bars: bars.open_time.first().copied().zip(bars.open_time.last().copied()),
            });
        }
        let ledger = Self { trades: own, rows, bars, cash };
        match violations::cash_that_fits(&ledger) {
            Some(needed) => Err(AuditError::CashContradicted { cash, needed, time: ledger.trades[0].ts_ms }),
            None => Ok(ledger),
        }
    }

    /// The trades that shape the curve: all but the closing of everything at the end.
    fn marked_trades(&self) -> &[&'a RecordedTrade] {
        match self.trades.split_last() {
            Some((last, before)) if last.original_signal == BACKTEST_END => before,
            _ => &self.trades,
        }
    }
}

/// The bar that is open at `time`.
pub(crate) fn row_at(bars: &Bars, time: i64) -> Option<usize> {
    let row = bars.open_time.partition_point(|open| *open <= time).checked_sub(1)?;
    (time < bars.open_time[row].saturating_add(bars.interval_ms)).then_some(row)
}

#[cfg(test)]
mod tests;
