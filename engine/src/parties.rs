//! The participants in a replay.

use crate::{
    ledger::Books,
    limits::Gate,
    market::Market,
    orders::{Event, Outcome},
    record::Recorder,
    strategy::Strategy,
    venue::{Arrival, Fill, MarketOrder, Rejection, Venue},
};

/// Those who take part in a replay.
pub(crate) struct Parties<'a, S: ?Sized, V: Venue, R> {
    pub(crate) strategy: &'a mut S,
    pub(crate) venue: &'a mut V,
    pub(crate) ledger: &'a mut V::Ledger,
    pub(crate) recorder: &'a mut R,
    /// Value of what the account holds in other instruments, quote units.
    pub(crate) elsewhere: f64,
    /// Limits of the account, where there are any.
    pub(crate) gate: Option<Box<Gate<'a>>>,
}

impl<'a, S: Strategy + ?Sized, V: Venue, R> Parties<'a, S, V, R> {
    /// Those of an account that holds nothing else.
    pub(crate) fn new(
        market: &'a Market<'a>,
        strategy: &'a mut S,
        venue: &'a mut V,
        ledger: &'a mut V::Ledger,
        recorder: &'a mut R,
    ) -> Self {
        let gate = Gate::new(strategy.limits(), market);
        Self { strategy, venue, ledger, recorder, elsewhere: 0.0, gate }
    }
}

impl<S: ?Sized, V: Venue, R: Recorder> Parties<'_, S, V, R> {
    /// Sends `order` to the venue. What it charges beside a fill is recorded here, as `event` with that outcome, and so is
    /// what a limit has cut; the fill or the rejection is the caller's.
    #[inline(always)]
    pub(crate) fn execute(&mut self, order: MarketOrder, arrival: Arrival, event: Event) -> Result<Fill, Rejection> {
        let Some(mut gate) = self.gate.take() else { return self.execute_at_venue(order, arrival, event) };
        let result = self.execute_within(&mut gate, order, arrival, event);
        self.gate = Some(gate);
        result
    }

    #[inline(always)]
    pub(crate) fn execute_at_venue(
        &mut self,
        order: MarketOrder,
        arrival: Arrival,
        event: Event,
    ) -> Result<Fill, Rejection> {
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
