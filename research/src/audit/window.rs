//! The bars that a run covers.
//!
//! Quiet bars count: a Sharpe ratio over the first to the last trade would leave out hours without a position and so
//! flatter a run that trades little. A ledger has no rows for them. The sources, from strongest to weakest:
//!
//! 1. **The caller's period.**
//! 2. **The scale of the prices.** In a shifted ledger the first bar is 100 by construction, so that every recorded
//!    price implies the close that was 100. The first bar is the nearest one, at or before the first trade, whose
//!    shifted close is that number. Compounding in float32 moves the number a little with every bar, so that the
//!    distance allowed grows from 1e-7 to 1e-5 and the tightest that any bar meets is taken. On hourly BTC, with the
//!    first trade three days after the first bar, that finds it in 99 of 100 draws, 1e-5 alone in 96; ten days after,
//!    98 and 93. A caller who knows the period should give it.
//! 3. **The calendar.** Runs over real prices carry no such mark. Published ones begin and end with whole UTC days
//!    (data sets are cut by date), so the day of the first trade is taken from 00:00.
//!
//! The end is the last bar of the UTC day of the last trade for all of them, because no price can tell it.

use super::{AuditError, Ledger, pricing::Pricing};

/// Milliseconds of a UTC day; epoch milliseconds know no leap seconds.
const DAY_MS: i64 = 86_400_000;
/// Relative distances between a bar's shifted close and the base, tried one after the other.
const CLOSENESS: [f64; 5] = [1e-7, 3e-7, 1e-6, 3e-6, LOOSEST];
/// The widest of them: 10,000 compounded float32 steps stay within it.
pub(super) const LOOSEST: f64 = 1e-5;

/// How the first bar of the period was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSource {
    /// The caller gave it.
    Given,
    /// The bar that is 100 on the scale of the recorded prices.
    Prices,
    /// The start of the UTC day of the first trade.
    Calendar,
}

/// Rows of the first and the last bar, both inclusive, both with a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) source: WindowSource,
}

/// Chooses the period; the module says how.
pub(super) fn choose(
    ledger: &Ledger<'_>,
    pricing: &Pricing,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<Window, AuditError> {
    let opens = &ledger.bars.open_time;
    let (first_trade, last_trade) = (ledger.trades[0].ts_ms, ledger.trades[ledger.trades.len() - 1].ts_ms);
    let (first, source) = match (from, first_by_prices(ledger, pricing)) {
        (Some(from), _) => (opens.partition_point(|open| *open < from), WindowSource::Given),
        (None, Some(row)) => (row, WindowSource::Prices),
        (None, None) => (opens.partition_point(|open| *open < day_of(first_trade)), WindowSource::Calendar),
    };
    let end = to.unwrap_or_else(|| day_of(last_trade).saturating_add(DAY_MS - 1));
    // Bars without a shifted close have no price; every trade has one, so that this cuts quiet bars only.
    let priced = opens.len() - pricing.shift();
    let after = opens.partition_point(|open| *open <= end).min(priced);
    if first >= after {
        return Err(AuditError::EmptyPeriod {
            from: from.unwrap_or_else(|| day_of(first_trade)),
            to: end,
            bars: (opens[0], opens[priced - 1]),
        });
    }
    Ok(Window { first, last: after - 1, source })
}

/// The nearest bar at or before the anchor trade whose shifted close is the base.
fn first_by_prices(ledger: &Ledger<'_>, pricing: &Pricing) -> Option<usize> {
    let (trade, base) = pricing.anchor()?;
    // The run cannot begin after its first trade, even where a later one is the anchor.
    let latest = ledger.rows.iter().flatten().next().copied()?.min(ledger.rows[trade]?);
    nearest_with_close(&ledger.bars.close, pricing.shift(), latest, base)
}

/// Whether some bar at or before the trade has `base` as its shifted close.
pub(super) fn is_close_before(ledger: &Ledger<'_>, shift: usize, trade: usize, base: f64) -> bool {
    ledger.rows[trade].is_some_and(|row| nearest_with_close(&ledger.bars.close, shift, row, base).is_some())
}

fn nearest_with_close(close: &[f64], shift: usize, latest: usize, base: f64) -> Option<usize> {
    CLOSENESS
        .iter()
        .find_map(|&within| (0..=latest).rev().find(|&row| (close[row + shift] / base - 1.0).abs() <= within))
}

/// 00:00 UTC of the day of `time`.
fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY_MS) * DAY_MS
}
