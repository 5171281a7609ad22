//! The exchange's answers: a fill or a rejection as NautilusTrader's events, and a charge as a state of its account.

use nautilus_common::{
    msgbus::{self, MessagingSwitchboard},
    runner::drain_trading_cmd_queue,
};
use nautilus_core::UnixNanos;
use nautilus_model::{
    accounts::Account,
    enums::LiquiditySide,
    events::OrderEventAny,
    identifiers::{TradeId, VenueOrderId},
    orders::{Order, OrderAny},
    types::{AccountBalance, Money, Price},
};
use q50_engine::{
    limits::Limit,
    venue::{Arrival, Fill, FillTiming, MarketOrder, Rejection, Venue},
};

use crate::{
    books::{Amounts, Books, BooksOf, MirroredLedger},
    exchange::{SimulatedExchange, Submitted},
    feed::NS_PER_MS,
    limits::Moment,
    run_log::Instruction,
};

/// A fill as the venue has it, and as NautilusTrader is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) fill: Fill,
    pub(crate) amounts: Amounts,
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    /// Asks the venue for what the account's limits let pass. What it charges beside a fill is taken out of NautilusTrader's
    /// account here.
    pub(crate) fn ask(
        &self,
        i: usize,
        order: MarketOrder,
        arrival: Arrival,
        moment: Moment,
    ) -> Result<Filled, Rejection> {
        self.within_limits(i, order, arrival, moment, |order| self.ask_venue(i, order, arrival))
    }

    fn ask_venue(&self, i: usize, order: MarketOrder, arrival: Arrival) -> Result<Filled, Rejection> {
        let instrument = self.instrument(i);
        let mut ledger = instrument.books.borrow().ledger();
        let before = ledger.clone();
        let result = instrument.venue.borrow_mut().execute(order, arrival, &mut ledger);
        let fill = result.inspect_err(|_| {
            let paid = BooksOf::<V>::paid(&before, &ledger);
            if paid > 0 {
                self.charge(i, paid, UnixNanos::from(arrival.time as u64 * NS_PER_MS));
            }
        })?;
        let amounts = instrument.books.borrow().report(&fill, order, self.open_quantity(i), &instrument.terms);
        let amounts = amounts.and_then(|amounts| match amounts.quantity {
            0 => Err(format!("{fill:?} is no fill in NautilusTrader's integers")),
            _ => Price::from_raw_checked(amounts.price, 16).map(|_| amounts).map_err(|e| format!("{fill:?}: {e}")),
        });
        let amounts = amounts.unwrap_or_else(|what| {
            self.fault(i, what);
            Amounts { quantity: instrument.terms.step(), price: 1, commission: 0 }
        });
        Ok(Filled { fill, amounts })
    }

    /// Asks the venue for the order of a decision, or an exit, and reports what it says.
    pub(crate) fn execute(&self, i: usize, order: Submitted, arrival: Arrival) {
        let (Instruction::Decision(asked) | Instruction::Exit { order: asked, .. }) = order.params.instruction else {
            return;
        };
        let at = UnixNanos::from(arrival.time as u64 * NS_PER_MS);
        let moment = match self.instrument(i).terms.timing {
            FillTiming::NextOpen => Moment::Open,
            FillTiming::SameClose => Moment::Close,
        };
        match self.ask(i, asked, arrival, moment) {
            Ok(filled) => self.fill_at_once(i, order, filled, at),
            Err(rejection) => self.reject(i, order, rejection, at),
        }
    }

    /// Takes what a failed transaction cost out of NautilusTrader's account.
    fn charge(&self, i: usize, paid: i128, at: UnixNanos) {
        let Some(held) = self.cash(i) else { return self.fault(i, "NautilusTrader has no account to charge") };
        let quote = self.instrument(i).terms.quote;
        let (left, none) = (Money::from_raw(held.raw - paid, quote), Money::from_raw(0, quote));
        let balances = vec![AccountBalance::new(left, none, left)];
        let state = self.events.generate_account_state(balances, vec![], true, at, self.now());
        msgbus::send_account_state(MessagingSwitchboard::portfolio_update_account(), &state);
        match self.cash(i) {
            Some(balance) if balance.raw == left.raw => self.instrument(i).books.borrow_mut().charged(balance),
            found => self.fault(i, format!("a charge left {found:?} in NautilusTrader's account, expected {left}")),
        }
    }

    fn cash(&self, i: usize) -> Option<Money> {
        let (cache, terms) = (self.cache.borrow(), &self.instrument(i).terms);
        cache.account_for_venue(&terms.venue).and_then(|account| account.balance_total(Some(terms.quote)))
    }

    /// Size of NautilusTrader's open position, raw.
    fn open_quantity(&self, i: usize) -> Option<u128> {
        let cache = self.cache.borrow();
        let open = cache.positions_open(None, Some(&self.instrument(i).terms.instrument), None, None, None);
        open.first().map(|position| position.quantity.raw)
    }

    /// Sends an event, and has what the strategy answers submitted before anything else happens.
    pub(crate) fn send(&self, event: OrderEventAny) {
        msgbus::send_order_event(MessagingSwitchboard::exec_engine_process(), event);
        drain_trading_cmd_queue();
    }

    pub(crate) fn reject(&self, i: usize, order: Submitted, rejection: Rejection, at: UnixNanos) {
        if let Some(cached) = self.order(i, order.id) {
            self.send(self.events.generate_order_submitted(&cached, order.at));
            let reason = rejection.to_string();
            self.send(self.events.generate_order_rejected(&cached, &reason, at, self.now(), false));
        }
    }

    fn fill_at_once(&self, i: usize, order: Submitted, filled: Filled, at: UnixNanos) {
        let Some(cached) = self.order(i, order.id) else { return };
        let quantity = self.instrument(i).terms.quantity(filled.amounts.quantity);
        let (now, name) = (self.now(), VenueOrderId::new(format!("V-{}", self.number())));
        self.send(self.events.generate_order_submitted(&cached, order.at));
        self.send(self.events.generate_order_accepted(&cached, name, at, now));
        // A budget becomes a quantity only here.
        if cached.quantity() != quantity {
            self.send(self.events.generate_order_updated(&cached, name, quantity, None, None, None, at, now));
        }
        self.send(self.filled_event(i, &cached, name, filled, at));
    }

    pub(crate) fn filled_event(
        &self,
        i: usize,
        cached: &OrderAny,
        name: VenueOrderId,
        filled: Filled,
        at: UnixNanos,
    ) -> OrderEventAny {
        let Filled { fill, amounts: Amounts { quantity, price, commission } } = filled;
        let instrument = self.instrument(i);
        instrument.log.report(fill);
        self.events.generate_order_filled(
            cached,
            name,
            None,
            TradeId::new(format!("T-{}", self.number())),
            instrument.terms.quantity(quantity),
            Price::from_raw(price, 16),
            instrument.terms.quote,
            Some(Money::from_raw(commission, instrument.terms.quote)),
            LiquiditySide::Taker,
            at,
            self.now(),
        )
    }
}

/// The rejection that a reported reason means.
pub(crate) fn rejection_of(reason: &str) -> Option<Rejection> {
    let plain = [
        Rejection::BelowLot,
        Rejection::NoCash,
        Rejection::NoPosition,
        Rejection::NoShorting,
        Rejection::NoNextBar,
        Rejection::InFlight,
        Rejection::TransactionFailed,
        Rejection::Unsupported,
        Rejection::InsufficientMargin,
        Rejection::LeverageOfTier,
        Rejection::Unpriced,
    ];
    let limits = Limit::ALL.map(Rejection::Limit);
    match reason.strip_prefix("program:") {
        Some(code) => code.parse().ok().map(Rejection::Program),
        None => plain.into_iter().chain(limits).find(|rejection| rejection.to_string() == reason),
    }
}
