//! The participants in a replay.

use crate::{
    ledger::Books,
    orders::{Event, Outcome},
    record::Recorder,
    venue::{Arrival, Fill, MarketOrder, Rejection, Venue},
};

/// Those who take part in a replay.
pub(crate) struct Parties<'a, S: ?Sized, V: Venue, R> {
    pub(crate) strategy: &'a mut S,
    pub(crate) venue: &'a mut V,
    pub(crate) ledger: &'a mut V::Ledger,
    pub(crate) recorder: &'a mut R,
}

impl<S: ?Sized, V: Venue, R: Recorder> Parties<'_, S, V, R> {
    /// Sends `order` to the venue. What it charges beside a fill is recorded here, as `event` with that outcome; the fill or
    /// the rejection is the caller's.
    #[inline(always)]
    pub(crate) fn execute(&mut self, order: MarketOrder, arrival: Arrival, event: Event) -> Result<Fill, Rejection> {
        let before = self.ledger.free();
        let result = self.venue.execute(order, arrival, self.ledger);
        if result.is_err() {
            let paid = -V::Ledger::flow(before, self.ledger.free());
            if paid > 0.0 {
                self.recorder.event(&Event { outcome: Outcome::Charged(paid), ..event });
            }
        }
        result
    }
}
