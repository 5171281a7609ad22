//! Drives the engine's strategy from NautilusTrader's events: which row has closed, what the account is, what to send.

use std::{cell::RefCell, rc::Rc};

use nautilus_model::{
    enums::OrderSide,
    events::{OrderFilled, OrderRejected},
    identifiers::ClientOrderId,
};
use q50_engine::{
    decision::{Budget, Decision, Order, Reason},
    ledger::Account,
    strategy::Strategy,
    venue::{FillTiming, MarketOrder, Venue},
};

use crate::{
    books::{Books, MirroredLedger},
    feed::Columns,
    run_log::{Meeting, OrderParams, ReportedFill, RunLog, rejection_of},
    terms::Terms,
};

/// An order for NautilusTrader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub(crate) side: OrderSide,
    /// Raw; a guess where the order is a budget.
    pub(crate) quantity: u128,
    pub(crate) params: OrderParams,
}

/// What the actor hands on, without the types of strategy and venue.
pub(crate) trait EventHandler {
    /// A bar has closed at this moment.
    fn bar(&mut self, closes: u64) -> Option<Outgoing>;
    /// An order was sent under this name.
    fn sent(&mut self, id: ClientOrderId, params: OrderParams);
    /// An order was filled.
    fn filled(&mut self, event: &OrderFilled) -> Option<Outgoing>;
    /// An order was rejected, and this is what the account has left.
    fn rejected(&mut self, event: &OrderRejected) -> Option<Outgoing>;
}

/// Strategy, columns and books of one run.
pub(crate) struct StrategyDriver<S, V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) strategy: S,
    pub(crate) venue: Rc<RefCell<V>>,
    pub(crate) books: Rc<RefCell<<V::Ledger as MirroredLedger>::Books>>,
    pub(crate) columns: Rc<Columns>,
    pub(crate) terms: Rc<Terms>,
    pub(crate) log: RunLog,
    /// The row whose close is expected next.
    pub(crate) next: usize,
    /// The resting exit whose answer the decision of the present bar waits for.
    pub(crate) awaiting: Option<ClientOrderId>,
}

impl<S: Strategy, V: Venue> StrategyDriver<S, V>
where
    V::Ledger: MirroredLedger,
{
    fn account(&self, row: usize) -> Account {
        let bar = self.columns.market().bar(row);
        self.venue.borrow().account(&bar, row, &self.books.borrow().ledger())
    }

    /// Equity by the second books, at the venue's mark.
    fn mark(&self, account: &Account) -> (f64, f64) {
        (self.books.borrow().equity(account.price), account.exposure())
    }

    fn decide(&mut self, row: usize, account: &Account) -> Option<Outgoing> {
        let columns = Rc::clone(&self.columns);
        let market = columns.market();
        self.strategy.observe(market.history(row));
        let decision = self.strategy.decide(market.history(row), account);
        let mark = self.mark(account);
        self.log.write(|results| {
            results.decisions.push((row, decision));
            results.marks.push(mark);
        });
        match decision {
            Decision::Hold(_) => None,
            Decision::Act(intent) => {
                let trade = amount(intent.order, account);
                Some(self.outgoing(trade, Meeting::AfterLatency, intent.reason, row, account))
            }
        }
    }

    fn outgoing(
        &self,
        trade: MarketOrder,
        meeting: Meeting,
        reason: Reason,
        row: usize,
        account: &Account,
    ) -> Outgoing {
        let side = match trade {
            MarketOrder::BuyFor(_) | MarketOrder::CoverShare(_) | MarketOrder::Buy(_) => OrderSide::Buy,
            MarketOrder::SellShare(_) | MarketOrder::ShortFor(_) | MarketOrder::Sell(_) => OrderSide::Sell,
        };
        let guess = self.books.borrow().guess(trade, account.price, &self.terms);
        let step = self.terms.step();
        let quantity = (guess / step * step).clamp(step, LARGEST_GUESS / step * step);
        Outgoing { side, quantity, params: OrderParams { trade, meeting, reason, row } }
    }

    /// After an answer: the decision that waited for it, or the mark that it changes.
    fn answered(&mut self, id: ClientOrderId) -> Option<Outgoing> {
        let row = self.next.checked_sub(1)?;
        if self.awaiting.take_if(|awaited| *awaited == id).is_some() {
            let account = self.account(row);
            return self.decide(row, &account);
        }
        if self.terms.timing == FillTiming::SameClose {
            let mark = self.mark(&self.account(row));
            self.log.write(|results| {
                if let Some(last) = results.marks.last_mut() {
                    *last = mark;
                }
            });
        }
        None
    }
}

/// A guess is never beyond what NautilusTrader can multiply.
const LARGEST_GUESS: u128 = 10_u128.pow(25);

impl<S: Strategy, V: Venue> EventHandler for StrategyDriver<S, V>
where
    V::Ledger: MirroredLedger,
{
    fn bar(&mut self, closes: u64) -> Option<Outgoing> {
        let row = self.next;
        if self.columns.closes(row) != Some(closes) || self.awaiting.is_some() {
            self.log.fault(format!("a bar closed at {closes} ns where row {row} was expected"));
            return None;
        }
        self.next += 1;
        let account = self.account(row);
        if account.position != 0.0 {
            let bar = self.columns.market().bar(row);
            if let Some((price, reason)) = self.strategy.resting(&account).hit(&bar) {
                let trade =
                    if account.position > 0.0 { MarketOrder::SellShare(1.0) } else { MarketOrder::CoverShare(1.0) };
                let time = account.opened_at.unwrap_or(i64::MIN).max(bar.open_time);
                return Some(self.outgoing(trade, Meeting::Resting { price, time }, reason, row, &account));
            }
        }
        self.decide(row, &account)
    }

    fn sent(&mut self, id: ClientOrderId, params: OrderParams) {
        self.log.send(id, params);
        if matches!(params.meeting, Meeting::Resting { .. }) {
            self.awaiting = Some(id);
        }
    }

    fn filled(&mut self, event: &OrderFilled) -> Option<Outgoing> {
        let Some(params) = self.log.params(&event.client_order_id) else {
            self.log.fault(format!("{} was filled and was never sent", event.client_order_id));
            return None;
        };
        if let Err(what) = self.books.borrow_mut().fill(event, &self.terms) {
            self.log.fault(what);
        }
        let fill = ReportedFill { event: *event, reason: params.reason, decided_row: params.row };
        self.log.write(|results| results.fills.push(fill));
        self.answered(event.client_order_id)
    }

    fn rejected(&mut self, event: &OrderRejected) -> Option<Outgoing> {
        let params = self.log.params(&event.client_order_id);
        match params.zip(rejection_of(event.reason.as_str())) {
            Some((sent, rejection)) => self.log.write(|results| results.rejections.push((sent.row, rejection))),
            None => self.log.fault(format!("{} was rejected for '{}'", event.client_order_id, event.reason)),
        }
        self.answered(event.client_order_id)
    }
}

/// Shares of the account as amounts, at the moment of the decision.
fn amount(order: Order, account: &Account) -> MarketOrder {
    match order {
        Order::Buy(Budget::Cash(share)) => MarketOrder::BuyFor(share.get() * account.cash),
        Order::Buy(Budget::Equity(share)) => MarketOrder::BuyFor(share.get() * account.equity),
        Order::Short(share) => MarketOrder::ShortFor(share.get() * account.equity),
        Order::Sell(share) => MarketOrder::SellShare(share.get()),
        Order::Cover(share) => MarketOrder::CoverShare(share.get()),
    }
}
