//! The limits of an account in front of the venue of one of its instruments.

use super::{Holding, Limits, Standing, distance, mean_stop};
use crate::{
    fill::FillSide,
    ledger::Account,
    market::{Bar, History, Market},
    orders::{Event, Outcome},
    parties::Parties,
    record::Recorder,
    strategy::{Strategy, side::Side},
    venue::{Arrival, Fill, FillTiming, MarketOrder, Rejection, Venue},
};

/// What the limits have to know of one instrument, and of those beside it.
#[derive(Clone, Debug)]
pub(crate) struct Gate<'a> {
    limits: Limits,
    market: &'a Market<'a>,
    /// The other instruments of the account, as they stand.
    pub(crate) others: Vec<Holding<'a>>,
    /// Distances of the stops that entries would have, by the last close.
    stops: [Option<f64>; 2],
    /// Mean distance of the stops of what is held, a fraction of its value.
    pub(crate) stop: f64,
}

impl<'a> Gate<'a> {
    /// The gate of an instrument without a position; `None` where there is no limit.
    pub(crate) fn new(limits: Limits, market: &'a Market<'a>) -> Option<Box<Self>> {
        (!limits.is_none()).then(|| Box::new(Self { limits, market, others: Vec::new(), stops: [None; 2], stop: 1.0 }))
    }

    /// The last bar of `history` has closed: stops of entries are measured from it.
    #[cold]
    pub(crate) fn follow<S: Strategy + ?Sized>(&mut self, strategy: &S, history: History<'_>) {
        if self.limits.heat.is_some() {
            self.stops = [Side::Long, Side::Short].map(|side| strategy.stop_distance(history, side));
        }
    }
}

impl<S: ?Sized, V: Venue, R: Recorder> Parties<'_, S, V, R> {
    /// Sends `order` to the venue as far as the limits let it pass.
    #[cold]
    #[inline(never)]
    pub(crate) fn execute_within(
        &mut self,
        gate: &mut Gate<'_>,
        order: MarketOrder,
        arrival: Arrival,
        event: Event,
    ) -> Result<Fill, Rejection> {
        let Arrival { row, price, .. } = arrival;
        let open_time = gate.market.open_time[row];
        // Of the present bar no more is known than this price.
        let bar = Bar { open_time, open: price, high: price, low: price, close: price };
        let account = self.venue.account_at_open(&bar, row, self.ledger);
        let at_close = event.order.is_none() && self.venue.timing() == FillTiming::SameClose;
        let standing = Standing {
            equity: account.equity + self.elsewhere,
            own: Holding { market: gate.market, value: account.position * account.price, stop: gate.stop },
            position: account.position,
            price: self.venue.price_of_unit(row, price),
            stops: gate.stops,
            costs: [FillSide::Buy, FillSide::Sell].map(|side| self.venue.opening_cost(side)),
            others: &gate.others,
            known: if at_close { open_time + gate.market.interval_ms } else { open_time },
        };
        let (admitted, cut) = gate.limits.admit(order, &standing).map_err(Rejection::Limit)?;
        let filled = self.execute_at_venue(admitted, arrival, event);
        match (filled, cut) {
            (Ok(_), Some(limit)) => self.recorder.event(&Event { outcome: Outcome::Cut(limit), ..event }),
            (Err(Rejection::BelowLot), Some(limit)) => return Err(Rejection::Limit(limit)),
            _ => {}
        }
        let Account { position, .. } = self.venue.account_at_open(&bar, row, self.ledger);
        let side = if position > 0.0 { Side::Long } else { Side::Short };
        gate.stop = mean_stop(gate.stop, distance(gate.stops[side as usize]), account.position, position);
        filled
    }
}
