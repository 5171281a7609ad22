//! The exchange's answers: a fill or a rejection as NautilusTrader's events, and a charge as a state of its account.

use nautilus_common::msgbus::{self, MessagingSwitchboard};
use nautilus_core::UnixNanos;
use nautilus_model::{
    accounts::Account,
    enums::LiquiditySide,
    events::OrderEventAny,
    identifiers::{TradeId, VenueOrderId},
    orders::{Order, OrderAny},
    types::{AccountBalance, Money, Price},
};
use q50_engine::venue::{Arrival, Fill, Rejection, Venue};

use crate::{
    books::{Amounts, Books, MirroredLedger},
    exchange::{SimulatedExchange, Submitted},
    feed::NS_PER_MS,
    run_log::reason_of,
};

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    /// Asks the venue, and reports what it says.
    pub(crate) fn execute(&self, order: Submitted, arrival: Arrival) {
        let trade = order.params.trade;
        let mut ledger = self.parts.books.borrow().ledger();
        let before = ledger.clone();
        let result = self.parts.venue.borrow_mut().execute(trade, arrival, &mut ledger);
        let at = UnixNanos::from(arrival.time as u64 * NS_PER_MS);
        match result {
            Ok(fill) => {
                // The books are written while NautilusTrader reports the fill: they must not be borrowed then.
                let amounts = self.parts.books.borrow().report(&fill, trade, self.open(), &self.parts.terms);
                match amounts {
                    Ok(amounts) => self.fill(order, &fill, amounts, at),
                    Err(what) => self.parts.log.fault(what),
                }
            }
            Err(rejection) => {
                let paid = <V::Ledger as MirroredLedger>::Books::paid(&before, &ledger);
                if paid > 0 {
                    self.charge(paid, at);
                }
                self.reject(order, rejection, at);
            }
        }
    }

    /// Takes what a failed transaction cost out of NautilusTrader's account.
    fn charge(&self, paid: i128, at: UnixNanos) {
        let held = self.cash();
        let Some(held) = held else {
            self.parts.log.fault("NautilusTrader has no account to charge");
            return;
        };
        let left = Money::from_raw(held.raw - paid, self.parts.terms.quote);
        let none = Money::from_raw(0, self.parts.terms.quote);
        let state = self.parts.events.generate_account_state(
            vec![AccountBalance::new(left, none, left)],
            vec![],
            true,
            at,
            self.now(),
        );
        msgbus::send_account_state(MessagingSwitchboard::portfolio_update_account(), &state);
        match self.cash() {
            Some(balance) if balance.raw == left.raw => self.parts.books.borrow_mut().charged(balance),
            found => {
                self.parts.log.fault(format!("a charge left {found:?} in NautilusTrader's account, expected {left}"));
            }
        }
    }

    fn cash(&self) -> Option<Money> {
        let cache = self.parts.cache.borrow();
        cache
            .account_for_venue(&self.parts.terms.venue)
            .and_then(|account| account.balance_total(Some(self.parts.terms.quote)))
    }

    /// Size of NautilusTrader's open position, raw.
    fn open(&self) -> Option<u128> {
        let cache = self.parts.cache.borrow();
        let open = cache.positions_open(None, Some(&self.parts.terms.instrument), None, None, None);
        open.first().map(|position| position.quantity.raw)
    }

    fn order(&self, order: Submitted) -> Option<OrderAny> {
        let found = self.parts.cache.borrow().order(&order.id).map(|order| order.clone());
        if found.is_none() {
            self.parts.log.fault(format!("{} is not in NautilusTrader's cache", order.id));
        }
        found
    }

    fn send(&self, event: OrderEventAny) {
        msgbus::send_order_event(MessagingSwitchboard::exec_engine_process(), event);
    }

    pub(crate) fn reject(&self, order: Submitted, rejection: Rejection, at: UnixNanos) {
        if let Some(cached) = self.order(order) {
            self.send(self.parts.events.generate_order_submitted(&cached, order.at));
            let reason = reason_of(rejection);
            self.send(self.parts.events.generate_order_rejected(&cached, &reason, at, self.now(), false));
        }
    }

    fn fill(&self, order: Submitted, fill: &Fill, amounts: Amounts, at: UnixNanos) {
        let Some(cached) = self.order(order) else {
            return;
        };
        let Amounts { quantity, price, commission } = amounts;
        if quantity == 0 || Price::from_raw_checked(price, 16).is_err() {
            self.parts.log.fault(format!("{fill:?} is no fill in NautilusTrader's integers"));
            return;
        }
        let (quantity, price) = (self.parts.terms.quantity(quantity), Price::from_raw(price, 16));
        let number = self.number();
        let (now, name) = (self.now(), VenueOrderId::new(format!("V-{number}")));
        let events = &self.parts.events;
        self.send(events.generate_order_submitted(&cached, order.at));
        self.send(events.generate_order_accepted(&cached, name, at, now));
        // A budget becomes a quantity only here.
        if cached.quantity() != quantity {
            self.send(events.generate_order_updated(&cached, name, quantity, None, None, None, at, now));
        }
        self.send(events.generate_order_filled(
            &cached,
            name,
            None,
            TradeId::new(format!("T-{number}")),
            quantity,
            price,
            self.parts.terms.quote,
            Some(Money::from_raw(commission, self.parts.terms.quote)),
            LiquiditySide::Taker,
            at,
            now,
        ));
    }
}
