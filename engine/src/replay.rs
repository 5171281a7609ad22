//! THE loop: every backtest, sweep set, walk-forward window and validation runs through it.

use crate::{
    market::Market,
    parties::Parties,
    record::Recorder,
    session::Session,
    strategy::Strategy,
    venue::{FillTiming, Venue},
};

/// Replays `market` from its first traded row through `strategy` and `venue`, starting with `capital` quote units, and
/// returns the books.
///
/// At each bar, an order that lands in it is filled at its open, resting exits fill inside it, the strategy is shown the bar
/// and decides at its close from that bar and those before it, and the account is marked: `session.rs` is the rule.
///
/// Orders that the strategy places beside its decisions meet each bar as [`crate::matching`] says, and it hears of each event
/// when it happens.
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
    // Compiled twice, so that a strategy that only decides pays nothing for orders that it never places.
    if strategy.places_orders() {
        run::<true, S, V, R>(market, strategy, venue, capital, recorder)
    } else {
        run::<false, S, V, R>(market, strategy, venue, capital, recorder)
    }
}

fn run<const PLACES: bool, S: Strategy + ?Sized, V: Venue, R: Recorder>(
    market: &Market<'_>,
    strategy: &mut S,
    venue: &mut V,
    capital: f64,
    recorder: &mut R,
) -> V::Ledger {
    // Columns of one stated length, so that no row of them is checked again.
    let market = &market.prefix(market.len());
    let mut ledger = venue.open_account(capital);
    recorder.begin(capital, market.len() - market.first);
    let parties = Parties::new(market, strategy, venue, &mut ledger, recorder);
    let mut session = Session::<PLACES, S, V, R>::new(market, parties);
    let mut t = market.first;
    while t < market.len() {
        let mut marked = false;
        let Parties { strategy, venue, ledger, recorder, .. } = &mut session.parties;
        if !R::EVERY_BAR
            && session.pending.is_none()
            && (!PLACES || session.book.is_idle())
            && let Some(balances) = venue.balances(ledger)
        {
            let marks = &venue.marks(market)[..market.len()];
            let quiet = strategy.quiet_rows(market, marks, balances, t);
            // The bar at which the strategy acts is worth the same, because its order is filled later.
            marked = quiet > 0 && t + quiet < market.len() && venue.timing() == FillTiming::NextOpen;
            recorder.stretch(t, balances, &marks[t..t + quiet + usize::from(marked)]);
            t += quiet;
            if t == market.len() {
                break;
            }
        }
        session.open(t);
        let account = session.inside(t);
        let account = session.close(t, account);
        if !marked {
            session.parties.recorder.mark(t, account.equity, account.exposure());
        }
        t += 1;
    }
    session.end();
    ledger
}
