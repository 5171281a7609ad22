use q50_datasets::{
    time::rfc3339,
    trades::{RecordedTrade, TradeSide},
};
use serde::Serialize;

use super::{Ledger, pricing::Pricing};

/// Relative distance up to which a recorded amount follows from others: ledgers print their figures with ten digits
/// or with cents.
const FOLLOWS: f64 = 1e-6;
/// Share of equity by which a cap may be passed without being reported: what rounding of quantities does.
const OVER: f64 = 1e-9;

/// What could not have happened, or not as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// A trade at a time at which no bar is open.
    UnknownBar,
    /// A price that its bar never saw: below the low or above the high.
    PriceOutsideBar,
    /// A price that exists only after the move that the trade's signal forecasts.
    FillAfterMove,
    /// A buy that leaves less than no cash.
    Overspent,
    /// A position worth a larger share of equity than the cap.
    ExposureOverCap,
    /// A balance or position that does not follow from the trade before.
    BalanceMismatch,
}

impl ViolationKind {
    /// The name in a report, as it is serialised.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownBar => "unknown_bar",
            Self::PriceOutsideBar => "price_outside_bar",
            Self::FillAfterMove => "fill_after_move",
            Self::Overspent => "overspent",
            Self::ExposureOverCap => "exposure_over_cap",
            Self::BalanceMismatch => "balance_mismatch",
        }
    }
}

/// All trades of one run that break one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// The rule.
    pub kind: ViolationKind,
    /// How many trades break it.
    pub count: usize,
    /// Time of the first of them, RFC 3339.
    pub first: String,
    /// The first of them in figures, and what the rule was where the ledger does not say.
    pub detail: String,
}

/// Holds every trade against every rule.
pub(super) fn find(ledger: &Ledger<'_>, pricing: &Pricing, cap: Option<f64>) -> Vec<Violation> {
    [
        unknown_bar(ledger),
        price_outside_bar(ledger, pricing),
        fill_after_move(ledger, pricing),
        overspent(ledger),
        exposure_over_cap(ledger, cap),
        balance_mismatch(ledger),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The violation that `broken` trades are, in order of time; none where there is none. `tell` words the first.
fn violation<T>(
    ledger: &Ledger<'_>,
    kind: ViolationKind,
    broken: &[(usize, T)],
    tell: impl FnOnce(&RecordedTrade, &T) -> String,
) -> Option<Violation> {
    let (trade, what) = broken.first()?;
    let first = ledger.trades[*trade];
    Some(Violation { kind, count: broken.len(), first: rfc3339(first.ts_ms), detail: tell(first, what) })
}

fn unknown_bar(ledger: &Ledger<'_>) -> Option<Violation> {
    let broken: Vec<_> =
        ledger.rows.iter().enumerate().filter(|(_, row)| row.is_none()).map(|(trade, _)| (trade, ())).collect();
    violation(ledger, ViolationKind::UnknownBar, &broken, |trade, ()| {
        format!(
            "no bar is open at {}; its price and its exposure cannot be checked against the market",
            rfc3339(trade.ts_ms)
        )
    })
}

/// Recorded prices against the range of the bar that they claim to be from.
fn price_outside_bar(ledger: &Ledger<'_>, pricing: &Pricing) -> Option<Violation> {
    let mut broken = Vec::new();
    for (at, (trade, row)) in ledger.trades.iter().zip(&ledger.rows).enumerate() {
        let Some(row) = row.map(|row| row + pricing.shift()) else { continue };
        let (low, high) = (pricing.scaled(ledger.bars.low[row]), pricing.scaled(ledger.bars.high[row]));
        let tolerance = pricing.tolerance(trade.price);
        // Not the opposite question, so that a price that is no number is a violation as well.
        let inside = trade.price >= low - tolerance && trade.price <= high + tolerance;
        if !inside {
            broken.push((at, (row, low, high)));
        }
    }
    let most = 2 * broken.len() > ledger.trades.len();
    violation(ledger, ViolationKind::PriceOutsideBar, &broken, |trade, (row, low, high)| {
        let mut text = format!(
            "recorded {}, while the bar at {} went from {low} to {high}",
            trade.price,
            rfc3339(ledger.bars.open_time[*row])
        );
        if most {
            text += "; so are most prices: check that the bars are of this market and the price shift is this ledger's";
        }
        text
    })
}

/// Recorded prices that are the close some bars after the trade's own.
///
/// Asked only of a ledger that is on such a scale as a whole: single prices agree with any close by chance.
fn fill_after_move(ledger: &Ledger<'_>, pricing: &Pricing) -> Option<Violation> {
    pricing.anchor()?;
    let mut broken = Vec::new();
    for (at, (trade, row)) in ledger.trades.iter().zip(&ledger.rows).enumerate() {
        let Some(row) = *row else { continue };
        if (trade.price - pricing.mark(ledger.bars, row)).abs() <= pricing.tolerance(trade.price) {
            broken.push((at, row));
        }
    }
    let (count, of, shift) = (broken.len(), ledger.trades.len(), pricing.shift());
    violation(ledger, ViolationKind::FillAfterMove, &broken, |trade, row| {
        format!(
            "stamped {}, but its price {} is the close of the bar at {}, {shift} bars later, rescaled: no order of that \
             time could have had it, and the move that its signal forecast was over; {count} of {of} trades",
            rfc3339(trade.ts_ms),
            trade.price,
            rfc3339(ledger.bars.open_time[row + shift])
        )
    })
}

/// Buys after which there is less than no cash. Covering a short counts: what does not cover it was never there.
fn overspent(ledger: &Ledger<'_>) -> Option<Violation> {
    let broken: Vec<_> = ledger
        .trades
        .iter()
        .enumerate()
        .filter(|(_, trade)| {
            trade.side == TradeSide::Buy && trade.balance_after < -OVER * (trade.quantity * trade.price).abs()
        })
        .map(|(at, trade)| (at, trade.balance_after))
        .collect();
    violation(ledger, ViolationKind::Overspent, &broken, |trade, balance| {
        format!("buying {} at {} leaves a balance of {balance}", trade.quantity, trade.price)
    })
}

/// Equity just before the costs of a trade, at its price; what an order is sized by.
fn equity_before_costs(trade: &RecordedTrade) -> f64 {
    trade.balance_after + trade.position_after * trade.price + trade.fee_cost + trade.slippage_cost
}

/// `units` at the trade's price as a share of equity, without sign; infinite where there is no equity.
fn share(trade: &RecordedTrade, units: f64) -> f64 {
    let equity = equity_before_costs(trade);
    match units.abs() * trade.price {
        0.0 => 0.0,
        worth if equity > 0.0 => worth / equity,
        _ => f64::INFINITY,
    }
}

/// Units by which a trade made the position larger; through zero, what it opened on the other side.
fn opened(trade: &RecordedTrade) -> f64 {
    let (before, after) = (trade.position_before, trade.position_after);
    if before * after < 0.0 { after.abs() } else { (after.abs() - before.abs()).max(0.0) }
}

/// Positions over the cap. Both are shares of equity before the trade's costs, as orders are sized.
fn exposure_over_cap(ledger: &Ledger<'_>, given: Option<f64>) -> Option<Violation> {
    // A ledger does not record its cap. The largest share that one order opened was allowed by it, and is the whole
    // of what a cap that holds for the position, not the order, would ever have let stand.
    let largest_order = ledger.trades.iter().map(|trade| share(trade, opened(trade))).filter(|s| s.is_finite());
    let cap = given.unwrap_or_else(|| largest_order.fold(0.0, f64::max));
    let broken: Vec<(usize, f64)> = ledger
        .trades
        .iter()
        .enumerate()
        .map(|(at, trade)| (at, share(trade, trade.position_after)))
        .filter(|(_, share)| *share > cap + OVER)
        .collect();
    let &(worst_at, worst) = broken.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let worst_time = rfc3339(ledger.trades[worst_at].ts_ms);
    violation(ledger, ViolationKind::ExposureOverCap, &broken, |_, share| {
        let source = match given {
            Some(_) => "the cap that was given",
            None => {
                "the largest share that a single order of this ledger opened, because a ledger does not record its cap"
            }
        };
        format!(
            "a position worth {share:.4} of equity, the largest {worst:.4} at {worst_time}, against {cap:.4}, {source}: a \
             cap on each order does not hold for orders that pile up"
        )
    })
}

/// Cash and units.
#[derive(Clone, Copy, Debug)]
struct Holding {
    balance: f64,
    position: f64,
}

impl Holding {
    /// What a trade makes of it.
    fn after(self, trade: &RecordedTrade) -> Self {
        let bought = match trade.side {
            TradeSide::Buy => trade.quantity,
            TradeSide::Sell => -trade.quantity,
        };
        Self {
            balance: self.balance - bought * trade.price - trade.fee_cost - trade.slippage_cost,
            position: self.position + bought,
        }
    }

    fn recorded_after(trade: &RecordedTrade) -> Self {
        Self { balance: trade.balance_after, position: trade.position_after }
    }
}

/// The first figure of a trade that does not follow from what was held before: its name, recorded, expected.
type Mismatch = (&'static str, f64, f64);

fn mismatch(held: Holding, trade: &RecordedTrade) -> Option<Mismatch> {
    let expected = held.after(trade);
    let units = held.position.abs().max(trade.quantity.abs());
    let money = held.balance.abs().max((trade.quantity * trade.price).abs());
    [
        ("position_before", trade.position_before, held.position, units),
        ("position_after", trade.position_after, expected.position, units),
        ("balance_after", trade.balance_after, expected.balance, money),
    ]
    .into_iter()
    .find(|(_, recorded, expected, scale)| {
        let follows = (recorded - expected).abs() <= FOLLOWS * scale;
        // Not `>`, so that a figure that is no number does not follow either.
        !follows
    })
    .map(|(name, recorded, expected, _)| (name, recorded, expected))
}

/// Each trade must follow from the one before, or from what that one should have left: so that one wrong figure is
/// told once, and not again at the next trade.
fn balance_mismatch(ledger: &Ledger<'_>) -> Option<Violation> {
    let start = Holding { balance: ledger.cash, position: 0.0 };
    let (mut recorded, mut carried) = (start, start);
    let mut broken = Vec::new();
    for (at, trade) in ledger.trades.iter().enumerate() {
        match (mismatch(recorded, trade), mismatch(carried, trade)) {
            (None, _) | (_, None) => carried = Holding::recorded_after(trade),
            (Some(what), Some(_)) => {
                broken.push((at, what));
                carried = recorded.after(trade);
            }
        }
        recorded = Holding::recorded_after(trade);
    }
    violation(ledger, ViolationKind::BalanceMismatch, &broken, |_, (name, recorded, expected)| {
        format!(
            "{name} is {recorded}, while {expected} follows from the trade before; a trade is missing or a figure wrong"
        )
    })
}

/// The cash that the first balance needs, where it is not what the caller says.
///
/// Only where the rest of the ledger stands by that balance: otherwise it is the balance that is wrong.
pub(super) fn cash_that_fits(ledger: &Ledger<'_>) -> Option<f64> {
    let (first, rest) = ledger.trades.split_first()?;
    let start = Holding { balance: ledger.cash, position: 0.0 };
    let ("balance_after", recorded, expected) = mismatch(start, first)? else { return None };
    let stands = rest.first().is_none_or(|second| mismatch(Holding::recorded_after(first), second).is_none());
    (stands && recorded.is_finite()).then_some(ledger.cash + recorded - expected)
}
