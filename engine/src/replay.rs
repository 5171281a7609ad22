//! THE loop: every backtest, sweep set, walk-forward window and validation runs through it.

use crate::{
    decision::{Budget, Decision, Order, Reason},
    ledger::Account,
    market::Market,
    record::Recorder,
    strategy::Strategy,
    venue::{FillTiming, Rejection, Touch, Trade, Venue},
};

/// Replays `market` from its first traded row through `strategy` and `venue`, starting with `capital` quote units, and
/// returns the books.
///
/// At each bar: an order that lands in it is filled at its open, the last price that is known then (without latency that
/// is the order of the last bar), and is stamped with the moment of its landing; one that lands between two bars waits
/// for the next to open. Resting exits are filled inside the bar, at a moment that a bar does not tell: they are stamped
/// with its open, or with the opening of the position where that came later. The strategy is shown the bar and
/// decides at its close, from that bar and those before it; the account is marked at the close. With the legacy
/// timing `SameClose` the order is filled at the very close that it was decided from. An order of the last bar finds no
/// next open and is recorded as rejected, and so is an order that is sent while another is on its way.
///
/// The rows before the first traded one are history: the strategy is shown them and not asked.
///
/// Bars at which the strategy is certain to hold are skipped in one go, where the recorder does not ask for each: a flat
/// account is worth the same at all of them, and a position is worth `cash + units x price`.
///
/// Generic over everything, so that with [`crate::record::Summary`] it is one loop without allocation or indirection.
///
/// ```
/// use q50_engine::{
///     market::{Market, Signals}, record::Summary, replay::replay, strategy::hold::BuyAndHold, units::Fraction,
///     venue::NextOpen,
/// };
///
/// let (time, price) = ([0, 1, 2], [100.0, 100.0, 110.0]);
/// let market = Market {
///     open_time: &time, open: &price, high: &price, low: &price, close: &price,
///     signals: Signals::default(), interval_ms: 1, first: 0,
/// };
/// let mut summary = Summary::default();
/// replay(&market, &mut BuyAndHold, &mut NextOpen::new(Fraction::ZERO), 1_000.0, &mut summary);
/// assert_eq!(summary.final_equity, 1_100.0); // bought at the open of the second bar
/// ```
pub fn replay<S: Strategy + ?Sized, V: Venue, R: Recorder>(
    market: &Market<'_>,
    strategy: &mut S,
    venue: &mut V,
    capital: f64,
    recorder: &mut R,
) -> V::Ledger {
    // Columns of one stated length, so that no row of them is checked again.
    let market = &market.prefix(market.len());
    let mut ledger = venue.open_account(capital);
    let (timing, latency) = (venue.timing(), venue.latency_ms());
    let mut pending: Option<Pending> = None;
    recorder.begin(capital);
    strategy.observe_rows(market, 0..market.first);
    let mut t = market.first;
    while t < market.len() {
        let mut marked = false;
        if !R::EVERY_BAR
            && pending.is_none()
            && let Some(line) = venue.line(&ledger)
        {
            let marks = &venue.marks(market)[..market.len()];
            let quiet = strategy.quiet_rows(market, marks, line, t);
            // The bar at which the strategy acts is worth the same, because its order is filled later.
            marked = quiet > 0 && t + quiet < market.len() && timing == FillTiming::NextOpen;
            recorder.stretch(t, line, &marks[t..t + quiet + usize::from(marked)]);
            t += quiet;
            if t == market.len() {
                break;
            }
        }
        let bar = market.bar(t);
        if let Some(order) = pending.take_if(|order| order.lands < bar.open_time + market.interval_ms) {
            let time = order.lands.max(bar.open_time);
            let touch = Touch { row: t, time, price: bar.open, decided_row: order.row };
            match venue.execute(order.trade, touch, &mut ledger) {
                Ok(fill) => recorder.fill(&fill, order.reason),
                Err(rejection) => recorder.rejection(order.row, rejection),
            }
        }
        let mut account = venue.account(&bar, t, &ledger);
        if account.position != 0.0
            && let Some((price, reason)) = strategy.resting(&account).hit(&bar)
        {
            let trade = if account.position > 0.0 { Trade::SellShare(1.0) } else { Trade::CoverShare(1.0) };
            let time = account.opened_at.map_or(bar.open_time, |opened| opened.max(bar.open_time));
            let touch = Touch { row: t, time, price, decided_row: t };
            match venue.execute(trade, touch, &mut ledger) {
                Ok(fill) => recorder.fill(&fill, reason),
                Err(rejection) => recorder.rejection(t, rejection),
            }
            account = venue.account(&bar, t, &ledger);
        }
        let history = market.history(t);
        strategy.observe(history);
        let decision = strategy.decide(history, &account);
        recorder.decision(t, &decision, R::EVERY_BAR.then(|| strategy.explain(history, &account)));
        if let Decision::Act(intent) = decision {
            let trade = resolve(intent.order, &account);
            let now = bar.open_time + market.interval_ms;
            match timing {
                FillTiming::NextOpen if pending.is_some() => recorder.rejection(t, Rejection::InFlight),
                FillTiming::NextOpen => {
                    pending = Some(Pending { trade, reason: intent.reason, row: t, lands: now + latency });
                }
                FillTiming::SameClose => {
                    let touch = Touch { row: t, time: now, price: bar.close, decided_row: t };
                    match venue.execute(trade, touch, &mut ledger) {
                        Ok(fill) => recorder.fill(&fill, intent.reason),
                        Err(rejection) => recorder.rejection(t, rejection),
                    }
                    account = venue.account(&bar, t, &ledger);
                }
            }
        }
        if !marked {
            recorder.mark(t, account.equity, account.exposure());
        }
        t += 1;
    }
    if let Some(order) = pending {
        recorder.rejection(order.row, Rejection::NoNextBar);
    }
    ledger
}

/// An order that has been sent and has not landed.
struct Pending {
    trade: Trade,
    reason: Reason,
    row: usize,
    lands: i64,
}

/// Turns shares of the account into amounts, at the moment of the decision.
#[inline]
fn resolve(order: Order, account: &Account) -> Trade {
    match order {
        Order::Buy(Budget::Cash(share)) => Trade::BuyFor(share.get() * account.cash),
        Order::Buy(Budget::Equity(share)) => Trade::BuyFor(share.get() * account.equity),
        Order::Short(share) => Trade::ShortFor(share.get() * account.equity),
        Order::Sell(share) => Trade::SellShare(share.get()),
        Order::Cover(share) => Trade::CoverShare(share.get()),
    }
}
